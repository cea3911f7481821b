/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Never wider, never narrower: each valid NLRI of tests/data/vectors.tsv, and some drawn ones, with bits flipped, octets inserted and taken
 * out, and cut anywhere. Comes in: such octets, in both families and both forms of an offset. What must hold: the engine refuses what the naive
 * reference refuses; what it accepts, compiled into an image, matches of packets aimed at it, just beside it, and at the rule it
 * was made from, exactly those that the reference says the octets match.
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

#include "ctrl/table/update.h"
#include "flowgate/match.h"
#include "tests/oracle/sets.h"

enum {
	IMAGE_LINES = FG_UPPER_LINES + (1 << 16),
	LINE_MAX_OCTETS = 32768,
	PACKETS = 8,     /* of one changed rule */
	CHANGES = 6000,  /* most of one vector: a long one has more */
	DRAWN = 300,     /* rules, beside the vectors */
	DRAWN_EACH = 40, /* changes of each of those */
};

/* One rule that is valid, and what is made of it. */
struct original {
	struct or_gen_rule gen;
	struct or_gen_rule changed;
};

static struct fg_table *table;
static uint8_t *image[2];
static void *memory;
static struct or_random seed;
static size_t tried, accepted, compared, matched;

static void *map(size_t octets)
{
	void *p = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	madvise(p, octets, MADV_HUGEPAGE);
	return p;
}

/* ---- One changed rule ---- */

static bool decode(const struct or_gen_rule *g, struct or_nlri *out)
{
	return or_nlri_decode(g->family, g->full_offset, g->octets, g->len, out);
}

static void compare_packet(const struct or_nlri *rule, const struct or_gen_packet *packet)
{
	static struct or_gen_frame f;
	const struct fg_view view = { .base = image[0] };
	struct fg_matched out;
	struct or_packet facts;
	struct fg_packet got;
	bool want;

	or_gen_build(packet, &f);
	or_packet_read(f.link, f.octets, f.captured, f.wire, &facts);
	if (facts.kind != OR_IP)
		return;
	fg_packet_parse_missing(f.octets, f.octets + f.captured, (uint32_t)(f.wire - f.captured), &got);
	fg_match(&view, &got.key, &out);
	want = or_nlri_match(rule, &facts) == 0;
	if (out.count != want)
		fail_msg("a packet is %smatched, and must%s be", out.count ? "" : "not ", want ? "" : " not");
	compared++;
	matched += want;
}

static void compare_packets(const struct original *o, const struct or_nlri *rule)
{
	static const struct or_gen_packets how = { .odd_percent = 5, .no_raw = true };
	struct or_gen_packet packet;

	for (size_t i = 0; i < PACKETS; i++) {
		or_gen_aim(&seed, i % 4 == 3 ? &o->gen : &o->changed, i % 4 == 2, &how, &packet);
		compare_packet(rule, &packet);
	}
}

static void try_changed(const struct original *o)
{
	const struct or_gen_rule *g = &o->changed;
	const struct fg_rule rule = {
		.family = g->family == OR_IPV6, .nlri = g->octets, .nlri_len = g->len, .offset_form = g->full_offset
	};
	struct or_nlri nlri;
	bool valid = decode(g, &nlri);

	tried++;
	assert_int_equal(fg_nlri_check(&rule, NULL), valid ? 0 : FG_MALFORMED);
	if (!valid)
		return;
	accepted++;
	assert_int_equal(fg_table_add(table, &rule, 0), 0);
	assert_int_equal(fg_table_apply(table, 0), 0);
	compare_packets(o, &nlri);
	assert_int_equal(fg_table_delete(table, &rule), 0);
	assert_int_equal(fg_table_apply(table, 0), 0);
	assert_int_equal(fg_table_apply(table, 1), 0);
}

/* ---- Changes ---- */

static void flip(struct original *o, size_t bit)
{
	o->changed = o->gen;
	o->changed.octets[bit / 8] ^= (uint8_t)(1u << bit % 8);
	try_changed(o);
}

static void cut(struct original *o, size_t len)
{
	o->changed = o->gen;
	o->changed.len = (uint16_t)len;
	try_changed(o);
}

static void insert(struct original *o, size_t at, uint8_t octet)
{
	struct or_gen_rule *g = &o->changed;

	*g = o->gen;
	memmove(g->octets + at + 1, g->octets + at, g->len - at);
	g->octets[at] = octet;
	g->len++;
	try_changed(o);
}

static void take_out(struct original *o, size_t at)
{
	struct or_gen_rule *g = &o->changed;

	*g = o->gen;
	g->len--;
	memmove(g->octets + at, g->octets + at + 1, g->len - at);
	try_changed(o);
}

/* One change out of all there are, by its number. */
enum { INSERTED = 6 };

static size_t change_count(const struct original *o)
{
	size_t len = o->gen.len;

	return 8 * len + len + len + INSERTED * (len + 1);
}

static void change(struct original *o, size_t i)
{
	const uint8_t octet[INSERTED] = { 0x00, 0x01, 0x81, 0x91, 0xff, (uint8_t)or_random_next(&seed) };
	size_t len = o->gen.len;

	if (i < 8 * len)
		flip(o, i);
	else if (i < 9 * len)
		cut(o, i - 8 * len);
	else if (i < 10 * len)
		take_out(o, i - 9 * len);
	else
		insert(o, (i - 10 * len) / INSERTED, octet[(i - 10 * len) % INSERTED]);
}

/* All changes, or so many of them. */
static void change_all(struct original *o, size_t most)
{
	size_t n = change_count(o);

	if (n > most)
		for (size_t i = 0; i < most; i++)
			change(o, or_random_below(&seed, (uint32_t)n));
	else
		for (size_t i = 0; i < n; i++)
			change(o, i);
}

/* ---- The rules they are made of ---- */

/* Octets of a hex string up to its end or a '|', as far as they fit. */
static uint16_t octets_of(const char *hex, uint8_t *out)
{
	uint16_t n = 0;
	unsigned int v;

	while (n < OR_GEN_NLRI_MAX - 1 && hex[2 * n] != '|' && sscanf(hex + 2 * n, "%2x", &v) == 1)
		out[n++] = (uint8_t)v;
	return n;
}

static void try_vector(const char *hex, bool ipv6, bool framed)
{
	static struct original o;
	struct or_nlri nlri;
	size_t len, head = 0;

	o.gen = (struct or_gen_rule){ .family = ipv6 ? OR_IPV6 : OR_IPV4 };
	o.gen.len = octets_of(hex, o.gen.octets);
	if (framed)
		head = or_nlri_length(o.gen.octets, o.gen.len, &len);
	o.gen.len = (uint16_t)(o.gen.len - head);
	memmove(o.gen.octets, o.gen.octets + head, o.gen.len);
	for (int full = 0; full <= ipv6; full++) {
		o.gen.full_offset = full;
		if ((!framed || head > 0) && decode(&o.gen, &nlri))
			change_all(&o, CHANGES);
	}
}

static void test_vectors(void **state)
{
	static char line[LINE_MAX_OCTETS];
	FILE *in = fopen(getenv("FG_TEST_VECTORS"), "r");
	size_t before = accepted;

	(void)state;
	assert_non_null(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		char *save, *hex = (strtok_r(line, "\t", &save), strtok_r(NULL, "\t", &save));
		const char *meaning = strtok_r(NULL, "\t", &save);
		bool order = strncmp(meaning, "[order", 6) == 0;

		if (!order && strncmp(meaning, "[v4-", 4) != 0 && strncmp(meaning, "[v6-", 4) != 0)
			continue;
		try_vector(hex, meaning[order ? 6 : 2] == '6', strncmp(meaning + 4, "nlri]", 5) == 0);
		if (order)
			try_vector(strchr(hex, '|') + 1, meaning[6] == '6', false);
	}
	fclose(in);
	assert_true(accepted > before + 1000);
}

static void test_drawn(void **state)
{
	static const struct or_gen_rules how = { .wild_percent = 20, .full_percent = 30, .no_dst_percent = 30 };
	static struct original o;

	(void)state;
	for (uint64_t i = 0; i < DRAWN * set_factor(); i++) {
		or_gen_rule(&seed, i % 2 ? OR_IPV6 : OR_IPV4, &how, &o.gen);
		if (o.gen.len < OR_GEN_NLRI_MAX)
			change_all(&o, DRAWN_EACH);
	}
}

/* ---- All of them ---- */

static int make_table(void **state)
{
	(void)state;
	seed = or_random_seed(47);
	memory = map(fg_table_octets(8, IMAGE_LINES));
	for (int side = 0; side < 2; side++)
		image[side] = map((size_t)IMAGE_LINES * FG_LINE_OCTETS);
	table = fg_table_init(memory, 8, image, IMAGE_LINES);
	return table == NULL ? -1 : 0;
}

static int report(void **state)
{
	(void)state;
	printf("# %zu changed rules, %zu of them accepted; %zu packets compared, %zu matched\n", tried, accepted,
	       compared, matched);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_vectors), cmocka_unit_test(test_drawn) };

	return cmocka_run_group_tests(tests, make_table, report);
}
