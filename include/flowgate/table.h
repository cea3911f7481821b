/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The image: rules compiled into one flat, position-independent piece of memory of fixed size, read by the XDP program,
 * the DPDK workers and the offline verbs alike. Made by ctrl/table, read by match.h.
 *
 * It is an array of 64-octet lines; a reference is the number of a line, 0 is none. Line 0 is struct fg_image. All else is
 * steps, and tables that steps refer to. A packet starts at the entry step of its family and follows `next`:
 *
 *   root      IPv4 destination: 2^24 entries by the upper 24 bits, then a node for the last octet; short prefixes apart
 *   prefixes  longest first, one hash probe for each prefix length in use: IPv6 destination, or source of one group
 *   rule      one rule in one line, two where it names an IPv6 source or a flow label
 *   segment   up to 512 rules as bit vectors: per field, value -> class -> vector; AND; first set bit
 *
 * Root and prefixes lead into a chain of steps for what was found, and are resumed when that chain ends. So rules are met in
 * the precedence order of RFC 8955 §5.1, and the first match wins: destination longest first, in it source longest first,
 * then rules without a source, then rules without a destination.
 */
#ifndef FLOWGATE_TABLE_H
#define FLOWGATE_TABLE_H

#include <stdint.h>

#include "flowgate/limits.h"
#include "flowgate/rule.h"

enum { FG_IMAGE_MAGIC = 0x46474d49, FG_IMAGE_VERSION = 2 };

enum fg_step_kind { FG_STEP_NONE = 0, FG_STEP_ROOT, FG_STEP_PREFIXES, FG_STEP_RULE, FG_STEP_SEGMENT };

/* Slot words: the rule's identity (counters, buckets, actions) and whether evaluation goes on behind it. */
#define FG_SLOT_CONTINUE 0x80000000u
#define FG_SLOT_MASK 0x0fffffffu
/* The rule has a payload pattern too (payload.h), so evaluation goes on behind it: always with FG_SLOT_CONTINUE. */
#define FG_SLOT_PAYLOAD 0x40000000u
#define FG_SLOT_ENDS 0x20000000u /* and where the pattern is found, evaluation ends */

/* Line 0. */
struct fg_image {
	uint32_t magic;
	uint32_t version;
	uint32_t lines;                  /* of the whole image */
	uint32_t entry[FG_FAMILY_COUNT]; /* first step for packets of that family */
	uint32_t spare;
	uint64_t generation;
	uint8_t pad[32];
};

/* Every step ends in these ten octets. */
struct fg_step {
	uint8_t body[54];
	uint8_t kind;  /* enum fg_step_kind */
	uint8_t flags; /* of enum fg_step_flag */
	uint32_t slot; /* rule: slot word; segment: where those of its rules are */
	uint32_t next; /* step */
};

enum fg_step_flag {
	FG_STEP_HAS_MORE = 1, /* rule: a struct fg_rule_more is the next line */
	FG_STEP_WIDE = 2,     /* segment: vectors of 512 bits, one a line; otherwise of 64 bits, eight a line */
	FG_STEP_RARE = 4,     /* segment: its columns are all of enum fg_column, otherwise the usual ones */
	FG_ROOT_SHORT = 8,    /* root: `shorter` has entries */
	FG_STEP_HULL = 0x80,  /* segment: some packets are outside its hull */
	FG_STEP_LANES = 0x70, /* segment: n << 4, its columns have FG_LANES_MIN << (n - 1) lanes; 0: it has none */
};

/*
 * A rule in one line: it matches where every lane of the key lies in [lo, lo + span] (16-bit lanes 2 and 3, the two ports once more,
 * are alternatives to each other), the TCP flags under the mask equal the value, and the fragment state is in the set.
 */
struct fg_rule_line {
	uint16_t lo16[8];
	uint16_t span16[8];
	uint8_t lo8[8];
	uint8_t span8[8];
	uint16_t tcp_mask;
	uint16_t tcp_value;
	uint16_t fragments; /* bit s for enum fg_fragment_state s */
	uint8_t kind;
	uint8_t flags;
	uint32_t slot;
	uint32_t next;
};

struct fg_rule_more {
	uint8_t src_mask[16];
	uint8_t src_value[16];
	uint32_t flow_lo;
	uint32_t flow_span;
	uint8_t pad[24];
};

/* IPv4 destinations. Both tables hold steps; `upper` also nodes, as line number | FG_NODE. */
#define FG_NODE 0x80000000u
enum {
	FG_UPPER_BITS = 24,
	FG_SHORT_BITS =
		12, /* prefixes up to this length live in `shorter`, so that no change rewrites much of `upper` */
	FG_UPPER_LINES = (1 << FG_UPPER_BITS) / 16,
	FG_SHORT_LINES = (1 << FG_SHORT_BITS) / 16,
	FG_FILLED_LINES = FG_UPPER_LINES / 512,
};

struct fg_root_line {
	uint32_t upper;   /* uint32_t[2^24] by the upper 24 bits */
	uint32_t shorter; /* uint32_t[2^12] by the upper 12 bits */
	uint32_t filled;  /* uint32_t[]: where bit l % 32 of word l / 32 is clear, line l of `upper` is empty */
	uint8_t pad[42];
	uint8_t kind;
	uint8_t flags;
	uint32_t slot;
	uint32_t next; /* rules without a destination */
};

/*
 * A map from 16 consecutive values to consecutive classes: bit i of `starts` says that value i begins a new class. The class of a value is
 * rank + the bits set up to and including its own. Sixteen of these make a line for 256 values: the map of a node or of a part
 * of a wide field.
 */
struct fg_ranks {
	uint16_t starts;
	uint16_t rank;
};

/* A node: one line of ranks for the last octet; then a step for each class, uint32_t[]. */

/*
 * Prefixes in buckets of one line each, found by one of two hashes of (length, masked address). `next` are the rules behind them. A word for each
 * bucket says what can be in it: where bit fg_prefix_tag() (match.h) is clear no prefix with that tag is, so whoever reads the words first need
 * not read most of the buckets.
 */
struct fg_prefixes_line {
	uint32_t buckets; /* first bucket */
	uint32_t mask;    /* number of buckets - 1 */
	uint32_t seed;
	uint8_t key_octet;                     /* place of the address in the key */
	uint8_t count;                         /* prefix lengths in use */
	uint8_t length[FG_PREFIX_LENGTHS_MAX]; /* longest first */
	uint32_t tags;                         /* uint32_t[mask + 1] */
	uint8_t pad[2];
	uint8_t kind;
	uint8_t flags;
	uint32_t slot;
	uint32_t next;
};

/*
 * IPv6 and IPv4 buckets alike: the address's first 8 octets, its last 8, the step; three to a line. A place that has never been used is all zero, as the
 * prefix of no length is, and lies behind those that have been; one that is free again has a length that no prefix has.
 */
enum { FG_BUCKET_PREFIXES = 3, FG_LENGTH_FREE = 255 };
struct fg_bucket {
	struct {
		uint32_t address[4]; /* as in the packet, masked to `length` */
	} at[FG_BUCKET_PREFIXES];
	uint32_t step[FG_BUCKET_PREFIXES]; /* 0: free */
	uint8_t length[FG_BUCKET_PREFIXES];
	uint8_t pad;
};

/*
 * Segment: descriptors of the fields it constrains follow in the next lines, four to a line. Its hull is laid out and compared as the lanes of a
 * rule line; whom one of its rules matches, that matches too, so who is outside need not look at the fields. Lanes that are spare in a rule
 * line are open, but for that of the fragment state.
 */
struct fg_segment_line {
	struct fg_hull {
		uint16_t lo16[8];
		uint16_t span16[8];
		uint8_t lo8[8];
		uint8_t span8[8];
	} hull;
	uint16_t rules;
	uint8_t fields;
	uint8_t pad[3];
	uint8_t kind;
	uint8_t flags;
	uint32_t slots; /* uint32_t[rules]: slot words in order */
	uint32_t next;
};

enum fg_field_kind {
	FG_FIELD_OCTET = 0, /* table: uint8_t[256], class by value */
	FG_FIELD_TCP, /* table: uint16_t[256] by the low octet, then uint16_t[16] by the high bits; the sum is the class */
	FG_FIELD_WIDE,  /* table: struct fg_block[] by value >> 12 */
	FG_FIELD_PORTS, /* the same for both ports, the vectors or'ed */
	FG_FIELD_LABEL, /* FG_FIELD_WIDE of the flow label */
};

struct fg_field {
	uint8_t kind;
	uint8_t key_octet;
	uint16_t pad;
	uint32_t table;
	uint32_t vectors;
	uint32_t spare;
};

/* 4096 values of a wide field: ranks for them (16 lines), or none where all are of class `base`. */
struct fg_block {
	uint32_t ranks;
	uint32_t base;
};
enum { FG_BLOCK_SHIFT = 12, FG_BLOCK_LINES = 16 };

/*
 * Columns: the rules of a narrow segment once more, where each is one interval a field, for who can compare many at once. They lie behind
 * its slots, of which there is then one for each lane. Lane i of each column is rule i; a column is two arrays of one uint16_t a lane. Lanes
 * behind the last rule match nothing.
 */
enum fg_column {
	FG_COLUMN_DPORT, /* lo, span, as in a rule line */
	FG_COLUMN_SPORT,
	FG_COLUMN_LENGTH,
	FG_COLUMN_SRC_HI,
	FG_COLUMN_SRC_LO,
	FG_COLUMN_L4,    /* lo, span of two octets: protocol in the lower, enum fg_l4 in the upper */
	FG_COLUMN_FLAGS, /* mask, value of the TCP flags; and in the upper four bits of the enum fg_fragment_state */
	FG_COLUMNS_USUAL,
	FG_COLUMN_PORT = FG_COLUMNS_USUAL, /* lo, span of which at least one port must be in */
	FG_COLUMN_ICMP,                    /* lo, span of two octets: type, code */
	FG_COLUMN_DSCP,                    /* lo, span of two octets: DSCP, any */
	FG_COLUMN_STATES,                  /* bit s: not with enum fg_fragment_state s; the second array is unused */
	FG_COLUMNS,
};
enum { FG_LANES_MIN = 8, FG_LANES_SHIFT = 4 };

_Static_assert(sizeof(struct fg_image) == FG_LINE_OCTETS && sizeof(struct fg_step) == FG_LINE_OCTETS &&
		       sizeof(struct fg_rule_line) == FG_LINE_OCTETS && sizeof(struct fg_rule_more) == FG_LINE_OCTETS &&
		       sizeof(struct fg_root_line) == FG_LINE_OCTETS &&
		       sizeof(struct fg_prefixes_line) == FG_LINE_OCTETS &&
		       sizeof(struct fg_bucket) == FG_LINE_OCTETS && sizeof(struct fg_segment_line) == FG_LINE_OCTETS,
	       "a step is a line");
_Static_assert(__builtin_offsetof(struct fg_hull, span8) == __builtin_offsetof(struct fg_rule_line, span8) &&
		       __builtin_offsetof(struct fg_segment_line, slots) == __builtin_offsetof(struct fg_step, slot),
	       "a hull is laid out as a rule");
_Static_assert(sizeof(struct fg_field) * 4 == FG_LINE_OCTETS && sizeof(struct fg_ranks) * 16 == FG_LINE_OCTETS,
	       "tables fill lines");

#endif
