/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Budgets. In: rules in the running, each with its cost. Out: those refused that the image or their source has no
 * room for, with what they need, what there is, and the cheapest fix.
 *
 * Who gets the room does not depend on luck: the order of the input decides. All rules are tried together, and
 * where they do not fit, in halves, first half first; a rule that does not fit by itself is refused. So what is
 * admitted is what trying one rule after the other would admit, and costs one reckoning where everything fits. The
 * work is capped: once WORK_MAX rules have been reckoned, what has not been tried yet is refused, and says so.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/load/steps.h"
#include "ctrl/table/need.h"

enum { WORK_MAX = 1 << 22 };

struct budget {
	struct fg_load *load;
	struct fg_loaded **rule; /* in the running, in the order of the input */
	bool *in;                /* by place - 1: has its room */
	struct fg_cost cost;     /* of those */
	size_t work;
};

int fg_load_over(struct fg_load *load, struct fg_loaded *rule, enum fg_resource what, uint64_t needed,
		 uint64_t available, const char *whose)
{
	struct fg_finding why;

	fg_need_over(&rule->rule, what, needed, available, whose, &load->work->scratch, &why);
	return fg_load_judge(load, rule, &why);
}

/* ---- Of a source ---- */

static int keep_source(struct fg_load *load, const struct fg_limit *limit)
{
	uint64_t bytes = 0, slots = 0;
	char whose[FG_NAME_MAX + 24];
	int r = 0;

	snprintf(whose, sizeof(whose), "left to source %s", limit->source);
	for (size_t i = 0; i < load->count && r == 0; i++) {
		struct fg_loaded *rule = load->rule[i];

		if (rule->state != FG_STATE_ADMITTED || strcmp(rule->source, limit->source) != 0)
			continue;
		if (slots + 1 > limit->slots) {
			r = fg_load_over(load, rule, FG_RES_SLOTS, 1, limit->slots - slots, whose);
		} else if (rule->cost.bytes > limit->bytes - bytes) {
			r = fg_load_over(load, rule, FG_RES_BYTES, rule->cost.bytes, limit->bytes - bytes, whose);
		} else {
			bytes += rule->cost.bytes;
			slots++;
		}
	}
	return r;
}

/* ---- Of the table ---- */

/* Cost with rules [from, to) beside those that have room. */
static void reckon(struct budget *b, size_t from, size_t to, struct fg_cost *cost)
{
	const struct fg_load_work *w = b->load->work;
	uint32_t first = b->rule[from]->place, last = b->rule[to - 1]->place;
	const struct fg_table_rule *rules[FG_FAMILY_COUNT];
	struct fg_table_rule *at = w->some;
	size_t n[FG_FAMILY_COUNT];

	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		rules[f] = at;
		for (size_t i = 0; i < w->n[f]; i++) {
			uint32_t slot = w->all[f][i].slot & FG_SLOT_MASK;
			const struct fg_loaded *rule = b->load->rule[slot];

			if (b->in[slot] ||
			    (rule->state == FG_STATE_ADMITTED && rule->place >= first && rule->place <= last))
				*at++ = w->all[f][i];
		}
		n[f] = (size_t)(at - rules[f]);
	}
	fg_table_cost(rules, n, &b->load->work->scratch, cost);
	b->work += n[FG_IPV4] + n[FG_IPV6] + 1;
}

static uint64_t room_left(uint64_t budget, uint64_t used)
{
	return budget > used ? budget - used : 0;
}

static int refuse(struct budget *b, struct fg_loaded *rule, enum fg_resource what, const struct fg_cost *with)
{
	const struct fg_limits *l = &b->load->limits;

	if (what == FG_RES_BYTES)
		return fg_load_over(b->load, rule, what, room_left(with->bytes, b->cost.bytes),
				    room_left(l->bytes, b->cost.bytes), "left in the table");
	if (what == FG_RES_LINES)
		return fg_load_over(b->load, rule, what, with->lines, l->lines,
				    "on the worst packet's way there may be");
	if (what == FG_RES_CONTINUES)
		return fg_load_over(b->load, rule, what, with->continues, FG_APPLIED_MAX - 1, "permitted");
	return fg_load_over(b->load, rule, what, 1, room_left(l->slots, b->cost.slots), "left in the table");
}

/* After WORK_MAX: what would be tried is not. */
static int refuse_untried(struct budget *b, struct fg_loaded *rule)
{
	struct fg_findings findings = { .count = 0 };
	struct fg_finding *f = fg_finding_add(&findings, FG_OVER_BUDGET, 0, "budget",
					      "not tried: so many rules before it are over budget that the room left "
					      "is not looked for any further");

	f->resource = FG_RES_BYTES;
	f->needed = rule->cost.bytes;
	f->available = room_left(b->load->limits.bytes, b->cost.bytes);
	snprintf(f->cheapest_fix, sizeof(f->cheapest_fix), "raise the limit, or give fewer rules");
	return fg_load_judge(b->load, rule, f);
}

/* Puts rules [from, to) in if they fit together: FG_RES_NONE. */
static enum fg_resource fit(struct budget *b, size_t from, size_t to, struct fg_cost *with)
{
	enum fg_resource what;

	*with = b->cost;
	if (b->cost.slots + (to - from) > b->load->limits.slots)
		return FG_RES_SLOTS;
	reckon(b, from, to, with);
	what = fg_need_exceeds(with, b->load->limits.bytes, b->load->limits.lines);
	if (what != FG_RES_NONE)
		return what;
	for (size_t i = from; i < to; i++)
		b->in[b->rule[i]->place - 1] = true;
	b->cost = *with;
	return FG_RES_NONE;
}

/* Depth is the binary logarithm of FG_INPUT_RULES_MAX at most. */
static int admit(struct budget *b, size_t from, size_t to)
{
	size_t middle = from + (to - from) / 2;
	enum fg_resource what;
	struct fg_cost with;
	int r = 0;

	if (b->work > WORK_MAX) {
		for (size_t i = from; i < to && r == 0; i++)
			r = refuse_untried(b, b->rule[i]);
		return r;
	}
	what = fit(b, from, to, &with);
	if (what == FG_RES_NONE)
		return 0;
	if (to - from == 1)
		return refuse(b, b->rule[from], what, &with);
	r = admit(b, from, middle);
	return r != 0 ? r : admit(b, middle, to);
}

int fg_load_budget(struct fg_load *load)
{
	struct budget b = { .load = load, .cost = load->work->nothing };
	size_t n = 0;
	int r = 0;

	for (size_t i = 0; i < load->limits.sources && r == 0; i++)
		r = keep_source(load, &load->limits.source[i]);
	b.rule = fg_arena_take(&load->arena, load->count * sizeof(*b.rule));
	b.in = fg_arena_take(&load->arena, load->count * sizeof(*b.in));
	if (r != 0 || b.rule == NULL || b.in == NULL)
		return r != 0 ? r : -ENOMEM;
	for (size_t i = 0; i < load->count; i++)
		if (load->rule[i]->state == FG_STATE_ADMITTED)
			b.rule[n++] = load->rule[i];
	r = n > 0 ? admit(&b, 0, n) : 0;
	load->cost = b.cost;
	return r;
}
