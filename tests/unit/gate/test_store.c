/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule store: whatever store was the last before the process died, the successor finds the old generation or the new one, whole, with
 * nothing lost and nothing left over. Each state that the journal ever has is looked at.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define GATING_ALONE
#include "tests/unit/gate/gating.h"

enum { SLOTS = FG_PROTECT_MAX + 128, STATES_MAX = 2000, STORE_OCTETS = SLOTS * FG_CELL_OCTETS };

static struct gating_batch b;
static uint8_t (*states)[STORE_OCTETS];
static uint32_t count;

/* ---- What a store says ---- */

struct said {
	uint64_t sum; /* of all rules that are there: identity, actions, sequence */
	uint32_t rules, cells;
};

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 27;
}

static struct said read_store(uint8_t *memory)
{
	static uint64_t private[SLOTS / 64 + 1];
	struct fg_store s = { 0 };
	struct said said = { 0 };
	uint32_t damaged;
	bool adopted;

	assert_int_equal(fg_store_open(&s, memory, SLOTS, private, &adopted, &damaged), 0);
	assert_true(adopted);
	assert_int_equal(damaged, 0);
	for (uint32_t slot = fg_store_next(&s, 0); slot != 0; slot = fg_store_next(&s, slot)) {
		const struct fg_cell *c = &s.cell[slot];

		assert_true(c->added <= s.head->generation);
		assert_true(c->sequence < s.head->sequence);
		said.cells += c->cells;
		if (c->deleted != 0)
			continue;
		said.rules++;
		said.sum += mix(fg_record_hash(c->family, c->offset_form,
					       (const uint8_t *)c + offsetof(struct fg_cell, nlri), c->nlri_len, 0) +
				mix(c->actions.set + mix(c->sequence)));
	}
	for (uint32_t cell = FG_PROTECT_MAX; cell < SLOTS; cell++)
		if (!(s.taken[cell / 64] >> (cell % 64) & 1))
			assert_int_equal(s.cell[cell].added, 0);
	return said;
}

static struct said now(void)
{
	static uint8_t copy[STORE_OCTETS];

	memcpy(copy, gating->dataplane.memory.store, STORE_OCTETS);
	return read_store(copy);
}

/* ---- Each state ---- */

static void keep_state(void *ctx)
{
	(void)ctx;
	assert_true(count < STATES_MAX);
	memcpy(states[count++], gating->dataplane.memory.store, STORE_OCTETS);
}

static void watch(bool on)
{
	count = 0;
	gating->gate->store.written = on ? keep_state : NULL;
}

/* All states seen since watch(true) say `before` up to one of them, and `after` from then on. */
static void check_states(const struct said *before, const struct said *after)
{
	bool passed = false;

	assert_true(count > 0);
	for (uint32_t i = 0; i < count; i++) {
		struct said said = read_store(states[i]);

		if (said.sum == after->sum && said.rules == after->rules) {
			passed = true;
			continue;
		}
		assert_false(passed);
		assert_int_equal(said.sum, before->sum);
		assert_int_equal(said.rules, before->rules);
	}
	assert_true(passed);
}

static int begin(void **state)
{
	(void)state;
	states = gating_map((size_t)STATES_MAX * STORE_OCTETS);
	gating_new(SLOTS);
	return 0;
}

static int end(void **state)
{
	(void)state;
	gating_free(gating);
	munmap(states, (size_t)STATES_MAX * STORE_OCTETS);
	return 0;
}

/* A long rule whose octets look like records, wherever a cell may begin. */
static struct fg_record *batch_liar(struct gating_batch *to, enum fg_record_op op, uint8_t host)
{
	static uint8_t nlri[1600] = { FG_DST, 32, 192, 0, 2 };
	size_t len = 7;

	nlri[5] = host;
	nlri[6] = FG_LENGTH;
	for (; len + 10 < sizeof(nlri); len += 9) {
		memset(nlri + len, 0, 9);
		nlri[len] = 0x31;
		nlri[len + 8] = (uint8_t)(len / 9 + 20);
	}
	nlri[len - 9] |= FG_OP_END;
	return batch_rule(to, op, FG_IPV4, nlri, len);
}

static void test_batch_torn(void **state)
{
	struct said before, after;

	(void)state;
	gating->policy.limits.rule.bytes = gating->policy.limits.rule.lines = UINT64_MAX;
	gating_policy(gating);
	batch_new(&b, 0, 0);
	for (uint8_t host = 1; host <= 10; host++)
		batch_host(&b, FG_OP_ADD, host, 80);
	batch_liar(&b, FG_OP_ADD, 99);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	before = now();
	assert_int_equal(before.rules, 11);
	watch(true);
	batch_new(&b, 0, 0);
	for (uint8_t host = 1; host <= 4; host++)
		batch_host(&b, FG_OP_DELETE, host, 80);
	for (uint8_t host = 5; host <= 7; host++)
		batch_host(&b, FG_OP_ADD, host, 80)->actions.set = FG_ACT_SAMPLE;
	for (uint8_t host = 11; host <= 20; host++)
		batch_host(&b, FG_OP_ADD, host, 80);
	batch_liar(&b, FG_OP_DELETE, 99);
	batch_liar(&b, FG_OP_ADD, 98);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	gating->gate->store.written = NULL;
	after = now();
	assert_int_equal(after.rules, 17);
	check_states(&before, &after);
}

/* What is freed behind a generation, and what is refused, changes nothing of what the store says. */
static void test_freeing_and_refusing_torn(void **state)
{
	static const uint8_t never[] = { FG_PROTO, 0x81, 17, FG_ICMP_TYPE, 0x81, 8 };
	struct said before;

	(void)state;
	batch_new(&b, 0, 0);
	batch_liar(&b, FG_OP_ADD, 99);
	batch_host(&b, FG_OP_ADD, 1, 1);
	batch_send(gating, &b);
	batch_new(&b, 0, 0);
	batch_liar(&b, FG_OP_DELETE, 99);
	batch_send(gating, &b);
	before = now();
	watch(true);
	batch_new(&b, 0, 0);
	batch_liar(&b, FG_OP_ADD, 98);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, never, sizeof(never));
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 0);
	check_states(&before, &before);
}

static void test_confirmation_torn(void **state)
{
	struct said before, during;

	(void)state;
	batch_new(&b, 0, 0);
	for (uint8_t host = 1; host <= 6; host++)
		batch_host(&b, FG_OP_ADD, host, 80);
	batch_send(gating, &b);
	before = now();
	batch_new(&b, 0, 60);
	for (uint8_t host = 1; host <= 2; host++)
		batch_host(&b, FG_OP_DELETE, host, 80);
	for (uint8_t host = 3; host <= 4; host++)
		batch_host(&b, FG_OP_ADD, host, 80)->actions.set = FG_ACT_SAMPLE;
	batch_host(&b, FG_OP_ADD, 30, 80);
	batch_send(gating, &b);
	assert_int_equal(gating->result.committed, 1);
	during = now();
	watch(true);
	gating_wait(gating, 61);
	gating->gate->store.written = NULL;
	assert_int_equal(gating->events[FG_EVENT_REVERTED], 1);
	check_states(&during, &before);
}

/* Cells that are nobody's are free again: the store can be filled, emptied and filled. */
static void test_nothing_leaks(void **state)
{
	(void)state;
	for (int times = 0; times < 20; times++) {
		uint32_t added = 0;

		while (gating_host(gating, FG_OP_ADD, (uint8_t)(added % 250), (uint16_t)(1000 + added / 250)))
			added++;
		assert_int_equal(gating->finding[0].why.code, FG_OVER_BUDGET);
		assert_int_equal(gating->finding[0].why.resource, FG_RES_SLOTS);
		/* A sixteenth is for rules that wait. */
		assert_in_range(added, SLOTS - FG_PROTECT_MAX - fg_waiting_cells_max(SLOTS) - 1,
				SLOTS - FG_PROTECT_MAX - fg_waiting_cells_max(SLOTS));
		gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
		assert_int_equal(gating->done.result, 0);
		assert_int_equal(now().rules, 0);
	}
}

static void test_quarantine_set(void **state)
{
	struct fg_store *s = &gating->gate->store;

	(void)state;
	for (uint64_t hash = 1; hash <= FG_QUARANTINE_MAX; hash++)
		assert_int_equal(fg_store_quarantine(s, hash, true), 0);
	assert_int_equal(fg_store_quarantine(s, 5, true), 0);
	assert_int_equal(fg_store_quarantine(s, 99999, true), -ENOSPC);
	assert_int_equal(fg_store_quarantine(s, 5, false), 0);
	assert_int_equal(fg_store_quarantine(s, 5, false), -ENOENT);
	assert_false(fg_store_quarantined(s, 5));
	assert_true(fg_store_quarantined(s, 6));
	assert_true(fg_store_quarantined(s, FG_QUARANTINE_MAX));
}

/* A header of another version is left alone; a cell that is no record is freed and counted. */
static void test_foreign_and_damaged(void **state)
{
	struct fg_store_header *h = gating->dataplane.memory.store;
	static uint64_t private[SLOTS / 64 + 1];
	struct fg_store s = { 0 };
	uint32_t damaged, slot;
	bool adopted;

	(void)state;
	gating_host(gating, FG_OP_ADD, 1, 1);
	gating_host(gating, FG_OP_ADD, 2, 1);
	slot = gating_meets(gating, 1, 1);
	h->version++;
	assert_int_equal(fg_store_open(&s, h, SLOTS, private, &adopted, &damaged), -EPROTO);
	h->version--;
	fg_cell(gating->gate, slot)->cells = 0;
	assert_int_equal(fg_store_open(&s, h, SLOTS, private, &adopted, &damaged), 0);
	assert_int_equal(damaged, 1);
	assert_int_equal(now().rules, 1);
}

/* The third death on a generation undoes it, and quarantines what it brought; an end that was asked for is none. */
static void test_crash_loop(void **state)
{
	uint32_t start;

	(void)state;
	gating_host(gating, FG_OP_ADD, 1, 1);
	gating_host(gating, FG_OP_ADD, 2, 1);
	gating_wait(gating, 61);
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_DELETE, 1, 1);
	batch_host(&b, FG_OP_ADD, 3, 1);
	batch_send(gating, &b);
	for (start = 0; start < 10 && !gating->gate->undone; start++)
		gating_die(gating);
	assert_int_equal(start, 3);
	gating_policy(gating);
	assert_int_not_equal(gating_meets(gating, 1, 1), UINT32_MAX);
	assert_int_not_equal(gating_meets(gating, 2, 1), UINT32_MAX);
	assert_int_equal(gating_meets(gating, 3, 1), UINT32_MAX);
	assert_false(gating_host(gating, FG_OP_ADD, 3, 1));
	assert_int_equal(gating->finding[0].why.code, FG_QUARANTINED);
	assert_true(gating_host(gating, FG_OP_ADD, 4, 1));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_batch_torn),        TEST(test_freeing_and_refusing_torn),
		TEST(test_confirmation_torn), TEST(test_nothing_leaks),
		TEST(test_quarantine_set),    TEST(test_foreign_and_damaged),
		TEST(test_crash_loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
