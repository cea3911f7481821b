/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Payload patterns (state.h). In: texts that ctrl asks for, and a database of them and of all that rules have, which the supervisor had
 * compiled. Out: which number a pattern has in the database of a side, or why there is none. Next on the way: rules.c writes numbers by slot.
 *
 * A database and its numbers go with the image of their side. A new one is put on the side that nobody reads, and comes into force with
 * the next generation, or at once where there is none; the other side gets it before it is used again.
 *
 * What always holds: `generation` of a side is 0 while its room is written; the database with the highest one has every pattern that a rule
 * which is there has. Each octet of a room is checked before it is believed, for it outlives whoever wrote it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/gate/state.h"
#include "ctrl/table/need.h"

/* ---- What a room holds ---- */

static const struct fg_share_patterns *room(const struct fg_gate *g, uint32_t side)
{
	return g->dataplane->memory.patterns[side];
}

static const struct fg_share_pattern *pattern(const struct fg_gate *g, uint32_t number)
{
	return (const void *)((const uint8_t *)room(g, g->patterns.newest) + g->patterns.at[number]);
}

static bool is_there(const struct fg_gate *g, uint32_t number)
{
	return number < FG_PATTERNS_MAX && pattern(g, number)->code == FG_OK;
}

static uint32_t *bucket_of(const struct fg_gate *g, const char *text, uint32_t octets)
{
	return &g->patterns.bucket[fg_hash(&g->key, (const uint8_t *)text, octets) & (FG_PATTERN_BUCKETS - 1)];
}

/* The place of a text, or that of a free bucket. */
static uint32_t *find(const struct fg_gate *g, struct fg_pattern_text text)
{
	uint32_t *at = bucket_of(g, text.at, text.octets), *end = g->patterns.bucket + FG_PATTERN_BUCKETS;

	for (; *at != 0; at = at + 1 == end ? g->patterns.bucket : at + 1) {
		const struct fg_share_pattern *p = pattern(g, *at - 1);

		if (p->text_octets == text.octets && memcmp(p->text, text.at, text.octets) == 0)
			break;
	}
	return at;
}

/* The head of a room says nothing that cannot be. */
static bool head_ok(const struct fg_gate *g, const struct fg_share_patterns *p)
{
	uint64_t octets = fg_share_texts(p->octets) + (uint64_t)p->text_octets;

	return p->octets <= g->dataplane->memory.pattern_octets && p->count <= FG_PATTERNS_KEPT &&
	       octets <= sizeof(*p) + (uint64_t)g->dataplane->memory.pattern_octets;
}

/* Reads the texts of a side. False: they are none, and nothing is known of it. */
static bool take_texts(struct fg_gate *g, uint32_t side)
{
	const struct fg_share_patterns *p = room(g, side);
	size_t at = fg_share_texts(p->octets), end = at + p->text_octets;

	g->patterns.newest = side;
	g->patterns.count = 0;
	memset(g->patterns.bucket, 0, FG_PATTERN_BUCKETS * sizeof(*g->patterns.bucket));
	if (!head_ok(g, p))
		return false;
	for (uint32_t i = 0; i < p->count; i++) {
		const struct fg_share_pattern *one = (const void *)((const uint8_t *)p + at);
		uint32_t octets;

		if (end - at < sizeof(*one))
			return false;
		octets = fg_share_pattern_octets(one->text_octets, one->why_octets);
		if (octets > end - at)
			return false;
		g->patterns.at[i] = (uint32_t)at;
		*find(g, (struct fg_pattern_text){ one->text, one->text_octets }) = i + 1;
		at += octets;
	}
	g->patterns.count = p->count;
	return true;
}

static void take_nothing(struct fg_gate *g)
{
	g->patterns.newest = FG_SIDE_NONE;
	g->patterns.count = 0;
	memset(g->patterns.bucket, 0, FG_PATTERN_BUCKETS * sizeof(*g->patterns.bucket));
}

void fg_patterns_adopt(struct fg_gate *g)
{
	uint64_t zero, one;
	uint32_t side;

	g->patterns.newest = FG_SIDE_NONE;
	if (g->dataplane->memory.pattern_octets == 0)
		return;
	zero = room(g, 0)->generation;
	one = room(g, 1)->generation;
	side = one > zero ? 1 : 0;
	if ((zero == 0 && one == 0) || !take_texts(g, side))
		take_nothing(g);
}

/* ---- Numbers ---- */

uint32_t fg_patterns_find(const struct fg_gate *g, struct fg_pattern_text text)
{
	uint32_t number;

	if (text.octets == 0)
		return 0;
	number = g->patterns.newest == FG_SIDE_NONE ? 0 : *find(g, text);
	return number != 0 && is_there(g, number - 1) ? number : FG_PATTERN_NONE;
}

void fg_patterns_number(struct fg_gate *g, uint32_t slot)
{
	const struct fg_entry *e = &g->entry[slot];

	if (e->payload_octets == 0 || e->rule.pattern == FG_PATTERN_NONE)
		return;
	for (uint32_t side = 0; side < FG_SIDES; side++)
		if (room(g, side)->generation == room(g, g->patterns.newest)->generation)
			g->dataplane->memory.numbers[side][slot] = e->rule.pattern - 1;
}

static void number_all(struct fg_gate *g, uint32_t side)
{
	uint32_t *numbers = g->dataplane->memory.numbers[side];

	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		if (g->entry[n].payload_octets > 0)
			numbers[n] = (g->entry[n].rule.pattern - 1) & (FG_PATTERNS_MAX - 1);
}

void fg_patterns_bring(struct fg_gate *g, uint32_t side)
{
	struct fg_share_patterns *to = g->dataplane->memory.patterns[side];
	const struct fg_share_patterns *from;

	if (g->patterns.newest == FG_SIDE_NONE || g->patterns.newest == side)
		return;
	from = room(g, g->patterns.newest);
	if (to->generation == from->generation)
		return;
	to->generation = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	memcpy((uint8_t *)to + sizeof(to->generation), (const uint8_t *)from + sizeof(to->generation),
	       fg_share_texts(from->octets) + from->text_octets - sizeof(to->generation));
	number_all(g, side);
	__atomic_store_n(&to->generation, from->generation, __ATOMIC_RELEASE);
}

/* ---- Judging ---- */

static void refuse(struct fg_gate *g, const struct fg_rule *rule, const struct fg_share_pattern *p,
		   struct fg_findings *out)
{
	const bool room = p->code == FG_OVER_BUDGET;
	struct fg_finding *why = fg_finding_add(out, room ? FG_OVER_BUDGET : FG_UNSUPPORTED, 0, "extension", "%.*s",
						(int)p->why_octets, p->text + p->text_octets);

	if (why == NULL || !room)
		return;
	why->resource = FG_RES_PATTERNS;
	why->needed = p->needed;
	why->available = p->available;
	fg_need_fix(rule, FG_RES_PATTERNS, &g->admission.scratch, why->cheapest_fix);
}

static void say_problem(const struct fg_gate *g, struct fg_findings *out)
{
	const char *why = "nobody asked for it";
	char number[32];

	snprintf(number, sizeof(number), "error %d", -g->patterns.problem);
	if (g->patterns.problem == -ENODATA)
		why = "those of the rules that are there could not be compiled again beside it";
	else if (g->patterns.problem != 0)
		why = number;
	fg_finding_add(out, FG_UNSUPPORTED, 0, "extension", "its pattern was not compiled: %s", why);
}

enum fg_reason fg_patterns_judge(struct fg_gate *g, const struct fg_rule *rule, struct fg_pattern_text text,
				 struct fg_findings *out)
{
	uint32_t number = g->patterns.newest == FG_SIDE_NONE || text.octets == 0 ? 0 : *find(g, text);

	if (text.octets == 0 || (number != 0 && rule->pattern != FG_PATTERN_NONE))
		return FG_OK;
	if (g->dataplane->memory.pattern_octets == 0)
		fg_finding_add(out, FG_UNSUPPORTED, 0, "extension",
			       "payload patterns are enforced by the DPDK dataplane only; without the pattern the rule "
			       "would be wider");
	else if (number != 0)
		refuse(g, rule, pattern(g, number - 1), out);
	else
		say_problem(g, out);
	return fg_findings_refusal(out);
}

void fg_patterns_now(const struct fg_gate *g, struct fg_status *s)
{
	if (g->dataplane->memory.pattern_octets == 0)
		return;
	s->pattern_bytes_budget = fg_patterns_budget(g);
	if (g->patterns.newest == FG_SIDE_NONE)
		return;
	s->pattern_bytes = room(g, g->patterns.newest)->octets;
	for (uint32_t i = 0; i < g->patterns.count; i++)
		s->patterns += is_there(g, i);
}

void fg_patterns_policy(struct fg_gate *g)
{
	for (uint32_t side = 0; side < FG_SIDES && g->dataplane->memory.pattern_octets > 0; side++) {
		struct fg_share_patterns *p = g->dataplane->memory.patterns[side];

		__atomic_store_n(&p->scan_octets, g->policy.limits.scan_octets, __ATOMIC_RELAXED);
		__atomic_store_n(&p->behind_bursts, g->policy.behind_bursts, __ATOMIC_RELAXED);
	}
}

uint64_t fg_patterns_budget(const struct fg_gate *g)
{
	uint64_t mine = g->dataplane->memory.pattern_octets, limit = g->policy.limits.pattern_bytes;

	return limit < mine ? limit : mine;
}

/* ---- Asking ---- */

static bool write_text(struct fg_gate *g, const char *text, uint32_t text_octets)
{
	const struct fg_text head = { (uint32_t)(sizeof(head) + text_octets + 7) & ~7u, text_octets };
	uint8_t out[sizeof(head) + FG_PATTERN_TEXT_MAX + 8] = { 0 };
	struct fg_patterns_wanted *w = &g->patterns.wanted;

	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), text, text_octets);
	if (g->files.write(g->files.ctx, out, head.octets, w->octets) != 0)
		return false;
	w->octets += head.octets;
	w->count++;
	return true;
}

/* Those that rules have, by which nothing that is enforced is lost: they come first. */
static bool write_used(struct fg_gate *g)
{
	uint64_t used[FG_PATTERNS_MAX / 64] = { 0 };
	bool done = true;

	for (uint32_t n = g->first; n != 0 && done; n = g->entry[n].behind) {
		const struct fg_entry *e = &g->entry[n];
		uint32_t number = e->rule.pattern - 1;

		if (e->payload_octets == 0 || e->state == FG_ENTRY_GONE)
			continue;
		if (e->rule.pattern != FG_PATTERN_NONE && (used[number / 64] >> (number % 64) & 1))
			continue;
		if (e->rule.pattern != FG_PATTERN_NONE)
			used[number / 64] |= 1ull << (number % 64);
		done = g->patterns.wanted.count < FG_PATTERNS_MAX &&
		       write_text(g, fg_rules_pattern(e).at, e->payload_octets);
	}
	return done;
}

bool fg_patterns_cancel(struct fg_gate *g)
{
	bool sent = g->patterns.state == FG_PATTERNS_SENT;

	g->patterns.state = FG_PATTERNS_IDLE;
	return sent;
}

static int begin(struct fg_gate *g, uint32_t ask)
{
	int r = -EOPNOTSUPP;

	if (g->dataplane->memory.pattern_octets > 0 && g->files.begin != NULL)
		r = g->files.begin(g->files.ctx);
	if (r != 0)
		return r;
	g->patterns.ask = ask;
	g->patterns.state = FG_PATTERNS_OPEN;
	g->patterns.news = 0;
	g->patterns.wanted = (struct fg_patterns_wanted){ .id = g->patterns.wanted.id + 1 };
	return write_used(g) ? 0 : -ENOSPC;
}

/* What is known is not asked for again; nor is what is more than there can be. */
static int take_asked(struct fg_gate *g, const struct fg_patterns_ask *ask)
{
	const uint8_t *at = (const uint8_t *)(ask + 1);

	for (uint32_t i = 0; i < ask->count; i++) {
		const struct fg_text *t = (const void *)at;

		at += t->octets;
		if (fg_patterns_find(g, (struct fg_pattern_text){ t->text, t->text_octets }) == FG_PATTERN_NONE)
			g->patterns.news++;
		else
			continue;
		if (g->patterns.wanted.count < FG_PATTERNS_KEPT && !write_text(g, t->text, t->text_octets))
			return -EIO;
	}
	return 0;
}

/* The supervisor has it compiled. */
static int want(struct fg_gate *g)
{
	struct fg_patterns_wanted *w = &g->patterns.wanted;

	w->database_octets = fg_patterns_budget(g);
	w->octets_alone = g->policy.limits.rule.pattern_bytes;
	w->room = sizeof(struct fg_share_patterns) + (uint64_t)g->dataplane->memory.pattern_octets;
	g->patterns.state = FG_PATTERNS_SENT;
	return g->files.send(g->files.ctx, w);
}

int fg_patterns_ask(struct fg_gate *g, uint32_t id, bool more, const struct fg_patterns_ask *ask)
{
	int r = g->patterns.state == FG_PATTERNS_OPEN ? 0 : begin(g, id);

	if (r == 0)
		r = take_asked(g, ask);
	if (r == 0 && (more || g->patterns.news > 0)) {
		r = more ? 0 : want(g);
		if (r == 0)
			return FG_PATTERNS_LATER;
	}
	fg_patterns_cancel(g);
	g->patterns.problem = r;
	return r;
}

/* ---- Taking ---- */

/* The file into a room that nobody reads. */
static int fill(struct fg_gate *g, uint32_t side)
{
	struct fg_share_patterns *to = g->dataplane->memory.patterns[side], head;

	if (g->files.read(g->files.ctx, &head, sizeof(head), 0) != 0 || !head_ok(g, &head))
		return -EBADMSG;
	to->generation = 0;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	head.generation = 0;
	*to = head;
	if (g->files.read(g->files.ctx, to + 1, fg_share_texts(head.octets) + head.text_octets - sizeof(head),
			  sizeof(head)) != 0)
		return -EBADMSG;
	return take_texts(g, side) ? 0 : -EBADMSG;
}

/* Every rule that is there finds its pattern; those that wait for theirs may have none. */
static bool has_all(const struct fg_gate *g)
{
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind) {
		const struct fg_entry *e = &g->entry[n];

		if (e->payload_octets > 0 && e->state != FG_ENTRY_GONE && e->rule.pattern != FG_PATTERN_NONE &&
		    fg_patterns_find(g, fg_rules_pattern(e)) == FG_PATTERN_NONE)
			return false;
	}
	return true;
}

static void take_numbers(struct fg_gate *g, uint32_t side)
{
	for (uint32_t n = g->first; n != 0; n = g->entry[n].behind)
		if (g->entry[n].payload_octets > 0)
			g->entry[n].rule.pattern = fg_patterns_find(g, fg_rules_pattern(&g->entry[n]));
	number_all(g, side);
}

/* The side that is read has the patterns of all rules that there are, so there is a way back to it. */
static void put_back(struct fg_gate *g, uint32_t side)
{
	struct fg_share_patterns *wrong = g->dataplane->memory.patterns[side];

	wrong->octets = wrong->count = wrong->text_octets = 0;
	if (g->side >= FG_SIDES || room(g, g->side)->generation == 0 || !take_texts(g, g->side))
		take_nothing(g);
	take_numbers(g, side);
}

static int put(struct fg_gate *g)
{
	uint64_t generation = g->patterns.newest == FG_SIDE_NONE ? 1 : room(g, g->patterns.newest)->generation + 1;
	uint32_t side;
	int r;

	fg_gate_catch_up(g);
	side = g->side == 0 ? 1 : 0;
	r = fill(g, side);
	if (r == 0 && !has_all(g))
		r = -ENODATA;
	if (r != 0) {
		put_back(g, side);
		return r;
	}
	take_numbers(g, side);
	fg_patterns_policy(g);
	__atomic_store_n(&g->dataplane->memory.patterns[side]->generation, generation, __ATOMIC_RELEASE);
	return 0;
}

int fg_patterns_take(struct fg_gate *g, const struct fg_database_ask *ask)
{
	int r = ask->result;

	if (g->patterns.state != FG_PATTERNS_SENT || ask->id != g->patterns.wanted.id)
		return -ENOENT;
	fg_serve_cancel(g, -ECANCELED);
	if (r == 0)
		r = put(g);
	g->patterns.state = FG_PATTERNS_IDLE;
	g->patterns.problem = r;
	if (r == 0)
		fg_waiting_again(g);
	return r;
}
