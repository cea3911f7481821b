/* SPDX-License-Identifier: BSD-3-Clause */
/* Questions to the gate: a queue of what is to be sent, a list of what waits for an answer. */
#include "ctrl/daemon/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/daemon/log.h"

enum { MESSAGES_A_TURN = 64, TICK_US = 1000000 };

struct fg_ask {
	struct fg_ask *next;
	uint32_t id;
	uint64_t until_us;
	fg_answer answer;
	void *ctx;
};

struct fg_ask_out {
	struct fg_ask_out *next;
	struct fg_message message;
};

static void out_drop(struct fg_asks *a)
{
	while (a->out != NULL) {
		struct fg_ask_out *o = a->out;

		a->out = o->next;
		free(o);
	}
	a->out_last = &a->out;
	a->out_octets = 0;
}

/* Takes one off the list, then says how it ended: what is called may ask again. */
static void end(struct fg_asks *a, struct fg_ask **at, const struct fg_message *m)
{
	struct fg_ask *q = *at;

	*at = q->next;
	if (a->last == &q->next)
		a->last = at;
	a->count--;
	q->answer(q->ctx, m);
	free(q);
}

/* The gate is gone. Those who ask again while they are told so are refused, for fd is -1. */
static void lose(struct fg_asks *a)
{
	a->io = sd_event_source_disable_unref(a->io);
	if (a->fd >= 0)
		close(a->fd);
	a->fd = -1;
	out_drop(a);
	while (a->first != NULL)
		end(a, &a->first, NULL);
	a->changed(a->ctx, false);
}

static int flush(struct fg_asks *a)
{
	while (a->out != NULL) {
		struct fg_ask_out *o = a->out;

		if (send(a->fd, &o->message, o->message.octets, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			return errno == EAGAIN || errno == ENOBUFS || errno == EINTR ? 0 : -errno;
		a->out = o->next;
		if (a->out == NULL)
			a->out_last = &a->out;
		a->out_octets -= o->message.octets;
		free(o);
	}
	return 0;
}

static bool is_whole(const struct fg_message *m, size_t octets)
{
	return octets >= sizeof(*m) && m->version == FG_RECORD_VERSION && m->octets == octets;
}

static void take(struct fg_asks *a, const struct fg_message *m)
{
	if (m->kind == FG_SAY_EVENT || m->kind == FG_SAY_SAMPLE) {
		a->said(a->ctx, m);
		return;
	}
	for (struct fg_ask **at = &a->first; *at != NULL; at = &(*at)->next) {
		if ((*at)->id != m->id)
			continue;
		if (m->more)
			(*at)->answer((*at)->ctx, m);
		else
			end(a, at, m);
		return;
	}
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_asks *a = ctx;
	ssize_t n = -EAGAIN;
	int r = 0;

	(void)source;
	for (int i = 0; i < MESSAGES_A_TURN && (events & EPOLLIN) && a->fd == fd; i++) {
		n = recv(fd, a->message, FG_MESSAGE_MAX, MSG_DONTWAIT | MSG_TRUNC);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			break;
		if (n <= 0 || n > FG_MESSAGE_MAX || !is_whole((const struct fg_message *)a->message, (size_t)n)) {
			r = -EPIPE;
			break;
		}
		take(a, (const struct fg_message *)a->message);
	}
	if (r == 0 && a->fd == fd)
		r = flush(a);
	if ((r < 0 || (events & (EPOLLHUP | EPOLLERR))) && a->fd == fd)
		lose(a);
	else if (a->fd == fd)
		sd_event_source_set_io_events(a->io, EPOLLIN | (a->out != NULL ? EPOLLOUT : 0));
	return 0;
}

static int on_tick(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_asks *a = ctx;
	struct fg_ask **at = &a->first;

	while (*at != NULL) {
		if ((*at)->until_us > us) {
			at = &(*at)->next;
			continue;
		}
		fg_log(LOG_WARNING, "the gate does not answer");
		end(a, at, NULL);
		at = &a->first;
	}
	sd_event_source_set_time(source, us + TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int fg_asks_open(struct fg_asks *a, sd_event *event)
{
	a->event = event;
	a->fd = -1;
	a->last = &a->first;
	a->out_last = &a->out;
	a->message = malloc(FG_MESSAGE_MAX);
	if (a->message == NULL)
		return -ENOMEM;
	return sd_event_add_time_relative(event, &a->timer, CLOCK_MONOTONIC, TICK_US, 0, on_tick, a);
}

int fg_asks_connect(struct fg_asks *a, int fd)
{
	int r;

	if (a->fd >= 0)
		lose(a);
	r = sd_event_add_io(a->event, &a->io, fd, EPOLLIN, on_io, a);
	if (r < 0) {
		close(fd);
		return r;
	}
	a->fd = fd;
	a->changed(a->ctx, true);
	return 0;
}

void fg_asks_close(struct fg_asks *a)
{
	if (a->fd >= 0)
		lose(a);
	sd_event_source_disable_unref(a->timer);
	free(a->message);
}

static struct fg_ask_out *message_new(struct fg_asks *a, enum fg_message_kind kind, const void *body, size_t octets,
				      const void *tail, size_t tail_octets)
{
	struct fg_ask_out *o;

	if (a->out_octets + octets + tail_octets > FG_ASK_QUEUE_MAX)
		return NULL;
	o = malloc(sizeof(*o) + octets + tail_octets);
	if (o == NULL)
		return NULL;
	o->next = NULL;
	o->message = (struct fg_message){ .version = FG_RECORD_VERSION,
					  .kind = (uint16_t)kind,
					  .id = a->next_id,
					  .octets = (uint32_t)(sizeof(o->message) + octets + tail_octets) };
	if (octets > 0)
		memcpy(o + 1, body, octets);
	if (tail_octets > 0)
		memcpy((uint8_t *)(o + 1) + octets, tail, tail_octets);
	return o;
}

static int ask_new(struct fg_asks *a, uint64_t seconds, fg_answer answer, void *ctx)
{
	struct fg_ask *q;
	uint64_t now;

	if (a->fd < 0)
		return -ENOTCONN;
	if (a->count == FG_ASKS_MAX)
		return -EBUSY;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return -ENOMEM;
	sd_event_now(a->event, CLOCK_MONOTONIC, &now);
	*q = (struct fg_ask){ NULL, a->next_id, now + seconds * 1000000, answer, ctx };
	*a->last = q;
	a->last = &q->next;
	a->count++;
	a->next_id++;
	return 0;
}

static void send_list(struct fg_asks *a, struct fg_ask_out *list)
{
	for (; list != NULL; list = list->next) {
		*a->out_last = list;
		a->out_last = &list->next;
		a->out_octets += list->message.octets;
	}
	/* What does not go now goes when the socket takes it; what fails then is found by on_io(). */
	sd_event_source_set_io_events(a->io, EPOLLIN | EPOLLOUT);
}

int fg_ask(struct fg_asks *a, enum fg_message_kind kind, const void *body, size_t octets, fg_answer answer, void *ctx)
{
	struct fg_ask_out *o = message_new(a, kind, body, octets, NULL, 0);
	int r = o == NULL ? -ENOMEM : ask_new(a, FG_ASK_TIMEOUT_S, answer, ctx);

	if (r == 0)
		send_list(a, o);
	else
		free(o);
	return r;
}

/* What goes in parts: records or texts, each beginning with its octets, behind a head that begins with how many they are. */
struct parts {
	enum fg_message_kind kind;
	union {
		uint32_t count;
		struct fg_batch batch;
		struct fg_patterns_ask patterns;
	} head;
	size_t head_octets;
};

/* Those from `at` on that one message takes. */
static size_t those_that_fit(const struct parts *p, const uint8_t *at, size_t left, uint32_t *count)
{
	const size_t room = FG_MESSAGE_MAX - sizeof(struct fg_message) - p->head_octets;
	size_t octets = 0;
	uint32_t one;

	*count = 0;
	while (octets < left) {
		memcpy(&one, at + octets, sizeof(one));
		if (octets + one > room)
			break;
		octets += one;
		++*count;
	}
	return octets;
}

static void list_free(struct fg_ask_out *list)
{
	while (list != NULL) {
		struct fg_ask_out *o = list;

		list = o->next;
		free(o);
	}
}

static int ask_parts(struct fg_asks *a, struct parts *p, const uint8_t *those, size_t octets, uint64_t seconds,
		     fg_answer answer, void *ctx)
{
	struct fg_ask_out *list = NULL, **last = &list;
	size_t at = 0;
	int r = 0;

	do {
		size_t n = those_that_fit(p, those + at, octets - at, &p->head.count);

		*last = message_new(a, p->kind, &p->head, p->head_octets, those + at, n);
		if (*last == NULL)
			r = -ENOMEM;
		at += n;
		if (r == 0) {
			(*last)->message.more = at < octets;
			last = &(*last)->next;
		}
	} while (at < octets && r == 0);
	if (r == 0)
		r = ask_new(a, seconds, answer, ctx);
	if (r == 0)
		send_list(a, list);
	else
		list_free(list);
	return r;
}

int fg_ask_batch(struct fg_asks *a, const struct fg_batch *head, const uint8_t *records, size_t octets,
		 fg_answer answer, void *ctx)
{
	struct parts p = { FG_ASK_BATCH, { .batch = *head }, sizeof(*head) };

	return ask_parts(a, &p, records, octets, FG_ASK_BATCH_TIMEOUT_S, answer, ctx);
}

int fg_ask_patterns(struct fg_asks *a, const uint8_t *texts, size_t octets, fg_answer answer, void *ctx)
{
	struct parts p = { FG_ASK_PATTERNS, { .patterns = { 0 } }, sizeof(p.head.patterns) };

	return ask_parts(a, &p, texts, octets, FG_ASK_PATTERNS_TIMEOUT_S, answer, ctx);
}
