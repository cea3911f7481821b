/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate history: generations that `rollback` can go back to, the latest first. In: History. Out: a row each; objects with
 * --json.
 */
#include "ctrl/cli/online.h"

struct history {
	const struct fg_cli *cli;
	struct libscols_table *table;
};

static int generation_row(void *ctx, json_t *g)
{
	struct history *h = ctx;
	char cell[4][FG_CELL_MAX];

	if (h->cli->json)
		return fg_show_line(json_incref(g));
	fg_columns_row(h->table, (const char *const[]){
					 fg_cell_number(g, "generation", cell[0]), fg_cell_time(g, "time", cell[1]),
					 fg_cell_text(g, "who"), fg_cell_number(g, "added", cell[2]),
					 fg_cell_number(g, "deleted", cell[3]), fg_cell_text(g, "what") });
	return FG_EXIT_DONE;
}

int fg_cli_history(struct fg_cli *cli)
{
	static const char *const names[] = { ">GENERATION", "TIME", "WHO", ">ADDED", ">DELETED", "WHAT", NULL };
	struct history h = { cli, NULL };
	json_t *parameters, *reply;
	int r = fg_online_no_arguments(cli);

	if (r != FG_EXIT_DONE)
		return r;
	parameters = json_object();
	if (cli->last != 0)
		json_object_set_new(parameters, "limit", json_integer((json_int_t)cli->last));
	r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "History", parameters, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	h.table = fg_columns_new(names);
	r = fg_online_each(reply, "generations", generation_row, &h);
	fg_columns_print(h.table);
	json_decref(reply);
	return fg_show_end(r);
}
