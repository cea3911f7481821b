/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The steps of match.h that most packets make, written for a machine of 64-bit words without vectors or bit counting, and with
 * few branches, since the verifier follows each. What they answer is what match.h answers.
 */
#ifndef BPF_LANES_H
#define BPF_LANES_H

#include "bpf/scratch.h"

#define TOPS16 0x8000800080008000ull
#define TOPS8 0x8080808080808080ull

/* x - y in each lane; `tops` has the top bit of each. */
FG_INLINE uint64_t lanes_less(uint64_t x, uint64_t y, uint64_t tops)
{
	return ((x | tops) - (y & ~tops)) ^ ((x ^ ~y) & tops);
}

/* The top bit of each lane in which key is not within [lo, lo + span]. */
FG_INLINE uint64_t lanes_out(uint64_t key, uint64_t lo, uint64_t span, uint64_t tops)
{
	uint64_t d = lanes_less(key, lo, tops), rest = lanes_less(span, d, tops);

	return ((~span & d) | (~(span ^ d) & rest)) & tops;
}

FG_INLINE uint64_t word_at(const void *p, uint32_t i)
{
	return ((const uint64_t *)p)[i];
}

/* fg_rule_lanes_match(): lanes 2 and 3 of the first word are alternatives. */
FG_INLINE bool lanes_match(const struct fg_rule_line *r, const struct fg_key *k)
{
	uint64_t ports = lanes_out(word_at(k, 0), word_at(r, 0), word_at(r, 2), TOPS16);
	uint64_t out = lanes_out(word_at(k, 1), word_at(r, 1), word_at(r, 3), TOPS16) |
		       lanes_out(word_at(k, 2), word_at(r, 4), word_at(r, 5), TOPS8);

	return (out | (ports & 0x80008000ull) | (ports & (ports >> 16) & (1ull << 47))) == 0;
}

FG_INLINE bool rule_matches(const struct fg_view *view, uint32_t ref, const struct fg_rule_line *r,
			    const struct fg_key *k)
{
	uint64_t out;

	if (!lanes_match(r, k))
		return false;
	out = ((k->tcp_flags & r->tcp_mask) ^ r->tcp_value) | (~((uint64_t)r->fragments >> (k->fragment & 15)) & 1);
	if (out != 0)
		return false;
	if (r->flags & FG_STEP_HAS_MORE) {
		const struct fg_rule_more *m = fg_line(view, ref + 1);

		return m != NULL && fg_rule_more_matches(m, k);
	}
	return true;
}

/* Class of value v in 16 values: fg_ranks_class() of struct fg_ranks as one word. Of 15 bits each comes to lie in a nibble of its own. */
FG_INLINE uint32_t ranks_class(uint32_t ranks, uint32_t v)
{
	uint64_t starts = ranks & ((2u << (v & 15)) - 1);
	uint64_t spread = ((starts >> 1) * 0x0002000400080010ull) & 0x1111111111111111ull;

	return (ranks >> 16) + (uint32_t)(starts & 1) + (uint32_t)((spread * 0x1111111111111111ull) >> 60);
}

/* fg_lowest_bit(), by de Bruijn's sequence. */
FG_INLINE uint32_t lowest_bit(uint64_t x)
{
	static const uint8_t places[64] = {
		0,  1,  2,  53, 3,  7,  54, 27, 4,  38, 41, 8,  34, 55, 48, 28, 62, 5,  39, 46, 44, 42,
		22, 9,  24, 35, 59, 56, 49, 18, 29, 11, 63, 52, 6,  26, 37, 40, 33, 47, 61, 45, 43, 21,
		23, 58, 17, 10, 51, 25, 36, 32, 60, 20, 57, 16, 50, 31, 19, 15, 30, 14, 13, 12,
	};

	return places[((x & -x) * 0x022fdd63cc95386dull) >> 58];
}

/* The same of eight bits. */
#define LOWEST_2(x) x, 0
#define LOWEST_4(x) LOWEST_2(x), LOWEST_2(1)
#define LOWEST_8(x) LOWEST_4(x), LOWEST_4(2)
#define LOWEST_16(x) LOWEST_8(x), LOWEST_8(3)
#define LOWEST_32(x) LOWEST_16(x), LOWEST_16(4)
#define LOWEST_64(x) LOWEST_32(x), LOWEST_32(5)
#define LOWEST_128(x) LOWEST_64(x), LOWEST_64(6)

FG_INLINE uint32_t lowest_of_octet(uint32_t x)
{
	static const uint8_t places[256] = { LOWEST_128(0), LOWEST_128(7) };

	return places[x & 255];
}

/* Words of an address as they lie in memory, of which the first `length` bits are kept. */
FG_INLINE uint64_t prefix_half(uint64_t address, uint32_t length)
{
	uint64_t keep = length >= 64 ? ~0ull : ~(~0ull >> (length & 63));

	return address & __builtin_bswap64(keep);
}

struct half_masked {
	uint64_t half[2];
	uint32_t length;
};

/* fg_prefix_hash() of the same octets. */
FG_INLINE uint64_t half_hash(const struct half_masked *p, uint32_t seed)
{
	uint64_t h = (p->half[0] << 32 | p->half[0] >> 32) ^ ((uint64_t)seed << 32 | seed);

	h = (h ^ (h >> 29)) * 0xbf58476d1ce4e5b9ull;
	h ^= (p->half[1] << 32 | p->half[1] >> 32) + p->length;
	h = (h ^ (h >> 32)) * 0x94d049bb133111ebull;
	return h ^ (h >> 31);
}

FG_INLINE uint32_t bucket_find(const struct fg_view *view, uint32_t ref, const struct half_masked *p)
{
	const struct fg_bucket *b = fg_line(view, ref);

	if (b == NULL)
		return 0;
	for (uint32_t i = 0; i < FG_BUCKET_PREFIXES; i++)
		if (((word_at(b, 2 * i) ^ p->half[0]) | (word_at(b, 2 * i + 1) ^ p->half[1]) |
		     (b->length[i] ^ p->length)) == 0)
			return b->step[i];
	return 0;
}

FG_INLINE uint32_t prefixes_find(const struct fg_view *view, const struct fg_prefixes_line *t, uint32_t turn,
				 const struct fg_key *k)
{
	const uint64_t *address = (const uint64_t *)(const void *)(k->octet + (t->key_octet & 48));
	struct half_masked p = { .length = t->length[turn] };
	uint64_t h;
	uint32_t ref;

	p.half[0] = prefix_half(address[0], p.length);
	p.half[1] = p.length <= 64 ? 0 : prefix_half(address[1], p.length - 64);
	h = half_hash(&p, t->seed);
	ref = bucket_find(view, t->buckets + ((uint32_t)h & t->mask), &p);
	return ref ? ref : bucket_find(view, t->buckets + ((uint32_t)(h >> 32) & t->mask), &p);
}

#endif
