/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The root step of a burst: what fg_cursor_turn() does, in rounds of one memory access each, the line of the next access
 * fetched while the other packets make theirs. What a root leads to is known at once, so it is not come back to.
 */
#ifndef DATAPLANE_BURST_ROOT_H
#define DATAPLANE_BURST_ROOT_H

#include "dataplane/burst_state.h"

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

#endif
