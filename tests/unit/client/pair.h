/* SPDX-License-Identifier: BSD-3-Clause */
/* A pair of sockets: one for what is tested, which does not block, the other for the test. */
#ifndef TESTS_UNIT_CLIENT_PAIR_H
#define TESTS_UNIT_CLIENT_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline int fg_pair_open(int *other)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
	assert_int_equal(fcntl(fd[0], F_SETFL, O_NONBLOCK), 0);
	*other = fd[1];
	return fd[0];
}

static inline void fg_pair_say(int other, const char *text)
{
	assert_int_equal(write(other, text, strlen(text)), strlen(text));
}

#endif
