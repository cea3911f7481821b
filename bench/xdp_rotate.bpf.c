/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What a test run of the XDP program is measured with. A test run repeats one packet; so before each run rotate() writes the
 * headers of the next flow into it, and then goes on to the program under test by a tail call. The empty program behind
 * the same tail call is what is subtracted.
 */
#include <linux/bpf.h>
#include <stdint.h>

#include <bpf/bpf_helpers.h>

char licence[] SEC("license") = "Dual BSD/GPL";

enum { FLOWS_MAX = 1 << 20, HEADER_WORDS = 7, ETHERNET_OCTETS = 14 };

/* Headers of a flow from the IP header on, as far as they differ. */
struct flow {
	uint64_t word[HEADER_WORDS];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, FLOWS_MAX);
	__type(key, uint32_t);
	__type(value, struct flow);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(uint32_t));
} next SEC(".maps");

struct place {
	uint32_t at, mask;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct place);
} places SEC(".maps");

SEC("xdp.frags") int empty(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("xdp.frags") int rotate(struct xdp_md *ctx)
{
	uint64_t *header = (uint64_t *)((long)ctx->data + ETHERNET_OCTETS);
	uint32_t zero = 0, at;
	struct place *place = bpf_map_lookup_elem(&places, &zero);
	const struct flow *flow;

	if (place == NULL || (long)(header + HEADER_WORDS) > (long)ctx->data_end)
		return XDP_ABORTED;
	at = place->at++ & place->mask;
	flow = bpf_map_lookup_elem(&flows, &at);
	if (flow == NULL)
		return XDP_ABORTED;
	for (int i = 0; i < HEADER_WORDS; i++)
		header[i] = flow->word[i];
	bpf_tail_call(ctx, &next, 0);
	return XDP_ABORTED;
}
