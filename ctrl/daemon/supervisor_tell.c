/* SPDX-License-Identifier: BSD-3-Clause */
/* What the supervisor tells the gate and ctrl, and what they say (supervisor_state.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "ctrl/daemon/log.h"
#include "ctrl/daemon/supervisor_state.h"

/* ---- What children are told ---- */

int fg_tell_gate(struct fg_supervisor *s, enum fg_message_kind kind, const void *body, size_t octets, const int *fds,
		 size_t n)
{
	struct fg_message head = { .version = FG_RECORD_VERSION,
				   .kind = (uint16_t)kind,
				   .id = kind,
				   .octets = (uint32_t)(sizeof(head) + octets) };
	struct iovec piece[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, octets } };

	if (s->child[FG_GATE].socket < 0)
		return -ENOTCONN;
	return fg_link_send(s->child[FG_GATE].socket, piece, octets > 0 ? 2 : 1, fds, n);
}

void fg_tell_patterns(void *supervisor, uint32_t id, int result, int file)
{
	struct fg_database_ask ask = { id, result };
	int r = fg_tell_gate(supervisor, FG_ASK_DATABASE, &ask, sizeof(ask), &file, 1);

	if (r != 0 && r != -ENOTCONN)
		fg_log(LOG_ERR, "the gate does not take the patterns: %s", strerror(-r));
}

/* What a child does not take is said, and where its socket is only full, made up for (pay()). */
static void owe(struct fg_child *c, const char *what, int r)
{
	if (r == 0 || r == -ENOTCONN)
		return;
	fg_log(LOG_ERR, "%s does not take %s%s: %s", c->name, what, r == -EAGAIN ? " yet" : "", strerror(-r));
	if (r != -EAGAIN)
		return;
	c->owed = true;
	sd_event_source_set_io_events(c->io, EPOLLIN | EPOLLOUT);
}

void fg_tell_policy(struct fg_supervisor *s)
{
	owe(&s->child[FG_GATE], "the policy",
	    fg_tell_gate(s, FG_ASK_POLICY, &s->conf.policy, sizeof(s->conf.policy), NULL, 0));
}

static int tell_ctrl(struct fg_supervisor *s, enum fg_link_kind kind, const void *body, size_t octets, const int *fds,
		     size_t n)
{
	int socket = s->child[FG_CTRL].socket;

	return socket < 0 ? -ENOTCONN : fg_link_tell(socket, kind, body, octets, fds, n);
}

/* Files are opened here, for ctrl may not read what is root's. */
void fg_tell_conf(struct fg_supervisor *s)
{
	static struct fg_conf told;
	int fds[FG_CONF_RULE_FILES_MAX] = { -1 };
	size_t n = 0;

	if (s->child[FG_CTRL].socket < 0)
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
	owe(&s->child[FG_CTRL], "the configuration", tell_ctrl(s, FG_LINK_CONF, &told, sizeof(told), fds, n));
	while (n > 0)
		close(fds[--n]);
}

void fg_tell_listeners(struct fg_supervisor *s)
{
	int fds[FG_BGP_LISTEN_MAX];
	size_t n = fg_dial_listeners(&s->dial, fds);

	owe(&s->child[FG_CTRL], "the sockets of BGP", tell_ctrl(s, FG_LINK_LISTEN, NULL, 0, fds, n));
}

void fg_tell_http(struct fg_supervisor *s)
{
	const int *fd = &s->listeners.http;

	owe(&s->child[FG_CTRL], "the socket of metrics", tell_ctrl(s, FG_LINK_HTTP, NULL, 0, fd, *fd >= 0));
}

/* ctrl asks for a connection to a peer: it gets one that is on its way, or why there is none. */
static void dial(struct fg_supervisor *s, const char peer[FG_NAME_MAX + 1])
{
	struct fg_link_dialled d = { 0 };
	int fd;

	snprintf(d.peer, sizeof(d.peer), "%.63s", peer);
	fd = fg_dial_peer(&s->dial, d.peer);
	d.error = fd < 0 ? -fd : 0;
	fg_link_tell(s->child[FG_CTRL].socket, FG_LINK_DIALLED, &d, sizeof(d), &fd, fd >= 0 ? 1 : 0);
	if (fd >= 0)
		close(fd);
}

void fg_tell_processes(struct fg_supervisor *s)
{
	struct fg_link_process all[FG_LINK_PROCESSES_MAX] = { { "supervisor", getpid(), 0 } };

	for (int i = 0; i < FG_CHILDREN; i++) {
		snprintf(all[i + 1].name, sizeof(all[i + 1].name), "%s", s->child[i].name);
		all[i + 1].pid = s->child[i].pid;
		all[i + 1].restarts = s->child[i].restarts;
	}
	if (s->conf.dpdk.used && s->conf.dpdk.run)
		all[FG_CHILDREN + 1] = (struct fg_link_process){ "dpdk", s->dpdk.pid, s->dpdk.restarts };
	owe(&s->child[FG_CTRL], "the processes", tell_ctrl(s, FG_LINK_PROCESSES, all, sizeof(all), NULL, 0));
}

void fg_introduce(struct fg_supervisor *s)
{
	int pair[2], r;

	if (s->child[FG_GATE].socket < 0 || s->child[FG_CTRL].socket < 0 || fg_link_pair(pair) != 0)
		return;
	r = fg_tell_gate(s, FG_ASK_CTRL, NULL, 0, &pair[0], 1);
	owe(&s->child[FG_GATE], "a socket to ctrl", r);
	if (r == 0)
		owe(&s->child[FG_CTRL], "a socket to the gate", tell_ctrl(s, FG_LINK_GATE, NULL, 0, &pair[1], 1));
	close(pair[0]);
	close(pair[1]);
}

void fg_say_reloaded(struct fg_supervisor *s)
{
	s->reloading = false;
	if (s->said_ready)
		sd_notify(0, "READY=1\nSTATUS=serving");
}

static void say_ready(struct fg_supervisor *s)
{
	if (s->said_ready || !s->child[FG_GATE].ready || !s->child[FG_CTRL].ready)
		return;
	s->said_ready = true;
	sd_notify(0, "READY=1\nSTATUS=serving");
	fg_log(LOG_INFO, "serving at %s", s->conf.control.socket);
}

/* ---- What children say ---- */

/* The gate wants patterns compiled. Where that cannot begin it hears so at once. */
static void compile(struct fg_supervisor *s, int texts)
{
	struct fg_patterns_wanted wanted;
	int r;

	memcpy(&wanted, s->message + sizeof(struct fg_message), sizeof(wanted));
	r = fg_compiler_begin(&s->compiler, &wanted, texts);
	if (r != 0)
		fg_tell_patterns(s, wanted.id, r, texts);
}

static void gate_said(struct fg_supervisor *s, ssize_t n, int fd)
{
	const struct fg_message *m = (const struct fg_message *)s->message;
	struct fg_done done;

	if ((size_t)n == sizeof(*m) + sizeof(struct fg_patterns_wanted) && m->kind == FG_SAY_WANTED && fd >= 0) {
		compile(s, fd);
		return;
	}

	if ((size_t)n != sizeof(*m) + sizeof(done) || m->kind != FG_SAY_DONE)
		return;
	memcpy(&done, m + 1, sizeof(done));
	if (done.result != 0)
		fg_log(LOG_ERR, "the gate refuses the %s: %s", m->id == FG_ASK_POLICY ? "policy" : "request",
		       done.result < 0 ? strerror(-done.result) : "it does not fit");
	if (m->id == FG_ASK_POLICY && done.result == 0) {
		s->child[FG_GATE].ready = true;
		fg_dpdk_ready(&s->dpdk);
	}
	if (m->id == FG_ASK_POLICY && s->reloading)
		fg_say_reloaded(s);
	/* Otherwise its own end is waited for, behind which all is gone. */
	if (m->id == FG_ASK_STOP && done.result < 0)
		sd_event_exit(s->event, done.result);
	say_ready(s);
}

static void ctrl_said(struct fg_supervisor *s, ssize_t n)
{
	const struct fg_link_message *m = (const struct fg_link_message *)(const void *)s->message;
	const size_t head = offsetof(struct fg_link_message, body);

	if ((size_t)n == head + FG_NAME_MAX + 1 && m->kind == FG_LINK_DIAL) {
		dial(s, (const char *)s->message + head);
	} else if ((size_t)n == head && m->kind == FG_LINK_READY) {
		s->child[FG_CTRL].ready = true;
		say_ready(s);
	}
}

/* There is room again. What it has had of this already is no harm, for the last of each counts. */
static void pay(struct fg_supervisor *s, struct fg_child *c)
{
	c->owed = false;
	sd_event_source_set_io_events(c->io, EPOLLIN);
	if (c == &s->child[FG_GATE]) {
		fg_tell_policy(s);
	} else {
		fg_tell_conf(s);
		fg_tell_listeners(s);
		fg_tell_http(s);
		fg_tell_processes(s);
	}
	fg_introduce(s);
}

int fg_on_child_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_supervisor *s = ctx;
	struct fg_child *c = fd == s->child[FG_GATE].socket ? &s->child[FG_GATE] : &s->child[FG_CTRL];
	int with = -1;
	size_t descriptors = 1;
	ssize_t n;

	if (c->owed && (events & EPOLLOUT))
		pay(s, c);
	n = fg_link_receive(fd, s->message, sizeof(s->message), &with, &descriptors);
	if (n <= 0) {
		if (n != -EAGAIN && n != -EINTR)
			sd_event_source_set_enabled(source, SD_EVENT_OFF); /* its end is seen by on_exit_of() */
		return 0;
	}
	c->asked_us = 0;
	if (c == &s->child[FG_GATE]) {
		gate_said(s, n, with);
	} else {
		ctrl_said(s, n);
	}
	if (with >= 0)
		close(with);
	return 0;
}
