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
	struct halves address[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	struct halves prefix[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	COLUMN at[2][FG_BURST];
	COLUMN tag[FG_BURST];
	const struct fg_prefixes_line *t;
	const struct fg_bucket *buckets;
	const uint32_t *tags;
	struct halves keep;
	uint32_t length;
};

/* The packets' addresses. */
FG_INLINE void probes_begin(const struct burst *b, struct probes *p, const struct fg_prefixes_line *t, uint32_t set)
{
	uint32_t octet = t->key_octet & 48;

	p->t = t;
	p->buckets = (const struct fg_bucket *)line(b, t->buckets);
	p->tags = (const uint32_t *)line(b, t->tags);
	FOR_PACKETS(i, set)
	p->address[i] = load_halves(b->keys[i]->octet + octet);
}

FG_INLINE void probes_turn(struct probes *p, uint32_t turn)
{
	p->length = p->t->length[turn];
	p->keep.at[0] = kept_bits(p->length);
	p->keep.at[1] = kept_bits(p->length < 64 ? 0 : p->length - 64);
}

/* Prefixes of that length, their buckets and tags: what fg_prefix_hash() says. */
#if defined(__AVX512F__)
FG_INLINE void probes_hash(struct probes *p, uint32_t set)
{
	const __m512i even = _mm512_set_epi64(14, 12, 10, 8, 6, 4, 2, 0);
	const __m512i odd = _mm512_set_epi64(15, 13, 11, 9, 7, 5, 3, 1);
	const __m512i keep = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)&p->keep));
	const __m512i mask = _mm512_set1_epi64(p->t->mask);

	for (uint32_t i = 0; i < FG_BURST && set >> i != 0; i += 8) {
		__m512i a = _mm512_and_si512(_mm512_load_si512(p->address + i), keep);
		__m512i c = _mm512_and_si512(_mm512_load_si512(p->address + i + 4), keep);
		__m512i h = prefix_hashes(_mm512_permutex2var_epi64(a, even, c), _mm512_permutex2var_epi64(a, odd, c),
					  p->t->seed, p->length);
		__m512i first = _mm512_and_si512(h, mask), second = _mm512_and_si512(_mm512_srli_epi64(h, 32), mask);
		__m512i tag = _mm512_srli_epi64(h, FG_PREFIX_TAG_SHIFT);

		_mm512_store_si512(p->prefix + i, a);
		_mm512_store_si512(p->prefix + i + 4, c);
		_mm256_store_si256((__m256i *)(void *)(p->at[0] + i), _mm512_cvtepi64_epi32(first));
		_mm256_store_si256((__m256i *)(void *)(p->at[1] + i), _mm512_cvtepi64_epi32(second));
		_mm256_store_si256((__m256i *)(void *)(p->tag + i), _mm512_cvtepi64_epi32(tag));
	}
}
#elif defined(__AVX2__)
FG_INLINE void probes_hash(struct probes *p, uint32_t set)
{
	/* Of halves that lie 0, 2, 1, 3: the lower words of the hashes in turn, then the upper ones. */
	const __m256i words = _mm256_set_epi32(7, 3, 5, 1, 6, 2, 4, 0);
	const __m256i keep = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)&p->keep));
	const __m128i mask = _mm_set1_epi32((int)p->t->mask);

	for (uint32_t i = 0; i < FG_BURST && set >> i != 0; i += 4) {
		const __m256i *from = (const __m256i *)(const void *)(p->address + i);
		__m256i *to = (__m256i *)(void *)(p->prefix + i);
		__m256i a = _mm256_and_si256(_mm256_load_si256(from), keep);
		__m256i c = _mm256_and_si256(_mm256_load_si256(from + 1), keep);
		__m256i h =
			prefix_hashes(_mm256_unpacklo_epi64(a, c), _mm256_unpackhi_epi64(a, c), p->t->seed, p->length);
		__m128i first, second;

		h = _mm256_permutevar8x32_epi32(h, words);
		first = _mm256_castsi256_si128(h);
		second = _mm256_extracti128_si256(h, 1);
		_mm256_store_si256(to, a);
		_mm256_store_si256(to + 1, c);
		_mm_store_si128((__m128i *)(void *)(p->at[0] + i), _mm_and_si128(first, mask));
		_mm_store_si128((__m128i *)(void *)(p->at[1] + i), _mm_and_si128(second, mask));
		_mm_store_si128((__m128i *)(void *)(p->tag + i), _mm_srli_epi32(second, FG_PREFIX_TAG_SHIFT - 32));
	}
}
#else
FG_INLINE void probes_hash(struct probes *p, uint32_t set)
{
	FOR_PACKETS(i, set)
	{
		struct fg_masked masked = { .length = p->length };
		uint64_t h;

		p->prefix[i].at[0] = p->address[i].at[0] & p->keep.at[0];
		p->prefix[i].at[1] = p->address[i].at[1] & p->keep.at[1];
		memcpy(masked.address, &p->prefix[i], sizeof(masked.address));
		h = fg_prefix_hash(&masked, p->t->seed);
		p->at[0][i] = (uint32_t)h & p->t->mask;
		p->at[1][i] = (uint32_t)(h >> 32) & p->t->mask;
		p->tag[i] = fg_prefix_tag(h);
	}
}
#endif

/* Packets that may have their prefix in the first or second of their buckets. Of those without one that is one in ten. */
FG_INLINE uint32_t probes_may(const struct probes *p, uint32_t set, uint32_t which)
{
	uint32_t may = 0;

	FOR_PACKETS(i, set)
	may |= (p->tags[p->at[which][i]] >> p->tag[i] & 1) << i;
	return may;
}

FG_INLINE bool halves_equal(const void *a, const struct halves *b)
{
#ifdef __AVX2__
	__m128i differ =
		_mm_xor_si128(_mm_loadu_si128((const __m128i *)a), _mm_load_si128((const __m128i *)(const void *)b));

	return _mm_testz_si128(differ, differ);
#else
	struct halves h = load_halves(a);

	return ((h.at[0] ^ b->at[0]) | (h.at[1] ^ b->at[1])) == 0;
#endif
}

/* The step of a packet's prefix where it is in that bucket of its two, otherwise 0. */
FG_INLINE uint32_t probes_step(const struct probes *p, uint32_t i, uint32_t which)
{
	const struct fg_bucket *bucket = p->buckets + p->at[which][i];
	uint32_t step = 0;

	for (uint32_t k = 0; k < FG_BUCKET_PREFIXES; k++) {
		bool is = halves_equal(bucket->at[k].address, &p->prefix[i]) & (bucket->length[k] == p->length);

		step |= bucket->step[k] & (0 - (uint32_t)is);
	}
	return step;
}

/* One length, for packets that are at the step. Which of them have a prefix of that length: `ref` is then its step. */
FG_INLINE uint32_t probe_turn(struct burst *b, struct probes *p, uint32_t turn, uint32_t set)
{
	uint32_t hits = 0, may[2];

	probes_turn(p, turn);
	probes_hash(p, set);
	for (uint32_t which = 0; which < 2; which++) {
		may[which] = probes_may(p, set, which);
		FOR_PACKETS(i, may[which])
		__builtin_prefetch(p->buckets + p->at[which][i]);
	}
	for (uint32_t which = 0; which < 2; which++)
		FOR_PACKETS(i, may[which] & ~hits)
		{
			uint32_t step = probes_step(p, i, which);

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
	struct probes p;

	probes_begin(b, &p, t, set);
	for (uint32_t n = 0; n < t->count && n < FG_PREFIX_LENGTHS_MAX && (trying | later) != 0; n++) {
		uint32_t now = later ? equal_refs(b->turn[level], n) & later : 0, hits;

		trying |= now;
		later &= ~now;
		if (trying == 0)
			continue;
		hits = probe_turn(b, &p, n, trying);
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
