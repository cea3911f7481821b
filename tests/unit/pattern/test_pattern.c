/* SPDX-License-Identifier: BSD-3-Clause */
/* The form of a payload pattern: what is read, and what is refused rather than read as something else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/pattern/pattern.h"

static void test_read(void **state)
{
	static const struct {
		const char *text, *expression;
		uint32_t flags;
	} good[] = {
		{ "abc", "abc", 0 },
		{ "a/b/i", "a/b/i", 0 },
		{ "/abc/", "abc", 0 },
		{ "/a/b/i", "a/b", FG_PATTERN_CASELESS },
		{ "/abc/smix", "abc",
		  FG_PATTERN_CASELESS | FG_PATTERN_DOTALL | FG_PATTERN_MULTILINE | FG_PATTERN_EXTENDED },
		{ "///", "/", 0 },
		{ "/a\\/s", "a\\", FG_PATTERN_DOTALL },
	};
	struct fg_pattern p;
	char why[FG_DETAIL_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(fg_pattern_read(good[i].text, &p, why), 0);
		assert_int_equal(p.octets, strlen(good[i].expression));
		assert_memory_equal(p.expression, good[i].expression, p.octets);
		assert_int_equal(p.flags, good[i].flags);
	}
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "",       "/",       "//",      "//i",    "/abc",
					   "/abc/q", "/abc/ii", "/abc/i ", "/abc/8", "/usr/bin" };
	struct fg_pattern p = { .octets = 4711 };
	char why[FG_DETAIL_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		why[0] = '\0';
		assert_int_equal(fg_pattern_read(bad[i], &p, why), FG_UNSUPPORTED);
		assert_true(why[0] != '\0');
		assert_int_equal(p.octets, 4711);
	}
}

static void test_length(void **state)
{
	char text[FG_PATTERN_OCTETS_MAX + 100], why[FG_DETAIL_MAX];
	struct fg_pattern p;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[FG_PATTERN_OCTETS_MAX] = '\0';
	assert_int_equal(fg_pattern_read(text, &p, why), 0);
	assert_int_equal(p.octets, FG_PATTERN_OCTETS_MAX);
	text[FG_PATTERN_OCTETS_MAX] = 'a';
	for (size_t n = FG_PATTERN_OCTETS_MAX + 1; n < sizeof(text); n++) {
		text[n] = '\0';
		assert_int_equal(fg_pattern_read(text, &p, why), FG_UNSUPPORTED);
		text[n] = 'a';
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
