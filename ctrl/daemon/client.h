/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Callers of the control socket: lines in, lines out, one question at a time each. Callers are strangers: what they
 * send is bounded, what waits for them is bounded, and nobody waits for them.
 */
#ifndef CTRL_DAEMON_CLIENT_H
#define CTRL_DAEMON_CLIENT_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "ctrl/conf/conf.h"

enum {
	FG_LINE_MAX = 64 << 10,         /* octets of one line, its end not counted */
	FG_CLIENTS_MAX = 256,           /* connections */
	FG_CLIENTS_OF_UID_MAX = 64,     /* of one uid but root */
	FG_CLIENT_OUT_MAX = 1 << 20,    /* octets that wait to be read: more and the caller is cut off */
	FG_CLIENT_OUT_ENOUGH = 1 << 18, /* from here on pages wait for the caller */
	FG_CLIENT_GROUPS_MAX = 256,
	FG_WHO_MAX = 96,
};

struct fg_op;

struct fg_client {
	struct fg_clients *all;
	struct fg_client *next, **before;
	int fd;
	sd_event_source *io;
	uint32_t uid, pid;
	uint32_t gid[FG_CLIENT_GROUPS_MAX];
	size_t gids;
	char who[FG_WHO_MAX]; /* "uid 1000 pid 77" */
	char *in;
	size_t in_len, in_room;
	char *out;
	size_t out_at, out_len, out_room;
	bool ended;                        /* it sends nothing more */
	bool closing;                      /* to be closed once all is sent */
	bool dead;                         /* to be closed at the next occasion */
	bool deferred;                     /* on the list of those to look at again */
	bool more;                         /* of the question that is being answered */
	struct fg_op *op;                  /* the question that is being answered, or NULL */
	struct fg_batch_parts *parts;      /* of a batch larger than a line */
	uint32_t streams;                  /* of enum fg_stream: what it watches */
	char stream_rule[FG_NAME_MAX + 1]; /* samples of that rule alone; "": of all */
};

enum fg_stream { FG_STREAM_EVENTS = 1, FG_STREAM_SAMPLES = 2, FG_STREAM_PEERS = 4 };

struct fg_clients {
	sd_event *event;
	sd_event_source *listener, *again;
	struct fg_client *first;
	size_t count;
	/* A line has come, to be answered by fg_client_reply() or fg_client_error(), now or later. */
	void (*asked)(void *ctx, struct fg_client *c, const char *line, size_t len);
	/* All that waited has been sent: its op is to be told. */
	void (*drained)(void *ctx, struct fg_client *c);
	/* The caller is gone, and nothing is sent to it any more. One with an op keeps its place until that is done, and is gone again then. */
	void (*gone)(void *ctx, struct fg_client *c);
	void *ctx;
};

/*
 * Callers of a listening socket. 0 or -errno. `asked`, `drained` and `gone` are set before. They wait until fg_clients_hear() says that there is
 * something to be told, five seconds at most.
 */
int fg_clients_open(struct fg_clients *all, sd_event *event, int listener);
void fg_clients_hear(struct fg_clients *all);
void fg_clients_close(struct fg_clients *all);

/*
 * One reply; the parameters are taken over, NULL for none. `continues`: another follows. False: it is larger than a line, or
 * there is no memory; nothing was sent.
 */
bool fg_client_reply(struct fg_client *c, json_t *parameters, bool continues);
/* The last reply: an error by its whole name. */
void fg_client_error(struct fg_client *c, const char *name, json_t *parameters);
/* The question is answered: the next line may come. */
void fg_client_done(struct fg_client *c);

#endif
