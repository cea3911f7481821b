/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule store (store.h). In: records that were checked. Out: slots. Next on the way: rules.c, which finds them; commit.c, which makes
 * generations of them.
 *
 * What always holds: the first eight octets of a free cell are zero; what `added` says is written before what it speaks of, and when a
 * record goes, its further cells are cleared before the first. So a walk over the cells can tell records from what lies in them, whatever
 * octets an NLRI has.
 */
#include "ctrl/gate/store.h"

#include <errno.h>
#include <string.h>

enum { CRASHES_MAX = 3 };

size_t fg_store_private(uint32_t cells)
{
	return (cells + 63) / 64 * sizeof(uint64_t);
}

uint32_t fg_store_cells(uint16_t nlri_len, uint16_t payload_octets)
{
	uint32_t octets = (uint32_t)nlri_len + payload_octets;

	return octets <= FG_CELL_NLRI ? 1 : 1 + (octets - FG_CELL_NLRI + FG_CELL_OCTETS - 1) / FG_CELL_OCTETS;
}

static void put(struct fg_store *s, uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, value, __ATOMIC_RELEASE);
	/*
	 * Nothing that comes behind it may be written before it. A process is killed between two instructions, and what those before
	 * have stored is there for whoever looks later: so it is the compiler alone that has to be told.
	 */
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (s->written != NULL)
		s->written(s->ctx);
}

/* ---- Cells in use ---- */

static bool is_taken(const struct fg_store *s, uint32_t cell)
{
	return s->taken[cell / 64] >> (cell % 64) & 1;
}

static void take(struct fg_store *s, uint32_t cell, uint32_t n, bool on)
{
	for (uint32_t i = cell; i < cell + n; i++)
		s->taken[i / 64] = on ? s->taken[i / 64] | 1ull << (i % 64) : s->taken[i / 64] & ~(1ull << (i % 64));
}

/* First of n free cells in [at, end), 0: there are none. */
static uint32_t find_gap(const struct fg_store *s, uint32_t at, uint32_t end, uint32_t n)
{
	uint32_t run = 0;

	while (at < end) {
		if (run == 0 && at % 64 == 0 && s->taken[at / 64] == UINT64_MAX) {
			at += 64;
			continue;
		}
		run = is_taken(s, at) ? 0 : run + 1;
		at++;
		if (run == n)
			return at - n;
	}
	return 0;
}

static uint32_t find_room(struct fg_store *s, uint32_t n)
{
	uint32_t slot = find_gap(s, s->at, s->cells, n);

	if (slot == 0)
		slot = find_gap(s, FG_PROTECT_MAX, s->cells, n);
	if (slot != 0)
		s->at = slot + n;
	return slot;
}

/* ---- Records ---- */

static void fill(struct fg_cell *c, const struct fg_record *r, uint64_t sequence, uint64_t now_ns)
{
	c->sequence = sequence;
	c->added_ns = now_ns;
	c->expires_ns = r->ttl_s != 0 ? now_ns + r->ttl_s * 1000000000ull : 0;
	c->family = r->family;
	c->offset_form = r->offset_form;
	c->flags = r->flags;
	c->nlri_len = r->nlri_len;
	c->payload_octets = r->payload_octets;
	c->waits = 0;
	c->actions = r->actions;
	memcpy(c->name, r->name, sizeof(c->name));
	c->by = r->by;
	memcpy((uint8_t *)c + offsetof(struct fg_cell, nlri), r->nlri, (size_t)r->nlri_len + r->payload_octets);
}

uint32_t fg_store_put(struct fg_store *s, const struct fg_record *r, uint64_t sequence, uint64_t now_ns)
{
	uint32_t n = fg_store_cells(r->nlri_len, r->payload_octets), slot = find_room(s, n);
	struct fg_cell *c = &s->cell[slot];

	if (slot == 0)
		return 0;
	take(s, slot, n, true);
	c->cells = (uint8_t)n;
	put(s, &c->added, FG_STAGED);
	c->deleted = c->restored = c->forgotten = 0;
	fill(c, r, sequence, now_ns);
	return slot;
}

void fg_store_free(struct fg_store *s, uint32_t slot)
{
	struct fg_cell *c = &s->cell[slot];
	uint32_t n = c->cells;

	put(s, &c->added, FG_STAGED);
	for (uint32_t i = 1; i < n; i++)
		put(s, &s->cell[slot + i].added, 0);
	put(s, &c->added, 0);
	take(s, slot, n, false);
}

void fg_store_mark(struct fg_store *s, uint64_t *at, uint64_t generation)
{
	put(s, at, generation);
}

void fg_store_restore(struct fg_store *s, struct fg_cell *c)
{
	if (c->waits)
		put(s, &c->added, c->restored);
	put(s, &c->deleted, 0);
	put(s, &c->restored, 0);
	c->waits = 0;
}

void fg_store_commit(struct fg_store *s, uint64_t generation)
{
	put(s, &s->head->generation, generation);
}

uint64_t fg_store_sequence(struct fg_store *s)
{
	uint64_t sequence = s->head->sequence;

	put(s, &s->head->sequence, sequence + 1);
	return sequence;
}

void fg_store_confirm(struct fg_store *s, uint64_t generation, uint64_t until_ns)
{
	if (generation != 0)
		put(s, &s->head->confirm_until_ns, until_ns);
	put(s, &s->head->confirm_generation, generation);
}

uint32_t fg_store_next(const struct fg_store *s, uint32_t slot)
{
	slot = slot == 0 ? FG_PROTECT_MAX : slot + s->cell[slot].cells;
	while (slot < s->cells && s->cell[slot].added == 0)
		slot++;
	return slot < s->cells ? slot : 0;
}

/* ---- Adoption ---- */

/* The first cell says nothing that cannot be. */
static bool whole(const struct fg_store *s, uint32_t slot)
{
	const struct fg_cell *c = &s->cell[slot];

	return c->cells >= 1 && c->cells <= FG_CELLS_MAX && c->cells <= s->cells - slot &&
	       (c->added > s->head->generation ||
		(c->waits <= 1 && c->nlri_len <= FG_NLRI_MAX && c->payload_octets <= FG_PATTERN_TEXT_MAX &&
		 fg_store_cells(c->nlri_len, c->payload_octets) == c->cells && c->family < FG_FAMILY_COUNT &&
		 c->sequence < s->head->sequence && memchr(c->name, 0, sizeof(c->name)) &&
		 memchr(c->by.source, 0, sizeof(c->by.source)) && memchr(c->by.site, 0, sizeof(c->by.site))));
}

/* Undoes what a generation that never came wanted of a record, and settles what one that came did. */
static void settle(struct fg_store *s, struct fg_cell *c)
{
	uint64_t now = s->head->generation;

	if (c->restored > now)
		put(s, &c->restored, 0);
	if (c->deleted > now)
		put(s, &c->deleted, 0);
	if (c->forgotten > now)
		put(s, &c->forgotten, 0);
	if (c->restored != 0)
		fg_store_restore(s, c);
	if (c->deleted == 0)
		c->waits = 0;
}

enum fg_fate fg_store_fate(const struct fg_store *s, const struct fg_cell *c)
{
	uint64_t wait = s->head->confirm_generation;

	if (c->deleted == 0)
		return FG_FATE_THERE;
	if (c->waits && c->forgotten == 0)
		return FG_FATE_WAITS;
	return wait != 0 && (c->waits ? c->forgotten : c->deleted) == wait ? FG_FATE_KEPT : FG_FATE_GONE;
}

static uint32_t adopt(struct fg_store *s)
{
	uint64_t now = s->head->generation, wait = s->head->confirm_generation;
	uint32_t damaged = 0;

	if (wait > now)
		fg_store_confirm(s, wait = 0, 0);
	for (uint32_t slot = FG_PROTECT_MAX; slot < s->cells;) {
		struct fg_cell *c = &s->cell[slot];
		uint32_t n;

		if (c->added != 0 && !whole(s, slot)) {
			damaged++;
			c->cells = 1;
			fg_store_free(s, slot);
		}
		n = c->added != 0 ? c->cells : 1;
		if (c->added > now)
			fg_store_free(s, slot);
		else if (c->added != 0) {
			settle(s, c);
			take(s, slot, n, true);
		}
		slot += n;
	}
	return damaged;
}

static void format(struct fg_store *s, uint32_t cells)
{
	s->head->version = FG_STORE_VERSION;
	s->head->cells = cells;
	s->head->sequence = 1;
	put(s, &s->head->generation, 1);
	put(s, &s->head->magic, FG_STORE_MAGIC);
}

int fg_store_open(struct fg_store *s, void *memory, uint32_t cells, void *private, bool *adopted, uint32_t *damaged)
{
	struct fg_store_header *head = memory;

	if (head->magic != 0 &&
	    (head->magic != FG_STORE_MAGIC || head->version != FG_STORE_VERSION || head->cells != cells))
		return -EPROTO;
	s->head = head;
	s->cell = memory;
	s->cells = cells;
	s->taken = private;
	s->at = FG_PROTECT_MAX;
	memset(private, 0, fg_store_private(cells));
	take(s, 0, FG_PROTECT_MAX, true);
	*adopted = head->magic != 0;
	*damaged = 0;
	if (head->quarantined > FG_QUARANTINE_MAX)
		head->quarantined = 0;
	if (*adopted)
		*damaged = adopt(s);
	else
		format(s, cells);
	return 0;
}

/* ---- Quarantine ---- */

static uint32_t find_quarantined(const struct fg_store *s, uint64_t hash)
{
	uint32_t i = 0;

	while (i < s->head->quarantined && s->head->quarantine[i] != hash)
		i++;
	return i;
}

bool fg_store_quarantined(const struct fg_store *s, uint64_t hash)
{
	return find_quarantined(s, hash) < s->head->quarantined;
}

int fg_store_quarantine(struct fg_store *s, uint64_t hash, bool on)
{
	uint32_t i = find_quarantined(s, hash), n = s->head->quarantined;

	if (i < n && on)
		return 0;
	if (i == n && !on)
		return -ENOENT;
	if (on && n == FG_QUARANTINE_MAX)
		return -ENOSPC;
	/* Dying between the two leaves one hash twice, or one beyond the end: neither says anything wrong. */
	put(s, &s->head->quarantine[i], on ? hash : s->head->quarantine[n - 1]);
	s->head->quarantined = on ? n + 1 : n - 1;
	return 0;
}

/* ---- Crashes ---- */

static void convict(struct fg_store *s, struct fg_cell *c, uint64_t *gone)
{
	fg_store_quarantine(s, fg_record_hash(c->family, c->offset_form, c->nlri, c->nlri_len, c->payload_octets),
			    true);
	put(s, gone, s->head->generation + 1);
}

/* What the last generation did to a record is undone by the next one. */
static void undo(struct fg_store *s, struct fg_cell *c)
{
	uint64_t last = s->head->generation;

	if (c->added == last && c->deleted == 0) {
		convict(s, c, &c->deleted);
	} else if (c->added == last && fg_store_fate(s, c) == FG_FATE_WAITS) {
		convict(s, c, &c->forgotten);
	} else if (c->waits && c->forgotten == last) {
		put(s, &c->forgotten, 0);
	} else if (c->deleted == last && c->forgotten == 0) {
		c->waits = 0;
		put(s, &c->restored, last + 1);
	}
}

/* A new generation without what the last one did; or, where rules that wait are at fault, without those. */
static void undo_last(struct fg_store *s, bool trying)
{
	uint64_t last = s->head->generation;

	for (uint32_t slot = fg_store_next(s, 0); slot != 0; slot = fg_store_next(s, slot)) {
		struct fg_cell *c = &s->cell[slot];

		if (!trying)
			undo(s, c);
		else if (fg_store_fate(s, c) == FG_FATE_WAITS)
			convict(s, c, &c->forgotten);
	}
	fg_store_commit(s, last + 1);
	adopt(s);
	if (trying)
		return;
	if (s->head->confirm_generation == last)
		fg_store_confirm(s, 0, 0);
}

bool fg_store_started(struct fg_store *s)
{
	struct fg_store_header *h = s->head;
	bool undo, trying = h->trying != 0;

	/* Whoever made this generation was not started on it, and did not end well: that was the first time. */
	if (h->crash_generation != h->generation) {
		h->crashes = h->crash_generation != 0 ? 1 : 0;
		h->crash_generation = h->generation;
	}
	h->trying = 0;
	undo = h->crashes >= CRASHES_MAX;
	if (undo) {
		undo_last(s, trying);
		h->crash_generation = h->generation;
		h->crashes = 0;
	}
	h->crashes++;
	return undo;
}

void fg_store_stable(struct fg_store *s)
{
	s->head->crash_generation = s->head->generation;
	s->head->crashes = 0;
}
