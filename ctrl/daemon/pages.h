/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of an answer in as many replies as they need: those that fit a line each, where `more` was asked for; otherwise
 * one, with the rules that fit it. Private to ctrl/daemon.
 */
#ifndef CTRL_DAEMON_PAGES_H
#define CTRL_DAEMON_PAGES_H

#include "ctrl/daemon/op.h"

enum { FG_PAGE_ROOM = FG_LINE_MAX - 4096 }; /* octets of a line for rules: the rest is for what stands beside them */

struct fg_pages {
	json_t *page;  /* rules of the reply in the making */
	size_t octets; /* of it */
	bool full;     /* one did not fit, and there is no other reply */
	bool large;    /* a rule is larger than a line, and was left out */
};

/*
 * Adds a rule, taken over. True: it is in; false: the page is full, and the rule is still the caller's: send the page.
 */
bool fg_pages_add(struct fg_pages *p, json_t *rule);
/* The rules of this page, given away; the next page is empty. */
json_t *fg_pages_take(struct fg_pages *p);
void fg_pages_free(struct fg_pages *p);

#endif
