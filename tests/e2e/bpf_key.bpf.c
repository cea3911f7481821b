/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The header walk and the actions as the kernel sees them: small XDP programs around packet.h and action.h, one for
 * each way of calling them. test_bpf_key.c loads them, which proves that the verifier accepts them, runs them on
 * frames and compares what they leave in the maps with what native code makes of the same.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "flowgate/action.h"
#include "flowgate/packet.h"

char licence[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct fg_packet);
} packets SEC(".maps");

/* Rules to apply to every packet, and their buckets; then the verdict, in an array of one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FG_APPLIED_MAX);
	__type(key, uint32_t);
	__type(value, struct fg_action);
} actions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FG_APPLIED_MAX);
	__type(key, uint32_t);
	__type(value, struct fg_meter);
} meters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct fg_verdict);
} verdicts SEC(".maps");

/* What to do: [0] is the time in ns, [1] the number of rules. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__type(key, uint32_t);
	__type(value, uint64_t);
} inputs SEC(".maps");

FG_INLINE const uint8_t *first_octet(const struct xdp_md *ctx)
{
	return (const uint8_t *)(long)ctx->data;
}

FG_INLINE const uint8_t *end_octet(const struct xdp_md *ctx)
{
	return (const uint8_t *)(long)ctx->data_end;
}

FG_INLINE struct fg_packet *this_packet(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&packets, &zero);
}

SEC("xdp") int key_whole(struct xdp_md *ctx)
{
	struct fg_packet *packet = this_packet();

	if (packet == NULL)
		return XDP_ABORTED;
	fg_packet_parse(first_octet(ctx), end_octet(ctx), false, packet);
	return packet->what == FG_PACKET_MALFORMED ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int key_cut(struct xdp_md *ctx)
{
	struct fg_packet *packet = this_packet();

	if (packet == NULL)
		return XDP_ABORTED;
	fg_packet_parse(first_octet(ctx), end_octet(ctx), true, packet);
	return packet->what == FG_PACKET_MALFORMED ? XDP_DROP : XDP_PASS;
}

SEC("xdp") int key_raw(struct xdp_md *ctx)
{
	struct fg_packet *packet = this_packet();

	if (packet == NULL)
		return XDP_ABORTED;
	fg_packet_parse_ip(first_octet(ctx), end_octet(ctx), false, packet);
	return packet->what == FG_PACKET_MALFORMED ? XDP_DROP : XDP_PASS;
}

/* Writes the mark into the frame; the walk's place is known to be within the data, but not to the verifier. */
FG_INLINE void mark(struct xdp_md *ctx, const struct fg_packet *packet, uint8_t dscp)
{
	uint8_t *ip = (uint8_t *)(long)ctx->data + (packet->l3_octet & 0x3f);

	__asm__ volatile("" : "+r"(ip));
	if (ip + FG_LENGTH4_MIN > (uint8_t *)(long)ctx->data_end)
		return;
	if (packet->key.family == FG_IPV6)
		fg_mark_ipv6(ip, dscp);
	else
		fg_mark_ipv4(ip, dscp);
}

/*
 * The three steps of action.h over rules in maps. The verdict is built in map memory, which the verifier does not
 * follow: on the stack every way of setting its fields would be verified with every other.
 */
SEC("xdp") int act(struct xdp_md *ctx)
{
	struct fg_packet *packet = this_packet();
	uint32_t zero = 0, one = 1;
	struct fg_verdict *v = bpf_map_lookup_elem(&verdicts, &zero);
	const uint64_t *now_ns = bpf_map_lookup_elem(&inputs, &zero);
	const uint64_t *count = bpf_map_lookup_elem(&inputs, &one);

	if (packet == NULL || v == NULL || now_ns == NULL || count == NULL)
		return XDP_ABORTED;
	fg_packet_parse(first_octet(ctx), end_octet(ctx), false, packet);
	if (packet->what != FG_PACKET_IP)
		return XDP_PASS;
	__builtin_memset(v, 0, sizeof(*v));
	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < *count; i++) {
		uint32_t slot = i;
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);
		struct fg_meter *meter = bpf_map_lookup_elem(&meters, &slot);

		if (action == NULL || meter == NULL)
			return XDP_ABORTED;
		fg_verdict_add(v, action, meter, packet->ip_length, *now_ns);
	}
	fg_verdict_close(v);
	for (uint32_t i = 0; v->metered && i < FG_APPLIED_MAX && i < *count; i++) {
		uint32_t slot = i;
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);
		struct fg_meter *meter = bpf_map_lookup_elem(&meters, &slot);

		if (action == NULL || meter == NULL)
			return XDP_ABORTED;
		fg_verdict_take(meter, action, packet->ip_length);
	}
	if (v->mark)
		mark(ctx, packet, v->dscp);
	return v->verdict == FG_DROP ? XDP_DROP : XDP_PASS;
}
