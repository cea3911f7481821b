/* SPDX-License-Identifier: BSD-3-Clause */
/* What the gate has, a page at a time: rules, counters, its own state. In: where to go on. Out: one message that fits. */
#include <string.h>

#include "ctrl/gate/state.h"

enum { COUNTERS_AT_ONCE = 32 };

/* CLOCK_BOOTTIME as CLOCK_REALTIME, by what the clocks say now. */
static uint64_t real_s(const struct fg_gate *g, uint64_t boot_ns)
{
	int64_t away_s = ((int64_t)boot_ns - (int64_t)g->now_ns) / 1000000000;

	return boot_ns == 0 ? 0 : g->now_s + (uint64_t)away_s;
}

/* ---- Rules ---- */

static void list_rule(const struct fg_gate *g, uint32_t slot, struct fg_listed *l)
{
	const struct fg_entry *e = &g->entry[slot];
	const struct fg_cell *c = fg_cell(g, slot);
	struct fg_record *r = (struct fg_record *)(void *)(l + 1);

	*l = (struct fg_listed){
		.sequence = c->sequence,
		.generation = c->added,
		.added_s = real_s(g, c->added_ns),
		.expires_s = real_s(g, c->expires_ns),
		.slot = slot,
		.state = fg_rules_state(e),
		.cost = { .bytes = e->bytes, .lines = e->lines },
	};
	memset(r, 0, fg_record_octets(c->nlri_len, c->payload_octets));
	r->octets = fg_record_octets(c->nlri_len, c->payload_octets);
	r->op = FG_OP_ADD;
	r->family = c->family;
	r->offset_form = c->offset_form;
	r->flags = c->flags;
	r->nlri_len = c->nlri_len;
	r->payload_octets = c->payload_octets;
	r->actions = c->actions;
	memcpy(r->name, c->name, sizeof(r->name));
	r->by = c->by;
	memcpy(r->nlri, e->rule.nlri, (size_t)c->nlri_len + c->payload_octets);
}

/* The first rule from a sequence on. Mostly it is where the last page ended. */
static uint32_t seek(const struct fg_gate *g, uint64_t from)
{
	uint32_t n = g->first;

	if (g->seek != 0 && fg_cell(g, g->seek)->sequence == from)
		return g->seek;
	while (n != 0 && fg_cell(g, n)->sequence < from)
		n = g->entry[n].behind;
	return n;
}

void fg_pages_rules(struct fg_gate *g, uint32_t id, uint64_t from, struct fg_outbox *out)
{
	uint8_t *at = fg_outbox_begin(out, FG_MESSAGE_MAX), *end = at + FG_MESSAGE_MAX, *begin = at;
	struct fg_page page = { .generation = g->store.head->generation };
	uint32_t n = seek(g, from);

	if (at == NULL)
		return;
	at += sizeof(struct fg_message) + sizeof(page);
	for (; n != 0; n = g->entry[n].behind) {
		const struct fg_cell *c = fg_cell(g, n);
		size_t octets = sizeof(struct fg_listed) + fg_record_octets(c->nlri_len, c->payload_octets);

		if (!fg_rules_stays(g, n))
			continue;
		if (octets > (size_t)(end - at))
			break;
		list_rule(g, n, (struct fg_listed *)(void *)at);
		at += octets;
		page.count++;
	}
	g->seek = n;
	page.next = n != 0 ? fg_cell(g, n)->sequence : 0;
	memcpy(begin + sizeof(struct fg_message), &page, sizeof(page));
	fg_outbox_end(out, FG_SAY_RULES, id, false, (size_t)(at - begin));
}

/* ---- Counters ---- */

static bool counted(const struct fg_gate *g, uint32_t slot)
{
	return slot < FG_PROTECT_MAX ? slot < g->policy.protects : fg_rules_stays(g, slot);
}

/* Slots from one on that are counted, without a gap. */
static uint32_t run_of(const struct fg_gate *g, uint32_t slot, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && slot + n < g->sizes.slots && counted(g, slot + n))
		n++;
	return n;
}

void fg_pages_counters(struct fg_gate *g, uint32_t id, uint64_t from, struct fg_outbox *out)
{
	const uint32_t room =
		(FG_MESSAGE_MAX - sizeof(struct fg_message) - sizeof(struct fg_page)) / sizeof(struct fg_slot_counters);
	uint8_t *at = fg_outbox_begin(out, FG_MESSAGE_MAX);
	struct fg_rule_counters read[COUNTERS_AT_ONCE];
	struct fg_page page = { .generation = g->store.head->generation };
	struct fg_slot_counters *to;
	uint32_t slot = from < g->sizes.slots ? (uint32_t)from : g->sizes.slots;

	if (at == NULL)
		return;
	to = (struct fg_slot_counters *)(void *)(at + sizeof(struct fg_message) + sizeof(page));
	while (slot < g->sizes.slots && page.count < room) {
		uint32_t left = room - page.count,
			 n = run_of(g, slot, left < COUNTERS_AT_ONCE ? left : COUNTERS_AT_ONCE);

		/* What cannot be read is left out, never said to be 0. */
		if (n > 0 && g->dataplane->rule_counters(g->dataplane->ctx, slot, n, read) == 0)
			for (uint32_t i = 0; i < n; i++)
				to[page.count++] = (struct fg_slot_counters){ .slot = slot + i, .counters = read[i] };
		slot += n > 0 ? n : 1;
	}
	page.next = slot < g->sizes.slots ? slot : 0;
	memcpy(at + sizeof(struct fg_message), &page, sizeof(page));
	fg_outbox_end(out, FG_SAY_COUNTERS, id, false,
		      sizeof(struct fg_message) + sizeof(page) + page.count * sizeof(*to));
}

/* ---- Status ---- */

static void count_rules(const struct fg_gate *g, struct fg_status *s)
{
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		if (fg_rules_stays(g, n))
			s->rules[fg_rules_state(&g->entry[n])]++;
}

void fg_pages_status(struct fg_gate *g, uint32_t id, struct fg_outbox *out)
{
	const struct fg_store_header *h = g->store.head;
	uint8_t *at = fg_outbox_begin(out, sizeof(struct fg_message) + sizeof(struct fg_status));
	struct fg_status *s;

	if (at == NULL)
		return;
	s = (struct fg_status *)(void *)(at + sizeof(struct fg_message));
	memset(s, 0, sizeof(*s));
	s->generation = h->generation;
	s->started_s = g->started_s;
	s->confirm_until_s = h->confirm_generation != 0 ? real_s(g, h->confirm_until_ns) : 0;
	s->store_made = h->made;
	s->adopted = g->adopted;
	s->shadow = (g->dataplane->memory.control->flags & FG_CONTROL_SHADOW) != 0;
	s->enforcing = g->dataplane->memory.control->side < FG_SIDES;
	s->crashes = h->crashes > 0 ? h->crashes - 1 : 0;
	s->alarm = g->alarm;
	count_rules(g, s);
	fg_commit_now(g, &s->cost);
	fg_patterns_now(g, s);
	s->ports = g->policy.ports;
	for (uint32_t i = 0; i < s->ports; i++) {
		s->port[i].config = g->policy.port[i];
		s->port[i].status = g->port[i];
		g->dataplane->port_counters(g->dataplane->ctx, (uint8_t)i, &s->port[i].counters);
	}
	if (g->dataplane->status != NULL)
		g->dataplane->status(g->dataplane->ctx, &s->plane);
	fg_outbox_end(out, FG_SAY_STATUS, id, false, sizeof(struct fg_message) + sizeof(*s));
}
