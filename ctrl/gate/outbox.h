/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages that wait to be sent to one peer, in fixed memory. Whoever does not read is not waited for: what does not fit marks the outbox
 * overrun, and the connection is cut.
 */
#ifndef CTRL_GATE_OUTBOX_H
#define CTRL_GATE_OUTBOX_H

#include "ctrl/gate/record.h"

struct fg_outbox {
	uint8_t *ring;
	size_t room;       /* octets, at least 2 * FG_MESSAGE_MAX */
	size_t head, tail; /* messages are in [head, tail), or in [head, wrap) and [0, tail) */
	size_t wrap;
	uint32_t count;
	bool closed; /* nobody is there: what is said is not kept */
	bool overrun;
};

/* Empty again, for another peer. */
void fg_outbox_reset(struct fg_outbox *o);
/*
 * Room for a message of up to `octets`, header included, or NULL (overrun). fg_outbox_end() puts it in the queue with the octets that it
 * has become, and fills in its header.
 */
void *fg_outbox_begin(struct fg_outbox *o, size_t octets);
void fg_outbox_end(struct fg_outbox *o, enum fg_message_kind kind, uint32_t id, bool more, size_t octets);
/* A whole message with one thing behind the header. */
void fg_outbox_put(struct fg_outbox *o, enum fg_message_kind kind, uint32_t id, const void *what, size_t octets);
/* The first in the queue, NULL: it is empty. fg_outbox_pop() takes it away. */
const struct fg_message *fg_outbox_first(const struct fg_outbox *o);
void fg_outbox_pop(struct fg_outbox *o);
/* Half of the room and more is free: what may be left out can go in. */
bool fg_outbox_idle(const struct fg_outbox *o);

#endif
