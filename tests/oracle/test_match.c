/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Compiled images and the scalar matcher against the naive reference: random sets of rules, packets drawn at random and aimed at rules
 * or just beside them; the rules applied, and their order, must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "flowgate/match.h"
#include "tests/oracle/sets.h"

enum { IMAGE_LINES = 1 << 21 };

static struct set set;
static size_t hits;

static void compare_packet(const uint8_t *base, const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	static uint32_t want[SET_RULES_MAX];
	struct fg_view view = { .base = base };
	struct fg_packet got;
	struct fg_matched out;
	struct or_packet facts;
	size_t n;

	or_gen_build(packet, &frame);
	or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &facts);
	if (facts.kind != OR_IP)
		return;
	if (frame.link == OR_LINK_RAW)
		fg_packet_parse_ip_missing(frame.octets, frame.octets + frame.captured,
					   (uint32_t)(frame.wire - frame.captured), &got);
	else
		fg_packet_parse_missing(frame.octets, frame.octets + frame.captured,
					(uint32_t)(frame.wire - frame.captured), &got);
	n = or_table_evaluate(set.oracle, &facts, want, SET_RULES_MAX);
	fg_match(&view, &got.key, &out);
	hits += n > 0;
	set_compared(&set);
	assert_int_equal(out.count, n < FG_APPLIED_MAX ? n : FG_APPLIED_MAX);
	for (uint32_t i = 0; i < out.count; i++)
		assert_int_equal(out.slot[i] & FG_SLOT_MASK, want[i]);
}

static void compare_set(struct or_random *r, size_t packets)
{
	const struct or_gen_packets how = { .odd_percent = 10 };
	size_t size = (size_t)IMAGE_LINES * FG_LINE_OCTETS;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct or_gen_packet packet;
	uint32_t used;

	assert_ptr_not_equal(base, MAP_FAILED);
	assert_int_equal(set_compile(&set, base, IMAGE_LINES, &used), 0);
	for (size_t i = 0; i < packets; i++) {
		set_packet(&set, r, i, &how, &packet);
		compare_packet(base, &packet);
	}
	munmap(base, size);
	set_free(&set);
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool one_victim, int sets, size_t packets)
{
	const uint64_t factor = set_factor();

	hits = 0;
	for (uint64_t round = 0; round < factor; round++) {
		struct or_random r = or_random_seed(set_seed(seed, round));

		for (int i = 0; i < sets; i++) {
			set_draw(&set, &r, how, 1 + or_random_below(&r, (uint32_t)rules), one_victim);
			compare_set(&r, packets);
		}
	}
	assert_true(hits > factor * packets * (size_t)sets / 4);
}

static void test_few_rules(void **state)
{
	(void)state;
	run(1, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 20, .no_dst_percent = 10 }, 30, false, 200,
	    2000);
}

static void test_many_rules(void **state)
{
	(void)state;
	run(2, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 10, .no_dst_percent = 10 }, SET_RULES_MAX,
	    false, 6, 10000);
}

static void test_continue(void **state)
{
	(void)state;
	run(3, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 30 }, 40, false, 100, 2000);
}

/* All rules in one group: wide segments, several of them, and the step by source. */
static void test_one_group(void **state)
{
	(void)state;
	run(4, &(struct or_gen_rules){ .wild_percent = 10, .full_percent = 10, .no_dst_percent = 100 }, SET_RULES_MAX,
	    true, 4, 5000);
	run(6, &(struct or_gen_rules){ .no_dst_percent = 100, .src_percent = 80 }, SET_RULES_MAX, true, 6, 3000);
}

/* The i-th of n hosts in order: drawn at random behind its number. */
static void draw_host(struct or_random *r, size_t i, size_t n)
{
	struct or_gen_rule *g = &set.gen[i];

	*g = (struct or_gen_rule){ .family = OR_IPV6, .len = 19, .octets = { FG_DST, 128, 0, 0x20, (uint8_t)(i + n) } };
	for (size_t k = 0; k < 8; k++)
		g->octets[11 + k] = (uint8_t)or_random_next(r);
	set.rule[i] = (struct fg_rule){ .family = FG_IPV6, .nlri = g->octets, .nlri_len = g->len };
	set.sorted[FG_IPV6][i] = (struct fg_table_rule){ &set.rule[i], (uint32_t)i };
}

static void compare_host(const uint8_t *base, size_t i)
{
	const struct fg_view view = { .base = base };
	struct fg_key key = { .family = FG_IPV6 };
	struct fg_matched out;

	memcpy(key.dst, set.gen[i].octets + 3, sizeof(key.dst));
	fg_match(&view, &key, &out);
	assert_int_equal(out.count, 1);
	assert_int_equal(out.slot[0], i);
}

/* Few prefixes have few buckets, and now and then more of them want one bucket than it holds. test_update.c has the same of updates. */
static void test_few_prefixes_always_find_places(void **state)
{
	struct or_random r = or_random_seed(6);
	size_t size = (size_t)IMAGE_LINES * FG_LINE_OCTETS;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(base, MAP_FAILED);
	set.n[FG_IPV4] = 0;
	for (int round = 0; round < 20000; round++) {
		const size_t n = 4 + (size_t)round % 9;
		uint32_t used;

		for (size_t i = 0; i < n; i++)
			draw_host(&r, i, n);
		set.n[FG_IPV6] = n;
		assert_int_equal(set_compile(&set, base, IMAGE_LINES, &used), 0);
		for (size_t i = 0; i < n; i++)
			compare_host(base, i);
		/* No IPv4 rule, so all that was written is line 0 and what lies behind the largest table. */
		memset(base, 0, FG_LINE_OCTETS);
		memset(base + (size_t)FG_UPPER_LINES * FG_LINE_OCTETS, 0,
		       (used - FG_UPPER_LINES) * (size_t)FG_LINE_OCTETS);
	}
	munmap(base, size);
}

/* An image too small is refused, whatever its size. */
static void test_no_room(void **state)
{
	struct or_random r = or_random_seed(5);
	uint32_t lines = FG_UPPER_LINES + FG_SHORT_LINES + FG_FILLED_LINES + 100, used = 4711;
	size_t size = (size_t)lines * FG_LINE_OCTETS;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(base, MAP_FAILED);
	set_draw(&set, &r, &(struct or_gen_rules){ 0 }, 800, false);
	for (uint32_t room = 2; room < lines; room += room < 100 ? 1 : FG_UPPER_LINES / 3) {
		assert_int_equal(set_compile(&set, base, room, &used), FG_OVER_BUDGET);
		assert_int_equal(used, 4711);
	}
	assert_int_equal(set_compile(&set, base, lines, &used), FG_OVER_BUDGET);
	set_free(&set);
	munmap(base, size);
}

static int report(void **state)
{
	(void)state;
	set_report("scalar matcher");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_rules),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_one_group),
		cmocka_unit_test(test_few_prefixes_always_find_places),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, report);
}
