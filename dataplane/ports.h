/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices by the names of ports: found, configured, started. */
#ifndef DATAPLANE_PORTS_H
#define DATAPLANE_PORTS_H

#include "dataplane/options.h"
#include "dataplane/setup.h"

struct rte_mempool;

struct fg_device {
	uint16_t id; /* DPDK's */
	uint16_t rx_queues, tx_queues;
	uint8_t mac[6];
	bool started;
};

struct fg_devices {
	struct fg_names names;
	struct fg_device at[FG_PORTS_MAX]; /* in the order of the names */
	struct rte_mempool *pool;
};

/* All of them, each with a queue for each worker. 0 or -errno, and why in error[]. */
int fg_devices_start(struct fg_devices *d, const struct fg_options *o, char error[FG_OPTIONS_ERROR_MAX]);
void fg_devices_stop(struct fg_devices *d);

#endif
