/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The prefixes steps of a burst: what fg_cursor_turn() does, for all packets that are at one step together. A length is tried by all
 * that have not found anything: addresses to prefixes to buckets, several packets an instruction; then each packet's buckets,
 * fetched meanwhile. No branch depends on who finds something, but the loop over those that do.
 */
#ifndef DATAPLANE_BURST_PREFIXES_H
#define DATAPLANE_BURST_PREFIXES_H

#include <string.h>

#include "dataplane/burst_state.h"

/* An address, or what a prefix keeps of it, as it lies in memory. */
struct halves {
	uint64_t at[2];
};

FG_INLINE struct halves load_halves(const void *from)
{
	struct halves h;

	memcpy(&h, from, sizeof(h));
	return h;
}

/* The first `length` bits of a half, at most all. */
FG_INLINE uint64_t kept_bits(uint32_t length)
{
	return length == 0 ? 0 : length >= 64 ? UINT64_MAX : __builtin_bswap64(UINT64_MAX << (64 - length));
}

/* One length of a prefixes step, and where packets look for theirs: buckets by their number in the table. */
struct probes {
	struct halves prefix[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	COLUMN at[2][FG_BURST];
	const struct fg_prefixes_line *t;
	const struct fg_bucket *buckets;
	struct halves keep;
	uint32_t length;
};

FG_INLINE void probes_begin(const struct burst *b, struct probes *p, const struct fg_prefixes_line *t, uint32_t turn)
{
	p->t = t;
	p->buckets = (const struct fg_bucket *)line(b, t->buckets);
	p->length = t->length[turn];
	p->keep.at[0] = kept_bits(p->length);
	p->keep.at[1] = kept_bits(p->length < 64 ? 0 : p->length - 64);
}

/* Prefixes of that length in place of addresses, and their buckets: what fg_prefix_hash() says. */
#ifdef __AVX512F__
FG_INLINE void probes_hash(struct probes *p, uint32_t set)
{
	const __m512i even = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
	const __m512i odd = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
	const __m512i keep = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)&p->keep));
	const __m512i mask = _mm512_set1_epi64(p->t->mask);

	for (uint32_t i = 0; i < FG_BURST && set >> i != 0; i += 8) {
		__m512i a = _mm512_and_si512(_mm512_load_si512(p->prefix + i), keep);
		__m512i c = _mm512_and_si512(_mm512_load_si512(p->prefix + i + 4), keep);
		__m512i h = prefix_hashes(_mm512_permutex2var_epi64(a, even, c), _mm512_permutex2var_epi64(a, odd, c),
					  p->t->seed, p->length);
		__m512i first = _mm512_and_si512(h, mask), second = _mm512_and_si512(_mm512_srli_epi64(h, 32), mask);

		_mm512_store_si512(p->prefix + i, a);
		_mm512_store_si512(p->prefix + i + 4, c);
		_mm256_store_si256((__m256i *)(void *)(p->at[0] + i), _mm512_cvtepi64_epi32(first));
		_mm256_store_si256((__m256i *)(void *)(p->at[1] + i), _mm512_cvtepi64_epi32(second));
	}
}
#else
FG_INLINE void probes_hash(struct probes *p, uint32_t set)
{
	FOR_PACKETS(i, set)
	{
		struct fg_masked masked = { .length = p->length };
		uint64_t h;

		p->prefix[i].at[0] &= p->keep.at[0];
		p->prefix[i].at[1] &= p->keep.at[1];
		memcpy(masked.address, &p->prefix[i], sizeof(masked.address));
		h = fg_prefix_hash(&masked, p->t->seed);
		p->at[0][i] = (uint32_t)h & p->t->mask;
		p->at[1][i] = (uint32_t)(h >> 32) & p->t->mask;
	}
}
#endif

/* Of a packet's two buckets: bit 16 b + 4 i where place i of bucket b has its prefix, whatever the length. */
FG_INLINE uint32_t probes_equal(const struct probes *p, uint32_t i)
{
	const struct fg_bucket *bucket[2] = { p->buckets + p->at[0][i], p->buckets + p->at[1][i] };
#ifdef __AVX512F__
	__m512i prefix = _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)(const void *)&p->prefix[i]));
	__mmask16 first = _mm512_cmpeq_epi32_mask(_mm512_load_si512(bucket[0]), prefix);
	__mmask16 second = _mm512_cmpeq_epi32_mask(_mm512_load_si512(bucket[1]), prefix);
	uint32_t words = _mm512_kunpackw(second, first);

	words &= words >> 2;
	return words & words >> 1 & 0x01110111;
#else
	uint32_t equal = 0;

	for (uint32_t k = 0; k < 2 * FG_BUCKET_PREFIXES; k++) {
		uint32_t which = k / FG_BUCKET_PREFIXES, at = k % FG_BUCKET_PREFIXES;
		struct halves a = load_halves(bucket[which]->at[at].address);
		uint64_t differ = (a.at[0] ^ p->prefix[i].at[0]) | (a.at[1] ^ p->prefix[i].at[1]);

		equal |= (uint32_t)(differ == 0) << (16 * which + 4 * at);
	}
	return equal;
#endif
}

/* The step of the one among those places that has the length; 0 where none has. */
FG_INLINE uint32_t probes_step(const struct probes *p, uint32_t i, uint32_t equal)
{
	for (; equal != 0; equal &= equal - 1) {
		uint32_t bit = (uint32_t)__builtin_ctz(equal), at = bit / 4 % 4;
		const struct fg_bucket *bucket = p->buckets + p->at[bit / 16][i];

		if (bucket->length[at] == p->length && bucket->step[at] != 0)
			return bucket->step[at];
	}
	return 0;
}

/* One length, for packets that are at the step. Which of them have a prefix of that length: `ref` is then its step. */
FG_INLINE uint32_t probe_turn(struct burst *b, const struct fg_prefixes_line *t, uint32_t turn, uint32_t set)
{
	uint32_t octet = t->key_octet & 48, some = 0, hits = 0, equal[FG_BURST];
	struct probes p;

	probes_begin(b, &p, t, turn);
	FOR_PACKETS(i, set)
	p.prefix[i] = load_halves(b->keys[i]->octet + octet);
	probes_hash(&p, set);
	FOR_PACKETS(i, set)
	{
		__builtin_prefetch(p.buckets + p.at[0][i]);
		__builtin_prefetch(p.buckets + p.at[1][i]);
	}
	FOR_PACKETS(i, set)
	{
		equal[i] = probes_equal(&p, i);
		some |= (uint32_t)(equal[i] != 0) << i;
	}
	FOR_PACKETS(i, some)
	{
		uint32_t step = probes_step(&p, i, equal[i]);

		b->ref[i] = step;
		hits |= (uint32_t)(step != 0) << i;
	}
	return hits;
}

FG_INLINE uint32_t prefixes_level(const struct fg_prefixes_line *t)
{
	return t->key_octet == offsetof(struct fg_key, dst) ? 0 : 1;
}

/* Packets at one prefixes step: all that are at a length try it together, and those that come back join at the length that is their turn. */
FG_INLINE void step_prefixes_one(struct burst *b, uint32_t set, uint32_t ref)
{
	const struct fg_prefixes_line *t = (const struct fg_prefixes_line *)line(b, ref);
	uint32_t level = prefixes_level(t), later = equal_refs(b->ref, 0) & set, trying = set & ~later;

	for (uint32_t n = 0; n < t->count && n < FG_PREFIX_LENGTHS_MAX && (trying | later) != 0; n++) {
		uint32_t now = later ? equal_refs(b->turn[level], n) & later : 0, hits;

		trying |= now;
		later &= ~now;
		if (trying == 0)
			continue;
		hits = probe_turn(b, t, n, trying);
		trying &= ~hits;
		FOR_PACKETS(i, hits)
		fetch(b, b->ref[i]);
		fill_refs(b->back[level], hits, ref);
		fill_refs(b->turn[level], hits, n + 1);
	}
	trying |= later;
	fetch(b, t->next);
	fill_refs(b->back[level], trying, 0);
	fill_refs(b->ref, trying, t->next);
}

static void step_prefixes(struct burst *b, uint32_t set)
{
	while (set != 0) {
		uint32_t ref = b->here[__builtin_ctz(set)], same = equal_refs(b->here, ref) & set;

		step_prefixes_one(b, same, ref);
		set &= ~same;
	}
}

#endif
