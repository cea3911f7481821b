/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Octets of connections. In: readiness. Out: whole messages to the session. Always holds: nobody waits for a peer; what it may make us keep is
 * bounded in both directions; a connection that is closed while it is being read is freed when that is done.
 */
#include "ctrl/daemon/bgp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void conn_free(struct fg_bgp_conn *c)
{
	sd_event_source_disable_unref(c->io);
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	free(c->out);
	free(c);
}

static void flush(struct fg_bgp_conn *c)
{
	ssize_t n;

	while (c->out_len > 0 && (n = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0) {
		c->out_len -= (size_t)n;
		memmove(c->out, c->out + n, c->out_len);
	}
	sd_event_source_set_io_events(c->io, EPOLLIN | (c->out_len > 0 || c->connecting ? EPOLLOUT : 0));
}

void fg_bgp_conn_send(struct fg_bgp_conn *c, const uint8_t *octets, size_t len)
{
	if (c->out == NULL)
		c->out = malloc(FG_BGP_OUT_MAX);
	if (c->out == NULL || c->out_len + len > FG_BGP_OUT_MAX) {
		shutdown(c->fd, SHUT_RDWR); /* it does not read: the end is seen by on_io() */
		return;
	}
	memcpy(c->out + c->out_len, octets, len);
	c->out_len += len;
	if (!c->connecting)
		flush(c);
}

void fg_bgp_conn_close(struct fg_bgp_peer *p, enum fg_conn place)
{
	struct fg_bgp_conn *c = p->conn[place];

	if (c == NULL)
		return;
	p->conn[place] = NULL;
	if (c->reading)
		c->dead = true;
	else
		conn_free(c);
}

/* From the message on that makes the session. Who is not offered longer messages may write a few octets too many (FRR), and is heard. */
static bool may_be_longer(const struct fg_bgp_conn *c)
{
	return c->place == FG_CONN_CHOSEN && (c->peer->session.extended || c->peer->config.short_messages);
}

/* Messages that are whole; what is left waits for more. */
static void take_messages(struct fg_bgp_conn *c)
{
	struct fg_bgp_peer *p = c->peer;
	struct fg_bgp_message m;
	struct fg_bgp_error e;
	size_t at = 0;
	enum fg_bgp_framing f = FG_BGP_WHOLE;

	while (!c->dead && f == FG_BGP_WHOLE) {
		f = fg_bgp_frame(c->in + at, c->in_len - at, may_be_longer(c), &m, &e);
		if (f == FG_BGP_BROKEN)
			fg_session_fail(&p->session, (enum fg_conn)c->place, &e, fg_bgp_now_ms(p->all));
		if (f != FG_BGP_WHOLE)
			break;
		fg_session_message(&p->session, (enum fg_conn)c->place, &m, fg_bgp_now_ms(p->all));
		at += m.octets;
		if (p->fail && !c->dead)
			fg_session_fail(&p->session, (enum fg_conn)c->place, &p->error, fg_bgp_now_ms(p->all));
		p->fail = false;
	}
	c->in_len -= at;
	memmove(c->in, c->in + at, c->in_len);
}

static bool grow(struct fg_bgp_conn *c)
{
	size_t room = c->in_room == 0 ? FG_BGP_MESSAGE_MAX : FG_BGP_IN_MAX;
	uint8_t *grown;

	if (c->in_len < c->in_room || room <= c->in_room)
		return c->in_len < c->in_room;
	grown = realloc(c->in, room);
	if (grown == NULL)
		return false;
	c->in = grown;
	c->in_room = room;
	return true;
}

/* Those that are not established have the room of one message of the ordinary size. */
static ssize_t read_some(struct fg_bgp_conn *c)
{
	ssize_t n;

	if (!grow(c))
		return -ENOBUFS;
	n = recv(c->fd, c->in + c->in_len, c->in_room - c->in_len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? -EAGAIN : -errno;
	c->in_len += (size_t)n;
	if (c->place == FG_CONN_CHOSEN && c->in_len == c->in_room)
		grow(c);
	return n;
}

static void lose(struct fg_bgp_conn *c, int error)
{
	struct fg_bgp_peer *p = c->peer;

	fg_session_lost(&p->session, (enum fg_conn)c->place,
			error == 0 ? "the peer has closed the connection" : strerror(error), fg_bgp_now_ms(p->all));
}

static void connected(struct fg_bgp_conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error != 0) {
		lose(c, error);
		return;
	}
	c->connecting = false;
	fg_session_connected(&c->peer->session, fg_bgp_now_ms(c->peer->all));
}

static void read_all(struct fg_bgp_conn *c)
{
	for (int i = 0; i < FG_BGP_READS_A_TURN && !c->dead; i++) {
		ssize_t n = read_some(c);

		if (n == -EAGAIN)
			return;
		if (n <= 0) {
			lose(c, (int)-n);
			return;
		}
		take_messages(c);
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_bgp_conn *c = ctx;
	struct fg_bgp_peer *p = c->peer;

	(void)source;
	(void)fd;
	c->reading = true;
	if (c->connecting && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		connected(c);
	if (!c->dead && !c->connecting && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		read_all(c);
	if (!c->dead && !c->connecting)
		flush(c);
	c->reading = false;
	if (c->dead)
		conn_free(c);
	fg_bgp_rearm(p);
	return 0;
}

void fg_bgp_conn_open(struct fg_bgp_peer *p, enum fg_conn place, int fd, bool connecting)
{
	struct fg_bgp_conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	*c = (struct fg_bgp_conn){ .peer = p, .place = (uint8_t)place, .fd = fd, .connecting = connecting };
	if (sd_event_add_io(p->all->ctrl->event, &c->io, fd, EPOLLIN | (connecting ? EPOLLOUT : 0), on_io, c) < 0) {
		conn_free(c);
		return;
	}
	p->conn[place] = c;
}
