/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of actions (print_actions.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/rule/print.h"
#include "tests/oracle/generate.h"

static void check(const struct fg_actions *a, const char *expected)
{
	char text[512];

	assert_int_equal(fg_actions_print(a, text, sizeof(text)), strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(fg_actions_print(a, text, strlen(expected)), 0);
}

#define CHECK(text, ...) check(&(const struct fg_actions){ __VA_ARGS__ }, text)

static void test_words(void **state)
{
	(void)state;
	CHECK("accept", .set = 0);
	CHECK("accept", .set = FG_ACT_UNKNOWN);
	CHECK("discard", .set = FG_ACT_DISCARD);
	CHECK("rate-limit 10000000", .set = FG_ACT_RATE_BYTES, .rate_bytes_per_s = 10e6f);
	CHECK("rate-limit 1250000 sample", .set = FG_ACT_RATE_BYTES | FG_ACT_SAMPLE, .rate_bytes_per_s = 1250000);
	CHECK("rate-limit-packets 0.1", .set = FG_ACT_RATE_PACKETS, .rate_packets_per_s = 0.1f);
	CHECK("mark ef continue", .set = FG_ACT_MARK | FG_ACT_CONTINUE, .dscp = 46);
	CHECK("mark 63", .set = FG_ACT_MARK, .dscp = 63);
}

static void test_targets(void **state)
{
	(void)state;
	CHECK("redirect 65000:100", .set = FG_ACT_REDIRECT_RT, .rt = { 0x80, 8, 0xfd, 0xe8, 0, 0, 0, 100 });
	CHECK("redirect 192.0.2.1:1000", .set = FG_ACT_REDIRECT_RT, .rt = { 0x81, 8, 192, 0, 2, 1, 3, 0xe8 });
	CHECK("redirect 10000000:1000", .set = FG_ACT_REDIRECT_RT, .rt = { 0x82, 8, 0, 0x98, 0x96, 0x80, 3, 0xe8 });
	CHECK("redirect 100L:1000", .set = FG_ACT_REDIRECT_RT, .rt = { 0x82, 8, 0, 0, 0, 100, 3, 0xe8 });
	CHECK("redirect [2001:db8::68]:1000", .set = FG_ACT_REDIRECT_RT | FG_ACT_RT6,
	      .rt = { 0, 0x0d, 0x20, 1, 0x0d, 0xb8, [17] = 0x68, 3, 0xe8 });
	CHECK("redirect-to-ip 192.0.2.9", .set = FG_ACT_REDIRECT_IP, .next_hop = { FG_IPV4, { 192, 0, 2, 9 } });
	CHECK("copy-to-ip 2001:db8::1", .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY,
	      .next_hop = { FG_IPV6, { 0x20, 1, 0x0d, 0xb8, [15] = 1 } });
}

/* Any rate reads back to the same float, and has no exponent. */
static void test_rates_read_back(void **state)
{
	struct or_random r = or_random_seed(8);
	char text[512];

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct fg_actions a = { .set = FG_ACT_RATE_BYTES };
		uint32_t bits = (uint32_t)or_random_below(&r, 0x7f7fffff) + 1;

		memcpy(&a.rate_bytes_per_s, &bits, sizeof(bits));
		assert_true(fg_actions_print(&a, text, sizeof(text)) > 0);
		assert_null(strchr(text + strlen("rate-limit "), 'e'));
		assert_true((float)strtod(text + strlen("rate-limit "), NULL) == a.rate_bytes_per_s);
		assert_true(strtof(text + strlen("rate-limit "), NULL) == a.rate_bytes_per_s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_rates_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
