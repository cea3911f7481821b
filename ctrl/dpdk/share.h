/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory of the DPDK dataplane seen from its owner, the gate: three files in a folder (flowgate/share.h), made or adopted, and what is
 * read from and written to them. Reading order: share.c opens; epoch.c waits for workers and sees who has ended; process.c says whether a
 * pid is still who it was; ports.c says what ports and targets are; counters.c adds up and hands over samples.
 *
 * What always holds: what the other side wrote is checked before it is used, and never decides over more than the other side's own; behind
 * fg_share_open() nothing is allocated.
 */
#ifndef CTRL_DPDK_SHARE_H
#define CTRL_DPDK_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "ctrl/policy/plane.h"
#include "ctrl/policy/policy.h"
#include "flowgate/share.h"

enum { FG_SHARE_ERROR_MAX = 512, FG_SHARE_PATH_MAX = 256, FG_SHARE_FILES = 3 };

/* What the gate has seen of a worker. */
struct fg_share_seen {
	uint64_t heartbeat;
	uint64_t moved_ns; /* CLOCK_MONOTONIC of when that was last another */
};

struct fg_share {
	struct fg_share_sizes sizes;
	struct fg_share_layout layout;
	size_t store_octets;
	bool adopted;
	struct fg_share_tables *tables;
	struct fg_share_live *live;
	void *store;
	void *mapped[FG_SHARE_FILES];
	size_t mapped_octets[FG_SHARE_FILES];
	/* epoch.c */
	uint64_t epoch;     /* the last that was raised */
	uint64_t raised_ns; /* and when */
	uint32_t looks;     /* since then */
	uint32_t fenced;    /* processes that were killed, for they did not pass */
	uint32_t ended;     /* and those that were found dead */
	uint64_t drains;
	struct fg_share_seen seen[FG_WORKERS_MAX];
	uint64_t ports_seen; /* of what devices were last like */
	/* ports.c */
	struct fg_target_config target[FG_TARGETS_MAX]; /* as configured; made good when a device comes */
	bool wanted[FG_TARGETS_MAX];
};

/*
 * Adopts what is in the folder if it is of this version and these sizes; otherwise, where no process of the dataplane lives on it, makes it
 * anew, zeroed, with all of its memory taken. store_octets: of the rule store. 0; -errno and why in error[]: what was there is left.
 * -EBUSY: a process lives on what is of another version or other sizes.
 */
int fg_share_open(struct fg_share *s, const char *folder, const struct fg_share_sizes *sizes, size_t store_octets,
		  char error[FG_SHARE_ERROR_MAX]);
/* Lets go; files and enforcement stay. */
void fg_share_close(struct fg_share *s);
/*
 * Ends all processes of the dataplane, SIGTERM first, and removes the files. 0 (nothing there too); -EPROTO: of another version, so nobody
 * knows who lives on it; -errno.
 */
int fg_share_remove(const char *folder);

void fg_share_memory(const struct fg_share *s, struct fg_plane_memory *memory);

#endif
