/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NLRI octets to components (RFC 8955 §4, RFC 8956 §3). Comes in: octets of one NLRI and its family. Goes out: its
 * components, which point into them, or "malformed". Next on the way: match.c and order.c. What always holds: no octet
 * outside the given length is read, and a decoded NLRI has all its octets in exactly one component.
 */
#include "tests/oracle/oracle.h"

#include <string.h>

size_t or_nlri_length(const uint8_t *octets, size_t left, size_t *nlri_len)
{
	size_t taken = 1;
	size_t len;

	if (left < 1)
		return 0;
	len = octets[0];
	if (octets[0] >= 0xf0) {
		if (left < 2)
			return 0;
		taken = 2;
		len = ((size_t)(octets[0] & 0x0f) << 8) | octets[1];
	}
	if (len > left - taken)
		return 0;
	*nlri_len = len;
	return taken;
}

size_t or_term_read(const uint8_t *octets, size_t left, struct or_term *out)
{
	size_t width;
	uint64_t value = 0;

	if (left < 1)
		return 0;
	width = (size_t)1 << ((octets[0] >> 4) & 3);
	if (left < 1 + width)
		return 0;
	for (size_t i = 0; i < width; i++)
		value = value * 256 + octets[1 + i];
	*out = (struct or_term){ .op = octets[0], .width = (uint8_t)width, .value = value };
	return 1 + width;
}

size_t or_terms(const struct or_component *c, struct or_term *out, size_t room)
{
	size_t at = 0;
	size_t count = 0;
	struct or_term term;

	while (at < c->len) {
		at += or_term_read(c->body + at, c->len - at, &term);
		if (count < room)
			out[count] = term;
		count++;
	}
	return count;
}

static bool bit_get(const uint8_t *octets, size_t bit)
{
	return (octets[bit / 8] >> (7 - bit % 8)) & 1;
}

static void bit_set(uint8_t *octets, size_t bit)
{
	octets[bit / 8] = (uint8_t)(octets[bit / 8] | (0x80u >> (bit % 8)));
}

/* Bits [offset, length) of the address; on the wire the first of them is bit `first`. */
static void copy_pattern(struct or_component *c, const uint8_t *wire, size_t first)
{
	for (size_t bit = c->prefix_offset; bit < c->prefix_length; bit++)
		if (bit_get(wire, first + bit - c->prefix_offset))
			bit_set(c->prefix, bit);
}

/* RFC 8955 §4.2.2.1: <length, prefix>. Trailing bits are irrelevant. Octets of the body, or 0. */
static size_t read_prefix4(const uint8_t *body, size_t left, struct or_component *c)
{
	size_t octets;

	if (left < 1 || body[0] > 32)
		return 0;
	octets = ((size_t)body[0] + 7) / 8;
	if (left < 1 + octets)
		return 0;
	c->prefix_length = body[0];
	copy_pattern(c, body + 1, 0);
	return 1 + octets;
}

/* RFC 8956 §3.1: <length, offset, pattern>. 0/0 matches every address; otherwise offset < length < 129. */
static size_t read_prefix6(const uint8_t *body, size_t left, bool full_offset, struct or_component *c)
{
	size_t bits, octets;

	if (left < 2 || body[0] > 128)
		return 0;
	if (body[1] >= body[0] && !(body[0] == 0 && body[1] == 0))
		return 0;
	bits = full_offset ? body[0] : (size_t)(body[0] - body[1]);
	octets = (bits + 7) / 8;
	if (left < 2 + octets)
		return 0;
	c->prefix_length = body[0];
	c->prefix_offset = body[1];
	copy_pattern(c, body + 2, full_offset ? body[1] : 0);
	return 2 + octets;
}

/* Widths that the RFC demands with MUST: §4.2.2.9, .11, .12. Elsewhere every width can be read. */
static bool width_is_legal(uint8_t type, uint8_t width)
{
	switch (type) {
	case OR_TCP_FLAGS:
		return width <= 2;
	case OR_DSCP:
	case OR_FRAGMENT:
		return width == 1;
	default:
		return true;
	}
}

/* RFC 8955 §4.2.1: {operator, value} up to the one with the end bit. Octets of the body, or 0. */
static size_t read_list(uint8_t type, const uint8_t *body, size_t left)
{
	size_t at = 0;
	struct or_term term;

	do {
		size_t taken = or_term_read(body + at, left - at, &term);

		if (taken == 0 || !width_is_legal(type, term.width))
			return 0;
		at += taken;
	} while (!(term.op & 0x80));
	return at;
}

static size_t read_body(enum or_family family, bool full_offset, const uint8_t *body, size_t left,
			struct or_component *c)
{
	if (c->type == OR_DESTINATION || c->type == OR_SOURCE)
		return family == OR_IPV4 ? read_prefix4(body, left, c) : read_prefix6(body, left, full_offset, c);
	if (c->type < OR_DESTINATION || c->type > (family == OR_IPV4 ? OR_FRAGMENT : OR_FLOW_LABEL))
		return 0; /* an unknown type: RFC 8955 §4.2 */
	return read_list(c->type, body, left);
}

bool or_nlri_decode(enum or_family family, bool full_offset, const uint8_t *octets, size_t len, struct or_nlri *out)
{
	struct or_nlri n = { .family = family, .len = (uint16_t)len, .octets = octets };
	size_t at = 0;
	uint8_t last_type = 0;

	if (len == 0 || len > OR_NLRI_MAX)
		return false;
	while (at < len) {
		struct or_component c = { .type = octets[at], .body = octets + at + 1 };

		if (c.type <= last_type) /* strictly increasing: RFC 8955 §4.2 */
			return false;
		c.len = (uint16_t)read_body(family, full_offset, c.body, len - at - 1, &c);
		if (c.len == 0)
			return false;
		last_type = c.type;
		n.component[n.count++] = c;
		at += 1 + (size_t)c.len;
	}
	*out = n;
	return true;
}
