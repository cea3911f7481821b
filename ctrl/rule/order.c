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
	/* Equal but for bits that mean nothing: any fixed order will do. */
	return order_octets(a->nlri, a->nlri_len, b->nlri, b->nlri_len);
}
