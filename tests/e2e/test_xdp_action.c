/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions of the XDP program, live on two cables: where redirects and copies arrive and as what, what becomes of one without a way
 * out, rates that hold over two cores, samples, images that are swapped under traffic, and forwarding without an image.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "flowgate/table.h"
#include "flowgate/wire.h"
#include "tests/e2e/dataplane.h"
#include "tests/e2e/wire.h"

#define SECOND 1000000000ull

enum { SOON_MS = 1000, NEVER_MS = 100, SLOTS = 16, TARGET = 1 };

static const uint8_t victim[4] = { 192, 0, 2, 1 };
static const uint8_t scrubber_mac[6] = { 2, 0, 0, 0, 9, 9 };

static struct dataplane plane;

static void attach(const char *name, const char *peer, uint8_t number, bool drop_no_neighbour)
{
	struct fg_port_config config = { .mode = FG_XDP_NATIVE, .drop_no_neighbour = drop_no_neighbour };
	struct fg_port_status status;

	snprintf(config.name, sizeof(config.name), "%s", name);
	snprintf(config.peer, sizeof(config.peer), "%s", peer);
	assert_int_equal(fg_xdp_attach(plane.x, &config, number, &status), 0);
	if (status.reason != FG_PORT_OK)
		print_error("%s: %s\n", fg_port_reason_name(status.reason), status.detail);
	assert_int_equal(status.reason, FG_PORT_OK);
}

/* One rule for the victim, in the image that is read. */
static void rule(struct fg_actions asked, uint32_t redirect, uint32_t copy)
{
	const struct dataplane_rule r = {
		.dst = { 192, 0, 2, 1 }, .bits = 32, .asked = asked, .redirect = redirect, .copy = copy
	};

	plane.m->control->side = FG_SIDE_NONE;
	dataplane_rules(&plane, 0, &r, 1);
	plane.m->control->side = 0;
}

/* A third cable, `out` to `scrub`, and 10.9.0.1/24 on `out`; 10.9.0.2 is a neighbour, 10.9.0.3 is not. */
static void lay_way_out(void)
{
	shell("ip link add out type veth peer name scrub");
	shell("ip link set out up; ip link set scrub up; ip addr add 10.9.0.1/24 dev out");
	shell("ethtool -K scrub tx off gro on >/dev/null; ethtool -K out tx off gro on >/dev/null");
	shell("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:09:09 dev out nud permanent");
	shell("sysctl -qw net.ipv4.ip_forward=1");
}

static int target(const char *interface, uint8_t host)
{
	struct fg_target_config config = { .next_hop = { .octets = { 10, 9, 0, host } } };

	if (host == 0)
		memset(config.next_hop.octets, 0, 4);
	snprintf(config.interface, sizeof(config.interface), "%s", interface);
	return fg_xdp_target(plane.x, TARGET, &config);
}

static struct fg_port_counters counters(uint8_t number)
{
	struct fg_port_counters c;
	uint64_t all = 0;

	assert_int_equal(fg_xdp_port_counters(plane.x, number, &c), 0);
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
			all += c.by[v][cause].packets;
	assert_int_equal(all, c.received.packets);
	assert_int_equal(c.aborted.packets, 0);
	return c;
}

/* By the routing table: new addresses, no tag, one hop less, checksum right; back where it came from: never. */
static void test_redirect_routed(void **state)
{
	int left = wire_open("left"), scrub = wire_open("scrub");
	struct wire_frame frame, got;

	(void)state;
	attach("port0", "", 0, true);
	assert_int_equal(target("", 2), 0);
	rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP | FG_ACT_MARK, .dscp = 10 }, TARGET, 0);
	for (int tags = 0; tags < 3; tags++) {
		wire_udp(&frame, victim, 53, 100);
		for (int i = 0; i < tags; i++)
			wire_tag(&frame, 7);
		wire_send(left, &frame);
		assert_true(wire_receive(scrub, &got, SOON_MS));
		assert_int_equal(got.len, 14 + 128);
		assert_memory_equal(got.octets, scrubber_mac, 6);
		assert_int_equal(wire_ipv4(&got)[8], 63);
		assert_int_equal(wire_ipv4(&got)[1], 10 << 2);
	}
	wire_udp(&frame, victim, 53, 100);
	frame.octets[14 + 8] = 1; /* its last hop; the checksum does not matter */
	wire_send(left, &frame);
	assert_false(wire_receive(scrub, &got, NEVER_MS));
	assert_int_equal(counters(0).by[FG_REDIRECT][FG_CAUSE_REDIRECT].packets, 3);
	assert_int_equal(counters(0).by[FG_DROP][FG_CAUSE_REDIRECT].packets, 1);
	close(left);
	close(scrub);
}

/* No neighbour: passed or dropped as the port is set, and counted apart. */
static void test_no_neighbour(void **state)
{
	int left = wire_open("left"), port0 = wire_open("port0");
	struct wire_frame frame, got;

	(void)state;
	for (int drop = 0; drop < 2; drop++) {
		attach("port0", "", 0, drop);
		assert_int_equal(target("", 3), 0);
		rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP }, TARGET, 0);
		wire_udp(&frame, victim, 53, 100);
		wire_send(left, &frame);
		assert_int_equal(wire_receive(port0, &got, drop ? NEVER_MS : SOON_MS), !drop);
		assert_int_equal(counters(0).no_neighbour.packets, 1 + drop);
		assert_int_equal(counters(0).by[drop ? FG_DROP : FG_PASS][FG_CAUSE_REDIRECT].packets, 1);
	}
	close(left);
	close(port0);
}

/* To an interface: as it is, or with the addresses of the next hop there. */
static void test_redirect_interface(void **state)
{
	int left = wire_open("left"), scrub = wire_open("scrub");
	struct wire_frame frame, got;

	(void)state;
	attach("port0", "", 0, true);
	assert_int_equal(target("nowhere", 0), -ENODEV);
	for (uint8_t host = 0; host <= 2; host = (uint8_t)(host + 2)) {
		assert_int_equal(target("out", host), 0);
		rule((struct fg_actions){ .set = FG_ACT_REDIRECT_RT }, TARGET, 0);
		wire_udp(&frame, victim, 53, 100);
		wire_tag(&frame, 7);
		wire_send(left, &frame);
		assert_true(wire_receive(scrub, &got, SOON_MS));
		assert_memory_equal(got.octets, host == 0 ? frame.octets : scrubber_mac, 6);
		assert_int_equal(got.len, frame.len);
		assert_memory_equal(got.octets + 12, frame.octets + 12, frame.len - 12);
	}
	close(left);
	close(scrub);
}

/* A copy goes to the target with the addresses of its link, the packet goes on; without a pair there is no copy. */
static void test_copy(void **state)
{
	int left = wire_open("left"), right = wire_open("right"), scrub = wire_open("scrub");
	struct wire_frame frame, got;

	(void)state;
	assert_int_equal(target("out", 2), 0);
	attach("port0", "port1", 0, true);
	attach("port1", "port0", 1, true);
	rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY }, 0, TARGET);
	wire_udp(&frame, victim, 53, 100);
	for (int i = 0; i < 20; i++)
		wire_send(left, &frame);
	for (int i = 0; i < 20; i++) {
		assert_true(wire_receive(right, &got, SOON_MS));
		assert_memory_equal(got.octets, frame.octets, frame.len);
		assert_true(wire_receive(scrub, &got, SOON_MS));
		assert_memory_equal(got.octets, scrubber_mac, 6);
		assert_memory_equal(got.octets + 12, frame.octets + 12, frame.len - 12);
	}
	assert_int_equal(counters(0).copied.packets, 20);
	assert_int_equal(counters(0).copies_lost, 0);
	close(left);
	close(right);
	close(scrub);
}

/* Sends a frame, which must arrive there, and nowhere else. */
static void crosses(int from, int to, int never)
{
	struct wire_frame frame, got;

	wire_udp(&frame, victim, 53, 100);
	wire_send(from, &frame);
	assert_true(wire_receive(to, &got, SOON_MS));
	assert_false(wire_receive(never, &got, NEVER_MS));
}

/*
 * Ports are given other numbers, one after the other, as when an interface is put before them in the configuration: packets go where they went at
 * each step, and each port has the counters that are its own.
 */
static void test_other_numbers(void **state)
{
	int left = wire_open("left"), right = wire_open("right"), scrub = wire_open("scrub");

	(void)state;
	attach("port0", "port1", 0, true);
	attach("port1", "port0", 1, true);
	crosses(left, right, scrub);
	attach("out", "port0", 0, true);
	crosses(left, right, scrub);
	attach("port0", "port1", 1, true);
	crosses(left, right, scrub);
	attach("port1", "port0", 2, true);
	crosses(left, right, scrub);
	crosses(right, left, scrub);
	assert_int_equal(counters(0).received.packets, 0);
	assert_int_equal(counters(1).received.packets, 4);
	assert_int_equal(counters(2).received.packets, 1);
	assert_int_equal(fg_xdp_detach(plane.x, "port0"), 0);
	attach("out", "port1", 0, true);
	attach("port1", "out", 1, true);
	attach("port0", "", 2, true);
	assert_int_equal(counters(1).received.packets, 1);
	assert_int_equal(counters(2).received.packets, 4);
	close(left);
	close(right);
	close(scrub);
}

/* An interface that is made anew each time takes no more places than one. */
static void test_interfaces_come_and_go(void **state)
{
	(void)state;
	attach("port0", "port1", 0, true);
	for (int i = 0; i < FG_PORTS_MAX; i++) {
		shell("ip link add again type veth peer name other");
		attach("again", "", 1, true);
		shell("ip link del again");
	}
}

/*
 * A frame in several buffers has no copy, which is counted: the kernel would copy the first buffer alone, and take what lies behind that for
 * the list of the others. It is not sent here, for a test run ends with the code.
 */
static void test_no_copy_of_several_buffers(void **state)
{
	static uint8_t octets[DATAPLANE_FRAME_MAX];
	struct wire_frame frame;
	uint32_t len[] = { 142, sizeof(octets) };

	(void)state;
	assert_int_equal(target("out", 2), 0);
	attach("port0", "port1", 0, true);
	plane.x->ports[LOOPBACK].flags |= FG_PORT_PAIR;
	rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY }, 0, TARGET);
	wire_udp(&frame, victim, 53, 100);
	for (int i = 0; i < 2; i++) {
		memcpy(octets, frame.octets, frame.len);
		assert_int_equal(dataplane_run(&plane, octets, &len[i]), XDP_REDIRECT);
		assert_int_equal(counters(0).copied.packets, 1);
		assert_int_equal(counters(0).copies_lost, i);
	}
}

static uint64_t sampled;

static void take(void *ctx, const struct fg_sample *sample)
{
	const struct wire_frame *frame = ctx;

	sampled++;
	assert_int_equal(sample->slot, 0);
	assert_int_equal(sample->frame_len, frame->len);
	assert_int_equal(sample->captured, frame->len < FG_SAMPLE_OCTETS ? frame->len : FG_SAMPLE_OCTETS);
	assert_memory_equal(sample->data, frame->octets, sample->captured);
	assert_int_equal(sample->verdict, FG_DROP);
	assert_int_equal(sample->cause, FG_CAUSE_DISCARD);
}

/* Samples of what is dropped, capped by core and second, and no more handed over than asked for. */
static void test_samples(void **state)
{
	struct wire_frame frame, run;

	(void)state;
	rule((struct fg_actions){ .set = FG_ACT_DISCARD }, 0, 0);
	plane.m->control->samples_per_s = 10;
	wire_udp(&frame, victim, 53, 600);
	for (int i = 0; i < 100; i++) {
		run = frame;
		assert_int_equal(dataplane_run(&plane, run.octets, &run.len), XDP_DROP);
	}
	assert_int_equal(fg_xdp_samples(plane.x, take, &frame, 4), 4);
	assert_true(fg_xdp_samples(plane.x, take, &frame, 1000) > 0);
	assert_in_range(sampled, 10, 20);
	assert_int_equal(counters(0).samples, sampled);
	plane.m->control->samples_per_s = 0;
	run = frame;
	assert_int_equal(dataplane_run(&plane, run.octets, &run.len), XDP_DROP);
	assert_int_equal(fg_xdp_samples(plane.x, take, &frame, 1000), 0);
}

/* Shadow: counted, and nothing is done. Protection wins, and what only counts does nothing. */
static void test_shadow(void **state)
{
	struct wire_frame frame;

	(void)state;
	wire_udp(&frame, victim, 53, 10);
	rule((struct fg_actions){ .set = FG_ACT_DISCARD | FG_ACT_MARK }, 0, 0);
	plane.m->control->flags = FG_CONTROL_SHADOW;
	assert_int_equal(dataplane_run(&plane, frame.octets, &frame.len), XDP_PASS);
	assert_int_equal(counters(0).by[FG_DROP][FG_CAUSE_DISCARD].packets, 1);
	plane.m->control->flags = 0;
	rule((struct fg_actions){ .set = FG_ACT_PROTECT }, 0, 0);
	assert_int_equal(dataplane_run(&plane, frame.octets, &frame.len), XDP_PASS);
	assert_int_equal(counters(0).by[FG_PASS][FG_CAUSE_PROTECT].packets, 1);
	rule((struct fg_actions){ .set = FG_ACT_DISCARD | FG_ACT_COUNT_ONLY }, 0, 0);
	assert_int_equal(dataplane_run(&plane, frame.octets, &frame.len), XDP_PASS);
	assert_int_equal(counters(0).by[FG_PASS][FG_CAUSE_NONE].packets, 1);
}

/* Without an image all pass, unless the port is closed then; malformed ones are dropped where that is asked for. */
static void test_no_image(void **state)
{
	struct wire_frame frame;

	(void)state;
	wire_udp(&frame, victim, 53, 10);
	rule((struct fg_actions){ .set = FG_ACT_DISCARD }, 0, 0);
	plane.m->control->side = FG_SIDE_NONE;
	assert_int_equal(dataplane_run(&plane, frame.octets, &frame.len), XDP_PASS);
	plane.x->ports[LOOPBACK].flags |= FG_PORT_CLOSED | FG_PORT_DROP_MALFORMED;
	assert_int_equal(dataplane_run(&plane, frame.octets, &frame.len), XDP_DROP);
	plane.m->control->side = 0;
	frame.octets[14] = 0x41;
	assert_int_equal(dataplane_run(&plane, frame.octets, &frame.len), XDP_DROP);
	assert_int_equal(counters(0).by[FG_DROP][FG_CAUSE_MALFORMED].packets, 1);
	frame.octets[12] = 0x12;
	assert_int_equal(dataplane_run(&plane, frame.octets, &frame.len), XDP_PASS);
}

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

/* A core that runs frames through the program until a time. */
struct runner {
	pthread_t thread;
	size_t cpu;
	uint64_t until_ns;
	struct wire_frame frame;
};

static void *run_frames(void *ctx)
{
	struct runner *r = ctx;
	uint8_t after[WIRE_FRAME_MAX];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(r->cpu, &set);
	(void)sched_setaffinity(0, sizeof(set), &set);
	while (monotonic_ns() < r->until_ns) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = r->frame.octets, .data_size_in = r->frame.len,
			    .data_out = after, .data_size_out = sizeof(after), .repeat = 1000);

		if (bpf_prog_test_run_opts(plane.x->program, &opts) != 0)
			return ctx;
	}
	return NULL;
}

static void start(struct runner *r, size_t cpu, const struct wire_frame *frame, uint64_t until_ns)
{
	*r = (struct runner){ .cpu = cpu, .until_ns = until_ns, .frame = *frame };
	assert_int_equal(pthread_create(&r->thread, NULL, run_frames, r), 0);
}

/* Of one bucket by two cores at once: never above rate * time + burst, and at the rate. */
static void test_rate(void **state)
{
	static const float rates[] = { 1000, 1e6F, 1e8F };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		double burst = (double)(rates[i] / 10 < 65575 ? 65575 : rates[i] / 10), most, passed;
		struct fg_rule_counters c;
		struct runner r[2];
		struct wire_frame frame;
		uint64_t began;

		rule((struct fg_actions){ .set = FG_ACT_RATE_BYTES, .rate_bytes_per_s = rates[i] }, 0, 0);
		assert_int_equal(fg_xdp_rule_reset(plane.x, 0), 0);
		wire_udp(&frame, victim, 53, 972);
		began = monotonic_ns();
		for (size_t cpu = 0; cpu < 2; cpu++)
			start(&r[cpu], cpu, &frame, began + 2 * SECOND);
		for (size_t cpu = 0; cpu < 2; cpu++)
			assert_int_equal(pthread_join(r[cpu].thread, NULL), 0);
		most = (double)(monotonic_ns() - began) * 1e-9 * (double)rates[i] + burst;
		assert_int_equal(fg_xdp_rule_counters(plane.x, 0, 1, &c), 0);
		passed = (double)c.passed.bytes;
		printf("# %.0f octets/s: %.4f of what may pass\n", (double)rates[i], passed / most);
		assert_true(passed <= most);
		assert_true(passed >= 0.5 * most - 1000);
		assert_int_equal(c.matched.packets, c.passed.packets + c.dropped.packets);
	}
}

/*
 * Left-right under traffic: the one image drops the packet by a rule for its address, the other by one for its network, and each is
 * emptied and filled again while it is not read. A packet that met parts of two, or one being filled, would find no rule and
 * pass.
 */
static void test_flips(void **state)
{
	const struct fg_actions drop = { .set = FG_ACT_DISCARD };
	const struct dataplane_rule narrow[] = { { .dst = { 192, 0, 2, 1 }, .bits = 32, .asked = drop } };
	const struct dataplane_rule broad[] = { { .dst = { 192, 0, 2, 0 }, .bits = 24, .asked = drop } };
	uint64_t until = monotonic_ns() + 3 * SECOND;
	struct wire_frame frame;
	struct runner r[2];
	struct fg_image *image[FG_SIDES];
	uint32_t flips = 0, entry[FG_SIDES];

	(void)state;
	dataplane_rules(&plane, 0, narrow, 1);
	dataplane_rules(&plane, 1, broad, 1);
	for (int i = 0; i < FG_SIDES; i++)
		image[i] = (struct fg_image *)(void *)plane.m->image[i];
	entry[0] = image[0]->entry[FG_IPV4];
	entry[1] = image[1]->entry[FG_IPV4];
	wire_udp(&frame, victim, 53, 10);
	plane.m->control->side = 0;
	for (size_t cpu = 0; cpu < 2; cpu++)
		start(&r[cpu], cpu, &frame, until);
	for (uint32_t side = 1; monotonic_ns() < until; side = !side, flips++) {
		__atomic_store_n(&image[side]->entry[FG_IPV4], 0, __ATOMIC_RELEASE);
		sched_yield();
		__atomic_store_n(&image[side]->entry[FG_IPV4], entry[side], __ATOMIC_RELEASE);
		__atomic_store_n(&plane.m->control->side, side, __ATOMIC_RELEASE);
		assert_int_equal(fg_xdp_drain(plane.x), 0);
	}
	for (size_t cpu = 0; cpu < 2; cpu++)
		assert_int_equal(pthread_join(r[cpu].thread, NULL), 0);
	printf("# %u flips, %llu packets\n", flips, (unsigned long long)counters(0).received.packets);
	assert_int_equal(counters(0).by[FG_DROP][FG_CAUSE_DISCARD].packets, counters(0).received.packets);
}

static int setup(void **state)
{
	(void)state;
	dataplane_open(&plane, SLOTS, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dataplane_close(&plane);
	return 0;
}

static int lay_cables(void **state)
{
	(void)state;
	wire_cables();
	lay_way_out();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_redirect_routed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_neighbour, setup, teardown),
		cmocka_unit_test_setup_teardown(test_redirect_interface, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_interfaces_come_and_go, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_copy_of_several_buffers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_samples, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shadow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_image, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flips, setup, teardown),
	};

	dataplane_need();
	return cmocka_run_group_tests(tests, lay_cables, NULL);
}
