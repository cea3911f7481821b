/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connections of the control socket. In: octets of strangers. Out: whole lines to ctx->asked, replies as lines.
 *
 * Always holds: a caller has at most one line and FG_CLIENT_OUT_MAX octets of memory here; while its question is being
 * answered nothing is read of it; it is freed in on_again() alone, so that no function loses it under its feet.
 */
#include "ctrl/daemon/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/daemon/log.h"

enum { IN_FIRST = 4096, OUT_FIRST = 4096, LINES_A_TURN = 64, PATIENCE_US = 5000000 };

static void hang_up(struct fg_client *c)
{
	c->io = sd_event_source_disable_unref(c->io);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

static void free_client(struct fg_client *c)
{
	struct fg_clients *all = c->all;

	hang_up(c);
	*c->before = c->next;
	if (c->next != NULL)
		c->next->before = c->before;
	all->count--;
	free(c->in);
	free(c->out);
	free(c);
}

/* Asks on_again() to look at it. */
static void defer(struct fg_client *c)
{
	c->deferred = true;
	sd_event_source_set_enabled(c->all->again, SD_EVENT_ONESHOT);
}

static void kill_client(struct fg_client *c)
{
	c->dead = true;
	defer(c);
}

/* Its lines are taken: it has no question under way, and reads what it is answered. */
static bool is_heard(const struct fg_client *c)
{
	return !c->dead && !c->closing && c->op == NULL && c->out_len - c->out_at < FG_CLIENT_OUT_ENOUGH;
}

static void watch(struct fg_client *c)
{
	uint32_t events = 0;

	if (!c->ended && is_heard(c))
		events |= EPOLLIN;
	if (c->out_len > c->out_at)
		events |= EPOLLOUT;
	sd_event_source_set_io_events(c->io, events);
}

static void flush(struct fg_client *c)
{
	bool waited = c->out_len > c->out_at;
	ssize_t n = 0;

	while (c->out_len > c->out_at && n >= 0) {
		n = send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n > 0)
			c->out_at += (size_t)n;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		kill_client(c);
		return;
	}
	if (c->out_at == c->out_len)
		c->out_at = c->out_len = 0;
	if (waited && c->out_len == 0 && c->op != NULL)
		c->all->drained(c->all->ctx, c);
	/* One that is to be looked at again may have sent more lines before it ended. */
	if (c->out_len == 0 && (c->closing || (c->ended && !c->deferred && c->op == NULL && c->streams == 0)))
		kill_client(c);
}

static bool out_room(struct fg_client *c, size_t more)
{
	size_t room = c->out_room ? c->out_room : OUT_FIRST;
	char *grown;

	if (c->out_at > 0) {
		memmove(c->out, c->out + c->out_at, c->out_len - c->out_at);
		c->out_len -= c->out_at;
		c->out_at = 0;
	}
	if (c->out_len + more > FG_CLIENT_OUT_MAX)
		return false;
	while (room < c->out_len + more)
		room *= 2;
	grown = realloc(c->out, room);
	if (grown == NULL)
		return false;
	c->out = grown;
	c->out_room = room;
	return true;
}

/* A slow reader is cut off, never waited for. */
static void put(struct fg_client *c, const char *line, size_t len)
{
	if (c->dead)
		return;
	if (!out_room(c, len + 1)) {
		fg_log(LOG_NOTICE, "%s does not read what it asked for: cut off", c->who);
		kill_client(c);
		return;
	}
	memcpy(c->out + c->out_len, line, len);
	c->out[c->out_len + len] = '\n';
	c->out_len += len + 1;
	defer(c);
}

static bool put_object(struct fg_client *c, json_t *object)
{
	char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
	size_t len = line == NULL ? 0 : strlen(line);
	bool fits = line != NULL && len <= FG_LINE_MAX;

	json_decref(object);
	if (fits)
		put(c, line, len);
	free(line);
	return fits;
}

bool fg_client_reply(struct fg_client *c, json_t *parameters, bool continues)
{
	json_t *object = json_pack("{s:o}", "parameters", parameters != NULL ? parameters : json_object());

	if (continues && object != NULL)
		json_object_set_new(object, "continues", json_true());
	return put_object(c, object);
}

void fg_client_error(struct fg_client *c, const char *name, json_t *parameters)
{
	json_t *object =
		json_pack("{s:s,s:o}", "error", name, "parameters", parameters != NULL ? parameters : json_object());

	if (!put_object(c, object))
		kill_client(c);
}

void fg_client_done(struct fg_client *c)
{
	c->op = NULL;
	defer(c);
}

/* The next whole line, if it is time for one. */
static bool take_line(struct fg_client *c)
{
	char *end = memchr(c->in, '\n', c->in_len);
	size_t len = end == NULL ? c->in_len : (size_t)(end - c->in);

	if (len > FG_LINE_MAX) {
		fg_client_error(c, "net.flowgate.v1.TooLarge", json_pack("{s:i}", "limit", FG_LINE_MAX));
		c->closing = true;
		return false;
	}
	if (end == NULL)
		return false;
	c->all->asked(c->all->ctx, c, c->in, len);
	c->in_len -= len + 1;
	memmove(c->in, c->in + len + 1, c->in_len);
	return true;
}

static void take_lines(struct fg_client *c)
{
	int lines = 0;

	while (is_heard(c) && lines < LINES_A_TURN && take_line(c))
		lines++;
	if (lines == LINES_A_TURN)
		defer(c);
}

static bool in_room(struct fg_client *c)
{
	size_t room = c->in_room ? 2 * c->in_room : IN_FIRST;
	char *grown;

	if (c->in_len < c->in_room)
		return true;
	if (room > FG_LINE_MAX + IN_FIRST)
		room = FG_LINE_MAX + IN_FIRST; /* one line, and enough to see that it is too long */
	grown = room > c->in_room ? realloc(c->in, room) : NULL;
	if (grown == NULL)
		return false;
	c->in = grown;
	c->in_room = room;
	return true;
}

static void receive(struct fg_client *c)
{
	ssize_t n;

	if (!in_room(c))
		return;
	n = recv(c->fd, c->in + c->in_len, c->in_room - c->in_len, MSG_DONTWAIT);
	if (n > 0)
		c->in_len += (size_t)n;
	else if (n == 0)
		c->ended = true;
	else if (errno != EAGAIN && errno != EINTR)
		kill_client(c);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_client *c = ctx;

	(void)source;
	(void)fd;
	if (events & (EPOLLERR | EPOLLHUP) && !(events & EPOLLIN))
		kill_client(c);
	if (events & EPOLLIN && !c->dead)
		receive(c);
	defer(c);
	return 0;
}

/* Everything that is due for callers that something has happened to, and the end of those that are dead. */
static int on_again(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_clients *all = ctx;

	(void)source;
	(void)us;
	for (struct fg_client *c = all->first, *next; c != NULL; c = next) {
		next = c->next;
		if (!c->deferred)
			continue;
		c->deferred = false;
		if (!c->dead)
			take_lines(c);
		if (!c->dead)
			flush(c);
		if (!c->dead)
			watch(c);
		if (!c->dead)
			continue;
		all->gone(all->ctx, c);
		if (c->op == NULL)
			free_client(c);
		else
			hang_up(c);
	}
	return 0;
}

/* Who it is, by the kernel's word (unix(7), SO_PEERCRED; SO_PEERGROUPS). 0 or -errno. */
static int identify(struct fg_client *c)
{
	struct ucred cred;
	socklen_t len = sizeof(cred), groups = sizeof(c->gid) - sizeof(c->gid[0]);

	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	c->uid = cred.uid;
	c->pid = (uint32_t)cred.pid;
	c->gid[0] = cred.gid;
	c->gids = 1;
	/* More groups than there is room for: those are none, so the role can only be lower. */
	if (getsockopt(c->fd, SOL_SOCKET, SO_PEERGROUPS, c->gid + 1, &groups) == 0)
		c->gids += groups / sizeof(c->gid[0]);
	snprintf(c->who, sizeof(c->who), "uid %u pid %u", c->uid, c->pid);
	return 0;
}

static size_t of_uid(const struct fg_clients *all, uint32_t uid)
{
	size_t n = 0;

	for (const struct fg_client *c = all->first; c != NULL; c = c->next)
		n += c->uid == uid;
	return n;
}

static void add(struct fg_clients *all, int fd)
{
	struct fg_client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	c->all = all;
	c->fd = fd;
	if (identify(c) != 0 || sd_event_add_io(all->event, &c->io, fd, EPOLLIN, on_io, c) < 0) {
		close(fd);
		free(c);
		return;
	}
	c->next = all->first;
	c->before = &all->first;
	if (c->next != NULL)
		c->next->before = &c->next;
	all->first = c;
	all->count++;
	if (all->count > FG_CLIENTS_MAX || (c->uid != 0 && of_uid(all, c->uid) > FG_CLIENTS_OF_UID_MAX)) {
		fg_client_error(c, "net.flowgate.v1.Unavailable",
				json_pack("{s:s}", "message", "too many connections"));
		c->closing = true;
	}
}

static int on_listener(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_clients *all = ctx;
	int client;

	(void)source;
	(void)events;
	for (int i = 0; i < LINES_A_TURN; i++) {
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (client < 0)
			break;
		if (all->count >= 2 * FG_CLIENTS_MAX)
			close(client); /* those that are being told are as many again */
		else
			add(all, client);
	}
	return 0;
}

void fg_clients_hear(struct fg_clients *all)
{
	sd_event_source_set_enabled(all->listener, SD_EVENT_ON);
}

static int on_patience_over(sd_event_source *source, uint64_t us, void *ctx)
{
	(void)source;
	(void)us;
	fg_clients_hear(ctx);
	return 0;
}

int fg_clients_open(struct fg_clients *all, sd_event *event, int listener)
{
	int r;

	all->event = event;
	/* A time that has come already: a source that is only deferred would go before all others for as long as it is on. */
	r = sd_event_add_time(event, &all->again, CLOCK_MONOTONIC, 0, 1, on_again, all);
	if (r >= 0)
		r = sd_event_source_set_enabled(all->again, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_io(event, &all->listener, listener, EPOLLIN, on_listener, all);
	if (r >= 0)
		r = sd_event_source_set_enabled(all->listener, SD_EVENT_OFF);
	if (r >= 0)
		r = sd_event_add_time_relative(event, NULL, CLOCK_MONOTONIC, PATIENCE_US, 0, on_patience_over, all);
	return r < 0 ? r : 0;
}

void fg_clients_close(struct fg_clients *all)
{
	while (all->first != NULL) {
		all->gone(all->ctx, all->first);
		free_client(all->first);
	}
	sd_event_source_disable_unref(all->listener);
	sd_event_source_disable_unref(all->again);
}
