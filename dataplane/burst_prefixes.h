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

FG_INLINE uint32_t probe_one_by_one(const struct probe *p)
{
	uint32_t step = bucket_step(p->at[0], p), other = bucket_step(p->at[1], p);

	return step ? step : other;
}

#ifdef __AVX2__

/* Bit k: octet k of the bucket is as it would be with that prefix in each place. */
FG_INLINE uint64_t bucket_octets(const struct fg_bucket *bucket, __m128i prefix, uint32_t length)
{
	uint32_t lengths = length * 0x010101;
#ifdef __AVX512BW__
	__m512i all = _mm512_mask_set1_epi32(_mm512_broadcast_i32x4(prefix), 1 << 15, (int)lengths);

	return _mm512_cmpeq_epi8_mask(_mm512_load_si512(bucket), all);
#else
	const __m256i *half = (const __m256i *)(const void *)bucket;
	__m256i low = _mm256_broadcastsi128_si256(prefix), high = _mm256_insert_epi32(low, (int)lengths, 7);
	uint32_t first = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_load_si256(half), low));
	uint32_t second = (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(_mm256_load_si256(half + 1), high));

	return first | (uint64_t)second << 32;
#endif
}

enum { LENGTHS_OCTET = offsetof(struct fg_bucket, length), PLACE_OCTETS = sizeof(((struct fg_bucket *)0)->at[0]) };

/* Bit 16 * i: place i has that prefix. Of IPv4 all octets behind the first four are zero, there as here. */
FG_INLINE uint64_t bucket_places(const struct fg_bucket *bucket, __m128i prefix, uint32_t length, bool ipv4)
{
	uint64_t equal = bucket_octets(bucket, prefix, length), whole = equal & equal >> 1;

	_Static_assert(PLACE_OCTETS == 16 && FG_BUCKET_PREFIXES == 3 && LENGTHS_OCTET == 60, "as struct fg_bucket is");
	whole &= whole >> 2;
	if (!ipv4) {
		whole &= whole >> 4;
		whole &= whole >> 8;
	}
	return whole & _pdep_u64(equal >> LENGTHS_OCTET, 0x0000000100010001ull);
}

/*
 * The step of a prefix that is in one of two buckets at most; 0: in none. Nobody knows beforehand where it is, so there is no branch: of none the count
 * is 64, which is place 0 of the first, and does not count.
 */
FG_INLINE uint32_t buckets_step(const struct fg_bucket *one, const struct fg_bucket *other, __m128i prefix,
				uint32_t length, bool ipv4)
{
	uint64_t places = bucket_places(one, prefix, length, ipv4) | bucket_places(other, prefix, length, ipv4) << 8;
	uint32_t at = (uint32_t)_tzcnt_u64(places);
	const struct fg_bucket *from = at & 8 ? other : one;

	return from->step[at / PLACE_OCTETS & 3] & (0u - (places != 0));
}

/* As the prefix of no length look places that nobody has used, too. */
FG_INLINE uint32_t probe_step(const struct probe *p)
{
	if (p->length == 0)
		return probe_one_by_one(p);
	return buckets_step(p->at[0], p->at[1], _mm_loadu_si128((const __m128i *)(const void *)p->prefix.at), p->length,
			    false);
}

#else

FG_INLINE uint32_t probe_step(const struct probe *p)
{
	return probe_one_by_one(p);
}

#endif

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

#ifdef __AVX512DQ__

/*
 * Packets of IPv4 at one table: what probe_aim() does for one is done for sixteen at once, and all their buckets are on their way before the first is
 * looked at.
 */
enum { MANY_AT_ONE = 4, HALVES = FG_BURST / 16 };

struct lanes_probe {
	COLUMN prefix[FG_BURST];
	COLUMN bucket[2][FG_BURST]; /* lines */
};

/* fg_prefix_hash() of eight prefixes, the octets of an address behind its first four being zero. */
FG_INLINE __m512i hash_lanes(__m256i prefix, uint32_t length, uint32_t seed)
{
	__m512i h = _mm512_slli_epi64(_mm512_cvtepu32_epi64(prefix), 32);

	h = _mm512_xor_si512(h, _mm512_set1_epi64((int64_t)((uint64_t)seed << 32 | seed)));
	h = _mm512_mullo_epi64(_mm512_xor_si512(h, _mm512_srli_epi64(h, 29)),
			       _mm512_set1_epi64((int64_t)0xbf58476d1ce4e5b9ull));
	h = _mm512_xor_si512(h, _mm512_set1_epi64(length));
	h = _mm512_mullo_epi64(_mm512_xor_si512(h, _mm512_srli_epi64(h, 32)),
			       _mm512_set1_epi64((int64_t)0x94d049bb133111ebull));
	return _mm512_xor_si512(h, _mm512_srli_epi64(h, 31));
}

/* The lines of buckets: low halves of the hashes of sixteen prefixes, or high ones. */
FG_INLINE void place_lanes(const struct fg_prefixes_line *t, __m256i low, __m256i high, uint32_t *out)
{
	__m512i hash = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
	__m512i bucket = _mm512_and_si512(hash, _mm512_set1_epi32((int)t->mask));

	_mm512_store_si512(out, _mm512_add_epi32(bucket, _mm512_set1_epi32((int)t->buckets)));
}

FG_INLINE void aim_lanes(const struct burst *b, const struct fg_prefixes_line *t, uint32_t length, uint32_t set,
			 const __m512i address[HALVES], struct lanes_probe *p)
{
	uint32_t keep = length == 0 ? 0 : __builtin_bswap32(UINT32_MAX << (32 - length));

	for (uint32_t h = 0; h < HALVES; h++) {
		__m512i prefix = _mm512_and_si512(address[h], _mm512_set1_epi32((int)keep));
		__m512i low = hash_lanes(_mm512_castsi512_si256(prefix), length, t->seed);
		__m512i high = hash_lanes(_mm512_extracti64x4_epi64(prefix, 1), length, t->seed);

		_mm512_store_si512(p->prefix + 16 * h, prefix);
		place_lanes(t, _mm512_cvtepi64_epi32(low), _mm512_cvtepi64_epi32(high), p->bucket[0] + 16 * h);
		place_lanes(t, _mm512_cvtepi64_epi32(_mm512_srli_epi64(low, 32)),
			    _mm512_cvtepi64_epi32(_mm512_srli_epi64(high, 32)), p->bucket[1] + 16 * h);
	}
	FOR_PACKETS(i, set)
	{
		fetch(b, p->bucket[0][i]);
		fetch(b, p->bucket[1][i]);
	}
}

/* Goes into what was found, as turned() does. */
FG_INLINE void turned_lanes(struct burst *b, uint32_t set, uint32_t level, uint32_t next, uint32_t found[FG_BURST])
{
	for (uint32_t h = 0; h < HALVES; h++) {
		__mmask16 in = (__mmask16)(set >> (16 * h));
		__m512i steps = _mm512_load_si512(found + 16 * h), here = _mm512_load_si512(b->here + 16 * h);
		__mmask16 some = _mm512_test_epi32_mask(steps, steps);

		steps = _mm512_mask_mov_epi32(_mm512_set1_epi32((int)next), some, steps);
		_mm512_mask_store_epi32(b->back[level] + 16 * h, in, _mm512_maskz_mov_epi32(some, here));
		_mm512_mask_store_epi32(b->ref + 16 * h, in, steps);
	}
	FOR_PACKETS(i, set)
	fetch(b, b->ref[i]);
}

/* Looks one length up for a set of packets. Those that found something. */
FG_INLINE uint32_t look_up_lanes(const struct burst *b, uint32_t set, uint32_t length, const struct lanes_probe *p,
				 uint32_t found[FG_BURST])
{
	uint32_t hits = 0;

	FOR_PACKETS(i, set)
	{
		__m128i prefix = _mm_cvtsi32_si128((int)p->prefix[i]);
		uint32_t step = buckets_step(line(b, p->bucket[0][i]), line(b, p->bucket[1][i]), prefix, length, true);

		found[i] = step;
		hits |= (uint32_t)(step != 0) << i;
	}
	return hits;
}

static void prefixes_lanes(struct burst *b, uint32_t set, const struct fg_prefixes_line *t)
{
	COLUMN octets[FG_BURST] = { 0 }, found[FG_BURST] = { 0 };
	uint32_t level = prefixes_level(t), left = set;
	__m512i address[HALVES];
	struct lanes_probe p;

	FOR_PACKETS(i, set)
	{
		memcpy(&octets[i], b->keys[i]->octet + (t->key_octet & 48), sizeof(octets[i]));
		b->turn[level][i] &= 0u - (b->ref[i] == 0); /* those that come anew begin with the longest */
	}
	for (uint32_t h = 0; h < HALVES; h++)
		address[h] = _mm512_load_si512(octets + 16 * h);
	for (uint32_t n = 0; n < t->count && n < FG_PREFIX_LENGTHS_MAX && left != 0; n++) {
		uint32_t now = equal_refs(b->turn[level], n) & left;

		if (now == 0)
			continue;
		aim_lanes(b, t, t->length[n], now, address, &p);
		left &= ~look_up_lanes(b, now, t->length[n], &p, found);
		FOR_PACKETS(i, now)
		b->turn[level][i] = n + 1;
	}
	turned_lanes(b, set, level, t->next, found);
}

FG_INLINE uint32_t shortest(const struct fg_prefixes_line *t)
{
	return t->count == 0 || t->count > FG_PREFIX_LENGTHS_MAX ? 0 : t->length[t->count - 1];
}

/* Takes those that are many at one table of IPv4; who is left. */
static uint32_t prefixes_side_by_side(struct burst *b, uint32_t set)
{
	uint32_t few = 0;

	while (set != 0) {
		uint32_t first = (uint32_t)__builtin_ctz(set), same = equal_refs(b->here, b->here[first]) & set;

		const struct fg_prefixes_line *t = (const struct fg_prefixes_line *)line(b, b->here[first]);

		if (__builtin_popcount(same) >= MANY_AT_ONE && b->keys[first]->family == FG_IPV4 && shortest(t) > 0)
			prefixes_lanes(b, same, t);
		else
			few |= same;
		set &= ~same;
	}
	return few;
}

#else

static uint32_t prefixes_side_by_side(struct burst *b, uint32_t set)
{
	(void)b;
	return set;
}

#endif

static void step_prefixes(struct burst *b, uint32_t set)
{
	struct probe probes[FG_BURST];
	uint32_t turns[FG_BURST], trying = 0;

	set = prefixes_side_by_side(b, set);
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
