/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Prefix tables: a prefix has two buckets it may lie in; where both are full, one that lies there moves to its other one. At the load of at
 * most a half that is made here, a bounded number of moves nearly always suffices. Where it does not, as when of few prefixes too many want one
 * bucket, or when someone chose them so, all move to where another seed of the hash wants them.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/match.h"

enum {
	MOVES_MAX = 500,
	SEEDS_MAX = 32,
	LEFT_MAX = 16, /* prefixes that one seed may leave without a place */
};

uint32_t fg_prefixes_buckets(size_t n)
{
	uint32_t buckets = 1;

	while ((size_t)buckets * FG_BUCKET_PREFIXES < 2 * n)
		buckets *= 2;
	return buckets;
}

static uint32_t tag_lines(uint32_t buckets)
{
	return (buckets + 15) / 16;
}

uint32_t fg_prefixes_room(size_t n)
{
	uint32_t buckets = fg_prefixes_buckets(n);

	return 1 + buckets + tag_lines(buckets);
}

uint32_t fg_emit_prefixes(struct fg_emit *e, size_t n, uint8_t key_octet, uint32_t next)
{
	uint32_t ref = fg_emit_lines(e, 1), buckets = fg_prefixes_buckets(n), first = fg_emit_lines(e, buckets);
	uint32_t tags = fg_emit_lines(e, tag_lines(buckets));
	struct fg_prefixes_line *t;

	if (!fg_emit_writes(e))
		return ref;
	t = fg_emit_at(e, ref);
	*t = (struct fg_prefixes_line){ .buckets = first,
					.mask = buckets - 1,
					.seed = 0x9e3779b9,
					.key_octet = key_octet,
					.tags = tags,
					.kind = FG_STEP_PREFIXES,
					.next = next };
	return ref;
}

/* Keeps the lengths in use, longest first, as far as there is a place. */
static void add_length(struct fg_prefixes_line *t, uint8_t length)
{
	uint32_t i = 0;

	while (i < t->count && t->length[i] > length)
		i++;
	if ((i < t->count && t->length[i] == length) || t->count == FG_PREFIX_LENGTHS_MAX)
		return;
	memmove(t->length + i + 1, t->length + i, t->count - i);
	t->length[i] = length;
	t->count++;
}

static struct fg_bucket *bucket(uint8_t *base, const struct fg_prefixes_line *t, const struct fg_masked *p,
				uint32_t which)
{
	uint64_t h = fg_prefix_hash(p, t->seed);

	return (struct fg_bucket *)(void *)(base + (size_t)(t->buckets + ((uint32_t)(h >> 32 * which) & t->mask)) *
							   FG_LINE_OCTETS);
}

static struct fg_masked prefix_at(const struct fg_bucket *b, int i)
{
	struct fg_masked p = { .length = b->length[i] };

	memcpy(p.address, b->at[i].address, sizeof(p.address));
	return p;
}

/* Says anew what is in a bucket. */
static void retag(uint8_t *base, const struct fg_prefixes_line *t, const struct fg_bucket *b)
{
	const struct fg_bucket *first = (const void *)(base + (size_t)t->buckets * FG_LINE_OCTETS);
	uint32_t *tags = (uint32_t *)(void *)(base + (size_t)t->tags * FG_LINE_OCTETS) + (b - first);

	*tags = 0;
	for (int i = 0; i < FG_BUCKET_PREFIXES; i++) {
		struct fg_masked p = prefix_at(b, i);

		if (b->step[i] != 0)
			*tags |= 1u << fg_prefix_tag(fg_prefix_hash(&p, t->seed));
	}
}

static bool put(uint8_t *base, const struct fg_prefixes_line *t, struct fg_bucket *b, const struct fg_masked *p,
		uint32_t step)
{
	for (int i = 0; i < FG_BUCKET_PREFIXES; i++) {
		if (b->step[i] != 0)
			continue;
		memcpy(b->at[i].address, p->address, sizeof(p->address));
		b->length[i] = (uint8_t)p->length;
		b->step[i] = step;
		retag(base, t, b);
		return true;
	}
	return false;
}

/* A prefix and where it leads, on its way to a place. */
struct moving {
	struct fg_masked p;
	uint32_t step;
};

static void clear(uint8_t *base, const struct fg_prefixes_line *t, struct fg_bucket *b, int i)
{
	memset(&b->at[i], 0, sizeof(b->at[i]));
	b->length[i] = FG_LENGTH_FREE;
	b->step[i] = 0;
	retag(base, t, b);
}

static struct moving take(uint8_t *base, const struct fg_prefixes_line *t, struct fg_bucket *b, int i)
{
	struct moving m = { .p = prefix_at(b, i), .step = b->step[i] };

	clear(base, t, b, i);
	return m;
}

/* Puts *m into one of its buckets, and what lay there into its other one. False: *m is now one that found no place. */
static bool settle(uint8_t *base, const struct fg_prefixes_line *t, struct moving *m)
{
	for (int move = 0; move < MOVES_MAX; move++) {
		struct fg_bucket *first = bucket(base, t, &m->p, 0), *second = bucket(base, t, &m->p, 1);
		struct fg_bucket *full = move & 1 ? second : first;
		struct moving other;

		if (put(base, t, first, &m->p, m->step) || put(base, t, second, &m->p, m->step))
			return true;
		other = take(base, t, full, move % FG_BUCKET_PREFIXES);
		put(base, t, full, &m->p, m->step);
		*m = other;
	}
	return false;
}

/* Of those left without a place, who finds one. *n: who still does not. */
static void settle_left(uint8_t *base, const struct fg_prefixes_line *t, struct moving *left, uint32_t *n)
{
	uint32_t still = 0;

	for (uint32_t i = 0; i < *n; i++)
		if (!settle(base, t, &left[i]))
			left[still++] = left[i];
	*n = still;
}

/*
 * Another seed: what does not lie where that wants it moves, and so do those left. What is displaced on the way goes to its place by the new
 * seed at once, so one pass is enough. False: too many are left; the table is of no use.
 */
static bool reseed(uint8_t *base, struct fg_prefixes_line *t, struct moving left[LEFT_MAX], uint32_t *n)
{
	t->seed = t->seed * 0x9e3779b1 + 0x7f4a7c15;
	for (uint32_t i = 0; i <= t->mask; i++) {
		struct fg_bucket *b = (struct fg_bucket *)(void *)(base + (size_t)(t->buckets + i) * FG_LINE_OCTETS);

		for (int k = 0; k < FG_BUCKET_PREFIXES; k++) {
			struct moving m = take(base, t, b, k);

			if (m.step == 0 || settle(base, t, &m))
				continue;
			if (*n == LEFT_MAX)
				return false;
			left[(*n)++] = m;
		}
	}
	settle_left(base, t, left, n);
	return true;
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
	struct moving left[LEFT_MAX] = { { .p = masked(p), .step = step } };
	uint32_t n = 1;

	add_length(t, p->length);
	settle_left(base, t, left, &n);
	for (int seed = 0; seed < SEEDS_MAX && n != 0; seed++)
		if (!reseed(base, t, left, &n))
			return false;
	return n == 0;
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
					clear(base, t, b, i);
				return true;
			}
	}
	return false;
}

void fg_prefixes_lengths(uint8_t *base, uint32_t table, const uint64_t lengths[3])
{
	struct fg_prefixes_line *t = line(base, table);

	t->count = 0;
	memset(t->length, 0, sizeof(t->length));
	for (uint8_t l = 0; l <= 128; l++)
		if (lengths[l / 64] >> (l % 64) & 1)
			add_length(t, l);
}

/* Its own line; two buckets for each length. */
uint32_t fg_prefixes_lines(const uint64_t lengths[3])
{
	uint32_t n = 0;

	for (int w = 0; w < 3; w++)
		n += (uint32_t)__builtin_popcountll(lengths[w]);
	return 1 + 2 * n + (n > FG_PREFIX_LENGTHS_MAX ? FG_STEPS_MAX : 0);
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
	uint32_t own = fg_prefixes_lines(nest->lengths);

	if (own > FG_STEPS_MAX)
		e->full = true;
	return (struct fg_chain){ table, own + nest->lines + next.lines, nest->continues + next.continues, table };
}
