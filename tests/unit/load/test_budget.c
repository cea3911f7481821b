/* SPDX-License-Identifier: BSD-3-Clause */
/* Budgets: halving admits what trying one rule after the other would; each resource; what a refusal says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/load/loading.h"

enum { RULES = 60, LINE_OCTETS = 200 };

static char line[RULES][LINE_OCTETS];
static char text[RULES * LINE_OCTETS];

static uint32_t draw(uint32_t n)
{
	static uint64_t state = 20130303;

	state = state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(state >> 33) % n;
}

/* Nested destinations, some with lists, some that go on. */
static void draw_lines(void)
{
	for (size_t i = 0; i < RULES; i++) {
		uint32_t length = 16 + draw(17);
		char list[40] = "";

		if (draw(2))
			snprintf(list, sizeof(list), " source-port [ %u %u ]", draw(100), 200 + draw(100));
		snprintf(line[i], LINE_OCTETS,
			 "match destination 192.0.%u.%u/%u destination-port %zu%s then sample%s\n", draw(2), draw(4),
			 length, i, list, draw(5) ? "" : " continue");
	}
}

/* The text of the lines that are in. */
static const char *text_of(const bool in[RULES])
{
	text[0] = '\0';
	for (size_t i = 0; i < RULES; i++)
		if (in[i])
			strcat(text, line[i]);
	return text;
}

static void compare_with_one_by_one(const char *limits)
{
	bool in[RULES] = { false }, all[RULES];
	size_t admitted = 0;
	struct fg_load *l;

	for (size_t i = 0; i < RULES; i++) {
		in[i] = true;
		l = loading_judged(limits, text_of(in));
		in[i] = l->admitted == l->count;
		admitted += in[i];
	}
	memset(all, true, sizeof(all));
	l = loading_judged(limits, text_of(all));
	assert_int_equal(l->admitted, admitted);
	for (size_t i = 0; i < RULES; i++)
		assert_int_equal(l->rule[i]->state == FG_STATE_ADMITTED, in[i]);
	assert_true(l->cost.bytes <= l->limits.bytes && l->cost.lines <= l->limits.lines &&
		    l->cost.slots <= l->limits.slots);
}

static void test_as_one_by_one(void **state)
{
	static const char *const limits[] = { "limits { slots 20; }", "limits { lines 40; }",
					      "limits { bytes 67266072; }",
					      "limits { lines 60; bytes 67271072; slots 50; }", "" };

	(void)state;
	for (int round = 0; round < 4; round++) {
		draw_lines();
		for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
			compare_with_one_by_one(limits[i]);
	}
}

static void test_a_refusal_says_why(void **state)
{
	struct fg_load *l =
		loading_judged("limits { bytes 67256872; }",
			       "match destination 192.0.2.1/32 then discard\n"
			       "match destination 192.0.2.2/32 port [ 1 3 5 7 ] protocol [ 6 17 ] then discard");
	const struct fg_finding *f = l->rule[1]->finding;

	(void)state;
	assert_int_equal(l->rule[0]->state, FG_STATE_ADMITTED);
	assert_int_equal(f->code, FG_OVER_BUDGET);
	assert_int_equal(f->resource, FG_RES_BYTES);
	assert_true(f->needed > f->available);
	assert_int_equal(f->available, l->limits.bytes - l->cost.bytes);
	assert_memory_equal(f->cheapest_fix, "drop port: -", 12);
}

static void test_source_limits(void **state)
{
	struct fg_load *l = loading_judged("limits { source det { slots 1; } source big { bytes 100; } }",
					   "match destination 192.0.2.1/32 source-name det then discard\n"
					   "match destination 192.0.2.2/32 source-name det then discard\n"
					   "match destination 192.0.2.3/32 source-name big then discard\n"
					   "match destination 192.0.2.4/32 then discard");

	(void)state;
	assert_int_equal(l->admitted, 2);
	assert_int_equal(l->rule[1]->finding[0].resource, FG_RES_SLOTS);
	assert_int_equal(l->rule[2]->finding[0].resource, FG_RES_BYTES);
}

/* The last of FG_APPLIED_MAX applied rules must be able to end it. */
static void test_continues(void **state)
{
	size_t at = 0;

	(void)state;
	for (int i = 0; i < FG_APPLIED_MAX + 2; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "match destination 192.0.2.1/%d then sample continue\n", 10 + i);
	assert_int_equal(loading_judged("", text)->admitted, FG_APPLIED_MAX - 1);
	assert_int_equal(loading->rule[FG_APPLIED_MAX - 1]->finding[0].resource, FG_RES_CONTINUES);
	at = 0;
	for (int i = 0; i < FG_APPLIED_MAX + 2; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "match port %d then sample continue\n", i);
	assert_int_equal(loading_judged("", text)->admitted, FG_APPLIED_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_one_by_one),
		cmocka_unit_test(test_a_refusal_says_why),
		cmocka_unit_test(test_source_limits),
		cmocka_unit_test(test_continues),
	};

	return cmocka_run_group_tests(tests, NULL, loading_end);
}
