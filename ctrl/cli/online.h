/* SPDX-License-Identifier: BSD-3-Clause */
/* What the verbs share that ask a running daemon. */
#ifndef CTRL_CLI_ONLINE_H
#define CTRL_CLI_ONLINE_H

#include "ctrl/client/client.h"
#include "ctrl/cli/cli.h"
#include "ctrl/cli/columns.h"
#include "ctrl/cli/cell.h"

enum {
	FG_ONLINE_TIMEOUT_S = 10,
	FG_ONLINE_BATCH_TIMEOUT_S = 150, /* patterns may take 60 to compile */
	FG_ONLINE_HEALTH_TIMEOUT_S = 3,
	FG_ONLINE_TEXT_SHOWN = 110, /* octets of a rule in a table */
};

/* Connects to the socket of the options, of FLOWGATE_SOCKET, or the usual one. An enum fg_exit; *client is NULL unless 0. */
int fg_online_open(const struct fg_cli *cli, int timeout_s, struct fg_client **client);
/*
 * Says why a call failed: a sentence on standard error, and with --json an object, {"error":…,"message":…}, on standard
 * output. The enum fg_exit of the result.
 */
int fg_online_fail(const struct fg_cli *cli, const struct fg_client *client, enum fg_client_result result);
/* A whole conversation of one question. An enum fg_exit; *reply is the caller's to drop and NULL unless 0. */
int fg_online_ask(const struct fg_cli *cli, int timeout_s, const char *method, json_t *parameters, json_t **reply);
/* The next reply, with strings that cannot steer a terminal unless they are written as JSON. */
enum fg_client_result fg_online_reply(const struct fg_cli *cli, struct fg_client *client, json_t **reply,
				      bool *continues);

/* Each object of the array `key` of an answer, to `each`, until one answers not 0, which is returned. */
int fg_online_each(const json_t *reply, const char *key, int (*each)(void *ctx, json_t *one), void *ctx);
/* All rules of ListRules, likewise. Sets *generation unless it is NULL. An enum fg_exit. */
int fg_online_rules(const struct fg_cli *cli, json_t *parameters, int (*each)(void *ctx, json_t *rule), void *ctx,
		    json_int_t *generation);
/* Likewise of any method that answers with `rules`. */
int fg_online_rules_of(const struct fg_cli *cli, const char *method, json_t *parameters,
		       int (*each)(void *ctx, json_t *rule), void *ctx, json_int_t *generation);
/* The rules that a live daemon enforces, judged. An enum fg_exit; *load is NULL unless 0. */
int fg_live_rules(const struct fg_cli *cli, struct fg_load **load);
/* What no rule of it touches, in order; read, not judged. Likewise. */
int fg_live_protected(const struct fg_cli *cli, struct fg_load **load);

/*
 * Calls a method that streams and hands each reply to `each`, until it answers not 0, the stream or --count or --for ends, or the
 * user interrupts. An enum fg_exit.
 */
int fg_online_stream(const struct fg_cli *cli, const char *method, json_t *parameters,
		     int (*each)(void *ctx, json_t *reply), void *ctx);

/* What is said of a Rule, a line each: "NAME: code component: detail (source)". */
void fg_online_findings(const json_t *rule);
/* The text of a Rule without its name, cut for a table. */
const char *fg_online_text(const json_t *rule, char out[FG_ONLINE_TEXT_SHOWN + 4]);
/* "takes effect at the next start: store slots", where there is something. */
void fg_online_next_start(const json_t *reply);
/* "1 payload patterns, 2 of 3 bytes.", where there are any. */
void fg_online_patterns(const json_t *patterns);
/* "Image 1 of 2 bytes; worst packet reads 3 of 4 lines." */
void fg_online_budget(const json_t *budget);
/* The caller's arguments are of no use. FG_EXIT_DONE, or FG_EXIT_USAGE and said. */
int fg_online_no_arguments(const struct fg_cli *cli);

#endif
