/* SPDX-License-Identifier: BSD-3-Clause */
/* What DPDK's telemetry socket says of us: /flowgate/status, /flowgate/ports, /flowgate/workers. */
#ifndef DATAPLANE_TELEMETRY_H
#define DATAPLANE_TELEMETRY_H

#include "dataplane/watch.h"

/* Before workers run; *p must stay. */
void fg_telemetry_start(const struct fg_plane *p);

#endif
