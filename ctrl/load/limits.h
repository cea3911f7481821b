/* SPDX-License-Identifier: BSD-3-Clause */
/* `limits { … }` of a file into struct fg_limits (ctrl/policy/policy.h). */
#ifndef CTRL_LOAD_LIMITS_H
#define CTRL_LOAD_LIMITS_H

#include "ctrl/policy/policy.h"
#include "ctrl/text/text.h"

/*
 * Reads `limits { … }` from text over *l. Words: bytes, lines, slots (or rules), mtu, shortest-ipv4, shortest-ipv6,
 * pattern-bytes, scan-octets; in `rule { }` bytes, lines and pattern-bytes; in `source NAME { }` bytes and slots. 0; FG_MALFORMED: error[] holds
 * FILE:LINE:COLUMN and why; -errno. *l is untouched unless 0.
 */
int fg_limits_read(struct fg_limits *l, const char *file, const char *text, size_t len, char error[1024]);

/* One word of `limits { … }`, as a reader of text gets it, into *l. 0, or FG_MALFORMED and why. */
int fg_limits_take(struct fg_limits *l, const char *file, const struct fg_text_limit *word, char error[1024]);

#endif
