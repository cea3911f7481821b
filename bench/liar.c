/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For tests/e2e/test_bench.py: a runner that is quick and judges one packet in a thousand otherwise than the rules say, and one whose rates are known: it takes
 * ten million packets a second, loses none up to eight, and between eight and nine some every other time. Each fifth time something disturbs it.
 */
#include <stdlib.h>

#include "bench/harness.h"

enum { EACH = 1000, UNSURE_EACH = 2, DISTURBED_EACH = 5 };
#define TAKES 10e6
#define LOSES 9e6
#define SURE 8e6

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

/* ---- The one whose rates are known ---- */

static void honest(void *ctx, size_t n, uint32_t *out)
{
	const struct bench_pool *pool = ctx;

	for (size_t i = 0; i < n; i++)
		out[i] = pool->answers[i];
}

static double take_round_brittle(void *ctx, uint64_t *hits)
{
	*hits = ((struct bench_pool *)ctx)->hits;
	return 1e9 / TAKES;
}

/* Latencies are of 1000 turns of half a nanosecond, one in 200 of 100000. */
static void note(struct bench_histogram *h)
{
	*h = (struct bench_histogram){ .ns = 0.5 };
	for (int i = 0; i < EACH; i++)
		bench_histogram_add(h, i % 200 == 0 ? 100000 : 1000);
}

static void offer(void *ctx, const struct bench_offer *o, struct bench_taken *out)
{
	static unsigned int turn, sound;
	double s = (double)o->ns / 1e9, rate = o->packets_per_s < TAKES ? o->packets_per_s : TAKES;
	bool disturbed = ++turn % DISTURBED_EACH == 0, unsure = o->packets_per_s > SURE && o->packets_per_s < LOSES;

	(void)ctx;
	sound += !disturbed;
	if (o->latencies != NULL)
		note(o->latencies);
	*out = (struct bench_taken){ .packets = (uint64_t)(rate * s), .packets_per_s = rate, .disturbed = disturbed };
	out->lost = disturbed || o->packets_per_s >= LOSES || (unsure && sound % UNSURE_EACH == 0);
}

const struct bench_runner bench_brittle = { .name = "brittle",
					    .plane = BENCH_DPDK,
					    .what = "rates that are known",
					    .says_rule = true,
					    .judges = true,
					    .steadies = true,
					    .open = open_liar,
					    .close = free,
					    .load = load,
					    .verdicts = honest,
					    .round = take_round_brittle,
					    .offer = offer,
					    .queue = 1 };
