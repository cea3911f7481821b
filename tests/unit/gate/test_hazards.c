/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What has gone wrong with traffic rules in the field and needs a gate to be kept from: the day of 2013, the wildcard of 2020, the limit of
 * 2025, blank fields, a withdrawal when everything is full, and rules by the million.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/oracle/generate.h"
#define GATING_ALONE
#include "tests/unit/gate/gating.h"

enum { FULL = 300, HOSTILE = 100000, HOSTILE_BATCH = 100, EACH = 1 + FG_SEGMENT_RULES / FG_PREFIX_LENGTHS_MAX };

static struct gating_batch b;

static int begin(void **state)
{
	(void)state;
	gating_new(GATING_SLOTS);
	return 0;
}

static int end(void **state)
{
	(void)state;
	gating_free(gating);
	return 0;
}

static long resident_pages(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long all, resident;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &all, &resident), 2);
	fclose(f);
	return resident;
}

/* 2013-03-03, Cloudflare: packet-length [ 99971 99985 ], as two values and as a range; no packet is so long. */
static void hazard_2013_rule(void **state)
{
	static const uint8_t list[] = { 1,    32, 192, 0,    2,    1,    4, 0x81, 53,   10,
					0x21, 0,  1,   0x86, 0x83, 0xa1, 0, 1,    0x86, 0x91 };
	static const uint8_t range[] = { 1,    32, 192, 0,    2,    1,    4, 0x81, 53,   10,
					 0x23, 0,  1,   0x86, 0x83, 0xe5, 0, 1,    0x86, 0x91 };
	uint64_t generation;
	long before;

	(void)state;
	gating_host(gating, FG_OP_ADD, 1, 1);
	gating_host(gating, FG_OP_DELETE, 1, 1);
	generation = gating->gate->store.head->generation;
	before = resident_pages();
	for (int i = 0; i < 1000; i++) {
		batch_new(&b, i % 3 ? 0 : FG_BATCH_PARTIAL, 0);
		batch_rule(&b, FG_OP_ADD, FG_IPV4, list, sizeof(list));
		batch_rule(&b, FG_OP_ADD, FG_IPV4, range, sizeof(range));
		batch_send(gating, &b);
		assert_int_equal(gating->result.refused, 2);
		assert_int_equal(gating->finding[0].why.code, FG_NEVER_MATCHES);
		assert_int_equal(gating->finding[0].why.component, FG_LENGTH);
	}
	assert_int_equal(gating->gate->store.head->generation, generation);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 0);
	assert_in_range(resident_pages(), 0, before + 64);
}

/* 2020-08-30, CenturyLink: a rule with wildcards that blocked BGP, so that it could not be withdrawn. */
static void hazard_2020_wildcard(void **state)
{
	static const uint8_t bgp[] = { FG_PROTO, 0x81, 6, FG_PORT, 0x81, 179 };
	static const uint8_t everything[] = { FG_PROTO, 0x83, 0 };
	static const uint8_t all_bgp[] = { FG_PROTO, 0x81, 6, FG_DPORT, 0x81, 179 };
	uint32_t slot;

	(void)state;
	gating->policy.protects = 1;
	gating->policy.protect[0] =
		(struct fg_protect){ .name = "own-sessions", .family = FG_IPV4, .nlri_len = sizeof(bgp) };
	memcpy(gating->policy.protect[0].nlri, bgp, sizeof(bgp));
	gating_policy(gating);
	batch_new(&b, 0, 0);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, everything, sizeof(everything));
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	assert_int_equal(gating->finding[0].why.code, FG_ALWAYS_MATCHES);
	slot = gating_meets(gating, 1, 1);
	assert_true(slot >= FG_PROTECT_MAX && slot != UINT32_MAX);
	assert_int_equal(gating_meets_tcp(gating, 1, 179), 0);
	assert_int_equal(gating->dataplane.memory.actions[0].flags, FG_ACT_PROTECT);
	assert_int_equal(gating_meets_tcp(gating, 1, 180), slot);
	batch_new(&b, 0, 0);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, all_bgp, sizeof(all_bgp));
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 0);
	assert_int_equal(gating->finding[0].why.code, FG_INSIDE_PROTECTED);
	/* Nobody but the supervisor lifts it, and not by dying either. */
	gating_die(gating);
	assert_int_equal(gating_meets_tcp(gating, 1, 179), 0);
	gating_policy(gating);
	assert_int_equal(gating_meets_tcp(gating, 1, 179), 0);
}

static void fill(void)
{
	for (uint32_t i = 0; i < FULL; i++)
		assert_true(gating_host(gating, FG_OP_ADD, (uint8_t)(i % 250), (uint16_t)(100 + i / 250)));
}

/* Budgets become what there is: everything is full to the last octet. */
static void fit_budget(void)
{
	gating->policy.limits.bytes = gating->gate->cost.bytes;
	gating_policy(gating);
	assert_int_equal(gating->events[FG_EVENT_REFUSED], 0);
}

/* 2025-11-18, Cloudflare: a list that was longer than a limit. N + 1 rules leave generation N as it is. */
static void hazard_2025_over_the_limit(void **state)
{
	uint64_t generation;

	(void)state;
	fill();
	fit_budget();
	generation = gating->gate->store.head->generation;
	batch_new(&b, 0, 0);
	for (uint16_t i = 0; i < 100; i++)
		batch_host(&b, FG_OP_ADD, 251, i);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 0);
	assert_int_equal(gating->result.generation, generation);
	assert_int_equal(gating->finding[0].why.code, FG_OVER_BUDGET);
	assert_true(gating->finding[0].why.cheapest_fix[0] != '\0');
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], FULL);
	assert_int_not_equal(gating_meets(gating, 7, 100), UINT32_MAX);
	assert_int_equal(gating_meets(gating, 251, 1), UINT32_MAX);
	/* The same by slots. */
	gating->policy.limits.bytes = UINT64_MAX;
	gating->policy.limits.slots = FULL;
	gating_policy(gating);
	assert_false(gating_host(gating, FG_OP_ADD, 251, 1));
	assert_int_equal(gating->finding[0].why.resource, FG_RES_SLOTS);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], FULL);
}

/* 2021-06-17, Akamai: a limit was reached and nobody had been told. */
static void hazard_2021_headroom(void **state)
{
	uint32_t said[101] = { 0 };

	(void)state;
	gating->policy.limits.slots = 100;
	gating_policy(gating);
	for (uint32_t i = 1; i <= 100; i++) {
		uint32_t before = gating->events[FG_EVENT_ALARM];

		assert_true(gating_host(gating, FG_OP_ADD, (uint8_t)i, 1));
		said[i] = gating->events[FG_EVENT_ALARM] - before;
	}
	assert_false(gating_host(gating, FG_OP_ADD, 101, 1));
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(said[i], i == 70 || i == 90);
	assert_int_equal(gating_status(gating)->alarm, 90);
}

/* 2025-06-12, Google: blank fields. */
static void hazard_blank_fields(void **state)
{
	static union {
		uint8_t octets[2048];
		struct fg_message m;
	} m;
	uint64_t generation = gating->gate->store.head->generation;

	(void)state;
	for (uint32_t octets = 0; octets <= sizeof(m); octets += 4) {
		for (uint32_t kind = 0; kind < 256; kind++) {
			memset(&m, 0, sizeof(m));
			m.m = (struct fg_message){ FG_RECORD_VERSION, (uint16_t)kind, 0, octets, 0 };
			if (kind != FG_ASK_FLUSH && kind != FG_ASK_POLICY)
				fg_gate_serve(gating->gate, FG_PEER_CTRL, &m, octets, &gating->out);
		}
		gating_take(gating, &gating->out);
	}
	assert_int_equal(gating->gate->store.head->generation, generation);
	assert_int_equal(gating->gate->live, 0);
}

/* Step 11 of the day: to withdraw works, is cheap, and makes room, when everything is full. */
static void hazard_withdraw_at_full_budget(void **state)
{
	(void)state;
	fill();
	fit_budget();
	assert_false(gating_host(gating, FG_OP_ADD, 251, 1));
	for (uint32_t i = 0; i < FULL; i++)
		assert_true(gating_host(gating, FG_OP_DELETE, (uint8_t)(i % 250), (uint16_t)(100 + i / 250)));
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 0);
	assert_true(gating_host(gating, FG_OP_ADD, 251, 1));
}

/* Pages of the images that nothing has been written to take no memory; they are no growth when a rule comes to them. */
static void touch_images(void)
{
	for (int side = 0; side < FG_SIDES; side++)
		for (size_t at = 0; at < (size_t)GATING_LINES * FG_LINE_OCTETS; at += 4096) {
			volatile uint8_t *octet = &gating->dataplane.memory.image[side][at];

			*octet = *octet;
		}
}

/* A rule that comes and goes with everything else: 10^5 of them, of all shapes, refused or admitted. Nothing grows. */
static void hazard_hostile_rules(void **state)
{
	const struct or_gen_rules how = { .wild_percent = 50, .go_on_percent = 30, .no_dst_percent = 30 };
	struct or_random r = or_random_seed(47);
	long before = 0;
	size_t admitted = 0, refused = 0;

	(void)state;
	touch_images();
	for (int i = 0; i < HOSTILE / HOSTILE_BATCH; i++) {
		batch_new(&b, FG_BATCH_PARTIAL, 0);
		for (int k = 0; k < HOSTILE_BATCH && b.len < FG_MESSAGE_MAX - 8192; k++) {
			struct or_gen_rule g;

			or_gen_rule(&r, or_random_chance(&r, 50) ? OR_IPV4 : OR_IPV6, &how, &g);
			if (or_random_chance(&r, 20))
				or_gen_damage(&r, &g);
			batch_rule(&b, or_random_chance(&r, 70) ? FG_OP_ADD : FG_OP_DELETE,
				   g.family == OR_IPV6 ? FG_IPV6 : FG_IPV4, g.octets, g.len);
		}
		batch_send(gating, &b);
		admitted += gating->result.admitted;
		refused += gating->result.refused;
		if (gating->gate->live > GATING_SLOTS / 2)
			gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
		if (i == HOSTILE / HOSTILE_BATCH / 4)
			before = resident_pages();
	}
	assert_true(admitted > HOSTILE / 10 && refused > HOSTILE / 100);
	assert_in_range(resident_pages(), 0, before + (8 << 20) / 4096);
}

/* An IPv6 rule with the n-th prefix of this length: as destination, or as source behind a destination that all have. */
static void add_length(bool source, uint8_t length, uint8_t n)
{
	uint8_t nlri[3 + 16 + 3 + 16] = { FG_DST, 128, 0, 0x20, 1 }, *prefix = source ? nlri + 3 + 16 : nlri;
	size_t octets = (length + 7u) / 8;

	memset(prefix, 0, 3 + 16);
	prefix[0] = source ? FG_SRC : FG_DST;
	prefix[1] = length;
	prefix[3] = 0x20;
	prefix[4] = n;
	batch_rule(&b, FG_OP_ADD, FG_IPV6, nlri, (size_t)(prefix - nlri) + 3 + octets);
}

/*
 * Prefixes of more lengths than a step has places for: what is too much is refused like anything that costs too much, and the others stay. No
 * image is made anew for it, which takes seconds where there are many rules: it would have the number of no generation.
 */
static void hazard_prefix_lengths(void **state)
{
	const struct fg_image *image;
	uint64_t generation;

	(void)state;
	for (int source = 0; source < 2; source++) {
		for (uint8_t length = 40; length < 40 + FG_PREFIX_LENGTHS_MAX; length++) {
			batch_new(&b, 0, 0);
			for (uint8_t n = 1; n <= EACH; n++)
				add_length(source, length, n);
			batch_send(gating, &b);
			assert_int_equal(gating->result.admitted, EACH);
		}
		gating_host(gating, FG_OP_ADD, 1, (uint16_t)(1 + source));
		generation = gating->gate->store.head->generation;
		image = (const void *)gating->dataplane.memory.image[gating->gate->side ^ 1];
		batch_new(&b, 0, 0);
		add_length(source, 30, 1);
		batch_send(gating, &b);
		assert_int_equal(gating->result.committed, 0);
		assert_int_equal(gating->finding[0].why.code, FG_OVER_BUDGET);
		assert_int_equal(gating->finding[0].why.resource, FG_RES_LINES);
		assert_int_equal(image->generation, generation - 1);
		gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(hazard_2013_rule),     TEST(hazard_2020_wildcard),  TEST(hazard_2025_over_the_limit),
		TEST(hazard_2021_headroom), TEST(hazard_blank_fields),   TEST(hazard_withdraw_at_full_budget),
		TEST(hazard_hostile_rules), TEST(hazard_prefix_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
