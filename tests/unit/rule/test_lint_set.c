/* SPDX-License-Identifier: BSD-3-Clause */
/* Lint of a set (lint_set.c): duplicates, hidden rules, and what hides nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/rule/lint.h"
#include "ctrl/rule/order.h"
#include "tests/unit/rule/build.h"

static struct built wide, narrow, other;
static struct fg_interval pool[2 * FG_CANON_POOL];

struct said {
	size_t count, judged, by;
	enum fg_reason code;
};

static void hear(void *ctx, size_t judged, size_t by, enum fg_reason code)
{
	struct said *s = ctx;

	s->count++;
	s->judged = judged;
	s->by = by;
	s->code = code;
}

static struct said say(const struct built *const *rules, size_t n, size_t window)
{
	const struct fg_rule *at[4];
	struct said s = { .count = 0 };

	for (size_t i = 0; i < n; i++) {
		at[i] = &rules[i]->rule;
		if (i > 0)
			assert_true(fg_rule_order(at[i - 1], at[i]) <= 0);
	}
	fg_rules_shadowed(at, n, window, pool, hear, &s);
	return s;
}

/* 192.0.2.1/32: proto 6 or 17 comes first (operator 01 before 81), proto 17 later. */
static void make(void)
{
	OCTETS(&wide, FG_IPV4, 1, 32, 192, 0, 2, 1, 3, 0x01, 6, 0x81, 17);
	OCTETS(&narrow, FG_IPV4, 1, 32, 192, 0, 2, 1, 3, 0x81, 17);
	OCTETS(&other, FG_IPV4, 1, 32, 192, 0, 2, 2, 3, 0x81, 17);
}

static void test_shadowed(void **state)
{
	struct said s;

	(void)state;
	make();
	s = say((const struct built *[]){ &wide, &narrow, &other }, 3, 8);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.judged, 1);
	assert_int_equal(s.by, 0);
	assert_int_equal(s.code, FG_SHADOWED);
	wide.rule.actions.set = FG_ACT_CONTINUE;
	assert_int_equal(say((const struct built *[]){ &wide, &narrow }, 2, 8).count, 0);
}

static void test_not_shadowed(void **state)
{
	(void)state;
	make();
	assert_int_equal(say((const struct built *[]){ &narrow, &other }, 2, 8).count, 0);
	/* The later rule asks for more: the window ends before the rule that hides it. */
	OCTETS(&narrow, FG_IPV4, 1, 32, 192, 0, 2, 1, 3, 0x81, 17, 4, 0x81, 53);
	OCTETS(&other, FG_IPV4, 1, 32, 192, 0, 2, 1, 3, 0x81, 6);
	assert_int_equal(say((const struct built *[]){ &wide, &other, &narrow }, 3, 1).count, 1);
	assert_int_equal(say((const struct built *[]){ &wide, &other, &narrow }, 3, 2).count, 2);
	assert_int_equal(say((const struct built *[]){ &wide }, 1, 2).count, 0);
	assert_int_equal(say(NULL, 0, 2).count, 0);
}

static void test_duplicate(void **state)
{
	struct said s;

	(void)state;
	make();
	OCTETS(&other, FG_IPV4, 1, 32, 192, 0, 2, 1, 3, 0x81, 17);
	s = say((const struct built *[]){ &narrow, &other }, 2, 8);
	assert_int_equal(s.count, 1);
	assert_int_equal(s.code, FG_DUPLICATE);
	/* Equal meaning in other octets is another rule, hidden but no duplicate. */
	OCTETS(&other, FG_IPV4, 1, 32, 192, 0, 2, 1, 3, 0x91, 0, 17);
	s = say((const struct built *[]){ &narrow, &other }, 2, 8);
	assert_int_equal(s.code, FG_SHADOWED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shadowed),
		cmocka_unit_test(test_not_shadowed),
		cmocka_unit_test(test_duplicate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
