/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate rollback: the rules as they were in a generation, as a new one. In: its number. Out: what that changed.
 */
#include "ctrl/cli/online.h"

int fg_cli_rollback(struct fg_cli *cli)
{
	char cell[3][FG_CELL_MAX];
	uint64_t generation;
	json_t *reply;
	int r;

	if (cli->argument.n != 1 || !fg_cli_number(cli->argument.at[0], 0, INT64_MAX, &generation))
		return fg_cli_usage(cli, "expected the number of a generation; `flowgate history` has them");
	r = fg_online_ask(cli, FG_ONLINE_BATCH_TIMEOUT_S, "Rollback",
			  json_pack("{s:I}", "generation", (json_int_t)generation), &reply);
	if (r != FG_EXIT_DONE)
		return r;
	if (cli->json)
		r = fg_show_line(json_incref(reply));
	else
		printf("generation %s: as generation %s was; %s rules added, %s deleted.\n",
		       fg_cell_number(reply, "generation", cell[0]), cli->argument.at[0],
		       fg_cell_number(reply, "added", cell[1]), fg_cell_number(reply, "deleted", cell[2]));
	json_decref(reply);
	return fg_show_end(r);
}
