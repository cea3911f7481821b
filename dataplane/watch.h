/* SPDX-License-Identifier: BSD-3-Clause */
/* The main thread once workers run: signals, links, what devices say, the clock, and whether all is still as it was. */
#ifndef DATAPLANE_WATCH_H
#define DATAPLANE_WATCH_H

#include <signal.h>

#include "dataplane/link.h"
#include "dataplane/worker.h"

/* All of this process. */
struct fg_plane {
	const struct fg_options *options;
	struct fg_shared shared;
	struct fg_devices devices;
	struct fg_clock clock;
	enum fg_burst_form form;
	struct fg_worker *worker[FG_WORKERS_MAX];
	uint32_t workers;
	bool stop;
	struct fg_setup setup; /* the main thread's own */
	struct fg_link link[FG_PORTS_MAX];
};

enum fg_watch_end {
	FG_END_ASKED,    /* by a signal */
	FG_END_REPLACED, /* the gate has made its files anew */
	FG_END_LOST,     /* the gate has given this instance away */
	FG_END_STUCK,    /* a worker does not move: it cannot be ended in order */
};

/* What the devices are like, for the gate to see: first before this process is ready, then by fg_watch(). */
void fg_watch_devices(struct fg_plane *p, bool stats);
/* Returns when the process is to end. `signals` are blocked in all threads. */
enum fg_watch_end fg_watch(struct fg_plane *p, const sigset_t *signals);
/* Waits; true: one of the signals came. */
bool fg_watch_pause(const sigset_t *signals, uint32_t ms);

#endif
