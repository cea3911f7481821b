/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table that changes: after any sequence of adds and deletes, in batches, both images give each packet the rules that the naive reference
 * gives, use exactly the octets and lines that a fresh compilation of the same rules would, and an image that does not fit is refused and
 * recovers.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "ctrl/table/update.h"
#include "flowgate/match.h"
#include "tests/oracle/sets.h"

enum { IMAGE_LINES = FG_UPPER_LINES + (1 << 19) };

static struct set set;
static bool in_table[SET_RULES_MAX];
static struct fg_table_rule sorted[FG_FAMILY_COUNT][SET_RULES_MAX];
static size_t sorted_count[FG_FAMILY_COUNT];
static struct fg_compile_scratch scratch;
static uint8_t *image[2];
static void *memory;
static struct fg_table *table;
static size_t hits;

static void *map(size_t octets)
{
	void *p = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void start(struct or_random *r, const struct or_gen_rules *how, size_t rules, bool no_dst, uint32_t lines)
{
	set_draw(&set, r, how, rules, no_dst);
	or_table_free(set.oracle);
	set.oracle = or_table_new();
	memset(in_table, 0, sizeof(in_table));
	for (int side = 0; side < 2; side++)
		image[side] = map((size_t)lines * FG_LINE_OCTETS);
	memory = map(fg_table_octets(SET_RULES_MAX, lines));
	table = fg_table_init(memory, SET_RULES_MAX, image, lines);
	assert_non_null(table);
}

static void stop(uint32_t lines)
{
	set_free(&set);
	munmap(memory, fg_table_octets(SET_RULES_MAX, lines));
	for (int side = 0; side < 2; side++)
		munmap(image[side], (size_t)lines * FG_LINE_OCTETS);
}

/* Adds a rule that is not there, or deletes one that is, here and in the oracle. */
static void toggle(size_t i)
{
	const struct or_gen_rule *g = &set.gen[i];
	const struct fg_rule *rule = &set.rule[i];
	uint32_t slot = (uint32_t)i | (g->go_on ? FG_SLOT_CONTINUE : 0);

	if (in_table[i]) {
		assert_int_equal(fg_table_delete(table, rule), 0);
		assert_int_equal(fg_table_delete(table, rule), -ENOENT);
		assert_int_equal(or_table_delete(set.oracle, (uint32_t)i), 0);
	} else {
		assert_int_equal(fg_table_add(table, rule, slot), 0);
		assert_int_equal(fg_table_add(table, rule, slot), FG_DUPLICATE);
		assert_int_equal(
			or_table_add(set.oracle, (uint32_t)i, g->family, g->full_offset, g->go_on, g->octets, g->len),
			0);
	}
	in_table[i] = !in_table[i];
}

static void compare_packet(int side, const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	static uint32_t want[SET_RULES_MAX];
	struct fg_view view = { .base = image[side] };
	struct or_packet facts;
	struct fg_packet got;
	struct fg_matched out;
	size_t n;

	or_gen_build(packet, &frame);
	or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &facts);
	fg_packet_parse(frame.octets, frame.octets + frame.captured, false, &got);
	if (facts.kind != OR_IP)
		return;
	n = or_table_evaluate(set.oracle, &facts, want, SET_RULES_MAX);
	hits += n > 0;
	fg_match(&view, &got.key, &out);
	assert_int_equal(out.count, n < FG_APPLIED_MAX ? n : FG_APPLIED_MAX);
	for (uint32_t i = 0; i < out.count; i++)
		assert_int_equal(out.slot[i] & FG_SLOT_MASK, want[i]);
}

static void compare_packets(struct or_random *r, int side, size_t packets)
{
	const struct or_gen_packets how = { .odd_percent = 5, .no_snap = true, .no_raw = true };
	struct or_gen_packet packet;

	for (size_t i = 0; i < packets; i++) {
		set_packet(&set, r, i, &how, &packet);
		compare_packet(side, &packet);
	}
}

/* The cost of the rules that are in the table, compiled at once. */
static struct fg_cost fresh_cost(void)
{
	const struct fg_table_rule *const rules[] = { sorted[FG_IPV4], sorted[FG_IPV6] };
	struct fg_cost cost;

	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		sorted_count[f] = 0;
		for (size_t i = 0; i < set.n[f]; i++)
			if (in_table[set.sorted[f][i].slot & FG_SLOT_MASK])
				sorted[f][sorted_count[f]++] = set.sorted[f][i];
	}
	fg_table_cost(rules, sorted_count, &scratch, &cost);
	return cost;
}

static void compare_cost(int side)
{
	struct fg_cost fresh = fresh_cost(), now;

	fg_table_worst(table, side, &now);
	assert_int_equal(now.slots, fresh.slots);
	assert_int_equal(now.bytes, fresh.bytes);
	assert_int_equal(now.lines, fresh.lines);
	assert_int_equal(now.continues, fresh.continues);
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool no_dst, int batches, size_t batch_max,
		size_t packets)
{
	struct or_random r = or_random_seed(seed);

	hits = 0;
	start(&r, how, rules, no_dst, IMAGE_LINES);
	for (int b = 0; b < batches; b++) {
		/* Grow, shrink to nothing, and grow again. */
		bool grow = b < batches / 2 || b > batches * 3 / 4;

		for (size_t k = 1 + or_random_below(&r, (uint32_t)batch_max); k > 0; k--) {
			size_t i = or_random_below(&r, (uint32_t)set.count);

			if (in_table[i] != grow || or_random_chance(&r, 20))
				toggle(i);
		}
		for (int side = 0; side < 2; side++) {
			assert_int_equal(fg_table_apply(table, (b + side) % 2), 0);
			compare_packets(&r, (b + side) % 2, packets);
			compare_cost((b + side) % 2);
		}
	}
	assert_true(hits > 0);
	stop(IMAGE_LINES);
}

static void test_small_batches(void **state)
{
	(void)state;
	run(31, &(struct or_gen_rules){ .full_percent = 10, .no_dst_percent = 10 }, 60, false, 400, 3, 40);
}

static void test_large_batches(void **state)
{
	(void)state;
	run(32, &(struct or_gen_rules){ .full_percent = 10, .no_dst_percent = 10 }, SET_RULES_MAX, false, 40, 300, 200);
}

static void test_continue(void **state)
{
	(void)state;
	run(33, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 20 }, 60, false, 200, 5, 40);
}

/* One group in either family: between a plain chain and a step by source, and back. */
static void test_one_group(void **state)
{
	(void)state;
	run(34, &(struct or_gen_rules){ .no_dst_percent = 100 }, 600, true, 30, 60, 100);
	run(37, &(struct or_gen_rules){ .no_dst_percent = 100, .src_percent = 80 }, SET_RULES_MAX, true, 40, 300, 100);
}

/* Rules that may never match, which admission refuses: still exact. */
static void test_never_rules(void **state)
{
	(void)state;
	run(35, &(struct or_gen_rules){ .wild_percent = 80, .no_dst_percent = 20 }, 100, false, 200, 5, 40);
}

/* ---- Protect entries ---- */

enum { PROTECTS = 12, PROTECT_SLOT = 1 << 20 };

/* The first rules in order become protect entries of the table, and of an oracle of their own. */
static struct or_table *protect(void)
{
	struct or_table *oracle = or_table_new();

	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		struct fg_table_rule rules[PROTECTS];
		size_t n = 0;

		for (size_t i = 0; i < set.n[f] && n < PROTECTS; i += 3) {
			uint32_t id = set.sorted[f][i].slot & FG_SLOT_MASK;
			const struct or_gen_rule *g = &set.gen[id];

			rules[n++] = (struct fg_table_rule){ set.sorted[f][i].rule, PROTECT_SLOT + id };
			assert_int_equal(or_table_add(oracle, id, g->family, g->full_offset, false, g->octets, g->len),
					 0);
		}
		fg_table_protect(table, (enum fg_family)f, rules, n);
	}
	return oracle;
}

/* A packet that an entry matches meets that entry and nothing else; any other is as without entries. */
static size_t compare_protected(struct or_random *r, int side, struct or_table *guard, size_t packets)
{
	const struct or_gen_packets how = { .odd_percent = 5, .no_snap = true, .no_raw = true };
	struct fg_view view = { .base = image[side] };
	size_t guarded = 0;

	for (size_t i = 0; i < packets; i++) {
		static struct or_gen_frame frame;
		struct or_gen_packet packet;
		struct or_packet facts;
		struct fg_packet got;
		struct fg_matched out;
		uint32_t want;

		set_packet(&set, r, i, &how, &packet);
		or_gen_build(&packet, &frame);
		or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &facts);
		if (facts.kind != OR_IP || or_table_evaluate(guard, &facts, &want, 1) == 0) {
			compare_packet(side, &packet);
			continue;
		}
		fg_packet_parse(frame.octets, frame.octets + frame.captured, false, &got);
		fg_match(&view, &got.key, &out);
		assert_int_equal(out.count, 1);
		assert_int_equal(out.slot[0], PROTECT_SLOT + want);
		guarded++;
	}
	return guarded;
}

static void test_protect(void **state)
{
	struct or_random r = or_random_seed(37);
	struct fg_cost with, without;
	struct or_table *guard;
	size_t guarded = 0;

	(void)state;
	start(&r, &(struct or_gen_rules){ .full_percent = 10, .no_dst_percent = 20 }, 150, false, IMAGE_LINES);
	guard = protect();
	for (int b = 0; b < 100; b++) {
		for (int k = 0; k < 4; k++)
			toggle(or_random_below(&r, (uint32_t)set.count));
		for (int side = 0; side < 2; side++) {
			assert_int_equal(fg_table_apply(table, side), 0);
			guarded += compare_protected(&r, side, guard, 60);
		}
	}
	assert_true(guarded > 100);
	fg_table_worst(table, 0, &with);
	fg_table_protect(table, FG_IPV4, NULL, 0);
	fg_table_protect(table, FG_IPV6, NULL, 0);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(fg_table_apply(table, side), 0);
		compare_packets(&r, side, 200);
		compare_cost(side);
	}
	fg_table_worst(table, 0, &without);
	assert_true(with.bytes > without.bytes && with.lines > without.lines && with.slots == without.slots);
	or_table_free(guard);
	stop(IMAGE_LINES);
}

/* ---- Adoption ---- */

static void add_all_again(void)
{
	for (size_t i = 0; i < set.count; i++) {
		uint32_t slot = (uint32_t)i | (set.gen[i].go_on ? FG_SLOT_CONTINUE : 0);

		if (in_table[i])
			assert_int_equal(fg_table_add(table, &set.rule[i], slot), 0);
	}
}

/* A new owner over images of which one is read: that one is as it was until it is applied to, and both are right then. */
static void test_adopt(void **state)
{
	static uint8_t before[(size_t)IMAGE_LINES * FG_LINE_OCTETS];
	struct or_random r = or_random_seed(38);

	(void)state;
	start(&r, &(struct or_gen_rules){ .no_dst_percent = 10 }, 300, false, IMAGE_LINES);
	for (size_t i = 0; i < set.count; i += 2)
		toggle(i);
	assert_int_equal(fg_table_apply(table, 1), 0);
	memcpy(before, image[1], sizeof(before));
	memset(image[0], 0xa5, sizeof(before));
	table = fg_table_adopt(memory, SET_RULES_MAX, image, IMAGE_LINES);
	add_all_again();
	assert_int_equal(fg_table_apply(table, 0), 0);
	assert_memory_equal(image[1], before, sizeof(before));
	compare_packets(&r, 0, 1000);
	compare_packets(&r, 1, 1000);
	compare_cost(0);
	toggle(1);
	toggle(2);
	for (int side = 1; side >= 0; side--) {
		assert_int_equal(fg_table_apply(table, side), 0);
		compare_packets(&r, side, 1000);
		compare_cost(side);
	}
	stop(IMAGE_LINES);
}

/* More than fits: refused, and after taking rules back the image is right again. */
static void test_no_room_and_back(void **state)
{
	const uint32_t lines = FG_UPPER_LINES + FG_SHORT_LINES + FG_FILLED_LINES + 1500;
	struct or_random r = or_random_seed(36);
	size_t added = 0, refused = 0;

	(void)state;
	start(&r, &(struct or_gen_rules){ .no_dst_percent = 10 }, 400, false, lines);
	for (size_t i = 0; i < set.count; i++) {
		toggle(i);
		if (fg_table_apply(table, 0) == 0 && fg_table_apply(table, 1) == 0) {
			added++;
		} else {
			toggle(i);
			refused++;
			assert_int_equal(fg_table_apply(table, 1), 0);
			assert_int_equal(fg_table_apply(table, 0), 0);
		}
		compare_packets(&r, (int)(i % 2), 10);
		compare_cost((int)(i % 2));
	}
	assert_true(added > 20 && refused > 20);
	stop(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_batches), cmocka_unit_test(test_large_batches),
		cmocka_unit_test(test_continue),      cmocka_unit_test(test_one_group),
		cmocka_unit_test(test_never_rules),   cmocka_unit_test(test_no_room_and_back),
		cmocka_unit_test(test_protect),       cmocka_unit_test(test_adopt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
