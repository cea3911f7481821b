/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate rule delete: rules out of the live table, all or none. In: names, sequences, or the rules themselves. Out: the
 * generation without them.
 */
#include <inttypes.h>

#include "ctrl/cli/batch.h"

static int show(const struct fg_cli *cli, const json_t *reply)
{
	char generation[FG_CELL_MAX], deleted[FG_CELL_MAX];

	if (cli->json)
		return fg_show_line(json_pack(
			"{s:{s:O?,s:O?,s:O?}}", "summary", "generation", json_object_get(reply, "generation"),
			"deleted", json_object_get(reply, "deleted"), "budget", json_object_get(reply, "budget")));
	printf("generation %s: %s rules deleted. ", fg_cell_number(reply, "generation", generation),
	       fg_cell_number(reply, "deleted", deleted));
	fg_online_budget(json_object_get(reply, "budget"));
	return FG_EXIT_DONE;
}

/* Names and sequences as parameters. NULL: a sequence is none, and that was said. */
static json_t *parameters_of(const struct fg_cli *cli)
{
	json_t *names = json_array(), *sequences = json_array();
	uint64_t sequence;

	for (size_t i = 0; i < cli->names.n; i++)
		json_array_append_new(names, fg_show_string(cli->names.at[i]));
	for (size_t i = 0; i < cli->sequences.n; i++) {
		if (!fg_cli_number(cli->sequences.at[i], 1, INT64_MAX, &sequence)) {
			fg_cli_usage(cli, "unexpected '%s', expected --sequence as a number", cli->sequences.at[i]);
			json_decref(names);
			json_decref(sequences);
			return NULL;
		}
		json_array_append_new(sequences, json_integer((json_int_t)sequence));
	}
	return json_pack("{s:o,s:o}", "names", names, "sequences", sequences);
}

static void confirm_add(const struct fg_cli *cli, json_t *parameters)
{
	if (cli->confirm_within_s != 0)
		json_object_set_new(parameters, "confirm_within", json_integer((json_int_t)cli->confirm_within_s));
}

static int pass_over(void *ctx, json_t *rule)
{
	(void)ctx;
	(void)rule;
	return FG_EXIT_DONE;
}

static int delete_rules(struct fg_cli *cli, json_t **reply)
{
	json_t *parameters = json_object();
	struct fg_load *load;
	int r = fg_batch_load(cli, &load);

	confirm_add(cli, parameters);
	if (r != FG_EXIT_DONE) {
		json_decref(parameters);
		return r;
	}
	if (fg_batch_unsayable(cli, load) > 0) {
		json_decref(parameters);
		r = fg_cli_fail(FG_EXIT_NOT_FOUND, "no such rule, and nothing was deleted");
	} else {
		r = fg_batch_send(cli, load, "DeleteRules", parameters, pass_over, NULL, reply);
	}
	fg_load_free(load);
	return r;
}

static int delete_named(struct fg_cli *cli, json_t **reply)
{
	json_t *parameters = parameters_of(cli);

	if (parameters == NULL)
		return FG_EXIT_USAGE;
	confirm_add(cli, parameters);
	return fg_online_ask(cli, FG_ONLINE_BATCH_TIMEOUT_S, "DeleteRules", parameters, reply);
}

int fg_cli_rule_delete(struct fg_cli *cli)
{
	bool named = cli->names.n + cli->sequences.n > 0;
	json_t *reply = NULL;
	int r;

	if (named && cli->argument.n + cli->text.n > 0)
		return fg_cli_usage(cli, "expected rules, or --name and --sequence, and not both");
	r = named ? delete_named(cli, &reply) : delete_rules(cli, &reply);
	if (r == FG_EXIT_DONE)
		r = show(cli, reply);
	json_decref(reply);
	return fg_show_end(r);
}
