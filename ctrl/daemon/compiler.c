/* SPDX-License-Identifier: BSD-3-Clause */
/* The process that has patterns compiled (compiler.h). In: what the gate wants. Out: a file, and its end. */
#include "ctrl/daemon/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctrl/daemon/log.h"
#include "ctrl/pattern/compile.h"

enum { FILES_MAX = 4096 };

static void keep_only(int texts, int file)
{
	for (int fd = STDERR_FILENO + 1; fd < FILES_MAX; fd++)
		if (fd != texts && fd != file)
			close(fd);
}

static _Noreturn void be_child(const struct fg_compiler *c, const struct fg_patterns_wanted *wanted, int texts,
			       pid_t supervisor)
{
	char program[FG_PATTERN_PATH_MAX];
	sigset_t none;
	int r;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	fg_log_open("flowgated[compiler]");
	keep_only(texts, c->file);
	r = fg_rights_drop(c->user);
	/* Whoever becomes another user forgets whose end is to be its own. */
	if (r == 0)
		r = prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != supervisor ? -ESRCH : 0;
	fg_pattern_program(program, sizeof(program));
	if (r == 0)
		r = fg_compiler_run(wanted, texts, program, c->file);
	_exit(-r);
}

static void forget(struct fg_compiler *c)
{
	c->exit = sd_event_source_disable_unref(c->exit);
	close(c->file);
	c->pid = 0;
}

static int on_exit_of(sd_event_source *source, const siginfo_t *info, void *ctx)
{
	struct fg_compiler *c = ctx;
	int r = info->si_code == CLD_EXITED ? -info->si_status : -EINTR;

	(void)source;
	if (info->si_code != CLD_EXITED)
		fg_log(LOG_ERR, "the compiler of patterns ended: signal %d", info->si_status);
	c->done(c->ctx, c->id, r, c->file);
	forget(c);
	return 0;
}

void fg_compiler_end(struct fg_compiler *c)
{
	if (c->pid == 0)
		return;
	kill(c->pid, SIGKILL);
	waitpid(c->pid, NULL, 0);
	forget(c);
}

int fg_compiler_begin(struct fg_compiler *c, const struct fg_patterns_wanted *wanted, int texts)
{
	pid_t supervisor = getpid(), pid;
	int r;

	fg_compiler_end(c);
	c->file = memfd_create("patterns", MFD_CLOEXEC);
	if (c->file < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		be_child(c, wanted, texts, supervisor);
	r = pid < 0 ? -errno : sd_event_add_child(c->event, &c->exit, pid, WEXITED, on_exit_of, c);
	c->pid = pid < 0 ? 0 : pid;
	c->id = wanted->id;
	if (r < 0 && pid > 0)
		fg_compiler_end(c);
	else if (r < 0)
		close(c->file);
	return r < 0 ? r : 0;
}
