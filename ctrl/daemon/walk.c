/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A walk over the rules of the gate: a page of rules is kept, its counters are asked for slot by slot from the lowest on,
 * and then it is handed over. Rules of one page were added about one time, so their slots are mostly neighbours.
 */
#include "ctrl/daemon/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fg_walk {
	struct fg_asks *asks;
	fg_walk_page page;
	void *ctx;
	bool counters;
	uint64_t next;     /* sequence of the next page; 0: there is none */
	uint32_t slot_max; /* of this page */
	uint8_t *octets;   /* of this page */
	size_t n;
	struct fg_walk_rule rule[FG_WALK_PAGE_MAX];
};

static void on_rules(void *ctx, const struct fg_message *m);
static void on_counters(void *ctx, const struct fg_message *m);

static void over(struct fg_walk *w, bool failed)
{
	if (failed)
		w->page(w->ctx, w, NULL, 0, true);
	free(w->octets);
	free(w);
}

static void ask_rules(struct fg_walk *w)
{
	struct fg_page_ask ask = { .from = w->next };

	if (fg_ask(w->asks, FG_ASK_LIST, &ask, sizeof(ask), on_rules, w) != 0)
		over(w, true);
}

static void hand_over(struct fg_walk *w)
{
	bool last = w->next == 0;
	bool go_on = w->page(w->ctx, w, w->rule, w->n, last);

	if (last)
		over(w, false);
	else if (go_on)
		ask_rules(w);
}

void fg_walk_next(struct fg_walk *w)
{
	ask_rules(w);
}

static void ask_counters(struct fg_walk *w, uint64_t slot)
{
	struct fg_page_ask ask = { .from = slot };

	if (fg_ask(w->asks, FG_ASK_COUNTERS, &ask, sizeof(ask), on_counters, w) != 0)
		hand_over(w);
}

static int by_slot(const void *a, const void *b)
{
	const struct fg_walk_rule *ra = a, *rb = b;

	return (ra->listed->slot > rb->listed->slot) - (ra->listed->slot < rb->listed->slot);
}

static int by_sequence(const void *a, const void *b)
{
	const struct fg_walk_rule *ra = a, *rb = b;

	return (ra->listed->sequence > rb->listed->sequence) - (ra->listed->sequence < rb->listed->sequence);
}

/* The rules that a message lists. What is no record ends it: the gate is trusted, but not to be free of mistakes. */
static void split(struct fg_walk *w, size_t octets, uint32_t count)
{
	const uint8_t *at = w->octets + sizeof(struct fg_page), *end = w->octets + octets;

	w->n = 0;
	while (w->n < count && w->n < FG_WALK_PAGE_MAX && (size_t)(end - at) > sizeof(struct fg_listed)) {
		const struct fg_record *r = fg_record_check(at + sizeof(struct fg_listed), end);

		if (r == NULL)
			break;
		w->rule[w->n++] =
			(struct fg_walk_rule){ .listed = (const struct fg_listed *)(const void *)at, .record = r };
		at += sizeof(struct fg_listed) + r->octets;
	}
}

static void on_rules(void *ctx, const struct fg_message *m)
{
	struct fg_walk *w = ctx;
	size_t octets = m == NULL ? 0 : m->octets - sizeof(*m);
	struct fg_page page;

	if (m == NULL || m->kind != FG_SAY_RULES || octets < sizeof(page)) {
		over(w, true);
		return;
	}
	memcpy(w->octets, m + 1, octets);
	memcpy(&page, w->octets, sizeof(page));
	split(w, octets, page.count);
	w->next = page.next;
	if (!w->counters || w->n == 0) {
		hand_over(w);
		return;
	}
	qsort(w->rule, w->n, sizeof(w->rule[0]), by_slot);
	w->slot_max = w->rule[w->n - 1].listed->slot;
	ask_counters(w, w->rule[0].listed->slot);
}

static struct fg_walk_rule *of_slot(struct fg_walk *w, uint32_t slot)
{
	struct fg_listed listed = { .slot = slot };
	struct fg_walk_rule key = { .listed = &listed };

	return bsearch(&key, w->rule, w->n, sizeof(w->rule[0]), by_slot);
}

/* The first slot of this page that has no counters yet and lies behind; 0: none. */
static uint64_t next_wanted(const struct fg_walk *w, uint64_t from)
{
	for (size_t i = 0; i < w->n; i++)
		if (!w->rule[i].counted && w->rule[i].listed->slot >= from)
			return w->rule[i].listed->slot;
	return 0;
}

static void on_counters(void *ctx, const struct fg_message *m)
{
	struct fg_walk *w = ctx;
	struct fg_slot_counters one;
	struct fg_page page = { 0 };
	uint64_t next = 0;

	if (m != NULL && m->kind == FG_SAY_COUNTERS && m->octets >= sizeof(*m) + sizeof(page)) {
		const uint8_t *at = (const uint8_t *)(m + 1) + sizeof(page), *end = (const uint8_t *)m + m->octets;

		memcpy(&page, m + 1, sizeof(page));
		for (uint32_t i = 0; i < page.count && (size_t)(end - at) >= sizeof(one); i++, at += sizeof(one)) {
			struct fg_walk_rule *rule;

			memcpy(&one, at, sizeof(one));
			rule = of_slot(w, one.slot);
			if (rule != NULL) {
				rule->counters = one.counters;
				rule->counted = true;
			}
		}
		next = page.next != 0 ? next_wanted(w, page.next) : 0;
	}
	if (next != 0) {
		ask_counters(w, next);
		return;
	}
	qsort(w->rule, w->n, sizeof(w->rule[0]), by_sequence);
	hand_over(w);
}

int fg_walk_start(struct fg_asks *asks, uint64_t from, bool counters, fg_walk_page page, void *ctx)
{
	struct fg_page_ask ask = { .from = from };
	struct fg_walk *w = calloc(1, sizeof(*w));
	int r = -ENOMEM;

	if (w == NULL)
		return r;
	*w = (struct fg_walk){ .asks = asks, .page = page, .ctx = ctx, .counters = counters };
	w->octets = malloc(FG_MESSAGE_MAX);
	if (w->octets != NULL)
		r = fg_ask(asks, FG_ASK_LIST, &ask, sizeof(ask), on_rules, w);
	if (r != 0) {
		free(w->octets);
		free(w);
	}
	return r;
}
