/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payload patterns of rules. In: patterns as written. Out: which rules have the same one, a database of them all, and refusals. A pattern that
 * several rules have is compiled once. Always holds: a rule is never enforced without its pattern, for it would match more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/load/steps.h"
#include "ctrl/rule/lint.h"

static bool in_running(const struct fg_loaded *rule)
{
	return rule->payload[0] != '\0' && rule->state == FG_STATE_ADMITTED;
}

static int refuse(struct fg_load *load, struct fg_loaded *rule, enum fg_reason code, const char *why)
{
	struct fg_findings findings = { .count = 0 };

	fg_finding_add(&findings, code, 0, "extension", "%s", why);
	return fg_load_judge(load, rule, &findings.at[0]);
}

int fg_load_payload(struct fg_load *load, struct fg_loaded *rule)
{
	struct fg_pattern pattern;
	char why[FG_DETAIL_MAX];

	if (!load->payload)
		return refuse(
			load, rule, FG_UNSUPPORTED,
			"payload patterns are enforced by the DPDK dataplane only; without the pattern the rule would "
			"be wider");
	return fg_pattern_read(rule->payload, &pattern, why) == 0 ? 0 : refuse(load, rule, FG_UNSUPPORTED, why);
}

/* ---- Which are the same ---- */

static int by_payload(const void *a, const void *b)
{
	const struct fg_loaded *ra = *(struct fg_loaded *const *)a, *rb = *(struct fg_loaded *const *)b;
	int r = strcmp(ra->payload, rb->payload);

	return r != 0 ? r : (ra->place > rb->place) - (ra->place < rb->place);
}

int fg_load_payload_same(struct fg_load *load)
{
	struct fg_loaded **some = malloc((load->count + 1) * sizeof(*some));
	uint32_t first = 0;
	size_t n = 0;

	if (some == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < load->count; i++)
		if (in_running(load->rule[i]))
			some[n++] = load->rule[i];
	qsort(some, n, sizeof(*some), by_payload);
	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(some[i]->payload, some[i - 1]->payload) != 0)
			first = some[i]->place;
		some[i]->rule.pattern = first;
		some[i]->rule.turn = some[i]->place;
	}
	free(some);
	return 0;
}

/* ---- Compiling ---- */

struct compiling {
	struct fg_load *load;
	struct fg_loaded **rule; /* in the running */
	uint32_t *number;        /* by fg_rule.pattern: of the pattern, and 1 */
	struct fg_pattern *pattern;
	struct fg_pattern_fate *fate;
	size_t rules, patterns;
};

/* Rules in the order of the input, and their patterns in the order in which they are met first. */
static void gather(struct compiling *c)
{
	char why[FG_DETAIL_MAX];

	for (size_t i = 0; i < c->load->count; i++) {
		struct fg_loaded *rule = c->load->rule[i];

		if (!in_running(rule))
			continue;
		c->rule[c->rules++] = rule;
		if (c->number[rule->rule.pattern] != 0)
			continue;
		c->number[rule->rule.pattern] = (uint32_t)c->patterns + 1;
		fg_pattern_read(rule->payload, &c->pattern[c->patterns], why);
		c->pattern[c->patterns].number = (uint32_t)c->patterns;
		c->patterns++;
	}
}

static int take_fate(struct compiling *c, struct fg_loaded *rule, const struct fg_pattern_fate *fate)
{
	struct fg_finding *why;
	int r;

	rule->pattern_bytes = fate->octets;
	if (fate->code == FG_OK)
		return 0;
	r = refuse(c->load, rule, fate->code, fate->why);
	if (r != 0 || fate->code != FG_OVER_BUDGET)
		return r;
	why = &rule->finding[rule->findings - 1];
	why->resource = FG_RES_PATTERNS;
	why->needed = fate->needed;
	why->available = fate->available;
	snprintf(why->cheapest_fix, sizeof(why->cheapest_fix),
		 "a shorter pattern, fewer or shorter repetitions, or a higher limit");
	return 0;
}

static int compile(struct compiling *c)
{
	struct fg_pattern_limits limits;
	char program[FG_PATTERN_PATH_MAX];
	int r = 0;

	fg_pattern_limits_default(&limits);
	limits.octets = c->load->limits.pattern_bytes;
	limits.octets_one = c->load->limits.rule.pattern_bytes;
	if (c->load->pattern_program != NULL)
		snprintf(program, sizeof(program), "%s", c->load->pattern_program);
	else
		fg_pattern_program(program, sizeof(program));
	fg_pattern_database_free(&c->load->patterns);
	/* That the program cannot be run is each rule's fate. */
	(void)fg_patterns_compile(program, &limits, c->pattern, c->patterns, c->fate, &c->load->patterns);
	for (size_t i = 0; i < c->rules && r == 0; i++) {
		struct fg_loaded *rule = c->rule[i];
		uint32_t number = c->number[rule->rule.pattern];

		r = take_fate(c, rule, &c->fate[number - 1]);
		rule->rule.pattern = number;
	}
	c->load->work->patterns = 0;
	for (size_t i = 0; i < c->patterns; i++)
		c->load->work->patterns += c->fate[i].code == FG_OK;
	return r;
}

int fg_load_payload_compile(struct fg_load *load)
{
	struct compiling c = { .load = load };
	size_t room = 1;
	int r = 0;

	for (size_t i = 0; i < load->count; i++)
		room += in_running(load->rule[i]);
	if (room == 1 && load->work->patterns == 0)
		return 0;
	c.number = calloc(load->count + 1, sizeof(*c.number));
	c.rule = malloc(room * sizeof(*c.rule));
	c.pattern = malloc(room * sizeof(*c.pattern));
	c.fate = malloc(room * sizeof(*c.fate));
	if (c.rule == NULL || c.number == NULL || c.pattern == NULL || c.fate == NULL)
		r = -ENOMEM;
	else
		gather(&c);
	if (r == 0 && c.patterns != load->work->patterns)
		r = compile(&c);
	free(c.rule);
	free(c.number);
	free(c.pattern);
	free(c.fate);
	return r;
}
