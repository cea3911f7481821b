/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether something disturbed a round (harness.h). Four witnesses: the kernel says how long this thread waited for a core and how often it was put off it;
 * the hypervisor's share of the core is in /proc/stat; the other cores' load too; and a probe, work that is the same each time, runs before and after each
 * round: where it takes longer than its best, the core was slower (frequency, a sibling thread, memory is not in it).
 */
#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "bench/harness.h"

enum { PROBE_LOOPS = 20000, PROBE_TRIES = 3, RESPITE_NS = 1000000, PRIORITY = 50, CPUS_MAX = 1024, REST = 12 };

static int core = -1;
static double best_probe_ns;
static uint64_t began_ns;
static bool real_time;
static char last[BENCH_WHY_MAX] = "nobody says by what";

int bench_steady_core(void)
{
	return core;
}

void bench_steady_pin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set) != 0)
		bench_fail("core %d: %s", core, strerror(errno));
}

void bench_steady_start(char what[BENCH_WHY_MAX])
{
	struct sched_param p = { .sched_priority = PRIORITY };

	core = bench_options.core >= 0 ? bench_options.core : (int)sysconf(_SC_NPROCESSORS_ONLN) - 1;
	bench_steady_pin();
	real_time = sched_setscheduler(0, SCHED_FIFO, &p) == 0;
	snprintf(what, BENCH_WHY_MAX, "core %d, %s", core, real_time ? "SCHED_FIFO 50" : "ordinary priority");
}

/* Four chains of multiplications and loads from the nearest cache: what a sibling thread or a lower frequency slows. */
static double probe_once(void)
{
	static uint64_t table[512];
	uint64_t a = 1, b = 2, c = 3, d = 4, start = bench_now_ns();

	for (int i = 0; i < PROBE_LOOPS; i++) {
		a = a * 0x9e3779b97f4a7c15ull + table[a & 511];
		b = b * 0x9e3779b97f4a7c15ull + table[b & 511];
		c = c * 0x9e3779b97f4a7c15ull + table[c & 511];
		d = d * 0x9e3779b97f4a7c15ull + table[d & 511];
		table[i & 511] = a ^ b ^ c ^ d;
	}
	return (double)(bench_now_ns() - start);
}

static double probe(void)
{
	double least = probe_once();

	for (int i = 1; i < PROBE_TRIES; i++) {
		double ns = probe_once();

		least = ns < least ? ns : least;
	}
	if (best_probe_ns == 0 || least < best_probe_ns)
		best_probe_ns = least;
	return least;
}

/* Jiffies: steal of our core; busy and idle of all others. */
static void read_stat(struct bench_steady *s)
{
	FILE *f = fopen("/proc/stat", "re");
	char line[512];

	s->steal = s->busy = s->idle = 0;
	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		uint64_t v[8] = { 0 };
		int which;

		if (sscanf(line,
			   "cpu%d %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
			   " %" SCNu64,
			   &which, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 9)
			continue;
		if (which == core) {
			s->steal = v[7];
		} else {
			s->busy += v[0] + v[1] + v[2] + v[5] + v[6] + v[7];
			s->idle += v[3] + v[4];
		}
	}
	if (f != NULL)
		fclose(f);
}

uint64_t bench_thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t read_waited_ns(void)
{
	FILE *f = fopen("/proc/thread-self/schedstat", "re");
	uint64_t ran, waited = 0;

	if (f != NULL && fscanf(f, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		waited = 0;
	if (f != NULL)
		fclose(f);
	return waited;
}

static uint64_t read_switches(void)
{
	struct rusage u;

	return getrusage(RUSAGE_THREAD, &u) == 0 ? (uint64_t)u.ru_nivcsw : 0;
}

/* A process of real-time priority that never sleeps is stopped for 50 ms now and then. */
static void respite(void)
{
	const struct timespec t = { .tv_nsec = RESPITE_NS };

	nanosleep(&t, NULL);
}

void bench_steady_rest(uint64_t ran_ns)
{
	const struct timespec t = { .tv_sec = (time_t)(ran_ns / REST / 1000000000u),
				    .tv_nsec = (long)(ran_ns / REST % 1000000000u) };

	nanosleep(&t, NULL);
}

void bench_steady_begin(struct bench_steady *s)
{
	respite();
	read_stat(s);
	s->probe_ns = probe();
	s->waited_ns = read_waited_ns();
	s->switches = read_switches();
	s->ran_ns = bench_thread_ns();
	began_ns = bench_now_ns();
}

double bench_steady_other(const struct bench_steady *since)
{
	struct bench_steady now;
	uint64_t busy, all;

	read_stat(&now);
	busy = now.busy - since->busy;
	all = busy + now.idle - since->idle;
	return all > 0 ? (double)busy / (double)all : 0;
}

bool bench_steady_end(struct bench_steady *s, double without, char why[BENCH_WHY_MAX])
{
	uint64_t took = bench_now_ns() - began_ns, ran = bench_thread_ns() - s->ran_ns,
		 switches = read_switches() - s->switches, waited;
	struct bench_steady now;
	double after = probe(), slowest = after > s->probe_ns ? after : s->probe_ns;

	read_stat(&now);
	waited = read_waited_ns() - s->waited_ns;
	if (without < 1 && took > ran && took - ran > waited)
		waited = took - ran; /* it did not have the core, whatever for */
	if ((double)waited > without * (double)took)
		snprintf(why, BENCH_WHY_MAX, "was without the core for %" PRIu64 " us of %" PRIu64, waited / 1000,
			 took / 1000);
	else if (switches > 0)
		snprintf(why, BENCH_WHY_MAX, "was put off the core %" PRIu64 " times", switches);
	else if (now.steal > s->steal)
		snprintf(why, BENCH_WHY_MAX, "the hypervisor took the core for %" PRIu64 " jiffies",
			 now.steal - s->steal);
	else if (slowest > (1 + bench_options.core_slower_most) * best_probe_ns)
		snprintf(why, BENCH_WHY_MAX, "the core was slower by %.0f %%", 100 * (slowest / best_probe_ns - 1));
	else
		return true;
	bench_steady_because(why);
	return false;
}

void bench_steady_because(const char *why)
{
	snprintf(last, sizeof(last), "%s", why);
}

const char *bench_steady_why(void)
{
	return last;
}
