/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a function answers. 0: done. Negative errno: the environment failed, forward it unchanged. Positive
 * enum fg_reason: the rule was judged, and the caller must handle that here. Outputs are untouched unless 0.
 *
 * A finding is one sentence of that judgement: code, place, numbers and the clause it rests on.
 */
#ifndef FLOWGATE_ERRORS_H
#define FLOWGATE_ERRORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgate/limits.h"

enum fg_reason {
	FG_OK = 0,
	FG_MALFORMED,
	FG_NEVER_MATCHES,
	FG_PART_NEVER_MATCHES, /* warning */
	FG_DUPLICATE,
	FG_SHADOWED, /* warning */
	FG_OVER_BUDGET,
	FG_INSIDE_PROTECTED,
	FG_YIELDS_TO_PROTECTED, /* warning */
	FG_TOO_BROAD,
	FG_OUTSIDE_SCOPE,
	FG_UNSUPPORTED,
	FG_QUARANTINED,
	FG_TWO_VALUES,     /* warning: a list of two values where a range may have been meant */
	FG_VALUE_CLAMPED,  /* warning: a rate above what any link carries */
	FG_ALWAYS_MATCHES, /* warning: a component that every packet satisfies */
	FG_REASON_COUNT
};

/* The resources a budget knows. FG_RES_NONE where a finding is not about one. */
enum fg_resource {
	FG_RES_NONE,
	FG_RES_BYTES,
	FG_RES_LINES,
	FG_RES_SLOTS,
	FG_RES_CONTINUES,
	FG_RES_PATTERNS,
	FG_RES_COUNT
};

struct fg_finding {
	enum fg_reason code;
	uint8_t component;         /* type of the component, 0 if it is about the whole rule */
	uint16_t octet;            /* place in the NLRI (after its length octets), for FG_MALFORMED */
	enum fg_resource resource; /* FG_OVER_BUDGET only, with the four below */
	uint64_t needed;
	uint64_t available;
	char cheapest_fix[FG_DETAIL_MAX];
	char detail[FG_DETAIL_MAX]; /* one sentence, no full stop */
	char source[48];            /* "RFC 8955 §4.2.2.10" */
};

/* Findings of one rule, in the order they were made. Full: warnings are dropped first. */
struct fg_findings {
	size_t count;
	struct fg_finding at[FG_FINDINGS_MAX];
};

/* A warning leaves the rule admitted; everything else refuses it. */
static inline bool fg_reason_is_warning(enum fg_reason r)
{
	return r == FG_PART_NEVER_MATCHES || r == FG_SHADOWED || r == FG_YIELDS_TO_PROTECTED || r == FG_TWO_VALUES ||
	       r == FG_VALUE_CLAMPED || r == FG_ALWAYS_MATCHES;
}

#endif
