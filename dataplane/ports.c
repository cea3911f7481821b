/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Devices (ports.h). A device has one receive and one send queue for each worker; where it has fewer receive queues, the workers behind them
 * do not receive from it, but every worker must be able to send. Nothing is left to the device that would change a frame.
 */
#include "dataplane/ports.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "dataplane/eal.h"

enum { JUMBO_MTU = 9216 };

__attribute__((format(printf, 3, 4))) static int fail(char *error, int r, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error, FG_OPTIONS_ERROR_MAX, format, args);
	va_end(args);
	return r;
}

static uint16_t at_most(uint32_t n, uint16_t most)
{
	return (uint16_t)(n < most ? n : most);
}

/* Spread over the queues by addresses and ports, as far as the device can. */
static void set_rss(struct rte_eth_conf *conf, const struct rte_eth_dev_info *info, uint16_t queues)
{
	uint64_t can = info->flow_type_rss_offloads & (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP);

	if (queues < 2 || can == 0)
		return;
	conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
	conf->rx_adv_conf.rss_conf.rss_hf = can;
}

static int configure(struct fg_device *d, const struct rte_eth_dev_info *info)
{
	struct rte_eth_conf conf = { 0 };

	conf.rxmode.offloads = info->rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER;
	conf.txmode.offloads = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	set_rss(&conf, info, d->rx_queues);
	return rte_eth_dev_configure(d->id, d->rx_queues, d->tx_queues, &conf);
}

static int make_queues(struct fg_device *d, struct rte_mempool *pool)
{
	uint16_t rx = FG_RX_DESCRIPTORS, tx = FG_TX_DESCRIPTORS;
	int r = rte_eth_dev_adjust_nb_rx_tx_desc(d->id, &rx, &tx);

	for (uint16_t q = 0; q < d->rx_queues && r == 0; q++)
		r = rte_eth_rx_queue_setup(d->id, q, rx, (unsigned)rte_eth_dev_socket_id(d->id), NULL, pool);
	for (uint16_t q = 0; q < d->tx_queues && r == 0; q++)
		r = rte_eth_tx_queue_setup(d->id, q, tx, (unsigned)rte_eth_dev_socket_id(d->id), NULL);
	return r;
}

/* The widest frames a NIC takes. An interface of the kernel's keeps the MTU that its owner gave it. */
static void widen(const struct fg_device *d, const struct rte_eth_dev_info *info, bool pci)
{
	if (pci)
		(void)rte_eth_dev_set_mtu(d->id, at_most(JUMBO_MTU, info->max_mtu));
}

static int start(struct fg_device *d)
{
	struct rte_ether_addr mac;
	int r = rte_eth_dev_start(d->id);

	if (r != 0)
		return r;
	d->started = true;
	(void)rte_eth_promiscuous_enable(d->id);
	if (rte_eth_macaddr_get(d->id, &mac) == 0)
		memcpy(d->mac, mac.addr_bytes, sizeof(d->mac));
	return 0;
}

static int device_start(struct fg_device *d, const struct fg_port_option *p, uint32_t workers, struct rte_mempool *pool,
			char *error)
{
	char name[FG_DEVICE_TEXT_MAX];
	struct rte_eth_dev_info info;
	int r;

	fg_device_name(p->device, name);
	if (rte_eth_dev_get_port_by_name(name, &d->id) != 0 || rte_eth_dev_info_get(d->id, &info) != 0)
		return fail(error, -ENODEV, "port %s: DPDK has no device %s", p->name, name);
	if (info.max_tx_queues < workers)
		return fail(error, -ENOSPC, "port %s: %s has %u send queues, and each of %u workers needs one", p->name,
			    name, info.max_tx_queues, workers);
	d->rx_queues = at_most(workers, info.max_rx_queues);
	d->tx_queues = (uint16_t)workers;
	r = configure(d, &info);
	if (r == 0) {
		widen(d, &info, fg_device_is_pci(p->device));
		r = make_queues(d, pool);
	}
	if (r == 0)
		r = start(d);
	return r == 0 ? 0 : fail(error, r, "port %s: %s does not start: %s", p->name, name, rte_strerror(-r));
}

int fg_devices_start(struct fg_devices *d, const struct fg_options *o, char error[FG_OPTIONS_ERROR_MAX])
{
	uint32_t mbufs = fg_eal_mbufs(o), cache = mbufs < 8 * FG_MBUF_CACHE * o->cpus ? 0 : FG_MBUF_CACHE;
	int r = 0;

	d->pool = rte_pktmbuf_pool_create("packets", mbufs, cache, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (d->pool == NULL)
		return fail(error, -rte_errno, "no memory for %u packet buffers: %s", mbufs, rte_strerror(rte_errno));
	for (uint8_t i = 0; i < o->ports && r == 0; i++) {
		memcpy(d->names.name[i], o->port[i].name, sizeof(d->names.name[i]));
		d->names.count = (uint8_t)(i + 1);
		r = device_start(&d->at[i], &o->port[i], o->cpus, d->pool, error);
	}
	return r;
}

void fg_devices_stop(struct fg_devices *d)
{
	for (uint8_t i = 0; i < d->names.count; i++)
		if (d->at[i].started) {
			(void)rte_eth_dev_stop(d->at[i].id);
			(void)rte_eth_dev_close(d->at[i].id);
		}
}
