/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every bound of the system, in one place and derived from each other where they depend on each other.
 * A loop or a queue elsewhere is capped by a name from this file.
 */
#ifndef FLOWGATE_LIMITS_H
#define FLOWGATE_LIMITS_H

enum {
	/* The wire. */
	FG_NLRI_MAX = 4095,              /* octets of one NLRI, length octets not counted (RFC 8955 §4.1) */
	FG_COMPONENT_MAX = 13,           /* highest component type (RFC 8956 §3.7) */
	FG_TERMS_MAX = FG_NLRI_MAX / 2,  /* an operator and a one-octet value */
	FG_EXTCOMM_OCTETS = 8,           /* one extended community (RFC 4360 §2) */
	FG_EXTCOMM6_OCTETS = 20,         /* one IPv6 address specific extended community (RFC 5701 §2) */
	FG_ACTION_COMMUNITIES_MAX = 255, /* communities read from one attribute; more refuse the rule */

	/* The canonical form. An AND group of k terms gives at most k + 1 intervals. */
	FG_INTERVALS_MAX = 2 * FG_TERMS_MAX + 2,

	/* Values a packet field can hold, inclusive. */
	FG_PORT_VALUE_MAX = 65535,
	FG_LENGTH4_MIN = 20, /* IPv4 total length with no option and no payload */
	FG_LENGTH4_MAX = 65535,
	FG_LENGTH6_MIN = 40, /* IPv6 fixed header */
	FG_LENGTH6_MAX = 40 + 65535,
	FG_DSCP_VALUE_MAX = 63,
	FG_FLOW_LABEL_MAX = (1 << 20) - 1,
	FG_TCP_FLAGS_BITS = 12, /* octets 13-14 of the header, the data offset taken as 0 */

	/* The packet walk. */
	FG_VLAN_TAGS_MAX = 2,
	FG_EXT_HEADERS_MAX = 8,

	/* Names, as users write them. */
	FG_NAME_MAX = 63,     /* octets of a rule's name, without the terminating NUL */
	FG_DETAIL_MAX = 256,  /* octets of one explanation, with the terminating NUL */
	FG_FINDINGS_MAX = 16, /* findings kept for one rule; a refusal is never the one left out */

	/* The image. */
	FG_LINE_OCTETS = 64,        /* the unit of reference and of cost */
	FG_PAGE_LINES = 1 << 22,    /* 2^28 octets, the most the BPF verifier takes comfortably in one map value */
	FG_SEGMENT_RULES = 512,     /* rules of a wide segment: one line is one vector */
	FG_NARROW_RULES = 64,       /* rules of a narrow segment: one word is one vector */
	FG_LIST_RULES = 4,          /* rules of a group kept as a list of lines */
	FG_PREFIX_LENGTHS_MAX = 34, /* prefix lengths in use in one prefix table: all of IPv4's, and room for IPv6's */
	FG_SEGMENT_FIELDS_MAX = 48, /* fields one segment can constrain: 2 addresses of 16 octets, and the rest */
	FG_APPLIED_MAX = 16,        /* rules applied to one packet: `continue` rules on a path, and the last */
	FG_STEPS_MAX = 2048,        /* steps of one packet through the image; the line budget is below it */
	FG_BURST = 32,              /* packets matched together */

	/* Payload patterns. */
	FG_PATTERNS_MAX = 4096,                          /* in one database */
	FG_PATTERN_OCTETS_MAX = 2000,                    /* of the expression of one */
	FG_PATTERN_TEXT_MAX = FG_PATTERN_OCTETS_MAX + 6, /* of one as written, with slashes and flags */
	FG_PAYLOAD_SCAN_OCTETS = 1500, /* of a payload that are looked at, where the configuration says nothing */
	FG_PAYLOAD_SCAN_OCTETS_MAX = 65535,
	FG_PATTERN_ROOM_OCTETS = 64 << 20,   /* the largest database */
	FG_PATTERN_SCRATCH_OCTETS = 4 << 20, /* working memory that a scan may need of a worker */

	/* The XDP dataplane. */
	FG_SIDES = 2,             /* images: one is read, one is changed */
	FG_PROTECT_MAX = 128,     /* protect entries; slots [0, FG_PROTECT_MAX) are theirs */
	FG_PORTS_MAX = 32,        /* interfaces of one box */
	FG_IFINDEX_MAX = 1 << 16, /* interface numbers are below */
	FG_TARGETS_MAX = 64,      /* configured redirect targets, and as many next hops of rules again */
	FG_SAMPLE_OCTETS = 256,   /* octets of a packet that a sample keeps */
	FG_CAS_TRIES = 32,        /* of one token bucket by one packet; the bound of its loop */
};

#endif
