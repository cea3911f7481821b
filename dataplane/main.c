/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-dpdk: the DPDK dataplane, a process of its own. run() is its life: the gate's memory is mapped and a place in it taken (share.h),
 * DPDK started (eal.h) with the devices of our ports (ports.h), workers set to work (worker.h), and watched (watch.h) to their end. It knows the
 * daemon by include/flowgate/share.h alone.
 */
#include "dataplane/watch.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_malloc.h>

#include "dataplane/eal.h"
#include "dataplane/telemetry.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_AGAIN = 3 };
enum { WAIT_MS = 50, SAY_WAITS = 100 };

_Static_assert((int)FG_OPTIONS_ERROR_MAX >= (int)FG_SHARED_ERROR_MAX, "one text holds any of them");

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int fail(const char *error)
{
	fprintf(stderr, "flowgate-dpdk: %s\n", error);
	return EXIT_FAILED;
}

/* ---- The gate's memory ---- */

/* Waits for the gate to make it. 0; -EINTR: asked to end; -errno: it is none that we know. */
static int open_share(struct fg_plane *p, const sigset_t *signals, char *error)
{
	for (uint32_t i = 0;; i++) {
		int r = fg_shared_open(&p->shared, p->options->folder, error);

		if (r != -EAGAIN)
			return r;
		if (i % SAY_WAITS == 0)
			fprintf(stderr, "flowgate-dpdk: waiting for flowgated to make %s\n", p->options->folder);
		if (fg_watch_pause(signals, WAIT_MS))
			return -EINTR;
	}
}

/* Waits for the gate to see that a process has ended. False: asked to end. */
static bool claim(struct fg_plane *p, const sigset_t *signals)
{
	for (uint32_t i = 0; !fg_shared_claim(&p->shared); i++) {
		if (i % SAY_WAITS == 0)
			fprintf(stderr, "flowgate-dpdk: %d processes have %s; waiting for one to end\n",
				FG_INSTANCES_MAX, p->options->folder);
		if (fg_watch_pause(signals, WAIT_MS))
			return false;
	}
	fg_shared_instance(&p->shared)->started_ns = monotonic_ns();
	return true;
}

/* ---- Workers ---- */

static int make_worker(struct fg_plane *p, uint32_t i, char *error)
{
	const int socket = (int)rte_lcore_to_socket_id(i + 1);
	struct fg_worker *w = rte_zmalloc_socket("worker", sizeof(*w), FG_LINE_OCTETS, socket);
	bool scans = p->shared.sizes.patterns != 0;
	void *room = scans ? rte_zmalloc_socket("scan", FG_SCAN_ROOM_OCTETS, FG_LINE_OCTETS, socket) : NULL;
	bool memory = w != NULL && (room != NULL || !scans);
	int slot = memory ? fg_shared_claim_worker(&p->shared, p->options->cpu[i]) : -1;

	if (slot < 0) {
		snprintf(error, FG_OPTIONS_ERROR_MAX, "%s for worker %u",
			 memory ? "the gate's memory has no place" : "no memory", i);
		return -ENOSPC;
	}
	fg_worker_start(w, &p->shared, (uint32_t)slot, room, &p->devices, &p->clock, (uint16_t)i, p->form, &p->stop);
	p->worker[p->workers++] = w;
	return 0;
}

/* A worker that has its slot is waited for by the gate, so it begins at once. */
static int start_workers(struct fg_plane *p, char *error)
{
	struct fg_share_instance *instance = fg_shared_instance(&p->shared);
	int r = 0;

	instance->form = p->form;
	for (uint32_t i = 0; i < p->options->cpus && r == 0; i++) {
		r = make_worker(p, i, error);
		if (r == 0)
			r = rte_eal_remote_launch(fg_worker_run, p->worker[i], i + 1);
	}
	if (r != 0)
		return r;
	instance->workers = p->workers;
	fg_watch_devices(p, true);
	instance->forwarding_ns = monotonic_ns();
	__atomic_store_n(&instance->ready, 1, __ATOMIC_RELEASE);
	fprintf(stderr, "flowgate-dpdk: %u ports, %u workers (%s)\n", p->devices.names.count, p->workers,
		fg_burst_name(p->form));
	return 0;
}

static void stop_workers(struct fg_plane *p)
{
	__atomic_store_n(&p->stop, true, __ATOMIC_RELAXED);
	rte_eal_mp_wait_lcore();
}

/* ---- The life of the process ---- */

static int forward(struct fg_plane *p, const sigset_t *signals, char *error)
{
	enum fg_watch_end end;

	if (start_workers(p, error) != 0) {
		stop_workers(p);
		return fail(error);
	}
	end = fg_watch(p, signals);
	if (end == FG_END_STUCK)
		_exit(EXIT_AGAIN); /* its slots are found as a dead process's */
	stop_workers(p);
	if (end == FG_END_REPLACED)
		fprintf(stderr, "flowgate-dpdk: %s was made anew\n", p->options->folder);
	if (end == FG_END_LOST)
		fprintf(stderr, "flowgate-dpdk: this instance was given away\n");
	return end == FG_END_ASKED ? EXIT_DONE : EXIT_AGAIN;
}

/* With a place taken. */
static int enforce(struct fg_plane *p, const sigset_t *signals)
{
	char error[FG_OPTIONS_ERROR_MAX];
	int code = EXIT_FAILED;

	if (fg_eal_start(p->options, p->shared.instance, error) != 0)
		return fail(error);
	p->form = fg_eal_form(p->options);
	fg_setup_start(&p->setup);
	fg_clock_start(&p->clock);
	if (fg_devices_start(&p->devices, p->options, error) == 0) {
		fg_telemetry_start(p);
		code = forward(p, signals, error);
	} else {
		fail(error);
	}
	fg_devices_stop(&p->devices);
	return code;
}

static int run(struct fg_plane *p, const sigset_t *signals)
{
	char error[FG_OPTIONS_ERROR_MAX];
	int r = open_share(p, signals, error), code;

	if (r == -EINTR)
		return EXIT_DONE;
	if (r != 0)
		return fail(error);
	if (!claim(p, signals))
		return EXIT_DONE;
	code = enforce(p, signals);
	fg_shared_release(&p->shared);
	rte_eal_cleanup();
	return code;
}

int main(int argc, char **argv)
{
	static struct fg_options options;
	static struct fg_plane plane = { .options = &options };
	char error[FG_OPTIONS_ERROR_MAX];
	sigset_t signals;

	if (fg_options_read(&options, argc, argv, error) != 0) {
		fail(error);
		return EXIT_USAGE;
	}
	if (options.help || options.version) {
		fputs(options.help ? fg_options_help : "flowgate-dpdk " FG_VERSION "\n", stdout);
		return EXIT_DONE;
	}
	fg_options_default_cpus(&options);
	prctl(PR_SET_NAME, FG_SHARE_COMM);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return run(&plane, &signals);
}
