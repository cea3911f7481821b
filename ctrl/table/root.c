/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IPv4 destinations of an image that changes. The root has one operation: in the range of a prefix, replace one step by another. A new
 * prefix replaces the chain around it by its own, a prefix that goes does the reverse. Nodes are made anew from their 256 addresses.
 */
#include <string.h>

#include "ctrl/table/base.h"

bool fg_root_init(struct fg_side *s)
{
	struct fg_root_line *line;

	if (!fg_lines_take(s, 1 + FG_UPPER_LINES + FG_SHORT_LINES + FG_FILLED_LINES, &s->root))
		return false;
	s->nodes = 0;
	line = fg_lines_at(s, s->root.ref);
	*line = (struct fg_root_line){
		.upper = s->root.ref + 1,
		.shorter = s->root.ref + 1 + FG_UPPER_LINES,
		.filled = s->root.ref + 1 + FG_UPPER_LINES + FG_SHORT_LINES,
		.kind = FG_STEP_ROOT,
	};
	return true;
}

static uint32_t *upper_entry(struct fg_side *s, uint32_t first)
{
	const struct fg_root_line *line = fg_lines_at(s, s->root.ref);

	return (uint32_t *)fg_lines_at(s, line->upper) + first;
}

/* Entry of `shorter` or `upper` for the first address of a prefix, and how many it has there. */
static uint32_t *entries_of(struct fg_side *s, uint32_t first, uint32_t length, uint32_t *n)
{
	const struct fg_root_line *line = fg_lines_at(s, s->root.ref);

	if (length <= FG_SHORT_BITS) {
		*n = 1u << (FG_SHORT_BITS - length);
		return (uint32_t *)fg_lines_at(s, line->shorter) + (first >> (32 - FG_SHORT_BITS));
	}
	*n = length > FG_UPPER_BITS ? 1 : 1u << (FG_UPPER_BITS - length);
	return upper_entry(s, first >> (32 - FG_UPPER_BITS));
}

/* Classes of a node, and the lines it has. */
static uint32_t node_lines(uint32_t classes)
{
	return 1 + (classes + 15) / 16;
}

static uint32_t node_open(const struct fg_side *s, uint32_t entry, uint32_t leaf[256])
{
	const struct fg_ranks *ranks = fg_lines_at(s, entry & ~FG_NODE);
	const uint32_t *steps = fg_lines_at(s, (entry & ~FG_NODE) + 1);

	uint32_t class = 0;

	if (!(entry & FG_NODE)) {
		for (uint32_t i = 0; i < 256; i++)
			leaf[i] = entry;
		return 0;
	}
	for (uint32_t i = 0; i < 256; i++) {
		class += ranks[i / 16].starts >> (i % 16) & 1;
		leaf[i] = steps[class];
	}
	return class + 1;
}

static void node_fill(const struct fg_side *s, uint32_t ref, const uint32_t leaf[256])
{
	struct fg_ranks *ranks = fg_lines_at(s, ref);
	uint32_t *steps = fg_lines_at(s, ref + 1), class = 0;

	steps[0] = leaf[0];
	for (uint32_t i = 1; i < 256; i++) {
		if (i % 16 == 0)
			ranks[i / 16].rank = (uint16_t) class;
		if (leaf[i] == leaf[i - 1])
			continue;
		ranks[i / 16].starts |= (uint16_t)(1u << (i % 16));
		steps[++class] = leaf[i];
	}
}

/* Lines for so many, zero: those there were where they are as many, for nobody reads an image that is changed. */
static bool node_lines_take(struct fg_side *s, uint32_t lines, struct fg_extent *old, struct fg_extent *new)
{
	if (lines != old->lines)
		return fg_lines_take(s, lines, new);
	memset(fg_lines_at(s, old->ref), 0, (size_t)lines * FG_LINE_OCTETS);
	*new = *old;
	old->lines = 0;
	return true;
}

/* Makes an entry of `upper` say what leaf[] says: a node, or one step where all are the same. */
static bool node_close(struct fg_side *s, uint32_t *entry, uint32_t old_classes, const uint32_t leaf[256])
{
	struct fg_extent old = { *entry & ~FG_NODE, old_classes ? node_lines(old_classes) : 0 }, new;
	uint32_t classes = 1;

	for (uint32_t i = 1; i < 256; i++)
		classes += leaf[i] != leaf[i - 1];
	if (classes > 1 && !node_lines_take(s, node_lines(classes), &old, &new))
		return false;
	if (classes > 1)
		node_fill(s, new.ref, leaf);
	*entry = classes > 1 ? new.ref | FG_NODE : leaf[0];
	s->nodes += (uint32_t)(classes > 1) - (uint32_t)(old_classes > 0);
	fg_lines_give(s, &old);
	return true;
}

/* Says whether there are short prefixes. */
static void mark_short(const struct fg_side *s)
{
	struct fg_root_line *line = fg_lines_at(s, s->root.ref);
	const uint32_t *shorter = fg_lines_at(s, line->shorter);
	uint32_t any = 0;

	for (uint32_t i = 0; i < 1u << FG_SHORT_BITS; i++)
		any |= shorter[i];
	line->flags = any != 0 ? FG_ROOT_SHORT : 0;
}

/* Says of the lines of n entries of `upper` whether they are filled. */
static void mark_filled(const struct fg_side *s, uint32_t first, uint32_t n)
{
	const struct fg_root_line *line = fg_lines_at(s, s->root.ref);
	const uint32_t *upper = fg_lines_at(s, line->upper);
	uint32_t *filled = fg_lines_at(s, line->filled);

	for (uint32_t l = first / 16; l <= (first + n - 1) / 16; l++) {
		uint32_t any = 0;

		for (uint32_t i = 0; i < 16; i++)
			any |= upper[l * 16 + i];
		filled[l / 32] &= ~(1u << (l % 32));
		filled[l / 32] |= (uint32_t)(any != 0) << (l % 32);
	}
}

static bool replace_in_node(struct fg_side *s, uint32_t *entry, uint32_t first, uint32_t n, uint32_t old, uint32_t new)
{
	uint32_t leaf[256], classes = node_open(s, *entry, leaf);

	for (uint32_t i = first; i < first + n; i++)
		leaf[i] = leaf[i] == old ? new : leaf[i];
	return node_close(s, entry, classes, leaf);
}

bool fg_root_replace(struct fg_side *s, uint32_t first, uint32_t length, uint32_t old, uint32_t new)
{
	bool shorter = length <= FG_SHORT_BITS;
	uint32_t n, *entry;

	if (old == new)
		return true;
	entry = entries_of(s, first, length, &n);
	if (length > FG_UPPER_BITS) {
		bool done = replace_in_node(s, entry, first & 255, 1u << (32 - length), old, new);

		mark_filled(s, first >> 8, 1);
		return done;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (entry[i] == old)
			entry[i] = new;
		else if ((entry[i] & FG_NODE) && !replace_in_node(s, &entry[i], 0, 256, old, new))
			return false;
	}
	if (shorter)
		mark_short(s);
	else
		mark_filled(s, first >> 8, n);
	return true;
}

bool fg_root_close(struct fg_side *s, struct fg_root_node *node)
{
	bool open = node->open, done = true;

	node->open = false;
	if (open) {
		done = node_close(s, upper_entry(s, node->upper), 0, node->leaf);
		mark_filled(s, node->upper, 1);
	}
	return done;
}

bool fg_root_add(struct fg_side *s, struct fg_root_node *node, uint32_t first, uint32_t length, uint32_t step)
{
	uint32_t n, *entry = entries_of(s, first, length, &n);

	if (node->open && node->upper != first >> 8 && !fg_root_close(s, node))
		return false;
	if (length <= FG_UPPER_BITS) {
		for (uint32_t i = 0; i < n; i++)
			entry[i] = step;
		if (length <= FG_SHORT_BITS)
			mark_short(s);
		else
			mark_filled(s, first >> 8, n);
		return true;
	}
	if (!node->open)
		node_open(s, *entry, node->leaf);
	node->open = true;
	node->upper = first >> 8;
	for (uint32_t i = first & 255; i < (first & 255) + (1u << (32 - length)); i++)
		node->leaf[i] = step;
	return true;
}
