/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions to the gate and their answers, over the socket that ctrl has from the supervisor. Nobody waits: an answer
 * comes to a function. What always holds: each question is answered exactly once to its end, by the gate, by time, or
 * because the gate is gone.
 */
#ifndef CTRL_DAEMON_ASK_H
#define CTRL_DAEMON_ASK_H

#include <systemd/sd-event.h>

#include "ctrl/gate/record.h"

enum {
	FG_ASKS_MAX = 1024,           /* questions without an answer yet */
	FG_ASK_QUEUE_MAX = 640 << 20, /* octets that wait to be sent: the largest batch */
	FG_ASK_TIMEOUT_S = 5,
	FG_ASK_BATCH_TIMEOUT_S = 60,
	FG_ASK_PATTERNS_TIMEOUT_S = 90, /* compiling may take 60 */
};

/*
 * A message that answers a question: its kind and what is behind its header. NULL: there is none, for the gate is
 * gone or silent, and this was the last. Otherwise the last is the one without `more`.
 */
typedef void (*fg_answer)(void *ctx, const struct fg_message *m);

struct fg_asks {
	sd_event *event;
	sd_event_source *io, *timer;
	int fd; /* -1: there is no gate */
	uint32_t next_id;
	struct fg_ask *first, **last;
	size_t count;
	struct fg_ask_out *out, **out_last; /* to be sent */
	size_t out_octets;
	uint8_t *message; /* FG_MESSAGE_MAX octets */
	/* Events and samples; and that there is a gate, or none any more. */
	void (*said)(void *ctx, const struct fg_message *m);
	void (*changed)(void *ctx, bool there);
	void *ctx;
};

/* 0 or -errno. `said` and `changed` are the caller's to set. */
int fg_asks_open(struct fg_asks *a, sd_event *event);
/* Another socket to the gate, owned from here on; what was asked before has no answer. 0 or -errno. */
int fg_asks_connect(struct fg_asks *a, int fd);
void fg_asks_close(struct fg_asks *a);

/* Asks. 0; -ENOTCONN, -EBUSY or -ENOMEM: it was not asked, and the function is not called. */
int fg_ask(struct fg_asks *a, enum fg_message_kind kind, const void *body, size_t octets, fg_answer answer, void *ctx);
/*
 * Asks for a batch of records that lie one after the other; it goes in as many messages as it needs. As fg_ask().
 */
int fg_ask_batch(struct fg_asks *a, const struct fg_batch *head, const uint8_t *records, size_t octets,
		 fg_answer answer, void *ctx);
/* Likewise for payload patterns: `texts` are struct fg_text. */
int fg_ask_patterns(struct fg_asks *a, const uint8_t *texts, size_t octets, fg_answer answer, void *ctx);

#endif
