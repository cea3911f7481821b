/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP dataplane seen from its owner, the gate: one fixed program, its maps as plain memory, its ports. Maps, links
 * and program are pinned, so that packets are filtered whoever dies; whoever opens them next adopts what is there.
 *
 * Nothing here knows rules. What always holds: the program is never changed by rules, and never absent between two
 * owners.
 */
#ifndef CTRL_XDP_XDP_H
#define CTRL_XDP_XDP_H

#include <stdbool.h>
#include <stddef.h>

#include "ctrl/policy/policy.h"
#include "flowgate/counters.h"

enum { FG_XDP_ERROR_MAX = 512 };

struct fg_xdp;

struct fg_xdp_sizes {
	uint32_t image_lines; /* of each of the two images; a power of two, at least 2^21 */
	uint32_t slots;       /* rules, protect entries included */
	size_t store_octets;  /* memory of the rule store */
};

/*
 * Adopts what is pinned in the folder (on a bpffs; made where absent) if it is of this version and these sizes; otherwise
 * loads the program and pins everything anew, maps zeroed. 0; -errno and why in error[]: what was there is left.
 */
int fg_xdp_open(struct fg_xdp **x, const char *folder, const struct fg_xdp_sizes *sizes, char error[FG_XDP_ERROR_MAX]);
/* Lets go; pins and enforcement stay. */
void fg_xdp_close(struct fg_xdp *x);
/* Detaches all ports and removes all pins of a folder. 0 or -errno. */
int fg_xdp_remove(const char *folder);

/* The maps, shared with the program. */
struct fg_xdp_memory {
	bool adopted; /* there was something pinned, and it is this */
	uint8_t *image[FG_SIDES];
	struct fg_control *control;
	struct fg_action *actions; /* by slot */
	struct fg_meter *meters;   /* by slot */
	struct fg_target *targets; /* by number, [0] unused; 2 * FG_TARGETS_MAX + 1 of them */
	void *store;
};

const struct fg_xdp_memory *fg_xdp_memory(const struct fg_xdp *x);

/*
 * Returns when no packet reads what fg_control.side said before. By membarrier(MEMBARRIER_CMD_GLOBAL), or where that
 * is refused (nohz_full) by a map operation that waits for all readers. 0 or -errno.
 */
int fg_xdp_drain(struct fg_xdp *x);

/* Why an interface cannot be used, or is used with less than asked for. */
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
	FG_PORT_REASONS
};

struct fg_port_status {
	uint32_t ifindex;
	uint8_t reason;   /* enum fg_port_reason */
	uint8_t mode;     /* enum fg_xdp_mode it is attached in; FG_XDP_AUTO: it is not */
	bool degraded;    /* generic mode */
	bool adopted;     /* the pinned link was there already */
	char detail[128]; /* what was refused, what was changed (`turned off GRO`), or "" */
};

const char *fg_port_reason_name(enum fg_port_reason reason);

/*
 * Preflight, then attaches by a pinned link; a port that is attached already is brought to this configuration. Sets
 * *status. 0; -errno only where nothing can be said of the port.
 */
int fg_xdp_attach(struct fg_xdp *x, const struct fg_port_config *config, uint8_t number, struct fg_port_status *status);
/* 0, or -ENOENT where it is not attached. */
int fg_xdp_detach(struct fg_xdp *x, const char *name);
/* Sets what is attached and not in the list free. */
int fg_xdp_keep_only(struct fg_xdp *x, const struct fg_port_config *ports, size_t n);

/* Fills targets[number] so that packets go there; its interface must be able to send (ndo_xdp_xmit). 0 or -errno. */
int fg_xdp_target(struct fg_xdp *x, uint32_t number, const struct fg_target_config *config);

/* Counters of n rules from a slot on, summed over all cores. 0 or -errno. No allocation. */
int fg_xdp_rule_counters(struct fg_xdp *x, uint32_t slot, uint32_t n, struct fg_rule_counters *out);
/* Zeroes a rule's counters, for its slot is given to another. 0 or -errno. */
int fg_xdp_rule_reset(struct fg_xdp *x, uint32_t slot);
int fg_xdp_port_counters(struct fg_xdp *x, uint8_t number, struct fg_port_counters *out);

/* Descriptor that is readable when there are samples; -1: none. */
int fg_xdp_samples_fd(const struct fg_xdp *x);
/* Hands over up to `most` samples. How many there were, or -errno. */
int fg_xdp_samples(struct fg_xdp *x, void (*take)(void *ctx, const struct fg_sample *sample), void *ctx, int most);

#endif
