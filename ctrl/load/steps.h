/* SPDX-License-Identifier: BSD-3-Clause */
/* What the steps of the loader share. Private to ctrl/load. */
#ifndef CTRL_LOAD_STEPS_H
#define CTRL_LOAD_STEPS_H

#include "ctrl/load/load.h"

/* Working memory: one of each, whatever the number of rules. */
struct fg_load_work {
	struct fg_interval pool[2 * FG_CANON_POOL];
	struct fg_compile_scratch scratch;
	struct fg_cost nothing;                     /* of an image without rules */
	struct fg_table_rule *all[FG_FAMILY_COUNT]; /* rules that are in the running, in evaluation order */
	size_t n[FG_FAMILY_COUNT];
	struct fg_table_rule *some; /* room for as many as there are rules */
	size_t patterns;            /* in load->patterns */
};

/* input.c: a new rule without octets, its strings "". NULL: no memory, or too many, in load->error. */
struct fg_loaded *fg_load_add(struct fg_load *load);
/* input.c: "FILE:LINE:COLUMN: …" into load->error. FG_MALFORMED. */
__attribute__((format(printf, 5, 6))) int fg_load_syntax(struct fg_load *load, const char *file, size_t line,
							 size_t column, const char *fmt, ...);
/* input.c: gives the rule a copy of its octets and checks them. 0 or -ENOMEM. */
int fg_load_take_nlri(struct fg_load *load, struct fg_loaded *rule, const uint8_t *nlri, size_t len);
/* input.c: keeps a finding; one that is no warning takes the rule out of the running. 0 or -ENOMEM. */
int fg_load_judge(struct fg_load *load, struct fg_loaded *rule, const struct fg_finding *why);

/* language.c, hex.c, json.c: rules of a text. Like fg_load_text(). */
int fg_load_language(struct fg_load *load, const char *name, const char *text, size_t len);
int fg_load_hex(struct fg_load *load, const char *name, const char *text, size_t len);
int fg_load_json(struct fg_load *load, const char *name, const char *text, size_t len);
/* payload.c: judges the form of a rule's payload pattern, as soon as it is read. 0 or -ENOMEM. */
int fg_load_payload(struct fg_load *load, struct fg_loaded *rule);
/* payload.c: says which rules have the same pattern: fg_rule.pattern and turn. 0 or -ENOMEM. */
int fg_load_payload_same(struct fg_load *load);
/*
 * payload.c: compiles the patterns of the rules in the running, in the order of the input, and refuses those that cannot be; where some
 * have gone since, compiles the rest anew. 0 or -ENOMEM.
 */
int fg_load_payload_compile(struct fg_load *load);
/* hex.c: "ipv4", "ipv6-vpn" and so on. */
bool fg_family_read(const char *text, size_t len, enum fg_family *family, bool *vpn);
/* hex.c: adds communities "HEX[,HEX…]" to the rule's actions, judging them. 0; FG_MALFORMED: no hex; -ENOMEM. */
int fg_load_communities(struct fg_load *load, struct fg_loaded *rule, const char *text, size_t len);

/* cost.c: cost of rules of one family without any others. */
void fg_load_cost(struct fg_load *load, enum fg_family family, const struct fg_table_rule *rules, size_t n,
		  struct fg_cost *cost);
/* cost.c: each rule's own cost; refuses what is over the limits of a rule. 0 or -ENOMEM. */
int fg_load_cost_rules(struct fg_load *load);

/* budget.c: admits in the order of the input what the budgets hold, and says what it costs together. 0 or -ENOMEM. */
int fg_load_budget(struct fg_load *load);
/* budget.c: one refusal. 0 or -ENOMEM. */
int fg_load_over(struct fg_load *load, struct fg_loaded *rule, enum fg_resource what, uint64_t needed,
		 uint64_t available, const char *whose);

#endif
