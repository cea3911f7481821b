/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory between who wants patterns compiled and the program that does it, flowgate-pattern: one file without a name, sealed at its
 * size, which the program has as descriptor FG_JOB_FD. All of it is made by the one who wants; the program fills in what is marked so.
 * Private to ctrl/pattern. Who wants reads it once the program has ended, and checks every number against sizes of its own.
 */
#ifndef CTRL_PATTERN_JOB_H
#define CTRL_PATTERN_JOB_H

#include <stdint.h>

#include "ctrl/pattern/pattern.h"

enum {
	FG_JOB_MAGIC = 0x46475041,
	FG_JOB_FD = 3,
	FG_JOB_WHY_MAX = 120,
	/* fg_job.at: all that compile are being compiled together; none has been looked at. */
	FG_JOB_UNION = FG_PATTERNS_MAX,
	FG_JOB_NOTHING,
	/* How flowgate-pattern exits. */
	FG_JOB_DONE = 0,
	FG_JOB_NO_JOB = 2,
	FG_JOB_NO_SANDBOX = 3,
};

enum fg_job_state {
	FG_JOB_WAITS = 0,
	FG_JOB_COMPILES, /* by itself; `octets` is what it takes so */
	FG_JOB_REFUSED,  /* by Hyperscan: `why` */
	FG_JOB_OVER, /* it takes more than one pattern may: octets, or 0 where the memory to compile it did not suffice */
	FG_JOB_OUT, /* not to be looked at */
};

struct fg_job_pattern {
	uint32_t number; /* in the database */
	uint32_t flags;  /* of enum fg_pattern_flag */
	uint32_t text;   /* its expression in the texts, terminated */
	uint32_t state;  /* enum fg_job_state; by the program too */
	uint64_t octets; /* by the program */
	uint32_t
		every; /* by the program: 1: all its matches are to be told, for their order is not that of their ends */
	uint32_t spare;
	char why[FG_JOB_WHY_MAX];
};

struct fg_job {
	uint32_t magic;
	uint32_t count;
	uint32_t text_octets; /* behind the patterns */
	uint32_t spare;
	uint64_t octets_one;       /* what one pattern may take alone */
	uint64_t room;             /* of a database as it is written; behind the texts */
	uint64_t memory;           /* octets of address space, 0: no limit */
	uint32_t cpu_s, cpu_one_s; /* seconds of a processor: for all, for one pattern alone */
	/* By the program. */
	uint32_t at;       /* pattern being compiled, or one of the two above */
	uint32_t finished; /* 1: it came to its end */
	uint64_t serialised;
	uint64_t octets, scratch; /* of the database once it is put into memory, and of what a scan needs beside it */
	char why[FG_JOB_WHY_MAX];
};

static inline struct fg_job_pattern *fg_job_patterns(struct fg_job *job)
{
	return (struct fg_job_pattern *)(void *)(job + 1);
}

static inline size_t fg_job_texts(uint32_t count)
{
	return sizeof(struct fg_job) + (size_t)count * sizeof(struct fg_job_pattern);
}

static inline size_t fg_job_room(uint32_t count, uint32_t text_octets)
{
	return (fg_job_texts(count) + text_octets + 63) & ~(size_t)63;
}

#endif
