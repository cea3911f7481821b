/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate check: what would become of the rules of these files? In: files. Out: each rule with its canonical text,
 * state, cost, place and reasons, in the order of the input; then the summary of the table. Nothing is enforced. With --live
 * the daemon judges, against what it enforces.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/batch.h"
#include "ctrl/cli/cli.h"
#include "ctrl/cli/columns.h"
#include "ctrl/rule/print.h"

enum { TEXT_SHOWN = 110 };

/* The text without its name, cut. */
static const char *text_shown(const struct fg_loaded *rule, char *text)
{
	const char *match;

	if (!fg_show_text(rule, text))
		return "-";
	match = strstr(text, "match ");
	if (match == NULL)
		match = text;
	if (strlen(match) > TEXT_SHOWN)
		strcpy(text + (match - text) + TEXT_SHOWN, "...");
	return match;
}

static void show_row(struct libscols_table *table, const struct fg_loaded *rule, char *text)
{
	char name[FG_NAME_MAX + 1], numbers[3][24] = { "-", "-", "-" };
	const char *cells[] = { fg_loaded_name(rule, name), fg_show_state(rule), numbers[0], numbers[1], numbers[2],
				text_shown(rule, text) };

	if (rule->precedence != 0)
		snprintf(numbers[0], sizeof(numbers[0]), "%" PRIu32, rule->precedence);
	if (rule->checked) {
		snprintf(numbers[1], sizeof(numbers[1]), "%" PRIu64, rule->cost.bytes);
		snprintf(numbers[2], sizeof(numbers[2]), "%" PRIu32, rule->cost.lines);
	}
	fg_columns_row(table, cells);
}

static void show_table(const struct fg_load *load, char *text)
{
	static const char *const names[] = { "NAME", "STATE", ">ORDER", ">BYTES", ">LINES", "RULE", NULL };
	struct libscols_table *table = fg_columns_new(names);

	for (size_t i = 0; i < load->count; i++)
		show_row(table, load->rule[i], text);
	fg_columns_print(table);
	for (size_t i = 0; i < load->count; i++)
		fg_show_findings(stdout, "", load->rule[i]);
	printf("%zu rules: %zu admitted, %zu refused. Image %" PRIu64 " of %" PRIu64
	       " bytes; worst packet reads %" PRIu32 " of %" PRIu64 " lines.\n",
	       load->count, load->admitted, load->count - load->admitted, load->cost.bytes, load->limits.bytes,
	       load->cost.lines, load->limits.lines);
	if (load->patterns.serialised != NULL)
		printf("Payload patterns %" PRIu64 " of %" PRIu64 " bytes; at most %" PRIu32
		       " octets of a packet are scanned.\n",
		       load->patterns.octets, load->limits.pattern_bytes, load->limits.scan_octets);
}

static int show(const struct fg_cli *cli, const struct fg_load *load)
{
	char *text = malloc(FG_TEXT_MAX);
	int r = FG_EXIT_DONE;

	if (text == NULL)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	if (cli->json)
		r = fg_show_rules(load, text);
	else
		show_table(load, text);
	free(text);
	return fg_show_end(r);
}

static int check_offline(const struct fg_cli *cli)
{
	struct fg_load *load;
	int r = fg_cli_loader(cli, &load), files;

	if (r != FG_EXIT_DONE)
		return r;
	files = fg_cli_files(cli, load, cli->argument.at, cli->argument.n);
	if (files == FG_EXIT_DONE || cli->argument.n > 1) {
		r = fg_load_admit(load) != 0 ? fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory") : show(cli, load);
		if (r == FG_EXIT_DONE)
			r = fg_cli_admission(load);
	}
	fg_load_free(load);
	return files > r ? files : r;
}

int fg_cli_check(struct fg_cli *cli)
{
	if (cli->argument.n == 0)
		return fg_cli_usage(cli, "expected a file of rules, or - for standard input");
	return cli->live ? fg_batch_check(cli) : check_offline(cli);
}
