/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel verifier accepts the matcher with the largest image, and it finds in BPF the rules that the naive reference finds: random sets of
 * rules are compiled into the program's own map, and frames are run through it (BPF_PROG_TEST_RUN).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <bpf/libbpf.h>

#include "flowgate/match.h"
#include "tests/e2e/kernel.h"
#include "tests/oracle/sets.h"

enum { IMAGE_LINES = 4 * FG_PAGE_LINES, FRAME_MIN = 14 };

/* As the program has it, filled up to what a per-CPU value is rounded to. */
struct state {
	struct fg_packet packet;
	struct fg_cursor cursor;
	struct fg_matched matched;
};

static const char *object_path;
static struct bpf_object *object;
static uint8_t *image;
static struct set set;
static size_t hits, packets;

static void compare_packet(const struct or_gen_packet *packet)
{
	static struct or_gen_frame frame;
	static uint32_t want[SET_RULES_MAX];
	static uint8_t after[OR_GEN_FRAME_MAX];
	struct or_packet facts;
	struct state got;
	size_t n;

	or_gen_build(packet, &frame);
	if (frame.captured < FRAME_MIN) /* the kernel takes no shorter one */
		return;
	or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &facts);
	n = facts.kind == OR_IP ? or_table_evaluate(set.oracle, &facts, want, SET_RULES_MAX) : 0;
	(void)kernel_run(object, "match", frame.octets, (uint32_t)frame.captured, after, sizeof(after));
	kernel_percpu_read(object, "states", &got, sizeof(got));
	packets++;
	hits += n > 0;
	assert_int_equal(got.matched.count, n < FG_APPLIED_MAX ? n : FG_APPLIED_MAX);
	for (uint32_t i = 0; i < got.matched.count; i++)
		assert_int_equal(got.matched.slot[i] & FG_SLOT_MASK, want[i]);
}

static void run(uint64_t seed, const struct or_gen_rules *how, size_t rules, bool no_dst, int sets, size_t count)
{
	const struct or_gen_packets odd = { .odd_percent = 10, .no_snap = true, .no_raw = true };
	struct or_random r = or_random_seed(seed);
	struct or_gen_packet packet;
	uint32_t used = 0;

	packets = hits = 0;
	for (int i = 0; i < sets; i++) {
		set_draw(&set, &r, how, 1 + or_random_below(&r, (uint32_t)rules), no_dst);
		assert_int_equal(set_compile(&set, image, IMAGE_LINES, &used), 0);
		for (size_t k = 0; k < count; k++) {
			set_packet(&set, &r, k, &odd, &packet);
			compare_packet(&packet);
		}
		memset(image, 0, (size_t)used * FG_LINE_OCTETS);
		set_free(&set);
	}
	assert_true(hits > packets / 4);
}

static void test_few_rules(void **state)
{
	(void)state;
	run(11, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 20, .no_dst_percent = 10 }, 30, false, 20,
	    1000);
}

static void test_many_rules(void **state)
{
	(void)state;
	run(12, &(struct or_gen_rules){ .wild_percent = 20, .full_percent = 10, .no_dst_percent = 10 }, SET_RULES_MAX,
	    false, 2, 5000);
}

static void test_continue(void **state)
{
	(void)state;
	run(13, &(struct or_gen_rules){ .go_on_percent = 30, .no_dst_percent = 30 }, 40, false, 20, 1000);
}

static void test_one_group(void **state)
{
	(void)state;
	run(14, &(struct or_gen_rules){ .wild_percent = 10, .full_percent = 10, .no_dst_percent = 100 }, SET_RULES_MAX,
	    true, 2, 5000);
	run(15, &(struct or_gen_rules){ .no_dst_percent = 100, .src_percent = 80 }, SET_RULES_MAX, true, 3, 3000);
}

static int load(void **state)
{
	(void)state;
	object = kernel_load(object_path);
	if (object == NULL)
		return -1;
	image = mmap(NULL, (size_t)IMAGE_LINES * FG_LINE_OCTETS, PROT_READ | PROT_WRITE, MAP_SHARED,
		     kernel_map_fd(object, "image"), 0);
	return image == MAP_FAILED ? -1 : 0;
}

static int unload(void **state)
{
	(void)state;
	munmap(image, (size_t)IMAGE_LINES * FG_LINE_OCTETS);
	bpf_object__close(object);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few_rules),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_one_group),
	};

	if (argc != 2) {
		fprintf(stderr, "usage: %s OBJECT\n", argv[0]);
		return 2;
	}
	object_path = argv[1];
	kernel_need_bpf();
	return cmocka_run_group_tests(tests, load, unload);
}
