/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules with a payload pattern. The matcher hands over all rules whose header part matches, in order; those with a pattern are candidates,
 * behind which it went on (table.h). In come these and the packet; out goes the list of the rules that apply. Between the two steps
 * here lies the scan (dataplane/payload.h), made once a packet, and only where fg_payload_wait() says that a candidate wants it.
 *
 * What is looked at: the octets behind the UDP or TCP header, or else behind the IP header and its chain; inside the IP length, so never
 * padding; FG_PAYLOAD_SCAN_OCTETS of them by default. A fragment that is not the first has none, nor has a packet whose transport
 * header is not whole. Where the payload goes on behind what is looked at, a pattern must be found before the last octet of that: what
 * follows a place decides whether a word or a line ends there.
 *
 * What always holds: a rule is never applied where its pattern was not found; each loop is bounded by FG_APPLIED_MAX.
 */
#ifndef FLOWGATE_PAYLOAD_H
#define FLOWGATE_PAYLOAD_H

#include "flowgate/match.h"
#include "flowgate/straight.h"

enum { FG_UDP_OCTETS = 8, FG_TCP_OCTETS_MIN = 20, FG_TCP_OFFSET_OCTET = 12 };

/* Patterns that are waited for, by number. A scan takes out what it finds. All zero between packets. */
struct fg_waiting {
	uint64_t word[FG_PATTERNS_MAX / 64];
};

struct fg_payload {
	const uint8_t *data;
	uint32_t octets; /* 0: there is nothing to look at */
	bool cut;        /* the payload goes on behind them */
};

/* Octets of the transport header at the walk; 0: it is not whole, or cannot be. */
FG_INLINE uint32_t fg_payload_behind(const struct fg_walk *w, uint8_t proto, bool *whole)
{
	const uint8_t *p;
	uint32_t octets;

	*whole = true;
	if (proto == FG_PROTO_UDP) {
		*whole = w->left >= FG_UDP_OCTETS;
		return FG_UDP_OCTETS;
	}
	if (proto != FG_PROTO_TCP)
		return 0;
	*whole = w->left >= FG_TCP_OCTETS_MIN && fg_walk_has(w, FG_TCP_OFFSET_OCTET + 1, &p);
	if (!*whole)
		return 0;
	octets = (p[FG_TCP_OFFSET_OCTET] >> 4) * 4u;
	*whole = octets >= FG_TCP_OCTETS_MIN && octets <= w->left;
	return octets;
}

/* The walk to behind the IP header of a packet that has been read: at once where it has no options, and no chain. False: the packet is none. */
FG_INLINE bool fg_payload_walk(struct fg_walk *w, const struct fg_packet *p, uint8_t *proto)
{
	const uint8_t *ip = w->data + w->at;
	struct fg_packet again;

	*proto = p->key.proto;
	if (p->key.family == FG_IPV4 && ip[0] == FG_STRAIGHT_VERSION4_NO_OPTIONS) {
		w->left = fg_load_be16(ip + 6) & 0x1fff ? 0 : p->ip_length - FG_LENGTH4_MIN;
		w->at += FG_LENGTH4_MIN;
		return true;
	}
	__builtin_memset(&again.key, 0, sizeof(again.key));
	if ((p->key.family == FG_IPV4 ? fg_packet_ipv4(w, &again) : fg_packet_ipv6(w, &again)) != FG_PACKET_IP)
		return false;
	*proto = again.key.proto;
	return true;
}

/*
 * The payload of the packet whose headers fg_packet_parse() read into *p from [data, end): at most `most` octets. The header walk is made once
 * more, for the key does not keep where it ended.
 */
FG_INLINE void fg_payload_find(const uint8_t *data, const uint8_t *end, const struct fg_packet *p, uint32_t most,
			       struct fg_payload *out)
{
	struct fg_walk w = { .data = data, .end = end, .missing = FG_MISSING_UNKNOWN, .at = p->l3_octet };
	uint32_t header, there;
	uint8_t proto;
	bool whole;

	*out = (struct fg_payload){ 0 };
	if (p->what != FG_PACKET_IP || !fg_payload_walk(&w, p, &proto))
		return;
	header = fg_payload_behind(&w, proto, &whole);
	if (!whole || (size_t)(end - data) <= (size_t)w.at + header)
		return;
	there = (uint32_t)(end - data) - w.at - header;
	out->octets = w.left - header;
	out->octets = out->octets < there ? out->octets : there;
	out->octets = out->octets < most ? out->octets : most;
	out->cut = out->octets < w.left - header;
	out->data = data + w.at + header;
}

/* The pattern of a rule by its slot word. */
FG_INLINE uint32_t fg_payload_pattern(const uint32_t *pattern, uint32_t slot)
{
	return pattern[slot & FG_SLOT_MASK] & (FG_PATTERNS_MAX - 1);
}

/* Puts the patterns of the candidates into *waiting; `pattern` has their numbers by slot. How many there are: 0, no scan is needed. */
FG_INLINE uint32_t fg_payload_wait(const struct fg_matched *m, const uint32_t *pattern, struct fg_waiting *waiting)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->count && i < FG_APPLIED_MAX; i++) {
		uint32_t number;

		if ((m->slot[i] & FG_SLOT_PAYLOAD) == 0)
			continue;
		number = fg_payload_pattern(pattern, m->slot[i]);
		n += (waiting->word[number / 64] >> (number % 64) & 1) == 0;
		waiting->word[number / 64] |= 1ull << (number % 64);
	}
	return n;
}

/*
 * Leaves in *m the rules that apply, and nothing in *waiting: a candidate whose pattern is still waited for is struck, and what stands behind
 * the first rule that ends evaluation too.
 */
FG_INLINE void fg_payload_apply(struct fg_matched *m, const uint32_t *pattern, struct fg_waiting *waiting)
{
	const struct fg_matched all = *m;
	bool ended = false;

	m->count = 0;
	for (uint32_t i = 0; i < all.count && i < FG_APPLIED_MAX && !ended; i++) {
		uint32_t slot = all.slot[i], number = 0;

		if (slot & FG_SLOT_PAYLOAD)
			number = fg_payload_pattern(pattern, slot);
		if ((slot & FG_SLOT_PAYLOAD) && (waiting->word[number / 64] >> (number % 64) & 1))
			continue;
		m->slot[m->count++] = slot;
		ended = (slot & FG_SLOT_ENDS) != 0;
	}
	for (uint32_t i = 0; i < all.count && i < FG_APPLIED_MAX; i++)
		if (all.slot[i] & FG_SLOT_PAYLOAD)
			waiting->word[fg_payload_pattern(pattern, all.slot[i]) / 64] = 0;
}

#endif
