/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which of two rules is evaluated first: flow_rule_cmp() of RFC 8955 appendix A and RFC 8956 appendix A, said in
 * C. Comes in: two decoded NLRI of one family. Goes out: < 0, 0, > 0. What always holds: 0 only for the same
 * octets; where the RFC calls different octets equal (bits behind a prefix), the lower octets go first.
 */
#include "tests/oracle/oracle.h"

#include <string.h>

enum { A_FIRST = -1, EQUAL = 0, B_FIRST = 1 };

/* Both patterns agree on every bit that both of them have. Of one offset, this is overlaps(). */
static bool overlap(const struct or_component *a, const struct or_component *b)
{
	size_t shorter = a->prefix_length < b->prefix_length ? a->prefix_length : b->prefix_length;

	for (size_t bit = a->prefix_offset; bit < shorter; bit++)
		if (((a->prefix[bit / 8] ^ b->prefix[bit / 8]) >> (7 - bit % 8)) & 1)
			return false;
	return true;
}

/* RFC 8956 §4: lowest offset first. RFC 8955 §5.1: nested, the longer first; otherwise the lower address. */
static int order_prefix(const struct or_component *a, const struct or_component *b)
{
	if (a->prefix_offset != b->prefix_offset)
		return a->prefix_offset < b->prefix_offset ? A_FIRST : B_FIRST;
	if (!overlap(a, b))
		return memcmp(a->prefix, b->prefix, sizeof(a->prefix)) < 0 ? A_FIRST : B_FIRST;
	if (a->prefix_length != b->prefix_length)
		return a->prefix_length > b->prefix_length ? A_FIRST : B_FIRST;
	return EQUAL;
}

/* RFC 8955 §5.1: as octet strings, the lower first; where one begins with the other, the longer first. */
static int order_octets(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	size_t common = a_len < b_len ? a_len : b_len;
	int cmp = memcmp(a, b, common);

	if (cmp != 0)
		return cmp < 0 ? A_FIRST : B_FIRST;
	if (a_len != b_len)
		return a_len > b_len ? A_FIRST : B_FIRST;
	return EQUAL;
}

static int order_component(const struct or_component *a, const struct or_component *b)
{
	if (a->type != b->type)
		return a->type < b->type ? A_FIRST : B_FIRST;
	if (a->type == OR_DESTINATION || a->type == OR_SOURCE)
		return order_prefix(a, b);
	return order_octets(a->body, a->len, b->body, b->len);
}

int or_order(const struct or_nlri *a, const struct or_nlri *b)
{
	for (size_t i = 0; i < a->count || i < b->count; i++) {
		int cmp;

		if (i >= a->count) /* the rule that lacks the component loses */
			return B_FIRST;
		if (i >= b->count)
			return A_FIRST;
		cmp = order_component(&a->component[i], &b->component[i]);
		if (cmp != EQUAL)
			return cmp;
	}
	return order_octets(a->octets, a->len, b->octets, b->len);
}
