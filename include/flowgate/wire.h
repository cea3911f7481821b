/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Octets on the wire: big-endian loads and stores, and the one bounds-checked reader.
 */
#ifndef FLOWGATE_WIRE_H
#define FLOWGATE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* BPF has no calls between these and their users worth having; uapi headers may redefine the short name. */
#define FG_INLINE static inline __attribute__((always_inline))

/* BPF may load unaligned words, but its compiler does not know and goes by octets. */
FG_INLINE uint16_t fg_load_be16(const uint8_t *p)
{
#ifdef __bpf__
	return __builtin_bswap16(*(const uint16_t *)(const void *)p);
#else
	return (uint16_t)((p[0] << 8) | p[1]);
#endif
}

FG_INLINE uint32_t fg_load_be32(const uint8_t *p)
{
#ifdef __bpf__
	return __builtin_bswap32(*(const uint32_t *)(const void *)p);
#else
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
#endif
}

FG_INLINE void fg_store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

FG_INLINE void fg_store_be32(uint8_t *p, uint32_t v)
{
	fg_store_be16(p, (uint16_t)(v >> 16));
	fg_store_be16(p + 2, (uint16_t)v);
}

/* A reader over octets that somebody else wrote. Invariant: at <= end. */
struct fg_reader {
	const uint8_t *at;
	const uint8_t *end;
};

FG_INLINE size_t fg_reader_left(const struct fg_reader *r)
{
	return (size_t)(r->end - r->at);
}

/* The next n octets, or NULL and no movement where fewer are left. */
FG_INLINE const uint8_t *fg_reader_take(struct fg_reader *r, size_t n)
{
	const uint8_t *p = r->at;

	if (fg_reader_left(r) < n)
		return NULL;
	r->at += n;
	return p;
}

/* The next n <= 8 octets as an unsigned number, most significant first. */
FG_INLINE bool fg_reader_uint(struct fg_reader *r, size_t n, uint64_t *value)
{
	const uint8_t *p = fg_reader_take(r, n);
	uint64_t v = 0;

	if (p == NULL)
		return false;
	for (size_t i = 0; i < n; i++)
		v = (v << 8) | p[i];
	*value = v;
	return true;
}

#endif
