/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading of a histogram (histogram.h). */
#include "bench/histogram.h"

uint64_t bench_histogram_count(const struct bench_histogram *h)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < BENCH_BINS; i++)
		n += h->bin[i];
	return n;
}

double bench_histogram_edge(const struct bench_histogram *h, uint32_t bin)
{
	uint32_t power = bin / BENCH_BINS_POWER, in = bin % BENCH_BINS_POWER;

	return h->ns *
	       (power == 0 ? (double)(in + 1) : (double)(BENCH_BINS_POWER + in + 1) * (double)(1ull << (power - 1)));
}

double bench_histogram_quantile(const struct bench_histogram *h, double share)
{
	double wanted = share * (double)bench_histogram_count(h);
	uint64_t seen = 0;

	for (uint32_t i = 0; i < BENCH_BINS; i++) {
		seen += h->bin[i];
		if (seen > 0 && (double)seen >= wanted)
			return bench_histogram_edge(h, i);
	}
	return 0;
}
