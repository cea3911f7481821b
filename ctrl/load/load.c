/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of a rule: fg_load_admit() is the whole of it. In: the rules that input.c put on the list, octets
 * checked. Out: each rule admitted, refused or malformed with its findings, its cost and its place; the admitted
 * ones in evaluation order.
 *
 * What always holds: a rule is in the running while its state is FG_STATE_ADMITTED; each step takes rules out of
 * the running and none puts one back; what is in the running has been checked, is no duplicate and can match.
 */
#include "ctrl/load/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/load/steps.h"
#include "ctrl/policy/judge.h"
#include "ctrl/rule/order.h"

int fg_load_new(struct fg_load **out)
{
	struct fg_load *load = calloc(1, sizeof(*load));

	if (load == NULL)
		return -ENOMEM;
	load->work = calloc(1, sizeof(*load->work));
	if (load->work == NULL) {
		free(load);
		return -ENOMEM;
	}
	fg_limits_default(&load->limits);
	*out = load;
	return 0;
}

void fg_load_free(struct fg_load *load)
{
	if (load == NULL)
		return;
	fg_arena_free(&load->arena);
	fg_pattern_database_free(&load->patterns);
	free(load->rule);
	free(load->work);
	free(load);
}

const char *fg_loaded_name(const struct fg_loaded *rule, char out[FG_NAME_MAX + 1])
{
	if (rule->rule.name[0] != '\0')
		memcpy(out, rule->rule.name, sizeof(rule->rule.name));
	else
		snprintf(out, FG_NAME_MAX + 1, "#%u", rule->place);
	return out;
}

static bool in_running(const struct fg_loaded *rule)
{
	return rule->state == FG_STATE_ADMITTED;
}

static int keep_findings(struct fg_load *load, struct fg_loaded *rule, const struct fg_findings *findings)
{
	int r = 0;

	for (size_t i = 0; i < findings->count && r == 0; i++)
		r = fg_load_judge(load, rule, &findings->at[i]);
	return r;
}

/* Lint of each rule by itself: what its components are in canonical form, and whether any packet can satisfy them. */
static int lint_rules(struct fg_load *load)
{
	struct fg_findings findings;
	struct fg_canon canon;
	int r = 0;

	for (size_t i = 0; i < load->count && r == 0; i++) {
		struct fg_loaded *rule = load->rule[i];

		if (!rule->checked)
			continue;
		findings.count = 0;
		fg_canon_make(&rule->rule, load->work->pool, &canon);
		fg_rule_lint(&rule->rule, &canon, &load->limits.lint, &findings);
		fg_judge_breadth(&load->limits, &canon, &findings);
		r = keep_findings(load, rule, &findings);
	}
	return r;
}

/* A rule while it is sorted. */
struct ranked {
	uint64_t rank;
	struct fg_table_rule is;
};

/* Evaluation order; of two with the same octets the first of the input. */
static int by_order(const void *a, const void *b)
{
	const struct ranked *ra = a, *rb = b;
	uint32_t pa, pb;
	int r;

	if (ra->rank != rb->rank)
		return ra->rank < rb->rank ? -1 : 1;
	r = fg_rule_order(ra->is.rule, rb->is.rule);
	pa = ((const struct fg_loaded *)(const void *)ra->is.rule)->place;
	pb = ((const struct fg_loaded *)(const void *)rb->is.rule)->place;
	return r != 0 ? r : (pa > pb) - (pa < pb);
}

static uint32_t slot_word(const struct fg_loaded *rule)
{
	bool goes_on = rule->rule.actions.set & FG_ACT_CONTINUE;
	uint32_t slot = rule->place - 1;

	if (rule->rule.pattern != 0)
		return slot | FG_SLOT_PAYLOAD | FG_SLOT_CONTINUE | (goes_on ? 0 : FG_SLOT_ENDS);
	return slot | (goes_on ? FG_SLOT_CONTINUE : 0);
}

/* The rules of one family that are in the running, the one that is evaluated first in front (RFC 8955 §5.1). */
static size_t order_family(const struct fg_load *load, enum fg_family family, struct ranked *room,
			   struct fg_table_rule *out)
{
	size_t n = 0;

	for (size_t i = 0; i < load->count; i++) {
		const struct fg_loaded *rule = load->rule[i];

		if (in_running(rule) && rule->rule.family == family)
			room[n++] = (struct ranked){ fg_rule_rank(&rule->rule), { &rule->rule, slot_word(rule) } };
	}
	qsort(room, n, sizeof(*room), by_order);
	for (size_t i = 0; i < n; i++)
		out[i] = room[i].is;
	return n;
}

static int order_rules(struct fg_load *load)
{
	struct ranked *room = malloc((load->count + 1) * sizeof(*room));
	struct fg_load_work *w = load->work;
	int r = 0;

	w->some = fg_arena_take(&load->arena, load->count * sizeof(*w->some));
	if (room == NULL || w->some == NULL)
		r = -ENOMEM;
	for (int f = 0; f < FG_FAMILY_COUNT && r == 0; f++) {
		w->all[f] = fg_arena_take(&load->arena, load->count * sizeof(*w->all[f]));
		if (w->all[f] != NULL)
			w->n[f] = order_family(load, (enum fg_family)f, room, w->all[f]);
		else
			r = -ENOMEM;
	}
	free(room);
	return r;
}

struct shadows {
	struct fg_load *load;
	enum fg_family family;
	int result;
};

static void take_shadow(void *ctx, size_t judged, size_t by, enum fg_reason code)
{
	struct shadows *s = ctx;
	const struct fg_table_rule *all = s->load->work->all[s->family];
	struct fg_loaded *rule = s->load->rule[all[judged].slot & FG_SLOT_MASK];
	const struct fg_loaded *other = s->load->rule[all[by].slot & FG_SLOT_MASK];
	struct fg_findings findings = { .count = 0 };
	char name[FG_NAME_MAX + 1];

	fg_loaded_name(other, name);
	if (code == FG_DUPLICATE)
		fg_finding_add(&findings, code, 0, "RFC 8955 §5.1", "the same NLRI%s as %s in line %u",
			       rule->rule.pattern != 0 ? " and pattern" : "", name, other->line);
	else
		fg_finding_add(&findings, code, 0, "RFC 8955 §5.1",
			       "every packet of it is matched by %s in line %u, which is evaluated before", name,
			       other->line);
	if (s->result == 0)
		s->result = keep_findings(s->load, rule, &findings);
}

/* Takes those out of all[] that are in the running no more; the order stays. */
static void drop_refused(struct fg_load *load)
{
	struct fg_load_work *w = load->work;

	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		size_t kept = 0;

		for (size_t i = 0; i < w->n[f]; i++)
			if (in_running(load->rule[w->all[f][i].slot & FG_SLOT_MASK]))
				w->all[f][kept++] = w->all[f][i];
		w->n[f] = kept;
	}
}

/* Lint of the set: duplicates are refused, shadowed rules are warned of. */
static int compare_rules(struct fg_load *load)
{
	struct fg_load_work *w = load->work;
	struct shadows s = { .load = load };

	for (int f = 0; f < FG_FAMILY_COUNT && s.result == 0; f++) {
		const struct fg_rule **rules = fg_arena_take(&load->arena, w->n[f] * sizeof(*rules));

		if (rules == NULL)
			return -ENOMEM;
		for (size_t i = 0; i < w->n[f]; i++)
			rules[i] = w->all[f][i].rule;
		s.family = (enum fg_family)f;
		fg_rules_shadowed(rules, w->n[f], FG_LOAD_SHADOW_WINDOW, w->pool, take_shadow, &s);
	}
	drop_refused(load);
	return s.result;
}

/* What is still in the running is admitted: its place in evaluation order. */
static void settle(struct fg_load *load)
{
	struct fg_load_work *w = load->work;

	drop_refused(load);
	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		load->sorted[f] = w->all[f];
		load->n[f] = w->n[f];
		for (size_t i = 0; i < w->n[f]; i++)
			load->rule[w->all[f][i].slot & FG_SLOT_MASK]->precedence = (uint32_t)i + 1;
	}
	load->admitted = load->n[FG_IPV4] + load->n[FG_IPV6];
	for (size_t i = 0; i < load->count; i++)
		load->malformed += load->rule[i]->state == FG_STATE_MALFORMED;
}

int fg_load_admit(struct fg_load *load)
{
	int r = lint_rules(load);

	if (r == 0)
		r = fg_load_payload_same(load);
	if (r == 0)
		r = order_rules(load);
	if (r == 0)
		r = compare_rules(load);
	if (r == 0)
		r = fg_load_cost_rules(load);
	if (r == 0)
		r = fg_load_payload_compile(load);
	if (r == 0)
		r = fg_load_budget(load);
	if (r == 0)
		r = fg_load_payload_compile(load); /* without those that had no room */
	if (r == 0)
		settle(load);
	return r;
}
