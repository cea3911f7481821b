/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets to measure with (bench.h). Far: to random addresses whose network has no rule. Near: to addresses that
 * have none, in a network that has. Hot: all to one victim, hitting its rules or, as its users' traffic, none.
 * Uniform: each rule is as likely to be aimed at as any other. Worst: of packets that hit a rule or just miss it,
 * those that read the most lines. Beside: as a hit of any rule but for one field, and no rule applies. Small and imix: far, of other lengths.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { SMALL_LENGTH = 46 /* of a frame of 64 octets */ };
enum {
	WORST_DRAWN = 400000,
	WORST_KEPT = 2000,
	TRIES = 200 /* to find a packet of a kind; then the last one drawn is taken */
};

static uint16_t in_range(uint64_t *r, struct bench_range range)
{
	return (uint16_t)(range.lo + bench_below(r, range.hi - range.lo + 1u));
}

static uint32_t in_prefix(uint64_t *r, uint32_t address, uint8_t length)
{
	return length >= 32 ? address : address | ((uint32_t)bench_random(r) & (uint32_t)(0xffffffffull >> length));
}

/* What users send: mostly TCP of a connection. */
static void draw_clean(uint64_t *r, uint32_t dst, struct bench_packet *p)
{
	static const uint16_t ports[] = { 443, 443, 443, 80, 8443, 22, 993, 3389 };

	*p = (struct bench_packet){ .dst = dst, .src = (uint32_t)bench_random(r) };
	p->proto = bench_below(r, 4) ? 6 : 17;
	p->tcp_flags = p->proto != 6 ? 0 : bench_below(r, 3) ? 0x10 : 0x18;
	p->sport = (uint16_t)(1024 + bench_below(r, 64000));
	p->dport = ports[bench_below(r, 8)];
	p->length = (uint16_t)(40 + bench_below(r, 1461));
}

/* Of a list one of its intervals. Where there is none, nothing is drawn for it: shapes that have none keep their packets. */
static struct bench_range one_dport(uint64_t *r, const struct bench_rule *rule)
{
	uint32_t i = rule->ors > 0 ? bench_below(r, rule->ors + 1u) : 0;

	return i == 0 ? rule->dport : rule->dport_or[i - 1];
}

/* The fields that few rules ask for. */
static void hit_more(uint64_t *r, const struct bench_rule *rule, struct bench_packet *p)
{
	if (rule->proto_or != 0 && bench_below(r, 2))
		p->proto = rule->proto_or;
	p->tcp_flags = p->proto != 6 ? 0 : rule->tcp_mask ? rule->tcp_value : 0x10;
	p->dscp = (uint8_t)in_range(r, rule->dscp);
	p->label = rule->label_lo + bench_below(r, rule->label_hi - rule->label_lo + 1);
	if (p->proto != FG_PROTO_ICMP || p->fragment)
		return;
	p->sport = p->dport = 0;
	p->icmp_type = (uint8_t)in_range(r, rule->icmp_type);
	p->icmp_code = (uint8_t)in_range(r, rule->icmp_code);
}

static void draw_hit(uint64_t *r, const struct bench_rule *rule, struct bench_packet *p)
{
	*p = (struct bench_packet){ .dst = in_prefix(r, rule->dst, rule->dst_length),
				    .src = in_prefix(r, rule->src, rule->src_length) };
	p->proto = rule->proto ? rule->proto : bench_below(r, 2) ? 6 : 17;
	p->tcp_flags = p->proto != 6 ? 0 : rule->tcp_mask ? rule->tcp_value : 0x10;
	p->fragment = rule->fragments;
	if (!p->fragment) {
		p->sport = in_range(r, rule->sport);
		p->dport = in_range(r, one_dport(r, rule));
	}
	p->length = in_range(r, rule->length);
	if (rule->length.lo == 0 || rule->length.hi == 65535)
		p->length = (uint16_t)(rule->length.lo + 40 + bench_below(r, 1000));
	if (bench_rule_asks_more(rule))
		hit_more(r, rule, p);
}

static void miss_more(uint64_t *r, struct bench_packet *p)
{
	bool icmp = p->proto == FG_PROTO_ICMP && !p->fragment;

	switch (bench_below(r, 4)) {
	case 0:
		p->dscp = (uint8_t)bench_below(r, BENCH_DSCP_MOST + 1);
		break;
	case 1:
		p->label = bench_below(r, BENCH_LABEL_MOST + 1);
		break;
	case 2:
		p->icmp_type = (uint8_t)(icmp ? bench_below(r, BENCH_ICMP_MOST + 1) : 0);
		break;
	default:
		p->icmp_code = (uint8_t)(icmp ? bench_below(r, BENCH_ICMP_MOST + 1) : 0);
		break;
	}
}

/* As a hit, but for one field. */
static void draw_miss(uint64_t *r, const struct bench_rule *rule, struct bench_packet *p)
{
	bool ports;

	draw_hit(r, rule, p);
	ports = !p->fragment && p->proto != FG_PROTO_ICMP;
	if (bench_rule_asks_more(rule) && bench_below(r, 2)) {
		miss_more(r, p);
		return;
	}
	switch (bench_below(r, 4)) {
	case 0:
		p->sport = (uint16_t)(ports ? bench_random(r) : 0);
		break;
	case 1:
		p->dport = (uint16_t)(ports ? bench_random(r) : 0);
		break;
	case 2:
		p->length = (uint16_t)(40 + bench_below(r, 1461));
		break;
	default:
		p->src = (uint32_t)bench_random(r);
		break;
	}
}

void bench_packet_aim(uint64_t *r, const struct bench_rule *rule, bool miss, struct bench_packet *p)
{
	if (miss)
		draw_miss(r, rule, p);
	else
		draw_hit(r, rule, p);
}

static bool matches(const struct bench_traffic *t, const struct bench_packet *p)
{
	struct bench_packet whole = *p;
	struct fg_matched out;
	struct fg_key key;

	whole.ipv6 = t->rules->ipv6;
	bench_packet_key(&whole, &key);
	fg_match(&t->image->view, &key, &out);
	return out.count > 0;
}

static const struct bench_rule *any_rule(const struct bench_traffic *t, uint64_t *r)
{
	return &t->rules->at[bench_below(r, (uint32_t)t->rules->n)];
}

static bool is_far(const struct bench_traffic *t, uint32_t dst)
{
	return (t->networks[dst >> 14] >> (dst >> 8 & 63) & 1) == 0;
}

static void draw_far(const struct bench_traffic *t, uint64_t *r, struct bench_packet *p)
{
	int tries = 0;

	do
		draw_clean(r, (uint32_t)bench_random(r), p);
	while (!is_far(t, p->dst) && ++tries < TRIES);
}

/* To no address of a rule: what a rule of the network says counts, so it is asked. */
static void draw_near(const struct bench_traffic *t, uint64_t *r, struct bench_packet *p)
{
	int tries = 0;

	do
		draw_clean(r, (any_rule(t, r)->dst & 0xffffff00u) | bench_below(r, 256), p);
	while (matches(t, p) && ++tries < TRIES);
}

static void draw_hot_miss(const struct bench_traffic *t, uint64_t *r, struct bench_packet *p)
{
	int tries = 0;

	do
		draw_clean(r, in_prefix(r, t->rules->at[0].dst, t->rules->at[0].dst_length), p);
	while (matches(t, p) && ++tries < TRIES);
}

static void draw_beside(const struct bench_traffic *t, uint64_t *r, struct bench_packet *p)
{
	int tries = 0;

	do
		draw_miss(r, any_rule(t, r), p);
	while (matches(t, p) && ++tries < TRIES);
}

/* Seven short packets, four of 576 octets and one of 1500: the simple IMIX. */
static uint16_t imix_length(uint64_t *r)
{
	uint32_t n = bench_below(r, 12);

	return n < 7 ? SMALL_LENGTH : n < 11 ? 576 : 1500;
}

static void draw(const struct bench_traffic *t, uint64_t *r, struct bench_packet *p)
{
	switch (t->kind) {
	case BENCH_FAR:
	case BENCH_SMALL:
	case BENCH_IMIX:
		draw_far(t, r, p);
		if (t->kind != BENCH_FAR)
			p->length = t->kind == BENCH_SMALL ? SMALL_LENGTH : imix_length(r);
		break;
	case BENCH_NEAR:
		draw_near(t, r, p);
		break;
	case BENCH_HOT:
		draw_hit(r, &t->rules->at[bench_below(r, (uint32_t)t->rules->hot)], p);
		break;
	case BENCH_HOT_MISS:
		draw_hot_miss(t, r, p);
		break;
	case BENCH_BESIDE:
		draw_beside(t, r, p);
		break;
	case BENCH_WORST:
		*p = t->worst[bench_below(r, (uint32_t)t->worst_n)];
		break;
	default:
		draw_hit(r, any_rule(t, r), p);
		break;
	}
	p->ipv6 = t->rules->ipv6;
}

static void find_worst(struct bench_traffic *t)
{
	t->worst = bench_alloc(WORST_KEPT, sizeof(*t->worst));
	t->worst_n = WORST_KEPT;
	t->worst_lines = bench_worst(t->rules, t->image, WORST_DRAWN, t->worst, WORST_KEPT);
}

/* Networks (/24) that a rule's prefix is in, or that are in it. */
static void mark_networks(struct bench_traffic *t, const struct bench_rule *rule)
{
	uint32_t first = rule->dst >> 8, n = rule->dst_length >= 24 ? 1 : 1u << (24 - rule->dst_length);

	for (uint32_t i = first; rule->dst_length > 0 && i < first + n; i++)
		t->networks[i / 64] |= 1ull << (i % 64);
}

void bench_traffic_open(struct bench_traffic *t, const struct bench_rules *rules, const struct bench_image *image)
{
	*t = (struct bench_traffic){ .rules = rules, .image = image };
	t->networks = bench_alloc((1u << 24) / 64, 8);
	t->pool = bench_alloc(BENCH_POOL, sizeof(*t->pool));
	for (size_t i = 0; i < rules->n; i++)
		mark_networks(t, &rules->at[i]);
}

void bench_traffic_fill(struct bench_traffic *t, enum bench_kind kind)
{
	uint64_t r = 1000;

	t->kind = kind;
	if (kind == BENCH_WORST && t->worst == NULL)
		find_worst(t);
	for (size_t i = 0; i < BENCH_POOL; i++)
		draw(t, &r, &t->pool[i]);
}

void bench_traffic_close(struct bench_traffic *t)
{
	free(t->pool);
	free(t->networks);
	free(t->worst);
}
