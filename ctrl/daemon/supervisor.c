/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two processes kept running: the gate, which enforces, and ctrl, which talks. In: signals, the ends of processes. Out: the
 * policy to the gate, the configuration to ctrl, and a socket between them, anew whenever one of them is new.
 *
 * Always holds: enforcement is in the kernel and stays whatever dies here. A configuration that is wrong is not used. The
 * children end with the supervisor, so that the next one can start its own.
 */
#include "ctrl/daemon/supervisor_state.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "ctrl/daemon/ctrl.h"
#include "ctrl/daemon/log.h"
#include "ctrl/daemon/prepare.h"
#include "ctrl/gate/gate.h"

enum { FILES_MAX = 4096, STOP_GRACE_US = 8000000, START_GRACE_US = 60000000 };

static void start(struct fg_supervisor *s, int which);

/* ---- Starting and ending ---- */

static void forget(struct fg_child *c)
{
	c->io = sd_event_source_disable_unref(c->io);
	c->exit = sd_event_source_disable_unref(c->exit);
	if (c->socket >= 0)
		close(c->socket);
	c->socket = -1;
	c->pid = 0;
	c->asked_us = 0;
	c->ready = c->owed = false;
}

static int on_start(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_supervisor *s = ctx;

	(void)us;
	for (int i = 0; i < FG_CHILDREN; i++)
		if (s->child[i].start == source && !s->stopping) {
			s->child[i].start = sd_event_source_unref(s->child[i].start);
			start(s, i);
			break;
		}
	return 0;
}

static void start_later(struct fg_supervisor *s, struct fg_child *c)
{
	uint64_t now;
	uint32_t random = 0, wait_ms;

	sd_event_now(s->event, CLOCK_MONOTONIC, &now);
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = (uint32_t)now;
	wait_ms = fg_backoff_next(&c->backoff, (now - c->started_us) / 1000000, random);
	c->restarts++;
	sd_event_add_time_relative(s->event, &c->start, CLOCK_MONOTONIC, (uint64_t)wait_ms * 1000, 0, on_start, s);
	fg_log(LOG_WARNING, "%s is started again in %u ms", c->name, wait_ms);
}

static int on_exit_of(sd_event_source *source, const siginfo_t *info, void *ctx)
{
	struct fg_supervisor *s = ctx;

	(void)source;
	for (int i = 0; i < FG_CHILDREN; i++) {
		struct fg_child *c = &s->child[i];

		if (c->pid != info->si_pid)
			continue;
		if (!s->stopping)
			fg_log(LOG_ERR, "%s ended: %s %d", c->name, info->si_code == CLD_EXITED ? "status" : "signal",
			       info->si_status);
		forget(c);
		if (s->stopping)
			continue;
		start_later(s, c);
		fg_tell_processes(s);
	}
	if (s->stopping && s->child[FG_GATE].pid == 0 && s->child[FG_CTRL].pid == 0)
		sd_event_exit(s->event, 0);
	return 0;
}

/* The child holds its sockets, standard error, and nothing else. */
static void keep_only(int *fds[], size_t n)
{
	int limit = FILES_MAX;
	bool kept;

	for (int fd = STDERR_FILENO + 1; fd < limit; fd++) {
		kept = false;
		for (size_t i = 0; i < n; i++)
			kept = kept || *fds[i] == fd;
		if (!kept)
			close(fd);
	}
}

static void fresh_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int run_gate(struct fg_supervisor *s, int socket)
{
	struct fg_gate_config config = {
		.pin_folder = s->conf.store.pins,
		.sizes = { .image_lines = (uint32_t)(s->conf.store.image_octets / FG_LINE_OCTETS),
			   .slots = s->conf.store.slots,
			   .store_octets = FG_GATE_STORE_OCTETS(s->conf.store.slots) },
		.mlock = s->conf.store.lock_memory,
		.share_folder = s->conf.dpdk.used ? s->conf.dpdk.memory : NULL,
		.workers = s->conf.dpdk.workers,
		.patterns = s->conf.dpdk.patterns,
	};
	int *kept[] = { &socket };

	fg_log_open("flowgated[gate]");
	keep_only(kept, 1);
	return fg_gate_run(&config, socket);
}

static int run_ctrl(struct fg_supervisor *s, int socket)
{
	struct fg_ctrl_sockets sockets = { .link = socket, .control = s->listeners.control, .http = s->listeners.http };
	int *kept[] = { &sockets.link, &sockets.control, &sockets.http };
	int r;

	fg_log_open("flowgated[ctrl]");
	keep_only(kept, 3);
	r = fg_rights_ctrl(&s->user);
	if (r < 0) {
		fg_log(LOG_ERR, "rights cannot be given up: %s", strerror(-r));
		return r;
	}
	return fg_ctrl_run(&sockets);
}

static _Noreturn void be_child(struct fg_supervisor *s, int which, int socket, pid_t supervisor)
{
	int r;

	fresh_signals();
	r = which == FG_GATE ? fg_rights_end_with(supervisor) : 0;
	if (r == 0)
		r = which == FG_GATE ? run_gate(s, socket) : run_ctrl(s, socket);
	if (r < 0)
		fg_log(LOG_ERR, "%s", strerror(-r));
	_exit(r < 0 ? 1 : 0);
}

static int watch(struct fg_supervisor *s, struct fg_child *c, int socket, pid_t pid)
{
	int r;

	c->socket = socket;
	c->pid = pid;
	sd_event_now(s->event, CLOCK_MONOTONIC, &c->started_us);
	r = sd_event_add_io(s->event, &c->io, socket, EPOLLIN, fg_on_child_io, s);
	if (r >= 0)
		r = sd_event_add_child(s->event, &c->exit, pid, WEXITED, on_exit_of, s);
	/*
	 * Not once, as is the default: the end of a process that is traced is seen before it can be waited for, and would not be seen again. Only
	 * one that was off is registered anew.
	 */
	if (r >= 0)
		r = sd_event_source_set_enabled(c->exit, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_source_set_enabled(c->exit, SD_EVENT_ON);
	return r;
}

static void start(struct fg_supervisor *s, int which)
{
	pid_t supervisor = getpid(), pid;
	int pair[2], r = fg_link_pair(pair);

	if (which == FG_GATE)
		fg_shut_ports(s);
	if (r == 0) {
		pid = fork();
		if (pid == 0)
			be_child(s, which, pair[1], supervisor);
		close(pair[1]);
		r = pid < 0 ? -errno : watch(s, &s->child[which], pair[0], pid);
		if (pid < 0)
			close(pair[0]);
	}
	if (r < 0) {
		fg_log(LOG_ERR, "%s cannot be started: %s", s->child[which].name, strerror(-r));
		start_later(s, &s->child[which]);
		return;
	}
	if (which == FG_GATE)
		fg_tell_policy(s);
	else
		fg_tell_conf(s);
	if (which == FG_CTRL)
		fg_tell_listeners(s);
	fg_introduce(s);
	fg_tell_processes(s);
}

/* ---- Signals ---- */

static int on_grace_over(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_supervisor *s = ctx;

	(void)source;
	(void)us;
	for (int i = 0; i < FG_CHILDREN; i++)
		if (s->child[i].pid != 0)
			kill(s->child[i].pid, SIGKILL);
	return 0;
}

/* Enforcement stays: the children end, what they have pinned does not, and neither does flowgate-dpdk. */
static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	struct fg_supervisor *s = ctx;

	(void)source;
	(void)info;
	s->stopping = true;
	fg_dpdk_leave(&s->dpdk);
	fg_compiler_end(&s->compiler);
	sd_notify(0, "STOPPING=1");
	for (int i = 0; i < FG_CHILDREN; i++)
		if (s->child[i].pid != 0)
			kill(s->child[i].pid, SIGTERM);
	if (s->child[FG_GATE].pid == 0 && s->child[FG_CTRL].pid == 0)
		return sd_event_exit(s->event, 0);
	return sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC, STOP_GRACE_US, 0, on_grace_over, s);
}

/* Enforcement goes: the gate takes it away, then all end. What no gate was there to take is taken last of all. */
static int on_remove(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	struct fg_supervisor *s = ctx;
	struct fg_switch away = { .on = 1 };

	fg_log(LOG_NOTICE, "enforcement is taken away, as asked");
	s->removing = true;
	fg_tell_gate(s, FG_ASK_STOP, &away, sizeof(away), NULL, 0);
	return on_stop(source, info, ctx);
}

/* ---- The watchdog ---- */

static void ask_alive(struct fg_supervisor *s, int which, uint64_t now_us)
{
	int r = which == FG_GATE ? fg_tell_gate(s, FG_ASK_STATUS, NULL, 0, NULL, 0)
				 : fg_link_tell(s->child[FG_CTRL].socket, FG_LINK_ALIVE, NULL, 0, NULL, 0);

	if (r == 0 || r == -EAGAIN)
		s->child[which].asked_us = now_us;
}

/* One that ended is started again, and one that starts has time to do so: that is no hanging. */
static bool is_well(struct fg_supervisor *s, int which, uint64_t now_us, uint64_t patience_us)
{
	struct fg_child *c = &s->child[which];

	if (c->pid == 0)
		return true;
	if (!c->ready)
		return now_us - c->started_us < START_GRACE_US + patience_us;
	if (c->asked_us == 0)
		ask_alive(s, which, now_us);
	return now_us - (c->asked_us != 0 ? c->asked_us : now_us) < patience_us;
}

static bool all_well(void *ctx, uint64_t now_us, uint64_t patience_us)
{
	struct fg_supervisor *s = ctx;
	bool gate = is_well(s, FG_GATE, now_us, patience_us), ctrl = is_well(s, FG_CTRL, now_us, patience_us);

	return gate && ctrl;
}

static int take_signals(struct fg_supervisor *s)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD };
	static const sd_event_signal_handler_t handlers[] = { on_stop, on_stop, fg_on_reload, on_remove };
	sigset_t set;
	int r = 0;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]) && r >= 0; i++)
		r = sd_event_add_signal(s->event, NULL, signals[i], handlers[i], s);
	return r;
}

/* ---- The whole ---- */

static int prepare(struct fg_supervisor *s)
{
	struct rlimit files = { FILES_MAX, FILES_MAX }, memory = { RLIM_INFINITY, RLIM_INFINITY };
	char error[FG_CONF_ERROR_MAX] = "";
	int r = fg_rights_user(s->conf.control.user, &s->user);

	if (r != 0) {
		fg_log(LOG_ERR, "'user %s': no such user on this system", s->conf.control.user);
		return r;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_MEMLOCK, &memory);
	r = fg_conf_resolve(&s->conf, error);
	if (r == 0)
		r = fg_listen(&s->conf, &s->listeners, error);
	if (r != 0) {
		fg_log(LOG_ERR, "%s", error);
		return r;
	}
	return fg_prepare_folders(&s->conf, &s->user);
}

static void dpdk_changed(void *supervisor)
{
	fg_tell_processes(supervisor);
}

static int run(struct fg_supervisor *s)
{
	int r = sd_event_new(&s->event);

	if (r >= 0)
		r = take_signals(s);
	if (r >= 0)
		r = fg_watchdog_begin(&s->watchdog, s->event);
	if (r >= 0) {
		s->dpdk = (struct fg_dpdk){ .event = s->event, .conf = &s->conf, .changed = dpdk_changed, .ctx = s };
		s->compiler =
			(struct fg_compiler){ .event = s->event, .user = &s->user, .done = fg_tell_patterns, .ctx = s };
		fg_dpdk_begin(&s->dpdk);
		fg_dial_listen(&s->dial, &s->conf.bgp);
		start(s, FG_GATE);
		start(s, FG_CTRL);
		r = sd_event_loop(s->event);
	}
	return r;
}

int fg_supervisor_run(const char *path, const struct fg_conf *conf)
{
	static struct fg_supervisor one; /* as long as the process */
	struct fg_supervisor *s = &one;
	int r;

	s->path = path;
	s->conf = *conf;
	s->watchdog = (struct fg_watchdog){ .well = all_well, .ctx = s };
	s->child[FG_GATE] = (struct fg_child){ .name = "gate", .socket = -1 };
	s->child[FG_CTRL] = (struct fg_child){ .name = "ctrl", .socket = -1 };
	r = fg_prepare_lock(conf, &s->lock);
	if (r == 0)
		r = prepare(s);
	if (r == 0)
		r = run(s);
	if (r >= 0 && s->removing)
		r = fg_prepare_remove(&s->conf);
	if (r < 0)
		fg_log(LOG_ERR, "%s", strerror(-r));
	if (s->listeners.ours)
		unlink(conf->control.socket);
	return r;
}
