/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All rules that the gate has, a page at a time, each with its counters. A walk sees rules in order of sequence; what comes
 * and goes meanwhile is seen or not.
 */
#ifndef CTRL_DAEMON_WALK_H
#define CTRL_DAEMON_WALK_H

#include "ctrl/daemon/ask.h"

enum { FG_WALK_PAGE_MAX = FG_MESSAGE_MAX / sizeof(struct fg_record) };

struct fg_walk_rule {
	const struct fg_listed *listed;
	const struct fg_record *record;
	struct fg_rule_counters counters;
	bool counted; /* counters could be read */
};

struct fg_walk;

/*
 * A page of rules, `last` with the last of them (which may have none); answers whether to go on at once: otherwise
 * fg_walk_next() does so later. rules NULL: the gate did not answer, and the walk is over. With the last page the walk is
 * over too, and freed.
 */
typedef bool (*fg_walk_page)(void *ctx, struct fg_walk *w, const struct fg_walk_rule *rules, size_t n, bool last);

/* 0, or what fg_ask() says: the function is not called. `counters`: they are wanted. */
int fg_walk_start(struct fg_asks *asks, uint64_t from, bool counters, fg_walk_page page, void *ctx);
/* The next page. */
void fg_walk_next(struct fg_walk *w);

#endif
