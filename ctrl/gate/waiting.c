/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules that have no room, and are tried again in order of sequence when there is some (state.h). In: a commit that took something away,
 * larger limits. Out: generations like any other.
 *
 * What always holds: whatever is freed, trying begins anew with the lowest sequence, so none that has room is overtaken by one that came
 * later. A turn tries a bounded number, and the next one goes on there, so that callers are answered in between.
 */
#include "ctrl/gate/state.h"

enum {
	SHARE = 16,         /* one part in so many of the store's cells is theirs */
	TRIES_MAX = 64,     /* that are compiled in a turn */
	LOOKS_MAX = 1 << 16 /* rules that a turn looks at */
};

/* ---- Who waits ---- */

uint32_t fg_waiting_cells_max(uint32_t cells)
{
	return (cells - FG_PROTECT_MAX) / SHARE;
}

bool fg_waiting_take(struct fg_gate *g, uint32_t slot)
{
	uint32_t cells = fg_cell(g, slot)->cells;

	if (g->waiting.cells + cells > g->waiting.cells_max)
		return false;
	g->waiting.cells += cells;
	g->entry[slot].waits = true;
	return true;
}

void fg_waiting_leave(struct fg_gate *g, uint32_t slot)
{
	if (g->entry[slot].waits)
		g->waiting.cells -= fg_cell(g, slot)->cells;
	g->entry[slot].waits = false;
}

void fg_waiting_begin(struct fg_gate *g, uint32_t slot)
{
	const struct fg_cell *c = fg_cell(g, slot);
	struct fg_entry *e = &g->entry[slot];

	e->state = FG_ENTRY_WAITING;
	e->joined = e->leaving = false;
	e->change = 0;
	if (c->expires_ns != 0)
		fg_deadline_set(&g->deadlines, slot, c->expires_ns);
	if (g->waiting.first == 0 || c->sequence < fg_cell(g, g->waiting.first)->sequence)
		g->waiting.first = slot;
}

/* ---- Trying ---- */

void fg_waiting_again(struct fg_gate *g)
{
	g->waiting.next = g->waiting.cells > 0 ? g->waiting.first : 0;
}

bool fg_waiting_due(const struct fg_gate *g)
{
	return g->waiting.next != 0 && g->ready && !g->batch.open && g->store.head->confirm_generation == 0;
}

/* What is in quarantine by now goes. What has no room by its source needs no compiling. */
static void consider(struct fg_gate *g, uint32_t slot)
{
	bool permitted;
	enum fg_reason code = fg_reload_judge(g, slot, &permitted);

	if (!permitted && fg_change_add(g, 0, slot))
		fg_gate_event(g, FG_EVENT_REFUSED, code, fg_cell(g, slot)->name);
	else if (code == FG_OK && fg_rules_arm(g, slot) == FG_OK && fg_change_add(g, slot, 0))
		fg_rules_charge(g, slot, true);
}

static bool consider_some(struct fg_gate *g)
{
	uint32_t n = g->waiting.next, looks = 0;
	bool begins = n == g->waiting.first, first = false;

	for (; n != 0 && g->changes < TRIES_MAX && looks < LOOKS_MAX; n = g->entry[n].behind, looks++) {
		if (g->entry[n].state != FG_ENTRY_WAITING)
			continue;
		if (begins && !first)
			g->waiting.first = n;
		first = true;
		consider(g, n);
	}
	if (begins && !first)
		g->waiting.first = n;
	g->waiting.next = n;
	return g->changes > 0;
}

/* It waits on, which is nothing new. */
static void report(void *ctx, uint32_t place, uint32_t waits, const struct fg_finding *why)
{
	(void)ctx;
	(void)place;
	(void)waits;
	(void)why;
}

void fg_waiting_try(struct fg_gate *g)
{
	uint32_t left = 0;

	fg_batch_begin(g, 0, FG_BATCH_PARTIAL, 0);
	if (consider_some(g)) {
		g->store.head->trying = 1;
		if (fg_commit_join(g, false, report, g) != FG_OK)
			fg_batch_abort(g);
		g->store.head->trying = 0;
	}
	for (uint32_t i = 0; i < g->changes; i++)
		left += g->change[i].add != 0 || g->change[i].del != 0;
	if (left == 0) {
		g->changes = 0;
		g->batch.open = false;
		return;
	}
	fg_commit_publish(g, 0);
	fg_gate_catch_up(g);
}
