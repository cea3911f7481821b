/* SPDX-License-Identifier: BSD-3-Clause */
/* The scalar matcher, counting the lines it reads: alone in its file, for the counter is compiled in. */
#define FG_COUNT_LINES
#include "bench/bench.h"

uint64_t bench_lines_read(const struct bench_image *image, const struct fg_key *key)
{
	uint64_t lines = 0;
	struct fg_view view = { .base = image->memory.at, .lines_read = &lines };
	struct fg_matched out;

	fg_match(&view, key, &out);
	return lines;
}
