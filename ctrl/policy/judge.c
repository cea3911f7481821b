/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Judging one rule by a policy. In: a canonical rule and who wants it. Out: findings. Always holds: exact; a rule inside a protect entry is
 * one that would never do anything, so it is refused.
 */
#include "ctrl/policy/judge.h"

#include <string.h>

#include "ctrl/rule/nlri.h"

static uint8_t length_of(const struct fg_canon *canon)
{
	return canon->present >> FG_DST & 1 ? (uint8_t)(canon->dst.length - canon->dst.offset) : 0;
}

void fg_judge_breadth(const struct fg_limits *limits, const struct fg_canon *canon, struct fg_findings *out)
{
	uint8_t shortest = limits->shortest_dst[canon->family];
	uint8_t length = length_of(canon);

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
	uint8_t shortest = UINT8_MAX;
	bool any = false;

	for (uint32_t i = 0; i < policy->scopes; i++) {
		const struct fg_scope *s = &policy->scope[i];

		if (strcmp(s->source, source) != 0)
			continue;
		any = true;
		if (covers(s, canon) && s->shortest < shortest)
			shortest = s->shortest;
	}
	if (any && shortest == UINT8_MAX)
		fg_finding_add(out, FG_OUTSIDE_SCOPE, FG_DST, "RFC 8955 §6",
			       "the destination is outside of what source %s may act on", source);
	else if (any && length_of(canon) < shortest)
		fg_finding_add(out, FG_TOO_BROAD, FG_DST, "RFC 8955 §6",
			       "a destination of %u bits is asked for, and the shortest permitted to source %s has %u",
			       length_of(canon), source, shortest);
}

static const struct {
	uint32_t bit;
	const char *name;
} actions_known[] = {
	{ FG_ACT_DISCARD, "discard" },
	{ FG_ACT_RATE_BYTES, "rate-limit" },
	{ FG_ACT_RATE_PACKETS, "rate-limit-packets" },
	{ FG_ACT_MARK, "mark" },
	{ FG_ACT_REDIRECT_RT, "redirect" },
	{ FG_ACT_REDIRECT_IP, "redirect-to-ip" },
	{ FG_ACT_COPY, "copy-to-ip" },
	{ FG_ACT_SAMPLE, "sample" },
	{ FG_ACT_CONTINUE, "continue" },
	{ FG_GRANT_ACCEPT, "accept" },
};

/* A copy is no redirect, and what asks for nothing accepts and stops, which shadows what comes behind it. */
static uint32_t asked(uint32_t set)
{
	uint32_t known = FG_ACT_DISCARD | FG_ACT_RATE_BYTES | FG_ACT_RATE_PACKETS | FG_ACT_MARK | FG_ACT_REDIRECT_RT |
			 FG_ACT_REDIRECT_IP | FG_ACT_COPY | FG_ACT_SAMPLE | FG_ACT_CONTINUE;

	if (set & FG_ACT_COPY)
		set &= ~(uint32_t)FG_ACT_REDIRECT_IP;
	return (set & known) != 0 ? set & known : FG_GRANT_ACCEPT;
}

uint32_t fg_policy_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions_known) / sizeof(actions_known[0]); i++)
		if (strcmp(actions_known[i].name, name) == 0)
			return actions_known[i].bit;
	return 0;
}

static void judge_actions(const struct fg_grant *g, uint32_t refused, struct fg_findings *out)
{
	for (size_t i = 0; i < sizeof(actions_known) / sizeof(actions_known[0]); i++)
		if (refused & actions_known[i].bit)
			fg_finding_add(out, FG_OUTSIDE_SCOPE, 0, "peer", "source %s may not ask for %s", g->source,
				       actions_known[i].name);
}

void fg_judge_grant(const struct fg_policy *policy, const char *source, const struct fg_actions *actions,
		    struct fg_findings *out)
{
	for (uint32_t i = 0; i < policy->grants; i++)
		if (strcmp(policy->grant[i].source, source) == 0)
			judge_actions(&policy->grant[i], asked(actions->set) & ~policy->grant[i].actions, out);
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
