/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules in, image or its cost out (include/flowgate/table.h says what an image is). Pure: works in memory it is given. */
#ifndef CTRL_TABLE_TABLE_H
#define CTRL_TABLE_TABLE_H

#include "ctrl/rule/canon.h"
#include "flowgate/table.h"

/* Where the components of a rule are: read once, for a compiler that asks for each of them many times. */
struct fg_parts {
	uint16_t present;                     /* bit t: component type t is there */
	uint16_t octet[FG_COMPONENT_MAX + 1]; /* of its body in the NLRI */
	uint16_t len[FG_COMPONENT_MAX + 1];
};

enum { FG_TCP_SEEN = 8, FG_TCP_BODY = 32, FG_KEPT_INTERVALS = 4 * FG_SEGMENT_RULES };

/* A set of rules of one segment: bit i % 64 of word i / 64. */
struct fg_rules_set {
	uint64_t word[FG_SEGMENT_RULES / 64];
};

/* Working memory of one compilation; about 400 KiB. */
struct fg_compile_scratch {
	struct fg_parts parts[FG_SEGMENT_RULES];
	bool l4_implied[FG_SEGMENT_RULES];
	struct fg_rules_set with[FG_COMPONENT_MAX + 1]; /* rules that have a component; 0: all */
	/* Of the field being made: rules that constrain it, and where their intervals are in `kept`. */
	struct fg_rules_set constrained;
	struct {
		uint16_t at, n;
	} where[FG_SEGMENT_RULES];
	struct fg_interval kept[FG_KEPT_INTERVALS + FG_INTERVALS_MAX];
	struct fg_interval list[FG_INTERVALS_MAX];
	uint64_t starts[(FG_FLOW_LABEL_MAX + 1) / 64]; /* values of a field that begin a class */
	uint64_t started[(FG_FLOW_LABEL_MAX + 1) /
			 4096]; /* words of that which are not 0; of no meaning are the others */
	uint32_t starts_in[(FG_FLOW_LABEL_MAX >> FG_BLOCK_SHIFT) + 1]; /* of each block, where there are any */
	struct fg_tcp_table tcp, tcp_seen[FG_TCP_SEEN];
	uint8_t tcp_body[FG_TCP_BODY]; /* of the component whose table is in `tcp` */
	uint16_t tcp_len;              /* 0: it was longer, or there was none */
	struct fg_rule_line lines[FG_NARROW_RULES];
};

/*
 * An image under construction: lines [0, used) are taken. `base` is zeroed memory of `lines` lines, aligned to a line; or NULL: then nothing is
 * written, only counted. What decides is the same code either way, so what is counted is what would be emitted.
 */
struct fg_emit {
	uint8_t *base;
	uint32_t lines;
	uint32_t used;
	bool full; /* an allocation failed; what was emitted is of no use */
	struct fg_compile_scratch *scratch;
};

/* First of n new zeroed lines; 0 and e->full where the image has no room for them. */
uint32_t fg_emit_lines(struct fg_emit *e, uint32_t n);
/* True where lines may be written: not full, and not only counting. */
bool fg_emit_writes(const struct fg_emit *e);
void *fg_emit_at(const struct fg_emit *e, uint32_t ref);

/* A rule as the compiler wants it: checked, and with the slot word of its identity. */
struct fg_table_rule {
	const struct fg_rule *rule;
	uint32_t slot;
};

/* A chain of steps, and what the worst packet has to do from its first step to its end. */
struct fg_chain {
	uint32_t ref;       /* 0: empty */
	uint32_t lines;     /* read */
	uint32_t continues; /* `continue` rules met */
	uint32_t tail;      /* its own last step, whose `next` leads out of it; 0 where it has none of its own */
};

/*
 * A chain of steps for rules in evaluation order that one packet may all meet: rule lines where they are few and simple, segments
 * otherwise. `with_dst`: the destination too is compared (IPv6 with offset). It goes on to `next`, and is `next` where there are no rules.
 */
struct fg_chain fg_emit_chain(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst,
			      struct fg_chain next);
/* One segment of 1..FG_SEGMENT_RULES rules. */
struct fg_chain fg_emit_segment(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst,
				struct fg_chain next);

/* A hull that all packets are in, and whether one is less than that. */
extern const struct fg_hull fg_hull_open;
bool fg_hull_limits(const struct fg_hull *hull);
/* Takes out whose value of the key at `key_octet`, of `ports` that of both ports, is not in an interval; nothing where the hull has no lane of it. */
void fg_hull_limit(struct fg_hull *hull, bool ports, uint8_t key_octet, struct fg_interval in);

/* How a rule line can say a rule: wholly; not; or the rule can never match. `with_dst`: the destination is part of it. */
enum fg_fit { FG_FITS, FG_FITS_NOT, FG_FITS_NEVER };
/* Makes the line, all but slot, next and kind, and the one behind it; of meaning where the rule fits. */
enum fg_fit fg_rule_fit(struct fg_emit *e, const struct fg_rule *rule, bool with_dst, struct fg_rule_line *line,
			struct fg_rule_more *more);

/*
 * Slots of a narrow segment and its columns, where its rules allow them. `ref` is where the slots are, the result the segment's flags that say
 * what columns there are.
 */
uint8_t fg_emit_columns(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, uint32_t *ref);

/* Prefixes, each before those that lie in it: the worst chain of nested ones, and the lengths in use. Starts all zero. */
struct fg_nest {
	struct {
		struct fg_prefix prefix;
		uint32_t lines, continues; /* with all around it */
	} around[129];
	uint32_t depth;
	uint64_t lengths[3];       /* bit l of word l / 64 */
	uint32_t lines, continues; /* the worst */
};

void fg_nest_add(struct fg_nest *nest, const struct fg_prefix *p, const struct fg_chain *chain);

/* A prefixes step for n prefixes of the address at key_octet; ref 0 where full. Its cost is added by fg_prefixes_chain(). */
uint32_t fg_emit_prefixes(struct fg_emit *e, size_t n, uint8_t key_octet, uint32_t next);
/* Adds one, and reckons with it. No place, under any of the seeds that are tried: e->full. */
void fg_emit_prefix(struct fg_emit *e, uint32_t table, const struct fg_prefix *p, const struct fg_chain *chain,
		    struct fg_nest *nest);
/* The same on a table that is there already: a new step for a prefix, the step of one, one away. False: not there, or no place. */
bool fg_prefixes_put(uint8_t *base, uint32_t table, const struct fg_prefix *p, uint32_t step);
bool fg_prefixes_set(uint8_t *base, uint32_t table, const struct fg_prefix *p, uint32_t step);
/* Rewrites the lengths in use; bit l of word l / 64. Of more than FG_PREFIX_LENGTHS_MAX some are left out. */
void fg_prefixes_lengths(uint8_t *base, uint32_t table, const uint64_t lengths[3]);
/*
 * Lines of a step with these lengths that a packet reads. Of more than there can be FG_STEPS_MAX are added, which no budget permits: so that is found
 * out like any other cost, and no image is made anew in the hope that it has room then.
 */
uint32_t fg_prefixes_lines(const uint64_t lengths[3]);
/* Buckets that a table of n prefixes has. */
uint32_t fg_prefixes_buckets(size_t n);
/* Lines of image that it takes: its step, buckets, and what says what is in them. */
uint32_t fg_prefixes_room(size_t n);
/* The finished step as a chain. */
struct fg_chain fg_prefixes_chain(struct fg_emit *e, uint32_t table, const struct fg_nest *nest, struct fg_chain next);

/* True where all of `p` lies in `around`; neither has an offset. */
bool fg_prefix_contains(const struct fg_prefix *around, const struct fg_prefix *p);
/* Address pattern `type` (FG_DST, FG_SRC) of a rule; false where it has none, or one with an offset. */
bool fg_rule_address(const struct fg_rule *rule, uint8_t type, struct fg_prefix *p);
/*
 * True where a group has a prefixes step for its rules with a source: where they are many, and not all rules fit one segment, which is
 * faster than the probes of many prefix lengths.
 */
enum { FG_SOURCES_MIN = FG_SEGMENT_RULES / 2 + 1 };
static inline bool fg_group_by_source(size_t rules, size_t sourced)
{
	return rules > FG_SEGMENT_RULES && sourced >= FG_SOURCES_MIN;
}

void fg_rule_parts(const struct fg_rule *rule, struct fg_parts *parts);
/* A component that is present. */
struct fg_component fg_parts_component(const struct fg_rule *rule, const struct fg_parts *parts, uint8_t type);
/* The truth table of a component of TCP flags, in the scratch. Made anew only where it is not that of the one before. */
const struct fg_tcp_table *fg_scratch_tcp(struct fg_compile_scratch *t, const struct fg_component *c);
/* Interval of enum fg_l4 that the components of a rule demand together; lo > hi: they contradict each other. */
struct fg_interval fg_parts_l4(const struct fg_parts *parts);
/* The component of that type of a checked rule. */
bool fg_rule_component(const struct fg_rule *rule, uint8_t type, struct fg_component *c);

/* What a table needs. */
struct fg_cost {
	uint64_t bytes; /* of image */
	uint32_t lines; /* the most that any packet is made to read (fg_line() of match.h) */
	uint32_t slots; /* rules */
	uint32_t
		continues; /* the most `continue` rules on any packet's way; more than FG_APPLIED_MAX - 1 cannot be honoured */
};

/* Of the rules of both families, each in evaluation order and with distinct NLRIs: the cost of their image, before one is made. */
void fg_table_cost(const struct fg_table_rule *const rules[FG_FAMILY_COUNT], const size_t n[FG_FAMILY_COUNT],
		   struct fg_compile_scratch *scratch, struct fg_cost *cost);

/* Compiles such rules into base[]. 0, and *used lines; or FG_OVER_BUDGET: no room. */
int fg_table_compile(uint8_t *base, uint32_t lines, const struct fg_table_rule *const rules[FG_FAMILY_COUNT],
		     const size_t n[FG_FAMILY_COUNT], struct fg_compile_scratch *scratch, uint32_t *used);

#endif
