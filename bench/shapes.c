/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of shapes (shapes.h). A shape says how rule i of n looks; draw_each() has all of them different. Unless the shape says otherwise the first
 * HOT rules (a third where there are few) are on the hot victim 198.51.100.7, the others on hosts of n / 10 networks.
 */
#include "bench/shapes.h"

#include <stdlib.h>
#include <string.h>

enum { HOT = 60, TRIES = 64, PER_VICTIM = 512, CARPET = 0xcb710000 /* 203.113.0.0/16 */, NODST_PLAIN = 200 };

/* ---- Different rules ---- */

/* Places of rules by a hash of them: 0 empty, else number + 1. */
struct seen {
	uint32_t *at;
	size_t mask;
};

static uint64_t rule_hash(const struct bench_rule *rule)
{
	uint64_t h = 0, word;
	const uint8_t *p = (const void *)rule;

	_Static_assert(sizeof(*rule) % 4 == 0, "whole words");
	for (size_t i = 0; i < sizeof(*rule); i += 4) {
		word = 0;
		memcpy(&word, p + i, 4);
		h ^= word;
		h = bench_random(&h);
	}
	return h;
}

static bool add_new(struct seen *seen, struct bench_rules *rules, const struct bench_rule *rule)
{
	size_t i = rule_hash(rule) & seen->mask;

	for (; seen->at[i] != 0; i = (i + 1) & seen->mask)
		if (memcmp(&rules->at[seen->at[i] - 1], rule, sizeof(*rule)) == 0)
			return false;
	rules->at[rules->n++] = *rule;
	seen->at[i] = (uint32_t)rules->n;
	return true;
}

typedef void draw_one(struct bench_rule *rule, uint64_t *r, size_t i, size_t n);

static void draw_each(struct bench_rules *rules, uint64_t seed, size_t n, size_t hot, draw_one *draw)
{
	struct seen seen = { .mask = 1 };

	while (seen.mask < 2 * n)
		seen.mask *= 2;
	seen.at = bench_alloc(seen.mask--, sizeof(*seen.at));
	*rules = (struct bench_rules){ .at = bench_alloc(n, sizeof(*rules->at)) };
	for (size_t i = 0; i < n; i++) {
		struct bench_rule rule;
		int tries = 0;

		do {
			memset(&rule, 0, sizeof(rule));
			rule = bench_rule_blank(BENCH_VICTIM, 32);
			draw(&rule, &seed, i, n);
		} while (!add_new(&seen, rules, &rule) && ++tries < TRIES);
	}
	rules->hot = hot < rules->n ? hot : rules->n;
	free(seen.at);
}

static size_t hot_of(size_t n)
{
	return n / 3 + 1 < HOT ? n / 3 + 1 : HOT;
}

/* A host of one of n / 10 networks, or a network itself; the victim for the first. */
static void place(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	uint64_t network = 1 + bench_below(r, (uint32_t)(n / 10 + 4));

	if (i < hot_of(n))
		return;
	rule->dst = bench_network_random(&network);
	if (bench_below(r, 5) == 0)
		rule->dst_length = 24;
	else
		rule->dst |= 1 + bench_below(r, 254);
}

/* ---- The shapes ---- */

static void draw_mixed(struct bench_rules *rules, uint64_t seed, size_t n)
{
	bench_rules_draw(rules, seed, n, n == 0 ? 0 : hot_of(n));
}

static void draw_ipv6(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_mixed(rules, seed, n);
	rules->ipv6 = true;
}

static void one_amplification(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	place(rule, r, i, n);
	bench_rule_amplification(rule, r);
}

static void draw_amplification(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_amplification);
}

static void one_length(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	place(rule, r, i, n);
	rule->proto = bench_below(r, 4) ? 17 : 0;
	rule->length = bench_range_random(r, 28, 1500);
}

static void draw_lengths(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_length);
}

/* What floods of TCP have set, and what of the flags is looked at. */
static void one_flags(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	static const uint8_t flags[][2] = { { 0x12, 0x02 }, { 0x12, 0x12 }, { 0x04, 0x04 }, { 0x3f, 0x00 },
					    { 0x03, 0x03 }, { 0x29, 0x29 }, { 0x12, 0x10 }, { 0x11, 0x01 } };
	uint32_t kind = bench_below(r, 8);

	place(rule, r, i, n);
	rule->proto = 6;
	rule->tcp_mask = flags[kind][0];
	rule->tcp_value = flags[kind][1];
	rule->dport = (struct bench_range){ (uint16_t)bench_below(r, 60000), 0 };
	rule->dport.hi = bench_below(r, 2) ? rule->dport.lo : 65535;
}

static void draw_flags(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_flags);
}

static void one_fragment(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	static const uint8_t protocols[] = { 0, 17, 17, 6 };

	place(rule, r, i, n);
	rule->fragments = true;
	rule->proto = protocols[bench_below(r, 4)];
	rule->length = bench_range_random(r, 40, 1500);
}

static void draw_fragments(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_fragment);
}

static void draw_sources(struct bench_rules *rules, uint64_t seed, size_t n)
{
	bench_rules_sources(rules, seed, n, true);
}

/* Anywhere in one /16, by prefixes from the whole of it to a host. */
static void one_carpet(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	static const uint8_t lengths[] = { 32, 32, 32, 32, 28, 24, 20, 16 };

	if (i >= hot_of(n))
		rule->dst_length = lengths[bench_below(r, 8)];
	rule->dst = CARPET | (i < hot_of(n) ? 0x4d07 : bench_below(r, 65536));
	rule->dst &= (uint32_t)(0xffffffff00000000ull >> rule->dst_length);
	if (bench_below(r, 2))
		bench_rule_amplification(rule, r);
	else
		bench_rule_udp_flood(rule, r);
}

static void draw_carpet(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_carpet);
}

static void draw_ranges(struct bench_rules *rules, uint64_t seed, size_t n)
{
	size_t each = n < PER_VICTIM ? n : PER_VICTIM;

	bench_rules_ranges(rules, seed, each == 0 ? 0 : n / each, each);
}

/* Every field there is, 512 on each victim. */
static void one_every(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	(void)n;
	rule->dst = BENCH_VICTIM + (uint32_t)(i / PER_VICTIM) * 259;
	rule->src = 0xc0000001u + bench_below(r, 4);
	rule->src_length = 32;
	rule->proto = 17;
	rule->dport = bench_range_random(r, 1024, 65535);
	rule->sport = (struct bench_range){ (uint16_t)(1024 + bench_below(r, 60000)), 0 };
	rule->sport.hi = rule->sport.lo;
	rule->length = bench_range_random(r, 28, 1500);
}

static void draw_every(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, PER_VICTIM, one_every);
}

/* Up to NODST_PLAIN of ports and lengths; all others have a source. */
static void one_nodst(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	rule->dst = rule->dst_length = 0;
	if (i < NODST_PLAIN && i < n / 4) {
		bench_rule_amplification(rule, r);
		return;
	}
	rule->src_length = (uint8_t)(bench_below(r, 2) ? 24 : 32);
	rule->src = bench_network_random(r);
	if (rule->src_length == 32)
		rule->src |= bench_below(r, 256);
	if (bench_below(r, 2))
		rule->proto = 17;
}

static void draw_nodst(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, n, one_nodst);
}

/* Chains of seven prefixes, each in the one before; the first is that of the victim. */
static void one_nested(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	static const uint8_t lengths[] = { 32, 28, 24, 20, 16, 12, 8 };
	uint64_t chain = 1000 + bench_below(r, (uint32_t)(n / 28 + 1));

	if (i >= hot_of(n)) {
		rule->dst_length = lengths[i % 7];
		if (i % 28 >= 7)
			rule->dst = bench_network_random(&chain) | (uint32_t)(chain & 255);
	}
	rule->dst &= (uint32_t)(0xffffffff00000000ull >> rule->dst_length);
	bench_rule_udp_flood(rule, r);
}

static void draw_nested(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_nested);
}

/* What is blocked whole: the address of a victim, or of a sender. The first is a sender, so that others' packets to any address hit nothing. */
static void one_host(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	uint32_t host = bench_network_random(r) | (1 + bench_below(r, 254));

	(void)n;
	rule->dst = rule->dst_length = 0;
	if (i % 2 == 0) {
		rule->src = host;
		rule->src_length = 32;
	} else {
		rule->dst = host;
		rule->dst_length = 32;
	}
}

static void draw_hosts(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_host);
}

/* Two to four ports or ranges of them, half of UDP alone and half of TCP too. */
static void one_list(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	static const uint16_t ports[] = { 53, 123, 389, 80, 443, 1900, 22, 8080 };
	uint32_t from = bench_below(r, 50000);

	place(rule, r, i, n);
	rule->proto = 17;
	rule->proto_or = bench_below(r, 2) ? 6 : 0;
	rule->dport = bench_range_exact(ports[bench_below(r, 8)]);
	rule->dport_or[rule->ors++] = (struct bench_range){ (uint16_t)(from + 8081), (uint16_t)(from + 8091) };
	for (uint32_t more = bench_below(r, BENCH_OR_MAX); more > 0; more--)
		rule->dport_or[rule->ors++] = bench_range_exact(from + 8093 + 2 * more);
}

static void draw_lists(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_list);
}

static void one_icmp(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	static const uint8_t types[] = { 8, 8, 0, 3, 11, 5, 13, 17 };

	place(rule, r, i, n);
	rule->proto = FG_PROTO_ICMP;
	rule->icmp_type = bench_range_exact(types[bench_below(r, 8)]);
	if (bench_below(r, 2))
		rule->icmp_code = bench_range_random(r, 0, 15);
	if (bench_below(r, 2))
		rule->length = bench_range_random(r, 28, 1500);
}

static void draw_icmp(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_icmp);
}

static void one_dscp(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	place(rule, r, i, n);
	rule->dscp = bench_below(r, 2) ? bench_range_exact(1 + bench_below(r, BENCH_DSCP_MOST))
				       : bench_range_random(r, 1, BENCH_DSCP_MOST);
	if (bench_below(r, 4) == 0)
		return;
	rule->proto = 17;
	rule->dport = bench_range_exact(bench_below(r, 65536));
}

static void draw_dscp(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_dscp);
}

static void one_label(struct bench_rule *rule, uint64_t *r, size_t i, size_t n)
{
	place(rule, r, i, n);
	rule->proto = bench_below(r, 2) ? 17 : 0;
	rule->label_lo = rule->label_hi = 1 + bench_below(r, BENCH_LABEL_MOST);
	if (bench_below(r, 2))
		rule->label_hi += bench_below(r, BENCH_LABEL_MOST - rule->label_lo + 1);
}

static void draw_labels(struct bench_rules *rules, uint64_t seed, size_t n)
{
	draw_each(rules, seed, n, hot_of(n), one_label);
	rules->ipv6 = true;
}

const struct bench_shape bench_shapes[] = {
	{ "mixed", "35 % amplification, 20 UDP floods, 15 SYN floods, 15 sources, 10 port ranges, 5 fragments",
	  draw_mixed },
	{ "ipv6", "mixed, of IPv6", draw_ipv6 },
	{ "amplification", "UDP from a port that amplifies, some with a length or a destination port",
	  draw_amplification },
	{ "lengths", "a range of packet lengths, of UDP or of anything", draw_lengths },
	{ "flags", "eight combinations of TCP flags, and a port or all from a port on", draw_flags },
	{ "fragments", "later fragments in a range of lengths", draw_fragments },
	{ "sources", "all on one victim, each of a source prefix, /24 or /32", draw_sources },
	{ "carpet", "prefixes of one /16 from /16 to /32, amplification and UDP floods", draw_carpet },
	{ "ranges", "512 rules on each victim, each of three random ranges", draw_ranges },
	{ "every", "512 rules on each victim, each with addresses, protocol, ports and a range of lengths",
	  draw_every },
	{ "nodst", "no destination: sources, and up to 200 of ports and lengths", draw_nodst },
	{ "nested", "chains of prefixes in each other, /8 to /32, UDP floods on each", draw_nested },
	{ "hosts", "an address blocked, of a victim or of a sender, and nothing else", draw_hosts },
	{ "lists", "UDP, or UDP and TCP, to two to four ports and ranges of ports", draw_lists },
	{ "icmp", "an ICMP type, some with a range of codes or of lengths", draw_icmp },
	{ "dscp", "a DSCP or a range of them, of anything or of UDP to a port", draw_dscp },
	{ "flow-label", "a flow label or a range of them, of UDP or of anything, of IPv6", draw_labels },
	{ 0 },
};

const struct bench_shape *bench_shape_find(const char *name)
{
	for (const struct bench_shape *s = bench_shapes; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0)
			return s;
	return NULL;
}
