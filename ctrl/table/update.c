/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An image follows the rules (base.h): what changed since it was last brought up to date is emitted anew, group by group, in blocks of
 * exactly the lines that are needed, and linked in. The groups of a batch may be taken in any order: each is linked to what the image has
 * around it at that moment, and a group that comes, goes or moves later relinks what lies in it.
 *
 * Only an image that nobody reads is written, so nothing here needs an order of stores. One thread.
 */
#include <string.h>

#include "ctrl/table/base.h"
#include "flowgate/packet.h"

enum {
	GUESS_LINES = 32, /* what a rule more takes of a group, and then some */
	IPV4_BITS = 32,
	CLOSED_STEPS = 8, /* destinations that are passed over one by one */
};

static uint32_t *next_of(const struct fg_side *s, uint32_t step)
{
	return &((struct fg_step *)fg_lines_at(s, step))->next;
}

/* ---- Chains ---- */

/* Emits a chain into a block, and gives back what it has too many. False: it has too few lines. */
static bool emit_into(struct fg_table *t, struct fg_side *s, size_t n, bool with_dst, uint32_t next,
		      struct fg_extent *block, struct fg_chain *chain)
{
	struct fg_emit e = {
		.base = s->base, .lines = block->ref + block->lines, .used = block->ref, .scratch = &t->scratch
	};
	struct fg_extent rest;

	*chain = fg_emit_chain(&e, t->gather, n, with_dst, (struct fg_chain){ .ref = next });
	if (e.full)
		return false;
	rest = (struct fg_extent){ e.used, e.lines - e.used };
	block->lines -= rest.lines;
	fg_lines_give(s, &rest);
	return true;
}

/*
 * A large group needs about what it needed before: it is emitted where there is room for some more, which saves counting. False: it
 * has to be counted.
 */
static bool emit_guessed(struct fg_table *t, struct fg_side *s, size_t n, bool with_dst, uint32_t next, uint32_t before,
			 struct fg_extent *block, struct fg_chain *chain)
{
	if (n <= FG_NARROW_RULES || before == 0 || !fg_lines_take(s, before + before / 8 + GUESS_LINES, block))
		return false;
	if (emit_into(t, s, n, with_dst, next, block, chain))
		return true;
	fg_lines_give(s, block);
	return false;
}

/* Emits a chain in a block of its own size, in place of what *block held. False: no room. */
static bool emit_block(struct fg_table *t, struct fg_side *s, size_t n, bool with_dst, uint32_t next,
		       struct fg_extent *block, struct fg_chain *chain)
{
	struct fg_emit e = { .lines = FG_NODE - 1, .used = 1, .scratch = &t->scratch };
	uint32_t before = block->lines;

	fg_lines_give(s, block);
	if (emit_guessed(t, s, n, with_dst, next, before, block, chain))
		return true;
	*chain = fg_emit_chain(&e, t->gather, n, with_dst, (struct fg_chain){ .ref = next });
	if (e.used == 1)
		return true;
	return !e.full && fg_lines_take(s, e.used - 1, block) && emit_into(t, s, n, with_dst, next, block, chain);
}

/* Collects n rules from one on. They lie anywhere, so all are on their way before the first is read. */
static void gather(struct fg_table *t, uint32_t node, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		t->gather[i] = (struct fg_table_rule){ t->node[node].rule, t->node[node].slot };
		__builtin_prefetch(&t->gather[i].rule->nlri);
		node = t->node[node].next;
	}
	for (size_t i = 0; i < n; i++)
		__builtin_prefetch(t->gather[i].rule->nlri);
}

/* ---- Sources of a group ---- */

/* Emits a dirty run, and tells the group's prefixes step. *anew: the step has no place for it, so it must be made anew. */
static bool emit_run(struct fg_table *t, struct fg_side *s, struct fg_group_side *g, struct fg_run *r, int side,
		     bool *anew)
{
	struct fg_run_side *rs = &r->side[side];
	uint32_t old = rs->chain.ref;

	gather(t, r->first, r->count);
	if (!emit_block(t, s, r->count, false, 0, &rs->block, &rs->chain))
		return false;
	if (!*anew && old != 0)
		fg_prefixes_set(s->base, g->table.ref, &r->src, rs->chain.ref);
	else if (!*anew && rs->chain.ref != 0)
		*anew = !fg_prefixes_put(s->base, g->table.ref, &r->src, rs->chain.ref);
	return true;
}

/* Runs with a source, from the last in evaluation order on: a prefix comes before those that lie in it. */
static uint32_t last_sourced(const struct fg_table *t, const struct fg_group *g, uint32_t rest_first)
{
	uint32_t n = g->first;

	if (rest_first != 0)
		return t->node[rest_first].previous;
	for (uint32_t i = 1; i < g->count; i++)
		n = t->node[n].next;
	return n;
}

static struct fg_run *run_before(struct fg_table *t, const struct fg_group *g, uint32_t *node)
{
	struct fg_run *r = &t->run[t->node[*node].run];

	*node = r->first == g->first ? 0 : t->node[r->first].previous;
	return r;
}

/* A new prefixes step for all runs of the group. */
static bool emit_table(struct fg_table *t, struct fg_side *s, struct fg_group *g, int side, uint32_t last)
{
	struct fg_extent *table = &g->side[side].table;
	uint32_t lines = fg_prefixes_room(g->runs);
	struct fg_emit e = { .base = s->base };

	fg_lines_give(s, table);
	if (!fg_lines_take(s, lines, table))
		return false;
	e.used = table->ref;
	e.lines = table->ref + lines;
	fg_emit_prefixes(&e, g->runs, offsetof(struct fg_key, src), 0);
	while (last != 0) {
		const struct fg_run *r = run_before(t, g, &last);

		if (r->side[side].chain.ref != 0 &&
		    !fg_prefixes_put(s->base, table->ref, &r->src, r->side[side].chain.ref))
			return false;
	}
	return true;
}

/* Lengths in use, and the worst chain of nested sources: a walk over all runs. */
static void finish_table(struct fg_table *t, struct fg_side *s, struct fg_group *g, int side, uint32_t last)
{
	struct fg_group_side *gs = &g->side[side];
	struct fg_emit e = { .base = NULL };
	struct fg_nest *nest = &t->nest;

	nest->depth = nest->lines = nest->continues = 0;
	memset(nest->lengths, 0, sizeof(nest->lengths));
	while (last != 0) {
		const struct fg_run *r = run_before(t, g, &last);

		if (r->side[side].chain.ref != 0)
			fg_nest_add(nest, &r->src, &r->side[side].chain);
	}
	fg_prefixes_lengths(s->base, gs->table.ref, nest->lengths);
	*next_of(s, gs->table.ref) = gs->rest.ref;
	gs->chain = fg_prefixes_chain(&e, gs->table.ref, nest, gs->rest);
	gs->chain.tail = gs->rest.tail != 0 ? gs->rest.tail : gs->table.ref;
}

/* Brings the dirty runs of a group up to date; those without rules, or of a group without sources, only let go of their lines. */
static bool apply_runs(struct fg_table *t, struct fg_side *s, struct fg_group *g, int side, bool *anew)
{
	struct fg_group_side *gs = &g->side[side];

	while (gs->dirty_runs != 0) {
		uint32_t n = gs->dirty_runs;
		struct fg_run *r = &t->run[n];

		if (gs->sources && r->sourced) {
			if (!emit_run(t, s, gs, r, side, anew))
				return false;
		} else {
			fg_lines_give(s, &r->side[side].block);
			r->side[side].chain = (struct fg_chain){ 0 };
		}
		gs->dirty_runs = r->side[side].dirty_next;
		r->side[side].dirty = false;
		fg_base_forget_run(t, n);
	}
	return true;
}

/* ---- Groups ---- */

/* Changes between a plain chain and one by source: everything is emitted anew. */
static void set_form(struct fg_table *t, struct fg_side *s, uint32_t n, int side, bool sources)
{
	struct fg_group *g = &t->group[n];
	struct fg_group_side *gs = &g->side[side];

	if (gs->sources == sources)
		return;
	for (uint32_t r = g->runs_first; r != 0; r = t->run[r].group_next)
		fg_base_mark(t, r, side);
	fg_lines_give(s, &gs->table);
	gs->sources = sources;
	gs->whole = true;
}

/* What comes behind the last rule of a group. */
static uint32_t leads_out(const struct fg_table *t, int side, const struct fg_group *g)
{
	uint32_t around;

	if (g->kind == FG_GROUP_OFFSET)
		return t->group[FG_ANY6].side[side].chain.ref;
	if (g->kind == FG_GROUP_ANY || g->family == FG_IPV6)
		return 0;
	around = fg_base_around(t, side, g, g->dst.length > FG_SHORT_BITS ? FG_SHORT_BITS + 1 : 0);
	return around != 0 ? t->group[around].side[side].chain.ref : 0;
}

/* The chain of rules without a source, or of all. */
static bool emit_rest(struct fg_table *t, struct fg_side *s, struct fg_group *g, int side, uint32_t rest, uint32_t next)
{
	struct fg_group_side *gs = &g->side[side];
	uint32_t first = gs->sources ? t->run[rest].first : g->first;
	size_t n = gs->sources ? t->run[rest].count : g->count;

	gather(t, first, n);
	return emit_block(t, s, n, g->kind == FG_GROUP_OFFSET, next, &gs->block, &gs->rest);
}

/* Emits what changed in a group. Its chain is right afterwards, but nothing leads there yet. */
static bool emit_group(struct fg_table *t, struct fg_side *s, uint32_t n, int side)
{
	struct fg_group *g = &t->group[n];
	struct fg_group_side *gs = &g->side[side];
	uint32_t rest = fg_base_rest(t, n), last;
	bool anew;

	set_form(t, s, n, side, g->kind != FG_GROUP_OFFSET && fg_group_by_source(g->count, g->sourced));
	if ((!gs->sources || gs->whole || t->run[rest].side[side].dirty) &&
	    !emit_rest(t, s, g, side, rest, leads_out(t, side, g)))
		return false;
	anew = gs->sources && gs->table.lines != fg_prefixes_room(g->runs);
	if (!apply_runs(t, s, g, side, &anew))
		return false;
	gs->whole = false;
	if (!gs->sources) {
		gs->chain = gs->rest;
		return true;
	}
	rest = fg_base_rest(t, n);
	last = last_sourced(t, g, rest != 0 ? t->run[rest].first : 0);
	if (anew && !emit_table(t, s, g, side, last))
		return false;
	finish_table(t, s, g, side, last);
	return true;
}

/* ---- Links ---- */

/* Where a group's chain ends in `old`, it ends in `new` from now on. */
static void patch(struct fg_side *s, struct fg_group_side *g, uint32_t old, uint32_t new)
{
	if (g->chain.tail != 0) {
		if (*next_of(s, g->chain.tail) == old)
			*next_of(s, g->chain.tail) = new;
	} else if (g->chain.ref == old) {
		g->chain.ref = new;
	}
	if (g->rest.tail == 0 && g->rest.ref == old)
		g->rest.ref = new;
}

/*
 * True where nothing that lies in x can lead out of the destination g around it: x has steps of its own, which all in it lead to, or x and all in it
 * are in the root's other table.
 */
static bool closes(const struct fg_group *x, const struct fg_group *g, int side)
{
	bool shorter = g->dst.length <= FG_SHORT_BITS;

	if (x == g || (x->dst.length <= FG_SHORT_BITS) != shorter)
		return x != g && shorter;
	return x->side[side].present && x->side[side].chain.tail != 0;
}

/*
 * In an IPv4 destination, chains that led to `old` lead to `new`. Of destinations that close, what lies in them is passed over: a few by steps, which is
 * less than a search, then at once.
 */
static void relink_inner(struct fg_table *t, struct fg_side *s, int side, const struct fg_group *g, uint32_t old,
			 uint32_t new)
{
	const struct fg_group *closed = NULL;
	uint32_t steps = 0;

	for (uint32_t node = fg_base_last_inside(t, g); node != 0;) {
		struct fg_group *x = &t->group[fg_base_group_of(t, node)];

		if (x->kind != FG_GROUP_DST || !fg_prefix_contains(&g->dst, &x->dst))
			break;
		node = t->node[x->first].previous;
		if (closed != NULL && fg_prefix_contains(&closed->dst, &x->dst)) {
			if (++steps == CLOSED_STEPS)
				node = fg_base_before_inside(t, closed);
			continue;
		}
		if (x != g && x->side[side].present &&
		    (x->dst.length <= FG_SHORT_BITS) == (g->dst.length <= FG_SHORT_BITS))
			patch(s, &x->side[side], old, new);
		closed = closes(x, g, side) ? x : NULL;
		steps = 0;
	}
}

/* In an IPv4 destination, what led to `old` leads to `new`: chains of groups that lie in it, and the root. */
static bool relink(struct fg_table *t, struct fg_side *s, int side, struct fg_group *g, uint32_t old, uint32_t new)
{
	if (old != new && g->dst.length < IPV4_BITS) /* in one address lies no other destination */
		relink_inner(t, s, side, g, old, new);
	return fg_root_replace(s, fg_load_be32(g->dst.octets), g->dst.length, old, new);
}

/* In the IPv6 prefixes step. A step that cannot take it is made anew when all groups are done. */
static void relink6(struct fg_side *s, const struct fg_group *g, uint32_t old, uint32_t new)
{
	s->dst6_count[g->dst.length] += (uint32_t)(new != 0) - (uint32_t)(old != 0);
	if (s->dst6_anew || old == new)
		return;
	if (old != 0)
		fg_prefixes_set(s->base, s->dst6.ref, &g->dst, new);
	else
		s->dst6_anew = !fg_prefixes_put(s->base, s->dst6.ref, &g->dst, new);
}

static bool apply_group(struct fg_table *t, struct fg_side *s, uint32_t n, int side)
{
	struct fg_group *g = &t->group[n];
	struct fg_group_side *gs = &g->side[side];
	const struct fg_chain before = gs->chain;
	const bool was_present = gs->present;
	uint32_t old = gs->present ? gs->chain.ref : leads_out(t, side, g);

	if (!emit_group(t, s, n, side))
		return false;
	gs->present = g->count != 0;
	if (g->kind == FG_GROUP_DST && g->family == FG_IPV4) {
		if (!relink(t, s, side, g, old, gs->chain.ref))
			return false;
	} else if (g->kind == FG_GROUP_DST) {
		relink6(s, g, old, gs->chain.ref);
	}
	if (g->kind == FG_GROUP_DST &&
	    (was_present != gs->present || before.lines != gs->chain.lines || before.continues != gs->chain.continues))
		fg_ways_update(t, side, g);
	if (!gs->present && g->kind == FG_GROUP_DST)
		*gs = (struct fg_group_side){ .dirty = gs->dirty, .dirty_next = gs->dirty_next };
	return true;
}

/* A new prefixes step for all IPv6 destinations. */
static bool emit_dst6(struct fg_table *t, struct fg_side *s, int side)
{
	uint32_t lines = fg_prefixes_room(t->groups[FG_IPV6]);
	struct fg_emit e = { .base = s->base };

	fg_lines_give(s, &s->dst6);
	if (!fg_lines_take(s, lines, &s->dst6))
		return false;
	e.used = s->dst6.ref;
	e.lines = s->dst6.ref + lines;
	fg_emit_prefixes(&e, t->groups[FG_IPV6], offsetof(struct fg_key, dst), 0);
	for (uint32_t node = t->last[FG_IPV6]; node != 0;) {
		const struct fg_group *g = &t->group[fg_base_group_of(t, node)];

		if (g->kind == FG_GROUP_DST && g->side[side].chain.ref != 0 &&
		    !fg_prefixes_put(s->base, s->dst6.ref, &g->dst, g->side[side].chain.ref))
			return false;
		node = t->node[g->first].previous;
	}
	s->dst6_anew = false;
	return true;
}

/* Of IPv6 destinations. */
static void lengths_of(const struct fg_side *s, uint64_t lengths[3])
{
	memset(lengths, 0, 3 * sizeof(*lengths));
	for (uint32_t l = 0; l <= 128; l++)
		if (s->dst6_count[l] != 0)
			lengths[l / 64] |= 1ull << (l % 64);
}

/* What is behind destinations, and where packets enter. */
static void link_rest(struct fg_table *t, struct fg_side *s, int side)
{
	const struct fg_chain *offset = &t->group[FG_OFFSET6].side[side].chain,
			      *any = &t->group[FG_ANY6].side[side].chain;
	struct fg_image *image = fg_lines_at(s, 0);

	*next_of(s, s->root.ref) = t->group[FG_ANY4].side[side].chain.ref;
	if (offset->tail != 0)
		*next_of(s, offset->tail) = any->ref;
	*next_of(s, s->dst6.ref) = offset->tail != 0 ? offset->ref : any->ref;
	image->entry[FG_IPV4] = fg_protect_link(s, FG_IPV4, s->root.ref);
	image->entry[FG_IPV6] = fg_protect_link(s, FG_IPV6, s->dst6.ref);
}

static bool apply_changes(struct fg_table *t, struct fg_side *s, int side)
{
	uint64_t lengths[3];

	while (s->dirty_groups != 0) {
		uint32_t n = s->dirty_groups;

		if (!apply_group(t, s, n, side))
			return false;
		s->dirty_groups = t->group[n].side[side].dirty_next;
		t->group[n].side[side].dirty = false;
		fg_base_forget_group(t, n);
	}
	if (s->dst6.lines != fg_prefixes_room(t->groups[FG_IPV6]))
		s->dst6_anew = true;
	if (s->dst6_anew && !emit_dst6(t, s, side))
		return false;
	lengths_of(s, lengths);
	fg_prefixes_lengths(s->base, s->dst6.ref, lengths);
	link_rest(t, s, side);
	return true;
}

/* Makes all groups and runs forget where an image has them; what emit_ipv4() does not see to is dirty. */
static void forget_side(struct fg_table *t, struct fg_side *s, int side)
{
	s->dirty_groups = 0;
	for (uint32_t n = 1; n <= t->group_max; n++)
		t->group[n].side[side] = (struct fg_group_side){ 0 };
	for (uint32_t n = 1; n <= t->run_max; n++)
		t->run[n].side[side] = (struct fg_run_side){ 0 };
	for (uint32_t n = 1; n <= t->run_max; n++) {
		const struct fg_group *g = &t->group[t->run[n].group];

		if (t->run[n].used && (g->kind != FG_GROUP_DST || g->family != FG_IPV4 || g->count == 0))
			fg_base_mark(t, n, side);
	}
}

/* All IPv4 destinations of an image without any, each before those that lie in it: everything is where it belongs at once. */
static bool emit_ipv4(struct fg_table *t, struct fg_side *s, int side)
{
	struct fg_root_node root = { .open = false };

	for (uint32_t node = t->last[FG_IPV4]; node != 0;) {
		uint32_t n = fg_base_group_of(t, node);
		struct fg_group *g = &t->group[n];

		node = t->node[g->first].previous;
		if (g->kind != FG_GROUP_DST)
			continue;
		if (!emit_group(t, s, n, side) ||
		    !fg_root_add(s, &root, fg_load_be32(g->dst.octets), g->dst.length, g->side[side].chain.ref))
			return false;
		g->side[side].present = true;
		fg_ways_update(t, side, g);
	}
	return fg_root_close(s, &root);
}

/* What the image held is not cleared here: a block is when it is taken, a line of the root when it is filled; to others nothing leads. */
int fg_table_rebuild(struct fg_table *t, int side)
{
	struct fg_side *s = &t->side[side];

	fg_lines_reset(s, 1);
	s->root = s->dst6 = (struct fg_extent){ 0, 0 };
	memset(s->dst6_count, 0, sizeof(s->dst6_count));
	memset(s->ways, 0, sizeof(s->ways));
	s->broken = true;
	forget_side(t, s, side);
	*(struct fg_image *)fg_lines_at(s, 0) =
		(struct fg_image){ .magic = FG_IMAGE_MAGIC, .version = FG_IMAGE_VERSION, .lines = s->lines };
	if (!fg_protect_emit(t, s) || !fg_root_init(s) || !emit_dst6(t, s, side) || !emit_ipv4(t, s, side) ||
	    !apply_changes(t, s, side))
		return FG_OVER_BUDGET;
	s->broken = false;
	return 0;
}

int fg_table_apply(struct fg_table *t, int side)
{
	struct fg_side *s = &t->side[side];

	if (!s->broken && apply_changes(t, s, side))
		return 0;
	return fg_table_rebuild(t, side);
}

/* ---- Cost ---- */

uint64_t fg_table_bytes(const struct fg_table *t, int side)
{
	return (uint64_t)t->side[side].used * FG_LINE_OCTETS;
}

void fg_table_worst(const struct fg_table *t, int side, struct fg_cost *cost)
{
	const struct fg_side *s = &t->side[side];
	const struct fg_chain *any4 = &t->group[FG_ANY4].side[side].chain, *any6 = &t->group[FG_ANY6].side[side].chain;
	const struct fg_chain *offset6 = &t->group[FG_OFFSET6].side[side].chain;
	const struct fg_way *way4 = &s->ways[FG_IPV4].worst, *way6 = &s->ways[FG_IPV6].worst;
	uint64_t lengths[3];
	/* Root: its own line, one of either table, two of a node. */
	uint32_t four = s->guarded[FG_IPV4].lines + 3 + (s->nodes != 0 ? 2u : 0u) + way4->lines + any4->lines;
	uint32_t six = s->guarded[FG_IPV6].lines + way6->lines + offset6->lines + any6->lines;
	uint32_t four_continues = way4->continues + any4->continues;
	uint32_t six_continues = way6->continues + offset6->continues + any6->continues;

	lengths_of(s, lengths);
	six += fg_prefixes_lines(lengths);
	*cost = (struct fg_cost){
		.bytes = fg_table_bytes(t, side),
		.lines = 1 + (four > six ? four : six),
		.slots = t->count[FG_IPV4] + t->count[FG_IPV6],
		.continues = four_continues > six_continues ? four_continues : six_continues,
	};
}
