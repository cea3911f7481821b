/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls and their replies. In: a method and its parameters. Out: the parameters of replies, or the error that came in their place, as a
 * result. Next: line.c, which carries lines; error.c, which says what errors mean.
 */
#include "ctrl/client/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/client/line.h"

enum { BACKLOG_PAUSE_MS = 20, ERROR_NAME_MAX = 128 };

struct fg_client {
	int timeout_ms, stop_fd;
	char error[FG_CLIENT_ERROR_MAX];
	char error_name[ERROR_NAME_MAX];
	json_t *error_parameters;
	struct fg_lines lines;
};

/* ---- The connection ---- */

/* A daemon whose queue is full is tried again for a while. 0 or -errno. */
static int connect_within(int fd, const struct sockaddr_un *to, int timeout_ms)
{
	const struct timespec pause = { 0, BACKLOG_PAUSE_MS * 1000000L };

	for (int waited = 0;; waited += BACKLOG_PAUSE_MS) {
		if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0)
			return 0;
		if (errno != EAGAIN || (timeout_ms >= 0 && waited >= timeout_ms))
			return -errno;
		nanosleep(&pause, NULL);
	}
}

/* A connected socket, or -errno. */
static int socket_open(const char *path, int timeout_ms)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd, r;

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	strcpy(to.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	r = connect_within(fd, &to, timeout_ms);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static const char *advice(int error)
{
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		return "; is flowgated running?";
	case EACCES:
		return "; are you a member of the group of the socket?";
	default:
		return "";
	}
}

struct fg_client *fg_client_new(int fd, int timeout_ms)
{
	struct fg_client *client = malloc(sizeof(*client));

	if (client == NULL) {
		close(fd);
		return NULL;
	}
	client->timeout_ms = timeout_ms;
	client->stop_fd = -1;
	client->error[0] = client->error_name[0] = '\0';
	client->error_parameters = NULL;
	client->lines.fd = fd;
	client->lines.start = client->lines.end = client->lines.searched = 0;
	return client;
}

enum fg_client_result fg_client_open(struct fg_client **client, const char *path, int timeout_ms,
				     char error[FG_CLIENT_ERROR_MAX])
{
	int fd = socket_open(path, timeout_ms);

	*client = NULL;
	if (fd < 0) {
		snprintf(error, FG_CLIENT_ERROR_MAX, "cannot connect to %.300s: %s%s", path, strerror(-fd),
			 advice(-fd));
		return FG_CLIENT_NO_CONNECTION;
	}
	*client = fg_client_new(fd, timeout_ms);
	if (*client != NULL)
		return FG_CLIENT_DONE;
	snprintf(error, FG_CLIENT_ERROR_MAX, "out of memory");
	return FG_CLIENT_BROKEN;
}

void fg_client_close(struct fg_client *client)
{
	if (client == NULL)
		return;
	close(client->lines.fd);
	json_decref(client->error_parameters);
	free(client);
}

void fg_client_wait(struct fg_client *client, int timeout_ms, int stop_fd)
{
	client->timeout_ms = timeout_ms;
	client->stop_fd = stop_fd;
}

/* ---- Failures ---- */

static enum fg_client_result broken(struct fg_client *client, const char *why)
{
	snprintf(client->error, sizeof(client->error), "%s", why);
	return FG_CLIENT_BROKEN;
}

static enum fg_client_result broken_by(struct fg_client *client, int error)
{
	switch (error) {
	case -ETIMEDOUT:
		return broken(client, "no answer in time; whether it was done is not known");
	case -EMSGSIZE:
		return broken(client, "the answer is longer than a line may be");
	case -ECONNRESET:
	case -EPIPE:
		return broken(client, "the connection was closed before the answer; whether it was done is not known");
	default:
		return broken(client, strerror(-error));
	}
}

static void error_forget(struct fg_client *client)
{
	client->error[0] = client->error_name[0] = '\0';
	json_decref(client->error_parameters);
	client->error_parameters = NULL;
}

/* ---- Calls ---- */

/* The call as a line, to be freed. NULL: no memory. */
static char *call_line(const char *method, json_t *parameters, bool more, size_t *len)
{
	json_t *call = json_pack("{s:s+,s:o}", "method", FG_CLIENT_INTERFACE, method, "parameters",
				 parameters != NULL ? parameters : json_object());
	char *line;

	if (call == NULL)
		return NULL;
	if (more)
		json_object_set_new(call, "more", json_true());
	line = json_dumps(call, JSON_COMPACT);
	json_decref(call);
	if (line != NULL) {
		*len = strlen(line) + 1;
		line[*len - 1] = '\n';
	}
	return line;
}

enum fg_client_result fg_client_call(struct fg_client *client, const char *method, json_t *parameters, bool more)
{
	size_t len;
	char *line = call_line(method, parameters, more, &len);
	int r;

	error_forget(client);
	if (line == NULL)
		return broken(client, "out of memory");
	if (len > FG_CLIENT_LINE_MAX) {
		free(line);
		snprintf(client->error, sizeof(client->error), "a call of %zu octets does not fit a line of %d", len,
			 FG_CLIENT_LINE_MAX);
		return FG_CLIENT_REFUSED;
	}
	r = fg_lines_write(&client->lines, client->timeout_ms, line, len);
	free(line);
	/* One that closes has often said why before. */
	return r == 0 || r == -EPIPE || r == -ECONNRESET ? FG_CLIENT_DONE : broken_by(client, r);
}

/* ---- Replies ---- */

/* What an error says; it is kept for who wants to see more of it. */
static enum fg_client_result error_take(struct fg_client *client, const char *name, json_t *parameters)
{
	size_t prefix = strlen(FG_CLIENT_INTERFACE);

	if (strncmp(name, FG_CLIENT_INTERFACE, prefix) == 0)
		name += prefix;
	snprintf(client->error_name, sizeof(client->error_name), "%s", name);
	client->error_parameters = json_incref(parameters);
	return fg_client_judge(name, parameters, client->error);
}

/* A reply is an object with parameters, or with an error. */
static enum fg_client_result reply_take(struct fg_client *client, json_t *reply, json_t **parameters, bool *continues)
{
	json_t *error = json_object_get(reply, "error"), *inner = json_object_get(reply, "parameters");
	json_t *more = json_object_get(reply, "continues");

	if (!json_is_object(reply) || (inner != NULL && !json_is_object(inner)) ||
	    (error != NULL && !json_is_string(error)) || (more != NULL && !json_is_boolean(more)) ||
	    (error == NULL && inner == NULL))
		return broken(client, "the answer is not of the protocol");
	if (error != NULL)
		return error_take(client, json_string_value(error), inner);
	*parameters = json_incref(inner);
	*continues = json_is_true(more);
	return FG_CLIENT_DONE;
}

enum fg_client_result fg_client_reply(struct fg_client *client, json_t **parameters, bool *continues)
{
	enum fg_client_result result;
	json_t *reply;
	size_t len;
	char *line;
	int r;

	*parameters = NULL;
	*continues = false;
	error_forget(client);
	r = fg_lines_read(&client->lines, client->timeout_ms, client->stop_fd, &line, &len);
	if (r != 0)
		return broken_by(client, r);
	if (line == NULL)
		return FG_CLIENT_DONE;
	reply = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	result = reply == NULL ? broken(client, "the answer is no JSON")
			       : reply_take(client, reply, parameters, continues);
	json_decref(reply);
	return result;
}

enum fg_client_result fg_client_ask(struct fg_client *client, const char *method, json_t *parameters, json_t **reply)
{
	enum fg_client_result r = fg_client_call(client, method, parameters, false);
	bool continues = false;

	*reply = NULL;
	if (r == FG_CLIENT_DONE)
		r = fg_client_reply(client, reply, &continues);
	if (r == FG_CLIENT_DONE && continues) {
		json_decref(*reply);
		*reply = NULL;
		return broken(client, "the answer goes on where one was asked for");
	}
	return r;
}

const char *fg_client_error(const struct fg_client *client)
{
	return client->error;
}

const char *fg_client_error_name(const struct fg_client *client)
{
	return client->error_name[0] != '\0' ? client->error_name : NULL;
}

const json_t *fg_client_error_parameters(const struct fg_client *client)
{
	return client->error_parameters;
}
