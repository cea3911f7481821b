/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random sets of rules, for the engine and for the oracle at once: the same octets as compiler input in evaluation order, and as a table of
 * the naive reference. A rule's slot is its id in the oracle.
 *
 * With FG_ORACLE_FACTOR=N in the environment a test draws N times as many sets, each time from other seeds: for a long run now and then.
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
/* The same without destinations, and each such that a line says it: up to 64 of a family are a step of columns. */
void set_draw_fitting(struct set *set, struct or_random *r, const struct or_gen_rules *how, size_t n);
void set_free(struct set *set);
/* Compiles into zeroed memory. */
int set_compile(const struct set *set, uint8_t *base, uint32_t lines, uint32_t *used);
/* The i-th packet for a set: of four, one at random, two aimed at a rule, one just beside. */
void set_packet(const struct set *set, struct or_random *r, size_t i, const struct or_gen_packets *how,
		struct or_gen_packet *out);

/* FG_ORACLE_FACTOR, 1 without it; and the seed of the i-th of so many rounds: for the first, `seed` itself. */
uint64_t set_factor(void);
uint64_t set_seed(uint64_t seed, uint64_t i);
/* Counts a packet that was compared with the oracle's rules; says how many there were, and how many pairs of a rule and a packet that is. */
void set_compared(const struct set *set);
void set_report(const char *what);

#endif
