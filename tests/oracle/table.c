/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A list of rules, sorted, and its evaluation: from the first to the last, every one. Comes in: rules and packets.
 * Goes out: the rules applied, in order. What always holds: each rule owns a copy of its octets; ranks come from
 * order.c alone, equal octets keep the order in which they were added.
 */
#include "tests/oracle/oracle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct or_nlri nlri;
	uint8_t *octets;
	uint64_t added;
	uint32_t id;
	bool go_on;
};

struct or_table {
	struct entry *at;
	size_t count;
	size_t room;
	uint64_t added;
	bool sorted;
};

struct or_table *or_table_new(void)
{
	return calloc(1, sizeof(struct or_table));
}

void or_table_free(struct or_table *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->count; i++)
		free(t->at[i].octets);
	free(t->at);
	free(t);
}

static int make_room(struct or_table *t)
{
	size_t room = t->room == 0 ? 64 : t->room * 2;
	struct entry *at;

	if (t->count < t->room)
		return 0;
	at = realloc(t->at, room * sizeof(*at));
	if (at == NULL)
		return -ENOMEM;
	t->at = at;
	t->room = room;
	return 0;
}

int or_table_add(struct or_table *t, uint32_t id, enum or_family family, bool full_offset, bool go_on,
		 const uint8_t *octets, size_t len)
{
	struct entry e = { .id = id, .go_on = go_on };

	if (!or_nlri_decode(family, full_offset, octets, len, &e.nlri))
		return -EINVAL;
	e.octets = malloc(len);
	if (e.octets == NULL || make_room(t) != 0) {
		free(e.octets);
		return -ENOMEM;
	}
	memcpy(e.octets, octets, len);
	or_nlri_decode(family, full_offset, e.octets, len, &e.nlri);
	e.added = t->added++;
	t->at[t->count++] = e;
	t->sorted = false;
	return 0;
}

int or_table_delete(struct or_table *t, uint32_t id)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->at[i].id != id)
			continue;
		free(t->at[i].octets);
		t->count--;
		memmove(t->at + i, t->at + i + 1, (t->count - i) * sizeof(*t->at));
		return 0;
	}
	return -ENOENT;
}

static int compare(const void *left, const void *right)
{
	const struct entry *a = left;
	const struct entry *b = right;
	int cmp;

	if (a->nlri.family != b->nlri.family)
		return a->nlri.family < b->nlri.family ? -1 : 1;
	cmp = or_order(&a->nlri, &b->nlri);
	if (cmp == 0)
		cmp = a->added < b->added ? -1 : a->added > b->added;
	return cmp;
}

static void sort(struct or_table *t)
{
	if (!t->sorted && t->count > 1)
		qsort(t->at, t->count, sizeof(*t->at), compare);
	t->sorted = true;
}

size_t or_table_count(const struct or_table *t)
{
	return t->count;
}

uint32_t or_table_at(struct or_table *t, size_t rank)
{
	sort(t);
	return t->at[rank].id;
}

size_t or_table_evaluate(struct or_table *t, const struct or_packet *p, uint32_t *ids, size_t room)
{
	size_t applied = 0;

	sort(t);
	for (size_t i = 0; i < t->count; i++) {
		if (or_nlri_match(&t->at[i].nlri, p) != 0)
			continue;
		if (applied < room)
			ids[applied] = t->at[i].id;
		applied++;
		if (!t->at[i].go_on)
			break;
	}
	return applied;
}
