/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Metrics as text (the exposition format of Prometheus, 0.0.4). What could not be read is left out, never reported as 0.
 */
#ifndef CTRL_DAEMON_METRICS_H
#define CTRL_DAEMON_METRICS_H

#include <stddef.h>

#include "ctrl/gate/record.h"

enum {
	FG_METRICS_RULES_MAX = 10000,   /* rules with series of their own, in order of sequence */
	FG_METRICS_GROUPS_MAX = 256,    /* pairs of a word and a source */
	FG_METRICS_TEXT_MAX = 16 << 20, /* octets */
	FG_METRICS_BUCKETS = 8,
};

/* Text in the making. */
struct fg_metrics_text {
	char *at;
	size_t len, room;
	bool failed; /* no memory: what there is is not whole */
};

struct fg_metrics_group {
	char word[32]; /* a reason, or a state */
	char source[FG_NAME_MAX + 1];
	uint64_t count;
};

struct fg_metrics_rule {
	uint32_t slot;
	char name[FG_NAME_MAX + 1];
	uint64_t packets[FG_VERDICTS];
};

struct fg_metrics {
	/* What the daemon counts itself. */
	uint64_t commit_bucket[FG_METRICS_BUCKETS + 1], commit_count;
	double commit_sum_s;
	struct fg_metrics_group refused[FG_METRICS_GROUPS_MAX];
	size_t refused_groups;
	/* What the gate said last: in the order of slots. */
	struct fg_metrics_rule *rule;
	size_t rules;
};

/* A commit took so long, from the question to the answer. */
void fg_metrics_commit(struct fg_metrics *m, uint64_t us);
void fg_metrics_refused(struct fg_metrics *m, const char *reason, const char *source);
/* Counts one in its group; false: there is no room for another group. */
bool fg_metrics_count(struct fg_metrics_group *group, size_t *groups, const char *word, const char *source);
/* "discard" and so on. */
const char *fg_metrics_cause(uint8_t cause);
/* The name of the rule of a slot, as of the last reading, or "slot N" in number[]. */
const char *fg_metrics_rule(const struct fg_metrics *m, uint32_t slot, char number[FG_NAME_MAX + 1]);

/* A BGP peer; `count` by what became of NLRIs. */
enum { FG_METRICS_RESULTS = 8 };

struct fg_metrics_peer {
	char name[FG_NAME_MAX + 1];
	bool up;
	uint64_t rules, stale, count[FG_METRICS_RESULTS];
};

/* One reading of the gate; NULL: that could not be read. */
struct fg_metrics_reading {
	const struct fg_status *status;
	uint64_t generation;
	const struct fg_metrics_group *state; /* rules by state and source */
	size_t states;
	struct fg_metrics_rule *rule; /* sorted here */
	size_t rules;
	const struct fg_metrics_peer *peer;
	size_t peers;
	const char *const *result; /* names of their counts */
};

void fg_metrics_write(const struct fg_metrics *m, const struct fg_metrics_reading *r, struct fg_metrics_text *out);

#endif
