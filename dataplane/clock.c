/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock (clock.h). The rate is taken over all the time since the start, up to a window, so that it gets better with time and follows
 * what NTP does to the clock. The new line goes through the newest look; what it differs from the old one there a worker sees as a step of
 * some nanoseconds, which is never one back.
 */
#include "dataplane/clock.h"

#include <time.h>

enum { LOOKS = 8, START_NS = 5 * 1000 * 1000, READ_TRIES = 4 };
#define WINDOW_NS 60000000000ull

__extension__ typedef unsigned __int128 wide;

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Of several, the one that was interrupted least. */
void fg_clock_look(uint64_t *tsc, uint64_t *ns)
{
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < LOOKS; i++) {
		uint64_t before = fg_tsc(), now = monotonic_ns(), after = fg_tsc();

		if (after - before >= least)
			continue;
		least = after - before;
		*tsc = before + least / 2;
		*ns = now;
	}
}

static void publish(struct fg_clock *c, const struct fg_rate *rate)
{
	__atomic_store_n(&c->version, c->version + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&c->rate.base_tsc, rate->base_tsc, __ATOMIC_RELAXED);
	__atomic_store_n(&c->rate.base_ns, rate->base_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&c->rate.rate, rate->rate, __ATOMIC_RELAXED);
	__atomic_store_n(&c->version, c->version + 1, __ATOMIC_RELEASE);
}

void fg_clock_adjust(struct fg_clock *c, uint64_t tsc, uint64_t ns)
{
	struct fg_rate rate = { .base_tsc = tsc, .base_ns = ns };

	if (tsc <= c->first_tsc || ns <= c->first_ns)
		return;
	rate.rate = (uint64_t)(((wide)(ns - c->first_ns) << 32) / (tsc - c->first_tsc));
	publish(c, &rate);
	if (ns - c->first_ns < WINDOW_NS)
		return;
	c->first_tsc = tsc - (tsc - c->first_tsc) / 2;
	c->first_ns = ns - (ns - c->first_ns) / 2;
}

void fg_clock_start(struct fg_clock *c)
{
	const struct timespec pause = { .tv_nsec = START_NS };
	uint64_t tsc, ns;

	*c = (struct fg_clock){ 0 };
	fg_clock_look(&c->first_tsc, &c->first_ns);
	nanosleep(&pause, NULL);
	fg_clock_look(&tsc, &ns);
	fg_clock_adjust(c, tsc, ns);
}

/* Takes over what was published last, if it can be had in a few tries; otherwise what was known will do. */
static void take_over(struct fg_watch *w)
{
	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t version = __atomic_load_n(&w->clock->version, __ATOMIC_ACQUIRE);
		struct fg_rate rate = {
			.base_tsc = __atomic_load_n(&w->clock->rate.base_tsc, __ATOMIC_RELAXED),
			.base_ns = __atomic_load_n(&w->clock->rate.base_ns, __ATOMIC_RELAXED),
			.rate = __atomic_load_n(&w->clock->rate.rate, __ATOMIC_RELAXED),
		};

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if ((version & 1) || __atomic_load_n(&w->clock->version, __ATOMIC_RELAXED) != version)
			continue;
		w->rate = rate;
		w->version = version;
		return;
	}
}

void fg_watch_start(struct fg_watch *w, const struct fg_clock *clock)
{
	*w = (struct fg_watch){ .clock = clock };
	take_over(w);
}

uint64_t fg_watch_ns(struct fg_watch *w, uint64_t tsc)
{
	uint64_t ns;
	int64_t gone;

	if (__atomic_load_n(&w->clock->version, __ATOMIC_RELAXED) != w->version)
		take_over(w);
	gone = (int64_t)(tsc - w->rate.base_tsc); /* the counters of two cores may differ a little: it can be below 0 */
	ns = gone >= 0 ? w->rate.base_ns + (uint64_t)(((wide)(uint64_t)gone * w->rate.rate) >> 32) : w->rate.base_ns;
	w->last_ns = ns > w->last_ns ? ns : w->last_ns;
	return w->last_ns;
}
