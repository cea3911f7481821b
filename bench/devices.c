/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devices (forward.h). A queue's buffers are a first-in-first-out pool: each is taken, sent or freed, and comes again when all others have.
 * Receiving touches a buffer's first line as a driver does that fills it in.
 */
#include <stdio.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "bench/forward.h"

static struct forward_queue queues[FORWARD_QUEUES_MAX];
static void *queue_data[FORWARD_QUEUES_MAX];
static uint32_t queue_count;

struct forward_queue *forward_queue(uint32_t queue)
{
	return &queues[queue];
}

/* ---- Receiving and sending ---- */

static uint64_t *arrival(struct rte_mbuf *m)
{
	return (uint64_t *)(void *)m->dynfield1;
}

/* Packets that have come by now, n at most. */
static uint16_t due(struct forward_queue *q, uint16_t n, double now)
{
	double waiting = q->next > now ? 0 : (now - q->next) / q->gap + 1;

	if (waiting > FORWARD_LATE_MAX) {
		uint64_t lost = (uint64_t)(waiting - FORWARD_LATE_MAX);

		q->late += lost;
		q->next += (double)lost * q->gap;
		waiting = FORWARD_LATE_MAX;
	}
	return waiting < n ? (uint16_t)waiting : n;
}

static uint16_t receive(void *rxq, struct rte_mbuf **to, uint16_t n)
{
	struct forward_queue *q = rxq;

	if (q->gap != 0)
		n = due(q, n, (double)rte_rdtsc());
	if (n == 0 || rte_mempool_get_bulk(q->frames, (void **)to, n) != 0)
		return 0;
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(to[i]);
	for (uint16_t i = 0; i < n; i++) {
		to[i]->data_off = RTE_PKTMBUF_HEADROOM;
		to[i]->ol_flags = 0;
		if (q->gap == 0)
			continue;
		*arrival(to[i]) = (uint64_t)q->next;
		q->next += q->gap;
	}
	q->given += n;
	return n;
}

/* 16 bins for each power of two. */
static uint32_t bin_of(uint64_t x)
{
	uint32_t top = x < 16 ? 0 : (uint32_t)(60 - __builtin_clzll(x));

	return x < 16 ? (uint32_t)x : top * 16 + (uint32_t)(x >> top & 15) + 16;
}

static uint16_t deliver(void *txq, struct rte_mbuf **from, uint16_t n)
{
	struct forward_queue *q = txq;
	uint64_t now = q->bins != NULL ? rte_rdtsc() : 0;

	for (uint16_t i = 0; i < n && q->bins != NULL; i++) {
		uint64_t then = *arrival(from[i]);

		q->bins[now > then ? bin_of(now - then) : 0]++;
	}
	rte_pktmbuf_free_bulk(from, n);
	q->sent += n;
	return n;
}

/* ---- The beginning ---- */

static void queue_start(uint16_t port, uint16_t queue)
{
	if (rte_eth_rx_queue_setup(port, queue, 512, 0, NULL, queues[queue].frames) != 0 ||
	    rte_eth_tx_queue_setup(port, queue, 512, 0, NULL) != 0)
		bench_fail("a queue does not start");
}

static void port_start(uint16_t port)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[port];

	if (rte_eth_dev_configure(port, (uint16_t)queue_count, (uint16_t)queue_count, &conf) != 0)
		bench_fail("a device does not start");
	for (uint16_t q = 0; q < queue_count; q++)
		queue_start(port, q);
	if (rte_eth_dev_start(port) != 0)
		bench_fail("a device does not start");
	ops->rx_pkt_burst = receive;
	ops->tx_pkt_burst = deliver;
	ops->rxq.data = ops->txq.data = queue_data;
}

/* Not from a cache: a buffer must come again last. */
static void frames_start(uint32_t q)
{
	char name[32];

	snprintf(name, sizeof(name), "frames%u", q);
	queues[q].frames = rte_pktmbuf_pool_create_by_ops(name, FORWARD_FRAMES, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
							  SOCKET_ID_ANY, "ring_sp_sc");
	if (queues[q].frames == NULL)
		bench_fail("no buffers: %s", rte_strerror(rte_errno));
	queue_data[q] = &queues[q];
}

void forward_start(const char *program, uint32_t n)
{
	/* The first processor last: that of the main thread, which sleeps. */
	const char *cores = n == 1 ? "0@0,1@1" : "0@0,1@1,2@0";
	const char *args[] = { program,          "--no-pci",
			       "--in-memory",    "-m",
			       "1024",           "--force-max-simd-bitwidth=512",
			       "--no-telemetry", "--log-level=4",
			       "--vdev",         "net_null0",
			       "--vdev",         "net_null1",
			       "--lcores",       cores };
	char *argv[RTE_DIM(args)];

	for (size_t i = 0; i < RTE_DIM(args); i++)
		argv[i] = (char *)(uintptr_t)args[i];
	if (rte_eal_init((int)RTE_DIM(args), argv) < 0)
		bench_fail("DPDK does not start: %s; it wants 1 GiB of huge pages", rte_strerror(rte_errno));
	queue_count = n;
	for (uint32_t q = 0; q < n; q++)
		frames_start(q);
	for (uint16_t port = 0; port < FORWARD_PORTS; port++)
		port_start(port);
}

/* ---- Frames ---- */

enum { ETHERNET = 14, IPV4 = 20, VERSION4 = 0x45, MORE = 0x2000, LATER = 0x00b9 };

static void write_be16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void write_ipv4(uint8_t *ip, const struct bench_packet *p)
{
	memset(ip, 0, IPV4);
	ip[0] = VERSION4;
	write_be16(ip + 2, p->length);
	write_be16(ip + 6, p->fragment ? MORE | LATER : 0);
	ip[8] = 64;
	ip[9] = p->proto;
	write_be16(ip + 12, p->src >> 16);
	write_be16(ip + 14, p->src);
	write_be16(ip + 16, p->dst >> 16);
	write_be16(ip + 18, p->dst);
}

static void write_frame(struct rte_mbuf *m, const struct bench_packet *p)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *), *l4 = frame + ETHERNET + IPV4;

	memset(frame, 2, 2 * RTE_ETHER_ADDR_LEN);
	write_be16(frame + 12, RTE_ETHER_TYPE_IPV4);
	write_ipv4(frame + ETHERNET, p);
	memset(l4, 0, 20);
	write_be16(l4, p->sport);
	write_be16(l4 + 2, p->dport);
	l4[12] = 0x50;
	l4[13] = p->proto == IPPROTO_TCP ? p->tcp_flags : 0;
	m->data_len = (uint16_t)(ETHERNET + p->length);
	m->pkt_len = m->data_len;
}

void forward_fill(const struct bench_packet *packets, size_t n)
{
	static struct rte_mbuf *all[FORWARD_FRAMES];

	for (uint32_t q = 0; q < queue_count; q++) {
		if (rte_mempool_get_bulk(queues[q].frames, (void **)all, FORWARD_FRAMES) != 0)
			bench_fail("a buffer was lost");
		for (size_t i = 0; i < FORWARD_FRAMES; i++) {
			rte_pktmbuf_reset(all[i]);
			write_frame(all[i], &packets[i % n]);
		}
		rte_mempool_put_bulk(queues[q].frames, (void **)all, FORWARD_FRAMES);
	}
}

void forward_pace(double packets_per_s, bool latency)
{
	static uint64_t bins[FORWARD_QUEUES_MAX][FORWARD_BINS];

	memset(bins, 0, sizeof(bins));
	for (uint32_t q = 0; q < queue_count; q++) {
		queues[q].gap = packets_per_s > 0 ? (double)rte_get_tsc_hz() / packets_per_s : 0;
		queues[q].next = (double)rte_rdtsc();
		queues[q].given = queues[q].late = queues[q].sent = 0;
		queues[q].bins = latency ? bins[q] : NULL;
	}
}
