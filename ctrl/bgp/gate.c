/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table and the gate. In: entries that have changed. Out: steps to ask of the gate, and its answers taken down.
 *
 * Always holds: an entry has steps without an answer at most once; what is in the gate of a path that nobody wants is deleted; of a path that
 * is still good it is deleted only once a better one is in the gate.
 */
#include <stdlib.h>
#include <string.h>

#include "ctrl/bgp/table.h"

void fg_rib_say(struct fg_rib_path *p, const struct fg_finding *f)
{
	size_t detail, source, fix;

	free(p->why);
	p->why = NULL;
	if (f == NULL)
		return;
	detail = strlen(f->detail) + 1;
	source = strlen(f->source) + 1;
	fix = strlen(f->cheapest_fix) + 1;
	p->why = malloc(sizeof(*p->why) + detail + source + fix);
	if (p->why == NULL)
		return;
	*p->why = (struct fg_rib_why){ f->code, f->component, f->resource, f->needed, f->available };
	memcpy(p->why->text, f->detail, detail);
	memcpy(p->why->text + detail, f->source, source);
	memcpy(p->why->text + detail + source, f->cheapest_fix, fix);
}

bool fg_rib_finding(const struct fg_rib_path *p, struct fg_finding *out)
{
	const struct fg_rib_why *why = p->why;
	const char *source, *fix;

	if (why == NULL)
		return false;
	memset(out, 0, sizeof(*out));
	out->code = why->code;
	out->component = why->component;
	out->resource = why->resource;
	out->needed = why->needed;
	out->available = why->available;
	source = why->text + strlen(why->text) + 1;
	fix = source + strlen(source) + 1;
	strncpy(out->detail, why->text, sizeof(out->detail) - 1);
	strncpy(out->source, source, sizeof(out->source) - 1);
	strncpy(out->cheapest_fix, fix, sizeof(out->cheapest_fix) - 1);
	return true;
}

static bool is_good(const struct fg_rib_path *p)
{
	return p != NULL && !p->refused && !p->over;
}

const struct fg_rib_path *fg_rib_best(const struct fg_rib_entry *e)
{
	const struct fg_rib_path *p = e->first;

	while (p != NULL && !is_good(p))
		p = p->next;
	return p;
}

bool fg_rib_in_gate(const struct fg_rib_path *p)
{
	return (p->entry->in_gate >> p->peer & 1) && p->gate_version == p->version;
}

/* What is to be asked for now, so that in the end the best path alone is in the gate. */
static size_t steps_of(struct fg_rib_entry *e, struct fg_rib_step out[FG_RIB_STEPS_MAX])
{
	const struct fg_rib_path *best = fg_rib_best(e);
	bool there = best != NULL && fg_rib_in_gate(best);
	size_t n = 0;

	for (uint64_t in = e->in_gate; in != 0; in &= in - 1) {
		unsigned peer = (unsigned)__builtin_ctzll(in);
		bool wanted = best != NULL && best->peer == peer;

		if (!wanted && (there || !is_good(fg_rib_path_of(e, peer))))
			out[n++] = (struct fg_rib_step){ .entry = e, .peer = (uint8_t)peer };
	}
	if (best != NULL && !there)
		out[n++] = (struct fg_rib_step){ e, best->peer, true, best->version };
	return n;
}

size_t fg_rib_next(struct fg_rib *rib, struct fg_rib_step out[FG_RIB_STEPS_MAX])
{
	size_t n = 0;

	while (n == 0 && rib->queue != NULL) {
		struct fg_rib_entry *e = rib->queue;

		rib->queue = e->queue;
		if (rib->queue == NULL)
			rib->queue_last = &rib->queue;
		rib->queued--;
		e->queued = false;
		n = steps_of(e, out);
		e->busy = (uint16_t)n;
		fg_rib_entry_release(rib, e);
	}
	return n;
}

static struct fg_rib_path *path_of(const struct fg_rib_step *step)
{
	struct fg_rib_path *p = step->adds ? fg_rib_path_of(step->entry, step->peer) : NULL;

	return p != NULL && p->version == step->version ? p : NULL;
}

const struct fg_rib_path *fg_rib_step_path(const struct fg_rib_step *step)
{
	return path_of(step);
}

/* A path that has changed since it was asked for is asked for again; what was said of it then is said of nothing now. */
static void settle_addition(const struct fg_rib_step *step, bool done, const struct fg_finding *why, uint64_t now_s)
{
	struct fg_rib_path *p = path_of(step);

	if (done)
		step->entry->in_gate |= 1ull << step->peer;
	if (p == NULL)
		return;
	p->refused = !done;
	p->gate_version = done ? p->version : 0;
	p->until_s = done && p->ttl_s != 0 ? now_s + p->ttl_s : 0;
	fg_rib_say(p, why);
}

void fg_rib_settle(struct fg_rib *rib, const struct fg_rib_step *step, enum fg_rib_answer answer,
		   const struct fg_finding *why, uint64_t now_s)
{
	struct fg_rib_entry *e = step->entry;
	struct fg_rib_step more[FG_RIB_STEPS_MAX];

	if (answer == FG_RIB_LOST)
		e->in_gate |= 1ull << step->peer;
	else if (step->adds)
		settle_addition(step, answer == FG_RIB_DONE, why, now_s);
	else
		e->in_gate &= ~(1ull << step->peer);
	if (--e->busy > 0)
		return;
	if (e->again || answer == FG_RIB_LOST || steps_of(e, more) > 0)
		fg_rib_touch(rib, e);
	e->again = false;
	fg_rib_entry_release(rib, e);
}

/* ---- All of the gate ---- */

void fg_rib_forget_gate(struct fg_rib *rib)
{
	for (size_t i = 0; i < rib->buckets; i++)
		for (struct fg_rib_entry *e = rib->bucket[i]; e != NULL; e = e->chain) {
			e->was_in_gate |= e->in_gate;
			e->in_gate = 0;
			for (struct fg_rib_path *p = e->first; p != NULL; p = p->next)
				p->gate_version = 0;
		}
}

/* What has gone from the gate when its time was over stays away; what the gate refused may be permitted now. */
static void look_again(struct fg_rib_path *p, uint64_t now_s)
{
	if (!fg_rib_in_gate(p) && p->until_s != 0 && p->until_s <= now_s + 1)
		p->over = true;
	if (p->refused && !p->barred)
		p->refused = false;
}

void fg_rib_gate_end(struct fg_rib *rib, uint64_t now_s)
{
	struct fg_rib_step more[FG_RIB_STEPS_MAX];

	for (size_t i = 0; i < rib->buckets; i++)
		for (struct fg_rib_entry *e = rib->bucket[i], *next; e != NULL; e = next) {
			next = e->chain;
			e->was_in_gate = 0;
			for (struct fg_rib_path *p = e->first; p != NULL; p = p->next)
				look_again(p, now_s);
			if (steps_of(e, more) > 0)
				fg_rib_touch(rib, e);
			fg_rib_entry_release(rib, e);
		}
}

void fg_rib_flushed(struct fg_rib *rib)
{
	for (size_t i = 0; i < rib->buckets; i++)
		for (struct fg_rib_entry *e = rib->bucket[i]; e != NULL; e = e->chain) {
			e->in_gate = 0;
			for (struct fg_rib_path *p = e->first; p != NULL; p = p->next) {
				p->gate_version = 0;
				p->over = true;
			}
		}
}
