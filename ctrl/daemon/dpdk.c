/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Starting, finding and watching flowgate-dpdk (dpdk.h). It is watched by a pidfd, for it need not be a child of this supervisor. Who starts it
 * holds a lock that goes over to it, so that of two supervisors, the second just after the first has died, one starts it.
 */
#include "ctrl/daemon/dpdk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctrl/daemon/log.h"
#include "ctrl/dpdk/share.h"

enum { FILES_MAX = 4096, WORKED_S = 5, FIND_MS = 200, EXIT_LOCKED = 75 };
enum { NUMBER_OCTETS = 16, PORT_OCTETS = FG_IFNAME_OCTETS + FG_CONF_DEVICE_MAX };

#define PROGRAM "flowgate-dpdk"

/* ---- Its command line ---- */

struct command {
	const char *word[16 + 2 * FG_PORTS_MAX + FG_CONF_EAL_MAX];
	size_t words;
	char number[2][NUMBER_OCTETS];
	char port[FG_PORTS_MAX][PORT_OCTETS];
	char path[PATH_MAX];
};

static void add(struct command *c, const char *option, const char *value)
{
	c->word[c->words++] = option;
	if (value != NULL)
		c->word[c->words++] = value;
}

static void add_number(struct command *c, int place, const char *option, uint32_t v)
{
	snprintf(c->number[place], NUMBER_OCTETS, "%u", v);
	add(c, option, c->number[place]);
}

static void make_command(struct command *c, const struct fg_conf *conf)
{
	add(c, PROGRAM, NULL);
	add(c, "--share", conf->dpdk.memory);
	for (uint32_t i = 0; i < conf->dpdk.ports; i++) {
		snprintf(c->port[i], PORT_OCTETS, "%s=%s", conf->dpdk.port[i].name, conf->dpdk.port[i].device);
		add(c, "--port", c->port[i]);
	}
	add(c, "--lcores", conf->dpdk.cores);
	if (conf->dpdk.main_core != FG_CONF_CORE_NONE)
		add_number(c, 0, "--main-core", conf->dpdk.main_core);
	if (conf->dpdk.mbufs != 0)
		add_number(c, 1, "--mbufs", conf->dpdk.mbufs);
	if (conf->dpdk.eals > 0)
		add(c, "--", NULL);
	for (uint32_t i = 0; i < conf->dpdk.eals; i++)
		add(c, conf->dpdk.eal[i], NULL);
	c->word[c->words] = NULL;
}

/* A place relative to the folder that flowgated is in. */
static void try_beside(struct command *c, const char *self, const char *place)
{
	if (snprintf(c->path, sizeof(c->path), "%.*s/%s", (int)(strrchr(self, '/') - self), self, place) <
	    (int)sizeof(c->path))
		execv(c->path, (char **)(uintptr_t)c->word);
}

int fg_dpdk_exec(const struct fg_conf *conf)
{
	static const char *const places[] = { PROGRAM, "dataplane/" PROGRAM, "../libexec/flowgate/" PROGRAM };
	static struct command c;
	char self[PATH_MAX] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	make_command(&c, conf);
	for (size_t i = 0; n > 0 && i < sizeof(places) / sizeof(places[0]); i++) {
		try_beside(&c, self, places[i]);
		if (errno != ENOENT && errno != ENOTDIR)
			return -errno;
	}
	execvp(PROGRAM, (char **)(uintptr_t)c.word);
	return -errno;
}

/* ---- Starting ---- */

/* The lock goes over to the program, which knows nothing of it, and is free when that ends. */
static int take_lock(const struct fg_conf *conf)
{
	char path[FG_SHARE_PATH_MAX];
	int fd;

	if (!fg_share_lock_path(conf->dpdk.memory, path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	return flock(fd, LOCK_EX | LOCK_NB) != 0 ? -errno : fd;
}

static _Noreturn void be_child(const struct fg_conf *conf)
{
	int lock = take_lock(conf), null = open("/dev/null", O_RDWR), r;
	sigset_t none;

	if (lock == -EWOULDBLOCK)
		_exit(EXIT_LOCKED);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	for (int fd = STDERR_FILENO + 1; fd < FILES_MAX; fd++)
		if (fd != lock)
			close(fd);
	r = lock < 0 ? lock : fg_dpdk_exec(conf);
	fg_log(LOG_ERR, PROGRAM " cannot be started: %s", strerror(-r));
	_exit(1);
}

static void begin(struct fg_dpdk *d);

static int on_start(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_dpdk *d = ctx;

	(void)source;
	(void)us;
	d->start = sd_event_source_unref(d->start);
	begin(d);
	return 0;
}

static void start_in(struct fg_dpdk *d, uint32_t wait_ms)
{
	if (d->start == NULL && !d->stopping)
		sd_event_add_time_relative(d->event, &d->start, CLOCK_MONOTONIC, (uint64_t)wait_ms * 1000, 0, on_start,
					   d);
}

/* One that has worked is started again at once, for meanwhile nothing is forwarded; one that has not waits longer each time. */
static void start_later(struct fg_dpdk *d)
{
	uint64_t now;
	uint32_t random = 0, wait_ms;

	sd_event_now(d->event, CLOCK_MONOTONIC, &now);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now;
	if (now - d->started_us >= WORKED_S * 1000000ull)
		d->backoff.step_ms = 0;
	wait_ms = d->backoff.step_ms == 0 ? 0 : fg_backoff_next(&d->backoff, 0, random);
	if (d->backoff.step_ms == 0)
		d->backoff.step_ms = FG_BACKOFF_FIRST_MS;
	d->restarts++;
	fg_log(LOG_WARNING, PROGRAM " is started again in %u ms", wait_ms);
	if (wait_ms == 0)
		begin(d);
	else
		start_in(d, wait_ms);
}

/* ---- Its end ---- */

static void forget(struct fg_dpdk *d)
{
	d->exit = sd_event_source_disable_unref(d->exit);
	if (d->pidfd >= 0)
		close(d->pidfd);
	d->pidfd = -1;
	d->pid = 0;
}

/* It is reaped where it is a child of ours. */
static int on_exit_of(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_dpdk *d = ctx;
	siginfo_t info = { .si_pid = 0 };
	bool locked;

	(void)source;
	(void)fd;
	(void)events;
	waitid(P_PID, (id_t)d->pid, &info, WEXITED | WNOHANG);
	locked = info.si_pid != 0 && info.si_code == CLD_EXITED && info.si_status == EXIT_LOCKED;
	if (!locked && !d->stopping && info.si_pid != 0)
		fg_log(LOG_ERR, PROGRAM " (process %d) ended: %s %d", d->pid,
		       info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
	else if (!locked && !d->stopping)
		fg_log(LOG_ERR, PROGRAM " (process %d) ended", d->pid);
	forget(d);
	if (d->stopping)
		return 0;
	/* Another has the lock: it runs, or is on its way to its place. */
	if (locked)
		start_in(d, FIND_MS);
	else
		start_later(d);
	d->changed(d->ctx);
	return 0;
}

static int watch(struct fg_dpdk *d, pid_t pid)
{
	int r;

	d->pid = pid;
	d->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	r = d->pidfd < 0 ? -errno : 0;
	if (r == 0)
		r = sd_event_add_io(d->event, &d->exit, d->pidfd, EPOLLIN, on_exit_of, d);
	if (r >= 0)
		sd_event_now(d->event, CLOCK_MONOTONIC, &d->started_us);
	else
		forget(d);
	return r;
}

/* ---- Finding ---- */

/* One that runs already, whoever started it. The second look is at the process that the pidfd holds. */
static bool adopt(struct fg_dpdk *d)
{
	uint32_t pid = fg_share_running(d->conf->dpdk.memory);

	if (pid == 0 || watch(d, (pid_t)pid) < 0)
		return false;
	if (fg_share_running(d->conf->dpdk.memory) != pid) {
		forget(d);
		return false;
	}
	fg_log(LOG_INFO, PROGRAM " runs already (process %u)", pid);
	return true;
}

static void begin(struct fg_dpdk *d)
{
	pid_t pid;
	int r = 0;

	if (d->pid != 0 || d->stopping || adopt(d)) {
		d->changed(d->ctx);
		return;
	}
	pid = fork();
	if (pid == 0)
		be_child(d->conf);
	r = pid < 0 ? -errno : watch(d, pid);
	if (r < 0) {
		fg_log(LOG_ERR, PROGRAM " cannot be started: %s", strerror(-r));
		start_in(d, FG_BACKOFF_MOST_MS);
	}
	d->changed(d->ctx);
}

static bool ours(const struct fg_dpdk *d)
{
	return d->conf->dpdk.used && d->conf->dpdk.run;
}

void fg_dpdk_begin(struct fg_dpdk *d)
{
	d->pidfd = -1;
	if (ours(d) && adopt(d))
		d->changed(d->ctx);
}

void fg_dpdk_ready(struct fg_dpdk *d)
{
	if (ours(d) && d->pid == 0 && d->start == NULL)
		begin(d);
}

void fg_dpdk_leave(struct fg_dpdk *d)
{
	d->stopping = true;
	d->start = sd_event_source_disable_unref(d->start);
}
