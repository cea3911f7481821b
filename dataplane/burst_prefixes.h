/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The root and prefixes steps of a burst: what fg_cursor_turn() does, in rounds of one memory access each, the
 * line of the next access fetched while the other packets make theirs.
 */
#ifndef DATAPLANE_BURST_PREFIXES_H
#define DATAPLANE_BURST_PREFIXES_H

#include <string.h>

#include "dataplane/burst_state.h"

/* Goes into what was found, to come back to `here`; or on behind the step. */
FG_INLINE void turned(struct burst *b, uint32_t i, uint32_t level, uint32_t found, uint32_t next, uint32_t turn)
{
	b->resume[level][i] = found ? b->here[i] : 0;
	b->turn[level][i] = turn;
	go_to(b, i, found ? found : next);
}

/* ---- Root ---- */

/* Steps of nodes in place of the nodes. */
FG_INLINE void root_nodes(const struct burst *b, uint32_t nodes, uint32_t found[FG_BURST])
{
	FOR_PACKETS(i, nodes)
	{
		fetch(b, found[i] & ~FG_NODE);
		fetch(b, (found[i] & ~FG_NODE) + 1);
	}
	FOR_PACKETS(i, nodes)
	{
		const struct fg_ranks *ranks = (const struct fg_ranks *)line(b, found[i] & ~FG_NODE);
		const uint32_t *steps = (const uint32_t *)(const void *)(ranks + 16);
		uint32_t last = b->keys[i]->dst[3];

		found[i] = steps[fg_ranks_class(ranks[last >> 4], last)];
	}
}

/* turned(), for all of a set at once: a loop that compilers make vectors of. */
FG_INLINE void root_turned(struct burst *b, uint32_t set, uint32_t nothing, const uint32_t found[FG_BURST],
			   uint32_t next)
{
	for (uint32_t i = 0; i < FG_BURST; i++) {
		uint32_t in = set >> i & 1, f = found[i];

		b->resume[0][i] = in ? (f ? b->here[i] : 0) : b->resume[0][i];
		b->turn[0][i] = in ? 1 + (nothing >> i & 1) : b->turn[0][i];
		b->ref[i] = in ? (f ? f : next) : b->ref[i];
	}
	b->live &= ~(set & equal_refs(b->ref, 0) & equal_refs(b->resume[0], 0) & equal_refs(b->resume[1], 0));
	FOR_PACKETS(i, set & b->live)
	fetch(b, b->ref[i]);
}

/* Packets that come to the root: by `upper`, fetched by then, and by `shorter` where that has nothing. */
FG_INLINE void root_enter(struct burst *b, uint32_t set, const struct fg_root_line *root)
{
	const uint32_t *upper = (const uint32_t *)line(b, root->upper);
	const uint32_t *shorter = (const uint32_t *)line(b, root->shorter);
	COLUMN found[FG_BURST];
	uint32_t nothing;

	for (uint32_t i = 0; i < FG_BURST; i++)
		found[i] = 0;
	FOR_PACKETS(i, set)
	found[i] = upper[b->upper[i]];
	root_nodes(b, top_bits(found), found);
	nothing = equal_refs(found, 0) & set;
	FOR_PACKETS(i, nothing)
	found[i] = shorter[b->upper[i] >> (FG_UPPER_BITS - FG_SHORT_BITS)];
	root_turned(b, set, nothing, found, root->next);
}

/* Packets that come back to it. */
FG_INLINE void root_resume(struct burst *b, uint32_t set, const struct fg_root_line *root)
{
	const uint32_t *shorter = (const uint32_t *)line(b, root->shorter);

	FOR_PACKETS(i, set)
	{
		uint32_t step = shorter[b->upper[i] >> (FG_UPPER_BITS - FG_SHORT_BITS)];

		turned(b, i, 0, b->turn[0][i] > 1 ? 0 : step, root->next, 2);
	}
}

static void step_roots(struct burst *b, uint32_t set)
{
	while (set != 0) {
		uint32_t ref = b->here[__builtin_ctz(set)], same = equal_refs(b->here, ref) & set;
		uint32_t back = equal_refs(b->ref, 0) & same;

		root_enter(b, same & ~back, (const struct fg_root_line *)line(b, ref));
		root_resume(b, back, (const struct fg_root_line *)line(b, ref));
		set &= ~same;
	}
}

/* ---- Prefixes ---- */

/* An address, or what a prefix keeps of it, as it lies in memory. */
struct halves {
	uint64_t at[2];
};

struct probe {
	struct halves prefix;
	uint32_t length;
	const struct fg_bucket *at[2];
};

FG_INLINE struct halves load_halves(const void *from)
{
	struct halves h;

	memcpy(&h, from, sizeof(h));
	return h;
}

/* The first `length` bits of a half, at most all. */
FG_INLINE uint64_t keep_bits(uint64_t half, uint32_t length)
{
	return length == 0 ? 0 : length >= 64 ? half : half & __builtin_bswap64(UINT64_MAX << (64 - length));
}

/* Where the prefix of the turn-th length would lie. */
FG_INLINE void probe_aim(const struct burst *b, const struct fg_prefixes_line *t, uint32_t turn, const struct fg_key *k,
			 struct probe *p)
{
	const struct fg_bucket *buckets = (const struct fg_bucket *)line(b, t->buckets);
	struct halves address = load_halves(k->octet + (t->key_octet & 48));
	uint32_t length = t->length[turn];
	struct fg_masked masked = { .length = length };
	uint64_t h;

	p->length = length;
	p->prefix.at[0] = keep_bits(address.at[0], length);
	p->prefix.at[1] = keep_bits(address.at[1], length < 64 ? 0 : length - 64);
	memcpy(masked.address, &p->prefix, sizeof(masked.address));
	h = fg_prefix_hash(&masked, t->seed);
	p->at[0] = buckets + ((uint32_t)h & t->mask);
	p->at[1] = buckets + ((uint32_t)(h >> 32) & t->mask);
	__builtin_prefetch(p->at[0]);
	__builtin_prefetch(p->at[1]);
}

FG_INLINE uint32_t bucket_step(const struct fg_bucket *bucket, const struct probe *p)
{
	uint32_t step = 0;

	for (int i = FG_BUCKET_PREFIXES - 1; i >= 0; i--) {
		struct halves a = load_halves(bucket->at[i].address);
		uint64_t differ =
			(a.at[0] ^ p->prefix.at[0]) | (a.at[1] ^ p->prefix.at[1]) | (bucket->length[i] ^ p->length);

		step = differ ? step : bucket->step[i];
	}
	return step;
}

FG_INLINE uint32_t probe_step(const struct probe *p)
{
	uint32_t step = bucket_step(p->at[0], p), other = bucket_step(p->at[1], p);

	return step ? step : other;
}

/* One length. True: the packet has more to try. */
FG_INLINE bool probe_turn(struct burst *b, uint32_t i, uint32_t level, uint32_t *turn, struct probe *p)
{
	const struct fg_prefixes_line *t = (const struct fg_prefixes_line *)line(b, b->here[i]);
	uint32_t step = probe_step(p);

	*turn += 1;
	if (step == 0 && *turn < t->count && *turn < FG_PREFIX_LENGTHS_MAX) {
		probe_aim(b, t, *turn, b->keys[i], p);
		return true;
	}
	turned(b, i, level, step, t->next, *turn);
	return false;
}

FG_INLINE uint32_t prefixes_level(const struct fg_prefixes_line *t)
{
	return t->key_octet == offsetof(struct fg_key, dst) ? 0 : 1;
}

static void step_prefixes(struct burst *b, uint32_t set)
{
	struct probe probes[FG_BURST];
	uint32_t turns[FG_BURST], trying = 0;

	FOR_PACKETS(i, set)
	{
		const struct fg_prefixes_line *t = (const struct fg_prefixes_line *)line(b, b->here[i]);
		uint32_t level = prefixes_level(t);

		turns[i] = b->ref[i] ? 0 : b->turn[level][i];
		if (turns[i] >= t->count || turns[i] >= FG_PREFIX_LENGTHS_MAX) {
			turned(b, i, level, 0, t->next, turns[i]);
			continue;
		}
		probe_aim(b, t, turns[i], b->keys[i], &probes[i]);
		trying |= 1u << i;
	}
	for (uint32_t n = 0; n < FG_PREFIX_LENGTHS_MAX && trying != 0; n++) {
		FOR_PACKETS(i, trying)
		{
			const struct fg_prefixes_line *t = (const struct fg_prefixes_line *)line(b, b->here[i]);
			bool more = probe_turn(b, i, prefixes_level(t), &turns[i], &probes[i]);

			trying &= ~((uint32_t)!more << i);
		}
	}
}

#endif
