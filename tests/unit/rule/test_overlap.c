/* SPDX-License-Identifier: BSD-3-Clause */
/* Overlap of addresses, and component 4 (overlap.c); test_cover.c compares all else with enumeration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/rule/build.h"

static struct built a, b;
static struct fg_interval pool[2 * FG_CANON_POOL];

static bool overlap(void)
{
	bool yes = fg_canon_overlaps(&a.canon, &b.canon, pool);

	assert_int_equal(fg_canon_overlaps(&b.canon, &a.canon, pool), yes);
	return yes;
}

static void test_destinations(void **state)
{
	(void)state;
	OCTETS(&a, FG_IPV4, 1, 24, 192, 0, 2);
	OCTETS(&b, FG_IPV4, 1, 32, 192, 0, 2, 7);
	assert_true(overlap());
	OCTETS(&b, FG_IPV4, 1, 32, 192, 0, 3, 7);
	assert_false(overlap());
	OCTETS(&b, FG_IPV4, 2, 32, 192, 0, 3, 7);
	assert_true(overlap());
	OCTETS(&b, FG_IPV6, 2, 32, 0, 1, 2, 3, 4);
	assert_false(overlap());
}

/* RFC 8956 §3.1: bits [offset, length) alone count, here [64, 72) and [68, 76). */
static void test_offsets(void **state)
{
	(void)state;
	OCTETS(&a, FG_IPV6, 1, 72, 64, 0x12);
	OCTETS(&b, FG_IPV6, 1, 76, 68, 0x2f);
	assert_true(overlap());
	OCTETS(&b, FG_IPV6, 1, 76, 68, 0x3f);
	assert_false(overlap());
	OCTETS(&b, FG_IPV6, 1, 80, 72, 0xff);
	assert_true(overlap());
}

/* One port may satisfy one rule and the other port the other. */
static void test_ports(void **state)
{
	(void)state;
	TERMS(&a, FG_IPV4, { FG_PORT, EQ, 53 });
	TERMS(&b, FG_IPV4, { FG_PORT, EQ, 123 });
	assert_true(overlap());
	TERMS(&b, FG_IPV4, { FG_PORT, EQ, 123 }, { FG_DPORT, EQ, 80 });
	assert_false(overlap()); /* the source port would have to be both */
	TERMS(&b, FG_IPV4, { FG_DPORT, EQ, 80 }, { FG_SPORT, EQ, 81 });
	assert_false(overlap());
	TERMS(&b, FG_IPV4, { FG_DPORT, EQ, 80 }, { FG_SPORT, GE, 50 });
	assert_true(overlap());
}

/* Ports are of TCP and UDP alone. */
static void test_kinds(void **state)
{
	(void)state;
	TERMS(&a, FG_IPV4, { FG_PORT, EQ, 53 });
	TERMS(&b, FG_IPV4, { FG_PROTO, EQ, 1 });
	assert_false(overlap());
	TERMS(&b, FG_IPV4, { FG_PROTO, GE, 6 });
	assert_true(overlap());
	TERMS(&b, FG_IPV4, { FG_ICMP_TYPE, EQ, 8 });
	assert_false(overlap());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
