/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Emission of what one group of rules becomes: lines of the image are handed out in order; a rule that is one interval a field
 * becomes a rule line; a chain is rule lines or segments. Next: compile.c, which arranges chains by address.
 */
#include <string.h>

#include "ctrl/table/table.h"
#include "flowgate/packet.h"

uint32_t fg_emit_lines(struct fg_emit *e, uint32_t n)
{
	uint32_t ref = e->used;

	if (e->full || n > e->lines - e->used) {
		e->full = true;
		return 0;
	}
	e->used += n;
	return ref;
}

bool fg_emit_writes(const struct fg_emit *e)
{
	return e->base != NULL && !e->full;
}

void *fg_emit_at(const struct fg_emit *e, uint32_t ref)
{
	return e->base + (size_t)ref * FG_LINE_OCTETS;
}

bool fg_rule_component(const struct fg_rule *rule, uint8_t type, struct fg_component *c)
{
	struct fg_component_iter it = fg_components(rule);

	while (fg_component_next(&it, c, NULL) == 0 && c->type <= type)
		if (c->type == type)
			return true;
	return false;
}

bool fg_rule_address(const struct fg_rule *rule, uint8_t type, struct fg_prefix *p)
{
	struct fg_component c;

	if (!fg_rule_component(rule, type, &c))
		return false;
	*p = fg_component_prefix(rule, &c);
	return p->offset == 0;
}

void fg_rule_parts(const struct fg_rule *rule, struct fg_parts *parts)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;

	parts->present = 0;
	while (fg_component_next(&it, &c, NULL) == 0) {
		parts->present |= (uint16_t)(1u << c.type);
		parts->octet[c.type] = (uint16_t)(c.octet + 1);
		parts->len[c.type] = c.len;
	}
}

struct fg_component fg_parts_component(const struct fg_rule *rule, const struct fg_parts *parts, uint8_t type)
{
	return (struct fg_component){
		.type = type,
		.octet = (uint16_t)(parts->octet[type] - 1),
		.len = parts->len[type],
		.body = rule->nlri + parts->octet[type],
	};
}

struct fg_interval fg_parts_l4(const struct fg_parts *parts)
{
	/* RFC 8955 §4.2.2.3-9: what each component demands of the transport header. */
	static const struct fg_interval demands[FG_COMPONENT_MAX + 1] = {
		[FG_PROTO] = { FG_L4_PROTO, FG_L4_CODE },      [FG_PORT] = { FG_L4_PORTS, FG_L4_FLAGS },
		[FG_DPORT] = { FG_L4_PORTS, FG_L4_FLAGS },     [FG_SPORT] = { FG_L4_PORTS, FG_L4_FLAGS },
		[FG_ICMP_TYPE] = { FG_L4_TYPE, FG_L4_CODE },   [FG_ICMP_CODE] = { FG_L4_CODE, FG_L4_CODE },
		[FG_TCP_FLAGS] = { FG_L4_FLAGS, FG_L4_FLAGS },
	};
	struct fg_interval all = { 0, 255 };

	for (uint32_t type = FG_PROTO; type <= FG_TCP_FLAGS; type++) {
		if (!(parts->present >> type & 1))
			continue;
		all.lo = demands[type].lo > all.lo ? demands[type].lo : all.lo;
		all.hi = demands[type].hi < all.hi ? demands[type].hi : all.hi;
	}
	return all;
}

static void lane16(struct fg_rule_line *r, int lane, struct fg_interval i)
{
	r->lo16[lane] = (uint16_t)i.lo;
	r->span16[lane] = (uint16_t)(i.hi - i.lo);
}

static void lane8(struct fg_rule_line *r, int lane, struct fg_interval i)
{
	r->lo8[lane] = (uint8_t)i.lo;
	r->span8[lane] = (uint8_t)(i.hi - i.lo);
}

/* A set of flag values that is all values with some bits fixed becomes mask and value. */
static enum fg_fit fit_tcp(const struct fg_component *c, struct fg_tcp_table *t, struct fg_rule_line *r)
{
	uint32_t all = (1u << FG_TCP_FLAGS_BITS) - 1, both = all, any = 0, members = 0;

	fg_component_tcp_table(c, t);
	for (uint32_t v = 0; v <= all; v++) {
		if (((t->word[v / 64] >> (v % 64)) & 1) == 0)
			continue;
		both &= v;
		any |= v;
		members++;
	}
	if (members == 0)
		return FG_FITS_NEVER;
	r->tcp_mask = (uint16_t)(all & ~(both ^ any));
	r->tcp_value = (uint16_t)both;
	return members == 1u << (FG_TCP_FLAGS_BITS - __builtin_popcount(r->tcp_mask)) ? FG_FITS : FG_FITS_NOT;
}

static void mask_of(const struct fg_prefix *p, uint8_t mask[16])
{
	memset(mask, 0, 16);
	for (uint32_t bit = p->offset; bit < p->length; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static void fit_source(const struct fg_rule *rule, const struct fg_component *c, struct fg_rule_line *r,
		       struct fg_rule_more *m)
{
	struct fg_prefix p = fg_component_prefix(rule, c);
	uint8_t mask[16];

	mask_of(&p, mask);
	if (rule->family == FG_IPV4) {
		lane16(r, 5,
		       (struct fg_interval){ fg_load_be16(p.octets),
					     fg_load_be16(p.octets) + (fg_load_be16(mask) ^ 0xffffu) });
		lane16(r, 6,
		       (struct fg_interval){ fg_load_be16(p.octets + 2),
					     fg_load_be16(p.octets + 2) + (fg_load_be16(mask + 2) ^ 0xffffu) });
		return;
	}
	memcpy(m->src_mask, mask, sizeof(mask));
	memcpy(m->src_value, p.octets, sizeof(p.octets));
	r->flags |= FG_STEP_HAS_MORE;
}

static void fit_interval(const struct fg_rule *rule, uint8_t type, struct fg_interval i, struct fg_rule_line *r,
			 struct fg_rule_more *m)
{
	static const int lanes8[FG_COMPONENT_MAX + 1] = {
		[FG_PROTO] = 0, [FG_ICMP_TYPE] = 2, [FG_ICMP_CODE] = 3, [FG_DSCP] = 4
	};
	uint32_t least = rule->family == FG_IPV4 ? FG_LENGTH4_MIN : FG_LENGTH6_MIN;

	if (type == FG_DPORT || type == FG_SPORT) {
		lane16(r, type - FG_DPORT, i);
	} else if (type == FG_PORT) {
		lane16(r, 2, i);
		lane16(r, 3, i);
	} else if (type == FG_LENGTH) {
		lane16(r, 4, (struct fg_interval){ i.lo - least, i.hi - least });
	} else if (type == FG_FLOW_LABEL) {
		m->flow_lo = i.lo;
		m->flow_span = i.hi - i.lo;
		r->flags |= FG_STEP_HAS_MORE;
	} else {
		lane8(r, lanes8[type], i);
	}
}

static enum fg_fit fit_component(struct fg_emit *e, const struct fg_rule *rule, const struct fg_component *c,
				 struct fg_rule_line *r, struct fg_rule_more *m)
{
	struct fg_interval *list = e->scratch->list;
	size_t n;

	if (c->type == FG_TCP_FLAGS)
		return fit_tcp(c, &e->scratch->tcp, r);
	if (c->type == FG_FRAGMENT) {
		r->fragments = fg_component_fragment_states(rule->family, c);
		return r->fragments == 0 ? FG_FITS_NEVER : FG_FITS;
	}
	if (c->type == FG_SRC) {
		fit_source(rule, c, r, m);
		return FG_FITS;
	}
	n = fg_component_intervals(rule->family, c, list);
	if (n == 1)
		fit_interval(rule, c->type, list[0], r, m);
	return n == 0 ? FG_FITS_NEVER : n == 1 ? FG_FITS : FG_FITS_NOT;
}

enum fg_fit fg_rule_fit(struct fg_emit *e, const struct fg_rule *rule, bool with_dst, struct fg_rule_line *r,
			struct fg_rule_more *m)
{
	struct fg_parts parts;
	struct fg_interval l4;
	enum fg_fit all;

	memset(r, 0, sizeof(*r));
	memset(r->span16, 0xff, sizeof(r->span16));
	memset(r->span8, 0xff, sizeof(r->span8));
	memset(m, 0, sizeof(*m));
	m->flow_span = UINT32_MAX;
	r->fragments = UINT16_MAX;
	fg_rule_parts(rule, &parts);
	l4 = fg_parts_l4(&parts);
	all = l4.lo <= l4.hi ? FG_FITS : FG_FITS_NEVER;
	lane8(r, 1, l4);
	for (uint8_t type = FG_DST; all != FG_FITS_NEVER && type <= FG_COMPONENT_MAX; type++) {
		struct fg_component c = fg_parts_component(rule, &parts, type);
		enum fg_fit one = FG_FITS;

		if (parts.present >> type & 1)
			one = type != FG_DST ? fit_component(e, rule, &c, r, m) : with_dst ? FG_FITS_NOT : FG_FITS;
		all = one > all ? one : all;
	}
	return all;
}

/* Puts a rule line in front of *chain. False: it does not fit one. A rule that can never match needs none. */
static bool emit_rule(struct fg_emit *e, const struct fg_table_rule *rule, bool with_dst, struct fg_chain *chain)
{
	struct fg_rule_line line;
	struct fg_rule_more more;
	enum fg_fit fit = fg_rule_fit(e, rule->rule, with_dst, &line, &more);
	uint32_t lines = line.flags & FG_STEP_HAS_MORE ? 2 : 1, ref;

	if (fit != FG_FITS)
		return fit == FG_FITS_NEVER;
	ref = fg_emit_lines(e, lines);
	line.kind = FG_STEP_RULE;
	line.slot = rule->slot;
	line.next = chain->ref;
	if (fg_emit_writes(e)) {
		memcpy(fg_emit_at(e, ref), &line, sizeof(line));
		if (lines == 2)
			memcpy(fg_emit_at(e, ref + 1), &more, sizeof(more));
	}
	*chain = (struct fg_chain){ ref, chain->lines + lines,
				    chain->continues + (rule->slot & FG_SLOT_CONTINUE ? 1 : 0),
				    chain->tail ? chain->tail : ref };
	return true;
}

/* All rules as rule lines, or nothing of them. */
static bool emit_list(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst,
		      struct fg_chain *chain)
{
	struct fg_chain list = *chain;
	uint32_t used = e->used;

	for (size_t i = n; i-- > 0;) {
		if (emit_rule(e, &rules[i], with_dst, &list))
			continue;
		if (fg_emit_writes(e))
			memset(fg_emit_at(e, used), 0, (size_t)(e->used - used) * FG_LINE_OCTETS);
		e->used = used;
		return false;
	}
	*chain = list;
	return true;
}

struct fg_chain fg_emit_chain(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst,
			      struct fg_chain next)
{
	next.tail = 0;
	if (n <= FG_LIST_RULES && emit_list(e, rules, n, with_dst, &next))
		return next;
	while (n > 0 && !e->full) {
		size_t part = n % FG_SEGMENT_RULES ? n % FG_SEGMENT_RULES : FG_SEGMENT_RULES;

		n -= part;
		next = fg_emit_segment(e, rules + n, part, with_dst, next);
	}
	return next;
}
