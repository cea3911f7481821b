/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A change on its way through the gate: what was asked, what the gate found, and what is written down of it. Used by
 * every method that changes rules. Private to ctrl/daemon.
 */
#ifndef CTRL_DAEMON_CHANGE_H
#define CTRL_DAEMON_CHANGE_H

#include "ctrl/daemon/op.h"
#include "ctrl/daemon/records.h"

struct fg_change {
	struct fg_ctrl *ctrl;
	char who[FG_WHO_MAX];
	const char *what; /* for the history: "add", "delete" … */
	struct fg_records records;
	struct fg_batch batch;
	uint64_t asked_us;
	/* What the gate said. */
	struct fg_batch_result result;
	struct fg_batch_finding *finding; /* by place in the batch */
	size_t findings, room;
	bool lost; /* findings were more than there is memory for */
	/* The gate has answered; `answered` false: it has not. Whoever is called frees the change. */
	void (*done)(void *ctx, struct fg_change *c, bool answered);
	void *ctx;
};

/* NULL: no memory. The records are taken over. */
struct fg_change *fg_change_new(struct fg_ctrl *ctrl, const char *who, const char *what, struct fg_records *records);
/* Asks the gate. 0, or as fg_ask_batch(): then `done` is not called. */
int fg_change_ask(struct fg_change *c);
/* Writes down what has been committed, logs it, counts it. */
void fg_change_keep(struct fg_change *c);
void fg_change_free(struct fg_change *c);
/* The rule at this place was refused. */
bool fg_change_refused(const struct fg_change *c, uint32_t place);
/* It was refused for room, and waits for some. */
bool fg_change_waits(const struct fg_change *c, uint32_t place);
/* Its findings as an array of Reason. NULL: no memory. */
json_t *fg_change_reasons(const struct fg_change *c, uint32_t place);
/* Seconds since 1970. */
uint64_t fg_now_s(void);
/* What the gate says of generations and cost, remembered. */
void fg_ctrl_took(struct fg_ctrl *ctrl, uint64_t generation, const struct fg_cost_now *cost);

#endif
