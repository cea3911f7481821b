/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Text put together in memory that is given. Private to ctrl/rule: print.c owns it, print_actions.c and lint.c use it.
 * Always holds: at[len] is NUL and len < room, where room > 0; what does not fit sets `full` and is left out.
 */
#ifndef CTRL_RULE_OUT_H
#define CTRL_RULE_OUT_H

#include "ctrl/rule/nlri.h"

struct fg_out {
	char *at;
	size_t room;
	size_t len;
	bool full;
};

struct fg_out fg_out_begin(char *at, size_t room);
__attribute__((format(printf, 2, 3))) void fg_out_put(struct fg_out *o, const char *fmt, ...);
/* Octets written, 0 where not all fitted. */
size_t fg_out_end(const struct fg_out *o);

/* An address in its text form, IPv6 as RFC 5952 has it (all of it in hexadecimal). */
void fg_out_address(struct fg_out *o, enum fg_family family, const uint8_t octets[16]);
/* "packet-length [ 100-200 >=5000 ]": a checked component of the rule. */
void fg_out_component(struct fg_out *o, const struct fg_rule *rule, const struct fg_component *c);
/* "discard sample"; "accept" for none. */
void fg_out_actions(struct fg_out *o, const struct fg_actions *a);

#endif
