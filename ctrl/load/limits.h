/* SPDX-License-Identifier: BSD-3-Clause */
/* What rules may use: of `limits { … }` in a file, or the defaults. UINT64_MAX and UINT32_MAX: no limit of ours. */
#ifndef CTRL_LOAD_LIMITS_H
#define CTRL_LOAD_LIMITS_H

#include <stddef.h>

#include "ctrl/rule/lint.h"

enum {
	FG_SOURCES_MAX = 64,          /* sources with limits of their own */
	FG_INPUT_RULES_MAX = 1 << 22, /* rules of one load; their numbers must fit a slot word */
};

/* One source's, or one rule's. */
struct fg_limit {
	char source[FG_NAME_MAX + 1]; /* "" for the limits of one rule */
	uint64_t bytes;               /* of image */
	uint64_t lines;               /* read for the worst packet; of one rule only */
	uint64_t slots;               /* rules; of a source only */
};

struct fg_limits {
	uint64_t bytes; /* of the whole image, the destination table included */
	uint64_t lines; /* the most that any packet reads; below FG_STEPS_MAX */
	uint64_t slots;
	struct fg_limit rule;
	struct fg_limit source[FG_SOURCES_MAX];
	size_t sources;
	struct fg_lint_limits lint;
	uint8_t shortest_dst
		[FG_FAMILY_COUNT]; /* destination prefix length from which on a rule is narrow enough; 0: any */
};

/*
 * Serves 50k ordinary rules: 256 MiB of image, of which 64 MiB are the IPv4 destination table; 1536 lines a packet;
 * no lint against an MTU, no shortest prefix.
 */
void fg_limits_default(struct fg_limits *l);

/*
 * Reads `limits { … }` from text over *l. Words: bytes, lines, slots (or rules), mtu, shortest-ipv4, shortest-ipv6;
 * in `rule { }` bytes and lines; in `source NAME { }` bytes and slots. 0; FG_MALFORMED: error[] holds
 * FILE:LINE:COLUMN and why; -errno. *l is untouched unless 0.
 */
int fg_limits_read(struct fg_limits *l, const char *file, const char *text, size_t len, char error[1024]);

#endif
