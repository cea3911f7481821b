/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The root and prefixes steps of a burst: what fg_cursor_turn() does, in rounds of one memory access each, the
 * line of the next access fetched while the other packets make theirs. What a root leads to is known at once, so it
 * is not come back to.
 */
#ifndef DATAPLANE_BURST_PREFIXES_H
#define DATAPLANE_BURST_PREFIXES_H

#include <string.h>

#include "dataplane/burst_state.h"

/* ---- Root ---- */

/*
 * Entries of `upper` for the destinations of a set, 0 for all others. Lines of it without any entry are not read: of clean traffic
 * they are most, and far away.
 */
FG_INLINE void root_upper(const struct burst *b, uint32_t set, uint32_t found[FG_BURST])
{
	const uint32_t *upper = (const uint32_t *)line(b, b->root->upper);
	const uint32_t *filled = (const uint32_t *)line(b, b->root->filled);

#ifdef __AVX512F__
	for (uint32_t i = 0; i < FG_BURST; i += 16) {
		__m512i dst = _mm512_load_si512(b->dst + i), none = _mm512_setzero_si512();
		__m512i lines = _mm512_srli_epi32(dst, 12), bit = _mm512_and_si512(lines, _mm512_set1_epi32(31));
		__m512i words = _mm512_mask_i32gather_epi32(none, (__mmask16)(set >> i), _mm512_srli_epi32(lines, 5),
							    filled, 4);
		__mmask16 some = _mm512_test_epi32_mask(words, _mm512_sllv_epi32(_mm512_set1_epi32(1), bit));

		_mm512_store_si512(found + i,
				   _mm512_mask_i32gather_epi32(none, some, _mm512_srli_epi32(dst, 8), upper, 4));
	}
#else
	for (uint32_t i = 0; i < FG_BURST; i++)
		found[i] = 0;
	FOR_PACKETS(i, set)
	{
		uint32_t l = b->dst[i] >> 12, some = 0 - (filled[l / 32] >> (l % 32) & 1);

		found[i] = upper[b->dst[i] >> 8 & some] & some;
	}
#endif
}

/* Steps of nodes in place of the nodes. */
FG_INLINE void root_nodes(const struct burst *b, uint32_t nodes, uint32_t found[FG_BURST])
{
#ifdef __AVX512F__
	const void *image = line(b, 0);

	for (uint32_t i = 0; i < FG_BURST; i += 16) {
		__m512i dst = _mm512_load_si512(b->dst + i), all = _mm512_load_si512(found + i);
		__m512i at = _mm512_slli_epi32(all, 4), none = _mm512_setzero_si512();
		__m512i place = _mm512_and_si512(_mm512_srli_epi32(dst, 4), _mm512_set1_epi32(15));
		__mmask16 set = (__mmask16)(nodes >> i);
		__m512i ranks = _mm512_mask_i32gather_epi32(none, set, _mm512_add_epi32(at, place), image, 4);
		__m512i step = _mm512_add_epi32(_mm512_add_epi32(at, _mm512_set1_epi32(16)), ranks_class(ranks, dst));

		_mm512_store_si512(found + i, _mm512_mask_i32gather_epi32(all, set, step, image, 4));
	}
#else
	FOR_PACKETS(i, nodes)
	{
		const struct fg_ranks *ranks = (const struct fg_ranks *)line(b, found[i] & ~FG_NODE);
		const uint32_t *steps = (const uint32_t *)(const void *)(ranks + 16);

		found[i] = steps[fg_ranks_class(ranks[b->dst[i] >> 4 & 15], b->dst[i])];
	}
#endif
}

/* The same for packets that all go to one address, as those of an attack do: one look-up. */
FG_INLINE void enter_one(const struct burst *b, uint32_t set, uint32_t found[FG_BURST])
{
	const struct fg_view view = { .base = b->base };
	const struct fg_key *k = b->keys[__builtin_ctz(set)];
	uint32_t step = fg_root_filled(&view, b->root, k) ? fg_root_find(&view, b->root, 0, k) : 0;

	fetch(b, step);
	for (uint32_t i = 0; i < FG_BURST; i++)
		found[i] = set >> i & 1 ? step : 0;
}

/* The step for the destination of packets at the root, longer prefixes only, into found[]; 0 for all others. */
FG_INLINE void enter_root(struct burst *b, uint32_t set, uint32_t found[FG_BURST])
{
	uint32_t nodes;

	b->rooted |= set;
	b->shorter |= set;
	if ((equal_refs(b->dst, b->dst[__builtin_ctz(set)]) & set) == set) {
		enter_one(b, set, found);
		return;
	}
	root_upper(b, set, found);
	nodes = top_bits(found);
	FOR_PACKETS(i, nodes)
	{
		fetch(b, found[i] & ~FG_NODE);
		fetch(b, (found[i] & ~FG_NODE) + 1);
	}
	if (nodes)
		root_nodes(b, nodes, found);
	FOR_PACKETS(i, set & ~equal_refs(found, 0))
	fetch(b, found[i]);
}

/* Packets that come to the root behind steps that lie in front of it. */
FG_INLINE void step_root(struct burst *b, uint32_t set)
{
	COLUMN found[FG_BURST];

	enter_root(b, set, found);
	FOR_PACKETS(i, set)
	b->ref[i] = found[i];
}

/* Steps for the shorter prefixes of packets whose chains ended; those of which there is one. */
FG_INLINE uint32_t root_shorter(struct burst *b, uint32_t set)
{
	const uint32_t *shorter = (const uint32_t *)line(b, b->root->shorter);
	uint32_t some = 0;

	FOR_PACKETS(i, set)
	{
		uint32_t step = shorter[b->dst[i] >> (32 - FG_SHORT_BITS)];

		b->ref[i] = b->here[i] = step;
		some |= (uint32_t)(step != 0) << i;
	}
	return some;
}

/* Packets whose chains ended, to what follows: the shorter prefix of their destination, and then the rules without one. */
FG_INLINE void leave_root(struct burst *b, uint32_t set)
{
	uint32_t some = b->root->flags & FG_ROOT_SHORT ? root_shorter(b, set & b->shorter) : 0, next = b->root->next;

	b->shorter &= ~set;
	set &= ~some;
	b->rooted &= ~set;
	for (uint32_t i = 0; i < FG_BURST; i++) {
		uint32_t in = set >> i & 1;

		b->ref[i] = in ? next : b->ref[i];
		b->here[i] = in ? next : b->here[i];
	}
}

/* ---- Prefixes ---- */

/* Goes into what was found, to come back to `here`; or on behind the step. */
FG_INLINE void turned(struct burst *b, uint32_t i, uint32_t level, uint32_t found, uint32_t next, uint32_t turn)
{
	b->back[level][i] = found ? b->here[i] : 0;
	b->turn[level][i] = turn;
	go_to(b, i, found ? found : next);
}

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
