/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The headers of the commonest packets: no tag, no option, no extension header, no fragment, and TCP or UDP that is there as far
 * as rules can ask. Their key is made with a store for each eight octets of it, which the comparisons of lanes.h then read as
 * they were written. What comes out is what fg_packet_parse() says; what is not straight is left to that.
 */
#ifndef BPF_STRAIGHT_H
#define BPF_STRAIGHT_H

#include "bpf/scratch.h"

enum {
	L3_OCTET = FG_ETHERTYPE_OCTET + 2,
	PORTS_OCTETS = 4,
	FLAGS_OCTETS = 14, /* of TCP, as far as its flags */
	VERSION4_NO_OPTIONS = 0x45,
	FRAGMENT_BITS = 0x3fff, /* of the IPv4 fragment word: more, offset */
};

/* What is known of the transport header. */
struct straight_l4 {
	uint64_t ports; /* four lanes: destination, source, and both once more */
	uint64_t flags;
	uint64_t octets; /* protocol, enum fg_l4 */
};

FG_INLINE uint64_t octets8(const uint8_t *p)
{
	return *(const uint64_t *)(const void *)p;
}

/* Of `left` octets of payload at p, at least eight of which are in the frame. False: not straight. */
FG_INLINE bool straight_l4(const uint8_t *p, const uint8_t *end, uint32_t proto, uint32_t left, struct straight_l4 *l4)
{
	l4->ports = fg_load_be32(p) * 0x100000001ull;
	if (proto == FG_PROTO_UDP) {
		l4->flags = 0;
		l4->octets = FG_PROTO_UDP | FG_L4_PORTS << 8;
		return left >= PORTS_OCTETS;
	}
	if (proto != FG_PROTO_TCP || left < FLAGS_OCTETS || p + FLAGS_OCTETS > end)
		return false;
	l4->flags = fg_load_be16(p + 12) & ((1 << FG_TCP_FLAGS_BITS) - 1);
	l4->octets = FG_PROTO_TCP | FG_L4_FLAGS << 8;
	return true;
}

/* All of struct fg_packet behind its key. */
FG_INLINE void straight_rest(struct fg_packet *out, uint64_t ip_length)
{
	_Static_assert(offsetof(struct fg_packet, ip_length) == 64 && offsetof(struct fg_packet, l3_octet) == 68 &&
			       offsetof(struct fg_packet, what) == 70 && FG_PACKET_IP == 0,
		       "one word");
	((uint64_t *)(void *)out)[8] = ip_length | (uint64_t)L3_OCTET << 32;
}

FG_INLINE bool straight_ipv4(const uint8_t *ip, const uint8_t *end, struct fg_packet *out)
{
	uint64_t *key = (uint64_t *)(void *)&out->key;
	struct straight_l4 l4;
	uint32_t total, fragment;
	uint64_t src;

	if (ip + FG_LENGTH4_MIN + 8 > end)
		return false;
	total = fg_load_be16(ip + 2);
	fragment = fg_load_be16(ip + 6);
	if (ip[0] != VERSION4_NO_OPTIONS || (fragment & FRAGMENT_BITS) || total < FG_LENGTH4_MIN ||
	    !straight_l4(ip + FG_LENGTH4_MIN, end, ip[9], total - FG_LENGTH4_MIN, &l4))
		return false;
	src = fg_load_be32(ip + 12);
	key[0] = l4.ports;
	key[1] = (total - FG_LENGTH4_MIN) | (src & 0xffff0000) | (src & 0xffff) << 32;
	key[2] = l4.octets | (uint64_t)(ip[1] >> 2) << 32 | (uint64_t)((fragment >> 14) & FG_FRAGMENT_DF) << 40 |
		 (uint64_t)FG_IPV4 << 56;
	key[3] = l4.flags;
	key[4] = *(const uint32_t *)(const void *)(ip + 16);
	key[5] = 0;
	key[6] = *(const uint32_t *)(const void *)(ip + 12);
	key[7] = 0;
	straight_rest(out, total);
	return true;
}

FG_INLINE bool straight_ipv6(const uint8_t *ip, const uint8_t *end, struct fg_packet *out)
{
	uint64_t *key = (uint64_t *)(void *)&out->key;
	struct straight_l4 l4;
	uint32_t length;
	uint64_t first;

	if (ip + FG_LENGTH6_MIN + 8 > end)
		return false;
	first = fg_load_be32(ip);
	length = fg_load_be16(ip + 4);
	if (first >> 28 != 6 || !straight_l4(ip + FG_LENGTH6_MIN, end, ip[6], length, &l4))
		return false;
	key[0] = l4.ports;
	key[1] = length;
	key[2] = l4.octets | (first >> 22 & FG_DSCP_VALUE_MAX) << 32 | (uint64_t)FG_IPV6 << 56;
	key[3] = l4.flags | (first & FG_FLOW_LABEL_MAX) << 32;
	key[4] = octets8(ip + 24);
	key[5] = octets8(ip + 32);
	key[6] = octets8(ip + 8);
	key[7] = octets8(ip + 16);
	straight_rest(out, FG_LENGTH6_MIN + length);
	return true;
}

/* False: the packet is for fg_packet_parse(). */
FG_INLINE bool straight(const struct xdp_md *ctx, struct fg_packet *out)
{
	const uint8_t *frame = (const uint8_t *)(long)ctx->data, *end = (const uint8_t *)(long)ctx->data_end;
	uint16_t type;

	if (frame + L3_OCTET > end)
		return false;
	type = fg_load_be16(frame + FG_ETHERTYPE_OCTET);
	if (type == FG_ETHERTYPE_IPV4)
		return straight_ipv4(frame + L3_OCTET, end, out);
	return type == FG_ETHERTYPE_IPV6 && straight_ipv6(frame + L3_OCTET, end, out);
}

/* All others. A function of its own, which the verifier follows once, and whose ways it does not follow through the match. */
__attribute__((noinline)) int parse(struct xdp_md *ctx)
{
	struct scratch *s = scratch_of_cpu();

	if (s == NULL)
		return 0;
	fg_packet_parse((const uint8_t *)(long)ctx->data, (const uint8_t *)(long)ctx->data_end, false, &s->packet);
	return 1;
}

#endif
