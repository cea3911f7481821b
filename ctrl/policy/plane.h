/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the gate and a dataplane, XDP or DPDK, say of each other: how large things are, where they are in memory, and how a port
 * stands. Shapes only.
 */
#ifndef CTRL_POLICY_PLANE_H
#define CTRL_POLICY_PLANE_H

#include <stdbool.h>
#include <stddef.h>

#include "flowgate/counters.h"

struct fg_plane_sizes {
	uint32_t image_lines; /* of each of the two images; a power of two, at least 2^21 */
	uint32_t slots;       /* rules, protect entries included */
	size_t store_octets;  /* memory of the rule store */
};

/* What packets read, and what is kept for the next gate. Shared with the dataplane. */
struct fg_plane_memory {
	bool adopted; /* a predecessor left it */
	uint8_t *image[FG_SIDES];
	struct fg_control *control;
	struct fg_action *actions; /* by slot */
	struct fg_meter *meters;   /* by slot */
	struct fg_target *targets; /* by number, [0] unused; 2 * FG_TARGETS_MAX + 1 of them */
	void *store;
};

/* Why a port cannot be used, or is used with less than asked for. */
enum fg_port_reason {
	FG_PORT_OK = 0,
	FG_PORT_ABSENT,       /* no such interface */
	FG_PORT_NUMBER,       /* interface number of FG_IFINDEX_MAX and more */
	FG_PORT_TAKEN,        /* another program is attached */
	FG_PORT_NO_NATIVE,    /* native mode was asked for and the driver has none */
	FG_PORT_LRO,          /* large receive offload is on and cannot be turned off */
	FG_PORT_VLAN_OFFLOAD, /* likewise receive VLAN offload: tags would be hidden */
	FG_PORT_GRO_GENERIC,  /* likewise GRO, in generic mode: merged packets have no true length */
	FG_PORT_PEER_NO_XMIT, /* the peer of a pair cannot take redirected frames */
	FG_PORT_REFUSED,      /* the kernel refused, see detail */
	FG_PORT_NO_PROCESS,   /* flowgate-dpdk does not run, or is not ready yet */
	FG_PORT_NO_DEVICE,    /* flowgate-dpdk has no device of that name */
	FG_PORT_LINK_DOWN,    /* its device has no link */
	FG_PORT_HOST,         /* flowgate-dpdk forwards pairs only */
	FG_PORT_REASONS
};

struct fg_port_status {
	uint32_t ifindex;
	uint8_t reason;   /* enum fg_port_reason */
	uint8_t mode;     /* enum fg_xdp_mode it is attached in; FG_XDP_AUTO: it is not */
	bool degraded;    /* generic mode */
	bool adopted;     /* it was in use already */
	char detail[128]; /* what was refused, what was changed (`turned off GRO`), or "" */
};

const char *fg_port_reason_name(enum fg_port_reason reason);

#endif
