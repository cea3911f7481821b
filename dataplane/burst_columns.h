/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The segment steps of packets whose segment has columns (table.h): all its rules are compared at once, each in a lane. Included by
 * burst_form.c alone, and of use only with vector instructions. A lane is 0 where its rule matches; what is not is
 * gathered by OR.
 *
 * A slice is as many lanes as one vector has; a column of more lanes is several slices.
 */
#ifndef DATAPLANE_BURST_COLUMNS_H
#define DATAPLANE_BURST_COLUMNS_H

#include "dataplane/burst_state.h"

#ifdef __AVX2__
enum { HAS_COLUMNS = 1 };

/* Two octets of the key as columns have them. */
FG_INLINE uint16_t key_pair(const uint8_t *octets)
{
	return *(const uint16_t *)(const void *)octets;
}

/*
 * For vectors of one width: what differs of one or two packets, in the lanes of a slice. `at` is the slice of a column's first array,
 * `slices` behind it is that of the second; a column is two times `slices` vectors.
 */
#define SLICE_OPERATIONS(width, vector, mm)                                                                            \
	FG_INLINE vector over##width(const vector *at, uint32_t slices, uint16_t v)                                    \
	{                                                                                                              \
		return mm##_subs_epu16(mm##_sub_epi16(mm##_set1_epi16((short)v), at[0]), at[slices]);                  \
	}                                                                                                              \
	FG_INLINE vector over_pair##width(const vector *at, uint32_t slices, const uint8_t *octets)                    \
	{                                                                                                              \
		vector v = mm##_set1_epi16((short)key_pair(octets));                                                   \
                                                                                                                       \
		return mm##_subs_epu8(mm##_sub_epi8(v, at[0]), at[slices]);                                            \
	}                                                                                                              \
	FG_INLINE vector usual##width(const vector *at, uint32_t slices, const struct fg_key *k)                       \
	{                                                                                                              \
		const uint32_t column = 2 * slices;                                                                    \
		const vector *tcp = at + FG_COLUMN_TCP * column, *states = at + FG_COLUMN_FRAGMENTS * column;          \
		vector flags = mm##_set1_epi16((short)k->tcp_flags),                                                   \
		       state = mm##_set1_epi16((short)(1 << k->fragment));                                             \
                                                                                                                       \
		return over##width(at + FG_COLUMN_DPORT * column, slices, k->dport) |                                  \
		       over##width(at + FG_COLUMN_SPORT * column, slices, k->sport) |                                  \
		       over##width(at + FG_COLUMN_LENGTH * column, slices, k->length) |                                \
		       over##width(at + FG_COLUMN_SRC_HI * column, slices, k->src_hi) |                                \
		       over##width(at + FG_COLUMN_SRC_LO * column, slices, k->src_lo) |                                \
		       over_pair##width(at + FG_COLUMN_L4 * column, slices, &k->proto) |                               \
		       ((flags & tcp[0]) ^ tcp[slices]) | (state & states[0]);                                         \
	}                                                                                                              \
	FG_INLINE vector rare##width(const vector *at, uint32_t slices, const struct fg_key *k)                        \
	{                                                                                                              \
		const uint32_t column = 2 * slices;                                                                    \
		const vector *port = at + FG_COLUMN_PORT * column;                                                     \
		vector either =                                                                                        \
			mm##_min_epu16(over##width(port, slices, k->dport), over##width(port, slices, k->sport));      \
                                                                                                                       \
		return either | over_pair##width(at + FG_COLUMN_ICMP * column, slices, &k->icmp_type) |                \
		       over_pair##width(at + FG_COLUMN_DSCP * column, slices, &k->dscp);                               \
	}                                                                                                              \
	FG_INLINE uint64_t slice##width(const vector *at, uint32_t slices, const struct fg_key *k, bool rare)          \
	{                                                                                                              \
		vector differ = usual##width(at, slices, k);                                                           \
                                                                                                                       \
		if (rare)                                                                                              \
			differ |= rare##width(at, slices, k);                                                          \
		return zeros##width(differ);                                                                           \
	}

/* Bit i: lane i is 0. */
FG_INLINE uint64_t zeros8(__m128i x)
{
	__m128i zero = _mm_setzero_si128();

	return (uint64_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_cmpeq_epi16(x, zero), zero));
}

FG_INLINE uint64_t zeros16(__m256i x)
{
	__m256i zero = _mm256_setzero_si256();
	uint32_t m = (uint32_t)_mm256_movemask_epi8(_mm256_packs_epi16(_mm256_cmpeq_epi16(x, zero), zero));

	return (m & 255) | (m >> 8 & 0xff00);
}

SLICE_OPERATIONS(8, __m128i, _mm)
SLICE_OPERATIONS(16, __m256i, _mm256)

#ifdef __AVX512F__
FG_INLINE uint64_t zeros32(__m512i x)
{
	return _mm512_testn_epi16_mask(x, x);
}

SLICE_OPERATIONS(32, __m512i, _mm512)
#endif

/* The rules of a segment that match; `lanes` is a constant where this is called. */
FG_INLINE uint64_t columns_match(const void *columns, uint32_t lanes, const struct fg_key *k, bool rare)
{
	uint64_t match = 0;

	if (lanes == 8)
		return slice8(columns, 1, k, rare);
	if (lanes == 16)
		return slice16(columns, 1, k, rare);
#ifdef __AVX512F__
#pragma GCC unroll 2
	for (uint32_t i = 0; i < lanes / 32; i++)
		match |= slice32((const __m512i *)columns + i, lanes / 32, k, rare) << (i * 32);
#else
	for (uint32_t i = 0; i < lanes / 16; i++)
		match |= slice16((const __m256i *)columns + i, lanes / 16, k, rare) << (i * 16);
#endif
	return match;
}

/*
 * Adds the rules that match, in order, until one is terminal. True: one was, or there is no more room. Mostly it is the first, or
 * there is none.
 */
FG_INLINE bool columns_take(struct fg_matched *m, const uint32_t *slots, uint64_t match)
{
	uint32_t n = m->count, first = slots[match ? fg_lowest_bit(match) : 0];
	bool ends = (match != 0) & (((first & FG_SLOT_CONTINUE) == 0) | (n + 1 == FG_APPLIED_MAX));

	m->slot[n] = first; /* n < FG_APPLIED_MAX: the packet lives */
	m->count = n + (match != 0);
	if (ends || (match & (match - 1)) == 0)
		return ends;
	for (match &= match - 1; match != 0; match &= match - 1)
		if (fg_matched_add(m, slots[fg_lowest_bit(match)]))
			return true;
	return m->count == FG_APPLIED_MAX;
}

FG_INLINE const void *columns_of(const struct burst *b, const struct fg_segment_line *s)
{
	return line(b, s->slots + (s->rules + 15u) / 16);
}

/* The set's packets, all at one segment. Those whose way ends there. `rare` is a constant where this is called. */
FG_INLINE uint32_t columns_loop(struct burst *b, uint32_t set, uint32_t lanes, const struct fg_segment_line *s,
				bool rare)
{
	const uint32_t *slots = (const uint32_t *)line(b, s->slots);
	const void *columns = columns_of(b, s);
	uint32_t ended = 0, next = s->next;

	FOR_PACKETS(i, set)
	{
		uint64_t match = columns_match(columns, lanes, b->keys[i], rare);

		b->ref[i] = next;
		ended |= (uint32_t)columns_take(&b->matched[i], slots, match) << i;
	}
	return ended;
}

FG_INLINE uint32_t columns_hot(struct burst *b, uint32_t set, uint32_t lanes)
{
	const struct fg_segment_line *s = (const struct fg_segment_line *)line(b, b->here[__builtin_ctz(set)]);

	fetch(b, s->next);
	return s->flags & FG_STEP_RARE ? columns_loop(b, set, lanes, s, true) : columns_loop(b, set, lanes, s, false);
}

/* Each is at one of its own. */
FG_INLINE uint32_t columns_cold(struct burst *b, uint32_t set, uint32_t lanes)
{
	uint32_t ended = 0;

	FOR_PACKETS(i, set)
	{
		const struct fg_segment_line *s = (const struct fg_segment_line *)line(b, b->here[i]);

		for (uint32_t n = 0; n <= FG_COLUMNS_USUAL * lanes / 16; n++)
			fetch(b, s->slots + n);
		fetch(b, s->next);
	}
	FOR_PACKETS(i, set)
	{
		const struct fg_segment_line *s = (const struct fg_segment_line *)line(b, b->here[i]);
		uint64_t match = columns_match(columns_of(b, s), lanes, b->keys[i], s->flags & FG_STEP_RARE);

		b->ref[i] = s->next;
		ended |= (uint32_t)columns_take(&b->matched[i], (const uint32_t *)line(b, s->slots), match) << i;
	}
	return ended;
}

enum { HOT_PACKETS = 4 }; /* packets at one segment that are worth a loop of their own */

/* Packets at segments with so many lanes. An attack is on one of them, or a few. */
FG_INLINE void columns_step(struct burst *b, uint32_t set, uint32_t lanes)
{
	uint32_t same = equal_refs(b->here, b->here[__builtin_ctz(set)]) & set, ended = 0;

	while (__builtin_popcount(same) >= HOT_PACKETS) {
		ended |= columns_hot(b, same, lanes);
		set &= ~same;
		if (set == 0)
			break;
		same = equal_refs(b->here, b->here[__builtin_ctz(set)]) & set;
	}
	if (set)
		ended |= columns_cold(b, set, lanes);
	b->live &= ~ended;
}

#else
enum { HAS_COLUMNS = 0 };

FG_INLINE void columns_step(struct burst *b, uint32_t set, uint32_t lanes)
{
	(void)b, (void)set, (void)lanes;
}

#endif

#endif
