/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A batch, record by record (state.h). In: records that were checked. Out: what is to come and to go, staged: in the store, but of no
 * generation, and in no image. Next on the way: commit.c. A batch may come in parts; nothing else changes rules while it is open, and it is
 * given up if the rest does not come in time.
 *
 * What always holds: an identity has at most one rule that is to stay and one that is to come, and one change for the two.
 */
#include <stdio.h>
#include <string.h>

#include "ctrl/gate/state.h"
#include "ctrl/table/need.h"

#define PART_NS 2000000000ull   /* until the next part of a batch */
#define BATCH_NS 10000000000ull /* for all of its parts */

void fg_batch_begin(struct fg_gate *g, uint32_t id, uint32_t flags, uint32_t confirm_s)
{
	fg_gate_release(g);
	g->changes = 0;
	g->batch = (struct fg_batch_open){
		.open = true, .id = id, .flags = flags, .confirm_s = confirm_s, .end_ns = g->now_ns + BATCH_NS
	};
	fg_batch_waits(g);
}

void fg_batch_waits(struct fg_gate *g)
{
	g->batch.until_ns = g->now_ns + PART_NS < g->batch.end_ns ? g->now_ns + PART_NS : g->batch.end_ns;
}

bool fg_change_add(struct fg_gate *g, uint32_t add, uint32_t del)
{
	if (g->changes == g->changes_max)
		return false;
	g->change[g->changes++] =
		(struct fg_change){ .add = add, .del = del, .place = g->batch.place, .asked = add == 0 };
	if (add != 0)
		g->entry[add].change = g->changes;
	if (del != 0) {
		g->entry[del].change = g->changes;
		g->entry[del].leaving = true;
	}
	return true;
}

void fg_change_take(struct fg_gate *g, uint32_t slot)
{
	if (fg_change_add(g, 0, slot) && g->entry[slot].state == FG_ENTRY_LIVE)
		fg_rules_charge(g, slot, false);
}

/* A staged rule goes as if it had not come. */
static void unstage(struct fg_gate *g, uint32_t slot)
{
	struct fg_change *c = &g->change[g->entry[slot].change - 1];

	c->add = 0;
	c->asked = true;
	if (!g->entry[slot].waits)
		fg_rules_charge(g, slot, false);
	fg_rules_drop(g, slot);
}

/* ---- Adding ---- */

static bool same_request(const struct fg_gate *g, uint32_t slot, const struct fg_record *r)
{
	const struct fg_cell *c = fg_cell(g, slot);

	return memcmp(&c->actions, &r->actions, sizeof(r->actions)) == 0 && strcmp(c->name, r->name) == 0 &&
	       strcmp(c->by.owner, r->by.owner) == 0 && strcmp(c->by.ticket, r->by.ticket) == 0 &&
	       strcmp(c->by.site, r->by.site) == 0 && c->flags == r->flags && c->expires_ns == 0 && r->ttl_s == 0;
}

void fg_batch_room(struct fg_gate *g, const struct fg_rule *rule, const char *source, uint32_t old,
		   uint64_t bytes_alone)
{
	bool counts = old != 0 && !g->entry[old].waits;
	uint64_t freed = counts ? 1 : 0, freed_bytes = counts ? g->entry[old].bytes : 0;
	const struct fg_limits *l = &g->policy.limits;
	char whose[FG_NAME_MAX + 24];
	struct fg_finding why;

	if (g->live + 1 - freed > g->slots_budget) {
		fg_need_over(rule, FG_RES_SLOTS, 1, 0, "left in the table", &g->admission.scratch, &why);
		fg_admit_say(&g->findings, &why);
	}
	for (size_t i = 0; i < l->sources; i++) {
		const struct fg_source_use *use = &g->use[i + 1];
		uint64_t slots = use->slots - freed, bytes = use->bytes - freed_bytes;

		if (strcmp(l->source[i].source, source) != 0)
			continue;
		snprintf(whose, sizeof(whose), "left to source %s", source);
		if (slots + 1 > l->source[i].slots)
			fg_need_over(rule, FG_RES_SLOTS, 1, 0, whose, &g->admission.scratch, &why);
		else if (bytes + bytes_alone > l->source[i].bytes)
			fg_need_over(rule, FG_RES_BYTES, bytes_alone,
				     l->source[i].bytes > bytes ? l->source[i].bytes - bytes : 0, whose,
				     &g->admission.scratch, &why);
		else
			return;
		fg_admit_say(&g->findings, &why);
	}
}

static void no_room(struct fg_gate *g, const struct fg_record *r, const struct fg_rule *rule, const char *whose)
{
	struct fg_finding why;

	fg_need_over(rule, FG_RES_SLOTS, fg_store_cells(r->nlri_len, r->payload_octets), 0, whose,
		     &g->admission.scratch, &why);
	fg_admit_say(&g->findings, &why);
}

/* Counters of a slot that another rule had are made zero; it has been free since both images had drained. */
static void make_clean(struct fg_gate *g, uint32_t slot)
{
	uint64_t bit = 1ull << (slot % 64);

	if (g->touched[slot / 64] & bit)
		g->dataplane->rule_reset(g->dataplane->ctx, slot);
	g->touched[slot / 64] |= bit;
}

/* Puts the rule in, in place of `old`, which is staged or live; 0: of none. */
static uint32_t stage(struct fg_gate *g, const struct fg_record *r, const struct fg_rule *rule, uint32_t old,
		      const struct fg_cost *alone)
{
	uint64_t sequence = old != 0 ? fg_cell(g, old)->sequence : fg_store_sequence(&g->store);
	uint32_t slot = fg_store_put(&g->store, r, sequence, g->now_ns);

	if (slot == 0) {
		no_room(g, r, rule, "left in the store");
		return 0;
	}
	fg_cell(g, slot)->offset_form = rule->offset_form;
	fg_rules_link(g, slot, FG_ENTRY_STAGED, old);
	g->entry[slot].bytes = (uint32_t)alone->bytes;
	g->entry[slot].lines = alone->lines;
	make_clean(g, slot);
	return slot;
}

/* What has no room waits where some of a batch may be left out; not beside a rule of its identity that is enforced. */
static bool may_wait(const struct fg_gate *g, uint32_t old)
{
	return (g->batch.flags & (FG_BATCH_PARTIAL | FG_BATCH_TRY)) == FG_BATCH_PARTIAL &&
	       (old == 0 || g->entry[old].waits);
}

/* Ties a staged rule to the change of its identity. */
static bool tie(struct fg_gate *g, uint32_t slot, uint32_t live, uint32_t change)
{
	if (change == 0)
		return fg_change_add(g, slot, live);
	g->change[change - 1].add = slot;
	g->change[change - 1].place = g->batch.place;
	g->entry[slot].change = change;
	return true;
}

static void replace(struct fg_gate *g, uint32_t new, uint32_t old, uint32_t staged)
{
	if (!g->entry[new].waits)
		fg_rules_charge(g, new, true);
	if (old != 0 && !g->entry[old].waits)
		fg_rules_charge(g, old, false);
	if (staged != 0)
		fg_rules_drop(g, staged);
}

/* The rule takes the place of `old`, staged or live, or of one that leaves by this batch. */
static enum fg_reason add_rule(struct fg_gate *g, const struct fg_record *r, const struct fg_rule *rule,
			       const struct fg_cost *alone, uint32_t *slot)
{
	uint32_t staged = fg_rules_find(g, rule, fg_record_pattern(r), r->by.source, 1u << FG_ENTRY_STAGED);
	uint32_t live = fg_rules_find(g, rule, fg_record_pattern(r), r->by.source,
				      1u << FG_ENTRY_LIVE | 1u << FG_ENTRY_WAITING);
	uint32_t left = fg_rules_find(g, rule, fg_record_pattern(r), r->by.source, 1u << FG_ENTRY_LEAVING);
	uint32_t change = staged != 0 ? g->entry[staged].change : left != 0 ? g->entry[left].change : 0;
	uint32_t old = staged != 0 ? staged : live, new;
	bool room;

	/* One that waits is tried anew, where it stood: this batch may have made room for it. */
	if (old != 0 && !g->entry[old].waits && same_request(g, old, r)) {
		fg_finding_add(&g->findings, FG_DUPLICATE, 0, "RFC 8955 §5.1",
			       "%s has this rule already, with the same actions and attributes", r->by.source);
		return FG_DUPLICATE;
	}
	fg_batch_room(g, rule, r->by.source, old, alone->bytes);
	room = fg_findings_refusal(&g->findings) == FG_OK;
	new = room || may_wait(g, old) ? stage(g, r, rule, old != 0 ? old : left, alone) : 0;
	if (new == 0)
		return FG_OVER_BUDGET;
	if (room && fg_rules_arm(g, new) != FG_OK) {
		no_room(g, r, rule, "next hops that rules may name");
		room = false;
	}
	if (!(room || (may_wait(g, old) && fg_waiting_take(g, new))) || !tie(g, new, live, change)) {
		fg_rules_drop(g, new);
		if (room)
			no_room(g, r, rule, "left in the batch");
		return FG_OVER_BUDGET;
	}
	replace(g, new, old, staged);
	*slot = new;
	return room ? FG_OK : FG_OVER_BUDGET;
}

static enum fg_reason add(struct fg_gate *g, const struct fg_record *r, const struct fg_rule *rule, uint32_t *slot)
{
	enum fg_reason code;
	struct fg_cost alone;

	code = fg_admit(&g->admission, rule, fg_record_pattern(r), r->by.source, &g->findings, &alone);
	if (code == FG_OK)
		code = fg_patterns_judge(g, rule, fg_record_pattern(r), &g->findings);
	if (code == FG_OK)
		code = add_rule(g, r, rule, &alone, slot);
	if (code == FG_OK)
		g->batch.result.admitted++;
	else
		g->batch.result.refused++;
	g->batch.result.waiting += code == FG_OVER_BUDGET && *slot != 0;
	return code;
}

/* ---- Deleting ---- */

static void delete (struct fg_gate *g, const struct fg_record *r, const struct fg_rule *rule)
{
	uint32_t staged = fg_rules_find(g, rule, fg_record_pattern(r), r->by.source, 1u << FG_ENTRY_STAGED);
	uint32_t live = fg_rules_find(g, rule, fg_record_pattern(r), r->by.source,
				      1u << FG_ENTRY_LIVE | 1u << FG_ENTRY_WAITING);
	uint32_t kept = fg_rules_find(g, rule, fg_record_pattern(r), r->by.source, 1u << FG_ENTRY_KEPT);

	/* What a revert would bring back is not wanted any more either. */
	if (kept != 0)
		fg_change_add(g, 0, kept);
	if (staged != 0)
		unstage(g, staged);
	else if (live != 0)
		fg_change_take(g, live);
	if (staged != 0 || live != 0)
		g->batch.result.deleted++;
	else
		g->batch.result.absent++;
}

/* ---- The batch ---- */

enum fg_reason fg_batch_record(struct fg_gate *g, const struct fg_record *r, uint32_t *slot)
{
	struct fg_rule rule = { .family = r->family,
				.nlri_len = r->nlri_len,
				.nlri = r->nlri,
				.offset_form = r->offset_form,
				.actions = r->actions };
	enum fg_reason code = FG_OK;

	g->findings.count = 0;
	*slot = 0;
	rule.offset_form = fg_nlri_form(&rule);
	rule.pattern = fg_patterns_find(g, fg_record_pattern(r));
	if (r->op == FG_OP_ADD)
		code = add(g, r, &rule, slot);
	else
		delete (g, r, &rule);
	g->batch.place++;
	if (!(g->batch.flags & FG_BATCH_PARTIAL) && g->batch.result.refused + g->batch.result.absent > 0)
		g->batch.doomed = true;
	return code;
}

static void unadd(struct fg_gate *g, uint32_t slot)
{
	struct fg_entry *e = &g->entry[slot];

	if (!(e->state == FG_ENTRY_STAGED && e->waits))
		fg_rules_charge(g, slot, false);
	if (e->state == FG_ENTRY_WAITING) {
		e->joined = false;
		e->change = 0;
	} else {
		fg_rules_drop(g, slot);
	}
}

void fg_batch_abort(struct fg_gate *g)
{
	for (uint32_t i = 0; i < g->changes; i++) {
		const struct fg_change c = g->change[i];

		if (c.add != 0)
			unadd(g, c.add);
		if (c.del == 0)
			continue;
		g->entry[c.del].leaving = false;
		g->entry[c.del].change = 0;
		if (g->entry[c.del].state == FG_ENTRY_LIVE)
			fg_rules_charge(g, c.del, true);
	}
	g->changes = 0;
	g->batch.open = false;
}

void fg_batch_end(struct fg_gate *g, fg_batch_report report, void *ctx)
{
	struct fg_batch_open *b = &g->batch;
	bool partial = b->flags & FG_BATCH_PARTIAL;
	uint64_t until = b->confirm_s != 0 ? g->now_ns + b->confirm_s * 1000000000ull : 0;

	b->result.committed = 0;
	if (!b->doomed && fg_commit_join(g, !partial, report, ctx) == FG_OK) {
		fg_commit_now(g, &b->result.cost);
		if (b->flags & FG_BATCH_TRY)
			fg_commit_undo(g);
		else
			fg_commit_publish(g, until);
		b->result.committed = !(b->flags & FG_BATCH_TRY);
	} else {
		fg_commit_now(g, &b->result.cost);
	}
	if (!b->result.committed)
		fg_batch_abort(g);
	b->result.generation = g->store.head->generation;
	b->open = false;
}
