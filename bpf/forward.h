/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * What is done to a packet once the verdict is there: it is marked, and leaves by the kernel, by the peer, or by the way to
 * a target. What a device loses of it after that is the device's to say.
 */
#ifndef BPF_FORWARD_H
#define BPF_FORWARD_H

#include "bpf/count.h"

enum { AF_INET_ = 2, AF_INET6_ = 10, MAC_OCTETS = 6, ETHERNET_OCTETS = 14 };

/* A constant size, so that the verifier sees two words and the compiler no call. */
FG_INLINE void macs_write(uint8_t *frame, const uint8_t *mac_dst, const uint8_t *mac_src)
{
	__builtin_memcpy(frame, mac_dst, MAC_OCTETS);
	__builtin_memcpy(frame + MAC_OCTETS, mac_src, MAC_OCTETS);
}

FG_INLINE void mark(const struct xdp_md *ctx, const struct scratch *s)
{
	uint8_t *ip = ip_header(ctx, s, FG_LENGTH4_MIN);

	if (ip == NULL)
		return;
	if (s->packet.key.family == FG_IPV6)
		fg_mark_ipv6(ip, s->verdict.dscp);
	else
		fg_mark_ipv4(ip, s->verdict.dscp);
}

/* One hop less to live, the checksum with it (RFC 1812 §5.3.1, RFC 1624). False: it has none left. */
FG_INLINE bool hop(const struct xdp_md *ctx, const struct scratch *s)
{
	uint8_t *ip = ip_header(ctx, s, FG_LENGTH4_MIN);
	uint32_t sum;

	if (ip == NULL)
		return false;
	if (s->packet.key.family == FG_IPV6) {
		if (ip[7] <= 1)
			return false;
		ip[7]--;
		return true;
	}
	if (ip[8] <= 1)
		return false;
	ip[8]--;
	sum = fg_load_be16(ip + 10) + 0x100u;
	fg_store_be16(ip + 10, (uint16_t)(sum + (sum >> 16)));
	return true;
}

/* VLAN tags are of the link it came by: takes them away, and leaves room for an Ethernet header at the new beginning. */
FG_INLINE bool untag(struct xdp_md *ctx, const struct scratch *s)
{
	int32_t tags = (int32_t)(s->packet.l3_octet & FG_WALK_L3_MASK) - ETHERNET_OCTETS;

	return tags <= 0 || bpf_xdp_adjust_head(ctx, tags) == 0;
}

/* Asks the kernel for the way to the target. True: there is one, and it does not lead back. */
FG_INLINE bool route(struct xdp_md *ctx, const struct scratch *s, const struct fg_target *t, struct bpf_fib_lookup *way)
{
	__builtin_memset(way, 0, sizeof(*way));
	way->ifindex = s->ifindex;
	way->l4_protocol = s->packet.key.proto;
	way->tot_len = (uint16_t)(s->packet.ip_length > 65535 ? 65535 : s->packet.ip_length);
	if (t->family == FG_IPV6) {
		way->family = AF_INET6_;
		__builtin_memcpy(way->ipv6_dst, t->next_hop, 16);
	} else {
		way->family = AF_INET_;
		way->ipv4_dst = *(const uint32_t *)(const void *)t->next_hop;
	}
	return bpf_fib_lookup(ctx, way, sizeof(*way), 0) == BPF_FIB_LKUP_RET_SUCCESS && way->ifindex != s->ifindex;
}

/* By the kernel's table to a next hop. XDP_REDIRECT, or XDP_ABORTED: there is no way, and the packet is as it was. */
static __attribute__((noinline)) int redirect_routed(struct xdp_md *ctx, const struct scratch *s,
						     const struct fg_target *t)
{
	uint16_t type = s->packet.key.family == FG_IPV6 ? FG_ETHERTYPE_IPV6 : FG_ETHERTYPE_IPV4;
	struct bpf_fib_lookup way;
	uint8_t *frame;

	if (!route(ctx, s, t, &way) || !hop(ctx, s) || !untag(ctx, s))
		return XDP_ABORTED;
	frame = (uint8_t *)(long)ctx->data;
	if (frame + ETHERNET_OCTETS > (uint8_t *)(long)ctx->data_end)
		return XDP_ABORTED;
	macs_write(frame, way.dmac, way.smac);
	fg_store_be16(frame + 2 * MAC_OCTETS, type);
	return (int)bpf_redirect(way.ifindex, 0);
}

/* To a fixed interface, the frame as it is but for its addresses, where the target has some. */
static __attribute__((noinline)) int redirect_interface(struct xdp_md *ctx, const struct fg_target *t, uint32_t number)
{
	uint8_t *frame = (uint8_t *)(long)ctx->data;

	if (frame + ETHERNET_OCTETS > (uint8_t *)(long)ctx->data_end || t->ifindex == ctx->ingress_ifindex)
		return XDP_ABORTED;
	if ((t->mac_dst[0] | t->mac_dst[1] | t->mac_dst[2] | t->mac_dst[3] | t->mac_dst[4] | t->mac_dst[5]) != 0)
		macs_write(frame, t->mac_dst, t->mac_src);
	return (int)bpf_redirect_map(&tx, FG_TX_TARGET + number, XDP_ABORTED);
}

FG_INLINE int redirect(struct xdp_md *ctx, const struct scratch *s)
{
	uint32_t number = s->verdict.redirect_target;
	const struct fg_target *t = bpf_map_lookup_elem(&targets, &number);

	if (t == NULL)
		return XDP_ABORTED;
	if (t->kind == FG_TARGET_ROUTED)
		return redirect_routed(ctx, s, t);
	return t->kind == FG_TARGET_INTERFACE ? redirect_interface(ctx, t, number) : XDP_ABORTED;
}

/* On its way, as the port is set. XDP_ABORTED: it has no peer, which is our own mistake. */
FG_INLINE int pass(const struct fg_port *port)
{
	if (port->flags & FG_PORT_PAIR)
		return (int)bpf_redirect_map(&tx, port->number, XDP_ABORTED);
	return XDP_PASS;
}

/* The kernel copies the first buffer of a frame alone. */
FG_INLINE bool is_whole(struct xdp_md *ctx)
{
	return bpf_xdp_get_buff_len(ctx) == (uint64_t)ctx->data_end - ctx->data;
}

/* On its way, and a copy to the target. */
static __attribute__((noinline)) int pass_with_copy(struct xdp_md *ctx, const struct scratch *s,
						    struct fg_port_counters *pc)
{
	uint32_t key = (s->port.number & (FG_PORTS_MAX - 1)) * FG_TARGETS + s->verdict.copy_target;
	void *pair = s->verdict.copy_target < FG_TARGETS ? bpf_map_lookup_elem(&copies, &key) : NULL;

	if (pair != NULL && (s->port.flags & FG_PORT_PAIR) && is_whole(ctx) &&
	    bpf_redirect_map(pair, 0, BPF_F_BROADCAST) == XDP_REDIRECT) {
		count(&pc->copied, s->packet.ip_length);
		return XDP_REDIRECT;
	}
	pc->copies_lost++;
	return pass(&s->port);
}

/* A redirect that has no way out becomes what the port is set to. */
FG_INLINE int no_way(struct scratch *s, struct fg_port_counters *pc)
{
	count(&pc->no_neighbour, s->packet.ip_length);
	if (s->port.flags & FG_PORT_DROP_NO_NEIGHBOUR) {
		s->verdict.verdict = FG_DROP;
		return XDP_DROP;
	}
	s->verdict.verdict = FG_PASS;
	return pass(&s->port);
}

/* What rules asked for is done. The XDP code; XDP_ABORTED is our own mistake. */
FG_INLINE int perform(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc)
{
	struct fg_verdict *v = &s->verdict;
	int code;

	if (v->verdict == FG_DROP)
		return XDP_DROP;
	if (v->mark)
		mark(ctx, s);
	if (v->verdict == FG_REDIRECT) {
		pc->copies_lost += v->copy;
		code = redirect(ctx, s);
		return code == XDP_REDIRECT ? code : no_way(s, pc);
	}
	return v->copy ? pass_with_copy(ctx, s, pc) : pass(&s->port);
}

#endif
