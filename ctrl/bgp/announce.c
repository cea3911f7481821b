/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What we send: End-of-RIB, and one unicast route of our own, as long as the box is well, so that traffic finds another box when it is not.
 */
#include "ctrl/bgp/update.h"

#include <string.h>

enum { ORIGIN_IGP = 0, AS_SEQUENCE = 2, LOCAL_PREF = 100 };

struct out {
	uint8_t *at;
};

static void put8(struct out *o, uint8_t v)
{
	*o->at++ = v;
}

static void put16(struct out *o, uint16_t v)
{
	fg_store_be16(o->at, v);
	o->at += 2;
}

static void put32(struct out *o, uint32_t v)
{
	fg_store_be32(o->at, v);
	o->at += 4;
}

static void put_octets(struct out *o, const uint8_t *octets, size_t n)
{
	memcpy(o->at, octets, n);
	o->at += n;
}

static void put_head(struct out *o, uint8_t flags, uint8_t type, size_t len)
{
	put8(o, flags);
	put8(o, type);
	put8(o, (uint8_t)len);
}

/* Nothing withdrawn, and the place of the length of all attributes. */
static struct out begin(uint8_t *out)
{
	struct out o = { out + FG_BGP_HEADER };

	put16(&o, 0);
	put16(&o, 0);
	return o;
}

static size_t end(uint8_t *out, const struct out *o)
{
	size_t octets = (size_t)(o->at - out);

	fg_store_be16(out + FG_BGP_HEADER + 2, (uint16_t)(octets - FG_BGP_HEADER - 4));
	fg_bgp_header_write(out, FG_BGP_UPDATE, octets);
	return octets;
}

size_t fg_bgp_end_of_rib_write(uint16_t afi, uint8_t safi, uint8_t out[FG_BGP_ANNOUNCE_OCTETS])
{
	struct out o = begin(out);

	put_head(&o, FG_ATTR_OPTIONAL, FG_ATTR_UNREACH, 3);
	put16(&o, afi);
	put8(&o, safi);
	return end(out, &o);
}

static void put_prefix(struct out *o, const struct fg_bgp_service *s)
{
	put8(o, s->length);
	put_octets(o, s->prefix, (s->length + 7u) / 8);
}

static void put_path(struct out *o, const struct fg_bgp_service *s)
{
	size_t each = s->as4 ? 4 : 2;

	put_head(o, FG_ATTR_TRANSITIVE, FG_ATTR_ORIGIN, 1);
	put8(o, ORIGIN_IGP);
	put_head(o, FG_ATTR_TRANSITIVE, FG_ATTR_AS_PATH, s->ibgp ? 0 : 2 + each);
	if (!s->ibgp) {
		put8(o, AS_SEQUENCE);
		put8(o, 1);
		if (s->as4)
			put32(o, s->local_as);
		else
			put16(o, s->local_as > UINT16_MAX ? FG_BGP_AS_TRANS : (uint16_t)s->local_as);
	}
	if (s->ibgp) {
		put_head(o, FG_ATTR_TRANSITIVE, FG_ATTR_LOCAL_PREF, 4);
		put32(o, LOCAL_PREF);
	}
}

/* IPv4 unicast too goes by MP_REACH_NLRI: one way for both (RFC 4760 §3). */
size_t fg_bgp_announce_write(const struct fg_bgp_service *s, uint8_t out[FG_BGP_ANNOUNCE_OCTETS])
{
	struct out o = begin(out);
	size_t hop = s->family == FG_IPV6 ? 16 : 4, prefix = 1 + (s->length + 7u) / 8;

	put_head(&o, FG_ATTR_OPTIONAL, FG_ATTR_REACH, 5 + hop + prefix);
	put16(&o, (uint16_t)(s->family + 1));
	put8(&o, FG_BGP_UNICAST);
	put8(&o, (uint8_t)hop);
	put_octets(&o, s->next_hop, hop);
	put8(&o, 0);
	put_prefix(&o, s);
	put_path(&o, s);
	return end(out, &o);
}

size_t fg_bgp_withdraw_write(const struct fg_bgp_service *s, uint8_t out[FG_BGP_ANNOUNCE_OCTETS])
{
	struct out o = begin(out);

	put_head(&o, FG_ATTR_OPTIONAL, FG_ATTR_UNREACH, 4 + (s->length + 7u) / 8);
	put16(&o, (uint16_t)(s->family + 1));
	put8(&o, FG_BGP_UNICAST);
	put_prefix(&o, s);
	return end(out, &o);
}
