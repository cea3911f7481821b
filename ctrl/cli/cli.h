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

struct fg_verb;

struct fg_words {
	char **at;
	size_t n;
};

/* What the words behind a verb said; table.c says which option fills which. Numbers and durations are 0 where not given. */
struct fg_cli {
	const struct fg_verb *verb;
	bool json, all, live, partial, dry_run, count_only, peers;
	unsigned int form;         /* enum fg_load_form */
	unsigned int full_offsets; /* 1: FG_OFFSET_FULL */
	unsigned int family;       /* enum fg_family, and 2 more where of a VPN */
	unsigned int drop_malformed;
	unsigned int xdp; /* 1: rules are judged as for the XDP dataplane, 0: as for DPDK's */
	const char *limits, *actions, *packet, *read, *write_passed, *write_dropped;
	const char *owner, *ticket, *source, *rule, *write, *socket, *compare;
	uint64_t mtu, number, ttl_s, confirm_within_s, count, for_s, last, timeout_s, other_load;
	char **room; /* of the lists below; to be freed */
	struct fg_words rules, names, sequences;
	struct fg_words argument; /* what is no option */
	struct fg_words text;     /* what is behind `--` of a verb with FG_TAKES_TEXT */
};

/* Reads the words behind the verb. 0; -1: help was asked for and given; an enum fg_exit: said why on standard error. */
int fg_cli_options(struct fg_cli *cli, int argc, char **argv);
/* A number of decimal digits in [least, most]. */
bool fg_cli_number(const char *text, uint64_t least, uint64_t most, uint64_t *out);
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

/* The verbs: an enum fg_exit. Each is a file of its name. */
int fg_cli_bench(struct fg_cli *cli);
int fg_cli_bench_sizing(struct fg_cli *cli);
int fg_cli_check(struct fg_cli *cli);
int fg_cli_completion(struct fg_cli *cli);
int fg_cli_confirm(struct fg_cli *cli);
int fg_cli_counters(struct fg_cli *cli);
int fg_cli_decode(struct fg_cli *cli);
int fg_cli_doctor(struct fg_cli *cli);
int fg_cli_encode(struct fg_cli *cli);
int fg_cli_explain(struct fg_cli *cli);
int fg_cli_flush(struct fg_cli *cli);
int fg_cli_health(struct fg_cli *cli);
int fg_cli_history(struct fg_cli *cli);
int fg_cli_limits(struct fg_cli *cli);
int fg_cli_quarantine_add(struct fg_cli *cli);
int fg_cli_quarantine_delete(struct fg_cli *cli);
int fg_cli_quarantine_list(struct fg_cli *cli);
int fg_cli_bgp_peers(struct fg_cli *cli);
int fg_cli_bgp_errors(struct fg_cli *cli);
int fg_cli_replay(struct fg_cli *cli);
int fg_cli_rollback(struct fg_cli *cli);
int fg_cli_rule_add(struct fg_cli *cli);
int fg_cli_rule_delete(struct fg_cli *cli);
int fg_cli_rule_list(struct fg_cli *cli);
int fg_cli_rule_show(struct fg_cli *cli);
int fg_cli_samples(struct fg_cli *cli);
int fg_cli_shadow(struct fg_cli *cli);
int fg_cli_status(struct fg_cli *cli);
int fg_cli_watch(struct fg_cli *cli);

#endif
