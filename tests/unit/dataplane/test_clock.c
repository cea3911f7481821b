/* SPDX-License-Identifier: BSD-3-Clause */
/* Time by the processor's counter (dataplane/clock.h): beside CLOCK_MONOTONIC, never back, and through other threads' changes. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "dataplane/clock.h"

static struct fg_clock shared;

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A look of a counter that runs at 3 a ns, from which time is reckoned as it must be. */
static void test_reckons(void **state)
{
	struct fg_clock c = { .first_tsc = 1000, .first_ns = 500 };
	struct fg_watch w;

	(void)state;
	fg_clock_adjust(&c, 1000 + 3000000, 500 + 1000000);
	fg_watch_start(&w, &c);
	assert_int_equal(fg_watch_ns(&w, 1000 + 3000000), 1000500);
	assert_in_range(fg_watch_ns(&w, 1000 + 6000000), 2000499, 2000500);
	/* Ten minutes on: no overflow, and the error is that of the rate's last place. */
	assert_in_range(fg_watch_ns(&w, 1000 + 3000000 + 3 * 600000000000ull), 600001000000ull, 600001001000ull);
}

/* It never goes back: not where a core's counter is behind, not where the clock turns out to be slower. */
static void test_never_back(void **state)
{
	struct fg_clock c = { .first_tsc = 1, .first_ns = 1 };
	struct fg_watch w;
	uint64_t before;

	(void)state;
	fg_clock_adjust(&c, 1001, 1001);
	fg_watch_start(&w, &c);
	before = fg_watch_ns(&w, 500001);
	assert_in_range(before, 500000, 500001);
	assert_int_equal(fg_watch_ns(&w, 400000), before);
	fg_clock_adjust(&c, 500001, 450001);
	assert_int_equal(fg_watch_ns(&w, 500002), before);
	assert_true(fg_watch_ns(&w, 700001) > before);
	assert_in_range(fg_watch_ns(&w, 0), before, UINT64_MAX);
}

/* A look that is no later than the first changes nothing. */
static void test_bad_look(void **state)
{
	struct fg_clock c = { .first_tsc = 1000, .first_ns = 1000 };

	(void)state;
	fg_clock_adjust(&c, 1000, 2000);
	fg_clock_adjust(&c, 2000, 1000);
	assert_int_equal(c.version, 0);
}

/* The rate follows the clock: an hour of it at one speed does not hold up another for long. */
static void test_follows(void **state)
{
	const uint64_t second = 1000000000ull;
	struct fg_clock c = { .first_tsc = 1, .first_ns = 1 };
	uint64_t tsc = 1, ns = 1;

	(void)state;
	for (int i = 0; i < 3600; i++)
		fg_clock_adjust(&c, tsc += 2 * second, ns += second);
	assert_in_range(c.rate.rate, (1ull << 31) - 2, 1ull << 31);
	for (int i = 0; i < 600; i++)
		fg_clock_adjust(&c, tsc += 2 * second, ns += second + 1000);
	/* 1000 ns a second are 2147 of 2^31; a hundredth of that is left. */
	assert_in_range(c.rate.rate, (1ull << 31) + 2147 - 22, (1ull << 31) + 2147 + 22);
}

/* This machine's: within a millisecond of the system's clock, however long a thread is kept from running between the two reads. */
static void test_as_the_system(void **state)
{
	struct fg_watch w;

	(void)state;
	fg_clock_start(&shared);
	fg_watch_start(&w, &shared);
	for (int i = 0; i < 2000; i++) {
		uint64_t before = monotonic_ns(), ns = fg_watch_ns(&w, fg_tsc()), after = monotonic_ns();

		assert_true(ns + 1000000 >= before);
		assert_true(ns <= after + 1000000);
	}
}

static void *adjust(void *stop)
{
	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		uint64_t tsc, ns;

		fg_clock_look(&tsc, &ns);
		fg_clock_adjust(&shared, tsc, ns);
	}
	return NULL;
}

/* Another thread writes all the time: no time is torn. */
static void test_not_torn(void **state)
{
	struct fg_watch w;
	pthread_t thread;
	uint64_t last = 0;
	int stop = 0;

	(void)state;
	fg_clock_start(&shared);
	fg_watch_start(&w, &shared);
	assert_int_equal(pthread_create(&thread, NULL, adjust, &stop), 0);
	for (int i = 0; i < 300000; i++) {
		uint64_t ns = fg_watch_ns(&w, fg_tsc());

		assert_true(ns >= last);
		if (i % 1000 == 0)
			assert_in_range(ns, monotonic_ns() - 1000000000u, monotonic_ns() + 1000000000u);
		last = ns;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reckons), cmocka_unit_test(test_never_back),    cmocka_unit_test(test_bad_look),
		cmocka_unit_test(test_follows), cmocka_unit_test(test_as_the_system), cmocka_unit_test(test_not_torn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
