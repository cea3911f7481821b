/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The packet through the image: its key in, the rules that apply out, in s->matched. The first steps are made here, for a
 * call costs as much as a step; the rest of a long chain by bpf_loop(), which the verifier follows once.
 */
#ifndef BPF_WALK_H
#define BPF_WALK_H

#include "bpf/scratch.h"

enum { FIRST_STEPS = 0 };

/* The image of a side. False: it is not there. */
FG_INLINE bool view_of(uint32_t side, struct fg_view *view)
{
	view->pages = constants.pages;
	view->mask = constants.page_lines - 1;
	view->first = side * view->pages;
	view->base = bpf_map_lookup_elem(&images, &view->first);
	return view->base != NULL;
}

static long walk_step(uint32_t i, void *ctx)
{
	struct scratch *s = scratch_of_cpu();
	struct fg_view view;

	(void)i;
	(void)ctx;
	return s == NULL || !view_of(s->side & 1, &view) ||
	       !fg_match_step(&view, &s->packet.key, &s->cursor, &s->matched);
}

FG_INLINE void walk(struct scratch *s)
{
	struct fg_view view;

	if (!view_of(s->side & 1, &view))
		return;
	s->cursor = fg_match_begin(&view, &s->packet.key);
	for (uint32_t i = 0; i < FIRST_STEPS; i++)
		if (!fg_match_step(&view, &s->packet.key, &s->cursor, &s->matched))
			return;
	bpf_loop(FG_STEPS_MAX - FIRST_STEPS, walk_step, NULL, 0);
}

#endif
