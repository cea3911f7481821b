/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames for test runs of XDP programs, shared by xdp_rotate.bpf.c and its owner. */
#ifndef BENCH_XDP_H
#define BENCH_XDP_H

#include <stdint.h>

/* A flow is what differs between frames: from the sender's address on, so that EtherType and headers are words of a frame of FRAME octets. */
enum {
	XDP_FLOWS_MAX = 1 << 17,
	XDP_FLOW_AT = 6,
	XDP_FLOW_WORDS = 8,
	XDP_FRAME_OCTETS = XDP_FLOW_AT + 8 * XDP_FLOW_WORDS
};

struct xdp_flow {
	uint64_t word[XDP_FLOW_WORDS];
};

struct xdp_place {
	uint32_t at, mask;
};

#endif
