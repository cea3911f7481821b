/* SPDX-License-Identifier: BSD-3-Clause */
/* One round of a matcher over the pool (batch.h). A quarter of it goes before, unmeasured, so that each round finds its own lines in the caches. */
#include "bench/batch.h"

void bench_batches_verdicts(const struct bench_batches *b, void *ctx, const struct bench_pool *pool, size_t n,
			    uint32_t *out)
{
	for (size_t at = 0; at < n; at += BENCH_BATCH) {
		b->prepare(ctx, pool->packets + at);
		b->run(ctx);
		for (size_t i = 0; i < BENCH_BATCH && at + i < n; i++)
			out[at + i] = b->answer(ctx, i);
	}
}

double bench_batches_round(const struct bench_batches *b, void *ctx, const struct bench_pool *pool, uint64_t *hits)
{
	const size_t batches = BENCH_POOL / BENCH_BATCH, warm = batches / 4;
	uint64_t ns = 0;

	*hits = 0;
	for (size_t n = 0; n < warm + batches; n++) {
		uint64_t start;

		b->prepare(ctx, pool->packets + n % batches * BENCH_BATCH);
		start = bench_now_ns();
		b->run(ctx);
		if (n < warm)
			continue;
		ns += bench_now_ns() - start;
		for (size_t i = 0; i < BENCH_BATCH; i++)
			*hits += b->answer(ctx, i) != 0;
	}
	return (double)ns / BENCH_POOL;
}
