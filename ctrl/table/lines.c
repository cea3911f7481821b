/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of one image, given out in blocks. Blocks of the same size are reused first, then untouched lines, then a larger free block is
 * cut; free blocks are never joined: when nothing fits any more the image is made anew, compact (update.c). One thread.
 */
#include <string.h>

#include "ctrl/table/base.h"

/* What a free block says of itself, in its first line. */
struct vacancy {
	uint32_t lines, next;
};

void *fg_lines_at(const struct fg_side *s, uint32_t ref)
{
	return s->base + (size_t)ref * FG_LINE_OCTETS;
}

/* A list for each small size, then one for each power of two. */
static uint32_t list_of(uint32_t lines)
{
	return lines < FG_FREE_EXACT ? lines : FG_FREE_EXACT + 31 - (uint32_t)__builtin_clz(lines);
}

void fg_lines_reset(struct fg_side *s, uint32_t first)
{
	memset(s->free, 0, sizeof(s->free));
	s->top = s->used = first;
}

static void put(struct fg_side *s, uint32_t ref, uint32_t lines)
{
	struct vacancy *v = fg_lines_at(s, ref);
	uint32_t *list = &s->free[list_of(lines)];

	*v = (struct vacancy){ lines, *list };
	*list = ref;
}

/* First block of a list with at least n lines, taken out; 0: none. */
static uint32_t take_from(struct fg_side *s, uint32_t list, uint32_t n)
{
	uint32_t *link = &s->free[list];

	while (*link != 0) {
		struct vacancy *v = fg_lines_at(s, *link);
		uint32_t ref = *link;

		if (v->lines < n) {
			link = &v->next;
			continue;
		}
		*link = v->next;
		if (v->lines > n)
			put(s, ref + n, v->lines - n);
		return ref;
	}
	return 0;
}

static uint32_t take(struct fg_side *s, uint32_t n)
{
	uint32_t ref = n < FG_FREE_EXACT ? take_from(s, list_of(n), n) : 0;

	if (ref == 0 && n <= s->lines - s->top) {
		ref = s->top;
		s->top += n;
	}
	for (uint32_t list = list_of(n); ref == 0 && list < FG_FREE_LISTS; list++)
		ref = take_from(s, list, n);
	return ref;
}

bool fg_lines_take(struct fg_side *s, uint32_t n, struct fg_extent *block)
{
	uint32_t ref = take(s, n);

	if (ref == 0)
		return false;
	memset(fg_lines_at(s, ref), 0, (size_t)n * FG_LINE_OCTETS);
	*block = (struct fg_extent){ ref, n };
	s->used += n;
	return true;
}

void fg_lines_give(struct fg_side *s, struct fg_extent *block)
{
	if (block->lines != 0) {
		put(s, block->ref, block->lines);
		s->used -= block->lines;
	}
	*block = (struct fg_extent){ 0, 0 };
}
