/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tables of flowgate-bench (bench.h), as Markdown on standard output. Each figure is nanoseconds a packet, the
 * median of the rounds and in parentheses the least. Arguments: which tables, all where none is named.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { ROUNDS = 9 };

static const char *const kind_names[BENCH_KINDS] = { "clean far", "clean near", "hot hit",
						     "hot miss",  "uniform",    "worst" };
static bool acl_wanted;

static void print_times(const struct bench_times *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf(" %.1f (%.1f) |", t[i].median_ns, t[i].min_ns);
	printf(" %.0f |", 1e3 / t[0].median_ns);
	for (size_t i = 2; i < n; i++)
		printf(" %.1f |", t[i].median_ns / t[0].median_ns);
	printf("\n");
	fflush(stdout);
}

/* The fastest algorithm for the packets of the pool. */
static const char *use_best_algorithm(struct bench_acl *acl, const struct bench_traffic *t)
{
	struct bench_runner runner = bench_acl_runner(acl, "rte_acl");
	struct bench_times best = { 0, 0 }, times;
	int which = -1;

	for (int a = 0; a < BENCH_ACL_ALGORITHMS; a++) {
		if (!bench_acl_use(acl, a))
			continue;
		bench_measure(t, &runner, 1, 3, &times);
		if (which < 0 || times.min_ns < best.min_ns) {
			best = times;
			which = a;
		}
	}
	if (which < 0 || !bench_acl_use(acl, which))
		bench_fail("rte_acl has no algorithm for this machine");
	return bench_acl_algorithm_name(which);
}

/* rte_acl with the max_size that serves it best; the least of the rounds decides, for it is the least disturbed. */
static struct bench_acl *best_acl(const struct bench_rules *rules, const struct bench_image *image,
				  const struct bench_traffic *t)
{
	struct bench_acl *best = NULL;
	double best_ns = 0;

	for (size_t mib = 16; mib <= 2048; mib *= 2) {
		struct bench_acl *acl = bench_acl_make(rules, image, mib << 20);
		struct bench_runner runner;
		struct bench_times times;

		if (acl == NULL)
			continue;
		use_best_algorithm(acl, t);
		runner = bench_acl_runner(acl, "rte_acl");
		bench_measure(t, &runner, 1, 7, &times);
		fprintf(stderr, "rte_acl max_size %zu MiB: %.1f ns, built in %.1f s\n", mib, times.min_ns,
			(double)bench_acl_build_ns(acl) / 1e9);
		if (best == NULL || times.min_ns < best_ns) {
			if (best != NULL)
				bench_acl_free(best);
			best = acl;
			best_ns = times.min_ns;
		} else {
			bench_acl_free(acl);
		}
	}
	return best;
}

static void print_image(const char *name, const struct bench_rules *rules, const struct bench_image *image)
{
	printf("\n%s: %zu rules, %.2f MiB beside the 64 MiB destination table, sorted in %.1f ms, cost in %.1f ms, "
	       "compiled in %.1f ms, "
	       "at most %u lines a packet, memory: %s.\n",
	       name, rules->n, ((double)image->bytes - 64.0 * 1048576) / 1048576, (double)image->sort_ns / 1e6,
	       (double)image->cost_ns / 1e6, (double)image->compile_ns / 1e6, image->lines,
	       image->memory.huge ? "huge pages" : "transparent huge pages");
}

/* Times of our matchers, and of rte_acl where it is wanted, for some kinds of packets. */
static void table(const char *name, struct bench_rules *rules, unsigned int kinds, bool acl)
{
	struct bench_acl *usual = NULL, *best = NULL;
	struct bench_runner runners[4];
	struct bench_times times[4];
	struct bench_traffic traffic;
	struct bench_image image;
	size_t n = 2;

	bench_image_make(&image, rules);
	bench_traffic_open(&traffic, rules, &image);
	bench_traffic_fill(&traffic, BENCH_UNIFORM);
	print_image(name, rules, &image);
	runners[0] = bench_burst_runner(&image, -1);
	runners[1] = bench_scalar_runner(&image);
	if (acl && (usual = bench_acl_make(rules, &image, 0)) != NULL) {
		printf("rte_acl: default built in %.2f s, %s.", (double)bench_acl_build_ns(usual) / 1e9,
		       use_best_algorithm(usual, &traffic));
		runners[n++] = bench_acl_runner(usual, "rte_acl default");
	}
	if (acl && (best = best_acl(rules, &image, &traffic)) != NULL) {
		printf(" Best built in %.2f s, %s.", (double)bench_acl_build_ns(best) / 1e9,
		       use_best_algorithm(best, &traffic));
		runners[n++] = bench_acl_runner(best, "rte_acl best");
	}
	printf("\n\n| packets | burst %s | fg_match |%s%s Mpps |%s%s\n|---|---|---|---|%s\n", runners[0].name,
	       usual ? " rte_acl default |" : "", best ? " rte_acl best |" : "", usual ? " default : burst |" : "",
	       best ? " best : burst |" : "", n == 4 ? "---|---|---|---|" : "");
	for (int kind = 0; kind < BENCH_KINDS; kind++) {
		if ((kinds >> kind & 1) == 0)
			continue;
		bench_traffic_fill(&traffic, (enum bench_kind)kind);
		bench_measure(&traffic, runners, n, ROUNDS, times);
		printf("| %s |", kind_names[kind]);
		print_times(times, n);
	}
	for (size_t i = 0; i < 2; i++)
		bench_matcher_free(&runners[i]);
	if (usual != NULL)
		bench_acl_free(usual);
	if (best != NULL)
		bench_acl_free(best);
	bench_traffic_close(&traffic);
	bench_image_free(&image);
	bench_rules_free(rules);
}

enum { ALL_KINDS = (1 << BENCH_KINDS) - 1 };

static void table_mixed(size_t n, size_t hot, unsigned int kinds)
{
	struct bench_rules rules;
	char name[64];

	snprintf(name, sizeof(name), "%zu rules, %zu of them on the hot victim", n, hot);
	bench_rules_draw(&rules, n, n, hot);
	table(name, &rules, kinds, acl_wanted);
}

static void mixed(void)
{
	static const size_t sizes[] = { 100, 1000, 10000, 50000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		table_mixed(sizes[i], sizes[i] == 100 ? 30 : 60, ALL_KINDS);
}

static void hot512(void)
{
	table_mixed(10000, 512, 1 << BENCH_HOT | 1 << BENCH_HOT_MISS);
}

static void ranges(void)
{
	struct bench_rules rules;

	bench_rules_ranges(&rules, 5, 100, 480);
	table("480 rules of three random ranges on each of 100 victims", &rules, ALL_KINDS, false);
}

static void sources(void)
{
	for (int victim = 1; victim >= 0; victim--)
		for (size_t n = 1000; n <= 100000; n *= 100) {
			struct bench_rules rules;

			bench_rules_sources(&rules, 6, n, victim);
			table(victim ? "source prefixes on one victim" : "source prefixes without destination", &rules,
			      1 << BENCH_HOT | 1 << BENCH_HOT_MISS | 1 << BENCH_FAR, false);
		}
}

static void million(void)
{
	struct bench_rules rules;

	bench_rules_draw(&rules, 7, 1000000, 60);
	table("a million rules", &rules, ALL_KINDS, false);
}

static const struct {
	const char *name;
	void (*run)(void);
} tables[] = {
	{ "mixed", mixed }, { "hot512", hot512 }, { "ranges", ranges }, { "sources", sources }, { "million", million }
};

static bool asked_for(int argc, char **argv, const char *name)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		any |= argv[i][0] != '-';
		if (strcmp(argv[i], name) == 0)
			return true;
	}
	return !any && name[0] != '-';
}

int main(int argc, char **argv)
{
	struct bench_memory probe;

	bench_memory_get(&probe, 1);
	bench_memory_put(&probe);
	acl_wanted = !asked_for(argc, argv, "--no-acl");
	if (acl_wanted)
		bench_acl_start(argv[0], probe.huge);
	for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		if (asked_for(argc, argv, tables[i].name))
			tables[i].run();
	return 0;
}
