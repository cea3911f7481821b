/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * AddRules. In: rules in any form. Out: one transaction at the gate, and a Rule for each rule that something is to be said
 * of. Steps: parts.c reads, the gate judges, emit() answers in as many replies as it takes.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/change.h"
#include "ctrl/daemon/pages.h"
#include "ctrl/daemon/parts.h"

struct adding {
	struct fg_batch_parts *batch;
	struct fg_change *change;
	bool verbose, failed;
	size_t local;               /* the next of batch->refused */
	const struct fg_record *at; /* the one before the next */
	uint32_t place;
	json_t *waiting; /* did not fit the page before */
	struct fg_pages pages;
};

static void adding_free(void *state)
{
	struct adding *a = state;

	fg_parts_free(a->batch);
	fg_change_free(a->change);
	json_decref(a->waiting);
	fg_pages_free(&a->pages);
	free(a);
}

static const char *state_of(const struct adding *a, bool refused)
{
	if (refused)
		return fg_change_waits(a->change, a->place) ? "waiting" : "refused";
	return a->change->result.committed ? "enforced" : "admitted";
}

/* Which rules of a batch a pass over it shows. */
enum which { ALL, REFUSED, OTHERS };

static void rewind_to_first(struct adding *a)
{
	a->local = 0;
	a->at = NULL;
	a->place = 0;
}

static bool wanted(const struct adding *a, enum which which, bool refused, const json_t *reasons)
{
	if (which != ALL && refused != (which == REFUSED))
		return false;
	return refused || a->verbose || json_array_size(reasons) > 0;
}

/* The next Rule of the answer; NULL: there are none left. */
static json_t *next_rule(struct adding *a, enum which which)
{
	json_t *waiting = a->waiting;

	a->waiting = NULL;
	if (waiting != NULL)
		return waiting;
	if (which != OTHERS && a->local < json_array_size(a->batch->refused))
		return json_incref(json_array_get(a->batch->refused, a->local++));
	while (a->change != NULL && (a->at = fg_records_next(&a->change->records, a->at)) != NULL) {
		bool refused = fg_change_refused(a->change, a->place);
		struct fg_record_view view = { .state = state_of(a, refused), .place = a->place + 1 };

		view.reasons = fg_change_reasons(a->change, a->place++);
		if (wanted(a, which, refused, view.reasons))
			return fg_record_object(a->at, &view);
		json_decref(view.reasons);
	}
	return NULL;
}

/* False: all are in; true: one did not fit any more. */
static bool fill(struct adding *a, enum which which)
{
	json_t *rule;

	while ((rule = next_rule(a, which)) != NULL) {
		if (fg_pages_add(&a->pages, rule))
			continue;
		a->waiting = rule;
		return true;
	}
	return false;
}

static json_t *reply_of(struct fg_op *op)
{
	struct adding *a = op->state;
	const struct fg_batch_result *r = &a->change->result;
	size_t local = json_array_size(a->batch->refused);

	return json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "generation",
			 (json_int_t)(r->generation + op->ctrl->generation_base), "admitted", (json_int_t)r->admitted,
			 "refused", (json_int_t)(r->refused + local), "waiting", (json_int_t)r->waiting, "rules",
			 fg_pages_take(&a->pages), "budget", fg_budget_object(&r->cost));
}

/* One reply a page, as fast as the caller reads them; the last page goes with the last reply. */
static void emit(struct fg_op *op)
{
	struct adding *a = op->state;

	op->drained = NULL;
	while (op->more && fill(a, ALL)) {
		fg_op_continue(op, a->change != NULL ? reply_of(op)
						     : json_pack("{s:o}", "rules", fg_pages_take(&a->pages)));
		if (fg_op_is_heard(op) && op->client->out_len - op->client->out_at > FG_CLIENT_OUT_ENOUGH) {
			op->drained = emit;
			return;
		}
	}
	if (a->failed)
		fg_op_error(op, "RuleRefused", json_pack("{s:o}", "rules", fg_pages_take(&a->pages)));
	else
		fg_op_reply(op, reply_of(op));
}

/* One reply has room for one page: refused rules come first. */
static void answer(struct fg_op *op)
{
	struct adding *a = op->state;

	if (!op->more && !fill(a, REFUSED)) {
		rewind_to_first(a);
		fill(a, OTHERS);
	}
	emit(op);
}

static void on_change(void *ctx, struct fg_change *c, bool answered)
{
	struct fg_op *op = ctx;
	struct adding *a = op->state;

	if (!answered) {
		fg_ledger_audit(op->ctrl->ledger, fg_now_s(), op->who, "add", 0, "the gate did not answer");
		fg_op_unavailable(op, "the gate did not answer; what became of the rules is to be seen in ListRules");
		return;
	}
	a->failed = !c->result.committed && c->result.refused > 0 &&
		    (c->batch.flags & (FG_BATCH_TRY | FG_BATCH_PARTIAL)) == 0;
	fg_change_keep(c);
	answer(op);
}

/* What a call says for all of its rules. */
static void apply_defaults(const struct fg_op *op, struct fg_records *records)
{
	const char *owner = fg_op_string(op, "owner"), *ticket = fg_op_string(op, "ticket");
	struct fg_record *r = NULL;

	while ((r = fg_records_next(records, r)) != NULL) {
		if (fg_op_true(op, "count_only"))
			r->flags |= FG_RECORD_COUNT_ONLY;
		if (r->ttl_s == 0)
			r->ttl_s = (uint32_t)fg_op_number(op, "ttl");
		if (owner != NULL && r->by.owner[0] == '\0')
			strncpy(r->by.owner, owner, FG_NAME_MAX);
		if (ticket != NULL && r->by.ticket[0] == '\0')
			strncpy(r->by.ticket, ticket, FG_NAME_MAX);
	}
}

static const char *wrong_parameter(const struct fg_op *op)
{
	static const char *const words[] = { "owner", "ticket" };
	static const char *const numbers[] = { "ttl", "confirm_within" };

	for (size_t i = 0; i < 2; i++) {
		const char *word = fg_op_string(op, words[i]);

		if (word != NULL && strlen(word) > FG_NAME_MAX)
			return words[i];
		for (; word != NULL && *word != '\0'; word++)
			if ((unsigned char)*word < ' ' || *word == 0x7f)
				return words[i];
		if (fg_op_number(op, numbers[i]) > UINT32_MAX)
			return numbers[i];
	}
	return fg_op_string(op, "text") == NULL && fg_op_array(op, "rules") == NULL && fg_op_number(op, "parts") == 0
		       ? "text"
		       : NULL;
}

static void refused_when_read(struct fg_op *op, struct adding *a)
{
	const json_t *rule, *reason;
	size_t i, j;

	json_array_foreach(a->batch->refused, i, rule)
	{
		json_array_foreach(json_object_get(rule, "reasons"), j, reason)
		{
			fg_metrics_refused(&op->ctrl->metrics, json_string_value(json_object_get(reason, "code")),
					   json_string_value(json_object_get(rule, "source")));
		}
	}
}

void fg_method_add_rules(struct fg_op *op)
{
	const char *wrong = wrong_parameter(op);
	struct fg_batch_parts *batch;
	struct adding *a;
	bool partial = fg_op_true(op, "partial"), dry_run = fg_op_true(op, "dry_run");

	if (wrong != NULL) {
		fg_client_error(op->client, "org.varlink.service.InvalidParameter",
				json_pack("{s:s}", "parameter", wrong));
		fg_op_end(op);
		return;
	}
	if (!fg_parts_take(op, FG_OP_ADD, &batch))
		return;
	a = calloc(1, sizeof(*a));
	if (a == NULL) {
		fg_parts_free(batch);
		fg_op_unavailable(op, "out of memory");
		return;
	}
	op->state = a;
	op->free = adding_free;
	a->batch = batch;
	a->verbose = fg_op_true(op, "verbose");
	apply_defaults(op, &batch->records);
	refused_when_read(op, a);
	if (json_array_size(batch->refused) > 0 && !partial && !dry_run) {
		a->failed = true;
		answer(op);
		return;
	}
	a->change = fg_change_new(op->ctrl, op->who, "add", &batch->records);
	if (a->change == NULL) {
		fg_op_unavailable(op, "out of memory");
		return;
	}
	a->change->batch.flags = (partial ? FG_BATCH_PARTIAL : 0u) | (dry_run ? FG_BATCH_TRY : 0u);
	a->change->batch.confirm_s = (uint32_t)fg_op_number(op, "confirm_within");
	a->change->done = on_change;
	a->change->ctx = op;
	if (fg_change_ask(a->change) != 0)
		fg_op_unavailable(op, "there is no gate");
}
