/* SPDX-License-Identifier: BSD-3-Clause */
/* Patterns on their way to the gate (texts.h). In: records. Out: questions, one at a time, and turns. */
#include "ctrl/daemon/texts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fg_texts_turn {
	struct fg_texts_turn *next;
	struct fg_texts *texts;
	uint8_t *at; /* struct fg_text, one behind the other */
	size_t octets;
	void (*then)(void *ctx);
	void *ctx;
};

static void ask_first(struct fg_texts *t);

void fg_texts_begin(struct fg_texts *t, struct fg_asks *asks)
{
	*t = (struct fg_texts){ .asks = asks, .last = &t->first };
}

static bool wants(const struct fg_record *r)
{
	return r->op == FG_OP_ADD && r->payload_octets > 0;
}

bool fg_texts_wanted(const struct fg_records *records)
{
	const struct fg_record *r = NULL;

	while ((r = fg_records_next(records, r)) != NULL)
		if (wants(r))
			return true;
	return false;
}

/* ---- The texts of records ---- */

static int by_pattern(const void *a, const void *b)
{
	const struct fg_record *ra = *(const struct fg_record *const *)a, *rb = *(const struct fg_record *const *)b;
	int r = ra->payload_octets - rb->payload_octets;

	if (r == 0)
		r = memcmp(fg_record_pattern(ra).at, fg_record_pattern(rb).at, ra->payload_octets);
	return r != 0 ? r : (ra > rb) - (ra < rb); /* of equal ones the first */
}

static int by_place(const void *a, const void *b)
{
	const struct fg_record *ra = *(const struct fg_record *const *)a, *rb = *(const struct fg_record *const *)b;

	return (ra > rb) - (ra < rb);
}

static bool is_same(const struct fg_record *a, const struct fg_record *b)
{
	return a->payload_octets == b->payload_octets &&
	       memcmp(fg_record_pattern(a).at, fg_record_pattern(b).at, a->payload_octets) == 0;
}

/* Of each pattern the first record that has it, in their order: who is kept where there is no room for all hangs on that. */
static size_t find_each(const struct fg_records *records, const struct fg_record **each)
{
	const struct fg_record *r = NULL;
	size_t all = 0, n = 0;

	while ((r = fg_records_next(records, r)) != NULL)
		if (wants(r))
			each[all++] = r;
	qsort(each, all, sizeof(*each), by_pattern);
	for (size_t i = 0; i < all; i++)
		if (n == 0 || !is_same(each[n - 1], each[i]))
			each[n++] = each[i];
	qsort(each, n, sizeof(*each), by_place);
	return n;
}

static uint32_t text_octets(const struct fg_record *r)
{
	return (uint32_t)(sizeof(struct fg_text) + r->payload_octets + 7) & ~7u;
}

static int write_texts(struct fg_texts_turn *turn, const struct fg_record *const *each, size_t n)
{
	for (size_t i = 0; i < n; i++)
		turn->octets += text_octets(each[i]);
	turn->at = calloc(1, turn->octets + 1);
	if (turn->at == NULL)
		return -ENOMEM;
	for (size_t i = 0, at = 0; i < n; at += text_octets(each[i]), i++) {
		const struct fg_text head = { text_octets(each[i]), each[i]->payload_octets };

		memcpy(turn->at + at, &head, sizeof(head));
		memcpy(turn->at + at + sizeof(head), fg_record_pattern(each[i]).at, each[i]->payload_octets);
	}
	return 0;
}

/* ---- Turns ---- */

/* Its batch is asked for before the next one's patterns are, so it has what it wants. */
static void over(struct fg_texts *t)
{
	struct fg_texts_turn *turn = t->first;

	turn->then(turn->ctx);
	t->first = turn->next;
	if (t->first == NULL)
		t->last = &t->first;
	free(turn->at);
	free(turn);
}

static void on_answer(void *ctx, const struct fg_message *m)
{
	struct fg_texts *t = ctx;

	if (m != NULL && m->more)
		return;
	over(t);
	ask_first(t);
}

/* What cannot be asked is answered by the batch. */
static void ask_first(struct fg_texts *t)
{
	while (t->first != NULL && fg_ask_patterns(t->asks, t->first->at, t->first->octets, on_answer, t) != 0)
		over(t);
}

int fg_texts_ask(struct fg_texts *t, const struct fg_records *records, void (*then)(void *ctx), void *ctx)
{
	const struct fg_record **each = calloc(records->count + 1, sizeof(const struct fg_record *));
	struct fg_texts_turn *turn = calloc(1, sizeof(*turn));
	bool alone = t->first == NULL;
	int r = -ENOMEM;

	if (each != NULL && turn != NULL)
		r = write_texts(turn, each, find_each(records, each));
	free(each);
	if (r != 0) {
		free(turn);
		return r;
	}
	turn->then = then;
	turn->ctx = ctx;
	*t->last = turn;
	t->last = &turn->next;
	if (alone)
		ask_first(t);
	return 0;
}
