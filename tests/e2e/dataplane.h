/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP dataplane in tests: opened in a network and mount namespace of the test's own, so that nothing of the machine is
 * touched and nothing is left. A failure fails the test.
 */
#ifndef TESTS_E2E_DATAPLANE_H
#define TESTS_E2E_DATAPLANE_H

#include "ctrl/xdp/state.h"

enum { DATAPLANE_LINES = 1 << 21, DATAPLANE_FRAME_MAX = 8192, LOOPBACK = 1, DATAPLANE_RULES_MAX = 16 };

struct dataplane {
	struct fg_xdp *x;
	const struct fg_plane_memory *m;
	char folder[64];
	uint32_t used[FG_SIDES]; /* lines of each image that dataplane_rules() filled */
};

/* Exits 77 and says why where it cannot be opened at all. Stays on this CPU. */
void dataplane_need(void);
/* In a folder of its own, with the loopback as port 0 (of which test runs are) and these flags beside FG_PORT_USED. */
void dataplane_open(struct dataplane *d, uint32_t slots, uint8_t flags);
/* As it would be after its owner died: nothing is removed. */
void dataplane_leave(struct dataplane *d);
void dataplane_close(struct dataplane *d);
/* Runs the program once on a frame, which is then as it left it. The XDP code. */
uint32_t dataplane_run(const struct dataplane *d, uint8_t *frame, uint32_t *len);
/* Reads counters of port 0; checks that every packet received is accounted for and none was aborted. */
struct fg_port_counters dataplane_counters(const struct dataplane *d);
/* Makes a rule of that slot ask for this. */
void dataplane_action(const struct dataplane *d, uint32_t slot, const struct fg_actions *asked, uint32_t redirect,
		      uint32_t copy);
/* A rule in short: an IPv4 or IPv6 (`host` of 2001:db8::/32) destination, and what is done. Its slot is its place. */
struct dataplane_rule {
	uint8_t dst[4];
	uint8_t host; /* not 0: IPv6 */
	uint8_t bits; /* of the IPv4 destination */
	struct fg_actions asked;
	uint32_t redirect, copy;
};

/* Compiles up to DATAPLANE_RULES_MAX of them, in evaluation order, into the image of a side, and sets their actions. */
void dataplane_rules(struct dataplane *d, uint32_t side, const struct dataplane_rule *rules, size_t n);
/* Fails the test where the command does. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
