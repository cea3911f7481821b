/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages between the supervisor and ctrl over a SOCK_SEQPACKET pair, and descriptors that go with messages. The
 * supervisor tells; ctrl says that it is ready, and again when it is asked, and asks for nothing but sockets to peers of the configuration.
 */
#ifndef CTRL_DAEMON_LINK_H
#define CTRL_DAEMON_LINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "ctrl/conf/conf.h"

enum { FG_LINK_FDS_MAX = FG_CONF_RULE_FILES_MAX, FG_LINK_PROCESSES_MAX = 4 };

enum fg_link_kind {
	FG_LINK_CONF = 1,  /* struct fg_conf; a descriptor of each file of rules comes with it */
	FG_LINK_GATE,      /* a socket to the gate comes with it and replaces the one there was */
	FG_LINK_PROCESSES, /* FG_LINK_PROCESSES_MAX of struct fg_link_process; a name "" is none */
	FG_LINK_HTTP,      /* the socket of metrics comes with it and replaces the one there was; none: there is none */
	FG_LINK_ALIVE,     /* is answered by FG_LINK_READY */
	FG_LINK_LISTEN,    /* sockets that listen for peers come with it and replace those there were */
	FG_LINK_DIALLED,   /* struct fg_link_dialled; a socket that is connecting comes with it, or none */
	/* Of ctrl. */
	FG_LINK_READY, /* it serves */
	FG_LINK_DIAL,  /* the name of a peer, FG_NAME_MAX + 1 octets: a socket to it is asked for */
};

struct fg_link_process {
	char name[16];
	int32_t pid; /* 0: it is not running */
	uint32_t restarts;
};

struct fg_link_dialled {
	char peer[FG_NAME_MAX + 1];
	int32_t error; /* errno where there is no socket */
};

struct fg_link_message {
	uint32_t kind;   /* enum fg_link_kind */
	uint32_t octets; /* of the body */
	union {
		struct fg_conf conf;
		struct fg_link_process process[FG_LINK_PROCESSES_MAX];
		struct fg_link_dialled dialled;
	} body;
};

/* One message of pieces, and descriptors with it; the peer is not waited for. 0 or -errno. */
int fg_link_send(int socket, const struct iovec *piece, size_t pieces, const int *fds, size_t n);
/* One message of the link. 0 or -errno. */
int fg_link_tell(int socket, enum fg_link_kind kind, const void *body, size_t octets, const int *fds, size_t n);
/*
 * One message. Octets received, 0 at the end of the connection, or -errno. Sets fds[] and *n, *n being the room before;
 * descriptors that do not fit are closed.
 */
ssize_t fg_link_receive(int socket, void *to, size_t room, int *fds, size_t *n);
/* A SOCK_SEQPACKET pair, closed on exec, whose buffers hold a message of FG_MESSAGE_MAX. 0 or -errno. */
int fg_link_pair(int pair[2]);

#endif
