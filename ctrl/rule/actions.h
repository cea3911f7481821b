/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic filtering actions: extended communities and attribute 25 (RFC 8955 §7, RFC 8956 §6,
 * draft-ietf-idr-flowspec-redirect-ip), both directions. Pure.
 */
#ifndef CTRL_RULE_ACTIONS_H
#define CTRL_RULE_ACTIONS_H

#include "flowgate/errors.h"
#include "flowgate/rule.h"

/*
 * Adds the communities of one attribute to *a: `len` octets of 8 each, or of 20 each where `ipv6` (attribute 25). An
 * attribute that is absent is not read. 0; FG_MALFORMED: not a non-zero multiple, or a rate that is not a number (RFC
 * 7606 §7.14, §7.15); FG_UNSUPPORTED: understood but not to be honoured (+inf rate, interface-set, a copy and a
 * redirect to an address in one rule), or more than FG_ACTION_COMMUNITIES_MAX. *why, which may be NULL, says which
 * and at which octet of the attribute. *a is untouched unless 0. Unknown types set FG_ACT_UNKNOWN.
 *
 * A rate below 0.5 a second is a discard: zero and negative, -0 and -inf too (RFC 8955 §7.1), and what rounds to
 * nothing, like a denormal. Of two rates of a kind the lower stays, so a discard leaves no rate. Of two marks,
 * redirects (to a route target or an address) or copies the first stays. `sample` and `continue` add up.
 */
int fg_actions_read(const uint8_t *octets, size_t len, bool ipv6, struct fg_actions *a, struct fg_finding *why);

/* Room that fg_actions_write() can need, in octets. */
enum { FG_ACTIONS_OCTETS = 8 * FG_EXTCOMM_OCTETS, FG_ACTIONS6_OCTETS = 2 * FG_EXTCOMM6_OCTETS };

/* Writes *a as extended communities (out) and as attribute 25 (out6). Sets the octets written. An `accept` writes none. */
void fg_actions_write(const struct fg_actions *a, uint8_t out[FG_ACTIONS_OCTETS], size_t *len,
		      uint8_t out6[FG_ACTIONS6_OCTETS], size_t *len6);

/* True where both ask for the same: rates beside a discard and FG_ACT_UNKNOWN ask for nothing. */
bool fg_actions_equal(const struct fg_actions *a, const struct fg_actions *b);

#endif
