/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command table: every verb and every option of the `flowgate` command, once. What reads the words of a call, what is said
 * of --help, and the completion of the shell all come from it; tests/e2e/test_table.sh compares the manual page with it.
 */
#ifndef CTRL_CLI_TABLE_H
#define CTRL_CLI_TABLE_H

#include "ctrl/cli/cli.h"

/* Groups of options, by bit: which of them a verb takes. --json and --help go with every verb. */
enum fg_takes {
	FG_TAKES_FORM = 1 << 0,     /* --from, --ipv6-offset-encoding: how rules are read */
	FG_TAKES_LIMITS = 1 << 1,   /* --limits, --mtu, --dataplane: how they are judged here */
	FG_TAKES_FAMILY = 1 << 2,   /* --family, --actions */
	FG_TAKES_RULES = 1 << 3,    /* --rules */
	FG_TAKES_PACKET = 1 << 4,   /* --packet, --number, --all */
	FG_TAKES_READ = 1 << 5,     /* --read, --malformed */
	FG_TAKES_WRITE = 1 << 6,    /* --write-passed, --write-dropped */
	FG_TAKES_ONLINE = 1 << 7,   /* --socket, --timeout */
	FG_TAKES_ADD = 1 << 8,      /* --partial, --dry-run, --count-only, --ttl, --owner, --ticket */
	FG_TAKES_CONFIRM = 1 << 9,  /* --confirm-within */
	FG_TAKES_DELETE = 1 << 10,  /* --name, --sequence */
	FG_TAKES_LIVE = 1 << 11,    /* --live */
	FG_TAKES_SOURCE = 1 << 12,  /* --source */
	FG_TAKES_STREAM = 1 << 13,  /* --count, --for */
	FG_TAKES_SAMPLES = 1 << 14, /* --rule, --write */
	FG_TAKES_HISTORY = 1 << 15, /* --last */
	FG_TAKES_LOAD = 1 << 17,    /* --other-load */
	FG_TAKES_COMPARE = 1 << 18, /* --compare */
	FG_TAKES_WATCH = 1 << 19,   /* --peers */
	FG_TAKES_TEXT = 1 << 16,    /* no option: words behind `--` are a rule, not files */
};

enum fg_option_kind {
	FG_KIND_FLAG = 0, /* bool */
	FG_KIND_TEXT,     /* const char * */
	FG_KIND_LIST,     /* struct fg_words: may be given again */
	FG_KIND_SECONDS,  /* uint64_t; a number and s, m, h or d */
	FG_KIND_NUMBER,   /* uint64_t of [least, most] */
	FG_KIND_CHOICE,   /* unsigned int: place in `value`, which is words between bars */
	FG_KIND_HELP,
};

struct fg_option {
	const char *name;  /* without -- */
	const char *value; /* as usage shows it; NULL: it has none */
	const char *what;  /* one sentence */
	uint32_t takes;    /* of enum fg_takes: verbs that take any of these; 0: every verb */
	enum fg_option_kind kind;
	size_t field; /* octet in struct fg_cli */
	uint64_t least, most;
};

struct fg_verb {
	const char *name;  /* one word, or two */
	const char *words; /* of usage: what is not optional, the options among it too */
	const char *what;  /* one sentence */
	uint32_t takes;    /* of enum fg_takes */
	int (*run)(struct fg_cli *cli);
};

/* Both end in one without a name. */
extern const struct fg_option fg_options[];
extern const struct fg_verb fg_verbs[];

/* An option that a verb takes. */
bool fg_verb_takes(const struct fg_verb *verb, const struct fg_option *option);
/* The verb that the first words name, and how many words that are; NULL: none. */
const struct fg_verb *fg_verb_find(int argc, char **argv, int *words);

/* help.c */
void fg_help_verbs(FILE *to);
void fg_help_usage(FILE *to, const struct fg_verb *verb);
void fg_help_verb(FILE *to, const struct fg_verb *verb);

#endif
