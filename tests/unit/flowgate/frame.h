/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames for the tests of the header walk: built octet by octet into one buffer, then parsed from a copy of exactly
 * their size, so that the sanitizer sees any octet read too many. Include it in one file of a test, behind
 * cmocka.h.
 */
#ifndef TESTS_FRAME_H
#define TESTS_FRAME_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "flowgate/packet.h"

enum { FRAME_MAX = 20000, ETHERNET = 14 };

/* A frame under construction. */
struct frame {
	uint32_t len;
	uint8_t octet[FRAME_MAX];
};

static struct frame frame;

static inline void put(const void *octets, uint32_t n)
{
	assert_true(frame.len + n <= FRAME_MAX);
	memcpy(frame.octet + frame.len, octets, n);
	frame.len += n;
}

static inline void put8(uint32_t v)
{
	uint8_t octet = (uint8_t)v;

	put(&octet, 1);
}

static inline void put16(uint32_t v)
{
	put8(v >> 8);
	put8(v);
}

static inline void put_many(uint8_t v, uint32_t n)
{
	while (n-- > 0)
		put8(v);
}

static inline void start(uint16_t ethertype)
{
	frame.len = 0;
	put_many(0x02, 12);
	put16(ethertype);
}

/* IPv4 from 198.51.100.9 to 203.0.113.7 with DSCP 46, ECN 1 and `options` octets of options. */
static inline void put_ipv4(uint32_t proto, uint32_t fragment, uint32_t options, uint32_t payload)
{
	put8(0x40 | (20 + options) / 4);
	put8(46 << 2 | 1);
	put16(20 + options + payload);
	put16(0x1234);
	put16(fragment);
	put8(64);
	put8(proto);
	put16(0xbeef); /* no checksum that could be right: it is not looked at */
	put("\xc6\x33\x64\x09\xcb\x00\x71\x07", 8);
	put_many(1, options);
}

static const uint8_t src6[16] = { 0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
static const uint8_t dst6[16] = { 0x20, 0x01, 0x0d, 0xb8, 255, 254, 253, 252, 251, 250, 249, 248, 247, 246, 245, 1 };

/* IPv6 with DSCP 10, ECN 3 and flow label 0xabcde. */
static inline void put_ipv6(uint32_t next, uint32_t payload)
{
	put16(0x6000 | (10u << 2 | 3) << 4 | 0xa);
	put16(0xbcde);
	put16(payload);
	put8(next);
	put8(64);
	put(src6, 16);
	put(dst6, 16);
}

/* An extension header of eight octets (twelve for AH); of a fragment header, `fragment` is offset and flags. */
static inline void put_extension(uint32_t type, uint32_t next, uint32_t fragment)
{
	put8(next);
	put8(type == 51 ? 1 : 0);
	put16(type == 44 ? fragment : 0);
	put_many(0, type == 51 ? 8 : 4);
}

/* 20 octets of TCP, data offset 5, flags NS SYN ACK: 0x112; UDP are the first eight of them. */
static inline void put_tcp(void)
{
	put16(4000);
	put16(53);
	put_many(0, 8);
	put16(0x5112);
	put_many(0, 6);
}

static inline struct fg_packet parse_part(uint32_t from, uint32_t to, uint32_t missing, bool raw)
{
	uint8_t *exact = malloc(to - from + !(to - from));
	struct fg_packet p;

	assert_non_null(exact);
	memcpy(exact, frame.octet + from, to - from);
	memset(&p, 0xaa, sizeof(p));
	if (raw)
		fg_packet_parse_ip_missing(exact, exact + (to - from), missing, &p);
	else
		fg_packet_parse_missing(exact, exact + (to - from), missing, &p);
	free(exact);
	return p;
}

static inline struct fg_packet parse(void)
{
	return parse_part(0, frame.len, 0, false);
}

/* The first `len` octets of a capture that is cut there; how much is missing is not known. */
static inline struct fg_packet parse_cut(uint32_t len)
{
	return parse_part(0, len, FG_MISSING_UNKNOWN, false);
}

static inline void assert_ports(const struct fg_packet *p, uint16_t sport, uint16_t dport)
{
	assert_int_equal(p->key.sport, sport);
	assert_int_equal(p->key.sport_again, sport);
	assert_int_equal(p->key.dport, dport);
	assert_int_equal(p->key.dport_again, dport);
}

static inline void assert_what(enum fg_packet_what what)
{
	struct fg_packet p = parse();

	assert_int_equal(p.what, what);
}

static inline void assert_malformed(void)
{
	assert_what(FG_PACKET_MALFORMED);
}

static inline void assert_proto(const struct fg_packet *p, uint8_t proto, enum fg_l4 l4)
{
	assert_int_equal(p->what, FG_PACKET_IP);
	assert_int_equal(p->key.proto, proto);
	assert_int_equal(p->key.l4, l4);
}

/* How far a transport header of `n` octets is known. */
static inline enum fg_l4 reach(uint32_t proto, uint32_t icmp, uint32_t n)
{
	if (proto == 6 && n >= 14)
		return FG_L4_FLAGS;
	if (proto == 6 || proto == 17)
		return n >= 4 ? FG_L4_PORTS : FG_L4_PROTO;
	if (proto != icmp || n == 0)
		return FG_L4_PROTO;
	return n >= 2 ? FG_L4_CODE : FG_L4_TYPE;
}

static inline void put_chain(uint32_t headers)
{
	start(0x86dd);
	put_ipv6(headers ? 60 : 6, headers * 8 + 20);
	for (uint32_t i = 1; i <= headers; i++)
		put_extension(60, i < headers ? 60 : 6, 0);
	put_tcp();
}

/* Whatever is known of a shorter capture is known of a longer one too, and the same: nothing is ever guessed. */
static inline void cut_everywhere(void)
{
	struct fg_packet whole = parse();

	for (uint32_t len = 0; len <= frame.len; len++) {
		struct fg_packet p = parse_part(0, len, frame.len - len, false);

		(void)parse_part(0, len, 0, false);
		(void)parse_part(0, len, 0, true);
		(void)parse_part(0, len, FG_MISSING_UNKNOWN, true);
		if (p.what != FG_PACKET_IP) {
			assert_int_equal(p.what, whole.what == FG_PACKET_MALFORMED ? p.what : FG_PACKET_NOT_IP);
			continue;
		}
		assert_int_equal(p.ip_length, whole.ip_length);
		assert_int_equal(p.l3_octet, whole.l3_octet);
		assert_true(p.key.l4 <= whole.key.l4);
		assert_true(p.key.fragment == whole.key.fragment || p.key.fragment == FG_FRAGMENT_UNKNOWN);
		assert_true(p.key.l4 == FG_L4_UNKNOWN || p.key.proto == whole.key.proto);
		if (p.key.l4 >= FG_L4_PORTS && p.key.l4 <= FG_L4_FLAGS)
			assert_ports(&p, whole.key.sport, whole.key.dport);
	}
}

#endif
