/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The oracle's reading of rules against cases written by hand from the RFCs: one test per clause, its number in the
 * project's checklist is in the name (p03 .. p25). What always holds: every expectation was worked out on paper, none
 * was copied from what the oracle answered.
 */
#include <errno.h>

#include "tests/oracle/test_support.h"

#include "tests/oracle/oracle.h"

static bool valid_form(enum or_family family, bool full, const char *hex)
{
	uint8_t octets[OR_NLRI_MAX];
	size_t len = unhex(hex, octets);
	uint8_t *copy = exact(octets, len);
	struct or_nlri n;
	bool ok = or_nlri_decode(family, full, copy, len, &n);

	free(copy);
	return ok;
}

static bool valid(enum or_family family, const char *hex)
{
	return valid_form(family, false, hex);
}

/* Matches a packet with these facts. */
static bool matches(const char *hex, const struct or_packet *p)
{
	uint8_t octets[OR_NLRI_MAX];
	size_t len = unhex(hex, octets);
	struct or_nlri n;

	assert_true(or_nlri_decode(p->family, false, octets, len, &n));
	return or_nlri_match(&n, p) == 0;
}

static struct or_packet udp4(uint16_t sport, uint16_t dport)
{
	return (struct or_packet){
		.kind = OR_IP,
		.family = OR_IPV4,
		.dst = { 192, 0, 2, 1 },
		.src = { 203, 0, 113, 9 },
		.length = 1200,
		.has_protocol = true,
		.protocol = 17,
		.has_fragment = true,
		.has_ports = true,
		.sport = sport,
		.dport = dport,
	};
}

static bool port_list(const char *hex, uint16_t port)
{
	struct or_packet p = udp4(1, port);

	return matches(hex, &p);
}

static bool flags_list(const char *hex, uint16_t flags)
{
	struct or_packet p = udp4(1, 2);

	p.protocol = 6;
	p.has_tcp_flags = true;
	p.tcp_flags = flags;
	return matches(hex, &p);
}

static bool fragment_list(const char *hex, enum or_family family, uint8_t bits)
{
	struct or_packet p = udp4(1, 2);

	p.family = family;
	p.fragment = bits;
	return matches(hex, &p);
}

static void p03_length_octets(void **state)
{
	static const uint8_t longer[] = { 0xf0, 0x03, 3, 0x81, 6 };
	size_t len = 99;

	(void)state;
	assert_int_equal(or_nlri_length((const uint8_t[]){ 0xef }, 1, &len), 0);
	assert_int_equal(or_nlri_length(longer, sizeof(longer), &len), 2);
	assert_int_equal(len, 3);
	assert_int_equal(or_nlri_length(longer, 4, &len), 0);
	assert_int_equal(or_nlri_length(longer, 1, &len), 0);
	assert_int_equal(or_nlri_length(longer, 0, &len), 0);
	assert_int_equal(or_nlri_length((const uint8_t[]){ 1, 9 }, 2, &len), 1);
}

static void p05_components(void **state)
{
	(void)state;
	assert_true(valid(OR_IPV4, "0118c000020381060481"
				   "19"));
	assert_false(valid(OR_IPV4, ""));
	assert_false(valid(OR_IPV4, "038106038106")); /* twice */
	assert_false(valid(OR_IPV4, "048119038106")); /* decreasing */
	assert_false(valid(OR_IPV4, "008106"));
	assert_false(valid(OR_IPV4, "0d8106")); /* the flow label is IPv6's */
	assert_true(valid(OR_IPV6, "0d8106"));
	assert_false(valid(OR_IPV6, "0e8106"));
	assert_false(valid(OR_IPV4, "03"));
	assert_false(valid(OR_IPV4, "030106")); /* no end bit */
	assert_false(valid(OR_IPV4, "0381"));
	assert_false(valid(OR_IPV4, "05910019"
				    "00"));
}

static void p11_numeric_operators(void **state)
{
	static const bool truth[8][3] = {
		/* data below, equal to, above the value, by the bits lt gt eq */
		{ 0, 0, 0 }, { 0, 1, 0 }, { 0, 0, 1 }, { 0, 1, 1 }, { 1, 0, 0 }, { 1, 1, 0 }, { 1, 0, 1 }, { 1, 1, 1 },
	};
	char hex[16];

	(void)state;
	for (unsigned int op = 0; op < 8; op++) {
		for (unsigned int reserved = 0; reserved <= 8; reserved += 8) {
			snprintf(hex, sizeof(hex), "05%02x50", 0x80 | reserved | op);
			assert_int_equal(port_list(hex, 0x4f), truth[op][0]);
			assert_int_equal(port_list(hex, 0x50), truth[op][1]);
			assert_int_equal(port_list(hex, 0x51), truth[op][2]);
		}
	}
}

static void p11_and_binds_tighter(void **state)
{
	const char *rule = "050389458b911f90"; /* >= 137 AND <= 139 OR == 8080 */
	const char *first = "0543"
			    "89"
			    "458b"
			    "911f90"; /* the same, the first with an AND bit */
	const char *or_then_and = "05013503"
				  "50c564"; /* == 53 OR (>= 80 AND <= 100) */

	(void)state;
	assert_false(port_list(rule, 136));
	assert_true(port_list(rule, 137));
	assert_true(port_list(rule, 139));
	assert_false(port_list(rule, 140));
	assert_true(port_list(rule, 8080));
	assert_true(port_list(first, 138));
	assert_false(port_list(first, 140));
	assert_true(port_list(first, 8080));
	assert_true(port_list(or_then_and, 53));
	assert_true(port_list(or_then_and, 90));
	assert_false(port_list(or_then_and, 101));
	assert_false(port_list(or_then_and, 79));
	assert_false(port_list("0503"
			       "50c53c",
			       70)); /* >= 80 AND <= 60 */
}

static void p12_bitmask_operators(void **state)
{
	(void)state;
	assert_true(flags_list("098012", 0x02)); /* any of syn ack */
	assert_false(flags_list("098012", 0x01));
	assert_false(flags_list("098112", 0x02)); /* all of */
	assert_true(flags_list("098112", 0x1a));
	assert_true(flags_list("098212", 0x01)); /* not any */
	assert_false(flags_list("098212", 0x10));
	assert_true(flags_list("098312", 0x10)); /* not all */
	assert_false(flags_list("098312", 0x12));
	assert_true(flags_list("098d12", 0x12));  /* reserved bits */
	assert_false(flags_list("098000", 0x3f)); /* any of nothing */
	assert_true(flags_list("098100", 0));
	assert_true(flags_list("098200", 0));
	assert_false(flags_list("098300", 0));
	assert_true(flags_list("090102c210", 0x02)); /* syn AND NOT ack */
	assert_false(flags_list("090102c210", 0x12));
}

static void p13_widths(void **state)
{
	struct or_packet p = udp4(1, 2);

	(void)state;
	assert_true(port_list("05b10000000000000050", 80));
	assert_false(port_list("05b10000000100000050", 80)); /* 2^32 + 80 is not 80 */
	assert_true(port_list("05a100000050", 80));
	p.length = 34435;
	assert_false(matches("0aa100018683", &p)); /* 99971 */
	assert_true(matches("0a918683", &p));
	assert_false(valid(OR_IPV4, "0b910000"));
	assert_false(valid(OR_IPV4, "0c910000"));
	assert_true(valid(OR_IPV4, "09910000"));
	assert_false(valid(OR_IPV4, "09a100000002"));
	assert_true(valid(OR_IPV4, "03b10000000000000006"));
	assert_false(valid(OR_IPV4, "0b0100910000")); /* the second term */
}

static void p14_identity_is_octets(void **state)
{
	struct or_table *t = or_table_new();
	struct or_packet p = udp4(1, 80);
	uint32_t id;

	(void)state;
	assert_int_equal(or_table_add(t, 7, OR_IPV4, false, false, (const uint8_t *)"\5\x91\0\x50", 4), 0);
	assert_int_equal(or_table_add(t, 8, OR_IPV4, false, false, (const uint8_t *)"\5\x81\x50", 3), 0);
	assert_int_equal(or_table_at(t, 0), 8);
	assert_int_equal(or_table_delete(t, 8), 0);
	assert_int_equal(or_table_delete(t, 8), -ENOENT);
	assert_int_equal(or_table_evaluate(t, &p, &id, 1), 1);
	assert_int_equal(id, 7);
	assert_int_equal(or_table_count(t), 1);
	or_table_free(t);
}

static void p15_prefix4(void **state)
{
	struct or_packet p = udp4(1, 2);

	(void)state;
	assert_true(matches("0100", &p));
	assert_true(matches("0118c00002", &p));
	assert_false(matches("0118c00003", &p));
	assert_true(matches("0119c000027f", &p)); /* trailing bits are ignored */
	assert_false(matches("0119c00002ff", &p));
	assert_true(matches("0120c0000201", &p));
	assert_false(matches("0120c0000200", &p));
	assert_true(matches("0218cb0071", &p));
	assert_false(valid(OR_IPV4, "0121c000020100"));
	assert_false(valid(OR_IPV4, "0120c00002"));
	assert_true(valid(OR_IPV4, "0117c00002"));
	assert_false(valid(OR_IPV4, "0117c000"));
}

static void p15_prefix6(void **state)
{
	struct or_packet p = { .kind = OR_IP, .family = OR_IPV6 };

	(void)state;
	unhex("20010db8000000000000000000000001", p.dst);
	unhex("000000000000000012345678"
	      "9a000000",
	      p.src);
	assert_true(matches("010000", &p));
	assert_true(matches("01200020010db8", &p));
	assert_false(matches("01200020010db9", &p));
	assert_true(matches("026840123456789a", &p));
	assert_true(matches("0268412468acf134", &p)); /* RFC 8956 §3.8.2: one bit to the left */
	p.src[8] |= 0x80;                             /* bit 64 is in front of the offset */
	assert_true(matches("0268412468acf134", &p));
	assert_false(matches("026840123456789a", &p));
	assert_false(valid(OR_IPV6, "01202020010db8"));
	assert_false(valid(OR_IPV6, "010001"));
	assert_false(valid(OR_IPV6, "018100"
				    "0000000000000000000000000000000000"));
	assert_true(valid_form(OR_IPV6, true, "01402020010db800000001"));
	assert_false(valid_form(OR_IPV6, true, "01402000000001"));
	assert_true(valid(OR_IPV6, "01402000000001"));
}

static void p15_full_offset_form(void **state)
{
	uint8_t octets[32];
	size_t len = unhex("01402020010db800000001", octets);
	struct or_packet p = { .kind = OR_IP, .family = OR_IPV6 };
	struct or_nlri n;

	(void)state;
	unhex("fffffffe00000001", p.dst);
	assert_true(or_nlri_decode(OR_IPV6, true, octets, len, &n));
	assert_int_equal(or_nlri_match(&n, &p), 0);
	p.dst[7] = 2;
	assert_int_equal(or_nlri_match(&n, &p), OR_DESTINATION);
}

static void p16_protocol(void **state)
{
	struct or_packet p = udp4(1, 2);

	(void)state;
	assert_true(matches("038111", &p));
	assert_false(matches("038106", &p));
	p.has_protocol = false;
	assert_false(matches("038700", &p)); /* not even what is always true */
	assert_false(matches("038606", &p));
}

static void p17_ports(void **state)
{
	struct or_packet p = udp4(53, 4000);

	(void)state;
	assert_true(matches("048135", &p));
	assert_true(matches("04910fa0", &p));
	assert_false(matches("058135", &p));
	assert_true(matches("068135", &p));
	assert_true(matches("04063586"
			    "50",
			    &p)); /* != 53 OR != 80 */
	assert_true(matches("0406"
			    "35c650",
			    &p)); /* != 53 AND != 80: 4000 is so */
	p.sport = 10;
	assert_false(matches("040314d50064", &p)); /* >= 20 AND <= 100 by one port, not by one port each */
	p.has_ports = false;
	assert_false(matches("048700", &p));
	assert_false(matches("058700", &p));
	assert_false(matches("068635", &p));
}

static void p18_icmp_and_tcp_flags(void **state)
{
	struct or_packet p = udp4(1, 2);

	(void)state;
	assert_false(matches("078700", &p));
	assert_false(matches("088700", &p));
	assert_false(matches("098100", &p));
	p.has_icmp_type = true;
	p.icmp_type = 8;
	assert_true(matches("078108", &p));
	assert_false(matches("0781080887"
			     "00",
			     &p)); /* the code was not captured */
	p.has_icmp_code = true;
	assert_true(matches("078108088100", &p));
	assert_true(flags_list("09910102", 0x0102)); /* NS and SYN */
	assert_false(flags_list("09910102", 0x0002));
	assert_true(flags_list("098102", 0x0102));
	assert_false(flags_list("09915002", 0x0002)); /* the data offset is taken as 0 */
}

static void p19_packet_length(void **state)
{
	struct or_packet p = udp4(1, 2);

	(void)state;
	assert_true(matches("0a9104b0", &p));
	assert_false(matches("0a9104b1", &p));
	assert_false(matches("0a2100018683a100018691", &p)); /* 99971 or 99985: no packet has such a length */
	assert_true(matches("0a9304b0", &p));
}

static void p20_dscp_fragment_flow_label(void **state)
{
	struct or_packet p = udp4(1, 2);

	(void)state;
	p.dscp = 37;
	assert_true(matches("0b8125", &p));
	assert_true(matches("0b8165", &p)); /* 101: six low bits */
	assert_true(fragment_list("0c8001", OR_IPV4, OR_FRAGMENT_DF));
	assert_true(fragment_list("0c8008", OR_IPV4, OR_FRAGMENT_IS | OR_FRAGMENT_LAST));
	assert_false(fragment_list("0c8008", OR_IPV4, OR_FRAGMENT_IS));
	assert_true(fragment_list("0c8002", OR_IPV4, OR_FRAGMENT_IS));
	assert_true(fragment_list("0c8004", OR_IPV4, OR_FRAGMENT_FIRST));
	assert_false(fragment_list("0c8002", OR_IPV4, OR_FRAGMENT_FIRST));
	assert_true(fragment_list("0c820e", OR_IPV4, OR_FRAGMENT_DF));
	assert_true(fragment_list("0c81f2", OR_IPV4, OR_FRAGMENT_IS)); /* upper bits are ignored */
	assert_true(fragment_list("0c8103", OR_IPV6, OR_FRAGMENT_IS)); /* so is DF for IPv6 */
	assert_false(fragment_list("0c8001", OR_IPV6, OR_FRAGMENT_IS));
	assert_true(fragment_list("0c8101", OR_IPV6, 0));
	p.has_fragment = false;
	assert_false(matches("0c820f", &p));
	p.family = OR_IPV6;
	p.flow_label = 2013;
	assert_true(matches("0d9107dd", &p));
	assert_false(matches("0d9107dc", &p));
}

static void p21_impossible_is_legal(void **state)
{
	struct or_packet p = udp4(1, 53);

	(void)state;
	assert_true(valid(OR_IPV4, "038101058135"));
	assert_false(matches("038101058135", &p));
	assert_true(valid(OR_IPV4, "0c810c"));
}

static int order(enum or_family family, const char *left, const char *right)
{
	uint8_t a[64], b[64];
	struct or_nlri x, y;

	assert_true(or_nlri_decode(family, false, a, unhex(left, a), &x));
	assert_true(or_nlri_decode(family, false, b, unhex(right, b), &y));
	assert_int_equal(or_order(&x, &y), -or_order(&y, &x));
	return or_order(&x, &y);
}

static void p22_order(void **state)
{
	static const char *const first[][2] = {
		{ "01100a01", "01080a" }, /* nested: the longer */
		{ "01080a", "01100b01" }, /* not nested: the lower */
		{ "01200a000001", "0118c00002038106" },
		{ "0118c00002", "038106" },           /* a lower type */
		{ "0118c00002038106", "0118c00002" }, /* lacks the component */
		{ "01080a038106", "01080a048106" },
		{ "058150", "058151" },
		{ "05015081"
		  "51",
		  "058150" },
		{ "038106", "038111" },
		{ "01080a", "0100" },
		{ "01080a02080b", "01080a020a0c00" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(first); i++)
		assert_int_equal(order(OR_IPV4, first[i][0], first[i][1]), -1);
	assert_int_equal(order(OR_IPV4, "058150", "058150"), 0);
}

static void p23_pitfalls(void **state)
{
	(void)state;
	assert_int_equal(order(OR_IPV4, "058150", "05910050"), -1);
	assert_int_equal(order(OR_IPV4, "0301068111", "038106"), -1);
	assert_int_equal(order(OR_IPV4, "01080a", "01180b0000"), -1); /* longer, but not nested */
	assert_int_equal(order(OR_IPV6, "01200020010db8",
			       "014020"
			       "00000001"),
			 -1);
	assert_int_equal(order(OR_IPV6,
			       "014020"
			       "00000001",
			       "01200020010db8"),
			 1);
	assert_int_equal(order(OR_IPV6,
			       "014020"
			       "00000001",
			       "01302000"
			       "00"),
			 -1);
	assert_int_equal(order(OR_IPV4,
			       "0109"
			       "0a00",
			       "0109"
			       "0a01"),
			 -1); /* trailing bits only: lower octets */
}

static void p25_no_action_stops_continue_goes_on(void **state)
{
	struct or_table *t = or_table_new();
	struct or_packet p = udp4(1, 80);
	uint32_t ids[4] = { 0 };

	(void)state;
	assert_int_equal(or_table_add(t, 1, OR_IPV4, false, false, (const uint8_t *)"\5\x81\x50", 3), 0);
	assert_int_equal(or_table_add(t, 2, OR_IPV4, false, true, (const uint8_t *)"\3\x81\x11", 3), 0);
	assert_int_equal(or_table_add(t, 3, OR_IPV4, false, true, (const uint8_t *)"\3\x81\x06", 3), 0);
	assert_int_equal(or_table_add(t, 4, OR_IPV4, false, false, (const uint8_t *)"\1\0", 2), 0);
	assert_int_equal(or_table_add(t, 5, OR_IPV6, false, false, (const uint8_t *)"\1\0\0", 3), 0);
	assert_int_equal(or_table_add(t, 6, OR_IPV4, false, false, (const uint8_t *)"\1", 1), -EINVAL);
	assert_int_equal(or_table_evaluate(t, &p, ids, 4), 1);
	assert_int_equal(ids[0], 4);
	assert_int_equal(or_table_delete(t, 4), 0);
	assert_int_equal(or_table_evaluate(t, &p, ids, 1), 2);
	assert_int_equal(ids[0], 2);
	assert_int_equal(or_table_evaluate(t, &p, ids, 4), 2);
	assert_int_equal(ids[1], 1);
	p.kind = OR_MALFORMED;
	assert_int_equal(or_table_evaluate(t, &p, ids, 4), 0);
	or_table_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(p03_length_octets),
		cmocka_unit_test(p05_components),
		cmocka_unit_test(p11_numeric_operators),
		cmocka_unit_test(p11_and_binds_tighter),
		cmocka_unit_test(p12_bitmask_operators),
		cmocka_unit_test(p13_widths),
		cmocka_unit_test(p14_identity_is_octets),
		cmocka_unit_test(p15_prefix4),
		cmocka_unit_test(p15_prefix6),
		cmocka_unit_test(p15_full_offset_form),
		cmocka_unit_test(p16_protocol),
		cmocka_unit_test(p17_ports),
		cmocka_unit_test(p18_icmp_and_tcp_flags),
		cmocka_unit_test(p19_packet_length),
		cmocka_unit_test(p20_dscp_fragment_flow_label),
		cmocka_unit_test(p21_impossible_is_legal),
		cmocka_unit_test(p22_order),
		cmocka_unit_test(p23_pitfalls),
		cmocka_unit_test(p25_no_action_stops_continue_goes_on),
	};

	return cmocka_run_group_tests_name("oracle", tests, NULL, NULL);
}
