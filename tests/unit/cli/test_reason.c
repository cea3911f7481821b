/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules that explain judges one by one, against the naive reference: random rules, packets drawn at random and
 * aimed at them. And what is said of a component that fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/cli/reason.h"
#include "tests/oracle/sets.h"

static struct set set;

static size_t judge(const struct fg_packet *p, uint32_t *out)
{
	static struct fg_interval pool[FG_CANON_POOL];
	size_t n = 0;

	for (size_t i = 0; i < set.n[p->key.family]; i++) {
		const struct fg_table_rule *rule = &set.sorted[p->key.family][i];
		struct fg_canon canon;

		fg_canon_make(rule->rule, pool, &canon);
		if (fg_component_failing(&canon, p) != 0)
			continue;
		out[n++] = rule->slot & FG_SLOT_MASK;
		if ((rule->slot & FG_SLOT_CONTINUE) == 0)
			break;
	}
	return n;
}

static size_t compare_packet(const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	static uint32_t want[SET_RULES_MAX], got[SET_RULES_MAX];
	struct fg_packet p;
	struct or_packet facts;
	size_t n;

	or_gen_build(packet, &frame);
	or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &facts);
	if (facts.kind != OR_IP)
		return 0;
	if (frame.link == OR_LINK_RAW)
		fg_packet_parse_ip_missing(frame.octets, frame.octets + frame.captured,
					   (uint32_t)(frame.wire - frame.captured), &p);
	else
		fg_packet_parse_missing(frame.octets, frame.octets + frame.captured,
					(uint32_t)(frame.wire - frame.captured), &p);
	n = or_table_evaluate(set.oracle, &facts, want, SET_RULES_MAX);
	assert_int_equal(judge(&p, got), n);
	assert_memory_equal(got, want, n * sizeof(got[0]));
	return n > 0;
}

static void test_agrees_with_the_reference(void **state)
{
	const struct or_gen_rules how = {
		.wild_percent = 20, .go_on_percent = 20, .full_percent = 20, .no_dst_percent = 30
	};
	const struct or_gen_packets packets = { .odd_percent = 20 };
	struct or_random r = or_random_seed(47);
	struct or_gen_packet packet;
	size_t hits = 0;

	(void)state;
	for (int round = 0; round < 200; round++) {
		set_draw(&set, &r, &how, 1 + or_random_below(&r, 40), false);
		for (size_t i = 0; i < 1000; i++) {
			set_packet(&set, &r, i, &packets, &packet);
			hits += compare_packet(&packet);
		}
		set_free(&set);
	}
	assert_true(hits > 40000);
}

static void test_what_the_packet_has(void **state)
{
	struct fg_packet p = { .ip_length = 60 };
	char has[FG_REASON_MAX];

	(void)state;
	p.key.proto = 6;
	p.key.l4 = FG_L4_FLAGS;
	p.key.sport = 53;
	p.key.dport = 4000;
	p.key.tcp_flags = 0x12;
	assert_string_equal(fg_packet_has(&p, FG_PORT, has), "53 and 4000");
	assert_string_equal(fg_packet_has(&p, FG_PROTO, has), "tcp");
	assert_string_equal(fg_packet_has(&p, FG_LENGTH, has), "60");
	assert_string_equal(fg_packet_has(&p, FG_TCP_FLAGS, has), "syn+ack");
	assert_string_equal(fg_packet_has(&p, FG_ICMP_TYPE, has), "no ICMP header");
	p.key.l4 = FG_L4_PROTO;
	p.key.fragment = FG_FRAGMENT_LAST;
	assert_string_equal(fg_packet_has(&p, FG_DPORT, has), "no ports");
	assert_string_equal(fg_packet_has(&p, FG_FRAGMENT, has), "last fragment");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_agrees_with_the_reference),
		cmocka_unit_test(test_what_the_packet_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
