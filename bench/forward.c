/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables of flowgate-bench-forward (forward.h), as Markdown on standard output. Loops take turns of SLICE_NS each within a round, so what
 * the machine does meanwhile hits all of them; a figure is the median of the rounds, the spread is from the least to the most.
 * All that are measured together must drop the same share of the same packets, or the program ends. Arguments: which tables, all where
 * none is named, and of how many rules, all sizes where no number is given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "bench/forward.h"

enum { ROUNDS = 7, LOOPS_MAX = 4, WARM_NS = 30000000, SLICE_NS = 150000000, LATENCY_NS = 2000000000 };

#define SATURATING 1e9 /* packets a second that no loop can take */

struct core {
	const struct forward_loop *loop;
	uint32_t queue;
	const bool *stop;
};

struct rate {
	double median, least, most; /* packets a second */
	double dropped;             /* share */
};

static int on_core(void *core)
{
	struct core *c = core;

	return c->loop->run(c->loop->ctx, c->queue, c->stop);
}

static void pause_ns(uint64_t ns)
{
	const struct timespec t = { .tv_sec = (time_t)(ns / 1000000000u), .tv_nsec = (long)(ns % 1000000000u) };

	nanosleep(&t, NULL);
}

static uint64_t sum(const struct forward_loop *l, uint32_t queues, uint64_t (*count)(void *, uint32_t))
{
	uint64_t n = 0;

	for (uint32_t q = 0; q < queues; q++)
		n += count(l->ctx, q);
	return n;
}

/* One loop for a while. *drops: share of its packets. */
static double run_for(const struct forward_loop *l, uint32_t queues, uint64_t ns, double *drops)
{
	struct core cores[FORWARD_QUEUES_MAX];
	uint64_t packets, dropped, start;
	bool stop = false;

	for (uint32_t q = 0; q < queues; q++) {
		cores[q] = (struct core){ l, q, &stop };
		rte_eal_remote_launch(on_core, &cores[q], q + 1);
	}
	pause_ns(WARM_NS);
	start = bench_now_ns();
	packets = sum(l, queues, l->received);
	dropped = sum(l, queues, l->dropped);
	pause_ns(ns);
	packets = sum(l, queues, l->received) - packets;
	dropped = sum(l, queues, l->dropped) - dropped;
	start = bench_now_ns() - start;
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	rte_eal_mp_wait_lcore();
	*drops = packets > 0 ? (double)dropped / (double)packets : 0;
	return (double)packets * 1e9 / (double)start;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const struct forward_loop *const loops[], size_t n, uint32_t queues, struct rate *out)
{
	double rate[LOOPS_MAX][ROUNDS], drops;

	for (size_t round = 0; round < ROUNDS; round++)
		for (size_t i = 0; i < n; i++) {
			size_t which = (i + round) % n;

			rate[which][round] = run_for(loops[which], queues, SLICE_NS, &drops);
			out[which].dropped = drops;
		}
	for (size_t i = 0; i < n; i++) {
		qsort(rate[i], ROUNDS, sizeof(double), ascending);
		out[i].median = rate[i][ROUNDS / 2];
		out[i].least = rate[i][0];
		out[i].most = rate[i][ROUNDS - 1];
	}
}

/* ---- Throughput over rules and packets ---- */

static const char *const kind_names[BENCH_KINDS] = { "clean far", "clean near", "hot hit",
						     "hot miss",  "uniform",    "worst" };

static void print_rate(const struct rate *r)
{
	printf(" %.1f (%.1f-%.1f) |", r->median / 1e6, r->least / 1e6, r->most / 1e6);
}

static void print_row(size_t rules, const char *kind, const struct rate r[], size_t n)
{
	const struct rate *io = &r[0], *ours = &r[1];

	printf("| %zu | %s | %.0f %% |", rules, kind, 100 * ours->dropped);
	print_rate(io);
	print_rate(ours);
	printf(" %.1f |", 1e9 / ours->median - 1e9 / io->median);
	if (n > 2) {
		print_rate(&r[2]);
		printf(" **%.1f** |\n", ours->median / r[2].median);
	} else {
		printf(" not built | |\n");
	}
	fflush(stdout);
}

/* The traffic's packets: of a pool of BENCH_POOL as many as there are buffers. */
static void rows(struct bench_rules *rules, bool acl_wanted)
{
	struct bench_image image;
	struct bench_traffic traffic;
	struct bench_acl *acl = NULL;
	struct forward_loop io = forward_io(), ours, theirs;
	const struct forward_loop *const loops[] = { &io, &ours, &theirs };
	struct rate r[LOOPS_MAX];
	size_t n = 2;

	bench_image_make(&image, rules);
	bench_traffic_open(&traffic, rules, &image);
	ours = forward_worker(&image, rules->n);
	if (acl_wanted && (acl = bench_acl_make(rules, &image, 0)) != NULL) {
		theirs = forward_acl(acl);
		n = 3;
	}
	for (int kind = 0; kind < BENCH_KINDS; kind++) {
		bench_traffic_fill(&traffic, (enum bench_kind)kind);
		forward_fill(traffic.pool, BENCH_POOL);
		forward_pace(0, false);
		measure(loops, n, 1, r);
		if (n > 2 && (r[1].dropped - r[2].dropped > 0.001 || r[2].dropped - r[1].dropped > 0.001))
			bench_fail("%s: one drops %.4f, the other %.4f", kind_names[kind], r[1].dropped, r[2].dropped);
		print_row(rules->n, kind_names[kind], r, n);
	}
	if (acl != NULL)
		bench_acl_free(acl);
	forward_worker_free(&ours);
	bench_traffic_close(&traffic);
	bench_image_free(&image);
	bench_rules_free(rules);
}

static void no_rules(void)
{
	struct forward_loop io = forward_io(), ours = forward_worker(NULL, 0);
	const struct forward_loop *const loops[] = { &io, &ours };
	struct bench_rules rules;
	struct bench_image image;
	struct bench_traffic traffic;
	struct rate r[LOOPS_MAX];

	bench_rules_draw(&rules, 1, 100, 30);
	bench_image_make(&image, &rules);
	bench_traffic_open(&traffic, &rules, &image);
	bench_traffic_fill(&traffic, BENCH_FAR);
	forward_fill(traffic.pool, BENCH_POOL);
	forward_pace(0, false);
	measure(loops, 2, 1, r);
	print_row(0, "clean far", r, 2);
	bench_traffic_close(&traffic);
	bench_image_free(&image);
	bench_rules_free(&rules);
	forward_worker_free(&ours);
}

static char **arguments;

static bool asked_for(const char *name)
{
	for (char **a = arguments; *a != NULL; a++)
		if (strcmp(*a, name) == 0)
			return true;
	return false;
}

/* No number is given, or this one is. */
static bool asked_for_rules(size_t n)
{
	char number[24];
	bool any = false;

	for (char **a = arguments; *a != NULL; a++)
		any |= **a >= '0' && **a <= '9';
	snprintf(number, sizeof(number), "%zu", n);
	return !any || asked_for(number);
}

static void throughput(void)
{
	static const size_t sizes[] = { 1000, 10000, 50000, 1000000 };

	printf("\n| rules | packets | dropped | io Mpps | flowgate Mpps | ns more than io | rte_acl loop Mpps | "
	       "flowgate : rte_acl |\n"
	       "|---|---|---|---|---|---|---|---|\n");
	if (asked_for_rules(0))
		no_rules();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct bench_rules rules;

		if (!asked_for_rules(sizes[i]))
			continue;
		bench_rules_draw(&rules, sizes[i], sizes[i], 60);
		rows(&rules, sizes[i] <= 10000);
	}
}

/* ---- Ten thousand rules, and packets that pass ---- */

struct box {
	struct bench_rules rules;
	struct bench_image image;
	struct bench_traffic traffic;
	struct forward_loop worker;
};

static void box_open(struct box *b, enum bench_kind kind)
{
	bench_rules_draw(&b->rules, 10000, 10000, 60);
	bench_image_make(&b->image, &b->rules);
	bench_traffic_open(&b->traffic, &b->rules, &b->image);
	bench_traffic_fill(&b->traffic, kind);
	forward_fill(b->traffic.pool, BENCH_POOL);
	b->worker = forward_worker(&b->image, b->rules.n);
}

static void box_close(struct box *b)
{
	forward_worker_free(&b->worker);
	bench_traffic_close(&b->traffic);
	bench_image_free(&b->image);
	bench_rules_free(&b->rules);
}

/* Cores by turns, as loops by turns above. */
static void cores(void)
{
	static const enum bench_kind kinds[] = { BENCH_NEAR, BENCH_HOT, BENCH_UNIFORM };

	printf("\n| packets, 10000 rules | one core Mpps | two cores Mpps | ratio |\n|---|---|---|---|\n");
	for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
		double rate[2][ROUNDS], drops;
		struct box b;

		box_open(&b, kinds[k]);
		forward_pace(0, false);
		for (size_t round = 0; round < ROUNDS; round++)
			for (uint32_t n = 1; n <= 2; n++)
				rate[n - 1][round] = run_for(&b.worker, n, SLICE_NS, &drops);
		for (size_t n = 0; n < 2; n++)
			qsort(rate[n], ROUNDS, sizeof(double), ascending);
		printf("| %s | %.1f (%.1f-%.1f) | %.1f (%.1f-%.1f) | **%.2f** |\n", kind_names[kinds[k]],
		       rate[0][ROUNDS / 2] / 1e6, rate[0][0] / 1e6, rate[0][ROUNDS - 1] / 1e6,
		       rate[1][ROUNDS / 2] / 1e6, rate[1][0] / 1e6, rate[1][ROUNDS - 1] / 1e6,
		       rate[1][ROUNDS / 2] / rate[0][ROUNDS / 2]);
		box_close(&b);
	}
}

/* The upper edge of the bin that the share falls into, in us. */
static double quantile_us(const uint64_t *bins, double share)
{
	uint64_t all = 0, seen = 0;
	uint32_t i = 0;

	for (uint32_t k = 0; k < FORWARD_BINS; k++)
		all += bins[k];
	for (; i < FORWARD_BINS - 1; i++) {
		seen += bins[i];
		if ((double)seen >= share * (double)all)
			break;
	}
	return (i < 16 ? i : (double)((16ull + i % 16 + 1) << (i / 16 - 1))) * 1e6 / (double)rte_get_tsc_hz();
}

static void latency_row(const struct forward_loop *l, double full, double load)
{
	const struct forward_queue *q = forward_queue(0);
	double drops;

	forward_pace(full * load, true);
	run_for(l, 1, LATENCY_NS, &drops);
	printf("| %s | %.0f %% of %.1f Mpps | %.2f | %.2f | %.2f | %.4f %% |\n", l->name, 100 * load, full / 1e6,
	       quantile_us(q->bins, 0.5), quantile_us(q->bins, 0.99), quantile_us(q->bins, 0.999),
	       100 * (double)q->late / (double)(q->given + q->late));
	fflush(stdout);
}

static void latency(void)
{
	struct forward_loop io = forward_io();
	const struct forward_loop *loops[2];
	struct rate r[LOOPS_MAX];
	struct box b;

	box_open(&b, BENCH_NEAR);
	loops[0] = &io;
	loops[1] = &b.worker;
	forward_pace(SATURATING, true); /* what is counted costs time too, and is part of what a loop can do here */
	measure(loops, 2, 1, r);
	printf("\n| loop, clean near, 10000 rules | load | p50 us | p99 us | p99.9 us | lost "
	       "|\n|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < 2; i++) {
		latency_row(loops[i], r[i].median, 0.5);
		latency_row(loops[i], r[i].median, 0.9);
	}
	box_close(&b);
}

static const struct {
	const char *name;
	void (*run)(void);
} tables[] = { { "throughput", throughput }, { "latency", latency }, { "cores", cores } };

int main(int argc, char **argv)
{
	bool all = true;

	(void)argc;
	arguments = argv + 1;
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		all &= !asked_for(tables[i].name);
	forward_start(argv[0], FORWARD_QUEUES_MAX);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (all || asked_for(tables[i].name))
			tables[i].run();
	return 0;
}
