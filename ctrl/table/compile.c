/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From rules in evaluation order to an image. Rules of one destination are neighbours, and so are those of one source among them; each such run
 * becomes a chain. Runs are taken last first: a prefix comes after all that lies in it, so the chain a chain goes on to (that of the
 * nearest enclosing IPv4 destination) is always there already, and an IPv4 prefix simply overwrites its range of the root.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/packet.h"

static bool same_address(const struct fg_rule *a, const struct fg_rule *b, uint8_t type)
{
	struct fg_prefix pa, pb;

	return fg_rule_address(a, type, &pa) && fg_rule_address(b, type, &pb) && pa.length == pb.length &&
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
	for (; i < n && fg_rule_address(rules[i].rule, type, &p); i++)
		*runs += i == 0 || !same_address(rules[i - 1].rule, rules[i].rule, type);
	return i;
}

static struct fg_chain emit_sources(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, size_t runs,
				    struct fg_chain next)
{
	uint32_t table = fg_emit_prefixes(e, runs, offsetof(struct fg_key, src), next.ref);
	struct fg_nest nest = { .depth = 0 };

	while (n > 0 && !e->full) {
		size_t first = run_begin(rules, n, FG_SRC);
		struct fg_chain chain = fg_emit_chain(e, rules + first, n - first, false, (struct fg_chain){ 0 });
		struct fg_prefix p;

		fg_rule_address(rules[first].rule, FG_SRC, &p);
		fg_emit_prefix(e, table, &p, &chain, &nest);
		n = first;
	}
	return fg_prefixes_chain(e, table, &nest, next);
}

/* A chain for rules that share a destination, or have none. */
static struct fg_chain emit_group(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, struct fg_chain next)
{
	size_t runs, sourced = count_runs(rules, n, FG_SRC, &runs);

	if (!fg_group_by_source(n, sourced))
		return fg_emit_chain(e, rules, n, false, next);
	next = fg_emit_chain(e, rules + sourced, n - sourced, false, next);
	return emit_sources(e, rules, sourced, runs, next);
}

/* ---- IPv4 ---- */

struct enclosing {
	uint32_t first, length;
	struct fg_chain chain;
};

struct root {
	struct fg_emit *e;
	uint32_t upper_ref, shorter_ref, filled_ref;
	struct enclosing stack[33]; /* destinations around the current one, shortest first */
	size_t depth;
	uint32_t leaf[256]; /* the node being made, for the addresses of `upper` */
	uint32_t upper;
	bool open;
	bool nodes;                /* there are any */
	uint32_t lines, continues; /* of the worst packet */
};

static const struct fg_chain nothing;

/* The nearest destination around in the same table of the root, or, `other`, in the one of short prefixes for a long one. */
static const struct fg_chain *root_around(const struct root *r, uint32_t length, bool other)
{
	bool is_short = other || length <= FG_SHORT_BITS;

	if (other && length <= FG_SHORT_BITS)
		return &nothing;
	for (size_t i = r->depth; i-- > 0;)
		if ((r->stack[i].length <= FG_SHORT_BITS) == is_short)
			return &r->stack[i].chain;
	return &nothing;
}

static uint32_t *root_entry(const struct root *r, uint32_t table, uint32_t i)
{
	return (uint32_t *)fg_emit_at(r->e, table) + i;
}

/* Sets n entries of `upper`, and says that their lines are filled. */
static void set_upper(const struct root *r, uint32_t first, uint32_t n, uint32_t step)
{
	uint32_t *filled = root_entry(r, r->filled_ref, 0);

	for (uint32_t i = first; i < first + n; i++)
		*root_entry(r, r->upper_ref, i) = step;
	for (uint32_t l = first / 16; l <= (first + n - 1) / 16; l++)
		filled[l / 32] |= 1u << (l % 32);
}

/* Writes the node being made: classes of equal neighbours. */
static void close_node(struct root *r)
{
	uint32_t classes = 1, ref, *steps;
	struct fg_ranks *ranks;

	if (!r->open)
		return;
	r->open = false;
	for (uint32_t i = 1; i < 256; i++)
		classes += r->leaf[i] != r->leaf[i - 1];
	if (classes == 1) /* only rules that can never match: `upper` says the same already */
		return;
	r->nodes = true;
	ref = fg_emit_lines(r->e, 1 + (classes + 15) / 16);
	if (!fg_emit_writes(r->e))
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
	set_upper(r, r->upper, 1, ref | FG_NODE);
}

/* Starts a node with what lies around its 256 addresses; all longer than that belongs into it. */
static void open_node(struct root *r, uint32_t upper)
{
	uint32_t around = 0;

	if (r->open && r->upper == upper)
		return;
	close_node(r);
	r->open = true;
	r->upper = upper;
	for (size_t i = 0; i < r->depth; i++)
		if (r->stack[i].length > FG_SHORT_BITS && r->stack[i].length <= FG_UPPER_BITS)
			around = r->stack[i].chain.ref;
	for (uint32_t i = 0; i < 256; i++)
		r->leaf[i] = around;
}

static void fill(uint32_t *at, uint32_t n, uint32_t value)
{
	for (uint32_t i = 0; i < n; i++)
		at[i] = value;
}

static void root_set(struct root *r, uint32_t first, uint32_t length, uint32_t head)
{
	if (length > FG_UPPER_BITS) {
		open_node(r, first >> 8);
		fill(r->leaf + (first & 255), 1u << (32 - length), head);
		return;
	}
	close_node(r);
	if (!fg_emit_writes(r->e))
		return;
	if (length <= FG_SHORT_BITS)
		fill(root_entry(r, r->shorter_ref, first >> (32 - FG_SHORT_BITS)), 1u << (FG_SHORT_BITS - length),
		     head);
	else
		set_upper(r, first >> 8, 1u << (FG_UPPER_BITS - length), head);
}

/* Leaves on the stack what lies around the prefix. */
static void root_descend(struct root *r, uint32_t first)
{
	while (r->depth > 0) {
		const struct enclosing *top = &r->stack[r->depth - 1];

		if (top->length == 0 || (first ^ top->first) >> (32 - top->length) == 0)
			return;
		r->depth--;
	}
}

/* The group of one destination. */
static void root_add(struct root *r, const struct fg_table_rule *rules, size_t n)
{
	const struct fg_chain *shorter;
	struct fg_chain chain;
	struct fg_prefix p;
	uint32_t first, lines;

	fg_rule_address(rules[0].rule, FG_DST, &p);
	first = fg_load_be32(p.octets);
	root_descend(r, first);
	chain = emit_group(r->e, rules, n, *root_around(r, p.length, false));
	root_set(r, first, p.length, chain.ref);
	shorter = root_around(r, p.length, true);
	/* Behind a chain of either table the root's line is read once more. */
	lines = chain.lines + (chain.ref != 0) + shorter->lines + (shorter->ref != 0);
	r->lines = lines > r->lines ? lines : r->lines;
	if (chain.continues + shorter->continues > r->continues)
		r->continues = chain.continues + shorter->continues;
	r->stack[r->depth++] = (struct enclosing){ first, p.length, chain };
}

static struct fg_chain compile_ipv4(struct fg_emit *e, const struct fg_table_rule *rules, size_t n)
{
	uint32_t ref = fg_emit_lines(e, 1);
	struct root r = { .e = e,
			  .upper_ref = fg_emit_lines(e, FG_UPPER_LINES),
			  .shorter_ref = fg_emit_lines(e, FG_SHORT_LINES),
			  .filled_ref = fg_emit_lines(e, FG_FILLED_LINES) };
	size_t runs, with = count_runs(rules, n, FG_DST, &runs);
	struct fg_chain next = emit_group(e, rules + with, n - with, nothing);

	while (with > 0 && !e->full) {
		size_t begin = run_begin(rules, with, FG_DST);

		root_add(&r, rules + begin, with - begin);
		with = begin;
	}
	close_node(&r);
	if (fg_emit_writes(e))
		*(struct fg_root_line *)fg_emit_at(e, ref) = (struct fg_root_line){
			.upper = r.upper_ref,
			.shorter = r.shorter_ref,
			.filled = r.filled_ref,
			.kind = FG_STEP_ROOT,
			.next = next.ref,
		};
	/* Its own line, one of either table, two of a node. */
	return (struct fg_chain){ ref, 3 + (r.nodes ? 2u : 0u) + r.lines + next.lines, r.continues + next.continues,
				  ref };
}

/* ---- IPv6 ---- */

static struct fg_chain compile_ipv6(struct fg_emit *e, const struct fg_table_rule *rules, size_t n)
{
	size_t runs, with = count_runs(rules, n, FG_DST, &runs), offset = with;
	struct fg_nest nest = { .depth = 0 };
	struct fg_component c;
	struct fg_chain next;
	uint32_t table;

	/* RFC 8956 §4: destinations with an offset come behind all without one. */
	while (offset < n && fg_rule_component(rules[offset].rule, FG_DST, &c))
		offset++;
	next = emit_group(e, rules + offset, n - offset, nothing);
	next = fg_emit_chain(e, rules + with, offset - with, true, next);
	table = fg_emit_prefixes(e, runs, offsetof(struct fg_key, dst), next.ref);
	while (with > 0 && !e->full) {
		size_t begin = run_begin(rules, with, FG_DST);
		struct fg_chain chain = emit_group(e, rules + begin, with - begin, nothing);
		struct fg_prefix p;

		fg_rule_address(rules[begin].rule, FG_DST, &p);
		fg_emit_prefix(e, table, &p, &chain, &nest);
		with = begin;
	}
	return fg_prefixes_chain(e, table, &nest, next);
}

static void compile(struct fg_emit *e, const struct fg_table_rule *const rules[FG_FAMILY_COUNT],
		    const size_t n[FG_FAMILY_COUNT], struct fg_chain entry[FG_FAMILY_COUNT])
{
	entry[FG_IPV4] = compile_ipv4(e, rules[FG_IPV4], n[FG_IPV4]);
	entry[FG_IPV6] = compile_ipv6(e, rules[FG_IPV6], n[FG_IPV6]);
}

void fg_table_cost(const struct fg_table_rule *const rules[FG_FAMILY_COUNT], const size_t n[FG_FAMILY_COUNT],
		   struct fg_compile_scratch *scratch, struct fg_cost *cost)
{
	struct fg_emit e = { .lines = FG_NODE - 1, .used = 1, .scratch = scratch };
	struct fg_chain entry[FG_FAMILY_COUNT], *a = &entry[FG_IPV4], *b = &entry[FG_IPV6];

	compile(&e, rules, n, entry);
	/* No image can hold what overflows the numbers of lines. Line 0 is read by every packet. */
	*cost = (struct fg_cost){
		.bytes = e.full ? UINT64_MAX : (uint64_t)e.used * FG_LINE_OCTETS,
		.lines = 1 + (a->lines > b->lines ? a->lines : b->lines),
		.slots = (uint32_t)(n[FG_IPV4] + n[FG_IPV6]),
		.continues = a->continues > b->continues ? a->continues : b->continues,
	};
}

int fg_table_compile(uint8_t *base, uint32_t lines, const struct fg_table_rule *const rules[FG_FAMILY_COUNT],
		     const size_t n[FG_FAMILY_COUNT], struct fg_compile_scratch *scratch, uint32_t *used)
{
	struct fg_emit e = { .base = base, .lines = lines, .used = 1, .scratch = scratch };
	struct fg_chain entry[FG_FAMILY_COUNT];

	compile(&e, rules, n, entry);
	if (e.full)
		return FG_OVER_BUDGET;
	*(struct fg_image *)fg_emit_at(&e, 0) = (struct fg_image){
		.magic = FG_IMAGE_MAGIC,
		.version = FG_IMAGE_VERSION,
		.lines = lines,
		.entry = { entry[FG_IPV4].ref, entry[FG_IPV6].ref },
	};
	*used = e.used;
	return 0;
}
