/* SPDX-License-Identifier: BSD-3-Clause */
/* Out of one device (out.h). The way without pressure is one call of the device and one count a packet. */
#include "dataplane/out.h"

#include <stddef.h>
#include <string.h>

/* So many packets of one fate are out. */
static void count_sent(const struct fg_out *o, const struct fg_fate *f, struct fg_count n)
{
	struct fg_port_counters *pc = &o->ports[f->port].port;

	fg_count_all(f->class == FG_CLASS_COPY ? &pc->copied : &pc->by[f->verdict][f->cause], n);
}

/* They differ in their octets alone. */
static bool is_alike(const struct fg_fate *a, const struct fg_fate *b)
{
	_Static_assert(offsetof(struct fg_fate, port) == 4 && sizeof(*a) == 8, "the rest is one word");
	return memcmp((const uint8_t *)a + 4, (const uint8_t *)b + 4, 4) == 0;
}

/* The device has the first `sent`. Most of a burst has one fate, and is counted at once. */
static void count_all_sent(const struct fg_out *o, uint32_t sent)
{
	for (uint32_t i = 0, first = 0; i < sent; first = i) {
		struct fg_count n = { 0, 0 };

		for (; i < sent && is_alike(&o->fate[i], &o->fate[first]); i++)
			fg_count(&n, o->fate[i].octets);
		count_sent(o, &o->fate[first], n);
	}
}

static void count_shed(const struct fg_out *o, const struct fg_fate *f)
{
	struct fg_port_counters *pc = &o->ports[f->port].port;

	if (f->class == FG_CLASS_COPY)
		pc->copies_lost++;
	else
		fg_count(&pc->by[FG_DROP][FG_CAUSE_OVERLOAD], f->octets);
}

/* Puts the packets from `first` on in the order of their classes; in one class the order stays. */
static void sort(struct fg_out *o, uint32_t first)
{
	void *packet[FG_OUT_MAX];
	struct fg_fate fate[FG_OUT_MAX];
	uint32_t n = 0;

	for (uint8_t class = 0; class < FG_CLASSES; class ++)
		for (uint32_t i = first; i < o->n; i++)
			if (o->fate[i].class == class) {
				packet[n] = o->packet[i];
				fate[n++] = o->fate[i];
			}
	memcpy(o->packet + first, packet, n * sizeof(packet[0]));
	memcpy(o->fate + first, fate, n * sizeof(fate[0]));
}

static uint32_t offer(const struct fg_out *o, uint32_t sent)
{
	return sent + o->device.send(o->device.ctx, (void **)(uintptr_t)o->packet + sent, o->n - sent);
}

/* The device was short behind the first `sent`. How many it has in the end. */
static uint32_t press(struct fg_out *o, uint32_t sent)
{
	o->pressed = true;
	for (uint32_t i = sent; i < o->n; i++)
		o->ports[o->fate[i].port].tx_full++;
	sort(o, sent);
	for (uint32_t i = 0; i < FG_OUT_TRIES && sent < o->n; i++)
		sent = offer(o, sent);
	return sent;
}

/* What the device did not take, from `sent` on: sheds all but the first protected ones, which are then all that waits. */
static void shed(struct fg_out *o, uint32_t sent, uint32_t most)
{
	uint32_t kept = 0, first;

	while (kept < most && sent + kept < o->n && o->fate[sent + kept].class == FG_CLASS_PROTECTED)
		kept++;
	first = sent + kept;
	for (uint32_t i = first; i < o->n; i++)
		count_shed(o, &o->fate[i]);
	if (first < o->n)
		o->device.release(o->device.ctx, o->packet + first, o->n - first);
	memmove(o->packet, o->packet + sent, kept * sizeof(o->packet[0]));
	memmove(o->fate, o->fate + sent, kept * sizeof(o->fate[0]));
	o->n = kept;
}

static void flush(struct fg_out *o, uint32_t most_kept)
{
	uint32_t sent;

	if (o->n == 0)
		return;
	if (o->pressed)
		sort(o, 0);
	sent = offer(o, 0);
	if (sent == o->n)
		o->pressed = false;
	else
		sent = press(o, sent);
	count_all_sent(o, sent);
	shed(o, sent, most_kept);
}

void fg_out_flush(struct fg_out *o)
{
	flush(o, FG_OUT_KEPT);
}

void fg_out_finish(struct fg_out *o)
{
	flush(o, 0);
}
