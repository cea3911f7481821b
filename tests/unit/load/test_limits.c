/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits: each word, each scope, and that what is wrong changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/load/limits.h"

static struct fg_limits limits;
static char error[1024];

static int read_text(const char *text)
{
	return fg_limits_read(&limits, "conf", text, strlen(text), error);
}

static void test_words(void **state)
{
	(void)state;
	fg_limits_default(&limits);
	assert_int_equal(
		read_text("limits { bytes 128M; lines 200; slots 10; mtu 1500; shortest-ipv4 24; shortest-ipv6 48;"
			  " rule { bytes 4k; lines 9; } source det { bytes 1M; rules 5; } }"),
		0);
	assert_int_equal(limits.bytes, 128 << 20);
	assert_int_equal(limits.lines, 200);
	assert_int_equal(limits.slots, 10);
	assert_int_equal(limits.lint.mtu, 1500);
	assert_int_equal(limits.shortest_dst[FG_IPV4], 24);
	assert_int_equal(limits.shortest_dst[FG_IPV6], 48);
	assert_int_equal(limits.rule.bytes, 4096);
	assert_int_equal(limits.rule.lines, 9);
	assert_int_equal(limits.sources, 1);
	assert_string_equal(limits.source[0].source, "det");
	assert_int_equal(limits.source[0].bytes, 1 << 20);
	assert_int_equal(limits.source[0].slots, 5);
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {
		"limits { bites 1; }",           "limits { lines 2048; }",           "limits { mtu 19; }",
		"limits { mtu 65576; }",         "limits { shortest-ipv4 33; }",     "limits { shortest-ipv6 129; }",
		"limits { rule { mtu 1500; } }", "limits { source a { lines 3; } }", "limits { slots 4194305; }",
		"match port 1 then discard",
	};
	struct fg_limits before;

	(void)state;
	fg_limits_default(&limits);
	before = limits;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		error[0] = '\0';
		assert_int_equal(read_text(wrong[i]), FG_MALFORMED);
		assert_memory_equal(error, "conf:1:", 7);
		assert_memory_equal(&limits, &before, sizeof(limits));
	}
}

static void test_sources_are_bounded(void **state)
{
	char text[64];

	(void)state;
	fg_limits_default(&limits);
	for (int i = 0; i <= FG_SOURCES_MAX; i++) {
		snprintf(text, sizeof(text), "limits { source s%d { slots 1; } }", i);
		assert_int_equal(read_text(text), i < FG_SOURCES_MAX ? 0 : FG_MALFORMED);
	}
	assert_int_equal(read_text("limits { source s3 { slots 2; } }"), 0);
	assert_int_equal(limits.source[3].slots, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sources_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
