/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The burst matcher (burst.h), compiled once for each form; FG_BURST_MATCH is the name of the result. All packets
 * of the burst make one step a round. A round sorts them by the kind of step they are at, so that each kind is a
 * loop without branches on what the packets are, and fetches the line of the next step, which is looked at when
 * all others have made theirs.
 *
 * What always holds: results are those of fg_match(); a packet makes at most FG_STEPS_MAX steps.
 */
#include <string.h>

#include "dataplane/burst.h"
#include "dataplane/burst_cold.h"
#include "dataplane/burst_prefixes.h"

void FG_BURST_MATCH(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n,
		    struct fg_matched matched[]);

/* Packets by what they are at. */
struct round {
	uint32_t roots, prefixes, rules, segments;
};

FG_INLINE struct round sort_kinds(struct burst *b, const uint8_t kind[FG_BURST])
{
	struct round r = { equal_octets(kind, FG_STEP_ROOT) & b->live, equal_octets(kind, FG_STEP_PREFIXES) & b->live,
			   equal_octets(kind, FG_STEP_RULE) & b->live, equal_octets(kind, FG_STEP_SEGMENT) & b->live };

	b->live = r.roots | r.prefixes | r.rules | r.segments;
	return r;
}

FG_INLINE struct round sort_steps(struct burst *b)
{
	uint8_t kind[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS))) = { 0 };

	for (uint32_t i = 0; i < FG_BURST; i++) {
		uint32_t resume = b->resume[1][i] ? b->resume[1][i] : b->resume[0][i];

		b->here[i] = b->ref[i] ? b->ref[i] : resume;
	}
	FOR_PACKETS(i, b->live)
	kind[i] = ((const struct fg_step *)line(b, b->here[i]))->kind; /* line 0 is FG_STEP_NONE */
	return sort_kinds(b, kind);
}

/*
 * The first round: all are at the entry of their family. Fetches what a root will look at, and only then does the
 * rest.
 */
FG_INLINE struct round begin(struct burst *b, uint32_t n)
{
	const struct fg_image *image = (const struct fg_image *)line(b, 0);
	const struct fg_step *entry = (const struct fg_step *)line(b, image->entry[FG_IPV4]);
	const struct fg_root_line *root = (const struct fg_root_line *)(const void *)entry;
	const uint32_t *upper = (const uint32_t *)line(b, entry->kind == FG_STEP_ROOT ? root->upper : 0);
	uint32_t some = entry->kind == FG_STEP_ROOT ? UINT32_MAX : 0;
	uint8_t kind[FG_BURST] __attribute__((aligned(FG_LINE_OCTETS)));
	uint8_t kinds[FG_FAMILY_COUNT];

	for (uint32_t i = 0; i < n; i++) {
		b->upper[i] = fg_load_be32(b->keys[i]->dst) >> (32 - FG_UPPER_BITS);
		__builtin_prefetch(upper + (b->upper[i] & some), 0, 2);
	}
	b->live = (uint32_t)((1ull << n) - 1);
	for (uint32_t f = 0; f < FG_FAMILY_COUNT; f++)
		kinds[f] = ((const struct fg_step *)line(b, image->entry[f]))->kind;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t family = b->keys[i]->family & 1;

		b->matched[i].count = 0;
		b->ref[i] = b->here[i] = image->entry[family];
		kind[i] = kinds[family];
	}
	return sort_kinds(b, kind);
}

static void step_rules(struct burst *b, uint32_t set)
{
	FOR_PACKETS(i, set)
	{
		const struct fg_rule_line *r = (const struct fg_rule_line *)line(b, b->here[i]);
		const struct fg_key *k = b->keys[i];
		bool hit = rule_lanes(r, k) & ((k->tcp_flags & r->tcp_mask) == r->tcp_value) &
			   ((r->fragments >> k->fragment) & 1);

		if (r->flags & FG_STEP_HAS_MORE)
			hit &= fg_rule_more_matches((const struct fg_rule_more *)(const void *)(r + 1), k);
		take(b, i, hit, r->slot);
		go_to(b, i, r->next);
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
	FOR_PACKETS(i, set)
	{
		group_add(b, &g, i);
		b->ref[i] = s->next;
	}
	if (s->flags & FG_STEP_WIDE)
		group_match(b, &g, s, true);
	else
		group_match(b, &g, s, false);
}

static void step_segments(struct burst *b, uint32_t set)
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
	{
		wide |= (uint32_t)((segment_at(b, i)->flags & FG_STEP_WIDE) != 0) << i;
		go_to(b, i, segment_at(b, i)->next);
	}
	if (cold & ~wide)
		step_cold(b, cold & ~wide, false);
	if (cold & wide)
		step_cold(b, cold & wide, true);
}

void FG_BURST_MATCH(const struct fg_view *view, const struct fg_key *const keys[], uint32_t n,
		    struct fg_matched matched[])
{
	struct burst b = { .base = view->base, .keys = keys, .matched = matched };
	struct round r = begin(&b, n);

	for (uint32_t i = 0; i < FG_STEPS_MAX && b.live != 0; i++) {
		if (r.roots)
			step_roots(&b, r.roots);
		if (r.prefixes)
			step_prefixes(&b, r.prefixes);
		if (r.rules)
			step_rules(&b, r.rules);
		if (r.segments)
			step_segments(&b, r.segments);
		if (b.live != 0)
			r = sort_steps(&b);
	}
}
