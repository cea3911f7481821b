/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Verdicts for a burst (worker.h), in the meaning of the XDP program: what bpf/xdp.bpf.c and bpf/judge.h do for one packet. Comes in: the
 * packets of one device and the rules that apply to each. Goes out: each packet on its way or freed, all counted.
 */
#include "dataplane/worker.h"

#include <rte_prefetch.h>

/* A packet that one rule applies to which asks for no more than this is judged at once: the flood of an attack. */
enum { SIMPLE = FG_ACT_DISCARD | FG_ACT_SAMPLE | FG_ACT_UNKNOWN };

static uint32_t slot_of(const struct fg_matched *m, uint32_t i)
{
	return m->slot[i] & FG_SLOT_MASK;
}

/* What packet i of a burst counts for. */
FG_INLINE uint32_t octets_of(const struct fg_packets *b, uint32_t i)
{
	return b->packet[i].what == FG_PACKET_IP ? b->packet[i].ip_length : b->mbuf[i]->pkt_len;
}

FG_INLINE void take_case(struct fg_case *c, const struct fg_packets *b, uint32_t i)
{
	c->mbuf = b->mbuf[i];
	c->packet = &b->packet[i];
	c->octets = octets_of(b, i);
}

/* On its way by the peer; or, where the verdict is that and rules are not only shadows, dropped. */
FG_INLINE void pass_or_drop(struct fg_worker *w, const struct fg_case *c, uint8_t verdict, uint8_t cause)
{
	if (verdict == FG_DROP && !(w->control.flags & FG_CONTROL_SHADOW))
		fg_drop(w, c, cause);
	else
		fg_send(w, c, c->card->peer, verdict, cause);
}

/* ---- Counting by rule ---- */

static void count_rule(struct fg_rule_counters *c, uint8_t verdict, uint64_t octets, uint64_t now_ns)
{
	fg_count(&c->matched, octets);
	if (verdict == FG_DROP)
		fg_count(&c->dropped, octets);
	else if (verdict == FG_PASS)
		fg_count(&c->passed, octets);
	c->last_ns = now_ns;
}

/* A rule that only counts is counted as what it would have done by itself. */
static uint8_t verdict_of_rule(const struct fg_action *a, const struct fg_verdict *v)
{
	if (!(a->flags & FG_ACT_COUNT_ONLY))
		return v->verdict;
	return a->flags & FG_ACT_DISCARD ? FG_DROP : FG_PASS;
}

static void count_rules(struct fg_worker *w, const struct fg_matched *m, const struct fg_verdict *v, uint64_t octets)
{
	for (uint32_t i = 0; i < m->count; i++) {
		uint32_t slot = slot_of(m, i);

		count_rule(&w->rules[slot], verdict_of_rule(&w->actions[slot], v), octets, w->now_ns);
	}
}

/* ---- One packet ---- */

/* No rule is asked for it: no IP, malformed, or of a time without an image. */
static __attribute__((noinline)) void enforce_nothing(struct fg_worker *w, const struct fg_case *c)
{
	bool malformed = c->packet->what == FG_PACKET_MALFORMED, image = w->side < FG_SIDES;
	bool closed = !image && (c->card->flags & FG_PORT_CLOSED) && c->packet->what != FG_PACKET_NOT_IP;
	bool drops = closed || (image && malformed && (c->card->flags & FG_PORT_DROP_MALFORMED));

	pass_or_drop(w, c, drops ? FG_DROP : FG_PASS, malformed ? FG_CAUSE_MALFORMED : FG_CAUSE_NONE);
}

/* One rule that passes or drops, and no more. */
FG_INLINE void enforce_simple(struct fg_worker *w, const struct fg_case *c, uint32_t slot, uint32_t flags)
{
	uint8_t verdict = flags & FG_ACT_DISCARD ? FG_DROP : FG_PASS;
	uint8_t cause = flags & FG_ACT_DISCARD ? FG_CAUSE_DISCARD : FG_CAUSE_ACCEPT;

	if (fg_sample_wanted(w, flags & (FG_ACT_DISCARD | FG_ACT_SAMPLE)))
		fg_sample_due(w, c, slot, verdict, cause);
	count_rule(&w->rules[slot], verdict, c->octets, w->now_ns);
	pass_or_drop(w, c, verdict, cause);
}

/* Takes the tokens of all rules, or of none: then the packet exceeds. The place of the rule that refused; `decider` where none did. */
static uint32_t take_tokens(struct fg_worker *w, const struct fg_matched *m, uint32_t octets, uint32_t decider,
			    struct fg_verdict *v)
{
	for (uint32_t i = 0; i < m->count; i++) {
		const struct fg_action *a = &w->actions[slot_of(m, i)];

		if (!fg_action_meters(a) || fg_meter_take(&w->meters[slot_of(m, i)], a, octets, w->now_ns))
			continue;
		for (uint32_t k = 0; k < i; k++)
			if (fg_action_meters(&w->actions[slot_of(m, k)]))
				fg_meter_give(&w->meters[slot_of(m, k)], &w->actions[slot_of(m, k)], octets);
		fg_verdict_exceed(v);
		return i;
	}
	return decider;
}

/* The verdict. The place of the rule that it rests on. */
static uint32_t judge(struct fg_worker *w, const struct fg_matched *m, uint32_t octets, struct fg_verdict *v)
{
	uint32_t decider = 0;

	*v = (struct fg_verdict){ 0 };
	for (uint32_t i = 0; i < m->count; i++) {
		if (!(v->seen & FG_ACT_DISCARD))
			decider = i;
		fg_verdict_add(v, &w->actions[slot_of(m, i)]);
	}
	fg_verdict_close(v);
	if (v->metered)
		decider = take_tokens(w, m, octets, decider, v);
	return v->verdict == FG_REDIRECT ? v->redirect_rule : decider;
}

/* The rules that apply, and all that follows from them. */
static __attribute__((noinline)) void enforce_all(struct fg_worker *w, const struct fg_case *c,
						  const struct fg_matched *m)
{
	struct fg_verdict v;
	uint32_t decider = judge(w, m, c->octets, &v);

	if (fg_sample_wanted(w, v.verdict == FG_DROP || v.sample))
		fg_sample_due(w, c, slot_of(m, decider), v.verdict, v.cause);
	if (w->control.flags & FG_CONTROL_SHADOW)
		fg_send(w, c, c->card->peer, v.verdict, v.cause);
	else
		fg_act(w, c, &v);
	count_rules(w, m, &v, c->octets);
}

static void abort_packet(struct fg_worker *w, const struct fg_case *c)
{
	w->dropped[w->drops++] = c->mbuf;
	fg_count(&c->port->aborted, c->octets);
}

FG_INLINE void enforce_rules(struct fg_worker *w, const struct fg_case *c, const struct fg_matched *m)
{
	uint32_t flags;

	if (m->count == 0) {
		fg_send(w, c, c->card->peer, FG_PASS, FG_CAUSE_NONE);
		return;
	}
	if (!fg_matched_is_sound(w, m)) {
		abort_packet(w, c);
		return;
	}
	flags = w->actions[slot_of(m, 0)].flags;
	if (m->count == 1 && (flags & ~(uint32_t)SIMPLE) == 0)
		enforce_simple(w, c, slot_of(m, 0), flags);
	else
		enforce_all(w, c, m);
}

/* ---- Runs of packets of one fate, which are most of a burst ---- */

/* From packet i on, those that no rule applies to. The place of the first other one. */
static uint32_t pass_run(struct fg_worker *w, const struct fg_packets *b, const struct fg_case *c, uint32_t i)
{
	struct fg_fate fate = {
		.port = c->card->number, .verdict = FG_PASS, .cause = FG_CAUSE_NONE, .class = FG_CLASS_PLAIN
	};
	struct fg_out *o = &w->out[c->card->peer];
	uint32_t n = o->n;

	for (; i < b->n && w->matched[i].count == 0; i++) {
		fate.octets = b->packet[i].ip_length;
		o->packet[n] = b->mbuf[i];
		o->fate[n++] = fate;
	}
	w->waiting |= (uint32_t)(n != o->n) << c->card->peer;
	o->n = n;
	return i;
}

/* One rule applies, and it discards. */
FG_INLINE bool is_discarded(const struct fg_worker *w, const struct fg_matched *m)
{
	uint32_t slot = slot_of(m, 0);

	return m->count == 1 && slot < w->slots &&
	       (w->actions[slot].flags & (FG_ACT_DISCARD | ~(uint32_t)SIMPLE)) == FG_ACT_DISCARD;
}

/* The same for those that one rule discards. */
static uint32_t discard_run(struct fg_worker *w, const struct fg_packets *b, struct fg_case *c, uint32_t i)
{
	bool samples = fg_sample_wanted(w, true);
	struct fg_count n = { 0, 0 };

	for (; i < b->n && is_discarded(w, &w->matched[i]); i++) {
		uint32_t slot = slot_of(&w->matched[i], 0);
		struct fg_rule_counters *rule = &w->rules[slot];

		take_case(c, b, i);
		if (samples && fg_sample_gap_is_over(w, rule))
			fg_sample_due(w, c, slot, FG_DROP, FG_CAUSE_DISCARD);
		count_rule(rule, FG_DROP, c->octets, w->now_ns);
		w->dropped[w->drops + n.packets] = c->mbuf;
		fg_count(&n, c->octets);
	}
	w->drops += (uint32_t)n.packets;
	fg_count_all(&c->port->by[FG_DROP][FG_CAUSE_DISCARD], n);
	return i;
}

/* All are IP, and an image was asked. */
static void enforce_runs(struct fg_worker *w, const struct fg_packets *b, struct fg_case *c)
{
	bool shadow = w->control.flags & FG_CONTROL_SHADOW;

	for (uint32_t i = 0, first = 0; i < b->n; first = i) {
		i = pass_run(w, b, c, i);
		if (!shadow)
			i = discard_run(w, b, c, i);
		if (i != first)
			continue;
		take_case(c, b, i);
		enforce_rules(w, c, &w->matched[i++]);
	}
}

/* ---- The burst ---- */

static void enforce_packets(struct fg_worker *w, const struct fg_packets *b, struct fg_case *c)
{
	bool image = w->side < FG_SIDES;

	for (uint32_t i = 0, keyed = 0; i < b->n; i++) {
		take_case(c, b, i);
		if (!c->card->forwards)
			abort_packet(w, c);
		else if (!image || c->packet->what != FG_PACKET_IP)
			enforce_nothing(w, c);
		else
			enforce_rules(w, c, &w->matched[keyed]);
		keyed += c->packet->what == FG_PACKET_IP;
	}
}

static struct fg_count received(const struct fg_packets *b)
{
	struct fg_count n = { 0, 0 };

	for (uint32_t i = 0; i < b->n; i++)
		fg_count(&n, octets_of(b, i));
	return n;
}

uint32_t fg_enforce_fetch(const struct fg_worker *w, uint32_t keyed)
{
	uint32_t all = 0;

	for (uint32_t k = 0; k < keyed; k++) {
		const struct fg_matched *m = &w->matched[k];

		if (m->count == 0)
			continue;
		rte_prefetch0(&w->actions[slot_of(m, 0)]);
		rte_prefetch0(&w->rules[slot_of(m, 0)]);
		for (uint32_t i = 0; i < m->count; i++)
			all |= m->slot[i];
	}
	return all;
}

void fg_enforce_burst(struct fg_worker *w, const struct fg_packets *b)
{
	const struct fg_line_card *card = &w->setup.device[b->device];
	struct fg_case c = { .card = card, .device = b->device, .port = &w->ports[card->number].port };

	/* First and in this order, so that a worker that is killed has never judged more than it received. */
	fg_count_all(&c.port->received, received(b));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (card->forwards && w->side < FG_SIDES && b->keyed == b->n)
		enforce_runs(w, b, &c);
	else
		enforce_packets(w, b, &c);
	fg_dropped_free(w);
}
