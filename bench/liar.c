/* SPDX-License-Identifier: BSD-3-Clause */
/* For tests/e2e/test_bench.py: a runner that is quick and judges one packet in a thousand otherwise than the rules say. */
#include <stdlib.h>

#include "bench/harness.h"

enum { EACH = 1000 };

static void *open_liar(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	(void)why;
	*built = (struct bench_built){ 0, 0 };
	return bench_alloc(1, sizeof(struct bench_pool));
}

static void load(void *ctx, const struct bench_pool *pool)
{
	*(struct bench_pool *)ctx = *pool;
}

static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	const struct bench_pool *pool = ctx;

	for (size_t i = 0; i < n; i++)
		out[i] = pool->answers[i] + (i % EACH == EACH - 1);
}

static double take_round(void *ctx, uint64_t *hits)
{
	*hits = ((struct bench_pool *)ctx)->hits;
	return 1;
}

const struct bench_runner bench_liar = { .name = "liar",
					 .plane = BENCH_MATCH,
					 .what = "quick and wrong",
					 .says_rule = true,
					 .judges = true,
					 .open = open_liar,
					 .close = free,
					 .load = load,
					 .verdicts = verdicts,
					 .round = take_round };
