/* SPDX-License-Identifier: BSD-3-Clause */
/* The gate's event loop over any dataplane. Inside ctrl/gate, and for tests. */
#ifndef CTRL_GATE_LOOP_H
#define CTRL_GATE_LOOP_H

#include "ctrl/gate/dataplane.h"

enum fg_loop_end { FG_LOOP_STOPPED, FG_LOOP_REMOVE /* enforcement is to be taken away */ };

/* Takes all memory that will ever be needed; `opened`, which may be NULL, is called once it has. enum fg_loop_end, or -errno, said on stderr. */
int fg_loop_run(struct fg_dataplane *dataplane, const struct fg_plane_sizes *sizes, bool mlock, int supervisor,
		int (*opened)(void));

#endif
