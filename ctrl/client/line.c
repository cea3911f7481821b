/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lines on a socket. In: a socket that does not block. Out: lines, one at a time, from a buffer of fixed size; what is longer than
 * it is an error and never stored. A time is one for the whole line, so that an octet now and then does not prolong it.
 */
#include "ctrl/client/line.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* When a wait of timeout_ms from now ends; -1: never. */
static long long end_ms(int timeout_ms)
{
	return timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
}

/* Waits for `events` up to a time. 1: they are there; 0: stop_fd is readable; -errno. */
static int wait_for(const struct fg_lines *l, short events, long long end, int stop_fd)
{
	struct pollfd p[2] = { { .fd = l->fd, .events = events }, { .fd = stop_fd, .events = POLLIN } };
	int n;

	do {
		long long left = end < 0 ? -1 : end - now_ms();

		if (end >= 0 && left <= 0)
			return -ETIMEDOUT;
		n = poll(p, 2, (int)left);
	} while (n == 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return -errno;
	return p[1].revents == 0;
}

/* A line that is whole, handed out. NULL: none is. */
static char *line_take(struct fg_lines *l, size_t *len)
{
	char *from = l->octets + l->start, *newline = memchr(from + l->searched, '\n', l->end - l->start - l->searched);

	l->searched = l->end - l->start;
	if (newline == NULL)
		return NULL;
	*newline = '\0';
	*len = (size_t)(newline - from);
	l->start += *len + 1;
	l->searched = 0;
	return from;
}

/* Moves what is left to the front and receives behind it. 0 or -errno; -EAGAIN: there is nothing yet. */
static int receive(struct fg_lines *l)
{
	ssize_t n;

	memmove(l->octets, l->octets + l->start, l->end - l->start);
	l->end -= l->start;
	l->start = 0;
	if (l->end == sizeof(l->octets))
		return -EMSGSIZE;
	n = recv(l->fd, l->octets + l->end, sizeof(l->octets) - l->end, 0);
	if (n < 0)
		return -errno;
	l->end += (size_t)n;
	return n == 0 ? -ECONNRESET : 0;
}

int fg_lines_read(struct fg_lines *l, int timeout_ms, int stop_fd, char **line, size_t *len)
{
	long long end = end_ms(timeout_ms);

	for (;;) {
		int r;

		*line = line_take(l, len);
		if (*line != NULL)
			return 0;
		r = wait_for(l, POLLIN, end, stop_fd);
		if (r <= 0)
			return r;
		r = receive(l);
		if (r != 0 && r != -EAGAIN && r != -EINTR)
			return r;
	}
}

int fg_lines_write(struct fg_lines *l, int timeout_ms, const char *octets, size_t len)
{
	long long end = end_ms(timeout_ms);

	while (len > 0) {
		ssize_t n = send(l->fd, octets, len, MSG_NOSIGNAL);
		int r = 1;

		if (n >= 0) {
			octets += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN || errno == EINTR) {
			r = wait_for(l, POLLOUT, end, -1);
		} else {
			return -errno;
		}
		if (r < 0)
			return r;
	}
	return 0;
}
