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

#include "ctrl/rule/order.h"
#include "ctrl/table/table.h"
#include "flowgate/match.h"
#include "tests/oracle/generate.h"

enum { RULES_MAX = 1500, IMAGE_LINES = 1 << 21 };

struct set {
	struct or_gen_rule gen[RULES_MAX];
	struct fg_rule rule[RULES_MAX];
	struct fg_table_rule sorted[FG_FAMILY_COUNT][RULES_MAX];
	size_t n[FG_FAMILY_COUNT];
	size_t count;
	struct or_table *oracle;
};

static struct set set;
static struct fg_compile_scratch scratch;

static int by_order(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

static bool is_known(const struct fg_rule *rule)
{
	for (size_t i = 0; i < set.count; i++)
		if (set.rule[i].family == rule->family && fg_rule_order(&set.rule[i], rule) == 0)
			return true;
	return false;
}

static void draw_rule(struct or_random *r, const struct or_gen_rules *how, bool one_victim)
{
	struct or_gen_rule *g = &set.gen[set.count];
	struct fg_rule *rule = &set.rule[set.count];
	bool v6 = or_random_chance(r, 50);
	uint32_t id = (uint32_t)set.count;

	or_gen_rule(r, v6 ? OR_IPV6 : OR_IPV4, how, g);
	if (one_victim && g->octets[0] == FG_DST)
		return;
	*rule = (struct fg_rule){ .family = v6, .nlri = g->octets, .nlri_len = g->len, .offset_form = g->full_offset };
	if (is_known(rule))
		return;
	assert_int_equal(fg_nlri_check(rule, NULL), 0);
	assert_int_equal(or_table_add(set.oracle, id, g->family, g->full_offset, g->go_on, g->octets, g->len), 0);
	set.sorted[v6][set.n[v6]++] = (struct fg_table_rule){ rule, id | (g->go_on ? FG_SLOT_CONTINUE : 0) };
	set.count++;
}

static void draw_set(struct or_random *r, const struct or_gen_rules *how, size_t n, bool one_victim)
{
	set.count = set.n[0] = set.n[1] = 0;
	set.oracle = or_table_new();
	for (size_t i = 0; i < 20 * n && set.count < n; i++)
		draw_rule(r, how, one_victim);
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		qsort(set.sorted[f], set.n[f], sizeof(set.sorted[f][0]), by_order);
}

static size_t hits;

static void compare_packet(const uint8_t *base, const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	static uint32_t want[RULES_MAX];
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
	n = or_table_evaluate(set.oracle, &facts, want, RULES_MAX);
	fg_match(&view, &got.key, &out);
	hits += n > 0;
	assert_int_equal(out.count, n < FG_APPLIED_MAX ? n : FG_APPLIED_MAX);
	for (uint32_t i = 0; i < out.count; i++)
		assert_int_equal(out.slot[i] & FG_SLOT_MASK, want[i]);
}

static void compare_set(struct or_random *r, size_t packets)
{
	const struct or_gen_packets how = { .odd_percent = 10 };
	const struct fg_table_rule *const rules[] = { set.sorted[0], set.sorted[1] };
	size_t size = (size_t)IMAGE_LINES * FG_LINE_OCTETS;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct or_gen_packet packet;
	uint32_t used;

	assert_ptr_not_equal(base, MAP_FAILED);
	assert_int_equal(fg_table_compile(base, IMAGE_LINES, rules, set.n, &scratch, &used), 0);
	for (size_t i = 0; i < packets; i++) {
		if (i % 4 == 0)
			or_gen_packet(r, i % 8 ? OR_IPV6 : OR_IPV4, &how, &packet);
		else
			or_gen_aim(r, &set.gen[or_random_below(r, (uint32_t)set.count)], i % 4 == 3, &how, &packet);
		compare_packet(base, &packet);
	}
	munmap(base, size);
	or_table_free(set.oracle);
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool one_victim, int sets, size_t packets)
{
	struct or_random r = or_random_seed(seed);

	hits = 0;
	for (int i = 0; i < sets; i++) {
		draw_set(&r, how, 1 + or_random_below(&r, (uint32_t)rules), one_victim);
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
	run(2, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 10, .no_dst_percent = 10 }, RULES_MAX, false,
	    6, 10000);
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
	run(4, &(struct or_gen_rules){ .wild_percent = 10, .full_percent = 10, .no_dst_percent = 100 }, RULES_MAX, true,
	    6, 5000);
}

/* An image too small is refused, whatever its size. */
static void test_no_room(void **state)
{
	const struct fg_table_rule *const rules[] = { set.sorted[0], set.sorted[1] };
	struct or_random r = or_random_seed(5);
	uint32_t lines = FG_UPPER_LINES + FG_SHORT_LINES + 100, used = 4711;
	size_t size = (size_t)lines * FG_LINE_OCTETS;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(base, MAP_FAILED);
	draw_set(&r, &(struct or_gen_rules){ 0 }, 800, false);
	for (uint32_t room = 2; room < lines; room += room < 100 ? 1 : FG_UPPER_LINES / 3) {
		assert_int_equal(fg_table_compile(base, room, rules, set.n, &scratch, &used), FG_OVER_BUDGET);
		assert_int_equal(used, 4711);
	}
	assert_int_equal(fg_table_compile(base, lines, rules, set.n, &scratch, &used), FG_OVER_BUDGET);
	or_table_free(set.oracle);
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
