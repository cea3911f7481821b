/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's own dpdk-testpmd as runners of the plane `dpdk` (harness.h): a process of its own, asked through a terminal. It receives by one net_null, 32 packets a
 * burst, and sends by the same, on the core of the measurements, where this process sleeps meanwhile; its main thread is on another. It says itself what it
 * received in a time that it takes itself, and, when it stops, all that it received, sent and dropped. It asks no rules.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench/eal.h"
#include "bench/harness.h"

enum {
	TEXT_ROOM = 1 << 14,
	START_MS = 60000,
	ANSWER_MS = 5000,
	WARM_MS = 10,
	TIMED_MS = 30,
	END_MS = 10000,
	END_EACH_MS = 50
};

static const char prompt[] = "testpmd> ";

struct testpmd {
	pid_t pid;
	int terminal;
	char thread[64]; /* the schedstat of the one that forwards */
	char text[TEXT_ROOM];
};

static void pause_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* ---- The process ---- */

/* It must not keep this process from the core that both have. */
static void become_testpmd(int terminal, const char *mode)
{
	int core = bench_steady_core(), policy = sched_getscheduler(0);
	struct sched_param p;
	char cores[32], forward[32];

	snprintf(cores, sizeof(cores), "0@%d,1@%d", core == 0 ? 1 : 0, core);
	snprintf(forward, sizeof(forward), "--forward-mode=%s", mode);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (policy == SCHED_FIFO && sched_getparam(0, &p) == 0) {
		p.sched_priority--;
		sched_setparam(0, &p);
	}
	setsid();
	ioctl(terminal, TIOCSCTTY, 0);
	if (dup2(terminal, 0) == 0 && dup2(terminal, 1) == 1 && dup2(terminal, 2) == 2)
		execlp("dpdk-testpmd", "dpdk-testpmd", "--no-pci", "--in-memory", "--no-telemetry", "--lcores", cores,
		       "--vdev", "net_null0", "--", "-i", forward, "--nb-cores=1", "--port-topology=loop",
		       "--total-num-mbufs=8192", "--burst=32", (char *)NULL);
	_exit(127);
}

static bool start(struct testpmd *t, const char *mode)
{
	int terminal = -1;

	t->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->terminal >= 0 && grantpt(t->terminal) == 0 && unlockpt(t->terminal) == 0)
		terminal = open(ptsname(t->terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	t->pid = terminal >= 0 ? fork() : -1;
	if (t->pid == 0)
		become_testpmd(terminal, mode);
	if (terminal >= 0)
		close(terminal);
	return t->pid > 0;
}

/* What it says until it asks again, into text[]. */
static bool hear(struct testpmd *t, int ms)
{
	struct pollfd p = { .fd = t->terminal, .events = POLLIN };
	size_t n = 0;

	for (;;) {
		ssize_t got = poll(&p, 1, ms) > 0 ? read(t->terminal, t->text + n, TEXT_ROOM - 1 - n) : -1;

		if (got <= 0)
			return false;
		n += (size_t)got;
		t->text[n] = '\0';
		if (n >= strlen(prompt) && strcmp(t->text + n - strlen(prompt), prompt) == 0)
			return true;
	}
}

static void say(struct testpmd *t, const char *command)
{
	if (write(t->terminal, command, strlen(command)) != (ssize_t)strlen(command) || !hear(t, ANSWER_MS))
		bench_fail("dpdk-testpmd does not answer to %s", command);
}

/* The number behind the last of these words. */
static uint64_t number(const struct testpmd *t, const char *word)
{
	const char *at = NULL, *next = t->text;

	while ((next = strstr(next, word)) != NULL)
		at = next += strlen(word);
	if (at == NULL)
		bench_fail("dpdk-testpmd says no %s", word);
	return strtoull(at, NULL, 10);
}

static void find_thread(struct testpmd *t)
{
	char path[64], name[32] = "";
	struct dirent *task;
	DIR *all;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)t->pid);
	all = opendir(path);
	while (all != NULL && (task = readdir(all)) != NULL) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/task/%.12s/comm", (int)t->pid, task->d_name);
		f = fopen(path, "re");
		if (f != NULL && fgets(name, sizeof(name), f) != NULL && strstr(name, "worker-1\n") != NULL)
			snprintf(t->thread, sizeof(t->thread), "/proc/%d/task/%.12s/schedstat", (int)t->pid,
				 task->d_name);
		if (f != NULL)
			fclose(f);
	}
	if (all != NULL)
		closedir(all);
}

/* Time that the thread that forwards has waited for its core. */
static uint64_t waited_ns(const struct testpmd *t)
{
	FILE *f = fopen(t->thread, "re");
	uint64_t ran, waited = 0;

	if (f == NULL || fscanf(f, "%" SCNu64 " %" SCNu64, &ran, &waited) != 2)
		bench_fail("dpdk-testpmd has no thread that forwards");
	fclose(f);
	return waited;
}

/* ---- The runner ---- */

static bool cannot(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (rules->n > 0)
		snprintf(why, BENCH_WHY_MAX, "it asks no rules, so it is beside us where there are none");
	else if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		snprintf(why, BENCH_WHY_MAX, "its main thread wants a core of its own");
	else if (system("command -v dpdk-testpmd >/dev/null") != 0)
		snprintf(why, BENCH_WHY_MAX, "dpdk-testpmd is not installed (Debian: dpdk-dev)");
	else if (!bench_eal_start())
		snprintf(why, BENCH_WHY_MAX, "no huge page of memory is free");
	else
		return false;
	return true;
}

/* In time it goes when it is told to; otherwise it is made to. */
static void close_testpmd(void *ctx)
{
	static const char quit[] = "quit\n";
	struct testpmd *t = ctx;
	bool gone = false;

	if (write(t->terminal, quit, strlen(quit)) == (ssize_t)strlen(quit))
		for (long ms = 0; ms < END_MS && !gone; ms += END_EACH_MS) {
			while (poll(&(struct pollfd){ .fd = t->terminal, .events = POLLIN }, 1, 0) > 0 &&
			       read(t->terminal, t->text, TEXT_ROOM) > 0)
				;
			pause_ms(END_EACH_MS);
			gone = waitpid(t->pid, NULL, WNOHANG) == t->pid;
		}
	if (!gone) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	close(t->terminal);
	free(t);
}

static void *open_mode(const char *mode, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	struct testpmd *t = bench_alloc(1, sizeof(*t));

	*built = (struct bench_built){ 0, 0 };
	if (!start(t, mode))
		bench_fail("no process for dpdk-testpmd: %s", strerror(errno));
	if (hear(t, START_MS)) {
		find_thread(t);
		return t;
	}
	snprintf(why, BENCH_WHY_MAX, "dpdk-testpmd does not start");
	close_testpmd(t);
	return NULL;
}

static void *open_io(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	return open_mode("io", built, why);
}

static void *open_mac(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	return open_mode("mac", built, why);
}

/* Its frames are its own. */
static void load(void *ctx, const struct bench_pool *pool)
{
	(void)ctx;
	(void)pool;
}

/* Stops it. Packets that it received and did not send. */
static uint64_t stop(struct testpmd *t)
{
	say(t, "stop\n");
	return number(t, "RX-packets:") - number(t, "TX-packets:") + number(t, "RX-dropped:") +
	       number(t, "TX-dropped:");
}

/* All of what it receives it must send. */
static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	struct testpmd *t = ctx;
	bool dropped;

	say(t, "start\n");
	pause_ms(WARM_MS);
	dropped = stop(t) != 0;
	for (size_t i = 0; i < n; i++)
		out[i] = dropped;
}

/* By its own clock: packets a second between two looks. *hits: what it dropped. */
static double take_round(void *ctx, uint64_t *hits)
{
	struct testpmd *t = ctx;
	struct bench_steady steady;
	char why[BENCH_WHY_MAX];
	uint64_t waited, pps;

	bench_steady_begin(&steady);
	say(t, "start\n");
	pause_ms(WARM_MS);
	say(t, "show port stats 0\n");
	waited = waited_ns(t);
	pause_ms(TIMED_MS);
	waited = waited_ns(t) - waited;
	say(t, "show port stats 0\n");
	pps = number(t, "Rx-pps:");
	*hits = stop(t);
	bench_steady_rest((WARM_MS + TIMED_MS) * 1000000u);
	if (!bench_steady_end(&steady, 1, why))
		return 0;
	if (pps > 0 && (double)waited <= BENCH_WITHOUT * TIMED_MS * 1e6)
		return 1e9 / (double)pps;
	bench_steady_because("dpdk-testpmd was without the core");
	return 0;
}

#define RUNNER(variable, called, said, opens)                                                                          \
	const struct bench_runner variable = { .name = called,                                                         \
					       .plane = BENCH_DPDK,                                                    \
					       .what = said,                                                           \
					       .steadies = true,                                                       \
					       .cannot = cannot,                                                       \
					       .open = opens,                                                          \
					       .close = close_testpmd,                                                 \
					       .load = load,                                                           \
					       .verdicts = verdicts,                                                   \
					       .round = take_round }

RUNNER(bench_testpmd_io, "testpmd io", "DPDK's own, net_null, forwards", open_io);
RUNNER(bench_testpmd_mac, "testpmd mac", "the same, which writes both MAC addresses", open_mac);
