/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payload patterns compiled for the gate, in a process of their own that has no rights; which has the work itself done by flowgate-pattern, that
 * has still fewer (ctrl/pattern). One at a time: what is wanted later takes the place of what is being done.
 */
#ifndef CTRL_DAEMON_COMPILER_H
#define CTRL_DAEMON_COMPILER_H

#include <systemd/sd-event.h>

#include "ctrl/daemon/rights.h"
#include "ctrl/gate/record.h"

struct fg_compiler {
	sd_event *event;
	const struct fg_rights_user *user; /* that it runs as */
	pid_t pid;                         /* 0: none runs */
	sd_event_source *exit;
	uint32_t id;
	int file; /* it fills in */
	/* It has ended: `result` is 0, and the file is what a side's room is to hold; or -errno. The file is closed behind it. */
	void (*done)(void *ctx, uint32_t id, int result, int file);
	void *ctx;
};

/* The texts stay the caller's. 0 or -errno: `done` is not called. */
int fg_compiler_begin(struct fg_compiler *c, const struct fg_patterns_wanted *wanted, int texts);
/* Ends what runs; `done` is not called. */
void fg_compiler_end(struct fg_compiler *c);

/*
 * What the process does: reads `wanted->count` texts, has them compiled by `program`, and writes what a side's room is to hold. A text that stands
 * there more than once is taken once. 0 or -errno.
 */
int fg_compiler_run(const struct fg_patterns_wanted *wanted, int texts, const char *program, int file);

#endif
