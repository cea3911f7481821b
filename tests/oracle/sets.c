/* SPDX-License-Identifier: BSD-3-Clause */
/* Random sets of rules (sets.h). Sees both the engine and the oracle, as only tests may. */
#include "tests/oracle/sets.h"

#include <stdio.h>
#include <stdlib.h>

#include "ctrl/rule/order.h"

static int by_order(const void *a, const void *b)
{
	return fg_rule_order(((const struct fg_table_rule *)a)->rule, ((const struct fg_table_rule *)b)->rule);
}

static bool is_known(const struct set *set, const struct fg_rule *rule)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->rule[i].family == rule->family && fg_rule_order(&set->rule[i], rule) == 0)
			return true;
	return false;
}

/* One line says the rule, as columns need it. */
static bool fits(const struct fg_rule *rule)
{
	static struct fg_compile_scratch scratch;
	struct fg_emit e = { .scratch = &scratch };
	struct fg_rule_line line;
	struct fg_rule_more more;

	return fg_rule_fit(&e, rule, false, &line, &more) == FG_FITS && !(line.flags & FG_STEP_HAS_MORE);
}

static void draw_rule(struct set *set, struct or_random *r, const struct or_gen_rules *how, bool no_dst, bool fitting)
{
	struct or_gen_rule *g = &set->gen[set->count];
	struct fg_rule *rule = &set->rule[set->count];
	bool v6 = or_random_chance(r, 50);
	uint32_t id = (uint32_t)set->count;

	or_gen_rule(r, v6 ? OR_IPV6 : OR_IPV4, how, g);
	if (no_dst && g->octets[0] == FG_DST)
		return;
	*rule = (struct fg_rule){ .family = v6, .nlri = g->octets, .nlri_len = g->len, .offset_form = g->full_offset };
	if (is_known(set, rule) || (fitting && !fits(rule)))
		return;
	if (or_table_add(set->oracle, id, g->family, g->full_offset, g->go_on, g->octets, g->len) != 0)
		abort();
	set->sorted[v6][set->n[v6]++] = (struct fg_table_rule){ rule, id | (g->go_on ? FG_SLOT_CONTINUE : 0) };
	set->count++;
}

static void draw(struct set *set, struct or_random *r, const struct or_gen_rules *how, size_t n, bool no_dst,
		 bool fitting)
{
	set->count = set->n[0] = set->n[1] = 0;
	set->oracle = or_table_new();
	for (size_t i = 0; i < 20 * n && set->count < n; i++)
		draw_rule(set, r, how, no_dst, fitting);
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		qsort(set->sorted[f], set->n[f], sizeof(set->sorted[f][0]), by_order);
}

void set_draw(struct set *set, struct or_random *r, const struct or_gen_rules *how, size_t n, bool no_dst)
{
	draw(set, r, how, n, no_dst, false);
}

void set_draw_fitting(struct set *set, struct or_random *r, const struct or_gen_rules *how, size_t n)
{
	draw(set, r, how, n, true, true);
}

void set_free(struct set *set)
{
	or_table_free(set->oracle);
	set->oracle = NULL;
}

int set_compile(const struct set *set, uint8_t *base, uint32_t lines, uint32_t *used)
{
	static struct fg_compile_scratch scratch;
	const struct fg_table_rule *const rules[] = { set->sorted[FG_IPV4], set->sorted[FG_IPV6] };

	return fg_table_compile(base, lines, rules, set->n, &scratch, used);
}

void set_packet(const struct set *set, struct or_random *r, size_t i, const struct or_gen_packets *how,
		struct or_gen_packet *out)
{
	if (i % 4 == 0)
		or_gen_packet(r, i % 8 ? OR_IPV6 : OR_IPV4, how, out);
	else
		or_gen_aim(r, &set->gen[or_random_below(r, (uint32_t)set->count)], i % 4 == 3, how, out);
}

uint64_t set_factor(void)
{
	const char *text = getenv("FG_ORACLE_FACTOR");
	uint64_t factor = text != NULL ? strtoull(text, NULL, 10) : 1;

	return factor > 0 ? factor : 1;
}

uint64_t set_seed(uint64_t seed, uint64_t i)
{
	return seed + i * 1000003;
}

static uint64_t packets, pairs;

void set_compared(const struct set *set)
{
	packets++;
	pairs += or_table_count(set->oracle);
}

void set_report(const char *what)
{
	printf("# %s: %llu packets compared with sets of rules, %llu pairs of a rule and a packet\n", what,
	       (unsigned long long)packets, (unsigned long long)pairs);
}
