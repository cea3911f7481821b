/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The naive reference: what a set of flow specification rules does to a packet, written from the RFCs alone. It shares
 * no code, no header and no idea of speed with the engine, so that the two cannot be wrong in the same way.
 *
 * Comes in: NLRI octets as received (nlri.c), frames as captured (packet.c). Goes out: validity, order (order.c), facts
 * of a packet, whether a rule matches (match.c) and which rules are applied, in order (table.c). What always holds:
 * nothing is canonicalised; operators are evaluated on the received octets, one packet and one rule at a time.
 * Reading order: nlri.c, packet.c, match.c, order.c, table.c. The generators of test input are in generate.h.
 */
#ifndef TESTS_ORACLE_ORACLE_H
#define TESTS_ORACLE_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OR_NLRI_MAX = 4095,
	OR_COMPONENTS_MAX = 13,
	OR_TERMS_MAX = OR_NLRI_MAX / 2,
};

enum or_family { OR_IPV4 = 4, OR_IPV6 = 6 };

/* Component types: RFC 8955 §4.2.2, RFC 8956 §3. */
enum or_type {
	OR_DESTINATION = 1,
	OR_SOURCE = 2,
	OR_PROTOCOL = 3,
	OR_PORT = 4,
	OR_DESTINATION_PORT = 5,
	OR_SOURCE_PORT = 6,
	OR_ICMP_TYPE = 7,
	OR_ICMP_CODE = 8,
	OR_TCP_FLAGS = 9,
	OR_PACKET_LENGTH = 10,
	OR_DSCP = 11,
	OR_FRAGMENT = 12,
	OR_FLOW_LABEL = 13,
};

/* Bits of component 12, and of struct or_packet.fragment: RFC 8955 §4.2.2.12. */
enum { OR_FRAGMENT_DF = 1, OR_FRAGMENT_IS = 2, OR_FRAGMENT_FIRST = 4, OR_FRAGMENT_LAST = 8 };

struct or_component {
	uint8_t type;
	uint16_t len;          /* octets of body */
	const uint8_t *body;   /* what follows the type octet, in the octets given to or_nlri_decode() */
	uint8_t prefix_length; /* types 1 and 2 only, as are the two below */
	uint8_t prefix_offset;
	uint8_t prefix[16]; /* in address position; bits outside [offset, length) are 0 */
};

/* One {operator, value} of a list, as received. */
struct or_term {
	uint8_t op;
	uint8_t width; /* octets of the value */
	uint64_t value;
};

struct or_nlri {
	enum or_family family;
	uint16_t len;
	const uint8_t *octets; /* the caller's */
	size_t count;
	struct or_component component[OR_COMPONENTS_MAX];
};

/*
 * Reads the components of one NLRI (no length octets, no RD). `full_offset`: an IPv6 prefix with an offset carries all
 * `length` bits, not only those behind the offset. False: malformed, *out is untouched. RFC 8955 §4.2, RFC 8956 §3.1.
 */
bool or_nlri_decode(enum or_family family, bool full_offset, const uint8_t *octets, size_t len, struct or_nlri *out);

/*
 * The length octets in front of an NLRI (RFC 8955 §4.1): octets they take (1 or 2) and *nlri_len, or 0 where the
 * NLRI is not wholly inside `left` octets.
 */
size_t or_nlri_length(const uint8_t *octets, size_t left, size_t *nlri_len);

/* The term at `octets` (`left` of them): octets it takes, or 0 where it runs over the end. */
size_t or_term_read(const uint8_t *octets, size_t left, struct or_term *out);

/* All terms of a component with a list. At most `room` are written; answers how many there are. */
size_t or_terms(const struct or_component *c, struct or_term *out, size_t room);

/* < 0: a is evaluated first; > 0: b is; 0: the same octets. One family. RFC 8955 §5.1, RFC 8956 §4. */
int or_order(const struct or_nlri *a, const struct or_nlri *b);

enum or_link { OR_LINK_ETHERNET, OR_LINK_RAW };
enum or_kind { OR_NOT_IP, OR_MALFORMED, OR_IP };

/* Facts of a packet, host byte order. A fact is valid only where its has_ is true; without one, always (of OR_IP). */
struct or_packet {
	enum or_kind kind;
	enum or_family family;
	uint8_t dst[16]; /* IPv4: the first four octets */
	uint8_t src[16];
	uint32_t length;
	uint8_t dscp;
	uint32_t flow_label; /* IPv6 */
	bool has_protocol;
	uint8_t protocol;
	bool has_fragment;
	uint8_t fragment; /* bits as in component 12 */
	bool has_ports;
	uint16_t sport;
	uint16_t dport;
	bool has_icmp_type;
	uint8_t icmp_type;
	bool has_icmp_code;
	uint8_t icmp_code;
	bool has_tcp_flags;
	uint16_t tcp_flags;   /* octets 13 and 14 of the header, the data offset taken as 0 */
	bool has_payload;     /* its first octet is captured */
	size_t payload_at;    /* in the frame */
	size_t payload_there; /* octets captured */
	size_t payload_len;   /* octets that the IP length says there are */
};

/*
 * `captured` octets of a frame that had `wire` octets. Captured less than wire is a snapped capture: what it lacks is
 * unknown, not malformed.
 */
void or_packet_read(enum or_link link, const uint8_t *frame, size_t captured, size_t wire, struct or_packet *out);

/* A list of numeric terms (RFC 8955 §4.2.1.1) for one value; `mask` is laid over the values of the list. */
bool or_numeric_list(const struct or_component *c, uint64_t value, uint64_t mask);
/* A list of bitmask terms (RFC 8955 §4.2.1.2) likewise. */
bool or_bitmask_list(const struct or_component *c, uint64_t data, uint64_t mask);

/* One component against a packet of kind OR_IP. */
bool or_component_match(const struct or_component *c, const struct or_packet *p);

/* 0 where the rule matches; else the type of its first component that does not; -1 not IP or another family. */
int or_nlri_match(const struct or_nlri *rule, const struct or_packet *p);

/* A table of rules. Ids are the caller's, unique. */
struct or_table;

struct or_table *or_table_new(void);
void or_table_free(struct or_table *t);
/*
 * Copies the octets. `go_on`: the T bit, later rules are evaluated too (RFC 8955 §7.3). 0, -EINVAL (malformed) or
 * -ENOMEM.
 */
int or_table_add(struct or_table *t, uint32_t id, enum or_family family, bool full_offset, bool go_on,
		 const uint8_t *octets, size_t len);
/* 0 or -ENOENT. */
int or_table_delete(struct or_table *t, uint32_t id);
size_t or_table_count(const struct or_table *t);
/* Id of the rule at `rank` (from 0) of all rules in order, IPv4 before IPv6. rank < count. */
uint32_t or_table_at(struct or_table *t, size_t rank);
/*
 * The rules applied to a packet, in order: every match up to and including the first that does not go on. Writes the
 * first `room` ids and answers how many there are.
 */
size_t or_table_evaluate(struct or_table *t, const struct or_packet *p, uint32_t *ids, size_t room);

#endif
