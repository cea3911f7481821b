/* SPDX-License-Identifier: BSD-3-Clause */
/* A ring of whole messages (outbox.h). Always holds: a message lies in one piece, aligned to 8, and begins with its header. */
#include "ctrl/gate/outbox.h"

#include <string.h>

static size_t aligned(size_t octets)
{
	return (octets + 7) & ~(size_t)7;
}

void fg_outbox_reset(struct fg_outbox *o)
{
	o->head = o->tail = o->wrap = 0;
	o->count = 0;
	o->overrun = false;
}

/* Makes [tail, tail + octets) free, at the front of the ring if need be. */
static bool make_room(struct fg_outbox *o, size_t octets)
{
	if (o->count == 0)
		o->head = o->tail = 0;
	if (o->tail >= o->head && (o->count == 0 || o->tail > o->head)) {
		if (octets <= o->room - o->tail)
			return true;
		if (octets >= o->head)
			return false;
		o->wrap = o->tail;
		o->tail = 0;
		return true;
	}
	return octets < o->head - o->tail;
}

void *fg_outbox_begin(struct fg_outbox *o, size_t octets)
{
	if (o->closed)
		return NULL;
	if (o->overrun || !make_room(o, aligned(octets))) {
		o->overrun = true;
		return NULL;
	}
	return o->ring + o->tail;
}

void fg_outbox_end(struct fg_outbox *o, enum fg_message_kind kind, uint32_t id, bool more, size_t octets)
{
	*(struct fg_message *)(void *)(o->ring + o->tail) = (struct fg_message){
		.version = FG_RECORD_VERSION,
		.kind = (uint16_t)kind,
		.id = id,
		.octets = (uint32_t)octets,
		.more = more,
	};
	o->tail += aligned(octets);
	o->count++;
}

void fg_outbox_put(struct fg_outbox *o, enum fg_message_kind kind, uint32_t id, const void *what, size_t octets)
{
	uint8_t *at = fg_outbox_begin(o, sizeof(struct fg_message) + octets);

	if (at == NULL)
		return;
	memcpy(at + sizeof(struct fg_message), what, octets);
	fg_outbox_end(o, kind, id, false, sizeof(struct fg_message) + octets);
}

const struct fg_message *fg_outbox_first(const struct fg_outbox *o)
{
	return o->count == 0 ? NULL : (const struct fg_message *)(const void *)(o->ring + o->head);
}

void fg_outbox_pop(struct fg_outbox *o)
{
	const struct fg_message *m = fg_outbox_first(o);

	o->head += aligned(m->octets);
	o->count--;
	if (o->count > 0 && o->tail <= o->head && o->head == o->wrap)
		o->head = 0;
}

bool fg_outbox_idle(const struct fg_outbox *o)
{
	size_t used = o->count == 0 ? 0 : o->tail > o->head ? o->tail - o->head : o->room - o->head + o->tail;

	return used <= o->room / 2;
}
