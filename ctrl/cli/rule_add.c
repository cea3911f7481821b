/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate rule add: rules into the live table, all or none. In: files or a rule in words. Out: what is to be said of single rules, then
 * the generation that enforces them. With --partial what is refused is left out, and said; what is refused for room waits for some.
 */
#include <inttypes.h>

#include "ctrl/cli/batch.h"

/* The parameters of AddRules that options give. */
static json_t *parameters_of(const struct fg_cli *cli)
{
	json_t *p = json_object();
	const struct {
		const char *key;
		bool on;
	} flags[] = { { "partial", cli->partial }, { "dry_run", cli->dry_run }, { "count_only", cli->count_only } };

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].on)
			json_object_set_new(p, flags[i].key, json_true());
	if (cli->confirm_within_s != 0)
		json_object_set_new(p, "confirm_within", json_integer((json_int_t)cli->confirm_within_s));
	if (cli->ttl_s != 0)
		json_object_set_new(p, "ttl", json_integer((json_int_t)cli->ttl_s));
	if (cli->owner != NULL)
		json_object_set_new(p, "owner", fg_show_string(cli->owner));
	if (cli->ticket != NULL)
		json_object_set_new(p, "ticket", fg_show_string(cli->ticket));
	return p;
}

static int rule_shown(void *ctx, json_t *rule)
{
	const struct fg_cli *cli = ctx;

	if (cli->json)
		return fg_show_line(json_incref(rule));
	fg_online_findings(rule);
	return FG_EXIT_DONE;
}

static void show_people(const struct fg_cli *cli, const json_t *reply, json_int_t refused)
{
	json_int_t waiting = json_integer_value(json_object_get(reply, "waiting"));
	char generation[FG_CELL_MAX], admitted[FG_CELL_MAX];

	fg_cell_number(reply, "generation", generation);
	fg_cell_number(reply, "admitted", admitted);
	if (cli->dry_run)
		printf("%s rules would be admitted, %lld refused; nothing was changed. ", admitted, (long long)refused);
	else
		printf("generation %s: %s rules added, %lld refused. ", generation, admitted, (long long)refused);
	if (waiting > 0)
		printf("Of those %lld wait for room. ", (long long)waiting);
	fg_online_budget(json_object_get(reply, "budget"));
	if (cli->confirm_within_s != 0 && !cli->dry_run)
		printf("This is taken back in %" PRIu64 " s unless `flowgate confirm` comes before.\n",
		       cli->confirm_within_s);
}

static int show(const struct fg_cli *cli, const json_t *reply, size_t unsayable)
{
	json_int_t refused = json_integer_value(json_object_get(reply, "refused")) + (json_int_t)unsayable;
	int r = FG_EXIT_DONE;

	if (cli->json)
		r = fg_show_line(json_pack("{s:{s:O?,s:O?,s:I,s:O*,s:b,s:O?}}", "summary", "generation",
					   json_object_get(reply, "generation"), "admitted",
					   json_object_get(reply, "admitted"), "refused", refused, "waiting",
					   json_object_get(reply, "waiting"), "dry_run", cli->dry_run, "budget",
					   json_object_get(reply, "budget")));
	else
		show_people(cli, reply, refused);
	return r == FG_EXIT_DONE && refused > 0 ? FG_EXIT_REFUSED : r;
}

int fg_cli_rule_add(struct fg_cli *cli)
{
	struct fg_load *load;
	size_t unsayable;
	json_t *reply = NULL;
	int r = fg_batch_load(cli, &load);

	if (r != FG_EXIT_DONE)
		return r;
	unsayable = fg_batch_unsayable(cli, load);
	if (unsayable > 0 && !cli->partial)
		r = fg_cli_fail(FG_EXIT_REFUSED, "refused, and nothing was changed");
	else
		r = fg_batch_send(cli, load, "AddRules", parameters_of(cli), rule_shown, cli, &reply);
	if (r == FG_EXIT_DONE)
		r = show(cli, reply, unsayable);
	json_decref(reply);
	fg_load_free(load);
	return fg_show_end(r);
}
