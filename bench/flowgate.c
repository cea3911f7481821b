/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Our matchers as runners of the plane `match` (harness.h): the burst matcher in its best form, and the scalar one packet by packet. Keys are made while
 * the clock stands, in pieces that fit a cache, as if the packets had just been read.
 */
#include <stdlib.h>

#include "bench/batch.h"
#include "dataplane/burst.h"

struct bench_matcher {
	struct fg_view view;
	enum fg_burst_form form;
	struct fg_key *key;
	const struct fg_key *keys[BENCH_BATCH];
	struct fg_matched matched[BENCH_BATCH];
	const struct bench_pool *pool;
};

static void prepare(void *context, const struct bench_packet packets[BENCH_BATCH])
{
	struct bench_matcher *m = context;

	for (size_t i = 0; i < BENCH_BATCH; i++)
		bench_packet_key(&packets[i], &m->key[i]);
}

static void run_burst(void *context)
{
	struct bench_matcher *m = context;

	fg_burst_fetch(&m->view, m->keys, FG_BURST);
	for (size_t i = 0; i < BENCH_BATCH; i += FG_BURST) {
		if (i + FG_BURST < BENCH_BATCH)
			fg_burst_fetch(&m->view, m->keys + i + FG_BURST, FG_BURST);
		fg_match_burst_by(m->form, &m->view, m->keys + i, FG_BURST, m->matched + i);
	}
}

static void run_scalar(void *context)
{
	struct bench_matcher *m = context;

	for (size_t i = 0; i < BENCH_BATCH; i++)
		fg_match(&m->view, &m->key[i], &m->matched[i]);
}

static uint32_t answer(void *context, size_t i)
{
	const struct fg_matched *matched = &((const struct bench_matcher *)context)->matched[i];

	return matched->count > 0 ? matched->slot[0] + 1 : 0;
}

static const struct bench_batches burst = { prepare, run_burst, answer }, scalar = { prepare, run_scalar, answer };

static void *open_matcher(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	struct bench_matcher *m = bench_alloc(1, sizeof(*m));

	(void)why;
	m->view = set->image->view;
	m->form = fg_burst_best();
	m->key = aligned_alloc(FG_LINE_OCTETS, BENCH_BATCH * sizeof(*m->key));
	if (m->key == NULL)
		bench_fail("no memory");
	for (size_t i = 0; i < BENCH_BATCH; i++)
		m->keys[i] = &m->key[i];
	*built = (struct bench_built){ set->image->compile_ns, set->image->bytes };
	return m;
}

static void close_matcher(void *ctx)
{
	free(((struct bench_matcher *)ctx)->key);
	free(ctx);
}

static void load(void *ctx, const struct bench_pool *pool)
{
	((struct bench_matcher *)ctx)->pool = pool;
}

static void verdicts_burst(void *ctx, size_t n, uint32_t *out)
{
	bench_batches_verdicts(&burst, ctx, ((struct bench_matcher *)ctx)->pool, n, out);
}

static void verdicts_scalar(void *ctx, size_t n, uint32_t *out)
{
	bench_batches_verdicts(&scalar, ctx, ((struct bench_matcher *)ctx)->pool, n, out);
}

static double round_burst(void *ctx, uint64_t *hits)
{
	return bench_batches_round(&burst, ctx, ((struct bench_matcher *)ctx)->pool, hits);
}

static double round_scalar(void *ctx, uint64_t *hits)
{
	return bench_batches_round(&scalar, ctx, ((struct bench_matcher *)ctx)->pool, hits);
}

const struct bench_runner bench_burst = { .name = "flowgate burst",
					  .plane = BENCH_MATCH,
					  .what = "the matcher of flowgate-dpdk, 32 packets at a time",
					  .says_rule = true,
					  .judges = true,
					  .open = open_matcher,
					  .close = close_matcher,
					  .load = load,
					  .verdicts = verdicts_burst,
					  .round = round_burst };
const struct bench_runner bench_scalar = { .name = "flowgate scalar",
					   .plane = BENCH_MATCH,
					   .what = "the same image, packet by packet",
					   .says_rule = true,
					   .judges = true,
					   .open = open_matcher,
					   .close = close_matcher,
					   .load = load,
					   .verdicts = verdicts_scalar,
					   .round = round_scalar };
