/* SPDX-License-Identifier: BSD-3-Clause */
/* rte_acl as runners of the plane `match` (harness.h). DPDK is started when the first set is built. What the loops of `dpdk` have of it is here too. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/acl.h"
#include "bench/batch.h"
#include "bench/eal.h"

struct acl_runner {
	struct bench_acl *acl;
	const struct bench_pool *pool;
};

static const struct bench_batches batches = { bench_acl_prepare, bench_acl_run, bench_acl_answer };

bool bench_acl_cannot(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (!bench_options.acl)
		snprintf(why, BENCH_WHY_MAX, "left out by --no-acl");
	else if (rules->n == 0)
		snprintf(why, BENCH_WHY_MAX, "an empty set is not built");
	else if (bench_acl_count(rules) > bench_options.acl_rules_max)
		snprintf(why, BENCH_WHY_MAX, "not built for more than %zu rules", bench_options.acl_rules_max);
	else
		return false;
	return true;
}

static void *open_acl(const struct bench_set *set, size_t max_size, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	struct acl_runner *a = bench_alloc(1, sizeof(*a));

	bench_eal_start();
	a->acl = bench_acl_make(set->rules, set->image, max_size);
	if (a->acl == NULL) {
		snprintf(why, BENCH_WHY_MAX, "does not build");
		free(a);
		return NULL;
	}
	*built = (struct bench_built){ .ns = bench_acl_build_ns(a->acl) };
	return a;
}

static void *open_default(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_acl(set, 0, built, why);
}

static void *open_large(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_acl(set, BENCH_ACL_LARGE, built, why);
}

static void close_acl(void *ctx)
{
	bench_acl_free(((struct acl_runner *)ctx)->acl);
	free(ctx);
}

static double round_acl(void *ctx, uint64_t *hits)
{
	const struct acl_runner *a = ctx;

	return bench_batches_round(&batches, a->acl, a->pool, hits);
}

void bench_acl_choose(struct bench_acl *acl, const struct bench_pool *pool)
{
	double best = 0;
	int which = -1;

	for (int i = 0; i < BENCH_ACL_ALGORITHMS; i++) {
		uint64_t hits;
		double ns;

		if (!bench_acl_use(acl, i))
			continue;
		ns = bench_batches_round(&batches, acl, pool, &hits);
		if (which < 0 || ns < best) {
			best = ns;
			which = i;
		}
	}
	if (which < 0 || !bench_acl_use(acl, which))
		bench_fail("rte_acl has no algorithm for this machine");
}

static void load(void *ctx, const struct bench_pool *pool)
{
	struct acl_runner *a = ctx;

	a->pool = pool;
	bench_acl_choose(a->acl, pool);
}

static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	const struct acl_runner *a = ctx;

	bench_batches_verdicts(&batches, a->acl, a->pool, n, out);
}

const struct bench_runner bench_rte_acl = { .name = "rte_acl default",
					    .plane = BENCH_MATCH,
					    .what = "max_size as it comes, the fastest algorithm for the packets",
					    .says_rule = true,
					    .judges = true,
					    .cannot = bench_acl_cannot,
					    .open = open_default,
					    .close = close_acl,
					    .load = load,
					    .verdicts = verdicts,
					    .round = round_acl };
const struct bench_runner bench_rte_acl_large = { .name = "rte_acl large",
						  .plane = BENCH_MATCH,
						  .what = "max_size 1 GiB, the fastest algorithm for the packets",
						  .says_rule = true,
						  .judges = true,
						  .cannot = bench_acl_cannot,
						  .open = open_large,
						  .close = close_acl,
						  .load = load,
						  .verdicts = verdicts,
						  .round = round_acl };
