/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules and packets (xdp_cases.h). Rule i is made of numbers that are a hash of i; a packet that shall match it is made of the
 * same. So nothing is kept.
 */
#include "bench/xdp_cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/rule/order.h"
#include "ctrl/table/table.h"
#include "flowgate/wire.h"

enum { NLRI_ROOM = 96 };

const struct xdp_case xdp_cases[] = {
	{ "no rules", XDP_RULES_SPREAD, 0, false, false },
	{ "nothing matches", XDP_RULES_SPREAD, 1000, false, false },
	{ "nothing matches", XDP_RULES_SPREAD, 50000, false, false },
	{ "hit, 1-rule groups", XDP_RULES_SPREAD, 1000, false, true },
	{ "hit, 1-rule groups", XDP_RULES_SPREAD, 50000, false, true },
	{ "hit, one group of 4", XDP_RULES_GROUP, 4, false, true },
	{ "hit, one group of 60", XDP_RULES_GROUP, 60, false, true },
	{ "hit, one group of 512", XDP_RULES_GROUP, 512, false, true },
	{ "every field, one group of 512", XDP_RULES_FULL, 512, false, true },
	{ "sources of one victim", XDP_RULES_SOURCES, 100000, false, true },
	{ "IPv6, no rules", XDP_RULES_SPREAD, 0, true, false },
	{ "IPv6, nothing matches", XDP_RULES_SPREAD, 50000, true, false },
	{ "IPv6, hit, 1-rule groups", XDP_RULES_SPREAD, 50000, true, true },
	{ "IPv6, hit, one group of 512", XDP_RULES_GROUP, 512, true, true },
	{ "IPv6, every field, one group of 512", XDP_RULES_FULL, 512, true, true },
	{ "IPv6, sources of one victim", XDP_RULES_SOURCES, 100000, true, true },
};
const size_t xdp_cases_count = sizeof(xdp_cases) / sizeof(xdp_cases[0]);

static uint32_t hash(uint32_t i)
{
	i = (i ^ (i >> 16)) * 0x7feb352du;
	i = (i ^ (i >> 15)) * 0x846ca68bu;
	return i ^ (i >> 16);
}

/* What rule i is made of, and a packet that matches it. */
struct subject {
	uint32_t dst, src;
	uint16_t sport, dport, length;
	uint8_t dscp;
};

static struct subject subject_of(const struct xdp_case *c, uint32_t i)
{
	struct subject s = {
		.dst = c->kind == XDP_RULES_SPREAD ? 0x0a000000 | (hash(i) & 0xffffff) : 0x0a010203,
		.src = 0xc0000000 | (hash(i + 1000000) & 0xffffff),
		.sport = (uint16_t)(1024 + hash(i + 2000000) % 60000),
		.dport = (uint16_t)(1024 + hash(i + 3000000) % 60000),
		.length = (uint16_t)(100 + hash(i + 4000000) % 1300),
		.dscp = (uint8_t)(hash(i + 5000000) % 64),
	};
	return s;
}

static uint8_t *put_prefix(uint8_t *p, uint8_t type, uint32_t address, bool ipv6)
{
	*p++ = type;
	if (!ipv6) {
		*p++ = 32;
		fg_store_be32(p, address);
		return p + 4;
	}
	memset(p, 0, 18);
	p[0] = 128;
	fg_store_be32(p + 2, 0x20010db8);
	fg_store_be32(p + 14, address);
	return p + 18;
}

/* From lo to hi; one value where they are equal. Two octets a value. */
static uint8_t *put_range(uint8_t *p, uint8_t type, uint16_t lo, uint16_t hi)
{
	*p++ = type;
	*p++ = lo == hi ? FG_OP_END | 0x10 | FG_OP_EQ : 0x10 | FG_OP_GT | FG_OP_EQ;
	fg_store_be16(p, lo);
	p += 2;
	if (lo == hi)
		return p;
	*p++ = FG_OP_END | FG_OP_AND | 0x10 | FG_OP_LT | FG_OP_EQ;
	fg_store_be16(p, hi);
	return p + 2;
}

static uint8_t *put_octet(uint8_t *p, uint8_t type, uint8_t value)
{
	*p++ = type;
	*p++ = FG_OP_END | FG_OP_EQ;
	*p++ = value;
	return p;
}

static uint16_t put_nlri(const struct xdp_case *c, uint32_t i, uint8_t *nlri)
{
	struct subject s = subject_of(c, i);
	bool full = c->kind == XDP_RULES_FULL, group = full || c->kind == XDP_RULES_GROUP;
	uint8_t *p = put_prefix(nlri, FG_DST, s.dst, c->ipv6);

	if (full || c->kind == XDP_RULES_SOURCES)
		p = put_prefix(p, FG_SRC, full ? 0xc0000001 + i % 4 : s.src, c->ipv6);
	if (full || c->kind == XDP_RULES_SPREAD)
		p = put_octet(p, FG_PROTO, 17);
	if (group)
		p = put_range(p, FG_DPORT, s.dport, (uint16_t)(s.dport + 20));
	if (full)
		p = put_range(p, FG_SPORT, s.sport, s.sport);
	if (group)
		p = put_range(p, FG_LENGTH, s.length, (uint16_t)(s.length + 10));
	if (full)
		p = put_octet(p, FG_DSCP, s.dscp);
	return (uint16_t)(p - nlri);
}

static int before(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

void xdp_case_compile(const struct xdp_case *c, uint8_t *image, uint32_t lines, struct fg_action *actions)
{
	static struct fg_compile_scratch scratch;
	static uint32_t used;
	uint8_t(*nlri)[NLRI_ROOM] = calloc(c->rules + 1, NLRI_ROOM);
	struct fg_rule *rule = calloc(c->rules + 1, sizeof(*rule));
	struct fg_table_rule *sorted = calloc(c->rules + 1, sizeof(*sorted));
	const struct fg_table_rule *all[] = { c->ipv6 ? NULL : sorted, c->ipv6 ? sorted : NULL };
	const size_t n[] = { c->ipv6 ? 0 : c->rules, c->ipv6 ? c->rules : 0 };

	for (uint32_t i = 0; i < c->rules; i++) {
		rule[i] = (struct fg_rule){ .family = c->ipv6, .nlri = nlri[i], .nlri_len = put_nlri(c, i, nlri[i]) };
		sorted[i] = (struct fg_table_rule){ .rule = &rule[i], .slot = i };
		actions[i] = (struct fg_action){ .flags = FG_ACT_DISCARD };
	}
	qsort(sorted, c->rules, sizeof(*sorted), before);
	memset(image, 0, (size_t)used * FG_LINE_OCTETS);
	if (fg_table_compile(image, lines, all, n, &scratch, &used) != 0) {
		fprintf(stderr, "%s: no room\n", c->name);
		exit(1);
	}
	free(nlri);
	free(rule);
	free(sorted);
}

static void put_flow(const struct xdp_case *c, const struct subject *s, uint8_t *p)
{
	uint32_t udp = c->ipv6 ? 40 : 20;

	memset(p, 0, XDP_FLOW_OCTETS);
	if (c->ipv6) {
		fg_store_be32(p, 0x60000000u | (uint32_t)s->dscp << 22);
		fg_store_be16(p + 4, (uint16_t)(s->length - 40));
		p[6] = 17;
		fg_store_be32(p + 8, 0x20010db8);
		fg_store_be32(p + 20, s->src);
		fg_store_be32(p + 24, 0x20010db8);
		fg_store_be32(p + 36, s->dst);
	} else {
		p[0] = 0x45;
		p[1] = (uint8_t)(s->dscp << 2);
		fg_store_be16(p + 2, s->length);
		p[8] = 64;
		p[9] = 17;
		fg_store_be32(p + 12, s->src);
		fg_store_be32(p + 16, s->dst);
	}
	fg_store_be16(p + udp, s->sport);
	fg_store_be16(p + udp + 2, s->dport);
	fg_store_be16(p + udp + 4, 8);
}

void xdp_case_flows(const struct xdp_case *c, struct xdp_flow *flows, uint32_t count)
{
	for (uint32_t k = 0; k < count; k++) {
		uint32_t i = c->hits ? hash(k) % c->rules : 10000000 + k;
		struct subject s = subject_of(c, i);

		if (!c->hits)
			s.dst = 0x0b000000 | (hash(k) & 0xffffff);
		if (c->kind == XDP_RULES_FULL)
			s.src = 0xc0000001 + i % 4;
		put_flow(c, &s, flows[k].octets);
	}
}
