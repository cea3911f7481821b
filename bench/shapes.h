/* SPDX-License-Identifier: BSD-3-Clause */
/* Shapes of rule sets: what is on a victim, and where victims are. The table of them is in shapes.c; each is drawn from a seed and a count. */
#ifndef BENCH_SHAPES_H
#define BENCH_SHAPES_H

#include "bench/bench.h"

enum { BENCH_SEED = 20130303, BENCH_RULES_MAX = 1000000 };

struct bench_shape {
	const char *name, *what;
	/* Exactly n different rules, or fewer where the shape has no more. */
	void (*draw)(struct bench_rules *rules, uint64_t seed, size_t n);
};

/* Ends in one without a name. */
extern const struct bench_shape bench_shapes[];
const struct bench_shape *bench_shape_find(const char *name);

#endif
