/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runners of the plane `dpdk` (harness.h): a loop and a pair of devices each (forward.h). A round is a run of a quarter of the pool, then one of all of it, which
 * is timed; a runner says itself whether that was disturbed. A verdict is whether the packet came out.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/acl.h"
#include "bench/forward.h"

struct forward {
	enum forward_source source;
	struct forward_pair *pair;
	struct forward_loop loop;
	struct bench_acl *acl; /* the loop's; NULL: it has none */
	uint8_t sent[BENCH_POOL];
	const struct bench_pool *pool;
};

/* ---- Opening ---- */

static struct forward *make(enum forward_source source, char why[BENCH_WHY_MAX])
{
	struct forward_pair *pair = forward_pair(source, why);
	struct forward *f;

	if (pair == NULL)
		return NULL;
	f = bench_alloc(1, sizeof(*f));
	f->source = source;
	f->pair = pair;
	return f;
}

static void *open_worker(enum forward_source source, const struct bench_set *set, struct bench_built *built,
			 char why[BENCH_WHY_MAX])
{
	struct forward *f = make(source, why);

	if (f == NULL)
		return NULL;
	if (!forward_worker(&f->loop, f->pair, set->image, set->rules->n, why)) {
		free(f);
		return NULL;
	}
	*built = (struct bench_built){ set->image->compile_ns, set->image->bytes };
	return f;
}

static void *open_io(enum forward_source source, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	struct forward *f = make(source, why);

	if (f == NULL)
		return NULL;
	f->loop = forward_io(f->pair);
	*built = (struct bench_built){ 0, 0 };
	return f;
}

static void *open_acl(const struct bench_set *set, size_t max_size, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	struct forward *f = make(FORWARD_REPLAY, why);

	if (f == NULL)
		return NULL;
	f->acl = bench_acl_make(set->rules, set->image, max_size);
	if (f->acl == NULL) {
		snprintf(why, BENCH_WHY_MAX, "does not build");
		free(f);
		return NULL;
	}
	f->loop = forward_acl(f->pair, f->acl);
	*built = (struct bench_built){ .ns = bench_acl_build_ns(f->acl) };
	return f;
}

static void *open_acl_default(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_acl(set, 0, built, why);
}

static void *open_acl_large(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_acl(set, BENCH_ACL_LARGE, built, why);
}

static void *open_worker_replay(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_worker(FORWARD_REPLAY, set, built, why);
}

static void *open_worker_pcap(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_worker(FORWARD_PCAP, set, built, why);
}

static void *open_worker_null(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_worker(FORWARD_NULL, set, built, why);
}

static void *open_io_replay(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	return open_io(FORWARD_REPLAY, built, why);
}

static void *open_io_pcap(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	return open_io(FORWARD_PCAP, built, why);
}

static void *open_io_null(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	return open_io(FORWARD_NULL, built, why);
}

static void close_forward(void *ctx)
{
	struct forward *f = ctx;

	f->loop.close(f->loop.ctx);
	free(f);
}

/* ---- What they cannot ---- */

static bool cannot_acl(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (!rules->ipv6)
		return bench_acl_cannot(rules, why);
	snprintf(why, BENCH_WHY_MAX, "not measured: the loop reads headers of IPv4 alone");
	return true;
}

static bool cannot_null(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	snprintf(why, BENCH_WHY_MAX, "frames of net_null are zeros, which no rule is asked about");
	return rules->n > 0;
}

static bool cannot_two(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	(void)rules;
	snprintf(why, BENCH_WHY_MAX, "there is one core");
	return sysconf(_SC_NPROCESSORS_ONLN) < 2;
}

/* ---- Packets through a loop ---- */

static void load(void *ctx, const struct bench_pool *pool)
{
	struct forward *f = ctx;

	f->pool = pool;
	forward_pair_load(f->source, pool);
	if (f->acl != NULL)
		bench_acl_choose(f->acl, pool);
}

static void run(struct forward *f, uint32_t queue, const struct forward_run *what)
{
	forward_queue_begin(&f->pair->queue[queue], what);
	f->loop.run(f->loop.ctx, queue);
}

static void warm(struct forward *f, uint32_t queue)
{
	run(f, queue, &(struct forward_run){ .packets = BENCH_POOL / 4 });
}

/* All of the pool, for a driver goes on where it was. */
static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	struct forward *f = ctx;

	memset(f->sent, 0, sizeof(f->sent));
	run(f, 0, &(struct forward_run){ .packets = BENCH_POOL, .sent = f->sent });
	for (size_t i = 0; i < n; i++)
		out[i] = !f->sent[i];
}

static double take_round(void *ctx, uint64_t *hits)
{
	struct forward *f = ctx;
	struct bench_steady steady;
	char why[BENCH_WHY_MAX];
	uint64_t start, ns;
	bool steadily;

	bench_steady_begin(&steady);
	warm(f, 0);
	*hits = f->loop.dropped(f->loop.ctx, 0);
	start = bench_now_ns();
	run(f, 0, &(struct forward_run){ .packets = BENCH_POOL });
	ns = bench_now_ns() - start;
	*hits = f->loop.dropped(f->loop.ctx, 0) - *hits;
	steadily = bench_steady_end(&steady, BENCH_WITHOUT, why);
	bench_steady_rest(ns);
	return steadily ? (double)ns / BENCH_POOL : 0;
}

static void offer(void *ctx, const struct bench_offer *offer, struct bench_taken *out)
{
	const struct forward_run what = { .packets_per_s = offer->packets_per_s,
					  .ns = offer->ns,
					  .latencies = offer->latencies };
	struct forward *f = ctx;
	const struct forward_queue *q = &f->pair->queue[0];
	double lasts = FORWARD_LATE_MAX / offer->packets_per_s;
	struct bench_steady steady;
	char why[BENCH_WHY_MAX];
	uint64_t start;

	bench_steady_begin(&steady);
	warm(f, 0);
	start = bench_now_ns();
	run(f, 0, &what);
	out->packets = q->given;
	out->lost = q->late;
	out->packets_per_s = (double)q->given * 1e9 / (double)(bench_now_ns() - start);
	out->disturbed = !bench_steady_end(&steady, lasts * 1e9 / (double)offer->ns, why);
}

/* ---- Two cores ---- */

struct second {
	struct forward *f;
	bool ready, go; /* of each other */
	uint64_t hits, ended_ns;
	bool away; /* it was without its core */
};

static void *run_second(void *ctx)
{
	struct second *s = ctx;
	uint64_t ran, start;

	warm(s->f, 1);
	s->hits = s->f->loop.dropped(s->f->loop.ctx, 1);
	__atomic_store_n(&s->ready, true, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&s->go, __ATOMIC_ACQUIRE))
		;
	ran = bench_thread_ns();
	start = bench_now_ns();
	run(s->f, 1, &(struct forward_run){ .packets = BENCH_POOL });
	s->ended_ns = bench_now_ns();
	ran = bench_thread_ns() - ran;
	s->away = (double)ran < (1 - BENCH_WITHOUT) * (double)(s->ended_ns - start);
	s->hits = s->f->loop.dropped(s->f->loop.ctx, 1) - s->hits;
	return NULL;
}

/* On the first core that is not that of the measurements, from its beginning: on ours it would wait for us. */
static void start_second(struct second *s, pthread_t *thread)
{
	pthread_attr_t attributes;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(bench_steady_core() == 0 ? 1 : 0, &set);
	pthread_attr_init(&attributes);
	if (pthread_attr_setaffinity_np(&attributes, sizeof(set), &set) != 0 ||
	    pthread_create(thread, &attributes, run_second, s) != 0)
		bench_fail("no thread on another core");
	pthread_attr_destroy(&attributes);
}

/* Half the time until both have judged all of the pool. */
static double take_round_two(void *ctx, uint64_t *hits)
{
	struct forward *f = ctx;
	struct second s = { .f = f };
	struct bench_steady steady;
	char why[BENCH_WHY_MAX];
	uint64_t start, end;
	pthread_t thread;
	bool steadily;

	bench_steady_begin(&steady);
	start_second(&s, &thread);
	warm(f, 0);
	while (!__atomic_load_n(&s.ready, __ATOMIC_ACQUIRE))
		;
	*hits = f->loop.dropped(f->loop.ctx, 0);
	start = bench_now_ns();
	__atomic_store_n(&s.go, true, __ATOMIC_RELEASE);
	run(f, 0, &(struct forward_run){ .packets = BENCH_POOL });
	end = bench_now_ns();
	*hits = f->loop.dropped(f->loop.ctx, 0) - *hits;
	steadily = bench_steady_end(&steady, BENCH_WITHOUT, why);
	pthread_join(thread, NULL);
	if (*hits == f->pool->hits)
		*hits = s.hits;
	end = s.ended_ns > end ? s.ended_ns : end;
	if (steadily && s.away)
		bench_steady_because("the second worker was without its core");
	return steadily && !s.away ? (double)(end - start) / (2.0 * BENCH_POOL) : 0;
}

/* ---- The runners ---- */

#define RUNNER(variable, called, said, may_judge, may_not, opens, round_of, offers)                                    \
	const struct bench_runner variable = { .name = called,                                                         \
					       .plane = BENCH_DPDK,                                                    \
					       .what = said,                                                           \
					       .judges = may_judge,                                                    \
					       .steadies = true,                                                       \
					       .cannot = may_not,                                                      \
					       .open = opens,                                                          \
					       .close = close_forward,                                                 \
					       .load = load,                                                           \
					       .verdicts = verdicts,                                                   \
					       .round = round_of,                                                      \
					       .offer = offers,                                                        \
					       .queue = FORWARD_LATE_MAX }

RUNNER(bench_forward_worker, "flowgate", "the worker of flowgate-dpdk, devices without a driver", true, NULL,
       open_worker_replay, take_round, offer);
RUNNER(bench_forward_io, "io", "a loop that only forwards, same devices", false, NULL, open_io_replay, take_round,
       offer);
RUNNER(bench_forward_acl, "rte_acl loop", "as l3fwd-acl, rte_acl's max_size as it comes, same devices", true,
       cannot_acl, open_acl_default, take_round, offer);
RUNNER(bench_forward_acl_large, "rte_acl loop large", "the same, max_size 1 GiB", true, cannot_acl, open_acl_large,
       take_round, offer);
RUNNER(bench_forward_two, "flowgate 2 cores", "two workers of one table, same devices; ns of both together", true,
       cannot_two, open_worker_replay, take_round_two, NULL);
RUNNER(bench_forward_worker_pcap, "flowgate pcap", "the worker from net_pcap with infinite_rx to net_null", true, NULL,
       open_worker_pcap, take_round, NULL);
RUNNER(bench_forward_io_pcap, "io pcap", "the loop that only forwards, same drivers", false, NULL, open_io_pcap,
       take_round, NULL);
RUNNER(bench_forward_worker_null, "flowgate null", "the worker from net_null to net_null, frames of zeros", true,
       cannot_null, open_worker_null, take_round, NULL);
RUNNER(bench_forward_io_null, "io null", "the loop that only forwards, same drivers: as testpmd io", false, cannot_null,
       open_io_null, take_round, NULL);
