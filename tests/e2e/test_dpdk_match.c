/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-dpdk beside the naive reference: random sets of rules with random actions are compiled into its image, and frames go through it
 * from a file into a file (net_pcap), by each form of the matcher, with one worker and with two. Which frames come out, in what order, each
 * octet of them, and the counters of ports and rules are what the reference and action.h say.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/burst.h"
#include "flowgate/packet.h"
#include "tests/e2e/bump.h"
#include "tests/oracle/sets.h"

enum { WORKERS_MAX = 2, FRAMES = 12000 };

static struct bump bump;
static struct set set;
static struct fg_rule_counters want_rules[SET_RULES_MAX];
static struct fg_port_counters want_port;
static size_t hits, packets;
static bool drop_malformed;

/* What asks for nothing that depends on time or on another port. */
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
		fg_action_make(&asked, 0, 0, &bump.m.actions[i]);
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
		uint32_t flags = bump.m.actions[slots[i]].flags;
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
		applied[i] = (struct fg_applied){ &bump.m.actions[slots[i]], NULL };
	fg_verdict_of(applied, (uint32_t)n, p->ip_length, 0, &v);
	if (p->what == FG_PACKET_MALFORMED) {
		v.cause = FG_CAUSE_MALFORMED;
		v.verdict = drop_malformed ? FG_DROP : FG_PASS;
	}
	expect_rules(slots, n, p->ip_length, &v);
	hits += n > 0;
	return v;
}

/* One frame into the file that goes in, and where it passes into the one that should come out. */
static void put(const struct or_gen_packet *packet, FILE *in, FILE *want)
{
	static struct or_gen_frame frame;
	struct fg_packet p;
	struct fg_verdict v;

	or_gen_build(packet, &frame);
	if (frame.captured == 0)
		return;
	fg_packet_parse(frame.octets, frame.octets + frame.captured, false, &p);
	v = expect(&frame, &p);
	bump_capture_put(in, frame.octets, (uint32_t)frame.captured);
	packets++;
	count(&want_port.by[v.verdict][v.cause], p.what == FG_PACKET_IP ? p.ip_length : frame.captured);
	if (v.mark)
		(p.key.family == FG_IPV6 ? fg_mark_ipv6 : fg_mark_ipv4)(frame.octets + p.l3_octet, v.dscp);
	if (v.verdict != FG_DROP)
		bump_capture_put(want, frame.octets, (uint32_t)frame.captured);
}

static void write_frames(struct or_random *r, uint32_t workers)
{
	const struct or_gen_packets odd = { .odd_percent = 10, .no_snap = true, .no_raw = true };
	FILE *in[WORKERS_MAX], *want[WORKERS_MAX];
	struct or_gen_packet packet;
	char name[16];

	for (uint32_t w = 0; w < workers; w++) {
		snprintf(name, sizeof(name), "in%u", w);
		in[w] = bump_capture_new(&bump, name);
		snprintf(name, sizeof(name), "want%u", w);
		want[w] = bump_capture_new(&bump, name);
	}
	for (size_t k = 0; k < FRAMES; k++) {
		set_packet(&set, r, k, &odd, &packet);
		put(&packet, in[k % workers], want[k % workers]);
	}
	for (uint32_t w = 0; w < workers; w++) {
		fclose(in[w]);
		fclose(want[w]);
	}
	fclose(bump_capture_new(&bump, "none"));
}

static void compare_files(uint32_t workers)
{
	static uint8_t got[BUMP_FRAME_MAX], wanted[BUMP_FRAME_MAX];
	uint32_t got_len, wanted_len;
	char name[16];

	for (uint32_t w = 0; w < workers; w++) {
		FILE *out, *want;

		snprintf(name, sizeof(name), "out%u", w);
		out = bump_capture_open(&bump, name);
		snprintf(name, sizeof(name), "want%u", w);
		want = bump_capture_open(&bump, name);
		while (bump_capture_next(want, wanted, &wanted_len)) {
			assert_true(bump_capture_next(out, got, &got_len));
			assert_int_equal(got_len, wanted_len);
			assert_memory_equal(got, wanted, wanted_len);
		}
		assert_false(bump_capture_next(out, got, &got_len));
		fclose(out);
		fclose(want);
	}
}

static void compare_counters(void)
{
	struct fg_port_counters port = bump_counters(&bump, 0);
	struct fg_rule_counters c;

	assert_memory_equal(port.by, want_port.by, sizeof(port.by));
	for (uint32_t i = 0; i < set.count; i++) {
		fg_share_rule_counters(&bump.share, i, 1, &c);
		assert_memory_equal(&c, &want_rules[i], 3 * sizeof(struct fg_count));
		assert_true((c.last_ns != 0) == (c.matched.packets != 0));
		fg_share_rule_reset(&bump.share, i);
	}
	memset(want_rules, 0, sizeof(want_rules));
}

static void forward(enum fg_burst_form form, uint32_t workers)
{
	static const char *const bits[FG_BURST_FORMS] = { "--force-max-simd-bitwidth=64",
							  "--force-max-simd-bitwidth=256",
							  "--force-max-simd-bitwidth=512" };
	const char *const one[] = { "--port",      "a=net_pcap0,rx_pcap=%F/in0",
				    "--port",      "b=net_pcap1,rx_pcap=%F/none,tx_pcap=%F/out0",
				    "--lcores",    "0",
				    "--main-core", "0",
				    "--mbufs",     "8192",
				    "--",          "--no-huge",
				    bits[form],    NULL };
	const char *const two[] = {
		"--port",      "a=net_pcap0,rx_pcap=%F/in0,rx_pcap=%F/in1",
		"--port",      "b=net_pcap1,rx_pcap=%F/none,rx_pcap=%F/none,tx_pcap=%F/out0,tx_pcap=%F/out1",
		"--lcores",    "0,1",
		"--main-core", "0",
		"--mbufs",     "8192",
		"--",          "--no-huge",
		bits[form],    NULL
	};

	bump_start(&bump, workers == 1 ? one : two);
	assert_int_equal(bump.share.live->instance[0].form, form);
	bump_wait(&bump, 0, packets);
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
}

/* One set of rules, through a process of its own. */
static void run_set(struct or_random *r, const struct or_gen_rules *how, size_t rules, enum fg_burst_form form,
		    uint32_t workers)
{
	uint32_t used = 0;

	set_draw(&set, r, how, 1 + or_random_below(r, (uint32_t)rules), false);
	assert_int_equal(set_compile(&set, bump.m.image[0], BUMP_LINES, &used), 0);
	draw_actions(r);
	bump.m.control->side = 0;
	write_frames(r, workers);
	forward(form, workers);
	compare_files(workers);
	compare_counters();
	bump.m.control->side = FG_SIDE_NONE;
	memset(bump.m.image[0], 0, (size_t)used * FG_LINE_OCTETS);
	set_free(&set);
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, uint8_t flags)
{
	const char *const pairs[] = { "a:b" };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	bump_open(&bump, SET_RULES_MAX, WORKERS_MAX, pairs, 1, flags);
	drop_malformed = flags & FG_PORT_DROP_MALFORMED;
	memset(&want_port, 0, sizeof(want_port));
	packets = hits = 0;
	for (uint64_t i = 0; i < set_factor(); i++) {
		struct or_random r = or_random_seed(set_seed(seed, i));

		for (int form = 0; form < FG_BURST_FORMS; form++)
			for (uint32_t workers = 1; workers <= WORKERS_MAX && workers <= (uint32_t)cpus; workers++)
				if (fg_burst_supported((enum fg_burst_form)form))
					run_set(&r, how, rules, (enum fg_burst_form)form, workers);
	}
	assert_true(hits > packets / 4);
	printf("# %zu frames, %zu with a rule\n", packets, hits);
	bump_close(&bump);
}

static void test_few_rules(void **state)
{
	(void)state;
	run(31, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 20, .no_dst_percent = 10 }, 30,
	    FG_PORT_DROP_MALFORMED);
}

static void test_many_rules(void **state)
{
	(void)state;
	run(32, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 10, .no_dst_percent = 10 }, SET_RULES_MAX,
	    0);
}

static void test_continue(void **state)
{
	(void)state;
	run(33, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 30 }, 40, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_rules),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_continue),
	};

	bump_need(argc > 1 ? argv[1] : NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
