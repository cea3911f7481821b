/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The words behind a verb, and what all verbs do with them before they begin. In: argv, the command table. Out: struct fg_cli, a
 * loader with rules. What is wrong is said on standard error, with the place where it is one of a file.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/table.h"

enum { OPTIONS_MAX = 64, WORD = 1 /* what getopt_long() answers for one that is no option */, FIRST_LETTER = 256 };

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

	fprintf(stderr, "flowgate %s: ", cli->verb->name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	fg_help_usage(stderr, cli->verb);
	return FG_EXIT_USAGE;
}

/* ---- Values ---- */

bool fg_cli_number(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || v > most / 10)
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	if (v < least || v > most)
		return false;
	*out = v;
	return true;
}

/* "90", "90s", "5m", "2h", "1d" in seconds. */
static bool duration_read(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char number[16];
	size_t len = strlen(text);
	uint64_t v, seconds = 1;

	for (size_t i = 0; len > 0 && i < sizeof(units) / sizeof(units[0]); i++)
		if (text[len - 1] == units[i].unit)
			seconds = units[i].seconds;
	if (len > 0 && (text[len - 1] < '0' || text[len - 1] > '9'))
		len--;
	if (len >= sizeof(number) || (text[len] != '\0' && strchr("smhd", text[len]) == NULL))
		return false;
	memcpy(number, text, len);
	number[len] = '\0';
	if (!fg_cli_number(number, 1, most, &v) || v > most / seconds || v * seconds < least)
		return false;
	*out = v * seconds;
	return true;
}

/* The place of a word among those between bars; -1: it is not there. */
static int choice_read(const char *word, const char *choices)
{
	for (int i = 0;; i++) {
		size_t len = strcspn(choices, "|");

		if (strlen(word) == len && strncmp(word, choices, len) == 0)
			return i;
		if (choices[len] == '\0')
			return -1;
		choices += len + 1;
	}
}

static int take_choice(const struct fg_cli *cli, const struct fg_option *o, const char *value, unsigned int *out)
{
	int i = choice_read(value, o->value);

	if (i < 0)
		return fg_cli_usage(cli, "unexpected '%s', expected --%s %s", value, o->name, o->value);
	*out = (unsigned int)i;
	return 0;
}

static int take_number(const struct fg_cli *cli, const struct fg_option *o, const char *value, uint64_t *out)
{
	if (fg_cli_number(value, o->least, o->most, out))
		return 0;
	return fg_cli_usage(cli, "unexpected '%s', expected --%s of %" PRIu64 " to %" PRIu64, value, o->name, o->least,
			    o->most);
}

static int take_seconds(const struct fg_cli *cli, const struct fg_option *o, const char *value, uint64_t *out)
{
	if (duration_read(value, o->least, o->most, out))
		return 0;
	return fg_cli_usage(cli, "unexpected '%s', expected --%s as 90s, 5m, 2h or 1d, at most %" PRIu64 "s", value,
			    o->name, o->most);
}

static int take(struct fg_cli *cli, const struct fg_option *o, char *value)
{
	void *field = (char *)cli + o->field;
	struct fg_words *list = field;

	switch (o->kind) {
	case FG_KIND_FLAG:
		*(bool *)field = true;
		return 0;
	case FG_KIND_TEXT:
		*(const char **)field = value;
		return 0;
	case FG_KIND_LIST:
		list->at[list->n++] = value;
		return 0;
	case FG_KIND_SECONDS:
		return take_seconds(cli, o, value, field);
	case FG_KIND_NUMBER:
		return take_number(cli, o, value, field);
	case FG_KIND_CHOICE:
		return take_choice(cli, o, value, field);
	case FG_KIND_HELP:
		fg_help_verb(stdout, cli->verb);
		return -1;
	}
	return 0;
}

/* ---- Words ---- */

/* Options of the verb as getopt_long() wants them; a letter is FIRST_LETTER and the place in the table. */
static void options_of(const struct fg_verb *verb, struct option *out)
{
	size_t n = 0;

	for (int i = 0; fg_options[i].name != NULL; i++) {
		const struct fg_option *o = &fg_options[i];

		if (n < OPTIONS_MAX && fg_verb_takes(verb, o))
			out[n++] = (struct option){ o->name, o->value != NULL ? required_argument : no_argument, NULL,
						    FIRST_LETTER + i };
	}
}

/* Room for as many words as there are, in each list. */
static bool lists_start(struct fg_cli *cli, int argc)
{
	struct fg_words *const lists[] = { &cli->argument, &cli->text, &cli->rules, &cli->names, &cli->sequences };
	size_t n = sizeof(lists) / sizeof(lists[0]);

	cli->room = calloc(n * (size_t)argc, sizeof(*cli->room));
	for (size_t i = 0; i < n && cli->room != NULL; i++)
		lists[i]->at = cli->room + i * (size_t)argc;
	return cli->room != NULL;
}

/* What is behind `--`: a rule in words where the verb takes one, arguments otherwise. */
static void rest_take(struct fg_cli *cli, int argc, char **argv)
{
	struct fg_words *list = cli->verb->takes & FG_TAKES_TEXT ? &cli->text : &cli->argument;

	for (int i = optind; i < argc; i++)
		list->at[list->n++] = argv[i];
}

int fg_cli_options(struct fg_cli *cli, int argc, char **argv)
{
	static char program[64];
	struct option options[OPTIONS_MAX + 1] = { 0 };
	int letter, r = 0;

	if (!lists_start(cli, argc))
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	options_of(cli->verb, options);
	snprintf(program, sizeof(program), "flowgate %s", cli->verb->name);
	argv[0] = program;
	while (r == 0 && (letter = getopt_long(argc, argv, "-", options, NULL)) != -1) {
		if (letter == WORD) {
			cli->argument.at[cli->argument.n++] = optarg;
		} else if (letter >= FIRST_LETTER) {
			r = take(cli, &fg_options[letter - FIRST_LETTER], optarg);
		} else { /* getopt_long() has said what */
			fg_help_usage(stderr, cli->verb);
			r = FG_EXIT_USAGE;
		}
	}
	if (r == 0)
		rest_take(cli, argc, argv);
	return r;
}

/* ---- Rules ---- */

int fg_cli_loader(const struct fg_cli *cli, struct fg_load **load)
{
	int r;

	*load = NULL;
	if (fg_load_new(load) != 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	(*load)->full_offsets = cli->full_offsets != 0;
	(*load)->payload = cli->xdp == 0;
	r = cli->limits != NULL ? fg_load_limits(*load, cli->limits) : 0;
	if (cli->mtu != 0)
		(*load)->limits.lint.mtu = (uint32_t)cli->mtu;
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
		int r = fg_load_file(load, files[i], (enum fg_load_form)cli->form),
		    code = r > 0 ? FG_EXIT_USAGE : FG_EXIT_ENVIRONMENT;

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
		r = fg_cli_files(cli, *load, cli->rules.at, cli->rules.n);
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
