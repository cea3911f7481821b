/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One reading of all that the metrics say: status, then rules with their counters, a page at a time. What does not come is
 * left out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/http.h"
#include "ctrl/daemon/records.h"
#include "ctrl/daemon/walk.h"

struct scrape {
	struct fg_ctrl *ctrl;
	fg_scraped done;
	void *ctx;
	struct fg_status status;
	bool has_status, has_rules, uncounted;
	struct fg_metrics_group state[FG_METRICS_GROUPS_MAX];
	size_t states;
	struct fg_metrics_rule *rule;
	size_t rules, room;
};

static int by_slot(const void *a, const void *b)
{
	const struct fg_metrics_rule *ra = a, *rb = b;

	return (ra->slot > rb->slot) - (ra->slot < rb->slot);
}

/* Names by slot stay with the metrics, for samples. */
static void keep_names(struct scrape *s)
{
	struct fg_metrics *m = &s->ctrl->metrics;

	free(m->rule);
	m->rule = s->rule;
	m->rules = s->rules;
	if (m->rules > 0)
		qsort(m->rule, m->rules, sizeof(*m->rule), by_slot);
}

static void finish(struct scrape *s)
{
	struct fg_metrics_text text = { 0 };
	struct fg_metrics_peer peer[FG_PEERS_MAX];
	const char *result[FG_METRICS_RESULTS];
	struct fg_metrics_reading r = { .status = s->has_status ? &s->status : NULL,
					.generation = s->ctrl->generation,
					.state = s->has_rules ? s->state : NULL,
					.states = s->states,
					.rule = s->has_rules && !s->uncounted ? s->rule : NULL,
					.rules = s->rules,
					.peer = peer,
					.peers = fg_bgp_reading(s->ctrl->bgp, peer),
					.result = result };

	for (int i = 0; i < FG_METRICS_RESULTS; i++)
		result[i] = fg_bgp_result_name((enum fg_bgp_result)i);
	fg_metrics_write(&s->ctrl->metrics, &r, &text);
	if (text.failed) {
		free(text.at);
		text = (struct fg_metrics_text){ 0 };
	}
	s->done(s->ctx, text.at, text.len);
	if (s->has_rules)
		keep_names(s);
	else
		free(s->rule);
	free(s);
}

static bool grow(struct scrape *s)
{
	size_t room = s->room ? 2 * s->room : 64;
	struct fg_metrics_rule *grown;

	if (s->rules < s->room)
		return true;
	grown = s->rules >= FG_METRICS_RULES_MAX ? NULL : realloc(s->rule, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	s->rule = grown;
	s->room = room;
	return true;
}

static void take(struct scrape *s, const struct fg_walk_rule *from)
{
	const struct fg_rule_counters *c = &from->counters;
	struct fg_metrics_rule *to;

	fg_metrics_count(s->state, &s->states, fg_rule_state_name(from->listed->state), from->record->by.source);
	if (!grow(s))
		return;
	s->uncounted = s->uncounted || !from->counted;
	to = &s->rule[s->rules++];
	to->slot = from->listed->slot;
	if (from->record->name[0] != '\0')
		memcpy(to->name, from->record->name, sizeof(to->name));
	else
		snprintf(to->name, sizeof(to->name), "#%llu", (unsigned long long)from->listed->sequence);
	to->packets[FG_PASS] = c->passed.packets;
	to->packets[FG_DROP] = c->dropped.packets;
	to->packets[FG_REDIRECT] = c->matched.packets - c->passed.packets - c->dropped.packets;
}

static bool on_page(void *ctx, struct fg_walk *w, const struct fg_walk_rule *rules, size_t n, bool last)
{
	struct scrape *s = ctx;

	(void)w;
	for (size_t i = 0; i < n; i++)
		take(s, &rules[i]);
	if (!last)
		return true;
	s->has_rules = rules != NULL;
	finish(s);
	return false;
}

static void on_status(void *ctx, const struct fg_message *m)
{
	struct scrape *s = ctx;

	s->has_status = m != NULL && m->kind == FG_SAY_STATUS && m->octets == sizeof(*m) + sizeof(s->status);
	if (s->has_status) {
		memcpy(&s->status, m + 1, sizeof(s->status));
		s->has_status = s->status.ports <= FG_PORTS_MAX;
		s->ctrl->generation = s->status.generation + s->ctrl->generation_base;
		s->ctrl->cost = s->status.cost;
	}
	if (fg_walk_start(&s->ctrl->asks, 0, true, on_page, s) != 0)
		finish(s);
}

void fg_scrape(struct fg_ctrl *ctrl, fg_scraped done, void *ctx)
{
	struct scrape *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		done(ctx, NULL, 0);
		return;
	}
	*s = (struct scrape){ .ctrl = ctrl, .done = done, .ctx = ctx };
	if (fg_ask(&ctrl->asks, FG_ASK_STATUS, NULL, 0, on_status, s) != 0)
		finish(s);
}
