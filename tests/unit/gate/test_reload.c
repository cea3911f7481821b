/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A policy that comes while packets are on their way: wherever a rule leads to before and behind it, it leads to all the time in between.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define GATING_ALONE
#include "tests/unit/gate/gating.h"

enum { TARGETS = 3, RULES = 2 };

static struct gating_batch b;
static uint32_t astray; /* changes of a target after which a rule led elsewhere */

static int begin(void **state)
{
	(void)state;
	gating_new(GATING_SLOTS);
	astray = 0;
	return 0;
}

static int end(void **state)
{
	(void)state;
	gating_free(gating);
	return 0;
}

/* Route target and next hop have the same number. */
static struct fg_target_config target(uint8_t number)
{
	return (struct fg_target_config){ .rt = { 0x80, 8, 0xfd, 0xe8, 0, 0, 0, number },
					  .next_hop.octets = { 10, 0, 0, number } };
}

static void set_policy(const uint8_t *numbers, uint32_t n)
{
	gating->policy.targets = n;
	for (uint32_t i = 0; i < n; i++)
		gating->policy.target[i] = target(numbers[i]);
}

static struct fg_record *record(enum fg_record_op op, uint8_t host)
{
	struct fg_record *r = batch_host(&b, op, host, 53);

	r->actions = (struct fg_actions){ .set = FG_ACT_REDIRECT_RT };
	memcpy(r->actions.rt, target(host).rt, sizeof(r->actions.rt));
	return r;
}

/* The next hop that packets to a host are sent to; 0: they are not redirected. */
static uint8_t leads_to(uint8_t host)
{
	const struct fg_plane_memory *m = &gating->dataplane.memory;
	uint32_t slot = gating_meets(gating, host, 53);

	return slot == UINT32_MAX ? 0 : m->targets[m->actions[slot].redirect].next_hop[3];
}

/* As in gating.h; then it is looked at where the rules of hosts 1 and 2 lead. */
static int watched_target(void *ctx, uint32_t number, const struct fg_target_config *config)
{
	int r = gating_target(ctx, number, config);

	for (uint8_t host = 1; host <= RULES; host++)
		astray += leads_to(host) != host;
	return r;
}

static void start(void)
{
	set_policy((const uint8_t[]){ 1, 2 }, 2);
	gating_policy(gating);
	batch_new(&b, 0, 0);
	for (uint8_t host = 1; host <= RULES; host++)
		record(FG_OP_ADD, host);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	gating->dataplane.target = watched_target;
}

static void test_targets_in_any_order(void **state)
{
	static const uint8_t orders[][TARGETS] = { { 2, 1, 3 }, { 3, 2, 1 }, { 1, 3, 2 }, { 2, 3, 1 }, { 3, 1, 2 } };

	(void)state;
	start();
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		set_policy(orders[i], TARGETS);
		if (i % 2)
			gating_die(gating);
		gating_policy(gating);
		assert_int_equal(astray, 0);
		for (uint8_t host = 1; host <= RULES; host++)
			assert_int_equal(leads_to(host), host);
	}
}

/* A target goes and another comes: it does not get the number that packets are still sent to until the rules are gone. */
static void test_target_goes(void **state)
{
	(void)state;
	start();
	set_policy((const uint8_t[]){ 3, 2 }, 2);
	gating_policy(gating);
	assert_int_equal(astray, 0);
	assert_int_equal(leads_to(1), 0);
	assert_int_equal(leads_to(2), 2);
	batch_new(&b, 0, 0);
	record(FG_OP_ADD, 3);
	batch_send(gating, &b);
	assert_int_equal(leads_to(3), 3);
}

/* What a revert brings back leads where the policy says by now. */
static void test_reverted_rule(void **state)
{
	(void)state;
	start();
	batch_new(&b, 0, 60);
	record(FG_OP_DELETE, 1);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	gating->dataplane.target = gating_target;
	for (uint8_t other = 2; other <= TARGETS; other++) {
		set_policy((const uint8_t[]){ other, 5 - other, 1 }, TARGETS);
		gating_policy(gating);
	}
	gating_wait(gating, 61);
	assert_int_equal(gating->events[FG_EVENT_REVERTED], 1);
	for (uint8_t host = 1; host <= RULES; host++)
		assert_int_equal(leads_to(host), host);
}

/* What is in a place without a target is no route target, whoever says so. */
static void test_no_target_is_none(void **state)
{
	struct fg_record *r;

	(void)state;
	start();
	set_policy((const uint8_t[]){ 2 }, 1);
	gating_policy(gating);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	r = record(FG_OP_ADD, 9);
	memcpy(r->actions.rt, (const uint8_t[FG_EXTCOMM_OCTETS]){ FG_RT_NONE }, FG_EXTCOMM_OCTETS);
	batch_send(gating, &b);
	assert_int_equal(gating->result.refused, 1);
	assert_int_equal(gating->finding[0].why.code, FG_UNSUPPORTED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_targets_in_any_order),
		TEST(test_target_goes),
		TEST(test_reverted_rule),
		TEST(test_no_target_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
