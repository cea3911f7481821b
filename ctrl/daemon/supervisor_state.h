/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the supervisor knows, for its three parts: supervisor.c starts, ends and watches the two processes; supervisor_tell.c talks to them;
 * supervisor_reload.c reads the configuration again.
 */
#ifndef CTRL_DAEMON_SUPERVISOR_STATE_H
#define CTRL_DAEMON_SUPERVISOR_STATE_H

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "ctrl/daemon/backoff.h"
#include "ctrl/daemon/compiler.h"
#include "ctrl/daemon/dial.h"
#include "ctrl/daemon/dpdk.h"
#include "ctrl/daemon/link.h"
#include "ctrl/daemon/listen.h"
#include "ctrl/daemon/rights.h"
#include "ctrl/daemon/supervisor.h"
#include "ctrl/daemon/watchdog.h"
#include "ctrl/gate/record.h"

enum { FG_GATE, FG_CTRL, FG_CHILDREN };
struct fg_child {
	const char *name;
	pid_t pid;  /* 0: it does not run */
	int socket; /* our end; -1: none */
	sd_event_source *io, *exit, *start;
	struct fg_backoff backoff;
	uint32_t restarts;
	uint64_t started_us;
	bool ready;
	uint64_t asked_us; /* whether it is alive, and has not answered yet; 0: it has */
	bool owed;         /* its socket was full: it is told all again once there is room */
};

struct fg_supervisor {
	const char *path;
	struct fg_conf conf;
	struct fg_listeners listeners;
	struct fg_rights_user user;
	int lock;
	sd_event *event;
	struct fg_child child[FG_CHILDREN];
	struct fg_dpdk dpdk;
	struct fg_dial dial;
	struct fg_compiler compiler;
	bool said_ready, stopping, removing;
	bool reloading; /* the manager waits to hear that the gate has the new policy */
	struct fg_watchdog watchdog;
	_Alignas(8) uint8_t message[FG_MESSAGE_MAX];
};

/* A message to the gate, with n descriptors. 0; -ENOTCONN: it does not run; or -errno. */
int fg_tell_gate(struct fg_supervisor *s, enum fg_message_kind kind, const void *body, size_t octets, const int *fds,
		 size_t n);
/* fg_compiler.done, of a supervisor. */
void fg_tell_patterns(void *supervisor, uint32_t id, int result, int file);
void fg_tell_policy(struct fg_supervisor *s);
void fg_tell_conf(struct fg_supervisor *s);
void fg_tell_listeners(struct fg_supervisor *s);
void fg_tell_http(struct fg_supervisor *s);
void fg_tell_processes(struct fg_supervisor *s);
/* A new socket between the two, whenever one of them is new. */
void fg_introduce(struct fg_supervisor *s);
/* Of an sd_event: one of the two has said something. */
int fg_on_child_io(sd_event_source *source, int fd, uint32_t events, void *supervisor);

/* Until the gate enforces something, and should it never do so, what is to be closed then is closed. */
void fg_shut_ports(struct fg_supervisor *s);
/* SIGHUP. What is wrong is not used; what needs a restart says so. */
int fg_on_reload(sd_event_source *source, const struct signalfd_siginfo *info, void *supervisor);
/* To the manager, behind RELOADING=1, if it was ready at all before. */
void fg_say_reloaded(struct fg_supervisor *s);

#endif
