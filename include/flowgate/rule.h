/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A rule, as every part of Flowgate passes it on: the received NLRI octets (they are its identity and its rank),
 * the decoded actions, and what its owner said of it.
 */
#ifndef FLOWGATE_RULE_H
#define FLOWGATE_RULE_H

#include <stdbool.h>
#include <stdint.h>

#include "flowgate/limits.h"

enum fg_family { FG_IPV4 = 0, FG_IPV6 = 1, FG_FAMILY_COUNT };

/* Component types (RFC 8955 §4.2.2, RFC 8956 §3). */
enum fg_component_type {
	FG_DST = 1,
	FG_SRC,
	FG_PROTO,
	FG_PORT,
	FG_DPORT,
	FG_SPORT,
	FG_ICMP_TYPE,
	FG_ICMP_CODE,
	FG_TCP_FLAGS,
	FG_LENGTH,
	FG_DSCP,
	FG_FRAGMENT,
	FG_FLOW_LABEL,
};

/* Bits of a numeric or bitmask operator octet (RFC 8955 §4.2.1). */
enum {
	FG_OP_END = 0x80,
	FG_OP_AND = 0x40,
	FG_OP_LEN_SHIFT = 4,
	FG_OP_LEN_MASK = 0x30,
	FG_OP_LT = 0x04,
	FG_OP_GT = 0x02,
	FG_OP_EQ = 0x01,
	FG_OP_NOT = 0x02,   /* bitmask operator */
	FG_OP_MATCH = 0x01, /* bitmask operator */
};

/* Bits of the fragment bitmask (RFC 8955 §4.2.2.12). */
enum { FG_FRAG_DF = 1, FG_FRAG_IS = 2, FG_FRAG_FIRST = 4, FG_FRAG_LAST = 8 };

/* What a rule asks for; a rule with none of these set accepts and stops (RFC 8955 §7). */
enum fg_action_bit {
	FG_ACT_DISCARD = 1 << 0,
	FG_ACT_RATE_BYTES = 1 << 1,
	FG_ACT_RATE_PACKETS = 1 << 2,
	FG_ACT_MARK = 1 << 3,
	FG_ACT_REDIRECT_RT = 1 << 4, /* route target: rt[8], or rt6[20] where FG_ACT_RT6 */
	FG_ACT_REDIRECT_IP = 1 << 5, /* next hop: address */
	FG_ACT_COPY = 1 << 6,        /* with FG_ACT_REDIRECT_IP: a copy goes there, the packet goes on */
	FG_ACT_SAMPLE = 1 << 7,
	FG_ACT_CONTINUE = 1 << 8, /* T set: evaluate later rules too */
	FG_ACT_RT6 = 1 << 9,
	FG_ACT_UNKNOWN = 1 << 10,    /* communities were there that mean no action to us: shown, never enforced */
	FG_ACT_PROTECT = 1 << 11,    /* a protect entry, never a rule's: passes, whatever rules say */
	FG_ACT_COUNT_ONLY = 1 << 12, /* counted, nothing is done, and later rules are evaluated */
};

struct fg_address {
	uint8_t family;     /* enum fg_family */
	uint8_t octets[16]; /* IPv4 in the first four; the rest zero */
};

struct fg_actions {
	uint32_t set;                   /* of enum fg_action_bit */
	float rate_bytes_per_s;         /* as on the wire: finite and > 0 where FG_ACT_RATE_BYTES */
	float rate_packets_per_s;       /* likewise */
	uint8_t dscp;                   /* 0..63 where FG_ACT_MARK */
	uint8_t rt[FG_EXTCOMM6_OCTETS]; /* the community as received, 8 octets, or 20 where FG_ACT_RT6 */
	struct fg_address next_hop;
};

/* The address pattern of component 1 or 2: bits [offset, length) of the address equal those of `octets`. */
struct fg_prefix {
	uint8_t offset;     /* 0 for IPv4 */
	uint8_t length;     /* 0..32 or 0..128; offset < length unless both are 0 */
	uint8_t octets[16]; /* in address position: pattern bits in place, all others zero */
};

/*
 * How an IPv6 prefix with offset > 0 is laid out. Strict (RFC 8956 §3.1): only bits [offset, length), left-aligned. Full
 * (GoBGP, ExaBGP): all `length` bits. Some octets are valid in both with different meanings, so it is never guessed.
 */
enum fg_offset_form { FG_OFFSET_STRICT = 0, FG_OFFSET_FULL };

struct fg_rule {
	uint8_t family; /* enum fg_family */
	bool vpn;       /* SAFI 134: rd is set */
	uint8_t rd[8];
	uint16_t nlri_len;   /* <= FG_NLRI_MAX */
	const uint8_t *nlri; /* components only: no length octets, no RD. Owned by whoever made the rule */
	uint8_t offset_form; /* enum fg_offset_form: how the octets of an IPv6 prefix with an offset are read */
	struct fg_actions actions;
	char name[FG_NAME_MAX + 1]; /* "" if the rule has none */
	uint32_t pattern;           /* number of its payload pattern and 1; 0: it has none */
	uint64_t
		turn; /* of its place among rules of the same NLRI, the lowest first; 0: it has no pattern, and is last */
};

/* An interval of field values, both ends included. A canonical list is ascending, disjoint and not adjacent. */
struct fg_interval {
	uint32_t lo;
	uint32_t hi;
};

/* The truth table of a TCP flags component over the twelve bits a packet has: bit v of the table is the answer for v. */
struct fg_tcp_table {
	uint64_t word[(1 << FG_TCP_FLAGS_BITS) / 64];
};

#endif
