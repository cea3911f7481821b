/* SPDX-License-Identifier: BSD-3-Clause */
/* The DPDK dataplane (dataplane.h): memory shared with flowgate-dpdk, behind the seam. */
#include "ctrl/gate/dataplane.h"

static int drain(void *ctx)
{
	return fg_share_drain(ctx);
}

static int rule_reset(void *ctx, uint32_t slot)
{
	fg_share_rule_reset(ctx, slot);
	return 0;
}

static int rule_counters(void *ctx, uint32_t slot, uint32_t n, struct fg_rule_counters *out)
{
	fg_share_rule_counters(ctx, slot, n, out);
	return 0;
}

static int port_counters(void *ctx, uint8_t number, struct fg_port_counters *out)
{
	fg_share_port_counters(ctx, number, out);
	return 0;
}

static int attach(void *ctx, const struct fg_port_config *config, uint8_t number, struct fg_port_status *status)
{
	fg_share_port_status(ctx, config, number, status);
	return 0;
}

static int keep_only(void *ctx, const struct fg_port_config *ports, size_t n)
{
	fg_share_ports(ctx, ports, n);
	return 0;
}

static int target(void *ctx, uint32_t number, const struct fg_target_config *config)
{
	return fg_share_target(ctx, number, config);
}

static int samples(void *ctx, void (*take)(void *ctx, const struct fg_sample *sample), void *take_ctx, int most)
{
	return fg_share_samples(ctx, take, take_ctx, most);
}

static bool look(void *ctx)
{
	return fg_share_look(ctx);
}

static void status(void *ctx, struct fg_plane_status *out)
{
	fg_share_status(ctx, out);
}

void fg_dataplane_share(struct fg_dataplane *d, struct fg_share *s)
{
	*d = (struct fg_dataplane){
		.ctx = s,
		.samples_fd = -1,
		.drain = drain,
		.rule_reset = rule_reset,
		.rule_counters = rule_counters,
		.port_counters = port_counters,
		.attach = attach,
		.keep_only = keep_only,
		.target = target,
		.samples = samples,
		.look_ms = FG_SHARE_LOOK_MS,
		.look = look,
		.status = status,
		.fenced = &s->fenced,
		.fenced_pid = &s->fenced_pid,
	};
	fg_share_memory(s, &d->memory);
}
