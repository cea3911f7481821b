/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The engine's header walk (packet.h, and straight.h for the commonest) against the naive reader of packets: the same facts of random and odd frames, each in memory of exactly
 * its captured size. This is the one program that sees both sides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flowgate/straight.h"
#include "tests/oracle/generate.h"

static const uint8_t fragment_bits[FG_FRAGMENT_STATES] = { 0, 1, 4, 5, 2, 3, 10, 11, 0 };

static size_t straights, plains;

static bool straight(const struct or_gen_frame *f, const uint8_t *data, struct fg_packet *out)
{
	return fg_straight(data, data + f->captured, out);
}

static bool plain(const struct or_gen_frame *f, const uint8_t *data, struct fg_packet *out)
{
	return f->captured >= FG_STRAIGHT_PLAIN_OCTETS && fg_straight_plain(data, out);
}

/* Where it takes a frame, it says of each octet what the walk says, whatever was there before; where it does not, it leaves it. */
static bool is_as_walked(bool (*take)(const struct or_gen_frame *, const uint8_t *, struct fg_packet *),
			 const struct or_gen_frame *f, const uint8_t *data)
{
	struct fg_packet walked, before, taken, *out = &taken;

	if (f->link == OR_LINK_RAW)
		return false;
	memset(out, 0xa5, sizeof(*out));
	before = *out;
	if (!take(f, data, out)) {
		assert_memory_equal(out, &before, sizeof(before));
		return false;
	}
	fg_packet_parse_missing(data, data + f->captured, (uint32_t)(f->wire - f->captured), &walked);
	assert_memory_equal(&out->key, &walked.key, sizeof(walked.key));
	assert_int_equal(out->ip_length, walked.ip_length);
	assert_int_equal(out->l3_octet, walked.l3_octet);
	assert_int_equal(out->what, walked.what);
	return true;
}

static void parse(const struct or_gen_frame *f, struct fg_packet *out)
{
	uint8_t *copy = malloc(f->captured + 1);
	const uint8_t *data = copy + 1;

	memcpy(copy + 1, f->octets, f->captured);
	straights += is_as_walked(straight, f, data);
	plains += is_as_walked(plain, f, data);
	if (f->link == OR_LINK_RAW)
		fg_packet_parse_ip_missing(data, data + f->captured, (uint32_t)(f->wire - f->captured), out);
	else
		fg_packet_parse_missing(data, data + f->captured, (uint32_t)(f->wire - f->captured), out);
	free(copy);
}

static void compare_transport(const struct fg_key *k, const struct or_packet *p)
{
	assert_int_equal(k->l4 >= FG_L4_PROTO, p->has_protocol);
	assert_int_equal(k->l4 == FG_L4_PORTS || k->l4 == FG_L4_FLAGS, p->has_ports);
	assert_int_equal(k->l4 == FG_L4_FLAGS, p->has_tcp_flags);
	assert_int_equal(k->l4 == FG_L4_TYPE || k->l4 == FG_L4_CODE, p->has_icmp_type);
	assert_int_equal(k->l4 == FG_L4_CODE, p->has_icmp_code);
	if (p->has_protocol)
		assert_int_equal(k->proto, p->protocol);
	if (p->has_ports)
		assert_true(k->sport == p->sport && k->dport == p->dport && k->dport_again == p->dport);
	if (p->has_icmp_type)
		assert_int_equal(k->icmp_type, p->icmp_type);
	if (p->has_icmp_code)
		assert_int_equal(k->icmp_code, p->icmp_code);
	if (p->has_tcp_flags)
		assert_int_equal(k->tcp_flags, p->tcp_flags);
}

static void compare(const struct fg_packet *got, const struct or_packet *want)
{
	static const uint8_t kinds[] = {
		[OR_NOT_IP] = FG_PACKET_NOT_IP, [OR_MALFORMED] = FG_PACKET_MALFORMED, [OR_IP] = FG_PACKET_IP
	};
	const struct fg_key *k = &got->key;
	size_t address = want->family == OR_IPV4 ? 4 : 16;

	assert_int_equal(got->what, kinds[want->kind]);
	if (want->kind != OR_IP)
		return;
	assert_int_equal(k->family, want->family == OR_IPV4 ? FG_IPV4 : FG_IPV6);
	assert_memory_equal(k->dst, want->dst, address);
	assert_memory_equal(k->src, want->src, address);
	assert_int_equal(got->ip_length, want->length);
	assert_int_equal(k->length, want->length - (k->family == FG_IPV4 ? FG_LENGTH4_MIN : FG_LENGTH6_MIN));
	assert_int_equal(k->dscp, want->dscp);
	assert_int_equal(k->flow_label, want->family == OR_IPV6 ? want->flow_label : 0);
	assert_int_equal(k->fragment != FG_FRAGMENT_UNKNOWN, want->has_fragment);
	if (want->has_fragment)
		assert_int_equal(fragment_bits[k->fragment], want->fragment);
	compare_transport(k, want);
}

static void test_walk_agrees(void **state)
{
	const struct or_gen_packets how = { .odd_percent = 30 };
	struct or_random r = or_random_seed(8956);
	size_t kinds[3] = { 0 };

	(void)state;
	for (int i = 0; i < 1000000; i++) {
		struct or_gen_packet packet;
		struct or_gen_frame frame;
		struct or_packet want;
		struct fg_packet got;

		or_gen_packet(&r, i % 2 ? OR_IPV6 : OR_IPV4, &how, &packet);
		or_gen_build(&packet, &frame);
		or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &want);
		parse(&frame, &got);
		compare(&got, &want);
		kinds[want.kind]++;
	}
	assert_true(kinds[OR_NOT_IP] > 1000 && kinds[OR_MALFORMED] > 1000 && kinds[OR_IP] > 500000);
	assert_true(straights > 50000 && plains > 50000);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_walk_agrees) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
