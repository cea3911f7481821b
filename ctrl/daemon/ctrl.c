/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of the ctrl process. In: lines of callers, scrapes, events of the gate, words of the supervisor. Next: method.c for a
 * line; sync.c for a new gate; http.c for a scrape.
 */
#include "ctrl/daemon/ctrl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/change.h"
#include "ctrl/daemon/http.h"
#include "ctrl/daemon/log.h"
#include "ctrl/daemon/op.h"
#include "ctrl/daemon/parts.h"
#include "ctrl/load/show.h"

/* ---- Callers ---- */

static void on_asked(void *ctx, struct fg_client *c, const char *line, size_t len)
{
	fg_op_begin(ctx, c, line, len);
}

static void on_drained(void *ctx, struct fg_client *c)
{
	(void)ctx;
	if (c->op->drained != NULL)
		c->op->drained(c->op);
}

/* A call that waits for the caller to read goes on without one to its end; one that streams is over. */
static void on_gone(void *ctx, struct fg_client *c)
{
	struct fg_op *op = c->op;

	(void)ctx;
	fg_parts_free(c->parts);
	c->parts = NULL;
	if (op == NULL)
		return;
	if (op->drained != NULL)
		op->drained(op);
	else if (c->streams != 0)
		fg_op_end(op);
}

/* ---- The gate ---- */

/*
 * The gate has undone the generation before this one, on which it died again and again: what that brought is in its quarantine. Here that
 * is written down, so that it is listed, can be ended, and outlives a reboot.
 */
static void take_quarantined(struct fg_ctrl *ctrl, uint64_t generation)
{
	struct fg_records brought = { 0 };
	struct fg_record *at = NULL;

	fg_log(LOG_ERR,
	       "the gate died again and again on generation %llu: it is undone, and its rules are in quarantine",
	       (unsigned long long)(generation - 1));
	if (fg_ledger_brought(ctrl->ledger, generation - 1, &brought) == 0)
		while ((at = fg_records_next(&brought, at)) != NULL) {
			const struct fg_rule rule = fg_record_rule(at);
			char *hex = fg_show_octets(&rule);

			if (hex != NULL)
				fg_ledger_quarantine(ctrl->ledger,
						     fg_record_hash(at->family, at->offset_form, at->nlri, at->nlri_len,
								    at->payload_octets),
						     fg_show_family(&rule), hex, "flowgated", fg_now_s(), true);
			free(hex);
		}
	fg_records_free(&brought);
}

static void take_event(struct fg_ctrl *ctrl, const struct fg_event *event)
{
	struct fg_commit c = { .generation = event->generation + ctrl->generation_base,
			       .now_s = fg_now_s(),
			       .who = "flowgated" };

	if (event->kind == FG_EVENT_REVERTED) {
		c.what = "not confirmed: reverted";
		fg_ledger_revert(ctrl->ledger, &c);
	} else if (event->kind == FG_EVENT_EXPIRED) {
		c.what = "expired";
		c.deleted = 1;
		fg_ledger_expire(ctrl->ledger, &c);
	} else if (event->kind == FG_EVENT_ADMITTED) {
		c.what = "room was found for rules that waited";
		c.added = event->value;
		fg_ledger_commit(ctrl->ledger, &c, &(struct fg_records){ 0 }, NULL);
	} else if (event->kind == FG_EVENT_QUARANTINED) {
		take_quarantined(ctrl, c.generation);
	} else if (event->kind == FG_EVENT_ALARM && event->value > 0) {
		fg_log(LOG_WARNING, "a budget is used to %u per cent", event->value);
	}
	if (event->kind == FG_EVENT_FLUSHED)
		fg_bgp_flushed(ctrl->bgp);
	else if (event->kind == FG_EVENT_EXPIRED || event->kind == FG_EVENT_REFUSED ||
		 event->kind == FG_EVENT_QUARANTINED)
		fg_bgp_compare(ctrl->bgp);
	if (event->generation != 0)
		fg_ctrl_took(ctrl, event->generation, NULL);
	fg_stream_event(ctrl, event);
}

static void on_said(void *ctx, const struct fg_message *m)
{
	struct fg_ctrl *ctrl = ctx;

	if (m->kind == FG_SAY_EVENT && m->octets == sizeof(*m) + sizeof(struct fg_event))
		take_event(ctrl, (const struct fg_event *)(const void *)(m + 1));
	else if (m->kind == FG_SAY_SAMPLE && m->octets == sizeof(*m) + sizeof(struct fg_sample))
		fg_stream_sample(ctrl, (const struct fg_sample *)(const void *)(m + 1));
}

static void on_gate(void *ctx, bool there)
{
	struct fg_ctrl *ctrl = ctx;

	fg_log(there ? LOG_INFO : LOG_WARNING, there ? "there is a gate" : "the gate is gone; enforcement goes on");
	ctrl->synced = false;
	if (there)
		fg_sync_start(ctrl);
}

/* ---- The supervisor ---- */

static void set_clock(struct fg_ctrl *ctrl)
{
	struct timespec real, monotonic;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	ctrl->clock_offset_ns =
		(uint64_t)(real.tv_sec - monotonic.tv_sec) * 1000000000 + (uint64_t)(real.tv_nsec - monotonic.tv_nsec);
}

static int take_conf(struct fg_ctrl *ctrl, const struct fg_conf *conf, const int *fds, size_t n)
{
	bool first = !ctrl->configured;
	int r = 0;

	for (uint32_t i = 0; i < ctrl->rule_fds; i++)
		close(ctrl->rule_fd[i]);
	ctrl->conf = *conf;
	ctrl->rule_fds = (uint32_t)n;
	memcpy(ctrl->rule_fd, fds, n * sizeof(*fds));
	ctrl->configured = true;
	fg_bgp_configure(ctrl->bgp);
	if (first)
		r = fg_ledger_open(&ctrl->ledger, conf->store.folder, conf->store.history);
	else
		fg_ledger_keep(ctrl->ledger, conf->store.history);
	if (r == 0 && first)
		r = fg_link_tell(ctrl->link, FG_LINK_READY, NULL, 0, NULL, 0);
	fg_sync_start(ctrl);
	return r;
}

static int take_http(struct fg_ctrl *ctrl, const int *fds, size_t n)
{
	fg_http_end(ctrl->http);
	ctrl->http = NULL;
	return n == 0 ? 0 : fg_http_open(&ctrl->http, ctrl, fds[0]);
}

static int take_message(struct fg_ctrl *ctrl, const int *fds, size_t n)
{
	const struct fg_link_message *m = ctrl->message;

	switch (m->kind) {
	case FG_LINK_CONF:
		return take_conf(ctrl, &m->body.conf, fds, n);
	case FG_LINK_GATE:
		return n == 1 ? fg_asks_connect(&ctrl->asks, fds[0]) : -EPROTO;
	case FG_LINK_HTTP:
		return take_http(ctrl, fds, n);
	case FG_LINK_ALIVE:
		return ctrl->configured ? fg_link_tell(ctrl->link, FG_LINK_READY, NULL, 0, NULL, 0) : 0;
	case FG_LINK_PROCESSES:
		memcpy(ctrl->process, m->body.process, sizeof(ctrl->process));
		return 0;
	case FG_LINK_LISTEN:
		fg_bgp_listen(ctrl->bgp, fds, n);
		return 0;
	case FG_LINK_DIALLED:
		fg_bgp_dialled(ctrl->bgp, m->body.dialled.peer, n == 1 ? fds[0] : -1, m->body.dialled.error);
		return 0;
	default:
		return -EPROTO;
	}
}

static int on_link(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct fg_ctrl *ctrl = ctx;
	int fds[FG_LINK_FDS_MAX];
	size_t n = FG_LINK_FDS_MAX;
	ssize_t got = fg_link_receive(fd, ctrl->message, sizeof(*ctrl->message), fds, &n);
	int r;

	(void)source;
	(void)events;
	if (got == -EAGAIN)
		return 0;
	if (got <= 0) /* without a supervisor nobody would start us again */
		return sd_event_exit(ctrl->event, got < 0 ? (int)got : 0);
	r = take_message(ctrl, fds, n);
	return r < 0 ? sd_event_exit(ctrl->event, r) : 0;
}

static int on_term(sd_event_source *source, const struct signalfd_siginfo *info, void *ctx)
{
	(void)info;
	(void)ctx;
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

/* ---- The whole ---- */

static int open_all(struct fg_ctrl *ctrl, const struct fg_ctrl_sockets *sockets)
{
	sigset_t term;
	int r = sd_event_new(&ctrl->event);

	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, NULL);
	ctrl->asks.said = on_said;
	ctrl->asks.changed = on_gate;
	ctrl->asks.ctx = ctrl;
	ctrl->asks.fd = -1;
	ctrl->clients.asked = on_asked;
	ctrl->clients.drained = on_drained;
	ctrl->clients.gone = on_gone;
	ctrl->clients.ctx = ctrl;
	set_clock(ctrl);
	if (r >= 0)
		r = sd_event_add_signal(ctrl->event, NULL, SIGTERM, on_term, NULL);
	if (r >= 0)
		r = fg_asks_open(&ctrl->asks, ctrl->event);
	fg_texts_begin(&ctrl->texts, &ctrl->asks);
	if (r >= 0)
		r = sd_event_add_io(ctrl->event, &ctrl->link_io, sockets->link, EPOLLIN, on_link, ctrl);
	if (r >= 0)
		r = fg_clients_open(&ctrl->clients, ctrl->event, sockets->control);
	if (r >= 0)
		r = fg_bgp_open(ctrl);
	if (r >= 0 && sockets->http >= 0)
		r = fg_http_open(&ctrl->http, ctrl, sockets->http);
	return r;
}

static void close_all(struct fg_ctrl *ctrl)
{
	ctrl->configured = false;
	if (ctrl->event != NULL) {
		fg_bgp_close(ctrl->bgp);
		fg_asks_close(&ctrl->asks);
		fg_http_close(ctrl->http);
		fg_clients_close(&ctrl->clients);
	}
	fg_ledger_close(ctrl->ledger);
	sd_event_source_disable_unref(ctrl->sync_timer);
	sd_event_source_disable_unref(ctrl->link_io);
	sd_event_unref(ctrl->event);
	free(ctrl->metrics.rule);
	free(ctrl->message);
	free(ctrl);
}

int fg_ctrl_run(const struct fg_ctrl_sockets *sockets)
{
	struct fg_ctrl *ctrl = calloc(1, sizeof(*ctrl));
	int r = -ENOMEM;

	if (ctrl == NULL)
		return r;
	ctrl->link = sockets->link;
	ctrl->message = malloc(sizeof(*ctrl->message));
	if (ctrl->message != NULL)
		r = open_all(ctrl, sockets);
	if (r >= 0)
		r = sd_event_loop(ctrl->event);
	close_all(ctrl);
	return r;
}
