/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OPEN messages. In: a framed message. Out: what the other side can do. A capability whose own length is wrong is skipped as one that we do not
 * know; lengths that do not add up end the session, for nothing behind them can be read. Next: session.c.
 */
#include "ctrl/bgp/open.h"

#include <string.h>

enum { FIXED = 10, PARAMETER_CAPABILITIES = 2, PARAMETER_EXTENDED = 255, VERSION = 4 };

enum {
	CAP_MULTIPROTOCOL = 1,
	CAP_REFRESH = 2,
	CAP_EXTENDED = 6,
	CAP_RESTART = 64,
	CAP_AS4 = 65,
	CAP_ENHANCED_REFRESH = 70,
};

/* Flags of graceful restart, in the first octet, and of one family in it. */
enum { RESTARTING = 0x80, RESTART_NOTIFICATION = 0x40, FORWARDING = 0x80 };

static int family_of(uint16_t afi)
{
	return afi == 1 ? FG_IPV4 : afi == 2 ? FG_IPV6 : -1;
}

/* ---- Reading ---- */

static void take_multiprotocol(struct fg_bgp_open *o, const uint8_t *v, size_t len)
{
	int family = len == 4 ? family_of(fg_load_be16(v)) : -1;

	if (len != 4)
		return;
	o->multiprotocol = true;
	if (family >= 0 && v[3] == FG_BGP_FLOWSPEC)
		o->flowspec[family] = true;
	else if (family >= 0 && v[3] == FG_BGP_UNICAST)
		o->unicast[family] = true;
}

static void take_restart(struct fg_bgp_open *o, const uint8_t *v, size_t len)
{
	if (len < 2 || (len - 2) % 4 != 0)
		return;
	o->restart = true;
	o->restarting = v[0] & RESTARTING;
	o->restart_notification = v[0] & RESTART_NOTIFICATION;
	o->restart_s = (uint16_t)(fg_load_be16(v) & 0xfff);
	for (size_t i = 2; i < len; i += 4) {
		int family = family_of(fg_load_be16(v + i));

		if (family < 0 || v[i + 2] != FG_BGP_FLOWSPEC)
			continue;
		o->restart_family[family] = true;
		o->kept[family] = v[i + 3] & FORWARDING;
	}
}

static void take_capability(struct fg_bgp_open *o, uint8_t code, const uint8_t *v, size_t len)
{
	if (code == CAP_MULTIPROTOCOL) {
		take_multiprotocol(o, v, len);
	} else if (code == CAP_RESTART) {
		take_restart(o, v, len);
	} else if (code == CAP_AS4 && len == 4) {
		o->as4 = true;
		o->as = fg_load_be32(v);
	} else if (len == 0) {
		o->refresh = o->refresh || code == CAP_REFRESH;
		o->enhanced_refresh = o->enhanced_refresh || code == CAP_ENHANCED_REFRESH;
		o->extended = o->extended || code == CAP_EXTENDED;
	}
}

static int bad(struct fg_bgp_error *e, uint8_t subcode, const char *what, unsigned v)
{
	fg_bgp_error_set(e, FG_BGP_BAD_OPEN, subcode, what, v);
	return FG_MALFORMED;
}

static int take_capabilities(struct fg_bgp_open *o, struct fg_reader in, struct fg_bgp_error *e)
{
	while (fg_reader_left(&in) > 0) {
		const uint8_t *head = fg_reader_take(&in, 2);
		const uint8_t *value = head != NULL ? fg_reader_take(&in, head[1]) : NULL;

		if (value == NULL)
			return bad(e, 0, "a capability runs over its parameter", 0);
		take_capability(o, head[0], value, head[1]);
	}
	return 0;
}

/* Parameters with lengths of one octet, or of two (RFC 9072 §2). */
static int take_parameters(struct fg_bgp_open *o, struct fg_reader in, size_t length_octets, struct fg_bgp_error *e)
{
	int r = 0;

	while (fg_reader_left(&in) > 0 && r == 0) {
		struct fg_reader value;
		uint64_t type, len;

		if (!fg_reader_uint(&in, 1, &type) || !fg_reader_uint(&in, length_octets, &len))
			return bad(e, 0, "an optional parameter is cut", 0);
		value.at = fg_reader_take(&in, (size_t)len);
		if (value.at == NULL)
			return bad(e, 0, "optional parameter %u runs over the message", (unsigned)type);
		value.end = value.at + len;
		if (type != PARAMETER_CAPABILITIES)
			return bad(e, FG_BGP_BAD_PARAMETER, "optional parameter %u", (unsigned)type);
		r = take_capabilities(o, value, e);
	}
	return r;
}

static int check_fixed(const uint8_t *fixed, const struct fg_bgp_open *o, struct fg_bgp_error *e)
{
	if (fixed[0] != VERSION) {
		bad(e, FG_BGP_BAD_VERSION, "version %u", fixed[0]);
		fg_store_be16(e->data, VERSION);
		e->data_len = 2;
		return FG_MALFORMED;
	}
	if (o->hold_s != 0 && o->hold_s < FG_BGP_HOLD_MIN)
		return bad(e, FG_BGP_BAD_HOLD, "a hold time of %u s", o->hold_s);
	if (o->id == 0)
		return bad(e, FG_BGP_BAD_ID, "identifier 0", 0);
	return 0;
}

int fg_bgp_open_read(const struct fg_bgp_message *m, struct fg_bgp_open *out, struct fg_bgp_error *e)
{
	struct fg_reader in = { m->body, m->body + m->body_len };
	const uint8_t *fixed = fg_reader_take(&in, FIXED);
	struct fg_bgp_open o = { 0 };
	size_t length_octets = 1, len;
	int r;

	if (fixed == NULL)
		return bad(e, 0, "the message is cut", 0);
	o.as = fg_load_be16(fixed + 1);
	o.hold_s = fg_load_be16(fixed + 3);
	o.id = fg_load_be32(fixed + 5);
	len = fixed[9];
	if (len != 0 && fg_reader_left(&in) >= 3 && in.at[0] == PARAMETER_EXTENDED) {
		len = fg_load_be16(in.at + 1);
		in.at += 3;
		length_octets = 2;
	}
	if (len != fg_reader_left(&in))
		return bad(e, 0, "optional parameters of %u octets do not fill the message", (unsigned)len);
	r = check_fixed(fixed, &o, e);
	if (r == 0)
		r = take_parameters(&o, in, length_octets, e);
	if (r == 0 && o.as == 0)
		r = bad(e, FG_BGP_BAD_PEER_AS, "AS 0 (RFC 7607)", 0);
	if (r == 0)
		*out = o;
	return r;
}

/* ---- Writing ---- */

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

static void put_flag(struct out *o, bool has, uint8_t code)
{
	if (!has)
		return;
	put8(o, code);
	put8(o, 0);
}

static void put_family(struct out *o, bool has, int family, uint8_t safi)
{
	if (!has)
		return;
	put8(o, CAP_MULTIPROTOCOL);
	put8(o, 4);
	put16(o, (uint16_t)(family + 1));
	put8(o, 0);
	put8(o, safi);
}

static void put_restart(struct out *o, const struct fg_bgp_open *open)
{
	uint8_t *len;

	if (!open->restart)
		return;
	put8(o, CAP_RESTART);
	len = o->at;
	put8(o, 0);
	put16(o, (uint16_t)((open->restart_s & 0xfff) | (open->restarting ? RESTARTING << 8 : 0) |
			    (open->restart_notification ? RESTART_NOTIFICATION << 8 : 0)));
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		if (open->restart_family[f]) {
			put16(o, (uint16_t)(f + 1));
			put8(o, FG_BGP_FLOWSPEC);
			put8(o, open->kept[f] ? FORWARDING : 0);
		}
	*len = (uint8_t)(o->at - len - 1);
}

static void put_capabilities(struct out *o, const struct fg_bgp_open *open)
{
	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		put_family(o, open->flowspec[f], f, FG_BGP_FLOWSPEC);
		put_family(o, open->unicast[f], f, FG_BGP_UNICAST);
	}
	put_flag(o, open->refresh, CAP_REFRESH);
	put_flag(o, open->enhanced_refresh, CAP_ENHANCED_REFRESH);
	put_flag(o, open->extended, CAP_EXTENDED);
	put_restart(o, open);
	if (open->as4) {
		put8(o, CAP_AS4);
		put8(o, 4);
		put16(o, (uint16_t)(open->as >> 16));
		put16(o, (uint16_t)open->as);
	}
}

size_t fg_bgp_open_write(const struct fg_bgp_open *open, uint8_t out[FG_BGP_OPEN_OCTETS])
{
	struct out o = { out + FG_BGP_HEADER };
	uint8_t *lengths;

	put8(&o, VERSION);
	put16(&o, open->as > UINT16_MAX ? FG_BGP_AS_TRANS : (uint16_t)open->as);
	put16(&o, open->hold_s);
	put16(&o, (uint16_t)(open->id >> 16));
	put16(&o, (uint16_t)open->id);
	lengths = o.at;
	put8(&o, 0);
	put8(&o, PARAMETER_CAPABILITIES);
	put8(&o, 0);
	put_capabilities(&o, open);
	lengths[0] = (uint8_t)(o.at - lengths - 1);
	lengths[2] = (uint8_t)(o.at - lengths - 3);
	fg_bgp_header_write(out, FG_BGP_OPEN, (size_t)(o.at - out));
	return (size_t)(o.at - out);
}
