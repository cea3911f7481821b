/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst matcher against the naive reference and against the scalar matcher: the same random sets of rules as
 * test_match.c, packets in bursts of every size. The argument is the form that is tested; one that the processor
 * lacks is skipped by name.
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

#include "dataplane/burst.h"
#include "tests/oracle/sets.h"

enum { IMAGE_LINES = 1 << 21, WANT_MAX = FG_APPLIED_MAX, COLUMN_RULES = 64 };

/* A burst being filled, and what the reference says of its packets. */
struct filling {
	struct fg_packet packet[FG_BURST];
	uint32_t want[FG_BURST][WANT_MAX];
	size_t wanted[FG_BURST];
	uint32_t n;
};

static enum fg_burst_form form;
static struct set set;
static size_t hits, bursts;

/* Adds a packet; one that is no IP is left out. */
static void fill(struct filling *f, const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	struct fg_packet *got = &f->packet[f->n];
	struct or_packet facts;
	uint32_t missing;

	or_gen_build(packet, &frame);
	or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &facts);
	if (facts.kind != OR_IP)
		return;
	missing = (uint32_t)(frame.wire - frame.captured);
	if (frame.link == OR_LINK_RAW)
		fg_packet_parse_ip_missing(frame.octets, frame.octets + frame.captured, missing, got);
	else
		fg_packet_parse_missing(frame.octets, frame.octets + frame.captured, missing, got);
	f->wanted[f->n] = or_table_evaluate(set.oracle, &facts, f->want[f->n], WANT_MAX);
	hits += f->wanted[f->n] > 0;
	set_compared(&set);
	f->n++;
}

static void compare_one(const struct fg_view *view, const struct filling *f, uint32_t i, const struct fg_matched *got)
{
	size_t n = f->wanted[i] < FG_APPLIED_MAX ? f->wanted[i] : FG_APPLIED_MAX;
	struct fg_matched scalar;

	fg_match(view, &f->packet[i].key, &scalar);
	assert_int_equal(got->count, n);
	assert_int_equal(got->count, scalar.count);
	for (uint32_t j = 0; j < n; j++) {
		assert_int_equal(got->slot[j] & FG_SLOT_MASK, f->want[i][j]);
		assert_int_equal(got->slot[j], scalar.slot[j]);
	}
}

/* Matches what is there. What lies behind the burst stays as it was. */
static void compare_burst(const uint8_t *base, struct filling *f)
{
	struct fg_view view = { .base = base };
	const struct fg_key *keys[FG_BURST];
	struct fg_matched matched[FG_BURST + 1];

	memset(matched, 0xa5, sizeof(matched));
	for (uint32_t i = 0; i < f->n; i++)
		keys[i] = &f->packet[i].key;
	fg_burst_fetch(&view, keys, f->n);
	fg_match_burst_by(form, &view, keys, f->n, matched);
	for (uint32_t i = 0; i < f->n; i++)
		compare_one(&view, f, i, &matched[i]);
	assert_int_equal(matched[f->n].count, 0xa5a5a5a5);
	f->n = 0;
	bursts++;
}

/* Every few bursts all packets aim at one rule, as an attack does. */
static void compare_set(struct or_random *r, size_t packets)
{
	const struct or_gen_packets how = { .odd_percent = 10 };
	size_t size = (size_t)IMAGE_LINES * FG_LINE_OCTETS;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static struct filling f;
	struct or_gen_packet packet;
	uint32_t used, full = FG_BURST, victim = 0;

	assert_ptr_not_equal(base, MAP_FAILED);
	assert_int_equal(set_compile(&set, base, IMAGE_LINES, &used), 0);
	for (size_t i = 0; i < packets; i++) {
		if (bursts % 4 == 0)
			or_gen_aim(r, &set.gen[victim], i % 4 == 0, &how, &packet);
		else
			set_packet(&set, r, i, &how, &packet);
		fill(&f, &packet);
		if (f.n < full)
			continue;
		compare_burst(base, &f);
		full = or_random_chance(r, 50) ? FG_BURST : 1 + or_random_below(r, FG_BURST);
		victim = or_random_below(r, (uint32_t)set.count);
	}
	compare_burst(base, &f);
	munmap(base, size);
	set_free(&set);
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool one_group, int sets, size_t packets)
{
	const uint64_t factor = set_factor();

	hits = 0;
	for (uint64_t round = 0; round < factor; round++) {
		struct or_random r = or_random_seed(set_seed(seed, round));

		for (int i = 0; i < sets; i++) {
			set_draw(&set, &r, how, 1 + or_random_below(&r, (uint32_t)rules), one_group);
			compare_set(&r, packets);
		}
	}
	assert_true(hits > factor * packets * (size_t)sets / 5);
}

static void test_few_rules(void **state)
{
	(void)state;
	run(11, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 20, .no_dst_percent = 10 }, 30, false, 100,
	    2000);
}

static void test_many_rules(void **state)
{
	(void)state;
	run(12, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 10, .no_dst_percent = 10 }, SET_RULES_MAX,
	    false, 4, 10000);
}

/* `continue` on the way, up to where no more rules are taken. */
static void test_continue(void **state)
{
	(void)state;
	run(13, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 30 }, 40, false, 50, 2000);
	run(14, &(struct or_gen_rules){ .go_on_percent = 100, .no_dst_percent = 60 }, 400, false, 20, 2000);
}

/* All rules in one group: wide segments, several of them, and the step by source. */
static void test_one_group(void **state)
{
	(void)state;
	run(15, &(struct or_gen_rules){ .wild_percent = 10, .full_percent = 10, .no_dst_percent = 100 }, SET_RULES_MAX,
	    true, 4, 5000);
	run(16, &(struct or_gen_rules){ .no_dst_percent = 100, .src_percent = 80 }, SET_RULES_MAX, true, 4, 5000);
}

/* Groups of every size that columns have, with lists of their lanes in one vector and in several. */
static void test_columns(void **state)
{
	struct or_random r = or_random_seed(set_seed(17, 0));
	size_t wide = 0; /* sets with more than half as many */

	(void)state;
	hits = 0;
	for (size_t rules = 1; rules <= 2 * COLUMN_RULES; rules++) {
		set_draw_fitting(&set, &r, &(struct or_gen_rules){ .go_on_percent = 10, .no_dst_percent = 100 }, rules);
		wide += set.n[FG_IPV4] > COLUMN_RULES / 2 && set.n[FG_IPV4] <= COLUMN_RULES;
		compare_set(&r, 2000);
	}
	assert_true(wide > COLUMN_RULES / 4);
	assert_true(hits > 2000 * COLUMN_RULES / 5);
}

/* A burst of none is no work. An image without rules matches nothing. */
static void test_nothing(void **state)
{
	size_t size = (size_t)IMAGE_LINES * FG_LINE_OCTETS;
	uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct fg_view view = { .base = base };
	struct fg_key key[2] = { { .family = FG_IPV4 }, { .family = FG_IPV6 } };
	const struct fg_key *keys[2] = { &key[0], &key[1] };
	struct fg_matched matched[2] = { { .count = 7 }, { .count = 7 } };
	uint32_t used;

	(void)state;
	assert_ptr_not_equal(base, MAP_FAILED);
	set.n[0] = set.n[1] = 0;
	assert_int_equal(set_compile(&set, base, IMAGE_LINES, &used), 0);
	fg_match_burst_by(form, &view, keys, 0, matched);
	assert_int_equal(matched[0].count, 7);
	fg_match_burst_by(form, &view, keys, 2, matched);
	assert_int_equal(matched[0].count, 0);
	assert_int_equal(matched[1].count, 0);
	fg_match_burst(&view, keys, 1, matched);
	assert_int_equal(matched[0].count, 0);
	munmap(base, size);
}

static int report(void **state)
{
	(void)state;
	set_report(fg_burst_name(form));
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_rules), cmocka_unit_test(test_many_rules), cmocka_unit_test(test_continue),
		cmocka_unit_test(test_one_group), cmocka_unit_test(test_columns),    cmocka_unit_test(test_nothing),
	};

	while (form < FG_BURST_FORMS && (argc != 2 || strcmp(argv[1], fg_burst_name(form)) != 0))
		form++;
	if (form == FG_BURST_FORMS) {
		fprintf(stderr, "usage: test-oracle-burst scalar|avx2|avx512\n");
		return 2;
	}
	if (!fg_burst_supported(form)) {
		printf("this processor cannot run the form %s\n", argv[1]);
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, report);
}
