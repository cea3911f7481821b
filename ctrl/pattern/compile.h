/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Patterns in, one Hyperscan database out, compiled by another process that can be as stupid as it likes: flowgate-pattern, without rights
 * and with bounds on its memory and time. A pattern that kills it, or that there is no room for, is refused by itself, and the rest are kept.
 */
#ifndef CTRL_PATTERN_COMPILE_H
#define CTRL_PATTERN_COMPILE_H

#include <stddef.h>

#include "ctrl/pattern/pattern.h"

struct fg_pattern_limits {
	uint64_t octets_one; /* of the database of one pattern alone */
	uint64_t octets;     /* of that of all */
	uint64_t memory;     /* address space of the process */
	uint32_t cpu_one_s;  /* seconds of a processor for one pattern alone */
	uint32_t cpu_s;      /* and for one process */
	uint32_t wall_ms;    /* of one process */
	uint32_t total_ms;   /* of all: what has not been tried by then is refused */
};

void fg_pattern_limits_default(struct fg_pattern_limits *l);

/* What became of a pattern. */
struct fg_pattern_fate {
	enum fg_reason code;        /* FG_OK, FG_UNSUPPORTED or FG_OVER_BUDGET */
	uint64_t octets;            /* of its database alone; 0: not known */
	uint64_t needed, available; /* octets, or patterns, where over budget for want of room; both 0 otherwise */
	char why[FG_DETAIL_MAX];    /* where not FG_OK */
};

struct fg_pattern_database {
	void *serialised; /* as hs_serialize_database() writes it; NULL: there is none, for no pattern was kept */
	size_t serialised_octets;
	uint64_t octets, scratch; /* of the database in memory, and what a scan needs beside it */
};

/*
 * Compiles n patterns by `program`. fate[n] is set in any case; who is kept does not depend on luck: in the order given, each that there is room
 * for. 0; -errno: no pattern was looked at, for the program cannot be run. The database is to be freed.
 */
int fg_patterns_compile(const char *program, const struct fg_pattern_limits *limits, const struct fg_pattern *patterns,
			size_t n, struct fg_pattern_fate *fate, struct fg_pattern_database *out);
void fg_pattern_database_free(struct fg_pattern_database *d);

/* Where flowgate-pattern is: beside the program that runs, else where it was installed. */
enum { FG_PATTERN_PATH_MAX = 4096 };
void fg_pattern_program(char *out, size_t room);

#endif
