/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench-forward: what of a machine's speed is left when packets are received, judged and sent: the worker of flowgate-dpdk, beside a
 * loop that only forwards and one that asks rte_acl. replay.c is the pair of devices, loops.c the two loops beside ours, worker.c ours,
 * forward.c the tables.
 *
 * The devices are net_null with receiving and sending of our own: what a queue gives are frames that lie in its buffers for good, in turn, as
 * a NIC would have put them there; what is sent goes back into them. So what all three do is compared, and no driver.
 */
#ifndef BENCH_FORWARD_H
#define BENCH_FORWARD_H

#include "bench/bench.h"

struct rte_mbuf;
struct rte_mempool;

enum {
	FORWARD_QUEUES_MAX = 2,
	FORWARD_PORTS = 2,
	FORWARD_FRAMES = (1 << 13) - 1, /* of one queue */
	FORWARD_LATE_MAX = 1024, /* packets that have come and were not asked for: as many as a ring has room for */
	FORWARD_BINS = 64 * 16,  /* of latencies: 16 for each power of two of the counter */
};

/* What one queue gives, and what comes back; both are of the thread that has the queue. */
struct forward_queue {
	struct rte_mempool *frames;
	double gap;  /* turns of the counter between two packets; 0: as many as are asked for */
	double next; /* when the next packet comes */
	uint64_t given;
	uint64_t late; /* packets that came while FORWARD_LATE_MAX waited: lost */
	uint64_t sent;
	uint64_t *bins; /* of FORWARD_BINS, NULL: latencies are not counted */
} __attribute__((aligned(128)));

/* Starts DPDK with `queues` cores for workers, and the devices. */
void forward_start(const char *program, uint32_t queues);
struct forward_queue *forward_queue(uint32_t queue);
/* Makes frames of packets that are drawn: all queues get the same ones. */
void forward_fill(const struct bench_packet *packets, size_t n);
/* From now on so many packets a second and queue; 0: as many as are asked for. Latencies are counted where `latency`. */
void forward_pace(double packets_per_s, bool latency);

/* A loop on one core: from a queue of the first device to that of the second, until *stop. */
struct forward_loop {
	const char *name;
	void *ctx;
	int (*run)(void *ctx, uint32_t queue, const bool *stop);
	uint64_t (*received)(void *ctx, uint32_t queue); /* packets so far */
	uint64_t (*dropped)(void *ctx, uint32_t queue);
};

struct forward_loop forward_io(void);
/* Of the same rules; what one of them applies to is dropped. */
struct forward_loop forward_acl(const struct bench_acl *acl);
/* The worker of flowgate-dpdk over an image of the rules, all of which discard; NULL: of none. */
struct forward_loop forward_worker(const struct bench_image *image, size_t rules);
void forward_worker_free(struct forward_loop *l);

#endif
