/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* What is counted of a packet, and the samples. All counters are this core's own. */
#ifndef BPF_COUNT_H
#define BPF_COUNT_H

#include "bpf/scratch.h"

#define SECOND_NS 1000000000ull

FG_INLINE void count(struct fg_count *c, uint64_t octets)
{
	c->packets++;
	c->bytes += octets;
}

/* A rule that only counts is counted as what it would have done by itself. */
FG_INLINE uint8_t verdict_of_rule(const struct scratch *s, const struct fg_action *action)
{
	if (!(action->flags & FG_ACT_COUNT_ONLY))
		return s->verdict.verdict;
	return action->flags & FG_ACT_DISCARD ? FG_DROP : FG_PASS;
}

FG_INLINE void count_rule(struct fg_rule_counters *c, uint8_t verdict, uint64_t octets, uint64_t now_ns)
{
	count(&c->matched, octets);
	if (verdict == FG_DROP)
		count(&c->dropped, octets);
	else if (verdict == FG_PASS)
		count(&c->passed, octets);
	c->last_ns = now_ns;
}

static __attribute__((noinline)) int count_rules(const struct scratch *s, uint64_t now_ns)
{
	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < s->matched.count; i++) {
		uint32_t slot = slot_of(s, i);
		struct fg_rule_counters *c = bpf_map_lookup_elem(&rule_counters, &slot);
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);

		if (c != NULL && action != NULL)
			count_rule(c, verdict_of_rule(s, action), s->packet.ip_length, now_ns);
	}
	return 0;
}

/* Whether this core may take a sample now, and of that rule. */
FG_INLINE bool sample_is_due(struct scratch *s, struct fg_rule_counters *c, uint64_t now_ns)
{
	if (now_ns - c->sampled_ns < box.control.sample_gap_ns)
		return false;
	if (now_ns - s->second_ns >= SECOND_NS) {
		s->second_ns = now_ns;
		s->sampled = 0;
	}
	if (s->sampled >= box.control.samples_per_s)
		return false;
	s->sampled++;
	c->sampled_ns = now_ns;
	return true;
}

/* Of a packet that is dropped or whose rule asks for samples: `asked`. */
FG_INLINE bool sample_is_wanted(bool asked)
{
	return box.control.samples_per_s != 0 && (asked || (box.control.flags & FG_CONTROL_SAMPLE_PASS));
}

/* The frame as it came, up to FG_SAMPLE_OCTETS of it. */
static __attribute__((noinline)) int sample(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc,
					    uint64_t now_ns)
{
	uint64_t frame_len = bpf_xdp_get_buff_len(ctx), captured = frame_len;
	struct fg_sample *to = bpf_ringbuf_reserve(&samples, sizeof(*to), 0);

	if (to == NULL) {
		pc->samples_lost++;
		return 0;
	}
	if (captured > FG_SAMPLE_OCTETS)
		captured = FG_SAMPLE_OCTETS;
	to->time_ns = now_ns;
	to->slot = slot_of(s, s->decider);
	to->ifindex = s->ifindex;
	to->frame_len = (uint32_t)frame_len;
	to->captured = (uint16_t)captured;
	to->verdict = s->verdict.verdict;
	to->cause = s->verdict.cause;
	captured = fg_opaque(captured); /* for the verifier the next line bounds it */
	if (captured - 1 >= FG_SAMPLE_OCTETS || bpf_xdp_load_bytes(ctx, 0, to->data, (uint32_t)captured) != 0)
		to->captured = 0;
	bpf_ringbuf_submit(to, 0);
	pc->samples++;
	return 0;
}

/* A sample of the rule that the verdict rests on, if one is due. */
FG_INLINE void sample_due(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc, uint64_t now_ns)
{
	uint32_t slot = slot_of(s, s->decider);
	struct fg_rule_counters *c = bpf_map_lookup_elem(&rule_counters, &slot);

	if (c != NULL && sample_is_due(s, c, now_ns))
		sample(ctx, s, pc, now_ns);
}

/* The sample of a packet that one rule lets pass or drops, and no more: `flags` of its action. */
static __attribute__((noinline)) int sample_simple(struct xdp_md *ctx, struct scratch *s, struct fg_port_counters *pc,
						   uint32_t flags)
{
	s->verdict.verdict = flags & FG_ACT_DISCARD ? FG_DROP : FG_PASS;
	s->verdict.cause = flags & FG_ACT_DISCARD ? FG_CAUSE_DISCARD : FG_CAUSE_ACCEPT;
	s->decider = 0;
	return sample(ctx, s, pc, s->tick_ns);
}

#endif
