/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate rule list: every rule the daemon knows, its fate and what it did to packets. In: ListRules, a page at a time. Out:
 * a row each, in the order of the daemon; objects as they came with --json.
 */
#include <stdlib.h>

#include "ctrl/cli/online.h"

struct list {
	const struct fg_cli *cli;
	struct libscols_table *table;
	uint64_t rules;
};

static int rule_row(void *ctx, json_t *rule)
{
	struct list *l = ctx;
	char cell[5][FG_CELL_MAX], text[FG_ONLINE_TEXT_SHOWN + 4];

	l->rules++;
	if (l->cli->json)
		return fg_show_line(json_incref(rule));
	fg_columns_row(l->table,
		       (const char *const[]){ fg_cell_number(rule, "sequence", cell[0]), fg_cell_text(rule, "name"),
					      fg_cell_text(rule, "state"), fg_cell_text(rule, "source"),
					      fg_cell_inner(rule, "matched", "packets", cell[1]),
					      fg_cell_inner(rule, "passed", "packets", cell[2]),
					      fg_cell_inner(rule, "dropped", "packets", cell[3]),
					      fg_cell_time(rule, "expires", cell[4]), fg_online_text(rule, text) });
	return FG_EXIT_DONE;
}

int fg_cli_rule_list(struct fg_cli *cli)
{
	static const char *const names[] = { ">SEQ",    "NAME",     "STATE",   "SOURCE", ">MATCHED",
					     ">PASSED", ">DROPPED", "EXPIRES", "RULE",   NULL };
	json_t *parameters = json_object();
	json_int_t generation = 0;
	struct list l = { cli, NULL, 0 };
	int r = fg_online_no_arguments(cli);

	if (r == FG_EXIT_DONE) {
		l.table = fg_columns_new(names);
		if (cli->source != NULL)
			json_object_set_new(parameters, "source", fg_show_string(cli->source));
		r = fg_online_rules(cli, json_incref(parameters), rule_row, &l, &generation);
	}
	json_decref(parameters);
	fg_columns_print(l.table);
	if (r != FG_EXIT_DONE)
		return fg_show_end(r);
	if (cli->json)
		r = fg_show_line(
			json_pack("{s:{s:I,s:I}}", "summary", "rules", (json_int_t)l.rules, "generation", generation));
	else
		printf("%llu rules, generation %lld.\n", (unsigned long long)l.rules, (long long)generation);
	return fg_show_end(r);
}
