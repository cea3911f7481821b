/* SPDX-License-Identifier: BSD-3-Clause */
/* The dataplane of a box (dataplane.h): fg_xdp behind the seam. */
#include "ctrl/gate/dataplane.h"

static int drain(void *ctx)
{
	return fg_xdp_drain(ctx);
}

static int rule_reset(void *ctx, uint32_t slot)
{
	return fg_xdp_rule_reset(ctx, slot);
}

static int rule_counters(void *ctx, uint32_t slot, uint32_t n, struct fg_rule_counters *out)
{
	return fg_xdp_rule_counters(ctx, slot, n, out);
}

static int port_counters(void *ctx, uint8_t number, struct fg_port_counters *out)
{
	return fg_xdp_port_counters(ctx, number, out);
}

static int attach(void *ctx, const struct fg_port_config *config, uint8_t number, struct fg_port_status *status)
{
	return fg_xdp_attach(ctx, config, number, status);
}

static int keep_only(void *ctx, const struct fg_port_config *ports, size_t n)
{
	return fg_xdp_keep_only(ctx, ports, n);
}

static int target(void *ctx, uint32_t number, const struct fg_target_config *config)
{
	return fg_xdp_target(ctx, number, config);
}

static int samples(void *ctx, void (*take)(void *ctx, const struct fg_sample *sample), void *take_ctx, int most)
{
	return fg_xdp_samples(ctx, take, take_ctx, most);
}

void fg_dataplane_xdp(struct fg_dataplane *d, struct fg_xdp *x)
{
	*d = (struct fg_dataplane){
		.ctx = x,
		.memory = *fg_xdp_memory(x),
		.samples_fd = fg_xdp_samples_fd(x),
		.drain = drain,
		.rule_reset = rule_reset,
		.rule_counters = rule_counters,
		.port_counters = port_counters,
		.attach = attach,
		.keep_only = keep_only,
		.target = target,
		.samples = samples,
	};
}
