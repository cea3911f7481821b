/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One call of a method, from its line to its last reply. A caller that goes away leaves its call behind, for what the gate
 * has been asked for happens anyway and is to be written down; it keeps its place among callers until then, so that what is
 * asked by all of them at once is bounded. Private to ctrl/daemon.
 */
#ifndef CTRL_DAEMON_OP_H
#define CTRL_DAEMON_OP_H

#include "ctrl/daemon/ctrl.h"

struct fg_op {
	struct fg_ctrl *ctrl;
	struct fg_client *client;
	const struct fg_method *method;
	json_t *parameters;
	bool more;
	enum fg_role role;
	char who[FG_WHO_MAX];
	void *state; /* the method's own, freed by `free` */
	void (*free)(void *state);
	void (*drained)(struct fg_op *op); /* the caller has read all there was; NULL: nobody asked */
};

struct fg_method {
	const char *name;
	enum fg_role needs;
	/* "text:s rules:a partial:b": s string, a array, i integer of 0 and more, b boolean; `!` behind it: required. */
	const char *parameters;
	void (*run)(struct fg_op *op);
};

extern const struct fg_method fg_methods[];
extern const size_t fg_methods_count;

/* Reads a line and runs its method; answers what is none. */
void fg_op_begin(struct fg_ctrl *ctrl, struct fg_client *client, const char *line, size_t len);
/* The last reply; the call is over and *op freed. */
void fg_op_reply(struct fg_op *op, json_t *parameters);
/* The last reply is an error of this interface ("RuleNotFound"); over and freed. */
void fg_op_error(struct fg_op *op, const char *name, json_t *parameters);
/* "Unavailable", with why; over and freed. */
void fg_op_unavailable(struct fg_op *op, const char *message);
/* Over without a reply: all of them have been sent. */
void fg_op_end(struct fg_op *op);
/* The caller is still there. */
bool fg_op_is_heard(const struct fg_op *op);
/* Another reply that is not the last. False: it is larger than a line. */
bool fg_op_continue(struct fg_op *op, json_t *parameters);

/* Parameters, checked by fg_op_begin(): NULL, 0 or false where absent. */
const char *fg_op_string(const struct fg_op *op, const char *name);
const json_t *fg_op_array(const struct fg_op *op, const char *name);
uint64_t fg_op_number(const struct fg_op *op, const char *name);
bool fg_op_true(const struct fg_op *op, const char *name);

/* The methods, by file: add.c, delete.c, list.c, status.c, change.c, stream.c, bgp_show.c. */
void fg_method_add_rules(struct fg_op *op);
void fg_method_delete_rules(struct fg_op *op);
void fg_method_list_rules(struct fg_op *op);
void fg_method_status(struct fg_op *op);
void fg_method_health(struct fg_op *op);
void fg_method_list_protected(struct fg_op *op);
void fg_method_limits(struct fg_op *op);
void fg_method_confirm(struct fg_op *op);
void fg_method_history(struct fg_op *op);
void fg_method_rollback(struct fg_op *op);
void fg_method_flush(struct fg_op *op);
void fg_method_set_shadow(struct fg_op *op);
void fg_method_quarantine(struct fg_op *op);
void fg_method_list_quarantine(struct fg_op *op);
void fg_method_watch(struct fg_op *op);
void fg_method_samples(struct fg_op *op);
void fg_method_list_peers(struct fg_op *op);
void fg_method_bgp_errors(struct fg_op *op);

/* status.c: "budget" of what the gate says. */
json_t *fg_budget_object(const struct fg_cost_now *cost);

#endif
