/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a test run of the XDP program is measured with. A test run repeats one packet; so before each run rotate() writes the
 * headers of the next flow into it, and then goes on to the program under test by a tail call. The empty program behind
 * the same tail call is what is subtracted.
 */
#include <linux/bpf.h>
#include <stdint.h>

#include <bpf/bpf_helpers.h>

#include "bench/xdp.h"

char licence[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, XDP_FLOWS_MAX);
	__type(key, uint32_t);
	__type(value, struct xdp_flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(uint32_t));
} next SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct xdp_place);
} places SEC(".maps");

SEC("xdp.frags") int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp.frags") int rotate(struct xdp_md *ctx)
{
	uint64_t *header = (uint64_t *)((long)ctx->data + XDP_FLOW_AT);
	uint32_t zero = 0, at;
	struct xdp_place *place = bpf_map_lookup_elem(&places, &zero);
	const struct xdp_flow *flow;

	if (place == NULL || (long)(header + XDP_FLOW_WORDS) > (long)ctx->data_end)
		return XDP_ABORTED;
	at = place->at++ & place->mask;
	flow = bpf_map_lookup_elem(&flows, &at);
	if (flow == NULL)
		return XDP_ABORTED;
	for (int i = 0; i < XDP_FLOW_WORDS; i++)
		header[i] = flow->word[i];
	bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}
