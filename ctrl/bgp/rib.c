/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of announced rules. In: announcements and withdrawals of peers. Out: entries that have changed, in a queue, each once however often
 * it changes: so a peer that flaps costs no more than the gate's pace. Next: gate.c, which makes steps of the queue.
 */
#include "ctrl/bgp/rib.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/bgp/table.h"
#include "ctrl/rule/actions.h"

enum { BUCKETS_MIN = 1024 };

int fg_rib_open(struct fg_rib *rib, const struct fg_hash_key *key)
{
	*rib = (struct fg_rib){ .key = *key, .buckets = BUCKETS_MIN };
	rib->bucket = calloc(rib->buckets, sizeof(struct fg_rib_entry *));
	rib->queue_last = &rib->queue;
	return rib->bucket != NULL ? 0 : -ENOMEM;
}

void fg_rib_close(struct fg_rib *rib)
{
	for (size_t i = 0; rib->bucket != NULL && i < rib->buckets; i++)
		while (rib->bucket[i] != NULL) {
			struct fg_rib_entry *e = rib->bucket[i];

			rib->bucket[i] = e->chain;
			while (e->first != NULL) {
				struct fg_rib_path *p = e->first;

				e->first = p->next;
				free(p->why);
				free(p);
			}
			free(e);
		}
	free(rib->bucket);
	free(rib->site);
}

/* ---- Entries ---- */

static uint64_t hash_of(const struct fg_rib *rib, const struct fg_rule *rule)
{
	return fg_hash(&rib->key, rule->nlri, rule->nlri_len) ^ ((uint64_t)rule->family << 1 | rule->offset_form);
}

static struct fg_rib_entry *entry_find(const struct fg_rib *rib, const struct fg_rule *rule, uint64_t hash)
{
	struct fg_rib_entry *e = rib->bucket[hash & (rib->buckets - 1)];

	for (; e != NULL; e = e->chain)
		if (e->hash == hash && e->family == rule->family && e->offset_form == rule->offset_form &&
		    e->nlri_len == rule->nlri_len && memcmp(e->nlri, rule->nlri, rule->nlri_len) == 0)
			return e;
	return NULL;
}

/* Twice as many buckets; without memory for them chains are longer, that is all. */
static void grow(struct fg_rib *rib)
{
	size_t buckets = 2 * rib->buckets;
	struct fg_rib_entry **bucket = calloc(buckets, sizeof(struct fg_rib_entry *));

	if (bucket == NULL)
		return;
	for (size_t i = 0; i < rib->buckets; i++)
		while (rib->bucket[i] != NULL) {
			struct fg_rib_entry *e = rib->bucket[i], **to = &bucket[e->hash & (buckets - 1)];

			rib->bucket[i] = e->chain;
			e->chain = *to;
			*to = e;
		}
	free(rib->bucket);
	rib->bucket = bucket;
	rib->buckets = buckets;
}

static struct fg_rib_entry *entry_new(struct fg_rib *rib, const struct fg_rule *rule, uint64_t hash)
{
	struct fg_rib_entry *e = malloc(sizeof(*e) + rule->nlri_len), **to;

	if (e == NULL)
		return NULL;
	if (rib->entries >= rib->buckets)
		grow(rib);
	to = &rib->bucket[hash & (rib->buckets - 1)];
	*e = (struct fg_rib_entry){ .chain = *to,
				    .hash = hash,
				    .nlri_len = rule->nlri_len,
				    .family = rule->family,
				    .offset_form = rule->offset_form };
	memcpy(e->nlri, rule->nlri, rule->nlri_len);
	*to = e;
	rib->entries++;
	return e;
}

void fg_rib_entry_release(struct fg_rib *rib, struct fg_rib_entry *e)
{
	struct fg_rib_entry **at = &rib->bucket[e->hash & (rib->buckets - 1)];

	if (e->first != NULL || e->in_gate != 0 || e->busy > 0 || e->queued)
		return;
	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	rib->entries--;
	free(e);
}

void fg_rib_touch(struct fg_rib *rib, struct fg_rib_entry *e)
{
	if (e->busy > 0) {
		e->again = true;
		return;
	}
	if (e->queued)
		return;
	e->queued = true;
	e->queue = NULL;
	*rib->queue_last = e;
	rib->queue_last = &e->queue;
	rib->queued++;
}

/* ---- Paths ---- */

struct fg_rib_path *fg_rib_path_of(const struct fg_rib_entry *e, unsigned peer)
{
	struct fg_rib_path *p = e->first;

	while (p != NULL && p->peer != peer)
		p = p->next;
	return p;
}

bool fg_rib_is_stale(const struct fg_rib *rib, const struct fg_rib_path *p)
{
	return p->generation != rib->peer[p->peer].of[p->entry->family].generation;
}

uint32_t fg_rib_stales(const struct fg_rib *rib, unsigned peer)
{
	return rib->peer[peer].of[FG_IPV4].stale + rib->peer[peer].of[FG_IPV6].stale;
}

static struct fg_rib_list *list_of(struct fg_rib *rib, const struct fg_rib_path *p)
{
	return &rib->peer[p->peer].of[p->entry->family];
}

/* Behind one of the list, or in front of all. */
static void list_insert(struct fg_rib_list *l, struct fg_rib_path *p, struct fg_rib_path *before)
{
	p->before = before;
	p->behind = before != NULL ? before->behind : l->first;
	*(p->before != NULL ? &p->before->behind : &l->first) = p;
	*(p->behind != NULL ? &p->behind->before : &l->last) = p;
}

static void list_remove(struct fg_rib_list *l, const struct fg_rib_path *p)
{
	*(p->before != NULL ? &p->before->behind : &l->first) = p->behind;
	*(p->behind != NULL ? &p->behind->before : &l->last) = p->before;
}

/* Behind those that are preferred, and those that are no less and came before. */
static void order_insert(const struct fg_rib *rib, struct fg_rib_path *p)
{
	struct fg_rib_path **at = &p->entry->first;

	while (*at != NULL && rib->peer[(*at)->peer].preference >= rib->peer[p->peer].preference)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

static void order_remove(struct fg_rib_path *p)
{
	struct fg_rib_path **at = &p->entry->first;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
}

void fg_rib_peer(struct fg_rib *rib, unsigned peer, uint32_t preference, uint32_t max)
{
	struct fg_rib_peer *of = &rib->peer[peer];
	bool moved = of->preference != preference;

	of->preference = preference;
	of->max = max;
	for (int f = 0; moved && f < FG_FAMILY_COUNT; f++)
		for (struct fg_rib_path *p = of->of[f].first; p != NULL; p = p->behind) {
			order_remove(p);
			order_insert(rib, p);
			fg_rib_touch(rib, p->entry);
		}
}

static void path_insert(struct fg_rib *rib, struct fg_rib_path *p, bool stale)
{
	struct fg_rib_peer *peer = &rib->peer[p->peer];
	struct fg_rib_list *l = list_of(rib, p);

	order_insert(rib, p);
	list_insert(l, p, stale ? NULL : l->last);
	p->generation = l->generation - stale;
	l->stale += stale;
	l->count++;
	peer->count++;
	peer->most = peer->count > peer->most ? peer->count : peer->most;
	rib->paths++;
}

static struct fg_rib_path *path_new(struct fg_rib *rib, struct fg_rib_entry *e, unsigned peer, bool stale)
{
	struct fg_rib_path *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->entry = e;
	p->peer = (uint8_t)peer;
	path_insert(rib, p, stale);
	return p;
}

static void path_free(struct fg_rib *rib, struct fg_rib_path *p)
{
	struct fg_rib_list *l = list_of(rib, p);

	order_remove(p);
	list_remove(l, p);
	l->stale -= fg_rib_is_stale(rib, p);
	l->count--;
	rib->peer[p->peer].count--;
	rib->paths--;
	fg_rib_touch(rib, p->entry);
	free(p->why);
	free(p);
}

/* ---- Sites: a few names that many paths carry ---- */

static int site_number(struct fg_rib *rib, const char *name, uint8_t *out)
{
	*out = 0;
	if (name[0] == '\0')
		return 0;
	for (uint32_t i = 0; i < rib->sites; i++)
		if (strcmp(rib->site[i], name) == 0) {
			*out = (uint8_t)(i + 1);
			return 0;
		}
	if (rib->site == NULL)
		rib->site = calloc(FG_RIB_SITES_MAX, sizeof(*rib->site));
	if (rib->site == NULL || rib->sites == FG_RIB_SITES_MAX)
		return -ENOMEM;
	strcpy(rib->site[rib->sites++], name);
	*out = (uint8_t)rib->sites;
	return 0;
}

const char *fg_rib_site(const struct fg_rib *rib, const struct fg_rib_path *p)
{
	return p->site == 0 ? "" : rib->site[p->site - 1];
}

/* ---- Announced and withdrawn ---- */

/* The same but for the time: what the gate says of that is how much is left. */
static bool same_wish(const struct fg_rib_path *p, const struct fg_rib_wish *w, uint8_t site)
{
	return p->version != 0 && p->count_only == w->count_only && p->site == site &&
	       p->actions.set == w->actions.set && fg_actions_equal(&p->actions, &w->actions);
}

/* No number is given twice: a path that has gone and come again is not the one that the gate was asked for. */
static uint32_t next_version(struct fg_rib *rib)
{
	if (++rib->version == 0)
		rib->version = 1;
	return rib->version;
}

static void set_wish(struct fg_rib *rib, struct fg_rib_path *p, const struct fg_rib_wish *w, uint8_t site)
{
	p->actions = w->actions;
	p->ttl_s = w->ttl_s;
	p->count_only = w->count_only;
	p->site = site;
	p->version = next_version(rib);
	p->refused = p->barred = false;
	fg_rib_say(p, NULL);
}

static void freshen(struct fg_rib *rib, struct fg_rib_path *p)
{
	struct fg_rib_list *l = list_of(rib, p);

	if (!fg_rib_is_stale(rib, p))
		return;
	list_remove(l, p);
	list_insert(l, p, l->last);
	l->stale--;
	p->generation = l->generation;
}

static int renew(struct fg_rib *rib, struct fg_rib_path *p, const struct fg_rib_wish *wish,
		 const struct fg_finding *refused, uint8_t site)
{
	bool was_over = p->over, is_new = p->version == 0;

	freshen(rib, p);
	p->over = false;
	/* What we refuse ourselves, we refuse anew each time: the reason may be another. */
	if (same_wish(p, wish, site) && p->ttl_s == wish->ttl_s && refused == NULL && !was_over && !p->barred)
		return FG_RIB_SAME;
	set_wish(rib, p, wish, site);
	if (refused != NULL) {
		p->refused = p->barred = true;
		fg_rib_say(p, refused);
	}
	fg_rib_touch(rib, p->entry);
	return is_new ? FG_RIB_ADDED : FG_RIB_CHANGED;
}

int fg_rib_announce(struct fg_rib *rib, unsigned peer, const struct fg_rule *rule, const struct fg_rib_wish *wish,
		    const struct fg_finding *refused)
{
	uint64_t hash = hash_of(rib, rule);
	struct fg_rib_entry *e = entry_find(rib, rule, hash);
	struct fg_rib_path *p = e != NULL ? fg_rib_path_of(e, peer) : NULL;
	uint8_t site;

	if (p == NULL && rib->peer[peer].count >= rib->peer[peer].max) {
		rib->peer[peer].left_out++;
		return FG_RIB_FULL;
	}
	if (e == NULL)
		e = entry_new(rib, rule, hash);
	if (e != NULL && p == NULL)
		p = path_new(rib, e, peer, false);
	if (p != NULL && site_number(rib, wish->site, &site) == 0)
		return renew(rib, p, wish, refused, site);
	if (p != NULL)
		path_free(rib, p);
	else if (e != NULL)
		fg_rib_entry_release(rib, e);
	return -ENOMEM;
}

bool fg_rib_room(struct fg_rib *rib, unsigned peer)
{
	struct fg_rib_peer *of = &rib->peer[peer];
	uint32_t wanted = of->left_out < of->max / 4 ? of->left_out : of->max / 4;

	if (of->left_out == 0 || of->count + wanted > of->max || of->count == of->max)
		return false;
	of->left_out = 0;
	return true;
}

bool fg_rib_withdraw(struct fg_rib *rib, unsigned peer, const struct fg_rule *rule)
{
	struct fg_rib_entry *e = entry_find(rib, rule, hash_of(rib, rule));
	struct fg_rib_path *p = e != NULL ? fg_rib_path_of(e, peer) : NULL;

	if (p == NULL)
		return false;
	path_free(rib, p);
	return true;
}

void fg_rib_stale(struct fg_rib *rib, unsigned peer, enum fg_family family)
{
	struct fg_rib_list *l = &rib->peer[peer].of[family];

	l->generation++;
	l->stale = l->count;
}

size_t fg_rib_sweep(struct fg_rib *rib, unsigned peer, enum fg_family family)
{
	struct fg_rib_list *l = &rib->peer[peer].of[family];
	size_t gone = l->stale;

	while (l->stale > 0)
		path_free(rib, l->first);
	return gone;
}

size_t fg_rib_clear(struct fg_rib *rib, unsigned peer)
{
	size_t gone = rib->peer[peer].count;

	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		while (rib->peer[peer].of[f].first != NULL)
			path_free(rib, rib->peer[peer].of[f].first);
	return gone;
}

/* ---- Made of what the gate has ---- */

int fg_rib_gate_has(struct fg_rib *rib, unsigned peer, const struct fg_rule *rule, const struct fg_rib_wish *wish)
{
	uint64_t hash = hash_of(rib, rule);
	struct fg_rib_entry *e = entry_find(rib, rule, hash);
	struct fg_rib_path *p;
	uint8_t site;

	if (e == NULL)
		e = entry_new(rib, rule, hash);
	if (e == NULL || site_number(rib, wish->site, &site) != 0)
		return -ENOMEM;
	e->in_gate |= 1ull << peer;
	p = fg_rib_path_of(e, peer);
	if (p == NULL && !(e->was_in_gate >> peer & 1) && rib->peer[peer].count < rib->peer[peer].max) {
		p = path_new(rib, e, peer, true);
		if (p == NULL)
			return -ENOMEM;
		set_wish(rib, p, wish, site);
	}
	if (p != NULL)
		p->gate_version = same_wish(p, wish, site) ? p->version : 0;
	return 0;
}

/* ---- Reading ---- */

const struct fg_rib_path *fg_rib_find(const struct fg_rib *rib, unsigned peer, const struct fg_rule *rule)
{
	const struct fg_rib_entry *e = entry_find(rib, rule, hash_of(rib, rule));

	return e != NULL ? fg_rib_path_of(e, peer) : NULL;
}

struct fg_rule fg_rib_rule(const struct fg_rib_path *p)
{
	return (struct fg_rule){ .family = p->entry->family,
				 .nlri = p->entry->nlri,
				 .nlri_len = p->entry->nlri_len,
				 .offset_form = p->entry->offset_form,
				 .actions = p->actions };
}

const struct fg_rib_path *fg_rib_each(const struct fg_rib *rib, unsigned peer, const struct fg_rib_path *before)
{
	const struct fg_rib_path *p = before == NULL ? rib->peer[peer].of[FG_IPV4].first : before->behind;
	bool more = before == NULL || before->entry->family == FG_IPV4;

	return p == NULL && more ? rib->peer[peer].of[FG_IPV6].first : p;
}
