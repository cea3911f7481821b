/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet key: everything of a packet that a rule can ask about, gathered by one bounded header walk. In comes a
 * frame or a raw IP packet, out goes a struct fg_packet; match.h is next. Shared by the XDP program, the DPDK
 * workers and the offline verbs.
 *
 * What always holds: no octet outside [data, end) is read; at most FG_VLAN_TAGS_MAX tags and FG_EXT_HEADERS_MAX
 * extension headers are walked; no field is taken from behind the IP length, so frame padding never counts; a field
 * is in the key only where the packet has it (`l4`, `fragment` say so). Checksums and the UDP length are not looked
 * at.
 */
#ifndef FLOWGATE_PACKET_H
#define FLOWGATE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgate/limits.h"
#include "flowgate/rule.h"
#include "flowgate/wire.h"

/*
 * What is known of the transport header. Ordered so that each component's condition is one interval:
 * protocol >= PROTO; ports PORTS..FLAGS; TCP flags FLAGS; ICMP type TYPE..CODE; ICMP code CODE.
 */
enum fg_l4 {
	FG_L4_UNKNOWN = 0, /* the capture ends before the protocol is known */
	FG_L4_PROTO,       /* the protocol alone */
	FG_L4_PORTS,       /* TCP or UDP, four octets of it */
	FG_L4_FLAGS,       /* TCP, fourteen octets of it */
	FG_L4_TYPE,        /* ICMP of the packet's family, its first octet */
	FG_L4_CODE,        /* ICMP, two octets of it */
};

/*
 * Fragment state of a packet: FG_FRAGMENT_DF or'ed to one of the others, or unknown (an IPv6 chain cut by the
 * capture).
 */
enum fg_fragment_state {
	FG_FRAGMENT_NONE = 0,
	FG_FRAGMENT_DF = 1,
	FG_FRAGMENT_FIRST = 2,
	FG_FRAGMENT_MIDDLE = 4,
	FG_FRAGMENT_LAST = 6,
	FG_FRAGMENT_UNKNOWN = 8,
	FG_FRAGMENT_STATES = 9,
};

/*
 * One line. All numbers in host byte order, addresses as on the wire; what is absent is 0. The lanes are laid out as a
 * rule line of the image is (table.h), so that a rule is compared with two vector operations.
 */
struct fg_key {
	union {
		struct {
			uint16_t dport;
			uint16_t sport;
			uint16_t dport_again;
			uint16_t sport_again;
			uint16_t length; /* total IP length less 20 (IPv4) or 40 (IPv6): every value fits */
			uint16_t src_hi; /* IPv4 source, upper and lower half; 0 for IPv6 */
			uint16_t src_lo;
			uint16_t spare16;
			uint8_t proto; /* IPv6: the first Next Header that is no extension header */
			uint8_t l4;    /* enum fg_l4 */
			uint8_t icmp_type;
			uint8_t icmp_code;
			uint8_t dscp;
			uint8_t fragment; /* enum fg_fragment_state */
			uint8_t spare8;
			uint8_t family;     /* enum fg_family */
			uint16_t tcp_flags; /* twelve bits: octets 13-14 of the header, the data offset taken as 0 */
			uint16_t spare;
			uint32_t flow_label; /* 20 bits, 0 for IPv4 */
			uint8_t dst[16];     /* IPv4 in the first four, the rest 0 */
			uint8_t src[16];
		};
		struct {
			uint16_t lane16[8];
			uint8_t lane8[8];
		};
		uint8_t octet[FG_LINE_OCTETS];
	};
} __attribute__((aligned(FG_LINE_OCTETS)));

_Static_assert(sizeof(struct fg_key) == FG_LINE_OCTETS, "the key is one line");

/* Whether there is a key, and if not, why. */
enum fg_packet_what {
	FG_PACKET_IP = 0,
	FG_PACKET_NOT_IP,    /* no IP, or the capture ends within its fixed header */
	FG_PACKET_MALFORMED, /* IP, but not to be understood */
};

struct fg_packet {
	struct fg_key key;  /* of meaning only for FG_PACKET_IP, as is ip_length */
	uint32_t ip_length; /* total length, IP header included: what rates count */
	uint16_t l3_octet;  /* where the IP header begins; of no meaning for FG_PACKET_NOT_IP */
	uint8_t what;       /* enum fg_packet_what */
};

/* Numbers of the headers the walk knows (IANA: EtherType, IPv6 extension header types, protocol numbers). */
enum {
	FG_ETHERTYPE_IPV4 = 0x0800,
	FG_ETHERTYPE_IPV6 = 0x86dd,
	FG_ETHERTYPE_VLAN = 0x8100,
	FG_ETHERTYPE_QINQ = 0x88a8,
	FG_ETHERTYPE_OCTET = 12,

	FG_NEXT_FRAGMENT = 44,
	FG_NEXT_AUTHENTICATION = 51,
	FG_EXT_HEADER_MIN = 8,
	FG_EXT_HEADER_MAX = 256 * 8,

	FG_PROTO_ICMP = 1,
	FG_PROTO_TCP = 6,
	FG_PROTO_UDP = 17,
	FG_PROTO_ICMPV6 = 58,
};

/*
 * The farthest place the walk can get to, and masks above it: the BPF verifier adds no unbounded number to a packet
 * pointer.
 */
enum {
	FG_L3_MAX = FG_ETHERTYPE_OCTET + 2 + 4 * FG_VLAN_TAGS_MAX + 4, /* behind one tag too many */
	FG_WALK_MAX = FG_L3_MAX + FG_LENGTH6_MIN + FG_EXT_HEADERS_MAX * FG_EXT_HEADER_MAX,
	FG_WALK_MASK = 0x7fff,
	FG_WALK_L3_MASK = 0x3f, /* likewise for the place of the IP header */
};

_Static_assert((int)FG_WALK_MAX < (int)FG_WALK_MASK, "the mask changes no place");
_Static_assert((int)FG_L3_MAX < (int)FG_WALK_L3_MASK, "nor does this one");

/*
 * Where the walk is, and the three ends it may meet: `left` is what the IP length still grants at `at`; `end` is
 * where the data end; the frame ended `missing` octets behind that, not 0 where the capture is cut.
 */
struct fg_walk {
	const uint8_t *data;
	const uint8_t *end;
	uint32_t missing;
	uint32_t at;
	uint32_t left;
};

#define FG_MISSING_UNKNOWN 0x7fffffffu

/*
 * True, and *p is the octet at w->at, where `n` octets from there are within the data; *p must not be used
 * otherwise. The BPF verifier follows only a comparison of that very pointer with the end, so the compiler must not
 * make it twice.
 */
FG_INLINE bool fg_walk_has(const struct fg_walk *w, uint32_t n, const uint8_t **p)
{
#ifdef __bpf__
	const uint8_t *at = w->data + (w->at & FG_WALK_MASK);

	__asm__ volatile("" : "+r"(at));
	*p = at;
	return at + n <= w->end;
#else
	if ((size_t)(w->end - w->data) < (size_t)w->at + n)
		return false;
	*p = w->data + w->at;
	return true;
#endif
}

/* True where not only the data but the frame as it was ends before `n` octets from w->at: the sender's fault. */
FG_INLINE bool fg_walk_overruns(const struct fg_walk *w, uint32_t n)
{
	const uint8_t *p;

	if (fg_walk_has(w, n, &p))
		return false;
	if (w->missing == 0 || w->missing == FG_MISSING_UNKNOWN)
		return w->missing == 0;
	return (uint64_t)w->at + n > (uint64_t)(w->end - w->data) + w->missing;
}

/* Copies an address of 4 or 16 octets; BPF may load unaligned words but its compiler does not know. */
FG_INLINE void fg_packet_copy_address(uint8_t *to, const uint8_t *from, size_t n)
{
#ifdef __bpf__
	for (size_t i = 0; i < n / 4; i++)
		((uint32_t *)(void *)to)[i] = ((const uint32_t *)(const void *)from)[i];
#else
	__builtin_memcpy(to, from, n);
#endif
}

/*
 * Fragment state without the DF bit: offset not zero, more fragments (RFC 8955 §4.2.2.12; atomic is none, RFC 8956
 * §3.6).
 */
FG_INLINE uint8_t fg_packet_fragment(bool offset, bool more)
{
	if (offset)
		return more ? FG_FRAGMENT_MIDDLE : FG_FRAGMENT_LAST;
	return more ? FG_FRAGMENT_FIRST : FG_FRAGMENT_NONE;
}

/* Extension headers that are walked over: 0, 43, 44, 51, 60, 135, 139, 140; 50 and 59 are protocols (RFC 8956 §3.3). */
FG_INLINE bool fg_packet_is_extension(uint8_t next)
{
	const uint64_t low = 1ull << 0 | 1ull << 43 | 1ull << 44 | 1ull << 51 | 1ull << 60;
	const uint64_t high = 1ull << (135 - 128) | 1ull << (139 - 128) | 1ull << (140 - 128);

	if (next < 64)
		return (low >> next) & 1;
	return next >= 128 && next < 192 && ((high >> (next - 128)) & 1);
}

/*
 * Octets of an extension header by its second octet; that of a fragment header is reserved (RFC 8200 §4.5, RFC 4302
 * §2.2).
 */
FG_INLINE uint32_t fg_packet_extension_octets(uint8_t type, uint8_t length)
{
	if (type == FG_NEXT_FRAGMENT)
		return FG_EXT_HEADER_MIN;
	if (type == FG_NEXT_AUTHENTICATION)
		return (length + 2u) * 4;
	return (length + 1u) * 8;
}

/*
 * Ports, flags, type and code, as far as both the IP length and the data reach. Needs key->proto and key->l4
 * (PROTO).
 */
FG_INLINE void fg_packet_transport(const struct fg_walk *w, struct fg_key *key)
{
	const uint8_t *p;

	if (key->proto == FG_PROTO_TCP || key->proto == FG_PROTO_UDP) {
		if (w->left < 4 || !fg_walk_has(w, 4, &p))
			return;
		key->sport = key->sport_again = fg_load_be16(p);
		key->dport = key->dport_again = fg_load_be16(p + 2);
		key->l4 = FG_L4_PORTS;
		if (key->proto != FG_PROTO_TCP || w->left < 14 || !fg_walk_has(w, 14, &p))
			return;
		key->tcp_flags = fg_load_be16(p + 12) & ((1 << FG_TCP_FLAGS_BITS) - 1);
		key->l4 = FG_L4_FLAGS;
	} else if (key->proto == (key->family == FG_IPV6 ? FG_PROTO_ICMPV6 : FG_PROTO_ICMP)) {
		if (w->left < 1 || !fg_walk_has(w, 1, &p))
			return;
		key->icmp_type = p[0];
		key->l4 = FG_L4_TYPE;
		if (w->left < 2 || !fg_walk_has(w, 2, &p))
			return;
		key->icmp_code = p[1];
		key->l4 = FG_L4_CODE;
	}
}

/*
 * The IPv4 header (RFC 791 §3.1). Leaves the walk at the payload, with nothing left where a later fragment has no
 * transport.
 */
FG_INLINE enum fg_packet_what fg_packet_ipv4(struct fg_walk *w, struct fg_packet *out)
{
	struct fg_key *key = &out->key;
	uint32_t header, total, fragment;
	const uint8_t *p;

	if (!fg_walk_has(w, FG_LENGTH4_MIN, &p))
		return fg_walk_overruns(w, FG_LENGTH4_MIN) ? FG_PACKET_MALFORMED : FG_PACKET_NOT_IP;
	header = (p[0] & 0xfu) * 4;
	total = fg_load_be16(p + 2);
	if (p[0] >> 4 != 4 || header < FG_LENGTH4_MIN || total < header || fg_walk_overruns(w, header))
		return FG_PACKET_MALFORMED;
	fragment = fg_load_be16(p + 6);
	key->family = FG_IPV4;
	key->dscp = p[1] >> 2;
	key->length = (uint16_t)(total - FG_LENGTH4_MIN);
	key->fragment = fg_packet_fragment(fragment & 0x1fff, fragment & 0x2000);
	key->fragment |= fragment & 0x4000 ? FG_FRAGMENT_DF : 0;
	key->proto = p[9];
	key->l4 = FG_L4_PROTO;
	key->src_hi = fg_load_be16(p + 12);
	key->src_lo = fg_load_be16(p + 14);
	fg_packet_copy_address(key->src, p + 12, 4);
	fg_packet_copy_address(key->dst, p + 16, 4);
	out->ip_length = total;
	w->at += header;
	w->left = fragment & 0x1fff ? 0 : total - header;
	return FG_PACKET_IP;
}

/*
 * The data end in a header of the chain. If the capture is why, the fragment state is known where its header has
 * been met.
 */
FG_INLINE enum fg_packet_what fg_packet_chain_ends(struct fg_walk *w, bool met, struct fg_key *key)
{
	if (fg_walk_overruns(w, FG_EXT_HEADER_MIN))
		return FG_PACKET_MALFORMED;
	if (!met)
		key->fragment = FG_FRAGMENT_UNKNOWN;
	key->l4 = FG_L4_UNKNOWN;
	w->left = 0;
	return FG_PACKET_IP;
}

/*
 * The extension headers, from `next` to the protocol (RFC 8200 §4). A header is read where its first two octets are
 * there, four of a fragment header; of a cut capture its rest may be missing. Leaves the walk as fg_packet_ipv4()
 * does.
 */
FG_INLINE enum fg_packet_what fg_packet_chain(struct fg_walk *w, uint8_t next, struct fg_key *key)
{
	bool met = false;

	for (uint32_t n = 0; fg_packet_is_extension(next); n++) {
		uint32_t octets, fragment = 0;
		const uint8_t *p;
		uint8_t type = next;

		if (n == FG_EXT_HEADERS_MAX || w->left < FG_EXT_HEADER_MIN)
			return FG_PACKET_MALFORMED;
		if (!fg_walk_has(w, 2, &p))
			return fg_packet_chain_ends(w, met, key);
		next = p[0];
		octets = fg_packet_extension_octets(type, p[1]);
		if (octets > w->left)
			return FG_PACKET_MALFORMED;
		if (type == FG_NEXT_FRAGMENT) {
			if (!fg_walk_has(w, 4, &p))
				return fg_packet_chain_ends(w, met, key);
			fragment = fg_load_be16(p + 2);
			met = true;
			if (fragment & 0xfff9)
				key->fragment = fg_packet_fragment(fragment & 0xfff8, fragment & 1);
		}
		w->at += octets;
		w->left -= octets;
		if (fg_walk_overruns(w, 0))
			return FG_PACKET_MALFORMED;
		if (fragment & 0xfff8) {
			w->left = 0; /* what follows is the middle of something */
			break;
		}
	}
	key->proto = next;
	key->l4 = FG_L4_PROTO;
	return FG_PACKET_IP;
}

/* The IPv6 header and what is chained to it (RFC 8200 §3). */
FG_INLINE enum fg_packet_what fg_packet_ipv6(struct fg_walk *w, struct fg_packet *out)
{
	struct fg_key *key = &out->key;
	const uint8_t *p;

	if (!fg_walk_has(w, FG_LENGTH6_MIN, &p))
		return fg_walk_overruns(w, FG_LENGTH6_MIN) ? FG_PACKET_MALFORMED : FG_PACKET_NOT_IP;
	if (p[0] >> 4 != 6)
		return FG_PACKET_MALFORMED;
	key->family = FG_IPV6;
	key->dscp = (uint8_t)(fg_load_be16(p) >> 6 & FG_DSCP_VALUE_MAX);
	key->flow_label = fg_load_be32(p) & FG_FLOW_LABEL_MAX;
	key->length = fg_load_be16(p + 4);
	fg_packet_copy_address(key->src, p + 8, 16);
	fg_packet_copy_address(key->dst, p + 24, 16);
	out->ip_length = FG_LENGTH6_MIN + (uint32_t)key->length;
	w->at += FG_LENGTH6_MIN;
	/* 0 before a hop-by-hop header is a jumbogram (RFC 2675 §3): the chain finds no room for that header. */
	w->left = key->length;
	return fg_packet_chain(w, p[6], key);
}

/* The EtherType behind at most FG_VLAN_TAGS_MAX tags, the walk at what follows it; 0 where it is not there. */
FG_INLINE uint16_t fg_packet_ethertype(struct fg_walk *w)
{
	uint16_t type = 0;
	const uint8_t *p;

	w->at = FG_ETHERTYPE_OCTET;
	for (uint32_t tags = 0; tags <= FG_VLAN_TAGS_MAX; tags++) {
		if (!fg_walk_has(w, 2, &p))
			return 0;
		type = fg_load_be16(p);
		w->at += 2;
		if (type != FG_ETHERTYPE_VLAN && type != FG_ETHERTYPE_QINQ)
			return type;
		w->at += 2;
	}
	return type;
}

/* The IP packet where the walk is, whose family `type` says as an EtherType. */
FG_INLINE void fg_packet_walk(struct fg_walk *w, uint16_t type, struct fg_packet *out)
{
	__builtin_memset(&out->key, 0, sizeof(out->key));
	out->ip_length = 0;
	out->l3_octet = (uint16_t)w->at;
#ifdef __bpf__
	/* Once through memory: the verifier forgets which tags were there, or it would follow each stack to the end. */
	w->at = *(volatile uint16_t *)&out->l3_octet & FG_WALK_L3_MASK;
#endif
	if (type == FG_ETHERTYPE_IPV4)
		out->what = (uint8_t)fg_packet_ipv4(w, out);
	else if (type == FG_ETHERTYPE_IPV6)
		out->what = (uint8_t)fg_packet_ipv6(w, out);
	else
		out->what = FG_PACKET_NOT_IP;
	if (out->what == FG_PACKET_IP)
		fg_packet_transport(w, &out->key);
}

/*
 * The Ethernet frame in [data, end), which was `missing` octets longer before the capture cut it, 0 where it is
 * whole. What those octets would have told is unknown, never malformed. Always sets all of *out.
 */
FG_INLINE void fg_packet_parse_missing(const uint8_t *data, const uint8_t *end, uint32_t missing, struct fg_packet *out)
{
	struct fg_walk w = { .data = data, .end = end, .missing = missing };
	uint16_t type = fg_packet_ethertype(&w);

	fg_packet_walk(&w, type, out);
}

/* The same for a link type that begins with the IP header: its version says the family, anything else is no IP. */
FG_INLINE void fg_packet_parse_ip_missing(const uint8_t *data, const uint8_t *end, uint32_t missing,
					  struct fg_packet *out)
{
	struct fg_walk w = { .data = data, .end = end, .missing = missing };
	uint8_t version = 0;
	uint16_t type = 0;
	const uint8_t *p;

	if (fg_walk_has(&w, 1, &p))
		version = p[0] >> 4;
	if (version == 4)
		type = FG_ETHERTYPE_IPV4;
	else if (version == 6)
		type = FG_ETHERTYPE_IPV6;
	fg_packet_walk(&w, type, out);
}

/* The two for those who know no more than that the capture is cut. */
FG_INLINE void fg_packet_parse(const uint8_t *data, const uint8_t *end, bool cut, struct fg_packet *out)
{
	fg_packet_parse_missing(data, end, cut ? FG_MISSING_UNKNOWN : 0, out);
}

FG_INLINE void fg_packet_parse_ip(const uint8_t *data, const uint8_t *end, bool cut, struct fg_packet *out)
{
	fg_packet_parse_ip_missing(data, end, cut ? FG_MISSING_UNKNOWN : 0, out);
}

#endif
