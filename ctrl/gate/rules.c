/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of the store, found and ordered (state.h). In: slots. Out: who has which identity, and which of several rules with the same
 * NLRI is in the table: that of the lowest sequence, of those that are for this site and are to be there. Next on the way: batch.c.
 *
 * What always holds: a rule in the table is enforced by its own slot, and its octets are the store's, which stay until no image has them.
 */
#include <string.h>

#include "ctrl/gate/state.h"

struct fg_cell *fg_cell(const struct fg_gate *g, uint32_t slot)
{
	return &g->store.cell[slot];
}

/* ---- Identity ---- */

static uint64_t hash_of(const struct fg_gate *g, const struct fg_rule *rule, struct fg_pattern_text text)
{
	uint64_t hash = fg_hash(&g->key, rule->nlri, rule->nlri_len);

	if (text.octets > 0)
		hash += fg_hash(&g->key, (const uint8_t *)text.at, text.octets) << 1;
	return hash ^ ((uint64_t)rule->family << 1 | rule->offset_form);
}

static uint32_t *bucket_of(const struct fg_gate *g, uint64_t hash)
{
	return &g->bucket[hash & g->bucket_mask];
}

struct fg_pattern_text fg_rules_pattern(const struct fg_entry *e)
{
	return (struct fg_pattern_text){ (const char *)e->rule.nlri + e->rule.nlri_len, e->payload_octets };
}

/* The same NLRI and pattern. */
static bool is_same(const struct fg_entry *e, const struct fg_rule *rule, struct fg_pattern_text text)
{
	return e->rule.family == rule->family && e->rule.offset_form == rule->offset_form &&
	       e->rule.nlri_len == rule->nlri_len && memcmp(e->rule.nlri, rule->nlri, rule->nlri_len) == 0 &&
	       e->payload_octets == text.octets && memcmp(fg_rules_pattern(e).at, text.at, text.octets) == 0;
}

uint32_t fg_rules_find(const struct fg_gate *g, const struct fg_rule *rule, struct fg_pattern_text text,
		       const char *source, uint32_t states)
{
	uint64_t hash = hash_of(g, rule, text);

	for (uint32_t n = *bucket_of(g, hash); n != 0; n = g->entry[n].hash_next) {
		const struct fg_entry *e = &g->entry[n];

		if (e->hash == hash && (states >> (e->leaving ? FG_ENTRY_LEAVING : e->state) & 1) &&
		    is_same(e, rule, text) && strcmp(fg_cell(g, n)->by.source, source) == 0)
			return n;
	}
	return 0;
}

/* ---- Known and forgotten ---- */

static void take_rule(const struct fg_gate *g, uint32_t slot, struct fg_rule *rule)
{
	const struct fg_cell *c = fg_cell(g, slot);

	*rule = (struct fg_rule){
		.family = c->family,
		.nlri_len = c->nlri_len,
		.nlri = (const uint8_t *)c + offsetof(struct fg_cell, nlri),
		.offset_form = c->offset_form,
		.actions = c->actions,
		.turn = c->payload_octets > 0 ? c->sequence : 0,
	};
	memcpy(rule->name, c->name, sizeof(rule->name));
	/* What only counts does not end the way of a packet, and still says what it would have done. */
	if (c->flags & FG_RECORD_COUNT_ONLY)
		rule->actions.set |= FG_ACT_COUNT_ONLY;
}

static uint8_t source_of(const struct fg_gate *g, const char *name)
{
	for (size_t i = 0; i < g->policy.limits.sources; i++)
		if (strcmp(g->policy.limits.source[i].source, name) == 0)
			return (uint8_t)(i + 1);
	return 0;
}

static void list_insert(struct fg_gate *g, uint32_t slot, uint32_t after)
{
	struct fg_entry *e = &g->entry[slot];

	e->before = after != 0 ? after : g->last;
	e->behind = after != 0 ? g->entry[after].behind : 0;
	*(e->before != 0 ? &g->entry[e->before].behind : &g->first) = slot;
	*(e->behind != 0 ? &g->entry[e->behind].before : &g->last) = slot;
}

static void list_remove(struct fg_gate *g, uint32_t slot)
{
	const struct fg_entry *e = &g->entry[slot];

	if (g->seek == slot)
		g->seek = e->behind;
	if (g->waiting.first == slot)
		g->waiting.first = e->behind;
	if (g->waiting.next == slot)
		g->waiting.next = e->behind;
	*(e->before != 0 ? &g->entry[e->before].behind : &g->first) = e->behind;
	*(e->behind != 0 ? &g->entry[e->behind].before : &g->last) = e->before;
}

void fg_rules_link(struct fg_gate *g, uint32_t slot, enum fg_entry_state state, uint32_t after)
{
	struct fg_entry *e = &g->entry[slot];
	uint32_t *bucket;

	*e = (struct fg_entry){ .state = (uint8_t)state };
	take_rule(g, slot, &e->rule);
	e->payload_octets = fg_cell(g, slot)->payload_octets;
	e->rule.pattern = fg_patterns_find(g, fg_rules_pattern(e));
	e->hash = hash_of(g, &e->rule, fg_rules_pattern(e));
	bucket = bucket_of(g, e->hash);
	e->hash_next = *bucket;
	*bucket = slot;
	fg_rules_place(g, slot);
	list_insert(g, slot, after);
}

void fg_rules_place(struct fg_gate *g, uint32_t slot)
{
	struct fg_entry *e = &g->entry[slot];

	e->source = source_of(g, fg_cell(g, slot)->by.source);
	e->here = fg_policy_here(&g->policy, fg_cell(g, slot)->by.site);
}

void fg_rules_disarm(struct fg_gate *g, uint32_t slot)
{
	struct fg_entry *e = &g->entry[slot];

	if (e->target != 0)
		g->hop[e->target - FG_TARGETS_MAX - 1].users--;
	e->target = 0;
}

void fg_rules_drop(struct fg_gate *g, uint32_t slot)
{
	struct fg_entry *e = &g->entry[slot];
	uint32_t *link = bucket_of(g, e->hash);

	while (*link != slot)
		link = &g->entry[*link].hash_next;
	*link = e->hash_next;
	list_remove(g, slot);
	fg_deadline_clear(&g->deadlines, slot);
	fg_waiting_leave(g, slot);
	fg_rules_disarm(g, slot);
	*e = (struct fg_entry){ .state = FG_ENTRY_FREE };
	fg_store_free(&g->store, slot);
}

/* ---- Order ---- */

/* Merges two lists, linked by `behind`. */
static uint32_t merge(struct fg_gate *g, uint32_t a, uint32_t b)
{
	uint32_t first = 0, *link = &first;

	while (a != 0 && b != 0) {
		uint32_t *less = fg_cell(g, b)->sequence < fg_cell(g, a)->sequence ? &b : &a;

		*link = *less;
		link = &g->entry[*less].behind;
		*less = *link;
	}
	*link = a != 0 ? a : b;
	return first;
}

/* Merge sort from below: list i is of 2^i rules, or empty. */
void fg_rules_sort(struct fg_gate *g)
{
	uint32_t list[32] = { 0 }, all = 0, before = 0, next;

	for (uint32_t n = g->first; n != 0; n = next) {
		uint32_t one = n, i = 0;

		next = g->entry[n].behind;
		g->entry[n].behind = 0;
		for (; list[i] != 0; i++) {
			one = merge(g, list[i], one);
			list[i] = 0;
		}
		list[i] = one;
	}
	for (uint32_t i = 0; i < 32; i++)
		all = merge(g, list[i], all);
	g->first = all;
	for (uint32_t n = all; n != 0; n = g->entry[n].behind) {
		g->entry[n].before = before;
		before = n;
	}
	g->last = before;
}

/* ---- Which of the same NLRI ---- */

static bool wanted(const struct fg_entry *e)
{
	return e->here && e->state != FG_ENTRY_GONE && (e->state == FG_ENTRY_LIVE ? !e->leaving : e->joined);
}

static void find_both(const struct fg_gate *g, uint32_t slot, uint32_t *current, uint32_t *winner)
{
	const struct fg_entry *mine = &g->entry[slot];

	*current = *winner = 0;
	for (uint32_t n = *bucket_of(g, mine->hash); n != 0; n = g->entry[n].hash_next) {
		const struct fg_entry *e = &g->entry[n];

		if (e->hash != mine->hash || !is_same(e, &mine->rule, fg_rules_pattern(mine)))
			continue;
		if (e->in_table)
			*current = n;
		if (wanted(e) && (*winner == 0 || fg_cell(g, n)->sequence < fg_cell(g, *winner)->sequence))
			*winner = n;
	}
}

/* A rule with a pattern is one that goes on, to the matcher. */
static uint32_t slot_word(const struct fg_entry *e, uint32_t slot)
{
	bool goes_on = e->rule.actions.set & (FG_ACT_CONTINUE | FG_ACT_COUNT_ONLY);

	if (e->payload_octets > 0)
		return slot | FG_SLOT_PAYLOAD | FG_SLOT_CONTINUE | (goes_on ? 0 : FG_SLOT_ENDS);
	return slot | (goes_on ? FG_SLOT_CONTINUE : 0);
}

int fg_rules_settle(struct fg_gate *g, uint32_t slot)
{
	uint32_t current, winner;
	int r = 0;

	find_both(g, slot, &current, &winner);
	if (current == winner)
		return 0;
	if (current != 0) {
		fg_table_delete(g->table, &g->entry[current].rule);
		g->entry[current].in_table = false;
	}
	if (winner != 0) {
		r = fg_table_add(g->table, &g->entry[winner].rule, slot_word(&g->entry[winner], winner));
		g->entry[winner].in_table = r == 0;
	}
	return r;
}

bool fg_rules_stays(const struct fg_gate *g, uint32_t slot)
{
	return g->entry[slot].state == FG_ENTRY_LIVE || g->entry[slot].state == FG_ENTRY_WAITING;
}

enum fg_rule_state fg_rules_state(const struct fg_entry *e)
{
	if (e->state == FG_ENTRY_WAITING)
		return FG_RULE_WAITING;
	return !e->here ? FG_RULE_ELSEWHERE : e->in_table ? FG_RULE_ENFORCED : FG_RULE_YIELDS;
}

/* ---- What it takes ---- */

void fg_rules_charge(struct fg_gate *g, uint32_t slot, bool more)
{
	const struct fg_entry *e = &g->entry[slot];
	struct fg_source_use *use = &g->use[e->source];

	use->slots += more ? 1 : UINT64_MAX;
	use->bytes += more ? e->bytes : -(uint64_t)e->bytes;
	g->live += more ? 1 : UINT32_MAX;
}

/* The number that packets know the next hop of a rule by, as a predecessor may have left it. */
static uint32_t known_hop(const struct fg_gate *g, uint32_t slot)
{
	const struct fg_action *a = &g->dataplane->memory.actions[slot];
	uint32_t number = a->flags & FG_ACT_COPY ? a->copy : a->redirect;

	return g->entry[slot].state == FG_ENTRY_LIVE && number > FG_TARGETS_MAX && number <= 2 * FG_TARGETS_MAX
		       ? number - FG_TARGETS_MAX - 1
		       : FG_TARGETS_MAX;
}

/* The number of a next hop of rules; 0: all are in use. */
static uint32_t take_hop(struct fg_gate *g, const struct fg_address *next_hop, uint32_t known)
{
	struct fg_target_config config = { .next_hop = *next_hop };
	uint32_t free = known < FG_TARGETS_MAX && g->hop[known].users == 0 ? known : FG_TARGETS_MAX;

	for (uint32_t i = 0; i < FG_TARGETS_MAX; i++) {
		if (g->hop[i].users == 0) {
			free = free < FG_TARGETS_MAX ? free : i;
		} else if (memcmp(&g->hop[i].next_hop, next_hop, sizeof(*next_hop)) == 0) {
			g->hop[i].users++;
			return FG_TARGETS_MAX + 1 + i;
		}
	}
	if (free == FG_TARGETS_MAX || g->dataplane->target(g->dataplane->ctx, FG_TARGETS_MAX + 1 + free, &config) != 0)
		return 0;
	g->hop[free].next_hop = *next_hop;
	g->hop[free].users = 1;
	return FG_TARGETS_MAX + 1 + free;
}

int fg_rules_arm(struct fg_gate *g, uint32_t slot)
{
	struct fg_entry *e = &g->entry[slot];
	const struct fg_actions *asked = &e->rule.actions;
	const struct fg_plane_memory *m = &g->dataplane->memory;
	uint32_t redirect = asked->set & FG_ACT_REDIRECT_RT ? fg_policy_target(&g->policy, asked) : 0;
	struct fg_action action;

	fg_patterns_number(g, slot);
	if ((asked->set & FG_ACT_REDIRECT_IP) && e->target == 0) {
		e->target = take_hop(g, &asked->next_hop, known_hop(g, slot));
		if (e->target == 0)
			return FG_OVER_BUDGET;
	}
	if ((asked->set & FG_ACT_REDIRECT_IP) && !(asked->set & FG_ACT_COPY))
		redirect = e->target;
	fg_action_make(asked, redirect, asked->set & FG_ACT_COPY ? e->target : 0, &action);
	/* Packets are judged by a live one meanwhile: all that changes of it is the target, where the policy names another. */
	__atomic_store_n(&m->actions[slot].redirect, action.redirect, __ATOMIC_RELAXED);
	if (memcmp(&m->actions[slot], &action, sizeof(action)) == 0 && e->state == FG_ENTRY_LIVE)
		return FG_OK;
	m->actions[slot] = action;
	fg_meter_start(&m->meters[slot], &action);
	return FG_OK;
}
