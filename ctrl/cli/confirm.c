/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate confirm: the change that waits for it stays. In: Confirm. Out: the generation that stays. With nothing to
 * confirm it is FG_EXIT_NOT_FOUND.
 */
#include "ctrl/cli/online.h"

int fg_cli_confirm(struct fg_cli *cli)
{
	char generation[FG_CELL_MAX];
	json_t *reply;
	int r = fg_online_no_arguments(cli);

	if (r == FG_EXIT_DONE)
		r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "Confirm", NULL, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	if (cli->json)
		r = fg_show_line(json_incref(reply));
	else
		printf("generation %s: confirmed, it stays.\n", fg_cell_number(reply, "generation", generation));
	json_decref(reply);
	return fg_show_end(r);
}
