/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The search for the packets that cost most of an image, in lines (bench.h). Half the packets are drawn at a rule or just beside one; the others are made of one
 * that was kept, a field or two of it changed to what a rule asks for. Kept is what read a line that none before it did, or as many as any: that leads the
 * search where matching goes, not only where it is long.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { KEPT_MAX = 4096 };

struct found {
	struct bench_packet packet;
	uint32_t lines;
};

struct search {
	const struct bench_rules *rules;
	const struct bench_image *image;
	struct bench_trace trace;
	struct found *found; /* all of them */
	size_t n;
	uint32_t kept[KEPT_MAX]; /* numbers of found */
	size_t kept_n;
	uint32_t most;
	uint64_t r;
	bool more; /* rules ask for what few do */
};

static int most_lines_first(const void *a, const void *b)
{
	const struct found *x = a, *y = b;

	return (x->lines < y->lines) - (x->lines > y->lines);
}

/* One of a range's ends, or beside it. */
static uint16_t edge_of(uint64_t *r, struct bench_range range)
{
	uint32_t kind = bench_below(r, 4);

	return (uint16_t)(kind == 0 ? range.lo : kind == 1 ? range.hi : kind == 2 ? range.lo - 1 : range.hi + 1);
}

static uint32_t address_in(uint64_t *r, uint32_t address, uint8_t length)
{
	return length >= 32 ? address : address | ((uint32_t)bench_random(r) & (uint32_t)(0xffffffffull >> length));
}

static void change_field(struct search *s, struct bench_packet *p)
{
	const struct bench_rule *rule = &s->rules->at[bench_below(&s->r, (uint32_t)s->rules->n)];

	switch (bench_below(&s->r, s->more ? 11 : 8)) {
	case 0:
		p->dst = address_in(&s->r, rule->dst, rule->dst_length);
		break;
	case 1:
		p->src = address_in(&s->r, rule->src, rule->src_length);
		break;
	case 2:
		p->sport = p->fragment ? 0 : edge_of(&s->r, rule->sport);
		break;
	case 3:
		p->dport = p->fragment ? 0 : edge_of(&s->r, rule->dport);
		break;
	case 4:
		p->length = edge_of(&s->r, rule->length);
		break;
	case 5:
		p->proto = bench_below(&s->r, 2) ? FG_PROTO_TCP : FG_PROTO_UDP;
		break;
	case 6:
		p->tcp_flags = (uint8_t)bench_below(&s->r, 64);
		break;
	case 7:
		p->fragment = !p->fragment;
		break;
	case 8:
		p->dscp = (uint8_t)edge_of(&s->r, rule->dscp);
		break;
	case 9:
		p->proto = rule->proto != 0 ? rule->proto : p->proto;
		p->icmp_type = (uint8_t)edge_of(&s->r, rule->icmp_type);
		p->icmp_code = (uint8_t)edge_of(&s->r, rule->icmp_code);
		break;
	default:
		p->label = bench_below(&s->r, 2) ? rule->label_lo : rule->label_hi;
		break;
	}
}

/* What a frame can be: ports and flags only where there is a transport header, and room for it. */
static void make_whole(struct bench_packet *p)
{
	if (p->length < 40 || p->length > 1500)
		p->length = p->length < 40 ? 40 : 1500;
	if (p->fragment || p->proto == FG_PROTO_ICMP)
		p->sport = p->dport = 0;
	if (p->fragment || p->proto != FG_PROTO_TCP)
		p->tcp_flags = 0;
	if (p->fragment || p->proto != FG_PROTO_ICMP)
		p->icmp_type = p->icmp_code = 0;
	p->dscp &= BENCH_DSCP_MOST;
}

static void draw(struct search *s, struct bench_packet *p)
{
	const struct bench_rule *rule = &s->rules->at[bench_below(&s->r, (uint32_t)s->rules->n)];

	if (s->kept_n == 0 || bench_below(&s->r, 2) == 0) {
		bench_packet_aim(&s->r, rule, bench_below(&s->r, 2) == 0, p);
		p->ipv6 = s->rules->ipv6;
		return;
	}
	*p = s->found[s->kept[bench_below(&s->r, (uint32_t)s->kept_n)]].packet;
	for (uint32_t n = 1 + bench_below(&s->r, 3); n > 0; n--)
		change_field(s, p);
	make_whole(p);
}

static void keep(struct search *s, bool fresh, uint32_t lines)
{
	if (!fresh && lines < s->most)
		return;
	s->most = lines > s->most ? lines : s->most;
	s->kept[s->kept_n < KEPT_MAX ? s->kept_n++ : bench_below(&s->r, KEPT_MAX)] = (uint32_t)s->n;
}

static void try_one(struct search *s)
{
	struct found *f = &s->found[s->n];
	struct fg_key key;

	draw(s, &f->packet);
	bench_packet_key(&f->packet, &key);
	s->trace.lines = s->trace.fresh = 0;
	bench_lines_trace(s->image->memory.at, &key, &s->trace);
	f->lines = s->trace.lines;
	keep(s, s->trace.fresh > 0, f->lines);
	s->n++;
}

uint32_t bench_worst(const struct bench_rules *rules, const struct bench_image *image, size_t tries,
		     struct bench_packet *out, size_t n)
{
	struct search s = { .rules = rules, .image = image, .r = 77, .more = bench_rules_ask_more(rules) };
	uint32_t most;

	s.found = bench_alloc(tries, sizeof(*s.found));
	s.trace.seen = bench_alloc(image->bytes / FG_LINE_OCTETS / 64 + 1, sizeof(*s.trace.seen));
	for (size_t i = 0; i < tries; i++)
		try_one(&s);
	qsort(s.found, tries, sizeof(*s.found), most_lines_first);
	for (size_t i = 0; i < n; i++)
		out[i] = s.found[i].packet;
	most = s.found[0].lines;
	free(s.trace.seen);
	free(s.found);
	return most;
}
