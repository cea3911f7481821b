/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory of the loader: aligned, zeroed, never handed out twice, given back as a whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/load/arena.h"

static void test_pieces_are_apart_and_zero(void **state)
{
	struct fg_arena a = { 0 };
	uint8_t *before = NULL;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		size_t octets = i % 97 + 1;
		uint8_t *p = fg_arena_take(&a, octets);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t k = 0; k < octets; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xff, octets);
		if (before != NULL && p > before)
			assert_true(p >= before + 16 || p < before);
		before = p;
	}
	fg_arena_free(&a);
	assert_int_equal(a.octets, 0);
}

static void test_large_and_empty_pieces(void **state)
{
	struct fg_arena a = { 0 };
	char *copy;

	(void)state;
	assert_non_null(fg_arena_take(&a, 3 << 20));
	assert_true(a.octets >= 3 << 20);
	assert_non_null(fg_arena_take(&a, 0));
	copy = fg_arena_copy(&a, "rule", 5);
	assert_string_equal(copy, "rule");
	assert_null(fg_arena_take(&a, SIZE_MAX - 3));
	fg_arena_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces_are_apart_and_zero),
		cmocka_unit_test(test_large_and_empty_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
