/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the verbs of the `flowgate` command share: options, exit codes, loading, and showing rules. One verb a file;
 * main.c has the table of them.
 */
#ifndef CTRL_CLI_CLI_H
#define CTRL_CLI_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "ctrl/load/load.h"
#include "ctrl/load/show.h"

enum fg_exit {
	FG_EXIT_DONE = 0,
	FG_EXIT_REFUSED = 1,
	FG_EXIT_USAGE = 2, /* or syntax */
	FG_EXIT_NOT_FOUND = 3,
	FG_EXIT_NO_CONNECTION = 4,
	FG_EXIT_ENVIRONMENT = 5,
};

/* Options, by bit: which of them a verb takes. --json and --help go with every verb. */
enum fg_option {
	FG_OPTION_RULES_FORM = 1 << 0, /* --from, --limits, --mtu, --ipv6-offset-encoding */
	FG_OPTION_FAMILY = 1 << 1,     /* --family, --actions */
	FG_OPTION_RULES = 1 << 2,      /* --rules */
	FG_OPTION_PACKET = 1 << 3,     /* --packet, --number, --all */
	FG_OPTION_READ = 1 << 4,       /* --read, --malformed */
	FG_OPTION_WRITE = 1 << 5,      /* --write-passed, --write-dropped */
};

struct fg_cli {
	const char *verb, *usage;
	bool json, all, full_offsets, drop_malformed;
	enum fg_load_form form;
	const char *limits;
	uint32_t mtu;
	enum fg_family family;
	bool vpn;
	const char *actions;
	const char *packet, *read, *write_passed, *write_dropped;
	uint64_t number; /* 0: not given */
	char **rules;    /* of --rules */
	size_t n_rules;
	char **argument; /* what is no option */
	size_t arguments;
};

/* Reads the words behind the verb. 0; -1: help was asked for and given; FG_EXIT_USAGE: said why on standard error. */
int fg_cli_options(struct fg_cli *cli, int argc, char **argv, unsigned int takes);
/* Says what is wrong with the call. FG_EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int fg_cli_usage(const struct fg_cli *cli, const char *fmt, ...);
/* Says what failed. Answers `code`. */
__attribute__((format(printf, 2, 3))) int fg_cli_fail(int code, const char *fmt, ...);

/* A loader with the limits of the options. An enum fg_exit; *load is NULL unless 0. */
int fg_cli_loader(const struct fg_cli *cli, struct fg_load **load);
/*
 * Adds files to it and says what is wrong with them; files that are wrong add nothing. The worst enum fg_exit of
 * them.
 */
int fg_cli_files(const struct fg_cli *cli, struct fg_load *load, char **files, size_t n);
/* Loader, the files of --rules, all judged; says how many were refused. An enum fg_exit; *load is NULL unless 0. */
int fg_cli_rules(const struct fg_cli *cli, struct fg_load **load);
/* FG_EXIT_REFUSED where a rule was, else FG_EXIT_DONE. */
int fg_cli_admission(const struct fg_load *load);

/* show.c: a rule as the object of `check --json`; text: FG_TEXT_MAX octets of room. NULL: no memory. */
json_t *fg_show_rule(const struct fg_loaded *rule, char *text);
json_t *fg_show_summary(const struct fg_load *load);
/* Writes an object in one line and drops it. 0 or FG_EXIT_ENVIRONMENT, said on standard error. */
int fg_show_line(json_t *object);
/* All rules and the summary, a line each. An enum fg_exit. */
int fg_show_rules(const struct fg_load *load, char *text);
/* Findings as "NAME: code component: detail (source)", a line each, with `before` before each. */
void fg_show_findings(FILE *to, const char *before, const struct fg_loaded *rule);
/* Canonical text into FG_TEXT_MAX octets; false: it has none, for octets or actions are not what they should be. */
bool fg_show_text(const struct fg_loaded *rule, char *text);
/* True where the octets are all of the rule: there are some, and no payload pattern beside them. */
bool fg_show_has_nlri(const struct fg_loaded *rule);
/* "NLRI_HEX" with length octets; to be freed. NULL: no memory. */
char *fg_show_nlri(const struct fg_loaded *rule);
const char *fg_show_state(const struct fg_loaded *rule);
/* Standard output has been written. FG_EXIT_ENVIRONMENT where that failed, `code` otherwise. */
int fg_show_end(int code);

int fg_cli_check(int argc, char **argv);
int fg_cli_decode(int argc, char **argv);
int fg_cli_encode(int argc, char **argv);
int fg_cli_explain(int argc, char **argv);
int fg_cli_replay(int argc, char **argv);

#endif
