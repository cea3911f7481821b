/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two processes kept running: the gate, which enforces, and ctrl, which talks. In: signals, the ends of processes. Out: the
 * policy to the gate, the configuration to ctrl, and a socket between them, anew whenever one of them is new.
 *
 * Always holds: enforcement is in the kernel and stays whatever dies here. A configuration that is wrong is not used. The
 * children end with the supervisor, so that the next one can start its own.
 */
#include "ctrl/daemon/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/daemon/backoff.h"
#include "ctrl/daemon/ctrl.h"
#include "ctrl/daemon/dial.h"
#include "ctrl/daemon/dpdk.h"
#include "ctrl/daemon/listen.h"
#include "ctrl/daemon/log.h"
#include "ctrl/daemon/places.h"
#include "ctrl/daemon/prepare.h"
#include "ctrl/daemon/rights.h"
#include "ctrl/daemon/watchdog.h"
#include "ctrl/gate/gate.h"
#include "ctrl/xdp/xdp.h"

enum { GATE, CTRL, CHILDREN };
enum { FILES_MAX = 4096, STOP_GRACE_US = 8000000, START_GRACE_US = 60000000 };

struct child {
	const char *name;
	pid_t pid;  /* 0: it does not run */
	int socket; /* our end; -1: none */
	sd_event_source *io, *exit, *start;
	struct fg_backoff backoff;
	uint32_t restarts;
	uint64_t started_us;
	bool ready;
	uint64_t asked_us; /* whether it is alive, and has not answered yet; 0: it has */
};

struct supervisor {
	const char *path;
	struct fg_conf conf;
	struct fg_listeners listeners;
	struct fg_rights_user user;
	int lock;
	sd_event *event;
	struct child child[CHILDREN];
	struct fg_dpdk dpdk;
	struct fg_dial dial;
	bool said_ready, stopping, removing;
	bool reloading; /* the manager waits to hear that the gate has the new policy */
	struct fg_watchdog watchdog;
	_Alignas(8) uint8_t message[FG_MESSAGE_MAX];
};

static void start(struct supervisor *s, int which);

/* ---- What children are told ---- */

static int tell_gate(struct supervisor *s, enum fg_message_kind kind, const void *body, size_t octets, const int *fds,
		     size_t n)
{
	struct fg_message head = { .version = FG_RECORD_VERSION,
				   .kind = (uint16_t)kind,
				   .id = kind,
				   .octets = (uint32_t)(sizeof(head) + octets) };
	struct iovec piece[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, octets } };

	if (s->child[GATE].socket < 0)
		return -ENOTCONN;
	return fg_link_send(s->child[GATE].socket, piece, octets > 0 ? 2 : 1, fds, n);
}

static void tell_policy(struct supervisor *s)
{
	int r = tell_gate(s, FG_ASK_POLICY, &s->conf.policy, sizeof(s->conf.policy), NULL, 0);

	if (r != 0 && r != -ENOTCONN)
		fg_log(LOG_ERR, "the gate does not take the policy: %s", strerror(-r));
}

/* Files are opened here, for ctrl may not read what is root's. */
static void tell_conf(struct supervisor *s)
{
	static struct fg_conf told;
	int fds[FG_CONF_RULE_FILES_MAX] = { -1 };
	size_t n = 0;
	int r;

	if (s->child[CTRL].socket < 0)
		return;
	for (uint32_t i = 0; i < s->conf.rule_files; i++) {
		int fd = open(s->conf.rule_file[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);

		if (fd < 0) {
			fg_log(LOG_ERR, "%s: %s; static rules stay as they are", s->conf.rule_file[i], strerror(errno));
			break;
		}
		fds[n++] = fd;
	}
	told = s->conf;
	for (uint32_t i = 0; i < told.bgp.peers; i++) /* keys are for sockets, and those are made here */
		explicit_bzero(told.bgp.peer[i].md5, sizeof(told.bgp.peer[i].md5));
	r = fg_link_tell(s->child[CTRL].socket, FG_LINK_CONF, &told, sizeof(told), fds, n);
	if (r != 0)
		fg_log(LOG_ERR, "ctrl does not take the configuration: %s", strerror(-r));
	while (n > 0)
		close(fds[--n]);
}

static void tell_listeners(struct supervisor *s)
{
	int fds[FG_BGP_LISTEN_MAX], r;
	size_t n = fg_dial_listeners(&s->dial, fds);

	if (s->child[CTRL].socket < 0)
		return;
	r = fg_link_tell(s->child[CTRL].socket, FG_LINK_LISTEN, NULL, 0, fds, n);
	if (r != 0)
		fg_log(LOG_ERR, "ctrl does not take the sockets of BGP: %s", strerror(-r));
}

/* ctrl asks for a connection to a peer: it gets one that is on its way, or why there is none. */
static void dial(struct supervisor *s, const char peer[FG_NAME_MAX + 1])
{
	struct fg_link_dialled d = { 0 };
	int fd;

	snprintf(d.peer, sizeof(d.peer), "%.63s", peer);
	fd = fg_dial_peer(&s->dial, d.peer);
	d.error = fd < 0 ? -fd : 0;
	fg_link_tell(s->child[CTRL].socket, FG_LINK_DIALLED, &d, sizeof(d), &fd, fd >= 0 ? 1 : 0);
	if (fd >= 0)
		close(fd);
}

static void tell_processes(struct supervisor *s)
{
	struct fg_link_process all[FG_LINK_PROCESSES_MAX] = { { "supervisor", getpid(), 0 } };

	for (int i = 0; i < CHILDREN; i++) {
		snprintf(all[i + 1].name, sizeof(all[i + 1].name), "%s", s->child[i].name);
		all[i + 1].pid = s->child[i].pid;
		all[i + 1].restarts = s->child[i].restarts;
	}
	if (s->conf.dpdk.used && s->conf.dpdk.run)
		all[CHILDREN + 1] = (struct fg_link_process){ "dpdk", s->dpdk.pid, s->dpdk.restarts };
	if (s->child[CTRL].socket >= 0)
		fg_link_tell(s->child[CTRL].socket, FG_LINK_PROCESSES, all, sizeof(all), NULL, 0);
}

/* A new socket between the two, whenever one of them is new. */
static void introduce(struct supervisor *s)
{
	int pair[2], r;

	if (s->child[GATE].socket < 0 || s->child[CTRL].socket < 0 || fg_link_pair(pair) != 0)
		return;
	r = tell_gate(s, FG_ASK_CTRL, NULL, 0, &pair[0], 1);
	if (r == 0)
		r = fg_link_tell(s->child[CTRL].socket, FG_LINK_GATE, NULL, 0, &pair[1], 1);
	if (r != 0)
		fg_log(LOG_ERR, "gate and ctrl cannot be put together: %s", strerror(-r));
	close(pair[0]);
	close(pair[1]);
}

/* Behind RELOADING=1, if it was ready at all before. */
static void say_reloaded(struct supervisor *s)
{
	s->reloading = false;
	if (s->said_ready)
		sd_notify(0, "READY=1\nSTATUS=serving");
}

static void say_ready(struct supervisor *s)
{
	if (s->said_ready || !s->child[GATE].ready || !s->child[CTRL].ready)
		return;
	s->said_ready = true;
	sd_notify(0, "READY=1\nSTATUS=serving");
	fg_log(LOG_INFO, "serving at %s", s->conf.control.socket);
}

/* ---- What children say ---- */

static void gate_said(struct supervisor *s, ssize_t n)
{
	const struct fg_message *m = (const struct fg_message *)s->message;
	struct fg_done done;

	if ((size_t)n != sizeof(*m) + sizeof(done) || m->kind != FG_SAY_DONE)
		return;
	memcpy(&done, m + 1, sizeof(done));
	if (done.result != 0)
		fg_log(LOG_ERR, "the gate refuses the %s: %s", m->id == FG_ASK_POLICY ? "policy" : "request",
		       done.result < 0 ? strerror(-done.result) : "it does not fit");
	if (m->id == FG_ASK_POLICY && done.result == 0) {
		s->child[GATE].ready = true;
		fg_dpdk_ready(&s->dpdk);
	}
	if (m->id == FG_ASK_POLICY && s->reloading)
		say_reloaded(s);
	/* Otherwise its own end is waited for, behind which all is gone. */
	if (m->id == FG_ASK_STOP && done.result < 0)
		sd_event_exit(s->event, done.result);
	say_ready(s);
}

static void ctrl_said(struct supervisor *s, ssize_t n)
{
	const struct fg_link_message *m = (const struct fg_link_message *)(const void *)s->message;
	const size_t head = offsetof(struct fg_link_message, body);

	if ((size_t)n == head + FG_NAME_MAX + 1 && m->kind == FG_LINK_DIAL) {
		dial(s, (const char *)s->message + head);
	} else if ((size_t)n == head && m->kind == FG_LINK_READY) {
		s->child[CTRL].ready = true;
		say_ready(s);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct supervisor *s = ctx;
	struct child *c = fd == s->child[GATE].socket ? &s->child[GATE] : &s->child[CTRL];
	ssize_t n = recv(fd, s->message, sizeof(s->message), MSG_DONTWAIT);

	(void)events;
	if (n <= 0) {
		if (n == 0 || errno != EAGAIN)
			sd_event_source_set_enabled(source, SD_EVENT_OFF); /* its end is seen by on_exit_of() */
		return 0;
	}
	c->asked_us = 0;
	if (c == &s->child[GATE]) {
		gate_said(s, n);
	} else {
		ctrl_said(s, n);
	}
	return 0;
}

/* ---- Starting and ending ---- */

static void forget(struct child *c)
{
	c->io = sd_event_source_disable_unref(c->io);
	c->exit = sd_event_source_disable_unref(c->exit);
	if (c->socket >= 0)
		close(c->socket);
	c->socket = -1;
	c->pid = 0;
	c->asked_us = 0;
	c->ready = false;
}

static int on_start(sd_event_source *source, uint64_t us, void *ctx)
{
	struct supervisor *s = ctx;

	(void)us;
	for (int i = 0; i < CHILDREN; i++)
		if (s->child[i].start == source && !s->stopping) {
			s->child[i].start = sd_event_source_unref(s->child[i].start);
			start(s, i);
			break;
		}
	return 0;
}

static void start_later(struct supervisor *s, struct child *c)
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
	struct supervisor *s = ctx;

	(void)source;
	for (int i = 0; i < CHILDREN; i++) {
		struct child *c = &s->child[i];

		if (c->pid != info->si_pid)
			continue;
		if (!s->stopping)
			fg_log(LOG_ERR, "%s ended: %s %d", c->name, info->si_code == CLD_EXITED ? "status" : "signal",
			       info->si_status);
		forget(c);
		if (s->stopping)
			continue;
		start_later(s, c);
		tell_processes(s);
	}
	if (s->stopping && s->child[GATE].pid == 0 && s->child[CTRL].pid == 0)
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

static int run_gate(struct supervisor *s, int socket)
{
	struct fg_gate_config config = {
		.pin_folder = s->conf.store.pins,
		.sizes = { .image_lines = (uint32_t)(s->conf.store.image_octets / FG_LINE_OCTETS),
			   .slots = s->conf.store.slots,
			   .store_octets = FG_GATE_STORE_OCTETS(s->conf.store.slots) },
		.mlock = s->conf.store.lock_memory,
		.share_folder = s->conf.dpdk.used ? s->conf.dpdk.memory : NULL,
		.workers = s->conf.dpdk.workers,
	};
	int *kept[] = { &socket };

	fg_log_open("flowgated[gate]");
	keep_only(kept, 1);
	return fg_gate_run(&config, socket);
}

static int run_ctrl(struct supervisor *s, int socket)
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

static _Noreturn void be_child(struct supervisor *s, int which, int socket, pid_t supervisor)
{
	int r;

	fresh_signals();
	r = which == GATE ? fg_rights_end_with(supervisor) : 0;
	if (r == 0)
		r = which == GATE ? run_gate(s, socket) : run_ctrl(s, socket);
	if (r < 0)
		fg_log(LOG_ERR, "%s", strerror(-r));
	_exit(r < 0 ? 1 : 0);
}

static int watch(struct supervisor *s, struct child *c, int socket, pid_t pid)
{
	int r;

	c->socket = socket;
	c->pid = pid;
	sd_event_now(s->event, CLOCK_MONOTONIC, &c->started_us);
	r = sd_event_add_io(s->event, &c->io, socket, EPOLLIN, on_io, s);
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

/* Until the gate enforces something, and should it never do so, what is to be closed then is closed. */
static void shut_ports(struct supervisor *s)
{
	const struct fg_policy *p = &s->conf.policy;
	char error[FG_XDP_ERROR_MAX];

	/* With DPDK nothing passes where no process is. */
	if (!p->dpdk && fg_xdp_shut(s->conf.store.pins, p->port, p->ports, error) != 0)
		fg_log(LOG_ERR, "%s", error);
}

static void start(struct supervisor *s, int which)
{
	pid_t supervisor = getpid(), pid;
	int pair[2], r = fg_link_pair(pair);

	if (which == GATE)
		shut_ports(s);
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
	if (which == GATE)
		tell_policy(s);
	else
		tell_conf(s);
	if (which == CTRL)
		tell_listeners(s);
	introduce(s);
	tell_processes(s);
}

/* ---- Signals ---- */

static int on_grace_over(sd_event_source *source, uint64_t us, void *ctx)
{
	struct supervisor *s = ctx;

	(void)source;
	(void)us;
	for (int i = 0; i < CHILDREN; i++)
		if (s->child[i].pid != 0)
			kill(s->child[i].pid, SIGKILL);
	return 0;
}

/* Enforcement stays: the children end, what they have pinned does not, and neither does flowgate-dpdk. */
static int on_stop(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	struct supervisor *s = ctx;

	(void)source;
	(void)info;
	s->stopping = true;
	fg_dpdk_leave(&s->dpdk);
	sd_notify(0, "STOPPING=1");
	for (int i = 0; i < CHILDREN; i++)
		if (s->child[i].pid != 0)
			kill(s->child[i].pid, SIGTERM);
	if (s->child[GATE].pid == 0 && s->child[CTRL].pid == 0)
		return sd_event_exit(s->event, 0);
	return sd_event_add_time_relative(s->event, NULL, CLOCK_MONOTONIC, STOP_GRACE_US, 0, on_grace_over, s);
}

/* Enforcement goes: the gate takes it away, then all end. What no gate was there to take is taken last of all. */
static int on_remove(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	struct supervisor *s = ctx;
	struct fg_switch away = { .on = 1 };

	fg_log(LOG_NOTICE, "enforcement is taken away, as asked");
	s->removing = true;
	tell_gate(s, FG_ASK_STOP, &away, sizeof(away), NULL, 0);
	return on_stop(source, info, ctx);
}

/* Metrics elsewhere: ctrl gets the new socket, or the old one again where there is no new one to be had. */
static void move_http(struct supervisor *s, struct fg_conf *conf)
{
	char error[FG_CONF_ERROR_MAX];
	int r = 0;

	if (strcmp(s->conf.http.address, conf->http.address) == 0 && s->conf.http.port == conf->http.port)
		return;
	if (fg_listen_http(conf, &s->listeners, error) != 0) {
		fg_log(LOG_ERR, "%s; metrics stay where they were", error);
		conf->http = s->conf.http;
	}
	if (s->child[CTRL].socket >= 0)
		r = fg_link_tell(s->child[CTRL].socket, FG_LINK_HTTP, NULL, 0, &s->listeners.http,
				 s->listeners.http >= 0);
	if (r != 0)
		fg_log(LOG_ERR, "ctrl does not take the socket of metrics: %s", strerror(-r));
}

/* What ports are hangs on it, so nothing of such a file can be used. */
static bool changes_dataplane(struct supervisor *s, const struct fg_conf *conf)
{
	if (s->conf.dpdk.used == conf->dpdk.used)
		return false;
	strcpy(s->conf.later, "dpdk");
	fg_log(LOG_WARNING, "with or without 'dpdk' is decided at the start; the configuration stays as it was");
	tell_conf(s);
	return true;
}

static void use(struct supervisor *s, struct fg_conf *conf)
{
	fg_places_keep(&s->conf, conf, !s->listeners.http_given);
	move_http(s, conf);
	if (conf->later[0] != '\0')
		fg_log(LOG_WARNING, "takes effect at the next start: %s", conf->later);
	s->conf = *conf;
	if (s->child[GATE].pid == 0)
		shut_ports(s);
	fg_dial_listen(&s->dial, &s->conf.bgp);
	tell_policy(s);
	tell_conf(s);
	tell_listeners(s);
	s->reloading = s->child[GATE].pid != 0;
	fg_log(LOG_NOTICE, "the configuration was read again");
}

/* The manager is told of a reload by its own clock (sd_notify(3)). */
static void say_reloading(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
		   (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
}

/* What is wrong is not used; what needs a restart says so. */
static int on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	struct supervisor *s = ctx;
	struct fg_conf *conf = malloc(sizeof(*conf));
	char error[FG_CONF_ERROR_MAX] = "out of memory";

	(void)source;
	(void)info;
	say_reloading();
	if (conf == NULL || fg_conf_file(conf, s->path, error) != 0 || fg_conf_resolve(conf, error) != 0) {
		fg_log(LOG_ERR, "%s; the configuration stays as it was", error);
	} else if (!changes_dataplane(s, conf)) {
		use(s, conf);
	}
	free(conf);
	if (!s->reloading)
		say_reloaded(s);
	return 0;
}

/* ---- The watchdog ---- */

static void ask_alive(struct supervisor *s, int which, uint64_t now_us)
{
	int r = which == GATE ? tell_gate(s, FG_ASK_STATUS, NULL, 0, NULL, 0)
			      : fg_link_tell(s->child[CTRL].socket, FG_LINK_ALIVE, NULL, 0, NULL, 0);

	if (r == 0 || r == -EAGAIN)
		s->child[which].asked_us = now_us;
}

/* One that ended is started again, and one that starts has time to do so: that is no hanging. */
static bool is_well(struct supervisor *s, int which, uint64_t now_us, uint64_t patience_us)
{
	struct child *c = &s->child[which];

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
	struct supervisor *s = ctx;
	bool gate = is_well(s, GATE, now_us, patience_us), ctrl = is_well(s, CTRL, now_us, patience_us);

	return gate && ctrl;
}

static int take_signals(struct supervisor *s)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD };
	static const sd_event_signal_handler_t handlers[] = { on_stop, on_stop, on_reload, on_remove };
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

static int prepare(struct supervisor *s)
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
	tell_processes(supervisor);
}

static int run(struct supervisor *s)
{
	int r = sd_event_new(&s->event);

	if (r >= 0)
		r = take_signals(s);
	if (r >= 0)
		r = fg_watchdog_begin(&s->watchdog, s->event);
	if (r >= 0) {
		s->dpdk = (struct fg_dpdk){ .event = s->event, .conf = &s->conf, .changed = dpdk_changed, .ctx = s };
		fg_dpdk_begin(&s->dpdk);
		fg_dial_listen(&s->dial, &s->conf.bgp);
		start(s, GATE);
		start(s, CTRL);
		r = sd_event_loop(s->event);
	}
	return r;
}

int fg_supervisor_run(const char *path, const struct fg_conf *conf)
{
	static struct supervisor one; /* as long as the process */
	struct supervisor *s = &one;
	int r;

	s->path = path;
	s->conf = *conf;
	s->watchdog = (struct fg_watchdog){ .well = all_well, .ctx = s };
	s->child[GATE] = (struct child){ .name = "gate", .socket = -1 };
	s->child[CTRL] = (struct child){ .name = "ctrl", .socket = -1 };
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
