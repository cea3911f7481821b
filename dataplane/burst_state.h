/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the packets of a burst are in the image. Included by burst_form.c and its parts. A set of packets is a
 * word of bits; bit i is packet i. What always holds: a packet makes
 * the steps that it makes in fg_match(), but that it does not come back to a root.
 */
#ifndef DATAPLANE_BURST_STATE_H
#define DATAPLANE_BURST_STATE_H

#include "dataplane/burst_lanes.h"

#define COLUMN uint32_t __attribute__((aligned(FG_LINE_OCTETS)))

struct burst {
	COLUMN here[FG_BURST];    /* the step of this round */
	COLUMN ref[FG_BURST];     /* the next one; 0: the chain ended */
	COLUMN back[2][FG_BURST]; /* then the prefixes step to go back to, innermost last, */
	COLUMN turn[2][FG_BURST]; /* with what it has looked up already */
	COLUMN dst[FG_BURST];     /* first 32 bits of destinations, in host order */
	uint32_t live;            /* packets that go on */
	uint32_t shorter;         /* those that have the root's shorter prefixes before them */
	uint32_t rooted;          /* and those that have the rules without a destination */
	const struct fg_root_line *root;
	const uint8_t *base;
	const struct fg_key *const *keys;
	struct fg_matched *matched;
};

#define FOR_PACKETS(i, set)                                                                                            \
	for (uint32_t left_ = (set), i; left_ != 0 && ((i = (uint32_t)__builtin_ctz(left_)), true); left_ &= left_ - 1)

FG_INLINE const void *line(const struct burst *b, uint32_t ref)
{
	return b->base + (size_t)ref * FG_LINE_OCTETS;
}

FG_INLINE void fetch(const struct burst *b, uint32_t ref)
{
	__builtin_prefetch(line(b, ref));
}

/* The segment that the packet is at. */
FG_INLINE const struct fg_segment_line *segment_at(const struct burst *b, uint32_t i)
{
	return (const struct fg_segment_line *)line(b, b->here[i]);
}

/* Packets of a set, each at a segment, that are in its hull: no rule of it applies to the others. */
FG_INLINE uint32_t in_hull(const struct burst *b, uint32_t set)
{
	uint32_t in = 0;

	FOR_PACKETS(i, set)
	in |= (uint32_t)rule_lanes((const struct fg_rule_line *)(const void *)&segment_at(b, i)->hull, b->keys[i]) << i;
	return in;
}

enum { HULL_ASKED = 4 };

/*
 * Packets of a set, each at a segment, that are to be taken through it. Where the first few are in the hulls of theirs, as those that rules apply to
 * are, all are: who is outside only takes longer.
 */
FG_INLINE uint32_t admitted(const struct burst *b, uint32_t set)
{
	uint32_t others = set;

	for (uint32_t n = 0; n < HULL_ASKED; n++)
		others &= others - 1;
	return in_hull(b, set & ~others) == (set & ~others) ? set : in_hull(b, set);
}

/* The same out of line, where there are many lines to wait for: in line it takes registers from what else is there. */
static __attribute__((noinline)) uint32_t admitted_cold(const struct burst *b, uint32_t set)
{
	return admitted(b, set);
}

/* The packet's next step. */
FG_INLINE void go_to(struct burst *b, uint32_t i, uint32_t ref)
{
	b->ref[i] = ref;
	fetch(b, ref);
}

/*
 * Adds the rule where `hit`, and ends the packet's way behind a terminal one. It ends as well when there is no
 * more room: what fg_matched_add() would still be asked could change nothing.
 */
FG_INLINE void take(struct burst *b, uint32_t i, bool hit, uint32_t slot)
{
	struct fg_matched *m = &b->matched[i];
	uint32_t n = m->count;
	bool ends = (slot & FG_SLOT_CONTINUE) == 0 || n + 1 == FG_APPLIED_MAX;

	m->slot[n] = slot; /* n < FG_APPLIED_MAX: the packet lives */
	m->count = n + hit;
	b->live &= ~((uint32_t)(hit & ends) << i);
}

#endif
