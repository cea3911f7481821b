/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SipHash-1-3 (Aumasson, Bernstein): a hash that who does not know the key cannot aim. Rules come from strangers, and a chain of equal
 * hashes would be walked for each of them.
 */
#ifndef FLOWGATE_HASH_H
#define FLOWGATE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fg_hash_key {
	uint64_t word[2];
};

static inline uint64_t fg_hash_rotate(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static inline void fg_hash_round(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = fg_hash_rotate(v[1], 13) ^ v[0];
	v[0] = fg_hash_rotate(v[0], 32);
	v[2] += v[3];
	v[3] = fg_hash_rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = fg_hash_rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = fg_hash_rotate(v[1], 17) ^ v[2];
	v[2] = fg_hash_rotate(v[2], 32);
}

static inline uint64_t fg_hash(const struct fg_hash_key *key, const uint8_t *octets, size_t len)
{
	uint64_t v[4] = { key->word[0] ^ 0x736f6d6570736575ull, key->word[1] ^ 0x646f72616e646f6dull,
			  key->word[0] ^ 0x6c7967656e657261ull, key->word[1] ^ 0x7465646279746573ull };
	uint64_t word;

	for (size_t i = 0; i <= len / 8; i++) {
		word = 0;
		memcpy(&word, octets + 8 * i, i < len / 8 ? 8 : len % 8);
		if (i == len / 8)
			word |= (uint64_t)len << 56;
		v[3] ^= word;
		fg_hash_round(v);
		v[0] ^= word;
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		fg_hash_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#endif
