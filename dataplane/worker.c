/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of a worker (worker.h). A turn asks each device once. What a device gave is read and its first lines of the image are fetched;
 * then the burst before it is judged, whose lines have come meanwhile. Where nothing comes behind it, it waits no longer than that.
 */
#include "dataplane/worker.h"

#include <string.h>

#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_prefetch.h>

/* ---- Between two bursts ---- */

/* The protocol of flowgate/share.h: epoch, then the image. After it nothing of the old image is read. */
static void follow(struct fg_worker *w)
{
	const struct fg_share_tables *t = w->shared->tables;
	uint64_t epoch = __atomic_load_n(&t->epoch, __ATOMIC_ACQUIRE);

	if (epoch != w->slot->epoch)
		__atomic_store_n(&w->slot->epoch, epoch, __ATOMIC_RELEASE);
	w->side = __atomic_load_n(&t->control.side, __ATOMIC_ACQUIRE);
	if (w->scan.room != NULL)
		fg_inspect_follow(w);
	w->control.flags = __atomic_load_n(&t->control.flags, __ATOMIC_RELAXED);
	w->control.sample_gap_ns = __atomic_load_n(&t->control.sample_gap_ns, __ATOMIC_RELAXED);
	w->control.samples_per_s = __atomic_load_n(&t->control.samples_per_s, __ATOMIC_RELAXED);
	if (fg_setup_is_old(&w->setup, t))
		fg_setup_follow(&w->setup, w->shared, &w->devices->names);
}

static void beat(struct fg_worker *w)
{
	if (++w->turns % FG_HEARTBEAT_TURNS != 0)
		return;
	__atomic_store_n(&w->slot->busy, w->busy, __ATOMIC_RELAXED);
	__atomic_store_n(&w->slot->heartbeat, w->turns, __ATOMIC_RELEASE);
}

/* ---- A burst ---- */

static struct fg_view view_of(const struct fg_worker *w)
{
	return (struct fg_view){ .base = fg_shared_image(w->shared, w->side) };
}

/* Frames are on their way into the cache. */
static void receive(struct fg_worker *w, struct fg_packets *b, uint8_t device)
{
	b->device = device;
	b->n = rte_eth_rx_burst(w->devices->at[device].id, w->queue, b->mbuf, FG_BURST);
	for (uint32_t i = 0; i < b->n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i], const void *));
	w->full[device] = b->n == FG_BURST ? w->full[device] + 1 : 0;
}

/* And their first lines of the image. */
static void read_keys(const struct fg_worker *w, struct fg_packets *b)
{
	struct fg_view view;

	fg_packets_read(b);
	if (w->side >= FG_SIDES)
		return;
	view = view_of(w);
	fg_burst_fetch(&view, b->key, b->keyed);
}

static void flush(struct fg_worker *w)
{
	uint32_t waiting = w->waiting;

	while (waiting != 0) {
		uint32_t device = (uint32_t)__builtin_ctz(waiting);

		waiting &= waiting - 1;
		fg_out_flush(&w->out[device]);
		if (w->out[device].n == 0)
			w->waiting &= ~(1u << device);
	}
}

static void finish(struct fg_worker *w, struct fg_packets *b)
{
	if (b->n != 0) {
		w->now_ns = fg_watch_ns(&w->watch, fg_tsc());
		if (w->side < FG_SIDES) {
			struct fg_view view = view_of(w);

			fg_match_burst_by(w->form, &view, b->key, b->keyed, w->matched);
			if (fg_enforce_fetch(w, b->keyed) & FG_SLOT_PAYLOAD)
				fg_inspect_burst(w, b);
		}
		fg_enforce_burst(w, b);
		b->n = 0;
	}
	flush(w);
}

/* True: the device gave something. */
static bool ask(struct fg_worker *w, uint8_t device)
{
	struct fg_packets *next = &w->packets[w->turn];

	follow(w);
	receive(w, next, device);
	finish(w, &w->packets[w->turn ^ 1]);
	if (next->n == 0)
		return false;
	read_keys(w, next);
	w->turn ^= 1;
	return true;
}

static void turn(struct fg_worker *w)
{
	bool came = false;

	for (uint8_t i = 0; i < w->devices->names.count; i++)
		if (w->setup.device[i].forwards && w->queue < w->devices->at[i].rx_queues)
			came |= ask(w, i);
	if (!came) {
		follow(w);
		finish(w, &w->packets[w->turn ^ 1]);
		rte_pause();
	}
	w->busy += came;
	beat(w);
}

/* Nothing stays behind: neither packets nor a count. */
static void end(struct fg_worker *w)
{
	finish(w, &w->packets[w->turn ^ 1]);
	for (uint8_t i = 0; i < w->devices->names.count; i++)
		fg_out_finish(&w->out[i]);
	__atomic_store_n(&w->slot->heartbeat, w->turns, __ATOMIC_RELEASE);
}

int fg_worker_run(void *worker)
{
	struct fg_worker *w = worker;

	follow(w);
	while (!__atomic_load_n(w->stop, __ATOMIC_RELAXED))
		turn(w);
	end(w);
	return 0;
}

/* ---- The beginning ---- */

static uint32_t send_burst(void *ctx, void **packets, uint32_t n)
{
	const struct fg_tx *tx = ctx;

	return rte_eth_tx_burst(tx->id, tx->queue, (struct rte_mbuf **)packets, (uint16_t)n);
}

static void release(void *ctx, void **packets, uint32_t n)
{
	(void)ctx;
	rte_pktmbuf_free_bulk((struct rte_mbuf **)packets, n);
}

void fg_worker_start(struct fg_worker *w, const struct fg_shared *shared, uint32_t slot, void *scan_room,
		     const struct fg_devices *devices, const struct fg_clock *clock, uint16_t queue,
		     enum fg_burst_form form, const bool *stop)
{
	memset(w, 0, sizeof(*w));
	w->shared = shared;
	w->devices = devices;
	w->stop = stop;
	w->pool = devices->pool;
	w->form = form;
	w->queue = queue;
	w->slot = &shared->live->worker[slot];
	w->ports = fg_shared_ports(shared, slot);
	w->rules = fg_shared_rules(shared, slot);
	w->samples = fg_shared_samples(shared, slot);
	w->actions = fg_shared_actions(shared);
	w->meters = fg_shared_meters(shared);
	w->slots = shared->sizes.slots;
	w->numbers = fg_shared_numbers(shared, 0);
	fg_scan_start(&w->scan, scan_room);
	fg_watch_start(&w->watch, clock);
	fg_setup_start(&w->setup);
	for (uint8_t i = 0; i < devices->names.count; i++) {
		w->tx[i] = (struct fg_tx){ .id = devices->at[i].id, .queue = queue };
		w->out[i].device = (struct fg_out_device){ &w->tx[i], send_burst, release };
		w->out[i].ports = w->ports;
	}
}
