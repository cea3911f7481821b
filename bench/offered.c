/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a runner does with packets that come at a rate (harness.h). Throughput at zero loss, as RFC 2544 §26.1 has it: a binary search for the largest rate at
 * which a trial loses nothing. Rates below one that has lost are tried in growing steps down to one that has not, the gap between the two is halved down to
 * the resolution, and what is found must lose nothing BENCH_CONFIRMED times more, or has lost itself. A trial that lost nothing counts whatever went on meanwhile;
 * one that lost while something disturbed it says nothing and is taken again. Then latencies, at shares of what it takes at most while they are counted.
 */
#include <stdio.h>
#include <string.h>

#include "bench/harness.h"

enum { TRIALS_MAX = 100, TRIES = 10 /* of a trial that is disturbed */, CAPACITY_TRIES = 3 };

#define SATURATING 1e9 /* packets a second that nobody takes */
#define ABOVE 1.2      /* of what is taken as fast as it can: more than can be taken at a rate */
#define STEP 0.04      /* the first one down */
#define LEAST 0.01     /* of the first rate; none is tried below */

static const double loads[BENCH_LOADS] = { 0.5, 0.9 };

struct search {
	void *ctx;
	const struct bench_runner *runner;
	struct bench_zero_loss *found;
	double low, high; /* rates: one has lost nothing, the other has lost */
	bool gave_up;
};

static void offer(void *ctx, const struct bench_runner *runner, double packets_per_s, struct bench_histogram *latencies,
		  struct bench_taken *out)
{
	const struct bench_offer o = { packets_per_s, bench_options.trial_ns, latencies };

	bench_steady_rest(o.ns);
	runner->offer(ctx, &o, out);
}

/* ---- Throughput ---- */

static bool loses_nothing(struct search *s, double packets_per_s)
{
	struct bench_taken t;

	for (int i = 0; i < TRIES && s->found->trials < TRIALS_MAX; i++) {
		offer(s->ctx, s->runner, packets_per_s, NULL, &t);
		if (t.lost == 0 || !t.disturbed) {
			s->found->trials++;
			return t.lost == 0;
		}
		s->found->disturbed++;
	}
	s->gave_up = true;
	return false;
}

/* Down to a rate that loses nothing. */
static bool step_down(struct search *s, double least)
{
	for (double step = STEP; !s->gave_up; step *= 2) {
		double rate = s->high * (1 - (step < 0.5 ? step : 0.5));

		if (rate < least)
			return false;
		if (loses_nothing(s, rate)) {
			s->low = rate;
			return true;
		}
		if (!s->gave_up)
			s->high = rate;
	}
	return false;
}

static void halve(struct search *s)
{
	while (!s->gave_up && s->high - s->low > BENCH_RESOLUTION * s->high) {
		double rate = (s->low + s->high) / 2;

		if (loses_nothing(s, rate))
			s->low = rate;
		else if (!s->gave_up)
			s->high = rate;
	}
}

static bool confirmed(struct search *s)
{
	for (int i = 0; i < BENCH_CONFIRMED; i++)
		if (!loses_nothing(s, s->low))
			return false;
	return true;
}

static void search(struct search *s, double first)
{
	for (s->high = first; loses_nothing(s, s->high);)
		s->high *= ABOVE;
	while (!s->gave_up && step_down(s, LEAST * first)) {
		halve(s);
		if (!s->gave_up && confirmed(s)) {
			s->found->packets_per_s = s->low;
			s->found->lost_packets_per_s = s->high;
			return;
		}
		s->high = s->low;
	}
	if (!s->gave_up)
		snprintf(s->found->why, BENCH_WHY_MAX, "packets are lost at any rate that was tried");
	else if (s->found->trials < TRIALS_MAX)
		snprintf(s->found->why, BENCH_WHY_MAX,
			 "packets were lost %d times in trials that were disturbed: %.150s", TRIES, bench_steady_why());
	else
		snprintf(s->found->why, BENCH_WHY_MAX, "none is confirmed within %d trials", TRIALS_MAX);
}

/* ---- Latency ---- */

/* Packets a second that it takes at most, of some trials. */
static double capacity(void *ctx, const struct bench_runner *runner, struct bench_histogram *scratch)
{
	struct bench_taken t;
	double most = 0;

	for (int i = 0; i < CAPACITY_TRIES; i++) {
		offer(ctx, runner, SATURATING, scratch, &t);
		most = t.packets_per_s > most ? t.packets_per_s : most;
	}
	return most;
}

static void load(void *ctx, const struct bench_runner *runner, double most, struct bench_loaded *l)
{
	l->packets_per_s = l->load * most;
	for (int i = 0; i < TRIES; i++) {
		offer(ctx, runner, l->packets_per_s, &l->latencies, &l->taken);
		if (!l->taken.disturbed)
			return;
	}
}

void bench_offered(void *ctx, struct bench_figure *f)
{
	struct search s = { .ctx = ctx, .runner = f->runner, .found = &f->zero_loss };
	double most;

	f->zero_loss.searched = true;
	search(&s, ABOVE * 1e9 / f->ns[0]);
	most = capacity(ctx, f->runner, &f->loaded[0].latencies);
	for (size_t i = 0; i < BENCH_LOADS; i++) {
		f->loaded[i].load = loads[i];
		load(ctx, f->runner, most, &f->loaded[i]);
	}
}
