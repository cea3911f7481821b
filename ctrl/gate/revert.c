/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What takes rules away without anybody asking for each of them: the end of their time, a confirmation that did not come, a flush. In: the
 * clock (g->now_ns). Out: generations like any other.
 */
#include <errno.h>
#include <string.h>

#include "ctrl/gate/state.h"

enum {
	EXPIRED_MAX = 4096,  /* rules that end in one generation */
	FLUSH_FEW = 2000,    /* rules that can be taken out one by one in time */
	FLUSH_MANY = 200000, /* rules for which making an image takes too long */
};

/* In a generation of our own, what has no room is left out and said so. */
static void report(void *ctx, uint32_t place, uint32_t waits, const struct fg_finding *why)
{
	struct fg_gate *g = ctx;

	(void)place;
	fg_gate_event(g, waits != 0 ? FG_EVENT_WAITING : FG_EVENT_REFUSED, why->code,
		      waits != 0 ? fg_cell(g, waits)->name : "");
}

static bool commit(struct fg_gate *g)
{
	if (fg_commit_join(g, false, report, g) != FG_OK) {
		fg_batch_abort(g);
		return false;
	}
	fg_commit_publish(g, 0);
	fg_gate_catch_up(g);
	return true;
}

/* ---- Time ---- */

static void expire(struct fg_gate *g)
{
	uint32_t slot;

	if (fg_deadline_due(&g->deadlines, g->now_ns) == 0)
		return;
	fg_batch_begin(g, 0, FG_BATCH_PARTIAL, 0);
	for (int i = 0; i < EXPIRED_MAX && (slot = fg_deadline_due(&g->deadlines, g->now_ns)) != 0; i++) {
		fg_deadline_clear(&g->deadlines, slot);
		fg_change_take(g, slot);
		fg_gate_event(g, FG_EVENT_EXPIRED, 0, fg_cell(g, slot)->name);
	}
	commit(g);
}

/* ---- Confirmation ---- */

static void let_kept_go(struct fg_gate *g)
{
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind) {
		struct fg_entry *e = &g->entry[n];

		if (e->state != FG_ENTRY_KEPT)
			continue;
		e->joined = e->leaving = false;
		if (fg_store_fate(&g->store, fg_cell(g, n)) == FG_FATE_WAITS) {
			fg_waiting_begin(g, n);
			continue;
		}
		e->state = FG_ENTRY_GONE;
		e->change = g->gone;
		g->gone = n;
	}
}

int fg_gate_confirm(struct fg_gate *g)
{
	if (g->store.head->confirm_generation == 0)
		return -ENOENT;
	fg_store_confirm(&g->store, 0, 0);
	let_kept_go(g);
	fg_waiting_again(g);
	return 0;
}

/* A rule that was deleted comes back: if its time is not over, nobody has it again, and it is still permitted. */
static bool may_come_back(struct fg_gate *g, uint32_t slot, uint64_t generation)
{
	const struct fg_cell *c = fg_cell(g, slot);
	const struct fg_entry *e = &g->entry[slot];
	uint32_t live = fg_rules_find(g, &e->rule, fg_rules_pattern(e), c->by.source,
				      1u << FG_ENTRY_LIVE | 1u << FG_ENTRY_WAITING);
	struct fg_cost alone;

	if ((c->forgotten != 0 && !c->waits) || (c->expires_ns != 0 && c->expires_ns <= g->now_ns) ||
	    (live != 0 && fg_cell(g, live)->added != generation))
		return false;
	g->findings.count = 0;
	return fg_admit(&g->admission, &e->rule, fg_rules_pattern(e), c->by.source, &g->findings, &alone) == FG_OK &&
	       fg_patterns_judge(g, &e->rule, fg_rules_pattern(e), &g->findings) == FG_OK;
}

/* What waited waits again, once nothing waits for confirmation; a successor that finds the revert not done does it again. */
static void bring_back(struct fg_gate *g, uint32_t slot)
{
	struct fg_cell *c = fg_cell(g, slot);

	if (c->waits)
		fg_store_mark(&g->store, &c->forgotten, 0);
	else if (fg_change_add(g, slot, 0))
		fg_rules_charge(g, slot, true);
}

static void revert(struct fg_gate *g)
{
	uint64_t generation = g->store.head->confirm_generation;

	fg_batch_begin(g, 0, FG_BATCH_PARTIAL, 0);
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind) {
		if (g->entry[n].state == FG_ENTRY_KEPT && may_come_back(g, n, generation))
			bring_back(g, n);
	}
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		if (fg_rules_stays(g, n) && fg_cell(g, n)->added == generation)
			fg_change_take(g, n);
	if (!commit(g))
		return;
	fg_gate_confirm(g);
	fg_gate_event(g, FG_EVENT_REVERTED, 0, "");
}

/* ---- The clock ---- */

void fg_gate_tick(struct fg_gate *g)
{
	const struct fg_store_header *h = g->store.head;

	if (g->batch.open && g->now_ns >= g->batch.until_ns)
		fg_serve_cancel(g, -ETIME);
	if (g->stable_ns != 0 && g->now_ns >= g->stable_ns) {
		fg_store_stable(&g->store);
		g->stable_ns = 0;
	}
	if (g->retry_ns != 0 && g->now_ns >= g->retry_ns)
		fg_reload_ports(g, false);
	if (g->batch.open || !g->ready)
		return;
	if (h->confirm_generation != 0 && g->now_ns >= h->confirm_until_ns)
		revert(g);
	expire(g);
	if (fg_waiting_due(g))
		fg_waiting_try(g);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

uint64_t fg_gate_next_ns(const struct fg_gate *g)
{
	const struct fg_store_header *h = g->store.head;
	uint64_t next = g->stable_ns != 0 ? g->stable_ns : UINT64_MAX;

	if (g->retry_ns != 0)
		next = sooner(next, g->retry_ns);
	if (g->batch.open)
		return sooner(next, g->batch.until_ns);
	if (!g->ready)
		return next;
	if (h->confirm_generation != 0)
		next = sooner(next, h->confirm_until_ns);
	if (fg_waiting_due(g))
		next = sooner(next, g->now_ns);
	if (g->deadlines.count > 0)
		next = sooner(next, g->deadlines.heap[1].at_ns);
	return next;
}

/* ---- Flush ---- */

static bool goes(const struct fg_gate *g, uint32_t slot)
{
	return fg_rules_stays(g, slot) && !(fg_cell(g, slot)->flags & FG_RECORD_STATIC);
}

static uint32_t count_going(const struct fg_gate *g)
{
	uint32_t count = 0;

	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		count += goes(g, n);
	return count;
}

static void flush_one_by_one(struct fg_gate *g)
{
	fg_batch_begin(g, 0, FG_BATCH_PARTIAL, 0);
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		if (goes(g, n))
			fg_change_take(g, n);
	commit(g);
}

/* A generation of the store without them; no image has any rule any more. */
static void write_flush(struct fg_gate *g)
{
	uint64_t generation = g->store.head->generation + 1;

	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		if (goes(g, n))
			fg_store_mark(&g->store,
				      g->entry[n].state == FG_ENTRY_LIVE ? &fg_cell(g, n)->deleted
									 : &fg_cell(g, n)->forgotten,
				      generation);
	fg_store_commit(&g->store, generation);
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind) {
		if (goes(g, n)) {
			if (g->entry[n].state == FG_ENTRY_LIVE)
				fg_rules_charge(g, n, false);
			fg_deadline_clear(&g->deadlines, n);
			g->entry[n].state = FG_ENTRY_GONE;
			g->entry[n].change = g->gone;
			g->gone = n;
		}
		g->entry[n].in_table = false;
	}
}

/*
 * What stays is compiled anew, into the image that nobody reads; so many rules that this takes too long are not enforced a moment longer
 * than it takes to say so, at the price of those that stay not being enforced meanwhile.
 */
static void flush_at_once(struct fg_gate *g, bool many)
{
	if (many) {
		__atomic_store_n(&g->dataplane->memory.control->side, FG_SIDE_NONE, __ATOMIC_RELEASE);
		g->side = FG_SIDE_NONE;
	}
	write_flush(g);
	if (many)
		g->dataplane->drain(g->dataplane->ctx);
	if (!g->ready)
		return;
	fg_table_empty(g->table);
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		if (g->entry[n].state == FG_ENTRY_LIVE)
			fg_rules_settle(g, n);
	g->changes = 0;
	commit(g);
}

void fg_gate_flush(struct fg_gate *g)
{
	fg_serve_cancel(g, -ECANCELED);
	fg_gate_catch_up(g);
	if (g->ready && count_going(g) <= FLUSH_FEW)
		flush_one_by_one(g);
	else
		flush_at_once(g, !g->ready || count_going(g) > FLUSH_MANY);
	fg_gate_confirm(g);
	fg_waiting_again(g);
	fg_gate_event(g, FG_EVENT_FLUSHED, 0, "");
}
