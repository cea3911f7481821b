/* SPDX-License-Identifier: BSD-3-Clause */
/* What a policy says to one rule, by itself: how broad it may be, where it may act, what it must leave alone. Pure. */
#ifndef CTRL_POLICY_JUDGE_H
#define CTRL_POLICY_JUDGE_H

#include "ctrl/policy/policy.h"

/* A destination that is shorter than rules may have here, or none at all: adds FG_TOO_BROAD. */
void fg_judge_breadth(const struct fg_limits *limits, const struct fg_canon *canon, struct fg_findings *out);

/* A destination outside what the source may act on, or too short for it: adds FG_OUTSIDE_SCOPE or FG_TOO_BROAD. A source without scopes may act everywhere. */
void fg_judge_scope(const struct fg_policy *policy, const char *source, const struct fg_canon *canon,
		    struct fg_findings *out);

/* An action that this source may not ask for: adds FG_OUTSIDE_SCOPE. */
void fg_judge_grant(const struct fg_policy *policy, const char *source, const struct fg_actions *actions,
		    struct fg_findings *out);

/* Protect entries in canonical form: made once a policy, about 1.2 MiB. */
struct fg_guard {
	const struct fg_policy *policy;
	struct fg_canon canon[FG_PROTECT_MAX];
	struct fg_interval pool[FG_PROTECT_MAX * FG_PROTECT_NLRI_MAX + FG_CANON_POOL];
};

/* 0, or the place of the first entry, from 1, that is no rule. The policy must stay. */
uint32_t fg_guard_make(struct fg_guard *g, const struct fg_policy *policy);
/* A rule that lies inside an entry: adds FG_INSIDE_PROTECTED; that overlaps one: FG_YIELDS_TO_PROTECTED. */
void fg_judge_guard(const struct fg_guard *g, const struct fg_canon *canon, struct fg_interval pool[2 * FG_CANON_POOL],
		    struct fg_findings *out);

/* True where the box answers to that name; "" is every box. */
bool fg_policy_here(const struct fg_policy *policy, const char *site);

#endif
