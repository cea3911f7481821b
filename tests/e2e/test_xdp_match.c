/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The XDP program beside the naive reference: random sets of rules with random actions are compiled into its image, and frames
 * are run through it (BPF_PROG_TEST_RUN). Verdict, octets of the frame and the counters of each rule are what the
 * reference and action.h say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <linux/bpf.h>

#include "flowgate/packet.h"
#include "tests/e2e/dataplane.h"
#include "tests/e2e/kernel.h"
#include "tests/oracle/sets.h"

enum { FRAME_MIN = 14 };

static struct dataplane plane;
static struct set set;
static struct fg_rule_counters want_rules[SET_RULES_MAX];
static struct fg_port_counters want_port;
static size_t hits, packets;

/* What asks for nothing that depends on time or on another interface. */
static void draw_actions(struct or_random *r)
{
	for (uint32_t i = 0; i < set.count; i++) {
		struct fg_actions asked = { .dscp = (uint8_t)or_random_below(r, 64) };

		asked.set |= set.gen[i].go_on ? FG_ACT_CONTINUE : 0u;
		asked.set |= or_random_chance(r, 40) ? FG_ACT_DISCARD : 0u;
		asked.set |= or_random_chance(r, 40) ? FG_ACT_MARK : 0u;
		asked.set |= or_random_chance(r, 20) ? FG_ACT_SAMPLE : 0u;
		asked.set |= set.gen[i].go_on && or_random_chance(r, 10) ? FG_ACT_COUNT_ONLY : 0u;
		asked.set |= or_random_chance(r, 3) ? FG_ACT_PROTECT : 0u;
		dataplane_action(&plane, i, &asked, 0, 0);
	}
}

static void count(struct fg_count *c, uint64_t octets)
{
	c->packets++;
	c->bytes += octets;
}

static void expect_rules(const uint32_t *slots, size_t n, uint32_t ip_length, const struct fg_verdict *v)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t flags = plane.m->actions[slots[i]].flags;
		bool drops = flags & FG_ACT_COUNT_ONLY ? flags & FG_ACT_DISCARD : v->verdict == FG_DROP;
		struct fg_rule_counters *c = &want_rules[slots[i]];

		count(&c->matched, ip_length);
		count(drops ? &c->dropped : &c->passed, ip_length);
	}
}

/* The verdict of the reference's rules. What is no IP or malformed has none. */
static struct fg_verdict expect(const struct or_gen_frame *frame, const struct fg_packet *p)
{
	static uint32_t slots[SET_RULES_MAX];
	struct fg_applied applied[FG_APPLIED_MAX];
	struct or_packet facts;
	struct fg_verdict v = { 0 };
	size_t n = 0;

	or_packet_read(frame->link, frame->octets, frame->captured, frame->wire, &facts);
	if (facts.kind == OR_IP)
		n = or_table_evaluate(set.oracle, &facts, slots, SET_RULES_MAX);
	n = n < FG_APPLIED_MAX ? n : FG_APPLIED_MAX;
	for (size_t i = 0; i < n; i++)
		applied[i] = (struct fg_applied){ &plane.m->actions[slots[i]], NULL };
	fg_verdict_of(applied, (uint32_t)n, p->ip_length, 0, &v);
	if (p->what == FG_PACKET_MALFORMED)
		v.cause = FG_CAUSE_MALFORMED;
	expect_rules(slots, n, p->ip_length, &v);
	hits += n > 0;
	return v;
}

static void compare_packet(const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	static uint8_t after[DATAPLANE_FRAME_MAX];
	struct fg_packet p;
	struct fg_verdict v;
	uint32_t len, code;

	or_gen_build(packet, &frame);
	if (frame.captured < FRAME_MIN) /* the kernel takes no shorter one */
		return;
	fg_packet_parse(frame.octets, frame.octets + frame.captured, false, &p);
	v = expect(&frame, &p);
	len = (uint32_t)frame.captured;
	memcpy(after, frame.octets, len);
	code = dataplane_run(&plane, after, &len);
	packets++;
	count(&want_port.by[v.verdict][v.cause], p.what == FG_PACKET_IP ? p.ip_length : frame.captured);
	if (v.mark)
		(p.key.family == FG_IPV6 ? fg_mark_ipv6 : fg_mark_ipv4)(frame.octets + p.l3_octet, v.dscp);
	assert_int_equal(code, v.verdict == FG_DROP ? XDP_DROP : XDP_PASS);
	assert_int_equal(len, frame.captured);
	assert_memory_equal(after, frame.octets, len);
}

static void compare_counters(void)
{
	struct fg_port_counters port = dataplane_counters(&plane);
	struct fg_rule_counters c;

	assert_memory_equal(port.by, want_port.by, sizeof(port.by));
	for (uint32_t i = 0; i < set.count; i++) {
		assert_int_equal(fg_xdp_rule_counters(plane.x, i, 1, &c), 0);
		assert_memory_equal(&c, &want_rules[i], 3 * sizeof(struct fg_count));
		assert_true((c.last_ns != 0) == (c.matched.packets != 0));
		assert_int_equal(fg_xdp_rule_reset(plane.x, i), 0);
	}
	memset(want_rules, 0, sizeof(want_rules));
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool no_dst, int sets, size_t n)
{
	const struct or_gen_packets odd = { .odd_percent = 10, .no_snap = true, .no_raw = true };
	struct or_random r = or_random_seed(seed);
	struct or_gen_packet packet;
	uint32_t used = 0;

	packets = hits = 0;
	for (int i = 0; i < sets; i++) {
		uint32_t side = (uint32_t)i % FG_SIDES;

		set_draw(&set, &r, how, 1 + or_random_below(&r, (uint32_t)rules), no_dst);
		assert_int_equal(set_compile(&set, plane.m->image[side], DATAPLANE_LINES, &used), 0);
		draw_actions(&r);
		plane.m->control->side = side;
		for (size_t k = 0; k < n; k++) {
			set_packet(&set, &r, k, &odd, &packet);
			compare_packet(&packet);
		}
		compare_counters();
		plane.m->control->side = FG_SIDE_NONE;
		memset(plane.m->image[side], 0, (size_t)used * FG_LINE_OCTETS);
		set_free(&set);
	}
	assert_true(hits > packets / 4);
	printf("# %zu frames, %zu with a rule\n", packets, hits);
}

static void test_few_rules(void **state)
{
	(void)state;
	run(21, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 20, .no_dst_percent = 10 }, 30, false, 40,
	    2000);
}

static void test_many_rules(void **state)
{
	(void)state;
	run(22, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 10, .no_dst_percent = 10 }, SET_RULES_MAX,
	    false, 4, 20000);
}

static void test_continue(void **state)
{
	(void)state;
	run(23, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 30 }, 40, false, 40, 2000);
}

static void test_one_group(void **state)
{
	(void)state;
	run(24, &(struct or_gen_rules){ .wild_percent = 10, .full_percent = 10, .no_dst_percent = 100 }, SET_RULES_MAX,
	    true, 4, 20000);
}

/* An IPv6 frame to 2001:db8::1 in several buffers: extension headers as long as can be, `missing` octets more than there are, then UDP. */
static uint32_t build_chain(uint8_t frame[DATAPLANE_FRAME_MAX], uint32_t missing)
{
	const uint32_t headers = 2, udp = 1000, payload = headers * FG_EXT_HEADER_MAX + udp;
	uint8_t *ip = frame + FG_ETHERTYPE_OCTET + 2, *at = ip + FG_LENGTH6_MIN;

	memset(frame, 0, DATAPLANE_FRAME_MAX);
	fg_store_be16(frame + FG_ETHERTYPE_OCTET, FG_ETHERTYPE_IPV6);
	ip[0] = 0x60;
	fg_store_be16(ip + 4, (uint16_t)payload);
	ip[6] = 60; /* destination options */
	memcpy(ip + 24, (const uint8_t[]){ 0x20, 0x01, 0x0d, 0xb8 }, 4);
	ip[39] = 1;
	for (uint32_t i = 0; i < headers; i++, at += FG_EXT_HEADER_MAX) {
		at[0] = i + 1 < headers ? 60 : FG_PROTO_UDP;
		at[1] = UINT8_MAX;
	}
	fg_store_be16(at + 4, (uint16_t)udp);
	return (uint32_t)(at - frame) + udp - missing;
}

/*
 * Of a frame in several buffers the program sees the first. What of the headers lies behind that is taken for cut off: rules apply as far as they
 * do not ask for it. Only what is not in the frame at all makes a packet malformed.
 */
static void test_several_buffers(void **state)
{
	const struct dataplane_rule rule = { .host = 1, .asked = { .set = FG_ACT_DISCARD } };
	static uint8_t frame[DATAPLANE_FRAME_MAX];
	uint32_t len = build_chain(frame, 0);
	struct fg_port_counters before = dataplane_counters(&plane), c;

	(void)state;
	dataplane_rules(&plane, 0, &rule, 1);
	plane.m->control->side = 0;
	assert_int_equal(dataplane_run(&plane, frame, &len), XDP_DROP);
	len = build_chain(frame, 1001);
	assert_int_equal(dataplane_run(&plane, frame, &len), XDP_PASS);
	c = dataplane_counters(&plane);
	assert_int_equal(c.by[FG_DROP][FG_CAUSE_DISCARD].packets - before.by[FG_DROP][FG_CAUSE_DISCARD].packets, 1);
	assert_int_equal(c.by[FG_PASS][FG_CAUSE_MALFORMED].packets - before.by[FG_PASS][FG_CAUSE_MALFORMED].packets, 1);
	plane.m->control->side = FG_SIDE_NONE;
}

static int load(void **state)
{
	(void)state;
	dataplane_open(&plane, SET_RULES_MAX, 0);
	return 0;
}

static int unload(void **state)
{
	(void)state;
	dataplane_close(&plane);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_rules),       cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_continue),        cmocka_unit_test(test_one_group),
		cmocka_unit_test(test_several_buffers),
	};

	dataplane_need();
	return cmocka_run_group_tests(tests, load, unload);
}
