/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate as a process: rules, images, deadlines and the dataplane are its own, in memory taken once at start. It reads records (record.h)
 * from two sockets and parses nothing else.
 */
#ifndef CTRL_GATE_GATE_H
#define CTRL_GATE_GATE_H

#include "ctrl/gate/record.h"

struct fg_gate_config {
	const char *pin_folder;
	const char *share_folder;    /* of the DPDK dataplane; NULL: the dataplane is XDP */
	uint32_t workers;            /* slots of workers there */
	uint32_t patterns;           /* octets of memory for payload patterns, of each side */
	struct fg_plane_sizes sizes; /* store_octets: FG_GATE_STORE_OCTETS(slots) */
	bool mlock;                  /* all of its memory stays in RAM */
};

#define FG_GATE_STORE_OCTETS(slots) ((size_t)(slots)*512)

/*
 * Runs until SIGTERM, FG_ASK_STOP, or until the supervisor's end of the socket is closed; enforcement stays but for a STOP that says otherwise.
 * As root it gives up all capabilities but CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON once everything is open; with DPDK all but CAP_NET_ADMIN and
 * CAP_KILL, which ends a process of the dataplane that hangs, whatever user it runs as. The caller has made the signal
 * mask empty and holds no other descriptors. `supervisor`: SOCK_SEQPACKET. The gate widens the send buffers of its own ends; the other ends must hold what they
 * send, up to FG_MESSAGE_MAX. 0; -errno, said on stderr.
 */
int fg_gate_run(const struct fg_gate_config *config, int supervisor);

#endif
