/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate flush: all rules out but those of the configuration, at once and whatever the state. In: Flush. Out: the generation
 * without them.
 */
#include "ctrl/cli/online.h"

int fg_cli_flush(struct fg_cli *cli)
{
	char generation[FG_CELL_MAX];
	json_t *reply;
	int r = fg_online_no_arguments(cli);

	if (r == FG_EXIT_DONE)
		r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "Flush", NULL, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	if (cli->json)
		r = fg_show_line(json_incref(reply));
	else
		printf("generation %s: all rules are out but those of the configuration.\n",
		       fg_cell_number(reply, "generation", generation));
	json_decref(reply);
	return fg_show_end(r);
}
