/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames for test runs of XDP programs, shared by xdp_rotate.bpf.c and its owner. */
#ifndef BENCH_XDP_H
#define BENCH_XDP_H

#include <stdint.h>

enum { XDP_FLOWS_MAX = 1 << 17, XDP_HEADER_WORDS = 7, XDP_ETHERNET_OCTETS = 14 };

/* Headers of a flow from the IP header on. */
struct xdp_flow {
	uint64_t word[XDP_HEADER_WORDS];
};

struct xdp_place {
	uint32_t at, mask;
};

#endif
