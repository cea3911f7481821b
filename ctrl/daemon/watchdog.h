/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service manager's watchdog (sd_watchdog_enabled(3)). It is told that all is well only as long as the other processes answer too: a
 * daemon whose gate or ctrl hangs is of no use, and is to be started anew; enforcement outlives that.
 */
#ifndef CTRL_DAEMON_WATCHDOG_H
#define CTRL_DAEMON_WATCHDOG_H

#include <stdbool.h>
#include <systemd/sd-event.h>

struct fg_watchdog {
	/* True where all answer, none later than patience_us; asks them again. */
	bool (*well)(void *ctx, uint64_t now_us, uint64_t patience_us);
	void *ctx;
	uint64_t period_us; /* set by fg_watchdog_begin(); 0: nobody watches */
};

/* Answers from now on, if anybody asks. 0 or -errno. */
int fg_watchdog_begin(struct fg_watchdog *w, sd_event *event);

#endif
