/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Order of evaluation (order.c): the clauses of RFC 8955 §5.1 and RFC 8956 §4 by hand, then agreement with the naive
 * oracle and the laws of a total order on random rules.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/rule/order.h"
#include "tests/oracle/generate.h"

static int order(enum fg_family family, const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct fg_rule ra = { .family = (uint8_t)family, .nlri = a, .nlri_len = (uint16_t)a_len };
	struct fg_rule rb = { .family = (uint8_t)family, .nlri = b, .nlri_len = (uint16_t)b_len };

	return fg_rule_order(&ra, &rb);
}

#define OCTETS(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void test_clauses(void **state)
{
	(void)state;
	/* Nested: longer first. Not nested: lower address first. No destination: last. */
	assert_true(order(FG_IPV4, OCTETS(1, 16, 10, 1), OCTETS(1, 8, 10)) < 0);
	assert_true(order(FG_IPV4, OCTETS(1, 8, 10), OCTETS(1, 16, 11, 1)) < 0);
	assert_true(order(FG_IPV4, OCTETS(1, 24, 192, 0, 2), OCTETS(3, 0x81, 6)) < 0);
	/* The encoding decides: op 81 before op 91; a list's first operator has no end bit. */
	assert_true(order(FG_IPV4, OCTETS(5, 0x81, 80), OCTETS(5, 0x91, 0, 80)) < 0);
	assert_true(order(FG_IPV4, OCTETS(3, 1, 6, 0x81, 17), OCTETS(3, 0x81, 6)) < 0);
	/* More components first where the rest is equal. */
	assert_true(order(FG_IPV4, OCTETS(1, 8, 10, 3, 0x81, 6), OCTETS(1, 8, 10)) < 0);
	/* IPv6: the lower offset first, whatever the length. */
	assert_true(order(FG_IPV6, OCTETS(1, 8, 0, 0x20), OCTETS(1, 24, 8, 1, 2)) < 0);
	assert_int_equal(order(FG_IPV6, OCTETS(1, 0, 0), OCTETS(1, 0, 0)), 0);
}

static struct fg_rule draw(struct or_random *r, enum fg_family family, struct or_gen_rule *room)
{
	const struct or_gen_rules how = { .wild_percent = 30, .full_percent = 20, .no_dst_percent = 20 };
	struct fg_rule rule = { .family = (uint8_t)family };

	or_gen_rule(r, family == FG_IPV4 ? OR_IPV4 : OR_IPV6, &how, room);
	rule.nlri = room->octets;
	rule.nlri_len = room->len;
	rule.offset_form = room->full_offset;
	return rule;
}

static void test_agrees_with_oracle(void **state)
{
	struct or_random r = or_random_seed(20130303);

	(void)state;
	for (int i = 0; i < 200000; i++) {
		enum fg_family family = i % 2 ? FG_IPV6 : FG_IPV4;
		struct or_gen_rule room[2];
		struct fg_rule a = draw(&r, family, &room[0]), b = draw(&r, family, &room[1]);
		struct or_nlri oa, ob;
		int mine = fg_rule_order(&a, &b), theirs;

		assert_true(or_nlri_decode(room[0].family, room[0].full_offset, a.nlri, a.nlri_len, &oa));
		assert_true(or_nlri_decode(room[1].family, room[1].full_offset, b.nlri, b.nlri_len, &ob));
		theirs = or_order(&oa, &ob);
		assert_int_equal((mine > 0) - (mine < 0), (theirs > 0) - (theirs < 0));
		if (fg_rule_rank(&a) != fg_rule_rank(&b))
			assert_true((mine < 0) == (fg_rule_rank(&a) < fg_rule_rank(&b)));
	}
}

static void test_is_total(void **state)
{
	struct or_random r = or_random_seed(7);

	(void)state;
	for (int i = 0; i < 100000; i++) {
		enum fg_family family = i % 2 ? FG_IPV6 : FG_IPV4;
		struct or_gen_rule room[3];
		struct fg_rule a = draw(&r, family, &room[0]), b = draw(&r, family, &room[1]),
			       c = draw(&r, family, &room[2]);
		int ab = fg_rule_order(&a, &b), bc = fg_rule_order(&b, &c);

		assert_int_equal((ab > 0) - (ab < 0), (fg_rule_order(&b, &a) < 0) - (fg_rule_order(&b, &a) > 0));
		if (ab <= 0 && bc <= 0)
			assert_true(fg_rule_order(&a, &c) <= 0);
	}
}

/* Rules so alike that most comparisons go to the end; some differ only in prefix bits that mean nothing. */
static const struct alike {
	uint8_t len;
	uint8_t octets[8];
} alike4[] = {
	{ 2, { 1, 0 } },		{ 3, { 1, 1, 0x80 } },		  { 3, { 1, 1, 0x81 } },
	{ 3, { 1, 1, 0 } },		{ 3, { 1, 8, 0x80 } },		  { 3, { 1, 7, 0x80 } },
	{ 3, { 1, 7, 0x81 } },		{ 6, { 1, 7, 0x81, 3, 0x81, 6 } },  { 6, { 1, 7, 0x80, 3, 0x81, 6 } },
	{ 6, { 1, 7, 0x80, 2, 1, 0x80 } }, { 6, { 1, 7, 0x80, 2, 1, 0xff } }, { 6, { 1, 7, 0x81, 2, 1, 0x80 } },
	{ 3, { 2, 1, 0x80 } },		{ 3, { 2, 1, 0xff } },		  { 3, { 3, 0x81, 6 } },
	{ 3, { 3, 0x89, 6 } },		{ 4, { 3, 0x91, 0, 6 } },	  { 5, { 3, 1, 6, 0x81, 6 } },
	{ 5, { 3, 1, 6, 0xc1, 6 } },	{ 6, { 3, 0x81, 6, 4, 0x81, 6 } },  { 6, { 3, 0x81, 6, 5, 0x81, 6 } },
}, alike6[] = {
	{ 3, { 1, 0, 0 } },		  { 4, { 1, 1, 0, 0x80 } },	 { 4, { 1, 1, 0, 0x81 } },
	{ 4, { 1, 2, 1, 0x80 } },	  { 4, { 1, 2, 1, 0x81 } },	 { 4, { 1, 3, 1, 0x80 } },
	{ 4, { 1, 3, 1, 0xc0 } },	  { 4, { 1, 3, 2, 0x80 } },	 { 4, { 1, 3, 2, 0 } },
	{ 7, { 1, 2, 1, 0x80, 3, 0x81, 6 } }, { 7, { 1, 2, 1, 0x81, 3, 0x81, 6 } }, { 4, { 2, 1, 0, 0x80 } },
	{ 4, { 2, 1, 0, 0xff } },	  { 3, { 13, 0x81, 6 } },	 { 3, { 3, 0x81, 6 } },
};

/* Every three of them: 0 only for the same, both ways round the opposite, and transitive. */
static void check_strict(enum fg_family family, const struct alike *of, size_t n)
{
	for (size_t i = 0; i < n * n * n; i++) {
		const struct alike *a = &of[i / n / n], *b = &of[i / n % n], *c = &of[i % n];
		int ab = order(family, a->octets, a->len, b->octets, b->len);
		int ba = order(family, b->octets, b->len, a->octets, a->len);
		int bc = order(family, b->octets, b->len, c->octets, c->len);

		assert_int_equal(ab == 0, a == b);
		assert_int_equal(ab<0, ba> 0);
		if (ab <= 0 && bc <= 0)
			assert_true(order(family, a->octets, a->len, c->octets, c->len) <= 0);
	}
}

static void test_is_strict(void **state)
{
	(void)state;
	check_strict(FG_IPV4, alike4, sizeof(alike4) / sizeof(*alike4));
	check_strict(FG_IPV6, alike6, sizeof(alike6) / sizeof(*alike6));
}

/* An offset in the full form and in the strict: the pattern decides. */
static void test_offset_forms(void **state)
{
	struct fg_rule full = { .family = FG_IPV6, .offset_form = FG_OFFSET_FULL };
	struct fg_rule strict = { .family = FG_IPV6 };

	(void)state;
	full.nlri = (const uint8_t[]){ 1, 16, 8, 0xff, 0x22 };
	full.nlri_len = 5;
	strict.nlri = (const uint8_t[]){ 1, 16, 8, 0x33 };
	strict.nlri_len = 4;
	assert_true(fg_rule_order(&full, &strict) < 0);
	assert_true(fg_rule_order(&strict, &full) > 0);
	strict.nlri = (const uint8_t[]){ 1, 16, 8, 0x11 };
	assert_true(fg_rule_order(&full, &strict) > 0);
	assert_true(fg_rule_order(&strict, &full) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clauses),      cmocka_unit_test(test_agrees_with_oracle),
		cmocka_unit_test(test_is_total),     cmocka_unit_test(test_is_strict),
		cmocka_unit_test(test_offset_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
