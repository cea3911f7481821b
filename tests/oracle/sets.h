/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random sets of rules, for the engine and for the oracle at once: the same octets as compiler input in evaluation order, and as a table of
 * the naive reference. A rule's slot is its id in the oracle.
 */
#ifndef TESTS_ORACLE_SETS_H
#define TESTS_ORACLE_SETS_H

#include "ctrl/table/table.h"
#include "tests/oracle/generate.h"

enum { SET_RULES_MAX = 2000 };

struct set {
	struct or_gen_rule gen[SET_RULES_MAX];
	struct fg_rule rule[SET_RULES_MAX];
	struct fg_table_rule sorted[FG_FAMILY_COUNT][SET_RULES_MAX];
	size_t n[FG_FAMILY_COUNT];
	size_t count;
	struct or_table *oracle; /* of the last draw; set_free() it */
};

/* Draws up to n rules with different octets; `no_dst` leaves out those with a destination. */
void set_draw(struct set *set, struct or_random *r, const struct or_gen_rules *how, size_t n, bool no_dst);
void set_free(struct set *set);
/* Compiles into zeroed memory. */
int set_compile(const struct set *set, uint8_t *base, uint32_t lines, uint32_t *used);
/* The i-th packet for a set: of four, one at random, two aimed at a rule, one just beside. */
void set_packet(const struct set *set, struct or_random *r, size_t i, const struct or_gen_packets *how,
		struct or_gen_packet *out);

#endif
