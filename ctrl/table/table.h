/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules in, image out (include/flowgate/table.h says what an image is). Pure: works in memory it is given. */
#ifndef CTRL_TABLE_TABLE_H
#define CTRL_TABLE_TABLE_H

#include "ctrl/rule/canon.h"
#include "flowgate/table.h"

/* Working memory of one compilation; about 300 KiB. */
struct fg_compile_scratch {
	struct fg_interval list[FG_INTERVALS_MAX];
	uint64_t starts[(FG_FLOW_LABEL_MAX + 1) / 64 + 1]; /* values of a field that begin a class */
	struct fg_tcp_table tcp;
};

/* An image under construction: lines [0, used) are taken. `base` is zeroed memory of `lines` lines, aligned to a line. */
struct fg_emit {
	uint8_t *base;
	uint32_t lines;
	uint32_t used;
	bool full; /* an allocation failed; what was emitted is of no use */
	struct fg_compile_scratch *scratch;
};

/* First of n new zeroed lines; 0 and e->full where the image has no room for them. */
uint32_t fg_emit_lines(struct fg_emit *e, uint32_t n);
void *fg_emit_at(const struct fg_emit *e, uint32_t ref);

/* A rule as the compiler wants it: checked, and with the slot word of its identity. */
struct fg_table_rule {
	const struct fg_rule *rule;
	uint32_t slot;
};

/*
 * A chain of steps for rules in evaluation order that one packet may all meet: rule lines where they are few and simple, segments
 * otherwise. `with_dst`: the destination too is compared (IPv6 with offset). First step; `next` where there are no rules.
 */
uint32_t fg_emit_chain(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst, uint32_t next);
/* One segment of 1..FG_SEGMENT_RULES rules. */
uint32_t fg_emit_segment(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, bool with_dst, uint32_t next);
/* One rule line, or 0 where the rule does not fit one; *never where it can match nothing, then there is nothing to emit. */
uint32_t fg_emit_rule(struct fg_emit *e, const struct fg_table_rule *rule, bool with_dst, uint32_t next, bool *never);

/* A prefixes step for n prefixes of the address at key_octet. 0 where full, or where there are too many lengths. */
uint32_t fg_emit_prefixes(struct fg_emit *e, size_t n, uint8_t key_octet, uint32_t next);
/* Adds one. False: no place (never at the load fg_emit_prefixes() makes, but for hashes chosen by an adversary). */
bool fg_emit_prefix(struct fg_emit *e, uint32_t table, const struct fg_prefix *p, uint32_t step);

/* Interval of enum fg_l4 that the components of a rule demand together; lo > hi: they contradict each other. */
struct fg_interval fg_rule_l4(const struct fg_rule *rule);
/* The component of that type of a checked rule. */
bool fg_rule_component(const struct fg_rule *rule, uint8_t type, struct fg_component *c);

/*
 * Compiles the rules of both families, each in evaluation order and with distinct NLRIs, into base[]. 0, and *used lines; or
 * FG_OVER_BUDGET: no room.
 */
int fg_table_compile(uint8_t *base, uint32_t lines, const struct fg_table_rule *const rules[FG_FAMILY_COUNT],
		     const size_t n[FG_FAMILY_COUNT], struct fg_compile_scratch *scratch, uint32_t *used);

#endif
