/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines on a socket that does not block, each within a time. */
#ifndef CTRL_CLIENT_LINE_H
#define CTRL_CLIENT_LINE_H

#include <stddef.h>

#include "ctrl/client/client.h"

struct fg_lines {
	int fd;
	size_t start, end; /* of what was received and not handed out */
	size_t searched;   /* from start on: there is no newline */
	char octets[FG_CLIENT_LINE_MAX];
};

/*
 * The next line without its newline, NUL behind it, until the next call. 0 and *line; 0 and *line NULL: stop_fd is readable.
 * -ETIMEDOUT; -EMSGSIZE: longer than FG_CLIENT_LINE_MAX; -ECONNRESET: the other side closed; -errno.
 */
int fg_lines_read(struct fg_lines *l, int timeout_ms, int stop_fd, char **line, size_t *len);
/* Sends octets, all of them. 0, -ETIMEDOUT, -EPIPE where the other side closed, -errno. */
int fg_lines_write(struct fg_lines *l, int timeout_ms, const char *octets, size_t len);

#endif
