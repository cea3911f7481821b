/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of a capture, and who is measured with them: sizing.c, and of xdp.c the test runs. */
#ifndef BENCH_SIZING_H
#define BENCH_SIZING_H

#include "bench/harness.h"

enum { BENCH_HEAD_OCTETS = 70 };

/* What of a frame is looked at. */
struct bench_head {
	uint8_t octets[BENCH_HEAD_OCTETS];
	uint32_t len, missing; /* octets there are, and those of the frame behind them */
};

/* An image and BENCH_POOL frames for test runs of the XDP program; all rules discard. False: why[] says. */
bool bench_xdp_heads_load(const struct bench_head *heads, const void *image, size_t octets, size_t rules,
			  char why[BENCH_WHY_MAX]);
/* Once through the frames. Nanoseconds a packet, and packets that a rule applied to. */
double bench_xdp_heads_round(uint64_t *hits);

/* Exit code of `flowgate-bench sizing`. */
int bench_sizing(const char *rules, const char *capture, bool json);

#endif
