/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules for the tests of ctrl/rule: from terms or from octets to the canonical form. Out: a struct built, which must not be moved.
 */
#ifndef TESTS_UNIT_RULE_BUILD_H
#define TESTS_UNIT_RULE_BUILD_H

#include <string.h>

#include "ctrl/rule/canon.h"

enum { LT = FG_OP_LT, GT = FG_OP_GT, EQ = FG_OP_EQ, GE = GT | EQ, LE = LT | EQ, NE = LT | GT, AND = FG_OP_AND };
enum { NOT = FG_OP_NOT, ALL = FG_OP_MATCH };

struct built {
	struct fg_nlri_builder nlri;
	struct fg_rule rule;
	struct fg_canon canon;
	struct fg_interval pool[FG_CANON_POOL];
};

/* One term; a list of them ends with type 0. */
struct built_term {
	uint8_t type;
	uint8_t op;
	uint64_t value;
};

static inline void built_begin(struct built *b, enum fg_family family)
{
	memset(&b->rule, 0, sizeof(b->rule));
	fg_nlri_begin(&b->nlri);
	b->rule.family = (uint8_t)family;
	b->rule.nlri = b->nlri.octets;
}

static inline void built_end(struct built *b)
{
	b->rule.nlri_len = b->nlri.len;
	assert_int_equal(fg_nlri_check(&b->rule, NULL), 0);
	fg_canon_make(&b->rule, b->pool, &b->canon);
}

static inline struct built *built_terms(struct built *b, enum fg_family family, const struct built_term *terms)
{
	built_begin(b, family);
	for (; terms->type != 0; terms++)
		assert_int_equal(fg_nlri_put_term(&b->nlri, terms->type, terms->op, terms->value), 0);
	built_end(b);
	return b;
}

static inline struct built *built_octets(struct built *b, enum fg_family family, const uint8_t *octets, size_t len)
{
	built_begin(b, family);
	memcpy(b->nlri.octets, octets, len);
	b->nlri.len = (uint16_t)len;
	built_end(b);
	return b;
}

#define TERMS(b, family, ...) built_terms(b, family, (const struct built_term[]){ __VA_ARGS__, { 0, 0, 0 } })
#define OCTETS(b, family, ...)                                                                                         \
	built_octets(b, family, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

#endif
