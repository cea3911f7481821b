/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets of packets (cover.c, overlap.c) against enumeration: of random pairs of rules over small fields, one covers the other exactly
 * where no packet of a universe that holds a witness of every difference says otherwise, and they overlap where some packet says so. Packets are the oracle's, and so is matching.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flowgate/packet.h"
#include "tests/oracle/generate.h"
#include "tests/unit/rule/build.h"

/* Values that rules ask for, and values that packets have: those, their neighbours and the ends of the field. */
static const uint32_t asked_protocols[] = { 1, 6, 17, 43, 58, 99 };
static const uint32_t asked_ports[] = { 10, 12 };
static const uint32_t asked_lengths[] = { 20, 24, 34, 40, 44, 48, 52, 56, 62, 99971 };
static const uint32_t protocols[] = { 0,  1,  2,  5,  6,  7,  16, 17,  18,  42,  43,  44,
				      51, 57, 58, 59, 60, 98, 99, 100, 135, 139, 140, 255 };
static const uint32_t ports[] = { 0, 10, 11, 12, 65535 };
enum { LENGTHS = 46 }; /* each of the first 45, and the longest */

static uint32_t length_at(enum fg_family family, uint32_t i)
{
	if (i == LENGTHS - 1)
		return family == FG_IPV6 ? FG_LENGTH6_MAX : FG_LENGTH4_MAX;
	return i + (family == FG_IPV6 ? FG_LENGTH6_MIN : FG_LENGTH4_MIN);
}

#define PICK(r, list) (list)[or_random_below((r), sizeof(list) / sizeof((list)[0]))]

static uint64_t asked_value(struct or_random *r, uint8_t type)
{
	switch (type) {
	case FG_PROTO:
		return PICK(r, asked_protocols);
	case FG_PORT:
	case FG_DPORT:
	case FG_SPORT:
		return PICK(r, asked_ports);
	case FG_LENGTH:
		return PICK(r, asked_lengths);
	case FG_TCP_FLAGS:
		return or_random_chance(r, 10) ? 0x1001 : or_random_below(r, 4);
	case FG_FRAGMENT:
		return or_random_below(r, 16);
	default:
		return or_random_below(r, 2) + 1;
	}
}

static void random_rule(struct or_random *r, enum fg_family family, struct built *b)
{
	bool any = false;

	built_begin(b, family);
	for (uint8_t type = FG_PROTO; type <= (family == FG_IPV6 ? FG_FLOW_LABEL : FG_FRAGMENT); type++) {
		if (!or_random_chance(r, 25) && !(type == FG_FRAGMENT && !any))
			continue;
		any = true;
		for (uint32_t terms = 1 + or_random_below(r, 3); terms > 0; terms--) {
			uint8_t op = (uint8_t)(or_random_below(r, type == FG_TCP_FLAGS || type == FG_FRAGMENT ? 4 : 8) |
					       (or_random_chance(r, 40) ? AND : 0));

			assert_int_equal(fg_nlri_put_term(&b->nlri, type, op, asked_value(r, type)), 0);
		}
	}
	built_end(b);
}

/* What has been seen of the packets of the universe: those that satisfy b, and of these, those that do not satisfy a. */
struct seen {
	struct or_nlri a, b;
	uint16_t types;  /* fields that either asks for: the others need not vary */
	uint32_t length; /* the only one that b asks for, 0 for any */
	uint16_t still;  /* fields for which 0 will do */
	bool some, outside, common;
};

static void look(struct seen *s, const struct or_packet *p)
{
	if (or_nlri_match(&s->b, p) != 0)
		return;
	s->some = true;
	if (or_nlri_match(&s->a, p) != 0)
		s->outside = true;
	else
		s->common = true;
}

static void vary_rest(struct seen *s, struct or_packet p)
{
	for (p.dscp = 0; p.dscp < (s->types >> FG_DSCP & 1 ? 4 : 1); p.dscp++) {
		for (p.flow_label = 0; p.flow_label < (s->types >> FG_FLOW_LABEL & 1 ? 4 : 1); p.flow_label++)
			look(s, &p);
	}
}

static void vary_transport(struct seen *s, struct or_packet p)
{
	size_t n_ports =
		s->types & (1 << FG_PORT | 1 << FG_DPORT | 1 << FG_SPORT) ? sizeof(ports) / sizeof(ports[0]) : 1;
	uint16_t flags = s->types >> FG_TCP_FLAGS & 1 ? 4 : 1;
	uint8_t types = s->types >> FG_ICMP_TYPE & 1 ? 4 : 1, codes = s->types >> FG_ICMP_CODE & 1 ? 4 : 1;

	for (size_t i = 0; i < (p.has_ports ? n_ports * n_ports : 1); i++) {
		p.sport = (uint16_t)ports[i / n_ports];
		p.dport = (uint16_t)ports[i % n_ports];
		for (p.tcp_flags = 0; p.tcp_flags < (p.has_tcp_flags ? flags : 1); p.tcp_flags++) {
			for (p.icmp_type = 0; p.icmp_type < (p.has_icmp_type ? types : 1); p.icmp_type++) {
				for (p.icmp_code = 0; p.icmp_code < (p.has_icmp_code ? codes : 1); p.icmp_code++)
					vary_rest(s, p);
			}
		}
	}
}

/* All that may be known of the header behind `left` octets: each step needs more of them, and the capture may end before any. */
static void vary_header(struct seen *s, struct or_packet p, uint32_t left)
{
	bool icmp = p.protocol == (p.family == OR_IPV6 ? 58 : 1), tcp = p.protocol == 6;

	vary_transport(s, p);
	if (!p.has_protocol || (p.fragment & OR_FRAGMENT_IS) != 0)
		return;
	if ((tcp || p.protocol == 17) && left >= 4) {
		p.has_ports = true;
		vary_transport(s, p);
		p.has_tcp_flags = tcp && left >= 14;
		if (p.has_tcp_flags)
			vary_transport(s, p);
	}
	if (icmp && left >= 1) {
		p.has_icmp_type = true;
		vary_transport(s, p);
		p.has_icmp_code = left >= 2;
		if (p.has_icmp_code)
			vary_transport(s, p);
	}
}

/* One protocol, all fragment states, all lengths. has_protocol false: the capture ends in the chain of extension headers. */
static void vary_fragment(struct seen *s, struct or_packet p)
{
	static const uint8_t states[] = { 0, OR_FRAGMENT_FIRST, OR_FRAGMENT_IS, OR_FRAGMENT_IS | OR_FRAGMENT_LAST };
	bool v6 = p.family == OR_IPV6, extension = v6 && p.has_protocol && fg_packet_is_extension(p.protocol);

	for (uint32_t i = 0; i < (v6 ? 4 : 8); i++) {
		uint32_t headers = !v6 ? 20 : states[i % 4] != 0 ? 48 : 40;

		p.fragment = (uint8_t)(states[i % 4] | (i >= 4 ? OR_FRAGMENT_DF : 0));
		p.has_fragment = true;
		if (extension && (p.fragment & OR_FRAGMENT_IS) == 0)
			continue;
		if (!p.has_protocol && (p.fragment & OR_FRAGMENT_IS) != 0)
			continue;
		if (!p.has_protocol) /* a fragment header tells the state, another header is cut */
			headers = 56;
		if (p.length >= headers)
			vary_header(s, p, p.length - headers);
	}
	p.has_fragment = false;
	p.fragment = 0;
	if (!p.has_protocol && p.length >= 48)
		vary_header(s, p, 0);
}

static void enumerate(struct seen *s, enum fg_family family)
{
	for (uint32_t i = 0; i < LENGTHS; i++) {
		struct or_packet p = { .kind = OR_IP, .family = family == FG_IPV6 ? OR_IPV6 : OR_IPV4 };

		p.length = length_at(family, i);
		if (s->length != 0 && s->length != p.length)
			continue;
		if ((s->types >> FG_LENGTH & 1) == 0 && i + 1 < LENGTHS)
			continue; /* the longest packet has room for everything */
		if (family == FG_IPV6)
			vary_fragment(s, p);
		p.has_protocol = true;
		for (size_t k = 0; k < sizeof(protocols) / sizeof(protocols[0]); k++) {
			p.protocol = (uint8_t)protocols[k];
			vary_fragment(s, p);
		}
		if (s->some && s->outside && s->common)
			return;
	}
}

static void compare(const struct built *a, const struct built *b, struct seen *s)
{
	static struct fg_interval pool[2 * FG_CANON_POOL];
	enum fg_family family = a->rule.family;

	memset(s, 0, sizeof(*s));
	assert_true(
		or_nlri_decode(family == FG_IPV6 ? OR_IPV6 : OR_IPV4, false, a->rule.nlri, a->rule.nlri_len, &s->a));
	assert_true(
		or_nlri_decode(family == FG_IPV6 ? OR_IPV6 : OR_IPV4, false, b->rule.nlri, b->rule.nlri_len, &s->b));
	s->types = (a->canon.present | b->canon.present) & (uint16_t)~s->still;
	enumerate(s, family);
	assert_int_equal(fg_canon_possible(&b->canon), s->some);
	assert_int_equal(fg_canon_covers(&a->canon, &b->canon), !s->outside);
	assert_int_equal(fg_canon_overlaps(&a->canon, &b->canon, pool), s->common);
	assert_int_equal(fg_canon_overlaps(&b->canon, &a->canon, pool), s->common);
}

static void test_agrees_with_enumeration(void **state)
{
	static struct built a, b;
	struct or_random r = or_random_seed(2013);
	size_t possible = 0, covered = 0, common = 0;
	struct seen s = { .length = 0 };

	(void)state;
	for (int i = 0; i < 3000; i++) {
		enum fg_family family = i % 2 ? FG_IPV6 : FG_IPV4;

		random_rule(&r, family, &a);
		random_rule(&r, family, &b);
		compare(&a, &b, &s);
		possible += s.some;
		covered += s.some && !s.outside;
		common += s.outside && s.common;
	}
	assert_true(possible > 200 && covered > 10 && common > 50);
}

/* Pairs that random rules rarely make: b is a with one more demand, or less of a list. */
static void test_narrower_is_covered(void **state)
{
	static struct built a, b;
	struct or_random r = or_random_seed(1);
	struct seen s = { .length = 0 };

	(void)state;
	for (int i = 0; i < 600; i++) {
		enum fg_family family = i % 2 ? FG_IPV6 : FG_IPV4;
		struct fg_component_iter it;
		struct fg_component c;
		uint16_t left_out;

		random_rule(&r, family, &b);
		left_out = (uint16_t)or_random_next(&r);
		built_begin(&a, family);
		it = fg_components(&b.rule);
		while (fg_component_next(&it, &c, NULL) == 0) {
			struct fg_term_iter terms = fg_terms(&c);
			struct fg_term t;

			while ((left_out >> c.type & 1) == 0 && fg_term_next(&terms, &t))
				fg_nlri_put_term(&a.nlri, c.type, t.op & 0x47, t.value);
		}
		if (a.nlri.len == 0)
			continue;
		built_end(&a);
		compare(&a, &b, &s);
		assert_false(s.outside);
		compare(&b, &a, &s);
	}
}

/* One term of each of the three port components of `b` and of `a`: none, only 10, all but 12. */
static void port_terms(struct built *b, int choice)
{
	static const struct built_term terms[] = { { 0, 0, 0 }, { 0, EQ, 10 }, { 0, NE, 12 } };

	built_begin(b, FG_IPV4);
	fg_nlri_put_term(&b->nlri, FG_PROTO, EQ, 17);
	for (uint8_t type = FG_PORT; type <= FG_SPORT; type++, choice /= 3) {
		if (choice % 3 != 0)
			fg_nlri_put_term(&b->nlri, type, terms[choice % 3].op, terms[choice % 3].value);
	}
	built_end(b);
}

static void test_all_port_pairs(void **state)
{
	static struct built a, b;
	struct seen s = { .length = 0 };

	(void)state;
	for (int i = 0; i < 27; i++) {
		port_terms(&a, i);
		for (int k = 0; k < 27; k++) {
			port_terms(&b, k);
			compare(&a, &b, &s);
		}
	}
}

/* What needs a header, in each fragment state, around the length that it needs, for each protocol: possible, and with a known protocol? */
static void test_all_kinds(void **state)
{
	static const struct built_term needs[] = { { 0, 0, 0 },
						   { FG_DPORT, EQ, 0 },
						   { FG_ICMP_TYPE, EQ, 0 },
						   { FG_ICMP_CODE, EQ, 0 },
						   { FG_TCP_FLAGS, NOT, 1 } };
	static const uint8_t fragments[] = { 0, FG_FRAG_FIRST, FG_FRAG_IS, FG_FRAG_LAST, FG_FRAG_DF };
	static const uint16_t asked[] = { 256, 0, 1, 6, 17, 43, 44, 51, 58, 60, 99, 135, 139, 140 };
	static struct built a, b;
	struct seen s = { .length = 0 };

	(void)state;
	for (size_t i = 0; i < 2 * 5 * 5 * 14; i++) {
		enum fg_family family = i % 2;
		const struct built_term *need = &needs[i / 2 % 5];
		uint8_t fragment = fragments[i / 10 % 5];
		uint16_t protocol = asked[i / 50];
		uint32_t from = family == FG_IPV6 ? 40 : 20;

		TERMS(&a, family, { FG_PROTO, GE, 0 });
		for (uint32_t length = from; length < from + 25; length++) {
			built_begin(&b, family);
			if (protocol != 256)
				fg_nlri_put_term(&b.nlri, FG_PROTO, EQ, protocol);
			if (need->type != 0)
				fg_nlri_put_term(&b.nlri, need->type, need->op, need->value);
			fg_nlri_put_term(&b.nlri, FG_LENGTH, EQ, length);
			if (fragment != FG_FRAG_DF) /* that stands for no component */
				fg_nlri_put_term(&b.nlri, FG_FRAGMENT, fragment ? 0 : NOT, fragment ? fragment : 0x0e);
			built_end(&b);
			s.length = length;
			s.still = (uint16_t)(1U << need->type);
			compare(&a, &b, &s);
		}
	}
}

static struct built x, y;

static bool covers(void)
{
	return fg_canon_covers(&x.canon, &y.canon);
}

static void test_presence(void **state)
{
	(void)state;
	TERMS(&x, FG_IPV4, { FG_PROTO, EQ, 6 }, { FG_PROTO, EQ, 17 });
	TERMS(&y, FG_IPV4, { FG_PORT, EQ, 53 });
	assert_true(covers());
	TERMS(&x, FG_IPV4, { FG_PORT, GE, 0 });
	TERMS(&y, FG_IPV4, { FG_PROTO, EQ, 17 });
	assert_false(covers());
	TERMS(&y, FG_IPV4, { FG_TCP_FLAGS, 0, 2 });
	assert_true(covers());
	/* The destination port alone guarantees `port`. */
	TERMS(&x, FG_IPV4, { FG_PORT, GE, 50 }, { FG_PORT, AND | LE, 60 });
	TERMS(&y, FG_IPV4, { FG_DPORT, EQ, 53 });
	assert_true(covers());
	TERMS(&y, FG_IPV4, { FG_PORT, EQ, 53 }, { FG_DPORT, NE, 53 });
	assert_true(covers());
	TERMS(&y, FG_IPV4, { FG_PORT, EQ, 53 }, { FG_PORT, EQ, 61 });
	assert_false(covers());
	/* A packet with ports is no shorter than 24 octets. */
	TERMS(&x, FG_IPV4, { FG_LENGTH, GE, 24 });
	TERMS(&y, FG_IPV4, { FG_PORT, EQ, 53 });
	assert_true(covers());
	TERMS(&x, FG_IPV4, { FG_LENGTH, GE, 25 });
	assert_false(covers());
	/* Not all of a list. */
	TERMS(&x, FG_IPV4, { FG_LENGTH, GE, 60 });
	TERMS(&y, FG_IPV4, { FG_LENGTH, EQ, 30 }, { FG_LENGTH, EQ, 100 });
	assert_false(covers());
	TERMS(&y, FG_IPV4, { FG_LENGTH, EQ, 60 }, { FG_LENGTH, EQ, 100 });
	assert_true(covers());
	/* What can never match is covered by everything. */
	TERMS(&y, FG_IPV4, { FG_LENGTH, EQ, 99971 });
	assert_true(covers());
	TERMS(&y, FG_IPV6, { FG_LENGTH, EQ, 100 });
	assert_false(covers());
}

static void test_prefixes(void **state)
{
	(void)state;
	OCTETS(&x, FG_IPV4, 1, 8, 10);
	OCTETS(&y, FG_IPV4, 1, 16, 10, 1);
	assert_true(covers());
	OCTETS(&y, FG_IPV4, 1, 16, 11, 1);
	assert_false(covers());
	OCTETS(&y, FG_IPV4, 2, 16, 10, 1);
	assert_false(covers());
	OCTETS(&x, FG_IPV4, 1, 0);
	assert_true(covers());
	/* RFC 8956 §3.1: bits 64-103 against bits 64-71. */
	OCTETS(&x, FG_IPV6, 2, 72, 64, 0x12);
	OCTETS(&y, FG_IPV6, 2, 104, 64, 0x12, 0x34, 0x56, 0x78, 0x9a);
	assert_true(covers());
	OCTETS(&x, FG_IPV6, 2, 72, 63, 0x09, 0);
	assert_false(covers());
	OCTETS(&x, FG_IPV6, 1, 0, 0);
	assert_true(covers());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_enumeration),
		cmocka_unit_test(test_narrower_is_covered),
		cmocka_unit_test(test_all_port_pairs),
		cmocka_unit_test(test_all_kinds),
		cmocka_unit_test(test_presence),
		cmocka_unit_test(test_prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
