/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules as received: families, framing, communities, and what is a syntax error beside what is a malformed rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/load/loading.h"

static void test_fates(void **state)
{
	static const struct {
		const char *line;
		enum fg_load_state fate;
		enum fg_reason why;
	} lines[] = {
		{ "ipv4 03038106 8006000000000000", FG_STATE_ADMITTED, FG_OK },
		{ "ipv6 f0030381067f", FG_STATE_MALFORMED, FG_MALFORMED },
		{ "ipv4 f003038111 8007000000000002,800900000000002e", FG_STATE_ADMITTED, FG_OK },
		{ "ipv4 00", FG_STATE_MALFORMED, FG_MALFORMED },
		{ "ipv4 f0", FG_STATE_MALFORMED, FG_MALFORMED },
		{ "ipv4 030381", FG_STATE_MALFORMED, FG_MALFORMED },
		{ "ipv4 03038107ff", FG_STATE_MALFORMED, FG_MALFORMED },
		{ "ipv4 03038108 800600007fc00000", FG_STATE_MALFORMED, FG_MALFORMED },
		{ "ipv4 03038109 800600007f800000", FG_STATE_REFUSED, FG_UNSUPPORTED },
		{ "ipv4 0303810a 80060000", FG_STATE_MALFORMED, FG_MALFORMED },
		{ "ipv6 0303810b 000d20010db800000000000000000000006803e8", FG_STATE_ADMITTED, FG_OK },
		{ "ipv4-vpn 0b0000fde800000001038106", FG_STATE_REFUSED, FG_UNSUPPORTED },
		{ "ipv6-vpn 03038106", FG_STATE_MALFORMED, FG_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		loading_judged("", lines[i].line);
		assert_int_equal(loading->count, 1);
		assert_int_equal(loading->rule[0]->state, lines[i].fate);
		assert_int_equal(loading_reason(0), lines[i].why);
	}
}

static void test_syntax(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "ipv5 03038106", "test:1:1: unexpected 'ipv5'" },
		{ "ipv4", "test:1:5: unexpected end of line" },
		{ "ipv4 0303810", "test:1:6: unexpected '0303810'" },
		{ "ipv4 03038106 xx", "test:1:15: unexpected 'xx'" },
		{ "ipv4 03038106 8006000000000000,", "test:1:15: unexpected" },
		{ "\n ipv4 03038106 8006000000000000 more", "test:2:33: unexpected 'more', expected end of line" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		loading_new();
		assert_int_equal(loading_add(wrong[i].text, FG_FORM_HEX), FG_MALFORMED);
		assert_memory_equal(loading->error, wrong[i].error, strlen(wrong[i].error));
		assert_int_equal(loading->count, 0);
	}
}

/* Several in a row, as in an UPDATE: each says how far it reached. */
static void test_octets_in_a_row(void **state)
{
	static const uint8_t octets[] = { 3, 3, 0x81, 6, 3, 99, 0x81, 6, 5, 3 };
	size_t used;

	(void)state;
	loading_new();
	assert_int_equal(fg_load_octets(loading, FG_IPV4, false, octets, 10, NULL, &used), 0);
	assert_int_equal(used, 4);
	assert_int_equal(fg_load_octets(loading, FG_IPV4, false, octets + 4, 6, NULL, &used), 0);
	assert_int_equal(used, 4);
	assert_int_equal(fg_load_octets(loading, FG_IPV4, false, octets + 8, 2, NULL, &used), 0);
	assert_int_equal(used, 2);
	assert_int_equal(fg_load_octets(loading, FG_IPV4, false, octets, 4, "nonsense", &used), FG_MALFORMED);
	assert_int_equal(loading->count, 3);
	assert_int_equal(loading->rule[0]->state, FG_STATE_ADMITTED);
	assert_int_equal(loading->rule[1]->state, FG_STATE_MALFORMED);
	assert_int_equal(loading->rule[2]->state, FG_STATE_MALFORMED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fates),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_octets_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, loading_end);
}
