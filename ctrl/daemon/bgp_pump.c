/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table to the gate. In: entries that have changed. Out: batches, one at the gate at a time: what changes meanwhile is in the next, each entry
 * once, so that a peer that flaps is answered at the gate's pace and not at its own. Nothing of it goes into the store on disk: peers say
 * it again.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/log.h"
#include "ctrl/policy/judge.h"

enum { LOG_US = 1000000, RETRY_US = 500000 };

static bool room_for(struct fg_bgp *b, size_t more)
{
	size_t room = b->room == 0 ? 256 : 2 * b->room;
	struct fg_rib_step *step;
	uint32_t *place;

	if (b->steps + more <= b->room)
		return true;
	step = realloc(b->step, room * sizeof(*step));
	if (step != NULL)
		b->step = step;
	place = realloc(b->place, room * sizeof(*place));
	if (place != NULL)
		b->place = place;
	if (step == NULL || place == NULL)
		return false;
	b->room = room;
	return true;
}

static int add_record(struct fg_bgp *b, struct fg_records *records, const struct fg_rib_step *s)
{
	const struct fg_rib_path *path = fg_rib_step_path(s);
	struct fg_record head = { .op = path != NULL ? FG_OP_ADD : FG_OP_DELETE,
				  .family = s->entry->family,
				  .offset_form = s->entry->offset_form,
				  .flags = FG_RECORD_BGP };

	memcpy(head.by.source, b->peer[s->peer].config.name, sizeof(head.by.source));
	if (path != NULL) {
		head.actions = path->actions;
		head.ttl_s = path->ttl_s;
		head.flags |= path->count_only ? FG_RECORD_COUNT_ONLY : 0;
		snprintf(head.by.site, sizeof(head.by.site), "%s", fg_rib_site(&b->rib, path));
	}
	return fg_records_add(records, &head, s->entry->nlri, s->entry->nlri_len, (struct fg_pattern_text){ NULL, 0 });
}

/* What could not be asked for is as an answer that was lost. */
static void settle_all(struct fg_bgp *b, enum fg_rib_answer answer)
{
	for (size_t i = 0; i < b->steps; i++)
		fg_rib_settle(&b->rib, &b->step[i], answer, NULL, fg_now_s());
	b->steps = 0;
}

/* ---- Answers ---- */

/* What waits for room is in the gate like what is enforced: it must go from there when its peer withdraws it. */
static bool is_waiting(const struct fg_batch_finding *f)
{
	return f->why.code == FG_OVER_BUDGET && f->slot != 0;
}

/* Of what the gate has taken. */
static const char *state_of(const struct fg_bgp *b, const struct fg_rib_step *s, const struct fg_batch_finding *said)
{
	const struct fg_rib_path *path = fg_rib_step_path(s);

	if (said != NULL && is_waiting(said))
		return "waiting";
	if (path != NULL && path->site != 0 && !fg_policy_here(&b->ctrl->conf.policy, fg_rib_site(&b->rib, path)))
		return "elsewhere";
	return "enforced";
}

static void settle(struct fg_bgp *b, const struct fg_rib_step *s, const struct fg_batch_finding *refused,
		   const struct fg_finding *said)
{
	struct fg_bgp_peer *p = &b->peer[s->peer];
	const struct fg_finding *refusal = refused == NULL ? NULL : &refused->why;
	bool same = refusal != NULL && refusal->code == FG_DUPLICATE; /* the gate has it as it is: so much the better */

	if (refusal != NULL && !same && !is_waiting(refused)) {
		p->count[FG_BGP_REFUSED]++;
		b->said_refused++;
		fg_metrics_refused(&b->ctrl->metrics, fg_reason_name(refusal->code), p->config.name);
		fg_bgp_watch_step(p, s, "refused", refusal);
		fg_rib_settle(&b->rib, s, FG_RIB_REFUSED, refusal, fg_now_s());
		return;
	}
	if (s->adds) {
		p->count[FG_BGP_ADMITTED]++;
		b->said_admitted++;
	} else {
		b->said_deleted++;
	}
	fg_bgp_watch_step(p, s, state_of(b, s, refused), same ? NULL : refusal != NULL ? refusal : said);
	fg_rib_settle(&b->rib, s, FG_RIB_DONE, same ? NULL : refusal != NULL ? refusal : said, fg_now_s());
}

/* Findings come in the order of places, and so do steps. */
static void settle_each(struct fg_bgp *b, const struct fg_change *c)
{
	size_t f = 0;

	for (size_t i = 0; i < b->steps; i++) {
		const struct fg_batch_finding *refusal = NULL;
		const struct fg_finding *said = NULL;

		while (f < c->findings && c->finding[f].rule < i)
			f++;
		for (size_t g = f; g < c->findings && c->finding[g].rule == i; g++) {
			const struct fg_finding *why = &c->finding[g].why;

			said = said == NULL ? why : said;
			if (refusal == NULL && !fg_reason_is_warning(why->code))
				refusal = &c->finding[g];
		}
		settle(b, &b->step[i], refusal, said);
	}
	b->steps = 0;
}

static void say(struct fg_bgp *b)
{
	uint64_t now_us;

	sd_event_now(b->ctrl->event, CLOCK_MONOTONIC, &now_us);
	if (now_us - b->logged_us < LOG_US && b->rib.queued > 0)
		return;
	fg_log(LOG_NOTICE, "bgp: %llu admitted, %llu refused, %llu deleted in %llu batches, generation %llu",
	       (unsigned long long)b->said_admitted, (unsigned long long)b->said_refused,
	       (unsigned long long)b->said_deleted, (unsigned long long)b->batches,
	       (unsigned long long)b->ctrl->generation);
	b->logged_us = now_us;
	b->said_admitted = b->said_refused = b->said_deleted = b->batches = 0;
}

static void pump_later(struct fg_bgp *b)
{
	sd_event_source_set_time_relative(b->pump, RETRY_US);
	sd_event_source_set_enabled(b->pump, SD_EVENT_ONESHOT);
}

static void on_done(void *ctx, struct fg_change *c, bool answered)
{
	struct fg_bgp *b = ctx;

	b->change = NULL;
	if (answered && c->result.committed) {
		settle_each(b, c);
		b->batches++;
		say(b);
	} else {
		settle_all(b, FG_RIB_LOST);
	}
	fg_change_free(c);
	/* Without an answer there is another gate soon, and all is compared with it; or this one gave the batch up, and is asked again. */
	if (answered)
		fg_bgp_kick(b);
	else
		pump_later(b);
}

/* ---- Batches ---- */

static void collect(struct fg_bgp *b, struct fg_records *records)
{
	struct fg_rib_step step[FG_RIB_STEPS_MAX];
	size_t n = 1;

	for (size_t entries = 0; entries < FG_BGP_BATCH_ENTRIES && n > 0 && room_for(b, FG_RIB_STEPS_MAX); entries++) {
		n = fg_rib_next(&b->rib, step);
		for (size_t i = 0; i < n; i++) {
			b->step[b->steps++] = step[i];
			if (add_record(b, records, &step[i]) != 0)
				return; /* the batch is shorter than its steps, and not asked for */
		}
	}
}

static void pump(struct fg_bgp *b)
{
	struct fg_ctrl *ctrl = b->ctrl;
	struct fg_records records = { 0 };

	if (b->change != NULL || ctrl->sync != NULL || ctrl->asks.fd < 0 || !ctrl->synced || b->rib.queue == NULL)
		return;
	collect(b, &records);
	if (b->steps > 0 && records.count == b->steps)
		b->change = fg_change_new(ctrl, "bgp", "bgp", &records);
	fg_records_free(&records);
	if (b->change != NULL) {
		b->change->batch.flags = FG_BATCH_PARTIAL;
		b->change->done = on_done;
		b->change->ctx = b;
		if (fg_change_ask(b->change) == 0)
			return;
		fg_change_free(b->change);
		b->change = NULL;
	}
	settle_all(b, FG_RIB_LOST);
	pump_later(b);
}

static int on_pump(sd_event_source *source, uint64_t us, void *ctx)
{
	(void)source;
	(void)us;
	pump(ctx);
	return 0;
}

void fg_bgp_kick(struct fg_bgp *b)
{
	if (b == NULL || b->pump == NULL)
		return;
	sd_event_source_set_time(b->pump, 0);
	sd_event_source_set_enabled(b->pump, SD_EVENT_ONESHOT);
}

/*
 * Behind everything else that is ready now, so that what has come together goes together; but not behind what comes after it, or callers could hold it
 * off for good. So it is a time that has come already.
 */
int fg_bgp_pump_open(struct fg_bgp *b)
{
	int r = sd_event_add_time(b->ctrl->event, &b->pump, CLOCK_MONOTONIC, 0, 1, on_pump, b);

	if (r >= 0)
		r = sd_event_source_set_enabled(b->pump, SD_EVENT_OFF);
	return r;
}
