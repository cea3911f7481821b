/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is given back all at once: what belongs to one run of the loader. Zeroed, aligned to 16 octets.
 */
#ifndef CTRL_LOAD_ARENA_H
#define CTRL_LOAD_ARENA_H

#include <stddef.h>

struct fg_arena_block;

/* Starts all zero. `octets` is what it holds of the system's memory. */
struct fg_arena {
	struct fg_arena_block *last;
	size_t octets;
};

/* `octets` zeroed octets until fg_arena_free(), or NULL. */
void *fg_arena_take(struct fg_arena *a, size_t octets);
/* A copy of `octets` octets at `from`, or NULL. */
void *fg_arena_copy(struct fg_arena *a, const void *from, size_t octets);
void fg_arena_free(struct fg_arena *a);

#endif
