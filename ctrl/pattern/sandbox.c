/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sandbox. It guards against cost, not malice: patterns come from operators. All the same, nothing is left that could be reached
 * from here. Order: user while there is the right to change it, then limits, then no_new_privs, then the filter.
 */
#include "ctrl/pattern/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* What Hyperscan and the C and C++ libraries call while they reckon. */
static const char *const allowed[] = {
	"brk",          "clock_gettime",  "exit",        "exit_group", "futex",        "getrandom", "madvise",
	"mmap",         "mprotect",       "mremap",      "munmap",     "rt_sigreturn", "setitimer", "sched_yield",
#ifdef __SANITIZE_ADDRESS__
	"getpid",       "gettid",         "read",        "write",      "open",         "openat",    "close",
	"rt_sigaction", "rt_sigprocmask", "sigaltstack", "readlink",   "prlimit64",    "getrlimit", "newfstatat",
	"fstat",        "lseek",          "getuid",      "geteuid",
#endif
};

static int limit(int what, uint64_t most)
{
	const struct rlimit limit = { .rlim_cur = most, .rlim_max = most };

	return setrlimit((__rlimit_resource_t)what, &limit) < 0 ? -errno : 0;
}

/* In a user namespace there may be no nobody to become: then what counts is that no capability is left. */
static int become_nobody(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	     setresuid(NOBODY, NOBODY, NOBODY) < 0) &&
	    errno != EINVAL && errno != EPERM)
		return -errno;
	return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

/* Signals that end it are not to be held back by what it inherited. */
static int signals_default(void)
{
	sigset_t none;

	sigemptyset(&none);
	if (signal(SIGPROF, SIG_DFL) == SIG_ERR || signal(SIGXCPU, SIG_DFL) == SIG_ERR ||
	    sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return -errno;
	return 0;
}

static int limits(uint64_t memory, uint32_t cpu_s)
{
	int r = limit(RLIMIT_CORE, 0);

	if (r == 0)
		r = limit(RLIMIT_FSIZE, 0);
	if (r == 0)
		r = limit(RLIMIT_NPROC, 0);
	if (r == 0)
		r = limit(RLIMIT_CPU, cpu_s);
#ifndef __SANITIZE_ADDRESS__ /* its shadow is larger than any limit */
	if (r == 0 && memory != 0)
		r = limit(RLIMIT_AS, memory);
#else
	(void)memory;
#endif
	return r;
}

static int confine(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = filter == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && r == 0; i++) {
		int number = seccomp_syscall_resolve_name(allowed[i]);

		if (number != __NR_SCMP_ERROR)
			r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int fg_sandbox_enter(uint64_t memory, uint32_t cpu_s)
{
	int r = become_nobody();

	if (r == 0)
		r = signals_default();
	if (r == 0)
		r = limits(memory, cpu_s);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = -errno;
	return r != 0 ? r : confine();
}

void fg_sandbox_spend(uint32_t seconds)
{
	/* Not to be caught: SIGPROF ends the process where nobody handles it. */
	const struct itimerval timer = { .it_value = { .tv_sec = seconds } };

	setitimer(ITIMER_PROF, &timer, NULL);
}
