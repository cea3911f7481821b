/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules and the packets that go with them, for flowgate-bench-xdp. The same on every machine. */
#ifndef BENCH_XDP_CASES_H
#define BENCH_XDP_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgate/action.h"

enum { XDP_FLOWS_MAX = 1 << 20, XDP_FLOW_OCTETS = 56 };

/* Headers of a flow: IPv4 or IPv6, and UDP. */
struct xdp_flow {
	uint8_t octets[XDP_FLOW_OCTETS];
};

enum xdp_rules {
	XDP_RULES_SPREAD,  /* each of a destination of its own */
	XDP_RULES_GROUP,   /* all of one destination: ports and lengths */
	XDP_RULES_FULL,    /* likewise, every field constrained */
	XDP_RULES_SOURCES, /* likewise, each of a source of its own */
};

struct xdp_case {
	const char *name;
	enum xdp_rules kind;
	uint32_t rules;
	bool ipv6;
	bool hits; /* packets are made to match a rule */
};

extern const struct xdp_case xdp_cases[];
extern const size_t xdp_cases_count;

/* Fills the image, and the actions by slot. Ends the program where the image is too small. */
void xdp_case_compile(const struct xdp_case *c, uint8_t *image, uint32_t lines, struct fg_action *actions);
void xdp_case_flows(const struct xdp_case *c, struct xdp_flow *flows, uint32_t count);

#endif
