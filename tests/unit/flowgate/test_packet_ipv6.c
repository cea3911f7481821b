/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header walk (packet.h) over IPv6: the fixed header, extension headers, fragments, and chains that are cut,
 * accepting and refusing. All else has test_packet.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flowgate/packet.h"
#include "tests/unit/flowgate/frame.h"

static void test_ipv6_key(void **state)
{
	struct fg_key want = {
		.dport = 53,
		.sport = 4000,
		.dport_again = 53,
		.sport_again = 4000,
		.length = 20,
		.proto = 6,
		.l4 = FG_L4_FLAGS,
		.dscp = 10,
		.family = FG_IPV6,
		.tcp_flags = 0x112,
		.flow_label = 0xabcde,
	};
	struct fg_packet p;

	(void)state;
	memcpy(want.src, src6, 16);
	memcpy(want.dst, dst6, 16);
	start(0x86dd);
	put_ipv6(6, 20);
	put_tcp();
	p = parse();
	assert_int_equal(p.what, FG_PACKET_IP);
	assert_memory_equal(&p.key, &want, sizeof(want));
	assert_int_equal(p.ip_length, 60);
}

/* Each next header: walked over or the protocol (50 and 59 are protocols). */
static void test_ipv6_next_headers(void **state)
{
	static const uint8_t extensions[] = { 0, 43, 44, 51, 60, 135, 139, 140 };

	(void)state;
	for (uint32_t next = 0; next < 256; next++) {
		bool extension = memchr(extensions, (int)next, sizeof(extensions)) != NULL;
		struct fg_packet p;

		assert_int_equal(fg_packet_is_extension((uint8_t)next), extension);
		start(0x86dd);
		put_ipv6(next, (next == 51 ? 12 : 8) + 20);
		put_extension(next, 6, 0);
		put_tcp();
		p = parse();
		assert_proto(&p, extension ? 6 : (uint8_t)next, extension ? FG_L4_FLAGS : reach((uint8_t)next, 58, 20));
		if (extension)
			assert_ports(&p, 4000, 53);
	}
}

/* The length octet: units of eight beyond the first eight, of four beyond the first two for AH (RFC 4302 §2.2). */
static void test_ipv6_extension_lengths(void **state)
{
	static const uint8_t types[] = { 0, 43, 51, 60, 135, 139, 140 };

	(void)state;
	for (size_t i = 0; i < sizeof(types); i++)
		for (uint32_t length = 0; length < 256; length++) {
			uint32_t octets = types[i] == 51 ? (length + 2) * 4 : (length + 1) * 8;
			struct fg_packet p;

			start(0x86dd);
			put_ipv6(types[i], octets + 20);
			put8(6);
			put8(length);
			put_many(0xee, octets - 2);
			put_tcp();
			p = parse();
			assert_proto(&p, 6, FG_L4_FLAGS);
			assert_ports(&p, 4000, 53);
			frame.octet[ETHERNET + 4] = (uint8_t)((octets - 1) >> 8);
			frame.octet[ETHERNET + 5] = (uint8_t)(octets - 1);
			assert_malformed(); /* it runs beyond the IP payload */
		}
}

static void test_ipv6_too_many(void **state)
{
	(void)state;
	for (uint32_t headers = 0; headers <= 12; headers++) {
		struct fg_packet p;

		put_chain(headers);
		p = parse();
		if (headers > FG_EXT_HEADERS_MAX) {
			assert_int_equal(p.what, FG_PACKET_MALFORMED);
			continue;
		}
		assert_proto(&p, 6, FG_L4_FLAGS);
		assert_ports(&p, 4000, 53);
	}
}

/* The farthest the walk can get: two tags, eight headers of the greatest length. */
static void test_ipv6_farthest(void **state)
{
	struct fg_packet p;

	(void)state;
	start(0x88a8);
	put16(1);
	put16(0x8100);
	put16(1);
	put16(0x86dd);
	put_ipv6(60, 8 * 2048 + 20);
	for (uint32_t i = 0; i < 8; i++) {
		put8(i < 7 ? 60 : 6);
		put8(255);
		put_many(0, 2046);
	}
	put_tcp();
	p = parse();
	assert_proto(&p, 6, FG_L4_FLAGS);
	assert_ports(&p, 4000, 53);
	assert_int_equal(p.ip_length, 40 + 8 * 2048 + 20);
}

/* Payload length 0: behind hop-by-hop a jumbogram (RFC 2675 §3), malformed; else a packet of 40 octets. */
static void test_ipv6_payload_zero(void **state)
{
	struct fg_packet p;

	(void)state;
	start(0x86dd);
	put_ipv6(0, 0);
	put_extension(0, 6, 0);
	put_tcp();
	assert_malformed();
	assert_int_equal(parse_cut(ETHERNET + 40).what, FG_PACKET_MALFORMED);
	start(0x86dd);
	put_ipv6(59, 0);
	put_many(0, 6);
	p = parse();
	assert_proto(&p, 59, FG_L4_PROTO);
	assert_int_equal(p.ip_length, 40);
	assert_int_equal(p.key.length, 0);
	start(0x86dd);
	put_ipv6(60, 7); /* no room for the header that is promised */
	put_extension(60, 6, 0);
	assert_malformed();
}

static void test_ipv6_version(void **state)
{
	(void)state;
	for (uint32_t version = 0; version < 16; version++) {
		start(0x86dd);
		put_ipv6(59, 0);
		frame.octet[ETHERNET] = (uint8_t)(version << 4);
		assert_what(version == 6 ? FG_PACKET_IP : FG_PACKET_MALFORMED);
	}
}

/*
 * Fragment header: atomic is ordinary; non-first stops the walk, and its Next Header is the protocol, whatever it
 * is.
 */
static void test_ipv6_fragments(void **state)
{
	static const struct {
		uint16_t field;
		uint8_t state, next, proto, l4;
	} cases[] = {
		{ 0x0000, FG_FRAGMENT_NONE, 6, 6, FG_L4_FLAGS },
		{ 0x0006, FG_FRAGMENT_NONE, 6, 6, FG_L4_FLAGS }, /* reserved bits */
		{ 0x0001, FG_FRAGMENT_FIRST, 6, 6, FG_L4_FLAGS },
		{ 0x0009, FG_FRAGMENT_MIDDLE, 6, 6, FG_L4_PROTO },
		{ 0x0008, FG_FRAGMENT_LAST, 6, 6, FG_L4_PROTO },
		{ 0xfff8, FG_FRAGMENT_LAST, 58, 58, FG_L4_PROTO },
		{ 0x0009, FG_FRAGMENT_MIDDLE, 60, 60, FG_L4_PROTO },
		{ 0x0008, FG_FRAGMENT_LAST, 44, 44, FG_L4_PROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fg_packet p;

		start(0x86dd);
		put_ipv6(44, 28);
		put_extension(44, cases[i].next, cases[i].field);
		frame.octet[frame.len - 7] = 0xff; /* reserved, no length */
		put_tcp();
		p = parse();
		assert_proto(&p, cases[i].proto, cases[i].l4);
		assert_int_equal(p.key.fragment, cases[i].state);
	}
}

/* Headers behind a first and behind an atomic fragment header are walked; an atomic one does not undo a first. */
static void test_ipv6_fragment_chain(void **state)
{
	static const struct {
		uint16_t one, two;
		uint8_t state, l4;
	} cases[] = {
		{ 0, 0, FG_FRAGMENT_NONE, FG_L4_FLAGS },
		{ 1, 0, FG_FRAGMENT_FIRST, FG_L4_FLAGS },
		{ 0, 1, FG_FRAGMENT_FIRST, FG_L4_FLAGS },
		{ 1, 8, FG_FRAGMENT_LAST, FG_L4_PROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fg_packet p;

		start(0x86dd);
		put_ipv6(0, 36 + 20);
		put_extension(0, 44, 0);
		put_extension(44, 51, cases[i].one);
		put_extension(51, 44, 0);
		put_extension(44, 6, cases[i].two);
		put_tcp();
		p = parse();
		assert_proto(&p, 6, cases[i].l4);
		assert_int_equal(p.key.fragment, cases[i].state);
	}
}

/*
 * A chain cut at each octet: not by the capture it is malformed, by the capture the protocol and fragment state are
 * unknown.
 */
static void test_ipv6_chain_cut(void **state)
{
	const uint32_t chain = ETHERNET + 40, fragment = chain + 8, ah = fragment + 8, tcp = ah + 12;

	(void)state;
	start(0x86dd);
	put_ipv6(60, 28 + 20);
	put_extension(60, 44, 0);
	put_extension(44, 51, 1);
	put_extension(51, 6, 0);
	put_tcp();
	for (uint32_t len = chain; len < tcp; len++) {
		struct fg_packet p = parse_cut(len);

		assert_int_equal(parse_part(0, len, 0, false).what, FG_PACKET_MALFORMED);
		assert_int_equal(p.what, FG_PACKET_IP);
		/* The protocol stands in the first octet of AH, which counts from its second on. */
		assert_proto(&p, len < ah + 2 ? 0 : 6, len < ah + 2 ? FG_L4_UNKNOWN : FG_L4_PROTO);
		assert_int_equal(p.key.fragment, len < fragment + 4 ? FG_FRAGMENT_UNKNOWN : FG_FRAGMENT_FIRST);
		assert_memory_equal(p.key.dst, dst6, 16);
		assert_int_equal(p.ip_length, 40 + 48);
		/*
		 * The frame is known to have gone on to where the IP length says, or to have ended in the next
		 * header.
		 */
		p = parse_part(0, len, frame.len - len, false);
		assert_int_equal(p.what, FG_PACKET_IP);
		if (len >= ah) {
			p = parse_part(0, len, tcp - len - 1, false);
			assert_int_equal(p.what, len < ah + 2 ? FG_PACKET_IP : FG_PACKET_MALFORMED);
		}
	}
}

/* A chain longer than the IP payload is malformed even where the capture is cut: the IP length says so. */
static void test_ipv6_chain_beyond_payload(void **state)
{
	(void)state;
	for (uint32_t payload = 1; payload < 24; payload++) {
		start(0x86dd);
		put_ipv6(60, payload);
		put_extension(60, 43, 0);
		put_extension(43, 135, 0);
		put_extension(135, 6, 0);
		assert_malformed();
		assert_int_equal(parse_cut(frame.len).what, FG_PACKET_MALFORMED);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv6_key),
		cmocka_unit_test(test_ipv6_next_headers),
		cmocka_unit_test(test_ipv6_extension_lengths),
		cmocka_unit_test(test_ipv6_too_many),
		cmocka_unit_test(test_ipv6_farthest),
		cmocka_unit_test(test_ipv6_payload_zero),
		cmocka_unit_test(test_ipv6_version),
		cmocka_unit_test(test_ipv6_fragments),
		cmocka_unit_test(test_ipv6_fragment_chain),
		cmocka_unit_test(test_ipv6_chain_cut),
		cmocka_unit_test(test_ipv6_chain_beyond_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
