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

enum { LANES_FORMS = 4 }; /* how many lanes columns can have */

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
		const vector *flags = at + FG_COLUMN_FLAGS * column;                                                   \
		vector v = mm##_set1_epi16((short)(k->tcp_flags | k->fragment << FG_TCP_FLAGS_BITS));                  \
                                                                                                                       \
		return over##width(at + FG_COLUMN_DPORT * column, slices, k->dport) |                                  \
		       over##width(at + FG_COLUMN_SPORT * column, slices, k->sport) |                                  \
		       over##width(at + FG_COLUMN_LENGTH * column, slices, k->length) |                                \
		       over##width(at + FG_COLUMN_SRC_HI * column, slices, k->src_hi) |                                \
		       over##width(at + FG_COLUMN_SRC_LO * column, slices, k->src_lo) |                                \
		       over_pair##width(at + FG_COLUMN_L4 * column, slices, &k->proto) |                               \
		       ((v & flags[0]) ^ flags[slices]);                                                               \
	}                                                                                                              \
	FG_INLINE vector rare##width(const vector *at, uint32_t slices, const struct fg_key *k)                        \
	{                                                                                                              \
		const uint32_t column = 2 * slices;                                                                    \
		const vector *port = at + FG_COLUMN_PORT * column;                                                     \
		vector dport = over##width(port, slices, k->dport), sport = over##width(port, slices, k->sport);       \
		vector state = mm##_set1_epi16((short)(1 << k->fragment));                                             \
                                                                                                                       \
		return mm##_min_epu16(dport, sport) |                                                                  \
		       over_pair##width(at + FG_COLUMN_ICMP * column, slices, &k->icmp_type) |                         \
		       over_pair##width(at + FG_COLUMN_DSCP * column, slices, &k->dscp) |                              \
		       (state & at[FG_COLUMN_STATES * column]);                                                        \
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

FG_INLINE const void *columns_of(const struct burst *b, const struct fg_segment_line *s, uint32_t lanes)
{
	return (const uint32_t *)line(b, s->slots) + lanes;
}

/* Packets that are all at one segment: rules of each that match. `lanes` and `rare` are constants where this is called. */
FG_INLINE void columns_loop(const struct burst *b, uint32_t set, const struct fg_segment_line *s, uint32_t lanes,
			    bool rare, uint64_t match[FG_BURST])
{
	const void *columns = columns_of(b, s, lanes);

	FOR_PACKETS(i, set)
	match[i] = columns_match(columns, lanes, b->keys[i], rare);
}

FG_INLINE void columns_loop_by(const struct burst *b, uint32_t set, const struct fg_segment_line *s, uint32_t lanes,
			       uint64_t match[FG_BURST])
{
	if (s->flags & FG_STEP_RARE)
		columns_loop(b, set, s, lanes, true, match);
	else
		columns_loop(b, set, s, lanes, false, match);
}

enum { HULL_FORM = 3 }; /* fewer lanes are compared as fast as the hull */

/*
 * All packets of the set are at one segment. First all are compared, then rules are taken: the other way round each comparison waits
 * for the one before.
 */
static void columns_hot(struct burst *b, uint32_t set)
{
	const struct fg_segment_line *s = segment_at(b, (uint32_t)__builtin_ctz(set));
	const uint32_t *slots = (const uint32_t *)line(b, s->slots);
	uint32_t form = (s->flags & FG_STEP_LANES) >> FG_LANES_SHIFT, ended = 0, next = s->next;
	uint64_t match[FG_BURST];

	fetch(b, next);
	FOR_PACKETS(i, set)
	b->ref[i] = next;
	if (form >= HULL_FORM && (s->flags & FG_STEP_HULL))
		set = admitted(b, set);
	if (form == 4)
		columns_loop_by(b, set, s, 64, match);
	else if (form == 3)
		columns_loop_by(b, set, s, 32, match);
	else
		columns_loop_by(b, set, s, form == 2 ? 16 : 8, match);
	FOR_PACKETS(i, set)
	ended |= (uint32_t)columns_take(&b->matched[i], slots, match[i]) << i;
	b->live &= ~ended;
}

/* Fetches lines [from, to) of slots and columns; both are constants where this is called. */
FG_INLINE void columns_fetch(const struct burst *b, uint32_t set, uint32_t from, uint32_t to)
{
	FOR_PACKETS(i, set)
	{
		const uint8_t *at = (const uint8_t *)line(b, segment_at(b, i)->slots);

#pragma GCC unroll 8
		for (uint32_t n = from; n < to; n++)
			__builtin_prefetch(at + (size_t)n * FG_LINE_OCTETS);
	}
}

FG_INLINE void columns_match_set(const struct burst *b, uint32_t set, uint32_t lanes, uint64_t match[FG_BURST])
{
	FOR_PACKETS(i, set)
	{
		const struct fg_segment_line *s = segment_at(b, i);

		match[i] = columns_match(columns_of(b, s, lanes), lanes, b->keys[i], s->flags & FG_STEP_RARE);
	}
}

/* Each packet is at a segment of its own; by[] are the packets by lanes. Few loops, for each ends in a branch that is not foreseen. */
static void columns_cold(struct burst *b, uint32_t set, const uint32_t by[LANES_FORMS])
{
	uint64_t match[FG_BURST];
	uint32_t ended = 0, in = admitted_cold(b, set);

	FOR_PACKETS(i, set & ~in)
	go_to(b, i, segment_at(b, i)->next);
	set = in;
	columns_fetch(b, set, 0, 4);
	columns_fetch(b, set & (by[1] | by[2] | by[3]), 4, 8);
	columns_fetch(b, set & (by[2] | by[3]), 8, 16);
	columns_fetch(b, set & by[3], 16, 32);
	columns_match_set(b, set & by[0], 8, match);
	columns_match_set(b, set & by[1], 16, match);
	columns_match_set(b, set & by[2], 32, match);
	columns_match_set(b, set & by[3], 64, match);
	FOR_PACKETS(i, set)
	{
		const struct fg_segment_line *s = segment_at(b, i);

		go_to(b, i, s->next);
		ended |= (uint32_t)columns_take(&b->matched[i], (const uint32_t *)line(b, s->slots), match[i]) << i;
	}
	b->live &= ~ended;
}

enum { HOT_PACKETS = 4 }; /* packets at one segment that are worth a loop of their own */

/* Packets at segments that have columns. An attack is on one of them, or a few. */
static void step_columns(struct burst *b, const uint32_t by[LANES_FORMS])
{
	uint32_t set = by[0] | by[1] | by[2] | by[3];

	while (set != 0) {
		uint32_t same = equal_refs(b->here, b->here[__builtin_ctz(set)]) & set;

		if (__builtin_popcount(same) < HOT_PACKETS) {
			columns_cold(b, set, by);
			return;
		}
		columns_hot(b, same);
		set &= ~same;
	}
}

#else
enum { HAS_COLUMNS = 0 };

static void step_columns(struct burst *b, const uint32_t by[LANES_FORMS])
{
	(void)b, (void)by;
}

#endif

#endif
