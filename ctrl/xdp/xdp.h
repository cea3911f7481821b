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

#include "ctrl/policy/plane.h"
#include "ctrl/policy/policy.h"

enum { FG_XDP_ERROR_MAX = 512 };

struct fg_xdp;

/*
 * Adopts what is pinned in the folder (on a bpffs; made where absent) if it is of this version and these sizes; otherwise
 * loads the program and pins everything anew, maps zeroed. 0; -errno and why in error[]: what was there is left.
 */
int fg_xdp_open(struct fg_xdp **x, const char *folder, const struct fg_plane_sizes *sizes,
		char error[FG_XDP_ERROR_MAX]);
/* Lets go; pins and enforcement stay. */
void fg_xdp_close(struct fg_xdp *x);
/* Detaches all ports and removes all pins of a folder. 0 or -errno. */
int fg_xdp_remove(const char *folder);

/*
 * Where nothing is attached to a port that is to be closed on failure, attaches what lets no IP packet through; fg_xdp_attach() takes its
 * place. What was closed so and is not to be any more is let go. Needs no dataplane. 0, or -errno and why in error[] of one that failed.
 */
int fg_xdp_shut(const char *folder, const struct fg_port_config *ports, size_t n, char error[FG_XDP_ERROR_MAX]);

/* The maps, shared with the program. */
const struct fg_plane_memory *fg_xdp_memory(const struct fg_xdp *x);

/*
 * Returns when no packet reads what fg_control.side said before. By membarrier(MEMBARRIER_CMD_GLOBAL), or where that
 * is refused (nohz_full) by a map operation that waits for all readers. 0 or -errno.
 */
int fg_xdp_drain(struct fg_xdp *x);

/*
 * Preflight, then attaches by a pinned link; a port that is attached already is brought to this configuration. Sets
 * *status. 0; -errno only where nothing can be said of the port. `number`, below FG_PORTS_MAX, is what its counters are asked by; one that is attached
 * may be given another, and packets do not see it.
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
/* Of the port that was given this number last. 0 or -errno. */
int fg_xdp_port_counters(struct fg_xdp *x, uint8_t number, struct fg_port_counters *out);

/* Descriptor that is readable when there are samples; -1: none. */
int fg_xdp_samples_fd(const struct fg_xdp *x);
/* Hands over up to `most` samples. How many there were, or -errno. */
int fg_xdp_samples(struct fg_xdp *x, void (*take)(void *ctx, const struct fg_sample *sample), void *ctx, int most);

#endif
