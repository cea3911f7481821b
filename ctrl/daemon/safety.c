/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What undoes or holds off changes: Confirm, History, Rollback, Flush, SetShadow, Quarantine. In: a word of an operator. Out:
 * a word to the gate, and a line in the store.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/change.h"
#include "ctrl/daemon/log.h"

enum { HISTORY_DEFAULT = 20, HISTORY_MAX = 400 };

/* The end of a question that is answered by done or not. */
static bool done_of(struct fg_op *op, const struct fg_message *m, struct fg_done *done)
{
	if (m == NULL || m->kind != FG_SAY_DONE || m->octets != sizeof(*m) + sizeof(*done)) {
		fg_op_unavailable(op, "the gate does not answer");
		return false;
	}
	memcpy(done, m + 1, sizeof(*done));
	return true;
}

static void say(struct fg_op *op, const char *what, const char *verdict)
{
	fg_ledger_audit(op->ctrl->ledger, fg_now_s(), op->who, what, op->ctrl->cost.bytes, verdict);
	fg_log(LOG_NOTICE, "%s: %s: %s", op->who, what, verdict);
}

static void ask(struct fg_op *op, enum fg_message_kind kind, const void *body, size_t octets, fg_answer answer)
{
	if (fg_ask(&op->ctrl->asks, kind, body, octets, answer, op) != 0)
		fg_op_unavailable(op, "there is no gate");
}

static struct fg_commit commit_of(struct fg_op *op, const char *what, const struct fg_done *done)
{
	fg_ctrl_took(op->ctrl, done->generation, NULL);
	return (struct fg_commit){
		.generation = op->ctrl->generation, .now_s = fg_now_s(), .who = op->who, .what = what
	};
}

static json_t *generation_object(const struct fg_op *op)
{
	return json_pack("{s:I}", "generation", (json_int_t)op->ctrl->generation);
}

static void on_confirmed(void *ctx, const struct fg_message *m)
{
	struct fg_op *op = ctx;
	struct fg_done done;

	if (!done_of(op, m, &done))
		return;
	if (done.result != 0) {
		fg_op_error(op, "NothingToConfirm", NULL);
		return;
	}
	fg_ctrl_took(op->ctrl, done.generation, NULL);
	fg_ledger_confirm(op->ctrl->ledger);
	say(op, "confirm", "confirmed");
	fg_op_reply(op, generation_object(op));
}

void fg_method_confirm(struct fg_op *op)
{
	ask(op, FG_ASK_CONFIRM, NULL, 0, on_confirmed);
}

static void on_flushed(void *ctx, const struct fg_message *m)
{
	struct fg_op *op = ctx;
	struct fg_commit commit;
	struct fg_done done;

	if (!done_of(op, m, &done))
		return;
	if (done.result != 0) {
		say(op, "flush", strerror(done.result < 0 ? -done.result : EINVAL));
		fg_op_unavailable(op, "the gate could not flush");
		return;
	}
	commit = commit_of(op, "flush", &done);
	fg_ledger_flush(op->ctrl->ledger, &commit);
	say(op, "flush", "all but static rules are gone");
	fg_op_reply(op, generation_object(op));
}

void fg_method_flush(struct fg_op *op)
{
	ask(op, FG_ASK_FLUSH, NULL, 0, on_flushed);
}

void fg_method_history(struct fg_op *op)
{
	uint64_t limit = fg_op_number(op, "limit");

	if (limit == 0)
		limit = HISTORY_DEFAULT;
	if (limit > HISTORY_MAX)
		limit = HISTORY_MAX;
	fg_op_reply(op, json_pack("{s:o}", "generations", fg_ledger_history(op->ctrl->ledger, limit)));
}

/* ---- Rollback ---- */

static void change_free(void *state)
{
	fg_change_free(state);
}

static void on_rolled_back(void *ctx, struct fg_change *c, bool answered)
{
	struct fg_op *op = ctx;

	if (!answered) {
		fg_op_unavailable(op, "the gate did not answer");
		return;
	}
	fg_change_keep(c);
	fg_op_reply(op, json_pack("{s:I,s:I,s:I}", "generation",
				  (json_int_t)(c->result.generation + op->ctrl->generation_base), "added",
				  (json_int_t)c->result.admitted, "deleted", (json_int_t)c->result.deleted));
}

/* Partial: a rule that is not to be had again (quarantine, a smaller budget) must not keep the others away. */
void fg_method_rollback(struct fg_op *op)
{
	uint64_t generation = fg_op_number(op, "generation");
	struct fg_records records = { 0 };
	struct fg_change *c;
	int r = fg_ledger_rollback(op->ctrl->ledger, generation, fg_now_s(), &records);

	if (r == -ENOENT) {
		fg_op_error(op, "GenerationNotFound", json_pack("{s:I}", "generation", (json_int_t)generation));
		return;
	}
	if (r == 0 && records.count == 0) {
		fg_op_reply(op, json_pack("{s:I,s:i,s:i}", "generation", (json_int_t)op->ctrl->generation, "added", 0,
					  "deleted", 0));
		return;
	}
	c = r == 0 ? fg_change_new(op->ctrl, op->who, "rollback", &records) : NULL;
	if (c == NULL) {
		fg_records_free(&records);
		fg_op_unavailable(op, "out of memory");
		return;
	}
	op->state = c;
	op->free = change_free;
	c->batch.flags = FG_BATCH_PARTIAL;
	c->done = on_rolled_back;
	c->ctx = op;
	if (fg_change_ask(c) != 0)
		fg_op_unavailable(op, "there is no gate");
}

/* ---- Shadow ---- */

static void on_shadow(void *ctx, const struct fg_message *m)
{
	struct fg_op *op = ctx;
	struct fg_done done;

	if (!done_of(op, m, &done))
		return;
	if (done.result != 0) {
		fg_op_unavailable(op, "the gate could not switch");
		return;
	}
	say(op, "shadow", fg_op_true(op, "on") ? "on" : "off");
	fg_op_reply(op, NULL);
}

void fg_method_set_shadow(struct fg_op *op)
{
	struct fg_switch s = { .on = fg_op_true(op, "on") };

	ask(op, FG_ASK_SHADOW, &s, sizeof(s), on_shadow);
}

/* ---- Quarantine ---- */

struct quarantine {
	struct fg_quarantine ask;
	char nlri[2 * (FG_NLRI_MAX + 2) + 1];
};

static void on_quarantine(void *ctx, const struct fg_message *m)
{
	struct fg_op *op = ctx;
	struct quarantine *q = op->state;
	struct fg_done done;

	if (!done_of(op, m, &done))
		return;
	if (done.result != 0 && done.result != -ENOENT) {
		fg_op_unavailable(op, "the gate has no room in quarantine");
		return;
	}
	fg_ledger_quarantine(op->ctrl->ledger, q->ask.hash, fg_op_string(op, "family"), q->nlri, op->who, fg_now_s(),
			     q->ask.on);
	say(op, q->ask.on ? "quarantine" : "end of quarantine", q->nlri);
	fg_op_reply(op, NULL);
}

static void invalid(struct fg_op *op, const char *parameter)
{
	fg_client_error(op->client, "org.varlink.service.InvalidParameter", json_pack("{s:s}", "parameter", parameter));
	fg_op_end(op);
}

/* A rule is known by its octets, whoever announces it. */
void fg_method_quarantine(struct fg_op *op)
{
	const char *family = fg_op_string(op, "family"), *hex = fg_op_string(op, "nlri"),
		   *payload = fg_op_string(op, "payload");
	static uint8_t octets[FG_NLRI_MAX + 2 + FG_PATTERN_TEXT_MAX];
	size_t pattern = payload != NULL ? strlen(payload) : 0;
	long len = fg_hex_read(hex, strlen(hex), octets, FG_NLRI_MAX + 2);
	struct fg_reader in = { octets, octets + (len > 0 ? len : 0) };
	struct fg_rule rule = { 0 };
	struct quarantine *q;
	bool framed, six = strcmp(family, "ipv6") == 0;

	if (!six && strcmp(family, "ipv4") != 0) {
		invalid(op, "family");
		return;
	}
	if (len < 0 || fg_nlri_read(&in, six ? FG_IPV6 : FG_IPV4, false, FG_OFFSET_STRICT, &rule, &framed, NULL) != 0 ||
	    in.at != in.end) {
		invalid(op, "nlri");
		return;
	}
	if (pattern > FG_PATTERN_TEXT_MAX) {
		invalid(op, "payload");
		return;
	}
	q = calloc(1, sizeof(*q));
	if (q == NULL) {
		fg_op_unavailable(op, "out of memory");
		return;
	}
	op->state = q;
	op->free = free;
	if (pattern > 0)
		memcpy(octets + len, payload, pattern); /* which lies behind the NLRI in a record, too */
	q->ask.hash = fg_record_hash(rule.family, rule.offset_form, rule.nlri, rule.nlri_len, (uint16_t)pattern);
	q->ask.on = fg_op_true(op, "on");
	memcpy(q->nlri, hex, strlen(hex) + 1);
	ask(op, FG_ASK_QUARANTINE, &q->ask, sizeof(q->ask), on_quarantine);
}

void fg_method_list_quarantine(struct fg_op *op)
{
	fg_op_reply(op, json_pack("{s:o}", "rules", fg_ledger_quarantined(op->ctrl->ledger)));
}
