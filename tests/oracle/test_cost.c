/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cost is never wrong: for random sets of rules the predicted octets are those emitted, and no packet is made to read more lines than
 * predicted, or to meet more `continue` rules. For families whose worst way can be reached, a search for the worst packet comes close to the bound.
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
#include "ctrl/rule/order.h"
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

/* ---- Families of rules whose worst way can be reached ---- */

/* Adds a rule to the set by its octets. */
static void add(enum fg_family family, const uint8_t *octets, size_t len)
{
	struct or_gen_rule *g = &set.gen[set.count];

	*g = (struct or_gen_rule){ .family = family == FG_IPV6 ? OR_IPV6 : OR_IPV4, .len = (uint16_t)len };
	memcpy(g->octets, octets, len);
	set.rule[set.count] = (struct fg_rule){ .family = (uint8_t)family, .nlri = g->octets, .nlri_len = g->len };
	set.sorted[family][set.n[family]++] = (struct fg_table_rule){ &set.rule[set.count], (uint32_t)set.count };
	set.count++;
}

/* Octets of a rule being spelled. */
struct spelled {
	uint8_t octets[64];
	size_t len;
};

static void put(struct spelled *s, const void *octets, size_t len)
{
	memcpy(s->octets + s->len, octets, len);
	s->len += len;
}

static void put_prefix(struct spelled *s, enum fg_family family, uint8_t type, const uint8_t *address, uint8_t length)
{
	const uint8_t head[] = { type, length, 0 };

	put(s, head, family == FG_IPV6 ? 3 : 2);
	put(s, address, (length + 7u) / 8);
	if (length % 8 != 0)
		s->octets[s->len - 1] &= (uint8_t)(0xff00 >> length % 8);
}

/* == value, in two octets. */
static void put_equals(struct spelled *s, uint8_t type, uint32_t value)
{
	const uint8_t term[] = { type, FG_OP_END | FG_OP_EQ | 0x10, (uint8_t)(value >> 8), (uint8_t)value };

	put(s, term, sizeof(term));
}

static const uint8_t victim[16] = { 0x2a, 0x0a, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150 };

/* Prefixes of the victim, each with a rule for one port. */
static void add_nested(enum fg_family family, uint8_t type, uint8_t step, uint8_t longest)
{
	for (int length = longest; length > 0; length -= step) {
		struct spelled s = { .len = 0 };

		if (type == FG_SRC)
			put_prefix(&s, family, FG_DST, victim, family == FG_IPV6 ? 128 : 32);
		put_prefix(&s, family, type, victim, (uint8_t)length);
		put_equals(&s, FG_DPORT, 53);
		add(family, s.octets, s.len);
	}
}

/* Rules at the victim or everywhere. A packet can satisfy each field of many of them, in each segment, and no rule but the last. */
static void add_group(enum fg_family family, bool at_victim, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t above[] = { FG_DPORT, FG_OP_END | FG_OP_GT | 0x10, (uint8_t)(i >> 8), (uint8_t)i };
		struct spelled s = { .len = 0 };

		if (at_victim)
			put_prefix(&s, family, FG_DST, victim, family == FG_IPV6 ? 128 : 32);
		put(&s, above, sizeof(above));
		put_equals(&s, FG_SPORT, 256 + i % 64);
		put_equals(&s, FG_LENGTH, 256 + (i + (i < n - 1 ? 7 : 0)) % 64);
		add(family, s.octets, s.len);
	}
}

/* Seed of the hash of prefixes, as an image of the rules so far has it: of IPv6 destinations, and all tables have the same. */
static uint32_t hash_seed(void)
{
	struct fg_cost cost = cost_of_set();
	const struct fg_image *head = (const void *)image;
	const struct fg_prefixes_line *table = (const void *)(image + (size_t)head->entry[FG_IPV6] * FG_LINE_OCTETS);
	uint32_t seed = table->seed;

	clear_image(&cost);
	return seed;
}

static uint32_t first_bucket(const uint8_t *address, uint8_t length, uint32_t seed, uint32_t buckets)
{
	struct fg_masked p = { .length = length };

	memcpy(p.address, address, length / 8u);
	if (length % 8 != 0)
		((uint8_t *)p.address)[length / 8] = address[length / 8] & (uint8_t)(0xff00 >> length % 8);
	return (uint32_t)fg_prefix_hash(&p, seed) & (buckets - 1);
}

/* The i-th address that is neither the victim's nor in any prefix of it. */
static void crowd_address(uint32_t i, uint8_t out[16])
{
	const uint8_t address[16] = { 0xf0, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };

	memcpy(out, address, sizeof(address));
}

static void add_address(enum fg_family family, uint8_t type, const uint8_t *address, uint8_t length)
{
	struct spelled s = { .len = 0 };

	if (type == FG_SRC)
		put_prefix(&s, family, FG_DST, victim, length);
	put_prefix(&s, family, type, address, length);
	put_equals(&s, FG_DPORT, 53);
	add(family, s.octets, s.len);
}

/*
 * Other addresses of full length, so many that the first bucket of each nested prefix of the victim is full before that prefix comes, and it is
 * found in its second one only; and then more, elsewhere, so that there are twice the buckets and the second ones have room. What attackers
 * who know the hash would do.
 */
static void add_crowd(enum fg_family family, uint8_t type, uint8_t step, uint8_t longest)
{
	uint32_t total = longest / step * (1u + FG_BUCKET_PREFIXES), seed = hash_seed(), number = 0;
	uint32_t buckets = 2 * fg_prefixes_buckets(total);
	bool wanted[1024] = { false };
	uint8_t address[16];

	assert_true(buckets <= 1024);
	for (int length = longest; length > 0; length -= step) {
		uint32_t b = first_bucket(victim, (uint8_t)length, seed, buckets);

		for (int placed = 0; placed < FG_BUCKET_PREFIXES; number++) {
			crowd_address(number, address);
			if (first_bucket(address, longest, seed, buckets) != b)
				continue;
			add_address(family, type, address, longest);
			placed++;
		}
		wanted[b] = true;
	}
	for (; fg_prefixes_buckets(total) < buckets; number++) {
		crowd_address(number, address);
		if (wanted[first_bucket(address, longest, seed, buckets)])
			continue;
		add_address(family, type, address, longest);
		total++;
	}
}

/* ---- The search for the worst packet ---- */

static uint64_t lines_of_packet(const struct or_gen_packet *packet, const struct fg_cost *cost)
{
	static struct or_gen_frame frame;
	struct fg_packet p;

	or_gen_build(packet, &frame);
	fg_packet_parse(frame.octets, frame.octets + frame.captured, false, &p);
	return p.what == FG_PACKET_IP ? lines_of(&p.key, cost) : 0;
}

/* One property of a packet becomes that of another. */
static void cross(struct or_random *r, struct or_gen_packet *p, const struct or_gen_packet *other)
{
	switch (or_random_below(r, 9)) {
	case 0:
		memcpy(p->dst, other->dst, sizeof(p->dst));
		break;
	case 1:
		memcpy(p->src, other->src, sizeof(p->src));
		break;
	case 2:
		p->sport = other->sport;
		break;
	case 3:
		p->dport = other->dport;
		break;
	case 4:
		p->length = other->length;
		break;
	case 5:
		p->protocol = other->protocol;
		break;
	case 6:
		p->fragment = other->fragment;
		break;
	case 7:
		p->dport = (uint16_t)(p->dport + or_random_below(r, 9) - 4);
		break;
	default:
		p->tcp_flags = other->tcp_flags;
		p->dscp = other->dscp;
	}
}

static void aim_at_any(struct or_random *r, struct or_gen_packet *out)
{
	static const struct or_gen_packets how = { .no_snap = true, .no_raw = true };

	uint32_t last = (uint32_t)set.count - 1, i = or_random_chance(r, 10) ? last : or_random_below(r, last + 1);

	or_gen_aim(r, &set.gen[i], or_random_chance(r, 50), &how, out);
}

/* Climbs from packets aimed at rules: what reads as many lines or more is kept. */
static uint64_t search(struct or_random *r, const struct fg_cost *cost)
{
	enum { CLIMBS = 20, STEPS = 2000 };
	uint64_t worst = 0;

	for (int climb = 0; climb < CLIMBS; climb++) {
		struct or_gen_packet best, next, other;
		uint64_t most, lines;

		aim_at_any(r, &best);
		most = lines_of_packet(&best, cost);
		for (int i = 0; i < STEPS; i++) {
			next = best;
			aim_at_any(r, &other);
			cross(r, &next, &other);
			if (or_random_chance(r, 30))
				cross(r, &next, &other);
			lines = lines_of_packet(&next, cost);
			if (lines >= most) {
				most = lines;
				best = next;
			}
		}
		worst = most > worst ? most : worst;
	}
	return worst;
}

static void begin(void)
{
	memset(&set, 0, sizeof(set));
}

static int by_order(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

/* Share of the bound that the search reaches, in percent. All but one line is all: on a short way it is more than a twentieth. */
static double reach(const char *family)
{
	struct or_random r = or_random_seed(25);
	struct fg_cost cost;
	uint64_t lines;

	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		qsort(set.sorted[f], set.n[f], sizeof(set.sorted[f][0]), by_order);
	cost = cost_of_set();
	lines = search(&r, &cost);
	clear_image(&cost);
	printf("# %s: %llu of %u lines\n", family, (unsigned long long)lines, cost.lines);
	return lines + 1 >= cost.lines ? 100 : 100.0 * (double)lines / cost.lines;
}

static void test_nested_ipv4_destinations_reach_the_bound(void **state)
{
	(void)state;
	begin();
	add_nested(FG_IPV4, FG_DST, 1, 32);
	assert_true(reach("nested IPv4 destinations") >= 95);
}

/*
 * A prefix is in one of two buckets, and the bound reckons with both: without the crowd only a packet that finds nothing reads both, so the
 * bound is loose by one line for each nested prefix.
 */
static void test_nested_ipv6_destinations_reach_the_bound(void **state)
{
	(void)state;
	begin();
	add_nested(FG_IPV6, FG_DST, 4, 128);
	assert_true(reach("nested IPv6 destinations alone") >= 70);
	add_crowd(FG_IPV6, FG_DST, 4, 128);
	assert_true(reach("nested IPv6 destinations in a crowd") >= 95);
}

static void test_one_group_reaches_the_bound(void **state)
{
	(void)state;
	begin();
	add_group(FG_IPV4, true, 400);
	assert_true(reach("400 rules on one destination") >= 95);
}

static void test_sources_reach_the_bound(void **state)
{
	(void)state;
	begin();
	add_nested(FG_IPV4, FG_SRC, 1, 32);
	assert_true(reach("nested sources on one destination alone") >= 70);
	add_crowd(FG_IPV4, FG_SRC, 1, 32);
	assert_true(reach("nested sources on one destination in a crowd") >= 95);
}

static void test_rules_without_destination_reach_the_bound(void **state)
{
	(void)state;
	begin();
	add_group(FG_IPV6, false, 600);
	assert_true(reach("600 rules without a destination") >= 95);
}

static void test_mixed_rules_reach_the_bound(void **state)
{
	(void)state;
	begin();
	add_nested(FG_IPV4, FG_DST, 3, 30);
	add_group(FG_IPV4, true, 200);
	add_group(FG_IPV4, false, 200);
	assert_true(reach("nested destinations, a group at the innermost, and rules without a destination") >= 95);
}

/*
 * Where the bound is loose: a rule that takes every packet of its destination hides the rules that lie behind, and the bound counts them all
 * the same, at most by the share that is hidden. It is still a bound; without them, taking the hiding rule away could go over the budget.
 */
static void test_hidden_rules_loosen_the_bound(void **state)
{
	struct spelled s = { .len = 0 };
	double share;

	(void)state;
	begin();
	add_group(FG_IPV4, true, 200);
	put_prefix(&s, FG_IPV4, FG_DST, victim, 32);
	add(FG_IPV4, s.octets, s.len);
	add_group(FG_IPV4, false, 200);
	share = reach("a group, a rule that takes all, and rules that it hides");
	printf("# there the bound is loose: %.0f %% of it are reached\n", share);
	assert_true(share > 40);
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
		cmocka_unit_test(test_nested_ipv4_destinations_reach_the_bound),
		cmocka_unit_test(test_nested_ipv6_destinations_reach_the_bound),
		cmocka_unit_test(test_one_group_reaches_the_bound),
		cmocka_unit_test(test_sources_reach_the_bound),
		cmocka_unit_test(test_rules_without_destination_reach_the_bound),
		cmocka_unit_test(test_mixed_rules_reach_the_bound),
		cmocka_unit_test(test_hidden_rules_loosen_the_bound),
	};

	return cmocka_run_group_tests(tests, map_image, unmap_image);
}
