/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header walk (packet.h): encapsulation, IPv4, transport, raw IP, and frames of all kinds cut at each octet, by
 * every row of the table "What a packet is", accepting and refusing. IPv6 has test_packet_ipv6.c.
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

/* Every field of an IPv4 packet, and that all others are 0. */
static void test_ipv4_key(void **state)
{
	struct fg_key want = {
		.dport = 53,
		.sport = 4000,
		.dport_again = 53,
		.sport_again = 4000,
		.length = 20,
		.src_hi = 0xc633,
		.src_lo = 0x6409,
		.proto = 6,
		.l4 = FG_L4_FLAGS,
		.dscp = 46,
		.fragment = FG_FRAGMENT_DF,
		.family = FG_IPV4,
		.tcp_flags = 0x112,
		.dst = { 203, 0, 113, 7 },
		.src = { 198, 51, 100, 9 },
	};
	struct fg_packet p;

	(void)state;
	start(0x0800);
	put_ipv4(6, 0x4000, 0, 20);
	put_tcp();
	p = parse();
	assert_int_equal(p.what, FG_PACKET_IP);
	assert_memory_equal(&p.key, &want, sizeof(want));
	assert_int_equal(p.ip_length, 40);
	assert_int_equal(p.l3_octet, ETHERNET);
}

/* Encapsulation: at most two tags of either kind; a third, and any other EtherType, is not IP. */
static void test_vlan(void **state)
{
	static const uint16_t tag[] = { 0x8100, 0x88a8 };

	(void)state;
	for (uint32_t tags = 1; tags <= 3; tags++)
		for (uint32_t kinds = 0; kinds < 1u << tags; kinds++) {
			struct fg_packet p;

			start(tag[kinds & 1]);
			for (uint32_t i = 1; i <= tags; i++) {
				put16(0x2001);
				put16(i < tags ? tag[kinds >> i & 1] : 0x0800);
			}
			put_ipv4(17, 0, 0, 8);
			put_many(9, 8);
			p = parse();
			assert_int_equal(p.what, tags <= FG_VLAN_TAGS_MAX ? FG_PACKET_IP : FG_PACKET_NOT_IP);
			if (p.what == FG_PACKET_IP)
				assert_int_equal(p.l3_octet, ETHERNET + 4 * tags);
		}
}

static void test_not_ip(void **state)
{
	static const uint16_t types[] = { 0x0806, 0x8847, 0x8864, 0x9100, 0x0040, 0xffff, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		start(types[i]);
		put_ipv4(17, 0, 0, 8);
		put_many(9, 8);
		assert_what(FG_PACKET_NOT_IP);
	}
	for (uint32_t len = 0; len < ETHERNET; len++)
		assert_int_equal(parse_part(0, len, 0, false).what, FG_PACKET_NOT_IP);
	start(0x8100); /* the tag ends the frame */
	put16(1);
	assert_what(FG_PACKET_NOT_IP);
}

/* IPv4 header wrong: version, header length, total length (SEMANTICS 19: 0 too). */
static void test_ipv4_malformed(void **state)
{
	static const struct {
		uint8_t at, value;
	} wrong[] = {
		{ 0, 0x55 }, { 0, 0x65 }, { 0, 0x05 }, { 0, 0x44 }, { 0, 0x40 },
		{ 0, 0x4f }, { 3, 0 },    { 3, 19 },   { 3, 23 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		start(0x0800);
		put_ipv4(17, 0, wrong[i].value == 23 ? 4 : 0, 8);
		put_many(9, 8);
		frame.octet[ETHERNET + wrong[i].at] = wrong[i].value;
		assert_malformed();
		assert_int_equal(parse_cut(frame.len).what, FG_PACKET_MALFORMED);
	}
}

/* Total length is the limit, whatever padding follows: 20 octets are a packet, with nothing in it. */
static void test_ipv4_padding(void **state)
{
	struct fg_packet p;

	(void)state;
	start(0x0800);
	put_ipv4(17, 0, 0, 0);
	put_many(7, 26);
	p = parse();
	assert_proto(&p, 17, FG_L4_PROTO);
	assert_int_equal(p.key.length, 0);
	assert_int_equal(p.ip_length, 20);
	assert_ports(&p, 0, 0);
}

static void test_ipv4_longest(void **state)
{
	struct fg_packet p;

	(void)state;
	start(0x0800);
	put_ipv4(17, 0, 0, 65515);
	put_many(7, 8);
	p = parse(); /* data shorter than the IP length: what is missing is not there, and nothing is wrong */
	assert_proto(&p, 17, FG_L4_PORTS);
	assert_int_equal(p.key.length, 65515);
	assert_int_equal(p.ip_length, 65535);
}

static void test_ipv4_options(void **state)
{
	(void)state;
	for (uint32_t options = 4; options <= 40; options += 4) {
		struct fg_packet p;

		start(0x0800);
		put_ipv4(6, 0, options, 20);
		put_tcp();
		p = parse();
		assert_proto(&p, 6, FG_L4_FLAGS);
		assert_ports(&p, 4000, 53);
		assert_int_equal(p.ip_length, 40 + options);
		/* Options that are not there: the header is cut; by the capture, the protocol is still known. */
		p = parse_part(0, ETHERNET + 20 + options - 1, 0, false);
		assert_int_equal(p.what, FG_PACKET_MALFORMED);
		p = parse_cut(ETHERNET + 20 + options - 1);
		assert_proto(&p, 6, FG_L4_PROTO);
	}
}

/* RFC 8955 §4.2.2.12: last, first, is-fragment, don't-fragment. Non-first fragments have no transport. */
static void test_ipv4_fragments(void **state)
{
	static const struct {
		uint16_t field;
		uint8_t state, l4;
	} cases[] = {
		{ 0, FG_FRAGMENT_NONE, FG_L4_FLAGS },
		{ 0x8000, FG_FRAGMENT_NONE, FG_L4_FLAGS }, /* the reserved bit */
		{ 0x2000, FG_FRAGMENT_FIRST, FG_L4_FLAGS },
		{ 0x2001, FG_FRAGMENT_MIDDLE, FG_L4_PROTO },
		{ 0x3fff, FG_FRAGMENT_MIDDLE, FG_L4_PROTO },
		{ 0x0001, FG_FRAGMENT_LAST, FG_L4_PROTO },
		{ 0x1000, FG_FRAGMENT_LAST, FG_L4_PROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (uint32_t df = 0; df < 2; df++) {
			struct fg_packet p;

			start(0x0800);
			put_ipv4(6, cases[i].field | df << 14, 0, 20);
			put_tcp();
			p = parse();
			assert_proto(&p, 6, cases[i].l4);
			assert_int_equal(p.key.fragment, cases[i].state | (df ? FG_FRAGMENT_DF : 0));
			assert_int_equal(p.key.tcp_flags, cases[i].l4 == FG_L4_FLAGS ? 0x112 : 0);
			assert_ports(&p, cases[i].l4 == FG_L4_FLAGS ? 4000 : 0, cases[i].l4 == FG_L4_FLAGS ? 53 : 0);
		}
}

/*
 * Transport needs its octets inside the IP length, inside the data, and inside the capture, for each protocol and
 * family.
 */
static void test_transport_reach(void **state)
{
	static const uint8_t protos[] = { 6, 17, 1, 58, 132, 47, 33, 50, 59, 255 };

	(void)state;
	for (size_t i = 0; i < sizeof(protos); i++)
		for (uint32_t n = 0; n <= 20; n++)
			for (uint32_t family = 0; family < 2; family++) {
				enum fg_l4 want = reach(protos[i], family ? 58 : 1, n);
				uint32_t header = ETHERNET + (family ? 40 : 20);
				struct fg_packet p;

				start(family ? 0x86dd : 0x0800);
				if (family)
					put_ipv6(protos[i], n);
				else
					put_ipv4(protos[i], 0, 0, n);
				put_tcp();
				p = parse();
				assert_proto(&p, protos[i], want);
				fg_store_be16(frame.octet + ETHERNET + (family ? 4 : 2), (uint16_t)(family ? 20 : 40));
				p = parse_part(0, header + n, 0, false);
				assert_proto(&p, protos[i], want);
				p = parse_cut(header + n);
				assert_proto(&p, protos[i], want);
				if (want >= FG_L4_TYPE)
					assert_int_equal(p.key.icmp_type, 4000 >> 8);
				if (want == FG_L4_CODE)
					assert_int_equal(p.key.icmp_code, 4000 & 0xff);
			}
}

/* Fixed header cut: by the capture it is no IP to us; in the frame it is malformed. */
static void test_fixed_header_cut(void **state)
{
	(void)state;
	for (uint32_t family = 0; family < 2; family++) {
		start(family ? 0x86dd : 0x0800);
		if (family)
			put_ipv6(59, 0);
		else
			put_ipv4(17, 0, 0, 0);
		for (uint32_t len = ETHERNET; len < frame.len; len++) {
			assert_int_equal(parse_part(0, len, 0, false).what, FG_PACKET_MALFORMED);
			assert_int_equal(parse_cut(len).what, FG_PACKET_NOT_IP);
			/* The frame is known to have had it all, or to have lacked one octet. */
			assert_int_equal(parse_part(0, len, frame.len - len, false).what, FG_PACKET_NOT_IP);
			assert_int_equal(parse_part(0, len, frame.len - len - 1, false).what, FG_PACKET_MALFORMED);
		}
	}
}

/* Raw IP: the version says the family; anything else is no IP; the walk is the same. */
static void test_raw(void **state)
{
	struct fg_packet whole, raw;

	(void)state;
	put_chain(3);
	whole = parse();
	raw = parse_part(ETHERNET, frame.len, 0, true);
	assert_proto(&raw, 6, FG_L4_FLAGS);
	assert_memory_equal(&raw.key, &whole.key, sizeof(raw.key));
	assert_int_equal(raw.l3_octet, 0);
	start(0x0800);
	put_ipv4(6, 0, 8, 20);
	put_tcp();
	whole = parse();
	raw = parse_part(ETHERNET, frame.len, 0, true);
	assert_memory_equal(&raw.key, &whole.key, sizeof(raw.key));
	assert_int_equal(parse_part(ETHERNET, ETHERNET, 0, true).what, FG_PACKET_NOT_IP);
	assert_int_equal(parse_part(ETHERNET, ETHERNET + 1, 0, true).what, FG_PACKET_MALFORMED);
	assert_int_equal(parse_part(ETHERNET, ETHERNET + 1, 99, true).what, FG_PACKET_NOT_IP);
	frame.octet[ETHERNET] = 0x55;
	assert_int_equal(parse_part(ETHERNET, frame.len, 0, true).what, FG_PACKET_NOT_IP);
}

/* The short forms say of a cut capture only that it is one. */
static void test_short_forms(void **state)
{
	struct fg_packet p;

	(void)state;
	start(0x0800);
	put_ipv4(6, 0, 0, 20);
	fg_packet_parse(frame.octet, frame.octet + ETHERNET + 19, true, &p);
	assert_int_equal(p.what, FG_PACKET_NOT_IP);
	fg_packet_parse(frame.octet, frame.octet + ETHERNET + 19, false, &p);
	assert_int_equal(p.what, FG_PACKET_MALFORMED);
	fg_packet_parse_ip(frame.octet + ETHERNET, frame.octet + ETHERNET + 19, true, &p);
	assert_int_equal(p.what, FG_PACKET_NOT_IP);
	fg_packet_parse_ip(frame.octet + ETHERNET, frame.octet + ETHERNET + 20, false, &p);
	assert_int_equal(p.what, FG_PACKET_IP);
}

static void test_cut_everywhere(void **state)
{
	static const uint8_t protos[] = { 1, 6, 17, 58 };

	(void)state;
	for (size_t i = 0; i < sizeof(protos); i++) {
		start(0x0800);
		put_ipv4(protos[i], 0x4000, 12, 20);
		put_tcp();
		cut_everywhere();
		start(0x88a8);
		put16(1);
		put16(0x8100);
		put16(2);
		put16(0x86dd);
		put_ipv6(0, 8 + 12 + 8 + 8 + 20);
		put_extension(0, 51, 0);
		put_extension(51, 44, 0);
		put_extension(44, 60, i & 1);
		put_extension(60, protos[i], 0);
		put_tcp();
		cut_everywhere();
	}
	put_chain(8);
	cut_everywhere();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4_key),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_not_ip),
		cmocka_unit_test(test_ipv4_malformed),
		cmocka_unit_test(test_ipv4_padding),
		cmocka_unit_test(test_ipv4_longest),
		cmocka_unit_test(test_ipv4_options),
		cmocka_unit_test(test_ipv4_fragments),
		cmocka_unit_test(test_transport_reach),
		cmocka_unit_test(test_fixed_header_cut),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_short_forms),
		cmocka_unit_test(test_cut_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
