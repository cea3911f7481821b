/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DeleteRules. In: rules in any form, names, sequence numbers. Out: one transaction at the gate. Names and numbers are
 * looked for among the rules that the gate has; one that is not there, and nothing is deleted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/change.h"
#include "ctrl/daemon/parts.h"
#include "ctrl/daemon/walk.h"

struct deleting {
	struct fg_batch_parts *batch;
	struct fg_change *change;
	bool *name_found, *sequence_found;
	const char *wrong; /* why what was found cannot be deleted */
};

static void deleting_free(void *state)
{
	struct deleting *d = state;

	fg_parts_free(d->batch);
	fg_change_free(d->change);
	free(d->name_found);
	free(d->sequence_found);
	free(d);
}

static void not_found(struct fg_op *op, const char *rule)
{
	fg_op_error(op, "RuleNotFound", json_pack("{s:s}", "rule", rule));
}

/* What was to be deleted and is not there: by its place among the batch, as well as it can be named. */
static void absent(struct fg_op *op, const struct fg_change *c)
{
	const struct fg_record *at = NULL;
	struct fg_record_view view = { .state = "absent" };
	json_t *object = NULL;

	for (uint32_t i = 0; (at = fg_records_next(&c->records, at)) != NULL; i++)
		if (c->findings == 0 || fg_change_refused(c, i))
			break;
	if (at != NULL)
		object = fg_record_object(at, &view);
	not_found(op, object != NULL ? json_string_value(json_object_get(object, "text")) : "");
	json_decref(object);
}

static void on_change(void *ctx, struct fg_change *c, bool answered)
{
	struct fg_op *op = ctx;

	if (!answered) {
		fg_op_unavailable(op, "the gate did not answer; what became of the rules is to be seen in ListRules");
		return;
	}
	if (!c->result.committed && c->result.absent > 0) {
		absent(op, c);
		return;
	}
	fg_change_keep(c);
	fg_op_reply(op, json_pack("{s:I,s:I,s:o}", "generation",
				  (json_int_t)(c->result.generation + op->ctrl->generation_base), "deleted",
				  (json_int_t)c->result.deleted, "budget", fg_budget_object(&c->result.cost)));
}

static void ask(struct fg_op *op)
{
	struct deleting *d = op->state;

	d->change = fg_change_new(op->ctrl, op->who, "delete", &d->batch->records);
	if (d->change == NULL) {
		fg_op_unavailable(op, "out of memory");
		return;
	}
	d->change->batch.confirm_s = (uint32_t)fg_op_number(op, "confirm_within");
	d->change->done = on_change;
	d->change->ctx = op;
	if (fg_change_ask(d->change) != 0)
		fg_op_unavailable(op, "there is no gate");
}

/* The rule is asked for: by its name, "#N" of its sequence, or by its sequence. */
static bool is_asked(const struct fg_op *op, const struct fg_walk_rule *rule)
{
	const json_t *names = fg_op_array(op, "names"), *sequences = fg_op_array(op, "sequences"), *v;
	struct deleting *d = op->state;
	char number[FG_NAME_MAX + 1];
	bool asked = false;
	size_t i;

	snprintf(number, sizeof(number), "#%llu", (unsigned long long)rule->listed->sequence);
	json_array_foreach(names, i, v)
	{
		if (strcmp(json_string_value(v), rule->record->name[0] != '\0' ? rule->record->name : number) == 0)
			asked = d->name_found[i] = true;
	}
	json_array_foreach(sequences, i, v)
	{
		if ((uint64_t)json_integer_value(v) == rule->listed->sequence)
			asked = d->sequence_found[i] = true;
	}
	return asked;
}

static bool all_found(struct fg_op *op)
{
	const json_t *names = fg_op_array(op, "names"), *sequences = fg_op_array(op, "sequences"), *v;
	struct deleting *d = op->state;
	char number[FG_NAME_MAX + 1];
	size_t i;

	json_array_foreach(names, i, v)
	{
		if (!d->name_found[i]) {
			not_found(op, json_string_value(v));
			return false;
		}
	}
	json_array_foreach(sequences, i, v)
	{
		if (!d->sequence_found[i]) {
			snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
			not_found(op, number);
			return false;
		}
	}
	return true;
}

static bool on_page(void *ctx, struct fg_walk *w, const struct fg_walk_rule *rules, size_t n, bool last)
{
	struct fg_op *op = ctx;
	struct deleting *d = op->state;

	(void)w;
	for (size_t i = 0; i < n && d->wrong == NULL; i++) {
		const struct fg_record *r = rules[i].record;

		if (!is_asked(op, &rules[i]))
			continue;
		if (r->flags & FG_RECORD_STATIC)
			d->wrong = "rules of files are changed in the configuration";
		else if (r->flags & FG_RECORD_BGP)
			d->wrong = "rules of a BGP peer are withdrawn by the peer; quarantine keeps one away";
		else if (fg_records_copy(&d->batch->records, r, FG_OP_DELETE) != 0)
			d->wrong = "out of memory";
	}
	if (!last)
		return true;
	if (rules == NULL)
		fg_op_unavailable(op, "the gate did not answer");
	else if (d->wrong != NULL)
		fg_op_unavailable(op, d->wrong);
	else if (all_found(op))
		ask(op);
	return false;
}

/* Elements of an array are all of a type. */
static bool all_are(const json_t *array, bool (*is)(const json_t *))
{
	const json_t *v;
	size_t i;

	json_array_foreach(array, i, v)
	{
		if (!is(v))
			return false;
	}
	return true;
}

static bool is_string(const json_t *v)
{
	return json_is_string(v);
}

static bool is_number(const json_t *v)
{
	return json_is_integer(v);
}

static const char *wrong_parameter(const struct fg_op *op)
{
	if (!all_are(fg_op_array(op, "names"), is_string))
		return "names";
	if (!all_are(fg_op_array(op, "sequences"), is_number))
		return "sequences";
	return fg_op_number(op, "confirm_within") > UINT32_MAX ? "confirm_within" : NULL;
}

static void begin(struct fg_op *op, struct fg_batch_parts *batch)
{
	const json_t *names = fg_op_array(op, "names"), *sequences = fg_op_array(op, "sequences");
	struct deleting *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		fg_parts_free(batch);
		fg_op_unavailable(op, "out of memory");
		return;
	}
	d->batch = batch;
	op->state = d;
	op->free = deleting_free;
	d->name_found = calloc(json_array_size(names) + 1, sizeof(bool));
	d->sequence_found = calloc(json_array_size(sequences) + 1, sizeof(bool));
	if (d->name_found == NULL || d->sequence_found == NULL)
		fg_op_unavailable(op, "out of memory");
	else if (json_array_size(batch->refused) > 0)
		fg_op_error(op, "RuleRefused", json_pack("{s:O}", "rules", batch->refused));
	else if (names == NULL && sequences == NULL)
		ask(op);
	else if (fg_walk_start(&op->ctrl->asks, 0, false, on_page, op) != 0)
		fg_op_unavailable(op, "there is no gate");
}

void fg_method_delete_rules(struct fg_op *op)
{
	const char *wrong = wrong_parameter(op);
	struct fg_batch_parts *batch;

	if (wrong != NULL) {
		fg_client_error(op->client, "org.varlink.service.InvalidParameter",
				json_pack("{s:s}", "parameter", wrong));
		fg_op_end(op);
	} else if (fg_parts_take(op, FG_OP_DELETE, &batch)) {
		begin(op, batch);
	}
}
