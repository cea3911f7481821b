/* SPDX-License-Identifier: BSD-3-Clause */
/* The order in which rules are evaluated (RFC 8955 §5.1, RFC 8956 §4). Pure. */
#ifndef CTRL_RULE_ORDER_H
#define CTRL_RULE_ORDER_H

#include "ctrl/rule/nlri.h"

/*
 * < 0: a is evaluated before b; > 0: after; 0: the same NLRI octets. Both checked and of one family. A total order: rules of
 * one destination prefix are neighbours, longer prefixes come before those they lie in, rules without a destination last.
 */
int fg_rule_order(const struct fg_rule *a, const struct fg_rule *b);

#endif
