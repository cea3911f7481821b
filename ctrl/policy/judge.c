/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging one rule by a policy. In: a canonical rule and who wants it. Out: findings. Always holds: exact; a rule inside a protect entry is
 * one that would never do anything, so it is refused.
 */
#include "ctrl/policy/judge.h"

#include <string.h>

#include "ctrl/rule/nlri.h"

void fg_judge_breadth(const struct fg_limits *limits, const struct fg_canon *canon, struct fg_findings *out)
{
	uint8_t shortest = limits->shortest_dst[canon->family];
	uint8_t length = canon->present >> FG_DST & 1 ? (uint8_t)(canon->dst.length - canon->dst.offset) : 0;

	if (length < shortest)
		fg_finding_add(out, FG_TOO_BROAD, FG_DST, "limits",
			       "a destination of %u bits is asked for, and the shortest permitted has %u", length,
			       shortest);
}

/* All of the rule's destinations are in the scope. */
static bool covers(const struct fg_scope *scope, const struct fg_canon *canon)
{
	const struct fg_canon around = { .family = scope->family, .present = 1u << FG_DST, .dst = scope->prefix };
	const struct fg_canon inside = { .family = canon->family,
					 .present = canon->present & 1u << FG_DST,
					 .dst = canon->dst };

	return scope->family == canon->family && fg_canon_covers(&around, &inside);
}

void fg_judge_scope(const struct fg_policy *policy, const char *source, const struct fg_canon *canon,
		    struct fg_findings *out)
{
	bool any = false;

	for (uint32_t i = 0; i < policy->scopes; i++) {
		if (strcmp(policy->scope[i].source, source) != 0)
			continue;
		any = true;
		if (covers(&policy->scope[i], canon))
			return;
	}
	if (any)
		fg_finding_add(out, FG_OUTSIDE_SCOPE, FG_DST, "RFC 8955 §6",
			       "the destination is outside of what source %s may act on", source);
}

uint32_t fg_guard_make(struct fg_guard *g, const struct fg_policy *policy)
{
	size_t used = 0;

	g->policy = policy;
	for (uint32_t i = 0; i < policy->protects; i++) {
		const struct fg_protect *p = &policy->protect[i];
		const struct fg_rule rule = { .family = p->family, .nlri = p->nlri, .nlri_len = p->nlri_len };

		if (fg_nlri_check(&rule, NULL) != 0)
			return i + 1;
		fg_canon_make(&rule, g->pool + used, &g->canon[i]);
		for (uint32_t type = 0; type <= FG_COMPONENT_MAX; type++)
			used += g->canon[i].list[type].count;
	}
	return 0;
}

void fg_judge_guard(const struct fg_guard *g, const struct fg_canon *canon, struct fg_interval pool[2 * FG_CANON_POOL],
		    struct fg_findings *out)
{
	for (uint32_t i = 0; i < g->policy->protects; i++) {
		const char *name = g->policy->protect[i].name;

		if (!fg_canon_overlaps(&g->canon[i], canon, pool))
			continue;
		if (fg_canon_covers(&g->canon[i], canon)) {
			fg_finding_add(out, FG_INSIDE_PROTECTED, 0, "protect",
				       "all that it matches is protected as %s, so it would never do anything", name);
			return;
		}
		fg_finding_add(out, FG_YIELDS_TO_PROTECTED, 0, "protect",
			       "what is protected as %s is left alone, whatever this rule says", name);
	}
}

bool fg_policy_here(const struct fg_policy *policy, const char *site)
{
	bool here = site[0] == '\0';

	for (uint32_t i = 0; i < policy->sites && !here; i++)
		here = strcmp(policy->site[i], site) == 0;
	return here;
}
