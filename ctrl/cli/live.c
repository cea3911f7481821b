/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the offline verbs do with a live table: the rules a daemon enforces, loaded as if they were a file, for `explain`; rules
 * judged by the daemon, for `check --live`. In: a control socket. Out: a loader; what `check` prints.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/batch.h"

/* `then continue`, which is what a rule that only counts does to a packet. */
#define CONTINUE_COMMUNITY "8007000000000001"

struct live {
	struct fg_load *load;
	char *lines;
	size_t len, room;
};

/* ---- explain ---- */

/* One more line. False: no memory. */
static bool line_append(struct live *l, const char *line)
{
	size_t len = strlen(line), room = l->room;
	char *grown = l->lines;

	while (room < l->len + len + 2)
		room = room ? 2 * room : 4096;
	if (room != l->room)
		grown = realloc(l->lines, room);
	if (grown == NULL)
		return false;
	l->lines = grown;
	l->room = room;
	memcpy(l->lines + l->len, line, len);
	l->len += len;
	l->lines[l->len++] = '\n';
	return true;
}

/* A Rule that is enforced, as a line of a file of rules. */
static int rule_take(void *ctx, json_t *rule)
{
	struct live *l = ctx;
	json_t *counts = json_pack("[s]", CONTINUE_COMMUNITY), *actions = json_object_get(rule, "actions"), *o;
	char *line;
	bool done;

	if (json_is_true(json_object_get(rule, "count_only")))
		actions = counts;
	o = json_pack("{s:O,s:O,s:O,s:O}", "name", json_object_get(rule, "name"), "family",
		      json_object_get(rule, "family"), "nlri", json_object_get(rule, "nlri"), "actions", actions);
	line = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	json_decref(counts);
	json_decref(o);
	done = strcmp(fg_cell_text(rule, "state"), "enforced") != 0 || (line != NULL && line_append(l, line));
	free(line);
	return done ? FG_EXIT_DONE : fg_cli_fail(FG_EXIT_ENVIRONMENT, "the daemon lists a rule without octets");
}

/* An entry of `protect`, likewise; what is done to it is not a rule's business. */
static int protected_take(void *ctx, json_t *entry)
{
	json_t *o = json_pack("{s:O,s:O,s:O,s:[]}", "name", json_object_get(entry, "name"), "family",
			      json_object_get(entry, "family"), "nlri", json_object_get(entry, "nlri"), "actions");
	char *line = o != NULL ? json_dumps(o, JSON_COMPACT) : NULL;
	bool done = line != NULL && line_append(ctx, line);

	json_decref(o);
	free(line);
	return done ? FG_EXIT_DONE : fg_cli_fail(FG_EXIT_ENVIRONMENT, "the daemon protects what has no octets");
}

/* What is enforced was admitted over there: no limit of ours may refuse it. */
static void limits_lift(struct fg_limits *limits)
{
	limits->bytes = limits->slots = limits->rule.bytes = limits->rule.lines = UINT64_MAX;
	limits->lines = FG_STEPS_MAX - 1;
}

int fg_live_rules(const struct fg_cli *cli, struct fg_load **load)
{
	struct live l = { 0 };
	int r = fg_cli_loader(cli, &l.load);

	*load = NULL;
	if (r != FG_EXIT_DONE)
		return r;
	if (cli->limits == NULL)
		limits_lift(&l.load->limits);
	r = fg_online_rules(cli, NULL, rule_take, &l, NULL);
	if (r == FG_EXIT_DONE && l.len > 0 && fg_load_text(l.load, "live", l.lines, l.len, FG_FORM_JSON) != 0)
		r = fg_cli_fail(FG_EXIT_ENVIRONMENT, "the daemon lists a rule that is none: %s", l.load->error);
	if (r == FG_EXIT_DONE && fg_load_admit(l.load) != 0)
		r = fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	free(l.lines);
	if (r == FG_EXIT_DONE)
		*load = l.load;
	else
		fg_load_free(l.load);
	return r;
}

int fg_live_protected(const struct fg_cli *cli, struct fg_load **load)
{
	struct live l = { 0 };
	int r = fg_cli_loader(cli, &l.load);

	*load = NULL;
	if (r != FG_EXIT_DONE)
		return r;
	r = fg_online_rules_of(cli, "ListProtected", NULL, protected_take, &l, NULL);
	if (r == FG_EXIT_DONE && l.len > 0 && fg_load_text(l.load, "protect", l.lines, l.len, FG_FORM_JSON) != 0)
		r = fg_cli_fail(FG_EXIT_ENVIRONMENT, "the daemon protects what is none: %s", l.load->error);
	free(l.lines);
	if (r == FG_EXIT_DONE)
		*load = l.load;
	else
		fg_load_free(l.load);
	return r;
}

/* ---- check --live ---- */

struct judged {
	const struct fg_cli *cli;
	struct libscols_table *table;
	json_t *rules; /* for people: kept until the table is shown */
};

static int rule_judged(void *ctx, json_t *rule)
{
	struct judged *j = ctx;
	char bytes[FG_CELL_MAX], lines[FG_CELL_MAX], text[FG_ONLINE_TEXT_SHOWN + 4];

	if (j->cli->json)
		return fg_show_line(json_incref(rule));
	fg_columns_row(j->table, (const char *const[]){ fg_cell_text(rule, "name"), fg_cell_text(rule, "state"),
							fg_cell_inner(rule, "cost", "bytes", bytes),
							fg_cell_inner(rule, "cost", "lines", lines),
							fg_online_text(rule, text) });
	json_array_append(j->rules, rule);
	return FG_EXIT_DONE;
}

static int judged_show(const struct judged *j, const json_t *reply, json_int_t unsayable)
{
	json_int_t admitted = json_integer_value(json_object_get(reply, "admitted"));
	json_int_t refused = json_integer_value(json_object_get(reply, "refused")) + unsayable;
	const json_t *rule;
	int r = FG_EXIT_DONE;
	size_t i;

	fg_columns_print(j->table);
	json_array_foreach(j->rules, i, rule) fg_online_findings(rule);
	if (j->cli->json) {
		r = fg_show_line(json_pack("{s:{s:I,s:I,s:I,s:O?}}", "summary", "rules", admitted + refused, "admitted",
					   admitted, "refused", refused, "budget", json_object_get(reply, "budget")));
	} else {
		printf("%lld rules: %lld would be admitted, %lld refused. ", (long long)(admitted + refused),
		       (long long)admitted, (long long)refused);
		fg_online_budget(json_object_get(reply, "budget"));
	}
	return r == FG_EXIT_DONE && refused > 0 ? FG_EXIT_REFUSED : r;
}

int fg_batch_check(const struct fg_cli *cli)
{
	static const char *const names[] = { "NAME", "STATE", ">BYTES", ">LINES", "RULE", NULL };
	struct judged j = { cli, NULL, NULL };
	struct fg_load *load;
	json_t *reply;
	int r = fg_batch_load(cli, &load);

	if (r != FG_EXIT_DONE)
		return r;
	j.table = fg_columns_new(names);
	j.rules = json_array();
	r = fg_batch_send(cli, load, "AddRules", json_pack("{s:b,s:b,s:b}", "dry_run", 1, "partial", 1, "verbose", 1),
			  rule_judged, &j, &reply);
	if (r == FG_EXIT_DONE)
		r = judged_show(&j, reply, (json_int_t)fg_batch_unsayable(cli, load));
	else
		fg_columns_print(j.table);
	json_decref(reply);
	json_decref(j.rules);
	fg_load_free(load);
	return fg_show_end(r);
}
