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

/* A function of its own, which the verifier follows once and not once for each rule and try. */
__attribute__((noinline)) int meter_take(struct fg_meter *m, const struct fg_action *a, uint32_t ip_length,
					 uint64_t now_ns)
{
	return m == NULL || a == NULL || fg_meter_take(m, a, ip_length, now_ns);
}

struct applying {
	struct fg_verdict *v;
	uint32_t count, ip_length;
	uint64_t now_ns;
};

/* What the first `count` rules in the maps ask for. False: a map has no such rule. */
FG_INLINE bool add_all(const struct applying *how)
{
	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < how->count; i++) {
		uint32_t slot = i;
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);

		if (action == NULL)
			return false;
		fg_verdict_add(how->v, action);
	}
	return true;
}

/* Gives back what the first `count` rules took. */
FG_INLINE void give_back(const struct applying *how, uint32_t count)
{
	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < count; i++) {
		uint32_t slot = i;
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);
		struct fg_meter *meter = bpf_map_lookup_elem(&meters, &slot);

		if (action != NULL && meter != NULL && fg_action_meters(action))
			fg_meter_give(meter, action, how->ip_length);
	}
}

FG_INLINE void take_all(const struct applying *how)
{
	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < how->count; i++) {
		uint32_t slot = i;
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);
		struct fg_meter *meter = bpf_map_lookup_elem(&meters, &slot);

		if (action == NULL || meter == NULL || !fg_action_meters(action) ||
		    meter_take(meter, action, how->ip_length, how->now_ns))
			continue;
		give_back(how, i);
		fg_verdict_exceed(how->v);
		return;
	}
}

/*
 * The steps of action.h over rules in maps. The verdict is built in map memory, which the verifier does not follow: on the
 * stack every way of setting its fields would be verified with every other.
 */
SEC("xdp") int act(struct xdp_md *ctx)
{
	struct fg_packet *packet = this_packet();
	uint32_t zero = 0, one = 1;
	struct fg_verdict *v = bpf_map_lookup_elem(&verdicts, &zero);
	const uint64_t *now_ns = bpf_map_lookup_elem(&inputs, &zero);
	const uint64_t *count = bpf_map_lookup_elem(&inputs, &one);
	struct applying how = { .v = v };

	if (packet == NULL || v == NULL || now_ns == NULL || count == NULL)
		return XDP_ABORTED;
	fg_packet_parse(first_octet(ctx), end_octet(ctx), false, packet);
	if (packet->what != FG_PACKET_IP)
		return XDP_PASS;
	how.count = (uint32_t)*count;
	how.ip_length = packet->ip_length;
	how.now_ns = *now_ns;
	__builtin_memset(v, 0, sizeof(*v));
	if (!add_all(&how))
		return XDP_ABORTED;
	fg_verdict_close(v);
	if (v->metered)
		take_all(&how);
	if (v->mark)
		mark(ctx, packet, v->dscp);
	return v->verdict == FG_DROP ? XDP_DROP : XDP_PASS;
}
