/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Path attributes, one by one. In: an attribute whose octets are all there. Out: what it says, or what is done because it is wrong (RFC 7606
 * §7 and the RFC of each attribute). The table says what is permitted; what has structure of its own has a function.
 */
#include "ctrl/bgp/update.h"

#include <string.h>

enum { ANY = 0xffff };

static void take_origin(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);
static void take_as_path(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);
static void take_originator(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);
static void take_reach(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);
static void take_unreach(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);
static void take_octets(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);

/* What to do with one that is wrong. */
enum { WITHDRAW, DISCARD };
/* Whether it is looked at in sessions with another AS. */
enum { ALWAYS, INSIDE };

/* clang-format off */
static const struct known {
	uint8_t type, flags, wrong, where;
	uint16_t unit;    /* its length is a multiple of this, and not 0; ANY: its own function says */
	uint16_t units;   /* exactly so many; ANY: one and more */
	const char *name, *source;
	void (*take)(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how);
} known[] = {
	{ FG_ATTR_ORIGIN, FG_ATTR_TRANSITIVE, WITHDRAW, ALWAYS, 1, 1, "ORIGIN", "RFC 7606 §7.1", take_origin },
	{ FG_ATTR_AS_PATH, FG_ATTR_TRANSITIVE, WITHDRAW, ALWAYS, ANY, ANY, "AS_PATH", "RFC 7606 §7.2", take_as_path },
	{ FG_ATTR_NEXT_HOP, FG_ATTR_TRANSITIVE, WITHDRAW, ALWAYS, 4, 1, "NEXT_HOP", "RFC 7606 §7.3", NULL },
	{ FG_ATTR_MED, FG_ATTR_OPTIONAL, WITHDRAW, ALWAYS, 4, 1, "MULTI_EXIT_DISC", "RFC 7606 §7.4", NULL },
	{ FG_ATTR_LOCAL_PREF, FG_ATTR_TRANSITIVE, WITHDRAW, INSIDE, 4, 1, "LOCAL_PREF", "RFC 7606 §7.5", NULL },
	{ FG_ATTR_ATOMIC_AGGREGATE, FG_ATTR_TRANSITIVE, DISCARD, ALWAYS, 1, 0, "ATOMIC_AGGREGATE", "RFC 7606 §7.6", NULL },
	{ FG_ATTR_AGGREGATOR, FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE, DISCARD, ALWAYS, ANY, ANY, "AGGREGATOR", "RFC 7606 §7.7", NULL },
	{ FG_ATTR_COMMUNITIES, FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE, WITHDRAW, ALWAYS, 4, ANY, "COMMUNITIES", "RFC 7606 §7.8", take_octets },
	{ FG_ATTR_ORIGINATOR, FG_ATTR_OPTIONAL, WITHDRAW, INSIDE, 4, 1, "ORIGINATOR_ID", "RFC 7606 §7.9", take_originator },
	{ FG_ATTR_CLUSTER_LIST, FG_ATTR_OPTIONAL, WITHDRAW, INSIDE, 4, ANY, "CLUSTER_LIST", "RFC 7606 §7.10", NULL },
	{ FG_ATTR_REACH, FG_ATTR_OPTIONAL, WITHDRAW, ALWAYS, ANY, ANY, "MP_REACH_NLRI", "RFC 7606 §7.11", take_reach },
	{ FG_ATTR_UNREACH, FG_ATTR_OPTIONAL, WITHDRAW, ALWAYS, ANY, ANY, "MP_UNREACH_NLRI", "RFC 7606 §7.12", take_unreach },
	{ FG_ATTR_EXTENDED, FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE, WITHDRAW, ALWAYS, FG_EXTCOMM_OCTETS, ANY, "EXTENDED_COMMUNITIES", "RFC 7606 §7.14", take_octets },
	{ FG_ATTR_AS4_PATH, FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE, DISCARD, ALWAYS, ANY, ANY, "AS4_PATH", "RFC 6793 §6", NULL },
	{ FG_ATTR_AS4_AGGREGATOR, FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE, DISCARD, ALWAYS, 8, 1, "AS4_AGGREGATOR", "RFC 6793 §6", NULL },
	{ FG_ATTR_EXTENDED6, FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE, WITHDRAW, ALWAYS, FG_EXTCOMM6_OCTETS, ANY, "IPV6_EXTENDED_COMMUNITIES", "RFC 7606 §7.15", take_octets },
	{ FG_ATTR_LARGE_COMMUNITIES, FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE, WITHDRAW, ALWAYS, 12, ANY, "LARGE_COMMUNITIES", "RFC 8092 §6", take_octets },
};
/* clang-format on */

static const struct known *find(uint8_t type)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].type == type)
			return &known[i];
	return NULL;
}

/* ---- Those with structure ---- */

static void take_origin(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how)
{
	(void)how;
	if (a->value[0] > 2)
		fg_update_wrong(u, a->type, FG_UPDATE_WITHDRAW, "ORIGIN is %u (RFC 7606 §7.1)", a->value[0]);
}

enum { AS_SET = 1, AS_SEQUENCE, AS_CONFED_SEQUENCE, AS_CONFED_SET };

/* One segment; false: the path is wrong, as it is where another AS shows what is of the inside of a confederation (RFC 5065 §5). */
static bool take_segment(struct fg_update *u, struct fg_reader *in, bool first, const struct fg_update_how *how)
{
	const uint8_t *head = fg_reader_take(in, 2);
	uint64_t as;

	if (head == NULL || head[0] < AS_SET || head[0] > (how->ibgp ? AS_CONFED_SET : AS_SEQUENCE) || head[1] == 0)
		return false;
	for (unsigned i = 0; i < head[1]; i++) {
		if (!fg_reader_uint(in, how->as4 ? 4 : 2, &as))
			return false;
		u->as_loop = u->as_loop || as == how->local_as;
		if (first && i == 0 && head[0] == AS_SEQUENCE)
			u->first_as = (uint32_t)as;
	}
	return true;
}

static void take_as_path(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how)
{
	struct fg_reader in = { a->value, a->value + a->len };

	u->as_path = true;
	for (bool first = true; fg_reader_left(&in) > 0; first = false)
		if (!take_segment(u, &in, first, how)) {
			fg_update_wrong(u, a->type, FG_UPDATE_WITHDRAW, "AS_PATH is malformed (RFC 7606 §7.2)");
			return;
		}
}

static void take_originator(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how)
{
	(void)how;
	u->originator = fg_load_be32(a->value);
}

/* AFI, SAFI, next hop of any length, a reserved octet, NLRIs. The next hop says nothing here (RFC 8955 §4). */
static void take_reach(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how)
{
	struct fg_reader in = { a->value, a->value + a->len };
	const uint8_t *head = a->len >= 5 ? fg_reader_take(&in, 4) : NULL;

	(void)how;
	if (head == NULL || fg_reader_take(&in, head[3] + 1u) == NULL) {
		fg_update_wrong(u, a->type, FG_UPDATE_RESET, "MP_REACH_NLRI of %zu octets is cut (RFC 7606 §7.11)",
				a->len);
		return;
	}
	u->reach = (struct fg_update_nlri){ true, fg_load_be16(head), head[2], { in.at, fg_reader_left(&in) } };
}

static void take_unreach(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how)
{
	(void)how;
	if (a->len < 3) {
		fg_update_wrong(u, a->type, FG_UPDATE_RESET, "MP_UNREACH_NLRI of %zu octets is cut (RFC 7606 §7.12)",
				a->len);
		return;
	}
	u->unreach = (struct fg_update_nlri){ true, fg_load_be16(a->value), a->value[2], { a->value + 3, a->len - 3 } };
}

static void take_octets(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how)
{
	struct fg_update_octets octets = { a->value, a->len };

	(void)how;
	if (a->type == FG_ATTR_COMMUNITIES)
		u->communities = octets;
	else if (a->type == FG_ATTR_LARGE_COMMUNITIES)
		u->large_communities = octets;
	else if (a->type == FG_ATTR_EXTENDED)
		u->extended = octets;
	else
		u->extended6 = octets;
}

/* ---- All ---- */

static bool length_fits(const struct known *k, const struct fg_attribute *a, const struct fg_update_how *how)
{
	if (k->type == FG_ATTR_AGGREGATOR)
		return a->len == (how->as4 ? 8u : 6u);
	if (k->unit == ANY)
		return true;
	if (k->units == ANY)
		return a->len > 0 && a->len % k->unit == 0;
	return a->len == (size_t)k->unit * k->units;
}

/* A bad flag or length of MP_REACH and MP_UNREACH does not hide their routes: these are found, and withdrawn. */
static void take_known(struct fg_update *u, const struct known *k, const struct fg_attribute *a,
		       const struct fg_update_how *how)
{
	enum fg_update_fate fate = k->wrong == DISCARD ? FG_UPDATE_TAKE : FG_UPDATE_WITHDRAW;
	bool flags_fit = ((a->flags ^ k->flags) & (FG_ATTR_OPTIONAL | FG_ATTR_TRANSITIVE)) == 0;

	if (!flags_fit)
		fg_update_wrong(u, a->type, fate, "%s has flags 0x%02x (RFC 7606 §3 c)", k->name, a->flags);
	if (!length_fits(k, a, how)) {
		fg_update_wrong(u, a->type, fate, "%s has %zu octets (%s)", k->name, a->len, k->source);
		return;
	}
	if (k->take != NULL && (flags_fit || k->wrong == WITHDRAW))
		k->take(u, a, how);
}

void fg_attribute_take(struct fg_update *u, const struct fg_attribute *a, const struct fg_update_how *how)
{
	const struct known *k = find(a->type);

	if (k == NULL && !(a->flags & FG_ATTR_OPTIONAL))
		fg_update_wrong(u, a->type, FG_UPDATE_WITHDRAW,
				"attribute %u is not known and not optional (RFC 4271 §6.3)", a->type);
	if (k == NULL || (k->where == INSIDE && !how->ibgp))
		return;
	take_known(u, k, a, how);
}
