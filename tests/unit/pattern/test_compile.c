/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The compiler of payload patterns in its sandbox: test_compile FLOWGATE_PATTERN. A pattern that Hyperscan refuses, that takes too long, too
 * much memory or too much room is refused by itself; a compiler that dies, is not there or cannot shut itself in harms nothing else.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctrl/pattern/compile.h"
#include "dataplane/payload.h"

enum { MANY = 10000 };

static const char *program;
static struct fg_pattern_limits limits;
static struct fg_pattern pattern[MANY];
static struct fg_pattern_fate fate[MANY];
static struct fg_pattern_database database;
static char texts[MANY][80];
static size_t patterns;

static void add(const char *text)
{
	char why[FG_DETAIL_MAX];

	assert_int_equal(fg_pattern_read(text, &pattern[patterns], why), 0);
	pattern[patterns].number = (uint32_t)patterns;
	patterns++;
}

static int begin(void **state)
{
	(void)state;
	patterns = 0;
	fg_pattern_limits_default(&limits);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fg_pattern_database_free(&database);
	return 0;
}

static int compile_by(const char *by)
{
	fg_pattern_database_free(&database);
	return fg_patterns_compile(by, &limits, pattern, patterns, fate, &database);
}

static void compile(void)
{
	assert_int_equal(compile_by(program), 0);
}

/* Which patterns the database finds in a text: bit i for the i-th. */
static uint64_t finds(const char *text)
{
	static uint8_t room[FG_SCAN_ROOM_OCTETS] __attribute__((aligned(64)));
	static uint8_t memory[1 << 20] __attribute__((aligned(64)));
	static struct fg_scan scan;
	const struct fg_payload payload = { (const uint8_t *)text, (uint32_t)strlen(text), false };

	assert_int_equal(fg_database_put(memory, sizeof(memory), database.serialised, database.serialised_octets), 0);
	assert_int_equal(fg_database_octets(database.serialised, database.serialised_octets), database.octets);
	fg_scan_start(&scan, room);
	assert_int_equal(fg_scan_use(&scan, memory), 0);
	scan.waiting.word[0] = ~0ull;
	fg_scan_payload(&scan, &payload, 64);
	return ~scan.waiting.word[0];
}

static void test_database(void **state)
{
	(void)state;
	add("abc");
	add("/abc/i");
	add("/^b c # nothing\\n/x");
	add("/^y$/m");
	add("/x.y/s");
	add("/x.y/");
	compile();
	for (size_t i = 0; i < patterns; i++) {
		assert_int_equal(fate[i].code, FG_OK);
		assert_true(fate[i].octets > 0);
	}
	assert_int_equal(finds("abc"), 3);
	assert_int_equal(finds("xaBc"), 2);
	assert_int_equal(finds("bc"), 4);
	assert_int_equal(finds("x\ny\nz"), 8 | 16);
	assert_int_equal(finds("x+y"), 16 | 32);
	assert_int_equal(finds("nothing of it"), 0);
}

static void test_none(void **state)
{
	(void)state;
	compile();
	assert_null(database.serialised);
}

/* What Hyperscan does not know, it refuses; so does it what matches everything. The rest is compiled. */
static void test_refused(void **state)
{
	static const char *const bad[] = { "(",  "foo(?=bar)", "(a)\\1",       ".{1,100000}",
					   "a*", "[z-a]",      "(?<n>a)(?&n)", "a{3,2}" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		add(bad[i]);
	add("good");
	compile();
	for (size_t i = 0; i < patterns - 1; i++) {
		assert_int_equal(fate[i].code, FG_UNSUPPORTED);
		assert_non_null(strstr(fate[i].why, "Hyperscan"));
	}
	assert_int_equal(fate[patterns - 1].code, FG_OK);
	assert_int_equal(finds("a good one"), 1ull << (patterns - 1));
}

/* Bombs end in the bounds of the sandbox, and nothing beside them is refused. */
static void test_bombs(void **state)
{
	static const char *const bombs[] = { "[^a]{32767}b[^c]{32767}d", "(.{1,1000}x){50}",
					     "a.{1,30000}b.{1,30000}c" };
	size_t n = sizeof(bombs) / sizeof(bombs[0]);
	struct rusage before, after;

	(void)state;
	limits.cpu_one_s = 1;
	add("first");
	for (size_t i = 0; i < n; i++)
		add(bombs[i]);
	add("(a+)+$");
	add("(x+x+)+y");
	getrusage(RUSAGE_CHILDREN, &before);
	compile();
	getrusage(RUSAGE_CHILDREN, &after);
	assert_int_equal(fate[0].code, FG_OK);
	for (size_t i = 1; i <= n; i++)
		assert_true(fate[i].code == FG_OK || fate[i].code == FG_OVER_BUDGET);
	assert_int_equal(fate[1].code, FG_OVER_BUDGET);
	assert_non_null(strstr(fate[1].why, "1 seconds of a processor"));
	assert_int_equal(fate[n + 1].code, FG_OK);
	assert_int_equal(fate[n + 2].code, FG_OK);
	assert_true(finds("first") & 1);
	/* Each run has cpu_s at most, and there are no more runs than bombs and one. */
	assert_true(after.ru_utime.tv_sec - before.ru_utime.tv_sec <= (long)((n + 1) * limits.cpu_s));
}

/* What does not fit into the memory there is, is refused; flowgate-pattern itself goes on. */
static void test_memory(void **state)
{
	struct rusage used;

	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	limits.memory = 80 << 20;
	limits.cpu_one_s = 20;
	add("first");
	add("(.{1,1000}x){50}");
	compile();
	assert_int_equal(fate[0].code, FG_OK);
	assert_int_equal(fate[1].code, FG_OVER_BUDGET);
	assert_int_equal(finds("first"), 1);
	getrusage(RUSAGE_CHILDREN, &used);
	assert_true(used.ru_maxrss <= 1l << 20);
}

static void many(size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525 + 1013904223;
		snprintf(texts[i], sizeof(texts[i]), "w%08xz%04zx", x, i);
		add(texts[i]);
	}
}

static void test_ten_thousand(void **state)
{
	(void)state;
	many(MANY);
	compile();
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(fate[i].code, i < FG_PATTERNS_MAX ? FG_OK : FG_OVER_BUDGET);
	assert_int_equal(fate[MANY - 1].needed, MANY);
	assert_int_equal(fate[MANY - 1].available, FG_PATTERNS_MAX);
	assert_true(database.octets > 0 && database.octets <= limits.octets);
	assert_int_equal(finds(texts[5]), 1 << 5);
}

/* Who is kept where there is no room for all: the first ones, and of those behind them what still fits. */
static void test_room(void **state)
{
	size_t kept = 0;

	(void)state;
	limits.octets = 40000;
	many(1000);
	compile();
	for (size_t i = 0; i < patterns; i++)
		kept += fate[i].code == FG_OK;
	assert_true(kept > 50 && kept < 1000);
	assert_true(database.octets <= limits.octets);
	for (size_t i = 0; i < kept / 2; i++)
		assert_int_equal(fate[i].code, FG_OK);
	assert_int_equal(fate[999].code, FG_OVER_BUDGET);
	assert_int_equal(finds(texts[0]), 1);
}

static void test_room_one(void **state)
{
	(void)state;
	limits.octets_one = 2000;
	add("short");
	add("/[^\\n]{500}z|(foo|bar).{3,900}[a-f]{4,}/i");
	compile();
	assert_int_equal(fate[0].code, FG_OK);
	assert_int_equal(fate[1].code, FG_OVER_BUDGET);
	assert_int_equal(fate[1].available, 2000);
	assert_true(fate[1].needed > 2000);
	assert_int_equal(fate[1].needed, fate[1].octets);
	limits.octets_one = 1 << 20;
	limits.octets = 900;
	compile();
	assert_int_equal(fate[0].code, FG_OVER_BUDGET);
	assert_null(database.serialised);
}

/* No time at all: nothing is tried, and that is said. */
static void test_no_time(void **state)
{
	(void)state;
	limits.total_ms = 0;
	add("short");
	compile();
	assert_int_equal(fate[0].code, FG_OVER_BUDGET);
	assert_non_null(strstr(fate[0].why, "not tried"));
}

/* A file that is run in place of the compiler. */
static void fake(char path[64], const char *text)
{
	FILE *f;

	snprintf(path, 64, "/tmp/fg-pattern-XXXXXX");
	f = fdopen(mkstemp(path), "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, 0755), 0);
}

static void test_killed(void **state)
{
	char path[64];

	(void)state;
	add("one");
	add("two");
	fake(path, "#!/bin/sh\nkill -9 $$\n");
	assert_int_equal(compile_by(path), 0);
	unlink(path);
	for (size_t i = 0; i < patterns; i++) {
		assert_int_equal(fate[i].code, FG_OVER_BUDGET);
		assert_non_null(strstr(fate[i].why, "killed"));
	}
	assert_null(database.serialised);
}

static void test_stuck(void **state)
{
	char path[64];

	(void)state;
	add("one");
	limits.wall_ms = 100;
	fake(path, "#!/bin/sh\nwhile :; do :; done\n");
	assert_int_equal(compile_by(path), 0);
	unlink(path);
	assert_int_equal(fate[0].code, FG_OVER_BUDGET);
}

static void test_no_program(void **state)
{
	static const struct {
		const char *text;
		int error;
	} fakes[] = { { "#!/bin/sh\nexit 3\n", -EPERM }, { "#!/bin/sh\nexit 0\n", -ENOEXEC } };
	char path[64];

	(void)state;
	add("one");
	assert_int_equal(compile_by("/nonexistent/flowgate-pattern"), -ENOENT);
	assert_int_equal(fate[0].code, FG_UNSUPPORTED);
	assert_non_null(strstr(fate[0].why, "/nonexistent/flowgate-pattern"));
	for (size_t i = 0; i < sizeof(fakes) / sizeof(fakes[0]); i++) {
		fake(path, fakes[i].text);
		assert_int_equal(compile_by(path), fakes[i].error);
		unlink(path);
		assert_int_equal(fate[0].code, FG_UNSUPPORTED);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_database, begin, end),
		cmocka_unit_test_setup_teardown(test_none, begin, end),
		cmocka_unit_test_setup_teardown(test_refused, begin, end),
		cmocka_unit_test_setup_teardown(test_bombs, begin, end),
		cmocka_unit_test_setup_teardown(test_memory, begin, end),
		cmocka_unit_test_setup_teardown(test_ten_thousand, begin, end),
		cmocka_unit_test_setup_teardown(test_room, begin, end),
		cmocka_unit_test_setup_teardown(test_room_one, begin, end),
		cmocka_unit_test_setup_teardown(test_no_time, begin, end),
		cmocka_unit_test_setup_teardown(test_killed, begin, end),
		cmocka_unit_test_setup_teardown(test_stuck, begin, end),
		cmocka_unit_test_setup_teardown(test_no_program, begin, end),
	};

	program = argc > 1 ? argv[1] : "flowgate-pattern";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
