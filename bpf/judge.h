/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/* The verdict on a packet from the rules that apply to it, in s->matched; tokens taken. */
#ifndef BPF_JUDGE_H
#define BPF_JUDGE_H

#include "bpf/scratch.h"

/* A function of its own, which the verifier follows once and not once for each rule and try. */
__attribute__((noinline)) int meter_take(struct fg_meter *m, const struct fg_action *a, uint32_t ip_length,
					 uint64_t now_ns)
{
	return m == NULL || a == NULL || fg_meter_take(m, a, ip_length, now_ns);
}

/* Gives back what the first `count` rules took. */
FG_INLINE void give_back(const struct scratch *s, uint32_t count)
{
	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < count; i++) {
		uint32_t slot = slot_of(s, i);
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);
		struct fg_meter *meter = bpf_map_lookup_elem(&meters, &slot);

		if (action != NULL && meter != NULL && fg_action_meters(action))
			fg_meter_give(meter, action, s->packet.ip_length);
	}
}

/* Takes the tokens of all rules, or of none: then the packet exceeds. A function, for most packets meet no rate. */
static __attribute__((noinline)) int take_tokens(struct scratch *s)
{
	uint64_t now_ns = bpf_ktime_get_ns();

	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < s->matched.count; i++) {
		uint32_t slot = slot_of(s, i);
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);
		struct fg_meter *meter = bpf_map_lookup_elem(&meters, &slot);

		if (action == NULL || meter == NULL || !fg_action_meters(action) ||
		    meter_take(meter, action, s->packet.ip_length, now_ns))
			continue;
		give_back(s, i);
		fg_verdict_exceed(&s->verdict);
		s->decider = i;
		return 0;
	}
	return 0;
}

/* A packet that one rule applies to which asks for no more than this is judged at once: the flood of an attack. */
enum { SIMPLE = FG_ACT_DISCARD | FG_ACT_SAMPLE | FG_ACT_UNKNOWN };

FG_INLINE bool is_simple(const struct scratch *s, uint32_t *flags)
{
	uint32_t slot = slot_of(s, 0);
	const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);

	if (s->matched.count != 1 || action == NULL)
		return false;
	*flags = action->flags;
	return (*flags & ~(uint32_t)SIMPLE) == 0;
}

/* False: a rule has no action, which is our own mistake. */
static __attribute__((noinline)) int judge_all(struct scratch *s)
{
	struct fg_verdict *v = &s->verdict;

	for (uint32_t i = 0; i < FG_APPLIED_MAX && i < s->matched.count; i++) {
		uint32_t slot = slot_of(s, i);
		const struct fg_action *action = bpf_map_lookup_elem(&actions, &slot);

		if (action == NULL)
			return false;
		if (!(v->seen & FG_ACT_DISCARD))
			s->decider = i;
		fg_verdict_add(v, action);
	}
	fg_verdict_close(v);
	if (v->metered)
		take_tokens(s);
	if (v->verdict == FG_REDIRECT)
		s->decider = v->redirect_rule;
	return true;
}

#endif
