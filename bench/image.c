/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of the benchmark as raw NLRI, in order, and compiled (bench.h). What always holds: the image lies in
 * memory like a worker's.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/bench.h"
#include "ctrl/rule/order.h"

enum { HUGE_PAGE = 2 << 20, NLRI_ROOM = 80 };

void bench_memory_get(struct bench_memory *m, size_t size)
{
	m->size = (size + HUGE_PAGE - 1) & ~((size_t)HUGE_PAGE - 1);
	m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	m->huge = m->at != MAP_FAILED;
	if (m->huge)
		return;
	m->at = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->at == MAP_FAILED)
		bench_fail("no %zu octets of memory", m->size);
	madvise(m->at, m->size, MADV_HUGEPAGE);
}

void bench_memory_put(struct bench_memory *m)
{
	munmap(m->at, m->size);
}

/* 2001:db8:A::1, or the prefix of it (bench.h). */
static void put_prefix6(struct fg_prefix *p, uint32_t be, uint8_t length)
{
	static const uint8_t net[4] = { 0x20, 0x01, 0x0d, 0xb8 };

	memcpy(p->octets, net, sizeof(net));
	memcpy(p->octets + sizeof(net), &be, sizeof(be));
	p->octets[15] = length == 32;
	p->length = length == 32 ? 128 : (uint8_t)(32 + length);
}

static void put_prefix(struct fg_nlri_builder *b, uint8_t type, uint32_t address, uint8_t length, bool ipv6)
{
	struct fg_prefix p = { .length = length };
	uint32_t be = __builtin_bswap32(address);

	memcpy(p.octets, &be, sizeof(be));
	if (ipv6)
		put_prefix6(&p, be, length);
	if (length > 0 && fg_nlri_put_prefix(b, ipv6 ? FG_IPV6 : FG_IPV4, type, &p) != 0)
		bench_fail("a prefix was refused");
}

static void put_term(struct fg_nlri_builder *b, uint8_t type, int op, uint64_t value)
{
	if (fg_nlri_put_term(b, type, (uint8_t)op, value) != 0)
		bench_fail("a term was refused");
}

/* Nothing where it is all values up to `most`. */
static void put_interval(struct fg_nlri_builder *b, uint8_t type, uint32_t lo, uint32_t hi, uint32_t most)
{
	if (lo == hi) {
		put_term(b, type, FG_OP_EQ, lo);
	} else if (lo != 0 || hi != most) {
		put_term(b, type, FG_OP_GT | FG_OP_EQ, lo);
		if (hi != most)
			put_term(b, type, FG_OP_AND | FG_OP_LT | FG_OP_EQ, hi);
	}
}

static void put_range(struct fg_nlri_builder *b, uint8_t type, struct bench_range r)
{
	put_interval(b, type, r.lo, r.hi, 65535);
}

static void put_flags(struct fg_nlri_builder *b, const struct bench_rule *rule)
{
	uint8_t clear = rule->tcp_mask & (uint8_t)~rule->tcp_value;

	if (rule->tcp_value != 0)
		put_term(b, FG_TCP_FLAGS, FG_OP_MATCH, rule->tcp_value);
	if (clear != 0)
		put_term(b, FG_TCP_FLAGS, FG_OP_NOT | (rule->tcp_value != 0 ? FG_OP_AND : 0), clear);
}

static struct bench_range longer(struct bench_range r, bool ipv6)
{
	if (ipv6 && r.lo != 0)
		r.lo = (uint16_t)(r.lo + BENCH_IPV6_MORE);
	if (ipv6 && r.hi != 65535)
		r.hi = (uint16_t)(r.hi + BENCH_IPV6_MORE);
	return r;
}

static void build(struct fg_nlri_builder *b, const struct bench_rule *rule, bool ipv6)
{
	fg_nlri_begin(b);
	put_prefix(b, FG_DST, rule->dst, rule->dst_length, ipv6);
	put_prefix(b, FG_SRC, rule->src, rule->src_length, ipv6);
	if (rule->proto != 0)
		put_term(b, FG_PROTO, FG_OP_EQ, rule->proto);
	if (rule->proto_or != 0)
		put_term(b, FG_PROTO, FG_OP_EQ, rule->proto_or);
	put_range(b, FG_DPORT, rule->dport);
	for (size_t i = 0; i < rule->ors; i++)
		put_range(b, FG_DPORT, rule->dport_or[i]);
	put_range(b, FG_SPORT, rule->sport);
	put_interval(b, FG_ICMP_TYPE, rule->icmp_type.lo, rule->icmp_type.hi, BENCH_ICMP_MOST);
	put_interval(b, FG_ICMP_CODE, rule->icmp_code.lo, rule->icmp_code.hi, BENCH_ICMP_MOST);
	put_flags(b, rule);
	put_range(b, FG_LENGTH, longer(rule->length, ipv6));
	put_interval(b, FG_DSCP, rule->dscp.lo, rule->dscp.hi, BENCH_DSCP_MOST);
	if (rule->fragments)
		put_term(b, FG_FRAGMENT, FG_OP_MATCH, FG_FRAG_IS);
	put_interval(b, FG_FLOW_LABEL, rule->label_lo, rule->label_hi, BENCH_LABEL_MOST);
}

static int by_order(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

void bench_input_make(struct bench_input *in, const struct bench_rules *rules)
{
	static struct fg_nlri_builder b;
	uint8_t *at;

	in->octets = at = bench_alloc(rules->n, NLRI_ROOM);
	in->rule = bench_alloc(rules->n, sizeof(*in->rule));
	in->sorted = bench_alloc(rules->n, sizeof(*in->sorted));
	for (size_t i = 0; i < rules->n; i++, at += NLRI_ROOM) {
		build(&b, &rules->at[i], rules->ipv6);
		if (b.len > NLRI_ROOM)
			bench_fail("an NLRI of %u octets", b.len);
		memcpy(at, b.octets, b.len);
		in->rule[i] =
			(struct fg_rule){ .family = rules->ipv6 ? FG_IPV6 : FG_IPV4, .nlri = at, .nlri_len = b.len };
		in->sorted[i] = (struct fg_table_rule){ &in->rule[i], (uint32_t)i };
	}
}

void bench_input_sort(struct bench_input *in, size_t n)
{
	qsort(in->sorted, n, sizeof(*in->sorted), by_order);
}

void bench_input_free(struct bench_input *in)
{
	free(in->octets);
	free(in->rule);
	free(in->sorted);
}

static void compile(struct bench_image *image, const struct bench_input *in, size_t count)
{
	const struct fg_table_rule *const sorted[FG_FAMILY_COUNT] = { image->ipv6 ? NULL : in->sorted,
								      image->ipv6 ? in->sorted : NULL };
	size_t n[FG_FAMILY_COUNT] = { image->ipv6 ? 0 : count, image->ipv6 ? count : 0 };
	static struct fg_compile_scratch scratch;
	struct fg_cost cost;
	uint32_t used;
	uint64_t start = bench_now_ns();

	fg_table_cost(sorted, n, &scratch, &cost);
	image->cost_ns = bench_now_ns() - start;
	bench_memory_get(&image->memory, cost.bytes);
	memset(image->memory.at, 0, image->memory.size); /* the pages are there before the clock runs */
	start = bench_now_ns();
	if (fg_table_compile(image->memory.at, (uint32_t)(image->memory.size / FG_LINE_OCTETS), sorted, n, &scratch,
			     &used) != 0)
		bench_fail("the image has no room");
	image->compile_ns = bench_now_ns() - start;
	image->bytes = (uint64_t)used * FG_LINE_OCTETS;
	image->lines = cost.lines;
	image->view.base = image->memory.at;
}

void bench_image_make(struct bench_image *image, const struct bench_rules *rules)
{
	struct bench_input in;
	uint64_t start;

	image->ipv6 = rules->ipv6;
	bench_input_make(&in, rules);
	start = bench_now_ns();
	bench_input_sort(&in, rules->n);
	image->sort_ns = bench_now_ns() - start;
	for (size_t i = 1; i < rules->n; i++)
		if (by_order(&in.sorted[i - 1], &in.sorted[i]) == 0)
			bench_fail("two rules are the same");
	compile(image, &in, rules->n);
	image->rank = bench_alloc(rules->n, sizeof(*image->rank));
	for (size_t i = 0; i < rules->n; i++)
		image->rank[in.sorted[i].slot] = (uint32_t)i;
	bench_input_free(&in);
}

void bench_image_free(struct bench_image *image)
{
	bench_memory_put(&image->memory);
	free(image->rank);
}
