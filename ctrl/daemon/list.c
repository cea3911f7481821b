/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ListRules. In: a name, a source, or all. Out: Rules with their counters, a page a reply as fast as the caller reads them.
 * ListProtected. Out: the entries of `protect`, which are the configuration's and no rules.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/pages.h"
#include "ctrl/daemon/records.h"
#include "ctrl/daemon/walk.h"
#include "ctrl/load/show.h"
#include "ctrl/rule/print.h"

struct listing {
	struct fg_walk *waiting; /* for the caller to read */
	struct fg_pages pages;
	bool large;    /* more than a line, and no second reply was asked for */
	size_t bucket; /* of the table of peers' rules, that comes behind */
};

static void listing_free(void *state)
{
	struct listing *l = state;

	fg_pages_free(&l->pages);
	free(l);
}

static json_t *reply_of(struct fg_op *op)
{
	struct listing *l = op->state;

	return json_pack("{s:o,s:I}", "rules", fg_pages_take(&l->pages), "generation",
			 (json_int_t)op->ctrl->generation);
}

static bool is_asked(const struct fg_op *op, const struct fg_record *r)
{
	const char *name = fg_op_string(op, "name"), *source = fg_op_string(op, "source");

	return (name == NULL || strcmp(name, r->name) == 0) && (source == NULL || strcmp(source, r->by.source) == 0);
}

static void add_object(struct fg_op *op, json_t *object)
{
	struct listing *l = op->state;

	if (object == NULL || fg_pages_add(&l->pages, object))
		return;
	if (op->more) {
		fg_op_continue(op, reply_of(op));
		fg_pages_add(&l->pages, object);
	} else {
		l->large = true;
		json_decref(object);
	}
}

static void add(struct fg_op *op, const struct fg_walk_rule *rule)
{
	const struct fg_record *r = rule->record;
	struct fg_record_view view = { .listed = rule->listed,
				       .counters = rule->counted ? &rule->counters : NULL,
				       .state = fg_rule_state_name(rule->listed->state),
				       .reasons = r->flags & FG_RECORD_BGP
							  ? fg_bgp_reasons(op->ctrl->bgp, r,
									   rule->listed->state == FG_RULE_WAITING)
							  : NULL,
				       .generation_base = op->ctrl->generation_base,
				       .clock_offset_ns = op->ctrl->clock_offset_ns,
				       .place = rule->listed->sequence };

	add_object(op, fg_record_object(r, &view));
}

static bool is_behind(const struct fg_op *op)
{
	return fg_op_is_heard(op) && op->client->out_len - op->client->out_at > FG_CLIENT_OUT_ENOUGH;
}

static void add_announced(void *ctx, json_t *rule)
{
	add_object(ctx, rule);
}

/* What peers have announced and the gate does not have: refused, or less preferred than another's. */
static void list_announced(struct fg_op *op)
{
	struct listing *l = op->state;

	op->drained = NULL;
	while (fg_bgp_bucket_rules(op->ctrl->bgp, l->bucket++, fg_op_string(op, "source"), fg_op_string(op, "name"),
				   add_announced, op))
		if (is_behind(op)) {
			op->drained = list_announced;
			return;
		}
	if (l->large)
		fg_op_error(op, "TooLarge", json_pack("{s:i}", "limit", FG_LINE_MAX));
	else
		fg_op_reply(op, reply_of(op));
}

/* The walk waits until the caller has read; it knows nothing of callers, and goes on with nobody there to end it. */
static void on_drained(struct fg_op *op)
{
	struct listing *l = op->state;
	struct fg_walk *w = l->waiting;

	op->drained = NULL;
	l->waiting = NULL;
	fg_walk_next(w);
}

static bool on_page(void *ctx, struct fg_walk *w, const struct fg_walk_rule *rules, size_t n, bool last)
{
	struct fg_op *op = ctx;
	struct listing *l = op->state;

	for (size_t i = 0; i < n && fg_op_is_heard(op); i++)
		if (is_asked(op, rules[i].record))
			add(op, &rules[i]);
	if (!last && is_behind(op)) {
		l->waiting = w;
		op->drained = on_drained;
		return false;
	}
	if (!last)
		return true;
	if (rules == NULL)
		fg_op_unavailable(op, "the gate did not answer");
	else
		list_announced(op);
	return false;
}

void fg_method_list_rules(struct fg_op *op)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		fg_op_unavailable(op, "out of memory");
		return;
	}
	op->state = l;
	op->free = listing_free;
	if (fg_walk_start(&op->ctrl->asks, 0, true, on_page, op) != 0)
		fg_op_unavailable(op, "there is no gate");
}

static json_t *protected_object(const struct fg_protect *p)
{
	const struct fg_rule rule = { .family = p->family, .nlri = p->nlri, .nlri_len = p->nlri_len };
	static char text[FG_TEXT_MAX];
	char *nlri = fg_show_octets(&rule);
	json_t *o = NULL;

	if (nlri != NULL && fg_rule_print_match(&rule, text, sizeof(text)) > 0)
		o = json_pack("{s:o,s:o,s:s,s:s}", "name", fg_show_string(p->name), "text", fg_show_string(text),
			      "family", fg_show_family(&rule), "nlri", nlri);
	free(nlri);
	return o;
}

/* There are so few of them that a caller who does not read is no matter. */
void fg_method_list_protected(struct fg_op *op)
{
	const struct fg_policy *p = &op->ctrl->conf.policy;
	struct fg_pages pages = { 0 };

	for (uint32_t i = 0; i < p->protects; i++) {
		json_t *object = protected_object(&p->protect[i]);

		if (fg_pages_add(&pages, object))
			continue;
		if (!op->more) {
			json_decref(object);
			fg_pages_free(&pages);
			fg_op_error(op, "TooLarge", json_pack("{s:i}", "limit", FG_LINE_MAX));
			return;
		}
		fg_op_continue(op, json_pack("{s:o}", "rules", fg_pages_take(&pages)));
		fg_pages_add(&pages, object);
	}
	fg_op_reply(op, json_pack("{s:o}", "rules", fg_pages_take(&pages)));
	fg_pages_free(&pages);
}
