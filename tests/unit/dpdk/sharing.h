/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shared memory of small sizes in a folder of its own, and processes that play flowgate-dpdk on it: for the tests of ctrl/dpdk. A process
 * that plays takes an instance as the real one does, and then does what it is given.
 */
#ifndef TESTS_UNIT_DPDK_SHARING_H
#define TESTS_UNIT_DPDK_SHARING_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctrl/dpdk/process.h"
#include "ctrl/dpdk/share.h"

enum { SHARING_STORE = 64 << 10 };

static const struct fg_share_sizes sharing_sizes = { .image_lines = 1 << 12, .slots = 256, .workers = 4 };
static char sharing_folder[64];

static inline void sharing_unlink(void)
{
	static const char *const names[] = { "tables", "live", "store" };
	char path[96];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", sharing_folder, names[i]);
		unlink(path);
	}
	rmdir(sharing_folder);
}

static inline void sharing_folder_new(void)
{
	if (sharing_folder[0] != '\0')
		sharing_unlink();
	snprintf(sharing_folder, sizeof(sharing_folder), "/dev/shm/flowgate-test-%d", getpid());
}

static inline int sharing_teardown(void **state)
{
	(void)state;
	sharing_unlink();
	return 0;
}

/* A file system that is too small. 0, or -errno where none may be mounted. */
static inline int sharing_small_tmpfs(const char *folder)
{
	mkdir(folder, 0700);
	return mount("tmpfs", folder, "tmpfs", 0, "size=1m") != 0 ? -errno : 0;
}

/* Field 22 of /proc/PID/stat, read in a way of its own. */
static inline uint64_t sharing_ticks(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f,
				"%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*u %*u %*d %*d "
				"%*d %*d %llu",
				&ticks),
			 1);
	fclose(f);
	return ticks;
}

static inline _Noreturn void sharing_play(struct fg_share *s, int instance, void (*play)(struct fg_share *, int),
					  int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, FG_SHARE_COMM);
	s->live->instance[instance].start_ticks = sharing_ticks(getpid());
	__atomic_store_n(&s->live->instance[instance].pid, (uint32_t)getpid(), __ATOMIC_RELEASE);
	if (write(ready, "", 1) != 1)
		_exit(1);
	if (play != NULL)
		play(s, instance);
	for (;;)
		pause();
}

/* A process of that instance; returns when it has taken it. */
static inline pid_t sharing_process(struct fg_share *s, int instance, void (*play)(struct fg_share *, int))
{
	int ends[2];
	char octet;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (pid == 0)
		sharing_play(s, instance, play, ends[1]);
	close(ends[1]);
	assert_int_equal(read(ends[0], &octet, 1), 1);
	close(ends[0]);
	return pid;
}

/* Kills it if it lives still. The signal it has ended by. */
static inline int sharing_end(pid_t pid)
{
	int status;

	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
