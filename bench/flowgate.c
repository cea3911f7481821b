/* SPDX-License-Identifier: BSD-3-Clause */
/* Our matchers, to be measured (bench.h): the burst matcher in its forms, and the scalar one packet by packet. */
#include <stdlib.h>

#include "bench/bench.h"
#include "dataplane/burst.h"

struct bench_matcher {
	struct fg_view view;
	enum fg_burst_form form;
	struct fg_key *key;
	const struct fg_key *keys[BENCH_BATCH];
	struct fg_matched matched[FG_BURST]; /* of the burst just matched */
	uint32_t first[BENCH_BATCH];         /* what is done about a packet: its first rule is noted */
};

static void prepare(void *context, const struct bench_packet packets[BENCH_BATCH])
{
	struct bench_matcher *m = context;

	for (size_t i = 0; i < BENCH_BATCH; i++)
		bench_packet_key(&packets[i], &m->key[i]);
}

static uint32_t first_rule(const struct fg_matched *m)
{
	return m->count > 0 ? m->slot[0] + 1 : 0;
}

static void run_burst(void *context)
{
	struct bench_matcher *m = context;

	fg_burst_fetch(&m->view, m->keys, FG_BURST);
	for (size_t i = 0; i < BENCH_BATCH; i += FG_BURST) {
		if (i + FG_BURST < BENCH_BATCH)
			fg_burst_fetch(&m->view, m->keys + i + FG_BURST, FG_BURST);
		fg_match_burst_by(m->form, &m->view, m->keys + i, FG_BURST, m->matched);
		for (size_t j = 0; j < FG_BURST; j++)
			m->first[i + j] = first_rule(&m->matched[j]);
	}
}

static void run_scalar(void *context)
{
	struct bench_matcher *m = context;

	for (size_t i = 0; i < BENCH_BATCH; i++) {
		fg_match(&m->view, &m->key[i], m->matched);
		m->first[i] = first_rule(m->matched);
	}
}

static uint32_t answer(void *context, size_t i)
{
	return ((const struct bench_matcher *)context)->first[i];
}

struct bench_runner bench_burst_runner(const struct bench_image *image, int form)
{
	struct bench_matcher *m = bench_alloc(1, sizeof(*m));

	m->view = image->view;
	m->form = form < 0 ? fg_burst_best() : (enum fg_burst_form)form;
	m->key = aligned_alloc(FG_LINE_OCTETS, BENCH_BATCH * sizeof(*m->key));
	for (size_t i = 0; i < BENCH_BATCH; i++)
		m->keys[i] = &m->key[i];
	return (struct bench_runner){ fg_burst_name(m->form), m, prepare, run_burst, answer };
}

struct bench_runner bench_scalar_runner(const struct bench_image *image)
{
	struct bench_runner r = bench_burst_runner(image, FG_BURST_SCALAR);

	r.name = "fg_match";
	r.run = run_scalar;
	return r;
}

void bench_matcher_free(struct bench_runner *r)
{
	free(((struct bench_matcher *)r->context)->key);
	free(r->context);
}
