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
#include "bpf/walk.h"

char licence[] SEC("license") = "Dual BSD/GPL";

/* The rules that apply, and all that follows from them. The XDP code. */
FG_INLINE int enforce(struct xdp_md *ctx, struct scratch *s, const struct fg_control *control,
		      struct fg_port_counters *pc)
{
	uint64_t now_ns;
	int code;

	if (!judge(s))
		return XDP_ABORTED;
	now_ns = bpf_ktime_get_coarse_ns();
	if (sample_is_wanted(s, control))
		sample_due(ctx, s, control, pc, now_ns);
	code = control->flags & FG_CONTROL_SHADOW ? pass(&s->port) : perform(ctx, s, pc);
	count_rules(s, now_ns);
	return code;
}

/* A packet that no rule is asked for: no IP, malformed, or of a time without an image. */
FG_INLINE int enforce_nothing(struct scratch *s, const struct fg_control *control)
{
	bool closed = s->side >= FG_SIDES && (s->port.flags & FG_PORT_CLOSED) && s->packet.what != FG_PACKET_NOT_IP;

	if (s->packet.what == FG_PACKET_MALFORMED)
		s->verdict.cause = FG_CAUSE_MALFORMED;
	if (closed ||
	    (s->side < FG_SIDES && s->packet.what == FG_PACKET_MALFORMED && (s->port.flags & FG_PORT_DROP_MALFORMED)))
		s->verdict.verdict = FG_DROP;
	return s->verdict.verdict == FG_DROP && !(control->flags & FG_CONTROL_SHADOW) ? XDP_DROP : pass(&s->port);
}

/* As one thing each: XDP_ABORTED, or the verdict and its cause. */
FG_INLINE void count_port(const struct xdp_md *ctx, const struct scratch *s, struct fg_port_counters *pc, int code)
{
	uint32_t verdict = s->verdict.verdict, cause = s->verdict.cause;
	uint64_t octets = s->packet.ip_length;

	if (s->packet.what != FG_PACKET_IP)
		octets = bpf_xdp_get_buff_len((struct xdp_md *)(long)ctx);
	count(&pc->received, octets);
	if (code == XDP_ABORTED || verdict >= FG_VERDICTS || cause >= FG_CAUSE_COUNT)
		count(&pc->aborted, octets);
	else
		count(&pc->by[verdict][cause], octets);
}

/* All of one packet of a port that is used. */
FG_INLINE int packet(struct xdp_md *ctx, struct scratch *s, const struct fg_control *control,
		     struct fg_port_counters *pc)
{
	int code;

	fg_packet_parse((const uint8_t *)(long)ctx->data, (const uint8_t *)(long)ctx->data_end, false, &s->packet);
	__builtin_memset(&s->verdict, 0, sizeof(s->verdict));
	s->side = *(const volatile uint32_t *)&control->side;
	s->matched.count = 0;
	if (s->packet.what == FG_PACKET_IP && s->side < FG_SIDES) {
		walk(s);
		code = s->matched.count != 0 ? enforce(ctx, s, control, pc) : pass(&s->port);
	} else {
		code = enforce_nothing(s, control);
	}
	count_port(ctx, s, pc, code);
	return code;
}

SEC("xdp.frags")
int flowgate(struct xdp_md *ctx)
{
	uint32_t ifindex = ctx->ingress_ifindex, zero = 0, number;
	const struct fg_port *port = bpf_map_lookup_elem(&ports, &ifindex);
	const struct fg_control *control = bpf_map_lookup_elem(&controls, &zero);
	struct scratch *s = scratch_of_cpu();
	struct fg_port_counters *pc;

	if (port == NULL || !(port->flags & FG_PORT_USED) || s == NULL || control == NULL)
		return XDP_PASS;
	s->port = *port;
	s->ifindex = ifindex;
	number = s->port.number;
	pc = bpf_map_lookup_elem(&port_counters, &number);
	return pc == NULL ? XDP_PASS : packet(ctx, s, control, pc);
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
