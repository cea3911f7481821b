/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long to wait before a process is started again: doubled each time that it ends soon, with a random part, so that boxes
 * that fall together do not rise together. Pure but for the random number that is given.
 */
#ifndef CTRL_DAEMON_BACKOFF_H
#define CTRL_DAEMON_BACKOFF_H

#include <stdint.h>

enum { FG_BACKOFF_FIRST_MS = 50, FG_BACKOFF_MOST_MS = 30000, FG_BACKOFF_STEADY_S = 60 };

struct fg_backoff {
	uint32_t step_ms; /* 0: it has not ended yet */
};

/* It ran for so long and ended; `random` is any number. Milliseconds to wait: from half of the step to all of it. */
static inline uint32_t fg_backoff_next(struct fg_backoff *b, uint64_t ran_s, uint32_t random)
{
	if (b->step_ms == 0 || ran_s >= FG_BACKOFF_STEADY_S)
		b->step_ms = FG_BACKOFF_FIRST_MS;
	else
		b->step_ms = 2 * b->step_ms < FG_BACKOFF_MOST_MS ? 2 * b->step_ms : FG_BACKOFF_MOST_MS;
	return b->step_ms / 2 + random % (b->step_ms / 2 + 1);
}

#endif
