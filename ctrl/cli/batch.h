/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of a call on their way to a daemon: one transaction, however many lines it takes. */
#ifndef CTRL_CLI_BATCH_H
#define CTRL_CLI_BATCH_H

#include "ctrl/cli/online.h"

/* Reads the files and the words behind `--` of a call. An enum fg_exit; *load is NULL unless 0. */
int fg_batch_load(const struct fg_cli *cli, struct fg_load **load);
/* A rule as AddRules takes it; NULL: it cannot be said, or there is no memory. text: FG_TEXT_MAX octets of room. */
json_t *fg_batch_rule(const struct fg_loaded *rule, char *text);
/*
 * Sends the rules by AddRules or DeleteRules with `parameters`, which are dropped. Hands each Rule of the answers to `each`, of a
 * refusal too. *reply: the last answer, to be dropped; NULL unless 0. An enum fg_exit, said where it is no 0.
 */
int fg_batch_send(const struct fg_cli *cli, const struct fg_load *load, const char *method, json_t *parameters,
		  int (*each)(void *ctx, json_t *rule), void *ctx, json_t **reply);
/*
 * Rules that no call can carry, for they have no octets and no text: says of each why. How many.
 */
size_t fg_batch_unsayable(const struct fg_cli *cli, const struct fg_load *load);
/* check --live: judged against the live table. */
int fg_batch_check(const struct fg_cli *cli);

#endif
