/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines of one image, given out in blocks. A bit a line says that it is taken; the search goes on where the last one ended, and once
 * around. Neighbours that are given back are one gap again. When no gap is large enough the image is made anew, compact (update.c). One thread.
 */
#include <string.h>

#include "ctrl/table/base.h"

void *fg_lines_at(const struct fg_side *s, uint32_t ref)
{
	return s->base + (size_t)ref * FG_LINE_OCTETS;
}

/* Sets or clears the bits of lines [first, first + n). */
static void mark(struct fg_side *s, uint32_t first, uint32_t n, bool taken)
{
	while (n > 0) {
		uint32_t bit = first % 64, part = n < 64 - bit ? n : 64 - bit;
		uint64_t mask = (part == 64 ? ~0ull : (1ull << part) - 1) << bit;

		s->taken[first / 64] = taken ? s->taken[first / 64] | mask : s->taken[first / 64] & ~mask;
		first += part;
		n -= part;
	}
}

/* First line from `at` on that is free (or taken), or `end`. */
static uint32_t seek(const struct fg_side *s, uint32_t at, uint32_t end, bool taken)
{
	while (at < end) {
		uint64_t word = (taken ? s->taken[at / 64] : ~s->taken[at / 64]) >> at % 64;

		if (word != 0) {
			at += (uint32_t)__builtin_ctzll(word);
			return at < end ? at : end;
		}
		at += 64 - at % 64;
	}
	return end;
}

/* First gap of n lines in [at, end), or 0. */
static uint32_t find_gap(const struct fg_side *s, uint32_t at, uint32_t end, uint32_t n)
{
	while ((at = seek(s, at, end, false)) < end) {
		uint32_t stop = end - at < n ? end : at + n, behind = seek(s, at, stop, true);

		if (behind - at == n)
			return at;
		at = behind;
	}
	return 0;
}

void fg_lines_reset(struct fg_side *s, uint32_t first)
{
	memset(s->taken, 0, (s->lines + 63) / 64 * sizeof(*s->taken));
	mark(s, 0, first, true);
	s->used = s->at = first;
}

bool fg_lines_take(struct fg_side *s, uint32_t n, struct fg_extent *block)
{
	uint32_t ref = find_gap(s, s->at, s->lines, n);

	if (ref == 0)
		ref = find_gap(s, 1, s->lines, n);
	if (ref == 0)
		return false;
	mark(s, ref, n, true);
	memset(fg_lines_at(s, ref), 0, (size_t)n * FG_LINE_OCTETS);
	*block = (struct fg_extent){ ref, n };
	s->used += n;
	s->at = ref + n;
	return true;
}

void fg_lines_give(struct fg_side *s, struct fg_extent *block)
{
	mark(s, block->ref, block->lines, false);
	s->used -= block->lines;
	if (block->lines != 0 && block->ref < s->at)
		s->at = block->ref;
	*block = (struct fg_extent){ 0, 0 };
}
