/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages (record.h). In: octets from a socket. Out: answers in an outbox. All of a message is looked at before any of it is acted upon;
 * one that is wrong changes nothing. Next on the way: batch.c for rules; the rest is answered at once.
 */
#include <errno.h>
#include <string.h>

#include "ctrl/gate/state.h"

_Static_assert(sizeof(struct fg_message) + sizeof(struct fg_policy) <= FG_MESSAGE_MAX &&
		       sizeof(struct fg_message) + sizeof(struct fg_status) <= FG_MESSAGE_MAX,
	       "in one message");

/* ---- Shape ---- */

/* Octets behind the header; SIZE_MAX: no such question of this peer. */
static size_t expected(enum fg_peer peer, uint16_t kind)
{
	switch (kind) {
	case FG_ASK_FLUSH:
	case FG_ASK_CONFIRM:
	case FG_ASK_STATUS:
		return 0;
	case FG_ASK_LIST:
	case FG_ASK_COUNTERS:
		return sizeof(struct fg_page_ask);
	case FG_ASK_SHADOW:
		return sizeof(struct fg_switch);
	case FG_ASK_QUARANTINE:
		return sizeof(struct fg_quarantine);
	case FG_ASK_POLICY:
		return peer == FG_PEER_SUPERVISOR ? sizeof(struct fg_policy) : SIZE_MAX;
	case FG_ASK_DATABASE:
		return peer == FG_PEER_SUPERVISOR ? sizeof(struct fg_database_ask) : SIZE_MAX;
	case FG_ASK_CTRL:
		return peer == FG_PEER_SUPERVISOR ? 0 : SIZE_MAX;
	case FG_ASK_STOP:
		return peer == FG_PEER_SUPERVISOR ? sizeof(struct fg_switch) : SIZE_MAX;
	default:
		return SIZE_MAX;
	}
}

/* As many records as it says, one behind the other, and nothing else. */
static bool batch_ok(const struct fg_message *m)
{
	const struct fg_batch *b = (const struct fg_batch *)(m + 1);
	const uint8_t *end = (const uint8_t *)m + m->octets, *at = (const uint8_t *)(b + 1);

	if (m->octets < sizeof(*m) + sizeof(*b) || (b->flags & ~(uint32_t)(FG_BATCH_PARTIAL | FG_BATCH_TRY)) != 0 ||
	    b->pad != 0)
		return false;
	for (uint32_t i = 0; i < b->rules; i++) {
		const struct fg_record *r = fg_record_check(at, end);

		if (r == NULL)
			return false;
		at += r->octets;
	}
	return at == end;
}

/* Likewise texts. */
static bool patterns_ok(const struct fg_message *m)
{
	const struct fg_patterns_ask *ask = (const struct fg_patterns_ask *)(m + 1);
	const uint8_t *end = (const uint8_t *)m + m->octets, *at = (const uint8_t *)(ask + 1);

	if (m->octets < sizeof(*m) + sizeof(*ask) || ask->pad != 0)
		return false;
	for (uint32_t i = 0; i < ask->count; i++) {
		const struct fg_text *t = (const void *)at;

		if ((size_t)(end - at) < sizeof(*t) || t->text_octets == 0 || t->text_octets > FG_PATTERN_TEXT_MAX ||
		    t->octets != ((sizeof(*t) + t->text_octets + 7) & ~7u) || t->octets > (size_t)(end - at) ||
		    memchr(t->text, 0, t->text_octets) != NULL)
			return false;
		at += t->octets;
	}
	return at == end;
}

static bool switch_ok(const struct fg_message *m)
{
	const struct fg_switch *s = (const struct fg_switch *)(m + 1);

	return (m->kind != FG_ASK_SHADOW && m->kind != FG_ASK_STOP) || (s->on <= 1 && s->pad == 0);
}

static bool quarantine_ok(const struct fg_message *m)
{
	const struct fg_quarantine *q = (const struct fg_quarantine *)(m + 1);

	return m->kind != FG_ASK_QUARANTINE || (q->on <= 1 && q->pad == 0);
}

static bool message_ok(enum fg_peer peer, const struct fg_message *m, size_t octets)
{
	if (octets < sizeof(*m) || octets > FG_MESSAGE_MAX || m->version != FG_RECORD_VERSION || m->octets != octets)
		return false;
	if (m->kind == FG_ASK_BATCH)
		return m->more <= 1 && batch_ok(m);
	if (m->kind == FG_ASK_PATTERNS)
		return m->more <= 1 && patterns_ok(m);
	return m->more == 0 && expected(peer, m->kind) == octets - sizeof(*m) && switch_ok(m) && quarantine_ok(m);
}

/* ---- Answers ---- */

static void say_done(struct fg_gate *g, uint32_t id, int result, struct fg_outbox *out)
{
	const struct fg_done done = { .result = result, .generation = g->store.head->generation };

	fg_outbox_put(out, FG_SAY_DONE, id, &done, sizeof(done));
}

/* What is to be said of a batch so far; the result counts only in the last message. */
static void say_batch(struct fg_gate *g, bool last)
{
	const size_t findings = g->said_count * sizeof(*g->said);
	const size_t octets = sizeof(struct fg_message) + sizeof(struct fg_batch_result) + findings;
	uint8_t *at = fg_outbox_begin(g->out, octets);

	if (at != NULL) {
		g->batch.result.findings = g->said_count;
		memcpy(at + sizeof(struct fg_message), &g->batch.result, sizeof(g->batch.result));
		memcpy(at + sizeof(struct fg_message) + sizeof(g->batch.result), g->said, findings);
		fg_outbox_end(g->out, FG_SAY_BATCH, g->batch.id, !last, octets);
	}
	g->said_count = 0;
}

static void say_finding(struct fg_gate *g, uint32_t place, uint32_t slot, const struct fg_finding *why)
{
	if (g->said_count == FG_SAID_MAX)
		say_batch(g, false);
	g->said[g->said_count++] = (struct fg_batch_finding){ .rule = place, .slot = slot, .why = *why };
}

static void report(void *ctx, uint32_t place, uint32_t waits, const struct fg_finding *why)
{
	say_finding(ctx, place, waits, why);
}

/* It is open between two of its parts: what still comes of it is not wanted. */
void fg_serve_cancel(struct fg_gate *g, int why)
{
	if (!g->batch.open)
		return;
	fg_batch_abort(g);
	g->said_count = 0;
	g->given_up = g->batch.id;
	say_done(g, g->batch.id, why, g->out);
}

void fg_serve_forget(struct fg_gate *g)
{
	if (g->batch.open)
		fg_batch_abort(g);
	g->said_count = 0;
	g->given_up = 0;
	fg_patterns_cancel(g);
}

/* ---- A batch ---- */

/* Why no batch can begin now; 0: one can. */
static int not_now(const struct fg_gate *g, const struct fg_batch *b)
{
	if (!g->ready)
		return -EAGAIN;
	return b->confirm_s != 0 && g->store.head->confirm_generation != 0 ? -EBUSY : 0;
}

static void take_records(struct fg_gate *g, const struct fg_batch *b)
{
	const uint8_t *at = (const uint8_t *)(b + 1);

	for (uint32_t i = 0; i < b->rules; i++) {
		const struct fg_record *r = (const struct fg_record *)(const void *)at;
		uint32_t place = g->batch.place, slot;

		fg_batch_record(g, r, &slot);
		for (size_t f = 0; f < g->findings.count; f++)
			say_finding(g, place, slot, &g->findings.at[f]);
		at += r->octets;
	}
}

/*
 * What is refused in the middle of a batch is refused as a whole, so the parts that still come belong to nothing: they begin another batch,
 * unless they have the id of the one that was given up.
 */
static void serve_batch(struct fg_gate *g, const struct fg_message *m, struct fg_outbox *out)
{
	const struct fg_batch *b = (const struct fg_batch *)(m + 1);
	int r;

	if (m->id == g->given_up && m->id != 0) {
		g->given_up = m->more ? m->id : 0;
		return;
	}
	if (g->batch.open && g->batch.id != m->id)
		fg_serve_cancel(g, -ECANCELED);
	if (!g->batch.open) {
		r = not_now(g, b);
		if (r != 0) {
			g->given_up = m->more ? m->id : 0;
			say_done(g, m->id, r, out);
			return;
		}
		g->given_up = 0;
		fg_batch_begin(g, m->id, b->flags, b->confirm_s);
	}
	if (b->rules > FG_BATCH_MAX - g->batch.place) {
		fg_serve_cancel(g, -E2BIG);
		g->given_up = m->more ? m->id : 0;
		return;
	}
	take_records(g, b);
	if (m->more) {
		fg_batch_waits(g);
		return;
	}
	fg_batch_end(g, report, g);
	say_batch(g, true);
}

/* ---- Patterns ---- */

/* Of several questions the last counts, for whoever asked the others is gone, or goes on asking. */
static void serve_patterns(struct fg_gate *g, const struct fg_message *m, struct fg_outbox *out)
{
	int r;

	if (g->patterns.state != FG_PATTERNS_IDLE && g->patterns.ask != m->id && fg_patterns_cancel(g))
		say_done(g, g->patterns.ask, -ECANCELED, out);
	r = g->ready ? fg_patterns_ask(g, m->id, m->more, (const struct fg_patterns_ask *)(m + 1)) : -EAGAIN;
	if (r != FG_PATTERNS_LATER && !m->more)
		say_done(g, m->id, r, out);
}

void fg_serve_database(struct fg_gate *g, const struct fg_database_ask *ask)
{
	int r = fg_patterns_take(g, ask);

	if (r != -ENOENT)
		say_done(g, g->patterns.ask, r, g->out);
}

/* ---- All the rest ---- */

static int quarantine(struct fg_gate *g, const struct fg_quarantine *q)
{
	return fg_store_quarantine(&g->store, q->hash, q->on);
}

static void serve(struct fg_gate *g, const struct fg_message *m, struct fg_outbox *out)
{
	const void *what = m + 1;

	switch (m->kind) {
	case FG_ASK_BATCH:
		serve_batch(g, m, out);
		return;
	case FG_ASK_PATTERNS:
		serve_patterns(g, m, out);
		return;
	case FG_ASK_LIST:
		fg_pages_rules(g, m->id, ((const struct fg_page_ask *)what)->from, out);
		return;
	case FG_ASK_COUNTERS:
		fg_pages_counters(g, m->id, ((const struct fg_page_ask *)what)->from, out);
		return;
	case FG_ASK_STATUS:
		fg_pages_status(g, m->id, out);
		return;
	case FG_ASK_FLUSH:
		fg_gate_flush(g);
		say_done(g, m->id, 0, out);
		return;
	case FG_ASK_CONFIRM:
		say_done(g, m->id, fg_gate_confirm(g), out);
		return;
	case FG_ASK_SHADOW:
		fg_gate_shadow(g, ((const struct fg_switch *)what)->on);
		say_done(g, m->id, 0, out);
		return;
	case FG_ASK_QUARANTINE:
		say_done(g, m->id, quarantine(g, what), out);
		return;
	case FG_ASK_POLICY:
		say_done(g, m->id, fg_gate_policy(g, what), out);
		return;
	}
}

bool fg_gate_serve(struct fg_gate *g, enum fg_peer peer, const void *message, size_t octets, struct fg_outbox *out)
{
	if (!message_ok(peer, message, octets))
		return false;
	serve(g, message, out);
	return true;
}
