/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The worst packet of an image that changes. Each destination knows the cost of its way: its own chain and those of all destinations around
 * it. Destinations are counted by that cost, so the worst is known at once. A change costs a walk over what lies in the destination.
 */
#include <string.h>

#include "ctrl/table/base.h"

/* A way through nested destinations, outermost first. at[0] is none. */
struct stack {
	struct {
		struct fg_prefix prefix;
		uint32_t lines[2]; /* IPv4: in the root's table of short prefixes, in that of long ones. IPv6: in [0] */
		uint32_t continues;
	} at[130];
	uint32_t depth;
};

static struct fg_way push(struct stack *s, const struct fg_group *g, int side)
{
	const struct fg_chain *own = &g->side[side].chain;
	uint32_t table = g->family == FG_IPV4 && g->dst.length > FG_SHORT_BITS;
	struct fg_way way;

	while (s->depth > 0 && !fg_prefix_contains(&s->at[s->depth].prefix, &g->dst))
		s->depth--;
	s->depth++;
	s->at[s->depth] = s->at[s->depth - 1];
	s->at[s->depth].prefix = g->dst;
	s->at[s->depth].lines[table] += own->lines;
	s->at[s->depth].continues += own->continues;
	/* A prefixes step is read once more behind each chain that it found, the root behind each of its two tables. */
	if (g->family == FG_IPV6)
		s->at[s->depth].lines[0] += own->lines != 0;
	way.lines = s->at[s->depth].lines[0] + s->at[s->depth].lines[1];
	if (g->family == FG_IPV4)
		way.lines += (uint32_t)(s->at[s->depth].lines[0] != 0) + (s->at[s->depth].lines[1] != 0);
	way.continues = s->at[s->depth].continues;
	return way;
}

/* What is around a destination, from the outside in. */
static void push_around(struct stack *s, const struct fg_table *t, const struct fg_group *g, int side)
{
	uint32_t around[129], n = 0;

	for (const struct fg_group *x = g; (around[n] = fg_base_around(t, side, x, 0)) != 0; n++)
		x = &t->group[around[n]];
	while (n > 0)
		push(s, &t->group[around[--n]], side);
}

static void count(uint32_t *ways, uint32_t *worst, uint32_t old, uint32_t new)
{
	old = old < FG_WAYS ? old : FG_WAYS - 1;
	new = new < FG_WAYS ? new : FG_WAYS - 1;
	/* A way of no cost is not counted. */
	if (old != 0)
		ways[old]--;
	if (new != 0)
		ways[new]++;
	if (new > *worst)
		*worst = new;
	while (*worst > 0 && ways[*worst] == 0)
		--*worst;
}

static void set_way(struct fg_ways *ways, struct fg_group_side *g, struct fg_way way)
{
	count(ways->lines, &ways->worst.lines, g->way.lines, way.lines);
	count(ways->continues, &ways->worst.continues, g->way.continues, way.continues);
	g->way = way;
}

void fg_ways_update(struct fg_table *t, int side, struct fg_group *g)
{
	struct fg_ways *ways = &t->side[side].ways[g->family];
	struct stack s = { .depth = 0 };

	push_around(&s, t, g, side);
	if (!g->side[side].present)
		set_way(ways, &g->side[side], (struct fg_way){ 0, 0 });
	for (uint32_t node = fg_base_last_inside(t, g); node != 0;) {
		struct fg_group *x = &t->group[fg_base_group_of(t, node)];

		if (x->kind != FG_GROUP_DST || !fg_prefix_contains(&g->dst, &x->dst))
			break;
		if (x->side[side].present)
			set_way(ways, &x->side[side], push(&s, x, side));
		node = t->node[x->first].previous;
	}
}
