/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Test input for everything that is compared with the oracle: rules as NLRI octets and packets as frames, both
 * drawn from one small universe of addresses, ports and lengths, so that they meet often. Comes in: a seed. Goes
 * out: octets only. What always holds: the same seed gives the same input on every machine; rules are valid NLRI
 * unless or_gen_damage() is asked for; frames lie inside their buffers. generate.c makes rules, frame.c builds
 * frames, aim.c chooses packets.
 */
#ifndef TESTS_ORACLE_GENERATE_H
#define TESTS_ORACLE_GENERATE_H

#include "tests/oracle/oracle.h"

enum {
	OR_GEN_NLRI_MAX = 1024, /* octets of a generated NLRI */
	OR_GEN_FRAME_MAX = 768, /* octets captured of a generated frame */
	OR_GEN_CHAIN_MAX = 10,  /* extension headers in a generated chain: two more than are legal */
};

/* xorshift64*; never 0. */
struct or_random {
	uint64_t state;
};

struct or_random or_random_seed(uint64_t seed);
uint64_t or_random_next(struct or_random *r);
/* 0 .. n - 1; n > 0. */
uint32_t or_random_below(struct or_random *r, uint32_t n);
/* True `percent` times of 100. */
bool or_random_chance(struct or_random *r, uint32_t percent);

/* A rule as it would be received. */
struct or_gen_rule {
	enum or_family family;
	bool full_offset;
	bool go_on; /* the T bit */
	uint16_t len;
	uint8_t octets[OR_GEN_NLRI_MAX];
};

/* What kind of rules to draw; all zero is a usable default: satisfiable in part, terminal, no continue. */
struct or_gen_rules {
	uint32_t wild_percent;   /* rules whose components need not go together */
	uint32_t go_on_percent;  /* rules with the T bit */
	uint32_t full_percent;   /* IPv6 rules in the full-length offset form */
	uint32_t no_dst_percent; /* rules without a destination */
	uint32_t src_percent;    /* rules with a source; 0: 30 */
};

void or_gen_rule(struct or_random *r, enum or_family family, const struct or_gen_rules *how, struct or_gen_rule *out);
/* Changes, removes or inserts a few octets: most results are malformed, some are other rules. May leave len 0. */
void or_gen_damage(struct or_random *r, struct or_gen_rule *rule);
/* An address of the universe: 4 or 16 octets. */
void or_gen_address(struct or_random *r, enum or_family family, uint8_t *out);

/* A frame and how much of it there is. captured <= OR_GEN_FRAME_MAX, captured <= wire. */
struct or_gen_frame {
	enum or_link link;
	size_t captured;
	size_t wire;
	uint8_t octets[OR_GEN_FRAME_MAX];
};

/* A packet in words; or_gen_build() makes the frame. Fields that the packet's kind has no place for are ignored. */
struct or_gen_packet {
	enum or_family family;
	enum or_link link;
	uint8_t tags;       /* VLAN tags, 3 at most: the third hides the IP header */
	uint16_t ethertype; /* 0: that of the family */
	uint8_t version;    /* 0: that of the family */
	uint8_t dst[16];
	uint8_t src[16];
	uint8_t dscp;
	uint32_t flow_label;
	uint8_t protocol;
	uint16_t sport, dport;
	uint8_t icmp_type, icmp_code;
	uint16_t tcp_flags; /* twelve bits */
	uint32_t length;    /* total IP length wanted; raised to what the headers take unless exact_length */
	bool exact_length;
	uint8_t header_words; /* IPv4 IHL, 5..15; below 5 makes a malformed header of 20 octets */
	uint8_t fragment;     /* bits as in component 12: DF, FIRST, IS (a middle one), IS|LAST */
	bool atomic;          /* IPv6: a fragment header with offset 0 and M clear */
	uint8_t chain_count;  /* IPv6: extension headers beside the fragment header */
	uint8_t chain[OR_GEN_CHAIN_MAX];
	uint8_t chain_units[OR_GEN_CHAIN_MAX]; /* their Hdr Ext Len */
	uint8_t fragment_place;                /* the fragment header goes before chain[fragment_place] */
	size_t cut;                            /* > 0: only that many octets of the frame are captured */
	bool cut_wire;                         /* the wire had no more than the captured octets either */
	uint32_t padding;                      /* octets behind the IP packet */
};

void or_gen_build(const struct or_gen_packet *p, struct or_gen_frame *out);

/* What kind of packets to draw. Odd: malformed, snapped, cut, not IP. */
struct or_gen_packets {
	uint32_t odd_percent;
	bool no_snap; /* never captured < wire, for users that have no such thing */
	bool no_raw;  /* Ethernet only */
};

void or_gen_packet(struct or_random *r, enum or_family family, const struct or_gen_packets *how,
		   struct or_gen_packet *out);
/*
 * A packet made to satisfy `rule`, or with `miss`, to satisfy all of it but one component, and that one by a value
 * next to the border where there is one. Where the rule cannot be satisfied the packet is only near.
 */
void or_gen_aim(struct or_random *r, const struct or_gen_rule *rule, bool miss, const struct or_gen_packets *how,
		struct or_gen_packet *out);

#endif
