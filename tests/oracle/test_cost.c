/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cost is never wrong: for random sets of rules the predicted octets are those emitted, and no packet is made to read more lines than
 * predicted, or to meet more `continue` rules. For families whose worst way can be reached, a packet made for it comes close to the bound.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define FG_COUNT_LINES
#include "flowgate/match.h"
#include "tests/oracle/sets.h"

enum { IMAGE_LINES = 1 << 21 };

static struct set set;
static struct fg_compile_scratch scratch;
static uint8_t *image;

static struct fg_cost cost_of_set(void)
{
	const struct fg_table_rule *const rules[] = { set.sorted[FG_IPV4], set.sorted[FG_IPV6] };
	struct fg_cost cost;
	uint32_t used;

	fg_table_cost(rules, set.n, &scratch, &cost);
	assert_int_equal(set_compile(&set, image, IMAGE_LINES, &used), 0);
	assert_int_equal(cost.bytes, (uint64_t)used * FG_LINE_OCTETS);
	assert_int_equal(cost.slots, set.count);
	return cost;
}

static void clear_image(const struct fg_cost *cost)
{
	memset(image, 0, cost->bytes);
}

/* Lines that the matcher reads for a packet; the `continue` rules it meets are checked on the way. */
static uint64_t lines_of(const struct fg_key *key, const struct fg_cost *cost)
{
	uint64_t lines = 0;
	struct fg_view view = { .base = image, .lines_read = &lines };
	struct fg_matched out;
	uint32_t continues = 0;

	fg_match(&view, key, &out);
	for (uint32_t i = 0; i < out.count; i++)
		continues += out.slot[i] & FG_SLOT_CONTINUE ? 1 : 0;
	assert_true(continues <= cost->continues);
	if (lines > cost->lines)
		fail_msg("%llu lines read, %u predicted", (unsigned long long)lines, cost->lines);
	return lines;
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool no_dst, int sets, size_t packets)
{
	const struct or_gen_packets odd = { .odd_percent = 5, .no_snap = true, .no_raw = true };
	struct or_random r = or_random_seed(seed);
	uint64_t worst = 0, bound = 0;

	for (int i = 0; i < sets; i++) {
		struct fg_cost cost;
		uint64_t most = 0;

		set_draw(&set, &r, how, 1 + or_random_below(&r, (uint32_t)rules), no_dst);
		cost = cost_of_set();
		for (size_t k = 0; k < packets; k++) {
			static struct or_gen_frame frame;
			struct or_gen_packet packet;
			struct fg_packet p;
			uint64_t lines;

			set_packet(&set, &r, k, &odd, &packet);
			or_gen_build(&packet, &frame);
			fg_packet_parse(frame.octets, frame.octets + frame.captured, false, &p);
			if (p.what != FG_PACKET_IP)
				continue;
			lines = lines_of(&p.key, &cost);
			most = lines > most ? lines : most;
		}
		clear_image(&cost);
		set_free(&set);
		worst += most;
		bound += cost.lines;
	}
	printf("# seed %llu: worst packets of random ones read %.0f %% of the bound\n", (unsigned long long)seed,
	       100.0 * (double)worst / (double)bound);
	assert_true(worst > 0);
}

static void test_bound_holds(void **state)
{
	(void)state;
	run(21, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 20, .no_dst_percent = 10 }, 30, false, 200,
	    1000);
	run(22, &(struct or_gen_rules){ .wild_percent = 20, .no_dst_percent = 10 }, SET_RULES_MAX, false, 6, 5000);
	run(23, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 30 }, 40, false, 100, 1000);
	run(24, &(struct or_gen_rules){ .wild_percent = 10, .no_dst_percent = 100 }, SET_RULES_MAX, true, 6, 5000);
	run(25, &(struct or_gen_rules){ .no_dst_percent = 100, .src_percent = 80 }, SET_RULES_MAX, true, 6, 3000);
}

/* Adds a rule to the set, in evaluation order, by its octets. */
static void add(enum fg_family family, const uint8_t *octets, uint16_t len)
{
	struct or_gen_rule *g = &set.gen[set.count];

	memcpy(g->octets, octets, len);
	set.rule[set.count] = (struct fg_rule){ .family = (uint8_t)family, .nlri = g->octets, .nlri_len = len };
	set.sorted[family][set.n[family]++] = (struct fg_table_rule){ &set.rule[set.count], (uint32_t)set.count };
	set.count++;
}

/* 32 nested destinations, each with a rule that the packet just misses: it must go all the way down. */
static void test_nested_destinations_reach_the_bound(void **state)
{
	struct fg_key key = {
		.family = FG_IPV4, .dst = { 10, 20, 30, 40 }, .l4 = FG_L4_PORTS, .proto = 17, .dport = 99
	};
	struct fg_cost cost;
	uint64_t lines;

	(void)state;
	memset(&set, 0, sizeof(set));
	for (uint8_t length = 32; length > 0; length--) {
		uint8_t octets[9] = { 1, length }, n = (uint8_t)((length + 7) / 8);

		memcpy(octets + 2, key.dst, n);
		memcpy(octets + 2 + n, (const uint8_t[]){ 5, 0x81, 53 }, 3);
		add(FG_IPV4, octets, (uint16_t)(2 + n + 3));
	}
	cost = cost_of_set();
	lines = lines_of(&key, &cost);
	print_message("# nested destinations: %llu of %u lines\n", (unsigned long long)lines, cost.lines);
	assert_true(lines * 100 >= (uint64_t)cost.lines * 95);
	clear_image(&cost);
}

/* One victim, 400 rules that differ in ports and length: the packet satisfies each field of some, and no rule. */
static void test_segment_reaches_the_bound(void **state)
{
	struct fg_key key = { .family = FG_IPV4, .dst = { 10, 20, 30, 40 }, .l4 = FG_L4_PORTS, .proto = 17 };
	struct fg_cost cost;
	uint64_t lines;

	(void)state;
	memset(&set, 0, sizeof(set));
	for (uint32_t i = 0; i < 400; i++) {
		const uint8_t octets[] = { 1,
					   32,
					   10,
					   20,
					   30,
					   40,
					   5,
					   0x91,
					   (uint8_t)((i + 256) >> 8),
					   (uint8_t)i,
					   6,
					   0x91,
					   (uint8_t)((i + 256) >> 8),
					   (uint8_t)i,
					   10,
					   0x91,
					   (uint8_t)((i / 2 + 256) >> 8),
					   (uint8_t)(i / 2) };

		add(FG_IPV4, octets, sizeof(octets));
	}
	cost = cost_of_set();
	key.dport = key.dport_again = 256 + 7;
	key.sport = key.sport_again = 256 + 7;
	key.length = 256 - FG_LENGTH4_MIN + 9;
	lines = lines_of(&key, &cost);
	print_message("# segment: %llu of %u lines\n", (unsigned long long)lines, cost.lines);
	/* All but the line of slots: it satisfies no rule. */
	assert_true(lines + 1 >= cost.lines);
	clear_image(&cost);
}

static int map_image(void **state)
{
	(void)state;
	image = mmap(NULL, (size_t)IMAGE_LINES * FG_LINE_OCTETS, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		     -1, 0);
	return image == MAP_FAILED ? -1 : 0;
}

static int unmap_image(void **state)
{
	(void)state;
	return munmap(image, (size_t)IMAGE_LINES * FG_LINE_OCTETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound_holds),
		cmocka_unit_test(test_nested_destinations_reach_the_bound),
		cmocka_unit_test(test_segment_reaches_the_bound),
	};

	return cmocka_run_group_tests(tests, map_image, unmap_image);
}
