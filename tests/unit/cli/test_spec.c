/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets in words: what the header walk finds in them, and where a word that is wrong is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/cli/spec.h"

static char error[FG_SPEC_ERROR_MAX];

static struct fg_packet read_packet(const char *text)
{
	struct fg_packet p;

	assert_int_equal(fg_spec_read(text, &p, error), 0);
	assert_int_equal(p.what, FG_PACKET_IP);
	return p;
}

static void test_ipv4(void **state)
{
	struct fg_packet p = read_packet("udp 198.51.100.9:53 > 203.0.113.7:4000 len 1200");

	(void)state;
	assert_int_equal(p.key.family, FG_IPV4);
	assert_int_equal(p.key.proto, 17);
	assert_int_equal(p.key.sport, 53);
	assert_int_equal(p.key.dport, 4000);
	assert_int_equal(p.ip_length, 1200);
	assert_memory_equal(p.key.src, "\xc6\x33\x64\x09", 4);
	assert_memory_equal(p.key.dst, "\xcb\x00\x71\x07", 4);
	p = read_packet("tcp 192.0.2.1:80 > 192.0.2.2:81 flags syn+ack dscp ef df");
	assert_int_equal(p.key.tcp_flags, 0x12);
	assert_int_equal(p.key.dscp, 46);
	assert_int_equal(p.key.fragment, FG_FRAGMENT_DF);
	assert_int_equal(p.ip_length, 40);
	p = read_packet("icmp 192.0.2.1 > 192.0.2.2 type echo-request code 3");
	assert_int_equal(p.key.icmp_type, 8);
	assert_int_equal(p.key.icmp_code, 3);
}

static void test_fragments(void **state)
{
	struct fg_packet p = read_packet("udp 192.0.2.1:1 > 192.0.2.2:2 fragment first");

	(void)state;
	assert_int_equal(p.key.fragment, FG_FRAGMENT_FIRST);
	assert_int_equal(p.key.l4, FG_L4_PORTS);
	p = read_packet("udp 192.0.2.1 > 192.0.2.2 fragment last");
	assert_int_equal(p.key.fragment, FG_FRAGMENT_LAST);
	assert_int_equal(p.key.l4, FG_L4_PROTO);
	p = read_packet("udp 2001:db8::1 > 2001:db8::2 fragment middle");
	assert_int_equal(p.key.fragment, FG_FRAGMENT_MIDDLE);
	assert_int_equal(p.key.proto, 17);
}

static void test_ipv6(void **state)
{
	struct fg_packet p = read_packet("tcp [2001:db8::1]:80 > [2001:db8::2]:81 flags 2 label 7 len 65575");

	(void)state;
	assert_int_equal(p.key.family, FG_IPV6);
	assert_int_equal(p.key.flow_label, 7);
	assert_int_equal(p.key.tcp_flags, 2);
	assert_int_equal(p.ip_length, 65575);
	p = read_packet("udp [2001:db8::1]:80 > [2001:db8::2]:81 fragment first");
	assert_int_equal(p.key.fragment, FG_FRAGMENT_FIRST);
	assert_int_equal(p.key.dport, 81);
	p = read_packet("58 2001:db8::1 > 2001:db8::2 type 128");
	assert_int_equal(p.key.icmp_type, 128);
}

/* What the length leaves no room for is not there. */
static void test_short_lengths(void **state)
{
	(void)state;
	assert_int_equal(read_packet("udp 192.0.2.1:1 > 192.0.2.2:2 len 23").key.l4, FG_L4_PROTO);
	assert_int_equal(read_packet("udp 192.0.2.1:1 > 192.0.2.2:2 len 24").key.l4, FG_L4_PORTS);
	assert_int_equal(read_packet("tcp 192.0.2.1:1 > 192.0.2.2:2 len 33").key.l4, FG_L4_PORTS);
	assert_int_equal(read_packet("tcp 192.0.2.1:1 > 192.0.2.2:2 len 34").key.l4, FG_L4_FLAGS);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} wrong[] = {
		{ "", "1: unexpected end, expected a protocol" },
		{ "frob 192.0.2.1:1 > 192.0.2.2:2", "1: unexpected 'frob'" },
		{ "udp 192.0.2.300:1 > 192.0.2.2:2", "5: unexpected '192.0.2.300:1'" },
		{ "udp 192.0.2.1:1 192.0.2.2:2", "17: unexpected '192.0.2.2:2', expected '>'" },
		{ "udp 192.0.2.1:1 > [2001:db8::1]:2", "19: unexpected" },
		{ "udp 192.0.2.1:65536 > 192.0.2.2:2", "5: unexpected" },
		{ "udp 192.0.2.1 > 192.0.2.2:2", "28: unexpected end" },
		{ "udp 192.0.2.1:1 > 192.0.2.2:2 len", "34: unexpected end" },
		{ "udp 192.0.2.1:1 > 192.0.2.2:2 len 19", "" },
		{ "udp 192.0.2.1:1 > 192.0.2.2:2 len 65536", "" },
		{ "udp 192.0.2.1:1 > 192.0.2.2:2 dscp 64", "36: unexpected '64'" },
		{ "udp 192.0.2.1:1 > 192.0.2.2:2 label 1", "31: unexpected 'label'" },
		{ "udp [2001:db8::1]:1 > [2001:db8::2]:2 df", "39: unexpected 'df'" },
		{ "tcp 192.0.2.1:1 > 192.0.2.2:2 flags syn+frob", "37: unexpected 'frob'" },
	};
	struct fg_packet p;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(fg_spec_read(wrong[i].text, &p, error), -1);
		assert_memory_equal(error, wrong[i].error, strlen(wrong[i].error));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),          cmocka_unit_test(test_fragments), cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_short_lengths), cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
