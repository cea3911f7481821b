/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From staged changes to a generation (state.h). In: what comes and goes. Out: an image that packets meet, and the store that says so.
 *
 * What has room is found by compiling it: all together, and where that is over budget, in halves, first half first, so that what is
 * admitted is what trying one rule after the other would admit. The work is capped. What is taken back is taken back exactly, for each
 * change knows what it did.
 *
 * Always holds: an image is written only while no packet reads it; the store's generation is set before `side`, so what a successor finds
 * in the store is what packets meet, or will as soon as it has rebuilt.
 */
#include <string.h>

#include "ctrl/gate/state.h"
#include "ctrl/table/need.h"

enum { WORK_MAX = 1 << 22, ALARM_HIGH = 90, ALARM_LOW = 70 };

static int idle_side(const struct fg_gate *g)
{
	return g->side == 0 ? 1 : 0;
}

/* ---- Room ---- */

/* Makes a change so, or as it was. 0, or why the table does not take it. */
static int set_change(struct fg_gate *g, const struct fg_change *c, bool in)
{
	struct fg_entry *e = &g->entry[c->add];

	if (e->state == FG_ENTRY_LIVE)
		e->leaving = !in;
	else
		e->joined = in;
	if (c->del != 0)
		g->entry[c->del].leaving = in || c->asked;
	return fg_rules_settle(g, c->add);
}

/* Brings the idle image along. What is over budget then, and what it would have cost. */
static enum fg_resource over(struct fg_gate *g, struct fg_cost *with)
{
	*with = g->cost;
	if (fg_table_apply(g->table, idle_side(g)) != 0) {
		with->bytes = UINT64_MAX;
		return FG_RES_BYTES;
	}
	fg_table_worst(g->table, idle_side(g), with);
	return fg_need_exceeds(with, g->bytes_budget, g->lines_budget);
}

/* False: nothing comes, or only to wait. */
static bool comes(const struct fg_gate *g, const struct fg_change *c)
{
	return c->add != 0 && !(g->entry[c->add].state == FG_ENTRY_STAGED && g->entry[c->add].waits);
}

/* Brings additions [from, to) in together if they fit: 0. Otherwise none of them. */
static int fit(struct fg_gate *g, uint32_t from, uint32_t to, enum fg_resource *what, struct fg_cost *with)
{
	uint32_t end = from;
	int r = 0;

	*what = FG_RES_NONE;
	*with = g->cost;
	for (; end < to && r == 0; end++)
		if (comes(g, &g->change[end]))
			r = set_change(g, &g->change[end], true);
	if (r == 0)
		*what = over(g, with);
	g->work += to - from;
	if (r == 0 && *what == FG_RES_NONE) {
		g->cost = *with;
		return 0;
	}
	for (uint32_t i = from; i < end; i++)
		if (comes(g, &g->change[i]))
			set_change(g, &g->change[i], false);
	return r != 0 ? r : FG_OVER_BUDGET;
}

static uint64_t room_left(uint64_t budget, uint64_t used)
{
	return budget > used ? budget - used : 0;
}

static void say_over(struct fg_gate *g, const struct fg_change *c, enum fg_resource what, const struct fg_cost *with,
		     struct fg_finding *why)
{
	const struct fg_entry *e = &g->entry[c->add];
	uint64_t bytes = with->bytes == UINT64_MAX ? e->bytes : room_left(with->bytes, g->cost.bytes);
	struct fg_compile_scratch *scratch = &g->admission.scratch;

	if (what == FG_RES_LINES)
		fg_need_over(&e->rule, what, with->lines, g->lines_budget, "on the worst packet's way there may be",
			     scratch, why);
	else if (what == FG_RES_CONTINUES)
		fg_need_over(&e->rule, what, with->continues, FG_APPLIED_MAX - 1, "permitted", scratch, why);
	else
		fg_need_over(&e->rule, FG_RES_BYTES, bytes, room_left(g->bytes_budget, g->cost.bytes),
			     "left in the table", scratch, why);
}

static void say_duplicate(struct fg_finding *why)
{
	struct fg_findings one = { .count = 0 };

	fg_finding_add(&one, FG_DUPLICATE, 0, "RFC 8955 §5.1",
		       "the same NLRI is there, its offset read in the other form, with the same meaning");
	*why = one.at[0];
}

static void say_untried(struct fg_gate *g, struct fg_finding *why)
{
	struct fg_findings one = { .count = 0 };

	fg_finding_add(&one, FG_OVER_BUDGET, 0, "budget",
		       "not tried: so many rules before it are over budget that the room left is not looked for any "
		       "further");
	*why = one.at[0];
	why->resource = FG_RES_BYTES;
	why->available = room_left(g->bytes_budget, g->cost.bytes);
}

/*
 * A rule without room waits, unless there is one of its identity that stays. One that was deleted and not confirmed is in the store: what
 * is said of it there is true again as soon as nothing waits for confirmation, and until then its revert is to be done anyway.
 */
static bool is_to_wait(struct fg_gate *g, const struct fg_change *c, const struct fg_finding *why)
{
	bool waits = g->entry[c->add].waits;

	if (why->code != FG_OVER_BUDGET || (g->batch.flags & FG_BATCH_TRY) ||
	    (c->del != 0 && !c->asked && g->entry[c->del].state == FG_ENTRY_LIVE))
		return waits;
	if (!waits)
		waits = fg_waiting_take(g, c->add);
	if (waits && g->entry[c->add].state == FG_ENTRY_KEPT)
		fg_cell(g, c->add)->waits = 1;
	return waits;
}

/* What has no room is out: a rule that was to come does not, one that was there goes. */
static void leave_out(struct fg_gate *g, uint32_t i, const struct fg_finding *why, fg_batch_report report, void *ctx)
{
	struct fg_change *c = &g->change[i];
	struct fg_entry *e = &g->entry[c->add];
	bool waits = is_to_wait(g, c, why);

	report(ctx, c->place, waits ? c->add : 0, why);
	fg_rules_charge(g, c->add, false);
	if (e->state == FG_ENTRY_LIVE) {
		*c = (struct fg_change){ .del = c->add, .place = c->place };
		e->leaving = true;
		return;
	}
	if (waits)
		fg_rules_disarm(g, c->add);
	if (e->state == FG_ENTRY_STAGED) {
		g->batch.result.admitted--;
		g->batch.result.refused++;
		g->batch.result.waiting += waits;
		if (waits)
			return;
		fg_rules_drop(g, c->add);
	}
	e->change = 0;
	if (c->del != 0 && c->asked) {
		*c = (struct fg_change){ .del = c->del, .place = c->place, .asked = true };
		return;
	}
	if (c->del != 0) {
		g->entry[c->del].change = 0;
		if (g->entry[c->del].state == FG_ENTRY_LIVE)
			fg_rules_charge(g, c->del, true);
	}
	*c = (struct fg_change){ .place = c->place };
}

struct halving {
	struct fg_gate *g;
	bool all_or_none;
	fg_batch_report report;
	void *ctx;
};

static int refuse(const struct halving *h, uint32_t i, int r, enum fg_resource what, const struct fg_cost *with)
{
	struct fg_finding why;

	if (r == FG_DUPLICATE)
		say_duplicate(&why);
	else if (what == FG_RES_NONE && h->g->work > WORK_MAX)
		say_untried(h->g, &why);
	else
		say_over(h->g, &h->g->change[i], what, with, &why);
	if (!h->all_or_none) {
		leave_out(h->g, i, &why, h->report, h->ctx);
		return FG_OVER_BUDGET;
	}
	h->report(h->ctx, h->g->change[i].place, 0, &why);
	h->g->batch.result.admitted--;
	h->g->batch.result.refused++;
	return FG_OVER_BUDGET;
}

/*
 * Depth is the binary logarithm of FG_BATCH_MAX at most. Where all or none is asked for, it goes on only to the first rule that has no room.
 */
static int admit(const struct halving *h, uint32_t from, uint32_t to)
{
	uint32_t middle = from + (to - from) / 2;
	enum fg_resource what = FG_RES_NONE;
	struct fg_cost with;
	int r = FG_OVER_BUDGET;

	if (to == from)
		return 0;
	if (h->g->work <= WORK_MAX)
		r = fit(h->g, from, to, &what, &with);
	if (r == 0)
		return 0;
	if (to - from == 1)
		return comes(h->g, &h->g->change[from]) ? refuse(h, from, r, what, &with) : 0;
	r = admit(h, from, middle);
	return r != 0 && h->all_or_none ? r : admit(h, middle, to);
}

static void settle_deletions(struct fg_gate *g)
{
	for (uint32_t i = 0; i < g->changes; i++) {
		const struct fg_change *c = &g->change[i];

		if (c->del == 0)
			continue;
		g->entry[c->del].leaving = c->asked;
		if (g->entry[c->del].state == FG_ENTRY_LIVE)
			fg_rules_settle(g, c->del);
	}
}

int fg_commit_join(struct fg_gate *g, bool all_or_none, fg_batch_report report, void *ctx)
{
	const struct halving h = { g, all_or_none, report, ctx };
	int r;

	g->work = 0;
	settle_deletions(g);
	r = admit(&h, 0, g->changes);
	if (all_or_none && r != 0) {
		fg_commit_undo(g);
		return FG_OVER_BUDGET;
	}
	/* Of what was tried in vain nothing may be left. */
	if (fg_table_apply(g->table, idle_side(g)) != 0) {
		fg_commit_undo(g);
		return FG_OVER_BUDGET;
	}
	fg_table_worst(g->table, idle_side(g), &g->cost);
	return FG_OK;
}

void fg_commit_undo(struct fg_gate *g)
{
	for (uint32_t i = 0; i < g->changes; i++) {
		const struct fg_change *c = &g->change[i];

		if (c->add != 0 && g->entry[c->add].state != FG_ENTRY_LIVE)
			g->entry[c->add].joined = false;
		if (c->del != 0)
			g->entry[c->del].leaving = false;
		if (c->add != 0 || c->del != 0)
			fg_rules_settle(g, c->add != 0 ? c->add : c->del);
	}
	fg_table_apply(g->table, idle_side(g));
	fg_table_worst(g->table, idle_side(g), &g->cost);
}

/* ---- A generation ---- */

static uint32_t per_cent(uint64_t used, uint64_t budget)
{
	return budget == 0 ? 100 : (uint32_t)(used >= budget ? 100 : used * 100 / budget);
}

static void look_at_headroom(struct fg_gate *g)
{
	uint32_t most = per_cent(g->cost.bytes, g->bytes_budget), level;

	if (per_cent(g->cost.lines, g->lines_budget) > most)
		most = per_cent(g->cost.lines, g->lines_budget);
	if (per_cent(g->live, g->slots_budget) > most)
		most = per_cent(g->live, g->slots_budget);
	level = most >= ALARM_HIGH ? ALARM_HIGH : most >= ALARM_LOW ? ALARM_LOW : 0;
	if (level != g->alarm)
		fg_gate_event(g, FG_EVENT_ALARM, level == 0 ? 0 : most, "");
	g->alarm = level;
}

static void write_coming(struct fg_gate *g, uint32_t slot, uint64_t generation)
{
	struct fg_cell *c = fg_cell(g, slot);
	const struct fg_entry *e = &g->entry[slot];

	if (e->state == FG_ENTRY_STAGED && e->waits) {
		c->waits = 1;
		fg_store_mark(&g->store, &c->deleted, generation);
	}
	if (e->state == FG_ENTRY_STAGED)
		fg_store_mark(&g->store, &c->added, generation);
	if (e->state == FG_ENTRY_KEPT || e->state == FG_ENTRY_WAITING)
		fg_store_mark(&g->store, &c->restored, generation);
}

/* Of one that waited and was withdrawn, all that a revert would bring back is that it waits. */
static void write_going(struct fg_gate *g, uint32_t slot, uint64_t generation)
{
	struct fg_cell *c = fg_cell(g, slot);
	const struct fg_entry *e = &g->entry[slot];

	if (e->state == FG_ENTRY_KEPT && e->waits) {
		c->waits = 0;
		return;
	}
	if (e->state == FG_ENTRY_LIVE && e->waits)
		c->waits = 1;
	fg_store_mark(&g->store, e->state == FG_ENTRY_LIVE ? &c->deleted : &c->forgotten, generation);
}

/* In the store, all of it for a generation that is not true yet. */
static void write_changes(struct fg_gate *g, uint64_t generation)
{
	for (uint32_t i = 0; i < g->changes; i++) {
		if (g->change[i].add != 0 && g->entry[g->change[i].add].state != FG_ENTRY_LIVE)
			write_coming(g, g->change[i].add, generation);
		if (g->change[i].del != 0)
			write_going(g, g->change[i].del, generation);
	}
}

/* How many that waited have come by this generation. */
static uint32_t came(struct fg_gate *g, uint32_t slot, uint32_t waited)
{
	struct fg_entry *e = &g->entry[slot];
	struct fg_cell *c = fg_cell(g, slot);

	if (e->state == FG_ENTRY_STAGED && e->waits) {
		fg_waiting_begin(g, slot);
		return waited;
	}
	if (e->state == FG_ENTRY_KEPT || e->state == FG_ENTRY_WAITING)
		fg_store_restore(&g->store, c);
	if (e->state == FG_ENTRY_WAITING)
		fg_gate_event(g, FG_EVENT_ADMITTED, ++waited, c->name);
	fg_waiting_leave(g, slot);
	e->state = FG_ENTRY_LIVE;
	e->joined = e->leaving = false;
	e->change = 0;
	if (c->expires_ns != 0)
		fg_deadline_set(&g->deadlines, slot, c->expires_ns);
	return waited;
}

static void went(struct fg_gate *g, uint32_t slot, bool keep)
{
	struct fg_entry *e = &g->entry[slot];

	fg_deadline_clear(&g->deadlines, slot);
	e->leaving = false;
	e->change = 0;
	if (e->state == FG_ENTRY_LIVE && e->waits) {
		fg_waiting_begin(g, slot);
		return;
	}
	if (keep && (e->state == FG_ENTRY_LIVE || e->state == FG_ENTRY_WAITING)) {
		e->state = FG_ENTRY_KEPT;
		return;
	}
	e->state = FG_ENTRY_GONE;
	e->change = g->gone;
	g->gone = slot;
}

static bool any_change(const struct fg_gate *g)
{
	for (uint32_t i = 0; i < g->changes; i++)
		if (g->change[i].del != 0 ||
		    (g->change[i].add != 0 && g->entry[g->change[i].add].state != FG_ENTRY_LIVE))
			return true;
	return false;
}

static void flip(struct fg_gate *g)
{
	int side = idle_side(g);

	fg_patterns_bring(g, (uint32_t)side);
	((struct fg_image *)(void *)g->dataplane->memory.image[side])->generation = g->store.head->generation;
	__atomic_store_n(&g->dataplane->memory.control->side, (uint32_t)side, __ATOMIC_RELEASE);
	g->side = (uint32_t)side;
	g->behind = true;
}

void fg_commit_publish(struct fg_gate *g, uint64_t confirm_until_ns)
{
	uint64_t generation = g->store.head->generation + 1;
	bool any = any_change(g), less = false;
	uint32_t waited = 0;

	if (any) {
		write_changes(g, generation);
		if (confirm_until_ns != 0)
			fg_store_confirm(&g->store, generation, confirm_until_ns);
		fg_store_commit(&g->store, generation);
	}
	flip(g);
	for (uint32_t i = 0; i < g->changes; i++) {
		if (g->change[i].add != 0)
			waited = came(g, g->change[i].add, waited);
		if (g->change[i].del != 0)
			went(g, g->change[i].del, confirm_until_ns != 0);
		less = less || g->change[i].del != 0;
	}
	if (less)
		fg_waiting_again(g);
	g->changes = 0;
	g->batch.open = false;
	if (any)
		fg_gate_event(g, FG_EVENT_COMMIT, 0, "");
	look_at_headroom(g);
}

static void release(struct fg_gate *g)
{
	for (uint32_t slot = g->gone, next; slot != 0; slot = next) {
		next = g->entry[slot].change;
		fg_rules_drop(g, slot);
	}
	g->gone = 0;
}

void fg_gate_catch_up(struct fg_gate *g)
{
	if (g->behind) {
		g->dataplane->drain(g->dataplane->ctx);
		fg_reload_fenced(g);
		/* It has room for what the other has; where it has not, it is made anew before it is used. */
		fg_table_apply(g->table, idle_side(g));
		g->behind = false;
	}
}

void fg_gate_release(struct fg_gate *g)
{
	fg_gate_catch_up(g);
	release(g);
}

void fg_commit_now(const struct fg_gate *g, struct fg_cost_now *now)
{
	*now = (struct fg_cost_now){
		.bytes = g->cost.bytes,
		.bytes_budget = g->bytes_budget,
		.lines = g->cost.lines,
		.lines_budget = g->lines_budget,
		.slots = g->live,
		.slots_budget = g->slots_budget,
	};
}
