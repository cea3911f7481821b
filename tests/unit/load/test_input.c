/* SPDX-License-Identifier: BSD-3-Clause */
/* Files and their forms: which form a text has, and that a text that fails adds nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "tests/unit/load/loading.h"

static void test_forms_are_told_apart(void **state)
{
	static const char *const texts[] = {
		"match port 1 then discard",
		"# a comment\n\n  name X match port 1 then discard",
		"family ipv4 match port 1 then discard",
		"ipv4 03048101",
		"# hex\n\nipv6 03048101",
		"\n{\"text\":\"match port 1 then discard\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		loading_new();
		assert_int_equal(loading_add(texts[i], FG_FORM_AUTO), 0);
		assert_int_equal(loading->count, 1);
		assert_true(loading->rule[0]->checked);
	}
}

static void test_a_text_that_fails_adds_nothing(void **state)
{
	(void)state;
	loading_new();
	assert_int_equal(loading_add("match port 1 then discard", FG_FORM_TEXT), 0);
	assert_int_equal(loading_add("match port 2 then discard\nmatch prt", FG_FORM_TEXT), FG_MALFORMED);
	assert_memory_equal(loading->error, "test:2:7: ", 10);
	assert_int_equal(loading_add("ipv4 03048101\nipv4 zz", FG_FORM_AUTO), FG_MALFORMED);
	assert_memory_equal(loading->error, "test:2:6: ", 10);
	assert_int_equal(loading_add("{\"text\":\"match port 1 then discard\"}\n{", FG_FORM_AUTO), FG_MALFORMED);
	assert_memory_equal(loading->error, "test:2:", 7);
	assert_int_equal(loading->count, 1);
	assert_int_equal(loading_add("match port 3 then discard", FG_FORM_TEXT), 0);
	assert_int_equal(loading->rule[1]->place, 2);
}

static void test_files_that_are_not_there(void **state)
{
	(void)state;
	loading_new();
	assert_int_equal(fg_load_file(loading, "/no/such/file", FG_FORM_AUTO), -ENOENT);
	assert_non_null(strstr(loading->error, "/no/such/file: "));
	assert_int_equal(fg_load_file(loading, "/", FG_FORM_AUTO), -EISDIR);
	assert_int_equal(fg_load_limits(loading, "/no/such/file"), -ENOENT);
	assert_int_equal(loading->count, 0);
}

static void test_hex_digits(void **state)
{
	uint8_t out[4];

	(void)state;
	assert_int_equal(fg_hex_read("00fFA9", 6, out, 4), 3);
	assert_memory_equal(out, "\x00\xff\xa9", 3);
	assert_int_equal(fg_hex_read("", 0, out, 4), -1);
	assert_int_equal(fg_hex_read("0", 1, out, 4), -1);
	assert_int_equal(fg_hex_read("0g", 2, out, 4), -1);
	assert_int_equal(fg_hex_read("0011223344", 10, out, 4), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms_are_told_apart),
		cmocka_unit_test(test_a_text_that_fails_adds_nothing),
		cmocka_unit_test(test_files_that_are_not_there),
		cmocka_unit_test(test_hex_digits),
	};

	return cmocka_run_group_tests(tests, NULL, loading_end);
}
