/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of a table that changes (base.h): found by their octets, kept in evaluation order, sorted into groups and runs. A change here
 * is seen by an image when update.c applies it. One thread.
 */
#include "ctrl/table/base.h"

#include <errno.h>
#include <string.h>

#include "ctrl/rule/order.h"

/* ---- Memory ---- */

static uint32_t hash_size(uint32_t rules_max)
{
	uint32_t n = 16;

	while (n < rules_max)
		n *= 2;
	return n;
}

/* Lays out the table in memory at `base`, or only counts where it is NULL. */
static size_t lay_out(uint8_t *base, uint32_t rules_max, uint32_t lines)
{
	struct fg_table *t = (struct fg_table *)(void *)base;
	size_t entries = (size_t)rules_max + FG_FIXED_GROUPS + 1, hash = hash_size(rules_max), at = sizeof(*t);

#define PLACE(member, n)                                                                                               \
	do {                                                                                                           \
		at = (at + 63) & ~(size_t)63;                                                                          \
		if (t != NULL)                                                                                         \
			t->member = (void *)(base + at);                                                               \
		at += (n) * sizeof(*t->member);                                                                        \
	} while (0)
	PLACE(node, entries);
	PLACE(run, entries);
	PLACE(group, entries);
	PLACE(run_hash, hash);
	PLACE(group_hash, hash);
	PLACE(gather, entries);
	PLACE(side[0].taken, (lines + 63) / 64);
	PLACE(side[1].taken, (lines + 63) / 64);
#undef PLACE
	return at;
}

size_t fg_table_octets(uint32_t rules_max, uint32_t lines)
{
	return lay_out(NULL, rules_max, lines);
}

static uint32_t take_node(struct fg_table *t)
{
	uint32_t n = t->free_node;

	if (n != 0)
		t->free_node = t->node[n].next;
	return n;
}

static uint32_t take_run(struct fg_table *t)
{
	uint32_t n = t->free_run;

	if (n != 0)
		t->free_run = t->run[n].hash_next;
	else
		n = ++t->run_max;
	memset(&t->run[n], 0, sizeof(t->run[n]));
	t->run[n].used = true;
	return n;
}

static uint32_t take_group(struct fg_table *t)
{
	uint32_t n = t->free_group;

	if (n != 0)
		t->free_group = t->group[n].hash_next;
	else
		n = ++t->group_max;
	memset(&t->group[n], 0, sizeof(t->group[n]));
	t->group[n].used = true;
	return n;
}

static void init_fixed(struct fg_table *t, uint32_t n, enum fg_family family, enum fg_group_kind kind)
{
	t->group[n] = (struct fg_group){ .used = true, .family = (uint8_t)family, .kind = (uint8_t)kind };
	t->group_max = n;
}

/* No rules, no groups but those that are always there, and images still to be made. */
void fg_table_empty(struct fg_table *t)
{
	memset(t->run_hash, 0, ((size_t)t->hash_mask + 1) * sizeof(*t->run_hash));
	memset(t->group_hash, 0, ((size_t)t->hash_mask + 1) * sizeof(*t->group_hash));
	memset(t->length_count, 0, sizeof(t->length_count));
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		t->count[f] = t->groups[f] = t->tree[f] = t->last[f] = 0;
	t->run_max = t->free_node = t->free_run = t->free_group = 0;
	init_fixed(t, FG_ANY4, FG_IPV4, FG_GROUP_ANY);
	init_fixed(t, FG_ANY6, FG_IPV6, FG_GROUP_ANY);
	init_fixed(t, FG_OFFSET6, FG_IPV6, FG_GROUP_OFFSET);
	for (uint32_t n = t->rules_max; n > 0; n--) {
		t->node[n] = (struct fg_node){ .next = t->free_node };
		t->free_node = n;
	}
	t->side[0].broken = t->side[1].broken = true;
}

struct fg_table *fg_table_adopt(void *memory, uint32_t rules_max, uint8_t *const image[2], uint32_t lines)
{
	struct fg_table *t = memory;

	memset(memory, 0, fg_table_octets(rules_max, lines));
	lay_out(memory, rules_max, lines);
	t->rules_max = rules_max;
	t->hash_mask = hash_size(rules_max) - 1;
	fg_table_empty(t);
	for (int side = 0; side < 2; side++) {
		t->side[side].base = image[side];
		t->side[side].lines = lines;
	}
	return t;
}

struct fg_table *fg_table_init(void *memory, uint32_t rules_max, uint8_t *const image[2], uint32_t lines)
{
	struct fg_table *t = fg_table_adopt(memory, rules_max, image, lines);

	for (int side = 0; side < 2; side++)
		if (fg_table_rebuild(t, side) != 0)
			return NULL;
	return t;
}

/* ---- Groups and runs by hash ---- */

static uint32_t hash_prefix(const struct fg_prefix *p, uint32_t salt)
{
	uint64_t words[2], h = ((uint64_t)salt << 8 | p->length) * 0x9e3779b97f4a7c15ull;

	memcpy(words, p->octets, sizeof(words));
	h = (h ^ words[0]) * 0xbf58476d1ce4e5b9ull;
	h = ((h ^ (h >> 29)) ^ words[1]) * 0x94d049bb133111ebull;
	return (uint32_t)(h >> 32);
}

static bool prefix_equal(const struct fg_prefix *a, const struct fg_prefix *b)
{
	return a->length == b->length && memcmp(a->octets, b->octets, sizeof(a->octets)) == 0;
}

static uint32_t *group_bucket(const struct fg_table *t, enum fg_family family, const struct fg_prefix *dst)
{
	return &t->group_hash[hash_prefix(dst, family) & t->hash_mask];
}

static uint32_t find_group(const struct fg_table *t, enum fg_family family, const struct fg_prefix *dst)
{
	uint32_t n = *group_bucket(t, family, dst);

	while (n != 0 && !(t->group[n].family == family && prefix_equal(&t->group[n].dst, dst)))
		n = t->group[n].hash_next;
	return n;
}

static uint32_t *run_bucket(const struct fg_table *t, uint32_t group, bool sourced, const struct fg_prefix *src)
{
	return &t->run_hash[hash_prefix(src, group * 2 + sourced) & t->hash_mask];
}

static const struct fg_prefix no_prefix;

static uint32_t find_run(const struct fg_table *t, uint32_t group, bool sourced, const struct fg_prefix *src)
{
	uint32_t n = *run_bucket(t, group, sourced, src);

	while (n != 0 &&
	       !(t->run[n].group == group && t->run[n].sourced == sourced && prefix_equal(&t->run[n].src, src)))
		n = t->run[n].hash_next;
	return n;
}

uint32_t fg_base_rest(const struct fg_table *t, uint32_t group)
{
	return find_run(t, group, false, &no_prefix);
}

static uint32_t make_group(struct fg_table *t, enum fg_family family, const struct fg_prefix *dst)
{
	uint32_t *bucket = group_bucket(t, family, dst), n = take_group(t);
	struct fg_group *g = &t->group[n];

	g->kind = FG_GROUP_DST;
	g->family = (uint8_t)family;
	g->dst = *dst;
	g->hash_next = *bucket;
	*bucket = n;
	t->length_count[family][dst->length]++;
	return n;
}

static uint32_t make_run(struct fg_table *t, uint32_t group, bool sourced, const struct fg_prefix *src)
{
	uint32_t *bucket = run_bucket(t, group, sourced, src), n = take_run(t);
	struct fg_run *r = &t->run[n];

	r->group = group;
	r->sourced = sourced;
	r->src = *src;
	r->hash_next = *bucket;
	*bucket = n;
	r->group_next = t->group[group].runs_first;
	if (r->group_next != 0)
		t->run[r->group_next].group_previous = n;
	t->group[group].runs_first = n;
	return n;
}

void fg_base_forget_run(struct fg_table *t, uint32_t n)
{
	struct fg_run *r = &t->run[n];
	uint32_t *link = run_bucket(t, r->group, r->sourced, &r->src);

	if (r->count != 0 || r->side[0].dirty || r->side[1].dirty || r->side[0].chain.ref != 0 ||
	    r->side[1].chain.ref != 0)
		return;
	while (*link != n)
		link = &t->run[*link].hash_next;
	*link = r->hash_next;
	if (r->group_previous != 0)
		t->run[r->group_previous].group_next = r->group_next;
	else
		t->group[r->group].runs_first = r->group_next;
	if (r->group_next != 0)
		t->run[r->group_next].group_previous = r->group_previous;
	r->used = false;
	r->hash_next = t->free_run;
	t->free_run = n;
}

void fg_base_forget_group(struct fg_table *t, uint32_t n)
{
	struct fg_group *g = &t->group[n];
	uint32_t *link;

	if (g->kind != FG_GROUP_DST || g->count != 0 || g->runs_first != 0 || g->side[0].dirty || g->side[1].dirty ||
	    g->side[0].present || g->side[1].present)
		return;
	link = group_bucket(t, g->family, &g->dst);
	while (*link != n)
		link = &t->group[*link].hash_next;
	*link = g->hash_next;
	t->length_count[g->family][g->dst.length]--;
	g->used = false;
	g->hash_next = t->free_group;
	t->free_group = n;
}

void fg_base_mark(struct fg_table *t, uint32_t n, int side)
{
	struct fg_run *r = &t->run[n];
	struct fg_group *g = &t->group[r->group];

	if (!r->side[side].dirty) {
		r->side[side].dirty = true;
		r->side[side].dirty_next = g->side[side].dirty_runs;
		g->side[side].dirty_runs = n;
	}
	if (!g->side[side].dirty) {
		g->side[side].dirty = true;
		g->side[side].dirty_next = t->side[side].dirty_groups;
		t->side[side].dirty_groups = r->group;
	}
}

/* ---- Order ---- */

static uint32_t priority(uint32_t n)
{
	n = (n ^ (n >> 16)) * 0x45d9f3b;
	n = (n ^ (n >> 16)) * 0x45d9f3b;
	return n ^ (n >> 16);
}

static int compare(const struct fg_table *t, uint64_t rank, const struct fg_rule *rule, uint32_t n)
{
	if (rank != t->node[n].rank)
		return rank < t->node[n].rank ? -1 : 1;
	return fg_rule_order(rule, t->node[n].rule);
}

/* The rule with these octets, or 0; and the rules that stand, or would stand, beside it. */
static uint32_t find(const struct fg_table *t, const struct fg_rule *rule, uint32_t *before, uint32_t *behind)
{
	uint32_t n = t->tree[rule->family];
	uint64_t rank = fg_rule_rank(rule);

	*before = *behind = 0;
	while (n != 0) {
		int order = compare(t, rank, rule, n);

		if (order == 0)
			return n;
		*(order < 0 ? behind : before) = n;
		n = order < 0 ? t->node[n].left : t->node[n].right;
	}
	return 0;
}

/* Splits the tree at `n` into what comes before the new rule and what comes behind it. */
static void split(struct fg_table *t, uint32_t n, uint32_t new, uint32_t *before, uint32_t *behind)
{
	while (n != 0) {
		if (compare(t, t->node[new].rank, t->node[new].rule, n) < 0) {
			*behind = n;
			behind = &t->node[n].left;
			n = t->node[n].left;
		} else {
			*before = n;
			before = &t->node[n].right;
			n = t->node[n].right;
		}
	}
	*before = *behind = 0;
}

static void tree_insert(struct fg_table *t, uint32_t new)
{
	const struct fg_rule *rule = t->node[new].rule;
	uint32_t *link = &t->tree[rule->family];

	while (*link != 0 && priority(*link) >= priority(new))
		link = compare(t, t->node[new].rank, rule, *link) < 0 ? &t->node[*link].left : &t->node[*link].right;
	split(t, *link, new, &t->node[new].left, &t->node[new].right);
	*link = new;
}

static void tree_remove(struct fg_table *t, uint32_t old)
{
	const struct fg_rule *rule = t->node[old].rule;
	uint32_t *link = &t->tree[rule->family], a = t->node[old].left, b = t->node[old].right;

	while (*link != old)
		link = compare(t, t->node[old].rank, rule, *link) < 0 ? &t->node[*link].left : &t->node[*link].right;
	while (a != 0 && b != 0) {
		if (priority(a) >= priority(b)) {
			*link = a;
			link = &t->node[a].right;
			a = *link;
		} else {
			*link = b;
			link = &t->node[b].left;
			b = *link;
		}
	}
	*link = a != 0 ? a : b;
}

/* ---- Changes ---- */

uint32_t fg_base_group_of(const struct fg_table *t, uint32_t node)
{
	return t->run[t->node[node].run].group;
}

static uint32_t group_for(struct fg_table *t, const struct fg_rule *rule)
{
	struct fg_component c;
	struct fg_prefix dst;
	uint32_t n;

	if (!fg_rule_component(rule, FG_DST, &c))
		return rule->family == FG_IPV4 ? FG_ANY4 : FG_ANY6;
	if (!fg_rule_address(rule, FG_DST, &dst))
		return FG_OFFSET6;
	n = find_group(t, rule->family, &dst);
	return n != 0 ? n : make_group(t, rule->family, &dst);
}

static uint32_t run_for(struct fg_table *t, uint32_t group, const struct fg_rule *rule)
{
	struct fg_prefix src;
	bool sourced = t->group[group].kind != FG_GROUP_OFFSET && fg_rule_address(rule, FG_SRC, &src);
	uint32_t n;

	if (!sourced)
		src = no_prefix;
	n = find_run(t, group, sourced, &src);
	return n != 0 ? n : make_run(t, group, sourced, &src);
}

static void list_insert(struct fg_table *t, uint32_t n, uint32_t before, uint32_t behind)
{
	t->node[n].previous = before;
	t->node[n].next = behind;
	if (before != 0)
		t->node[before].next = n;
	if (behind != 0)
		t->node[behind].previous = n;
	else
		t->last[t->node[n].rule->family] = n;
}

/* A rule more or less in its run and group: counts, and who is first. */
static void count_in(struct fg_table *t, uint32_t n)
{
	struct fg_run *r = &t->run[t->node[n].run];
	struct fg_group *g = &t->group[r->group];
	uint32_t behind = t->node[n].next;

	if (r->count++ == 0 || behind == r->first)
		r->first = n;
	if (g->count++ == 0 || behind == g->first)
		g->first = n;
	g->sourced += r->sourced;
	g->runs += r->sourced && r->count == 1;
	t->groups[g->family] += g->kind == FG_GROUP_DST && g->count == 1;
	t->count[g->family]++;
}

static void count_out(struct fg_table *t, uint32_t n)
{
	struct fg_run *r = &t->run[t->node[n].run];
	struct fg_group *g = &t->group[r->group];

	r->count--;
	g->count--;
	if (r->first == n)
		r->first = r->count != 0 ? t->node[n].next : 0;
	if (g->first == n)
		g->first = g->count != 0 ? t->node[n].next : 0;
	g->sourced -= r->sourced;
	g->runs -= r->sourced && r->count == 0;
	t->groups[g->family] -= g->kind == FG_GROUP_DST && g->count == 0;
	t->count[g->family]--;
}

int fg_table_add(struct fg_table *t, const struct fg_rule *rule, uint32_t slot)
{
	uint32_t before, behind, n;

	if (find(t, rule, &before, &behind) != 0)
		return FG_DUPLICATE;
	/* Groups and runs without rules take places too, until both images have forgotten them. */
	if (t->free_node == 0 || (t->free_run == 0 && t->run_max >= t->rules_max) ||
	    (t->free_group == 0 && t->group_max >= t->rules_max + FG_FIXED_GROUPS))
		return FG_OVER_BUDGET;
	n = take_node(t);
	t->node[n] = (struct fg_node){ .rule = rule, .rank = fg_rule_rank(rule), .slot = slot };
	t->node[n].run = run_for(t, group_for(t, rule), rule);
	tree_insert(t, n);
	list_insert(t, n, before, behind);
	count_in(t, n);
	fg_base_mark(t, t->node[n].run, 0);
	fg_base_mark(t, t->node[n].run, 1);
	return 0;
}

int fg_table_delete(struct fg_table *t, const struct fg_rule *rule)
{
	uint32_t before, behind, n = find(t, rule, &before, &behind);
	struct fg_node *node = &t->node[n];

	if (n == 0)
		return -ENOENT;
	tree_remove(t, n);
	count_out(t, n);
	if (node->previous != 0)
		t->node[node->previous].next = node->next;
	if (node->next != 0)
		t->node[node->next].previous = node->previous;
	else
		t->last[rule->family] = node->previous;
	fg_base_mark(t, node->run, 0);
	fg_base_mark(t, node->run, 1);
	*node = (struct fg_node){ .next = t->free_node };
	t->free_node = n;
	return 0;
}

uint32_t fg_base_around(const struct fg_table *t, int side, const struct fg_group *g, uint32_t least)
{
	struct fg_prefix p = g->dst;

	while (p.length > least) {
		uint32_t n;

		p.length--;
		p.octets[p.length / 8] &= (uint8_t) ~(0x80 >> p.length % 8);
		if (t->length_count[g->family][p.length] == 0)
			continue;
		n = find_group(t, g->family, &p);
		if (n != 0 && t->group[n].side[side].present)
			return n;
	}
	return 0;
}

uint32_t fg_base_last_inside(const struct fg_table *t, const struct fg_group *g)
{
	/* A rule of the destination alone is the last of its group; of several, the one with all bits behind the prefix set. */
	uint8_t octets[3 + 16] = { FG_DST, g->dst.length };
	size_t head = g->family == FG_IPV4 ? 2 : 3;
	struct fg_rule rule = { .family = g->family,
				.nlri = octets,
				.nlri_len = (uint16_t)(head + (g->dst.length + 7u) / 8) };
	uint32_t before, behind, n;

	memcpy(octets + head, g->dst.octets, (g->dst.length + 7u) / 8);
	if (g->dst.length % 8 != 0)
		octets[head + g->dst.length / 8] |= (uint8_t)(0xff >> g->dst.length % 8);
	n = find(t, &rule, &before, &behind);
	return n != 0 ? n : before;
}

uint32_t fg_base_before_inside(const struct fg_table *t, const struct fg_group *g)
{
	/* The first address is the first destination that can lie in *g, and a rule of it alone the last of its group. */
	uint8_t octets[2 + 4] = { FG_DST, 32 };
	struct fg_rule rule = { .family = FG_IPV4, .nlri = octets, .nlri_len = sizeof(octets) };
	uint32_t before, behind, n;

	memcpy(octets + 2, g->dst.octets, 4);
	n = find(t, &rule, &before, &behind);
	if (n == 0)
		n = before;
	while (n != 0) {
		const struct fg_group *x = &t->group[fg_base_group_of(t, n)];

		if (x->kind != FG_GROUP_DST || !fg_prefix_contains(&g->dst, &x->dst))
			break;
		n = t->node[x->first].previous;
	}
	return n;
}
