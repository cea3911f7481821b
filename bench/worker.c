/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The worker of flowgate-dpdk as it is (dataplane/worker.h), over memory laid out as the gate's (flowgate/share.h) but of this process: so
 * nothing but who wrote it is other than on a box.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/forward.h"
#include "dataplane/worker.h"

struct forward_worker {
	struct bench_memory tables, live;
	struct fg_shared shared;
	struct fg_devices devices;
	struct fg_clock clock;
	struct fg_worker worker[FORWARD_QUEUES_MAX];
};

static struct fg_worker *start_worker(struct forward_worker *f, uint32_t queue, const bool *stop)
{
	struct fg_worker *w = &f->worker[queue];

	fg_worker_start(w, &f->shared, queue, NULL, &f->devices, &f->clock, (uint16_t)queue, fg_burst_best(), stop);
	return w;
}

static int run(void *ctx, uint32_t queue, const bool *stop)
{
	return fg_worker_run(start_worker(ctx, queue, stop));
}

static const struct fg_port_counters *port_of(const struct forward_worker *f, uint32_t queue)
{
	return &fg_shared_ports(&f->shared, queue)->port;
}

static uint64_t received(void *ctx, uint32_t queue)
{
	return __atomic_load_n(&port_of(ctx, queue)->received.packets, __ATOMIC_RELAXED);
}

static uint64_t dropped(void *ctx, uint32_t queue)
{
	uint64_t n = 0;

	for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
		n += __atomic_load_n(&port_of(ctx, queue)->by[FG_DROP][cause].packets, __ATOMIC_RELAXED);
	return n;
}

/* Two ports, each other's peer. */
static void set_ports(struct forward_worker *f, struct fg_share_tables *tables)
{
	static const char names[FORWARD_PORTS][FG_DEVICE_NAME_OCTETS] = { "one", "two" };

	for (uint8_t i = 0; i < FORWARD_PORTS; i++) {
		memcpy(f->devices.names.name[i], names[i], sizeof(names[i]));
		memcpy(tables->port[i].name, names[i], sizeof(names[i]));
		tables->port[i].flags = FG_PORT_USED | FG_PORT_PAIR;
		tables->port[i].peer = (uint8_t)(1 - i);
		f->devices.at[i] =
			(struct fg_device){ .id = i, .rx_queues = FORWARD_QUEUES_MAX, .tx_queues = FORWARD_QUEUES_MAX };
	}
	f->devices.at[1].rx_queues =
		0; /* it gives nothing, so it is not asked: the loops beside do not ask it either */
	f->devices.names.count = FORWARD_PORTS;
}

static void set_memory(struct forward_worker *f, const struct bench_image *image, size_t rules)
{
	struct fg_share_layout *l = &f->shared.layout;
	size_t octets = image != NULL ? image->bytes : sizeof(struct fg_image);

	f->shared.sizes = (struct fg_share_sizes){ .image_lines = (uint32_t)(octets / FG_LINE_OCTETS),
						   .slots = (uint32_t)rules + 1,
						   .workers = FORWARD_QUEUES_MAX };
	*l = fg_share_layout(&f->shared.sizes);
	l->tables_octets = l->image[1]; /* nothing is changed, so one image is enough */
	bench_memory_get(&f->tables, l->tables_octets);
	bench_memory_get(&f->live, l->live_octets);
	f->shared.tables = f->tables.at;
	f->shared.live = f->live.at;
	if (image != NULL)
		memcpy((uint8_t *)f->tables.at + l->image[0], image->memory.at, image->bytes);
}

struct forward_loop forward_worker(const struct bench_image *image, size_t rules)
{
	struct forward_worker *f = aligned_alloc(_Alignof(struct forward_worker), sizeof(*f));
	struct fg_action *action;

	if (f == NULL)
		bench_fail("no memory");
	memset(f, 0, sizeof(*f));
	set_memory(f, image, rules);
	set_ports(f, f->tables.at);
	action = (struct fg_action *)(void *)((uint8_t *)f->tables.at + f->shared.layout.actions);
	for (size_t i = 0; i <= rules; i++)
		action[i].flags = FG_ACT_DISCARD;
	fg_clock_start(&f->clock);
	return (struct forward_loop){ "flowgate", f, run, received, dropped };
}

void forward_worker_free(struct forward_loop *l)
{
	struct forward_worker *f = l->ctx;

	bench_memory_put(&f->tables);
	bench_memory_put(&f->live);
	free(f);
}
