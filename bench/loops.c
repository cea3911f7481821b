/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loops that ours is compared with (forward.h), each as short as it can be: one only forwards, as testpmd does in its mode `io`; one reads
 * headers, asks rte_acl for a whole burst and drops what a rule applies to, as the l3fwd-acl of DPDK's examples does.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "bench/acl.h"
#include "bench/forward.h"

struct simple_loop {
	struct forward_pair *pair;
	struct bench_acl *acl;
	uint64_t dropped;
};

static struct forward_loop make(struct forward_pair *pair, struct bench_acl *acl, void (*run)(void *, uint32_t),
				uint64_t (*dropped)(void *, uint32_t), void (*close)(void *))
{
	struct simple_loop *l = bench_alloc(1, sizeof(*l));

	*l = (struct simple_loop){ pair, acl, 0 };
	return (struct forward_loop){ l, run, dropped, close };
}

static uint64_t dropped(void *ctx, uint32_t queue)
{
	(void)queue;
	return ((const struct simple_loop *)ctx)->dropped;
}

static void send_all(uint16_t port, uint32_t queue, struct rte_mbuf **m, uint16_t n)
{
	uint16_t sent = rte_eth_tx_burst(port, (uint16_t)queue, m, n);

	if (sent < n)
		rte_pktmbuf_free_bulk(m + sent, (unsigned int)(n - sent));
}

static void run_io(void *ctx, uint32_t queue)
{
	const struct forward_pair *pair = ((const struct simple_loop *)ctx)->pair;
	const bool *stop = &pair->queue[queue].stop;
	struct rte_mbuf *m[BENCH_BURST];

	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		uint16_t n = rte_eth_rx_burst(pair->rx, (uint16_t)queue, m, BENCH_BURST);

		if (n > 0)
			send_all(pair->tx, queue, m, n);
	}
}

struct forward_loop forward_io(struct forward_pair *pair)
{
	return make(pair, NULL, run_io, dropped, free);
}

/* ---- rte_acl ---- */

enum { AHEAD = 4, ETHERNET = 14, SHORTEST = 28 /* UDP without data */, OFFSET = 0x1fff };

static void read_key(const struct rte_mbuf *m, struct bench_acl_key *key)
{
	const struct rte_ether_hdr *ethernet = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const uint8_t *ip = (const uint8_t *)(ethernet + 1);
	const uint8_t *l4 = ip + (size_t)(ip[0] & 15) * 4;
	bool fragment;

	if (ethernet->ether_type != RTE_BE16(RTE_ETHER_TYPE_IPV4) || m->data_len < ETHERNET + SHORTEST) {
		memset(key, 0, sizeof(*key));
		return;
	}
	memcpy(&key->length_be, ip + 2, 2);
	fragment = ((ip[6] << 8 | ip[7]) & OFFSET) != 0;
	key->proto = ip[9];
	memcpy(&key->src_be, ip + 12, 4);
	memcpy(&key->dst_be, ip + 16, 4);
	key->fragment = fragment;
	key->sport_be = key->dport_be = 0;
	key->tcp_flags = 0;
	if (fragment)
		return;
	memcpy(&key->sport_be, l4, 2);
	memcpy(&key->dport_be, l4 + 2, 2);
	if (key->proto == IPPROTO_TCP)
		key->tcp_flags = l4[13];
}

static void read_keys(struct rte_mbuf **m, uint16_t n, struct bench_acl_key *keys)
{
	for (uint16_t i = 0; i < n && i < AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], const void *));
	for (uint16_t i = 0; i < n; i++) {
		if (i + AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + AHEAD], const void *));
		read_key(m[i], &keys[i]);
	}
}

static void run_acl(void *ctx, uint32_t queue)
{
	struct simple_loop *l = ctx;
	const struct forward_pair *pair = l->pair;
	const bool *stop = &pair->queue[queue].stop;
	struct rte_mbuf *m[BENCH_BURST], *passed[BENCH_BURST], *bad[BENCH_BURST];
	struct bench_acl_key keys[BENCH_BURST];
	const uint8_t *data[BENCH_BURST];
	uint32_t result[BENCH_BURST];

	for (size_t i = 0; i < BENCH_BURST; i++)
		data[i] = (const uint8_t *)&keys[i];
	while (!__atomic_load_n(stop, __ATOMIC_RELAXED)) {
		uint16_t n = rte_eth_rx_burst(pair->rx, (uint16_t)queue, m, BENCH_BURST), good = 0, drops = 0;

		if (n == 0)
			continue;
		read_keys(m, n, keys);
		bench_acl_classify(l->acl, data, result, n);
		for (uint16_t i = 0; i < n; i++) {
			passed[good] = bad[drops] = m[i];
			good = (uint16_t)(good + (result[i] == 0));
			drops = (uint16_t)(drops + (result[i] != 0));
		}
		l->dropped += drops;
		if (drops > 0)
			rte_pktmbuf_free_bulk(bad, drops);
		if (good > 0)
			send_all(pair->tx, queue, passed, good);
	}
}

static void close_acl(void *ctx)
{
	bench_acl_free(((struct simple_loop *)ctx)->acl);
	free(ctx);
}

struct forward_loop forward_acl(struct forward_pair *pair, struct bench_acl *acl)
{
	return make(pair, acl, run_acl, dropped, close_acl);
}
