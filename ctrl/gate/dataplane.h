/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the gate needs of a dataplane: memory that packets read, and a few things to ask of it. So all that decides runs in a test on plain
 * memory; fg_dataplane_xdp() and fg_dataplane_share() are those that run on a box.
 */
#ifndef CTRL_GATE_DATAPLANE_H
#define CTRL_GATE_DATAPLANE_H

#include "ctrl/dpdk/share.h"
#include "ctrl/xdp/xdp.h"

/* The functions are those of xdp.h and ctrl/dpdk/share.h, with the same results. */
struct fg_dataplane {
	void *ctx;
	struct fg_plane_memory memory;
	int samples_fd; /* -1: none */
	int (*drain)(void *ctx);
	int (*rule_reset)(void *ctx, uint32_t slot);
	int (*rule_counters)(void *ctx, uint32_t slot, uint32_t n, struct fg_rule_counters *out);
	int (*port_counters)(void *ctx, uint8_t number, struct fg_port_counters *out);
	int (*attach)(void *ctx, const struct fg_port_config *config, uint8_t number, struct fg_port_status *status);
	int (*keep_only)(void *ctx, const struct fg_port_config *ports, size_t n);
	int (*target)(void *ctx, uint32_t number, const struct fg_target_config *config);
	int (*samples)(void *ctx, void (*take)(void *ctx, const struct fg_sample *sample), void *take_ctx, int most);
	/* Of one that is looked at now and then, for nothing wakes up whoever waits for it; look_ms 0: it is not. */
	int look_ms;
	bool (*look)(void *ctx); /* true: ports may not be as they were */
	void (*status)(void *ctx, struct fg_plane_status *out);
	const uint32_t *fenced, *fenced_pid; /* processes that were killed so far, and the last */
};

void fg_dataplane_xdp(struct fg_dataplane *d, struct fg_xdp *x);
void fg_dataplane_share(struct fg_dataplane *d, struct fg_share *s);

#endif
