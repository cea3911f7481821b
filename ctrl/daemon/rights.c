/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rights given up. ctrl parses what strangers send: whoever takes it over is to have nothing but the sockets it holds. Order:
 * capabilities and user while there is the right to change them, then no_new_privs, then the filter.
 */
#include "ctrl/daemon/rights.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

/* What ctrl, SQLite, libmicrohttpd, sd-event and the C library call once ctrl runs. */
static const char *const allowed[] = {
	"accept4",
	"access",
	"brk",
	"clock_gettime",
	"clock_nanosleep",
	"close",
	"dup",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd2",
	"exit",
	"exit_group",
	"fchmod",
	"fcntl",
	"fdatasync",
	"fstat",
	"fsync",
	"ftruncate",
	"futex",
	"getcwd",
	"getdents64",
	"getegid",
	"geteuid",
	"getgid",
	"getpeername",
	"getpid",
	"getppid",
	"getrandom",
	"getrlimit",
	"getsockname",
	"getsockopt",
	"gettid",
	"gettimeofday",
	"getuid",
	"ioctl",
	"lseek",
	"lstat",
	"madvise",
	"membarrier",
	"mmap",
	"mprotect",
	"mremap",
	"munmap",
	"newfstatat",
	"open",
	"openat",
	"pipe2",
	"ppoll",
	"poll",
	"pread64",
	"prlimit64",
	"pwrite64",
	"pwritev",
	"read",
	"readlink",
	"readv",
	"recvfrom",
	"recvmmsg",
	"recvmsg",
	"rename",
	"renameat",
	"renameat2",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigprocmask",
	"rt_sigreturn",
	"sched_yield",
	"sched_getaffinity",
	"sendfile",
	"sendmsg",
	"sendto",
	"set_robust_list",
	"setsockopt",
	"shutdown",
	"sigaltstack",
	"signalfd4",
	"stat",
	"statx",
	"sysinfo",
	"tgkill",
	"timerfd_create",
	"timerfd_settime",
	"umask",
	"uname",
	"unlink",
	"unlinkat",
	"write",
	"writev",
};

/* These no honest ctrl ever makes: whoever does is not to try another. */
static const char *const deadly[] = {
	"execve",
	"execveat",
	"ptrace",
	"bpf",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"init_module",
	"finit_module",
	"kexec_load",
	"process_vm_readv",
	"process_vm_writev",
	"keyctl",
	"add_key",
	"perf_event_open",
	"userfaultfd",
	"io_uring_setup",
	"reboot",
	"swapon",
};

int fg_rights_user(const char *name, struct fg_rights_user *user)
{
	const struct passwd *found = getpwnam(name);

	if (found == NULL)
		return -ENOENT;
	*user = (struct fg_rights_user){ found->pw_uid, found->pw_gid };
	return 0;
}

static int become(const struct fg_rights_user *user)
{
	if (geteuid() != 0)
		return 0;
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		return -EPERM;
	if (setgroups(0, NULL) < 0 || setresgid(user->gid, user->gid, user->gid) < 0 ||
	    setresuid(user->uid, user->uid, user->uid) < 0)
		return -errno;
	/* For a user that is root all the same. */
	capng_clear(CAPNG_SELECT_BOTH);
	return capng_apply(CAPNG_SELECT_CAPS) == 0 ? 0 : -EPERM;
}

static int add_rules(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t n)
{
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		if (number != __NR_SCMP_ERROR)
			r = seccomp_rule_add(filter, action, number, 0);
	}
	return r;
}

static int confine(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int r = filter == NULL ? -ENOMEM : 0;

	if (r == 0)
		r = add_rules(filter, SCMP_ACT_ALLOW, allowed, sizeof(allowed) / sizeof(allowed[0]));
	if (r == 0)
		r = add_rules(filter, SCMP_ACT_KILL_PROCESS, deadly, sizeof(deadly) / sizeof(deadly[0]));
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

int fg_rights_drop(const struct fg_rights_user *user)
{
	int r = become(user);

	return r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : r;
}

int fg_rights_ctrl(const struct fg_rights_user *user)
{
	int r = fg_rights_drop(user);

	return r == 0 ? confine() : r;
}

int fg_rights_end_with(pid_t supervisor)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) < 0)
		return -errno;
	return getppid() == supervisor ? 0 : -ESRCH;
}
