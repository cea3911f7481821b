/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate limits: budgets as configured, and what is used of them; of the whole table and of each source. In: Limits. Out: a table;
 * an object each with --json, the table's own first.
 */
#include "ctrl/cli/online.h"

struct limits {
	const struct fg_cli *cli;
	struct libscols_table *table;
};

static void budget_row(struct libscols_table *table, const char *name, const json_t *b)
{
	char cell[6][FG_CELL_MAX];

	fg_columns_row(table,
		       (const char *const[]){
			       name, fg_cell_number(b, "bytes", cell[0]), fg_cell_number(b, "bytes_budget", cell[1]),
			       fg_cell_number(b, "lines", cell[2]), fg_cell_number(b, "lines_budget", cell[3]),
			       fg_cell_number(b, "slots", cell[4]), fg_cell_number(b, "slots_budget", cell[5]) });
}

static int source_row(void *ctx, json_t *source)
{
	struct limits *l = ctx;

	if (l->cli->json)
		return fg_show_line(json_incref(source));
	budget_row(l->table, fg_cell_text(source, "source"), source);
	return FG_EXIT_DONE;
}

int fg_cli_limits(struct fg_cli *cli)
{
	static const char *const names[] = { "SOURCE", ">BYTES", ">OF", ">LINES", ">OF", ">RULES", ">OF", NULL };
	struct limits l = { cli, NULL };
	json_t *reply;
	int r = fg_online_no_arguments(cli);

	if (r == FG_EXIT_DONE)
		r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "Limits", NULL, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	l.table = fg_columns_new(names);
	if (cli->json)
		r = fg_show_line(json_pack("{s:O?}", "budget", json_object_get(reply, "budget")));
	else
		budget_row(l.table, "all", json_object_get(reply, "budget"));
	if (r == FG_EXIT_DONE)
		r = fg_online_each(reply, "sources", source_row, &l);
	fg_columns_print(l.table);
	json_decref(reply);
	return fg_show_end(r);
}
