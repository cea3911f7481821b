/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Comparing rules as sets of packets: can one match at all, does one hide another?
 *
 * In: canonical rules (canon.c). Out: yes or no, exact. Next on the way: lint.c, lint_set.c.
 *
 * Packets fall into a few dozen kinds: what the protocol is, how much of the transport header is there, which part of a
 * datagram. Within a kind the fields are independent of each other but for the two ports of component 4, so a rule
 * is a product of sets there, and products are compared factor by factor. The length depends on the kind only through its
 * minimum. Always holds: work is linear in the intervals of the two rules, nothing recurses.
 */
#include <string.h>

#include "ctrl/rule/canon.h"
#include "flowgate/packet.h"

enum { PROTO_WORDS = 4 };

enum protocol_kind { KIND_TCP, KIND_UDP, KIND_ICMP, KIND_OTHER, KIND_EXTENSION, KIND_CUT, KIND_COUNT };

/* Sets of fragment states. */
enum {
	WHOLE = 1 << FG_FRAGMENT_NONE | 1 << (FG_FRAGMENT_NONE | FG_FRAGMENT_DF),
	FIRST = 1 << FG_FRAGMENT_FIRST | 1 << (FG_FRAGMENT_FIRST | FG_FRAGMENT_DF),
	LATER = 1 << FG_FRAGMENT_MIDDLE | 1 << (FG_FRAGMENT_MIDDLE | FG_FRAGMENT_DF) | 1 << FG_FRAGMENT_LAST |
		1 << (FG_FRAGMENT_LAST | FG_FRAGMENT_DF),
	UNSEEN = 1 << FG_FRAGMENT_UNKNOWN,
	WITHOUT_DF = 1 << FG_FRAGMENT_NONE | 1 << FG_FRAGMENT_FIRST | 1 << FG_FRAGMENT_MIDDLE | 1 << FG_FRAGMENT_LAST |
		     UNSEEN,
};

/* A kind of packet. `octets` are there at least behind the IP header and the fragment header of a fragment. */
struct kind {
	uint8_t protocol; /* enum protocol_kind */
	uint8_t l4;       /* enum fg_l4 */
	uint8_t octets;
	bool ipv6_only; /* an IPv4 packet always tells its protocol, and knows no extension headers */
	uint16_t fragments;
};

static const struct kind kinds[] = {
	{ KIND_TCP, FG_L4_PROTO, 0, false, WHOLE },
	{ KIND_TCP, FG_L4_PORTS, 4, false, WHOLE },
	{ KIND_TCP, FG_L4_FLAGS, 14, false, WHOLE },
	{ KIND_TCP, FG_L4_PROTO, 0, false, FIRST },
	{ KIND_TCP, FG_L4_PORTS, 4, false, FIRST },
	{ KIND_TCP, FG_L4_FLAGS, 14, false, FIRST },
	{ KIND_TCP, FG_L4_PROTO, 0, false, LATER },
	{ KIND_UDP, FG_L4_PROTO, 0, false, WHOLE },
	{ KIND_UDP, FG_L4_PORTS, 4, false, WHOLE },
	{ KIND_UDP, FG_L4_PROTO, 0, false, FIRST },
	{ KIND_UDP, FG_L4_PORTS, 4, false, FIRST },
	{ KIND_UDP, FG_L4_PROTO, 0, false, LATER },
	{ KIND_ICMP, FG_L4_PROTO, 0, false, WHOLE },
	{ KIND_ICMP, FG_L4_TYPE, 1, false, WHOLE },
	{ KIND_ICMP, FG_L4_CODE, 2, false, WHOLE },
	{ KIND_ICMP, FG_L4_PROTO, 0, false, FIRST },
	{ KIND_ICMP, FG_L4_TYPE, 1, false, FIRST },
	{ KIND_ICMP, FG_L4_CODE, 2, false, FIRST },
	{ KIND_ICMP, FG_L4_PROTO, 0, false, LATER },
	{ KIND_OTHER, FG_L4_PROTO, 0, false, WHOLE },
	{ KIND_OTHER, FG_L4_PROTO, 0, false, FIRST },
	{ KIND_OTHER, FG_L4_PROTO, 0, false, LATER },
	/*
	 * The header behind a later fragment's is named but not walked: there an extension header is the protocol. A capture
	 * cut within the chain lacks a header of 8 octets at least, and one that tells the fragment state is another one.
	 */
	{ KIND_EXTENSION, FG_L4_PROTO, 0, true, LATER },
	{ KIND_CUT, FG_L4_UNKNOWN, 16, true, WHOLE },
	{ KIND_CUT, FG_L4_UNKNOWN, 8, true, FIRST },
	{ KIND_CUT, FG_L4_UNKNOWN, 8, true, UNSEEN },
};

/* 256 protocol numbers. */
struct protocols {
	uint64_t word[PROTO_WORDS];
};

#define ICMP (1ULL << 1)
#define TCP (1ULL << 6)
#define UDP (1ULL << 17)
#define ICMP6 (1ULL << 58)
#define EXTENSION_0 (1ULL << 0 | 1ULL << 43 | 1ULL << 44 | 1ULL << 51 | 1ULL << 60)
#define EXTENSION_2 (1ULL << (135 - 128) | 1ULL << (139 - 128) | 1ULL << (140 - 128))

/* The protocol numbers of each kind; a cut packet has none. */
static const struct protocols kind_protocols[FG_FAMILY_COUNT][KIND_COUNT] = {
	[FG_IPV4] = {
		[KIND_TCP] = { { TCP } },
		[KIND_UDP] = { { UDP } },
		[KIND_ICMP] = { { ICMP } },
		[KIND_OTHER] = { { ~(ICMP | TCP | UDP), ~0ULL, ~0ULL, ~0ULL } },
	},
	[FG_IPV6] = {
		[KIND_TCP] = { { TCP } },
		[KIND_UDP] = { { UDP } },
		[KIND_ICMP] = { { ICMP6 } },
		[KIND_OTHER] = { { ~(ICMP6 | TCP | UDP | EXTENSION_0), ~0ULL, ~EXTENSION_2, ~0ULL } },
		[KIND_EXTENSION] = { { EXTENSION_0, 0, EXTENSION_2, 0 } },
	},
};

/* A set of field values: ascending, disjoint intervals. */
struct set {
	const struct fg_interval *at;
	size_t count;
};

/* What a rule demands, in the terms in which kinds of packets are compared. */
struct demand {
	const struct fg_canon *rule;
	struct protocols protocols;
	uint16_t fragments;
	uint8_t levels;                                 /* bit l: packets whose enum fg_l4 is l can satisfy it */
	struct set list[FG_COMPONENT_MAX + 1];          /* of absent components, all values */
	struct fg_interval range[FG_COMPONENT_MAX + 1]; /* those */
};

static bool has(const struct fg_canon *c, unsigned int type)
{
	return c->present >> type & 1;
}

/* Each component demands that its header is there (packet.h: the conditions are intervals of enum fg_l4). */
static uint8_t levels_of(const struct fg_canon *c)
{
	unsigned int levels = ~0U;

	if (has(c, FG_PROTO))
		levels &= ~(1U << FG_L4_UNKNOWN);
	if (has(c, FG_PORT) || has(c, FG_DPORT) || has(c, FG_SPORT))
		levels &= 1U << FG_L4_PORTS | 1U << FG_L4_FLAGS;
	if (has(c, FG_TCP_FLAGS))
		levels &= 1U << FG_L4_FLAGS;
	if (has(c, FG_ICMP_TYPE))
		levels &= 1U << FG_L4_TYPE | 1U << FG_L4_CODE;
	if (has(c, FG_ICMP_CODE))
		levels &= 1U << FG_L4_CODE;
	return (uint8_t)levels;
}

static void demand_make(const struct fg_canon *c, struct demand *d)
{
	d->rule = c;
	d->levels = levels_of(c);
	d->fragments = has(c, FG_FRAGMENT) ? c->fragment : WHOLE | FIRST | LATER | UNSEEN;
	for (unsigned int type = 0; type <= FG_COMPONENT_MAX; type++) {
		d->range[type] = fg_field_range(c->family, (uint8_t)type);
		d->list[type] = (struct set){ &d->range[type], 1 };
		if (has(c, type))
			d->list[type] = (struct set){ c->list[type].at, c->list[type].count };
	}
	memset(&d->protocols, has(c, FG_PROTO) ? 0 : UINT8_MAX, sizeof(d->protocols));
	for (size_t i = 0; has(c, FG_PROTO) && i < d->list[FG_PROTO].count; i++) {
		for (uint32_t v = d->list[FG_PROTO].at[i].lo; v <= d->list[FG_PROTO].at[i].hi; v++)
			d->protocols.word[v / 64] |= 1ULL << v % 64;
	}
}

/* The part of [lo, hi] outside c ends at the returned value; -1 if there is none. *k: no interval of c before it reaches lo. */
static int64_t gap_end(uint32_t lo, uint32_t hi, struct set c, size_t *k)
{
	int64_t end = -1;
	uint64_t next = lo;

	for (; *k < c.count && c.at[*k].lo <= hi; (*k)++) {
		if (c.at[*k].hi < next)
			continue;
		if (c.at[*k].lo > next)
			end = (int64_t)c.at[*k].lo - 1;
		next = (uint64_t)c.at[*k].hi + 1;
		if (next > hi)
			return end; /* this interval may reach the next [lo, hi] too */
	}
	return next <= hi ? (int64_t)hi : end;
}

/* The greatest value that is in x and in y and not in c, -1 if there is none. */
static int64_t greatest_outside(struct set x, struct set y, struct set c)
{
	int64_t greatest = -1;

	for (size_t i = 0, j = 0, k = 0; i < x.count && j < y.count;) {
		uint32_t lo = x.at[i].lo > y.at[j].lo ? x.at[i].lo : y.at[j].lo;
		uint32_t hi = x.at[i].hi < y.at[j].hi ? x.at[i].hi : y.at[j].hi;

		if (lo <= hi) {
			int64_t end = gap_end(lo, hi, c, &k);

			greatest = end >= 0 ? end : greatest;
		}
		if (x.at[i].hi <= y.at[j].hi)
			i++;
		else
			j++;
	}
	return greatest;
}

static bool meet(struct set x, struct set y)
{
	return greatest_outside(x, y, (struct set){ NULL, 0 }) >= 0;
}

/* All values of x that are in y too lie in c. */
static bool within(struct set x, struct set y, struct set c)
{
	return greatest_outside(x, y, c) < 0;
}

/* Some pair of ports satisfies components 4, 5 and 6. */
static bool ports_possible(const struct demand *d)
{
	struct set any = d->list[FG_PORT], dst = d->list[FG_DPORT], src = d->list[FG_SPORT];

	return dst.count > 0 && src.count > 0 && (meet(any, dst) || meet(any, src));
}

/*
 * All pairs with the source port in s1 and s2 and the destination port in d1 and d2 satisfy a. Component 4 holds for all of them
 * only where one side alone guarantees it: else a pair exists whose ports are both outside its list.
 */
static bool ports_rectangle_within(struct set s1, struct set s2, struct set d1, struct set d2, const struct demand *a)
{
	if (!meet(s1, s2) || !meet(d1, d2))
		return true;
	return within(s1, s2, a->list[FG_SPORT]) && within(d1, d2, a->list[FG_DPORT]) &&
	       (within(s1, s2, a->list[FG_PORT]) || within(d1, d2, a->list[FG_PORT]));
}

/* The pairs of b are two rectangles: component 4 met by the source port, and by the destination port. */
static bool ports_within(const struct demand *b, const struct demand *a)
{
	struct set any = b->list[FG_PORT], dst = b->list[FG_DPORT], src = b->list[FG_SPORT];

	return ports_rectangle_within(src, any, dst, dst, a) && ports_rectangle_within(src, src, dst, any, a);
}

static bool tcp_possible(const struct fg_canon *c)
{
	uint64_t some = 0;

	if (!has(c, FG_TCP_FLAGS))
		return true;
	for (size_t w = 0; w < sizeof(c->tcp.word) / sizeof(c->tcp.word[0]); w++)
		some |= c->tcp.word[w];
	return some != 0;
}

static bool tcp_within(const struct fg_canon *b, const struct fg_canon *a)
{
	uint64_t outside = 0;

	if (!has(a, FG_TCP_FLAGS))
		return true;
	for (size_t w = 0; w < sizeof(a->tcp.word) / sizeof(a->tcp.word[0]); w++)
		outside |= (has(b, FG_TCP_FLAGS) ? b->tcp.word[w] : ~0ULL) & ~a->tcp.word[w];
	return outside == 0;
}

/* Component t alone: all of b's values are a's. */
static bool list_within(const struct demand *b, const struct demand *a, unsigned int type)
{
	return !has(a->rule, type) || within(b->list[type], b->list[type], a->list[type]);
}

/* Bits [offset, length) of a are among those of b, and ask for the same. */
static bool prefix_within(const struct fg_prefix *b, const struct fg_prefix *a)
{
	if (a->length <= a->offset)
		return true;
	if (b->offset > a->offset || b->length < a->length)
		return false;
	for (unsigned int bit = a->offset; bit < a->length; bit++) {
		if ((a->octets[bit / 8] ^ b->octets[bit / 8]) >> (7 - bit % 8) & 1)
			return false;
	}
	return true;
}

/* The factors that are the same in every kind of packet. */
static bool common_within(const struct demand *b, const struct demand *a)
{
	static const struct fg_prefix everything;

	return a->rule->family == b->rule->family &&
	       (!has(a->rule, FG_DST) ||
		prefix_within(has(b->rule, FG_DST) ? &b->rule->dst : &everything, &a->rule->dst)) &&
	       (!has(a->rule, FG_SRC) ||
		prefix_within(has(b->rule, FG_SRC) ? &b->rule->src : &everything, &a->rule->src)) &&
	       list_within(b, a, FG_DSCP) && list_within(b, a, FG_FLOW_LABEL);
}

/* The factors of the transport header, for kinds that have it and satisfy a->levels. */
static bool transport_within(const struct demand *b, const struct demand *a, uint8_t l4)
{
	switch (l4) {
	case FG_L4_PORTS:
		return ports_within(b, a);
	case FG_L4_FLAGS:
		return ports_within(b, a) && tcp_within(b->rule, a->rule);
	case FG_L4_TYPE:
		return list_within(b, a, FG_ICMP_TYPE);
	case FG_L4_CODE:
		return list_within(b, a, FG_ICMP_TYPE) && list_within(b, a, FG_ICMP_CODE);
	default:
		return true;
	}
}

/* Shortest packet of a kind. */
static int64_t kind_length(enum fg_family family, const struct kind *k)
{
	bool fragment_header = family == FG_IPV6 && (k->fragments & (FIRST | LATER)) != 0;

	return fg_field_range(family, FG_LENGTH).lo + k->octets + (fragment_header ? FG_EXT_HEADER_MIN : 0);
}

/* No value can satisfy some component, whatever the kind. */
static bool contradicts_itself(const struct demand *d)
{
	static const uint8_t lists[] = { FG_ICMP_TYPE, FG_ICMP_CODE, FG_LENGTH, FG_DSCP, FG_FLOW_LABEL };

	for (size_t i = 0; i < sizeof(lists); i++) {
		if (d->list[lists[i]].count == 0)
			return true;
	}
	return !ports_possible(d) || !tcp_possible(d->rule);
}

/* The fragment states that a kind has in a family. */
static uint16_t kind_fragments(enum fg_family family, const struct kind *k)
{
	return family == FG_IPV6 ? k->fragments & WITHOUT_DF : k->fragments;
}

/* Some packet of this kind satisfies d, which does not contradict itself and has lengths up to `longest`. */
static bool kind_possible(const struct demand *d, const struct kind *k, int64_t longest)
{
	enum fg_family family = d->rule->family;
	const struct protocols *p = &kind_protocols[family][k->protocol];
	uint64_t some = 0;

	if ((k->ipv6_only && family != FG_IPV6) || (d->levels >> k->l4 & 1) == 0 ||
	    (d->fragments & kind_fragments(family, k)) == 0 || longest < kind_length(family, k))
		return false;
	for (size_t w = 0; w < PROTO_WORDS; w++)
		some |= p->word[w] & d->protocols.word[w];
	return some != 0 || k->protocol == KIND_CUT;
}

/* Protocol, fragment state and the headers that must be there: b's packets of this kind satisfy a. */
static bool kind_within(const struct demand *b, const struct demand *a, const struct kind *k)
{
	enum fg_family family = b->rule->family;
	const struct protocols *p = &kind_protocols[family][k->protocol];
	uint64_t outside = 0;

	for (size_t w = 0; w < PROTO_WORDS; w++)
		outside |= p->word[w] & b->protocols.word[w] & ~a->protocols.word[w];
	return outside == 0 && (a->levels >> k->l4 & 1) != 0 &&
	       (b->fragments & kind_fragments(family, k) & ~a->fragments) == 0;
}

static int64_t longest_packet(const struct demand *d)
{
	struct set lengths = d->list[FG_LENGTH];

	return lengths.count > 0 ? (int64_t)lengths.at[lengths.count - 1].hi : -1;
}

bool fg_canon_possible(const struct fg_canon *c)
{
	struct demand d;

	demand_make(c, &d);
	if (contradicts_itself(&d))
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (kind_possible(&d, &kinds[i], longest_packet(&d)))
			return true;
	}
	return false;
}

bool fg_canon_covers(const struct fg_canon *a, const struct fg_canon *b)
{
	struct demand da, db;
	int64_t longest_outside;
	bool common;

	demand_make(a, &da);
	demand_make(b, &db);
	if (contradicts_itself(&db))
		return true;
	common = common_within(&db, &da);
	longest_outside =
		has(a, FG_LENGTH) ? greatest_outside(db.list[FG_LENGTH], db.list[FG_LENGTH], da.list[FG_LENGTH]) : -1;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct kind *k = &kinds[i];

		if (!kind_possible(&db, k, longest_packet(&db)))
			continue;
		if (!common || longest_outside >= kind_length(b->family, k) || !kind_within(&db, &da, k) ||
		    !transport_within(&db, &da, k->l4))
			return false;
	}
	return true;
}
