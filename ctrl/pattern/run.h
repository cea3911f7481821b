/* SPDX-License-Identifier: BSD-3-Clause */
/* Jobs and the process that does them. Private to ctrl/pattern. */
#ifndef CTRL_PATTERN_RUN_H
#define CTRL_PATTERN_RUN_H

#include <stddef.h>

#include "ctrl/pattern/job.h"

struct fg_job_memory {
	int fd;
	struct fg_job *job;
	size_t octets;
};

/* A zeroed job, its size sealed. 0 or -errno. */
int fg_job_new(struct fg_job_memory *m, uint32_t count, uint32_t text_octets, uint64_t room);
void fg_job_free(struct fg_job_memory *m);

/*
 * Runs `program` on a job for `wall_ms` at most, and waits for its end. 0: it came to its end; 1: it died, how[] says of what; -errno: it could
 * not be started, or could not shut itself in.
 */
int fg_job_run(const struct fg_job_memory *m, const char *program, uint32_t wall_ms, char how[FG_JOB_WHY_MAX]);

#endif
