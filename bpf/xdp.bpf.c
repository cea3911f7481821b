/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * The XDP program: frames in, verdicts out. One program, whatever the rules; only its maps change. flowgate() is the way of a
 * packet: port, key (flowgate/packet.h), rules (bpf/walk.h), verdict (bpf/judge.h), counters and samples (bpf/count.h),
 * and what is done (bpf/forward.h).
 *
 * What always holds: which image is read is asked once a packet; every packet of a port that is used is counted as received and
 * as one other thing; a loop is bounded by a name of limits.h. What of the headers lies behind the first buffer of a frame
 * in several is taken for cut off.
 */
#include "bpf/forward.h"
#include "bpf/judge.h"
#include "bpf/parse.h"
#include "bpf/walk.h"

char licence[] SEC("license") = "Dual BSD/GPL";

/* As received, and as one thing: aborted, or the verdict and its cause, which are known. */
FG_INLINE int counted(struct fg_port_counters *pc, enum fg_verdict_kind verdict, enum fg_cause cause, uint64_t octets,
		      int code)
{
	count(&pc->received, octets);
	count(code == XDP_ABORTED ? &pc->aborted : &pc->by[verdict][cause], octets);
	return code;
}

/* The same of s->verdict. */
FG_INLINE int counted_verdict(const struct scratch *s, struct fg_port_counters *pc, uint64_t octets, int code)
{
	uint64_t place = fg_opaque((uint64_t)s->verdict.verdict * FG_CAUSE_COUNT + s->verdict.cause);

	count(&pc->received, octets);
	if (code == XDP_ABORTED || place >= (uint64_t)FG_VERDICTS * FG_CAUSE_COUNT)
		count(&pc->aborted, octets);
	else
		count(&pc->by[0][0] + place, octets);
	return code;
}

/* One rule that passes or drops, and no more: `flags` of its action. The XDP code. */
FG_INLINE int enforce_simple(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc, uint32_t flags)
{
	uint32_t slot = slot_of(s, 0), octets = s->packet.ip_length;
	struct fg_rule_counters *c = bpf_map_lookup_elem(&rule_counters, &slot);
	bool drops = flags & FG_ACT_DISCARD;
	uint64_t now_ns = tick_ns(s);

	if (c == NULL)
		return counted(pc, FG_PASS, FG_CAUSE_NONE, octets, XDP_ABORTED);
	if (sample_is_wanted(drops || (flags & FG_ACT_SAMPLE)) && sample_is_due(s, c, now_ns))
		sample_simple(ctx, s, pc, flags);
	count_rule(c, drops ? FG_DROP : FG_PASS, octets, now_ns);
	if (!drops)
		return counted(pc, FG_PASS, FG_CAUSE_ACCEPT, octets, pass(&s->port));
	return counted(pc, FG_DROP, FG_CAUSE_DISCARD, octets,
		       box.control.flags & FG_CONTROL_SHADOW ? pass(&s->port) : XDP_DROP);
}

/* The rules that apply, and all that follows from them. The XDP code. */
static __attribute__((noinline)) int enforce_all(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc)
{
	uint64_t now_ns = tick_ns(s);
	int code = XDP_ABORTED;

	__builtin_memset(&s->verdict, 0, sizeof(s->verdict));
	if (judge_all(s)) {
		if (sample_is_wanted(s->verdict.verdict == FG_DROP || s->verdict.sample))
			sample_due(ctx, s, pc, now_ns);
		code = box.control.flags & FG_CONTROL_SHADOW ? pass(&s->port) : perform(ctx, s, pc);
		count_rules(s, now_ns);
	}
	return counted_verdict(s, pc, s->packet.ip_length, code);
}

/* A packet that rules may apply to. */
FG_INLINE int enforce(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc)
{
	uint32_t flags;

	if (s->matched.count == 0)
		return counted(pc, FG_PASS, FG_CAUSE_NONE, s->packet.ip_length, pass(&s->port));
	if (is_simple(s, &flags))
		return enforce_simple(ctx, s, pc, flags);
	return enforce_all(ctx, s, pc);
}

/* A packet that no rule is asked for: no IP, malformed, or of a time without an image. */
static __attribute__((noinline)) int enforce_nothing(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc)
{
	bool closed = s->side >= FG_SIDES && (s->port.flags & FG_PORT_CLOSED) && s->packet.what != FG_PACKET_NOT_IP;
	uint64_t octets = s->packet.what == FG_PACKET_IP ? s->packet.ip_length : bpf_xdp_get_buff_len(ctx);
	int code;

	__builtin_memset(&s->verdict, 0, sizeof(s->verdict));
	if (s->packet.what == FG_PACKET_MALFORMED)
		s->verdict.cause = FG_CAUSE_MALFORMED;
	if (closed ||
	    (s->side < FG_SIDES && s->packet.what == FG_PACKET_MALFORMED && (s->port.flags & FG_PORT_DROP_MALFORMED)))
		s->verdict.verdict = FG_DROP;
	code = s->verdict.verdict == FG_DROP && !(box.control.flags & FG_CONTROL_SHADOW) ? XDP_DROP : pass(&s->port);
	return counted_verdict(s, pc, octets, code);
}

/* All of one packet of a port that is used. */
FG_INLINE int packet(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc)
{
	uint32_t ref;

	if (!straight(ctx, &s->packet) && !parse(ctx))
		return XDP_PASS;
	s->side = *(const volatile uint32_t *)&box.control.side;
	s->matched.count = 0;
	if (*(volatile uint8_t *)&s->packet.what != FG_PACKET_IP || s->side >= FG_SIDES)
		return enforce_nothing(ctx, s, pc);
	ref = begin(s);
	if (ref == 0)
		return counted(pc, FG_PASS, FG_CAUSE_NONE, s->packet.ip_length, pass(&s->port));
	walk(s, ref);
	return enforce(ctx, s, pc);
}

SEC("xdp.frags")
int flowgate(struct xdp_md *ctx)
{
	uint32_t ifindex = ctx->ingress_ifindex, number;
	struct scratch *s = scratch_of_cpu();
	struct fg_port_counters *pc;

	if (ifindex >= FG_IFINDEX_MAX || !(box.ports[ifindex].flags & FG_PORT_USED) || s == NULL)
		return XDP_PASS;
	s->port = box.ports[ifindex];
	s->ifindex = ifindex;
	number = s->port.number;
	pc = bpf_map_lookup_elem(&port_counters, &number);
	return pc == NULL ? XDP_PASS : packet(ctx, s, pc);
}

/* On the way out of a copy: the addresses of the target's link. */
SEC("xdp.frags/devmap")
int flowgate_copy(struct xdp_md *ctx)
{
	uint32_t ifindex = ctx->egress_ifindex;
	const struct fg_copy_macs *macs = bpf_map_lookup_elem(&copy_macs, &ifindex);
	uint8_t *frame = (uint8_t *)(long)ctx->data;

	if (macs != NULL && frame + ETHERNET_OCTETS <= (uint8_t *)(long)ctx->data_end)
		macs_write(frame, macs->mac_dst, macs->mac_src);
	return XDP_PASS;
}
