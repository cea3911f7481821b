/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NLRI codec (nlri.c): length forms, each way a component can be wrong, the builder, and agreement with the naive
 * decoder of tests/oracle on random and damaged octets. Hostile octets lie in memory of exactly their size, so that a
 * sanitizer sees a read behind them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/rule/nlri.h"
#include "tests/oracle/generate.h"
#include "tests/oracle/oracle.h"

static int check(enum fg_family family, const uint8_t *octets, size_t len, struct fg_finding *why)
{
	struct fg_rule rule = { .family = (uint8_t)family, .nlri_len = (uint16_t)len };
	uint8_t *copy = malloc(len ? len : 1);
	int r;

	memcpy(copy, octets, len);
	rule.nlri = len ? copy : copy + 1;
	r = fg_nlri_check(&rule, why);
	free(copy);
	return r;
}

#define CHECK(family, ...)                                                                                             \
	check(family, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }), NULL)

static void test_accepts(void **state)
{
	(void)state;
	assert_int_equal(CHECK(FG_IPV4, 1, 24, 192, 0, 2, 3, 0x81, 6, 4, 0x81, 25), 0);
	assert_int_equal(CHECK(FG_IPV4, 1, 0), 0);
	assert_int_equal(CHECK(FG_IPV6, 1, 0, 0), 0);
	assert_int_equal(CHECK(FG_IPV6, 2, 104, 65, 0x24, 0x68, 0xac, 0xf1, 0x34), 0);
	assert_int_equal(CHECK(FG_IPV4, 5, 0xb1, 0, 0, 0, 0, 0, 0, 0, 80), 0);
	assert_int_equal(CHECK(FG_IPV6, 13, 0xa1, 0, 0, 7, 0xdd), 0);
}

static void test_refuses(void **state)
{
	const struct fg_rule nothing = { .family = FG_IPV4, .nlri = NULL };
	struct fg_finding why;

	(void)state;
	assert_int_equal(check(FG_IPV4, (const uint8_t *)"", 0, &why), FG_MALFORMED);
	assert_int_equal(fg_nlri_check(&nothing, &why), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 1, 33, 1, 2, 3, 4, 5), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV6, 1, 32, 32), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV6, 1, 129, 0), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 3, 0x81, 6, 3, 0x81, 6), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 4, 0x81, 25, 3, 0x81, 6), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 13, 0x81, 0), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV6, 14, 0x81, 0), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 0, 0x81, 0), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 3, 0x01, 6), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 9, 0xa1, 0, 0, 0, 2), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 11, 0x91, 0, 10), FG_MALFORMED);
	assert_int_equal(CHECK(FG_IPV4, 12, 0x91, 0, 1), FG_MALFORMED);
	assert_int_equal(check(FG_IPV4, (const uint8_t[]){ 3, 0x81, 6, 10, 0x91, 1 }, 6, &why), FG_MALFORMED);
	assert_int_equal(why.component, FG_LENGTH);
	assert_true(why.octet >= 3);
	assert_string_equal(why.source, "RFC 8955 §4.2.1");
	assert_int_equal(check(FG_IPV6, (const uint8_t[]){ 2, 32, 32 }, 3, &why), FG_MALFORMED);
	assert_string_equal(why.source, "RFC 8956 §3.2");
	assert_int_equal(check(FG_IPV4, (const uint8_t[]){ 12, 0x91, 0, 1 }, 4, &why), FG_MALFORMED);
	assert_string_equal(why.source, "RFC 8955 §4.2.2.12");
}

static void read_one(const uint8_t *octets, size_t len, bool vpn, int result, bool framed, size_t left)
{
	struct fg_reader in = { .at = octets, .end = octets + len };
	struct fg_rule rule;
	struct fg_finding why;
	bool got;

	memset(&rule, 0, sizeof(rule));
	assert_int_equal(fg_nlri_read(&in, FG_IPV4, vpn, FG_OFFSET_STRICT, &rule, &got, &why), result);
	assert_int_equal(got, framed);
	assert_int_equal(fg_reader_left(&in), left);
}

static void test_length_forms(void **state)
{
	(void)state;
	read_one((const uint8_t[]){ 3, 3, 0x81, 6 }, 4, false, 0, true, 0);
	read_one((const uint8_t[]){ 0xf0, 3, 3, 0x81, 6, 99 }, 6, false, 0, true, 1);
	read_one((const uint8_t[]){ 0xf0 }, 1, false, FG_MALFORMED, false, 1);
	read_one((const uint8_t[]){ 0xf0, 0xff, 1 }, 3, false, FG_MALFORMED, false, 3);
	read_one((const uint8_t[]){ 0, 7 }, 2, false, FG_MALFORMED, true, 1);
	read_one((const uint8_t[]){ 7, 0, 0, 0, 0, 0, 0, 1 }, 8, true, FG_MALFORMED, true, 0);
	read_one((const uint8_t[]){ 11, 0, 0, 0, 1, 0, 0, 0, 1, 3, 0x81, 6 }, 12, true, 0, true, 0);
}

static void test_write_reads_back(void **state)
{
	static uint8_t octets[FG_NLRI_MAX], out[FG_NLRI_MAX + 2];
	struct fg_rule rule = { .nlri = octets };
	const size_t lengths[] = { 3, 0xef, 0xf0, FG_NLRI_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		size_t head = lengths[i] < 0xf0 ? 1 : 2;

		rule.nlri_len = (uint16_t)lengths[i];
		assert_int_equal(fg_nlri_write(&rule, out, sizeof(out)), lengths[i] + head);
		assert_int_equal(fg_nlri_write(&rule, out, lengths[i] + head - 1), 0);
	}
	rule.vpn = true;
	assert_int_equal(fg_nlri_write(&rule, out, sizeof(out)), 0);
}

static void test_builder_is_minimal(void **state)
{
	static struct fg_nlri_builder b;
	struct fg_prefix dst = { .length = 24, .octets = { 192, 0, 2 } }, v6 = { .length = 104, .offset = 65 };
	const uint8_t want[] = { 1, 24, 192, 0, 2, 5, 0x13, 0x03, 0xe8, 0xd5, 0x07, 0xd0 };

	(void)state;
	fg_nlri_begin(&b);
	assert_int_equal(fg_nlri_put_prefix(&b, FG_IPV4, FG_DST, &dst), 0);
	/* The first AND means nothing and is not written, nor are length and end bits that a caller sets. */
	assert_int_equal(fg_nlri_put_term(&b, FG_DPORT, 0xb8 | FG_OP_AND | FG_OP_GT | FG_OP_EQ, 1000), 0);
	assert_int_equal(fg_nlri_put_term(&b, FG_DPORT, FG_OP_AND | FG_OP_LT | FG_OP_EQ, 2000), 0);
	assert_int_equal(b.len, sizeof(want));
	assert_memory_equal(b.octets, want, sizeof(want));
	assert_int_equal(fg_nlri_put_term(&b, FG_PROTO, FG_OP_EQ, 6), FG_MALFORMED);
	assert_int_equal(fg_nlri_put_term(&b, FG_DSCP, FG_OP_EQ, 300), FG_MALFORMED);
	assert_int_equal(b.len, sizeof(want));
	assert_int_equal(fg_nlri_put_prefix(&b, FG_IPV6, FG_SRC, &v6), FG_MALFORMED);
	fg_nlri_begin(&b);
	v6.octets[8] = 0x12;
	v6.octets[9] = 0x34;
	assert_int_equal(fg_nlri_put_prefix(&b, FG_IPV6, FG_SRC, &v6), 0);
	assert_memory_equal(b.octets, ((const uint8_t[]){ 2, 104, 65, 0x24, 0x68, 0 }), 6);
	for (int i = 0; i < FG_NLRI_MAX && fg_nlri_put_term(&b, FG_DPORT, FG_OP_EQ, 1) == 0; i++)
		;
	assert_int_equal(check(FG_IPV6, b.octets, b.len, NULL), 0);
	assert_true(b.len >= FG_NLRI_MAX - 1);
}

/* Valid rules as they are and damaged: both decoders take the same ones. */
static void test_agrees_with_oracle(void **state)
{
	const struct or_gen_rules how = { .wild_percent = 30, .full_percent = 20, .no_dst_percent = 20 };
	struct or_random r = or_random_seed(4095);
	size_t taken = 0, refused = 0;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		struct or_gen_rule room;
		struct or_nlri theirs;
		int mine;

		or_gen_rule(&r, i % 2 ? OR_IPV6 : OR_IPV4, &how, &room);
		for (uint32_t n = or_random_below(&r, 4); n > 0 && room.len > 0; n--)
			or_gen_damage(&r, &room);
		if (room.full_offset)
			continue;
		mine = check(i % 2 ? FG_IPV6 : FG_IPV4, room.octets, room.len, NULL);
		assert_int_equal(mine == 0, or_nlri_decode(room.family, false, room.octets, room.len, &theirs));
		*(mine == 0 ? &taken : &refused) += 1;
	}
	assert_true(taken > 10000 && refused > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_length_forms),
		cmocka_unit_test(test_write_reads_back),
		cmocka_unit_test(test_builder_is_minimal),
		cmocka_unit_test(test_agrees_with_oracle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
