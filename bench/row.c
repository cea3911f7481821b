/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Measures a row (harness.h). First the verdicts: of the scalar matcher over the whole pool, which some packets are compared with the rules themselves; then
 * of each runner over BENCH_CHECKED packets. Then rounds: all runners take turns within one, another first each time, so that what the machine does meanwhile
 * hits all of them; a round that was disturbed is thrown away and taken again, and where there are not enough good ones, the figures are not
 * figures. Each runner's own count of hits must be that of the packets, in each round.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness.h"

enum {
	TRIES_A_ROUND = 4,
	TRIES_A_TURN = 3,
	ASKED = 2000000 /* rules asked one by one, for all packets together */,
	ASKED_MOST = 2000,
	ASKED_LEAST = 16
};

struct bench_options bench_options = { .acl = true,
				       .acl_rules_max = 10000,
				       .other_load_most = 0.5,
				       .core_slower_most = 0.06,
				       .core = -1,
				       .rounds = 11,
				       .trial_ns = 100000000 };

struct open_row {
	struct bench_row row;
	void *ctx[BENCH_RUNNERS_MAX];
	struct bench_set set;
	struct bench_pool pool;
	uint32_t *answers, *said;
};

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct bench_spread bench_spread_of(const double *values, size_t n)
{
	double *v = bench_alloc(n, sizeof(*v));
	struct bench_spread s;

	memcpy(v, values, n * sizeof(*v));
	qsort(v, n, sizeof(*v), ascending);
	s = (struct bench_spread){ v[0], v[n / 4], v[n / 2], v[n - 1 - n / 4], v[n - 1] };
	free(v);
	return s;
}

/* ---- Runners ---- */

static void open_runner(struct open_row *o, const struct bench_runner *runner)
{
	struct bench_figure *f = &o->row.figure[o->row.n];

	*f = (struct bench_figure){ .runner = runner };
	o->ctx[o->row.n] = NULL;
	if (runner->cannot == NULL || !runner->cannot(o->set.rules, f->why))
		o->ctx[o->row.n] = runner->open(&o->set, &f->built, f->why);
	f->state = o->ctx[o->row.n] != NULL ? BENCH_GOOD : BENCH_CANNOT;
	o->row.n++;
}

static bool is_asked(const struct bench_runner *runner, enum bench_plane plane)
{
	return runner->plane == plane &&
	       (bench_options.only_runner == NULL || strcmp(bench_options.only_runner, runner->name) == 0);
}

bool bench_has_runner(enum bench_plane plane)
{
	for (size_t i = 0; bench_runners[i] != NULL; i++)
		if (is_asked(bench_runners[i], plane))
			return true;
	return false;
}

static void open_runners(struct open_row *o, enum bench_plane plane)
{
	for (size_t i = 0; bench_runners[i] != NULL; i++)
		if (is_asked(bench_runners[i], plane))
			open_runner(o, bench_runners[i]);
}

static void close_runners(struct open_row *o)
{
	for (size_t i = 0; i < o->row.n; i++)
		if (o->ctx[i] != NULL)
			o->row.figure[i].runner->close(o->ctx[i]);
}

/* ---- Verdicts ---- */

static void answer_all(struct open_row *o)
{
	struct fg_key key;
	struct fg_matched m;

	o->pool.hits = 0;
	for (size_t i = 0; i < BENCH_POOL; i++) {
		bench_packet_key(&o->pool.packets[i], &key);
		fg_match(&o->set.image->view, &key, &m);
		o->answers[i] = m.count > 0 ? m.slot[0] + 1 : 0;
		o->pool.hits += m.count > 0;
	}
	o->row.hits = o->pool.hits;
}

/* The matcher that the others are compared with, compared with the rules themselves. */
static void ask_rules(const struct open_row *o)
{
	size_t n = ASKED / (o->set.rules->n + 1);

	n = n > ASKED_MOST ? ASKED_MOST : n < ASKED_LEAST ? ASKED_LEAST : n;
	for (size_t i = 0; i < n; i++) {
		uint32_t said = bench_rules_ask(o->set.rules, o->set.image, &o->pool.packets[i]);

		if (said != o->answers[i])
			bench_fail("%s, %zu rules: of packet %zu the image says %u, the rules say %u",
				   o->row.scenario.shape->name, o->set.rules->n, i, o->answers[i], said);
	}
}

static void check_verdicts(struct open_row *o, size_t which)
{
	struct bench_figure *f = &o->row.figure[which];

	f->runner->load(o->ctx[which], &o->pool);
	f->runner->verdicts(o->ctx[which], BENCH_CHECKED, o->said);
	for (size_t i = 0; i < BENCH_CHECKED; i++) {
		uint32_t want = f->runner->says_rule || o->answers[i] == 0 ? o->answers[i] : 1;

		if (!f->runner->judges)
			want = 0;
		if (o->said[i] == want)
			continue;
		f->state = BENCH_VOID;
		snprintf(f->why, sizeof(f->why), "of packet %zu it says %u, the rules say %u", i, o->said[i], want);
		return;
	}
}

static void check_hits(const struct open_row *o, struct bench_figure *f, uint64_t hits)
{
	uint64_t want = f->runner->judges ? o->pool.hits : 0;

	if (hits == want)
		return;
	f->state = BENCH_VOID;
	snprintf(f->why, sizeof(f->why), "it counted %" PRIu64 " hits, the packets have %" PRIu64, hits, want);
}

/* ---- Rounds ---- */

/* Of one runner; one that says itself that it was disturbed is asked again at once, for the others were not. */
static double take_turn(struct open_row *o, size_t which, uint64_t *hits)
{
	const struct bench_runner *runner = o->row.figure[which].runner;
	double ns = runner->round(o->ctx[which], hits);

	for (int i = 1; runner->steadies && ns == 0 && i < TRIES_A_TURN; i++)
		ns = runner->round(o->ctx[which], hits);
	return ns;
}

/* All runners once. ns[]: of each. False: one of them was disturbed. */
static bool take_turns(struct open_row *o, size_t round, double ns[BENCH_RUNNERS_MAX])
{
	bool steadily = true;

	for (size_t i = 0; i < o->row.n; i++) {
		size_t which = (i + round) % o->row.n;
		struct bench_figure *f = &o->row.figure[which];
		uint64_t hits;

		if (f->state != BENCH_GOOD)
			continue;
		ns[which] = take_turn(o, which, &hits);
		steadily &= ns[which] > 0;
		check_hits(o, f, hits);
	}
	return steadily;
}

/* All runners once; false, and row->disturbed_by says: that does not count. */
static bool take_steadily(struct open_row *o, size_t round, double ns[BENCH_RUNNERS_MAX], double *probe_ns)
{
	struct bench_steady steady;
	bool steadily;

	bench_steady_begin(&steady);
	*probe_ns = steady.probe_ns;
	steadily = take_turns(o, round, ns);
	if (!o->row.figure[0].runner->steadies && !bench_steady_end(&steady, BENCH_WITHOUT, o->row.disturbed_by))
		return false;
	if (!steadily)
		snprintf(o->row.disturbed_by, BENCH_WHY_MAX, "in a round of a runner: %.200s", bench_steady_why());
	return steadily;
}

static void keep(struct bench_row *row, const double ns[BENCH_RUNNERS_MAX])
{
	for (size_t i = 0; i < row->n; i++)
		row->figure[i].ns[row->rounds] = ns[i];
	row->rounds++;
}

static bool any_good(const struct bench_row *row)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->figure[i].state == BENCH_GOOD)
			return true;
	return false;
}

static void give_up(struct bench_row *row, const char *why)
{
	for (size_t i = 0; i < row->n; i++)
		if (row->figure[i].state == BENCH_GOOD) {
			row->figure[i].state = BENCH_DISTURBED;
			snprintf(row->figure[i].why, BENCH_WHY_MAX, "%s", why);
		}
}

static void measure(struct open_row *o)
{
	struct bench_row *row = &o->row;
	double ns[BENCH_RUNNERS_MAX] = { 0 }, probes[BENCH_ROUNDS_MAX];
	struct bench_steady first;
	size_t tries = 0;

	bench_steady_begin(&first);
	for (; tries < TRIES_A_ROUND * bench_options.rounds && row->rounds < bench_options.rounds && any_good(row);
	     tries++) {
		double probe_ns;

		if (!take_steadily(o, tries, ns, &probe_ns))
			continue;
		probes[row->rounds] = probe_ns;
		keep(row, ns);
	}
	row->disturbed = tries - row->rounds;
	row->other_load = bench_steady_other(&first);
	row->probe_ns = row->rounds > 0 ? bench_spread_of(probes, row->rounds).median : 0;
	if (row->rounds < bench_options.rounds)
		give_up(row, row->disturbed_by);
	else if (row->other_load > bench_options.other_load_most)
		give_up(row, "other cores were busy; --other-load says how busy they may be");
}

static void take_latencies(struct open_row *o)
{
	for (size_t i = 0; i < o->row.n; i++) {
		struct bench_figure *f = &o->row.figure[i];
		const double *ns;
		double *v;
		size_t n = f->state == BENCH_GOOD && f->runner->latencies != NULL ? f->runner->latencies(o->ctx[i], &ns)
										  : 0;

		f->latency.n = n;
		if (n == 0)
			continue;
		v = bench_alloc(n, sizeof(*v));
		memcpy(v, ns, n * sizeof(*v));
		qsort(v, n, sizeof(*v), ascending);
		f->latency.p50 = v[n / 2];
		f->latency.p99 = v[n * 99 / 100];
		f->latency.p999 = v[n * 999 / 1000];
		f->latency.most = v[n - 1];
		free(v);
	}
}

/* ---- The row ---- */

static void row(struct open_row *o, struct bench_traffic *traffic, const struct bench_scenario *scenario)
{
	static uint64_t serial;
	struct bench_row *r = &o->row;

	r->scenario = *scenario;
	r->rounds = r->disturbed = 0;
	r->disturbed_by[0] = '\0';
	bench_traffic_fill(traffic, scenario->kind);
	r->worst_lines = traffic->worst_lines;
	o->pool = (struct bench_pool){ .packets = traffic->pool, .answers = o->answers, .serial = ++serial };
	answer_all(o);
	ask_rules(o);
	for (size_t i = 0; i < r->n; i++) {
		if (o->ctx[i] == NULL)
			continue;
		r->figure[i].state = BENCH_GOOD;
		r->figure[i].why[0] = '\0';
		r->figure[i].zero_loss = (struct bench_zero_loss){ .searched = false };
		memset(r->figure[i].loaded, 0, sizeof(r->figure[i].loaded));
		check_verdicts(o, i);
	}
	measure(o);
	take_latencies(o);
	for (size_t i = 0; i < r->n; i++)
		if (r->figure[i].state == BENCH_GOOD && r->figure[i].runner->offer != NULL)
			bench_offered(o->ctx[i], &r->figure[i]);
}

/* Without rules there is nothing to hit. */
static bool has_packets(const struct bench_scenario *s, const struct bench_rules *rules)
{
	return rules->n > 0 || s->kind == BENCH_FAR || s->kind == BENCH_SMALL || s->kind == BENCH_IMIX;
}

void bench_rows(const struct bench_scenario *scenarios, size_t n, void (*take)(void *ctx, const struct bench_row *row),
		void *ctx)
{
	static struct open_row o;
	struct bench_traffic traffic;
	struct bench_rules rules;
	struct bench_image image;

	scenarios->shape->draw(&rules, BENCH_SEED, scenarios->count);
	bench_image_make(&image, &rules);
	bench_traffic_open(&traffic, &rules, &image);
	o = (struct open_row){ .set = { &rules, &image }, .row = { .rules = rules.n, .image = &image } };
	o.answers = bench_alloc(BENCH_POOL, sizeof(*o.answers));
	o.said = bench_alloc(BENCH_CHECKED, sizeof(*o.said));
	open_runners(&o, scenarios->plane);
	for (size_t i = 0; i < n; i++)
		if (has_packets(&scenarios[i], &rules)) {
			row(&o, &traffic, &scenarios[i]);
			take(ctx, &o.row);
		}
	close_runners(&o);
	free(o.said);
	free(o.answers);
	bench_traffic_close(&traffic);
	bench_image_free(&image);
	bench_rules_free(&rules);
}
