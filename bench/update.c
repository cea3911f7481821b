/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plane `change` (harness.h): what one change of a table takes, fg_table_add() or fg_table_delete() and fg_table_apply() on one image. The other image
 * follows while the clock stands, as it does in the daemon when no reader is left in it. A round takes rules at random out and puts each back, so that the
 * table is the same behind it; the image that was changed must then judge as one that was compiled.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/harness.h"
#include "ctrl/table/update.h"

enum { PAIRS = 200 /* of a round */, RULES_MAX = 100000, KEPT_MAX = 1 << 17 };

struct updating {
	struct bench_memory image[2], memory;
	struct fg_table *table;
	struct bench_input in;
	const struct bench_pool *pool;
	struct fg_view view; /* of image 0 */
	size_t rules;
	uint64_t r;
	double *ns; /* of changes, KEPT_MAX at most */
	size_t n;
	long put_off; /* how often, when the last change was done */
};

static bool cannot(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (rules->n > 0 && rules->n <= RULES_MAX)
		return false;
	snprintf(why, BENCH_WHY_MAX, "the harness changes tables of 1 to %d rules", RULES_MAX);
	return true;
}

static void apply(struct updating *u, int side)
{
	if (fg_table_apply(u->table, side) != 0)
		bench_fail("the image has no room");
}

static void open_images(struct updating *u, size_t rules, uint64_t bytes)
{
	uint32_t lines = (uint32_t)(bytes / FG_LINE_OCTETS), room = lines + lines / 2 + 1024; /* for gaps */
	uint8_t *base[2];

	for (int side = 0; side < 2; side++) {
		bench_memory_get(&u->image[side], (size_t)room * FG_LINE_OCTETS);
		base[side] = u->image[side].at;
	}
	bench_memory_get(&u->memory, fg_table_octets((uint32_t)rules, room));
	u->table = fg_table_init(u->memory.at, (uint32_t)rules, base, room);
	if (u->table == NULL)
		bench_fail("the image has no room");
	u->view.base = base[0];
}

static void *open_table(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	struct updating *u = bench_alloc(1, sizeof(*u));
	uint64_t start;

	(void)why;
	u->rules = set->rules->n;
	u->r = 9;
	u->ns = bench_alloc(KEPT_MAX, sizeof(*u->ns));
	bench_input_make(&u->in, set->rules);
	open_images(u, u->rules, set->image->bytes);
	start = bench_now_ns();
	for (size_t i = 0; i < u->rules; i++)
		if (fg_table_add(u->table, &u->in.rule[i], (uint32_t)i) != 0)
			bench_fail("a rule was not added");
	apply(u, 0);
	*built = (struct bench_built){ bench_now_ns() - start, fg_table_bytes(u->table, 0) };
	apply(u, 1);
	return u;
}

static void close_table(void *ctx)
{
	struct updating *u = ctx;

	for (int side = 0; side < 2; side++)
		bench_memory_put(&u->image[side]);
	bench_memory_put(&u->memory);
	bench_input_free(&u->in);
	free(u->ns);
	free(u);
}

static void load(void *ctx, const struct bench_pool *pool)
{
	struct updating *u = ctx;

	u->pool = pool;
	u->n = 0;
}

static uint32_t judge(const struct updating *u, size_t i)
{
	struct fg_matched m;
	struct fg_key key;

	bench_packet_key(&u->pool->packets[i], &key);
	fg_match(&u->view, &key, &m);
	return m.count > 0 ? m.slot[0] + 1 : 0;
}

static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = judge(ctx, i);
}

/* How often this thread was put off its core. */
static long put_off(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nivcsw;
}

/* Nanoseconds until image 0 has it. What others did with the core meanwhile is not what a change takes, so then it is not kept. */
static double change(struct updating *u, uint32_t rule, bool out)
{
	long before = u->put_off;
	uint64_t start = bench_now_ns(), end;

	if (out ? fg_table_delete(u->table, &u->in.rule[rule]) != 0
		: fg_table_add(u->table, &u->in.rule[rule], rule) != 0)
		bench_fail("a change was refused");
	apply(u, 0);
	end = bench_now_ns();
	u->put_off = put_off(); /* not just before the clock starts: the caches would be the kernel's */
	if (u->n < KEPT_MAX && u->put_off == before)
		u->ns[u->n++] = (double)(end - start);
	apply(u, 1);
	return (double)(end - start);
}

static double take_round(void *ctx, uint64_t *hits)
{
	struct updating *u = ctx;
	double ns = 0;

	for (int i = 0; i < PAIRS; i++) {
		uint32_t rule = bench_below(&u->r, (uint32_t)u->rules);

		ns += change(u, rule, true);
		ns += change(u, rule, false);
	}
	*hits = 0;
	for (size_t i = 0; i < BENCH_POOL; i++)
		*hits += judge(u, i) != 0;
	return ns / (2 * PAIRS);
}

static size_t latencies(void *ctx, const double **ns)
{
	struct updating *u = ctx;

	*ns = u->ns;
	return u->n;
}

const struct bench_runner bench_update = { .name = "flowgate table",
					   .plane = BENCH_CHANGE,
					   .what = "a rule out or in, until one image has it; ns a change",
					   .says_rule = true,
					   .judges = true,
					   .cannot = cannot,
					   .open = open_table,
					   .close = close_table,
					   .load = load,
					   .verdicts = verdicts,
					   .round = take_round,
					   .latencies = latencies };
