/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages with descriptors (unix(7), SCM_RIGHTS). */
#include "ctrl/daemon/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET_OCTETS = 1 << 20 };

union control {
	struct cmsghdr align;
	char octets[CMSG_SPACE(FG_LINK_FDS_MAX * sizeof(int))];
};

int fg_link_send(int socket, const struct iovec *piece, size_t pieces, const int *fds, size_t n)
{
	union control control = { 0 };
	struct msghdr m = { .msg_iov = (struct iovec *)(uintptr_t)piece, .msg_iovlen = pieces };

	if (n > 0) {
		m.msg_control = control.octets;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.align.cmsg_level = SOL_SOCKET;
		control.align.cmsg_type = SCM_RIGHTS;
		control.align.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.align), fds, n * sizeof(int));
	}
	return sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int fg_link_tell(int socket, enum fg_link_kind kind, const void *body, size_t octets, const int *fds, size_t n)
{
	uint32_t head[2] = { kind, (uint32_t)octets };
	struct iovec piece[] = { { head, sizeof(head) }, { (void *)(uintptr_t)body, octets } };

	return fg_link_send(socket, piece, octets > 0 ? 2 : 1, fds, n);
}

static void take_fds(struct msghdr *m, int *fds, size_t *n)
{
	size_t room = *n;

	*n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (*n < room)
				fds[(*n)++] = fd;
			else
				close(fd);
		}
	}
}

ssize_t fg_link_receive(int socket, void *to, size_t room, int *fds, size_t *n)
{
	union control control;
	struct iovec piece = { to, room };
	struct msghdr m = { .msg_iov = &piece,
			    .msg_iovlen = 1,
			    .msg_control = control.octets,
			    .msg_controllen = sizeof(control.octets) };
	ssize_t got = recvmsg(socket, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (got < 0) {
		*n = 0;
		return -errno;
	}
	take_fds(&m, fds, n);
	return m.msg_flags & MSG_TRUNC ? -EMSGSIZE : got;
}

int fg_link_pair(int pair[2])
{
	int octets = SOCKET_OCTETS;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		if (setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof(octets)) < 0)
			setsockopt(pair[i], SOL_SOCKET, SO_SNDBUF, &octets, sizeof(octets));
	return 0;
}
