/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate health: is enforcement live on every port? In: Health. Out: the exit code, for a route announcer's check: 0 live, 1 not, 4 nobody
 * to ask, 5 no answer that can be believed. The sentence beside it is for people.
 */
#include "ctrl/cli/online.h"

int fg_cli_health(struct fg_cli *cli)
{
	const json_t *one;
	json_t *reply;
	size_t i;
	int r = fg_online_no_arguments(cli);
	bool ok;

	if (r == FG_EXIT_DONE)
		r = fg_online_ask(cli, FG_ONLINE_HEALTH_TIMEOUT_S, "Health", NULL, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	ok = json_is_true(json_object_get(reply, "ok"));
	if (cli->json)
		r = fg_show_line(json_incref(reply));
	else
		puts(ok ? "ok: enforcement is live on every port" : "not ok: enforcement is not live");
	if (!cli->json)
		json_array_foreach(json_object_get(reply, "problems"), i, one)
			printf("  %s\n", json_is_string(one) ? json_string_value(one) : "?");
	if (!cli->json)
		fg_online_next_start(reply);
	json_decref(reply);
	return fg_show_end(r == FG_EXIT_DONE && !ok ? FG_EXIT_REFUSED : r);
}
