/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Flowspec NLRI: octets in, checked components and terms out, and back. Everything that reads an NLRI goes through
 * fg_component_next(), which accepts a component wholly or not at all; what it gave cannot be read beyond its end.
 * Next on the way of a rule: canon.c. Stateless; any thread.
 */
#include "ctrl/rule/nlri.h"

#include <stdio.h>
#include <string.h>

static int malformed(struct fg_finding *why, uint8_t type, size_t octet, const char *source, const char *detail)
{
	if (why == NULL)
		return FG_MALFORMED;
	memset(why, 0, sizeof(*why));
	why->code = FG_MALFORMED;
	why->component = type;
	why->octet = (uint16_t)octet;
	snprintf(why->source, sizeof(why->source), "%s", source);
	snprintf(why->detail, sizeof(why->detail), "%s", detail);
	return FG_MALFORMED;
}

struct fg_component_iter fg_components(const struct fg_rule *rule)
{
	struct fg_component_iter it = {
		/* A rule of no octets may have none to point at. */
		.in = { .at = rule->nlri, .end = rule->nlri_len != 0 ? rule->nlri + rule->nlri_len : rule->nlri },
		.start = rule->nlri,
		.family = rule->family,
		.offset_form = rule->offset_form,
	};

	return it;
}

/* Octets that follow the length (and offset) octets of a prefix, or -1 where those are impossible. */
static int prefix_octets(uint8_t family, uint8_t form, uint8_t length, uint8_t offset)
{
	if (family == FG_IPV4)
		return length <= 32 ? (length + 7) / 8 : -1;
	/* RFC 8956 §3.1: offset < length < 129, or both 0. */
	if (length > 128 || (offset >= length && (offset | length) != 0))
		return -1;
	return ((form == FG_OFFSET_FULL ? length : length - offset) + 7) / 8;
}

/* The clause that says what a component is made of: of a prefix, or of a list whose widths it limits. */
static const char *clause(uint8_t family, uint8_t type)
{
	switch (type) {
	case FG_DST:
		return family == FG_IPV4 ? "RFC 8955 §4.2.2.1" : "RFC 8956 §3.1";
	case FG_SRC:
		return family == FG_IPV4 ? "RFC 8955 §4.2.2.2" : "RFC 8956 §3.2";
	case FG_TCP_FLAGS:
		return "RFC 8955 §4.2.2.9";
	case FG_DSCP:
		return "RFC 8955 §4.2.2.11";
	case FG_FRAGMENT:
		return family == FG_IPV4 ? "RFC 8955 §4.2.2.12" : "RFC 8956 §3.6";
	default:
		return "RFC 8955 §4.2.1";
	}
}

static const char *skip_prefix(struct fg_component_iter *it)
{
	const uint8_t *head = fg_reader_take(&it->in, it->family == FG_IPV4 ? 1 : 2);
	int octets;

	if (head == NULL)
		return "the prefix ends before its length";
	octets = prefix_octets(it->family, it->offset_form, head[0], it->family == FG_IPV4 ? 0 : head[1]);
	if (octets < 0)
		return it->family == FG_IPV4 ? "prefix length above 32"
					     : "prefix length above 128, or offset not below it";
	return fg_reader_take(&it->in, (size_t)octets) == NULL ? "the prefix ends before its last octet" : NULL;
}

/* Widths of value a component may use: DSCP and fragment one octet, TCP flags one or two (RFC 8955 §4.2.2.9-12). */
static unsigned int width_max(uint8_t type)
{
	if (type == FG_DSCP || type == FG_FRAGMENT)
		return 1;
	return type == FG_TCP_FLAGS ? 2 : 8;
}

static const char *skip_terms(struct fg_component_iter *it, uint8_t type)
{
	const uint8_t *op;

	do {
		unsigned int width;

		op = fg_reader_take(&it->in, 1);
		if (op == NULL)
			return "the operator list has no end";
		width = 1u << ((*op & FG_OP_LEN_MASK) >> FG_OP_LEN_SHIFT);
		if (width > width_max(type))
			return "a value is wider than this component permits";
		if (fg_reader_take(&it->in, width) == NULL)
			return "the value ends before its last octet";
	} while ((*op & FG_OP_END) == 0);
	return NULL;
}

int fg_component_next(struct fg_component_iter *it, struct fg_component *c, struct fg_finding *why)
{
	const uint8_t *type = fg_reader_take(&it->in, 1);
	const char *fault;

	if (type == NULL && it->last_type != 0)
		return -1;
	if (type == NULL)
		return malformed(why, 0, 0, "RFC 8955 §4.2", "an NLRI without components");
	if (*type == 0 || *type > (it->family == FG_IPV4 ? FG_FRAGMENT : FG_FLOW_LABEL))
		return malformed(why, 0, (size_t)(type - it->start), "RFC 8955 §4.2", "unknown component type");
	if (*type <= it->last_type)
		return malformed(why, *type, (size_t)(type - it->start), "RFC 8955 §4.2",
				 "component types do not increase");
	fault = *type <= FG_SRC ? skip_prefix(it) : skip_terms(it, *type);
	if (fault != NULL)
		return malformed(why, *type, (size_t)(it->in.at - it->start), clause(it->family, *type), fault);
	it->last_type = *type;
	c->type = *type;
	c->octet = (uint16_t)(type - it->start);
	c->body = type + 1;
	c->len = (uint16_t)(it->in.at - c->body);
	return 0;
}

struct fg_term_iter fg_terms(const struct fg_component *c)
{
	return (struct fg_term_iter){ .in = { .at = c->body, .end = c->body + c->len }, .first = true };
}

bool fg_term_next(struct fg_term_iter *it, struct fg_term *t)
{
	const uint8_t *op = fg_reader_take(&it->in, 1);

	if (op == NULL)
		return false;
	t->width = (uint8_t)(1u << ((*op & FG_OP_LEN_MASK) >> FG_OP_LEN_SHIFT));
	/* RFC 8955 §4.2.1.1: the AND bit of the first operator is ignored. */
	t->op = it->first ? (uint8_t)(*op & ~FG_OP_AND) : *op;
	it->first = false;
	return fg_reader_uint(&it->in, t->width, &t->value);
}

static bool octets_bit(const uint8_t *octets, unsigned int bit)
{
	return (octets[bit / 8] >> (7 - bit % 8)) & 1;
}

/* Pattern bits of a prefix whose first octet on the wire is that of the address; trailing bits are cleared. */
static void copy_bits(struct fg_prefix *p, const uint8_t *bits)
{
	memcpy(p->octets, bits, (p->length + 7u) / 8);
	if (p->length % 8 != 0)
		p->octets[p->length / 8] &= (uint8_t) ~(0xff >> p->length % 8);
	memset(p->octets, 0, p->offset / 8);
	p->octets[p->offset / 8 % sizeof(p->octets)] &= (uint8_t)(0xff >> p->offset % 8);
}

struct fg_prefix fg_component_prefix(const struct fg_rule *rule, const struct fg_component *c)
{
	struct fg_prefix p = { .length = c->body[0], .offset = rule->family == FG_IPV4 ? 0 : c->body[1] };
	const uint8_t *bits = c->body + (rule->family == FG_IPV4 ? 1 : 2);

	if (p.offset == 0 || rule->offset_form == FG_OFFSET_FULL) {
		copy_bits(&p, bits);
		return p;
	}
	for (unsigned int bit = p.offset; bit < p.length; bit++)
		if (octets_bit(bits, bit - p.offset))
			p.octets[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return p;
}

int fg_nlri_check(const struct fg_rule *rule, struct fg_finding *why)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;
	int r;

	do
		r = fg_component_next(&it, &c, why);
	while (r == 0);
	return r < 0 ? 0 : r;
}

/* Length of the NLRI that follows (RFC 8955 §4.1): one octet below 0xf0, otherwise twelve bits of two. */
static bool read_length(struct fg_reader *in, uint64_t *len)
{
	uint64_t low;

	if (!fg_reader_uint(in, 1, len))
		return false;
	if (*len < 0xf0)
		return true;
	if (!fg_reader_uint(in, 1, &low))
		return false;
	*len = (*len & 0x0f) << 8 | low;
	return true;
}

int fg_nlri_read(struct fg_reader *in, enum fg_family family, bool vpn, enum fg_offset_form form, struct fg_rule *rule,
		 bool *framed, struct fg_finding *why)
{
	struct fg_reader r = *in;
	const uint8_t *octets;
	uint64_t len;

	*framed = false;
	if (!read_length(&r, &len))
		return malformed(why, 0, 0, "RFC 8955 §4.1", "the NLRI ends in its length");
	octets = fg_reader_take(&r, len);
	if (octets == NULL)
		return malformed(why, 0, 0, "RFC 8955 §4.1", "the NLRI is shorter than its length says");
	*framed = true;
	*in = r;
	rule->family = (uint8_t)family;
	rule->vpn = vpn;
	rule->offset_form = (uint8_t)form;
	memset(rule->rd, 0, sizeof(rule->rd));
	rule->nlri = octets;
	rule->nlri_len = (uint16_t)len;
	if (vpn && len < sizeof(rule->rd))
		return malformed(why, 0, 0, "RFC 8955 §8", "no room for the route distinguisher");
	if (vpn) {
		memcpy(rule->rd, octets, sizeof(rule->rd));
		rule->nlri += sizeof(rule->rd);
		rule->nlri_len = (uint16_t)(len - sizeof(rule->rd));
	}
	return fg_nlri_check(rule, why);
}

size_t fg_nlri_write(const struct fg_rule *rule, uint8_t *out, size_t room)
{
	size_t rd = rule->vpn ? sizeof(rule->rd) : 0;
	size_t len = rd + rule->nlri_len;
	size_t head = len < 0xf0 ? 1 : 2;

	if (len > FG_NLRI_MAX || room < head + len)
		return 0;
	if (head == 1)
		out[0] = (uint8_t)len;
	else
		fg_store_be16(out, (uint16_t)(0xf000 | len));
	memcpy(out + head, rule->rd, rd);
	if (rule->nlri_len != 0)
		memcpy(out + head + rd, rule->nlri, rule->nlri_len);
	return head + len;
}

void fg_nlri_begin(struct fg_nlri_builder *b)
{
	b->len = 0;
	b->last_op = 0;
	b->last_type = 0;
}

int fg_nlri_put_prefix(struct fg_nlri_builder *b, enum fg_family family, uint8_t type, const struct fg_prefix *p)
{
	int octets = prefix_octets((uint8_t)family, FG_OFFSET_STRICT, p->length, p->offset);
	size_t head = family == FG_IPV4 ? 2 : 3;
	uint8_t *at = b->octets + b->len;

	if ((type != FG_DST && type != FG_SRC) || type <= b->last_type || octets < 0 ||
	    (family == FG_IPV4 && p->offset != 0))
		return FG_MALFORMED;
	if (b->len + head + (size_t)octets > FG_NLRI_MAX)
		return FG_MALFORMED;
	memset(at, 0, head + (size_t)octets);
	at[0] = type;
	at[1] = p->length;
	if (family == FG_IPV6)
		at[2] = p->offset;
	for (unsigned int bit = p->offset; bit < p->length; bit++)
		if (octets_bit(p->octets, bit))
			at[head + (bit - p->offset) / 8] |= (uint8_t)(0x80 >> (bit - p->offset) % 8);
	b->len = (uint16_t)(b->len + head + (size_t)octets);
	b->last_type = type;
	return 0;
}

/* log2 of the smallest width that holds the value. */
static unsigned int width_log(uint64_t value)
{
	if (value <= UINT8_MAX)
		return 0;
	if (value <= UINT16_MAX)
		return 1;
	return value <= UINT32_MAX ? 2 : 3;
}

int fg_nlri_put_term(struct fg_nlri_builder *b, uint8_t type, uint8_t op, uint64_t value)
{
	unsigned int log = width_log(value), width = 1u << log;
	bool open = type == b->last_type;
	/* RFC 8955 §4.2.1.1: the AND bit of the first operator is sent as 0. */
	uint8_t bits = FG_OP_LT | FG_OP_GT | FG_OP_EQ | (open ? FG_OP_AND : 0);
	uint8_t *at = b->octets + b->len;

	if (type < FG_PROTO || type > FG_COMPONENT_MAX || type < b->last_type || width > width_max(type))
		return FG_MALFORMED;
	if (b->len + (open ? 1u : 2u) + width > FG_NLRI_MAX)
		return FG_MALFORMED;
	if (open)
		b->octets[b->last_op] &= (uint8_t)~FG_OP_END;
	else
		*at++ = type;
	b->last_op = (uint16_t)(at - b->octets);
	*at++ = (uint8_t)(FG_OP_END | log << FG_OP_LEN_SHIFT | (op & bits));
	for (unsigned int i = width; i-- > 0;)
		*at++ = (uint8_t)(value >> 8 * i);
	b->len = (uint16_t)(at - b->octets);
	b->last_type = type;
	return 0;
}

uint8_t fg_nlri_form(const struct fg_rule *rule)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;

	while (fg_component_next(&it, &c, NULL) == 0 && c.type <= FG_SRC)
		if (fg_component_prefix(rule, &c).offset != 0)
			return rule->offset_form;
	return FG_OFFSET_STRICT;
}
