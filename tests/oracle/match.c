/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rule against one packet (RFC 8955 §4.2, RFC 8956 §3). Comes in: a decoded NLRI and the facts of a packet.
 * Goes out: whether it matches, and if not, the first component that does not. What always holds: a component
 * about a fact the packet does not have does not match, whatever its list says; values are compared as received,
 * 64 bits wide.
 */
#include "tests/oracle/oracle.h"

/* RFC 8955 §4.2.1.1: lt, gt and eq are alternatives; none of them is false, all of them true. */
static bool numeric_term(uint8_t op, uint64_t data, uint64_t value)
{
	return ((op & 4) && data < value) || ((op & 2) && data > value) || ((op & 1) && data == value);
}

/* RFC 8955 §4.2.1.2. */
static bool bitmask_term(uint8_t op, uint64_t data, uint64_t value)
{
	bool result = (op & 1) ? (data & value) == value : (data & value) != 0;

	return (op & 2) ? !result : result;
}

/*
 * AND binds tighter than OR: the list is true if any of its groups is, a group if all its terms are. The AND bit of
 * the first operator means nothing (RFC 8955 §4.2.1.1).
 */
static bool list(const struct or_component *c, uint64_t data, uint64_t mask,
		 bool (*term_is_true)(uint8_t op, uint64_t data, uint64_t value))
{
	bool group = false;
	struct or_term term;

	for (size_t at = 0; at < c->len; at += 1 + (size_t)term.width) {
		bool result;

		or_term_read(c->body + at, c->len - at, &term);
		result = term_is_true(term.op, data, term.value & mask);
		if (at > 0 && (term.op & 0x40)) {
			group = group && result;
			continue;
		}
		if (group)
			return true;
		group = result;
	}
	return group;
}

bool or_numeric_list(const struct or_component *c, uint64_t value, uint64_t mask)
{
	return list(c, value, mask, numeric_term);
}

bool or_bitmask_list(const struct or_component *c, uint64_t data, uint64_t mask)
{
	return list(c, data, mask, bitmask_term);
}

static bool numeric(const struct or_component *c, uint64_t value)
{
	return or_numeric_list(c, value, UINT64_MAX);
}

static bool prefix(const struct or_component *c, const uint8_t *address)
{
	for (size_t bit = c->prefix_offset; bit < c->prefix_length; bit++)
		if (((c->prefix[bit / 8] ^ address[bit / 8]) >> (7 - bit % 8)) & 1)
			return false;
	return true;
}

/* RFC 8955 §4.2.2.12; RFC 8956 §3.6: the DF bit is ignored. The upper four bits are ignored in both. */
static bool fragment(const struct or_component *c, const struct or_packet *p)
{
	return p->has_fragment && or_bitmask_list(c, p->fragment, p->family == OR_IPV4 ? 0x0f : 0x0e);
}

bool or_component_match(const struct or_component *c, const struct or_packet *p)
{
	switch (c->type) {
	case OR_DESTINATION:
		return prefix(c, p->dst);
	case OR_SOURCE:
		return prefix(c, p->src);
	case OR_PROTOCOL:
		return p->has_protocol && numeric(c, p->protocol);
	case OR_PORT: /* the whole list for each port by itself: RFC 8955 §4.2.2.4 */
		return p->has_ports && (numeric(c, p->sport) || numeric(c, p->dport));
	case OR_DESTINATION_PORT:
		return p->has_ports && numeric(c, p->dport);
	case OR_SOURCE_PORT:
		return p->has_ports && numeric(c, p->sport);
	case OR_ICMP_TYPE:
		return p->has_icmp_type && numeric(c, p->icmp_type);
	case OR_ICMP_CODE:
		return p->has_icmp_code && numeric(c, p->icmp_code);
	case OR_TCP_FLAGS:
		return p->has_tcp_flags && or_bitmask_list(c, p->tcp_flags, 0xffff);
	case OR_PACKET_LENGTH:
		return numeric(c, p->length);
	case OR_DSCP: /* the six low bits of the value are the DSCP: RFC 8955 §4.2.2.11 */
		return or_numeric_list(c, p->dscp, 0x3f);
	case OR_FRAGMENT:
		return fragment(c, p);
	case OR_FLOW_LABEL:
		return p->family == OR_IPV6 && numeric(c, p->flow_label);
	default:
		return false;
	}
}

int or_nlri_match(const struct or_nlri *rule, const struct or_packet *p)
{
	if (p->kind != OR_IP || p->family != rule->family)
		return -1;
	for (size_t i = 0; i < rule->count; i++)
		if (!or_component_match(&rule->component[i], p))
			return rule->component[i].type;
	return 0;
}
