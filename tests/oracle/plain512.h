/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The AVX-512 that the burst matcher uses, said in plain C, so that its form for AVX-512 is tested on processors that have none. Included before
 * everything else of dataplane/burst_form.c, which then takes that form. What each does is in the vendor's manual of instructions; the names
 * are those of its intrinsics. Slow, and nothing but a test is built with it.
 */
#ifndef TESTS_ORACLE_PLAIN512_H
#define TESTS_ORACLE_PLAIN512_H

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t plain8 __attribute__((vector_size(64)));
typedef uint16_t plain16 __attribute__((vector_size(64)));
typedef uint32_t plain32 __attribute__((vector_size(64)));
typedef uint64_t plain64 __attribute__((vector_size(64)));

#define PLAIN static inline __attribute__((always_inline, unused))

#define PLAIN_OPERATION(name, vector, expression)                                                                      \
	PLAIN __m512i plain_##name(__m512i x, __m512i y)                                                               \
	{                                                                                                              \
		vector a = (vector)x, b = (vector)y;                                                                   \
                                                                                                                       \
		return (__m512i)(expression);                                                                          \
	}

PLAIN_OPERATION(and_si512, plain64, a &b)
PLAIN_OPERATION(or_si512, plain64, a | b)
PLAIN_OPERATION(xor_si512, plain64, a ^ b)
PLAIN_OPERATION(add_epi32, plain32, a + b)
PLAIN_OPERATION(sub_epi32, plain32, a - b)
PLAIN_OPERATION(add_epi64, plain64, a + b)
PLAIN_OPERATION(mullo_epi64, plain64, a *b)
PLAIN_OPERATION(sub_epi8, plain8, a - b)
PLAIN_OPERATION(subs_epu8, plain8, (a - b) & (plain8)(a > b))
PLAIN_OPERATION(sub_epi16, plain16, a - b)
PLAIN_OPERATION(subs_epu16, plain16, (a - b) & (plain16)(a > b))
PLAIN_OPERATION(min_epu16, plain16, (a & (plain16)(a < b)) | (b & (plain16)(a >= b)))
PLAIN_OPERATION(sllv_epi32, plain32, (a << (b & 31)) & (plain32)(b < 32))

#define PLAIN_SHIFT(name, vector, expression)                                                                          \
	PLAIN __m512i plain_##name(__m512i x, uint32_t n)                                                              \
	{                                                                                                              \
		vector a = (vector)x;                                                                                  \
                                                                                                                       \
		return (__m512i)(expression);                                                                          \
	}

PLAIN_SHIFT(srli_epi32, plain32, a >> n)
PLAIN_SHIFT(slli_epi32, plain32, a << n)
PLAIN_SHIFT(srli_epi64, plain64, a >> n)
PLAIN_SHIFT(rol_epi64, plain64, a << n | a >> (64 - n))

PLAIN __m512i plain_load_si512(const void *at)
{
	__m512i x;

	memcpy(&x, __builtin_assume_aligned(at, 64), sizeof(x));
	return x;
}

PLAIN void plain_store_si512(void *at, __m512i x)
{
	memcpy(__builtin_assume_aligned(at, 64), &x, sizeof(x));
}

PLAIN __m512i plain_setzero_si512(void)
{
	return (__m512i)(plain64){ 0 };
}

PLAIN __m512i plain_set1_epi16(short v)
{
	return (__m512i)((plain16){ 0 } + (uint16_t)v);
}

PLAIN __m512i plain_set1_epi32(int v)
{
	return (__m512i)((plain32){ 0 } + (uint32_t)v);
}

PLAIN __m512i plain_set1_epi64(long long v)
{
	return (__m512i)((plain64){ 0 } + (uint64_t)v);
}

#define plain_set_epi64(h, g, f, e, d, c, b, a) ((__m512i)(plain64){ a, b, c, d, e, f, g, h })
#define plain_set_epi32(p, o, n, m, l, k, j, i, h, g, f, e, d, c, b, a)                                                \
	((__m512i)(plain32){ a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p })

PLAIN __m512i plain_broadcast_i32x4(__m128i x)
{
	__m512i all;

	for (int i = 0; i < 4; i++)
		memcpy((uint8_t *)&all + 16 * i, &x, sizeof(x));
	return all;
}

#define PLAIN_MASK(name, vector, type, expression)                                                                     \
	PLAIN type plain_##name(__m512i x, __m512i y)                                                                  \
	{                                                                                                              \
		const int lanes = sizeof(vector) / sizeof(((vector){ 0 })[0]);                                         \
		vector a = (vector)x, b = (vector)y;                                                                   \
		type mask = 0;                                                                                         \
                                                                                                                       \
		for (int i = 0; i < lanes; i++)                                                                        \
			mask = (type)(mask | (type)((type)(expression) << i));                                         \
		return mask;                                                                                           \
	}

PLAIN_MASK(cmpeq_epi32_mask, plain32, __mmask16, a[i] == b[i])
PLAIN_MASK(cmplt_epi32_mask, plain32, __mmask16, (int32_t)a[i] < (int32_t)b[i])
PLAIN_MASK(test_epi32_mask, plain32, __mmask16, (a[i] & b[i]) != 0)
PLAIN_MASK(test_epi64_mask, plain64, __mmask8, (a[i] & b[i]) != 0)
PLAIN_MASK(testn_epi16_mask, plain16, __mmask32, (a[i] & b[i]) == 0)

PLAIN __mmask32 plain_kunpackw(__mmask32 high, __mmask32 low)
{
	return high << 16 | (low & 0xffff);
}

PLAIN void plain_mask_store_epi32(void *at, __mmask16 mask, __m512i x)
{
	for (int i = 0; i < 16; i++)
		if (mask >> i & 1)
			memcpy((uint32_t *)at + i, (uint32_t *)&x + i, sizeof(uint32_t));
}

PLAIN __m512i plain_mask_add_epi32(__m512i otherwise, __mmask16 mask, __m512i x, __m512i y)
{
	plain32 r = (plain32)otherwise, sum = (plain32)x + (plain32)y;

	for (int i = 0; i < 16; i++)
		r[i] = mask >> i & 1 ? sum[i] : r[i];
	return (__m512i)r;
}

PLAIN __m512i plain_mask_i32gather_epi32(__m512i otherwise, __mmask16 mask, __m512i place, const void *base, int scale)
{
	plain32 r = (plain32)otherwise, at = (plain32)place;

	for (int i = 0; i < 16; i++)
		if (mask >> i & 1)
			memcpy((uint32_t *)&r + i, (const uint8_t *)base + (int64_t)(int32_t)at[i] * scale, 4);
	return (__m512i)r;
}

PLAIN __m512i plain_permutexvar_epi32(__m512i place, __m512i x)
{
	plain32 r = { 0 }, at = (plain32)place, from = (plain32)x;

	for (int i = 0; i < 16; i++)
		r[i] = from[at[i] & 15];
	return (__m512i)r;
}

PLAIN __m512i plain_permutex2var_epi32(__m512i x, __m512i place, __m512i y)
{
	plain32 r = { 0 }, at = (plain32)place, a = (plain32)x, b = (plain32)y;

	for (int i = 0; i < 16; i++)
		r[i] = at[i] & 16 ? b[at[i] & 15] : a[at[i] & 15];
	return (__m512i)r;
}

PLAIN __m512i plain_permutex2var_epi64(__m512i x, __m512i place, __m512i y)
{
	plain64 r = { 0 }, at = (plain64)place, a = (plain64)x, b = (plain64)y;

	for (int i = 0; i < 8; i++)
		r[i] = at[i] & 8 ? b[at[i] & 7] : a[at[i] & 7];
	return (__m512i)r;
}

PLAIN __m256i plain_cvtepi64_epi32(__m512i x)
{
	uint32_t words[8];
	__m256i r;

	for (int i = 0; i < 8; i++)
		words[i] = (uint32_t)((plain64)x)[i];
	memcpy(&r, words, sizeof(r));
	return r;
}

#define __AVX512F__ 1
#define _mm512_add_epi32 plain_add_epi32
#define _mm512_add_epi64 plain_add_epi64
#define _mm512_and_si512 plain_and_si512
#define _mm512_broadcast_i32x4 plain_broadcast_i32x4
#define _mm512_cmpeq_epi32_mask plain_cmpeq_epi32_mask
#define _mm512_cmplt_epi32_mask plain_cmplt_epi32_mask
#define _mm512_cvtepi64_epi32 plain_cvtepi64_epi32
#define _mm512_kunpackw plain_kunpackw
#define _mm512_load_si512 plain_load_si512
#define _mm512_mask_add_epi32 plain_mask_add_epi32
#define _mm512_mask_i32gather_epi32 plain_mask_i32gather_epi32
#define _mm512_mask_store_epi32 plain_mask_store_epi32
#define _mm512_min_epu16 plain_min_epu16
#define _mm512_mullo_epi64 plain_mullo_epi64
#define _mm512_or_si512 plain_or_si512
#define _mm512_permutex2var_epi32 plain_permutex2var_epi32
#define _mm512_permutex2var_epi64 plain_permutex2var_epi64
#define _mm512_permutexvar_epi32 plain_permutexvar_epi32
#define _mm512_rol_epi64 plain_rol_epi64
#define _mm512_set1_epi16 plain_set1_epi16
#define _mm512_set1_epi32 plain_set1_epi32
#define _mm512_set1_epi64 plain_set1_epi64
#define _mm512_set_epi32 plain_set_epi32
#define _mm512_set_epi64 plain_set_epi64
#define _mm512_setzero_si512 plain_setzero_si512
#define _mm512_slli_epi32 plain_slli_epi32
#define _mm512_sllv_epi32 plain_sllv_epi32
#define _mm512_srli_epi32 plain_srli_epi32
#define _mm512_srli_epi64 plain_srli_epi64
#define _mm512_store_si512 plain_store_si512
#define _mm512_sub_epi16 plain_sub_epi16
#define _mm512_sub_epi32 plain_sub_epi32
#define _mm512_sub_epi8 plain_sub_epi8
#define _mm512_subs_epu16 plain_subs_epu16
#define _mm512_subs_epu8 plain_subs_epu8
#define _mm512_test_epi32_mask plain_test_epi32_mask
#define _mm512_test_epi64_mask plain_test_epi64_mask
#define _mm512_testn_epi16_mask plain_testn_epi16_mask
#define _mm512_xor_si512 plain_xor_si512

#endif
