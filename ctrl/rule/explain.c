/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a rule cannot match: which components are at fault, and a sentence with the numbers.
 *
 * In: a rule, its canonical form, or the set of types at fault. Out: that set, text. Used by lint.c.
 * Whether something can match is what fg_canon_possible() says, nothing else: there is no list of contradictions to keep. The components
 * at fault are found by leaving them out one by one; what is left cannot match, but any part of it can. Only the sentence knows
 * kinds of contradictions. Always holds: text never outgrows its room.
 */
#include "ctrl/rule/explain.h"

#include <string.h>

#include "ctrl/rule/lint.h"
#include "flowgate/packet.h"

const char *fg_component_clause(enum fg_family family, uint8_t type)
{
	static const char *const v4[FG_COMPONENT_MAX + 1] = {
		"RFC 8955 §4.2.2",    "RFC 8955 §4.2.2.1", "RFC 8955 §4.2.2.2",  "RFC 8955 §4.2.2.3",
		"RFC 8955 §4.2.2.4",  "RFC 8955 §4.2.2.5", "RFC 8955 §4.2.2.6",  "RFC 8955 §4.2.2.7",
		"RFC 8955 §4.2.2.8",  "RFC 8955 §4.2.2.9", "RFC 8955 §4.2.2.10", "RFC 8955 §4.2.2.11",
		"RFC 8955 §4.2.2.12", "RFC 8956 §3.7",
	};
	static const char *const v6[FG_COMPONENT_MAX + 1] = {
		[FG_DST] = "RFC 8956 §3.1",        [FG_SRC] = "RFC 8956 §3.2",       [FG_PROTO] = "RFC 8956 §3.3",
		[FG_ICMP_TYPE] = "RFC 8956 §3.4",  [FG_ICMP_CODE] = "RFC 8956 §3.5", [FG_FRAGMENT] = "RFC 8956 §3.6",
		[FG_FLOW_LABEL] = "RFC 8956 §3.7",
	};

	return family == FG_IPV6 && v6[type] != NULL ? v6[type] : v4[type];
}

const char *fg_component_show(const struct fg_rule *rule, const struct fg_component *c, char text[FG_SHOWN_MAX])
{
	static const char dots[] = "…";
	struct fg_out o = fg_out_begin(text, FG_SHOWN_MAX);

	fg_out_component(&o, rule, c);
	if (o.full) {
		size_t end = o.len < FG_SHOWN_MAX - sizeof(dots) ? o.len : FG_SHOWN_MAX - sizeof(dots);

		memcpy(text + end, dots, sizeof(dots));
	}
	return text;
}

bool fg_component_group(const struct fg_component *c, size_t *at, struct fg_component *group)
{
	struct fg_component rest = { .type = c->type, .octet = c->octet, .body = c->body + *at };
	struct fg_term_iter it;
	struct fg_term t;

	rest.len = (uint16_t)(c->len - *at);
	it = fg_terms(&rest);
	rest.len = 0;
	while (fg_term_next(&it, &t) && (rest.len == 0 || (t.op & FG_OP_AND) != 0))
		rest.len = (uint16_t)(rest.len + 1 + t.width);
	*at += rest.len;
	if (rest.len > 0)
		*group = rest;
	return rest.len > 0;
}

/* Ends of what one AND group allows, wherever they are; false if it contradicts itself. A DSCP is masked as canon.c does. */
static bool group_ends(const struct fg_component *group, uint64_t *lo, uint64_t *hi)
{
	struct fg_term_iter it = fg_terms(group);
	struct fg_term t;

	*lo = 0;
	*hi = UINT64_MAX;
	while (fg_term_next(&it, &t)) {
		bool equal = t.op & FG_OP_EQ, less = t.op & FG_OP_LT, greater = t.op & FG_OP_GT;
		uint64_t v = t.value;

		if (!equal && !less && !greater)
			return false;
		if (less && greater)
			continue;
		if ((!equal && greater && v == UINT64_MAX) || (!equal && less && v == 0))
			return false;
		if (!less && v + !equal > *lo)
			*lo = v + !equal;
		if (!greater && v - !equal < *hi)
			*hi = v - !equal;
	}
	return *lo <= *hi;
}

/* What bounds a field: behind "is above 65535, ". */
static const char *bound_name(enum fg_family family, uint8_t type, bool upper)
{
	switch (type) {
	case FG_LENGTH:
		if (family == FG_IPV6)
			return upper ? "the largest IPv6 packet" : "the smallest IPv6 packet";
		return upper ? "the largest IPv4 packet" : "the smallest IPv4 packet";
	case FG_PORT:
	case FG_DPORT:
	case FG_SPORT:
		return "the highest port";
	case FG_FLOW_LABEL:
		return "the most that 20 bits hold";
	default:
		return "the most that one octet holds";
	}
}

/* Whether all AND groups of a numeric component lie above, or all below, what its field can hold. */
static void outside(const struct fg_rule *rule, const struct fg_component *c, bool *above, bool *below)
{
	struct fg_interval range = fg_field_range(rule->family, c->type);
	struct fg_component group;
	size_t at = 0;

	*above = *below = c->type != FG_DSCP;
	while (fg_component_group(c, &at, &group)) {
		uint64_t lo, hi;
		bool some = group_ends(&group, &lo, &hi);

		*above = *above && some && lo > range.hi;
		*below = *below && some && hi < range.lo;
	}
}

/* "no packet …" of one numeric component, or of one AND group of it, in `text`. */
static void explain_values(const struct fg_rule *rule, const struct fg_component *c, struct fg_out *o, const char *text)
{
	struct fg_interval range = fg_field_range(rule->family, c->type);
	bool above, below;

	outside(rule, c, &above, &below);
	if (above)
		fg_out_put(o, "%s is above %u, %s", text, range.hi, bound_name(rule->family, c->type, true));
	else if (below)
		fg_out_put(o, "%s is below %u, %s", text, range.lo, bound_name(rule->family, c->type, false));
	else
		fg_out_put(o, "no value from %u to %u satisfies %s", range.lo, range.hi, text);
}

/* One component that contradicts itself. */
static void explain_component(const struct fg_rule *rule, const struct fg_component *c, struct fg_out *o,
			      const char *text)
{
	if (c->type == FG_FRAGMENT)
		fg_out_put(o, "no fragment state satisfies %s", text);
	else if (c->type == FG_TCP_FLAGS)
		fg_out_put(o, "no TCP header satisfies %s", text);
	else
		explain_values(rule, c, o, text);
}

enum {
	PORTS = 1 << FG_PORT | 1 << FG_DPORT | 1 << FG_SPORT,
	ICMP = 1 << FG_ICMP_TYPE | 1 << FG_ICMP_CODE,
	FLAGS = 1 << FG_TCP_FLAGS,
	TRANSPORT = PORTS | ICMP | FLAGS,
};

/* Octets of the headers that the components of the set need to be there. */
static unsigned int headers_octets(const struct fg_rule *rule, uint16_t types)
{
	unsigned int octets = fg_field_range(rule->family, FG_LENGTH).lo;

	if (types & FLAGS)
		octets += 14;
	else if (types & PORTS)
		octets += 4;
	else if (types & ICMP)
		octets += types & 1U << FG_ICMP_CODE ? 2 : 1;
	return octets + (rule->family == FG_IPV6 && (types & 1U << FG_FRAGMENT) != 0 ? FG_EXT_HEADER_MIN : 0);
}

/* Why components that each can match cannot match together. */
static void explain_together(const struct fg_rule *rule, uint16_t types, struct fg_out *o)
{
	bool proto = types & 1U << FG_PROTO, fragment = types & 1U << FG_FRAGMENT;

	if (types & 1U << FG_LENGTH)
		fg_out_put(o, ": the headers alone take %u octets", headers_octets(rule, types));
	else if (fragment && (types & TRANSPORT) != 0)
		fg_out_put(o, ": only the first fragment has a transport header");
	else if (types & ICMP && types & (PORTS | FLAGS))
		fg_out_put(o, ": one is for %s, the other for TCP%s", rule->family == FG_IPV6 ? "ICMPv6" : "ICMP",
			   types & PORTS ? " and UDP" : "");
	else if (proto && types & ICMP)
		fg_out_put(o, ": only protocol %s has it", rule->family == FG_IPV6 ? "58 (ICMPv6)" : "1 (ICMP)");
	else if (proto && types & FLAGS)
		fg_out_put(o, ": only protocol 6 (TCP) has flags");
	else if (proto && types & PORTS)
		fg_out_put(o, ": only protocols 6 (TCP) and 17 (UDP) have ports");
	else if (proto && fragment)
		fg_out_put(o, ": an extension header is the protocol of later fragments only");
	else if (types & PORTS)
		fg_out_put(o, ": `port` must hold for one of the two");
}

uint16_t fg_canon_core(const struct fg_canon *canon)
{
	struct fg_canon c = *canon;

	for (unsigned int type = 1; type <= FG_COMPONENT_MAX; type++) {
		uint16_t with = c.present;

		c.present = (uint16_t)(with & ~(1U << type));
		if ((canon->present >> type & 1) != 0 && fg_canon_possible(&c))
			c.present = with;
	}
	return c.present;
}

void fg_explain_core(const struct fg_rule *rule, uint16_t types, const struct fg_component *part, struct fg_out *o)
{
	struct fg_component_iter it = fg_components(rule);
	bool alone = (types & (types - 1)) == 0;
	const char *word = "no packet satisfies ";
	char text[FG_SHOWN_MAX];
	struct fg_component c;

	while (fg_component_next(&it, &c, NULL) == 0) {
		if ((types >> c.type & 1) == 0)
			continue;
		if (part != NULL && part->type == c.type)
			c = *part;
		fg_component_show(rule, &c, text);
		if (alone) {
			explain_component(rule, &c, o, text);
			return;
		}
		fg_out_put(o, "%s%s", word, text);
		word = " and ";
	}
	explain_together(rule, types, o);
}
