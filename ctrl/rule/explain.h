/* SPDX-License-Identifier: BSD-3-Clause */
/* Why components cannot match, in words: what lint.c says. Private to ctrl/rule. */
#ifndef CTRL_RULE_EXPLAIN_H
#define CTRL_RULE_EXPLAIN_H

#include "ctrl/rule/canon.h"
#include "ctrl/rule/out.h"

enum { FG_SHOWN_MAX = 96 }; /* octets of a component shown in a finding, with the terminating NUL */

/* The clause that defines a component. */
const char *fg_component_clause(enum fg_family family, uint8_t type);

/* The component as text, cut with "…" where it is longer. Returns text. */
const char *fg_component_show(const struct fg_rule *rule, const struct fg_component *c, char text[FG_SHOWN_MAX]);

/* The first (*at = 0) or next AND group of a list, as a component of its own; false at the end. *at: octets into c->body. */
bool fg_component_group(const struct fg_component *c, size_t *at, struct fg_component *group);

/* Components of a rule that cannot match which cannot match together, although any fewer of them can: bit t for type t. */
uint16_t fg_canon_core(const struct fg_canon *canon);

/* "no packet satisfies A and B: why". types: what fg_canon_core() gave; `part`, not NULL, stands for its list. */
void fg_explain_core(const struct fg_rule *rule, uint16_t types, const struct fg_component *part, struct fg_out *o);

#endif
