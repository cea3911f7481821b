/* SPDX-License-Identifier: BSD-3-Clause */
/* A binary heap of deadlines (deadlines.h). Always holds: heap[i] is not later than heap[2i] and heap[2i + 1], and place[heap[i].slot] is i. */
#include "ctrl/gate/deadlines.h"

static void put(struct fg_deadlines *d, uint32_t i, struct fg_deadline x)
{
	d->heap[i] = x;
	d->place[x.slot] = i;
}

static void rise(struct fg_deadlines *d, uint32_t i)
{
	struct fg_deadline x = d->heap[i];

	for (; i > 1 && d->heap[i / 2].at_ns > x.at_ns; i /= 2)
		put(d, i, d->heap[i / 2]);
	put(d, i, x);
}

static void sink(struct fg_deadlines *d, uint32_t i)
{
	struct fg_deadline x = d->heap[i];

	for (uint32_t next; (next = 2 * i) <= d->count; i = next) {
		if (next < d->count && d->heap[next + 1].at_ns < d->heap[next].at_ns)
			next++;
		if (d->heap[next].at_ns >= x.at_ns)
			break;
		put(d, i, d->heap[next]);
	}
	put(d, i, x);
}

void fg_deadline_set(struct fg_deadlines *d, uint32_t slot, uint64_t at_ns)
{
	fg_deadline_clear(d, slot);
	put(d, ++d->count, (struct fg_deadline){ at_ns, slot });
	rise(d, d->count);
}

void fg_deadline_clear(struct fg_deadlines *d, uint32_t slot)
{
	uint32_t i = d->place[slot];

	if (i == 0)
		return;
	d->place[slot] = 0;
	if (i == d->count--)
		return;
	put(d, i, d->heap[d->count + 1]);
	rise(d, i);
	sink(d, d->place[d->heap[i].slot]);
}

uint32_t fg_deadline_due(const struct fg_deadlines *d, uint64_t now_ns)
{
	return d->count > 0 && d->heap[1].at_ns <= now_ns ? d->heap[1].slot : 0;
}
