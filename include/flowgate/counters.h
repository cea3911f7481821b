/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a dataplane and the gate share beside the image: which image is read, what the ports are, where redirects go,
 * and what was counted. Counters are kept by slot, outside the images, one copy a core, so that they are exact
 * without atomics and survive every update.
 *
 * Conservation, at rest: received = passed + dropped + redirected + aborted of a port. In `pair` forwarding a packet that
 * passes leaves by the peer and still counts as passed: what is lost after that is the device's to say.
 */
#ifndef FLOWGATE_COUNTERS_H
#define FLOWGATE_COUNTERS_H

#include <stdint.h>

#include "flowgate/action.h"
#include "flowgate/limits.h"

/* fg_control.side: the image that is read, or none: then nothing is enforced, protected or counted by rule. */
enum { FG_SIDE_NONE = FG_SIDES };

enum fg_control_flag {
	FG_CONTROL_SHADOW = 1,      /* verdicts are counted, nothing is done */
	FG_CONTROL_SAMPLE_PASS = 2, /* packets that pass by a rule are sampled too, not only dropped ones */
};

/* Written by the gate alone; a packet reads `side` once. */
struct fg_control {
	uint32_t side;
	uint32_t flags;         /* of enum fg_control_flag */
	uint32_t sample_gap_ns; /* between two samples of one rule on one core */
	uint32_t samples_per_s; /* of all rules on one core; 0: none */
	uint8_t pad[48];
};

enum fg_port_flag {
	FG_PORT_USED = 1,
	FG_PORT_PAIR = 2, /* what passes leaves by `peer`; otherwise the kernel gets it */
	FG_PORT_DROP_MALFORMED = 4,
	FG_PORT_DROP_NO_NEIGHBOUR = 8,
	FG_PORT_CLOSED = 16, /* no IP packet passes while no image is read */
};

/* By interface number. */
struct fg_port {
	uint8_t flags;  /* of enum fg_port_flag */
	uint8_t number; /* place of its counters, below FG_PORTS_MAX */
	uint16_t pad;
	uint32_t peer; /* interface number */
};

enum fg_target_kind { FG_TARGET_NONE = 0, FG_TARGET_ROUTED, FG_TARGET_INTERFACE };

/* Where a redirect or copy goes, by number from 1. fg_action.redirect and .copy are such numbers. */
struct fg_target {
	uint8_t kind; /* routed: next hop by the kernel's table; interface: the frame as it is, with these addresses */
	uint8_t family; /* enum fg_family of next_hop */
	uint16_t pad;
	uint32_t ifindex; /* FG_TARGET_INTERFACE */
	uint8_t next_hop[16];
	uint8_t mac_dst[6], mac_src[6]; /* all zero: the frame keeps those it has */
	uint8_t spare[4];
};

_Static_assert(sizeof(struct fg_target) % 8 == 0, "a map keeps them without gaps");

struct fg_count {
	uint64_t packets, bytes; /* IP octets */
};

/* Of one rule on one core. What was redirected is matched, and neither passed nor dropped. */
struct fg_rule_counters {
	struct fg_count matched, passed, dropped;
	uint64_t last_ns;    /* CLOCK_MONOTONIC of the last match */
	uint64_t sampled_ns; /* and of the last sample */
};

_Static_assert(sizeof(struct fg_rule_counters) == FG_LINE_OCTETS, "one line");

enum { FG_VERDICTS = 3 };

/* Of one port on one core. Bytes of what is no IP are those of the frame. */
struct fg_port_counters {
	struct fg_count received;
	struct fg_count by[FG_VERDICTS][FG_CAUSE_COUNT];
	struct fg_count aborted; /* a map was not there: never */
	/*
	 * Redirects that had no way out: a next hop without an address yet, a way that leads back, no target, or no time to
	 * live. Part of passed or dropped, with cause `redirect`.
	 */
	struct fg_count no_neighbour;
	struct fg_count copied; /* copies asked for and handed to the device, beside what became of the packet */
	/* Those for which there was no way: not in `pair` forwarding, or redirected as well; by XDP of frames in several buffers too. */
	uint64_t copies_lost;
	uint64_t samples, samples_lost;
};

/* One sampled packet, in the ring buffer. */
struct fg_sample {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	uint32_t slot;
	uint32_t ifindex;
	uint32_t frame_len;
	uint16_t captured; /* octets of data[] */
	uint8_t verdict;   /* enum fg_verdict_kind */
	uint8_t cause;     /* enum fg_cause */
	uint8_t data[FG_SAMPLE_OCTETS];
};

#endif
