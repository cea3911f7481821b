/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Canonical form: what a component means, whatever octets said it. Numeric lists become disjoint intervals over the
 * values a packet's field can hold, bitmask lists become truth tables. It serves matching, lint and printing only;
 * identity and order are the received octets (RFC 8955 §5.1). Values are compared as received, never narrowed: 99971
 * is simply outside every interval of a packet length. Pure.
 */
#ifndef CTRL_RULE_CANON_H
#define CTRL_RULE_CANON_H

#include "ctrl/rule/nlri.h"

/* Lowest and highest value the field of a numeric component can hold in a packet of that family. */
struct fg_interval fg_field_range(enum fg_family family, uint8_t type);

/*
 * Intervals of a checked numeric component (3-8, 10, 11, 13) inside fg_field_range(): ascending, disjoint, not adjacent. Count,
 * 0 if no value can match. DSCP: only the low six bits of a received value count (RFC 8955 §4.2.2.11).
 */
size_t fg_component_intervals(enum fg_family family, const struct fg_component *c,
			      struct fg_interval out[FG_INTERVALS_MAX]);

/* Truth table of a checked component 9. */
void fg_component_tcp_table(const struct fg_component *c, struct fg_tcp_table *out);

/*
 * Fragment states (bit s for enum fg_fragment_state s of packet.h) that satisfy a checked component 12. Never holds
 * FG_FRAGMENT_UNKNOWN. IPv6: the DF bit of a mask is ignored (RFC 8956 §3.6), states with DF cannot occur.
 */
uint16_t fg_component_fragment_states(enum fg_family family, const struct fg_component *c);

/* A rule in canonical form. The interval lists live in the pool that fg_canon_make() was given. */
struct fg_canon {
	uint8_t family;
	uint16_t present;          /* bit t: component type t is there */
	struct fg_prefix dst, src; /* where present */
	struct {
		const struct fg_interval *at;
		uint16_t count;
	} list[FG_COMPONENT_MAX + 1]; /* by type; numeric types that are present */
	struct fg_tcp_table tcp;      /* where present */
	uint16_t fragment;            /* states, where present */
};

/*
 * Canonical form of a rule whose NLRI has been checked. `pool` must hold FG_CANON_POOL intervals: enough for any NLRI of FG_NLRI_MAX
 * octets, and it must live as long as *out.
 */
enum { FG_CANON_POOL = 2 * FG_INTERVALS_MAX };
void fg_canon_make(const struct fg_rule *rule, struct fg_interval pool[FG_CANON_POOL], struct fg_canon *out);

/*
 * True where some packet satisfies every component of `c`, and so matches. What a packet can be is that of packet.h: ports are
 * in TCP and UDP alone, never in a later fragment, and a header that is there makes the packet longer. In cover.c.
 */
bool fg_canon_possible(const struct fg_canon *c);

/* True where every packet that `b` matches is matched by `a` too. Exact: no approximation either way for one pair. */
bool fg_canon_covers(const struct fg_canon *a, const struct fg_canon *b);

/* True where some packet is matched by both. Exact likewise; in overlap.c. */
bool fg_canon_overlaps(const struct fg_canon *a, const struct fg_canon *b, struct fg_interval pool[2 * FG_CANON_POOL]);

#endif
