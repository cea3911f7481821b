/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ctrl process: all that parses what strangers send. It has no rights; it proposes, and the gate decides. One thread, one
 * event loop. Private to ctrl/daemon.
 */
#ifndef CTRL_DAEMON_CTRL_H
#define CTRL_DAEMON_CTRL_H

#include "ctrl/daemon/ask.h"
#include "ctrl/daemon/client.h"
#include "ctrl/daemon/link.h"
#include "ctrl/daemon/metrics.h"
#include "ctrl/daemon/ledger.h"
#include "ctrl/daemon/texts.h"

struct fg_ctrl {
	sd_event *event;
	struct fg_conf conf;
	bool configured;
	int link; /* to the supervisor */
	sd_event_source *link_io;
	struct fg_link_message *message;
	struct fg_asks asks;
	struct fg_texts texts;
	struct fg_clients clients;
	struct fg_ledger *ledger;
	struct fg_http *http;
	struct fg_metrics metrics;
	bool naming, name_again; /* the names of rules are being read for samples; there have been others since */
	struct fg_link_process process[FG_LINK_PROCESSES_MAX];
	int rule_fd[FG_CONF_RULE_FILES_MAX]; /* of conf.rule_file[] */
	uint32_t rule_fds;
	struct fg_bgp *bgp;
	bool synced;          /* with the gate that there is */
	struct fg_sync *sync; /* the store and the gate are being compared; NULL: they agree */
	bool sync_again;
	sd_event_source *sync_timer; /* it did not come to its end, and is tried again */
	/*
	 * A gate that found nothing to adopt counts generations from the beginning; what is said of generations goes on from
	 * where it was: this is added.
	 */
	uint64_t generation_base;
	uint64_t generation;      /* as last heard of, base included */
	struct fg_cost_now cost;  /* likewise */
	uint64_t clock_offset_ns; /* CLOCK_REALTIME less CLOCK_MONOTONIC, for the times of counters */
};

struct fg_ctrl_sockets {
	int link, control, http; /* http -1: none */
};

/* Runs until the supervisor is gone or SIGTERM comes. 0 or -errno. Rights have been given up before. */
int fg_ctrl_run(const struct fg_ctrl_sockets *sockets);

/* sync.c: makes the gate and the store agree: at start, and whenever there is a new gate or there are new static rules. */
void fg_sync_start(struct fg_ctrl *ctrl);

/* stream.c: an event or a sample, to those who watch. */
void fg_stream_event(struct fg_ctrl *ctrl, const struct fg_event *event);
void fg_stream_sample(struct fg_ctrl *ctrl, const struct fg_sample *sample);

#endif
