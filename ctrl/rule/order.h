/* SPDX-License-Identifier: BSD-3-Clause */
/* The order in which rules are evaluated (RFC 8955 §5.1, RFC 8956 §4). Pure. */
#ifndef CTRL_RULE_ORDER_H
#define CTRL_RULE_ORDER_H

#include "ctrl/rule/nlri.h"

/*
 * < 0: a is evaluated before b; > 0: after; 0: the same NLRI octets and turn. Both checked and of one family. A total order: rules of
 * one destination prefix are neighbours, longer prefixes come before those they lie in, rules without a destination last. Of the same NLRI,
 * rules with a payload pattern come before the one without, which would hide them; each in its turn.
 */
int fg_rule_order(const struct fg_rule *a, const struct fg_rule *b);

/*
 * A number that is never against that order among rules of one family: where two differ, the lower one is evaluated first; where they do not,
 * fg_rule_order() decides. Whoever compares a rule many times keeps it, and reads few octets.
 */
uint64_t fg_rule_rank(const struct fg_rule *rule);

#endif
