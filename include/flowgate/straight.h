/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The headers of the commonest packets: no tag, no option, no extension header, no fragment, and TCP or UDP that is there as far
 * as rules can ask. Their key is made with a store for each eight octets of it. What comes out is what fg_packet_parse() says; what is not
 * straight is left to that. Shared by the XDP program and the DPDK workers.
 */
#ifndef FLOWGATE_STRAIGHT_H
#define FLOWGATE_STRAIGHT_H

#include "flowgate/packet.h"

enum {
	FG_STRAIGHT_L3_OCTET = FG_ETHERTYPE_OCTET + 2,
	FG_STRAIGHT_PORTS_OCTETS = 4,
	FG_STRAIGHT_FLAGS_OCTETS = 14, /* of TCP, as far as its flags */
	FG_STRAIGHT_VERSION4_NO_OPTIONS = 0x45,
	FG_STRAIGHT_FRAGMENT_BITS = 0x3fff, /* of the IPv4 fragment word: more, offset */
};

/* What is known of the transport header. */
struct fg_straight_l4 {
	uint64_t ports; /* four lanes: destination, source, and both once more */
	uint64_t flags;
	uint64_t octets; /* protocol, enum fg_l4 */
};

/* Eight octets of a key or of what is behind it. The BPF compiler would take those that may alias for a reason to load again what it has. */
#ifdef __bpf__
typedef uint64_t fg_straight_word;
#else
typedef uint64_t __attribute__((may_alias)) fg_straight_word;
#endif

/* As they are in memory. BPF may load unaligned words, but its compiler does not know and would go by octets. */
FG_INLINE uint64_t fg_straight_octets(const uint8_t *p, uint32_t n)
{
#ifdef __bpf__
	return n == 8 ? *(const uint64_t *)(const void *)p : *(const uint32_t *)(const void *)p;
#else
	uint64_t octets = 0;

	__builtin_memcpy(&octets, p, n);
	return octets;
#endif
}

/* Of `left` octets of payload at p, at least eight of which are in the frame. False: not straight. */
FG_INLINE bool fg_straight_l4(const uint8_t *p, const uint8_t *end, uint32_t proto, uint32_t left,
			      struct fg_straight_l4 *l4)
{
	l4->ports = fg_load_be32(p) * 0x100000001ull;
	if (proto == FG_PROTO_UDP) {
		l4->flags = 0;
		l4->octets = FG_PROTO_UDP | FG_L4_PORTS << 8;
		return left >= FG_STRAIGHT_PORTS_OCTETS;
	}
	if (proto != FG_PROTO_TCP || left < FG_STRAIGHT_FLAGS_OCTETS || p + FG_STRAIGHT_FLAGS_OCTETS > end)
		return false;
	l4->flags = fg_load_be16(p + 12) & ((1 << FG_TCP_FLAGS_BITS) - 1);
	l4->octets = FG_PROTO_TCP | FG_L4_FLAGS << 8;
	return true;
}

/* All of struct fg_packet behind its key. */
FG_INLINE void fg_straight_rest(struct fg_packet *out, uint64_t ip_length)
{
	_Static_assert(offsetof(struct fg_packet, ip_length) == 64 && offsetof(struct fg_packet, l3_octet) == 68 &&
			       offsetof(struct fg_packet, what) == 70 && FG_PACKET_IP == 0,
		       "one word");
	((fg_straight_word *)(void *)out)[8] = ip_length | (uint64_t)FG_STRAIGHT_L3_OCTET << 32;
}

FG_INLINE bool fg_straight_ipv4(const uint8_t *ip, const uint8_t *end, struct fg_packet *out)
{
	fg_straight_word *key = (fg_straight_word *)(void *)&out->key;
	struct fg_straight_l4 l4;
	uint32_t total, fragment;
	uint64_t src;

	if (ip + FG_LENGTH4_MIN + 8 > end)
		return false;
	total = fg_load_be16(ip + 2);
	fragment = fg_load_be16(ip + 6);
	if (ip[0] != FG_STRAIGHT_VERSION4_NO_OPTIONS || (fragment & FG_STRAIGHT_FRAGMENT_BITS) ||
	    total < FG_LENGTH4_MIN || !fg_straight_l4(ip + FG_LENGTH4_MIN, end, ip[9], total - FG_LENGTH4_MIN, &l4))
		return false;
	src = fg_load_be32(ip + 12);
	key[0] = l4.ports;
	key[1] = (total - FG_LENGTH4_MIN) | (src & 0xffff0000) | (src & 0xffff) << 32;
	key[2] = l4.octets | (uint64_t)(ip[1] >> 2) << 32 | (uint64_t)((fragment >> 14) & FG_FRAGMENT_DF) << 40 |
		 (uint64_t)FG_IPV4 << 56;
	key[3] = l4.flags;
	key[4] = fg_straight_octets(ip + 16, 4);
	key[5] = 0;
	key[6] = fg_straight_octets(ip + 12, 4);
	key[7] = 0;
	fg_straight_rest(out, total);
	return true;
}

FG_INLINE bool fg_straight_ipv6(const uint8_t *ip, const uint8_t *end, struct fg_packet *out)
{
	fg_straight_word *key = (fg_straight_word *)(void *)&out->key;
	struct fg_straight_l4 l4;
	uint32_t length;
	uint64_t first;

	if (ip + FG_LENGTH6_MIN + 8 > end)
		return false;
	first = fg_load_be32(ip);
	length = fg_load_be16(ip + 4);
	if (first >> 28 != 6 || !fg_straight_l4(ip + FG_LENGTH6_MIN, end, ip[6], length, &l4))
		return false;
	key[0] = l4.ports;
	key[1] = length;
	key[2] = l4.octets | (first >> 22 & FG_DSCP_VALUE_MAX) << 32 | (uint64_t)FG_IPV6 << 56;
	key[3] = l4.flags | (first & FG_FLOW_LABEL_MAX) << 32;
	key[4] = fg_straight_octets(ip + 24, 8);
	key[5] = fg_straight_octets(ip + 32, 8);
	key[6] = fg_straight_octets(ip + 8, 8);
	key[7] = fg_straight_octets(ip + 16, 8);
	fg_straight_rest(out, FG_LENGTH6_MIN + length);
	return true;
}

/* The frame in [frame, end). False: the packet is for fg_packet_parse(), and *out is untouched. */
FG_INLINE bool fg_straight(const uint8_t *frame, const uint8_t *end, struct fg_packet *out)
{
	uint16_t type;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || frame + FG_STRAIGHT_L3_OCTET > end)
		return false;
	type = fg_load_be16(frame + FG_ETHERTYPE_OCTET);
	if (type == FG_ETHERTYPE_IPV4)
		return fg_straight_ipv4(frame + FG_STRAIGHT_L3_OCTET, end, out);
	return type == FG_ETHERTYPE_IPV6 && fg_straight_ipv6(frame + FG_STRAIGHT_L3_OCTET, end, out);
}

#ifndef __bpf__
enum {
	FG_STRAIGHT_PLAIN_OCTETS = FG_STRAIGHT_L3_OCTET + FG_LENGTH4_MIN + FG_STRAIGHT_FLAGS_OCTETS,
	FG_STRAIGHT_PLAIN = 0x450008, /* EtherType, and the first octet behind it, as they are in memory */
	FG_STRAIGHT_NONE = 0x10000,   /* more than any packet's octets */
};

/* What follows from an IPv4 packet's protocol and fragment bits. */
struct fg_straight_kind {
	uint64_t word;  /* of the key: what is known of the transport header, fragment state, family */
	uint32_t ports; /* bits of the ports that count */
	uint32_t flags; /* and of TCP flags */
	uint32_t least; /* octets there must be */
};

#define FG_STRAIGHT_KIND(l4, state, ports, flags, least)                                                               \
	{                                                                                                              \
		(uint64_t)(l4) << 8 | (uint64_t)(state) << 40 | (uint64_t)FG_IPV4 << 56, ports, flags,                 \
			FG_LENGTH4_MIN + (least)                                                                       \
	}
/* By the bits DF and MF. */
#define FG_STRAIGHT_WHOLE(l4, flags, least)                                                                            \
	FG_STRAIGHT_KIND(l4, FG_FRAGMENT_NONE, ~0u, flags, least),                                                     \
		FG_STRAIGHT_KIND(l4, FG_FRAGMENT_FIRST, ~0u, flags, least),                                            \
		FG_STRAIGHT_KIND(l4, FG_FRAGMENT_NONE | FG_FRAGMENT_DF, ~0u, flags, least),                            \
		FG_STRAIGHT_KIND(l4, FG_FRAGMENT_FIRST | FG_FRAGMENT_DF, ~0u, flags, least)
#define FG_STRAIGHT_LATER                                                                                              \
	FG_STRAIGHT_KIND(FG_L4_PROTO, FG_FRAGMENT_LAST, 0, 0, 0),                                                      \
		FG_STRAIGHT_KIND(FG_L4_PROTO, FG_FRAGMENT_MIDDLE, 0, 0, 0),                                            \
		FG_STRAIGHT_KIND(FG_L4_PROTO, FG_FRAGMENT_LAST | FG_FRAGMENT_DF, 0, 0, 0),                             \
		FG_STRAIGHT_KIND(FG_L4_PROTO, FG_FRAGMENT_MIDDLE | FG_FRAGMENT_DF, 0, 0, 0)

/* By protocol (other, UDP, TCP), then whether there is an offset, then DF and MF. */
static const struct fg_straight_kind fg_straight_kinds[] = {
	FG_STRAIGHT_WHOLE(0, 0, FG_STRAIGHT_NONE),
	FG_STRAIGHT_LATER,
	FG_STRAIGHT_WHOLE(FG_L4_PORTS, 0, FG_STRAIGHT_PORTS_OCTETS),
	FG_STRAIGHT_LATER,
	FG_STRAIGHT_WHOLE(FG_L4_FLAGS, (1u << FG_TCP_FLAGS_BITS) - 1, FG_STRAIGHT_FLAGS_OCTETS),
	FG_STRAIGHT_LATER,
};

/* Places in it, by protocol: what compares instead is made into a branch. */
static const uint8_t fg_straight_protocols[256] = { [FG_PROTO_UDP] = 1 << 3, [FG_PROTO_TCP] = 2 << 3 };

/* Of the IPv4 header at ip. */
FG_INLINE const struct fg_straight_kind *fg_straight_kind_of(const uint8_t *ip)
{
	uint32_t later = ((ip[6] & 0x1f) | ip[7]) != 0;

	return &fg_straight_kinds[(ip[6] >> 5 & 3) | later << 2 | fg_straight_protocols[ip[9]]];
}

/*
 * The same for IPv4 in frames of at least FG_STRAIGHT_PLAIN_OCTETS, fragments too. Who floods mixes TCP, UDP and fragments as he likes: so which of
 * them a packet is makes a place in a table, and no branch that a processor cannot foresee.
 */
FG_INLINE bool fg_straight_plain(const uint8_t *frame, struct fg_packet *out)
{
	const uint8_t *ip = frame + FG_STRAIGHT_L3_OCTET;
	const struct fg_straight_kind *kind = fg_straight_kind_of(ip);
	fg_straight_word *key = (fg_straight_word *)(void *)&out->key;
	uint32_t total = fg_load_be16(ip + 2);
	uint64_t src;

	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ ||
	    ((fg_straight_octets(ip - 2, 4) & 0xffffff) != FG_STRAIGHT_PLAIN) | (total < kind->least))
		return false;
	src = fg_load_be32(ip + 12);
	key[0] = (uint64_t)(fg_load_be32(ip + FG_LENGTH4_MIN) & kind->ports) * 0x100000001ull;
	key[1] = (total - FG_LENGTH4_MIN) | (src & 0xffff0000) | (src & 0xffff) << 32;
	key[2] = kind->word | ip[9] | (uint64_t)(ip[1] >> 2) << 32;
	key[3] = fg_load_be16(ip + FG_LENGTH4_MIN + 12) & kind->flags;
	key[4] = fg_straight_octets(ip + 16, 4);
	key[5] = 0;
	key[6] = fg_straight_octets(ip + 12, 4);
	key[7] = 0;
	fg_straight_rest(out, total);
	return true;
}
#endif

#endif
