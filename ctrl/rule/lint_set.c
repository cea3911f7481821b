/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lint of a set: which rules say what another one says already, and which can never be reached?
 *
 * In: rules of one family in evaluation order. Out: pairs, through the caller's function. lint.c judges each rule by itself.
 * Always holds: a rule is compared with at most `window` earlier ones, and with none of other addresses; a pair that is reported as shadowed is
 * so exactly (cover.c).
 */
#include <string.h>

#include "ctrl/rule/lint.h"

struct addresses {
	bool has_dst, has_src;
	struct fg_prefix dst, src;
};

static struct addresses addresses_of(const struct fg_rule *rule)
{
	struct fg_component_iter it = fg_components(rule);
	struct addresses a = { .has_dst = false };
	struct fg_component c;

	while (fg_component_next(&it, &c, NULL) == 0 && c.type <= FG_SRC) {
		if (c.type == FG_DST) {
			a.has_dst = true;
			a.dst = fg_component_prefix(rule, &c);
		} else {
			a.has_src = true;
			a.src = fg_component_prefix(rule, &c);
		}
	}
	return a;
}

static bool same_prefix(const struct fg_prefix *a, const struct fg_prefix *b)
{
	return a->offset == b->offset && a->length == b->length && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

static bool same_addresses(const struct addresses *a, const struct addresses *b)
{
	return a->has_dst == b->has_dst && a->has_src == b->has_src && same_prefix(&a->dst, &b->dst) &&
	       same_prefix(&a->src, &b->src);
}

/* The same NLRI, as BGP compares it: octet by octet (RFC 8955 §5.1); and the same pattern, which BGP has none of. */
static bool same_rule(const struct fg_rule *a, const struct fg_rule *b)
{
	return a->pattern == b->pattern && a->nlri_len == b->nlri_len && a->vpn == b->vpn &&
	       (!a->vpn || memcmp(a->rd, b->rd, sizeof(a->rd)) == 0) && memcmp(a->nlri, b->nlri, a->nlri_len) == 0;
}

/* T set, or a payload pattern: evaluation goes on behind this rule, so it hides nothing (RFC 8955 §7.3). */
static bool goes_on(const struct fg_rule *rule)
{
	return rule->pattern != 0 || (rule->actions.set & FG_ACT_CONTINUE);
}

/* Looks back from rule i, the nearest rule first: a duplicate is its neighbour. */
static void judge(const struct fg_rule *const *rules, size_t i, size_t window, struct fg_interval *pool,
		  fg_shadow_report report, void *ctx)
{
	struct addresses mine = addresses_of(rules[i]);
	struct fg_canon later, earlier;

	fg_canon_make(rules[i], pool, &later);
	for (size_t back = 1; back <= window && back <= i; back++) {
		const struct fg_rule *rule = rules[i - back];
		struct addresses theirs = addresses_of(rule);

		if (!same_addresses(&mine, &theirs))
			return;
		if (same_rule(rule, rules[i])) {
			report(ctx, i, i - back, FG_DUPLICATE);
			return;
		}
		if (goes_on(rule))
			continue;
		fg_canon_make(rule, pool + FG_CANON_POOL, &earlier);
		if (fg_canon_covers(&earlier, &later)) {
			report(ctx, i, i - back, FG_SHADOWED);
			return;
		}
	}
}

void fg_rules_shadowed(const struct fg_rule *const *rules, size_t n, size_t window,
		       struct fg_interval pool[2 * FG_CANON_POOL], fg_shadow_report report, void *ctx)
{
	for (size_t i = 1; i < n; i++)
		judge(rules, i, window, pool, report, ctx);
}
