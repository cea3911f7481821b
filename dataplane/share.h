/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that the gate made (flowgate/share.h), from the dataplane's side: mapped, checked, and places in it taken and given back. What
 * is of another version is refused, never read. The sizes are the gate's, read once and checked against the files.
 */
#ifndef DATAPLANE_SHARE_H
#define DATAPLANE_SHARE_H

#include <stdbool.h>
#include <sys/types.h>

#include "flowgate/share.h"

enum { FG_SHARED_ERROR_MAX = 512, FG_SHARED_PATH_MAX = 256 };

struct fg_shared {
	struct fg_share_sizes sizes;
	struct fg_share_layout layout;
	const struct fg_share_tables *tables;
	struct fg_share_live *live;
	size_t tables_octets, live_octets; /* mapped */
	ino_t made;                        /* of the file `tables` */
	uint64_t start_ticks;              /* of this process */
	int instance;                      /* -1: none is taken */
};

/* 0; -EAGAIN: not there, or not finished yet; -EPROTO: of another version, -EINVAL: of sizes that cannot be, -errno: why is in error[]. */
int fg_shared_open(struct fg_shared *s, const char *folder, char error[FG_SHARED_ERROR_MAX]);
void fg_shared_close(struct fg_shared *s);
/* The files in the folder are no longer those that are mapped: the gate has made others. */
bool fg_shared_replaced(const struct fg_shared *s, const char *folder);

/* Takes an instance for this process. False: all are taken. */
bool fg_shared_claim(struct fg_shared *s);
/* It is still this process's: nobody took it for dead. */
bool fg_shared_holds(const struct fg_shared *s);
/* A worker's slot for this instance; -1: all are taken. */
int fg_shared_claim_worker(struct fg_shared *s, uint32_t lcore);
/* Gives back the slots, workers first, then the instance. All workers have ended. */
void fg_shared_release(struct fg_shared *s);

/* Parts of the files. */
const uint8_t *fg_shared_image(const struct fg_shared *s, uint32_t side);
const struct fg_action *fg_shared_actions(const struct fg_shared *s);
const struct fg_target *fg_shared_targets(const struct fg_shared *s);
/* Numbers of patterns by slot, and the head of a database, which lies behind it. */
const uint32_t *fg_shared_numbers(const struct fg_shared *s, uint32_t side);
const struct fg_share_patterns *fg_shared_patterns(const struct fg_shared *s, uint32_t side);
struct fg_meter *fg_shared_meters(const struct fg_shared *s);
/* Of the worker of that slot. */
struct fg_share_port_counters *fg_shared_ports(const struct fg_shared *s, uint32_t worker);
struct fg_rule_counters *fg_shared_rules(const struct fg_shared *s, uint32_t worker);
struct fg_sample *fg_shared_samples(const struct fg_shared *s, uint32_t worker);

/* This process's instance. */
struct fg_share_instance *fg_shared_instance(const struct fg_shared *s);

#endif
