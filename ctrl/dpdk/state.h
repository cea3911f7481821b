/* SPDX-License-Identifier: BSD-3-Clause */
/* What the sources of ctrl/dpdk say to each other. */
#ifndef CTRL_DPDK_STATE_H
#define CTRL_DPDK_STATE_H

#include "ctrl/dpdk/share.h"

/* epoch.c: processes and workers into a status that is zero. */
void fg_share_processes(const struct fg_share *s, struct fg_plane_status *out);
/* ports.c: targets, by what devices are now. */
void fg_share_targets(struct fg_share *s);

#endif
