/* SPDX-License-Identifier: BSD-3-Clause */
/* The watchdog (watchdog.h). In: the period that the manager wants. Out: WATCHDOG=1, four times in it. */
#include "ctrl/daemon/watchdog.h"

#include <systemd/sd-daemon.h>

enum { TICKS = 4 /* a period */, PATIENCE = 2 /* half of it */ };

static int on_tick(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_watchdog *w = ctx;
	uint64_t now_us = us;

	sd_event_now(sd_event_source_get_event(source), CLOCK_MONOTONIC, &now_us);
	if (w->well(w->ctx, now_us, w->period_us / PATIENCE))
		sd_notify(0, "WATCHDOG=1");
	sd_event_source_set_time_relative(source, w->period_us / TICKS);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int fg_watchdog_begin(struct fg_watchdog *w, sd_event *event)
{
	int r = sd_watchdog_enabled(0, &w->period_us);

	if (r <= 0) {
		w->period_us = 0;
		return r;
	}
	return sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, w->period_us / TICKS, 0, on_tick, w);
}
