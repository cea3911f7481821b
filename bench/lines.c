/* SPDX-License-Identifier: BSD-3-Clause */
/* The scalar matcher, counting the lines it reads and marking which: alone in its file, for the counter is compiled in. */
#include "flowgate/packet.h"
#include "flowgate/table.h"

#define FG_LINE_CUSTOM
struct bench_trace;
struct fg_view {
	const uint8_t *base;
	struct bench_trace *trace;
};
static const void *fg_line(const struct fg_view *view, uint32_t ref);

#include "bench/bench.h"

static const void *fg_line(const struct fg_view *view, uint32_t ref)
{
	struct bench_trace *t = view->trace;

	t->lines++;
	if (t->seen != NULL && (t->seen[ref / 64] >> (ref % 64) & 1) == 0) {
		t->seen[ref / 64] |= 1ull << (ref % 64);
		t->fresh++;
	}
	return view->base + (size_t)ref * FG_LINE_OCTETS;
}

void bench_lines_trace(const void *image, const struct fg_key *key, struct bench_trace *trace)
{
	struct fg_view view = { .base = image, .trace = trace };
	struct fg_matched out;

	fg_match(&view, key, &out);
}
