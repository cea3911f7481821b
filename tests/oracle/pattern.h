/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The naive reference of payload patterns: PCRE2, which has nothing in common with Hyperscan but the language, and random expressions of it.
 * Sees nothing of the engine.
 */
#ifndef TESTS_ORACLE_PATTERN_H
#define TESTS_ORACLE_PATTERN_H

#include "tests/oracle/generate.h"

enum { OR_PATTERN_MAX = 120, OR_PATTERN_CASELESS = 1, OR_PATTERN_DOTALL = 2, OR_PATTERN_MULTILINE = 4 };

struct or_pattern;

/* NULL: it is none. `flags` of the three above. */
struct or_pattern *or_pattern_new(const char *expression, unsigned int flags);
void or_pattern_free(struct or_pattern *p);
/* True where somewhere in text[0, len) there is a match that ends at `last` at the latest. */
bool or_pattern_found(const struct or_pattern *p, const uint8_t *text, size_t len, size_t last);

/* A random expression, over few letters so that it is found now and then. */
void or_gen_pattern(struct or_random *r, char out[OR_PATTERN_MAX]);
/* Random text over the same letters. */
void or_gen_text(struct or_random *r, uint8_t *out, size_t len);

#endif
