/* SPDX-License-Identifier: GPL-2.0-only OR BSD-3-Clause */
/*
 * Maps of the XDP program. Their sizes here are the smallest; who loads the program sets them (flowgate/xdp.h). What the
 * gate writes is mapped into its memory; what is counted is kept by core.
 */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define FG_LINE_CUSTOM
#include "flowgate/packet.h"
#include "flowgate/table.h"
#include "flowgate/xdp.h"

/* Needed below, but fg_line() must come first. */
struct fg_view {
	const uint8_t *base; /* page 0 of the image */
	uint32_t first;      /* its number */
};

/*
 * Read where they are used: kept in a variable they may lie on the stack, four octets of which the verifier forgets. It would
 * then keep, for an image of one page, the way through several and the tests of what is found there.
 */
struct fg_xdp_box box;
const volatile struct fg_xdp_constants constants SEC(".rodata.constants");

#define MAPPED_ARRAY(name, entries, shape)                                                                             \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(map_flags, BPF_F_MMAPABLE);                                                                     \
		__uint(max_entries, entries);                                                                          \
		__uint(key_size, sizeof(uint32_t));                                                                    \
		__uint(value_size, sizeof(shape));                                                                     \
	} name SEC(".maps")

MAPPED_ARRAY(actions, 1, struct fg_action);
MAPPED_ARRAY(meters, 1, struct fg_meter);
MAPPED_ARRAY(targets, FG_TARGETS, struct fg_target);
MAPPED_ARRAY(images, FG_SIDES, struct fg_image); /* pages of side 0, then of side 1 */
MAPPED_ARRAY(store, 1, uint64_t);                /* the gate's; no packet looks at it */
MAPPED_ARRAY(stamp, 1, struct fg_xdp_stamp);     /* likewise */

#define CPU_ARRAY(name, entries, shape)                                                                                \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                                               \
		__uint(max_entries, entries);                                                                          \
		__uint(key_size, sizeof(uint32_t));                                                                    \
		__uint(value_size, sizeof(shape));                                                                     \
	} name SEC(".maps")

CPU_ARRAY(rule_counters, 1, struct fg_rule_counters);
CPU_ARRAY(port_counters, FG_PORTS_MAX, struct fg_port_counters);

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, FG_TX_MAX);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(struct bpf_devmap_val));
} tx SEC(".maps");

/* The peer of a port and the interface of a target: a packet sent to all of them is a packet and its copy. */
struct copy_pair {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(struct bpf_devmap_val));
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, FG_COPIES_MAX + 1);
	__uint(key_size, sizeof(uint32_t));
	__array(values, struct copy_pair);
} copies SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FG_TARGETS);
	__uint(key_size, sizeof(uint32_t));
	__uint(value_size, sizeof(struct fg_copy_macs));
} copy_macs SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, FG_SAMPLE_RING_OCTETS);
} samples SEC(".maps");

#endif
