/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate bgp [PEER], flowgate bgp errors [PEER]: the sessions, what one of them brought and what became of it, and UPDATEs that something was
 * wrong with. In: ListPeers, BgpErrors. Out: tables; objects with --json.
 */
#include <stdio.h>

#include "ctrl/cli/online.h"

struct bgp {
	const struct fg_cli *cli;
	struct libscols_table *table;
};

static int peer_row(void *ctx, json_t *p)
{
	struct bgp *b = ctx;
	char cell[8][FG_CELL_MAX];

	if (b->cli->json)
		return fg_show_line(json_incref(p));
	fg_columns_row(
		b->table,
		(const char *const[]){
			fg_cell_text(p, "name"), fg_cell_text(p, "address"), fg_cell_number(p, "as", cell[0]),
			fg_cell_text(p, "state"), fg_cell_time(p, "since", cell[1]),
			fg_cell_inner(p, "rules", "decoded", cell[2]), fg_cell_inner(p, "rules", "admitted", cell[3]),
			fg_cell_inner(p, "rules", "refused", cell[4]), fg_cell_inner(p, "rules", "stale", cell[5]),
			fg_cell_number(p, "bad_updates", cell[6]), fg_cell_text(p, "last_error") });
	return FG_EXIT_DONE;
}

static void show_each(const json_t *p, const char *key)
{
	const char *name;
	json_t *v;

	json_object_foreach(json_object_get(p, key), name, v)
	{
		printf("  %-20s %lld\n", name, (long long)json_integer_value(v));
	}
}

static int peer_shown(void *ctx, json_t *p)
{
	static const char *const texts[] = { "address", "state", "router_id", "last_error" };
	static const char *const numbers[] = { "as", "local_as", "preference", "hold_time", "updates", "bad_updates" };
	struct bgp *b = ctx;
	char cell[FG_CELL_MAX];

	if (b->cli->json)
		return fg_show_line(json_incref(p));
	printf("%s\n", fg_cell_text(p, "name"));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (fg_cell_text(p, texts[i])[0] != '\0')
			printf("  %-20s %s\n", texts[i], fg_cell_text(p, texts[i]));
	printf("  %-20s %s\n", "since", fg_cell_time(p, "since", cell));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		printf("  %-20s %s\n", numbers[i], fg_cell_number(p, numbers[i], cell));
	puts("rules");
	show_each(p, "rules");
	puts("NLRIs so far");
	show_each(p, "counts");
	return FG_EXIT_DONE;
}

int fg_cli_bgp_peers(struct fg_cli *cli)
{
	static const char *const names[] = { "PEER",      "ADDRESS",  ">AS",    "STATE", "SINCE",      ">DECODED",
					     ">ADMITTED", ">REFUSED", ">STALE", ">BAD",  "LAST ERROR", NULL };
	bool one = cli->argument.n == 1;
	struct bgp b = { cli, NULL };
	json_t *parameters, *reply;
	int r;

	if (cli->argument.n > 1)
		return fg_cli_usage(cli, "expected the name of a peer, or none");
	parameters = json_object();
	if (one)
		json_object_set_new(parameters, "peer", fg_show_string(cli->argument.at[0]));
	r = fg_online_ask(cli, FG_ONLINE_TIMEOUT_S, "ListPeers", parameters, &reply);
	if (r != FG_EXIT_DONE)
		return r;
	b.table = fg_columns_new(names);
	r = fg_online_each(reply, "peers", one ? peer_shown : peer_row, &b);
	fg_columns_print(b.table);
	json_decref(reply);
	return fg_show_end(r);
}

/* The octets go to those who ask for objects: they are too long for a table. */
static int error_row(void *ctx, json_t *e)
{
	struct bgp *b = ctx;
	char cell[3][FG_CELL_MAX];

	if (b->cli->json)
		return fg_show_line(json_incref(e));
	fg_columns_row(b->table,
		       (const char *const[]){ fg_cell_text(e, "peer"), fg_cell_number(e, "number", cell[0]),
					      fg_cell_time(e, "time", cell[1]), fg_cell_number(e, "octets", cell[2]),
					      fg_cell_text(e, "done"), fg_cell_text(e, "what") });
	return FG_EXIT_DONE;
}

static int each_reply(struct fg_cli *cli, struct fg_client *client, struct bgp *b)
{
	enum fg_client_result result = FG_CLIENT_DONE;
	bool continues = true;
	int r = FG_EXIT_DONE;
	json_t *reply;

	while (continues && r == FG_EXIT_DONE) {
		result = fg_online_reply(cli, client, &reply, &continues);
		if (result != FG_CLIENT_DONE)
			return fg_online_fail(cli, client, result);
		r = fg_online_each(reply, "errors", error_row, b);
		json_decref(reply);
	}
	return r;
}

int fg_cli_bgp_errors(struct fg_cli *cli)
{
	static const char *const names[] = { "PEER", ">NUMBER", "TIME", ">OCTETS", "DONE", "WHAT", NULL };
	struct bgp b = { cli, NULL };
	struct fg_client *client;
	json_t *parameters;
	enum fg_client_result result;
	int r;

	if (cli->argument.n > 1)
		return fg_cli_usage(cli, "expected the name of a peer, or none");
	r = fg_online_open(cli, FG_ONLINE_TIMEOUT_S, &client);
	if (r != FG_EXIT_DONE)
		return r;
	parameters = json_object();
	if (cli->argument.n == 1)
		json_object_set_new(parameters, "peer", fg_show_string(cli->argument.at[0]));
	b.table = fg_columns_new(names);
	result = fg_client_call(client, "BgpErrors", parameters, true);
	r = result == FG_CLIENT_DONE ? each_reply(cli, client, &b) : fg_online_fail(cli, client, result);
	fg_client_close(client);
	fg_columns_print(b.table);
	return fg_show_end(r);
}
