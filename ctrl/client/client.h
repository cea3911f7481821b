/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A caller of the control socket (ctrl/daemon/net.flowgate.v1.varlink): one JSON object a line, at most
 * FG_CLIENT_LINE_MAX octets, a call and its replies one after the other. The other side is not trusted: garbage, a line
 * that is too long, a connection that ends early and silence are results like others.
 *
 *   fg_client_open(), fg_client_ask() as often as wanted, fg_client_close()
 *   or fg_client_call(), then fg_client_reply() while it says that more will follow
 */
#ifndef CTRL_CLIENT_CLIENT_H
#define CTRL_CLIENT_CLIENT_H

#include <jansson.h>
#include <stdbool.h>

#define FG_CLIENT_SOCKET "/run/flowgate/flowgate.sock"
#define FG_CLIENT_INTERFACE "net.flowgate.v1."

enum {
	FG_CLIENT_LINE_MAX = 64 << 10, /* octets of a line, the newline included */
	FG_CLIENT_ERROR_MAX = 512,
	FG_CLIENT_FOREVER = -1, /* as a timeout */
};

/* What became of a call. The numbers are the exit codes of the `flowgate` command. */
enum fg_client_result {
	FG_CLIENT_DONE = 0,
	FG_CLIENT_REFUSED = 1,       /* the daemon understood and does not do it */
	FG_CLIENT_SYNTAX = 2,        /* what was asked for is no sentence of the protocol or of the rule language */
	FG_CLIENT_NOT_FOUND = 3,     /* a rule or a generation, or something to confirm, that is not there */
	FG_CLIENT_NO_CONNECTION = 4, /* nobody listens, or we may not connect */
	FG_CLIENT_BROKEN = 5,        /* the other side said nonsense or nothing, or something failed over there */
};

struct fg_client;

/* Connects to the socket. FG_CLIENT_DONE; otherwise *client is NULL and error[] says why. */
enum fg_client_result fg_client_open(struct fg_client **client, const char *path, int timeout_ms,
				     char error[FG_CLIENT_ERROR_MAX]);
/* The same of a socket that is connected, which becomes the client's. NULL: no memory, and the socket is closed. */
struct fg_client *fg_client_new(int fd, int timeout_ms);
void fg_client_close(struct fg_client *client);

/*
 * What replies are waited for: timeout_ms for each, and not beyond the time when stop_fd (-1: none) becomes
 * readable.
 */
void fg_client_wait(struct fg_client *client, int timeout_ms, int stop_fd);

/* Sends a call of a method of FG_CLIENT_INTERFACE. Drops `parameters`, which may be NULL. */
enum fg_client_result fg_client_call(struct fg_client *client, const char *method, json_t *parameters, bool more);
/*
 * The next reply. FG_CLIENT_DONE: *parameters is the caller's to drop, or NULL where stop_fd ended the wait; *continues: another reply
 * follows. Otherwise no reply follows and fg_client_error() says why.
 */
enum fg_client_result fg_client_reply(struct fg_client *client, json_t **parameters, bool *continues);
/* A call with one reply. */
enum fg_client_result fg_client_ask(struct fg_client *client, const char *method, json_t *parameters, json_t **reply);

/* A sentence on the last failure. */
const char *fg_client_error(const struct fg_client *client);
/* Name (without the interface's) and parameters of the error the daemon answered last; NULL: it answered none. */
const char *fg_client_error_name(const struct fg_client *client);
const json_t *fg_client_error_parameters(const struct fg_client *client);

/* error.c: the result an error of the daemon stands for, and a sentence on it. */
enum fg_client_result fg_client_judge(const char *name, const json_t *parameters, char error[FG_CLIENT_ERROR_MAX]);

#endif
