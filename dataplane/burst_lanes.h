/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The operations of the burst matcher that are worth vector instructions, by what the compiler was told the
 * processor has. Included by burst_form.c alone. What always holds: each form answers the same.
 */
#ifndef DATAPLANE_BURST_LANES_H
#define DATAPLANE_BURST_LANES_H

#include "flowgate/match.h"

#ifdef __AVX2__
#include <immintrin.h>
#endif

/* True where every lane of the key is in its interval, of 16-bit lanes 2 and 3 at least one (table.h). */
FG_INLINE bool rule_lanes(const struct fg_rule_line *r, const struct fg_key *k)
{
#ifdef __AVX2__
	__m128i at = _mm_sub_epi16(_mm_load_si128((const __m128i *)(const void *)k->lane16),
				   _mm_load_si128((const __m128i *)(const void *)r->lo16));
	__m128i over = _mm_subs_epu16(at, _mm_load_si128((const __m128i *)(const void *)r->span16));
	__m128i at8 = _mm_sub_epi8(_mm_loadl_epi64((const __m128i *)(const void *)k->lane8),
				   _mm_loadl_epi64((const __m128i *)(const void *)r->lo8));
	__m128i over8 = _mm_subs_epu8(at8, _mm_loadl_epi64((const __m128i *)(const void *)r->span8));

	/* 0 is within; the lower of lanes 2 and 3 takes the place of both. */
	over = _mm_min_epu16(over, _mm_shufflelo_epi16(over, _MM_SHUFFLE(2, 3, 1, 0)));
	over = _mm_or_si128(over, over8);
	return _mm_testz_si128(over, over);
#else
	return fg_rule_lanes_match(r, k);
#endif
}

/* bits &= a | b, all whole lines. */
FG_INLINE void wide_and(uint64_t bits[8], const uint64_t a[8], const uint64_t b[8])
{
#if defined(__AVX512F__)
	_mm512_store_si512(bits, _mm512_and_si512(_mm512_load_si512(bits),
						  _mm512_or_si512(_mm512_load_si512(a), _mm512_load_si512(b))));
#elif defined(__AVX2__)
	__m256i *to = (__m256i *)(void *)bits;
	const __m256i *from = (const __m256i *)(const void *)a, * or = (const __m256i *)(const void *)b;

	for (int half = 0; half < 2; half++)
		_mm256_store_si256(to + half, _mm256_and_si256(_mm256_load_si256(to + half),
							       _mm256_or_si256(_mm256_load_si256(from + half),
									       _mm256_load_si256(or +half))));
#else
	for (int w = 0; w < 8; w++)
		bits[w] &= a[w] | b[w];
#endif
}

/* Bit w: word w is not 0. */
FG_INLINE uint32_t wide_words(const uint64_t bits[8])
{
#if defined(__AVX512F__)
	__m512i all = _mm512_load_si512(bits);

	return _mm512_test_epi64_mask(all, all);
#else
	uint32_t words = 0;

	for (int w = 0; w < 8; w++)
		words |= (uint32_t)(bits[w] != 0) << w;
	return words;
#endif
}

/* Bit i: refs[i] equals ref. */
FG_INLINE uint32_t equal_refs(const uint32_t refs[FG_BURST], uint32_t ref)
{
	uint32_t equal = 0;
#if defined(__AVX512F__)
	__m512i all = _mm512_set1_epi32((int)ref);

	for (uint32_t i = 0; i < FG_BURST; i += 16)
		equal |= (uint32_t)_mm512_cmpeq_epi32_mask(_mm512_load_si512(refs + i), all) << i;
#elif defined(__AVX2__)
	__m256i all = _mm256_set1_epi32((int)ref);

	for (uint32_t i = 0; i < FG_BURST; i += 8) {
		__m256i same = _mm256_cmpeq_epi32(_mm256_load_si256((const __m256i *)(const void *)(refs + i)), all);

		equal |= (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(same)) << i;
	}
#else
	for (uint32_t i = 0; i < FG_BURST; i++)
		equal |= (uint32_t)(refs[i] == ref) << i;
#endif
	return equal;
}

/* Sets refs[i] to ref for the packets of a set. */
FG_INLINE void fill_refs(uint32_t refs[FG_BURST], uint32_t set, uint32_t ref)
{
#if defined(__AVX512F__)
	for (uint32_t i = 0; i < FG_BURST; i += 16)
		_mm512_mask_store_epi32(refs + i, (__mmask16)(set >> i), _mm512_set1_epi32((int)ref));
#else
	for (uint32_t i = 0; i < FG_BURST; i++)
		refs[i] = set >> i & 1 ? ref : refs[i];
#endif
}

/* Bit i: the highest bit of refs[i] is set. */
FG_INLINE uint32_t top_bits(const uint32_t refs[FG_BURST])
{
	uint32_t set = 0;
#if defined(__AVX512F__)
	for (uint32_t i = 0; i < FG_BURST; i += 16) {
		__m512i sixteen = _mm512_load_si512(refs + i);

		set |= (uint32_t)_mm512_cmplt_epi32_mask(sixteen, _mm512_setzero_si512()) << i;
	}
#elif defined(__AVX2__)
	for (uint32_t i = 0; i < FG_BURST; i += 8)
		set |= (uint32_t)_mm256_movemask_ps(_mm256_load_ps((const float *)(const void *)(refs + i))) << i;
#else
	for (uint32_t i = 0; i < FG_BURST; i++)
		set |= (refs[i] >> 31) << i;
#endif
	return set;
}

/* Bit i: octets[i] equals v. */
FG_INLINE uint32_t equal_octets(const uint8_t octets[FG_BURST], uint8_t v)
{
#ifdef __AVX2__
	__m256i all = _mm256_load_si256((const __m256i *)(const void *)octets);

	return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(all, _mm256_set1_epi8((char)v)));
#else
	uint32_t equal = 0;

	for (uint32_t i = 0; i < FG_BURST; i++)
		equal |= (uint32_t)(octets[i] == v) << i;
	return equal;
#endif
}

#if defined(__AVX2__) && !defined(__AVX512F__)
/* Products of 64 bits, cut to that. */
FG_INLINE __m256i multiply64(__m256i a, uint64_t by)
{
	__m256i low = _mm256_set1_epi64x((long long)by), high = _mm256_set1_epi64x((long long)(by >> 32));
	__m256i upper = _mm256_add_epi64(_mm256_mul_epu32(_mm256_srli_epi64(a, 32), low), _mm256_mul_epu32(a, high));

	return _mm256_add_epi64(_mm256_mul_epu32(a, low), _mm256_slli_epi64(upper, 32));
}

/* fg_prefix_hash() of four prefixes of one length, given by their first and last halves as they lie in memory. */
FG_INLINE __m256i prefix_hashes(__m256i first, __m256i last, uint32_t seed, uint32_t length)
{
	__m256i h =
		_mm256_xor_si256(_mm256_shuffle_epi32(first, _MM_SHUFFLE(2, 3, 0, 1)), _mm256_set1_epi32((int)seed));
	__m256i more =
		_mm256_add_epi64(_mm256_shuffle_epi32(last, _MM_SHUFFLE(2, 3, 0, 1)), _mm256_set1_epi64x(length));

	h = multiply64(_mm256_xor_si256(h, _mm256_srli_epi64(h, 29)), FG_PREFIX_HASH_FIRST);
	h = _mm256_xor_si256(h, more);
	h = multiply64(_mm256_xor_si256(h, _mm256_srli_epi64(h, 32)), FG_PREFIX_HASH_SECOND);
	return _mm256_xor_si256(h, _mm256_srli_epi64(h, 31));
}
#endif

#ifdef __AVX512F__
/* Bits set in the lower half of each lane, whose upper half is 0. */
FG_INLINE __m512i count_bits16(__m512i x)
{
	x = _mm512_sub_epi32(x, _mm512_and_si512(_mm512_srli_epi32(x, 1), _mm512_set1_epi32(0x5555)));
	x = _mm512_add_epi32(_mm512_and_si512(x, _mm512_set1_epi32(0x3333)),
			     _mm512_and_si512(_mm512_srli_epi32(x, 2), _mm512_set1_epi32(0x3333)));
	x = _mm512_and_si512(_mm512_add_epi32(x, _mm512_srli_epi32(x, 4)), _mm512_set1_epi32(0x0f0f));
	return _mm512_and_si512(_mm512_add_epi32(x, _mm512_srli_epi32(x, 8)), _mm512_set1_epi32(0x1f));
}

/* fg_prefix_hash() of eight prefixes of one length, given by their first and last halves as they lie in memory. */
FG_INLINE __m512i prefix_hashes(__m512i first, __m512i last, uint32_t seed, uint32_t length)
{
	__m512i h = _mm512_xor_si512(_mm512_rol_epi64(first, 32), _mm512_set1_epi32((int)seed));

	h = _mm512_mullo_epi64(_mm512_xor_si512(h, _mm512_srli_epi64(h, 29)),
			       _mm512_set1_epi64((long long)FG_PREFIX_HASH_FIRST));
	h = _mm512_xor_si512(h, _mm512_add_epi64(_mm512_rol_epi64(last, 32), _mm512_set1_epi64(length)));
	h = _mm512_mullo_epi64(_mm512_xor_si512(h, _mm512_srli_epi64(h, 32)),
			       _mm512_set1_epi64((long long)FG_PREFIX_HASH_SECOND));
	return _mm512_xor_si512(h, _mm512_srli_epi64(h, 31));
}

/* Of 16 struct fg_ranks and values: the classes. */
FG_INLINE __m512i ranks_class(__m512i ranks, __m512i v)
{
	__m512i upto = _mm512_sllv_epi32(_mm512_set1_epi32(2), _mm512_and_si512(v, _mm512_set1_epi32(15)));
	__m512i starts = _mm512_and_si512(_mm512_sub_epi32(upto, _mm512_set1_epi32(1)),
					  _mm512_and_si512(ranks, _mm512_set1_epi32(0xffff)));

	return _mm512_add_epi32(_mm512_srli_epi32(ranks, 16), count_bits16(starts));
}

/* What a wide field of 16 bits knows of its 16 blocks, in registers. */
struct blocks {
	__m512i ranks, base;
};

FG_INLINE struct blocks blocks_load(const struct fg_block table[16])
{
	const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
	__m512i low = _mm512_load_si512(table), high = _mm512_load_si512(table + 8);

	return (struct blocks){ _mm512_permutex2var_epi32(low, even, high),
				_mm512_permutex2var_epi32(low, _mm512_or_si512(even, _mm512_set1_epi32(1)), high) };
}

/* Classes of 16 values. Where their block has no ranks none are read. */
FG_INLINE void blocks_classes(const struct blocks *k, const uint32_t *image, const uint32_t v[16], uint32_t class[16])
{
	__m512i all = _mm512_load_si512(v), block = _mm512_srli_epi32(all, 12);
	__m512i lines = _mm512_permutexvar_epi32(block, k->ranks), base = _mm512_permutexvar_epi32(block, k->base);
	__m512i within = _mm512_and_si512(_mm512_srli_epi32(all, 4), _mm512_set1_epi32(255));
	__m512i place = _mm512_add_epi32(_mm512_slli_epi32(lines, 4), within);
	__mmask16 ranked = _mm512_test_epi32_mask(lines, lines);
	__m512i r = _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), ranked, place, image, 4);

	_mm512_store_si512(class, _mm512_mask_add_epi32(base, ranked, base, ranks_class(r, all)));
}
#endif

_Static_assert(FG_BURST == 32, "a burst is a word of bits");

#endif
