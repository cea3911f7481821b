/* SPDX-License-Identifier: BSD-3-Clause */
/* When rules end: a heap in fixed memory, the earliest first. */
#ifndef CTRL_GATE_DEADLINES_H
#define CTRL_GATE_DEADLINES_H

#include <stdint.h>

struct fg_deadline {
	uint64_t at_ns;
	uint32_t slot;
};

struct fg_deadlines {
	struct fg_deadline *heap; /* from 1 */
	uint32_t *place;          /* by slot: in the heap; 0: none */
	uint32_t count;
};

/* At most one deadline a slot. */
void fg_deadline_set(struct fg_deadlines *d, uint32_t slot, uint64_t at_ns);
void fg_deadline_clear(struct fg_deadlines *d, uint32_t slot);
/* The earliest, if it is over by then; 0: there is none. */
uint32_t fg_deadline_due(const struct fg_deadlines *d, uint64_t now_ns);

#endif
