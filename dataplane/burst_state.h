/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where the packets of a burst are in the image. Included by burst_form.c and its parts. A set of packets is a
 * word of bits; bit i is packet i. What always holds: a packet makes at most one step a round, as it does in
 * fg_match_step().
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
	uint32_t rooted;          /* those that have still what follows the root's upper table before them */
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
