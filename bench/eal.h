/* SPDX-License-Identifier: BSD-3-Clause */
/* DPDK in this process, of which there can be one: started by who needs it first (eal.c). */
#ifndef BENCH_EAL_H
#define BENCH_EAL_H

#include <stdbool.h>

/* Starts it where it has not been, on the core of the measurements. True: in huge pages. */
bool bench_eal_start(void);

#endif
