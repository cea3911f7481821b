/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The words behind a verb, and what all verbs do with them before they begin. In: argv. Out: struct fg_cli, a
 * loader with rules. What is wrong is said on standard error, with the place where it is one of a file.
 */
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/cli.h"

enum {
	LETTER_JSON = 256,
	LETTER_HELP,
	LETTER_FROM,
	LETTER_LIMITS,
	LETTER_MTU,
	LETTER_OFFSETS,
	LETTER_FAMILY,
	LETTER_ACTIONS,
	LETTER_RULES,
	LETTER_PACKET,
	LETTER_NUMBER,
	LETTER_ALL,
	LETTER_READ,
	LETTER_MALFORMED,
	LETTER_WRITE_PASSED,
	LETTER_WRITE_DROPPED,
};

static const struct known {
	const char *name;
	int letter;
	int argument;
	unsigned int takes; /* 0: every verb */
} known[] = {
	{ "json", LETTER_JSON, no_argument, 0 },
	{ "help", LETTER_HELP, no_argument, 0 },
	{ "from", LETTER_FROM, required_argument, FG_OPTION_RULES_FORM },
	{ "limits", LETTER_LIMITS, required_argument, FG_OPTION_RULES_FORM },
	{ "mtu", LETTER_MTU, required_argument, FG_OPTION_RULES_FORM },
	{ "ipv6-offset-encoding", LETTER_OFFSETS, required_argument, FG_OPTION_RULES_FORM },
	{ "family", LETTER_FAMILY, required_argument, FG_OPTION_FAMILY },
	{ "actions", LETTER_ACTIONS, required_argument, FG_OPTION_FAMILY },
	{ "rules", LETTER_RULES, required_argument, FG_OPTION_RULES },
	{ "packet", LETTER_PACKET, required_argument, FG_OPTION_PACKET },
	{ "number", LETTER_NUMBER, required_argument, FG_OPTION_PACKET },
	{ "all", LETTER_ALL, no_argument, FG_OPTION_PACKET },
	{ "read", LETTER_READ, required_argument, FG_OPTION_READ },
	{ "malformed", LETTER_MALFORMED, required_argument, FG_OPTION_READ },
	{ "write-passed", LETTER_WRITE_PASSED, required_argument, FG_OPTION_WRITE },
	{ "write-dropped", LETTER_WRITE_DROPPED, required_argument, FG_OPTION_WRITE },
};
enum { KNOWN = sizeof(known) / sizeof(known[0]) };

int fg_cli_fail(int code, const char *fmt, ...)
{
	va_list args;

	fputs("flowgate: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

int fg_cli_usage(const struct fg_cli *cli, const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "flowgate %s: ", cli->verb);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nusage: flowgate %s\n", cli->usage);
	return FG_EXIT_USAGE;
}

/* A number of decimal digits in [least, most]. */
static bool number_read(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || v > most)
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	if (v < least || v > most)
		return false;
	*out = v;
	return true;
}

/* The place of a word in a list that ends in NULL; -1: it is not there. */
static int word_place(const char *word, const char *const *list)
{
	for (int i = 0; list[i] != NULL; i++)
		if (strcmp(word, list[i]) == 0)
			return i;
	return -1;
}

static int take_family(struct fg_cli *cli, const char *value)
{
	static const char *const families[] = { "ipv4", "ipv6", "ipv4-vpn", "ipv6-vpn", NULL };
	int i = word_place(value, families);

	if (i < 0)
		return fg_cli_usage(cli, "unexpected '%s', expected --family ipv4, ipv6, ipv4-vpn or ipv6-vpn", value);
	cli->family = i & 1 ? FG_IPV6 : FG_IPV4;
	cli->vpn = i >= 2;
	return 0;
}

static int take_form(struct fg_cli *cli, const char *value)
{
	static const char *const forms[] = { "auto", "text", "hex", "json", NULL };
	int i = word_place(value, forms);

	if (i < 0)
		return fg_cli_usage(cli, "unexpected '%s', expected --from auto, text, hex or json", value);
	cli->form = (enum fg_load_form)i;
	return 0;
}

static int take_choice(struct fg_cli *cli, const char *value, const char *option, const char *no, const char *yes,
		       bool *out)
{
	const char *const words[] = { no, yes, NULL };
	int i = word_place(value, words);

	if (i < 0)
		return fg_cli_usage(cli, "unexpected '%s', expected --%s %s or %s", value, option, no, yes);
	*out = i == 1;
	return 0;
}

static int take(struct fg_cli *cli, int letter, char *value)
{
	uint64_t v;

	switch (letter) {
	case LETTER_JSON:
		cli->json = true;
		return 0;
	case LETTER_FROM:
		return take_form(cli, value);
	case LETTER_LIMITS:
		cli->limits = value;
		return 0;
	case LETTER_MTU:
		if (!number_read(value, FG_LENGTH4_MIN, FG_LENGTH6_MAX, &v))
			return fg_cli_usage(cli, "unexpected '%s', expected --mtu of 20 to 65575", value);
		cli->mtu = (uint32_t)v;
		return 0;
	case LETTER_OFFSETS:
		return take_choice(cli, value, "ipv6-offset-encoding", "strict", "full", &cli->full_offsets);
	case LETTER_FAMILY:
		return take_family(cli, value);
	case LETTER_ACTIONS:
		cli->actions = value;
		return 0;
	case LETTER_RULES:
		cli->rules[cli->n_rules++] = value;
		return 0;
	case LETTER_PACKET:
		cli->packet = value;
		return 0;
	case LETTER_NUMBER:
		if (!number_read(value, 1, UINT64_MAX / 16, &cli->number))
			return fg_cli_usage(cli, "unexpected '%s', expected --number of a packet, from 1", value);
		return 0;
	case LETTER_ALL:
		cli->all = true;
		return 0;
	case LETTER_READ:
		cli->read = value;
		return 0;
	case LETTER_MALFORMED:
		return take_choice(cli, value, "malformed", "pass", "drop", &cli->drop_malformed);
	case LETTER_WRITE_PASSED:
		cli->write_passed = value;
		return 0;
	case LETTER_WRITE_DROPPED:
		cli->write_dropped = value;
		return 0;
	default: /* getopt_long() has said what */
		fprintf(stderr, "usage: flowgate %s\n", cli->usage);
		return FG_EXIT_USAGE;
	}
}

int fg_cli_options(struct fg_cli *cli, int argc, char **argv, unsigned int takes)
{
	static char *rules[4096];
	static char program[64];
	struct option options[KNOWN + 1] = { 0 };
	size_t n = 0;

	for (size_t i = 0; i < KNOWN; i++)
		if (known[i].takes == 0 || (known[i].takes & takes) != 0)
			options[n++] = (struct option){ known[i].name, known[i].argument, NULL, known[i].letter };
	snprintf(program, sizeof(program), "flowgate %s", cli->verb);
	argv[0] = program;
	cli->rules = rules;
	for (;;) {
		int letter = getopt_long(argc, argv, "", options, NULL), r;

		if (letter == -1)
			break;
		if (letter == LETTER_HELP) {
			printf("usage: flowgate %s\n", cli->usage);
			return -1;
		}
		if (cli->n_rules == sizeof(rules) / sizeof(rules[0]))
			return fg_cli_usage(cli, "more than %zu files", cli->n_rules);
		r = take(cli, letter, optarg);
		if (r != 0)
			return r;
	}
	cli->argument = argv + optind;
	cli->arguments = (size_t)(argc - optind);
	return 0;
}

int fg_cli_loader(const struct fg_cli *cli, struct fg_load **load)
{
	int r;

	*load = NULL;
	if (fg_load_new(load) != 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	(*load)->full_offsets = cli->full_offsets;
	r = cli->limits != NULL ? fg_load_limits(*load, cli->limits) : 0;
	if (cli->mtu != 0)
		(*load)->limits.lint.mtu = cli->mtu;
	if (r == 0)
		return FG_EXIT_DONE;
	fg_cli_fail(0, "%s", (*load)->error);
	fg_load_free(*load);
	*load = NULL;
	return r > 0 ? FG_EXIT_USAGE : FG_EXIT_ENVIRONMENT;
}

int fg_cli_files(const struct fg_cli *cli, struct fg_load *load, char **files, size_t n)
{
	int worst = FG_EXIT_DONE;

	for (size_t i = 0; i < n; i++) {
		int r = fg_load_file(load, files[i], cli->form), code = r > 0 ? FG_EXIT_USAGE : FG_EXIT_ENVIRONMENT;

		if (r == 0)
			continue;
		/* A syntax error begins with its place, so that editors find it. */
		if (r > 0)
			fprintf(stderr, "%s\n", load->error);
		else
			fg_cli_fail(0, "%s", load->error);
		worst = code > worst ? code : worst;
	}
	return worst;
}

int fg_cli_rules(const struct fg_cli *cli, struct fg_load **load)
{
	int r = fg_cli_loader(cli, load);

	if (r == FG_EXIT_DONE)
		r = fg_cli_files(cli, *load, cli->rules, cli->n_rules);
	if (r == FG_EXIT_DONE && fg_load_admit(*load) != 0)
		r = fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	if (r != FG_EXIT_DONE) {
		fg_load_free(*load);
		*load = NULL;
	} else if (fg_cli_admission(*load) != FG_EXIT_DONE) {
		fg_cli_fail(0, "%zu of %zu rules are refused and not enforced; `flowgate check` says why",
			    (*load)->count - (*load)->admitted, (*load)->count);
	}
	return r;
}

int fg_cli_admission(const struct fg_load *load)
{
	return load->admitted == load->count ? FG_EXIT_DONE : FG_EXIT_REFUSED;
}
