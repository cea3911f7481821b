/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The worker of flowgate-dpdk as it is (dataplane/worker.h), over memory laid out as the gate's (flowgate/share.h) but of this process: so
 * nothing but who wrote it is other than on a box.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/forward.h"
#include "dataplane/worker.h"

enum { PORTS = 2, RX = 0, TX = 1 };

/* What all workers of a set of rules read: there are no pages for one each. */
static struct {
	struct bench_memory memory;
	unsigned int users;
} tables;

struct forward_worker {
	struct bench_memory live;
	struct fg_shared shared;
	struct fg_devices devices;
	struct fg_clock clock;
	struct fg_worker worker[FORWARD_QUEUES];
};

static void run(void *ctx, uint32_t queue)
{
	fg_worker_run(&((struct forward_worker *)ctx)->worker[queue]);
}

static uint64_t dropped(void *ctx, uint32_t queue)
{
	const struct forward_worker *f = ctx;
	const struct fg_port_counters *port = &fg_shared_ports(&f->shared, queue)->port;
	uint64_t n = 0;

	for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
		n += __atomic_load_n(&port->by[FG_DROP][cause].packets, __ATOMIC_RELAXED);
	return n;
}

static void close_worker(void *ctx)
{
	struct forward_worker *f = ctx;

	if (--tables.users == 0)
		bench_memory_put(&tables.memory);
	bench_memory_put(&f->live);
	free(f);
}

/* Two ports, each other's peer. */
static const char names[PORTS][FG_DEVICE_NAME_OCTETS] = { "one", "two" };

static void fill_tables(const struct fg_share_layout *l, const struct bench_image *image, size_t rules)
{
	uint8_t *at = tables.memory.at;
	struct fg_share_tables *t = tables.memory.at;
	struct fg_action *action = (struct fg_action *)(void *)(at + l->actions);

	memcpy(at + l->image[0], image->memory.at, image->bytes);
	for (size_t i = 0; i <= rules; i++)
		action[i].flags = FG_ACT_DISCARD;
	for (uint8_t i = 0; i < PORTS; i++) {
		memcpy(t->port[i].name, names[i], sizeof(names[i]));
		t->port[i].flags = FG_PORT_USED | FG_PORT_PAIR;
		t->port[i].peer = (uint8_t)(1 - i);
	}
}

static void set_memory(struct forward_worker *f, const struct bench_image *image, size_t rules)
{
	struct fg_share_layout *l = &f->shared.layout;

	f->shared.sizes = (struct fg_share_sizes){ .image_lines = (uint32_t)(image->bytes / FG_LINE_OCTETS),
						   .slots = (uint32_t)rules + 1,
						   .workers = FORWARD_QUEUES };
	*l = fg_share_layout(&f->shared.sizes);
	l->tables_octets = l->image[1]; /* nothing is changed, so one image is enough */
	if (tables.users++ == 0) {
		bench_memory_get(&tables.memory, l->tables_octets);
		fill_tables(l, image, rules);
	}
	bench_memory_get(&f->live, l->live_octets);
	f->shared.tables = tables.memory.at;
	f->shared.live = f->live.at;
}

/* The second one gives nothing, so it is not asked: the loops beside do not ask it either. */
static void set_devices(struct forward_worker *f, const struct forward_pair *pair)
{
	for (uint8_t i = 0; i < PORTS; i++) {
		memcpy(f->devices.names.name[i], names[i], sizeof(names[i]));
		f->devices.at[i] = (struct fg_device){ .id = i == RX ? pair->rx : pair->tx,
						       .rx_queues = i == RX ? FORWARD_QUEUES : 0,
						       .tx_queues = FORWARD_QUEUES };
	}
	f->devices.names.count = PORTS;
}

bool forward_worker(struct forward_loop *loop, struct forward_pair *pair, const struct bench_image *image, size_t rules,
		    char why[BENCH_WHY_MAX])
{
	struct forward_worker *f = aligned_alloc(_Alignof(struct forward_worker), sizeof(*f));

	if (f == NULL)
		bench_fail("no memory");
	memset(f, 0, sizeof(*f));
	set_memory(f, image, rules);
	if (image->memory.huge && !tables.memory.huge) {
		snprintf(why, BENCH_WHY_MAX, "no huge pages are left for the image of workers");
		close_worker(f);
		return false;
	}
	set_devices(f, pair);
	fg_clock_start(&f->clock);
	for (uint32_t q = 0; q < FORWARD_QUEUES; q++)
		fg_worker_start(&f->worker[q], &f->shared, q, NULL, &f->devices, &f->clock, (uint16_t)q,
				fg_burst_best(), &pair->queue[q].stop);
	*loop = (struct forward_loop){ f, run, dropped, close_worker };
	return true;
}
