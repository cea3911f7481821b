/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules with payload patterns against the naive reference: test_payload FLOWGATE_PATTERN. Random rules, some with a random pattern and
 * some of them more than once with others, meet random packets; the header part goes through a compiled image and the scalar matcher, the
 * pattern through the sandboxed compiler and the scan. The rules applied, and their order, must be those of reading the rules one by one.
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

#include "ctrl/pattern/compile.h"
#include "ctrl/rule/order.h"
#include "dataplane/payload.h"
#include "tests/oracle/pattern.h"
#include "tests/oracle/sets.h"

enum { IMAGE_LINES = 1 << 21, RULES = 60, TEXT = 4096, DATABASE = 1 << 20 };

/* A rule of the set, or one more of the same NLRI. Number: of its pattern and 1. */
struct member {
	size_t gen;
	struct fg_rule rule;
	struct or_pattern *pattern;
	bool go_on;
};

static const char *program;
static struct set set;
static struct member member[RULES];
static struct fg_table_rule sorted[FG_FAMILY_COUNT][RULES];
static size_t members, n[FG_FAMILY_COUNT];
static uint32_t number[RULES]; /* by slot */
static char texts[RULES][OR_PATTERN_MAX + 8];
static struct or_table *reference;
static struct fg_scan scan;
static uint8_t database[DATABASE] __attribute__((aligned(64)));
static uint64_t found, judged, patterns_used;

/* ---- Patterns ---- */

static void draw_pattern(struct or_random *r, size_t i, struct fg_pattern *out)
{
	char expression[OR_PATTERN_MAX], why[FG_DETAIL_MAX];
	unsigned int flags = or_random_below(r, 8);

	or_gen_pattern(r, expression);
	snprintf(texts[i], sizeof(texts[i]), "/%s/%s%s%s", expression, flags & OR_PATTERN_CASELESS ? "i" : "",
		 flags & OR_PATTERN_DOTALL ? "s" : "", flags & OR_PATTERN_MULTILINE ? "m" : "");
	assert_int_equal(fg_pattern_read(texts[i], out, why), 0);
	out->number = (uint32_t)i;
	member[i].pattern = or_pattern_new(expression, flags);
}

/* Compiles the patterns of all members that have one; those that the compiler or the reference refuses have none. */
static void compile_patterns(struct or_random *r)
{
	static struct fg_pattern pattern[RULES];
	static struct fg_pattern_fate fate[RULES];
	struct fg_pattern_database out;
	struct fg_pattern_limits limits;
	size_t at[RULES], count = 0;

	fg_pattern_limits_default(&limits);
	for (size_t i = 0; i < members; i++) {
		if (!or_random_chance(r, 60) && member[i].rule.turn == 0)
			continue;
		draw_pattern(r, i, &pattern[count]);
		if (member[i].pattern != NULL)
			at[count++] = i;
	}
	assert_int_equal(fg_patterns_compile(program, &limits, pattern, count, fate, &out), 0);
	for (size_t k = 0; k < count; k++) {
		struct member *m = &member[at[k]];

		if (fate[k].code == FG_OK)
			m->rule.pattern = (uint32_t)at[k] + 1;
		else
			or_pattern_free(m->pattern);
		if (fate[k].code != FG_OK)
			m->pattern = NULL;
		number[at[k]] = (uint32_t)at[k];
		patterns_used += fate[k].code == FG_OK;
	}
	assert_int_equal(fg_scan_use(&scan, NULL), 0);
	if (out.serialised != NULL) {
		assert_int_equal(fg_database_put(database, sizeof(database), out.serialised, out.serialised_octets), 0);
		assert_int_equal(fg_scan_use(&scan, database), 0);
	}
	fg_pattern_database_free(&out);
}

/* ---- Rules ---- */

static void add_member(size_t gen, uint64_t turn)
{
	const struct or_gen_rule *g = &set.gen[gen];
	struct member *m = &member[members++];

	*m = (struct member){ .gen = gen, .rule = set.rule[gen], .go_on = g->go_on };
	m->rule.turn = turn;
}

static int by_order(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

/* A rule with a pattern, and whoever is not the first of its NLRI, must have one; else it is left out. */
static void arrange(void)
{
	n[0] = n[1] = 0;
	for (size_t i = 0; i < members; i++) {
		struct member *m = &member[i];
		uint32_t slot = (uint32_t)i | (m->go_on ? FG_SLOT_CONTINUE : 0);

		if (m->rule.turn != 0 && m->pattern == NULL)
			continue;
		m->rule.turn = m->pattern != NULL ? i + 1 : 0;
		if (m->pattern != NULL)
			slot = (uint32_t)i | FG_SLOT_PAYLOAD | FG_SLOT_CONTINUE | (m->go_on ? 0 : FG_SLOT_ENDS);
		sorted[m->rule.family][n[m->rule.family]++] = (struct fg_table_rule){ &m->rule, slot };
	}
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		qsort(sorted[f], n[f], sizeof(sorted[f][0]), by_order);
}

/* The reference keeps rules of the same octets in the order they were added: first those with a pattern. */
static void add_reference(void)
{
	reference = or_table_new();
	for (int with = 1; with >= 0; with--)
		for (size_t i = 0; i < members; i++) {
			const struct or_gen_rule *g = &set.gen[member[i].gen];

			if ((member[i].pattern != NULL) != with || (member[i].rule.turn != 0 && !with))
				continue;
			assert_int_equal(or_table_add(reference, (uint32_t)i, g->family, g->full_offset,
						      member[i].go_on || with, g->octets, g->len),
					 0);
		}
}

static void draw(struct or_random *r)
{
	const struct or_gen_rules how = { .go_on_percent = 30, .no_dst_percent = 40 };

	set_draw(&set, r, &how, 1 + or_random_below(r, RULES / 2), false);
	members = 0;
	for (size_t i = 0; i < set.count; i++)
		add_member(i, 0);
	while (members < RULES && or_random_chance(r, 90))
		add_member(or_random_below(r, (uint32_t)set.count), 1);
	compile_patterns(r);
	arrange();
	/* What is left out of the one is left out of the other. */
	for (size_t i = 0; i < members; i++)
		if (member[i].pattern == NULL && i >= set.count)
			member[i].rule.turn = 1;
	add_reference();
}

static void drop(void)
{
	for (size_t i = 0; i < members; i++)
		or_pattern_free(member[i].pattern);
	or_table_free(reference);
	set_free(&set);
}

/* ---- Packets ---- */

struct packet {
	struct or_gen_frame frame;
	struct or_packet facts;
	uint8_t text[TEXT]; /* the payload, captured or not */
	size_t len, most;
};

/* A packet whose payload, and all that lies behind it, is text. */
static void draw_packet(struct or_random *r, size_t i, struct packet *p)
{
	const struct or_gen_packets how = { .odd_percent = 15 };
	static const uint8_t trap[] = "abc abc abc\nB1 cc";
	struct or_gen_packet words;

	set_packet(&set, r, i, &how, &words);
	or_gen_build(&words, &p->frame);
	or_packet_read(p->frame.link, p->frame.octets, p->frame.captured, p->frame.wire, &p->facts);
	p->most = or_random_chance(r, 50) ? 1 + or_random_below(r, 80) : FG_PAYLOAD_SCAN_OCTETS;
	if (!p->facts.has_payload)
		return;
	p->len = p->facts.payload_len < TEXT ? p->facts.payload_len : TEXT;
	or_gen_text(r, p->text, p->len);
	memcpy(p->frame.octets + p->facts.payload_at, p->text,
	       p->facts.payload_there < p->len ? p->facts.payload_there : p->len);
	for (size_t at = p->facts.payload_at + p->facts.payload_there, k = 0; at < p->frame.captured; at++, k++)
		p->frame.octets[at] = trap[k % (sizeof(trap) - 1)];
	/* What stands behind the IP header is payload, and a header too where the protocol has one that rules know. */
	or_packet_read(p->frame.link, p->frame.octets, p->frame.captured, p->frame.wire, &p->facts);
}

/* By the words of the documentation: what is looked at, and where a match must end. */
static bool pattern_found(const struct packet *p, const struct or_pattern *pattern)
{
	size_t there = p->facts.payload_there < p->most ? p->facts.payload_there : p->most, last = there;

	if (!p->facts.has_payload)
		return false;
	if (there < p->facts.payload_len)
		last -= p->text[there - 1] == '\n' ? 2 : 1;
	return last <= there && or_pattern_found(pattern, p->text, p->len, last);
}

static size_t evaluate(const struct packet *p, const uint32_t *ids, size_t count, uint32_t *applied)
{
	size_t k = 0;

	for (size_t i = 0; i < count; i++) {
		const struct member *m = &member[ids[i]];
		bool has = m->pattern == NULL || pattern_found(p, m->pattern);

		judged += m->pattern != NULL;
		found += m->pattern != NULL && has;
		if (!has)
			continue;
		applied[k++] = ids[i];
		if (!m->go_on)
			break;
	}
	return k;
}

static void tell(const struct packet *p, int want, int got)
{
	printf("want %d %s got %d %s; %zu of %zu octets, most %zu:", want, want < 0 ? "" : texts[want], got,
	       got < 0 ? "" : texts[got], p->facts.payload_there, p->facts.payload_len, p->most);
	for (size_t i = 0; i < p->facts.payload_there && i < 200; i++)
		printf(" %02x", p->text[i]);
	putchar('\n');
}

static void compare(const uint8_t *base, struct packet *p)
{
	struct fg_view view = { .base = base };
	const uint8_t *data = p->frame.octets, *end = data + p->frame.captured;
	uint32_t ids[RULES], want[RULES];
	struct fg_matched got;
	struct fg_packet key;
	size_t count, k;

	if (p->facts.kind != OR_IP)
		return;
	count = or_table_evaluate(reference, &p->facts, ids, RULES);
	if (count > FG_APPLIED_MAX)
		return; /* admission sees to it that there are none */
	if (p->frame.link == OR_LINK_RAW)
		fg_packet_parse_ip_missing(data, end, (uint32_t)(p->frame.wire - p->frame.captured), &key);
	else
		fg_packet_parse_missing(data, end, (uint32_t)(p->frame.wire - p->frame.captured), &key);
	fg_match(&view, &key.key, &got);
	fg_scan_packet(&scan, number, data, end, &key, (uint32_t)p->most, &got);
	k = evaluate(p, ids, count, want);
	for (uint32_t i = 0; i < k || i < got.count; i++)
		if (i >= k || i >= got.count || (got.slot[i] & FG_SLOT_MASK) != want[i])
			tell(p, i < k ? (int)want[i] : -1, i < got.count ? (int)(got.slot[i] & FG_SLOT_MASK) : -1);
	assert_int_equal(got.count, k);
	for (uint32_t i = 0; i < k; i++)
		assert_int_equal(got.slot[i] & FG_SLOT_MASK, want[i]);
}

static void compare_set(struct or_random *r, uint8_t *base, size_t packets)
{
	static struct fg_compile_scratch scratch;
	static struct packet packet;
	const struct fg_table_rule *const rules[] = { sorted[FG_IPV4], sorted[FG_IPV6] };
	uint32_t used;

	assert_int_equal(fg_table_compile(base, IMAGE_LINES, rules, n, &scratch, &used), 0);
	for (size_t i = 0; i < packets; i++) {
		draw_packet(r, i, &packet);
		compare(base, &packet);
	}
	assert_int_equal(scan.failures, 0);
}

static void test_random(void **state)
{
	size_t size = (size_t)IMAGE_LINES * FG_LINE_OCTETS;
	struct or_random r = or_random_seed(11);

	(void)state;
	for (uint64_t round = 0; round < 60 * set_factor(); round++) {
		uint8_t *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		assert_ptr_not_equal(base, MAP_FAILED);
		draw(&r);
		compare_set(&r, base, 400);
		drop();
		munmap(base, size);
	}
	printf("# %llu patterns, %llu times asked for, %llu times found; %llu scans of %llu octets\n",
	       (unsigned long long)patterns_used, (unsigned long long)judged, (unsigned long long)found,
	       (unsigned long long)scan.scans, (unsigned long long)scan.octets);
	assert_true(found > judged / 10 && found < judged * 9 / 10 && judged > 5000);
}

int main(int argc, char **argv)
{
	static uint8_t room[FG_SCAN_ROOM_OCTETS] __attribute__((aligned(64)));
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	program = argc > 1 ? argv[1] : "flowgate-pattern";
	fg_scan_start(&scan, room);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
