/* SPDX-License-Identifier: BSD-3-Clause */
/* A log-linear histogram: 16 bins for each power of two, so that a bin's edge is within a sixteenth of what is in it. Values are turns of a counter. */
#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H

#include <stdint.h>

enum { BENCH_BINS_POWER = 16, BENCH_BINS = 61 * BENCH_BINS_POWER };

struct bench_histogram {
	double ns; /* of a turn */
	uint64_t bin[BENCH_BINS];
};

static inline void bench_histogram_add(struct bench_histogram *h, uint64_t value)
{
	uint32_t power = value < BENCH_BINS_POWER ? 0 : (uint32_t)(60 - __builtin_clzll(value));

	h->bin[power * BENCH_BINS_POWER + (power == 0 ? value : value >> (power - 1) & (BENCH_BINS_POWER - 1))]++;
}

uint64_t bench_histogram_count(const struct bench_histogram *h);
/* What all values of a bin are below, in nanoseconds. */
double bench_histogram_edge(const struct bench_histogram *h, uint32_t bin);
/* The edge of the first bin up to which there is this share of all values, in nanoseconds. 0: there are none. */
double bench_histogram_quantile(const struct bench_histogram *h, double share);

#endif
