/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK's environment (EAL), from our options. */
#ifndef DATAPLANE_EAL_H
#define DATAPLANE_EAL_H

#include "dataplane/burst.h"
#include "dataplane/options.h"

/*
 * Starts it. The main thread is lcore 0, on the CPU that watches; lcore n is worker n - 1, on its CPU, which may be the same one. `instance`
 * and the folder make the name that its files have. 0 or -errno, and why in error[].
 */
int fg_eal_start(const struct fg_options *o, int instance, char error[FG_OPTIONS_ERROR_MAX]);
/* Which form of the burst matcher works: the best, up to what --force-max-simd-bitwidth=N says. */
enum fg_burst_form fg_eal_form(const struct fg_options *o);
/* How many packet buffers: as asked for, or what queues and bursts of all workers take. */
uint32_t fg_eal_mbufs(const struct fg_options *o);

enum { FG_RX_DESCRIPTORS = 1024, FG_TX_DESCRIPTORS = 1024, FG_MBUF_CACHE = 256 };

#endif
