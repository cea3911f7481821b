/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plane `dpdk`: what of a core's speed is left when packets are received, judged and sent. devices.c has the devices, loops.c two loops beside ours,
 * worker.c ours, forward.c the runners made of a loop and a pair of devices; testpmd.c is DPDK's own, in a process of its own.
 *
 * A loop runs in the thread of the harness and ends when its queue has given all that a run asks for; so what it dropped is known to the packet.
 */
#ifndef BENCH_FORWARD_H
#define BENCH_FORWARD_H

#include <rte_ethdev.h>

#include "bench/harness.h"
#include "bench/histogram.h"

enum {
	FORWARD_QUEUES = 2,
	FORWARD_LATE_MAX = 1024, /* packets that have come and were not asked for: as many as a ring has room for */
};

/* Where packets come from, and where they go to. */
enum forward_source {
	FORWARD_REPLAY, /* frames lie in memory and are given in turn, as a NIC would have put them there: no driver is in it */
	FORWARD_PCAP, /* net_pcap with infinite_rx, which copies the same frames into fresh buffers; to net_null */
	FORWARD_NULL, /* net_null to net_null: frames of zeros, which no rule is asked about */
	FORWARD_SOURCES
};

/* What a queue gives before it says stop. */
struct forward_run {
	uint64_t packets;     /* so many, as fast as they are asked for */
	double packets_per_s; /* not 0: at this rate, and for so long */
	uint64_t ns;
	struct bench_histogram *latencies; /* from when a packet is due to when it is sent; NULL: not counted */
	uint8_t *sent; /* BENCH_POOL: packets of the pool that are sent are set to 1; NULL: not wanted */
};

/* A queue of the device that receives, and that of the same number of the one that sends. One thread has both. */
struct forward_queue {
	/* The drivers, and what they are given. */
	eth_rx_burst_t take;
	void *take_from;
	eth_tx_burst_t put;
	void *put_into;
	struct rte_mempool *buffers;
	/* The run at hand. */
	struct forward_run run;
	uint64_t left; /* packets to be given yet */
	double gap, next,
		end; /* turns of the counter: between two packets, when the next one comes, when none comes any more */
	uint32_t at; /* place in the pool of the next packet */
	uint64_t given;
	uint64_t late; /* packets that came while FORWARD_LATE_MAX waited: lost */
	bool stop;
} __attribute__((aligned(128)));

struct forward_pair {
	bool open;
	uint16_t rx, tx; /* numbers of the devices */
	struct forward_queue queue[FORWARD_QUEUES];
	void *data[FORWARD_QUEUES]; /* the queues again, as DPDK wants them */
	uint64_t serial;            /* of the pool that it has */
};

/* The pair, opened when it is first asked for. NULL, and why[] says: it cannot be had. */
struct forward_pair *forward_pair(enum forward_source source, char why[BENCH_WHY_MAX]);
/* From now on these packets. */
void forward_pair_load(enum forward_source source, const struct bench_pool *pool);
void forward_queue_begin(struct forward_queue *q, const struct forward_run *run);

/* A loop on one core, from one device to the other until the queue says stop. Answers when nothing of it is under way any more. */
struct forward_loop {
	void *ctx;
	void (*run)(void *ctx, uint32_t queue);
	uint64_t (*dropped)(void *ctx, uint32_t queue); /* packets so far */
	void (*close)(void *ctx);
};

struct forward_loop forward_io(struct forward_pair *pair);
/* Of the same rules; what one of them applies to is dropped. The loop owns them. */
struct forward_loop forward_acl(struct forward_pair *pair, struct bench_acl *acl);
/* The worker of flowgate-dpdk over an image of the rules, all of which discard. False, and why[] says: there is no memory like that of the image for it. */
bool forward_worker(struct forward_loop *l, struct forward_pair *pair, const struct bench_image *image, size_t rules,
		    char why[BENCH_WHY_MAX]);

#endif
