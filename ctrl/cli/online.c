/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the verbs share that ask a running daemon: connecting, asking, saying what went wrong, and Rules as sentences. In:
 * options and answers. Out: an enum fg_exit. Next: ctrl/client/client.h, which carries it.
 */
#include "ctrl/cli/online.h"

#include <stdlib.h>
#include <string.h>

_Static_assert((int)FG_CLIENT_REFUSED == FG_EXIT_REFUSED && (int)FG_CLIENT_SYNTAX == FG_EXIT_USAGE &&
		       (int)FG_CLIENT_NOT_FOUND == FG_EXIT_NOT_FOUND &&
		       (int)FG_CLIENT_NO_CONNECTION == FG_EXIT_NO_CONNECTION &&
		       (int)FG_CLIENT_BROKEN == FG_EXIT_ENVIRONMENT,
	       "results are exit codes");

/* ---- Asking ---- */

/* One sentence, for people and for programs. */
static int say_failure(const struct fg_cli *cli, const char *name, const char *message, int code)
{
	if (cli->json && fg_show_line(json_pack("{s:s?,s:s}", "error", name, "message", message)) == FG_EXIT_DONE)
		fg_show_end(code);
	return fg_cli_fail(code, "%s", message);
}

int fg_online_open(const struct fg_cli *cli, int timeout_s, struct fg_client **client)
{
	const char *path = cli->socket != NULL ? cli->socket : getenv("FLOWGATE_SOCKET");
	char error[FG_CLIENT_ERROR_MAX];
	enum fg_client_result r;

	if (cli->timeout_s != 0)
		timeout_s = (int)cli->timeout_s;
	r = fg_client_open(client, path != NULL && path[0] != '\0' ? path : FG_CLIENT_SOCKET, timeout_s * 1000, error);
	return r == FG_CLIENT_DONE ? FG_EXIT_DONE : say_failure(cli, "NoConnection", error, (int)r);
}

int fg_online_fail(const struct fg_cli *cli, const struct fg_client *client, enum fg_client_result result)
{
	return say_failure(cli, fg_client_error_name(client), fg_client_error(client), (int)result);
}

enum fg_client_result fg_online_reply(const struct fg_cli *cli, struct fg_client *client, json_t **reply,
				      bool *continues)
{
	enum fg_client_result r = fg_client_reply(client, reply, continues);

	if (!cli->json && *reply != NULL)
		fg_cell_clean(*reply);
	return r;
}

int fg_online_ask(const struct fg_cli *cli, int timeout_s, const char *method, json_t *parameters, json_t **reply)
{
	struct fg_client *client;
	int code = fg_online_open(cli, timeout_s, &client);
	enum fg_client_result r;

	*reply = NULL;
	if (code != FG_EXIT_DONE) {
		json_decref(parameters);
		return code;
	}
	r = fg_client_ask(client, method, parameters, reply);
	if (r != FG_CLIENT_DONE)
		code = fg_online_fail(cli, client, r);
	else if (!cli->json)
		fg_cell_clean(*reply);
	fg_client_close(client);
	return code;
}

int fg_online_no_arguments(const struct fg_cli *cli)
{
	return cli->argument.n == 0 ? FG_EXIT_DONE
				    : fg_cli_usage(cli, "unexpected '%s', expected no more words", cli->argument.at[0]);
}

/* ---- Rules ---- */

int fg_online_each(const json_t *reply, const char *key, int (*each)(void *ctx, json_t *one), void *ctx)
{
	json_t *one;
	size_t i;
	int r = FG_EXIT_DONE;

	json_array_foreach(json_object_get(reply, key), i, one) if (r == FG_EXIT_DONE && json_is_object(one)) r =
		each(ctx, one);
	return r;
}

int fg_online_rules(const struct fg_cli *cli, json_t *parameters, int (*each)(void *ctx, json_t *rule), void *ctx,
		    json_int_t *generation)
{
	return fg_online_rules_of(cli, "ListRules", parameters, each, ctx, generation);
}

int fg_online_rules_of(const struct fg_cli *cli, const char *method, json_t *parameters,
		       int (*each)(void *ctx, json_t *rule), void *ctx, json_int_t *generation)
{
	struct fg_client *client;
	int code = fg_online_open(cli, FG_ONLINE_TIMEOUT_S, &client);
	enum fg_client_result r;
	bool continues = true;
	json_t *reply;

	if (code != FG_EXIT_DONE) {
		json_decref(parameters);
		return code;
	}
	r = fg_client_call(client, method, parameters, true);
	while (r == FG_CLIENT_DONE && continues && code == FG_EXIT_DONE) {
		r = fg_online_reply(cli, client, &reply, &continues);
		if (r != FG_CLIENT_DONE)
			break;
		code = fg_online_each(reply, "rules", each, ctx);
		if (generation != NULL)
			*generation = json_integer_value(json_object_get(reply, "generation"));
		json_decref(reply);
	}
	if (r != FG_CLIENT_DONE)
		code = fg_online_fail(cli, client, r);
	fg_client_close(client);
	return code;
}

/* ---- Sentences ---- */

static bool is_warning(const char *code)
{
	for (int i = 0; i < FG_REASON_COUNT; i++)
		if (strcmp(code, fg_reason_name((enum fg_reason)i)) == 0)
			return fg_reason_is_warning((enum fg_reason)i);
	return false;
}

void fg_online_findings(const json_t *rule)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(rule, "reasons"), i, one)
	{
		const char *code = fg_cell_text(one, "code"), *component = fg_cell_text(one, "component");
		const char *fix = fg_cell_text(one, "cheapest_fix"), *source = fg_cell_text(one, "source");

		printf("%s: %s%s%s%s: %s", fg_cell_text(rule, "name"), is_warning(code) ? "warning: " : "", code,
		       component[0] ? " " : "", component, fg_cell_text(one, "detail"));
		if (fix[0] != '\0')
			printf("; cheapest fix: %s", fix);
		if (source[0] != '\0')
			printf(" (%s)", source);
		putchar('\n');
	}
}

const char *fg_online_text(const json_t *rule, char out[FG_ONLINE_TEXT_SHOWN + 4])
{
	const char *text = fg_cell_text(rule, "text"), *match = strstr(text, "match ");

	if (match == NULL)
		match = text;
	snprintf(out, FG_ONLINE_TEXT_SHOWN + 4, "%.*s%s", FG_ONLINE_TEXT_SHOWN, match,
		 strlen(match) > FG_ONLINE_TEXT_SHOWN ? "..." : "");
	return out[0] != '\0' ? out : "-";
}

void fg_online_budget(const json_t *budget)
{
	char n[4][FG_CELL_MAX];

	printf("Image %s of %s bytes; worst packet reads %s of %s lines.\n", fg_cell_number(budget, "bytes", n[0]),
	       fg_cell_number(budget, "bytes_budget", n[1]), fg_cell_number(budget, "lines", n[2]),
	       fg_cell_number(budget, "lines_budget", n[3]));
}

void fg_online_patterns(const json_t *patterns)
{
	char n[3][FG_CELL_MAX];

	if (json_integer_value(json_object_get(patterns, "count")) > 0)
		printf("%s payload patterns, %s of %s bytes.\n", fg_cell_number(patterns, "count", n[0]),
		       fg_cell_number(patterns, "bytes", n[1]), fg_cell_number(patterns, "bytes_budget", n[2]));
}

void fg_online_next_start(const json_t *reply)
{
	const json_t *what = json_object_get(reply, "next_start");

	if (json_is_string(what))
		printf("takes effect at the next start of the daemon: %s\n", json_string_value(what));
}
