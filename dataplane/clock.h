/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * CLOCK_MONOTONIC without a system call: token buckets are shared with other processes, which read that clock. The main thread compares it
 * with the processor's counter (TSC) again and again; workers take over what it found, and reckon.
 *
 * What always holds: a worker's time never goes back.
 */
#ifndef DATAPLANE_CLOCK_H
#define DATAPLANE_CLOCK_H

#include <stdint.h>

/* How counter and clock were seen to go together. ns = base_ns + (tsc - base_tsc) * rate / 2^32. */
struct fg_rate {
	uint64_t base_tsc, base_ns;
	uint64_t rate;
};

/* What the main thread publishes; `version` is odd while it writes. */
struct fg_clock {
	uint32_t version;
	struct fg_rate rate;
	uint64_t first_tsc, first_ns; /* the main thread's: where it began to compare */
};

/* A worker's. */
struct fg_watch {
	const struct fg_clock *clock;
	uint32_t version;
	struct fg_rate rate;
	uint64_t last_ns;
};

/* One look at both, as close together as can be. */
void fg_clock_look(uint64_t *tsc, uint64_t *ns);
/* Compares for a few milliseconds. */
void fg_clock_start(struct fg_clock *c);
/* Once more, with another look; now and then. */
void fg_clock_adjust(struct fg_clock *c, uint64_t tsc, uint64_t ns);

void fg_watch_start(struct fg_watch *w, const struct fg_clock *clock);
/* CLOCK_MONOTONIC where the counter is at `tsc`. No system call. */
uint64_t fg_watch_ns(struct fg_watch *w, uint64_t tsc);

/* The processor's counter. */
static inline uint64_t fg_tsc(void)
{
#ifdef __x86_64__
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t count;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
	return count;
#else
#error "no counter is known here"
#endif
}

#endif
