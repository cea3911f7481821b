/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate watch: what changes, as it does. In: the daemon's events. Out: a line each, at once.
 */
#include <errno.h>
#include <string.h>

#include "ctrl/cli/online.h"

static void say_rule(const char *peer, const json_t *rule)
{
	const json_t *reason = json_array_get(json_object_get(rule, "reasons"), 0);

	printf("peer %s: %s: %s", peer, fg_cell_text(rule, "state"), fg_cell_text(rule, "text"));
	if (reason != NULL)
		printf(" (%s: %s)", fg_cell_text(reason, "code"), fg_cell_text(reason, "detail"));
	putchar('\n');
}

static void say(const json_t *e)
{
	const char *kind = fg_cell_text(e, "kind"), *name = fg_cell_text(e, "name");
	char generation[FG_CELL_MAX], value[FG_CELL_MAX];

	printf("generation %s: ", fg_cell_number(e, "generation", generation));
	fg_cell_number(e, "value", value);
	if (strcmp(kind, "commit") == 0)
		puts("committed");
	else if (strcmp(kind, "expired") == 0)
		printf("the time of rule %s is over\n", name);
	else if (strcmp(kind, "reverted") == 0)
		puts("nobody confirmed: the change was taken back");
	else if (strcmp(kind, "alarm") == 0)
		printf("a budget is used to %s %%\n", value);
	else if (strcmp(kind, "session") == 0)
		printf("peer %s is %s\n", name, value[0] == '1' ? "up" : "down");
	else if (strcmp(kind, "rule") == 0)
		say_rule(name, json_object_get(e, "rule"));
	else
		printf("%s %s %s\n", kind, name, value);
}

static int event_take(void *ctx, json_t *event)
{
	const struct fg_cli *cli = ctx;
	int r = FG_EXIT_DONE;

	if (cli->json)
		r = fg_show_line(json_incref(event));
	else
		say(event);
	return r == FG_EXIT_DONE ? fg_show_end(r) : r;
}

int fg_cli_watch(struct fg_cli *cli)
{
	int r = fg_online_no_arguments(cli);

	if (r != FG_EXIT_DONE)
		return r;
	return fg_online_stream(cli, "Watch", cli->peers ? json_pack("{s:b}", "peers", true) : NULL, event_take, cli);
}
