/* SPDX-License-Identifier: BSD-3-Clause */
/* Lint of one rule (lint.c, and explain.c for the words): what is refused, what is warned of, and what is left in peace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/rule/explain.h"
#include "ctrl/rule/lint.h"
#include "tests/unit/rule/build.h"

static struct built rule;
static struct fg_findings found;
static const struct fg_lint_limits no_limits;

static int lint(const struct fg_lint_limits *limits)
{
	found.count = 0;
	return fg_rule_lint(&rule.rule, &rule.canon, limits, &found);
}

static void check(enum fg_reason reason, uint8_t component, const char *detail)
{
	assert_int_equal(lint(&no_limits), fg_reason_is_warning(reason) ? FG_OK : (int)reason);
	assert_int_equal(found.count, 1);
	assert_int_equal(found.at[0].code, reason);
	assert_int_equal(found.at[0].component, component);
	assert_string_equal(found.at[0].detail, detail);
}

static void check_never(uint8_t component, const char *detail)
{
	check(FG_NEVER_MATCHES, component, detail);
}

static void check_nothing(void)
{
	assert_int_equal(lint(&no_limits), FG_OK);
	assert_int_equal(found.count, 0);
}

#define RULE(...) TERMS(&rule, FG_IPV4, __VA_ARGS__)
#define RULE6(...) TERMS(&rule, FG_IPV6, __VA_ARGS__)

/* 2013-03-03: as list, as range; and what 16 bits would have made of it is a rule like any other. */
static void test_hazard_outage_2013(void **state)
{
	(void)state;
	RULE({ FG_PORT, EQ, 53 }, { FG_LENGTH, EQ, 99971 }, { FG_LENGTH, EQ, 99985 });
	assert_int_equal(lint(&no_limits), FG_NEVER_MATCHES);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.at[0].code, FG_NEVER_MATCHES);
	assert_int_equal(found.at[0].component, FG_LENGTH);
	assert_string_equal(found.at[0].source, "RFC 8955 §4.2.2.10");
	assert_string_equal(found.at[0].detail,
			    "packet-length [ 99971 99985 ] is above 65535, the largest IPv4 packet");
	assert_int_equal(found.at[1].code, FG_TWO_VALUES);
	assert_string_equal(found.at[1].detail,
			    "packet-length [ 99971 99985 ] is two values; the range is 99971-99985");
	RULE({ FG_PORT, EQ, 53 }, { FG_LENGTH, GE, 99971 }, { FG_LENGTH, AND | LE, 99985 });
	check_never(FG_LENGTH, "packet-length 99971-99985 is above 65535, the largest IPv4 packet");
	RULE({ FG_PORT, EQ, 53 }, { FG_LENGTH, GE, 34435 }, { FG_LENGTH, AND | LE, 34449 });
	check_nothing();
}

static void test_impossible_values(void **state)
{
	(void)state;
	RULE({ FG_LENGTH, EQ, 99971 });
	check_never(FG_LENGTH, "packet-length 99971 is above 65535, the largest IPv4 packet");
	RULE6({ FG_LENGTH, EQ, 65575 });
	check_nothing();
	RULE6({ FG_LENGTH, EQ, 65576 });
	check_never(FG_LENGTH, "packet-length 65576 is above 65575, the largest IPv6 packet");
	RULE6({ FG_LENGTH, LT, 40 });
	check_never(FG_LENGTH, "packet-length <40 is below 40, the smallest IPv6 packet");
	RULE({ FG_DPORT, EQ, 70000 });
	check_never(FG_DPORT, "destination-port 70000 is above 65535, the highest port");
	RULE({ FG_PROTO, GT, 255 });
	check_never(FG_PROTO, "protocol >255 is above 255, the most that one octet holds");
	RULE6({ FG_FLOW_LABEL, GT, UINT64_MAX });
	check_never(FG_FLOW_LABEL, "no value from 0 to 1048575 satisfies flow-label >18446744073709551615");
	RULE({ FG_SPORT, GE, 80 }, { FG_SPORT, AND | LE, 60 });
	check_never(FG_SPORT, "no value from 0 to 65535 satisfies source-port >=80&<=60");
	RULE({ FG_DSCP, 0, 0 });
	check_never(FG_DSCP, "no value from 0 to 63 satisfies dscp false");
}

static void test_impossible_bits(void **state)
{
	(void)state;
	RULE({ FG_FRAGMENT, ALL, FG_FRAG_FIRST | FG_FRAG_LAST });
	check_never(FG_FRAGMENT, "no fragment state satisfies fragment =first-fragment+last-fragment");
	RULE({ FG_FRAGMENT, 0, FG_FRAG_IS }, { FG_FRAGMENT, AND, FG_FRAG_FIRST });
	check_never(FG_FRAGMENT, "no fragment state satisfies fragment is-fragment&first-fragment");
	RULE6({ FG_FRAGMENT, 0, FG_FRAG_DF });
	check_never(FG_FRAGMENT, "no fragment state satisfies fragment false");
	RULE({ FG_TCP_FLAGS, ALL, 2 }, { FG_TCP_FLAGS, AND | NOT, 2 });
	check_never(FG_TCP_FLAGS, "no TCP header satisfies tcp-flags =syn&!syn");
	RULE({ FG_TCP_FLAGS, ALL, 0x1002 });
	check_never(FG_TCP_FLAGS, "no TCP header satisfies tcp-flags =syn+0x1000");
}

static void test_contradictions(void **state)
{
	(void)state;
	RULE({ FG_PROTO, EQ, 1 }, { FG_DPORT, EQ, 53 }, { FG_DSCP, EQ, 1 });
	check_never(FG_DPORT,
		    "no packet satisfies protocol icmp and destination-port 53: only protocols 6 (TCP) and 17 (UDP) "
		    "have ports");
	RULE({ FG_PROTO, EQ, 17 }, { FG_TCP_FLAGS, 0, 2 });
	check_never(FG_TCP_FLAGS,
		    "no packet satisfies protocol udp and tcp-flags syn: only protocol 6 (TCP) has flags");
	RULE({ FG_PROTO, EQ, 58 }, { FG_ICMP_TYPE, EQ, 8 });
	check_never(FG_ICMP_TYPE,
		    "no packet satisfies protocol ipv6-icmp and icmp-type echo-request: only protocol 1 (ICMP) has it");
	RULE6({ FG_PROTO, EQ, 1 }, { FG_ICMP_CODE, EQ, 0 });
	check_never(FG_ICMP_CODE,
		    "no packet satisfies protocol icmp and icmp-code 0: only protocol 58 (ICMPv6) has it");
	RULE({ FG_PORT, EQ, 53 }, { FG_ICMP_TYPE, EQ, 8 });
	check_never(
		FG_ICMP_TYPE,
		"no packet satisfies port 53 and icmp-type echo-request: one is for ICMP, the other for TCP and UDP");
	RULE({ FG_DPORT, EQ, 53 }, { FG_FRAGMENT, 0, FG_FRAG_IS });
	check_never(FG_FRAGMENT,
		    "no packet satisfies destination-port 53 and fragment is-fragment: only the first fragment has a "
		    "transport header");
	RULE({ FG_PORT, EQ, 53 }, { FG_DPORT, EQ, 80 }, { FG_SPORT, EQ, 443 });
	check_never(
		FG_SPORT,
		"no packet satisfies port 53 and destination-port 80 and source-port 443: `port` must hold for one of "
		"the two");
	RULE({ FG_TCP_FLAGS, 0, 2 }, { FG_LENGTH, LT, 34 });
	check_never(FG_LENGTH,
		    "no packet satisfies tcp-flags syn and packet-length <34: the headers alone take 34 octets");
	RULE6({ FG_PROTO, EQ, 44 }, { FG_FRAGMENT, NOT, FG_FRAG_IS });
	check_never(FG_FRAGMENT,
		    "no packet satisfies protocol ipv6-frag and fragment !is-fragment: an extension header is the "
		    "protocol of later fragments only");
}

static void test_possible_together(void **state)
{
	(void)state;
	RULE({ FG_PORT, EQ, 53 }, { FG_DPORT, EQ, 80 }, { FG_SPORT, EQ, 53 });
	check_nothing();
	RULE({ FG_PORT, EQ, 53 }, { FG_FRAGMENT, 0, FG_FRAG_FIRST });
	check_nothing();
	RULE({ FG_PROTO, EQ, 6 }, { FG_TCP_FLAGS, 0, 2 }, { FG_LENGTH, EQ, 34 });
	check_nothing();
	RULE6({ FG_PROTO, EQ, 44 });
	check_nothing();
	RULE6({ FG_PROTO, EQ, 58 }, { FG_ICMP_TYPE, EQ, 128 });
	check_nothing();
}

static void test_parts(void **state)
{
	(void)state;
	RULE({ FG_PORT, GE, 80 }, { FG_PORT, AND | LE, 60 }, { FG_PORT, EQ, 443 });
	check(FG_PART_NEVER_MATCHES, FG_PORT, "no value from 0 to 65535 satisfies port >=80&<=60");
	RULE({ FG_PROTO, EQ, 17 }, { FG_PROTO, EQ, 1 }, { FG_PROTO, EQ, 2 }, { FG_PORT, EQ, 53 });
	check(FG_PART_NEVER_MATCHES, FG_PROTO,
	      "no packet satisfies protocol icmp and port 53: only protocols 6 (TCP) and 17 (UDP) have ports; other "
	      "parts of "
	      "the list that match nothing: 1");
	RULE({ FG_LENGTH, EQ, 100 }, { FG_LENGTH, EQ, 99971 }, { FG_LENGTH, EQ, 200 });
	check(FG_PART_NEVER_MATCHES, FG_LENGTH, "packet-length 99971 is above 65535, the largest IPv4 packet");
	RULE({ FG_FRAGMENT, 0, FG_FRAG_IS }, { FG_FRAGMENT, ALL, FG_FRAG_IS | FG_FRAG_FIRST });
	check(FG_PART_NEVER_MATCHES, FG_FRAGMENT, "no fragment state satisfies fragment =is-fragment+first-fragment");
	RULE({ FG_TCP_FLAGS, ALL, 2 }, { FG_TCP_FLAGS, 0, 0 });
	check(FG_PART_NEVER_MATCHES, FG_TCP_FLAGS, "no TCP header satisfies tcp-flags false");
}

static void test_mtu(void **state)
{
	struct fg_lint_limits limits = { .mtu = 1500 };

	(void)state;
	RULE({ FG_LENGTH, GT, 1500 });
	assert_int_equal(lint(&limits), FG_NEVER_MATCHES);
	assert_string_equal(found.at[0].detail, "packet-length >1500 is above 1500, the largest packet of the links");
	limits.allow_above_mtu = true;
	assert_int_equal(lint(&limits), FG_OK);
	assert_int_equal(found.count, 0);
	check_nothing();
	RULE({ FG_LENGTH, EQ, 99971 });
	assert_int_equal(lint(&limits), FG_NEVER_MATCHES); /* nobody can allow this */
	limits.allow_above_mtu = false;
	RULE({ FG_LENGTH, GE, 1400 });
	assert_int_equal(lint(&limits), FG_OK);
	assert_int_equal(found.count, 0);
	RULE({ FG_LENGTH, EQ, 1400 }, { FG_LENGTH, EQ, 1200 }, { FG_LENGTH, GE, 9000 });
	assert_int_equal(lint(&limits), FG_OK);
	assert_int_equal(found.at[0].code, FG_PART_NEVER_MATCHES);
	assert_string_equal(found.at[0].detail, "packet-length >=9000 is above 1500, the largest packet of the links");
}

static void test_always(void **state)
{
	(void)state;
	RULE({ FG_LENGTH, GE, 20 });
	check(FG_ALWAYS_MATCHES, FG_LENGTH, "packet-length >=20 holds for every packet");
	RULE({ FG_LENGTH, GE, 21 });
	check_nothing();
	RULE({ FG_PORT, GE, 0 });
	check(FG_ALWAYS_MATCHES, FG_PORT, "port >=0 holds for every port: all it asks is that the header is there");
	RULE({ FG_FRAGMENT, 0, FG_FRAG_IS }, { FG_FRAGMENT, NOT, FG_FRAG_IS });
	check(FG_ALWAYS_MATCHES, FG_FRAGMENT, "fragment [ is-fragment !is-fragment ] holds for every packet");
	RULE({ FG_TCP_FLAGS, ALL, 0 });
	check(FG_ALWAYS_MATCHES, FG_TCP_FLAGS,
	      "tcp-flags true holds for every tcp-flags: all it asks is that the header is there");
}

static void test_two_values(void **state)
{
	(void)state;
	RULE({ FG_LENGTH, EQ, 100 }, { FG_LENGTH, EQ, 200 });
	check(FG_TWO_VALUES, FG_LENGTH, "packet-length [ 100 200 ] is two values; the range is 100-200");
	RULE({ FG_DPORT, EQ, 1024 }, { FG_DPORT, EQ, 65535 });
	check(FG_TWO_VALUES, FG_DPORT, "destination-port [ 1024 65535 ] is two values; the range is 1024-65535");
	RULE({ FG_DPORT, EQ, 53 }, { FG_DPORT, EQ, 123 });
	check_nothing();
	RULE({ FG_LENGTH, EQ, 100 }, { FG_LENGTH, EQ, 200 }, { FG_LENGTH, EQ, 300 });
	check_nothing();
	RULE({ FG_LENGTH, GE, 100 }, { FG_LENGTH, AND | LE, 200 });
	check_nothing();
	RULE({ FG_LENGTH, EQ, 200 }, { FG_LENGTH, EQ, 100 });
	check_nothing();
}

static void test_clamped(void **state)
{
	(void)state;
	RULE({ FG_DSCP, EQ, 101 });
	check(FG_VALUE_CLAMPED, FG_DSCP, "dscp 101 is above 63: its low six bits count, which are 37");
	RULE({ FG_DSCP, EQ, 63 });
	check_nothing();
	rule.rule.actions = (struct fg_actions){ .set = FG_ACT_RATE_BYTES, .rate_bytes_per_s = 3.4e38f };
	check(FG_VALUE_CLAMPED, 0, "rate-limit 3.4e+38 octets/s is above what any link carries: it limits nothing");
	rule.rule.actions.rate_bytes_per_s = 1e12f;
	check_nothing();
	rule.rule.actions = (struct fg_actions){ .set = FG_ACT_RATE_PACKETS, .rate_packets_per_s = 1e30f };
	check(FG_VALUE_CLAMPED, 0,
	      "rate-limit-packets 1e+30 packets/s is above what any link carries: it limits nothing");
}

/* The longest list there can be: done in one breath, and its text fits the finding. */
static void test_longest_list(void **state)
{
	(void)state;
	built_begin(&rule, FG_IPV4);
	for (uint64_t i = 0; rule.nlri.len + 3 <= FG_NLRI_MAX; i++)
		assert_int_equal(fg_nlri_put_term(&rule.nlri, FG_ICMP_TYPE, EQ | (i % 2 ? AND : 0), i % 251), 0);
	built_end(&rule);
	assert_int_equal(lint(&no_limits), FG_NEVER_MATCHES);
	assert_non_null(strstr(found.at[0].detail, "…"));
	built_begin(&rule, FG_IPV4);
	for (uint64_t i = 0; rule.nlri.len + 3 <= FG_NLRI_MAX; i++)
		assert_int_equal(fg_nlri_put_term(&rule.nlri, FG_FRAGMENT, 0, FG_FRAG_DF | FG_FRAG_IS), 0);
	built_end(&rule);
	assert_int_equal(lint(&no_limits), FG_OK);
}

static void test_groups(void **state)
{
	struct fg_component c = { .type = FG_PORT, .len = 0 }, group;
	size_t at = 0;

	(void)state;
	RULE({ FG_PORT, GE, 80 }, { FG_PORT, AND | LE, 443 }, { FG_PORT, EQ, 8080 });
	c.body = rule.rule.nlri + 1;
	c.len = (uint16_t)(rule.rule.nlri_len - 1);
	assert_true(fg_component_group(&c, &at, &group));
	assert_int_equal(group.len, 5);
	assert_true(fg_component_group(&c, &at, &group));
	assert_int_equal(group.len, 3);
	assert_false(fg_component_group(&c, &at, &group));
	assert_int_equal(at, c.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hazard_outage_2013),
		cmocka_unit_test(test_impossible_values),
		cmocka_unit_test(test_impossible_bits),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_possible_together),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_mtu),
		cmocka_unit_test(test_always),
		cmocka_unit_test(test_two_values),
		cmocka_unit_test(test_clamped),
		cmocka_unit_test(test_longest_list),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
