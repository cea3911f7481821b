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
	struct or_random r = or_random_seed(seed);

	hits = 0;
	for (int i = 0; i < sets; i++) {
		set_draw(&set, &r, how, 1 + or_random_below(&r, (uint32_t)rules), one_victim);
		compare_set(&r, packets);
	}
	assert_true(hits > packets * (size_t)sets / 4);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_rules), cmocka_unit_test(test_many_rules), cmocka_unit_test(test_continue),
		cmocka_unit_test(test_one_group), cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
