/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel verifier accepts the header walk and the actions, and they do in BPF what they do in native code: the
 * programs of bpf_key.bpf.c are loaded and run (BPF_PROG_TEST_RUN) on frames of all kinds, hostile ones included.
 * In comes the object file as the only argument; exit 77 where there is no right to load, 0 where all agrees.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "flowgate/action.h"
#include "flowgate/packet.h"
#include "tests/e2e/kernel.h"

enum { FRAME_MIN = 14, FRAME_MAX = 512, ROUNDS = 20000, ACT_ROUNDS = 5000 };

static const char *object_path;
static struct bpf_object *object;
static uint64_t seed = 20130303;

/* xorshift64: the same frames in every run. */
static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

static int map_fd(const char *name)
{
	return kernel_map_fd(object, name);
}

/* Runs a program on a frame; what it left of the frame is in `after`. */
static uint32_t run(const char *name, const uint8_t *frame, uint32_t len, uint8_t *after)
{
	return kernel_run(object, name, frame, len, after, FRAME_MAX);
}

static void packet_read(struct fg_packet *packet)
{
	kernel_percpu_read(object, "packets", packet, sizeof(*packet));
}

/* Both ways on an exact-size copy, so that native over-reads are caught too. */
static void agree(const uint8_t *frame, uint32_t len)
{
	static const char *const programs[] = { "key_whole", "key_cut", "key_raw" };
	uint8_t after[FRAME_MAX], *exact = malloc(len);
	struct fg_packet native, kernel;

	assert_non_null(exact);
	memcpy(exact, frame, len);
	for (int i = 0; i < 3; i++) {
		uint32_t code = run(programs[i], frame, len, after);

		if (i == 2)
			fg_packet_parse_ip(exact, exact + len, false, &native);
		else
			fg_packet_parse(exact, exact + len, i == 1, &native);
		packet_read(&kernel);
		assert_memory_equal(&kernel.key, &native.key, sizeof(native.key));
		assert_int_equal(kernel.ip_length, native.ip_length);
		assert_int_equal(kernel.l3_octet, native.l3_octet);
		assert_int_equal(kernel.what, native.what);
		assert_int_equal(code, native.what == FG_PACKET_MALFORMED ? XDP_DROP : XDP_PASS);
	}
	free(exact);
}

/* Ethernet with 0 to 3 tags; the octets written. */
static uint32_t put_ethernet(uint8_t *frame, uint16_t type)
{
	uint32_t tags = draw(8) < 5 ? 0 : draw(4), at = 12;

	for (; tags > 0; tags--, at += 4)
		fg_store_be16(frame + at, draw(2) ? 0x8100 : 0x88a8);
	fg_store_be16(frame + at, draw(32) ? type : (uint16_t)draw(65536));
	return at + 2;
}

/* A chain of up to ten headers with lengths and next headers that mostly fit; the first is of type `next`. */
static uint32_t put_chain(uint8_t *p, uint8_t next)
{
	static const uint8_t types[] = { 0, 43, 44, 44, 51, 60, 135, 139, 140 };
	static const uint8_t ends[] = { 6, 6, 17, 17, 58, 1, 50, 59, 132 };
	uint32_t at = 0, headers = draw(3) ? draw(4) : draw(11);

	for (; headers > 0; headers--) {
		uint8_t type = next, octets = type == 51 ? 12 : 8;

		next = headers > 1 ? types[draw(sizeof(types))] : ends[draw(sizeof(ends))];
		memset(p + at, 0, octets);
		p[at] = next;
		p[at + 1] = type == 51 ? 1 : 0;
		if (type == 44)
			fg_store_be16(p + at + 2, draw(2) ? (uint16_t)draw(2) : (uint16_t)draw(65536));
		at += octets;
	}
	return at;
}

/* A random IP frame: header, options or chain, some payload; then, sometimes, a few octets of noise in the headers. */
static uint32_t frame_draw(uint8_t *frame)
{
	static const uint8_t protocols[] = { 1, 6, 17, 58, 47, 0 };
	static const uint8_t nexts[] = { 0, 43, 44, 51, 60, 135, 139, 140, 6, 17, 58 };
	bool ipv6 = draw(2);
	uint32_t at, len, payload = draw(40), header;

	for (uint32_t i = 0; i < FRAME_MAX; i++)
		frame[i] = (uint8_t)draw(256);
	at = put_ethernet(frame, ipv6 ? 0x86dd : 0x0800);
	if (ipv6) {
		frame[at] = (uint8_t)(0x60 | draw(16));
		frame[at + 6] = nexts[draw(sizeof(nexts))];
		header = fg_packet_is_extension(frame[at + 6]) ? put_chain(frame + at + 40, frame[at + 6]) : 0;
		fg_store_be16(frame + at + 4, (uint16_t)(header + payload));
		len = at + 40 + header + payload;
	} else {
		header = 20 + 4 * (draw(2) ? 0 : draw(11));
		frame[at] = (uint8_t)(0x40 | header / 4);
		fg_store_be16(frame + at + 2, (uint16_t)(header + payload));
		if (draw(2))
			fg_store_be16(frame + at + 6, draw(2) ? 0x4000 : 0);
		frame[at + 9] = protocols[draw(sizeof(protocols))];
		len = at + header + payload;
	}
	if (draw(4) == 0)
		frame[at + draw(60)] = (uint8_t)draw(256);
	if (draw(3) == 0)
		len = FRAME_MIN + draw(len - FRAME_MIN + 1);
	return draw(3) ? len : len + draw(20);
}

static void test_keys_agree(void **state)
{
	uint8_t frame[FRAME_MAX];

	(void)state;
	for (int i = 0; i < ROUNDS; i++)
		agree(frame, frame_draw(frame));
}

/* The raw program on frames that begin with the IP header. */
static void test_raw_keys_agree(void **state)
{
	uint8_t frame[FRAME_MAX];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		uint32_t len = frame_draw(frame);
		uint32_t skip = len >= 2 * FRAME_MIN ? 14 : 0;

		agree(frame + skip, len - skip);
	}
}

/*
 * The longest chain: eight headers of the greatest length, more than a test frame holds, so the walk runs off the
 * data.
 */
static void test_long_chain(void **state)
{
	uint8_t frame[FRAME_MAX] = { 0 };
	uint32_t at = 14 + 40;

	(void)state;
	fg_store_be16(frame + 12, 0x86dd);
	frame[14] = 0x60;
	fg_store_be16(frame + 14 + 4, 65535);
	for (int i = 0; i < 8; i++) {
		frame[at + 1] = (uint8_t)(i == 7 ? 255 : 2);
		agree(frame, at + 2);
		agree(frame, at + 24);
		at += 24;
	}
	frame[14 + 40 + 1] = 255;
	agree(frame, FRAME_MAX);
}

static void rule_draw(struct fg_action *a, struct fg_meter *m)
{
	static const float rates[] = { 0.5F, 1.0F, 3.25F, 1000.0F, 1e6F, 1e11F };
	struct fg_actions asked = { .set = 1u << draw(9) | (draw(2) ? 1u << draw(9) : 0) };

	if (draw(3))
		asked.set &= ~(uint32_t)FG_ACT_DISCARD;
	asked.dscp = (uint8_t)draw(64);
	asked.rate_bytes_per_s = rates[draw(6)];
	asked.rate_packets_per_s = rates[draw(6)];
	fg_action_make(&asked, draw(100), draw(100), a);
	fg_meter_start(m, a);
}

static void rules_write(const struct fg_action *a, const struct fg_meter *m, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(bpf_map_update_elem(map_fd("actions"), &i, &a[i], BPF_ANY), 0);
		assert_int_equal(bpf_map_update_elem(map_fd("meters"), &i, &m[i], BPF_ANY), 0);
	}
}

/* One frame through one set of rules: verdict, buckets and the marked frame are the same. */
static void act_agree(struct fg_action *a, struct fg_meter *m, uint64_t count, uint64_t now_ns)
{
	uint8_t frame[FRAME_MAX], after[FRAME_MAX];
	uint32_t len = frame_draw(frame), zero = 0, one = 1;
	struct fg_applied applied[FG_APPLIED_MAX];
	struct fg_verdict native, kernel;
	struct fg_packet packet;
	struct fg_meter meter;

	fg_packet_parse(frame, frame + len, false, &packet);
	assert_int_equal(bpf_map_update_elem(map_fd("inputs"), &zero, &now_ns, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(map_fd("inputs"), &one, &count, BPF_ANY), 0);
	(void)run("act", frame, len, after);
	if (packet.what != FG_PACKET_IP)
		return;
	for (uint32_t i = 0; i < count; i++)
		applied[i] = (struct fg_applied){ &a[i], &m[i] };
	fg_verdict_of(applied, (uint32_t)count, packet.ip_length, now_ns, &native);
	assert_int_equal(bpf_map_lookup_elem(map_fd("verdicts"), &zero, &kernel), 0);
	assert_memory_equal(&kernel, &native, sizeof(native));
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(bpf_map_lookup_elem(map_fd("meters"), &i, &meter), 0);
		assert_memory_equal(&meter, &m[i], sizeof(meter));
	}
	if (native.mark && packet.key.family == FG_IPV6)
		fg_mark_ipv6(frame + packet.l3_octet, native.dscp);
	else if (native.mark)
		fg_mark_ipv4(frame + packet.l3_octet, native.dscp);
	assert_memory_equal(after, frame, len);
}

static void test_actions_agree(void **state)
{
	struct fg_action a[FG_APPLIED_MAX];
	struct fg_meter m[FG_APPLIED_MAX];
	uint64_t now_ns = 0;
	uint32_t count = 0;

	(void)state;
	for (int i = 0; i < ACT_ROUNDS; i++) {
		if (i % 50 == 0) {
			count = draw(2) ? draw(4) : draw(FG_APPLIED_MAX + 1);
			for (uint32_t k = 0; k < count; k++)
				rule_draw(&a[k], &m[k]);
			rules_write(a, m, count);
		}
		now_ns += draw(10) ? draw(1000000) : (uint64_t)draw(1000000) * 1000000;
		act_agree(a, m, count, now_ns);
	}
}

static int load(void **state)
{
	(void)state;
	object = kernel_load(object_path);
	return object == NULL ? -1 : 0;
}

static int unload(void **state)
{
	(void)state;
	bpf_object__close(object);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_agree),
		cmocka_unit_test(test_raw_keys_agree),
		cmocka_unit_test(test_long_chain),
		cmocka_unit_test(test_actions_agree),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s OBJECT\n", argv[0]);
		return 2;
	}
	object_path = argv[1];
	kernel_need_bpf();
	return cmocka_run_group_tests(tests, load, unload);
}
