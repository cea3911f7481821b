/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate rule show: all that is known of the rules of a name. In: ListRules. Out: a line for each thing known; objects with
 * --json. A name that nothing has is FG_EXIT_NOT_FOUND.
 */
#include <string.h>

#include "ctrl/cli/online.h"

struct show {
	const struct fg_cli *cli;
	size_t shown;
};

static void show_counts(const json_t *rule)
{
	static const char *const names[] = { "matched", "passed", "dropped" };
	char packets[FG_CELL_MAX], bytes[FG_CELL_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_is_object(json_object_get(rule, names[i])))
			printf("  %-11s %s packets, %s bytes\n", names[i],
			       fg_cell_inner(rule, names[i], "packets", packets),
			       fg_cell_inner(rule, names[i], "bytes", bytes));
}

static void show_texts(const json_t *rule)
{
	static const char *const names[] = { "text", "state", "source", "owner", "ticket", "site", "family", "nlri" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fg_cell_text(rule, names[i])[0] != '\0')
			printf("  %-11s %s\n", names[i], fg_cell_text(rule, names[i]));
	if (json_is_true(json_object_get(rule, "count_only")))
		puts("  count only  it does nothing to packets");
	if (json_is_true(json_object_get(rule, "static")))
		puts("  static      of the configuration: a flush leaves it");
}

static void show_numbers(const json_t *rule)
{
	char out[2][FG_CELL_MAX];
	static const char *const times[][2] = { { "added", "added" },
						{ "expires", "expires" },
						{ "last hit", "last_hit" } };

	printf("  %-11s %s, since generation %s\n", "sequence", fg_cell_number(rule, "sequence", out[0]),
	       fg_cell_number(rule, "generation", out[1]));
	printf("  %-11s %s bytes, %s lines\n", "cost", fg_cell_inner(rule, "cost", "bytes", out[0]),
	       fg_cell_inner(rule, "cost", "lines", out[1]));
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (strcmp(fg_cell_time(rule, times[i][1], out[0]), "-") != 0)
			printf("  %-11s %s\n", times[i][0], out[0]);
}

static int rule_shown(void *ctx, json_t *rule)
{
	struct show *s = ctx;

	s->shown++;
	if (s->cli->json)
		return fg_show_line(json_incref(rule));
	printf("%s\n", fg_cell_text(rule, "name"));
	show_texts(rule);
	show_numbers(rule);
	show_counts(rule);
	fg_online_findings(rule);
	return FG_EXIT_DONE;
}

int fg_cli_rule_show(struct fg_cli *cli)
{
	struct show s = { cli, 0 };
	int r;

	if (cli->argument.n != 1)
		return fg_cli_usage(cli, "expected the name of a rule");
	r = fg_online_rules(cli, json_pack("{s:o}", "name", fg_show_string(cli->argument.at[0])), rule_shown, &s, NULL);
	if (r == FG_EXIT_DONE && s.shown == 0)
		r = fg_cli_fail(FG_EXIT_NOT_FOUND, "no such rule: %s", cli->argument.at[0]);
	return fg_show_end(r);
}
