/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory in blocks, handed out from the front of the last one. What does not fit a common block gets one of its own
 * size. Always holds: a block is used up to `used` and its octets behind that are zero.
 */
#include "ctrl/load/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_OCTETS = 256 * 1024, ALIGN = 16 };

struct fg_arena_block {
	struct fg_arena_block *before;
	size_t used, room;
	_Alignas(ALIGN) unsigned char octets[];
};

static struct fg_arena_block *block_new(struct fg_arena *a, size_t room)
{
	struct fg_arena_block *b = calloc(1, sizeof(*b) + room);

	if (b == NULL)
		return NULL;
	b->room = room;
	b->before = a->last;
	a->last = b;
	a->octets += sizeof(*b) + room;
	return b;
}

void *fg_arena_take(struct fg_arena *a, size_t octets)
{
	struct fg_arena_block *b = a->last;

	if (octets > SIZE_MAX / 2)
		return NULL;
	octets = (octets + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (b == NULL || octets > b->room - b->used)
		b = block_new(a, octets > BLOCK_OCTETS ? octets : BLOCK_OCTETS);
	if (b == NULL)
		return NULL;
	b->used += octets;
	return b->octets + b->used - octets;
}

void *fg_arena_copy(struct fg_arena *a, const void *from, size_t octets)
{
	void *to = fg_arena_take(a, octets);

	if (to != NULL && octets > 0)
		memcpy(to, from, octets);
	return to;
}

void fg_arena_free(struct fg_arena *a)
{
	while (a->last != NULL) {
		struct fg_arena_block *b = a->last;

		a->last = b->before;
		free(b);
	}
	a->octets = 0;
}
