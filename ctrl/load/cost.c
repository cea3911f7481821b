/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What each rule costs by itself. In: the rules in the running, in evaluation order. Out: fg_loaded.cost; rules
 * refused that are over the limits of one rule. The cost of the whole table is another thing, exact, and settled in
 * budget.c.
 *
 * A rule's own cost is the difference that it makes to an image which holds its group alone: the rules of the same
 * destination prefix and the same source prefix (or of none) that come before it in the input. So for up to
 * EXACT_RULES of a group it is the marginal cost in the order of the input, but for what is shared with other
 * groups: a /24 of IPv4 destinations shares one node, buckets of a prefixes step are shared too, and each group
 * here counts its own. From then on the group is reckoned each time it has grown by a quarter, and the rules that
 * made it grow share the difference alike: that keeps the work linear. Where an image becomes cheaper by a rule,
 * that rule costs nothing. `lines` is by how much the worst packet's way became longer.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/load/steps.h"
#include "ctrl/table/table.h"

enum { EXACT_RULES = 32, GROWTH = 4 };

void fg_load_cost(struct fg_load *load, enum fg_family family, const struct fg_table_rule *rules, size_t n,
		  struct fg_cost *cost)
{
	const struct fg_table_rule *both[FG_FAMILY_COUNT] = { NULL, NULL };
	size_t count[FG_FAMILY_COUNT] = { 0, 0 };

	both[family] = rules;
	count[family] = n;
	fg_table_cost(both, count, &load->work->scratch, cost);
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* Each of `n` rules' share of the way from one cost to another, rounded up. */
static struct fg_cost share(const struct fg_cost *from, const struct fg_cost *to, size_t n)
{
	return (struct fg_cost){
		.bytes = (above(to->bytes, from->bytes) + n - 1) / n,
		.lines = (uint32_t)((above(to->lines, from->lines) + n - 1) / n),
		.slots = 1,
		.continues = (uint32_t)((above(to->continues, from->continues) + n - 1) / n),
	};
}

/* A group: rules [0, n) in evaluation order, and the same in the order of the input. */
struct group {
	enum fg_family family;
	const struct fg_table_rule *rules;
	size_t n;
	struct fg_loaded **by_place;
	struct fg_cost sofar; /* of those reckoned */
	uint32_t continues;
};

static struct fg_loaded *loaded(const struct fg_load *load, const struct fg_table_rule *rule)
{
	return load->rule[rule->slot & FG_SLOT_MASK];
}

/* The cost of the group's rules up to a place in the input that are in the running. */
static void reckon(struct fg_load *load, const struct group *g, uint32_t place, struct fg_cost *cost)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		const struct fg_loaded *rule = loaded(load, &g->rules[i]);

		if (rule->place <= place && rule->state == FG_STATE_ADMITTED)
			load->work->some[n++] = g->rules[i];
	}
	fg_load_cost(load, g->family, load->work->some, n, cost);
}

/*
 * What a rule may need, and, where it joined `alone`, what the way through its group may be: of several that join
 * together budget.c finds out which is one too many. FG_RES_NONE: it keeps within.
 */
static enum fg_resource rule_over(const struct fg_load *load, const struct fg_cost *own, const struct fg_cost *group,
				  bool alone, uint64_t *needed, uint64_t *available)
{
	const struct fg_limit *limit = &load->limits.rule;

	*needed = own->bytes;
	*available = limit->bytes;
	if (*needed > *available)
		return FG_RES_BYTES;
	*needed = own->lines;
	*available = limit->lines;
	if (*needed > *available)
		return FG_RES_LINES;
	*needed = group->lines;
	*available = load->limits.lines;
	return alone && *needed > *available ? FG_RES_LINES : FG_RES_NONE;
}

/* One `continue` rule more on the way of a packet than can be honoured. */
static int judge_continues(struct fg_load *load, struct group *g, struct fg_loaded *rule)
{
	if ((rule->rule.actions.set & FG_ACT_CONTINUE) == 0 && rule->rule.pattern == 0)
		return 0;
	if (g->continues < FG_APPLIED_MAX - 1) {
		g->continues++;
		return 0;
	}
	return fg_load_over(load, rule, FG_RES_CONTINUES, g->continues + 1, FG_APPLIED_MAX - 1, "permitted");
}

/*
 * Rules [from, to) of the input's order join the group: each gets its share, and is refused if that is too much for
 * a rule.
 */
static int join(struct fg_load *load, struct group *g, size_t from, size_t to)
{
	struct fg_cost with, each;
	int r = 0;

	reckon(load, g, g->by_place[to - 1]->place, &with);
	each = share(&g->sofar, &with, to - from);
	for (size_t i = from; i < to && r == 0; i++) {
		struct fg_loaded *rule = g->by_place[i];
		uint64_t needed, available;
		enum fg_resource over;

		if (rule->state != FG_STATE_ADMITTED)
			continue;
		rule->cost = each;
		over = rule_over(load, &each, &with, to - from == 1, &needed, &available);
		if (over != FG_RES_NONE)
			r = fg_load_over(load, rule, over, needed, available,
					 needed == with.lines ? "on the worst packet's way there may be"
							      : "one rule may take");
	}
	if (g->by_place[to - 1]->state == FG_STATE_ADMITTED)
		g->sofar = with;
	return r;
}

static int cost_group(struct fg_load *load, struct group *g)
{
	size_t from = 0, to;
	int r = 0;

	g->sofar = load->work->nothing;
	for (size_t i = 0; i < g->n && r == 0; i++)
		r = judge_continues(load, g, g->by_place[i]);
	for (; from < g->n && r == 0; from = to) {
		to = from < EXACT_RULES ? from + 1 : from + from / GROWTH;
		if (to > g->n)
			to = g->n;
		r = join(load, g, from, to);
	}
	return r;
}

static int by_place(const void *a, const void *b)
{
	uint32_t pa = (*(struct fg_loaded *const *)a)->place, pb = (*(struct fg_loaded *const *)b)->place;

	return (pa > pb) - (pa < pb);
}

static bool same_component(const struct fg_rule *a, const struct fg_rule *b, uint8_t type)
{
	struct fg_component ca, cb;
	bool has = fg_rule_component(a, type, &ca);
	struct fg_prefix pa, pb;

	if (has != fg_rule_component(b, type, &cb))
		return false;
	if (!has)
		return true;
	pa = fg_component_prefix(a, &ca);
	pb = fg_component_prefix(b, &cb);
	return pa.offset == pb.offset && pa.length == pb.length && memcmp(pa.octets, pb.octets, sizeof(pa.octets)) == 0;
}

static size_t group_end(const struct fg_table_rule *rules, size_t begin, size_t n)
{
	size_t end = begin + 1;

	while (end < n && same_component(rules[begin].rule, rules[end].rule, FG_DST) &&
	       same_component(rules[begin].rule, rules[end].rule, FG_SRC))
		end++;
	return end;
}

static int cost_family(struct fg_load *load, enum fg_family family, struct fg_loaded **room)
{
	const struct fg_table_rule *all = load->work->all[family];
	size_t n = load->work->n[family], end;
	int r = 0;

	for (size_t begin = 0; begin < n && r == 0; begin = end) {
		struct group g = { .family = family, .rules = all + begin, .by_place = room };

		end = group_end(all, begin, n);
		g.n = end - begin;
		for (size_t i = 0; i < g.n; i++)
			room[i] = loaded(load, &g.rules[i]);
		qsort(room, g.n, sizeof(room[0]), by_place);
		r = cost_group(load, &g);
	}
	return r;
}

/* A rule that is out of the running already is reckoned alone. */
static void cost_refused(struct fg_load *load)
{
	struct fg_cost with;

	for (size_t i = 0; i < load->count; i++) {
		struct fg_loaded *rule = load->rule[i];
		struct fg_table_rule alone = { &rule->rule, rule->place - 1 };

		if (rule->state == FG_STATE_ADMITTED || !rule->checked)
			continue;
		fg_load_cost(load, rule->rule.family, &alone, 1, &with);
		rule->cost = share(&load->work->nothing, &with, 1);
	}
}

int fg_load_cost_rules(struct fg_load *load)
{
	struct fg_loaded **room = malloc((load->count + 1) * sizeof(*room));
	int r = 0;

	if (room == NULL)
		return -ENOMEM;
	fg_load_cost(load, FG_IPV4, NULL, 0, &load->work->nothing);
	cost_refused(load);
	for (int f = 0; f < FG_FAMILY_COUNT && r == 0; f++)
		r = cost_family(load, (enum fg_family)f, room);
	free(room);
	return r;
}
