/* SPDX-License-Identifier: BSD-3-Clause */
/* What goes by itself: rules whose time is over, changes that nobody confirmed, everything at a flush. Across a death of the process too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define GATING_ALONE
#include "tests/unit/gate/gating.h"

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

static bool there(uint8_t host)
{
	return gating_meets(gating, host, 1) != UINT32_MAX;
}

static void add_for(uint8_t host, uint32_t ttl_s)
{
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_ADD, host, 1)->ttl_s = ttl_s;
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
}

static void test_expiry(void **state)
{
	(void)state;
	add_for(1, 10);
	add_for(2, 5);
	add_for(3, 0);
	assert_int_equal(fg_gate_next_ns(gating->gate), gating->now_ns + 5000000000);
	gating_wait(gating, 4);
	assert_true(there(1) && there(2) && there(3));
	gating_wait(gating, 2);
	assert_true(there(1) && !there(2) && there(3));
	gating_die(gating);
	gating_policy(gating);
	assert_true(there(1));
	gating_wait(gating, 5);
	assert_true(!there(1) && there(3));
	assert_int_equal(gating->events[FG_EVENT_EXPIRED], 1);
	gating_wait(gating, 1000000);
	assert_true(there(3));
}

/* Adding it again gives it more time. */
static void test_renewal(void **state)
{
	(void)state;
	add_for(1, 10);
	gating_wait(gating, 8);
	add_for(1, 10);
	gating_wait(gating, 8);
	assert_true(there(1));
	gating_wait(gating, 3);
	assert_false(there(1));
}

/* Rules 1 to 3 are there; then, to be confirmed: 1 goes, 2 is replaced, 4 comes. */
static void propose(void)
{
	for (uint8_t host = 1; host <= 3; host++)
		add_for(host, 0);
	batch_new(&b, 0, 300);
	batch_host(&b, FG_OP_DELETE, 1, 1);
	batch_host(&b, FG_OP_ADD, 2, 1)->actions.set = FG_ACT_SAMPLE;
	batch_host(&b, FG_OP_ADD, 4, 1);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	assert_true(!there(1) && there(2) && there(3) && there(4));
}

static uint32_t flags_of(uint8_t host)
{
	return gating->dataplane.memory.actions[gating_meets(gating, host, 1)].flags;
}

static void test_confirmed(void **state)
{
	(void)state;
	propose();
	assert_int_not_equal(gating_status(gating)->confirm_until_s, 0);
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_CONFIRM, NULL, 0);
	assert_int_equal(gating->done.result, 0);
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_CONFIRM, NULL, 0);
	assert_int_equal(gating->done.result, -ENOENT);
	gating_wait(gating, 1000);
	assert_true(!there(1) && there(2) && there(3) && there(4));
	assert_int_equal(flags_of(2), FG_ACT_SAMPLE);
}

static void test_not_confirmed(void **state)
{
	uint32_t slot;

	(void)state;
	propose();
	gating_wait(gating, 299);
	assert_true(there(4));
	gating_wait(gating, 2);
	assert_true(there(1) && there(2) && there(3) && !there(4));
	assert_int_equal(flags_of(2), FG_ACT_DISCARD);
	assert_int_equal(gating->events[FG_EVENT_REVERTED], 1);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 3);
	assert_int_equal(gating->status.confirm_until_s, 0);
	slot = gating_meets(gating, 1, 1);
	assert_int_equal(fg_cell(gating->gate, slot)->deleted, 0);
	assert_true(gating_host(gating, FG_OP_DELETE, 1, 1));
}

static void test_not_confirmed_across_a_death(void **state)
{
	(void)state;
	propose();
	gating_die(gating);
	gating_policy(gating);
	assert_true(!there(1) && there(4));
	gating_wait(gating, 301);
	assert_true(there(1) && there(2) && there(3) && !there(4));
	assert_int_equal(flags_of(2), FG_ACT_DISCARD);
}

static void test_one_confirmation_at_a_time(void **state)
{
	(void)state;
	propose();
	batch_new(&b, 0, 10);
	batch_host(&b, FG_OP_ADD, 9, 1);
	batch_send(gating, &b);
	assert_int_equal(gating->done.result, -EBUSY);
	assert_false(there(9));
	assert_true(gating_host(gating, FG_OP_ADD, 9, 1));
	gating_wait(gating, 301);
	assert_true(there(9) && there(1) && !there(4));
}

/* What its owner did meanwhile is not undone: a rule withdrawn stays so, one added anew is not there twice. */
static void test_owners_have_the_last_word(void **state)
{
	(void)state;
	propose();
	gating_host(gating, FG_OP_DELETE, 1, 1);
	assert_int_equal(gating->result.absent, 1);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_host(&b, FG_OP_DELETE, 1, 1);
	batch_host(&b, FG_OP_ADD, 2, 1)->actions.set = FG_ACT_MARK;
	batch_host(&b, FG_OP_DELETE, 4, 1);
	batch_send(gating, &b);
	gating_wait(gating, 301);
	assert_false(there(1));
	assert_int_equal(flags_of(2), FG_ACT_MARK);
	assert_false(there(4));
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 2);
}

static void fill(uint32_t n, bool and_static)
{
	batch_new(&b, 0, 0);
	for (uint32_t i = 0; i < n; i++) {
		batch_host(&b, FG_OP_ADD, (uint8_t)(i % 250), (uint16_t)(100 + i / 250));
		if (b.len > 100000 || i + 1 == n) {
			batch_send(gating, &b);
			assert_int_equal(gating->result.committed, 1);
			batch_new(&b, 0, 0);
		}
	}
	if (!and_static)
		return;
	batch_host(&b, FG_OP_ADD, 251, 1)->flags = FG_RECORD_STATIC;
	batch_send(gating, &b);
}

static void flush(void)
{
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
	assert_int_equal(gating->done.result, 0);
	assert_int_equal(gating->events[FG_EVENT_FLUSHED], 1);
}

static void check_flushed(void)
{
	assert_true(there(251));
	assert_int_equal(gating_meets(gating, 1, 100), UINT32_MAX);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 1);
	assert_int_equal(gating->status.cost.slots, 1);
	assert_int_equal(gating->status.enforcing, 1);
	assert_true(gating_host(gating, FG_OP_ADD, 1, 100));
	assert_int_not_equal(gating_meets(gating, 1, 100), UINT32_MAX);
}

static void test_flush_few(void **state)
{
	(void)state;
	fill(100, true);
	flush();
	check_flushed();
}

static void test_flush_many(void **state)
{
	(void)state;
	fill(3000, true);
	flush();
	check_flushed();
	gating_die(gating);
	gating_policy(gating);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 2);
}

/* Whatever the state: with a batch half there, a confirmation pending, or no policy yet. */
static void test_flush_whatever_the_state(void **state)
{
	(void)state;
	propose();
	fg_batch_begin(gating->gate, 5, 0, 0);
	flush();
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 0);
	gating_wait(gating, 301);
	assert_false(there(1));
	fill(10, true);
	gating_die(gating);
	flush();
	assert_int_equal(gating->dataplane.memory.control->side, FG_SIDE_NONE);
	gating_policy(gating);
	assert_true(there(251));
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 1);
}

static void test_shadow(void **state)
{
	const struct fg_switch on = { .on = 1 }, off = { .on = 0 };

	(void)state;
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_SHADOW, &on, sizeof(on));
	assert_int_equal(gating->dataplane.memory.control->flags & FG_CONTROL_SHADOW, FG_CONTROL_SHADOW);
	gating_die(gating);
	gating_policy(gating);
	assert_int_equal(gating_status(gating)->shadow, 1);
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_SHADOW, &off, sizeof(off));
	assert_int_equal(gating_status(gating)->shadow, 0);
	gating->policy.shadow = true;
	gating_policy(gating);
	assert_int_equal(gating_status(gating)->shadow, 1);
}

/* A port that is not there yet is looked for until it is. */
static void test_ports_are_tried_again(void **state)
{
	(void)state;
	gating->absent = true;
	gating->policy.ports = 2;
	strcpy(gating->policy.port[0].name, "a");
	strcpy(gating->policy.port[1].name, "b");
	gating_policy(gating);
	assert_int_equal(gating_status(gating)->port[1].status.reason, FG_PORT_ABSENT);
	assert_int_equal(gating->events[FG_EVENT_PORT], 2);
	gating_wait(gating, 6);
	assert_int_equal(gating->attached, 4);
	gating->absent = false;
	gating_wait(gating, 6);
	assert_int_equal(gating->attached, 6);
	assert_int_equal(gating->events[FG_EVENT_PORT], 4);
	gating_wait(gating, 1000);
	assert_int_equal(gating->attached, 6);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_expiry),
		TEST(test_renewal),
		TEST(test_confirmed),
		TEST(test_not_confirmed),
		TEST(test_not_confirmed_across_a_death),
		TEST(test_one_confirmation_at_a_time),
		TEST(test_owners_have_the_last_word),
		TEST(test_flush_few),
		TEST(test_flush_many),
		TEST(test_flush_whatever_the_state),
		TEST(test_shadow),
		TEST(test_ports_are_tried_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
