/* SPDX-License-Identifier: BSD-3-Clause */
/* The way of a rule as a whole: fates, places in evaluation order, and the image that comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/load/loading.h"

static void test_fates_and_order(void **state)
{
	struct fg_load *l = loading_judged("", "name WIDE match destination 192.0.2.0/24 then discard\n"
					       "name NEVER match packet-length 99971-99985 then discard\n"
					       "name NARROW match destination 192.0.2.1/32 then accept\n"
					       "name TWICE match destination 192.0.2.0/24 then accept\n"
					       "name SIX match destination 2001:db8::/32 then discard\n"
					       "name BAD match nlri 63 then discard\n"
					       "name DSCP match dscp 64 then discard\n"
					       "name INNER match destination 192.0.2.0/24 protocol tcp then discard\n");
	static const struct {
		enum fg_load_state state;
		enum fg_reason why;
		uint32_t precedence;
	} want[] = {
		{ FG_STATE_ADMITTED, FG_OK, 3 },           { FG_STATE_REFUSED, FG_NEVER_MATCHES, 0 },
		{ FG_STATE_ADMITTED, FG_OK, 1 },           { FG_STATE_REFUSED, FG_DUPLICATE, 0 },
		{ FG_STATE_ADMITTED, FG_OK, 1 },           { FG_STATE_MALFORMED, FG_MALFORMED, 0 },
		{ FG_STATE_REFUSED, FG_NEVER_MATCHES, 0 }, { FG_STATE_ADMITTED, FG_OK, 2 },
	};

	(void)state;
	assert_int_equal(l->count, 8);
	for (size_t i = 0; i < l->count; i++) {
		assert_int_equal(l->rule[i]->state, want[i].state);
		assert_int_equal(loading_reason(i), want[i].why);
		assert_int_equal(l->rule[i]->precedence, want[i].precedence);
		assert_int_equal(l->rule[i]->line, i + 1);
	}
	assert_int_equal(l->admitted, 4);
	assert_int_equal(l->malformed, 1);
	assert_int_equal(l->cost.slots, 4);
}

static void test_shadowed_is_a_warning(void **state)
{
	struct fg_load *l = loading_judged("", "match destination 192.0.2.0/24 port 1-9 then discard\n"
					       "match destination 192.0.2.0/24 port 3-4 then discard\n");

	(void)state;
	assert_int_equal(l->admitted, 2);
	assert_int_equal(loading_reason(1), FG_SHADOWED);
}

/* What compiles is what was predicted; fg_load_compile() compares the two. */
static void test_image_is_what_was_predicted(void **state)
{
	struct fg_load *l = loading_judged("", "match destination 192.0.2.1/32 port [ 1 3 5 ] then discard\n"
					       "match destination 2001:db8::/32 protocol [ 6 17 ] then discard\n"
					       "match source 192.0.2.0/24 then sample continue\n");
	struct fg_load_image image = { 0 };

	(void)state;
	assert_int_equal(fg_load_compile(l, &image), 0);
	assert_int_equal(image.octets, l->cost.bytes);
	fg_load_image_free(&image);
	assert_null(image.base);
	l = loading_judged("", "");
	assert_int_equal(fg_load_compile(l, &image), 0);
	fg_load_image_free(&image);
}

static void test_names(void **state)
{
	struct fg_load *l = loading_judged("", "name A match port 1 then discard\nmatch port 2 then discard");
	char name[FG_NAME_MAX + 1];

	(void)state;
	assert_string_equal(fg_loaded_name(l->rule[0], name), "A");
	assert_string_equal(fg_loaded_name(l->rule[1], name), "#2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fates_and_order),
		cmocka_unit_test(test_shadowed_is_a_warning),
		cmocka_unit_test(test_image_is_what_was_predicted),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, loading_end);
}
