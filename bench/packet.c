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
	TCP_WORDS = 5 << 4
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

void bench_packet_key(const struct bench_packet *p, struct fg_key *key)
{
	memset(key, 0, sizeof(*key));
	key->dport = key->dport_again = p->dport;
	key->sport = key->sport_again = p->sport;
	key->length = (uint16_t)(p->length - FG_LENGTH4_MIN);
	key->src_hi = p->ipv6 ? 0 : (uint16_t)(p->src >> 16);
	key->src_lo = p->ipv6 ? 0 : (uint16_t)p->src;
	key->proto = p->proto;
	key->l4 = p->fragment ? FG_L4_PROTO : p->proto == FG_PROTO_TCP ? FG_L4_FLAGS : FG_L4_PORTS;
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
	out[0] = 0x60;
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

/* What a later fragment has no answer to does not apply. */
static bool transport_applies(const struct bench_rule *rule, const struct bench_packet *p)
{
	if (p->fragment)
		return is_any(rule->sport) && is_any(rule->dport) && rule->tcp_mask == 0;
	if (rule->tcp_mask != 0 && (p->proto != FG_PROTO_TCP || (p->tcp_flags & rule->tcp_mask) != rule->tcp_value))
		return false;
	return in_range(p->sport, rule->sport) && in_range(p->dport, rule->dport);
}

bool bench_rule_applies(const struct bench_rule *rule, const struct bench_packet *p)
{
	return in_prefix(p->dst, rule->dst, rule->dst_length) && in_prefix(p->src, rule->src, rule->src_length) &&
	       (rule->proto == 0 || rule->proto == p->proto) && in_range(p->length, rule->length) &&
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
