/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payload patterns as operators write them, `/EXPRESSION/FLAGS` or an expression alone. Reading one looks at its form only; whether
 * Hyperscan can do it, and at what cost, the compiler says (ctrl/pattern/compile.h).
 */
#ifndef CTRL_PATTERN_PATTERN_H
#define CTRL_PATTERN_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "flowgate/errors.h"
#include "flowgate/limits.h"

enum fg_pattern_flag {
	FG_PATTERN_CASELESS = 1 << 0,  /* i */
	FG_PATTERN_DOTALL = 1 << 1,    /* s: a dot is any octet, a newline too */
	FG_PATTERN_MULTILINE = 1 << 2, /* m: ^ and $ stand at each line */
	FG_PATTERN_EXTENDED = 1 << 3,  /* x: blanks mean nothing, # begins a comment */
};

/* Lies in the text that it was read from. */
struct fg_pattern {
	const char *expression; /* not terminated */
	uint32_t octets;        /* of it: 1..FG_PATTERN_OCTETS_MAX */
	uint32_t flags;         /* of enum fg_pattern_flag */
	uint32_t number;        /* in a database, below FG_PATTERNS_MAX: its owner's to say */
};

/* 0; FG_UNSUPPORTED: why[] says what is wrong with it. */
int fg_pattern_read(const char *text, struct fg_pattern *out, char why[FG_DETAIL_MAX]);

#endif
