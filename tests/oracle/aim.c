/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which packets to send at a table. Comes in: a random sequence and, to aim, a rule. Goes out: struct
 * or_gen_packet. Aiming tries, for each component, the values its list names and those next to them, and keeps one
 * that the oracle's evaluation of that list accepts (or refuses, to miss). What always holds: what comes out is a
 * packet, whatever the rule.
 */
#include "tests/oracle/generate.h"

#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static uint32_t pick32(struct or_random *r, const uint32_t *of, size_t count)
{
	return of[or_random_below(r, (uint32_t)count)];
}

static uint16_t random_port(struct or_random *r)
{
	static const uint32_t port[] = { 0, 19, 53, 53, 80, 123, 443, 1024, 4000, 8080, 65535 };

	return (uint16_t)(or_random_chance(r, 80) ? pick32(r, port, COUNT(port)) : or_random_next(r));
}

static void random_chain(struct or_random *r, struct or_gen_packet *p)
{
	static const uint8_t type[] = { 0, 43, 51, 60, 60, 135, 139, 140 };

	p->chain_count = (uint8_t)(or_random_chance(r, 5) ? or_random_below(r, 9) : 1 + or_random_below(r, 3));
	for (size_t i = 0; i < p->chain_count; i++) {
		p->chain[i] = type[or_random_below(r, COUNT(type))];
		p->chain_units[i] = (uint8_t)or_random_below(r, 4);
	}
	if (p->chain_count > 8 - 1) /* leave room for the fragment header */
		p->chain_count = 7;
	p->fragment_place = (uint8_t)or_random_below(r, p->chain_count + 1u);
}

static void random_headers(struct or_random *r, struct or_gen_packet *p)
{
	static const uint32_t state[] = { OR_FRAGMENT_FIRST, OR_FRAGMENT_IS, OR_FRAGMENT_IS | OR_FRAGMENT_LAST };

	if (or_random_chance(r, 15))
		p->fragment = (uint8_t)pick32(r, state, COUNT(state));
	if (p->family == OR_IPV4) {
		if (or_random_chance(r, 30))
			p->fragment |= OR_FRAGMENT_DF;
		if (or_random_chance(r, 15))
			p->header_words = (uint8_t)(6 + or_random_below(r, 10));
		return;
	}
	if (or_random_chance(r, 20))
		random_chain(r, p);
	p->atomic = or_random_chance(r, 5);
}

static void random_ethernet(struct or_random *r, const struct or_gen_packets *how, struct or_gen_packet *p)
{
	p->link = !how->no_raw && or_random_chance(r, 10) ? OR_LINK_RAW : OR_LINK_ETHERNET;
	if (or_random_chance(r, 20))
		p->tags = (uint8_t)(1 + or_random_below(r, 2));
	if (or_random_chance(r, 10))
		p->padding = 1 + or_random_below(r, 20);
}

/* One thing that ordinary packets don't have. */
static void make_odd(struct or_random *r, const struct or_gen_packets *how, struct or_gen_packet *p)
{
	static const uint32_t ethertype[] = { 0x0806, 0x8847, 0x0800, 0x86dd, 0x8100 };

	switch (or_random_below(r, 9)) {
	case 0:
		p->tags = 3;
		break;
	case 1:
		p->ethertype = (uint16_t)pick32(r, ethertype, COUNT(ethertype));
		break;
	case 2:
		p->version = (uint8_t)(1 + or_random_below(r, 15));
		break;
	case 3:
		p->header_words = (uint8_t)or_random_below(r, 16);
		p->exact_length = true;
		break;
	case 4: /* IP lengths at and around the headers' ends */
		p->length = or_random_below(r, 120);
		p->exact_length = true;
		break;
	case 5:
		p->chain_count = (uint8_t)(7 + or_random_below(r, 4));
		for (size_t i = 0; i < p->chain_count; i++)
			p->chain[i] = (uint8_t)(or_random_chance(r, 20) ? 44 : 60);
		break;
	case 6:
		p->length = 40;
		p->exact_length = true;
		p->chain_count = (uint8_t)or_random_below(r, 2);
		p->chain[0] = 0;
		break;
	default:
		p->cut = 1 + or_random_below(r, 130);
		p->cut_wire = how->no_snap || or_random_chance(r, 30);
		break;
	}
}

void or_gen_packet(struct or_random *r, enum or_family family, const struct or_gen_packets *how,
		   struct or_gen_packet *out)
{
	static const uint32_t protocol[] = { 1, 6, 6, 6, 17, 17, 17, 58, 47, 50, 59 };
	static const uint32_t length[] = { 0, 0, 0, 64, 100, 576, 1200, 1500, 9000, 65535 };
	static const uint32_t flags[] = { 2, 16, 18, 4, 1, 0, 63, 0xfff };
	static const uint32_t dscp[] = { 0, 0, 8, 10, 46, 63 };

	memset(out, 0, sizeof(*out));
	out->family = family;
	out->header_words = 5;
	or_gen_address(r, family, out->dst);
	or_gen_address(r, family, out->src);
	out->protocol = (uint8_t)pick32(r, protocol, COUNT(protocol));
	if (out->protocol == 58 && family == OR_IPV4 && or_random_chance(r, 90))
		out->protocol = 1;
	if (out->protocol == 1 && family == OR_IPV6 && or_random_chance(r, 90))
		out->protocol = 58;
	out->sport = random_port(r);
	out->dport = random_port(r);
	out->icmp_type = (uint8_t)or_random_next(r) & 0x8f;
	out->icmp_code = (uint8_t)or_random_below(r, 5);
	out->tcp_flags = (uint16_t)pick32(r, flags, COUNT(flags));
	out->dscp = (uint8_t)pick32(r, dscp, COUNT(dscp));
	out->flow_label = or_random_chance(r, 50) ? 2013 : or_random_next(r) & 0xfffff;
	out->length = pick32(r, length, COUNT(length));
	random_headers(r, out);
	random_ethernet(r, how, out);
	out->cut_wire = how->no_snap;
	if (or_random_chance(r, how->odd_percent))
		make_odd(r, how, out);
}

/* A value of [low, high] for which the list answers `want`, near one it names; `otherwise` where none was found. */
static uint32_t aim_numeric(struct or_random *r, const struct or_component *c, bool want, uint32_t low, uint32_t high,
			    uint32_t otherwise)
{
	struct or_term terms[64];
	size_t count = or_terms(c, terms, COUNT(terms));
	uint64_t mask = c->type == OR_DSCP ? 0x3f : UINT64_MAX;

	if (count > COUNT(terms))
		count = COUNT(terms);
	for (int tries = 0; tries < 40; tries++) {
		uint64_t v = terms[or_random_below(r, (uint32_t)count)].value & mask;

		v = v - 1 + or_random_below(r, 3);
		if (tries == 30)
			v = low;
		if (tries == 31)
			v = high;
		if (tries > 31)
			v = low + or_random_below(r, high - low + 1);
		if (v >= low && v <= high && or_numeric_list(c, v, mask) == want)
			return (uint32_t)v;
	}
	return otherwise;
}

static uint16_t aim_flags(struct or_random *r, const struct or_component *c, bool want, uint16_t otherwise)
{
	struct or_term terms[64];
	size_t count = or_terms(c, terms, COUNT(terms));

	if (count > COUNT(terms))
		count = COUNT(terms);
	for (int tries = 0; tries < 60; tries++) {
		uint64_t v = terms[or_random_below(r, (uint32_t)count)].value;

		if (tries % 3 == 1)
			v ^= 1u << or_random_below(r, 12);
		if (tries % 3 == 2)
			v = or_random_next(r);
		v &= 0x0fff;
		if (or_bitmask_list(c, v, 0xffff) == want)
			return (uint16_t)v;
	}
	return otherwise;
}

/* States that still have a transport header are tried first, most of the time: the rest of the rule may need it. */
static void aim_fragment(struct or_random *r, const struct or_component *c, bool want, struct or_gen_packet *p)
{
	static const uint8_t state[] = { 0, OR_FRAGMENT_FIRST, OR_FRAGMENT_IS, OR_FRAGMENT_IS | OR_FRAGMENT_LAST };
	size_t first = or_random_chance(r, 70) ? 0 : or_random_below(r, COUNT(state));
	bool df = p->family == OR_IPV4 && or_random_chance(r, 50);

	for (size_t i = 0; i < 2 * COUNT(state); i++) {
		uint8_t bits = state[(first + i) % COUNT(state)];

		if (p->family == OR_IPV4 && df != (i >= COUNT(state)))
			bits |= OR_FRAGMENT_DF;
		if (or_bitmask_list(c, bits, p->family == OR_IPV4 ? 0x0f : 0x0e) == want) {
			p->fragment = bits;
			return;
		}
	}
}

/* Pattern bits of the prefix into the address; to miss, one of them wrong: often the last. */
static void aim_prefix(struct or_random *r, const struct or_component *c, bool want, uint8_t *address)
{
	uint8_t bits = (uint8_t)(c->prefix_length - c->prefix_offset);
	size_t wrong;

	for (size_t bit = c->prefix_offset; bit < c->prefix_length; bit++) {
		uint8_t one = (uint8_t)(0x80 >> bit % 8);

		address[bit / 8] = (uint8_t)((address[bit / 8] & ~one) | (c->prefix[bit / 8] & one));
	}
	if (want || bits == 0)
		return;
	wrong = or_random_chance(r, 60) ? c->prefix_length - 1u : c->prefix_offset + or_random_below(r, bits);
	address[wrong / 8] ^= (uint8_t)(0x80 >> wrong % 8);
}

static void aim_ports(struct or_random *r, const struct or_component *c, bool want, struct or_gen_packet *p)
{
	if (c->type == OR_DESTINATION_PORT || (c->type == OR_PORT && (!want || or_random_chance(r, 50))))
		p->dport = (uint16_t)aim_numeric(r, c, want, 0, 65535, p->dport);
	else
		p->sport = (uint16_t)aim_numeric(r, c, want, 0, 65535, p->sport);
	if (c->type == OR_PORT && !want)
		p->sport = (uint16_t)aim_numeric(r, c, false, 0, 65535, p->sport);
}

static void aim_component(struct or_random *r, const struct or_component *c, bool want, struct or_gen_packet *p)
{
	uint32_t header = p->family == OR_IPV4 ? 20 : 40;

	switch (c->type) {
	case OR_DESTINATION:
		aim_prefix(r, c, want, p->dst);
		break;
	case OR_SOURCE:
		aim_prefix(r, c, want, p->src);
		break;
	case OR_PROTOCOL:
		if (or_numeric_list(c, p->protocol, UINT64_MAX) != want)
			p->protocol = (uint8_t)aim_numeric(r, c, want, 0, 255, p->protocol);
		break;
	case OR_ICMP_TYPE:
		p->icmp_type = (uint8_t)aim_numeric(r, c, want, 0, 255, p->icmp_type);
		break;
	case OR_ICMP_CODE:
		p->icmp_code = (uint8_t)aim_numeric(r, c, want, 0, 255, p->icmp_code);
		break;
	case OR_TCP_FLAGS:
		p->tcp_flags = aim_flags(r, c, want, p->tcp_flags);
		break;
	case OR_PACKET_LENGTH:
		p->length = aim_numeric(r, c, want, header, header == 20 ? 65535 : 65575, p->length);
		break;
	case OR_DSCP:
		p->dscp = (uint8_t)aim_numeric(r, c, want, 0, 63, p->dscp);
		break;
	case OR_FRAGMENT:
		aim_fragment(r, c, want, p);
		break;
	case OR_FLOW_LABEL:
		p->flow_label = aim_numeric(r, c, want, 0, 0xfffff, p->flow_label);
		break;
	default:
		aim_ports(r, c, want, p);
		break;
	}
}

/* What the rule's components need of the packet, before they are aimed at. */
static void prepare(struct or_random *r, const struct or_nlri *rule, struct or_gen_packet *p)
{
	for (size_t i = 0; i < rule->count; i++) {
		uint8_t type = rule->component[i].type;

		if (type >= OR_PORT && type <= OR_TCP_FLAGS)
			p->fragment &= OR_FRAGMENT_DF | OR_FRAGMENT_FIRST;
		if (type >= OR_PORT && type <= OR_SOURCE_PORT)
			p->protocol = or_random_chance(r, 50) ? 6 : 17;
		if (type == OR_ICMP_TYPE || type == OR_ICMP_CODE)
			p->protocol = rule->family == OR_IPV4 ? 1 : 58;
		if (type == OR_TCP_FLAGS)
			p->protocol = 6;
	}
}

/* The two protocols with ports: where the list refuses one, the other may do. */
static void settle_protocol(const struct or_component *c, struct or_gen_packet *p)
{
	if ((p->protocol == 6 || p->protocol == 17) && !or_numeric_list(c, p->protocol, UINT64_MAX))
		p->protocol = p->protocol == 6 ? 17 : 6;
}

void or_gen_aim(struct or_random *r, const struct or_gen_rule *rule, bool miss, const struct or_gen_packets *how,
		struct or_gen_packet *out)
{
	struct or_nlri n;
	size_t missed = SIZE_MAX;

	or_gen_packet(r, rule->family, how, out);
	if (!or_nlri_decode(rule->family, rule->full_offset, rule->octets, rule->len, &n))
		return;
	prepare(r, &n, out);
	if (miss)
		missed = or_random_below(r, (uint32_t)n.count);
	for (size_t i = 0; i < n.count; i++) {
		if (n.component[i].type == OR_PROTOCOL && i != missed)
			settle_protocol(&n.component[i], out);
		aim_component(r, &n.component[i], i != missed, out);
		if (n.component[i].type == OR_PACKET_LENGTH)
			out->exact_length = or_random_chance(r, 20);
	}
}
