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

enum {
	FG_SHARE_ERROR_MAX = 512,
	FG_SHARE_PATH_MAX = 256,
	FG_SHARE_FILES = 3,
	FG_SHARE_TARGETS = 2 * FG_TARGETS_MAX + 1, /* [0] unused */
	FG_SHARE_LOOK_MS = 100,                    /* between two calls of fg_share_look() */
};

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
	uint32_t fenced_pid;
	struct fg_share_seen seen[FG_WORKERS_MAX];
	uint64_t devices_seen; /* a hash of what devices were last like */
	/* ports.c */
	struct fg_target_config target[FG_SHARE_TARGETS]; /* as configured; made good when a device comes */
	bool target_wanted[FG_SHARE_TARGETS];
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

/* The pid of a process of the dataplane that lives on the files of a folder; 0: none does. */
uint32_t fg_share_running(const char *folder);
/* The path of the lock of who starts that process, and hands the lock to it. False: too long. */
bool fg_share_lock_path(const char *folder, char out[FG_SHARE_PATH_MAX]);

void fg_share_memory(const struct fg_share *s, struct fg_plane_memory *memory);

/* ---- epoch.c ---- */

/*
 * Returns when no worker reads what fg_control.side said before. Slots of processes that have ended are freed; one that lives and does not
 * pass in FG_EPOCH_WAIT_MS is killed. 0; -EPERM and others of kill(2): such a one is left, and may read what was.
 */
int fg_share_drain(struct fg_share *s);
/*
 * To be called each FG_SHARE_LOOK_MS: frees slots of the dead, and kills who does not pass although nobody waits. True: processes or
 * devices are not as they were.
 */
bool fg_share_look(struct fg_share *s);
/* The instance that a device of a port is to be looked for in: one that is ready, or one that lives; NULL: none lives. */
const struct fg_share_instance *fg_share_ready(const struct fg_share *s);

/* ---- ports.c ---- */

/* What the ports are, all of them; targets are made good. */
void fg_share_ports(struct fg_share *s, const struct fg_port_config *ports, size_t n);
/* How one of them stands. */
void fg_share_port_status(const struct fg_share *s, const struct fg_port_config *config, uint8_t number,
			  struct fg_port_status *status);
/*
 * Where packets to a target go. An interface is the name of a port, and its neighbour's MAC is configured; a next hop alone is that of a
 * configured target. 0; -EINVAL: no such number; -EHOSTUNREACH: no configured target has this next hop.
 */
int fg_share_target(struct fg_share *s, uint32_t number, const struct fg_target_config *config);

/* ---- counters.c ---- */

void fg_share_rule_counters(const struct fg_share *s, uint32_t slot, uint32_t n, struct fg_rule_counters *out);
void fg_share_rule_reset(struct fg_share *s, uint32_t slot);
void fg_share_port_counters(const struct fg_share *s, uint8_t number, struct fg_port_counters *out);
/* Hands over up to `most` samples. How many there were. */
int fg_share_samples(struct fg_share *s, void (*take)(void *ctx, const struct fg_sample *sample), void *ctx, int most);
void fg_share_status(const struct fg_share *s, struct fg_plane_status *out);

#endif
