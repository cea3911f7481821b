/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate shadow: the whole table counts verdicts and does nothing to packets, or does it again. In: on or off. Out: what is so
 * now.
 */
#include <string.h>

#include "ctrl/cli/online.h"

int fg_cli_shadow(struct fg_cli *cli)
{
	json_t *reply;
	bool on;
	int r;

	if (cli->argument.n != 1 || (strcmp(cli->argument.at[0], "on") != 0 && strcmp(cli->argument.at[0], "off") != 0))
		return fg_cli_usage(cli, "expected on or off");
	on = strcmp(cli->argument.at[0], "on") == 0;
	r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "SetShadow", json_pack("{s:b}", "on", on), &reply);
	if (r != FG_EXIT_DONE)
		return r;
	json_decref(reply);
	if (cli->json)
		r = fg_show_line(json_pack("{s:b}", "shadow", on));
	else
		puts(on ? "shadow is on: verdicts are counted, nothing is done to packets"
			: "shadow is off: rules are enforced");
	return fg_show_end(r);
}
