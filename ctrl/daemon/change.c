/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Changes of rules: to the gate, and what came of them into the store, the log and the metrics. In: records. Out: findings
 * by place. What the gate has committed is written down whether or not the caller is still there.
 */
#include "ctrl/daemon/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctrl/daemon/log.h"
#include "ctrl/rule/lint.h"

uint64_t fg_now_s(void)
{
	return (uint64_t)time(NULL);
}

void fg_ctrl_took(struct fg_ctrl *ctrl, uint64_t generation, const struct fg_cost_now *cost)
{
	ctrl->generation = generation + ctrl->generation_base;
	if (cost != NULL)
		ctrl->cost = *cost;
}

struct fg_change *fg_change_new(struct fg_ctrl *ctrl, const char *who, const char *what, struct fg_records *records)
{
	struct fg_change *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->ctrl = ctrl;
	snprintf(c->who, sizeof(c->who), "%s", who);
	c->what = what;
	c->records = *records;
	*records = (struct fg_records){ 0 };
	return c;
}

void fg_change_free(struct fg_change *c)
{
	if (c == NULL)
		return;
	fg_records_free(&c->records);
	free(c->finding);
	free(c);
}

static void add_findings(struct fg_change *c, const struct fg_message *m)
{
	size_t left = m->octets - sizeof(*m) - sizeof(c->result), n = left / sizeof(*c->finding);
	struct fg_batch_finding *grown;

	if (n > c->result.findings)
		n = c->result.findings;
	if (n == 0)
		return;
	grown = realloc(c->finding, (c->findings + n) * sizeof(*grown));
	if (grown == NULL) {
		c->lost = true;
		return;
	}
	c->finding = grown;
	memcpy(c->finding + c->findings, (const uint8_t *)(m + 1) + sizeof(c->result), n * sizeof(*grown));
	c->findings += n;
}

static int by_place(const void *a, const void *b)
{
	const struct fg_batch_finding *fa = a, *fb = b;

	return (fa->rule > fb->rule) - (fa->rule < fb->rule);
}

static void on_answer(void *ctx, const struct fg_message *m)
{
	struct fg_change *c = ctx;
	struct fg_ctrl *ctrl = c->ctrl;
	uint64_t now_us;

	if (m == NULL || m->kind != FG_SAY_BATCH || m->octets < sizeof(*m) + sizeof(c->result)) {
		if (m == NULL || !m->more)
			c->done(c->ctx, c, false);
		if (m == NULL) /* a gate that is only slow may do it yet, and then it is to be written down */
			fg_sync_start(ctrl);
		return;
	}
	memcpy(&c->result, m + 1, sizeof(c->result));
	add_findings(c, m);
	if (m->more)
		return;
	if (c->findings > 0)
		qsort(c->finding, c->findings, sizeof(*c->finding), by_place);
	sd_event_now(c->ctrl->event, CLOCK_MONOTONIC, &now_us);
	if (c->result.committed)
		fg_metrics_commit(&c->ctrl->metrics, now_us - c->asked_us);
	fg_ctrl_took(c->ctrl, c->result.generation, &c->result.cost);
	c->done(c->ctx, c, true);
}

static int ask(struct fg_change *c)
{
	return fg_ask_batch(&c->ctrl->asks, &c->batch, c->records.at, c->records.octets, on_answer, c);
}

static void on_patterns(void *ctx)
{
	struct fg_change *c = ctx;

	if (ask(c) != 0)
		c->done(c->ctx, c, false);
}

int fg_change_ask(struct fg_change *c)
{
	sd_event_now(c->ctrl->event, CLOCK_MONOTONIC, &c->asked_us);
	if (c->ctrl->asks.fd < 0 || !fg_texts_wanted(&c->records))
		return ask(c);
	return fg_texts_ask(&c->ctrl->texts, &c->records, on_patterns, c);
}

/* The findings of a place: [*first, *last). */
static void range_of(const struct fg_change *c, uint32_t place, size_t *first, size_t *last)
{
	size_t low = 0, high = c->findings;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->finding[middle].rule < place)
			low = middle + 1;
		else
			high = middle;
	}
	*first = low;
	while (high < c->findings && c->finding[high].rule == place)
		high++;
	*last = high;
}

bool fg_change_refused(const struct fg_change *c, uint32_t place)
{
	size_t first, last;

	range_of(c, place, &first, &last);
	for (; first < last; first++)
		if (!fg_reason_is_warning(c->finding[first].why.code))
			return true;
	return false;
}

bool fg_change_waits(const struct fg_change *c, uint32_t place)
{
	size_t first, last;

	range_of(c, place, &first, &last);
	for (; first < last; first++)
		if (c->finding[first].why.code == FG_OVER_BUDGET && c->finding[first].slot != 0)
			return true;
	return false;
}

json_t *fg_change_reasons(const struct fg_change *c, uint32_t place)
{
	json_t *reasons = json_array();
	size_t first, last;

	range_of(c, place, &first, &last);
	for (; first < last; first++)
		json_array_append_new(reasons, fg_reason_object(&c->finding[first].why));
	return reasons;
}

static void count_refused(struct fg_change *c)
{
	const struct fg_record *at = NULL;
	size_t i = 0;

	for (uint32_t place = 0; (at = fg_records_next(&c->records, at)) != NULL; place++)
		for (; i < c->findings && c->finding[i].rule <= place; i++)
			if (!fg_reason_is_warning(c->finding[i].why.code))
				fg_metrics_refused(&c->ctrl->metrics, fg_reason_name(c->finding[i].why.code),
						   at->by.source);
}

static void write_down(struct fg_change *c)
{
	struct fg_commit commit = { .generation = c->result.generation + c->ctrl->generation_base,
				    .now_s = fg_now_s(),
				    .who = c->who,
				    .what = c->what,
				    .added = c->result.admitted,
				    .deleted = c->result.deleted,
				    .pending = c->batch.confirm_s != 0 };
	bool *left_out = calloc(c->records.count + 1, sizeof(*left_out));

	for (size_t i = 0; left_out != NULL && i < c->findings; i++)
		if (c->finding[i].rule < c->records.count && !fg_reason_is_warning(c->finding[i].why.code) &&
		    c->finding[i].slot == 0)
			left_out[c->finding[i].rule] = true;
	if (left_out != NULL)
		fg_ledger_commit(c->ctrl->ledger, &commit, &c->records, left_out);
	free(left_out);
}

void fg_change_keep(struct fg_change *c)
{
	char verdict[FG_DETAIL_MAX], waiting[32] = "";

	if (c->result.waiting > 0)
		snprintf(waiting, sizeof(waiting), ", of which %u wait", c->result.waiting);
	snprintf(verdict, sizeof(verdict), "%s: %u admitted, %u refused%s, %u deleted, generation %llu%s",
		 c->batch.flags & FG_BATCH_TRY ? "tried"
		 : c->result.committed         ? "committed"
					       : "refused",
		 c->result.admitted, c->result.refused, waiting, c->result.deleted,
		 (unsigned long long)(c->result.generation + c->ctrl->generation_base),
		 c->batch.confirm_s != 0 ? ", to be confirmed" : "");
	count_refused(c);
	if (c->batch.flags & FG_BATCH_TRY)
		return;
	if (c->result.committed)
		write_down(c);
	fg_ledger_audit(c->ctrl->ledger, fg_now_s(), c->who, c->what, c->result.cost.bytes, verdict);
	fg_log(LOG_NOTICE, "%s: %s: %s", c->who, c->what, verdict);
}
