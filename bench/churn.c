/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plane `churn` (harness.h): packets judged while a table changes. A thread on the other cores takes a rule out or puts one in, so many times a second: into
 * the image that nobody reads, then that one is read, then the other follows once no packet is in it, as the gate does it (flowgate/share.h). The rules
 * that change lie among those of the packets' destinations and no packet has their protocol, so that what is said of packets stays the same.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/batch.h"
#include "ctrl/table/update.h"
#include "dataplane/burst.h"

enum { MORE = 1000 /* rules that come and go */, NOBODYS_PROTO = 253, RULES_MAX = 100000, KEPT_MAX = 1 << 17 };
#define PACED 0.9 /* of the changes that are asked for must have been made */

struct churning {
	struct bench_memory image[2], memory;
	struct fg_table *table;
	struct bench_rules more_rules;
	struct bench_input in, more;
	bool there[MORE];
	size_t rules;
	uint32_t rate; /* changes a second */
	/* Between the two threads. */
	uint32_t side, reading;
	uint64_t epoch, seen;
	bool runs, ends;
	pthread_t writer;
	uint64_t changes;
	double *ns; /* of changes, KEPT_MAX at most */
	size_t kept;
	/* The reader's. */
	const struct bench_pool *pool;
	struct fg_key *key;
	const struct fg_key *keys[BENCH_BATCH];
	struct fg_matched matched[BENCH_BATCH];
	enum fg_burst_form form;
};

/* ---- Who changes ---- */

/* Until no packet is in the image that was read before. */
static void drain(struct churning *c)
{
	while (__atomic_load_n(&c->reading, __ATOMIC_SEQ_CST) != 0 &&
	       __atomic_load_n(&c->seen, __ATOMIC_ACQUIRE) < c->epoch)
		sched_yield();
}

static void apply(struct churning *c, uint32_t side)
{
	if (fg_table_apply(c->table, (int)side) != 0)
		bench_fail("the image has no room");
}

static void change(struct churning *c, uint32_t i)
{
	uint32_t idle = c->side ^ 1;
	uint64_t start = bench_now_ns();

	if (c->there[i] ? fg_table_delete(c->table, &c->more.rule[i]) != 0
			: fg_table_add(c->table, &c->more.rule[i], (uint32_t)(c->rules + i)) != 0)
		bench_fail("a change was refused");
	c->there[i] = !c->there[i];
	apply(c, idle);
	__atomic_store_n(&c->side, idle, __ATOMIC_SEQ_CST);
	if (c->kept < KEPT_MAX)
		c->ns[c->kept++] = (double)(bench_now_ns() - start);
	__atomic_store_n(&c->epoch, c->epoch + 1, __ATOMIC_SEQ_CST);
	drain(c);
	apply(c, idle ^ 1);
	__atomic_store_n(&c->changes, c->changes + 1, __ATOMIC_RELAXED);
}

static void sleep_until(uint64_t ns)
{
	const struct timespec t = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static void *write_changes(void *ctx)
{
	struct churning *c = ctx;
	uint64_t r = 11, next = bench_now_ns();

	while (!__atomic_load_n(&c->ends, __ATOMIC_ACQUIRE)) {
		uint64_t now = bench_now_ns();

		if (!__atomic_load_n(&c->runs, __ATOMIC_ACQUIRE)) {
			next = now + 1000000;
		} else if (next <= now) {
			change(c, bench_below(&r, MORE));
			next += 1000000000u / c->rate;
		}
		if (next > now)
			sleep_until(next);
	}
	return NULL;
}

/* On any core but the one that is measured, and without that one's priority. */
static void start_writer(struct churning *c)
{
	struct sched_param ordinary = { .sched_priority = 0 };
	pthread_attr_t how;
	cpu_set_t cores;

	CPU_ZERO(&cores);
	for (size_t i = 0; i < (size_t)sysconf(_SC_NPROCESSORS_ONLN); i++)
		if (i != (size_t)bench_steady_core())
			CPU_SET(i, &cores);
	if (CPU_COUNT(&cores) == 0)
		bench_fail("one core cannot change a table and judge packets by it at the same time");
	pthread_attr_init(&how);
	pthread_attr_setinheritsched(&how, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&how, SCHED_OTHER);
	pthread_attr_setschedparam(&how, &ordinary);
	pthread_attr_setaffinity_np(&how, sizeof(cores), &cores);
	if (pthread_create(&c->writer, &how, write_changes, c) != 0)
		bench_fail("no thread");
	pthread_attr_destroy(&how);
}

/* ---- Opening ---- */

static bool cannot(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (rules->n > 0 && rules->n <= RULES_MAX)
		return false;
	snprintf(why, BENCH_WHY_MAX, "the harness changes tables of 1 to %d rules", RULES_MAX);
	return true;
}

/* Rules of destinations that there are, each of another source, and of a protocol that no packet has. */
static void draw_more(struct churning *c, const struct bench_rules *rules)
{
	c->more_rules =
		(struct bench_rules){ .at = bench_alloc(MORE, sizeof(*rules->at)), .n = MORE, .ipv6 = rules->ipv6 };
	for (uint32_t i = 0; i < MORE; i++) {
		const struct bench_rule *like = &rules->at[(size_t)i * 7919 % rules->n];

		c->more_rules.at[i] = bench_rule_blank(like->dst, like->dst_length);
		c->more_rules.at[i].src = 0x0a000000 + (i << 8);
		c->more_rules.at[i].src_length = 24;
		c->more_rules.at[i].proto = NOBODYS_PROTO;
	}
	bench_input_make(&c->more, &c->more_rules);
}

static void open_images(struct churning *c, uint64_t bytes)
{
	uint32_t lines = (uint32_t)(bytes / FG_LINE_OCTETS), room = lines + lines / 2 + 8 * MORE + 4096; /* for gaps */
	uint32_t all = (uint32_t)c->rules + MORE;
	uint8_t *base[2];

	for (int side = 0; side < 2; side++) {
		bench_memory_get(&c->image[side], (size_t)room * FG_LINE_OCTETS);
		base[side] = c->image[side].at;
	}
	bench_memory_get(&c->memory, fg_table_octets(all, room));
	c->table = fg_table_init(c->memory.at, all, base, room);
	if (c->table == NULL)
		bench_fail("the image has no room");
}

static void *open_at(const struct bench_set *set, struct bench_built *built, uint32_t rate)
{
	struct churning *c = bench_alloc(1, sizeof(*c));
	uint64_t start;

	c->rate = rate;
	c->rules = set->rules->n;
	c->form = fg_burst_best();
	c->ns = bench_alloc(KEPT_MAX, sizeof(*c->ns));
	c->key = aligned_alloc(FG_LINE_OCTETS, BENCH_BATCH * sizeof(*c->key));
	if (c->key == NULL)
		bench_fail("no memory");
	for (size_t i = 0; i < BENCH_BATCH; i++)
		c->keys[i] = &c->key[i];
	bench_input_make(&c->in, set->rules);
	draw_more(c, set->rules);
	open_images(c, set->image->bytes);
	start = bench_now_ns();
	for (size_t i = 0; i < c->rules; i++)
		if (fg_table_add(c->table, &c->in.rule[i], (uint32_t)i) != 0)
			bench_fail("a rule was not added");
	apply(c, 0);
	*built = (struct bench_built){ bench_now_ns() - start, fg_table_bytes(c->table, 0) };
	apply(c, 1);
	if (rate > 0)
		start_writer(c);
	return c;
}

static void *open_still(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)why;
	return open_at(set, built, 0);
}

static void *open_1k(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)why;
	return open_at(set, built, 1000);
}

static void *open_10k(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)why;
	return open_at(set, built, 10000);
}

static void close_table(void *ctx)
{
	struct churning *c = ctx;

	__atomic_store_n(&c->ends, true, __ATOMIC_RELEASE);
	if (c->rate > 0)
		pthread_join(c->writer, NULL);
	for (int side = 0; side < 2; side++)
		bench_memory_put(&c->image[side]);
	bench_memory_put(&c->memory);
	bench_input_free(&c->in);
	bench_input_free(&c->more);
	bench_rules_free(&c->more_rules);
	free(c->key);
	free(c->ns);
	free(c);
}

/* ---- Who reads ---- */

static void prepare(void *ctx, const struct bench_packet packets[BENCH_BATCH])
{
	struct churning *c = ctx;

	for (size_t i = 0; i < BENCH_BATCH; i++)
		bench_packet_key(&packets[i], &c->key[i]);
}

/* Between two bursts, as a worker. What is fetched ahead is a wish, and no harm in the wrong image. */
static struct fg_view follow(struct churning *c)
{
	uint64_t epoch = __atomic_load_n(&c->epoch, __ATOMIC_ACQUIRE);

	__atomic_store_n(&c->seen, epoch, __ATOMIC_RELEASE);
	return (struct fg_view){ .base = c->image[__atomic_load_n(&c->side, __ATOMIC_ACQUIRE)].at };
}

static void run(void *ctx)
{
	struct churning *c = ctx;
	struct fg_view view;

	__atomic_store_n(&c->reading, 1, __ATOMIC_SEQ_CST);
	view = follow(c);
	fg_burst_fetch(&view, c->keys, FG_BURST);
	for (size_t i = 0; i < BENCH_BATCH; i += FG_BURST) {
		if (i + FG_BURST < BENCH_BATCH)
			fg_burst_fetch(&view, c->keys + i + FG_BURST, FG_BURST);
		fg_match_burst_by(c->form, &view, c->keys + i, FG_BURST, c->matched + i);
		view = follow(c);
	}
	__atomic_store_n(&c->reading, 0, __ATOMIC_SEQ_CST);
}

static uint32_t answer(void *ctx, size_t i)
{
	const struct fg_matched *m = &((const struct churning *)ctx)->matched[i];

	return m->count > 0 ? m->slot[0] + 1 : 0;
}

static const struct bench_batches batches = { prepare, run, answer };

static void load(void *ctx, const struct bench_pool *pool)
{
	struct churning *c = ctx;

	c->pool = pool;
	c->kept = 0;
}

static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	bench_batches_verdicts(&batches, ctx, ((struct churning *)ctx)->pool, n, out);
}

static double take_round(void *ctx, uint64_t *hits)
{
	struct churning *c = ctx;
	uint64_t start = bench_now_ns(), before = __atomic_load_n(&c->changes, __ATOMIC_RELAXED), asked;
	double ns;

	__atomic_store_n(&c->runs, true, __ATOMIC_RELEASE);
	ns = bench_batches_round(&batches, c, c->pool, hits);
	__atomic_store_n(&c->runs, false, __ATOMIC_RELEASE);
	asked = (bench_now_ns() - start) * c->rate / 1000000000u;
	if ((double)(__atomic_load_n(&c->changes, __ATOMIC_RELAXED) - before) >= PACED * (double)asked)
		return ns;
	bench_steady_because("fewer changes were made than asked for");
	return 0;
}

static size_t latencies(void *ctx, const double **ns)
{
	struct churning *c = ctx;

	*ns = c->ns;
	return c->kept;
}

#define RUNNER(variable, called, said, changes, opens, tells)                                                          \
	const struct bench_runner variable = { .name = called,                                                         \
					       .plane = BENCH_CHURN,                                                   \
					       .what = said,                                                           \
					       .churn = changes,                                                       \
					       .says_rule = true,                                                      \
					       .judges = true,                                                         \
					       .cannot = cannot,                                                       \
					       .open = opens,                                                          \
					       .close = close_table,                                                   \
					       .load = load,                                                           \
					       .verdicts = verdicts,                                                   \
					       .round = take_round,                                                    \
					       .latencies = tells }

RUNNER(bench_churn_still, "flowgate still", "a table of two images, which does not change", 0, open_still, NULL);
RUNNER(bench_churn_1k, "flowgate 1k/s", "1000 changes a second meanwhile", 1000, open_1k, latencies);
RUNNER(bench_churn_10k, "flowgate 10k/s", "10000 changes a second meanwhile", 10000, open_10k, latencies);
