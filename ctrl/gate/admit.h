/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Admission of one rule: everything that can be said of it by itself. Nobody's word is taken for it: what ctrl has judged is judged again
 * here, by the policy that the supervisor gave. What the rule needs of the table in the end is found by compiling it (commit.c). Pure.
 */
#ifndef CTRL_GATE_ADMIT_H
#define CTRL_GATE_ADMIT_H

#include "ctrl/gate/store.h"
#include "ctrl/policy/judge.h"
#include "ctrl/table/table.h"

/* What admission knows, and its working memory. */
struct fg_admission {
	const struct fg_policy *policy;
	const struct fg_store *store; /* for the quarantine */
	struct fg_guard guard;
	struct fg_cost nothing; /* of an image without rules */
	struct fg_compile_scratch scratch;
	struct fg_interval pool[2 * FG_CANON_POOL];
	struct fg_interval more[2 * FG_CANON_POOL];
	struct fg_canon canon;
};

/* Takes a policy: 0, or the place of its first wrong protect entry, from 1. The policy must stay. */
uint32_t fg_admission_begin(struct fg_admission *a, const struct fg_policy *policy, const struct fg_store *store);

/*
 * Judges a rule of `source`, but for its pattern: adds what is to be said of it. FG_OK, or the first reason that refuses it. Sets *alone, what an image with it
 * alone would take, unless it is malformed.
 */
enum fg_reason fg_admit(struct fg_admission *a, const struct fg_rule *rule, struct fg_pattern_text text,
			const char *source, struct fg_findings *out, struct fg_cost *alone);

/* Adds a finding that was made elsewhere. */
void fg_admit_say(struct fg_findings *out, const struct fg_finding *f);
/* The first reason that refuses; FG_OK: there are warnings at most. */
enum fg_reason fg_findings_refusal(const struct fg_findings *out);

/* First octet of fg_target_config.rt where there is no target in that place: no extended community has it. */
enum { FG_RT_NONE = 0xff };

/* Place of the configured target of a route target, from 1; 0: none. */
uint32_t fg_policy_target(const struct fg_policy *policy, const struct fg_actions *a);

#endif
