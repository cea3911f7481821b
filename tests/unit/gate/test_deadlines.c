/* SPDX-License-Identifier: BSD-3-Clause */
/* The heap of deadlines against a plain array: set, moved and cleared at random, what is due comes in order of time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/gate/deadlines.h"
#include "tests/oracle/generate.h"

enum { SLOTS = 200, STEPS = 100000 };

static struct fg_deadline heap[SLOTS + 1];
static uint32_t place[SLOTS];
static uint64_t plain[SLOTS];

static uint64_t earliest(void)
{
	uint64_t least = UINT64_MAX;

	for (uint32_t i = 1; i < SLOTS; i++)
		if (plain[i] != 0 && plain[i] < least)
			least = plain[i];
	return least;
}

static void test_against_an_array(void **state)
{
	struct fg_deadlines d = { .heap = heap, .place = place };
	struct or_random r = or_random_seed(48);

	(void)state;
	for (int i = 0; i < STEPS; i++) {
		uint32_t slot = 1 + or_random_below(&r, SLOTS - 1), due;

		plain[slot] = or_random_chance(&r, 60) ? 1 + or_random_below(&r, 1000) : 0;
		if (plain[slot] != 0)
			fg_deadline_set(&d, slot, plain[slot]);
		else
			fg_deadline_clear(&d, slot);
		due = fg_deadline_due(&d, UINT64_MAX);
		if (due == 0) {
			assert_int_equal(earliest(), UINT64_MAX);
			continue;
		}
		assert_int_equal(plain[due], earliest());
		assert_int_equal(fg_deadline_due(&d, earliest() - 1), 0);
		assert_int_not_equal(fg_deadline_due(&d, earliest()), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_against_an_array) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
