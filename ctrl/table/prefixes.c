/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefix tables: a prefix has two buckets it may lie in; where both are full, one that lies there moves to its other one. At the load of at
 * most a half that is made here, a bounded number of moves suffices.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/match.h"

enum { MOVES_MAX = 500 };

uint32_t fg_prefixes_buckets(size_t n)
{
	uint32_t buckets = 1;

	while ((size_t)buckets * FG_BUCKET_PREFIXES < 2 * n)
		buckets *= 2;
	return buckets;
}

uint32_t fg_emit_prefixes(struct fg_emit *e, size_t n, uint8_t key_octet, uint32_t next)
{
	uint32_t ref = fg_emit_lines(e, 1), buckets = fg_prefixes_buckets(n), first = fg_emit_lines(e, buckets);
	struct fg_prefixes_line *t;

	if (!fg_emit_writes(e))
		return ref;
	t = fg_emit_at(e, ref);
	*t = (struct fg_prefixes_line){ .buckets = first,
					.mask = buckets - 1,
					.seed = 0x9e3779b9,
					.key_octet = key_octet,
					.kind = FG_STEP_PREFIXES,
					.next = next };
	return ref;
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

static struct fg_bucket *bucket(uint8_t *base, const struct fg_prefixes_line *t, const struct fg_masked *p,
				uint32_t which)
{
	uint64_t h = fg_prefix_hash(p, t->seed);

	return (struct fg_bucket *)(void *)(base + (size_t)(t->buckets + ((uint32_t)(h >> 32 * which) & t->mask)) *
							   FG_LINE_OCTETS);
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

static struct fg_prefixes_line *line(uint8_t *base, uint32_t table)
{
	return (struct fg_prefixes_line *)(void *)(base + (size_t)table * FG_LINE_OCTETS);
}

static struct fg_masked masked(const struct fg_prefix *p)
{
	struct fg_masked m = { .length = p->length };

	memcpy(m.address, p->octets, sizeof(m.address));
	return m;
}

bool fg_prefixes_put(uint8_t *base, uint32_t table, const struct fg_prefix *p, uint32_t step)
{
	struct fg_prefixes_line *t = line(base, table);
	struct fg_masked m = masked(p);

	if (!add_length(t, p->length))
		return false;
	for (int move = 0; move < MOVES_MAX; move++) {
		if (put(bucket(base, t, &m, 0), &m, step) || put(bucket(base, t, &m, 1), &m, step))
			return true;
		swap(bucket(base, t, &m, (uint32_t)move & 1), move % FG_BUCKET_PREFIXES, &m, &step);
	}
	return false;
}

bool fg_prefixes_set(uint8_t *base, uint32_t table, const struct fg_prefix *p, uint32_t step)
{
	struct fg_prefixes_line *t = line(base, table);
	struct fg_masked m = masked(p);

	for (uint32_t which = 0; which < 2; which++) {
		struct fg_bucket *b = bucket(base, t, &m, which);

		for (int i = 0; i < FG_BUCKET_PREFIXES; i++)
			if (b->step[i] != 0 && b->length[i] == m.length &&
			    memcmp(b->at[i].address, m.address, sizeof(m.address)) == 0) {
				b->step[i] = step;
				if (step == 0)
					memset(&b->at[i], 0, sizeof(b->at[i]));
				return true;
			}
	}
	return false;
}

bool fg_prefixes_lengths(uint8_t *base, uint32_t table, const uint64_t lengths[3])
{
	struct fg_prefixes_line *t = line(base, table);

	t->count = 0;
	memset(t->length, 0, sizeof(t->length));
	for (uint8_t l = 0; l <= 128; l++)
		if ((lengths[l / 64] >> (l % 64) & 1) && !add_length(t, l))
			return false;
	return true;
}

bool fg_prefix_contains(const struct fg_prefix *around, const struct fg_prefix *p)
{
	size_t whole = around->length / 8;
	uint8_t mask = (uint8_t) ~(0xff >> around->length % 8);

	return around->length <= p->length && memcmp(around->octets, p->octets, whole) == 0 &&
	       (mask == 0 || ((around->octets[whole] ^ p->octets[whole]) & mask) == 0);
}

void fg_nest_add(struct fg_nest *nest, const struct fg_prefix *p, const struct fg_chain *chain)
{
	uint32_t lines = chain->lines + 1, continues = chain->continues; /* and its step once more, to go on */

	while (nest->depth > 0 && !fg_prefix_contains(&nest->around[nest->depth - 1].prefix, p))
		nest->depth--;
	if (nest->depth > 0) {
		lines += nest->around[nest->depth - 1].lines;
		continues += nest->around[nest->depth - 1].continues;
	}
	nest->around[nest->depth].prefix = *p;
	nest->around[nest->depth].lines = lines;
	nest->around[nest->depth++].continues = continues;
	nest->lengths[p->length / 64] |= 1ull << (p->length % 64);
	nest->lines = lines > nest->lines ? lines : nest->lines;
	nest->continues = continues > nest->continues ? continues : nest->continues;
}

void fg_emit_prefix(struct fg_emit *e, uint32_t table, const struct fg_prefix *p, const struct fg_chain *chain,
		    struct fg_nest *nest)
{
	if (chain->ref == 0)
		return;
	fg_nest_add(nest, p, chain);
	if (fg_emit_writes(e) && !fg_prefixes_put(e->base, table, p, chain->ref))
		e->full = true;
}

struct fg_chain fg_prefixes_chain(struct fg_emit *e, uint32_t table, const struct fg_nest *nest, struct fg_chain next)
{
	uint32_t lengths = 0;

	for (int w = 0; w < 3; w++)
		lengths += (uint32_t)__builtin_popcountll(nest->lengths[w]);
	if (lengths > FG_PREFIX_LENGTHS_MAX)
		e->full = true;
	/* Its own line; two buckets for each length. */
	return (struct fg_chain){ table, 1 + 2 * lengths + nest->lines + next.lines, nest->continues + next.continues,
				  table };
}
