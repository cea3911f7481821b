/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One run of flowgate-pattern. In: a job. Out: the job, filled in. Always holds: the process has ended when fg_job_run() returns, whatever it did,
 * and has nothing of ours but the job; if we end, it is killed.
 */
#include "ctrl/pattern/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_RUN = 127 };

int fg_job_new(struct fg_job_memory *m, uint32_t count, uint32_t text_octets, uint64_t room)
{
	int r;

	*m = (struct fg_job_memory){ .fd = memfd_create("patterns", MFD_CLOEXEC | MFD_ALLOW_SEALING) };
	if (m->fd < 0)
		return -errno;
	m->octets = fg_job_room(count, text_octets) + room;
	m->job = MAP_FAILED;
	if (ftruncate(m->fd, (off_t)m->octets) == 0 &&
	    fcntl(m->fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0)
		m->job = mmap(NULL, m->octets, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->job == MAP_FAILED) {
		r = -errno;
		close(m->fd);
		return r;
	}
	m->job->magic = FG_JOB_MAGIC;
	m->job->count = count;
	m->job->text_octets = text_octets;
	m->job->room = room;
	return 0;
}

void fg_job_free(struct fg_job_memory *m)
{
	munmap(m->job, m->octets);
	close(m->fd);
}

/* In the new process: nothing of ours stays but the job. Never returns. */
static void become(const char *program, int fd, pid_t parent)
{
	char *const words[] = { (char[]){ "flowgate-pattern" }, NULL }, *const nothing[] = { NULL };
	int null = open("/dev/null", O_RDWR);

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent || null < 0)
		_exit(NOT_RUN);
	for (int i = 0; i < FG_JOB_FD; i++)
		if (dup2(null, i) < 0)
			_exit(NOT_RUN);
	/* dup2() onto itself would leave it to be closed. */
	if ((fd == FG_JOB_FD ? fcntl(fd, F_SETFD, 0) : dup2(fd, FG_JOB_FD)) < 0 ||
	    close_range(FG_JOB_FD + 1, ~0u, 0) < 0)
		_exit(NOT_RUN);
	execve(program, words, nothing);
	_exit(NOT_RUN);
}

/* Waits for its end; kills it when its time is over. */
static int await(pid_t pid, uint32_t wall_ms, siginfo_t *end)
{
	struct pollfd ended = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	int r;

	/* A signal of ours shortens the wait at worst. */
	r = ended.fd < 0 ? -1 : poll(&ended, 1, (int)wall_ms);
	if (r <= 0)
		kill(pid, SIGKILL);
	if (ended.fd >= 0)
		close(ended.fd);
	do
		r = waitid(P_PID, (id_t)pid, end, WEXITED);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static void say_death(int signal_number, const struct fg_job *job, char how[FG_JOB_WHY_MAX])
{
	if (signal_number == SIGPROF || signal_number == SIGXCPU)
		snprintf(how, FG_JOB_WHY_MAX, "it takes more than %u seconds of a processor to compile",
			 signal_number == SIGPROF ? job->cpu_one_s : job->cpu_s);
	else if (signal_number == SIGKILL)
		snprintf(how, FG_JOB_WHY_MAX, "the compiler was killed, or took more time than there may be");
	else
		snprintf(how, FG_JOB_WHY_MAX, "the compiler died of signal %d", signal_number);
}

int fg_job_run(const struct fg_job_memory *m, const char *program, uint32_t wall_ms, char how[FG_JOB_WHY_MAX])
{
	pid_t parent = getpid(), pid;
	siginfo_t end = { 0 };
	int r;

	if (access(program, X_OK) < 0)
		return -errno;
	m->job->finished = 0;
	m->job->at = FG_JOB_NOTHING;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become(program, m->fd, parent);
	r = await(pid, wall_ms, &end);
	if (r != 0)
		return r;
	if (end.si_code != CLD_EXITED) {
		say_death(end.si_status, m->job, how);
		return 1;
	}
	if (end.si_status == FG_JOB_NO_SANDBOX)
		return -EPERM;
	return end.si_status == 0 && m->job->finished == 1 ? 0 : -ENOEXEC;
}
