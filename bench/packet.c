/* SPDX-License-Identifier: BSD-3-Clause */
/* A drawn packet as a key and as headers, and rules asked about it one by one (bench.h). What always holds: the walk over the headers gives the key. */
#include <string.h>

#include "bench/bench.h"
#include "flowgate/wire.h"

enum {
	FRAGMENT_HEADER = 8,
	OFFSET_AND_MORE4 = 0x2000 | 100,
	OFFSET_AND_MORE6 = 100 << 3 | 1,
	TTL = 64,
	TCP_WORDS = 5 << 4,
	DSCP_SHIFT = 2,
	DSCP_SHIFT6 = 20 + DSCP_SHIFT,
	VERSION6 = 0x60000000
};

static const uint8_t net6[4] = { 0x20, 0x01, 0x0d, 0xb8 };

static void put_address(uint8_t *out, uint32_t address, bool ipv6)
{
	if (ipv6) {
		memset(out, 0, 16);
		memcpy(out, net6, sizeof(net6));
		out[15] = 1;
		out += sizeof(net6);
	}
	fg_store_be32(out, address);
}

static uint8_t l4_of(const struct bench_packet *p)
{
	if (p->fragment)
		return FG_L4_PROTO;
	switch (p->proto) {
	case FG_PROTO_TCP:
		return FG_L4_FLAGS;
	case FG_PROTO_UDP:
		return FG_L4_PORTS;
	case FG_PROTO_ICMP:
		return FG_L4_CODE;
	default:
		return FG_L4_PROTO;
	}
}

void bench_packet_key(const struct bench_packet *p, struct fg_key *key)
{
	memset(key, 0, sizeof(*key));
	key->dport = key->dport_again = p->dport;
	key->sport = key->sport_again = p->sport;
	key->length = (uint16_t)(p->length - FG_LENGTH4_MIN);
	key->src_hi = p->ipv6 ? 0 : (uint16_t)(p->src >> 16);
	key->src_lo = p->ipv6 ? 0 : (uint16_t)p->src;
	key->proto = p->proto;
	key->l4 = l4_of(p);
	key->icmp_type = p->icmp_type;
	key->icmp_code = p->icmp_code;
	key->dscp = p->dscp;
	key->flow_label = p->ipv6 ? p->label : 0;
	key->fragment = p->fragment ? FG_FRAGMENT_MIDDLE : FG_FRAGMENT_NONE;
	key->family = p->ipv6 ? FG_IPV6 : FG_IPV4;
	key->tcp_flags = p->fragment ? 0 : p->tcp_flags;
	put_address(key->dst, p->dst, p->ipv6);
	put_address(key->src, p->src, p->ipv6);
}

/* Answers where the transport header goes. */
static uint8_t *put_ipv4(const struct bench_packet *p, uint8_t *out)
{
	out[0] = 0x45;
	out[1] = (uint8_t)(p->dscp << DSCP_SHIFT);
	fg_store_be16(out + 2, p->length);
	fg_store_be16(out + 6, p->fragment ? OFFSET_AND_MORE4 : 0);
	out[8] = TTL;
	out[9] = p->proto;
	put_address(out + 12, p->src, false);
	put_address(out + 16, p->dst, false);
	return out + FG_LENGTH4_MIN;
}

static uint8_t *put_ipv6(const struct bench_packet *p, uint8_t *out)
{
	fg_store_be32(out, VERSION6 | (uint32_t)p->dscp << DSCP_SHIFT6 | p->label);
	fg_store_be16(out + 4, (uint16_t)(p->length - FG_LENGTH4_MIN));
	out[6] = p->fragment ? FG_NEXT_FRAGMENT : p->proto;
	out[7] = TTL;
	put_address(out + 8, p->src, true);
	put_address(out + 24, p->dst, true);
	if (!p->fragment)
		return out + FG_LENGTH6_MIN;
	out[FG_LENGTH6_MIN] = p->proto;
	fg_store_be16(out + FG_LENGTH6_MIN + 2, OFFSET_AND_MORE6);
	return out + FG_LENGTH6_MIN + FRAGMENT_HEADER;
}

void bench_packet_headers(const struct bench_packet *p, uint8_t out[BENCH_HEADERS_OCTETS])
{
	uint8_t *l4;

	memset(out, 0, BENCH_HEADERS_OCTETS);
	l4 = p->ipv6 ? put_ipv6(p, out) : put_ipv4(p, out);
	if (p->fragment)
		return;
	if (p->proto == FG_PROTO_ICMP) {
		l4[0] = p->icmp_type;
		l4[1] = p->icmp_code;
		return;
	}
	fg_store_be16(l4, p->sport);
	fg_store_be16(l4 + 2, p->dport);
	if (p->proto == FG_PROTO_TCP) {
		l4[12] = TCP_WORDS;
		l4[13] = p->tcp_flags;
	} else {
		fg_store_be16(l4 + 4, (uint16_t)(p->length - FG_LENGTH4_MIN));
	}
}

/* ---- Rules, one by one ---- */

static bool in_prefix(uint32_t address, uint32_t prefix, uint8_t length)
{
	return length == 0 || (address ^ prefix) >> (32 - length) == 0;
}

static bool in_range(uint16_t v, struct bench_range r)
{
	return v >= r.lo && v <= r.hi;
}

static bool is_any(struct bench_range r)
{
	return r.lo == 0 && r.hi == 65535;
}

static bool asks_icmp(const struct bench_rule *rule)
{
	return rule->icmp_type.lo != 0 || rule->icmp_type.hi != BENCH_ICMP_MOST || rule->icmp_code.lo != 0 ||
	       rule->icmp_code.hi != BENCH_ICMP_MOST;
}

bool bench_rule_asks_more(const struct bench_rule *rule)
{
	return rule->proto_or != 0 || rule->ors > 0 || rule->dscp.lo != 0 || rule->dscp.hi != BENCH_DSCP_MOST ||
	       rule->label_lo != 0 || rule->label_hi != BENCH_LABEL_MOST || asks_icmp(rule);
}

bool bench_rules_ask_more(const struct bench_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (bench_rule_asks_more(&rules->at[i]))
			return true;
	return false;
}

static bool ports_apply(const struct bench_rule *rule, const struct bench_packet *p)
{
	bool dport = in_range(p->dport, rule->dport);

	if (is_any(rule->sport) && is_any(rule->dport))
		return true;
	for (size_t i = 0; i < rule->ors; i++)
		dport |= in_range(p->dport, rule->dport_or[i]);
	return (p->proto == FG_PROTO_TCP || p->proto == FG_PROTO_UDP) && in_range(p->sport, rule->sport) && dport;
}

/* What a later fragment has no answer to does not apply. */
static bool transport_applies(const struct bench_rule *rule, const struct bench_packet *p)
{
	if (p->fragment)
		return is_any(rule->sport) && is_any(rule->dport) && rule->tcp_mask == 0 && !asks_icmp(rule);
	if (rule->tcp_mask != 0 && (p->proto != FG_PROTO_TCP || (p->tcp_flags & rule->tcp_mask) != rule->tcp_value))
		return false;
	if (asks_icmp(rule) && (p->proto != FG_PROTO_ICMP || !in_range(p->icmp_type, rule->icmp_type) ||
				!in_range(p->icmp_code, rule->icmp_code)))
		return false;
	return ports_apply(rule, p);
}

static bool protocol_applies(const struct bench_rule *rule, const struct bench_packet *p)
{
	return rule->proto == 0 || rule->proto == p->proto || (rule->proto_or != 0 && rule->proto_or == p->proto);
}

bool bench_rule_applies(const struct bench_rule *rule, const struct bench_packet *p)
{
	return in_prefix(p->dst, rule->dst, rule->dst_length) && in_prefix(p->src, rule->src, rule->src_length) &&
	       protocol_applies(rule, p) && in_range(p->length, rule->length) && in_range(p->dscp, rule->dscp) &&
	       (!p->ipv6 || (p->label >= rule->label_lo && p->label <= rule->label_hi)) &&
	       (!rule->fragments || p->fragment) && transport_applies(rule, p);
}

uint32_t bench_rules_ask(const struct bench_rules *rules, const struct bench_image *image, const struct bench_packet *p)
{
	uint32_t first = 0;

	for (uint32_t i = 0; i < rules->n; i++)
		if ((first == 0 || image->rank[i] < image->rank[first - 1]) && bench_rule_applies(&rules->at[i], p))
			first = i + 1;
	return first;
}
