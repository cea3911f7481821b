/* SPDX-License-Identifier: BSD-3-Clause */
/* Batches: add, replace, delete, duplicates, all or none, partial, tried ones; and what packets meet afterwards. */
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

static void test_add_and_delete(void **state)
{
	uint64_t generation = gating->gate->store.head->generation;
	uint32_t slot;

	(void)state;
	assert_true(gating_host(gating, FG_OP_ADD, 7, 53));
	assert_int_equal(gating->result.admitted, 1);
	assert_int_equal(gating->result.generation, generation + 1);
	assert_int_equal(gating->result.cost.slots, 1);
	slot = gating_meets(gating, 7, 53);
	assert_true(slot >= FG_PROTECT_MAX && slot < GATING_SLOTS);
	assert_int_equal(gating->dataplane.memory.actions[slot].flags, FG_ACT_DISCARD);
	assert_int_equal(gating_meets(gating, 7, 54), UINT32_MAX);
	assert_true(gating_host(gating, FG_OP_DELETE, 7, 53));
	assert_int_equal(gating->result.deleted, 1);
	assert_int_equal(gating_meets(gating, 7, 53), UINT32_MAX);
	assert_false(gating_host(gating, FG_OP_DELETE, 7, 53));
	assert_int_equal(gating->result.absent, 1);
	assert_int_equal(gating->result.generation, generation + 2);
}

static void test_replace(void **state)
{
	uint32_t before, after;
	struct fg_record *r;

	(void)state;
	gating_host(gating, FG_OP_ADD, 7, 53);
	before = gating_meets(gating, 7, 53);
	assert_false(gating_host(gating, FG_OP_ADD, 7, 53));
	assert_int_equal(gating->finding[0].why.code, FG_DUPLICATE);
	batch_new(&b, 0, 0);
	r = batch_host(&b, FG_OP_ADD, 7, 53);
	r->actions = (struct fg_actions){ .set = FG_ACT_RATE_BYTES, .rate_bytes_per_s = 1000 };
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	after = gating_meets(gating, 7, 53);
	assert_int_not_equal(before, after);
	assert_int_equal(gating->dataplane.memory.actions[after].rate_bytes_per_s, 1000);
	assert_int_equal(fg_cell(gating->gate, before)->sequence, fg_cell(gating->gate, after)->sequence);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 1);
}

/* The slot of what went is used again only behind the next generation, and then its counters are zeroed. */
static void test_slots_are_reused_clean(void **state)
{
	uint32_t first;

	(void)state;
	gating_host(gating, FG_OP_ADD, 1, 1);
	first = gating_meets(gating, 1, 1);
	gating_host(gating, FG_OP_DELETE, 1, 1);
	for (uint16_t i = 0; i < GATING_SLOTS && gating->resets == 0; i++) {
		assert_true(gating_host(gating, FG_OP_ADD, 2, i));
		assert_true(gating_host(gating, FG_OP_DELETE, 2, i));
	}
	assert_true(gating->resets > 0);
	assert_true(first >= FG_PROTECT_MAX);
}

static void test_same_identity_twice(void **state)
{
	(void)state;
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_ADD, 7, 53);
	batch_host(&b, FG_OP_ADD, 7, 53)->actions.set = FG_ACT_SAMPLE;
	batch_host(&b, FG_OP_ADD, 8, 53);
	batch_host(&b, FG_OP_DELETE, 8, 53);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	assert_int_equal(gating->dataplane.memory.actions[gating_meets(gating, 7, 53)].flags, FG_ACT_SAMPLE);
	assert_int_equal(gating_meets(gating, 8, 53), UINT32_MAX);
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_DELETE, 7, 53);
	batch_host(&b, FG_OP_ADD, 7, 53);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	assert_int_equal(gating->dataplane.memory.actions[gating_meets(gating, 7, 53)].flags, FG_ACT_DISCARD);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 1);
}

static void batch_half_bad(uint32_t flags)
{
	static const uint8_t never[] = { FG_PROTO, 0x81, 17, FG_ICMP_TYPE, 0x81, 8 };

	batch_new(&b, flags, 0);
	batch_host(&b, FG_OP_ADD, 9, 9);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, never, sizeof(never));
	batch_host(&b, FG_OP_ADD, 10, 9);
	batch_send(gating, &b);
}

static void test_all_or_none(void **state)
{
	uint64_t generation = gating->gate->store.head->generation;

	(void)state;
	batch_half_bad(0);
	assert_int_equal(gating->result.committed, 0);
	assert_int_equal(gating->result.refused, 1);
	assert_int_equal(gating->result.generation, generation);
	assert_int_equal(gating->findings, 1);
	assert_int_equal(gating->finding[0].rule, 1);
	assert_int_equal(gating->finding[0].why.code, FG_NEVER_MATCHES);
	assert_int_equal(gating_meets(gating, 9, 9), UINT32_MAX);
	assert_int_equal(gating_status(gating)->cost.slots, 0);
}

static void test_partial(void **state)
{
	(void)state;
	batch_half_bad(FG_BATCH_PARTIAL);
	assert_int_equal(gating->result.committed, 1);
	assert_int_equal(gating->result.admitted, 2);
	assert_int_equal(gating->result.refused, 1);
	assert_int_not_equal(gating_meets(gating, 9, 9), UINT32_MAX);
	assert_int_not_equal(gating_meets(gating, 10, 9), UINT32_MAX);
}

static void test_tried(void **state)
{
	struct fg_cost_now before = gating_status(gating)->cost;

	(void)state;
	batch_new(&b, FG_BATCH_TRY, 0);
	batch_host(&b, FG_OP_ADD, 9, 9);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 0);
	assert_int_equal(gating->result.admitted, 1);
	assert_true(gating->result.cost.bytes > before.bytes);
	assert_int_equal(gating_meets(gating, 9, 9), UINT32_MAX);
	assert_memory_equal(&gating_status(gating)->cost, &before, sizeof(before));
	assert_true(gating_host(gating, FG_OP_ADD, 9, 9));
}

/* Of the same NLRI from several sources the oldest is enforced, and the next one when it goes. */
static void test_sources(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	uint32_t slot[3];

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		batch_new(&b, 0, 0);
		strcpy(batch_host(&b, FG_OP_ADD, 7, 53)->by.source, names[i]);
		batch_send(gating, &b);
		assert_int_equal(gating->result.committed, 1);
	}
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 1);
	assert_int_equal(gating->status.rules[FG_RULE_YIELDS], 2);
	for (uint32_t i = 0; i < 3; i++) {
		slot[i] = gating_meets(gating, 7, 53);
		assert_string_equal(fg_cell(gating->gate, slot[i])->by.source, names[i]);
		batch_new(&b, 0, 0);
		strcpy(batch_host(&b, FG_OP_DELETE, 7, 53)->by.source, names[i]);
		batch_send(gating, &b);
		assert_int_equal(gating->result.deleted, 1);
	}
	assert_int_equal(gating_meets(gating, 7, 53), UINT32_MAX);
}

/* A rule of 4095 octets, in as many cells as it needs. */
static void test_long_rule(void **state)
{
	static uint8_t nlri[FG_NLRI_MAX] = { FG_DST, 32, 192, 0, 2, 50, FG_DPORT };
	size_t len = 7;

	(void)state;
	for (uint32_t port = 1; len + 3 <= sizeof(nlri); port += 2) {
		nlri[len] = len + 6 > sizeof(nlri) ? 0x91 : 0x11;
		len++;
		nlri[len++] = (uint8_t)(port >> 8);
		nlri[len++] = (uint8_t)port;
	}
	gating->policy.limits.rule.bytes = gating->policy.limits.rule.lines = UINT64_MAX;
	gating_policy(gating);
	batch_new(&b, 0, 0);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, nlri, len);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	assert_int_equal(fg_cell(gating->gate, gating_meets(gating, 50, 2001))->cells,
			 fg_store_cells((uint16_t)len, 0));
	assert_int_equal(gating_meets(gating, 50, 2002), UINT32_MAX);
	gating_die(gating);
	gating_policy(gating);
	assert_int_not_equal(gating_meets(gating, 50, 2001), UINT32_MAX);
	b.head.rules = 1;
	((struct fg_record *)(void *)b.octets)->op = FG_OP_DELETE;
	batch_send(gating, &b);
	assert_int_equal(gating->result.deleted, 1);
	assert_true(gating_host(gating, FG_OP_ADD, 1, 1));
}

/* A batch over several messages is one transaction; it waits for each of them, but not for ever. */
static void test_parts(void **state)
{
	uint64_t generation = gating->gate->store.head->generation;
	struct fg_message *m;
	static union {
		uint8_t octets[4096];
		struct fg_message m;
	} part;

	(void)state;
	m = &part.m;
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_ADD, 3, 3);
	*m = (struct fg_message){ FG_RECORD_VERSION, FG_ASK_BATCH, 9, 0, 1 };
	m->octets = (uint32_t)(sizeof(*m) + sizeof(b.head) + b.len);
	memcpy(m + 1, &b.head, sizeof(b.head));
	memcpy((uint8_t *)(m + 1) + sizeof(b.head), b.octets, b.len);
	for (int tries = 0; tries < 2; tries++) {
		assert_true(fg_gate_serve(gating->gate, FG_PEER_CTRL, m, m->octets, &gating->out));
		gating_take(gating, &gating->out);
		assert_true(gating->gate->batch.open);
		assert_int_equal(gating->gate->store.head->generation, generation);
		if (tries == 0) {
			gating_wait(gating, 3);
			assert_false(gating->gate->batch.open);
			assert_int_equal(gating->done.result, -ETIME);
			m->id++;
		}
	}
	for (int parts = 0; parts < 9; parts++) {
		gating_wait(gating, 1);
		assert_true(gating->gate->batch.open);
		assert_true(fg_gate_serve(gating->gate, FG_PEER_CTRL, m, m->octets, &gating->out));
	}
	gating_wait(gating, 1);
	assert_false(gating->gate->batch.open);
	gating_take(gating, &gating->out);
	assert_int_equal(gating->done.result, -ETIME);
	m->id++;
	assert_true(fg_gate_serve(gating->gate, FG_PEER_CTRL, m, m->octets, &gating->out));
	m->more = 0;
	((struct fg_record *)(void *)((uint8_t *)(m + 1) + sizeof(b.head)))->nlri[5] = 4;
	assert_true(fg_gate_serve(gating->gate, FG_PEER_CTRL, m, m->octets, &gating->out));
	gating_take(gating, &gating->out);
	assert_int_equal(gating->result.committed, 1);
	assert_int_equal(gating->result.admitted, 2);
	assert_int_equal(gating->result.generation, generation + 1);
	assert_int_not_equal(gating_meets(gating, 3, 3), UINT32_MAX);
	assert_int_not_equal(gating_meets(gating, 4, 3), UINT32_MAX);
}

/* What was asked to go does so, though what was to come in its place has no room. */
static void test_deleted_then_refused(void **state)
{
	static uint8_t nlri[] = { FG_DST, 32, 192, 0, 2, 7, FG_DPORT, 0x91, 0, 53 };
	struct fg_record *r;

	(void)state;
	for (uint8_t host = 1; host <= 7; host++)
		gating_host(gating, FG_OP_ADD, host, 53);
	gating->policy.limits.lines = gating->gate->cost.lines;
	gating_policy(gating);
	/* Rules for all hosts: each makes the way of every packet longer. */
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_host(&b, FG_OP_DELETE, 7, 53);
	r = batch_host(&b, FG_OP_ADD, 7, 53);
	r->actions.set = FG_ACT_SAMPLE;
	batch_rule(&b, FG_OP_ADD, FG_IPV4, nlri + 6, 4);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	assert_int_equal(gating->result.refused, 1);
	assert_int_equal(gating->dataplane.memory.actions[gating_meets(gating, 7, 53)].flags, FG_ACT_SAMPLE);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	for (uint8_t host = 1; host <= 7; host++)
		batch_host(&b, FG_OP_DELETE, host, 53);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, nlri + 6, 4);
	batch_send(gating, &b);
	assert_int_equal(gating->result.admitted, 1);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_host(&b, FG_OP_ADD, 7, 53);
	batch_send(gating, &b);
	assert_int_equal(gating->result.refused, 1);
	assert_int_equal(gating_status(gating)->cost.slots, 1);
	assert_int_equal(gating->status.rules[FG_RULE_ENFORCED], 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_add_and_delete),
		TEST(test_replace),
		TEST(test_slots_are_reused_clean),
		TEST(test_same_identity_twice),
		TEST(test_all_or_none),
		TEST(test_partial),
		TEST(test_tried),
		TEST(test_sources),
		TEST(test_long_rule),
		TEST(test_parts),
		TEST(test_deleted_then_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
