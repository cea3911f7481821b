/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's reading of frames against frames written by hand: each row of the table "what a packet is". What always
 * holds: every expectation was worked out on paper, none was copied from what the oracle answered.
 */
#include "tests/oracle/test_support.h"

#include "tests/oracle/oracle.h"

static struct or_packet facts_of(enum or_link link, const char *hex, size_t captured, size_t wire)
{
	uint8_t octets[1024];
	size_t len = unhex(hex, octets);
	uint8_t *copy;
	struct or_packet p;

	if (captured > len)
		captured = len;
	copy = exact(octets, captured);
	or_packet_read(link, copy, captured, wire > 0 ? wire : captured, &p);
	free(copy);
	return p;
}

#define MACS "020000000001020000000002"
#define IP4(tos, len, frag, proto)                                                                                     \
	"45" tos len "0000" frag "40" proto "0000"                                                                     \
	"cb007109"                                                                                                     \
	"c0000201"
#define UDP                                                                                                            \
	"0035"                                                                                                         \
	"0fa0"                                                                                                         \
	"00080000"
#define TCP                                                                                                            \
	"0050"                                                                                                         \
	"01bb"                                                                                                         \
	"00000001"                                                                                                     \
	"00000002"                                                                                                     \
	"5"                                                                                                            \
	"112"                                                                                                          \
	"ffff"                                                                                                         \
	"0000"                                                                                                         \
	"0000"
#define SRC6 "20010db8000000000000000000000009"
#define DST6 "20010db8000000000000000000000001"
#define IP6(len, next)                                                                                                 \
	"6"                                                                                                            \
	"b9"                                                                                                           \
	"12345" len next "40" SRC6 DST6

static void packet_ipv4(void **state)
{
	struct or_packet p = facts_of(OR_LINK_ETHERNET, MACS "0800" IP4("b9", "001c", "4000", "11") UDP, SIZE_MAX, 0);

	(void)state;
	assert_int_equal(p.kind, OR_IP);
	assert_int_equal(p.family, OR_IPV4);
	assert_int_equal(p.length, 28);
	assert_int_equal(p.dscp, 46);
	assert_int_equal(p.protocol, 17);
	assert_int_equal(p.fragment, OR_FRAGMENT_DF);
	assert_true(p.has_ports && p.sport == 53 && p.dport == 4000);
	assert_false(p.has_tcp_flags || p.has_icmp_type);
	assert_memory_equal(p.dst, "\xc0\0\2\1", 4);
	assert_memory_equal(p.src, "\xcb\0\x71\x09", 4);
	p = facts_of(OR_LINK_RAW, IP4("00", "0028", "0000", "06") TCP, SIZE_MAX, 0);
	assert_true(p.has_tcp_flags && p.tcp_flags == 0x112);
	p = facts_of(OR_LINK_RAW, IP4("00", "0021", "0000", "06") TCP, SIZE_MAX, 0);
	assert_true(p.has_ports && !p.has_tcp_flags);
	p = facts_of(OR_LINK_RAW, IP4("00", "0022", "0000", "06") TCP, SIZE_MAX, 0);
	assert_true(p.has_tcp_flags); /* fourteen octets are enough */
}

static void packet_encapsulation(void **state)
{
	const char *ip = IP4("00", "001c", "0000", "11") UDP;
	char hex[512];

	(void)state;
	static const struct {
		const char *tags;
		enum or_kind kind;
	} row[] = {
		{ "0800", OR_IP },
		{ "810000640800", OR_IP },
		{ "88a8006481000065"
		  "0800",
		  OR_IP },
		{ "8100006488a80065"
		  "0800",
		  OR_IP },
		{ "88a8006481000065"
		  "81000066"
		  "0800",
		  OR_NOT_IP },
		{ "9100006408"
		  "00",
		  OR_NOT_IP },
		{ "0806", OR_NOT_IP },
		{ "86dd", OR_MALFORMED },
	};
	for (size_t i = 0; i < COUNT(row); i++) {
		snprintf(hex, sizeof(hex), "%s%s%s%s", MACS, row[i].tags, ip, "000000000000000000000000000000000000");
		assert_int_equal(facts_of(OR_LINK_ETHERNET, hex, SIZE_MAX, 0).kind, row[i].kind);
	}
	assert_int_equal(facts_of(OR_LINK_ETHERNET, MACS "08", SIZE_MAX, 0).kind, OR_NOT_IP);
	assert_int_equal(facts_of(OR_LINK_ETHERNET, MACS "81000064", SIZE_MAX, 0).kind, OR_NOT_IP);
	assert_int_equal(facts_of(OR_LINK_RAW, "", SIZE_MAX, 0).kind, OR_NOT_IP);
	assert_int_equal(facts_of(OR_LINK_RAW, "35000000", SIZE_MAX, 0).kind, OR_NOT_IP);
}

static void packet_malformed_ipv4(void **state)
{
	static const char *const bad[] = {
		IP4("00", "0000", "0000", "11") UDP,
		IP4("00", "0013", "0000", "11") UDP,
		"44"
		"00001c000000004011"
		"0000"
		"cb007109c0000201" UDP,
		"46"
		"000017000000004011"
		"0000"
		"cb007109c0000201" UDP, /* length 23 < 24 */
		"4f"
		"00003c000000004011"
		"0000"
		"cb007109c0000201" UDP, /* options behind the frame's end */
		"450000",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(facts_of(OR_LINK_RAW, bad[i], SIZE_MAX, 0).kind, OR_MALFORMED);
}

static void packet_ipv4_options_and_padding(void **state)
{
	const char *options = "46"
			      "000020000000004011"
			      "0000"
			      "cb007109c0000201"
			      "01010101" UDP;
	struct or_packet p = facts_of(OR_LINK_RAW, options, SIZE_MAX, 0);

	(void)state;
	assert_true(p.has_ports && p.sport == 53);
	p = facts_of(OR_LINK_RAW, options, 22, 32);
	assert_true(p.kind == OR_IP && p.has_protocol && !p.has_ports);
	p = facts_of(OR_LINK_RAW, IP4("00", "0014", "0000", "11") UDP, SIZE_MAX, 0);
	assert_true(p.kind == OR_IP && !p.has_ports && p.length == 20); /* what follows is padding */
}

static void packet_snapped(void **state)
{
	const char *udp = IP4("00", "05dc", "0000", "11") UDP;

	(void)state;
	assert_int_equal(facts_of(OR_LINK_RAW, udp, 19, 1500).kind, OR_NOT_IP);
	assert_int_equal(facts_of(OR_LINK_RAW, udp, 19, 19).kind, OR_MALFORMED);
	assert_false(facts_of(OR_LINK_RAW, udp, 23, 1500).has_ports);
	assert_true(facts_of(OR_LINK_RAW, udp, 24, 1500).has_ports);
	assert_true(facts_of(OR_LINK_RAW, udp, 28, 28).has_ports); /* cut on the wire: not malformed */
	assert_int_equal(facts_of(OR_LINK_RAW, IP6("0008", "11") UDP, 39, 48).kind, OR_NOT_IP);
	assert_int_equal(facts_of(OR_LINK_RAW, IP6("0008", "11") UDP, 39, 39).kind, OR_MALFORMED);
}

static void packet_icmp(void **state)
{
	const char *echo = IP4("00", "001c", "0000", "01") "0803"
							   "000000000000";
	struct or_packet p = facts_of(OR_LINK_RAW, echo, SIZE_MAX, 0);

	(void)state;
	assert_true(p.has_icmp_type && p.icmp_type == 8 && p.has_icmp_code && p.icmp_code == 3);
	p = facts_of(OR_LINK_RAW, echo, 21, 28);
	assert_true(p.has_icmp_type && !p.has_icmp_code);
	p = facts_of(OR_LINK_RAW,
		     IP4("00", "001c", "0000", "3a") "0803"
						     "000000000000",
		     SIZE_MAX, 0);
	assert_false(p.has_icmp_type); /* ICMPv6 in IPv4 */
	p = facts_of(OR_LINK_RAW,
		     IP6("0008", "3a") "8000"
				       "000000000000",
		     SIZE_MAX, 0);
	assert_true(p.has_icmp_type && p.icmp_type == 128);
	p = facts_of(OR_LINK_RAW,
		     IP6("0008", "01") "8000"
				       "000000000000",
		     SIZE_MAX, 0);
	assert_false(p.has_icmp_type);
}

static void packet_ipv4_fragments(void **state)
{
	static const struct {
		const char *hex;
		uint8_t bits;
		bool ports;
	} row[] = {
		{ IP4("00", "001c", "0000", "11") UDP, 0, true },
		{ IP4("00", "001c", "2000", "11") UDP, OR_FRAGMENT_FIRST, true },
		{ IP4("00", "001c", "6000", "11") UDP, OR_FRAGMENT_FIRST | OR_FRAGMENT_DF, true },
		{ IP4("00", "001c", "2001", "11") UDP, OR_FRAGMENT_IS, false },
		{ IP4("00", "001c", "1fff", "11") UDP, OR_FRAGMENT_IS | OR_FRAGMENT_LAST, false },
		{ IP4("00", "001c", "8000", "11") UDP, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		struct or_packet p = facts_of(OR_LINK_RAW, row[i].hex, SIZE_MAX, 0);

		assert_int_equal(p.fragment, row[i].bits);
		assert_int_equal(p.has_ports, row[i].ports);
		assert_true(p.has_protocol && p.protocol == 17);
	}
}

static void packet_ipv6(void **state)
{
	struct or_packet p = facts_of(OR_LINK_ETHERNET, MACS "86dd" IP6("0008", "11") UDP, SIZE_MAX, 0);

	(void)state;
	assert_int_equal(p.kind, OR_IP);
	assert_int_equal(p.length, 48);
	assert_int_equal(p.dscp, 0xb9 >> 2);
	assert_int_equal(p.flow_label, 0x12345);
	assert_true(p.has_ports && p.sport == 53 && p.dport == 4000);
	assert_int_equal(p.dst[15], 1);
	assert_int_equal(p.src[15], 9);
	p = facts_of(OR_LINK_RAW, IP6("0000", "11") UDP, SIZE_MAX, 0);
	assert_true(p.kind == OR_IP && p.length == 40 && p.protocol == 17 && !p.has_ports);
	assert_int_equal(facts_of(OR_LINK_RAW, IP6("0000", "00") UDP, SIZE_MAX, 0).kind, OR_MALFORMED);
	assert_int_equal(facts_of(OR_LINK_RAW, IP6("0000", "3c") UDP, SIZE_MAX, 0).kind, OR_MALFORMED);
	p = facts_of(OR_LINK_RAW, IP6("0008", "3b") UDP, SIZE_MAX, 0);
	assert_true(p.kind == OR_IP && p.protocol == 59);
	p = facts_of(OR_LINK_RAW, IP6("0008", "32") UDP, SIZE_MAX, 0);
	assert_true(p.kind == OR_IP && p.protocol == 50);
}

static void packet_ipv6_chain(void **state)
{
	static const char *const over[] = { "00", "2b", "33", "3c", "87", "8b", "8c" };
	char hex[512];

	(void)state;
	for (size_t i = 0; i < COUNT(over); i++) { /* 16 octets of each; AH: (2 + 2) * 4 */
		snprintf(hex, sizeof(hex), "60000000%s%s40%s%s11%s%s%s", "0018", over[i], SRC6, DST6,
			 strcmp(over[i], "33") == 0 ? "02" : "01", "0000000000000000000000000000", UDP);
		struct or_packet p = facts_of(OR_LINK_RAW, hex, SIZE_MAX, 0);

		assert_true(p.kind == OR_IP && p.protocol == 17 && p.has_ports && p.dport == 4000);
	}
	for (unsigned int count = 8; count <= 9; count++) {
		int at = snprintf(hex, sizeof(hex), "60000000%04x3c40%s%s", 8 * count + 8, SRC6, DST6);

		for (unsigned int i = 0; i < count; i++)
			at += snprintf(hex + at, sizeof(hex) - (size_t)at, "%s00000000000000",
				       i + 1 < count ? "3c" : "11");
		snprintf(hex + at, sizeof(hex) - (size_t)at, "%s", UDP);
		assert_int_equal(facts_of(OR_LINK_RAW, hex, SIZE_MAX, 0).kind, count == 8 ? OR_IP : OR_MALFORMED);
	}
	/* the second unit of the header lies behind the IP payload, then behind the wire's end */
	assert_int_equal(facts_of(OR_LINK_RAW, IP6("0008", "3c") "1101000000000000" UDP, SIZE_MAX, 0).kind,
			 OR_MALFORMED);
	assert_int_equal(facts_of(OR_LINK_RAW, IP6("0020", "3c") "1101000000000000", SIZE_MAX, 0).kind, OR_MALFORMED);
}

static void packet_ipv6_chain_snapped(void **state)
{
	const char *chain = IP6("0018", "3c") "2c00000000000000"
					      "1100"
					      "0001"
					      "00000000" UDP;
	struct or_packet p = facts_of(OR_LINK_RAW, chain, 41, 64);

	(void)state;
	assert_true(p.kind == OR_IP && !p.has_protocol && !p.has_fragment);
	p = facts_of(OR_LINK_RAW, chain, 49, 64);
	assert_true(p.kind == OR_IP && !p.has_protocol && !p.has_fragment);
	p = facts_of(OR_LINK_RAW, chain, 56, 64);
	assert_true(p.has_protocol && p.has_fragment && p.fragment == OR_FRAGMENT_FIRST && !p.has_ports);
	p = facts_of(OR_LINK_RAW,
		     IP6("0018", "2c") "3c000001"
				       "00000000"
				       "1100000000000000" UDP,
		     48, 64);
	assert_true(!p.has_protocol && p.has_fragment && p.fragment == OR_FRAGMENT_FIRST);
}

static void packet_ipv6_fragments(void **state)
{
	static const struct {
		const char *field;
		uint8_t bits;
		bool ports;
	} row[] = {
		{ "0000", 0, true },
		{ "0001", OR_FRAGMENT_FIRST, true },
		{ "0009", OR_FRAGMENT_IS, false },
		{ "0008", OR_FRAGMENT_IS | OR_FRAGMENT_LAST, false },
		{ "0006", 0, true },
	};
	char hex[512];
	struct or_packet p;

	(void)state;
	for (size_t i = 0; i < COUNT(row); i++) {
		snprintf(hex, sizeof(hex), "%s1100%s00000000%s", IP6("0010", "2c"), row[i].field, UDP);
		p = facts_of(OR_LINK_RAW, hex, SIZE_MAX, 0);
		assert_true(p.has_fragment && p.has_protocol && p.protocol == 17);
		assert_int_equal(p.fragment, row[i].bits);
		assert_int_equal(p.has_ports, row[i].ports);
	}
	p = facts_of(OR_LINK_RAW,
		     IP6("0018", "2c") "2c00000100000000"
				       "1100000000000000" UDP,
		     SIZE_MAX, 0);
	assert_true(p.fragment == OR_FRAGMENT_FIRST && p.has_ports); /* the atomic one inside changes nothing */
	p = facts_of(OR_LINK_RAW,
		     IP6("0010", "2c") "3c00"
				       "0008"
				       "00000000" UDP,
		     SIZE_MAX, 0);
	assert_true(p.has_protocol && p.protocol == 60 && !p.has_ports); /* the walk stops here */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packet_ipv4),           cmocka_unit_test(packet_encapsulation),
		cmocka_unit_test(packet_malformed_ipv4), cmocka_unit_test(packet_ipv4_options_and_padding),
		cmocka_unit_test(packet_snapped),        cmocka_unit_test(packet_icmp),
		cmocka_unit_test(packet_ipv4_fragments), cmocka_unit_test(packet_ipv6),
		cmocka_unit_test(packet_ipv6_chain),     cmocka_unit_test(packet_ipv6_chain_snapped),
		cmocka_unit_test(packet_ipv6_fragments),
	};

	return cmocka_run_group_tests_name("oracle packet", tests, NULL, NULL);
}
