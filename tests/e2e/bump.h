/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-dpdk in tests: the test plays the gate, the devices are files (net_pcap) or rings, and the memory is ordinary: no rights and no
 * large pages are needed. A failure fails the test.
 */
#ifndef TESTS_E2E_BUMP_H
#define TESTS_E2E_BUMP_H

#include <stdio.h>
#include <sys/types.h>

#include "ctrl/dpdk/share.h"
#include "ctrl/table/table.h"

enum { BUMP_LINES = 1 << 21, BUMP_ARGUMENTS_MAX = 32, BUMP_FRAME_MAX = 16384, BUMP_TEXT_MAX = 512, BUMP_RULES_MAX = 8 };

struct bump {
	struct fg_share share;
	struct fg_plane_memory m;
	char folder[64];         /* of the memory, and of files of the test */
	pid_t pid;               /* of flowgate-dpdk; 0: it does not run */
	uint32_t used[FG_SIDES]; /* lines of each image that bump_rules() filled */
};

/* The program, for all that follow. Exits 77 and says why where there is none. */
void bump_need(const char *program);
/* Memory for so many slots and workers, nothing published; ports in pairs, "a:b". */
void bump_open(struct bump *b, uint32_t slots, uint32_t workers, const char *const *pairs, uint32_t n, uint8_t flags);
void bump_close(struct bump *b);

/* A rule for 192.0.2.`host`, and what is done. Its slot is its place. */
struct bump_rule {
	uint8_t host;
	struct fg_actions asked;
	uint32_t redirect, copy;
};

/* Compiles rules, by host in ascending order, into the image of a side, which nobody may read. */
void bump_rules(struct bump *b, uint32_t side, const struct bump_rule *rules, size_t n);
/* UDP to 192.0.2.`host` behind so many VLAN tags, `payload` octets long. Octets of the frame. */
uint32_t bump_udp(uint8_t *frame, uint8_t host, uint32_t tags, uint32_t payload);

/* bump_start() in two steps: the memory need not be there before the second. */
void bump_launch(struct bump *b, const char *const *arguments);
void bump_ready(struct bump *b);
/* Starts it with these arguments, NULL behind the last, %F being the folder, and waits until it is ready. */
void bump_start(struct bump *b, const char *const *arguments);
/* Sends it a signal and waits for its end. As waitpid(2) says it ended. */
int bump_end(struct bump *b, int signal);
/* Waits until that port has received n packets in all. */
void bump_wait(const struct bump *b, uint8_t number, uint64_t n);
/* Counters of a port; checks that every packet received is accounted for, and that none was aborted. */
struct fg_port_counters bump_counters(const struct bump *b, uint8_t number);
/* What only flowgate-dpdk counts of a port. */
struct fg_share_port_counters bump_more(const struct bump *b, uint8_t number);
/* A target that leaves by a port; mac: NULL or the two addresses. */
void bump_target(struct bump *b, uint32_t number, enum fg_target_kind kind, uint8_t port, const uint8_t mac[12]);

/* ---- Files of packets ---- */

/* In the folder; for writing. */
FILE *bump_capture_new(const struct bump *b, const char *name);
void bump_capture_put(FILE *f, const uint8_t *frame, uint32_t len);
/* For reading. */
FILE *bump_capture_open(const struct bump *b, const char *name);
/* The next frame; false: it ends there. */
bool bump_capture_next(FILE *f, uint8_t frame[BUMP_FRAME_MAX], uint32_t *len);

#endif
