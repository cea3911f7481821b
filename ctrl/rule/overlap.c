/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is there a packet that two rules both match? In: canonical rules (canon.c). Out: yes or no, exact. What both demand is put together as a
 * rule of its own, and cover.c says whether any packet can be such. Component 4 asks for one of two ports, so of two rules there are four
 * ways to satisfy it, each with the other port free. Always holds: work is linear in the intervals of the two rules.
 */
#include "ctrl/rule/canon.h"

struct list {
	const struct fg_interval *at;
	size_t count;
};

/* Both rules' demands, and room for the lists that come of them. */
struct both {
	const struct fg_canon *a, *b;
	struct fg_canon *out;
	struct fg_interval *pool;
	size_t used;
};

static bool has(const struct fg_canon *c, uint8_t type)
{
	return c->present >> type & 1;
}

static struct list list_of(const struct fg_canon *c, uint8_t type)
{
	return (struct list){ c->list[type].at, c->list[type].count };
}

static uint32_t greater(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* Values of both lists, at the end of the pool: at most one interval less than they have together. */
static struct list meet(struct both *m, struct list x, struct list y)
{
	struct list z = { m->pool + m->used, 0 };

	for (size_t i = 0, j = 0; i < x.count && j < y.count;) {
		uint32_t lo = greater(x.at[i].lo, y.at[j].lo);
		uint32_t hi = x.at[i].hi < y.at[j].hi ? x.at[i].hi : y.at[j].hi;

		if (lo <= hi)
			m->pool[m->used + z.count++] = (struct fg_interval){ lo, hi };
		if (x.at[i].hi <= y.at[j].hi)
			i++;
		else
			j++;
	}
	m->used += z.count;
	return z;
}

/* Adds a demand to a component of what both ask for. */
static void demand(struct both *m, uint8_t type, struct list more)
{
	struct list l = has(m->out, type) ? meet(m, list_of(m->out, type), more) : more;

	m->out->present |= (uint16_t)(1u << type);
	m->out->list[type].at = l.at;
	m->out->list[type].count = (uint16_t)l.count;
}

static void demand_flags(struct both *m, const struct fg_canon *c)
{
	const size_t words = sizeof(c->tcp.word) / sizeof(c->tcp.word[0]);

	if (has(c, FG_TCP_FLAGS)) {
		for (size_t w = 0; w < words; w++)
			m->out->tcp.word[w] =
				c->tcp.word[w] & (has(m->out, FG_TCP_FLAGS) ? m->out->tcp.word[w] : ~0ull);
		m->out->present |= 1u << FG_TCP_FLAGS;
	}
	if (has(c, FG_FRAGMENT)) {
		m->out->fragment = c->fragment & (has(m->out, FG_FRAGMENT) ? m->out->fragment : UINT16_MAX);
		m->out->present |= 1u << FG_FRAGMENT;
	}
}

/* All of a rule but addresses and component 4. */
static void demand_rule(struct both *m, const struct fg_canon *c)
{
	demand_flags(m, c);
	for (uint8_t type = FG_PROTO; type <= FG_COMPONENT_MAX; type++)
		if (has(c, type) && type != FG_PORT && type != FG_TCP_FLAGS && type != FG_FRAGMENT)
			demand(m, type, list_of(c, type));
}

/* One way to satisfy component 4 of either rule: by the source port, or by the destination port. */
static bool possible(struct both *m, uint8_t port_a, uint8_t port_b)
{
	const struct fg_canon common = *m->out;
	const size_t used = m->used;
	bool yes;

	if (has(m->a, FG_PORT))
		demand(m, port_a, list_of(m->a, FG_PORT));
	if (has(m->b, FG_PORT))
		demand(m, port_b, list_of(m->b, FG_PORT));
	yes = fg_canon_possible(m->out);
	*m->out = common;
	m->used = used;
	return yes;
}

/* The bits that both patterns fix are the same. */
static bool prefixes_meet(const struct fg_prefix *a, const struct fg_prefix *b)
{
	uint32_t end = a->length < b->length ? a->length : b->length;

	for (uint32_t bit = greater(a->offset, b->offset); bit < end; bit++)
		if ((a->octets[bit / 8] ^ b->octets[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	return true;
}

bool fg_canon_overlaps(const struct fg_canon *a, const struct fg_canon *b, struct fg_interval pool[2 * FG_CANON_POOL])
{
	struct fg_canon out = { .family = a->family };
	struct both m = { .a = a, .b = b, .out = &out, .pool = pool };

	if (a->family != b->family || (has(a, FG_DST) && has(b, FG_DST) && !prefixes_meet(&a->dst, &b->dst)) ||
	    (has(a, FG_SRC) && has(b, FG_SRC) && !prefixes_meet(&a->src, &b->src)))
		return false;
	demand_rule(&m, a);
	demand_rule(&m, b);
	return possible(&m, FG_SPORT, FG_SPORT) || possible(&m, FG_SPORT, FG_DPORT) ||
	       possible(&m, FG_DPORT, FG_SPORT) || possible(&m, FG_DPORT, FG_DPORT);
}
