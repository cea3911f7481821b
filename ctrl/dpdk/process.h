/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether a pid that was found in shared memory is a process of the dataplane, and its end. Inside ctrl/dpdk. */
#ifndef CTRL_DPDK_PROCESS_H
#define CTRL_DPDK_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

/* It lives, began then (0: it has not said when yet), and is called FG_SHARE_COMM. Never true of 0, 1 and ourselves. */
bool fg_process_lives(uint32_t pid, uint64_t start_ticks);
/*
 * Sends it a signal if it is still who it was, and waits for its end, at most wait_ms. 0: it is gone, whoever ended it; -ETIMEDOUT: not yet;
 * -ESRCH: nobody said when it began, so nobody knows whether this is it; -EACCES:
 * /proc (hidepid) does not say who it is; -errno: it cannot be signalled.
 */
int fg_process_end(uint32_t pid, uint64_t start_ticks, int signal, int wait_ms);

#endif
