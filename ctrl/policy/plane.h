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

struct fg_share_patterns;

/* What packets read, and what is kept for the next gate. Shared with the dataplane. */
struct fg_plane_memory {
	bool adopted; /* a predecessor left it */
	uint8_t *image[FG_SIDES];
	struct fg_control *control;
	struct fg_action *actions; /* by slot */
	struct fg_meter *meters;   /* by slot */
	struct fg_target *targets; /* by number, [0] unused; 2 * FG_TARGETS_MAX + 1 of them */
	/* Of a dataplane that does payload patterns; otherwise all 0. */
	uint32_t *numbers[FG_SIDES]; /* of patterns, by slot */
	struct fg_share_patterns *patterns[FG_SIDES];
	uint32_t pattern_octets; /* room of each database and its texts */
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

enum { FG_PLANE_DPDK = 3 }; /* beside enum fg_xdp_mode */

struct fg_port_status {
	uint32_t ifindex; /* 0 where the port is no interface */
	uint8_t reason;   /* enum fg_port_reason */
	uint8_t mode;     /* enum fg_xdp_mode it is attached in, or FG_PLANE_DPDK; FG_XDP_AUTO: it is not */
	bool degraded;    /* generic mode */
	bool adopted;     /* it was in use already */
	char detail[128]; /* what was refused, what was changed (`turned off GRO`), or "" */
};

/*
 * What there is to see of a dataplane that is a process. All of it is what that process says, in range but not to be relied on: a
 * driver's counters may lie.
 */
enum { FG_PLANE_INSTANCES_MAX = 2, FG_PLANE_WORKERS_MAX = 64 };

struct fg_plane_instance {
	uint32_t pid;
	uint8_t ready, form; /* form: enum fg_burst_form of its matcher */
	uint16_t workers;
	uint64_t started_ns, forwarding_ns; /* CLOCK_MONOTONIC; 0: not yet */
};

struct fg_plane_worker {
	uint32_t pid, lcore;
	uint32_t age_ms;    /* of its heartbeat: since it was last seen to have moved */
	uint32_t skipped_s; /* since it last looked at no payload for want of time; UINT32_MAX: never */
	uint64_t turns, busy;
};

struct fg_plane_port {
	uint8_t used, link_up;
	uint8_t mac[6];
	uint32_t speed_mbps;
	uint16_t rx_queues, tx_queues;
	uint64_t device_received, device_missed, device_errors, device_sent, device_no_mbuf; /* the driver's */
	uint64_t tx_full, no_mbuf, payload_skipped;                                          /* ours */
};

struct fg_plane_status {
	uint32_t dpdk;   /* 0: XDP, and nothing of the rest */
	uint32_t fenced; /* processes that were killed, for they did not pass from one generation to the next */
	uint32_t ended;  /* and those that were found dead */
	uint32_t instances, workers, pad;
	struct fg_plane_instance instance[FG_PLANE_INSTANCES_MAX];
	struct fg_plane_worker worker[FG_PLANE_WORKERS_MAX];
	struct fg_plane_port port[FG_PORTS_MAX];
};

const char *fg_port_reason_name(enum fg_port_reason reason);

#endif
