/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Processes by pid (process.h). A pid is given anew once its process is gone, and the one found in shared memory may be anybody's: /proc says
 * who it is now, and a pidfd holds that to be the one that is signalled.
 */
#include "ctrl/dpdk/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "flowgate/share.h"

enum { STAT_OCTETS = 1024, THREADS_FIELD = 20, START_FIELD = 22 };

/* "PID (COMM) STATE …": COMM may hold anything, so what follows it is behind the last ')'. */
static bool read_stat(uint32_t pid, char text[STAT_OCTETS])
{
	char path[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, STAT_OCTETS - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return true;
}

/* A field behind COMM, by its number in proc(5). */
static uint64_t field(const char *behind, int number)
{
	const char *at = behind;

	for (int i = 3; i < number && at != NULL; i++)
		at = strchr(at + 1, ' ');
	return at != NULL ? strtoull(at, NULL, 10) : 0;
}

static bool is_called(const char *text, const char *end)
{
	const char *begin = strchr(text, '(');

	return begin != NULL && (size_t)(end - begin) == strlen(FG_SHARE_COMM) + 1 &&
	       memcmp(begin + 1, FG_SHARE_COMM, strlen(FG_SHARE_COMM)) == 0;
}

enum seen { GONE, LIVES, HIDDEN /* something of that number lives, and /proc does not say what */ };

static enum seen look_at(uint32_t pid, uint64_t start_ticks)
{
	char text[STAT_OCTETS], *end;

	if (pid <= 1 || pid > INT32_MAX || pid == (uint32_t)getpid())
		return GONE;
	if (!read_stat(pid, text))
		return kill((pid_t)pid, 0) == 0 || errno == EPERM ? HIDDEN : GONE;
	end = strrchr(text, ')');
	if (end == NULL || end[1] != ' ' || !is_called(text, end))
		return GONE;
	if (start_ticks != 0 && field(end + 1, START_FIELD) != start_ticks)
		return GONE;
	/* One that waits to be reaped is gone, but where only its first thread is. */
	return (end[2] != 'Z' && end[2] != 'X') || field(end + 1, THREADS_FIELD) > 1 ? LIVES : GONE;
}

bool fg_process_lives(uint32_t pid, uint64_t start_ticks)
{
	return look_at(pid, start_ticks) != GONE;
}

/* Whether it may be signalled: 0; 1: it is gone; -errno. */
static int may_end(uint32_t pid, uint64_t start_ticks)
{
	enum seen seen = look_at(pid, start_ticks);

	if (seen == GONE)
		return 1;
	return seen == HIDDEN ? -EACCES : start_ticks == 0 ? -ESRCH : 0;
}

int fg_process_end(uint32_t pid, uint64_t start_ticks, int signal, int wait_ms)
{
	struct pollfd on = { .events = POLLIN };
	int r = may_end(pid, start_ticks);

	if (r != 0)
		return r < 0 ? r : 0;
	on.fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	if (on.fd < 0)
		return errno == ESRCH ? 0 : -errno;
	/* Again, now that the number cannot become another's. */
	r = may_end(pid, start_ticks);
	if (r == 0 && syscall(SYS_pidfd_send_signal, on.fd, signal, NULL, 0) != 0)
		r = errno == ESRCH ? 1 : -errno;
	if (r == 0)
		r = poll(&on, 1, wait_ms) > 0 ? 1 : -ETIMEDOUT;
	close(on.fd);
	return r < 0 ? r : 0;
}
