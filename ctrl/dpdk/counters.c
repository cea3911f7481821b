/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters, added up over all slots of workers, those of processes that have ended too; and samples out of their rings. What workers wrote
 * is taken as numbers; what is an index, a length or a kind is checked.
 */
#include <string.h>

#include "ctrl/dpdk/state.h"

static const uint8_t *worker_at(const struct fg_share *s, uint32_t worker)
{
	return (const uint8_t *)s->live + s->layout.workers + (size_t)worker * s->layout.worker_octets;
}

static struct fg_rule_counters *rule_at(const struct fg_share *s, uint32_t worker, uint32_t slot)
{
	return (struct fg_rule_counters *)(uintptr_t)(worker_at(s, worker) + s->layout.rule_counters) + slot;
}

static void add(struct fg_count *to, const struct fg_count *c)
{
	to->packets += c->packets;
	to->bytes += c->bytes;
}

static void rule_add(struct fg_rule_counters *to, const struct fg_rule_counters *c)
{
	add(&to->matched, &c->matched);
	add(&to->passed, &c->passed);
	add(&to->dropped, &c->dropped);
	if (to->last_ns < c->last_ns)
		to->last_ns = c->last_ns;
	if (to->sampled_ns < c->sampled_ns)
		to->sampled_ns = c->sampled_ns;
}

void fg_share_rule_counters(const struct fg_share *s, uint32_t slot, uint32_t n, struct fg_rule_counters *out)
{
	for (uint32_t i = 0; i < n; i++) {
		memset(&out[i], 0, sizeof(out[i]));
		for (uint32_t w = 0; w < s->sizes.workers && slot + i < s->sizes.slots; w++)
			rule_add(&out[i], rule_at(s, w, slot + i));
	}
}

void fg_share_rule_reset(struct fg_share *s, uint32_t slot)
{
	for (uint32_t w = 0; w < s->sizes.workers && slot < s->sizes.slots; w++)
		memset(rule_at(s, w, slot), 0, sizeof(struct fg_rule_counters));
}

static const struct fg_share_port_counters *port_at(const struct fg_share *s, uint32_t worker, uint8_t number)
{
	return (const struct fg_share_port_counters *)(const void *)worker_at(s, worker) + number;
}

static void port_add(struct fg_port_counters *to, const struct fg_port_counters *c)
{
	add(&to->received, &c->received);
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
			add(&to->by[v][cause], &c->by[v][cause]);
	add(&to->aborted, &c->aborted);
	add(&to->no_neighbour, &c->no_neighbour);
	add(&to->copied, &c->copied);
	to->copies_lost += c->copies_lost;
	to->samples += c->samples;
	to->samples_lost += c->samples_lost;
}

void fg_share_port_counters(const struct fg_share *s, uint8_t number, struct fg_port_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (uint32_t w = 0; w < s->sizes.workers && number < FG_PORTS_MAX; w++)
		port_add(out, &port_at(s, w, number)->port);
}

/* ---- Samples ---- */

/* A sample as it may be shown. */
static bool sample_ok(const struct fg_share *s, const struct fg_sample *sample)
{
	return sample->slot < s->sizes.slots && sample->ifindex < FG_PORTS_MAX &&
	       sample->captured <= FG_SAMPLE_OCTETS && sample->verdict < FG_VERDICTS && sample->cause < FG_CAUSE_COUNT;
}

/* More than the ring holds is waiting: what it says is not so, and none of it is believed. */
static int worker_samples(struct fg_share *s, uint32_t w, void (*take)(void *, const struct fg_sample *), void *ctx,
			  int most)
{
	struct fg_share_worker *worker = &s->live->worker[w];
	const struct fg_sample *ring = (const struct fg_sample *)(const void *)(worker_at(s, w) + s->layout.samples);
	uint64_t head = __atomic_load_n(&worker->sample_head, __ATOMIC_ACQUIRE), tail = worker->sample_tail;
	struct fg_sample sample;
	int n = 0;

	if (head - tail > FG_SAMPLES_MAX)
		tail = head;
	for (; tail != head && n < most; tail++, n++) {
		memcpy(&sample, &ring[tail & (FG_SAMPLES_MAX - 1)], sizeof(sample));
		if (sample_ok(s, &sample))
			take(ctx, &sample);
	}
	__atomic_store_n(&worker->sample_tail, tail, __ATOMIC_RELEASE);
	return n;
}

int fg_share_samples(struct fg_share *s, void (*take)(void *ctx, const struct fg_sample *sample), void *ctx, int most)
{
	int n = 0;

	for (uint32_t w = 0; w < s->sizes.workers; w++)
		n += worker_samples(s, w, take, ctx, most - n);
	return n;
}

/* ---- What there is to see ---- */

static void show_port(const struct fg_share *s, const struct fg_share_instance *instance, uint8_t number,
		      struct fg_plane_port *out)
{
	const struct fg_share_device *d = &instance->device[number];

	*out = (struct fg_plane_port){
		.used = d->used != 0,
		.link_up = d->link_up != 0,
		.speed_mbps = d->speed_mbps,
		.rx_queues = d->rx_queues,
		.tx_queues = d->tx_queues,
		.device_received = d->device_received,
		.device_missed = d->device_missed,
		.device_errors = d->device_errors,
		.device_sent = d->device_sent,
		.device_no_mbuf = d->device_no_mbuf,
	};
	memcpy(out->mac, d->mac, sizeof(out->mac));
	for (uint32_t w = 0; w < s->sizes.workers; w++) {
		const struct fg_share_port_counters *c = port_at(s, w, number);

		out->tx_full += c->tx_full;
		out->no_mbuf += c->no_mbuf;
		out->payload_skipped += c->payload_skipped;
	}
}

void fg_share_status(const struct fg_share *s, struct fg_plane_status *out)
{
	static const struct fg_share_instance nobody;
	const struct fg_share_instance *instance = fg_share_ready(s);

	memset(out, 0, sizeof(*out));
	fg_share_processes(s, out);
	for (uint8_t i = 0; i < FG_PORTS_MAX; i++)
		show_port(s, instance != NULL ? instance : &nobody, i, &out->port[i]);
}
