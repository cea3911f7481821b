/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst matcher (burst.h), compiled once for each form; FG_BURST_MATCH is the name of the result. All packets
 * of the burst make one step a round, or all of a list of rules. A round sorts them by the kind of step they are at, so that each kind is a
 * loop without branches on what the packets are, and fetches the line of the next step, which is looked at when
 * all others have made theirs.
 *
 * What always holds: results are those of fg_match(), and so are the steps.
 */
#include <string.h>

#include "dataplane/burst.h"
#include "dataplane/burst_cold.h"
#include "dataplane/burst_columns.h"
#include "dataplane/burst_prefixes.h"
#include "dataplane/burst_root.h"
#include "dataplane/burst_wide.h"

void FG_BURST_MATCH(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n,
		    struct fg_matched matched[]);

/* All packets are at the entry of their family, or behind it where that is the root, as it is without protect entries. */
FG_INLINE void begin(struct burst *b, uint32_t n)
{
	const struct fg_image *image = (const struct fg_image *)line(b, 0);
	uint32_t ipv6 = 0, entering;

	for (uint32_t i = 0; i < FG_BURST; i++)
		b->ref[i] = b->back[0][i] = b->back[1][i] = b->turn[0][i] = 0;
	for (uint32_t i = 0; i < n; i++) {
		b->dst[i] = fg_load_be32(b->keys[i]->dst);
		ipv6 |= (uint32_t)(b->keys[i]->family & 1) << i;
		b->matched[i].count = 0;
	}
	b->live = (uint32_t)((1ull << n) - 1);
	b->rooted = b->shorter = 0;
	b->root = (const struct fg_root_line *)line(b, image->entry[FG_IPV4]);
	entering = b->root->kind == FG_STEP_ROOT ? b->live & ~ipv6 : 0;
	if (entering)
		enter_root(b, entering, b->ref);
	FOR_PACKETS(i, b->live & ~entering)
	go_to(b, i, image->entry[ipv6 >> i & 1]);
}

/* What the packets are at: of those whose chain ended it is the step to go back to, or what follows the root. */
FG_INLINE void advance(struct burst *b)
{
	uint32_t idle;

	for (uint32_t i = 0; i < FG_BURST; i++) {
		uint32_t back = b->back[1][i] ? b->back[1][i] : b->back[0][i];

		b->here[i] = b->ref[i] ? b->ref[i] : back;
	}
	idle = equal_refs(b->here, 0) & b->live;
	if (idle & b->rooted)
		leave_root(b, idle & b->rooted);
	b->live &= ~equal_refs(b->here, 0);
}

/* Packets by what they are at. */
struct round {
	uint32_t roots, prefixes, rules, columns[LANES_FORMS], vectors;
};

/* Kind of step, and what columns it has. */
FG_INLINE uint8_t kind_of(const struct burst *b, uint32_t i)
{
	const struct fg_step *s = (const struct fg_step *)line(b, b->here[i]);

	return (uint8_t)(s->kind | (s->flags & (HAS_COLUMNS ? FG_STEP_LANES : 0)));
}

FG_INLINE struct round sort_steps(struct burst *b)
{
	uint8_t kind[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	uint32_t first = (uint32_t)__builtin_ctz(b->live);
	struct round r;

	if ((equal_refs(b->here, b->here[first]) & b->live) == b->live)
		memset(kind, kind_of(b, first), sizeof(kind)); /* all at one step */
	else
		FOR_PACKETS(i, b->live)
	kind[i] = kind_of(b, i);
	r.roots = equal_octets(kind, FG_STEP_ROOT) & b->live;
	r.prefixes = equal_octets(kind, FG_STEP_PREFIXES) & b->live;
	r.rules = equal_octets(kind, FG_STEP_RULE) & b->live;
	r.vectors = equal_octets(kind, FG_STEP_SEGMENT) & b->live;
	for (uint8_t n = 0; n < LANES_FORMS; n++)
		r.columns[n] = equal_octets(kind, (uint8_t)(FG_STEP_SEGMENT | (n + 1) << FG_LANES_SHIFT)) & b->live;
	b->live =
		r.roots | r.prefixes | r.rules | r.vectors | r.columns[0] | r.columns[1] | r.columns[2] | r.columns[3];
	return r;
}

FG_INLINE bool rule_matches(const struct fg_rule_line *r, const struct fg_key *k)
{
	bool hit =
		rule_lanes(r, k) & ((k->tcp_flags & r->tcp_mask) == r->tcp_value) & ((r->fragments >> k->fragment) & 1);

	if (r->flags & FG_STEP_HAS_MORE)
		hit &= fg_rule_more_matches((const struct fg_rule_more *)(const void *)(r + 1), k);
	return hit;
}

/* Packets at rules, and at the rules behind those as long as there are any: a list is a few lines side by side. */
static void step_rules(struct burst *b, uint32_t set)
{
	for (uint32_t n = 0; n < FG_LIST_RULES && set != 0; n++) {
		uint32_t more = 0;

		FOR_PACKETS(i, set)
		{
			const struct fg_rule_line *r = (const struct fg_rule_line *)line(b, b->here[i]);

			take(b, i, rule_matches(r, b->keys[i]), r->slot);
			b->here[i] = b->ref[i] = r->next;
			more |= (uint32_t)(((const struct fg_step *)line(b, r->next))->kind == FG_STEP_RULE) << i;
		}
		set = more & b->live;
	}
}

enum { SIDE_BY_SIDE = 4 }; /* packets at one segment from which on they are taken through it side by side */

/* Packets at segments where few others are, narrow and wide ones. */
static void step_cold(struct burst *b, uint32_t set, bool wide)
{
	struct group g;

	g.n = 0;
	FOR_PACKETS(i, set)
	{
		group_add(b, &g, i);
		if (g.n == COLD_PACKETS)
			cold_match(b, &g, wide);
	}
	if (g.n > 0)
		cold_match(b, &g, wide);
}

/* Packets at one segment. */
static void step_hot(struct burst *b, uint32_t set, const struct fg_segment_line *s)
{
	struct group g;

	g.n = 0;
	fetch(b, s->next);
	if (s->flags & FG_STEP_HULL) {
		uint32_t in = admitted_cold(b, set);

		FOR_PACKETS(i, set & ~in)
		b->ref[i] = s->next;
		set = in;
	}
	FOR_PACKETS(i, set)
	{
		group_add(b, &g, i);
		b->ref[i] = s->next;
	}
	if (g.n == 0)
		return;
	if (s->flags & FG_STEP_WIDE)
		wide_match(b, &g, s);
	else
		narrow_match(b, &g, s);
}

static void step_vectors(struct burst *b, uint32_t set)
{
	uint32_t cold = 0, wide = 0;

	while (set != 0) {
		uint32_t ref = b->here[__builtin_ctz(set)], same = equal_refs(b->here, ref) & set;

		set &= ~same;
		if (__builtin_popcount(same) >= SIDE_BY_SIDE) {
			step_hot(b, same, (const struct fg_segment_line *)line(b, ref));
			continue;
		}
		cold |= same;
		fetch(b, ref + 1); /* descriptors */
		fetch(b, ref + 2);
	}
	FOR_PACKETS(i, cold)
	go_to(b, i, segment_at(b, i)->next);
	cold = admitted_cold(b, cold);
	FOR_PACKETS(i, cold)
	wide |= (uint32_t)((segment_at(b, i)->flags & FG_STEP_WIDE) != 0) << i;
	if (cold & ~wide)
		step_cold(b, cold & ~wide, false);
	if (cold & wide)
		step_cold(b, cold & wide, true);
}

void FG_BURST_MATCH(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n,
		    struct fg_matched matched[])
{
	struct burst b;

	b.base = view->base;
	b.keys = keys;
	b.matched = matched;
	begin(&b, n);
	advance(&b);
	for (uint32_t i = 0; i < FG_STEPS_MAX && b.live != 0; i++) {
		struct round r = sort_steps(&b);

		if (r.roots) {
			b.root = (const struct fg_root_line *)line(&b, b.here[__builtin_ctz(r.roots)]);
			step_root(&b, r.roots);
		}
		if (r.prefixes)
			step_prefixes(&b, r.prefixes);
		if (r.rules)
			step_rules(&b, r.rules);
		step_columns(&b, r.columns);
		if (r.vectors)
			step_vectors(&b, r.vectors);
		if (b.live != 0)
			advance(&b);
	}
}
