/* SPDX-License-Identifier: BSD-3-Clause */
/* What one rule needs of a table, and the words for a rule that needs too much. Pure. */
#ifndef CTRL_TABLE_NEED_H
#define CTRL_TABLE_NEED_H

#include "ctrl/table/table.h"
#include "flowgate/errors.h"

/* Cost of an image without any rules. */
void fg_need_nothing(struct fg_compile_scratch *scratch, struct fg_cost *cost);
/* What a checked rule alone adds to that. */
void fg_need_alone(const struct fg_rule *rule, const struct fg_cost *nothing, struct fg_compile_scratch *scratch,
		   struct fg_cost *cost);

/*
 * The refusal of a rule over budget: "needs N of a resource; `whose`: M", and the cheapest way to need less. Where that is to leave out a
 * component, the rule would match more, so it is for its owner to decide, and the words say so.
 */
/* The cheapest way out for a rule, in words. */
void fg_need_fix(const struct fg_rule *rule, enum fg_resource what, struct fg_compile_scratch *scratch,
		 char out[FG_DETAIL_MAX]);
void fg_need_over(const struct fg_rule *rule, enum fg_resource what, uint64_t needed, uint64_t available,
		  const char *whose, struct fg_compile_scratch *scratch, struct fg_finding *out);

/* What of a cost is over; FG_RES_NONE: nothing. */
enum fg_resource fg_need_exceeds(const struct fg_cost *cost, uint64_t bytes, uint64_t lines);

#endif
