/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payload patterns that a batch will want, compiled before it is asked for: the gate takes none that has not been. What becomes of each, the gate
 * says of the rule. One batch after the other; those without a pattern do not wait. Private to ctrl/daemon.
 */
#ifndef CTRL_DAEMON_TEXTS_H
#define CTRL_DAEMON_TEXTS_H

#include "ctrl/daemon/ask.h"
#include "ctrl/daemon/records.h"

struct fg_texts_turn;

struct fg_texts {
	struct fg_asks *asks;
	struct fg_texts_turn *first, **last;
};

void fg_texts_begin(struct fg_texts *t, struct fg_asks *asks);
/* A rule of these is to come and has a pattern. */
bool fg_texts_wanted(const struct fg_records *records);
/* The gate has been asked for the patterns of these records, and has answered: whatever it said, or if it is gone, `then` is called once. 0 or -ENOMEM. */
int fg_texts_ask(struct fg_texts *t, const struct fg_records *records, void (*then)(void *ctx), void *ctx);

#endif
