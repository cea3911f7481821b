/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-dpdk kept running. It outlives the supervisor, the gate and ctrl: it has a session of its own and no one whose end it shares, and
 * a supervisor that comes finds it by its place in shared memory instead of starting a second one.
 */
#ifndef CTRL_DAEMON_DPDK_H
#define CTRL_DAEMON_DPDK_H

#include <systemd/sd-event.h>

#include "ctrl/conf/conf.h"
#include "ctrl/daemon/backoff.h"

struct fg_dpdk {
	sd_event *event;
	const struct fg_conf *conf; /* as it is now */
	void (*changed)(void *ctx); /* pid or restarts */
	void *ctx;
	pid_t pid; /* 0: none is known to run */
	int pidfd;
	sd_event_source *exit, *start;
	struct fg_backoff backoff;
	uint32_t restarts;
	uint64_t started_us;
	bool stopping;
};

/* Finds the one that runs, or starts one once there is memory for it to work on. Without a block `dpdk`, or with `run off`, nothing. */
void fg_dpdk_begin(struct fg_dpdk *d);
/* There is memory: the gate has taken the policy. */
void fg_dpdk_ready(struct fg_dpdk *d);
/* It is left as it is, and not started again. */
void fg_dpdk_leave(struct fg_dpdk *d);

/* Becomes flowgate-dpdk as the configuration says. -errno. */
int fg_dpdk_exec(const struct fg_conf *conf);

#endif
