/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions (actions.c): each community accepted and refused, what the second of a kind does, and that what is written
 * reads back. Octets lie in memory of exactly their size, so that a sanitizer sees a read behind them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/rule/actions.h"
#include "tests/oracle/generate.h"

static int read_exact(const uint8_t *octets, size_t len, bool ipv6, struct fg_actions *a, struct fg_finding *why)
{
	uint8_t *copy = malloc(len + 1);
	int r;

	memcpy(copy + 1, octets, len);
	r = fg_actions_read(copy + 1, len, ipv6, a, why);
	free(copy);
	return r;
}

/* Reads communities of 8 octets, written as one number each, on top of *a. */
static int add(struct fg_actions *a, size_t n, const uint64_t *communities, struct fg_finding *why)
{
	uint8_t octets[8 * FG_EXTCOMM_OCTETS];

	for (size_t i = 0; i < 8 * n; i++)
		octets[i] = (uint8_t)(communities[i / 8] >> (56 - 8 * (i % 8)));
	return read_exact(octets, 8 * n, false, a, why);
}

/* What they mean together, starting from nothing; none is refused. */
#define READ(...)                                                                                                      \
	read_all(sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t), (const uint64_t[]){ __VA_ARGS__ })
static struct fg_actions read_all(size_t n, const uint64_t *communities)
{
	struct fg_actions a;

	memset(&a, 0, sizeof(a));
	assert_int_equal(add(&a, n, communities, NULL), 0);
	return a;
}

/* Refused for that reason, with *a as it was. */
static void refuse(uint64_t community, enum fg_reason reason, const char *source)
{
	struct fg_actions a = READ(0x8009000000000005), before = a;
	struct fg_finding why;

	/* A community that alone would be kept stands before it: all or nothing. */
	assert_int_equal(add(&a, 2, (const uint64_t[]){ 0x8007000000000003, community }, &why), reason);
	assert_memory_equal(&a, &before, sizeof(a));
	assert_int_equal(why.code, reason);
	assert_string_equal(why.source, source);
	assert_non_null(strstr(why.detail, "octet 8"));
	assert_int_equal(add(&a, 1, &community, NULL), reason);
}

static void test_rates(void **state)
{
	struct fg_actions a;

	(void)state;
	a = READ(0x8006fde84b189680);
	assert_int_equal(a.set, FG_ACT_RATE_BYTES);
	assert_true(a.rate_bytes_per_s == 1e7f);
	a = READ(0x800c0000447a0000);
	assert_int_equal(a.set, FG_ACT_RATE_PACKETS);
	assert_true(a.rate_packets_per_s == 1000);
	a = READ(0x800600007f7fffff); /* above any line: as received */
	assert_int_equal(a.set, FG_ACT_RATE_BYTES);
	a = READ(0x800600003f000000); /* 0.5 rounds to 1 */
	assert_int_equal(a.set, FG_ACT_RATE_BYTES);
	assert_true(a.rate_bytes_per_s == 0.5f);
}

static void test_rates_that_discard(void **state)
{
	/* 0, -0, -1, -inf, two denormals, the highest below 0.5 */
	const uint32_t none[] = { 0, 0x80000000, 0xbf800000, 0xff800000, 1, 0x807fffff, 0x3effffff };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		assert_int_equal(READ(0x8006000000000000 | none[i]).set, FG_ACT_DISCARD);
		assert_int_equal(READ(0x800c000000000000 | none[i]).set, FG_ACT_DISCARD);
	}
}

static void test_rates_refused(void **state)
{
	(void)state;
	refuse(0x800600007fc00000, FG_MALFORMED, "RFC 8955 §7.1");
	refuse(0x800600007f800001, FG_MALFORMED, "RFC 8955 §7.1");
	refuse(0x80060000ffffffff, FG_MALFORMED, "RFC 8955 §7.1");
	refuse(0x800600007f800000, FG_UNSUPPORTED, "RFC 8955 §7.1");
	refuse(0x800c0000ffc00000, FG_MALFORMED, "RFC 8955 §7.2");
	refuse(0x800c00007f800000, FG_UNSUPPORTED, "RFC 8955 §7.2");
}

static void test_lower_rate_stays(void **state)
{
	struct fg_actions a;

	(void)state;
	a = READ(0x800600003f800000, 0x8006000040000000, 0x800c000040400000, 0x800c000040000000);
	assert_int_equal(a.set, FG_ACT_RATE_BYTES | FG_ACT_RATE_PACKETS);
	assert_true(a.rate_bytes_per_s == 1 && a.rate_packets_per_s == 2);
	/* Nothing is lower than a discard, before or after. */
	assert_int_equal(READ(0x800600003f800000, 0x8006000000000000, 0x800c00003f800000).set, FG_ACT_DISCARD);
	assert_int_equal(READ(0x800c000000000000, 0x800600003f800000).set, FG_ACT_DISCARD);
}

static void test_traffic_action(void **state)
{
	(void)state;
	assert_int_equal(READ(0x8007000000000000).set, 0);
	assert_int_equal(READ(0x8007000000000001).set, FG_ACT_CONTINUE);
	assert_int_equal(READ(0x8007000000000002).set, FG_ACT_SAMPLE);
	assert_int_equal(READ(0x8007ffffffffffff).set, FG_ACT_CONTINUE | FG_ACT_SAMPLE);
	assert_int_equal(READ(0x8007fffffffffffc).set, 0);
	assert_int_equal(READ(0x8007000000000001, 0x8007000000000002).set, FG_ACT_CONTINUE | FG_ACT_SAMPLE);
}

static void test_mark(void **state)
{
	struct fg_actions a = READ(0x80090000000000ff, 0x8009000000000001);

	(void)state;
	assert_int_equal(a.set, FG_ACT_MARK);
	assert_int_equal(a.dscp, 63);
	a = READ(0x8009000000000000);
	assert_int_equal(a.set, FG_ACT_MARK);
	assert_int_equal(a.dscp, 0);
}

static void test_redirects(void **state)
{
	struct fg_actions a = READ(0x8008fde800000064, 0x82080098968003e8);

	(void)state;
	assert_int_equal(a.set, FG_ACT_REDIRECT_RT);
	assert_memory_equal(a.rt, ((const uint8_t[]){ 0x80, 8, 0xfd, 0xe8, 0, 0, 0, 100, 0, 0 }), 10);
	assert_int_equal(READ(0x8108c000020103e8).rt[0], 0x81);
	assert_int_equal(READ(0x82080098968003e8).rt[0], 0x82);

	a = READ(0x010cc00002010000, 0x010cc00002020000);
	assert_int_equal(a.set, FG_ACT_REDIRECT_IP);
	assert_int_equal(a.next_hop.family, FG_IPV4);
	assert_memory_equal(a.next_hop.octets, ((const uint8_t[16]){ 192, 0, 2, 1 }), 16);
	a = READ(0x010cc0000201ffff); /* reserved bits */
	assert_int_equal(a.set, FG_ACT_REDIRECT_IP | FG_ACT_COPY);
	assert_int_equal(READ(0x010cc0000201fffe).set, FG_ACT_REDIRECT_IP);
}

static void test_redirects_together(void **state)
{
	struct fg_actions a;
	struct fg_finding why;

	(void)state;
	/* The first redirect stays; a copy is no redirect. */
	assert_int_equal(READ(0x8008fde800000064, 0x010cc00002010000).set, FG_ACT_REDIRECT_RT);
	assert_int_equal(READ(0x010cc00002010000, 0x8008fde800000064).set, FG_ACT_REDIRECT_IP);
	a = READ(0x010cc00002010001, 0x8008fde800000064, 0x010cc00002020000, 0x010cc00002030001);
	assert_int_equal(a.set, FG_ACT_REDIRECT_IP | FG_ACT_COPY | FG_ACT_REDIRECT_RT);
	assert_int_equal(a.next_hop.octets[3], 1);
	/* Both to addresses: more than a rule holds. */
	a = READ(0x010cc00002010001);
	assert_int_equal(add(&a, 1, (const uint64_t[]){ 0x010cc00002020000 }, &why), FG_UNSUPPORTED);
	assert_int_equal(a.set, FG_ACT_REDIRECT_IP | FG_ACT_COPY);
	a = READ(0x010cc00002010000);
	assert_int_equal(add(&a, 1, (const uint64_t[]){ 0x010cc00002020001 }, &why), FG_UNSUPPORTED);
	assert_string_equal(why.source, "draft-ietf-idr-flowspec-redirect-ip");
	assert_int_equal(a.set, FG_ACT_REDIRECT_IP);
}

static void test_attribute_25(void **state)
{
	const uint8_t rt[40] = { 0, 13, 0x20, 1, 0x0d, 0xb8, [17] = 0x68, 3, 0xe8, 0, 13, 0x20, 2 };
	const uint8_t copy[20] = { 0, 12, 0x20, 1, 0x0d, 0xb8, [17] = 1, 0, 1 };
	const uint8_t other[20] = { 0, 2 };
	struct fg_actions a;

	(void)state;
	memset(&a, 0, sizeof(a));
	assert_int_equal(read_exact(rt, 40, true, &a, NULL), 0);
	assert_int_equal(a.set, FG_ACT_REDIRECT_RT | FG_ACT_RT6);
	assert_memory_equal(a.rt, rt, 20);
	assert_int_equal(read_exact(copy, 20, true, &a, NULL), 0);
	assert_int_equal(a.set, FG_ACT_REDIRECT_RT | FG_ACT_RT6 | FG_ACT_REDIRECT_IP | FG_ACT_COPY);
	assert_int_equal(a.next_hop.family, FG_IPV6);
	assert_memory_equal(a.next_hop.octets, copy + 2, 16);
	assert_int_equal(read_exact(other, 20, true, &a, NULL), 0);
	assert_true(a.set & FG_ACT_UNKNOWN);
	/* A route target of 20 octets is not followed by one of 8. */
	assert_int_equal(add(&a, 1, (const uint64_t[]){ 0x8008fde800000064 }, NULL), 0);
	assert_memory_equal(a.rt, rt, 20);
}

static void test_unknown_and_unsupported(void **state)
{
	(void)state;
	assert_int_equal(READ(0x0002fde800000064).set, FG_ACT_UNKNOWN);
	assert_int_equal(READ(0x000c000000000000, 0x8009000000000001).set, FG_ACT_UNKNOWN | FG_ACT_MARK);
	refuse(0x07020000fde80001, FG_UNSUPPORTED, "draft-ietf-idr-flowspec-interfaceset");
	refuse(0x47020000fde80001, FG_UNSUPPORTED, "draft-ietf-idr-flowspec-interfaceset");
}

static void test_lengths(void **state)
{
	static uint8_t octets[(FG_ACTION_COMMUNITIES_MAX + 1) * FG_EXTCOMM6_OCTETS];
	struct fg_actions a, before;
	struct fg_finding why;

	(void)state;
	memset(&a, 0, sizeof(a));
	before = a;
	for (size_t len = 0; len <= 100; len++) {
		struct fg_actions got = a;

		assert_int_equal(read_exact(octets, len, false, &got, &why), len % 8 || !len ? FG_MALFORMED : 0);
		if (len % 8 || !len)
			assert_string_equal(why.source, "RFC 7606 §7.14");
		assert_int_equal(read_exact(octets, len, true, &got, &why), len % 20 || !len ? FG_MALFORMED : 0);
		if (len % 20 || !len)
			assert_string_equal(why.source, "RFC 7606 §7.15");
	}
	for (int ipv6 = 0; ipv6 < 2; ipv6++) {
		size_t each = ipv6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS, most = FG_ACTION_COMMUNITIES_MAX * each;
		struct fg_actions got = a;

		assert_int_equal(read_exact(octets, most + each, ipv6, &a, &why), FG_UNSUPPORTED);
		assert_memory_equal(&a, &before, sizeof(a));
		assert_int_equal(read_exact(octets, most, ipv6, &got, &why), 0);
	}
}

static void test_equal(void **state)
{
	struct fg_actions a = READ(0x8006000000000000), b = a;
	struct fg_actions hop = READ(0x010cc00002010000), hop2 = READ(0x010cc00002020000);
	struct fg_actions rt = READ(0x8008fde800000064), rt2 = READ(0x8008fde800000065);
	struct fg_actions rate = READ(0x800600003f800000), rate2 = READ(0x8006000040000000);
	struct fg_actions packets = READ(0x800c00003f800000), packets2 = READ(0x800c000040000000);
	struct fg_actions mark = READ(0x8009000000000001), mark2 = READ(0x8009000000000002);

	(void)state;
	b.set |= FG_ACT_RATE_BYTES | FG_ACT_UNKNOWN;
	b.rate_bytes_per_s = 5;
	b.dscp = 9;
	assert_true(fg_actions_equal(&a, &b));
	assert_true(fg_actions_equal(&b, &a));
	assert_false(fg_actions_equal(&a, &rate));
	assert_true(fg_actions_equal(&hop, &hop) && !fg_actions_equal(&hop, &hop2));
	assert_true(fg_actions_equal(&rt, &rt) && !fg_actions_equal(&rt, &rt2));
	assert_true(fg_actions_equal(&rate, &rate) && !fg_actions_equal(&rate, &rate2));
	assert_true(fg_actions_equal(&packets, &packets) && !fg_actions_equal(&packets, &packets2));
	assert_true(fg_actions_equal(&mark, &mark) && !fg_actions_equal(&mark, &mark2));
}

/* Writes *a into memory of exactly the promised size, reads it back, and compares. */
static void write_reads_back(const struct fg_actions *a)
{
	uint8_t *out = malloc(FG_ACTIONS_OCTETS), *out6 = malloc(FG_ACTIONS6_OCTETS);
	struct fg_actions b;
	size_t len, len6;

	memset(&b, 0, sizeof(b));
	fg_actions_write(a, out, &len, out6, &len6);
	assert_true(len <= FG_ACTIONS_OCTETS && len6 <= FG_ACTIONS6_OCTETS);
	if (len6 != 0)
		assert_int_equal(fg_actions_read(out6, len6, true, &b, NULL), 0);
	if (len != 0)
		assert_int_equal(fg_actions_read(out, len, false, &b, NULL), 0);
	assert_true(fg_actions_equal(a, &b));
	free(out);
	free(out6);
}

static void test_write(void **state)
{
	const uint8_t want[] = { 0x80, 6, 0, 0, 0x3f, 0x80, 0, 0, 0x80, 7, 0, 0, 0, 0, 0, 3 };
	struct fg_actions accept = READ(0x8007000000000000), a = READ(0x800600003f800000, 0x8007000000000003);
	uint8_t out[FG_ACTIONS_OCTETS], out6[FG_ACTIONS6_OCTETS];
	size_t len, len6;

	(void)state;
	fg_actions_write(&accept, out, &len, out6, &len6);
	assert_int_equal(len + len6, 0);
	fg_actions_write(&a, out, &len, out6, &len6);
	assert_int_equal(len, sizeof(want));
	assert_int_equal(len6, 0);
	assert_memory_equal(out, want, sizeof(want));
	a.set = FG_ACT_RATE_BYTES | FG_ACT_DISCARD;
	fg_actions_write(&a, out, &len, out6, &len6);
	assert_int_equal(len, 8);
	assert_memory_equal(out, ((const uint8_t[]){ 0x80, 6, 0, 0, 0, 0, 0, 0 }), 8);
}

/* Communities that have an effect, in any number and order, and now and then one that refuses. */
static void test_random_reads_back(void **state)
{
	static const uint16_t type[] = {
		0x8006, 0x8007, 0x8008, 0x8108, 0x8208, 0x8009, 0x800c, 0x010c, 0x0702, 0x0002
	};
	struct or_random r = or_random_seed(8955);
	size_t kept = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint8_t octets[12 * FG_EXTCOMM_OCTETS], octets6[20];
		size_t n = 1 + or_random_below(&r, 12);
		struct fg_actions a, before;

		memset(&a, 0, sizeof(a));
		for (size_t k = 0; k < sizeof(octets6); k++)
			octets6[k] = (uint8_t)or_random_next(&r);
		octets6[0] = 0;
		octets6[1] = (uint8_t)(12 + or_random_below(&r, 2));
		if (or_random_chance(&r, 30))
			assert_int_equal(fg_actions_read(octets6, 20, true, &a, NULL), 0);
		for (size_t k = 0; k < sizeof(octets); k++)
			octets[k] = (uint8_t)or_random_next(&r);
		for (size_t k = 0; k < n; k++) {
			uint16_t t = type[or_random_below(&r, or_random_chance(&r, 3) ? 10 : 8)];

			octets[8 * k] = (uint8_t)(t >> 8);
			octets[8 * k + 1] = (uint8_t)t;
		}
		before = a;
		if (fg_actions_read(octets, 8 * n, false, &a, NULL) == 0) {
			write_reads_back(&a);
			kept++;
		} else {
			assert_memory_equal(&a, &before, sizeof(a));
		}
	}
	assert_true(kept > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),          cmocka_unit_test(test_rates_that_discard),
		cmocka_unit_test(test_rates_refused),  cmocka_unit_test(test_lower_rate_stays),
		cmocka_unit_test(test_traffic_action), cmocka_unit_test(test_mark),
		cmocka_unit_test(test_redirects),      cmocka_unit_test(test_redirects_together),
		cmocka_unit_test(test_attribute_25),   cmocka_unit_test(test_unknown_and_unsupported),
		cmocka_unit_test(test_lengths),        cmocka_unit_test(test_equal),
		cmocka_unit_test(test_write),          cmocka_unit_test(test_random_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
