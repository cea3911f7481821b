/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a rule needs, and what would make it need less. In: one checked rule and the resource. Out: its cost alone; a finding. For the
 * cheapest fix the rule is tried without each component behind the addresses; what saves most is named with what it saves.
 */
#include "ctrl/table/need.h"

#include <stdio.h>
#include <string.h>

#include "ctrl/rule/lint.h"

static void cost_of(enum fg_family family, const struct fg_table_rule *rules, size_t n,
		    struct fg_compile_scratch *scratch, struct fg_cost *cost)
{
	const struct fg_table_rule *both[FG_FAMILY_COUNT] = { NULL, NULL };
	size_t count[FG_FAMILY_COUNT] = { 0, 0 };

	both[family] = rules;
	count[family] = n;
	fg_table_cost(both, count, scratch, cost);
}

void fg_need_nothing(struct fg_compile_scratch *scratch, struct fg_cost *cost)
{
	cost_of(FG_IPV4, NULL, 0, scratch, cost);
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void fg_need_alone(const struct fg_rule *rule, const struct fg_cost *nothing, struct fg_compile_scratch *scratch,
		   struct fg_cost *cost)
{
	const bool goes_on = rule->pattern != 0 || (rule->actions.set & (FG_ACT_CONTINUE | FG_ACT_COUNT_ONLY));
	const uint32_t go_on = goes_on ? FG_SLOT_CONTINUE : 0;
	struct fg_table_rule alone = { rule, go_on };
	struct fg_cost with;

	cost_of((enum fg_family)rule->family, &alone, 1, scratch, &with);
	*cost = (struct fg_cost){
		.bytes = above(with.bytes, nothing->bytes),
		.lines = (uint32_t)above(with.lines, nothing->lines),
		.slots = 1,
		.continues = with.continues,
	};
}

static uint64_t amount(const struct fg_cost *cost, enum fg_resource what)
{
	return what == FG_RES_BYTES ? cost->bytes : cost->lines;
}

/* The rule's need alone, without the component at [octet, octet + len) of its NLRI. */
static uint64_t need_without(const struct fg_rule *rule, size_t octet, size_t len, enum fg_resource what,
			     struct fg_compile_scratch *scratch)
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
	cost_of((enum fg_family)rule->family, &alone, 1, scratch, &cost);
	return amount(&cost, what);
}

/* The component whose absence saves most; 0 if none saves anything. */
static uint8_t dearest(const struct fg_rule *rule, enum fg_resource what, struct fg_compile_scratch *scratch,
		       uint64_t *saved)
{
	struct fg_table_rule alone = { rule, 0 };
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;
	struct fg_cost cost;
	uint8_t best = 0;

	*saved = 0;
	cost_of((enum fg_family)rule->family, &alone, 1, scratch, &cost);
	while (fg_component_next(&it, &c, NULL) == 0) {
		uint64_t need;

		if (c.type <= FG_SRC)
			continue;
		need = need_without(rule, c.octet, c.len + 1u, what, scratch);
		if (need < amount(&cost, what) && amount(&cost, what) - need > *saved) {
			*saved = amount(&cost, what) - need;
			best = c.type;
		}
	}
	return best;
}

void fg_need_fix(const struct fg_rule *rule, enum fg_resource what, struct fg_compile_scratch *scratch,
		 char out[FG_DETAIL_MAX])
{
	uint64_t saved = 0;
	uint8_t type = 0;

	if (what == FG_RES_BYTES || what == FG_RES_LINES)
		type = dearest(rule, what, scratch, &saved);
	if (type != 0)
		snprintf(out, FG_DETAIL_MAX, "drop %s: -%llu %s (the rule then matches more)", fg_component_name(type),
			 (unsigned long long)saved, what == FG_RES_BYTES ? "bytes" : "lines");
	else if (what == FG_RES_CONTINUES)
		snprintf(out, FG_DETAIL_MAX, "let this rule, or one before it on the same way, do without `%s`",
			 rule->pattern != 0 ? "payload" : "continue");
	else if (what == FG_RES_PATTERNS)
		snprintf(out, FG_DETAIL_MAX, "a shorter pattern, fewer or shorter repetitions, or a higher limit");
	else
		snprintf(out, FG_DETAIL_MAX, "withdraw another rule, or raise the limit");
}

static const char *resource_name(enum fg_resource what)
{
	static const char *const names[FG_RES_COUNT] = {
		[FG_RES_NONE] = "room",
		[FG_RES_BYTES] = "bytes",
		[FG_RES_LINES] = "lines",
		[FG_RES_SLOTS] = "slots",
		[FG_RES_CONTINUES] = "rules with `continue` or `payload` on one packet's way",
		[FG_RES_PATTERNS] = "octets of payload patterns",
	};

	return names[what];
}

void fg_need_over(const struct fg_rule *rule, enum fg_resource what, uint64_t needed, uint64_t available,
		  const char *whose, struct fg_compile_scratch *scratch, struct fg_finding *out)
{
	struct fg_findings one = { .count = 0 };

	fg_finding_add(&one, FG_OVER_BUDGET, 0, "budget", "needs %llu %s; %s: %llu", (unsigned long long)needed,
		       resource_name(what), whose, (unsigned long long)available);
	*out = one.at[0];
	out->resource = what;
	out->needed = needed;
	out->available = available;
	fg_need_fix(rule, what, scratch, out->cheapest_fix);
}

enum fg_resource fg_need_exceeds(const struct fg_cost *cost, uint64_t bytes, uint64_t lines)
{
	if (cost->bytes > bytes)
		return FG_RES_BYTES;
	if (cost->lines > lines)
		return FG_RES_LINES;
	return cost->continues > FG_APPLIED_MAX - 1 ? FG_RES_CONTINUES : FG_RES_NONE;
}
