/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lint of one rule: can it match, and does it say what its author meant?
 *
 * In: a checked rule, its canonical form, what the links carry. Out: findings, and the reason to refuse if there is one.
 * explain.c puts contradictions into words, lint_set.c judges rules against each other.
 *
 * The question of fg_canon_possible(), asked with one AND group in place of its list, finds the parts of a rule that can never match.
 * Always holds: work is linear in the terms of a list times the intervals of the others; no recursion.
 */
#include "ctrl/rule/explain.h"
#include "ctrl/rule/lint.h"

enum {
	RATE_CEILING_BITS = 43, /* 2^43 octets/s, 70 Tbit/s: above what any box of links carries */
	TRANSPORT = 1 << FG_PORT | 1 << FG_DPORT | 1 << FG_SPORT | 1 << FG_ICMP_TYPE | 1 << FG_ICMP_CODE |
		    1 << FG_TCP_FLAGS,
};

/* What all checks of one rule share. */
struct lint {
	const struct fg_rule *rule;
	const struct fg_canon *canon;
	const struct fg_lint_limits *limits;
	struct fg_findings *out;
	int refused;
};

static bool has(const struct fg_canon *c, unsigned int type)
{
	return c->present >> type & 1;
}

static void lint_possible(struct lint *l)
{
	char detail[FG_DETAIL_MAX];
	struct fg_out o = fg_out_begin(detail, sizeof(detail));
	uint16_t core;
	uint8_t last = 0;

	if (fg_canon_possible(l->canon))
		return;
	core = fg_canon_core(l->canon);
	for (uint8_t type = 1; type <= FG_COMPONENT_MAX; type++) {
		if (core >> type & 1)
			last = type;
	}
	fg_explain_core(l->rule, core, NULL, &o);
	fg_finding_add(l->out, FG_NEVER_MATCHES, last, fg_component_clause(l->rule->family, last), "%s", detail);
	l->refused = FG_NEVER_MATCHES;
}

/* All lengths are above what the links carry, which an operator may have allowed. */
static bool above_mtu(const struct lint *l, const struct fg_canon *c)
{
	return l->limits->mtu != 0 && !l->limits->allow_above_mtu && has(c, FG_LENGTH) &&
	       c->list[FG_LENGTH].count > 0 && c->list[FG_LENGTH].at[0].lo > l->limits->mtu;
}

static void lint_mtu(struct lint *l, const struct fg_component *c)
{
	char text[FG_SHOWN_MAX];

	if (c->type != FG_LENGTH || !above_mtu(l, l->canon))
		return;
	fg_finding_add(l->out, FG_NEVER_MATCHES, FG_LENGTH, fg_component_clause(l->rule->family, FG_LENGTH),
		       "%s is above %u, the largest packet of the links", fg_component_show(l->rule, c, text),
		       l->limits->mtu);
	l->refused = FG_NEVER_MATCHES;
}

/* Puts one AND group in place of its list. `room` holds its intervals. */
static void take_group(const struct fg_canon *from, const struct fg_component *group, struct fg_interval *room,
		       struct fg_canon *to)
{
	if (group->type == FG_TCP_FLAGS) {
		fg_component_tcp_table(group, &to->tcp);
	} else if (group->type == FG_FRAGMENT) {
		to->fragment = fg_component_fragment_states(from->family, group);
	} else {
		to->list[group->type].count = (uint16_t)fg_component_intervals(from->family, group, room);
		to->list[group->type].at = room;
	}
}

static void report_part(struct lint *l, const struct fg_component *part, const struct fg_canon *with, size_t others)
{
	char text[FG_SHOWN_MAX], detail[FG_DETAIL_MAX];
	struct fg_out o = fg_out_begin(detail, sizeof(detail));

	if (fg_canon_possible(with))
		fg_out_put(&o, "%s is above %u, the largest packet of the links",
			   fg_component_show(l->rule, part, text), l->limits->mtu);
	else
		fg_explain_core(l->rule, fg_canon_core(with), part, &o);
	if (others > 0)
		fg_out_put(&o, "; other parts of the list that match nothing: %zu", others);
	fg_finding_add(l->out, FG_PART_NEVER_MATCHES, part->type, fg_component_clause(l->rule->family, part->type),
		       "%s", detail);
}

/* Parts of a list that can never match, of a rule that can: the first is shown, the others are counted. */
static void lint_parts(struct lint *l, const struct fg_component *c)
{
	struct fg_interval room[FG_INTERVALS_MAX];
	struct fg_canon with = *l->canon;
	struct fg_component group, worst = { .type = 0 };
	size_t at = 0, count = 0;

	while (fg_component_group(c, &at, &group)) {
		if (group.len == c->len)
			return; /* no list */
		take_group(l->canon, &group, room, &with);
		if (fg_canon_possible(&with) && !(c->type == FG_LENGTH && above_mtu(l, &with)))
			continue;
		if (count++ == 0)
			worst = group;
	}
	if (count == 0)
		return;
	take_group(l->canon, &worst, room, &with);
	report_part(l, &worst, &with, count - 1);
}

static bool tcp_always(const struct fg_tcp_table *t)
{
	uint64_t all = ~0ULL;

	for (size_t w = 0; w < sizeof(t->word) / sizeof(t->word[0]); w++)
		all &= t->word[w];
	return all == ~0ULL;
}

static bool holds_always(const struct lint *l, uint8_t type)
{
	struct fg_interval range = fg_field_range(l->rule->family, type);
	uint16_t states = l->rule->family == FG_IPV6 ? 0x55 : 0xff;

	if (type == FG_TCP_FLAGS)
		return tcp_always(&l->canon->tcp);
	if (type == FG_FRAGMENT)
		return l->canon->fragment == states;
	return l->canon->list[type].count == 1 && l->canon->list[type].at[0].lo == range.lo &&
	       l->canon->list[type].at[0].hi == range.hi;
}

static void lint_always(struct lint *l, const struct fg_component *c)
{
	char text[FG_SHOWN_MAX];

	if (!holds_always(l, c->type))
		return;
	fg_component_show(l->rule, c, text);
	if ((1U << c->type & TRANSPORT) != 0)
		fg_finding_add(l->out, FG_ALWAYS_MATCHES, c->type, fg_component_clause(l->rule->family, c->type),
			       "%s holds for every %s: all it asks is that the header is there", text,
			       fg_component_name(c->type));
	else
		fg_finding_add(l->out, FG_ALWAYS_MATCHES, c->type, fg_component_clause(l->rule->family, c->type),
			       "%s holds for every packet", text);
}

/* Two ports that nobody would list, but many would write as the ends of a range. */
static bool ports_look_like_range(uint64_t a, uint64_t b)
{
	return b >= 1024 && (a >= 1024 || a <= 1 || b == FG_PORT_VALUE_MAX);
}

/* In Junos and here `[ a b ]` is two values, not a range (2013-03-03). */
static void lint_two_values(struct lint *l, const struct fg_component *c)
{
	struct fg_term_iter it = fg_terms(c);
	struct fg_term a, b, more;
	char text[FG_SHOWN_MAX];

	if (c->type == FG_TCP_FLAGS || c->type == FG_FRAGMENT || !fg_term_next(&it, &a) || !fg_term_next(&it, &b) ||
	    fg_term_next(&it, &more))
		return;
	if ((a.op & 7) != FG_OP_EQ || (b.op & 7) != FG_OP_EQ || (b.op & FG_OP_AND) != 0 || a.value >= b.value ||
	    b.value - a.value < 2)
		return;
	if (c->type != FG_LENGTH && c->type != FG_FLOW_LABEL &&
	    !(c->type >= FG_PORT && c->type <= FG_SPORT && ports_look_like_range(a.value, b.value)))
		return;
	fg_finding_add(l->out, FG_TWO_VALUES, c->type, "RFC 8955 §4.2.1.1", "%s is two values; the range is %llu-%llu",
		       fg_component_show(l->rule, c, text), (unsigned long long)a.value, (unsigned long long)b.value);
}

/* Bits that a packet's field does not have: the RFC has them ignored, the sender may not know. */
static void lint_dscp_bits(struct lint *l, const struct fg_component *c)
{
	struct fg_term_iter it = fg_terms(c);
	struct fg_term t;

	while (c->type == FG_DSCP && fg_term_next(&it, &t)) {
		if (t.value <= FG_DSCP_VALUE_MAX)
			continue;
		fg_finding_add(l->out, FG_VALUE_CLAMPED, FG_DSCP, fg_component_clause(l->rule->family, FG_DSCP),
			       "dscp %llu is above %u: its low six bits count, which are %llu",
			       (unsigned long long)t.value, FG_DSCP_VALUE_MAX,
			       (unsigned long long)(t.value & FG_DSCP_VALUE_MAX));
		return;
	}
}

static void lint_rates(struct lint *l)
{
	const float ceiling = (float)(1ULL << RATE_CEILING_BITS);
	const struct fg_actions *a = &l->rule->actions;

	if ((a->set & FG_ACT_RATE_BYTES) != 0 && a->rate_bytes_per_s > ceiling)
		fg_finding_add(l->out, FG_VALUE_CLAMPED, 0, "RFC 8955 §7.1",
			       "rate-limit %.3g octets/s is above what any link carries: it limits nothing",
			       (double)a->rate_bytes_per_s);
	if ((a->set & FG_ACT_RATE_PACKETS) != 0 && a->rate_packets_per_s > ceiling)
		fg_finding_add(l->out, FG_VALUE_CLAMPED, 0, "RFC 8955 §7.2",
			       "rate-limit-packets %.3g packets/s is above what any link carries: it limits nothing",
			       (double)a->rate_packets_per_s);
}

int fg_rule_lint(const struct fg_rule *rule, const struct fg_canon *canon, const struct fg_lint_limits *limits,
		 struct fg_findings *out)
{
	struct lint l = { .rule = rule, .canon = canon, .limits = limits, .out = out };
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;

	lint_possible(&l);
	while (fg_component_next(&it, &c, NULL) == 0) {
		if (c.type <= FG_SRC)
			continue;
		if (l.refused == FG_OK)
			lint_mtu(&l, &c);
		if (l.refused == FG_OK) {
			lint_parts(&l, &c);
			lint_always(&l, &c);
		}
		lint_two_values(&l, &c);
		lint_dscp_bits(&l, &c);
	}
	lint_rates(&l);
	return l.refused;
}
