/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic filtering actions: communities in, what a rule asks for out, and back. An attribute is taken wholly or not at
 * all: an action left out would make the rule mean something else. What one community adds is decided by its first two
 * octets; what it says is checked before anything is kept. Next on the way of a rule: canon.c. Stateless; any thread.
 */
#include "ctrl/rule/actions.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "flowgate/wire.h"

/* The first two octets of a community of 8 octets. */
enum {
	TYPE_RATE_BYTES = 0x8006,     /* RFC 8955 §7.1 */
	TYPE_TRAFFIC_ACTION = 0x8007, /* §7.3 */
	TYPE_REDIRECT_AS2 = 0x8008,   /* §7.4 */
	TYPE_REDIRECT_IPV4 = 0x8108,
	TYPE_REDIRECT_AS4 = 0x8208,
	TYPE_MARK = 0x8009,                /* §7.5 */
	TYPE_RATE_PACKETS = 0x800c,        /* §7.2 */
	TYPE_NEXT_HOP = 0x010c,            /* draft-ietf-idr-flowspec-redirect-ip */
	TYPE_INTERFACE_SET = 0x0702,       /* draft-ietf-idr-flowspec-interfaceset: transitive, */
	TYPE_INTERFACE_SET_LOCAL = 0x4702, /* and not */
};

/* The same of 20 octets. */
enum {
	TYPE6_NEXT_HOP = 0x000c, /* draft-ietf-idr-flowspec-redirect-ip */
	TYPE6_REDIRECT = 0x000d, /* RFC 8956 §6.1 */
};

/* Bits of the last octet of a traffic-action, and of a next hop. */
enum { LAST_CONTINUE = 0x01, LAST_SAMPLE = 0x02, LAST_COPY = 0x01 };

/* Places in a community: of a rate or an IPv4 address, of an IPv6 address. */
enum { AT_RATE = 4, AT_NEXT_HOP = 2 };

static const uint32_t float_infinity = 0x7f800000; /* IEEE 754 binary32; greater without the sign: not a number */
static const float rate_least = 0.5f;              /* rounds to 1 a second; below, to none */

__attribute__((format(printf, 4, 5))) static int refuse(struct fg_finding *why, enum fg_reason code, const char *source,
							const char *fmt, ...)
{
	va_list args;

	if (why == NULL)
		return (int)code;
	memset(why, 0, sizeof(*why));
	why->code = code;
	snprintf(why->source, sizeof(why->source), "%s", source);
	va_start(args, fmt);
	vsnprintf(why->detail, sizeof(why->detail), fmt, args);
	va_end(args);
	return (int)code;
}

/* A discard leaves nothing for a rate to limit. */
static void add_discard(struct fg_actions *a)
{
	a->set = (a->set | FG_ACT_DISCARD) & ~(uint32_t)(FG_ACT_RATE_BYTES | FG_ACT_RATE_PACKETS);
	a->rate_bytes_per_s = a->rate_packets_per_s = 0;
}

static int add_rate(struct fg_actions *a, enum fg_action_bit kind, const uint8_t *c, size_t at, struct fg_finding *why)
{
	const char *source = kind == FG_ACT_RATE_BYTES ? "RFC 8955 §7.1" : "RFC 8955 §7.2";
	float *kept = kind == FG_ACT_RATE_BYTES ? &a->rate_bytes_per_s : &a->rate_packets_per_s;
	uint32_t bits = fg_load_be32(c + AT_RATE);
	float per_s;

	/* As bits: no comparison of a value that is not a number may decide. */
	if ((bits & ~(1u << 31)) > float_infinity)
		return refuse(why, FG_MALFORMED, source, "the rate of the community at octet %zu is not a number", at);
	if (bits == float_infinity)
		return refuse(why, FG_UNSUPPORTED, source, "the rate of the community at octet %zu is infinite", at);
	memcpy(&per_s, &bits, sizeof(per_s));
	if (per_s < rate_least) {
		add_discard(a); /* zero and negative: RFC 8955 §7.1 */
	} else if (!(a->set & FG_ACT_DISCARD) && (!(a->set & kind) || per_s < *kept)) {
		a->set |= kind;
		*kept = per_s;
	}
	return 0;
}

static bool redirects(const struct fg_actions *a)
{
	return (a->set & FG_ACT_REDIRECT_RT) || (a->set & (FG_ACT_REDIRECT_IP | FG_ACT_COPY)) == FG_ACT_REDIRECT_IP;
}

static void add_redirect(struct fg_actions *a, const uint8_t *c, bool ipv6)
{
	if (redirects(a))
		return;
	a->set |= ipv6 ? FG_ACT_REDIRECT_RT | FG_ACT_RT6 : FG_ACT_REDIRECT_RT;
	memset(a->rt, 0, sizeof(a->rt));
	memcpy(a->rt, c, ipv6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS);
}

/* There is room for one address: a copy to one and a redirect to another cannot both be honoured, so neither is. */
static int add_next_hop(struct fg_actions *a, const uint8_t *c, bool ipv6, size_t at, struct fg_finding *why)
{
	bool copy = c[(ipv6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS) - 1] & LAST_COPY;

	if (!copy && redirects(a))
		return 0;
	if ((a->set & FG_ACT_REDIRECT_IP) && copy != ((a->set & FG_ACT_COPY) != 0))
		return refuse(why, FG_UNSUPPORTED, "draft-ietf-idr-flowspec-redirect-ip",
			      "the community at octet %zu asks for both a copy and a redirect to an address", at);
	if (a->set & FG_ACT_REDIRECT_IP)
		return 0;
	a->set |= copy ? FG_ACT_REDIRECT_IP | FG_ACT_COPY : FG_ACT_REDIRECT_IP;
	memset(&a->next_hop, 0, sizeof(a->next_hop));
	a->next_hop.family = ipv6 ? FG_IPV6 : FG_IPV4;
	memcpy(a->next_hop.octets, c + AT_NEXT_HOP, ipv6 ? 16 : 4);
	return 0;
}

/* Reserved bits are ignored (RFC 8955 §7.3, §7.5). */
static void add_traffic_action(struct fg_actions *a, uint8_t last)
{
	if (last & LAST_CONTINUE)
		a->set |= FG_ACT_CONTINUE;
	if (last & LAST_SAMPLE)
		a->set |= FG_ACT_SAMPLE;
}

static void add_mark(struct fg_actions *a, uint8_t last)
{
	if (a->set & FG_ACT_MARK)
		return;
	a->set |= FG_ACT_MARK;
	a->dscp = last & FG_DSCP_VALUE_MAX;
}

static int add(struct fg_actions *a, const uint8_t *c, size_t at, struct fg_finding *why)
{
	switch (fg_load_be16(c)) {
	case TYPE_RATE_BYTES:
		return add_rate(a, FG_ACT_RATE_BYTES, c, at, why);
	case TYPE_RATE_PACKETS:
		return add_rate(a, FG_ACT_RATE_PACKETS, c, at, why);
	case TYPE_NEXT_HOP:
		return add_next_hop(a, c, false, at, why);
	case TYPE_INTERFACE_SET:
	case TYPE_INTERFACE_SET_LOCAL:
		return refuse(why, FG_UNSUPPORTED, "draft-ietf-idr-flowspec-interfaceset",
			      "the interface-set at octet %zu limits the rule to interfaces we do not know", at);
	case TYPE_REDIRECT_AS2:
	case TYPE_REDIRECT_IPV4:
	case TYPE_REDIRECT_AS4:
		add_redirect(a, c, false);
		return 0;
	case TYPE_TRAFFIC_ACTION:
		add_traffic_action(a, c[FG_EXTCOMM_OCTETS - 1]);
		return 0;
	case TYPE_MARK:
		add_mark(a, c[FG_EXTCOMM_OCTETS - 1]);
		return 0;
	default:
		a->set |= FG_ACT_UNKNOWN;
		return 0;
	}
}

static int add6(struct fg_actions *a, const uint8_t *c, size_t at, struct fg_finding *why)
{
	switch (fg_load_be16(c)) {
	case TYPE6_NEXT_HOP:
		return add_next_hop(a, c, true, at, why);
	case TYPE6_REDIRECT:
		add_redirect(a, c, true);
		return 0;
	default:
		a->set |= FG_ACT_UNKNOWN;
		return 0;
	}
}

int fg_actions_read(const uint8_t *octets, size_t len, bool ipv6, struct fg_actions *a, struct fg_finding *why)
{
	size_t each = ipv6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS;
	struct fg_actions sum = *a;

	if (len == 0 || len % each != 0)
		return refuse(why, FG_MALFORMED, ipv6 ? "RFC 7606 §7.15" : "RFC 7606 §7.14",
			      "the attribute has %zu octets, not a non-zero multiple of %zu", len, each);
	if (len / each > FG_ACTION_COMMUNITIES_MAX)
		return refuse(why, FG_UNSUPPORTED, "limits.h", "the attribute has %zu communities, at most %d are read",
			      len / each, FG_ACTION_COMMUNITIES_MAX);
	for (size_t at = 0; at < len; at += each) {
		int r = ipv6 ? add6(&sum, octets + at, at, why) : add(&sum, octets + at, at, why);

		if (r != 0)
			return r;
	}
	*a = sum;
	return 0;
}

/* Appends a community of `octets` octets, zero but for its type. */
static uint8_t *put(uint8_t *out, size_t *len, size_t octets, uint16_t type)
{
	uint8_t *c = out + *len;

	memset(c, 0, octets);
	fg_store_be16(c, type);
	*len += octets;
	return c;
}

static void put_rate(uint8_t *out, size_t *len, uint16_t type, float per_s)
{
	uint32_t bits;

	memcpy(&bits, &per_s, sizeof(bits));
	fg_store_be32(put(out, len, FG_EXTCOMM_OCTETS, type) + AT_RATE, bits);
}

static void put_rates(const struct fg_actions *a, uint8_t *out, size_t *len)
{
	if (a->set & FG_ACT_DISCARD) {
		put_rate(out, len, TYPE_RATE_BYTES, 0);
		return;
	}
	if (a->set & FG_ACT_RATE_BYTES)
		put_rate(out, len, TYPE_RATE_BYTES, a->rate_bytes_per_s);
	if (a->set & FG_ACT_RATE_PACKETS)
		put_rate(out, len, TYPE_RATE_PACKETS, a->rate_packets_per_s);
}

static void put_next_hop(const struct fg_actions *a, uint8_t *out, size_t *len, uint8_t *out6, size_t *len6)
{
	bool ipv6 = a->next_hop.family == FG_IPV6;
	size_t octets = ipv6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS;
	uint8_t *c = ipv6 ? put(out6, len6, octets, TYPE6_NEXT_HOP) : put(out, len, octets, TYPE_NEXT_HOP);

	memcpy(c + AT_NEXT_HOP, a->next_hop.octets, ipv6 ? 16 : 4);
	c[octets - 1] = a->set & FG_ACT_COPY ? LAST_COPY : 0;
}

static void put_redirect(const struct fg_actions *a, uint8_t *out, size_t *len, uint8_t *out6, size_t *len6)
{
	if (a->set & FG_ACT_RT6)
		memcpy(put(out6, len6, FG_EXTCOMM6_OCTETS, 0), a->rt, FG_EXTCOMM6_OCTETS);
	else
		memcpy(put(out, len, FG_EXTCOMM_OCTETS, 0), a->rt, FG_EXTCOMM_OCTETS);
}

_Static_assert(FG_ACTIONS_OCTETS >= 6 * FG_EXTCOMM_OCTETS, "two rates, traffic-action, mark, redirect, next hop");
_Static_assert(FG_ACTIONS6_OCTETS >= 2 * FG_EXTCOMM6_OCTETS, "redirect, next hop");

void fg_actions_write(const struct fg_actions *a, uint8_t out[FG_ACTIONS_OCTETS], size_t *len,
		      uint8_t out6[FG_ACTIONS6_OCTETS], size_t *len6)
{
	*len = *len6 = 0;
	put_rates(a, out, len);
	if (a->set & (FG_ACT_CONTINUE | FG_ACT_SAMPLE))
		put(out, len, FG_EXTCOMM_OCTETS, TYPE_TRAFFIC_ACTION)[FG_EXTCOMM_OCTETS - 1] =
			(uint8_t)((a->set & FG_ACT_CONTINUE ? LAST_CONTINUE : 0) |
				  (a->set & FG_ACT_SAMPLE ? LAST_SAMPLE : 0));
	if (a->set & FG_ACT_REDIRECT_RT)
		put_redirect(a, out, len, out6, len6);
	if (a->set & FG_ACT_MARK)
		put(out, len, FG_EXTCOMM_OCTETS, TYPE_MARK)[FG_EXTCOMM_OCTETS - 1] = a->dscp;
	if (a->set & FG_ACT_REDIRECT_IP)
		put_next_hop(a, out, len, out6, len6);
}

/* What is asked for, without what changes nothing: rates beside a discard, and what we do not know. */
static uint32_t asked(const struct fg_actions *a)
{
	uint32_t set = a->set & ~(uint32_t)FG_ACT_UNKNOWN;

	return set & FG_ACT_DISCARD ? set & ~(uint32_t)(FG_ACT_RATE_BYTES | FG_ACT_RATE_PACKETS) : set;
}

static bool same_next_hop(const struct fg_address *a, const struct fg_address *b)
{
	return a->family == b->family && memcmp(a->octets, b->octets, a->family == FG_IPV6 ? 16 : 4) == 0;
}

bool fg_actions_equal(const struct fg_actions *a, const struct fg_actions *b)
{
	uint32_t set = asked(a);
	size_t rt_octets = set & FG_ACT_RT6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS;

	return set == asked(b) && (!(set & FG_ACT_RATE_BYTES) || a->rate_bytes_per_s == b->rate_bytes_per_s) &&
	       (!(set & FG_ACT_RATE_PACKETS) || a->rate_packets_per_s == b->rate_packets_per_s) &&
	       (!(set & FG_ACT_MARK) || a->dscp == b->dscp) &&
	       (!(set & FG_ACT_REDIRECT_RT) || memcmp(a->rt, b->rt, rt_octets) == 0) &&
	       (!(set & FG_ACT_REDIRECT_IP) || same_next_hop(&a->next_hop, &b->next_hop));
}
