/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From rules in evaluation order to an image. Rules of one destination are neighbours, and so are those of one source among them; each such run
 * becomes a chain. Runs are taken last first: a prefix comes after all that lies in it, so the chain a chain goes on to (that of the
 * nearest enclosing IPv4 destination) is always there already, and an IPv4 prefix simply overwrites its range of the root.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/packet.h"

enum { SOURCES_MIN = 65 }; /* rules with a source from which on a prefixes step pays */

static bool address(const struct fg_rule *rule, uint8_t type, struct fg_prefix *p)
{
	struct fg_component c;

	if (!fg_rule_component(rule, type, &c))
		return false;
	*p = fg_component_prefix(rule, &c);
	return p->offset == 0;
}

static bool same_address(const struct fg_rule *a, const struct fg_rule *b, uint8_t type)
{
	struct fg_prefix pa, pb;

	return address(a, type, &pa) && address(b, type, &pb) && pa.length == pb.length &&
	       memcmp(pa.octets, pb.octets, sizeof(pa.octets)) == 0;
}

/* First rule of the run of one address that ends before `end`. */
static size_t run_begin(const struct fg_table_rule *rules, size_t end, uint8_t type)
{
	size_t i = end - 1;

	while (i > 0 && same_address(rules[i - 1].rule, rules[end - 1].rule, type))
		i--;
	return i;
}

/* Rules at the front that have that address without an offset, and how many different ones. */
static size_t count_runs(const struct fg_table_rule *rules, size_t n, uint8_t type, size_t *runs)
{
	struct fg_prefix p;
	size_t i = 0;

	*runs = 0;
	for (; i < n && address(rules[i].rule, type, &p); i++)
		*runs += i == 0 || !same_address(rules[i - 1].rule, rules[i].rule, type);
	return i;
}

static uint32_t emit_sources(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, size_t runs, bool with_dst,
			     uint32_t next)
{
	uint32_t table = fg_emit_prefixes(e, runs, offsetof(struct fg_key, src), next);

	while (n > 0 && table != 0) {
		size_t first = run_begin(rules, n, FG_SRC);
		uint32_t head = fg_emit_chain(e, rules + first, n - first, with_dst, 0);
		struct fg_prefix p;

		if (head != 0 && address(rules[first].rule, FG_SRC, &p) && !fg_emit_prefix(e, table, &p, head))
			e->full = true;
		n = first;
	}
	return table;
}

/* A chain for rules that share a destination, or have none. */
static uint32_t emit_group(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst, uint32_t next)
{
	size_t runs, sourced = count_runs(rules, n, FG_SRC, &runs);

	if (sourced < SOURCES_MIN || with_dst)
		return fg_emit_chain(e, rules, n, with_dst, next);
	next = fg_emit_chain(e, rules + sourced, n - sourced, with_dst, next);
	return emit_sources(e, rules, sourced, runs, with_dst, next);
}

/* ---- IPv4 ---- */

struct enclosing {
	uint32_t first, length, head;
};

struct root {
	struct fg_emit *e;
	struct fg_root_line *line;
	struct enclosing stack[33]; /* destinations around the current one, shortest first */
	size_t depth;
	uint32_t leaf[256]; /* the node being made, for the addresses of `upper` */
	uint32_t upper;
	bool open;
};

/* Writes the node being made: classes of equal neighbours. */
static void close_node(struct root *r)
{
	uint32_t *entry = (uint32_t *)fg_emit_at(r->e, r->line->upper) + r->upper;
	uint32_t classes = 1, ref, *steps;
	struct fg_ranks *ranks;

	if (!r->open)
		return;
	r->open = false;
	for (uint32_t i = 1; i < 256; i++)
		classes += r->leaf[i] != r->leaf[i - 1];
	ref = fg_emit_lines(r->e, 1 + (classes + 15) / 16);
	if (r->e->full)
		return;
	ranks = fg_emit_at(r->e, ref);
	steps = fg_emit_at(r->e, ref + 1);
	steps[0] = r->leaf[0];
	for (uint32_t i = 1, class = 0; i < 256; i++) {
		if (i % 16 == 0)
			ranks[i / 16].rank = (uint16_t) class;
		if (r->leaf[i] == r->leaf[i - 1])
			continue;
		ranks[i / 16].starts |= (uint16_t)(1u << (i % 16));
		steps[++class] = r->leaf[i];
	}
	*entry = ref | FG_NODE;
}

static void open_node(struct root *r, uint32_t upper)
{
	const uint32_t *entry = (const uint32_t *)fg_emit_at(r->e, r->line->upper) + upper;

	if (r->open && r->upper == upper)
		return;
	close_node(r);
	r->open = true;
	r->upper = upper;
	for (uint32_t i = 0; i < 256; i++)
		r->leaf[i] = *entry;
}

static void fill(uint32_t *at, uint32_t n, uint32_t value)
{
	for (uint32_t i = 0; i < n; i++)
		at[i] = value;
}

static void root_set(struct root *r, uint32_t first, uint32_t length, uint32_t head)
{
	if (length <= FG_SHORT_BITS) {
		fill((uint32_t *)fg_emit_at(r->e, r->line->shorter) + (first >> (32 - FG_SHORT_BITS)),
		     1u << (FG_SHORT_BITS - length), head);
	} else if (length <= FG_UPPER_BITS) {
		close_node(r);
		fill((uint32_t *)fg_emit_at(r->e, r->line->upper) + (first >> 8), 1u << (FG_UPPER_BITS - length), head);
	} else {
		open_node(r, first >> 8);
		fill(r->leaf + (first & 255), 1u << (32 - length), head);
	}
}

/* The chain behind this one: that of the nearest enclosing destination in the same table of the root. */
static uint32_t root_enclosing(struct root *r, uint32_t first, uint32_t length)
{
	while (r->depth > 0) {
		const struct enclosing *top = &r->stack[r->depth - 1];

		if (top->length == 0 || (first ^ top->first) >> (32 - top->length) == 0)
			return (top->length <= FG_SHORT_BITS) == (length <= FG_SHORT_BITS) ? top->head : 0;
		r->depth--;
	}
	return 0;
}

static uint32_t compile_ipv4(struct fg_emit *e, const struct fg_table_rule *rules, size_t n)
{
	uint32_t ref = fg_emit_lines(e, 1), upper = fg_emit_lines(e, FG_UPPER_LINES),
		 shorter = fg_emit_lines(e, FG_SHORT_LINES);
	struct root r = { .e = e, .line = fg_emit_at(e, ref) };
	struct fg_prefix p;
	size_t runs, with = count_runs(rules, n, FG_DST, &runs);

	if (e->full)
		return 0;
	*r.line = (struct fg_root_line){ .upper = upper, .shorter = shorter, .kind = FG_STEP_ROOT };
	r.line->next = emit_group(e, rules + with, n - with, false, 0);
	while (with > 0 && !e->full) {
		size_t begin = run_begin(rules, with, FG_DST);
		uint32_t first, head;

		address(rules[begin].rule, FG_DST, &p);
		first = fg_load_be32(p.octets);
		head = emit_group(e, rules + begin, with - begin, false, root_enclosing(&r, first, p.length));
		root_set(&r, first, p.length, head);
		r.stack[r.depth++] = (struct enclosing){ first, p.length, head };
		with = begin;
	}
	close_node(&r);
	return ref;
}

/* ---- IPv6 ---- */

static uint32_t compile_ipv6(struct fg_emit *e, const struct fg_table_rule *rules, size_t n)
{
	size_t runs, with = count_runs(rules, n, FG_DST, &runs);
	size_t offset = with;
	struct fg_component c;
	struct fg_prefix p;
	uint32_t table, next;

	/* RFC 8956 §4: destinations with an offset come behind all without one. */
	while (offset < n && fg_rule_component(rules[offset].rule, FG_DST, &c))
		offset++;
	next = emit_group(e, rules + offset, n - offset, false, 0);
	next = emit_group(e, rules + with, offset - with, true, next);
	table = fg_emit_prefixes(e, runs, offsetof(struct fg_key, dst), next);
	while (with > 0 && !e->full) {
		size_t begin = run_begin(rules, with, FG_DST);
		uint32_t head = emit_group(e, rules + begin, with - begin, false, 0);

		address(rules[begin].rule, FG_DST, &p);
		if (head != 0 && !fg_emit_prefix(e, table, &p, head))
			e->full = true;
		with = begin;
	}
	return table;
}

int fg_table_compile(uint8_t *base, uint32_t lines, const struct fg_table_rule *const rules[FG_FAMILY_COUNT],
		     const size_t n[FG_FAMILY_COUNT], struct fg_compile_scratch *scratch, uint32_t *used)
{
	struct fg_emit e = { .base = base, .lines = lines, .used = 1, .scratch = scratch };
	struct fg_image *image = fg_emit_at(&e, 0);
	uint32_t entry[FG_FAMILY_COUNT];

	entry[FG_IPV4] = compile_ipv4(&e, rules[FG_IPV4], n[FG_IPV4]);
	entry[FG_IPV6] = compile_ipv6(&e, rules[FG_IPV6], n[FG_IPV6]);
	if (e.full)
		return FG_OVER_BUDGET;
	*image = (struct fg_image){ .magic = FG_IMAGE_MAGIC, .version = FG_IMAGE_VERSION, .lines = lines };
	memcpy(image->entry, entry, sizeof(entry));
	*used = e.used;
	return 0;
}
