/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random rules as NLRI octets. Comes in: a random sequence and the kind of rules wanted. Goes out: valid NLRI in type
 * order, with everything the wire permits: needless widths, ignored bits set, trailing bits, false and true operators,
 * values no field can hold. What always holds: prefixes come from a tree so small that nesting is the rule.
 */
#include "tests/oracle/generate.h"

#include <string.h>

enum { LIST_ROOM = 32 }; /* above a type octet and the largest group: two terms of nine octets, or five of three */

struct or_random or_random_seed(uint64_t seed)
{
	struct or_random r = { .state = seed * 0x9e3779b97f4a7c15u + 0x1234567 };

	if (r.state == 0)
		r.state = 1;
	for (int i = 0; i < 4; i++)
		or_random_next(&r);
	return r;
}

uint64_t or_random_next(struct or_random *r)
{
	r->state ^= r->state >> 12;
	r->state ^= r->state << 25;
	r->state ^= r->state >> 27;
	return r->state * 0x2545f4914f6cdd1du;
}

uint32_t or_random_below(struct or_random *r, uint32_t n)
{
	return (uint32_t)((or_random_next(r) >> 32) * n >> 32);
}

bool or_random_chance(struct or_random *r, uint32_t percent)
{
	return or_random_below(r, 100) < percent;
}

static uint8_t pick(struct or_random *r, const uint8_t *of, size_t count)
{
	return of[or_random_below(r, (uint32_t)count)];
}

#define PICK(r, ...) pick((r), (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* Octets differ in few places and by few bits: two addresses often share a long prefix. */
void or_gen_address(struct or_random *r, enum or_family family, uint8_t *out)
{
	if (family == OR_IPV4) {
		out[0] = PICK(r, 10, 10, 10, 192, 203);
		out[1] = PICK(r, 0, 0, 1, 128);
		out[2] = PICK(r, 2, 2, 2, 3, 113);
		out[3] = PICK(r, 0, 1, 1, 7, 128, 255);
		return;
	}
	memset(out, 0, 16);
	out[0] = 0x20;
	out[1] = 0x01;
	out[2] = 0x0d;
	out[3] = PICK(r, 0xb8, 0xb8, 0xb8, 0xb9);
	out[5] = PICK(r, 0, 0, 1, 0x80);
	out[7] = PICK(r, 0, 0, 1);
	out[8] = PICK(r, 0, 0, 0x80);
	out[14] = PICK(r, 0, 0, 0x12);
	out[15] = PICK(r, 0, 1, 1, 7, 0xff);
}

static void put(struct or_gen_rule *rule, uint8_t octet)
{
	rule->octets[rule->len++] = octet;
}

static uint8_t prefix_length(struct or_random *r, enum or_family family)
{
	if (family == OR_IPV4)
		return PICK(r, 0, 1, 7, 8, 9, 15, 16, 17, 20, 23, 24, 24, 24, 25, 28, 30, 31, 32, 32, 32, 32, 32);
	return PICK(r, 0, 3, 16, 31, 32, 32, 33, 47, 48, 48, 56, 63, 64, 64, 65, 96, 112, 120, 127, 128, 128, 128, 128);
}

/* RFC 8956 §3.1: strict, bits [offset, length) moved to the left; full, all bits. Some trailing bits are left set. */
static void put_pattern(struct or_random *r, struct or_gen_rule *rule, const uint8_t *address, size_t first,
			size_t length)
{
	size_t bits = length - first;
	size_t octets = (bits + 7) / 8;
	uint8_t trailing = or_random_chance(r, 10) ? 0xff : 0;

	for (size_t i = 0; i < octets; i++) {
		unsigned int octet = 0;

		for (size_t bit = i * 8; bit < i * 8 + 8; bit++) {
			size_t from = first + bit;
			unsigned int one = bit < bits ? (unsigned int)address[from / 8] >> (7 - from % 8) : trailing;

			octet = octet << 1 | (one & 1);
		}
		put(rule, (uint8_t)octet);
	}
}

static void put_prefix(struct or_random *r, struct or_gen_rule *rule, uint8_t type)
{
	uint8_t address[16];
	uint8_t length = prefix_length(r, rule->family);
	uint8_t offset = 0;

	or_gen_address(r, rule->family, address);
	put(rule, type);
	put(rule, length);
	if (rule->family == OR_IPV6) {
		if (length > 0 && or_random_chance(r, 15))
			offset = (uint8_t)or_random_below(r, length);
		put(rule, offset);
	}
	put_pattern(r, rule, address, rule->full_offset ? 0 : offset, length);
}

/* Values of a field that packets of aim.c have too. */
static uint64_t value_of(struct or_random *r, uint8_t type)
{
	static const uint16_t port[] = { 0, 19, 53, 53, 80, 80, 123, 443, 1023, 1024, 4000, 8080, 32768, 65534, 65535 };
	static const uint32_t length[] = { 0,    19,   20,   28,   40,    41,    48,    64,    100,   576,
					   1200, 1280, 1500, 9000, 65535, 65536, 65575, 65576, 99971, 99985 };
	static const uint32_t label[] = { 0, 1, 2013, 0x12345, 0xfffff, 0x100000 };

	switch (type) {
	case OR_PROTOCOL:
		return PICK(r, 1, 6, 17, 58, 47, 50, 59, 0, 44, 60, 255);
	case OR_PORT:
	case OR_DESTINATION_PORT:
	case OR_SOURCE_PORT:
		return port[or_random_below(r, sizeof(port) / sizeof(*port))];
	case OR_ICMP_TYPE:
		return PICK(r, 0, 3, 8, 11, 128, 129, 135, 255);
	case OR_ICMP_CODE:
		return PICK(r, 0, 0, 1, 3, 4, 255);
	case OR_PACKET_LENGTH:
		return length[or_random_below(r, sizeof(length) / sizeof(*length))];
	case OR_DSCP:
		return PICK(r, 0, 8, 10, 46, 46, 63, 64 + 46, 101);
	case OR_FLOW_LABEL:
		return label[or_random_below(r, sizeof(label) / sizeof(*label))];
	case OR_TCP_FLAGS:
		if (or_random_chance(r, 80))
			return PICK(r, 0, 1, 2, 2, 4, 8, 16, 18, 18, 32, 63, 194);
		return or_random_next(r) & 0xffff;
	default: /* fragment */
		return PICK(r, 0, 1, 2, 2, 4, 8, 8, 10, 12, 15, 16, 242);
	}
}

/* The smallest width that holds the value, sometimes a larger one that the component permits. */
static unsigned int width_code(struct or_random *r, uint8_t type, uint64_t value)
{
	unsigned int code = value < 0x100 ? 0 : value < 0x10000 ? 1 : value < 0x100000000u ? 2 : 3;
	unsigned int most = type == OR_DSCP || type == OR_FRAGMENT ? 0 : type == OR_TCP_FLAGS ? 1 : 3;

	while (code < most && or_random_chance(r, 10))
		code++;
	return code;
}

/* One term; `op` holds AND and the comparison. Ignored bits of the operator are set now and then. */
static void put_term(struct or_random *r, struct or_gen_rule *rule, uint8_t type, unsigned int op, uint64_t value)
{
	unsigned int code = width_code(r, type, value);

	if (or_random_chance(r, 3))
		op |= type == OR_TCP_FLAGS || type == OR_FRAGMENT ? 0x0c : 0x08;
	put(rule, (uint8_t)(op | code << 4));
	for (unsigned int i = 1u << code; i-- > 0;)
		put(rule, (uint8_t)(value >> (8 * i)));
}

/* One OR alternative of a numeric list: value, range, comparison, two exclusions, or anything at all. */
static void put_numeric_group(struct or_random *r, struct or_gen_rule *rule, uint8_t type)
{
	uint64_t a = value_of(r, type);
	uint64_t b = value_of(r, type);
	uint32_t kind = or_random_below(r, 20);
	unsigned int op; /* drawn before the call: the order in which arguments are evaluated is the compiler's */

	if (type == OR_DSCP ? false : or_random_chance(r, 1))
		a |= or_random_next(r) << 32;
	if (kind < 9) {
		put_term(r, rule, type, 0x01, a);
	} else if (kind < 14) {
		put_term(r, rule, type, 0x03, a < b || or_random_chance(r, 5) ? a : b);
		put_term(r, rule, type, 0x45, a < b ? b : a);
	} else if (kind < 16) {
		op = PICK(r, 2, 3, 4, 5);
		put_term(r, rule, type, op, a);
	} else if (kind < 17) {
		put_term(r, rule, type, 0x06, a);
	} else if (kind < 18) {
		put_term(r, rule, type, 0x06, a);
		put_term(r, rule, type, 0x46, b);
	} else {
		op = or_random_below(r, 8);
		put_term(r, rule, type, op, a);
		op = or_random_below(r, 2) << 6;
		op |= or_random_below(r, 8);
		put_term(r, rule, type, op, b);
	}
}

static void put_bitmask_group(struct or_random *r, struct or_gen_rule *rule, uint8_t type)
{
	unsigned int op = PICK(r, 0, 0, 1, 1, 2, 3);
	uint64_t value = value_of(r, type);

	put_term(r, rule, type, op, value);
	for (int i = 0; i < 4 && or_random_chance(r, 30); i++) {
		op = 0x40u | or_random_below(r, 4);
		value = value_of(r, type);
		put_term(r, rule, type, op, value);
	}
}

/* Place of the last operator of the list that starts at `at`. */
static size_t last_operator(const struct or_gen_rule *rule, size_t at)
{
	size_t last = at;
	struct or_term term;

	while (at < rule->len) {
		last = at;
		at += or_term_read(rule->octets + at, rule->len - at, &term);
	}
	return last;
}

static void put_list(struct or_random *r, struct or_gen_rule *rule, uint8_t type)
{
	static const uint8_t groups[] = { 1, 1, 1, 1, 1, 2, 2, 3, 4, 6 };
	uint32_t count = pick(r, groups, sizeof(groups));
	size_t start, last;

	if (or_random_chance(r, 1))
		count = 1 + or_random_below(r, 3 * sizeof(groups)); /* at most 30 groups */
	put(rule, type);
	start = rule->len;
	for (uint32_t i = 0; i < count && (i == 0 || rule->len + LIST_ROOM <= OR_GEN_NLRI_MAX); i++) {
		if (type == OR_TCP_FLAGS || type == OR_FRAGMENT)
			put_bitmask_group(r, rule, type);
		else
			put_numeric_group(r, rule, type);
	}
	if (or_random_chance(r, 3))
		rule->octets[start] |= 0x40; /* ignored on the first operator: RFC 8955 §4.2.1.1 */
	last = last_operator(rule, start);
	rule->octets[last] |= 0x80;
}

/* A protocol component that fits what else the rule asks for, in one of its spellings. */
static void put_protocol(struct or_random *r, struct or_gen_rule *rule, uint8_t protocol)
{
	put(rule, OR_PROTOCOL);
	switch (or_random_below(r, 8)) {
	case 0:
		put(rule, 0x03);
		put(rule, protocol);
		put(rule, 0xc5);
		put(rule, (uint8_t)(protocol + or_random_below(r, 3)));
		break;
	case 1:
		put(rule, 0x01);
		put(rule, PICK(r, 1, 6, 17, 58));
		put(rule, 0x81);
		put(rule, protocol);
		break;
	case 2:
		put(rule, 0x86);
		put(rule, (uint8_t)(protocol + 1));
		break;
	default:
		put(rule, 0x81);
		put(rule, protocol);
		break;
	}
}

/* Types that go together, as bits; the protocol they go with. */
static uint16_t choose_types(struct or_random *r, enum or_family family, uint8_t *protocol)
{
	const uint16_t ports = 1 << OR_PORT | 1 << OR_DESTINATION_PORT | 1 << OR_SOURCE_PORT;
	const uint16_t icmp = 1 << OR_ICMP_TYPE | 1 << OR_ICMP_CODE;
	const uint16_t any =
		1 << OR_PROTOCOL | 1 << OR_PACKET_LENGTH | 1 << OR_DSCP | 1 << OR_FRAGMENT | 1 << OR_FLOW_LABEL;

	switch (or_random_below(r, 5)) {
	case 0:
		*protocol = 6;
		return any | ports | 1 << OR_TCP_FLAGS;
	case 1:
	case 2:
		*protocol = 17;
		return any | ports;
	case 3:
		*protocol = family == OR_IPV4 ? 1 : 58;
		return any | icmp;
	default:
		*protocol = (uint8_t)value_of(r, OR_PROTOCOL);
		return any;
	}
}

/* How often a component is there where it goes with the rest. */
static uint32_t presence_percent(uint8_t type)
{
	switch (type) {
	case OR_PROTOCOL:
		return 55;
	case OR_DESTINATION_PORT:
	case OR_ICMP_TYPE:
		return 50;
	case OR_PACKET_LENGTH:
	case OR_TCP_FLAGS:
		return 35;
	default:
		return 20;
	}
}

void or_gen_rule(struct or_random *r, enum or_family family, const struct or_gen_rules *how, struct or_gen_rule *out)
{
	uint8_t protocol;
	uint16_t types = choose_types(r, family, &protocol);
	bool wild = or_random_chance(r, how->wild_percent);
	uint8_t last = family == OR_IPV4 ? OR_FRAGMENT : OR_FLOW_LABEL;

	memset(out, 0, sizeof(*out));
	out->family = family;
	out->go_on = or_random_chance(r, how->go_on_percent);
	out->full_offset = family == OR_IPV6 && or_random_chance(r, how->full_percent);
	if (!or_random_chance(r, how->no_dst_percent))
		put_prefix(r, out, OR_DESTINATION);
	if (or_random_chance(r, how->src_percent ? how->src_percent : 30))
		put_prefix(r, out, OR_SOURCE);
	for (uint8_t type = OR_PROTOCOL; type <= last; type++) {
		if (!wild && !(types >> type & 1))
			continue;
		if (!or_random_chance(r, presence_percent(type)) || out->len + LIST_ROOM > OR_GEN_NLRI_MAX)
			continue;
		if (type == OR_PROTOCOL && !wild)
			put_protocol(r, out, protocol);
		else
			put_list(r, out, type);
	}
	if (out->len == 0)
		put_protocol(r, out, protocol);
}

void or_gen_damage(struct or_random *r, struct or_gen_rule *rule)
{
	uint32_t changes = 1 + or_random_below(r, 3);

	for (uint32_t i = 0; i < changes; i++) {
		size_t at = or_random_below(r, rule->len + 1u);
		uint8_t octet = or_random_chance(r, 50) ? (uint8_t)or_random_below(r, 16) : (uint8_t)or_random_next(r);

		switch (or_random_below(r, 4)) {
		case 0:
			rule->len = (uint16_t)at;
			break;
		case 1:
			if (rule->len == OR_GEN_NLRI_MAX)
				break;
			memmove(rule->octets + at + 1, rule->octets + at, rule->len - at);
			rule->octets[at] = octet;
			rule->len++;
			break;
		case 2:
			if (at == rule->len)
				break;
			memmove(rule->octets + at, rule->octets + at + 1, rule->len - at - 1u);
			rule->len--;
			break;
		default:
			if (at < rule->len)
				rule->octets[at] = octet;
			break;
		}
	}
}
