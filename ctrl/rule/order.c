/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Order of evaluation (RFC 8955 §5.1, RFC 8956 §4): two checked NLRIs in, which one is first out. Component by
 * component in type order; the received octets decide, so two encodings of one meaning have different ranks.
 * Stateless.
 */
#include "ctrl/rule/order.h"

#include <string.h>

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static int order_octets(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	/* RFC 8955 §5.1: where the common octets are equal, the longer string comes first. */
	return r != 0 ? sign(r) : (a_len < b_len) - (a_len > b_len);
}

/* Bits [first, last) of two addresses. */
static int order_bits(const struct fg_prefix *a, const struct fg_prefix *b, unsigned int first, unsigned int last)
{
	for (unsigned int bit = first; bit < last; bit++) {
		int x = (a->octets[bit / 8] >> (7 - bit % 8)) & 1;
		int y = (b->octets[bit / 8] >> (7 - bit % 8)) & 1;

		if (x != y)
			return x - y;
	}
	return 0;
}

static int order_prefixes(const struct fg_prefix *a, const struct fg_prefix *b)
{
	int r;

	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1; /* RFC 8956 §4 */
	r = order_bits(a, b, a->offset, a->length < b->length ? a->length : b->length);
	return r != 0 ? r : (a->length < b->length) - (a->length > b->length);
}

/* Equal but for bits that mean nothing, and for what no NLRI says. Any fixed order will do of the former. */
static int order_same(const struct fg_rule *a, const struct fg_rule *b)
{
	int r = order_octets(a->nlri, a->nlri_len, b->nlri, b->nlri_len);
	uint64_t ta = a->turn - 1, tb = b->turn - 1; /* 0 is last */

	return r != 0 ? r : (ta > tb) - (ta < tb);
}

int fg_rule_order(const struct fg_rule *a, const struct fg_rule *b)
{
	struct fg_component_iter ia = fg_components(a), ib = fg_components(b);
	struct fg_component ca, cb;

	for (;;) {
		int ea = fg_component_next(&ia, &ca, NULL), eb = fg_component_next(&ib, &cb, NULL);
		int r;

		if (ea != 0 || eb != 0) {
			if (ea != 0 && eb != 0)
				break;
			return ea != 0 ? 1 : -1; /* the rule that lacks the component loses */
		}
		if (ca.type != cb.type)
			return ca.type < cb.type ? -1 : 1;
		if (ca.type <= FG_SRC) {
			struct fg_prefix pa = fg_component_prefix(a, &ca), pb = fg_component_prefix(b, &cb);

			r = order_prefixes(&pa, &pb);
		} else {
			r = order_octets(ca.body, ca.len, cb.body, cb.len);
		}
		if (r != 0)
			return r;
	}
	return order_same(a, b);
}

/*
 * The last address of a destination sorts as rules do: nested, the longer prefix ends first, or at the same address; not nested, the lower
 * one does. Of IPv6 the upper bits must do.
 */
uint64_t fg_rule_rank(const struct fg_rule *rule)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;
	struct fg_prefix p;
	uint64_t last = 0;

	if (fg_component_next(&it, &c, NULL) != 0 || c.type != FG_DST)
		return UINT64_MAX;
	p = fg_component_prefix(rule, &c);
	if (p.offset != 0)
		return UINT64_MAX - 1;
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t fixed = p.length > 8 * i ? p.length - 8 * i : 0;

		last = last << 8 | p.octets[i] | (fixed < 8 ? 0xffu >> fixed : 0);
	}
	return rule->family == FG_IPV4 ? last >> 32 << 8 | (32u - p.length) : last >> 1;
}
