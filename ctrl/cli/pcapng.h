/* SPDX-License-Identifier: BSD-3-Clause */
/* A pcapng file of sampled Ethernet frames, each with comments (draft-ietf-opsawg-pcapng). */
#ifndef CTRL_CLI_PCAPNG_H
#define CTRL_CLI_PCAPNG_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	FG_PCAPNG_INTERFACES_MAX = 64,
	FG_PCAPNG_NAME_MAX = 63,
	FG_PCAPNG_COMMENT_MAX = 255,
	FG_PCAPNG_FRAME_MAX = 4096, /* octets kept of a frame */
	FG_PCAPNG_COMMENTS = 2,
};

struct fg_pcapng {
	FILE *file;
	char interface[FG_PCAPNG_INTERFACES_MAX][FG_PCAPNG_NAME_MAX + 1];
	uint32_t interfaces;
};

struct fg_pcapng_frame {
	const char *interface;
	uint64_t time_ns; /* since 1970 */
	uint32_t length;  /* on the wire */
	const uint8_t *octets;
	uint32_t captured;                       /* at most FG_PCAPNG_FRAME_MAX */
	const char *comment[FG_PCAPNG_COMMENTS]; /* NULL: none */
};

/* Writes the section header. 0 or -errno. The file stays the caller's. */
int fg_pcapng_start(struct fg_pcapng *p, FILE *file);
/*
 * Writes a frame, and its interface's description before the first of it; the file is whole after each. 0, -errno; -ENOSPC: too
 * many interfaces.
 */
int fg_pcapng_write(struct fg_pcapng *p, const struct fg_pcapng_frame *f);

#endif
