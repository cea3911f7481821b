/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cheapest fix: what makes a rule that is over budget need less. In: the rule and the resource. Out: words.
 * Tried is, for each component behind the addresses, the rule without it; what saves most of the resource is named
 * with what it saves. Such a rule matches more than the one that was asked for, so it is for its owner to decide,
 * and the words say so.
 */
#include <stdio.h>
#include <string.h>

#include "ctrl/load/steps.h"

static uint64_t amount(const struct fg_cost *cost, enum fg_resource what)
{
	return what == FG_RES_BYTES ? cost->bytes : cost->lines;
}

/* The rule's need alone, without the component at [octet, octet + len) of its NLRI. */
static uint64_t need_without(struct fg_load *load, const struct fg_rule *rule, size_t octet, size_t len,
			     enum fg_resource what)
{
	uint8_t octets[FG_NLRI_MAX];
	struct fg_rule less = *rule;
	struct fg_table_rule alone = { &less, 0 };
	struct fg_cost cost;

	memcpy(octets, rule->nlri, octet);
	memcpy(octets + octet, rule->nlri + octet + len, rule->nlri_len - octet - len);
	less.nlri = octets;
	less.nlri_len = (uint16_t)(rule->nlri_len - len);
	if (less.nlri_len == 0)
		return UINT64_MAX;
	fg_load_cost(load, rule->family, &alone, 1, &cost);
	return amount(&cost, what);
}

/* The component whose absence saves most; 0 if none saves anything. */
static uint8_t dearest(struct fg_load *load, const struct fg_rule *rule, enum fg_resource what, uint64_t *saved)
{
	struct fg_table_rule alone = { rule, 0 };
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;
	struct fg_cost cost;
	uint8_t best = 0;

	*saved = 0;
	fg_load_cost(load, rule->family, &alone, 1, &cost);
	while (fg_component_next(&it, &c, NULL) == 0) {
		uint64_t need;

		if (c.type <= FG_SRC)
			continue;
		need = need_without(load, rule, c.octet, c.len + 1u, what);
		if (need < amount(&cost, what) && amount(&cost, what) - need > *saved) {
			*saved = amount(&cost, what) - need;
			best = c.type;
		}
	}
	return best;
}

void fg_load_fix(struct fg_load *load, const struct fg_loaded *rule, enum fg_resource what, char out[FG_DETAIL_MAX])
{
	uint64_t saved = 0;
	uint8_t type = 0;

	if (what == FG_RES_BYTES || what == FG_RES_LINES)
		type = dearest(load, &rule->rule, what, &saved);
	if (type != 0)
		snprintf(out, FG_DETAIL_MAX, "drop %s: -%llu %s (the rule then matches more)", fg_component_name(type),
			 (unsigned long long)saved, what == FG_RES_BYTES ? "bytes" : "lines");
	else if (what == FG_RES_CONTINUES)
		snprintf(out, FG_DETAIL_MAX, "let this rule, or one before it on the same way, do without `continue`");
	else
		snprintf(out, FG_DETAIL_MAX, "withdraw another rule, or raise the limit");
}
