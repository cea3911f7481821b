/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The packet through the image: its key in, the rules that apply out, in s->matched. What most packets need is done here, in
 * a straight line: their destination, a source table, a few rules, a segment. What is then left of the way is followed by
 * bpf_loop() and match.h, at about the cost of this all for each step: s->cursor says from where on.
 */
#ifndef BPF_WALK_H
#define BPF_WALK_H

#include "bpf/segment.h"

/* One step, as fg_match_step(). True: the packet's way ends here. */
FG_INLINE bool any_step(const struct fg_view *view, struct scratch *s)
{
	struct fg_cursor *c = &s->cursor;
	uint32_t ref = c->ref ? c->ref : c->resume[1] ? c->resume[1] : c->resume[0];
	const struct fg_step *step = fg_line(view, ref);
	const void *line = step;

	if (ref == 0 || step == NULL)
		return true;
	if (step->kind == FG_STEP_ROOT || step->kind == FG_STEP_PREFIXES) {
		fg_cursor_turn(view, ref, step, &s->packet.key, c);
		return false;
	}
	c->ref = step->next;
	if (step->kind == FG_STEP_RULE)
		return rule_matches(view, ref, line, &s->packet.key) && fg_matched_add(&s->matched, step->slot);
	if (step->kind != FG_STEP_SEGMENT)
		return true;
	return segment(s, ref);
}

static long walk_step(uint32_t i, void *ctx)
{
	struct scratch *s = scratch_of_cpu();
	struct fg_view view;

	(void)i;
	(void)ctx;
	return s == NULL || !view_of(s->side & 1, &view) || any_step(&view, s);
}

/* The first thing a root step finds, and where to go on; most lines of its table are empty, as a small map says. */
FG_INLINE uint32_t root_first(const struct fg_view *view, uint32_t here, const struct fg_root_line *root,
			      struct scratch *s)
{
	const struct fg_key *k = &s->packet.key;
	uint32_t found = 0, turn = 1;

	if (fg_root_filled(view, root, k))
		found = fg_root_find(view, root, 0, k);
	if (found == 0 && (root->flags & FG_ROOT_SHORT)) {
		found = fg_root_find(view, root, 1, k);
		turn = 2;
	}
	if (found == 0)
		return root->next;
	s->cursor.resume[0] = here;
	s->cursor.turn[0] = (uint8_t)turn;
	return found;
}

/* The same of a prefixes step. */
FG_INLINE uint32_t prefixes_first(const struct fg_view *view, uint32_t here, const struct fg_prefixes_line *t,
				  struct scratch *s)
{
	uint32_t level = t->key_octet == offsetof(struct fg_key, dst) ? 0 : 1;

	for (uint32_t i = 0; i < FG_PREFIX_LENGTHS_MAX && i < t->count; i++) {
		uint32_t found = prefixes_find(view, t, i, &s->packet.key);

		if (found == 0)
			continue;
		s->cursor.resume[level] = here;
		s->cursor.turn[level] = (uint8_t)(i + 1);
		return found;
	}
	return t->next;
}

/* Destination of IPv6, then sources: at most one table of each. */
FG_INLINE uint32_t tables(const struct fg_view *view, uint32_t ref, struct scratch *s)
{
	for (uint32_t i = 0; i < 2; i++) {
		const struct fg_step *step = fg_line(view, ref);

		if (ref == 0 || step == NULL || step->kind != FG_STEP_PREFIXES)
			break;
		ref = prefixes_first(view, ref, (const struct fg_prefixes_line *)(const void *)step, s);
	}
	return ref;
}

/* A few rules of a list. True: a terminal one matched; otherwise *ref is where to go on. */
FG_INLINE bool list(const struct fg_view *view, uint32_t *ref, struct scratch *s)
{
	for (uint32_t i = 0; i < FG_LIST_RULES; i++) {
		const struct fg_rule_line *r = fg_line(view, *ref);

		if (*ref == 0 || r == NULL || r->kind != FG_STEP_RULE)
			return false;
		if (rule_matches(view, *ref, r, &s->packet.key) && fg_matched_add(&s->matched, r->slot))
			return true;
		*ref = r->next;
	}
	return false;
}

/* Nothing more is to come back for: of a root whose chain has ended, its short prefixes, and rules without destination. */
FG_INLINE bool ends(const struct fg_view *view, struct scratch *s)
{
	const struct fg_root_line *root;

	if ((s->cursor.ref | s->cursor.resume[1]) != 0)
		return false;
	if (s->cursor.resume[0] == 0)
		return true;
	root = fg_line(view, s->cursor.resume[0]);
	if (root == NULL || root->kind != FG_STEP_ROOT || root->next != 0)
		return false;
	return s->cursor.turn[0] > 1 || !(root->flags & FG_ROOT_SHORT) ||
	       fg_root_find(view, root, 1, &s->packet.key) == 0;
}

/* The first step of a packet's way that can say something of it; 0: no rule applies, as to most of clean traffic. */
FG_INLINE uint32_t begin(struct scratch *s)
{
	const struct fg_image *image;
	const struct fg_step *step;
	struct fg_view view;
	uint32_t ref;

	if (!view_of(s->side & 1, &view))
		return 0;
	image = fg_line(&view, 0);
	if (image == NULL)
		return 0;
	ref = image->entry[s->packet.key.family & 1];
	if (ref == 0)
		return 0;
	step = fg_line(&view, ref);
	__builtin_memset(&s->cursor, 0, sizeof(s->cursor));
	if (step == NULL || step->kind != FG_STEP_ROOT)
		return ref;
	return root_first(&view, ref, (const struct fg_root_line *)(const void *)step, s);
}

/* From there to the end. A function that the verifier follows by itself. */
FG_INLINE int walk(struct scratch *s, uint32_t ref)
{
	const struct fg_step *step;
	struct fg_view view;

	if (s == NULL || !view_of(s->side & 1, &view))
		return 0;
	ref = tables(&view, ref, s);
	if (list(&view, &ref, s))
		return 0;
	step = fg_line(&view, ref);
	if (ref != 0 && step != NULL && step->kind == FG_STEP_SEGMENT) {
		if (segment(s, ref))
			return 0;
		ref = step->next;
	}
	s->cursor.ref = ref;
	if (!ends(&view, s))
		bpf_loop(FG_STEPS_MAX, walk_step, NULL, 0);
	return 0;
}

#endif
