/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the XDP program and who loads it agree on beside the shapes of counters.h: constants, which are set before the
 * program is loaded and which the verifier then knows, and who is who in the maps.
 */
#ifndef FLOWGATE_XDP_H
#define FLOWGATE_XDP_H

#include <stdint.h>

#include "flowgate/counters.h"

enum {
	FG_XDP_VERSION = 2,                  /* of program and maps: others are not adopted */
	FG_TARGETS = 2 * FG_TARGETS_MAX + 1, /* targets[0] is not used */
	FG_TX_TARGET = FG_PORTS_MAX,         /* map `tx`: peers by the number of their port, then targets */
	FG_TX_MAX = FG_TX_TARGET + FG_TARGETS,
	/* Map `copies`: number of the port * FG_TARGETS + target; one more, that is only written, to wait for readers. */
	FG_COPIES_MAX = FG_PORTS_MAX * FG_TARGETS,
	FG_SAMPLE_RING_OCTETS = 1 << 20,
};

/* All of section .bss: a map of one value, which the program reads without looking it up. The gate writes it. */
struct fg_xdp_box {
	struct fg_control control;
	struct fg_port ports[FG_IFINDEX_MAX];
};

/* In section .rodata.constants. */
struct fg_xdp_constants {
	uint64_t page_octets; /* of one page of an image, a power of two, FG_PAGE_LINES lines at most */
	uint32_t line_mask;   /* lines of a page - 1 */
	uint32_t pages;       /* of one image, a power of two; more than one only where a page has FG_PAGE_LINES */
};

/* What is pinned: the only element of map `stamp`. */
struct fg_xdp_stamp {
	uint32_t version, image_lines, slots, ports;
	uint64_t store_octets;
	uint64_t program; /* hash of the object the program was loaded from */
};

/* Addresses that a copy gets which leaves by an interface: map `copy_macs`, by interface number. */
struct fg_copy_macs {
	uint8_t mac_dst[6], mac_src[6];
};

#endif
