/* SPDX-License-Identifier: BSD-3-Clause */
/* Canonical text: the one-line form, components in type order; it reads back to the same meaning. Pure. */
#ifndef CTRL_RULE_PRINT_H
#define CTRL_RULE_PRINT_H

#include "ctrl/rule/actions.h"
#include "ctrl/rule/nlri.h"

/* Room that the text of any rule of FG_NLRI_MAX octets fits in, with the terminating NUL. */
enum { FG_TEXT_MAX = 131072 };

/*
 * Writes `name N match … then …` (no name part if the rule has none) of a checked rule. Octets written without NUL, or 0 if `room` is
 * too small. Where the NLRI is not in minimal encoding, the conditions are `family F nlri HEX` and the readable text follows as a
 * `#` comment, for the octets decide identity and order.
 */
size_t fg_rule_print(const struct fg_rule *rule, char *out, size_t room);

/* The readable conditions alone ("destination 192.0.2.0/24 protocol tcp"), whatever the encoding. */
size_t fg_rule_print_match(const struct fg_rule *rule, char *out, size_t room);

/* The actions alone ("discard", "rate-limit 1250000 sample"; "accept" for none). */
size_t fg_actions_print(const struct fg_actions *a, char *out, size_t room);

/* True where the received octets are the minimal encoding that fg_nlri_put_* would give. */
bool fg_rule_is_minimal(const struct fg_rule *rule);

/* Names of values: number to standard name, NULL if it has none. `type` says which field (protocol, ICMP type, DSCP …). */
const char *fg_value_name(enum fg_family family, uint8_t type, uint32_t value);
/* Name to number; false if unknown. Case does not matter. */
bool fg_value_number(enum fg_family family, uint8_t type, const char *name, uint32_t *value);

#endif
