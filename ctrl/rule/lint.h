/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lint: can this rule match, and does it say what its author meant? Judges one rule by itself, and a set of rules against
 * each other. Every finding is a code, a component, numbers and a clause. Pure.
 */
#ifndef CTRL_RULE_LINT_H
#define CTRL_RULE_LINT_H

#include "ctrl/rule/canon.h"

struct fg_lint_limits {
	uint32_t mtu;         /* 0: not known, no lint against it. Octets of the largest IP packet of the links */
	bool allow_above_mtu; /* an operator said so; nobody can say so of what no packet can be */
};

/* Adds what is to be said of one checked rule. Returns FG_OK or the first refusing reason. */
int fg_rule_lint(const struct fg_rule *rule, const struct fg_canon *canon, const struct fg_lint_limits *limits,
		 struct fg_findings *out);

/*
 * Duplicate and shadowed rules of one family, in evaluation order (fg_rule_order()). Only an earlier rule of the same destination and the
 * same source can cover a later one, for longer prefixes come first; `continue` rules cover nothing. rules[i] points to n
 * sorted rules; report() is called with the index of the judged rule and the one that hides it. Looks back over at most
 * `window` rules of the same addresses.
 */
typedef void (*fg_shadow_report)(void *ctx, size_t judged, size_t by, enum fg_reason code);
void fg_rules_shadowed(const struct fg_rule *const *rules, size_t n, size_t window,
		       struct fg_interval pool[2 * FG_CANON_POOL], fg_shadow_report report, void *ctx);

/* Adds a finding; when full, a refusal replaces the last warning. `fmt` makes the detail. */
__attribute__((format(printf, 5, 6))) struct fg_finding *fg_finding_add(struct fg_findings *out, enum fg_reason code,
									uint8_t component, const char *source,
									const char *fmt, ...);

/* "never-matches" and so on: the codes of the JSON. */
const char *fg_reason_name(enum fg_reason code);
/* "packet-length" and so on; "" for 0. */
const char *fg_component_name(uint8_t type);

#endif
