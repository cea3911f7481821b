/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The devices (forward.h). Each pair's receiving and sending go through receive() and deliver() here, which give so many packets or so many a second, and
 * know what was lost and sent; below them is a driver, or the replay: buffers are a first-in-first-out pool, and one that is received is made to point at the
 * next frame of the traffic and gets its length, as a driver does that fills in a descriptor. All frames lie in 16 MiB, so that they come
 * from a far cache, as from a NIC, and not from memory.
 */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pcap/pcap.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

#include "bench/eal.h"
#include "bench/forward.h"

enum {
	STRIDE = 128, /* of frames of which there is the head alone */
	ETHERNET = 14,
	FRAME_MAX = 2560, /* drawn packets may be longer than an Ethernet's */
	REPLAY_BUFFERS = (1 << 13) - 1,
	DRIVER_BUFFERS = 8192, /* as testpmd is given */
	DRIVER_CACHE = 250,    /* testpmd's own */
	DESCRIPTORS = 512,
	NAME_ROOM = 64
};

_Static_assert(ETHERNET + (int)BENCH_HEADERS_OCTETS <= STRIDE, "headers have room");

static struct {
	struct bench_memory frames;
	uint16_t octets[BENCH_POOL];
} traffic;

static struct forward_pair pairs[FORWARD_SOURCES];
static const char pcap_name[] = "net_pcap0";
static int capture; /* the file that it reads, which has no name */

/* ---- What a queue gives, and what comes back ---- */

/* Where its place in the pool, or when it was due, is written. */
static uint64_t *mark(struct rte_mbuf *m)
{
	return (uint64_t *)(void *)m->dynfield1;
}

/* Packets that have come by now, n at most. */
static uint16_t due(struct forward_queue *q, uint16_t n)
{
	double now = (double)rte_rdtsc(), waiting;

	if (now >= q->end) {
		__atomic_store_n(&q->stop, true, __ATOMIC_RELAXED);
		return 0;
	}
	waiting = q->next > now ? 0 : (now - q->next) / q->gap + 1;
	if (waiting > FORWARD_LATE_MAX) {
		uint64_t lost = (uint64_t)(waiting - FORWARD_LATE_MAX);

		q->late += lost;
		q->next += (double)lost * q->gap;
		waiting = FORWARD_LATE_MAX;
	}
	return waiting < n ? (uint16_t)waiting : n;
}

static void mark_all(const struct forward_queue *q, struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		*mark(m[i]) = q->run.sent != NULL ? (q->at + i) % BENCH_POOL : (uint64_t)(q->next + i * q->gap);
}

static uint16_t receive(void *queue, struct rte_mbuf **to, uint16_t n)
{
	struct forward_queue *q = queue;

	if (q->gap != 0)
		n = due(q, n);
	else if (n > q->left)
		n = (uint16_t)q->left;
	if (n == 0)
		return 0;
	n = q->take(q->take_from, to, n);
	if (q->run.sent != NULL || q->run.latencies != NULL)
		mark_all(q, to, n);
	q->at = (q->at + n) % BENCH_POOL;
	q->next += n * q->gap;
	q->given += n;
	q->left -= n;
	if (q->left == 0)
		__atomic_store_n(&q->stop, true, __ATOMIC_RELAXED);
	return n;
}

static void note(struct forward_queue *q, struct rte_mbuf **m, uint16_t n)
{
	uint64_t now = rte_rdtsc();

	for (uint16_t i = 0; i < n; i++) {
		uint64_t marked = *mark(m[i]);

		if (q->run.sent != NULL)
			q->run.sent[marked] = 1;
		else
			bench_histogram_add(q->run.latencies, now > marked ? now - marked : 0);
	}
}

static uint16_t deliver(void *queue, struct rte_mbuf **from, uint16_t n)
{
	struct forward_queue *q = queue;

	if (q->run.sent != NULL || q->run.latencies != NULL)
		note(q, from, n);
	return q->put(q->put_into, from, n);
}

void forward_queue_begin(struct forward_queue *q, const struct forward_run *run)
{
	double hz = (double)rte_get_tsc_hz();

	q->run = *run;
	if (run->latencies != NULL) {
		memset(run->latencies, 0, sizeof(*run->latencies));
		run->latencies->ns = 1e9 / hz;
	}
	q->left = run->packets_per_s > 0 ? UINT64_MAX : run->packets;
	q->gap = run->packets_per_s > 0 ? hz / run->packets_per_s : 0;
	q->given = q->late = 0;
	q->stop = false;
	q->next = (double)rte_rdtsc();
	q->end = q->next + (double)run->ns * hz / 1e9;
}

/* ---- The replay ---- */

static uint16_t take_frames(void *queue, struct rte_mbuf **to, uint16_t n)
{
	const struct forward_queue *q = queue;

	if (rte_mempool_get_bulk(q->buffers, (void **)to, n) != 0)
		return 0;
	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(to[i]);
	for (uint16_t i = 0; i < n; i++) {
		uint32_t at = (q->at + i) % BENCH_POOL;

		to[i]->buf_addr = (uint8_t *)traffic.frames.at + (size_t)at * STRIDE;
		to[i]->data_off = 0;
		to[i]->ol_flags = 0;
		to[i]->data_len = traffic.octets[at];
		to[i]->pkt_len = traffic.octets[at];
	}
	return n;
}

static uint16_t give_back(void *queue, struct rte_mbuf **from, uint16_t n)
{
	(void)queue;
	rte_pktmbuf_free_bulk(from, n);
	return n;
}

/* ---- Frames ---- */

static void put_frame(uint8_t out[STRIDE], const struct bench_packet *p)
{
	uint16_t type = p->ipv6 ? RTE_BE16(RTE_ETHER_TYPE_IPV6) : RTE_BE16(RTE_ETHER_TYPE_IPV4);

	memset(out, 0, STRIDE);
	memset(out, 2, 2 * RTE_ETHER_ADDR_LEN);
	memcpy(out + 2 * RTE_ETHER_ADDR_LEN, &type, sizeof(type));
	bench_packet_headers(p, out + ETHERNET);
}

static uint16_t frame_octets(const struct bench_packet *p)
{
	uint32_t octets = ETHERNET + p->length + (p->ipv6 ? (uint32_t)BENCH_IPV6_MORE : 0);

	if (octets > FRAME_MAX)
		bench_fail("a frame of %u octets does not go into a buffer", octets);
	return (uint16_t)octets;
}

/* The whole frame is in it, for net_pcap gives what is there. */
static void write_capture(const struct bench_packet *packets, size_t n)
{
	pcap_t *ethernet = pcap_open_dead(DLT_EN10MB, FRAME_MAX);
	FILE *file = fdopen(dup(capture), "w");
	pcap_dumper_t *out =
		ethernet != NULL && file != NULL && ftruncate(capture, 0) == 0 && lseek(capture, 0, SEEK_SET) == 0
			? pcap_dump_fopen(ethernet, file)
			: NULL;
	static uint8_t frame[FRAME_MAX];

	if (out == NULL)
		bench_fail("no capture can be written");
	for (size_t i = 0; i < n; i++) {
		uint16_t octets = frame_octets(&packets[i]);

		put_frame(frame, &packets[i]);
		pcap_dump((u_char *)out, &(struct pcap_pkthdr){ .caplen = octets, .len = octets }, frame);
	}
	if (pcap_dump_flush(out) != 0)
		bench_fail("no room for a capture");
	pcap_dump_close(out);
	pcap_close(ethernet);
}

/* ---- Devices ---- */

static uint16_t add_device(const char *name, const char *arguments)
{
	uint16_t port;

	if (rte_eal_hotplug_add("vdev", name, arguments) != 0 || rte_eth_dev_get_port_by_name(name, &port) != 0)
		bench_fail("%s,%s: no such device: %s", name, arguments, rte_strerror(rte_errno));
	return port;
}

static void start_device(uint16_t port, uint16_t queues, struct rte_mempool *const buffers[])
{
	const struct rte_eth_conf conf = { 0 };
	bool good = rte_eth_dev_configure(port, queues, queues, &conf) == 0;

	for (uint16_t q = 0; good && q < queues; q++)
		good = rte_eth_rx_queue_setup(port, q, DESCRIPTORS, 0, NULL, buffers[q]) == 0 &&
		       rte_eth_tx_queue_setup(port, q, DESCRIPTORS, 0, NULL) == 0;
	if (!good || rte_eth_dev_start(port) != 0)
		bench_fail("device %u does not start: %s", port, rte_strerror(rte_errno));
}

/* What DPDK calls for a device that has been started is ours, and ours calls the driver or the replay. */
static void take_from(struct forward_pair *p, uint16_t queues, bool replay)
{
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[p->rx];

	for (uint16_t i = 0; i < queues; i++) {
		struct forward_queue *q = &p->queue[i];

		q->take = replay ? take_frames : ops->rx_pkt_burst;
		q->take_from = replay ? q : ops->rxq.data[i];
		p->data[i] = q;
	}
	ops->rx_pkt_burst = receive;
	ops->rxq.data = p->data;
}

static void put_into(struct forward_pair *p, uint16_t queues, bool replay)
{
	struct rte_eth_fp_ops *ops = &rte_eth_fp_ops[p->tx];

	for (uint16_t i = 0; i < queues; i++) {
		struct forward_queue *q = &p->queue[i];

		q->put = replay ? give_back : ops->tx_pkt_burst;
		q->put_into = replay ? q : ops->txq.data[i];
		p->data[i] = q;
	}
	ops->tx_pkt_burst = deliver;
	ops->txq.data = p->data;
}

/* NULL: there is no memory for them. */
static struct rte_mempool *make_buffers(const char *what, uint32_t i, uint32_t n, uint32_t cache, uint16_t room,
					const char *ops)
{
	char name[NAME_ROOM];

	snprintf(name, sizeof(name), "%s%u", what, i);
	return rte_pktmbuf_pool_create_by_ops(name, n, cache, 0, room, SOCKET_ID_ANY, ops);
}

/* Buffers not from a cache: one must come again last. Both devices are net_null, of which nothing is used but that it is there. */
static bool open_replay(struct forward_pair *p)
{
	struct rte_mempool *buffers[FORWARD_QUEUES];

	for (uint32_t q = 0; q < FORWARD_QUEUES; q++) {
		buffers[q] = make_buffers("replay", q, REPLAY_BUFFERS, 0, RTE_MBUF_DEFAULT_BUF_SIZE, "ring_sp_sc");
		if (buffers[q] == NULL)
			return false;
		p->queue[q].buffers = buffers[q];
	}
	bench_memory_get(&traffic.frames, (size_t)BENCH_POOL * STRIDE);
	p->rx = add_device("net_null0", "");
	p->tx = add_device("net_null1", "");
	start_device(p->rx, FORWARD_QUEUES, buffers);
	start_device(p->tx, FORWARD_QUEUES, buffers);
	take_from(p, FORWARD_QUEUES, true);
	put_into(p, FORWARD_QUEUES, true);
	return true;
}

static bool open_null(struct forward_pair *p)
{
	struct rte_mempool *buffers =
		make_buffers("null", 0, DRIVER_BUFFERS, DRIVER_CACHE, RTE_MBUF_DEFAULT_BUF_SIZE, "ring_mp_mc");

	if (buffers == NULL)
		return false;
	p->rx = add_device("net_null2", "");
	p->tx = add_device("net_null3", "");
	start_device(p->rx, 1, &buffers);
	start_device(p->tx, 1, &buffers);
	take_from(p, 1, false);
	put_into(p, 1, false);
	return true;
}

static void add_pcap(struct forward_pair *p, const struct bench_packet *packets, size_t n)
{
	char arguments[NAME_ROOM];

	write_capture(packets, n);
	snprintf(arguments, sizeof(arguments), "rx_pcap=/proc/self/fd/%d,infinite_rx=1", capture);
	p->rx = add_device(pcap_name, arguments);
	start_device(p->rx, 1, &p->queue[0].buffers);
	take_from(p, 1, false);
}

/* The first capture is of one packet: loops want to know the number of the device. */
static bool open_pcap(struct forward_pair *p)
{
	static const struct bench_packet any = { .length = FG_LENGTH4_MIN };

	p->queue[0].buffers = make_buffers("pcap", 0, BENCH_POOL + DRIVER_BUFFERS, DRIVER_CACHE,
					   FRAME_MAX + RTE_PKTMBUF_HEADROOM, "ring_mp_mc");
	if (p->queue[0].buffers == NULL)
		return false;
	capture = memfd_create("traffic", MFD_CLOEXEC);
	if (capture < 0)
		bench_fail("no memory for a capture");
	p->tx = add_device("net_null4", "");
	start_device(p->tx, 1, &p->queue[0].buffers);
	put_into(p, 1, false);
	add_pcap(p, &any, 1);
	return true;
}

struct forward_pair *forward_pair(enum forward_source source, char why[BENCH_WHY_MAX])
{
	static bool (*const open[FORWARD_SOURCES])(struct forward_pair *) = { open_replay, open_pcap, open_null };
	struct forward_pair *p = &pairs[source];

	if (!bench_eal_start()) {
		snprintf(why, BENCH_WHY_MAX, "no huge page of memory is free");
		return NULL;
	}
	if (!p->open && !open[source](p)) {
		snprintf(why, BENCH_WHY_MAX, "no memory for its buffers: %s", rte_strerror(rte_errno));
		return NULL;
	}
	p->open = true;
	return p;
}

/* ---- Traffic ---- */

static void load_replay(const struct bench_pool *pool)
{
	for (size_t i = 0; i < BENCH_POOL; i++) {
		put_frame((uint8_t *)traffic.frames.at + i * STRIDE, &pool->packets[i]);
		traffic.octets[i] = frame_octets(&pool->packets[i]);
	}
}

/* Its device is made anew, and gets its number again. */
static void load_pcap(struct forward_pair *p, const struct bench_pool *pool)
{
	uint16_t before = p->rx;

	if (rte_eth_dev_stop(p->rx) != 0 || rte_eal_hotplug_remove("vdev", pcap_name) != 0)
		bench_fail("%s does not go", pcap_name);
	add_pcap(p, pool->packets, BENCH_POOL);
	if (p->rx != before)
		bench_fail("%s has another number", pcap_name);
}

void forward_pair_load(enum forward_source source, const struct bench_pool *pool)
{
	struct forward_pair *p = &pairs[source];

	if (p->serial == pool->serial)
		return;
	for (uint32_t q = 0; q < FORWARD_QUEUES; q++)
		p->queue[q].at = 0;
	if (source == FORWARD_REPLAY)
		load_replay(pool);
	else if (source == FORWARD_PCAP)
		load_pcap(p, pool);
	p->serial = pool->serial;
}
