/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench: the harness as a program (harness.h). `flowgate bench` runs it. In: names of subsets, or a scenario in options. Out: a table, or with --json
 * the result as objects, one a line; --output writes those to a file too. Exit: 0; 1 where --compare found something slower or a row is void; 2 for words it
 * does not know; 5 where the environment fails.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/hunt.h"
#include "bench/sizing.h"

enum {
	EXIT_WORSE = 1,
	EXIT_WORDS = 2,
	SUBSETS_MAX = 16,
	TRIAL_NS_MAX = 900000000 /* a real-time thread is stopped in each second */
};

struct program {
	bool json;
	const char *output, *compare;
	struct bench_subset own; /* of the options */
	const struct bench_subset *subset[SUBSETS_MAX];
	size_t subsets;
	json_t *lines;
	FILE *out;
	size_t done, all;
	bool voided, rounds_given;
};

static void usage(FILE *to)
{
	fputs("usage: flowgate-bench [SUBSET…] [--shape S,…] [--rules N,…] [--traffic T,…] [--plane P,…]\n"
	      "                      [--json] [--output FILE] [--compare OLD] [--no-acl] [--acl-rules N]\n"
	      "                      [--runner NAME] [--rounds N] [--core N] [--other-load PERCENT] [--core-slower "
	      "PERCENT]\n"
	      "                      [--trial MS]\n"
	      "       flowgate-bench compare OLD NEW\n"
	      "       flowgate-bench sizing RULES PCAP [--json]\n"
	      "       flowgate-bench hunt FILE    flowgate-bench hunted FILE    flowgate-bench list\n",
	      to);
}

static void list_all(void)
{
	puts("subsets:");
	for (const struct bench_subset *s = bench_subsets; s->name != NULL; s++)
		printf("  %-14s %s\n", s->name, s->what);
	puts("shapes:");
	for (const struct bench_shape *s = bench_shapes; s->name != NULL; s++)
		printf("  %-14s %s\n", s->name, s->what);
	puts("runners:");
	for (size_t i = 0; bench_runners[i] != NULL; i++)
		printf("  %-6s %-18s %s\n", bench_plane_names[bench_runners[i]->plane], bench_runners[i]->name,
		       bench_runners[i]->what);
	fputs("traffics:", stdout);
	for (int k = 0; k < BENCH_KINDS_ALL; k++)
		printf(" %s", bench_kind_names[k]);
	putchar('\n');
}

/* ---- Rows as they come ---- */

static void put_line(struct program *p, json_t *object)
{
	char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(6));

	if (text == NULL)
		bench_fail("no memory");
	if (p->json)
		printf("%s\n", text);
	if (p->out != NULL)
		fprintf(p->out, "%s\n", text);
	if (p->out != NULL && fflush(p->out) != 0)
		bench_fail("%s: %s", p->output, strerror(errno));
	fflush(stdout);
	free(text);
	json_array_append_new(p->lines, object);
}

static void print_figure(const struct bench_row *row, const struct bench_figure *f)
{
	const struct bench_scenario *s = &row->scenario;
	const struct bench_figure *ours = &row->figure[0];
	struct bench_spread ns, ratio;
	double ratios[BENCH_ROUNDS_MAX];

	printf("%-13s %7zu %-8s %-5s %-18s ", s->shape->name, s->count, bench_kind_names[s->kind],
	       bench_plane_names[s->plane], f->runner->name);
	if (f->state != BENCH_GOOD) {
		printf("%s: %s\n", bench_state_names[f->state], f->why);
		return;
	}
	ns = bench_spread_of(f->ns, row->rounds);
	printf("%8.1f %8.1f-%-8.1f %8.1f", ns.median, ns.least, ns.most, 1e3 / ns.median);
	if (f != ours && ours->state == BENCH_GOOD) {
		for (size_t i = 0; i < row->rounds; i++)
			ratios[i] = f->ns[i] / ours->ns[i];
		ratio = bench_spread_of(ratios, row->rounds);
		printf(" %6.2f", ratio.median);
	}
	if (f->zero_loss.packets_per_s > 0)
		printf("  lossless up to %.1f Mpps", f->zero_loss.packets_per_s / 1e6);
	putchar('\n');
}

static void take(void *ctx, const struct bench_row *row)
{
	struct program *p = ctx;

	p->done++;
	for (size_t i = 0; i < row->n; i++) {
		p->voided |= row->figure[i].state == BENCH_VOID;
		if (!p->json)
			print_figure(row, &row->figure[i]);
	}
	put_line(p, bench_row_object(row));
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%zu of %zu\r", p->done, p->all);
}

/* ---- The run ---- */

static bool same_set(const struct bench_scenario *a, const struct bench_scenario *b)
{
	return a->shape == b->shape && a->count == b->count && a->plane == b->plane;
}

static void run_list(struct program *p, const struct bench_scenario *list, size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && same_set(&list[i], &list[end]);)
			end++;
		if (bench_has_runner(list[i].plane))
			bench_rows(list + i, end - i, take, p);
		else
			fprintf(stderr, "flowgate-bench: no runner of the plane %s is in this build and asked for\n",
				bench_plane_names[list[i].plane]);
	}
}

static int run(struct program *p, int argc, char **argv)
{
	struct bench_scenario *list[SUBSETS_MAX];
	size_t n[SUBSETS_MAX];
	char pinned[BENCH_WHY_MAX];

	for (size_t i = 0; i < p->subsets; i++) {
		if (!bench_subset_list(p->subset[i], &list[i], &n[i]))
			return EXIT_WORDS;
		p->all += n[i];
	}
	p->out = p->output != NULL ? fopen(p->output, "we") : NULL;
	if (p->output != NULL && p->out == NULL)
		bench_fail("%s: %s", p->output, strerror(errno));
	bench_steady_start(pinned);
	put_line(p, bench_run_object(argc, argv, pinned));
	if (!p->json)
		printf("%-13s %7s %-8s %-5s %-18s %8s %17s %8s %6s\n", "SHAPE", "RULES", "TRAFFIC", "PLANE", "RUNNER",
		       "NS", "LEAST-MOST", "MPPS", "RATIO");
	for (size_t i = 0; i < p->subsets; i++) {
		run_list(p, list[i], n[i]);
		free(list[i]);
	}
	put_line(p, bench_end_object(p->lines));
	if (p->out != NULL && fclose(p->out) != 0)
		bench_fail("%s: %s", p->output, strerror(errno));
	return p->voided ? EXIT_WORSE : 0;
}

/* Drops both. */
static int compare(json_t *before, json_t *after)
{
	int slower = before != NULL && after != NULL ? bench_compare(before, after) : 0;
	bool read = before != NULL && after != NULL;

	json_decref(before);
	json_decref(after);
	if (slower < 0)
		fputs("flowgate-bench: no figure is in both\n", stderr);
	return !read ? EXIT_WORDS : slower != 0 ? EXIT_WORSE : 0;
}

/* ---- Words ---- */

enum word {
	SHAPE = 256,
	RULES,
	TRAFFIC,
	PLANE,
	JSON,
	OUTPUT,
	COMPARE,
	LIST,
	NO_ACL,
	ACL_RULES,
	RUNNER,
	CORE,
	OTHER_LOAD,
	CORE_SLOWER,
	ROUNDS,
	TRIAL,
	HELP
};

static const struct option options[] = {
	{ "shape", 1, NULL, SHAPE },
	{ "rules", 1, NULL, RULES },
	{ "traffic", 1, NULL, TRAFFIC },
	{ "plane", 1, NULL, PLANE },
	{ "json", 0, NULL, JSON },
	{ "output", 1, NULL, OUTPUT },
	{ "compare", 1, NULL, COMPARE },
	{ "no-acl", 0, NULL, NO_ACL },
	{ "runner", 1, NULL, RUNNER },
	{ "acl-rules", 1, NULL, ACL_RULES },
	{ "core", 1, NULL, CORE },
	{ "help", 0, NULL, HELP },
	{ "other-load", 1, NULL, OTHER_LOAD },
	{ "rounds", 1, NULL, ROUNDS },
	{ "trial", 1, NULL, TRIAL },
	{ "core-slower", 1, NULL, CORE_SLOWER },
	{ 0 },
};

static bool take_option(struct program *p, int which)
{
	const char **text[] = { &p->own.shapes, &p->own.counts, &p->own.kinds, &p->own.planes };

	switch (which) {
	case SHAPE:
	case RULES:
	case TRAFFIC:
	case PLANE:
		*text[which - SHAPE] = optarg;
		p->own.name = "own";
		return true;
	case JSON:
		p->json = true;
		return true;
	case OUTPUT:
		p->output = optarg;
		return true;
	case COMPARE:
		p->compare = optarg;
		return true;
	case NO_ACL:
		bench_options.acl = false;
		return true;
	case ACL_RULES:
		bench_options.acl_rules_max = strtoul(optarg, NULL, 10);
		return true;
	case RUNNER:
		bench_options.only_runner = optarg;
		return true;
	case CORE:
		bench_options.core = atoi(optarg);
		return true;
	case OTHER_LOAD:
		bench_options.other_load_most = atof(optarg) / 100;
		return true;
	case CORE_SLOWER:
		bench_options.core_slower_most = atof(optarg) / 100;
		return true;
	case ROUNDS:
		bench_options.rounds = strtoul(optarg, NULL, 10);
		p->rounds_given = true;
		return bench_options.rounds > 0 && bench_options.rounds <= BENCH_ROUNDS_MAX;
	case TRIAL:
		bench_options.trial_ns = strtoul(optarg, NULL, 10) * 1000000u;
		return bench_options.trial_ns > 0 && bench_options.trial_ns <= TRIAL_NS_MAX;
	default:
		return false;
	}
}

static bool take_subset(struct program *p, const char *name)
{
	for (const struct bench_subset *s = bench_subsets; s->name != NULL; s++)
		if (strcmp(s->name, name) == 0 && p->subsets < SUBSETS_MAX) {
			p->subset[p->subsets++] = s;
			return true;
		}
	fprintf(stderr, "flowgate-bench: there is no subset '%s'; `list` says which there are\n", name);
	return false;
}

int main(int argc, char **argv)
{
	static struct program p;
	json_t *before = NULL;
	int which, r;

	while ((which = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (which == HELP || !take_option(&p, which)) {
			usage(which == HELP ? stdout : stderr);
			return which == HELP ? 0 : EXIT_WORDS;
		}
	}
	if (argc - optind == 3 && strcmp(argv[optind], "compare") == 0)
		return compare(bench_result_read(argv[optind + 1]), bench_result_read(argv[optind + 2]));
	if (argc - optind == 3 && strcmp(argv[optind], "sizing") == 0)
		return bench_sizing(argv[optind + 1], argv[optind + 2], p.json);
	if (argc - optind == 2 && strcmp(argv[optind], "hunt") == 0)
		return bench_hunt(argv[optind + 1]);
	if (argc - optind == 2 && strcmp(argv[optind], "hunted") == 0)
		return bench_hunted(argv[optind + 1]);
	if (argc - optind == 1 && strcmp(argv[optind], "list") == 0) {
		list_all();
		return 0;
	}
	for (; optind < argc; optind++)
		if (!take_subset(&p, argv[optind]))
			return EXIT_WORDS;
	if (p.own.name != NULL)
		p.subset[p.subsets++] = &p.own;
	if (p.subsets == 0)
		take_subset(&p, "quick");
	if (!p.rounds_given && p.subsets == 1 && p.subset[0]->rounds > 0)
		bench_options.rounds = p.subset[0]->rounds;
	if (p.compare != NULL && (before = bench_result_read(p.compare)) == NULL)
		return EXIT_WORDS;
	p.lines = json_array();
	r = run(&p, argc, argv);
	if (r != EXIT_WORDS && before != NULL)
		return compare(before, p.lines) != 0 ? EXIT_WORSE : r;
	json_decref(before);
	json_decref(p.lines);
	return r;
}
