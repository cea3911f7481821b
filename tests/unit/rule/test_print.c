/* SPDX-License-Identifier: BSD-3-Clause */
/* Canonical text of rules (print.c): the grammar's spellings, what is too odd for them, and room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/rule/out.h"
#include "ctrl/rule/print.h"
#include "tests/oracle/generate.h"
#include "tests/unit/rule/build.h"

static struct built rule;
static char text[FG_TEXT_MAX];

static void check_match(const char *expected)
{
	assert_int_equal(fg_rule_print_match(&rule.rule, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
}

static void check_rule(const char *expected)
{
	size_t len = strlen(expected);

	assert_int_equal(fg_rule_print(&rule.rule, text, sizeof(text)), len);
	assert_string_equal(text, expected);
	assert_int_equal(fg_rule_print(&rule.rule, text, len + 1), len);
	for (size_t room = 0; room <= len; room++)
		assert_int_equal(fg_rule_print(&rule.rule, text, room), 0);
}

#define RULE(...) TERMS(&rule, FG_IPV4, __VA_ARGS__)

static void test_numeric(void **state)
{
	(void)state;
	RULE({ FG_PORT, EQ, 53 }, { FG_PORT, EQ, 123 }, { FG_PORT, GE, 1024 }, { FG_PORT, AND | LE, 2047 },
	     { FG_PORT, GT, 5000 }, { FG_PORT, AND | LE, 6000 }, { FG_PORT, NE, 0 });
	check_match("port [ 53 123 1024-2047 >5000&<=6000 !=0 ]");
	RULE({ FG_PROTO, EQ, 17 }, { FG_SPORT, EQ, 123 }, { FG_LENGTH, GE, 200 });
	check_match("protocol udp source-port 123 packet-length >=200");
	RULE({ FG_PROTO, NE, 6 }, { FG_PROTO, GE, 6 }, { FG_PROTO, 0, 0 }, { FG_PROTO, 7, 0 });
	check_match("protocol [ !=tcp >=6 false true ]");
	RULE({ FG_PORT, GE, 80 }, { FG_PORT, AND | LE, 60 });
	check_match("port >=80&<=60");
	RULE({ FG_PORT, GE, 80 }, { FG_PORT, AND | LE, 90 }, { FG_PORT, AND | NE, 85 });
	check_match("port >=80&<=90&!=85");
	RULE({ FG_PORT, NE, 85 }, { FG_PORT, AND | GE, 80 }, { FG_PORT, AND | LE, 90 });
	check_match("port !=85&>=80&<=90");
	RULE({ FG_LENGTH, EQ, UINT64_MAX });
	check_match("packet-length 18446744073709551615");
	RULE({ FG_DSCP, EQ, 46 }, { FG_DSCP, LT, 8 });
	check_match("dscp [ ef <8 ]");
}

static void test_flags(void **state)
{
	(void)state;
	RULE({ FG_TCP_FLAGS, 0, 2 }, { FG_TCP_FLAGS, ALL, 0x12 }, { FG_TCP_FLAGS, NOT, 0x10 },
	     { FG_TCP_FLAGS, NOT | ALL, 1 });
	check_match("tcp-flags [ syn =syn+ack !ack !=fin ]");
	RULE({ FG_TCP_FLAGS, ALL, 2 }, { FG_TCP_FLAGS, AND | NOT, 0x15 });
	check_match("tcp-flags =syn&!fin+rst+ack");
	RULE({ FG_TCP_FLAGS, 0, 0 }, { FG_TCP_FLAGS, ALL, 0 });
	check_match("tcp-flags [ false true ]");
	RULE({ FG_FRAGMENT, 0, 15 });
	check_match("fragment dont-fragment+is-fragment+first-fragment+last-fragment");
	TERMS(&rule, FG_IPV6, { FG_FRAGMENT, 0, 15 });
	check_match("family ipv6 fragment is-fragment+first-fragment+last-fragment");
}

static void test_prefixes(void **state)
{
	(void)state;
	OCTETS(&rule, FG_IPV4, 1, 24, 192, 0, 2, 2, 0);
	check_match("destination 192.0.2.0/24 source 0.0.0.0/0");
	OCTETS(&rule, FG_IPV6, 1, 32, 0, 0x20, 1, 0x0d, 0xb8, 3, 0x81, 6);
	check_match("destination 2001:db8::/32 protocol tcp");
	OCTETS(&rule, FG_IPV6, 2, 104, 64, 0x12, 0x34, 0x56, 0x78, 0x9a);
	check_match("source ::1234:5678:9a00:0/104/64");
	OCTETS(&rule, FG_IPV6, 1, 0, 0);
	check_match("destination ::/0");
	OCTETS(&rule, FG_IPV6, 3, 0x81, 6);
	check_match("family ipv6 protocol tcp");
}

static void check_address(const char *expected, const uint8_t *octets)
{
	struct fg_out o = fg_out_begin(text, sizeof(text));

	fg_out_address(&o, FG_IPV6, octets);
	assert_string_equal(text, expected);
}

/* RFC 5952 §4.2: the longest run of zeros, the first of equals, never one group. */
static void test_addresses(void **state)
{
	(void)state;
	check_address("::", (const uint8_t[16]){ 0 });
	check_address("::1", (const uint8_t[16]){ [15] = 1 });
	check_address("1::", (const uint8_t[16]){ [1] = 1 });
	check_address("1:0:0:2::3", (const uint8_t[16]){ [1] = 1, [7] = 2, [15] = 3 });
	check_address("1::2:0:0:3:0", (const uint8_t[16]){ [1] = 1, [7] = 2, [13] = 3 });
	check_address("0:1:1:1:1:1:1:1",
		      (const uint8_t[16]){ [3] = 1, [5] = 1, [7] = 1, [9] = 1, [11] = 1, [13] = 1, [15] = 1 });
	check_address("1:2:3:4:5:6:0:8", (const uint8_t[16]){ 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 0, 0, 8 });
}

static void test_rule(void **state)
{
	(void)state;
	OCTETS(&rule, FG_IPV4, 1, 24, 203, 0, 113, 3, 0x81, 17, 6, 0x81, 123, 10, 0x83, 200);
	strcpy(rule.rule.name, "NTP");
	rule.rule.actions = (struct fg_actions){ .set = FG_ACT_RATE_BYTES, .rate_bytes_per_s = 10e6f };
	check_rule("name NTP match destination 203.0.113.0/24 protocol udp source-port 123 packet-length >=200 then "
		   "rate-limit 10000000");
	strcpy(rule.rule.name, "a \"name\"\n");
	rule.rule.actions.set = FG_ACT_UNKNOWN;
	check_rule("name \"a _name__\" match destination 203.0.113.0/24 protocol udp source-port 123 packet-length "
		   ">=200 then accept "
		   "# with actions of unknown type");
}

static void check_octets(const char *expected)
{
	check_rule(expected);
	assert_false(fg_rule_is_minimal(&rule.rule));
}

/* What text cannot say octet by octet is written in octets, for they decide identity and order. */
static void test_not_minimal(void **state)
{
	(void)state;
	OCTETS(&rule, FG_IPV4, 5, 0x91, 0, 80);
	check_octets("match family ipv4 nlri 05910050 then accept # destination-port 80");
	OCTETS(&rule, FG_IPV4, 5, 0xc1, 80); /* the AND bit of the first operator */
	check_octets("match family ipv4 nlri 05c150 then accept # destination-port 80");
	OCTETS(&rule, FG_IPV4, 5, 0x89, 80); /* an operator bit that is ignored */
	check_octets("match family ipv4 nlri 058950 then accept # destination-port 80");
	OCTETS(&rule, FG_IPV4, 1, 20, 10, 0, 0xff); /* bits behind the prefix */
	check_octets("match family ipv4 nlri 01140a00ff then accept # destination 10.0.240.0/20");
	OCTETS(&rule, FG_IPV4, 9, 0x91, 0, 2);
	check_octets("match family ipv4 nlri 09910002 then accept # tcp-flags =syn");
	built_begin(&rule, FG_IPV6);
	rule.rule.offset_form = FG_OFFSET_FULL;
	memcpy(rule.nlri.octets, (const uint8_t[]){ 2, 16, 8, 0, 0x12 }, 5);
	rule.nlri.len = 5;
	built_end(&rule);
	check_octets("match family ipv6 nlri 0210080012 then accept # source 12::/16/8");
}

/* Minimal octets, but with something that the text has no word for. */
static void test_unsaid(void **state)
{
	(void)state;
	OCTETS(&rule, FG_IPV4, 11, 0x81, 101); /* RFC 8955 §4.2.2.11: 37 */
	assert_true(fg_rule_is_minimal(&rule.rule));
	check_rule("match family ipv4 nlri 0b8165 then accept # dscp 37");
	OCTETS(&rule, FG_IPV4, 5, 0x87, 80);
	check_rule("match family ipv4 nlri 058750 then accept # destination-port true");
	OCTETS(&rule, FG_IPV4, 12, 0x80, 0xf2);
	check_rule("match family ipv4 nlri 0c80f2 then accept # fragment is-fragment");
	OCTETS(&rule, FG_IPV6, 12, 0x80, 0x01);
	check_rule("match family ipv6 nlri 0c8001 then accept # family ipv6 fragment false");
	OCTETS(&rule, FG_IPV4, 9, 0x83, 0);
	check_rule("match family ipv4 nlri 098300 then accept # tcp-flags false");
	OCTETS(&rule, FG_IPV4, 9, 0x91, 0x10, 0x02);
	check_rule("match family ipv4 nlri 09911002 then accept # tcp-flags =syn+0x1000");
}

/* The longest texts that an NLRI can have fit FG_TEXT_MAX. */
static void test_room_is_enough(void **state)
{
	static const struct {
		uint8_t type;
		uint8_t op;
		uint8_t value;
	} worst[] = {
		{ FG_FRAGMENT, 3, 0xff }, { FG_TCP_FLAGS, 3, 0xff }, { FG_ICMP_TYPE, 6, 17 }, { FG_ICMP_TYPE, 6, 13 }
	};

	(void)state;
	for (size_t w = 0; w < sizeof(worst) / sizeof(worst[0]); w++) {
		built_begin(&rule, FG_IPV4);
		rule.nlri.octets[0] = worst[w].type;
		for (rule.nlri.len = 1; rule.nlri.len + 2 <= FG_NLRI_MAX;
		     rule.nlri.len = (uint16_t)(rule.nlri.len + 2)) {
			rule.nlri.octets[rule.nlri.len] = worst[w].op | 0x08;
			rule.nlri.octets[rule.nlri.len + 1] = worst[w].value;
		}
		rule.nlri.octets[rule.nlri.len - 2] |= FG_OP_END;
		built_end(&rule);
		memset(rule.rule.name, 'x', FG_NAME_MAX);
		assert_true(fg_rule_print(&rule.rule, text, sizeof(text)) > 0);
	}
}

/* Random rules: text is printable, one line, and within its room. */
static void test_random(void **state)
{
	const struct or_gen_rules how = { .wild_percent = 60, .full_percent = 20, .no_dst_percent = 30 };
	struct or_random r = or_random_seed(6);

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct or_gen_rule g;
		struct fg_rule f = { .family = i % 2 ? FG_IPV6 : FG_IPV4 };
		size_t len;

		or_gen_rule(&r, i % 2 ? OR_IPV6 : OR_IPV4, &how, &g);
		f.nlri = g.octets;
		f.nlri_len = g.len;
		f.offset_form = g.full_offset ? FG_OFFSET_FULL : FG_OFFSET_STRICT;
		len = fg_rule_print(&f, text, sizeof(text));
		assert_true(len > 0 && text[len] == '\0');
		for (size_t k = 0; k < len; k++)
			assert_true(text[k] >= ' ' && text[k] <= '~');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numeric),  cmocka_unit_test(test_flags),
		cmocka_unit_test(test_prefixes), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_rule),     cmocka_unit_test(test_not_minimal),
		cmocka_unit_test(test_unsaid),   cmocka_unit_test(test_room_is_enough),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
