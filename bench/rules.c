/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules to measure with (bench.h). Comes in: a seed and numbers. Goes out: rules, all different, in no order. */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

static const struct bench_range any = { 0, 65535 };

struct bench_rule bench_rule_blank(uint32_t dst, uint8_t dst_length)
{
	return (struct bench_rule){ .dst = dst,
				    .dst_length = dst_length,
				    .sport = any,
				    .dport = any,
				    .length = any,
				    .label_hi = BENCH_LABEL_MOST,
				    .dscp = { 0, BENCH_DSCP_MOST },
				    .icmp_type = { 0, BENCH_ICMP_MOST },
				    .icmp_code = { 0, BENCH_ICMP_MOST } };
}

struct bench_range bench_range_exact(uint32_t v)
{
	return (struct bench_range){ (uint16_t)v, (uint16_t)v };
}

struct bench_range bench_range_random(uint64_t *r, uint32_t lo, uint32_t hi)
{
	uint32_t a = lo + bench_below(r, hi - lo + 1), b = lo + bench_below(r, hi - lo + 1);

	return (struct bench_range){ (uint16_t)(a < b ? a : b), (uint16_t)(a < b ? b : a) };
}

/* Unicast, class A to C. */
uint32_t bench_network_random(uint64_t *r)
{
	return (1 + bench_below(r, 223)) << 24 | bench_below(r, 1 << 16) << 8;
}

void bench_rule_amplification(struct bench_rule *rule, uint64_t *r)
{
	static const uint16_t ports[] = { 53, 123, 389, 1900, 11211, 19, 161, 111, 137, 3702, 5353, 10001, 27015, 520 };
	uint32_t kind = bench_below(r, 100);

	rule->proto = 17;
	rule->sport = bench_range_exact(ports[bench_below(r, sizeof(ports) / sizeof(*ports))]);
	if (kind < 30)
		rule->length = bench_range_exact(60 + bench_below(r, 1400));
	else if (kind < 60)
		rule->length = (struct bench_range){ (uint16_t)(200 + bench_below(r, 1000)), 65535 };
	else if (kind < 75)
		rule->dport = bench_range_exact(1024 + bench_below(r, 64000));
}

void bench_rule_udp_flood(struct bench_rule *rule, uint64_t *r)
{
	rule->proto = 17;
	rule->dport = bench_below(r, 2) ? bench_range_exact(bench_below(r, 65536)) : bench_range_random(r, 1024, 65535);
	if (bench_below(r, 2))
		rule->length = bench_range_random(r, 28, 1500);
}

static void syn_flood(struct bench_rule *rule, uint64_t *r)
{
	static const uint16_t ports[] = { 80, 443, 22, 25, 8080, 8443, 3306, 25565 };

	rule->proto = 6;
	rule->tcp_mask = 0x12; /* SYN without ACK */
	rule->tcp_value = 0x02;
	rule->dport = bench_range_exact(bench_below(r, 2) ? ports[bench_below(r, 8)] : bench_below(r, 65536));
	if (bench_below(r, 4) == 0)
		rule->length = bench_range_exact(40 + bench_below(r, 20));
}

static void one_source(struct bench_rule *rule, uint64_t *r)
{
	rule->src_length = (uint8_t)(16 + 4 * bench_below(r, 5));
	rule->src = bench_network_random(r) | bench_below(r, 256);
	rule->src &= ~(uint32_t)(0xffffffffull >> rule->src_length);
	if (bench_below(r, 2))
		rule->proto = bench_below(r, 2) ? 6 : 17;
	if (rule->proto != 0 && bench_below(r, 2))
		rule->dport = bench_range_exact(bench_below(r, 65536));
}

static void port_ranges(struct bench_rule *rule, uint64_t *r)
{
	rule->proto = bench_below(r, 2) ? 6 : 17;
	rule->dport = bench_range_random(r, 0, 65535);
	rule->sport = (struct bench_range){ (uint16_t)(1 + bench_below(r, 40000)), 65535 };
}

static struct bench_rule random_rule(uint64_t *r, uint32_t dst, uint8_t dst_length)
{
	struct bench_rule rule = bench_rule_blank(dst, dst_length);
	uint32_t kind = bench_below(r, 100);

	if (kind < 35) {
		bench_rule_amplification(&rule, r);
	} else if (kind < 55) {
		bench_rule_udp_flood(&rule, r);
	} else if (kind < 70) {
		syn_flood(&rule, r);
	} else if (kind < 85) {
		one_source(&rule, r);
	} else if (kind < 95) {
		port_ranges(&rule, r);
	} else {
		rule.proto = 17;
		rule.fragments = true;
	}
	return rule;
}

static bool is_new(const struct bench_rules *rules, size_t first, const struct bench_rule *rule)
{
	for (size_t i = first; i < rules->n; i++)
		if (memcmp(&rules->at[i], rule, sizeof(*rule)) == 0)
			return false;
	return true;
}

/* Up to `count` different rules on one destination. */
static void add_group(struct bench_rules *rules, uint64_t *r, uint32_t dst, uint8_t dst_length, size_t count)
{
	size_t first = rules->n;

	for (size_t tries = 0; tries < 20 * count && rules->n < first + count; tries++) {
		struct bench_rule rule = random_rule(r, dst, dst_length);

		if (is_new(rules, first, &rule))
			rules->at[rules->n++] = rule;
	}
}

static size_t group_size(uint64_t *r)
{
	uint32_t kind = bench_below(r, 100);

	if (kind < 50)
		return 1;
	if (kind < 80)
		return 2 + bench_below(r, 3);
	return kind < 95 ? 5 + bench_below(r, 6) : 11 + bench_below(r, 20);
}

void bench_rules_draw(struct bench_rules *rules, uint64_t seed, size_t n, size_t hot)
{
	size_t networks = n / 10 < 4 ? 4 : n / 10;
	uint32_t *network = bench_alloc(networks, sizeof(*network));
	uint8_t *taken = bench_alloc(1 << 24, 1);
	/* A bit for each destination there is: for two groups on one could hold the same rule. */
	uint8_t *hosts = bench_alloc((size_t)networks * 257, 1);

	*rules = (struct bench_rules){ .at = bench_alloc(n, sizeof(*rules->at)), .hot = hot };
	for (size_t i = 0; i < networks; i++)
		do
			network[i] = bench_network_random(&seed);
		while (taken[network[i] >> 8]++ > 0);
	add_group(rules, &seed, BENCH_VICTIM, 32, hot);
	while (rules->n < n) {
		uint32_t i = bench_below(&seed, (uint32_t)networks),
			 host = bench_below(&seed, 5) ? 1 + bench_below(&seed, 254) : 256;
		size_t left = n - rules->n, size = group_size(&seed);

		if (hosts[i * 257 + host]++ > 0)
			continue;
		add_group(rules, &seed, network[i] | (host & 255), host == 256 ? 24 : 32, size < left ? size : left);
	}
	free(hosts);
	free(taken);
	free(network);
}

void bench_rules_crowds(struct bench_rules *rules, uint64_t seed, size_t victims, size_t per_victim)
{
	*rules = (struct bench_rules){ .at = bench_alloc(victims * per_victim, sizeof(*rules->at)), .hot = per_victim };
	for (size_t v = 0; v < victims; v++)
		add_group(rules, &seed, 0xc6330000u + (uint32_t)v * 259, 32, per_victim);
}

void bench_rules_ranges(struct bench_rules *rules, uint64_t seed, size_t victims, size_t per_victim)
{
	*rules = (struct bench_rules){ .at = bench_alloc(victims * per_victim, sizeof(*rules->at)), .hot = per_victim };
	for (size_t v = 0; v < victims; v++)
		for (size_t i = 0; i < per_victim; i++) {
			struct bench_rule *rule = &rules->at[rules->n++];

			*rule = bench_rule_blank(0xc6330000u + (uint32_t)v * 259, 32);
			rule->proto = 17;
			rule->dport = bench_range_random(&seed, 0, 65535);
			rule->sport = bench_range_random(&seed, 0, 65535);
			rule->length = bench_range_random(&seed, 28, 1500);
		}
}

void bench_rules_sources(struct bench_rules *rules, uint64_t seed, size_t n, bool victim)
{
	uint64_t *taken = bench_alloc((1u << 24) / 64, 8); /* by the upper 24 bits: no prefix lies in another */

	*rules = (struct bench_rules){ .at = bench_alloc(n, sizeof(*rules->at)), .hot = n };
	while (rules->n < n) {
		uint32_t net = bench_network_random(&seed), bit = net >> 8;
		struct bench_rule *rule = &rules->at[rules->n];

		if (taken[bit / 64] >> (bit % 64) & 1)
			continue;
		taken[bit / 64] |= 1ull << (bit % 64);
		*rule = bench_rule_blank(victim ? BENCH_VICTIM : 0, victim ? 32 : 0);
		rule->src_length = rules->n % 2 ? 24 : 32;
		rule->src = rules->n % 2 ? net : net | bench_below(&seed, 256);
		rules->n++;
	}
	free(taken);
}

void bench_rules_free(struct bench_rules *rules)
{
	free(rules->at);
	rules->at = NULL;
}
