/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule's own cost: what its group becomes dearer by, and the limits of one rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/load/loading.h"

static char text[1 << 20];

/* n rules on one destination: each with a list, so that they go into segments. */
static void group_text(size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(
			text + at, sizeof(text) - at,
			"match destination 192.0.2.1/32 source-port [ %zu %zu ] packet-length %zu then discard\n", i,
			i + 2000, 100 + i);
}

/* The costs of the rules of one group add up to that of the table: exactly while few, but for rounding when many. */
static void test_costs_add_up(void **state)
{
	static const size_t sizes[] = { 1, 2, 5, 31, 32, 33, 64, 200, 600, 2000 };
	struct fg_cost nothing = loading_judged("", "")->cost;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		uint64_t bytes = 0;
		struct fg_load *l;

		group_text(sizes[i]);
		l = loading_judged("limits { rule { lines 100000; } }", text);
		assert_int_equal(l->admitted, sizes[i]);
		for (size_t r = 0; r < l->count; r++) {
			assert_int_equal(l->rule[r]->cost.slots, 1);
			bytes += l->rule[r]->cost.bytes;
		}
		assert_true(bytes >= l->cost.bytes - nothing.bytes);
		assert_true(bytes <= (l->cost.bytes - nothing.bytes) * 11 / 10 + sizes[i]);
	}
}

static void test_alone_it_is_the_table(void **state)
{
	struct fg_cost nothing = loading_judged("", "")->cost;
	struct fg_load *l =
		loading_judged("", "match destination 192.0.2.1/32 port 53 packet-length 1200-1500 then discard");

	(void)state;
	assert_int_equal(l->rule[0]->cost.bytes, l->cost.bytes - nothing.bytes);
	assert_int_equal(l->rule[0]->cost.lines, l->cost.lines - nothing.lines);
	assert_int_equal(l->rule[0]->cost.bytes, 192);
	assert_int_equal(l->rule[0]->cost.lines, 4);
}

static void test_limits_of_one_rule(void **state)
{
	static const char rules[] =
		"match destination 192.0.2.1/32 then discard\n"
		"match destination 192.0.2.2/32 source-port [ 1 3 5 ] destination-port [ 1 3 ] then discard\n"
		"match destination 192.0.2.3/32 then discard";
	struct fg_load *l = loading_judged("limits { rule { lines 8; } }", rules);

	(void)state;
	assert_int_equal(l->admitted, 2);
	assert_int_equal(loading_reason(1), FG_OVER_BUDGET);
	assert_int_equal(l->rule[1]->finding[0].resource, FG_RES_LINES);
	assert_int_equal(l->rule[1]->finding[0].needed, l->rule[1]->cost.lines);
	assert_int_equal(l->rule[1]->finding[0].available, 8);
	l = loading_judged("limits { rule { bytes 500; } }", rules);
	assert_int_equal(l->admitted, 2);
	assert_int_equal(l->rule[1]->finding[0].resource, FG_RES_BYTES);
}

static void test_refused_rules_have_a_cost(void **state)
{
	struct fg_load *l = loading_judged("", "match destination 192.0.2.1/32 protocol icmp port 53 then discard\n"
					       "match nlri 63 then discard");

	(void)state;
	assert_true(l->rule[0]->cost.bytes > 0);
	assert_int_equal(l->rule[1]->cost.bytes, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_costs_add_up),
		cmocka_unit_test(test_alone_it_is_the_table),
		cmocka_unit_test(test_limits_of_one_rule),
		cmocka_unit_test(test_refused_rules_have_a_cost),
	};

	return cmocka_run_group_tests(tests, NULL, loading_end);
}
