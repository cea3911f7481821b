/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From operator lists to sets of values: what a component means, whatever octets said it.
 *
 * In: components that fg_component_next() has checked. Out: intervals, truth tables, state sets (canon.h). Next on the way:
 * cover.c compares them, lint.c judges them, ctrl/table compiles them.
 *
 * An AND group of a numeric list is one interval with holes: every operator but != only moves the two ends. So a group of k
 * terms leaves at most k + 1 intervals, a component of n terms at most 2n, and the work is that of one sort. Values are compared in the
 * 64 bits they were received in; the field's range is where the two ends start from, so nothing is ever narrowed.
 * Always holds: no recursion, no allocation, out lists are ascending, disjoint and not adjacent.
 */
#include "ctrl/rule/canon.h"

#include <assert.h>
#include <string.h>

#include "flowgate/packet.h"

enum {
	OP_COMPARE = FG_OP_LT | FG_OP_GT | FG_OP_EQ,
	TCP_BITS_IN_WORD = 6, /* flags 0-5 choose the bit of a table word, 6-11 choose the word */
	TCP_WORDS = 1 << (FG_TCP_FLAGS_BITS - TCP_BITS_IN_WORD),
};

_Static_assert(sizeof(struct fg_tcp_table) == TCP_WORDS * sizeof(uint64_t), "a word for each value of the upper flags");
_Static_assert(FG_CANON_POOL >= 2 * FG_TERMS_MAX + FG_INTERVALS_MAX, "room for the last component's scratch too");

/* One AND group while it is read: `holes` points inside [lo, hi] or not yet known to be, at holes[0..count). */
struct group {
	uint64_t lo, hi;
	bool empty;
	struct fg_interval *holes;
	size_t count;
};

struct fg_interval fg_field_range(enum fg_family family, uint8_t type)
{
	switch (type) {
	case FG_PROTO:
	case FG_ICMP_TYPE:
	case FG_ICMP_CODE:
		return (struct fg_interval){ 0, UINT8_MAX };
	case FG_LENGTH:
		if (family == FG_IPV6)
			return (struct fg_interval){ FG_LENGTH6_MIN, FG_LENGTH6_MAX };
		return (struct fg_interval){ FG_LENGTH4_MIN, FG_LENGTH4_MAX };
	case FG_DSCP:
		return (struct fg_interval){ 0, FG_DSCP_VALUE_MAX };
	case FG_FLOW_LABEL:
		return (struct fg_interval){ 0, FG_FLOW_LABEL_MAX };
	default:
		return (struct fg_interval){ 0, FG_PORT_VALUE_MAX };
	}
}

static void sift_down(struct fg_interval *at, size_t root, size_t n)
{
	struct fg_interval moved = at[root];

	for (size_t child; (child = 2 * root + 1) < n; root = child) {
		if (child + 1 < n && at[child + 1].lo > at[child].lo)
			child++;
		if (at[child].lo <= moved.lo)
			break;
		at[root] = at[child];
	}
	at[root] = moved;
}

/* Heap sort: no recursion and no worst case for a hostile list to find. Most lists arrive sorted. */
static void sort_by_low_end(struct fg_interval *at, size_t n)
{
	size_t sorted = 1;

	while (sorted < n && at[sorted - 1].lo <= at[sorted].lo)
		sorted++;
	if (sorted >= n)
		return;
	for (size_t i = n / 2; i-- > 0;)
		sift_down(at, i, n);
	for (size_t i = n; --i > 0;) {
		struct fg_interval top = at[0];

		at[0] = at[i];
		at[i] = top;
		sift_down(at, 0, i);
	}
}

/* Joins what overlaps or touches in a sorted list. Returns the new count. */
static size_t merge(struct fg_interval *at, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && at[i].lo <= (uint64_t)at[kept - 1].hi + 1) {
			if (at[i].hi > at[kept - 1].hi)
				at[kept - 1].hi = at[i].hi;
		} else {
			at[kept++] = at[i];
		}
	}
	return kept;
}

static void group_open(struct group *g, struct fg_interval range, struct fg_interval *holes)
{
	*g = (struct group){ .lo = range.lo, .hi = range.hi, .holes = holes };
}

/* RFC 8955 §4.2.1.1: bits lt, gt, eq; 000 is false, 111 is true, 110 is "not equal". */
static void group_add(struct group *g, uint8_t op, uint64_t value)
{
	switch (op & OP_COMPARE) {
	case 0:
		g->empty = true;
		return;
	case OP_COMPARE:
		return;
	case FG_OP_LT | FG_OP_GT:
		if (value >= g->lo && value <= g->hi)
			g->holes[g->count++] = (struct fg_interval){ (uint32_t)value, (uint32_t)value };
		return;
	}
	if ((op & FG_OP_LT) == 0) { /* > >= == bound from below */
		if ((op & FG_OP_EQ) == 0 && value == UINT64_MAX)
			g->empty = true;
		else if (value + !(op & FG_OP_EQ) > g->lo)
			g->lo = value + !(op & FG_OP_EQ);
	}
	if ((op & FG_OP_GT) == 0) { /* < <= == bound from above */
		if ((op & FG_OP_EQ) == 0 && value == 0)
			g->empty = true;
		else if (value - !(op & FG_OP_EQ) < g->hi)
			g->hi = value - !(op & FG_OP_EQ);
	}
}

/* Turns the holes, in place, into the intervals between them: k holes become at most k + 1. Returns the count. */
static size_t group_close(struct group *g)
{
	size_t made = 0;
	uint64_t next = g->lo;

	if (g->empty || g->lo > g->hi)
		return 0;
	sort_by_low_end(g->holes, g->count);
	for (size_t i = 0; i < g->count && next <= g->hi; i++) {
		uint64_t hole = g->holes[i].lo;

		if (hole < next || hole > g->hi)
			continue;
		if (hole > next)
			g->holes[made++] = (struct fg_interval){ (uint32_t)next, (uint32_t)(hole - 1) };
		next = hole + 1;
	}
	if (next <= g->hi)
		g->holes[made++] = (struct fg_interval){ (uint32_t)next, (uint32_t)g->hi };
	return made;
}

size_t fg_component_intervals(enum fg_family family, const struct fg_component *c,
			      struct fg_interval out[FG_INTERVALS_MAX])
{
	struct fg_interval range = fg_field_range(family, c->type);
	struct fg_term_iter it = fg_terms(c);
	size_t count = 0;
	struct fg_term t;
	struct group g;

	group_open(&g, range, out);
	for (bool first = true; fg_term_next(&it, &t); first = false) {
		if (!first && (t.op & FG_OP_AND) == 0) {
			count += group_close(&g);
			group_open(&g, range, out + count);
		}
		/* RFC 8955 §4.2.2.11: the DSCP is the low six bits, all others are treated as 0. */
		group_add(&g, t.op, c->type == FG_DSCP ? t.value & FG_DSCP_VALUE_MAX : t.value);
	}
	count += group_close(&g);
	assert(count <= FG_INTERVALS_MAX);
	sort_by_low_end(out, count);
	return merge(out, count);
}

/* The 64 answers of one table word, all at once: column b holds bit b of the numbers 0..63. */
static uint64_t tcp_term_word(uint8_t op, uint64_t mask, unsigned int word)
{
	static const uint64_t column[TCP_BITS_IN_WORD] = {
		0xaaaaaaaaaaaaaaaaULL, 0xccccccccccccccccULL, 0xf0f0f0f0f0f0f0f0ULL,
		0xff00ff00ff00ff00ULL, 0xffff0000ffff0000ULL, 0xffffffff00000000ULL,
	};
	bool all = op & FG_OP_MATCH;
	uint64_t answer = all ? ~0ULL : 0;
	uint64_t upper = mask >> TCP_BITS_IN_WORD;

	for (unsigned int b = 0; b < TCP_BITS_IN_WORD; b++) {
		if (mask >> b & 1)
			answer = all ? answer & column[b] : answer | column[b];
	}
	/* Mask bits above the twelve are never set in a packet (RFC 8955 §4.2.2.9): `all` fails, `any` gains nothing. */
	if (all && (upper & ~(uint64_t)word) != 0)
		answer = 0;
	if (!all && (upper & word) != 0)
		answer = ~0ULL;
	return op & FG_OP_NOT ? ~answer : answer;
}

void fg_component_tcp_table(const struct fg_component *c, struct fg_tcp_table *out)
{
	struct fg_term_iter it = fg_terms(c);
	struct fg_tcp_table group;
	struct fg_term t;

	memset(out, 0, sizeof(*out));
	memset(&group, 0, sizeof(group)); /* an empty group before the first: it adds nothing */
	while (fg_term_next(&it, &t)) {
		bool and = t.op & FG_OP_AND;

		for (unsigned int w = 0; w < TCP_WORDS; w++) {
			uint64_t answer = tcp_term_word(t.op, t.value, w);

			out->word[w] |= and? 0 : group.word[w];
			group.word[w] = and? group.word[w] & answer : answer;
		}
	}
	for (unsigned int w = 0; w < TCP_WORDS; w++)
		out->word[w] |= group.word[w];
}

/* The bitmask data of a packet in that state (RFC 8955 §4.2.2.12). */
static uint8_t fragment_bits(unsigned int state)
{
	static const uint8_t bits[4] = { 0, FG_FRAG_FIRST, FG_FRAG_IS, FG_FRAG_IS | FG_FRAG_LAST };

	return (uint8_t)(bits[state >> 1] | (state & FG_FRAGMENT_DF ? FG_FRAG_DF : 0));
}

static bool bits_satisfy(uint8_t op, uint8_t mask, uint8_t bits)
{
	bool hit = op & FG_OP_MATCH ? (bits & mask) == mask : (bits & mask) != 0;

	return hit != ((op & FG_OP_NOT) != 0);
}

uint16_t fg_component_fragment_states(enum fg_family family, const struct fg_component *c)
{
	/* The upper four bits of the mask are to be ignored (RFC 8955 §4.2.2.12), so is DF in IPv6 (RFC 8956 §3.6). */
	uint8_t known = family == FG_IPV6 ? 0x0e : 0x0f;
	uint16_t states = 0, group = 0;
	struct fg_term_iter it = fg_terms(c);
	struct fg_term t;

	while (fg_term_next(&it, &t)) {
		uint16_t term = 0;

		for (unsigned int s = 0; s < FG_FRAGMENT_UNKNOWN; s += family == FG_IPV6 ? 2 : 1) {
			if (bits_satisfy(t.op, (uint8_t)t.value & known, fragment_bits(s)))
				term |= (uint16_t)(1U << s);
		}
		if ((t.op & FG_OP_AND) == 0) {
			states |= group;
			group = term;
		} else {
			group &= term;
		}
	}
	return states | group;
}

static size_t take_component(const struct fg_rule *rule, const struct fg_component *c, struct fg_interval *room,
			     struct fg_canon *out)
{
	size_t n = 0;

	out->present |= (uint16_t)(1U << c->type);
	switch (c->type) {
	case FG_DST:
		out->dst = fg_component_prefix(rule, c);
		break;
	case FG_SRC:
		out->src = fg_component_prefix(rule, c);
		break;
	case FG_TCP_FLAGS:
		fg_component_tcp_table(c, &out->tcp);
		break;
	case FG_FRAGMENT:
		out->fragment = fg_component_fragment_states(rule->family, c);
		break;
	default:
		n = fg_component_intervals(rule->family, c, room);
		out->list[c->type].at = room;
		out->list[c->type].count = (uint16_t)n;
	}
	return n;
}

void fg_canon_make(const struct fg_rule *rule, struct fg_interval pool[FG_CANON_POOL], struct fg_canon *out)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;
	size_t used = 0;

	memset(out, 0, sizeof(*out));
	out->family = rule->family;
	while (fg_component_next(&it, &c, NULL) == 0) {
		assert(used + FG_INTERVALS_MAX <= FG_CANON_POOL);
		used += take_component(rule, &c, pool + used, out);
	}
}
