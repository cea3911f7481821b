/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The result format (harness.h): objects, one a line; first the run, then rows, at the end how many. docs/bench-result.schema.json is the schema. A figure that
 * is none has no samples.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/harness.h"

#ifndef FG_VERSION
#error "the build says the version"
#endif

enum { LINE_MAX = 1 << 20 };

json_t *bench_run_object(int argc, char **argv, const char *pinned)
{
	json_t *words = json_array();
	time_t now = time(NULL);
	struct tm utc;
	char text[32];

	for (int i = 1; i < argc; i++)
		json_array_append_new(words, json_string(argv[i]));
	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_pack("{s:{s:i,s:s,s:s,s:o,s:o,s:{s:s,s:i,s:i,s:i,s:f,s:f}}}", "run", "format", 1, "version",
			 FG_VERSION, "started", text, "words", words, "machine", bench_machine(), "method", "pinned",
			 pinned, "packets", BENCH_POOL, "rounds", (int)bench_options.rounds, "checked", BENCH_CHECKED,
			 "other_load_most", bench_options.other_load_most, "core_slower_most",
			 bench_options.core_slower_most);
}

static json_t *scenario_object(const struct bench_row *row)
{
	const struct bench_scenario *s = &row->scenario;

	return json_pack("{s:s,s:I,s:I,s:s,s:s,s:I}", "shape", s->shape->name, "count", (json_int_t)s->count, "rules",
			 (json_int_t)row->rules, "traffic", bench_kind_names[s->kind], "plane",
			 bench_plane_names[s->plane], "seed", (json_int_t)BENCH_SEED);
}

static json_t *image_object(const struct bench_row *row)
{
	const struct bench_image *i = row->image;

	return json_pack("{s:I,s:i,s:o,s:f,s:f,s:f,s:b}", "bytes", (json_int_t)i->bytes, "lines_bound", (int)i->lines,
			 "lines_found", row->worst_lines > 0 ? json_integer(row->worst_lines) : json_null(), "sort_ms",
			 (double)i->sort_ns / 1e6, "cost_ms", (double)i->cost_ns / 1e6, "compile_ms",
			 (double)i->compile_ns / 1e6, "huge_pages", (int)i->memory.huge);
}

static json_t *spread_object(struct bench_spread s)
{
	return json_pack("{s:f,s:f,s:f,s:f,s:f}", "least", s.least, "lower", s.lower, "median", s.median, "upper",
			 s.upper, "most", s.most);
}

/* This runner's time by that of ours, round by round. */
static json_t *ratio_object(const struct bench_row *row, const struct bench_figure *f)
{
	double ratio[BENCH_ROUNDS_MAX];

	if (row->figure[0].state != BENCH_GOOD)
		return json_null();
	for (size_t i = 0; i < row->rounds; i++)
		ratio[i] = f->ns[i] / row->figure[0].ns[i];
	return spread_object(bench_spread_of(ratio, row->rounds));
}

static json_t *or_null(double packets_per_s)
{
	return packets_per_s > 0 ? json_real(packets_per_s / 1e6) : json_null();
}

static json_t *zero_loss_object(const struct bench_figure *f)
{
	const struct bench_zero_loss *z = &f->zero_loss;

	return json_pack("{s:o,s:o,s:f,s:f,s:i,s:i,s:i,s:I,s:I,s:s}", "mpps", or_null(z->packets_per_s), "lost_at_mpps",
			 or_null(z->lost_packets_per_s), "resolution", BENCH_RESOLUTION, "trial_ms",
			 (double)bench_options.trial_ns / 1e6, "loss_allowed", 0, "confirmed", BENCH_CONFIRMED, "queue",
			 (int)f->runner->queue, "trials", (json_int_t)z->trials, "disturbed", (json_int_t)z->disturbed,
			 "why", z->why);
}

/* Bins that something is in: what all of it is below, and how much. */
static json_t *histogram_object(const struct bench_histogram *h)
{
	json_t *bins = json_array();

	for (uint32_t i = 0; i < BENCH_BINS; i++)
		if (h->bin[i] > 0)
			json_array_append_new(bins,
					      json_pack("[f,I]", bench_histogram_edge(h, i), (json_int_t)h->bin[i]));
	return bins;
}

static json_t *loaded_object(const struct bench_loaded *l)
{
	const struct bench_histogram *h = &l->latencies;

	return json_pack("{s:f,s:f,s:f,s:I,s:I,s:b,s:{s:I,s:f,s:f,s:f,s:f},s:o}", "load", l->load, "mpps",
			 l->packets_per_s / 1e6, "trial_ms", (double)bench_options.trial_ns / 1e6, "taken",
			 (json_int_t)l->taken.packets, "lost", (json_int_t)l->taken.lost, "disturbed",
			 (int)l->taken.disturbed, "latency_ns", "n", (json_int_t)bench_histogram_count(h), "p50",
			 bench_histogram_quantile(h, 0.5), "p99", bench_histogram_quantile(h, 0.99), "p999",
			 bench_histogram_quantile(h, 0.999), "most", bench_histogram_quantile(h, 1), "histogram",
			 histogram_object(h));
}

static void add_offered(json_t *figure, const struct bench_figure *f)
{
	json_t *loads = json_array();

	for (size_t i = 0; i < BENCH_LOADS; i++)
		if (bench_histogram_count(&f->loaded[i].latencies) > 0)
			json_array_append_new(loads, loaded_object(&f->loaded[i]));
	json_object_set_new(figure, "zero_loss", zero_loss_object(f));
	json_object_set_new(figure, "under_load", loads);
}

static json_t *figure_object(const struct bench_row *row, const struct bench_figure *f)
{
	json_t *o =
		json_pack("{s:s,s:i,s:s,s:s,s:f,s:o}", "runner", f->runner->name, "churn", (int)f->runner->churn,
			  "state", bench_state_names[f->state], "why", f->why, "build_ms", (double)f->built.ns / 1e6,
			  "bytes", f->built.bytes > 0 ? json_integer((json_int_t)f->built.bytes) : json_null());
	struct bench_spread s;
	json_t *samples;

	if (f->state != BENCH_GOOD)
		return o;
	samples = json_array();
	for (size_t i = 0; i < row->rounds; i++)
		json_array_append_new(samples, json_real(f->ns[i]));
	s = bench_spread_of(f->ns, row->rounds);
	json_object_set_new(o, "ns", samples);
	json_object_set_new(o, "spread", spread_object(s));
	json_object_set_new(o, "mpps", json_real(1e3 / s.median));
	json_object_set_new(o, "to_ours", ratio_object(row, f));
	if (f->latency.n > 0)
		json_object_set_new(o, "latency_ns",
				    json_pack("{s:I,s:f,s:f,s:f,s:f}", "n", (json_int_t)f->latency.n, "p50",
					      f->latency.p50, "p99", f->latency.p99, "p999", f->latency.p999, "most",
					      f->latency.most));
	if (f->zero_loss.searched)
		add_offered(o, f);
	return o;
}

json_t *bench_row_object(const struct bench_row *row)
{
	json_t *figures = json_array();

	for (size_t i = 0; i < row->n; i++)
		json_array_append_new(figures, figure_object(row, &row->figure[i]));
	return json_pack("{s:{s:o,s:o,s:f,s:I,s:I,s:s,s:f,s:f,s:o}}", "row", "scenario", scenario_object(row), "image",
			 image_object(row), "hit_share", (double)row->hits / BENCH_POOL, "rounds",
			 (json_int_t)row->rounds, "disturbed", (json_int_t)row->disturbed, "disturbed_by",
			 row->disturbed > 0 ? row->disturbed_by : "", "other_load", row->other_load, "probe_ns",
			 row->probe_ns, "figures", figures);
}

json_t *bench_end_object(json_t *rows)
{
	json_int_t by[BENCH_STATES] = { 0 };
	json_t *line, *row, *figure;
	size_t i, j, n = 0;

	json_array_foreach(rows, i, line)
	{
		if ((row = json_object_get(line, "row")) == NULL)
			continue;
		n++;
		json_array_foreach(json_object_get(row, "figures"), j, figure) for (int s = 0; s < BENCH_STATES; s++)
			by[s] += strcmp(json_string_value(json_object_get(figure, "state")), bench_state_names[s]) == 0;
	}
	return json_pack("{s:{s:I,s:I,s:I,s:I,s:I}}", "end", "rows", (json_int_t)n, "good", by[BENCH_GOOD], "disturbed",
			 by[BENCH_DISTURBED], "void", by[BENCH_VOID], "cannot", by[BENCH_CANNOT]);
}

json_t *bench_result_read(const char *path)
{
	FILE *f = fopen(path, "re");
	json_t *all = json_array(), *line = NULL;
	static char text[LINE_MAX];
	json_error_t error;

	if (f == NULL) {
		fprintf(stderr, "flowgate-bench: %s: %s\n", path, strerror(errno));
		json_decref(all);
		return NULL;
	}
	while (fgets(text, sizeof(text), f) != NULL && (line = json_loads(text, 0, &error)) != NULL)
		json_array_append_new(all, line);
	fclose(f);
	if (json_array_size(all) > 0 &&
	    json_object_get(json_object_get(json_array_get(all, 0), "run"), "format") != NULL && line != NULL)
		return all;
	fprintf(stderr, "flowgate-bench: %s: no result of a run\n", path);
	json_decref(all);
	return NULL;
}
