/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet key: everything of a packet that a rule can ask about, gathered by one bounded header walk.
 * Shared by the XDP program, the DPDK workers and the offline verbs.
 */
#ifndef FLOWGATE_PACKET_H
#define FLOWGATE_PACKET_H

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

/* Fragment state of a packet: FG_FRAGMENT_DF or'ed to one of the others, or unknown (an IPv6 chain cut by the capture). */
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
			uint16_t length;      /* total IP length less 20 (IPv4) or 40 (IPv6): every value fits */
			uint16_t src_hi;      /* IPv4 source, upper and lower half; 0 for IPv6 */
			uint16_t src_lo;
			uint16_t spare16;
			uint8_t proto;        /* IPv6: the first Next Header that is no extension header */
			uint8_t l4;           /* enum fg_l4 */
			uint8_t icmp_type;
			uint8_t icmp_code;
			uint8_t dscp;
			uint8_t fragment;     /* enum fg_fragment_state */
			uint8_t spare8;
			uint8_t family;       /* enum fg_family */
			uint16_t tcp_flags;   /* twelve bits: octets 13-14 of the header, the data offset taken as 0 */
			uint16_t spare;
			uint32_t flow_label;  /* 20 bits, 0 for IPv4 */
			uint8_t dst[16];      /* IPv4 in the first four, the rest 0 */
			uint8_t src[16];
		};
		uint8_t octet[FG_LINE_OCTETS];
	};
} __attribute__((aligned(FG_LINE_OCTETS)));

_Static_assert(sizeof(struct fg_key) == FG_LINE_OCTETS, "the key is one line");

#endif
