/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules of a table that changes (base.c): where the rules that lie in a destination begin. What it says is compared with a walk over all rules. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctrl/table/base.h"
#include "flowgate/table.h"

enum { RULES_MAX = 8, LINES = FG_UPPER_LINES + 4096, ALIGNED = 64 };

/* An NLRI of IPv4, whole octets of a destination. */
#define RULE(...)                                                                                                      \
	{                                                                                                              \
		.family = FG_IPV4, .nlri = (const uint8_t[]){ __VA_ARGS__ },                                           \
		.nlri_len = (uint16_t)sizeof((const uint8_t[]){ __VA_ARGS__ })                                         \
	}

static uint8_t *image[2];
static void *memory;

static int setup(void **state)
{
	size_t octets = fg_table_octets(RULES_MAX, LINES);

	(void)state;
	memory = aligned_alloc(ALIGNED, (octets + ALIGNED - 1) / ALIGNED * ALIGNED);
	for (int side = 0; side < 2; side++)
		image[side] = aligned_alloc(ALIGNED, (size_t)LINES * FG_LINE_OCTETS);
	return memory == NULL || image[0] == NULL || image[1] == NULL;
}

static int teardown(void **state)
{
	(void)state;
	free(memory);
	free(image[0]);
	free(image[1]);
	return 0;
}

static const struct fg_group *group_of(const struct fg_table *t, uint32_t node)
{
	return &t->group[fg_base_group_of(t, node)];
}

/* The rule before all that lie in *g, by looking at each. */
static uint32_t before_inside(const struct fg_table *t, const struct fg_group *g)
{
	uint32_t before = 0;

	for (uint32_t n = t->last[FG_IPV4]; n != 0; n = t->node[n].previous)
		if (fg_prefix_contains(&g->dst, &group_of(t, n)->dst))
			before = t->node[n].previous;
	return before;
}

/* Of every destination in a table of these rules, added in the given order. */
static void compare(const struct fg_rule *rules, const size_t *order, size_t n)
{
	struct fg_table *t = fg_table_adopt(memory, RULES_MAX, image, LINES);

	assert_non_null(t);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fg_table_add(t, &rules[order[i]], (uint32_t)order[i]), 0);
	for (uint32_t node = t->last[FG_IPV4]; node != 0; node = t->node[node].previous)
		if (group_of(t, node)->kind == FG_GROUP_DST)
			assert_int_equal(fg_base_before_inside(t, group_of(t, node)),
					 before_inside(t, group_of(t, node)));
}

/* In each order of adding them, so that each rule is once at the top of the tree and once far below. */
static void compare_orders(const struct fg_rule *rules, size_t *order, size_t fixed, size_t n)
{
	if (fixed == n)
		compare(rules, order, n);
	for (size_t i = fixed; i < n; i++) {
		size_t moved = order[i];

		order[i] = order[fixed];
		order[fixed] = moved;
		compare_orders(rules, order, fixed + 1, n);
		order[fixed] = order[i];
		order[i] = moved;
	}
}

static void compare_all(const struct fg_rule *rules, size_t n)
{
	size_t order[RULES_MAX];

	for (size_t i = 0; i < n; i++)
		order[i] = i;
	compare_orders(rules, order, 0, n);
}

/* What is searched for, the first address alone, is a rule: the search ends at it, wherever in the tree it is. */
static void test_before_inside_exact(void **state)
{
	const struct fg_rule rules[] = {
		RULE(1, 8, 9),
		RULE(1, 16, 9, 9),
		RULE(1, 32, 10, 0, 0, 0),
		RULE(1, 32, 10, 0, 0, 0, 3, 0x81, 6),
		RULE(1, 24, 10, 0, 0),
		RULE(1, 8, 10),
	};

	(void)state;
	compare_all(rules, 6);
}

/* It is none: the search ends beside where it would be. */
static void test_before_inside_beside(void **state)
{
	const struct fg_rule rules[] = {
		RULE(1, 8, 9),
		RULE(1, 32, 10, 0, 0, 0, 3, 0x81, 6),
		RULE(1, 32, 10, 0, 0, 1),
		RULE(1, 24, 10, 0, 0),
		RULE(1, 8, 10),
		RULE(3, 0x81, 17),
	};

	(void)state;
	compare_all(rules, 6);
}

/* Nothing is before them. */
static void test_before_inside_first(void **state)
{
	const struct fg_rule rules[] = { RULE(1, 32, 10, 0, 0, 0), RULE(1, 24, 10, 0, 0), RULE(1, 8, 10) };

	(void)state;
	compare_all(rules, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_inside_exact),
		cmocka_unit_test(test_before_inside_beside),
		cmocka_unit_test(test_before_inside_first),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
