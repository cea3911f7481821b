/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way of a packet, offline: fg_enforce_packet() is the whole of it. In: the key of a packet (packet.h). Out:
 * the rules that apply (match.h) and what they do together (action.h); the same code that a dataplane runs, on an
 * image in memory of our own.
 */
#include "ctrl/cli/enforce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/rule/print.h"

/* Of a packet that is only told of there is nothing to scan, so no pattern is found. */
static void scan(struct fg_enforce *e, const struct fg_packet *p, const struct fg_frame *f, struct fg_matched *matched)
{
	if (e->pattern == NULL)
		return;
	if (f != NULL)
		fg_scan_packet(&e->scan, e->pattern, f->octets, f->octets + f->header->caplen, p,
			       e->load->limits.scan_octets, matched);
	else
		fg_scan_skip(&e->scan, e->pattern, matched);
}

void fg_enforce_packet(struct fg_enforce *e, const struct fg_packet *p, const struct fg_frame *f, uint64_t now_ns,
		       struct fg_ruling *out)
{
	struct fg_applied applied[FG_APPLIED_MAX];
	struct fg_view view = { .base = e->image.base };

	memset(out, 0, sizeof(*out));
	if (p->what == FG_PACKET_MALFORMED) {
		out->verdict.cause = FG_CAUSE_MALFORMED;
		out->verdict.verdict = e->drop_malformed ? FG_DROP : FG_PASS;
	}
	if (p->what != FG_PACKET_IP)
		return;
	fg_match(&view, &p->key, &out->matched);
	scan(e, p, f, &out->matched);
	for (uint32_t i = 0; i < out->matched.count; i++) {
		uint32_t slot = out->matched.slot[i] & FG_SLOT_MASK;

		applied[i] = (struct fg_applied){ &e->action[slot], e->meter[slot] };
	}
	fg_verdict_of(applied, out->matched.count, p->ip_length, now_ns, &out->verdict);
}

/* Full buckets for the rules that have a rate. */
static int meters_start(struct fg_enforce *e)
{
	const struct fg_load *load = e->load;
	size_t n = 0;

	for (size_t i = 0; i < load->count; i++)
		n += (load->rule[i]->rule.actions.set & FG_ACT_RATES) != 0;
	e->meters = aligned_alloc(_Alignof(struct fg_meter), (n + 1) * sizeof(*e->meters));
	if (e->meters == NULL)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < load->count; i++) {
		if ((load->rule[i]->rule.actions.set & FG_ACT_RATES) == 0)
			continue;
		e->meter[i] = &e->meters[n++];
		fg_meter_start(e->meter[i], &e->action[i]);
	}
	return 0;
}

/* The database, and what a scan needs. */
static int patterns_start(struct fg_enforce *e)
{
	const struct fg_load *load = e->load;
	const struct fg_pattern_database *d = &load->patterns;
	size_t octets = ((size_t)d->octets + FG_DATABASE_ALIGN - 1) & ~(size_t)(FG_DATABASE_ALIGN - 1);
	int r;

	if (d->serialised == NULL)
		return 0;
	e->pattern = calloc(load->count + 1, sizeof(*e->pattern));
	e->database = aligned_alloc(FG_DATABASE_ALIGN, octets);
	e->room = aligned_alloc(FG_LINE_OCTETS, FG_SCAN_ROOM_OCTETS);
	if (e->pattern == NULL || e->database == NULL || e->room == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < load->count; i++)
		if (load->rule[i]->rule.pattern != 0)
			e->pattern[i] = load->rule[i]->rule.pattern - 1;
	fg_scan_start(&e->scan, e->room);
	r = fg_database_put(e->database, octets, d->serialised, d->serialised_octets);
	return r != 0 ? r : fg_scan_use(&e->scan, e->database);
}

int fg_enforce_new(struct fg_enforce *e, struct fg_load *load, bool drop_malformed)
{
	int r;

	*e = (struct fg_enforce){ .load = load, .drop_malformed = drop_malformed };
	e->action = calloc(load->count + 1, sizeof(*e->action));
	e->meter = calloc(load->count + 1, sizeof(*e->meter));
	r = e->action == NULL || e->meter == NULL ? -ENOMEM : fg_load_compile(load, &e->image);
	for (size_t i = 0; i < load->count && r == 0; i++)
		fg_action_make(&load->rule[i]->rule.actions, (uint32_t)i, (uint32_t)i, &e->action[i]);
	if (r == 0)
		r = meters_start(e);
	if (r == 0)
		r = patterns_start(e);
	if (r != 0)
		fg_enforce_free(e);
	return r;
}

void fg_enforce_free(struct fg_enforce *e)
{
	fg_load_image_free(&e->image);
	free(e->action);
	free(e->meter);
	free(e->meters);
	free(e->pattern);
	free(e->database);
	free(e->room);
	*e = (struct fg_enforce){ 0 };
}

const struct fg_loaded *fg_ruling_rule(const struct fg_enforce *e, const struct fg_ruling *r, uint32_t i)
{
	return e->load->rule[r->matched.slot[i] & FG_SLOT_MASK];
}

/* Actions that a cause comes from; 0: the last rule applied. */
static uint32_t deciding(uint8_t cause)
{
	switch (cause) {
	case FG_CAUSE_DISCARD:
		return FG_ACT_DISCARD;
	case FG_CAUSE_RATE:
		return FG_ACT_RATES;
	default:
		return 0;
	}
}

const struct fg_loaded *fg_ruling_winner(const struct fg_enforce *e, const struct fg_ruling *r)
{
	uint32_t actions = deciding(r->verdict.cause);

	if (r->matched.count == 0)
		return NULL;
	if (r->verdict.verdict == FG_REDIRECT)
		return fg_ruling_rule(e, r, r->verdict.redirect_rule);
	for (uint32_t i = 0; i < r->matched.count; i++)
		if (fg_ruling_rule(e, r, i)->rule.actions.set & actions)
			return fg_ruling_rule(e, r, i);
	return fg_ruling_rule(e, r, r->matched.count - 1);
}

const char *fg_verdict_name(uint8_t verdict)
{
	static const char *const names[] = { [FG_PASS] = "pass", [FG_DROP] = "drop", [FG_REDIRECT] = "redirect" };

	return names[verdict];
}

const char *fg_cause_name(uint8_t cause)
{
	static const char *const names[FG_CAUSE_COUNT] = {
		[FG_CAUSE_NONE] = "none",         [FG_CAUSE_ACCEPT] = "accept",       [FG_CAUSE_DISCARD] = "discard",
		[FG_CAUSE_RATE] = "rate",         [FG_CAUSE_REDIRECT] = "redirect",   [FG_CAUSE_PROTECT] = "protect",
		[FG_CAUSE_OVERLOAD] = "overload", [FG_CAUSE_MALFORMED] = "malformed",
	};

	return names[cause];
}

void fg_target_text(const struct fg_actions *a, char out[FG_DETAIL_MAX])
{
	struct fg_actions only = *a;
	char text[FG_DETAIL_MAX] = "";
	const char *target;

	only.set &= FG_ACT_REDIRECT_RT | FG_ACT_RT6 | FG_ACT_REDIRECT_IP | FG_ACT_COPY;
	fg_actions_print(&only, text, sizeof(text));
	target = strrchr(text, ' ');
	strcpy(out, target != NULL ? target + 1 : text);
}
