/* SPDX-License-Identifier: BSD-3-Clause */
/* What runners of the plane `match` have in common: batches of packets, made while the clock stands and then asked about. */
#ifndef BENCH_BATCH_H
#define BENCH_BATCH_H

#include "bench/harness.h"

struct bench_batches {
	void (*prepare)(void *ctx, const struct bench_packet packets[BENCH_BATCH]); /* not measured */
	void (*run)(void *ctx);
	uint32_t (*answer)(void *ctx, size_t i);
};

void bench_batches_verdicts(const struct bench_batches *b, void *ctx, const struct bench_pool *pool, size_t n,
			    uint32_t *out);
double bench_batches_round(const struct bench_batches *b, void *ctx, const struct bench_pool *pool, uint64_t *hits);

#endif
