/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking time (bench.h). Runners take turns within a round, all with the round's packets, so that what the machine
 * does meanwhile hits all of them. Packets are drawn before; keys are made, in pieces that fit a cache, while the
 * clock stands, as if the packets had just been read.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bench/bench.h"

void bench_fail(const char *what, ...)
{
	va_list args;

	va_start(args, what);
	fputs("flowgate-bench: ", stderr);
	vfprintf(stderr, what, args);
	fputc('\n', stderr);
	va_end(args);
	exit(1);
}

void *bench_alloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (p == NULL)
		bench_fail("no memory");
	return p;
}

uint64_t bench_random(uint64_t *state)
{
	uint64_t x = *state += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

uint32_t bench_below(uint64_t *state, uint32_t n)
{
	return (uint32_t)((bench_random(state) >> 32) * n >> 32);
}

uint64_t bench_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* One runner, once through the pool: nanoseconds a packet, and a sum of its answers. */
static double run_round(const struct bench_traffic *t, const struct bench_runner *runner, uint64_t *sum)
{
	const size_t batches = BENCH_POOL / BENCH_BATCH, warm = batches / 4;
	uint64_t ns = 0;

	*sum = 0;
	for (size_t n = 0; n < warm + batches; n++) {
		uint64_t start;

		runner->prepare(runner->context, t->pool + n % batches * BENCH_BATCH);
		start = bench_now_ns();
		runner->run(runner->context);
		ns += n < warm ? 0 : bench_now_ns() - start;
		for (size_t i = 0; i < BENCH_BATCH; i++)
			*sum = *sum * 31 + runner->answer(runner->context, i);
	}
	return (double)ns / BENCH_POOL;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_measure(const struct bench_traffic *t, const struct bench_runner *runners, size_t n, size_t rounds,
		   struct bench_times *times)
{
	static double ns[BENCH_RUNNERS_MAX][BENCH_ROUNDS_MAX];

	for (size_t round = 0; round < rounds; round++) {
		uint64_t first = 0, sum;

		for (size_t i = 0; i < n; i++) {
			size_t which = (i + round) % n;

			ns[which][round] = run_round(t, &runners[which], &sum);
			if (i > 0 && sum != first)
				bench_fail("%s answers differently", runners[which].name);
			first = sum;
		}
	}
	for (size_t i = 0; i < n; i++) {
		qsort(ns[i], rounds, sizeof(double), ascending);
		times[i] = (struct bench_times){ ns[i][rounds / 2], ns[i][0] };
	}
}
