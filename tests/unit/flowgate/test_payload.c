/* SPDX-License-Identifier: BSD-3-Clause */
/* Where the payload of a packet is, and which of the rules that were found apply by it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "flowgate/payload.h"
#include "tests/unit/flowgate/frame.h"

enum { DISCARD = 0, GO_ON = FG_SLOT_CONTINUE, WANTS = FG_SLOT_PAYLOAD | FG_SLOT_CONTINUE, ENDS = WANTS | FG_SLOT_ENDS };

static struct fg_packet packet;
static struct fg_payload payload;
static uint32_t missing;
static uint8_t *copy;

/* What is found of the frame, in a copy of exactly its size; `most` octets are looked at. */
static void find(uint32_t most)
{
	free(copy);
	copy = malloc(frame.len);
	assert_non_null(copy);
	memcpy(copy, frame.octet, frame.len);
	fg_packet_parse_missing(copy, copy + frame.len, missing, &packet);
	fg_payload_find(copy, copy + frame.len, &packet, most, &payload);
}

static int end(void **state)
{
	(void)state;
	free(copy);
	copy = NULL;
	return 0;
}

static void assert_payload(uint32_t from, uint32_t octets, bool cut)
{
	assert_int_equal(payload.octets, octets);
	if (octets > 0)
		assert_int_equal(payload.data - copy, from);
	assert_int_equal(payload.cut, octets > 0 && cut);
}

static void fill(uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put8(0x40 + i % 16);
}

static void udp(uint32_t octets)
{
	put16(53);
	put16(4000);
	put16(8 + octets);
	put16(0);
	fill(octets);
}

static void tcp(uint32_t words, uint32_t octets)
{
	fill(12);
	put16(words << 12 | 0x10);
	fill(octets + 6);
}

static void begin(void)
{
	missing = 0;
	start(FG_ETHERTYPE_IPV4);
}

static void test_udp(void **state)
{
	(void)state;
	begin();
	put_ipv4(17, 0, 0, 8 + 100);
	udp(100);
	find(1500);
	assert_payload(14 + 20 + 8, 100, false);
	find(100);
	assert_payload(14 + 20 + 8, 100, false);
	find(99);
	assert_payload(14 + 20 + 8, 99, true);
	find(1);
	assert_payload(14 + 20 + 8, 1, true);
	/* Padding behind the IP length is none of it. */
	fill(30);
	find(1500);
	assert_payload(14 + 20 + 8, 100, false);
}

static void test_options_and_tags(void **state)
{
	(void)state;
	begin();
	put_ipv4(17, 0, 12, 8 + 5);
	udp(5);
	find(1500);
	assert_payload(14 + 32 + 8, 5, false);
	start(FG_ETHERTYPE_QINQ);
	put16(5);
	put16(FG_ETHERTYPE_VLAN);
	put16(6);
	put16(FG_ETHERTYPE_IPV4);
	put_ipv4(17, 0, 0, 8 + 5);
	udp(5);
	find(1500);
	assert_payload(14 + 8 + 20 + 8, 5, false);
}

static void test_tcp(void **state)
{
	(void)state;
	begin();
	put_ipv4(6, 0, 0, 20 + 40);
	tcp(5, 40);
	find(1500);
	assert_payload(14 + 20 + 20, 40, false);
	frame.octet[14 + 20 + 12] = 15 << 4; /* its options take all */
	find(1500);
	assert_payload(0, 0, false);
	frame.octet[14 + 20 + 12] = 14 << 4;
	find(1500);
	assert_payload(14 + 20 + 56, 4, false);
	frame.octet[14 + 20 + 12] = 4 << 4; /* shorter than a header can be */
	find(1500);
	assert_payload(0, 0, false);
}

/* Whatever else there is: behind the IP header. */
static void test_other(void **state)
{
	static const uint8_t others[] = { 1, 47, 50, 132, 253 };

	(void)state;
	for (size_t i = 0; i < sizeof(others); i++) {
		begin();
		put_ipv4(others[i], 0, 0, 9);
		fill(9);
		find(1500);
		assert_payload(14 + 20, 9, false);
	}
}

static void test_fragments(void **state)
{
	(void)state;
	begin();
	put_ipv4(17, 0x2000, 0, 8 + 16);
	udp(16);
	find(1500);
	assert_payload(14 + 20 + 8, 16, false);
	begin();
	put_ipv4(17, 3, 0, 24);
	fill(24);
	find(1500);
	assert_payload(0, 0, false);
}

/* A capture that ends within the packet: what is there, and that more was. */
static void test_cut(void **state)
{
	(void)state;
	begin();
	put_ipv4(17, 0, 0, 8 + 100);
	udp(40);
	missing = 60;
	find(1500);
	assert_payload(14 + 20 + 8, 40, true);
	frame.len -= 40;
	missing += 40;
	find(1500);
	assert_payload(0, 0, false);
	frame.len -= 4;
	missing += 4;
	find(1500);
	assert_payload(0, 0, false);
}

static void test_ipv6(void **state)
{
	(void)state;
	missing = 0;
	start(FG_ETHERTYPE_IPV6);
	put_ipv6(60, 8 + 8 + 30);
	put_extension(60, 17, 0);
	udp(30);
	find(1500);
	assert_payload(14 + 40 + 8 + 8, 30, false);
}

/* ---- Which rules apply ---- */

static struct fg_waiting waiting;
static struct fg_matched matched;
static const uint32_t patterns[8] = { 0, 7, 70, 7, 4095, 0, 0, 0 }; /* by slot */

static void candidates(uint32_t n, const uint32_t *slots)
{
	matched.count = n;
	memcpy(matched.slot, slots, n * sizeof(*slots));
}

static void assert_nothing_waits(void)
{
	for (size_t i = 0; i < sizeof(waiting.word) / sizeof(waiting.word[0]); i++)
		assert_int_equal(waiting.word[i], 0);
}

static void assert_applied(uint32_t n, const uint32_t *slots)
{
	fg_payload_apply(&matched, patterns, &waiting);
	assert_int_equal(matched.count, n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(matched.slot[i] & FG_SLOT_MASK, slots[i]);
	assert_nothing_waits();
}

#define LIST(...)                                                                                                      \
	(const uint32_t[])                                                                                             \
	{                                                                                                              \
		__VA_ARGS__                                                                                            \
	}

static void test_nobody_wants(void **state)
{
	(void)state;
	candidates(3, LIST(0 | GO_ON, 5 | GO_ON, 6 | DISCARD));
	assert_int_equal(fg_payload_wait(&matched, patterns, &waiting), 0);
	assert_nothing_waits();
}

static void test_not_found(void **state)
{
	(void)state;
	candidates(4, LIST(1 | ENDS, 2 | WANTS, 4 | ENDS, 6 | DISCARD));
	assert_int_equal(fg_payload_wait(&matched, patterns, &waiting), 3);
	assert_applied(1, LIST(6));
	candidates(1, LIST(1 | ENDS));
	assert_int_equal(fg_payload_wait(&matched, patterns, &waiting), 1);
	assert_applied(0, NULL);
}

/* The first that ends and was found ends the list; what only goes on does not. */
static void test_found(void **state)
{
	(void)state;
	candidates(4, LIST(1 | WANTS, 2 | ENDS, 4 | ENDS, 6 | DISCARD));
	assert_int_equal(fg_payload_wait(&matched, patterns, &waiting), 3);
	waiting.word[7 / 64] &= ~(1ull << 7);
	waiting.word[4095 / 64] &= ~(1ull << 63);
	assert_applied(2, LIST(1, 4));
}

static void test_same_pattern(void **state)
{
	(void)state;
	candidates(4, LIST(1 | WANTS, 5 | GO_ON, 3 | ENDS, 6 | DISCARD));
	assert_int_equal(fg_payload_wait(&matched, patterns, &waiting), 1);
	waiting.word[0] = 0;
	assert_applied(3, LIST(1, 5, 3));
	candidates(4, LIST(1 | WANTS, 5 | GO_ON, 3 | ENDS, 6 | DISCARD));
	assert_int_equal(fg_payload_wait(&matched, patterns, &waiting), 1);
	assert_applied(2, LIST(5, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp),   cmocka_unit_test(test_options_and_tags), cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_other), cmocka_unit_test(test_fragments),        cmocka_unit_test(test_cut),
		cmocka_unit_test(test_ipv6),  cmocka_unit_test(test_nobody_wants),     cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_found), cmocka_unit_test(test_same_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
