/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A table that changes: after any sequence of adds and deletes, in batches, both images give each packet the rules that the naive reference
 * gives, by the scalar matcher and by each form of the burst matcher that runs here; use exactly the octets and lines that a fresh compilation of
 * the same rules would; and an image that does not fit is refused and recovers.
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

#include "ctrl/rule/order.h"
#include "ctrl/table/update.h"
#include "dataplane/burst.h"
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
	madvise(p, octets, MADV_HUGEPAGE);
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

static void compare_matched(const struct fg_matched *out, const uint32_t *want, size_t n)
{
	assert_int_equal(out->count, n < FG_APPLIED_MAX ? n : FG_APPLIED_MAX);
	for (uint32_t i = 0; i < out->count; i++)
		assert_int_equal(out->slot[i] & FG_SLOT_MASK, want[i]);
}

static void compare_packet(int side, const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	static uint32_t want[SET_RULES_MAX];
	struct fg_view view = { .base = image[side] };
	const struct fg_key *key;
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
	set_compared(&set);
	key = &got.key;
	fg_match(&view, key, &out);
	compare_matched(&out, want, n);
	for (enum fg_burst_form form = 0; form < FG_BURST_FORMS; form++) {
		if (!fg_burst_supported(form))
			continue;
		fg_match_burst_by(form, &view, &key, 1, &out);
		compare_matched(&out, want, n);
	}
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

/* Grow, shrink to nothing, and grow again. */
static void run_round(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool no_dst, int batches,
		      size_t batch_max, size_t packets)
{
	struct or_random r = or_random_seed(seed);

	start(&r, how, rules, no_dst, IMAGE_LINES);
	for (int b = 0; b < batches; b++) {
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
	stop(IMAGE_LINES);
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool no_dst, int batches, size_t batch_max,
		size_t packets)
{
	hits = 0;
	for (uint64_t round = 0; round < set_factor(); round++)
		run_round(set_seed(seed, round), how, rules, no_dst, batches, batch_max, packets);
	assert_true(hits > 0);
}

static void test_small_batches(void **state)
{
	(void)state;
	run(31, &(struct or_gen_rules){ .full_percent = 10, .no_dst_percent = 10 }, 60, false, 400, 3, 200);
}

static void test_large_batches(void **state)
{
	(void)state;
	run(32, &(struct or_gen_rules){ .full_percent = 10, .no_dst_percent = 10 }, SET_RULES_MAX, false, 40, 300,
	    1000);
}

static void test_continue(void **state)
{
	(void)state;
	run(33, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 20 }, 60, false, 200, 5, 200);
}

/* One group in either family: between a plain chain and a step by source, and back. */
static void test_one_group(void **state)
{
	(void)state;
	run(34, &(struct or_gen_rules){ .no_dst_percent = 100 }, 600, true, 60, 60, 500);
	run(37, &(struct or_gen_rules){ .no_dst_percent = 100, .src_percent = 80 }, SET_RULES_MAX, true, 40, 300, 100);
}

/* Rules that may never match, which admission refuses: still exact. */
static void test_never_rules(void **state)
{
	(void)state;
	run(35, &(struct or_gen_rules){ .wild_percent = 80, .no_dst_percent = 20 }, 100, false, 200, 5, 200);
}

/* A rule of a destination alone, with the bits behind its prefix set. */
static void spell_destination(enum fg_family family, uint8_t length)
{
	struct or_gen_rule *g = &set.gen[set.count];
	size_t head = family == FG_IPV6 ? 3 : 2, octets = (length + 7u) / 8;

	*g = (struct or_gen_rule){ .family = family == FG_IPV6 ? OR_IPV6 : OR_IPV4, .octets = { FG_DST, length } };
	memset(g->octets + head, 0xff, octets);
	g->octets[head] = 0x9f;
	g->len = (uint16_t)(head + octets);
	set.rule[set.count] = (struct fg_rule){ .family = (uint8_t)family, .nlri = g->octets, .nlri_len = g->len };
	set.sorted[family][set.n[family]++] = (struct fg_table_rule){ &set.rule[set.count], (uint32_t)set.count };
	set.count++;
}

/* The last rule of its destination is found whatever its bits behind the prefix (RFC 8955 §4.2.2.1), so its cost is known. */
static void test_bits_behind_a_prefix(void **state)
{
	struct or_random r = or_random_seed(37);

	(void)state;
	start(&r, &(struct or_gen_rules){ 0 }, 0, false, IMAGE_LINES);
	for (uint8_t length = 1; length <= 31; length++)
		spell_destination(FG_IPV4, length);
	for (uint8_t length = 1; length <= 127; length++)
		spell_destination(FG_IPV6, length);
	for (size_t i = 0; i < set.count; i++) {
		toggle(i);
		for (int side = 0; side < 2; side++) {
			assert_int_equal(fg_table_apply(table, side), 0);
			compare_cost(side);
			compare_packets(&r, side, 4);
		}
		toggle(i);
	}
	stop(IMAGE_LINES);
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

/* All rules out at once, and in again. */
static void test_empty(void **state)
{
	struct or_random r = or_random_seed(39);

	(void)state;
	start(&r, &(struct or_gen_rules){ .no_dst_percent = 10 }, 300, false, IMAGE_LINES);
	for (int times = 0; times < 3; times++) {
		for (size_t i = (size_t)times; i < set.count; i += 2)
			toggle(i);
		for (int side = 0; side < 2; side++) {
			assert_int_equal(fg_table_apply(table, side), 0);
			compare_packets(&r, side, 500);
			compare_cost(side);
		}
		fg_table_empty(table);
		or_table_free(set.oracle);
		set.oracle = or_table_new();
		memset(in_table, 0, sizeof(in_table));
	}
	stop(IMAGE_LINES);
}

/* A host of its own, drawn at random. */
static void spell_host(struct or_random *r)
{
	struct or_gen_rule *g = &set.gen[set.count];

	*g = (struct or_gen_rule){ .family = OR_IPV6, .len = 19, .octets = { FG_DST, 128, 0, 0x20, 0x01 } };
	for (size_t i = 0; i < 8; i++)
		g->octets[11 + i] = (uint8_t)or_random_next(r);
	set.rule[set.count] = (struct fg_rule){ .family = FG_IPV6, .nlri = g->octets, .nlri_len = g->len };
	set.sorted[FG_IPV6][set.n[FG_IPV6]++] = (struct fg_table_rule){ &set.rule[set.count], (uint32_t)set.count };
	set.count++;
}

/* One packet to each host finds its rule. */
static void compare_hosts(int side)
{
	const struct fg_view view = { .base = image[side] };

	for (size_t i = 0; i < set.count; i++) {
		struct fg_key key = { .family = FG_IPV6 };
		struct fg_matched out;

		memcpy(key.dst, set.gen[i].octets + 3, sizeof(key.dst));
		fg_match(&view, &key, &out);
		assert_int_equal(out.count, 1);
		assert_int_equal(out.slot[0], i);
	}
}

/*
 * Few prefixes have few buckets, and now and then more of them want one bucket than it holds: of six, once in a thousand. They find places all
 * the same. No rule is refused for the value of its address.
 */
static void test_few_prefixes_always_find_places(void **state)
{
	struct or_random r = or_random_seed(38);

	(void)state;
	start(&r, &(struct or_gen_rules){ 0 }, 0, false, IMAGE_LINES);
	for (int round = 0; round < 10000; round++) {
		set.count = set.n[FG_IPV6] = 0;
		for (int n = 4 + round % 9; n > 0; n--) {
			spell_host(&r);
			toggle(set.count - 1);
		}
		for (int side = 0; side < 2; side++) {
			assert_int_equal(fg_table_apply(table, side), 0);
			compare_hosts(side);
		}
		for (size_t i = 0; i < set.count; i++)
			toggle(i);
		for (int side = 0; side < 2; side++)
			assert_int_equal(fg_table_apply(table, side), 0);
	}
	stop(IMAGE_LINES);
}

/* A rule of a destination, of UDP where `udp`, behind which evaluation goes on. */
static void spell_ipv4(uint32_t dst, uint8_t length, bool udp)
{
	struct or_gen_rule *g = &set.gen[set.count];
	size_t octets = (length + 7u) / 8;

	*g = (struct or_gen_rule){ .family = OR_IPV4, .go_on = true, .octets = { FG_DST, length } };
	for (size_t i = 0; i < octets; i++)
		g->octets[2 + i] = (uint8_t)(dst >> (24 - 8 * i));
	g->len = (uint16_t)(2 + octets);
	if (udp) {
		memcpy(g->octets + g->len, (const uint8_t[]){ FG_PROTO, 0x81, 17 }, 3);
		g->len += 3;
	}
	set.rule[set.count] = (struct fg_rule){ .family = FG_IPV4, .nlri = g->octets, .nlri_len = g->len };
	set.sorted[FG_IPV4][set.n[FG_IPV4]++] =
		(struct fg_table_rule){ &set.rule[set.count], (uint32_t)set.count | FG_SLOT_CONTINUE };
	set.count++;
}

enum { NETWORKS = 4, HOSTS = 20, AROUND = 0x0a140000 };

static int in_order(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

/* Networks in one /16: many hosts in each, the first address among them, hosts between networks, and one network without rules of its own. */
static void spell_networks(void)
{
	for (uint32_t network = 0; network < NETWORKS; network++) {
		uint32_t at = AROUND + ((3 * network) << 8);

		for (uint32_t host = 0; host < HOSTS; host++)
			spell_ipv4(at + host, 32, host % 3 == 1);
		spell_ipv4(at + 300, 32, false);
		if (network != 2)
			spell_ipv4(at, 24, network == 1);
	}
}

/* What lies in a destination that changes leads to where that is now, at whatever depth, whether it was passed over or not. */
static void test_around_many(void **state)
{
	struct or_random r = or_random_seed(40);
	size_t around;

	(void)state;
	start(&r, &(struct or_gen_rules){ 0 }, 0, false, IMAGE_LINES);
	set.count = set.n[FG_IPV4] = 0;
	spell_networks();
	around = set.count;
	spell_ipv4(AROUND, 16, false);
	spell_ipv4(AROUND, 16, true);
	spell_ipv4(AROUND, 8, true);
	qsort(set.sorted[FG_IPV4], set.n[FG_IPV4], sizeof(set.sorted[0][0]), in_order);
	for (size_t i = 0; i < set.count; i++)
		toggle(i);
	for (int round = 0; round < 60; round++) {
		for (int side = 0; side < 2; side++) {
			assert_int_equal(fg_table_apply(table, side), 0);
			compare_packets(&r, side, 1000);
			compare_cost(side);
		}
		toggle(around + (size_t)round % 3);
		if (round % 4 == 0)
			toggle(or_random_below(&r, (uint32_t)around));
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

static int report(void **state)
{
	(void)state;
	set_report("tables that change, each form of the matchers");
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_batches),
		cmocka_unit_test(test_large_batches),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_one_group),
		cmocka_unit_test(test_never_rules),
		cmocka_unit_test(test_bits_behind_a_prefix),
		cmocka_unit_test(test_few_prefixes_always_find_places),
		cmocka_unit_test(test_around_many),
		cmocka_unit_test(test_no_room_and_back),
		cmocka_unit_test(test_protect),
		cmocka_unit_test(test_adopt),
		cmocka_unit_test(test_empty),
	};

	return cmocka_run_group_tests(tests, NULL, report);
}
