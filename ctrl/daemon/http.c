/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * HTTP for scrapers: libmicrohttpd's epoll descriptor nested into the event loop. A request is suspended while the gate is
 * being read; scrapes that come meanwhile get the same text.
 */
#include "ctrl/daemon/http.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>

enum { TICK_US = 1000000 };

struct waiting {
	struct waiting *next;
	struct MHD_Connection *connection;
	char *text; /* set when it is resumed */
	size_t len;
	bool resumed;
};

struct fg_http {
	struct fg_ctrl *ctrl;
	struct MHD_Daemon *daemon;
	sd_event_source *io, *tick;
	struct waiting *waiting;
	bool scraping, closing;
	bool ended; /* to be closed once nothing is being scraped */
};

static void on_scraped(void *ctx, char *text, size_t len)
{
	struct fg_http *h = ctx;

	h->scraping = false;
	if (h->ended && !h->closing) {
		free(text);
		fg_http_close(h);
		return;
	}
	while (h->waiting != NULL) {
		struct waiting *w = h->waiting;

		h->waiting = w->next;
		w->text = text == NULL ? NULL : malloc(len + 1);
		if (w->text != NULL)
			memcpy(w->text, text, len);
		w->len = len;
		w->resumed = true;
		MHD_resume_connection(w->connection);
	}
	free(text);
	if (!h->closing)
		sd_event_source_set_time_relative(h->tick, 0);
}

static enum MHD_Result respond(struct MHD_Connection *c, unsigned int code, char *text, size_t len,
			       enum MHD_ResponseMemoryMode mode)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(len, text, mode);
	enum MHD_Result result;

	if (r == NULL)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	result = MHD_queue_response(c, code, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result respond_text(struct MHD_Connection *c, unsigned int code, const char *text)
{
	return respond(c, code, (char *)(uintptr_t)text, strlen(text), MHD_RESPMEM_PERSISTENT);
}

/* The first time a request is seen: it waits. */
static enum MHD_Result begin(struct fg_http *h, struct MHD_Connection *c, void **state)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return MHD_NO;
	w->connection = c;
	w->next = h->waiting;
	h->waiting = w;
	*state = w;
	MHD_suspend_connection(c);
	if (!h->scraping) {
		h->scraping = true;
		fg_scrape(h->ctrl, on_scraped, h);
	}
	return MHD_YES;
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
				  const char *version, const char *data, size_t *size, void **state)
{
	struct waiting *w = *state;
	char *text;

	(void)version;
	(void)data;
	*size = 0;
	if (strcmp(url, "/metrics") != 0)
		return respond_text(c, MHD_HTTP_NOT_FOUND, "metrics are at /metrics\n");
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0)
		return respond_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "GET only\n");
	if (w == NULL)
		return begin(ctx, c, state);
	if (!w->resumed)
		return MHD_YES;
	text = w->text;
	w->text = NULL;
	if (text == NULL)
		return respond_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n");
	return respond(c, MHD_HTTP_OK, text, w->len, MHD_RESPMEM_MUST_FREE);
}

static void on_completed(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode code)
{
	struct waiting *w = *state;

	(void)ctx;
	(void)c;
	(void)code;
	if (w == NULL)
		return;
	free(w->text);
	free(w);
	*state = NULL;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_http *h = ctx;

	(void)source;
	(void)fd;
	(void)events;
	MHD_run(h->daemon);
	return 0;
}

/* Resumed requests and those that idle are seen to here. */
static int on_tick(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_http *h = ctx;

	(void)us;
	MHD_run(h->daemon);
	sd_event_source_set_time_relative(source, TICK_US);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int fg_http_open(struct fg_http **out, struct fg_ctrl *ctrl, int listener)
{
	struct fg_http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;
	int r = -EIO;

	if (h == NULL)
		return -ENOMEM;
	h->ctrl = ctrl;
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, h,
				     MHD_OPTION_LISTEN_SOCKET, listener, MHD_OPTION_CONNECTION_LIMIT,
				     (unsigned int)FG_HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
				     (unsigned int)FG_HTTP_IDLE_S, MHD_OPTION_NOTIFY_COMPLETED, on_completed, h,
				     MHD_OPTION_END);
	info = h->daemon == NULL ? NULL : MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info != NULL)
		r = sd_event_add_io(ctrl->event, &h->io, info->epoll_fd, EPOLLIN, on_io, h);
	if (r >= 0)
		r = sd_event_add_time_relative(ctrl->event, &h->tick, CLOCK_MONOTONIC, TICK_US, 0, on_tick, h);
	if (r < 0) {
		fg_http_close(h);
		return r;
	}
	*out = h;
	return 0;
}

/* The gate is gone by now, so that no scrape is under way. */
void fg_http_close(struct fg_http *h)
{
	if (h == NULL)
		return;
	h->closing = true;
	on_scraped(h, NULL, 0);
	sd_event_source_disable_unref(h->io);
	sd_event_source_disable_unref(h->tick);
	if (h->daemon != NULL)
		MHD_stop_daemon(h->daemon);
	free(h);
}

void fg_http_end(struct fg_http *h)
{
	if (h == NULL || !h->scraping) {
		fg_http_close(h);
		return;
	}
	h->ended = true;
	close(MHD_quiesce_daemon(h->daemon));
}
