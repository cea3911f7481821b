/* SPDX-License-Identifier: BSD-3-Clause */
/* What there is to see of a dataplane that is a process, for Status, Health and metrics. */
#ifndef CTRL_DAEMON_PLANE_H
#define CTRL_DAEMON_PLANE_H

#include <jansson.h>

#include "ctrl/gate/record.h"

/* Bounds as promised, whatever was received. */
bool fg_plane_ok(const struct fg_plane_status *p);
/* A Dpdk of the interface; NULL: the dataplane is XDP. clock_offset_ns makes CLOCK_MONOTONIC CLOCK_REALTIME. */
json_t *fg_plane_object(const struct fg_plane_status *p, uint64_t clock_offset_ns);
/* A Device of the interface; NULL: the dataplane is XDP, or has no device for this port. */
json_t *fg_plane_device(const struct fg_plane_status *p, uint32_t port);
/* Adds what is wrong with workers. */
void fg_plane_problems(const struct fg_plane_status *p, json_t *problems);

#endif
