/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Canonical form (canon.c) against the naive evaluation of tests/oracle: for random rules, each component and value, an interval list or
 * truth table holds the value exactly where the operators on the received octets say so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/rule/canon.h"
#include "flowgate/packet.h"
#include "tests/oracle/generate.h"

static bool holds(const struct fg_interval *list, size_t n, uint32_t v)
{
	for (size_t i = 0; i < n; i++)
		if (v >= list[i].lo && v <= list[i].hi)
			return true;
	return false;
}

static void assert_canonical(const struct fg_interval *list, size_t n, struct fg_interval range)
{
	for (size_t i = 0; i < n; i++) {
		assert_true(list[i].lo <= list[i].hi && list[i].lo >= range.lo && list[i].hi <= range.hi);
		if (i > 0)
			assert_true(list[i].lo > list[i - 1].hi + 1);
	}
}

static struct or_component naive(const struct fg_component *c)
{
	return (struct or_component){ .type = c->type, .len = c->len, .body = c->body };
}

static void compare_numeric(enum fg_family family, const struct fg_component *c, struct or_random *r)
{
	static struct fg_interval list[FG_INTERVALS_MAX];
	struct fg_interval range = fg_field_range(family, c->type);
	struct or_component o = naive(c);
	uint64_t mask = c->type == FG_DSCP ? 0x3f : UINT64_MAX;
	size_t n = fg_component_intervals(family, c, list);

	assert_canonical(list, n, range);
	for (size_t i = 0; i < n; i++) {
		assert_true(or_numeric_list(&o, list[i].lo, mask) && or_numeric_list(&o, list[i].hi, mask));
		if (list[i].lo > range.lo)
			assert_false(or_numeric_list(&o, list[i].lo - 1, mask));
		if (list[i].hi < range.hi)
			assert_false(or_numeric_list(&o, list[i].hi + 1, mask));
	}
	for (int i = 0; i < 50; i++) {
		uint32_t v = range.lo + or_random_below(r, range.hi - range.lo + 1);

		assert_int_equal(holds(list, n, v), or_numeric_list(&o, v, mask));
	}
}

static void compare_tcp(const struct fg_component *c)
{
	static struct fg_tcp_table t;
	struct or_component o = naive(c);

	fg_component_tcp_table(c, &t);
	for (uint32_t v = 0; v < 1u << FG_TCP_FLAGS_BITS; v++)
		assert_int_equal((t.word[v / 64] >> v % 64) & 1, or_bitmask_list(&o, v, 0xffff));
}

static void compare_fragment(enum fg_family family, const struct fg_component *c)
{
	static const uint8_t bits[FG_FRAGMENT_STATES - 1] = { 0, 1, 4, 5, 2, 3, 10, 11 };
	struct or_component o = naive(c);
	uint16_t states = fg_component_fragment_states(family, c);

	assert_int_equal(states >> FG_FRAGMENT_UNKNOWN, 0);
	for (uint32_t s = 0; s < FG_FRAGMENT_UNKNOWN; s++) {
		if (family == FG_IPV6 && (s & FG_FRAGMENT_DF))
			continue;
		assert_int_equal((states >> s) & 1, or_bitmask_list(&o, bits[s], family == FG_IPV6 ? 0x0e : 0x0f));
	}
}

static void test_agrees_with_oracle(void **state)
{
	const struct or_gen_rules how = { .wild_percent = 50, .no_dst_percent = 50 };
	struct or_random r = or_random_seed(99971);
	size_t seen[FG_COMPONENT_MAX + 1] = { 0 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		enum fg_family family = i % 2 ? FG_IPV6 : FG_IPV4;
		struct or_gen_rule g;
		struct fg_rule rule = { .family = (uint8_t)family };
		struct fg_component_iter it;
		struct fg_component c;

		or_gen_rule(&r, family == FG_IPV4 ? OR_IPV4 : OR_IPV6, &how, &g);
		rule.nlri = g.octets;
		rule.nlri_len = g.len;
		it = fg_components(&rule);
		while (fg_component_next(&it, &c, NULL) == 0) {
			seen[c.type]++;
			if (c.type == FG_TCP_FLAGS)
				compare_tcp(&c);
			else if (c.type == FG_FRAGMENT)
				compare_fragment(family, &c);
			else if (c.type > FG_SRC)
				compare_numeric(family, &c, &r);
		}
	}
	for (int t = FG_DST; t <= FG_COMPONENT_MAX; t++)
		assert_true(seen[t] > 100);
}

static size_t intervals(enum fg_family family, uint8_t type, const uint8_t *body, size_t len, struct fg_interval *out)
{
	struct fg_component c = { .type = type, .len = (uint16_t)len, .body = body };

	return fg_component_intervals(family, &c, out);
}

#define BODY(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

/* 2013-03-03: the rule of that day matches nothing, in every way it can be written; the truncated one is another rule. */
static void test_hazard_outage_2013(void **state)
{
	static struct fg_interval out[FG_INTERVALS_MAX];

	(void)state;
	assert_int_equal(intervals(FG_IPV4, FG_LENGTH, BODY(0x21, 0, 1, 0x86, 0x83, 0xa1, 0, 1, 0x86, 0x91), out), 0);
	assert_int_equal(intervals(FG_IPV4, FG_LENGTH, BODY(0x23, 0, 1, 0x86, 0x83, 0xe5, 0, 1, 0x86, 0x91), out), 0);
	assert_int_equal(intervals(FG_IPV6, FG_LENGTH, BODY(0x23, 0, 1, 0x86, 0x83, 0xe5, 0, 1, 0x86, 0x91), out), 0);
	assert_int_equal(intervals(FG_IPV4, FG_LENGTH, BODY(0x13, 0x86, 0x83, 0xd5, 0x86, 0x91), out), 1);
	assert_int_equal(out[0].lo, 34435);
	assert_int_equal(out[0].hi, 34449);
}

static void test_ranges_and_edges(void **state)
{
	static struct fg_interval out[FG_INTERVALS_MAX];

	(void)state;
	/* != 80 is two intervals; FALSE is none; TRUE is all; adjacent values join. */
	assert_int_equal(intervals(FG_IPV4, FG_DPORT, BODY(0x86, 80), out), 2);
	assert_int_equal(intervals(FG_IPV4, FG_DPORT, BODY(0x80, 80), out), 0);
	assert_int_equal(intervals(FG_IPV4, FG_DPORT, BODY(0x87, 80), out), 1);
	assert_int_equal(intervals(FG_IPV4, FG_DPORT, BODY(0x01, 81, 0x81, 80), out), 1);
	/* The largest IPv6 packet is above 16 bits. */
	assert_int_equal(intervals(FG_IPV6, FG_LENGTH, BODY(0xa3, 0, 1, 0, 0), out), 1);
	assert_int_equal(out[0].hi, FG_LENGTH6_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_oracle),
		cmocka_unit_test(test_hazard_outage_2013),
		cmocka_unit_test(test_ranges_and_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
