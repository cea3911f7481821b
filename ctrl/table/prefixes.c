/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefix tables: a prefix has two buckets it may lie in; where both are full, one that lies there moves to its other one. At the load of at
 * most a half that is made here, a bounded number of moves suffices.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/match.h"

enum { MOVES_MAX = 500 };

uint32_t fg_emit_prefixes(struct fg_emit *e, size_t n, uint8_t key_octet, uint32_t next)
{
	uint32_t ref = fg_emit_lines(e, 1), buckets = 1;
	struct fg_prefixes_line *t;

	while ((size_t)buckets * FG_BUCKET_PREFIXES < 2 * n)
		buckets *= 2;
	t = fg_emit_at(e, ref);
	buckets = e->full ? 1 : buckets;
	*t = (struct fg_prefixes_line){ .buckets = fg_emit_lines(e, buckets),
					.mask = buckets - 1,
					.seed = 0x9e3779b9,
					.key_octet = key_octet,
					.kind = FG_STEP_PREFIXES,
					.next = next };
	return e->full ? 0 : ref;
}

/* Keeps the lengths in use, longest first. */
static bool add_length(struct fg_prefixes_line *t, uint8_t length)
{
	uint32_t i = 0;

	while (i < t->count && t->length[i] > length)
		i++;
	if (i < t->count && t->length[i] == length)
		return true;
	if (t->count == FG_PREFIX_LENGTHS_MAX)
		return false;
	memmove(t->length + i + 1, t->length + i, t->count - i);
	t->length[i] = length;
	t->count++;
	return true;
}

static struct fg_bucket *bucket(const struct fg_emit *e, const struct fg_prefixes_line *t, const struct fg_masked *p,
				uint32_t which)
{
	uint64_t h = fg_prefix_hash(p, t->seed);

	return fg_emit_at(e, t->buckets + ((uint32_t)(h >> 32 * which) & t->mask));
}

static bool put(struct fg_bucket *b, const struct fg_masked *p, uint32_t step)
{
	for (int i = 0; i < FG_BUCKET_PREFIXES; i++) {
		if (b->step[i] != 0)
			continue;
		memcpy(b->at[i].address, p->address, sizeof(p->address));
		b->length[i] = (uint8_t)p->length;
		b->step[i] = step;
		return true;
	}
	return false;
}

/* Takes place i of the bucket for *p and gives back what lay there. */
static void swap(struct fg_bucket *b, int i, struct fg_masked *p, uint32_t *step)
{
	struct fg_masked old = { .length = b->length[i] };
	uint32_t old_step = b->step[i];

	memcpy(old.address, b->at[i].address, sizeof(old.address));
	b->step[i] = 0;
	memcpy(b->at[i].address, p->address, sizeof(p->address));
	b->length[i] = (uint8_t)p->length;
	b->step[i] = *step;
	*p = old;
	*step = old_step;
}

bool fg_emit_prefix(struct fg_emit *e, uint32_t table, const struct fg_prefix *p, uint32_t step)
{
	struct fg_prefixes_line *t = fg_emit_at(e, table);
	struct fg_masked m = { .length = p->length };
	struct fg_bucket *b;

	memcpy(m.address, p->octets, sizeof(m.address));
	if (!add_length(t, p->length))
		return false;
	for (int move = 0; move < MOVES_MAX; move++) {
		if (put(bucket(e, t, &m, 0), &m, step) || put(bucket(e, t, &m, 1), &m, step))
			return true;
		b = bucket(e, t, &m, (uint32_t)move & 1);
		swap(b, move % FG_BUCKET_PREFIXES, &m, &step);
	}
	return false;
}
