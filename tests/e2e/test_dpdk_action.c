/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions of flowgate-dpdk, from file to file: where redirects and copies leave and as what, what becomes of one without a way out, rates that
 * hold over two workers, samples, shadows, times without an image, frames of several segments, and what is lost where buffers or room run out.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "flowgate/packet.h"
#include "tests/e2e/bump.h"

enum { TARGET = 1, SLOTS = 16, VICTIM = 1, OTHER = 2, GUARDED = 3, A = 0, B = 1, C = 2 };

static const uint8_t macs[12] = { 2, 0, 0, 0, 9, 9, 2, 0, 0, 0, 8, 8 };
static const char *const pairs[] = { "a:b", "c:d" };
static struct bump bump;
static uint8_t frame[BUMP_FRAME_MAX], got[BUMP_FRAME_MAX];

#define PORT_A "--port", "a=net_pcap0,rx_pcap=%F/in"
#define PORT_B "--port", "b=net_pcap1,rx_pcap=%F/none,tx_pcap=%F/out"
#define PORT_C "--port", "c=net_pcap2,rx_pcap=%F/none,tx_pcap=%F/way"
#define ONE_CPU "--lcores", "0", "--main-core", "0"

static const char *const usual[] = { PORT_A, PORT_B, PORT_C, ONE_CPU, "--mbufs", "2048", "--", "--no-huge", NULL };

static void open_plane(uint8_t flags)
{
	bump_open(&bump, SLOTS, 2, pairs, 2, flags);
	fclose(bump_capture_new(&bump, "none"));
}

/* One rule for the victim, in the image that is read. */
static void rule(struct fg_actions asked, uint32_t redirect, uint32_t copy)
{
	const struct bump_rule r = { .host = VICTIM, .asked = asked, .redirect = redirect, .copy = copy };

	bump_rules(&bump, 0, &r, 1);
	bump.m.control->side = 0;
}

/* All of the file through flowgate-dpdk, to its end. */
static void forward(const char *const *arguments, uint64_t n)
{
	bump_start(&bump, arguments);
	bump_wait(&bump, A, n);
	assert_int_equal(bump_end(&bump, SIGTERM), 0);
}

static void put_times(uint32_t n, uint8_t host, uint32_t payload)
{
	FILE *in = bump_capture_new(&bump, "in");
	uint32_t len = bump_udp(frame, host, 0, payload);

	for (uint32_t i = 0; i < n; i++)
		bump_capture_put(in, frame, len);
	fclose(in);
}

static uint32_t count_frames(const char *name)
{
	FILE *f = bump_capture_open(&bump, name);
	uint32_t n = 0, len;

	while (bump_capture_next(f, got, &len))
		n++;
	fclose(f);
	return n;
}

static uint16_t sum_of(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += fg_load_be16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)(sum + (sum >> 16));
}

/* ---- Redirects ---- */

/* Frames with 0, 1, 2 tags to the victim. */
static void put_tagged(void)
{
	FILE *in = bump_capture_new(&bump, "in");

	for (uint32_t tags = 0; tags < 3; tags++)
		bump_capture_put(in, frame, bump_udp(frame, VICTIM, tags, 100));
	fclose(in);
}

/* By a route: new addresses, no tag, one hop less, the checksum right, and marked. */
static void test_redirect_routed(void **state)
{
	uint32_t len;
	FILE *way;

	(void)state;
	open_plane(0);
	bump_target(&bump, TARGET, FG_TARGET_ROUTED, C, macs);
	rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP | FG_ACT_MARK, .dscp = 10 }, TARGET, 0);
	put_tagged();
	forward(usual, 3);
	way = bump_capture_open(&bump, "way");
	for (int i = 0; i < 3; i++) {
		assert_true(bump_capture_next(way, got, &len));
		assert_int_equal(len, 14 + 128);
		assert_memory_equal(got, macs, 12);
		assert_int_equal(fg_load_be16(got + 12), FG_ETHERTYPE_IPV4);
		assert_int_equal(got[14 + 8], 63);
		assert_int_equal(got[14 + 1], 10 << 2);
		assert_int_equal(sum_of(got + 14), 0xffff);
	}
	assert_false(bump_capture_next(way, got, &len));
	fclose(way);
	assert_int_equal(count_frames("out"), 0);
	assert_int_equal(bump_counters(&bump, A).by[FG_REDIRECT][FG_CAUSE_REDIRECT].packets, 3);
	bump_close(&bump);
}

/* To a port: as it is, or with the addresses of the next hop there. */
static void test_redirect_port(void **state)
{
	uint32_t len, want;
	FILE *way;

	(void)state;
	for (int addressed = 0; addressed < 2; addressed++) {
		open_plane(0);
		bump_target(&bump, TARGET, FG_TARGET_INTERFACE, C, addressed ? macs : NULL);
		rule((struct fg_actions){ .set = FG_ACT_REDIRECT_RT }, TARGET, 0);
		put_tagged();
		forward(usual, 3);
		way = bump_capture_open(&bump, "way");
		for (uint32_t tags = 0; tags < 3; tags++) {
			want = bump_udp(frame, VICTIM, tags, 100);
			assert_true(bump_capture_next(way, got, &len));
			assert_int_equal(len, want);
			assert_memory_equal(got, addressed ? macs : frame, 12);
			assert_memory_equal(got + 12, frame + 12, want - 12);
		}
		fclose(way);
		bump_close(&bump);
	}
}

/* No target, a way back, no time to live: passed or dropped as the port is set, as it came, and counted apart. */
static void no_way(enum fg_target_kind kind, uint8_t port, uint8_t ttl, uint8_t flags)
{
	bool drop = flags & FG_PORT_DROP_NO_NEIGHBOUR;
	struct fg_port_counters c;
	uint32_t want, len;
	FILE *f;

	open_plane(flags);
	bump_target(&bump, TARGET, kind, port, macs);
	rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP }, TARGET, 0);
	f = bump_capture_new(&bump, "in");
	want = bump_udp(frame, VICTIM, 1, 20);
	frame[18 + 8] = ttl;
	bump_capture_put(f, frame, want);
	fclose(f);
	forward(usual, 1);
	c = bump_counters(&bump, A);
	assert_int_equal(c.no_neighbour.packets, 1);
	assert_int_equal(c.by[drop ? FG_DROP : FG_PASS][FG_CAUSE_REDIRECT].packets, 1);
	assert_int_equal(count_frames("way"), 0);
	f = bump_capture_open(&bump, "out");
	assert_int_equal(bump_capture_next(f, got, &len), !drop);
	if (!drop)
		assert_memory_equal(got, frame, want);
	fclose(f);
	bump_close(&bump);
}

static void test_no_way(void **state)
{
	(void)state;
	for (int drop = 0; drop < 2; drop++) {
		uint8_t flags = drop ? FG_PORT_DROP_NO_NEIGHBOUR : 0;

		no_way(FG_TARGET_NONE, C, 64, flags);
		no_way(FG_TARGET_INTERFACE, A, 64, flags);
		no_way(FG_TARGET_INTERFACE, 3, 64, flags); /* a port without a device */
		no_way(FG_TARGET_ROUTED, C, 1, flags);
	}
}

/* ---- Copies ---- */

/* A copy goes to the target with the addresses of its link, marked as the packet is, and the packet goes on. */
static void test_copy(void **state)
{
	uint32_t len, way_len;
	FILE *out, *way;

	(void)state;
	open_plane(0);
	bump_target(&bump, TARGET, FG_TARGET_ROUTED, C, macs);
	rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY | FG_ACT_MARK, .dscp = 8 }, 0, TARGET);
	put_tagged();
	forward(usual, 3);
	out = bump_capture_open(&bump, "out");
	way = bump_capture_open(&bump, "way");
	for (uint32_t tags = 0; tags < 3; tags++) {
		assert_true(bump_capture_next(out, frame, &len));
		assert_true(bump_capture_next(way, got, &way_len));
		assert_int_equal(len, 14 + 4 * tags + 128);
		assert_int_equal(way_len, len);
		assert_int_equal(frame[14 + 4 * tags + 1], 8 << 2);
		assert_memory_equal(got, macs, 12);
		assert_memory_equal(got + 12, frame + 12, len - 12);
	}
	fclose(out);
	fclose(way);
	assert_int_equal(bump_counters(&bump, A).copied.packets, 3);
	assert_int_equal(bump_counters(&bump, A).copies_lost, 0);
	bump_close(&bump);
}

/* A copy that has no target is lost and counted; so is one of a packet that is redirected as well. */
static void test_copy_lost(void **state)
{
	const struct bump_rule rules[] = {
		{ .host = VICTIM, .asked = { .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY }, .copy = 2 },
		{ .host = OTHER,
		  .asked = { .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY | FG_ACT_REDIRECT_RT },
		  .redirect = TARGET,
		  .copy = TARGET },
	};
	FILE *in;

	(void)state;
	open_plane(0);
	bump_target(&bump, TARGET, FG_TARGET_INTERFACE, C, macs);
	bump_rules(&bump, 0, rules, 2);
	bump.m.control->side = 0;
	in = bump_capture_new(&bump, "in");
	bump_capture_put(in, frame, bump_udp(frame, VICTIM, 0, 20));
	bump_capture_put(in, frame, bump_udp(frame, OTHER, 0, 20));
	fclose(in);
	forward(usual, 2);
	assert_int_equal(bump_counters(&bump, A).copies_lost, 2);
	assert_int_equal(bump_counters(&bump, A).copied.packets, 0);
	assert_int_equal(count_frames("out"), 1);
	assert_int_equal(count_frames("way"), 1);
	bump_close(&bump);
}

/* ---- Rates ---- */

/* One bucket for two workers: no more than burst and rate give. */
static void test_rate_over_workers(void **state)
{
	enum { FRAMES = 40000, RATE = 100000, BURST = RATE / 10 };
	static const char *const two[] = {
		"--port",      "a=net_pcap0,rx_pcap=%F/in,rx_pcap=%F/in",
		"--port",      "b=net_pcap1,rx_pcap=%F/none,rx_pcap=%F/none,tx_pcap=%F/out,tx_pcap=%F/out2",
		"--lcores",    "0,1",
		"--main-core", "0",
		"--mbufs",     "4096",
		"--",          "--no-huge",
		NULL
	};
	struct fg_rule_counters r;
	struct fg_port_counters c;
	uint64_t gone_ns;

	(void)state;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		print_message("one CPU is too few\n");
		return;
	}
	open_plane(0);
	rule((struct fg_actions){ .set = FG_ACT_RATE_PACKETS, .rate_packets_per_s = RATE }, 0, 0);
	put_times(FRAMES, VICTIM, 20);
	forward(two, 2 * FRAMES);
	c = bump_counters(&bump, A);
	fg_share_rule_counters(&bump.share, 0, 1, &r);
	gone_ns = r.last_ns - bump.share.live->instance[0].started_ns;
	assert_int_equal(r.matched.packets, 2 * FRAMES);
	assert_int_equal(r.passed.packets, c.by[FG_PASS][FG_CAUSE_ACCEPT].packets);
	assert_int_equal(r.dropped.packets, c.by[FG_DROP][FG_CAUSE_RATE].packets);
	assert_int_equal(r.passed.packets + r.dropped.packets, 2 * FRAMES);
	assert_in_range(r.passed.packets, BURST, BURST + gone_ns * RATE / 1000000000u + 1);
	assert_int_equal(count_frames("out") + count_frames("out2"), r.passed.packets);
	bump_close(&bump);
}

/* ---- Samples ---- */

static uint64_t taken;

static void take(void *ctx, const struct fg_sample *s)
{
	(void)ctx;
	taken++;
	assert_int_equal(s->slot, 0);
	assert_int_equal(s->ifindex, A);
	assert_int_equal(s->frame_len, 14 + 628);
	assert_int_equal(s->captured, FG_SAMPLE_OCTETS);
	assert_int_equal(s->verdict, FG_DROP);
	assert_int_equal(s->cause, FG_CAUSE_DISCARD);
	assert_memory_equal(s->data, frame, FG_SAMPLE_OCTETS);
}

/* No more in a second than asked for, no more than the ring holds, none where none is asked for. */
static void test_samples(void **state)
{
	static const struct {
		uint32_t per_s, most;
		bool lost;
	} cases[] = { { 0, 0, false }, { 10, 10 * 60, false }, { 1 << 20, FG_SAMPLES_MAX, true } };
	struct fg_port_counters c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_plane(0);
		rule((struct fg_actions){ .set = FG_ACT_DISCARD }, 0, 0);
		bump.m.control->samples_per_s = cases[i].per_s;
		put_times(1000, VICTIM, 600);
		forward(usual, 1000);
		c = bump_counters(&bump, A);
		assert_int_equal(c.by[FG_DROP][FG_CAUSE_DISCARD].packets, 1000);
		taken = 0;
		assert_int_equal(fg_share_samples(&bump.share, take, NULL, 1 << 20), (int)c.samples);
		assert_int_equal(taken, c.samples);
		assert_in_range(c.samples, cases[i].per_s ? 1 : 0, cases[i].most);
		assert_int_equal(c.samples_lost, cases[i].lost ? 1000 - FG_SAMPLES_MAX : 0);
		bump_close(&bump);
	}
}

/* ---- What is not enforced ---- */

static void test_shadow(void **state)
{
	(void)state;
	open_plane(0);
	rule((struct fg_actions){ .set = FG_ACT_DISCARD | FG_ACT_MARK, .dscp = 9 }, 0, 0);
	bump.m.control->flags = FG_CONTROL_SHADOW;
	put_times(10, VICTIM, 20);
	forward(usual, 10);
	assert_int_equal(bump_counters(&bump, A).by[FG_DROP][FG_CAUSE_DISCARD].packets, 10);
	assert_int_equal(count_frames("out"), 10);
	bump_close(&bump);
}

/* No image: all passes, or where the port is closed only what is no IP. */
static void test_no_image(void **state)
{
	FILE *in;

	(void)state;
	for (int closed = 0; closed < 2; closed++) {
		open_plane(closed ? FG_PORT_CLOSED : 0);
		rule((struct fg_actions){ .set = FG_ACT_DISCARD }, 0, 0);
		bump.m.control->side = FG_SIDE_NONE;
		in = bump_capture_new(&bump, "in");
		bump_capture_put(in, frame, bump_udp(frame, VICTIM, 0, 20));
		fg_store_be16(frame + 12, 0x0806);
		bump_capture_put(in, frame, 60);
		fclose(in);
		forward(usual, 2);
		assert_int_equal(count_frames("out"), closed ? 1 : 2);
		assert_int_equal(bump_counters(&bump, A).by[closed ? FG_DROP : FG_PASS][FG_CAUSE_NONE].packets,
				 closed ? 1 : 2);
		bump_close(&bump);
	}
}

/* ---- Frames of several segments ---- */

static void test_jumbo(void **state)
{
	const struct bump_rule rules[] = {
		{ .host = VICTIM,
		  .asked = { .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY | FG_ACT_MARK, .dscp = 5 },
		  .copy = TARGET },
		{ .host = OTHER, .asked = { .set = FG_ACT_REDIRECT_IP }, .redirect = TARGET },
	};
	uint32_t len, want;
	FILE *f;

	(void)state;
	open_plane(0);
	bump_target(&bump, TARGET, FG_TARGET_ROUTED, C, macs);
	bump_rules(&bump, 0, rules, 2);
	bump.m.control->side = 0;
	f = bump_capture_new(&bump, "in");
	for (uint8_t host = VICTIM; host <= GUARDED; host++)
		bump_capture_put(f, frame, bump_udp(frame, host, 2, 8900));
	fclose(f);
	forward(usual, 3);
	f = bump_capture_open(&bump, "out");
	for (uint8_t host = VICTIM; host <= GUARDED; host = (uint8_t)(host + 2)) {
		want = bump_udp(frame, host, 2, 8900);
		if (host == VICTIM)
			fg_mark_ipv4(frame + 22, 5);
		assert_true(bump_capture_next(f, got, &len));
		assert_int_equal(len, want);
		assert_memory_equal(got, frame, want);
	}
	fclose(f);
	f = bump_capture_open(&bump, "way");
	assert_true(bump_capture_next(f, got, &len));
	want = bump_udp(frame, VICTIM, 2, 8900);
	assert_int_equal(len, want);
	assert_memory_equal(got + 22 + 20, frame + 22 + 20, want - 22 - 20);
	assert_true(bump_capture_next(f, got, &len));
	assert_int_equal(len, want - 8);
	assert_memory_equal(got + 14 + 20, frame + 22 + 20, want - 22 - 20);
	fclose(f);
	assert_int_equal(bump_counters(&bump, A).by[FG_REDIRECT][FG_CAUSE_REDIRECT].bytes, 8928);
	bump_close(&bump);
}

/* ---- Shortage ---- */

/* A burst of frames of two segments takes 64 buffers, which leaves a few for copies: those that find none are counted, every packet goes on, and it recovers. */
static void test_no_buffers(void **state)
{
	enum { FRAMES = 5000 };
	static const char *const few[] = { PORT_A, PORT_B, PORT_C, ONE_CPU, "--mbufs", "80", "--", "--no-huge", NULL };
	struct fg_port_counters c;

	(void)state;
	open_plane(0);
	bump_target(&bump, TARGET, FG_TARGET_INTERFACE, C, macs);
	rule((struct fg_actions){ .set = FG_ACT_REDIRECT_IP | FG_ACT_COPY }, 0, TARGET);
	put_times(FRAMES, VICTIM, 3000);
	forward(few, FRAMES);
	c = bump_counters(&bump, A);
	assert_int_equal(c.by[FG_PASS][FG_CAUSE_ACCEPT].packets, FRAMES);
	assert_int_equal(count_frames("out"), FRAMES);
	assert_true(c.copies_lost > 0 && c.copied.packets > 0);
	assert_int_equal(c.copied.packets + c.copies_lost, FRAMES);
	assert_int_equal(bump_more(&bump, A).no_mbuf, c.copies_lost);
	assert_int_equal(count_frames("way"), c.copied.packets);
	bump_close(&bump);
}

/* A device that takes a thousand packets and no more (a ring that nobody empties): all others are dropped, as overload and not as passed. */
static void test_no_room(void **state)
{
	enum { FRAMES = 6000, ROOM_MAX = 2048 };
	static const char *const ring[] = { PORT_A, "--port", "b=net_ring0", ONE_CPU, "--mbufs",
					    "8192", "--",     "--no-huge",   NULL };
	const struct bump_rule rules[] = { { .host = VICTIM },
					   { .host = GUARDED, .asked = { .set = FG_ACT_PROTECT } } };
	struct fg_port_counters c;
	uint64_t passed;
	FILE *in;

	(void)state;
	open_plane(0);
	bump.share.tables->port[B].peer = 3; /* which has no device, so that what is in the ring stays there */
	bump.share.tables->ports_version += 2;
	bump_rules(&bump, 0, rules, 2);
	bump.m.control->side = 0;
	in = bump_capture_new(&bump, "in");
	for (int i = 0; i < FRAMES; i++)
		bump_capture_put(in, frame, bump_udp(frame, (uint8_t)(VICTIM + i % 3), 0, 20));
	fclose(in);
	forward(ring, FRAMES);
	c = bump_counters(&bump, A);
	passed = c.by[FG_PASS][FG_CAUSE_NONE].packets + c.by[FG_PASS][FG_CAUSE_ACCEPT].packets +
		 c.by[FG_PASS][FG_CAUSE_PROTECT].packets;
	assert_in_range(passed, FG_BURST, ROOM_MAX);
	assert_int_equal(c.by[FG_DROP][FG_CAUSE_OVERLOAD].packets, FRAMES - passed);
	assert_true(bump_more(&bump, A).tx_full >= FRAMES - passed - FG_BURST);
	bump_close(&bump);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirect_routed), cmocka_unit_test(test_redirect_port),
		cmocka_unit_test(test_no_way),          cmocka_unit_test(test_copy),
		cmocka_unit_test(test_copy_lost),       cmocka_unit_test(test_rate_over_workers),
		cmocka_unit_test(test_samples),         cmocka_unit_test(test_shadow),
		cmocka_unit_test(test_no_image),        cmocka_unit_test(test_jumbo),
		cmocka_unit_test(test_no_buffers),      cmocka_unit_test(test_no_room),
	};

	bump_need(argc > 1 ? argv[1] : NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
