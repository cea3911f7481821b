/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the gate wants of ports and targets, in terms of our devices. Each thread has a copy of its own, taken anew when the gate has written:
 * so one burst sees one state, and no target is missing that a rule of its image names.
 *
 * What always holds: every number in it is below the size of what it is a place in.
 */
#ifndef DATAPLANE_SETUP_H
#define DATAPLANE_SETUP_H

#include "dataplane/share.h"

enum { FG_DEVICE_NONE = 0xff, FG_TARGETS_ALL = 2 * FG_TARGETS_MAX + 1, FG_SETUP_TRIES = 4 };

/* Names of our devices, in the order of the command line. */
struct fg_names {
	char name[FG_PORTS_MAX][FG_DEVICE_NAME_OCTETS];
	uint8_t count;
};

/* A device of ours that is a port: what comes by it, and where what passes leaves. */
struct fg_line_card {
	bool forwards;  /* it is a port that is used, and its peer has a device */
	uint8_t flags;  /* of enum fg_port_flag */
	uint8_t number; /* of the port; of meaning where `used` */
	uint8_t peer;   /* device */
	bool used;
};

struct fg_way_out {
	uint8_t kind;   /* enum fg_target_kind; FG_TARGET_NONE: there is no way */
	uint8_t device; /* where it leaves */
	bool addressed; /* mac_dst and mac_src are written */
	uint8_t mac_dst[6], mac_src[6];
};

struct fg_setup {
	uint32_t version; /* of struct fg_share_tables that it was taken from */
	struct fg_line_card device[FG_PORTS_MAX];
	struct fg_way_out target[FG_TARGETS_ALL];
};

/* Nothing is known yet: no device forwards. */
void fg_setup_start(struct fg_setup *setup);
/* Takes over what the gate has written since, if it is not writing. */
void fg_setup_follow(struct fg_setup *setup, const struct fg_shared *s, const struct fg_names *names);

/* Whether there is something to take over: one read, on a line that is read for each burst anyway. */
FG_INLINE bool fg_setup_is_old(const struct fg_setup *setup, const struct fg_share_tables *tables)
{
	return __atomic_load_n(&tables->ports_version, __ATOMIC_ACQUIRE) != setup->version;
}

#endif
