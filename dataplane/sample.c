/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Samples (worker.h): a worker writes them into a ring of its own, which the gate empties. How many there may be of a rule and in a second is
 * as in the XDP program (bpf/count.h), for one worker as there for one core. While the way out is pressed none is taken.
 */
#include "dataplane/worker.h"

#include <string.h>

#define SECOND_NS 1000000000ull

static bool is_due(struct fg_worker *w, struct fg_rule_counters *c)
{
	struct fg_share_worker *s = w->slot;

	if (!fg_sample_gap_is_over(w, c))
		return false;
	if (w->now_ns - s->second_ns >= SECOND_NS) {
		s->second_ns = w->now_ns;
		s->sampled = 0;
	}
	if (s->sampled >= w->control.samples_per_s)
		return false;
	s->sampled++;
	c->sampled_ns = w->now_ns;
	return true;
}

/* The frame as it came, up to FG_SAMPLE_OCTETS of it. */
static void write_frame(struct fg_sample *to, const struct rte_mbuf *m)
{
	uint32_t octets = m->pkt_len < FG_SAMPLE_OCTETS ? m->pkt_len : FG_SAMPLE_OCTETS;
	const void *frame = rte_pktmbuf_read(m, 0, octets, to->data);

	if (frame != NULL && frame != to->data)
		memcpy(to->data, frame, octets);
	to->frame_len = m->pkt_len;
	to->captured = (uint16_t)(frame != NULL ? octets : 0);
}

/* The tail is the gate's: whatever it says, no more than the ring is written. */
static struct fg_sample *room(const struct fg_worker *w)
{
	const struct fg_share_worker *s = w->slot;
	uint64_t waiting = s->sample_head - __atomic_load_n(&s->sample_tail, __ATOMIC_ACQUIRE);

	return waiting < FG_SAMPLES_MAX ? &w->samples[s->sample_head % FG_SAMPLES_MAX] : NULL;
}

void fg_sample_due(struct fg_worker *w, const struct fg_case *c, uint32_t slot, uint8_t verdict, uint8_t cause)
{
	struct fg_sample *to;

	if (!is_due(w, &w->rules[slot]))
		return;
	to = w->out[c->card->peer].pressed ? NULL : room(w);
	if (to == NULL) {
		c->port->samples_lost++;
		return;
	}
	to->time_ns = w->now_ns;
	to->slot = slot;
	to->ifindex = c->card->number;
	to->verdict = verdict;
	to->cause = cause;
	write_frame(to, c->mbuf);
	__atomic_store_n(&w->slot->sample_head, w->slot->sample_head + 1, __ATOMIC_RELEASE);
	c->port->samples++;
}
