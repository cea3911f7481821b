/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules without room: who waits and who does not, in which order they come in when there is room, and that neither the death of the process
 * nor a confirmation that does not come changes what they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/oracle/sets.h"
#define GATING_ALONE
#include "tests/unit/gate/gating.h"

enum {
	SLOTS = 4096,
	ROOM = 10,
	STATES_MAX = 4000,
	STATE_CELLS = FG_PROTECT_MAX + 128,
	STATE_OCTETS = STATE_CELLS * FG_CELL_OCTETS
};

static struct gating_batch b;

static int begin(void **state)
{
	(void)state;
	gating_new(SLOTS);
	return 0;
}

static int end(void **state)
{
	(void)state;
	gating_free(gating);
	return 0;
}

/* ---- What is asked ---- */

static void limit_slots(uint32_t slots)
{
	gating->policy.limits.slots = slots;
	gating_policy(gating);
}

/* Rules for hosts [from, to], in one partial batch. */
static void send_hosts(uint8_t from, uint8_t to, uint32_t confirm_s)
{
	batch_new(&b, FG_BATCH_PARTIAL, confirm_s);
	for (unsigned host = from; host <= to; host++)
		batch_host(&b, FG_OP_ADD, (uint8_t)host, 80);
	batch_send(gating, &b);
}

/* ROOM rules that are enforced, then three that wait. */
static void fill(void)
{
	limit_slots(ROOM);
	send_hosts(1, ROOM + 3, 0);
	assert_int_equal(gating->result.admitted, ROOM);
	assert_int_equal(gating->result.refused, 3);
	assert_int_equal(gating->result.waiting, 3);
}

static bool meets(uint8_t host)
{
	return gating_meets(gating, host, 80) != UINT32_MAX;
}

static uint32_t waiting(void)
{
	return gating_status(gating)->rules[FG_RULE_WAITING];
}

static uint32_t enforced(void)
{
	return gating_status(gating)->rules[FG_RULE_ENFORCED];
}

static void turn(void)
{
	gating_wait(gating, 0);
}

static void restart(void)
{
	gating_die(gating);
	gating_policy(gating);
	turn();
}

/* The sequence of a host's rule; 0: there is none. *rule_state as listed. */
static uint64_t listed(uint8_t host, uint32_t *rule_state)
{
	const struct fg_page_ask ask = { 0 };
	const struct fg_page *page = (const struct fg_page *)(&gating->page.message + 1);
	const uint8_t *at = (const uint8_t *)(page + 1);

	gating_ask(gating, FG_PEER_CTRL, FG_ASK_LIST, &ask, sizeof(ask));
	for (uint32_t i = 0; i < page->count; i++) {
		const struct fg_listed *l = (const struct fg_listed *)(const void *)at;
		const struct fg_record *r = (const struct fg_record *)(const void *)(l + 1);

		*rule_state = l->state;
		if (r->nlri[5] == host)
			return l->sequence;
		at += sizeof(*l) + r->octets;
	}
	return 0;
}

/* ---- Who waits ---- */

static void test_in_order_of_sequence(void **state)
{
	uint32_t rule_state;

	(void)state;
	fill();
	for (uint32_t i = 0; i < gating->findings; i++) {
		assert_int_equal(gating->finding[i].why.code, FG_OVER_BUDGET);
		assert_int_equal(gating->finding[i].rule, ROOM + i);
		assert_int_not_equal(gating->finding[i].slot, 0);
	}
	assert_int_equal(waiting(), 3);
	assert_int_not_equal(listed(ROOM + 2, &rule_state), 0);
	assert_int_equal(rule_state, FG_RULE_WAITING);
	for (uint8_t i = 1; i <= 3; i++) {
		assert_false(meets(ROOM + i));
		assert_true(gating_host(gating, FG_OP_DELETE, i, 80));
		turn();
		assert_true(meets(ROOM + i));
		assert_int_equal(waiting(), 3u - i);
		assert_int_equal(enforced(), ROOM);
		assert_int_equal(gating->events[FG_EVENT_ADMITTED], i);
	}
}

/* A batch that takes away and brings: what waits is before what came later, if only by a turn. */
static void test_nobody_overtakes(void **state)
{
	(void)state;
	fill();
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_host(&b, FG_OP_DELETE, ROOM + 1, 80);
	batch_host(&b, FG_OP_ADD, 99, 80);
	batch_send(gating, &b);
	for (uint8_t i = 1; i <= 3; i++)
		gating_host(gating, FG_OP_DELETE, i, 80);
	turn();
	assert_true(meets(ROOM + 2) && meets(ROOM + 3) && meets(99));
	gating_host(gating, FG_OP_ADD, 100, 80);
	assert_int_equal(gating->result.committed, 0);
}

static void test_who_does_not(void **state)
{
	static const uint8_t never[] = { FG_PROTO, 0x81, 17, FG_ICMP_TYPE, 0x81, 8 };

	(void)state;
	limit_slots(ROOM);
	send_hosts(1, ROOM, 0);
	assert_false(gating_host(gating, FG_OP_ADD, 50, 80));
	batch_new(&b, FG_BATCH_PARTIAL | FG_BATCH_TRY, 0);
	batch_host(&b, FG_OP_ADD, 51, 80);
	batch_send(gating, &b);
	assert_int_equal(gating->result.refused, 1);
	assert_int_equal(gating->result.waiting, 0);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, never, sizeof(never));
	batch_send(gating, &b);
	assert_int_equal(gating->result.refused, 1);
	/* Over the limit of one rule: no room that is freed helps. */
	gating->policy.limits.rule.bytes = 1;
	limit_slots(ROOM + 1);
	send_hosts(60, 60, 0);
	assert_int_equal(gating->finding[0].why.code, FG_OVER_BUDGET);
	assert_int_equal(gating->result.waiting, 0);
	assert_int_equal(waiting(), 0);
}

/* Of the table: bytes and lines are known by compiling only. */
static void test_room_of_the_table(void **state)
{
	static const uint8_t all[] = { FG_DPORT, 0x91, 0, 80 };

	(void)state;
	send_hosts(1, 7, 0);
	gating->policy.limits.lines = gating->gate->cost.lines;
	gating_policy(gating);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_rule(&b, FG_OP_ADD, FG_IPV4, all, sizeof(all));
	batch_send(gating, &b);
	assert_int_equal(gating->result.waiting, 1);
	assert_int_equal(gating->finding[0].why.resource, FG_RES_LINES);
	gating_host(gating, FG_OP_DELETE, 7, 80);
	turn();
	assert_int_equal(waiting(), 1);
	assert_false(meets(7));
	for (uint8_t host = 1; host <= 6; host++)
		gating_host(gating, FG_OP_DELETE, host, 80);
	turn();
	assert_int_equal(waiting(), 0);
	assert_true(meets(7) && meets(200));
}

static void test_room_of_a_source(void **state)
{
	struct fg_limits *l = &gating->policy.limits;

	(void)state;
	l->sources = 1;
	l->source[0] = (struct fg_limit){ .source = "peer", .bytes = UINT64_MAX, .lines = UINT64_MAX, .slots = 2 };
	gating_policy(gating);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	for (uint8_t host = 1; host <= 4; host++)
		strcpy(batch_host(&b, FG_OP_ADD, host, 80)->by.source, "peer");
	batch_send(gating, &b);
	assert_int_equal(gating->result.waiting, 2);
	assert_true(gating_host(gating, FG_OP_ADD, 9, 80));
	gating_host(gating, FG_OP_DELETE, 9, 80);
	turn();
	assert_int_equal(waiting(), 2);
	batch_new(&b, 0, 0);
	strcpy(batch_host(&b, FG_OP_DELETE, 1, 80)->by.source, "peer");
	batch_send(gating, &b);
	turn();
	assert_true(meets(2) && meets(3) && !meets(4));
	l->source[0].slots = 3;
	gating_policy(gating);
	turn();
	assert_true(meets(4));
}

/* They have a part of the store, and no more; what is enforced keeps all of its own. */
static void test_bounded(void **state)
{
	const uint32_t most = fg_waiting_cells_max(SLOTS);
	uint32_t sent = 0;

	(void)state;
	limit_slots(ROOM);
	send_hosts(1, ROOM, 0);
	for (uint16_t port = 1; port <= 4; port++) {
		batch_new(&b, FG_BATCH_PARTIAL, 0);
		for (unsigned host = 0; host < 200; host++, sent++)
			batch_host(&b, FG_OP_ADD, (uint8_t)host, port);
		batch_send(gating, &b);
	}
	assert_true(sent > most);
	assert_int_equal(waiting(), most);
	assert_int_equal(gating->gate->waiting.cells, most);
	limit_slots(SLOTS);
	while (fg_gate_next_ns(gating->gate) <= gating->now_ns)
		turn();
	assert_int_equal(waiting(), 0);
	assert_int_equal(gating->gate->waiting.cells, 0);
	assert_int_equal(enforced(), ROOM + most);
}

/* ---- What becomes of them ---- */

static void test_withdrawn_replaced_and_over(void **state)
{
	uint64_t sequence;
	uint32_t rule_state;

	(void)state;
	fill();
	sequence = listed(ROOM + 1, &rule_state);
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_host(&b, FG_OP_ADD, ROOM + 1, 80)->actions.set = FG_ACT_SAMPLE;
	batch_host(&b, FG_OP_ADD, ROOM + 3, 80)->ttl_s = 100;
	batch_send(gating, &b);
	assert_int_equal(gating->result.waiting, 2);
	assert_int_equal(listed(ROOM + 1, &rule_state), sequence);
	assert_true(gating_host(gating, FG_OP_DELETE, ROOM + 2, 80));
	assert_int_equal(gating->result.deleted, 1);
	assert_int_equal(waiting(), 2);
	gating_wait(gating, 101);
	assert_int_equal(gating->events[FG_EVENT_EXPIRED], 1);
	assert_int_equal(waiting(), 1);
	gating_host(gating, FG_OP_DELETE, 1, 80);
	gating_host(gating, FG_OP_DELETE, 2, 80);
	turn();
	assert_int_equal(enforced(), ROOM - 1);
	assert_int_equal(gating->dataplane.memory.actions[gating_meets(gating, ROOM + 1, 80)].flags, FG_ACT_SAMPLE);
	assert_int_equal(gating->gate->waiting.cells, 0);
}

static void test_flushed(void **state)
{
	(void)state;
	fill();
	batch_new(&b, FG_BATCH_PARTIAL, 0);
	batch_host(&b, FG_OP_ADD, 77, 80)->flags = FG_RECORD_STATIC;
	batch_send(gating, &b);
	assert_int_equal(waiting(), 4);
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
	turn();
	assert_int_equal(waiting(), 0);
	assert_int_equal(enforced(), 1);
	assert_true(meets(77));
}

/* What was there waits when there is less room, and comes back when there is more: the highest sequences first, then the lowest. */
static void test_limits_shrink_and_grow(void **state)
{
	(void)state;
	limit_slots(ROOM);
	send_hosts(1, ROOM, 0);
	limit_slots(4);
	assert_int_equal(gating->events[FG_EVENT_WAITING], ROOM - 4);
	turn();
	assert_int_equal(enforced(), 4);
	assert_int_equal(waiting(), ROOM - 4);
	assert_true(meets(4) && !meets(5));
	limit_slots(6);
	turn();
	assert_true(meets(6) && !meets(7));
	restart();
	assert_true(meets(6) && !meets(7));
	limit_slots(ROOM);
	turn();
	assert_int_equal(enforced(), ROOM);
}

/* ---- Successors ---- */

static void test_after_a_death(void **state)
{
	uint64_t sequence;
	uint32_t rule_state;

	(void)state;
	fill();
	sequence = listed(ROOM + 3, &rule_state);
	gating_die(gating);
	assert_true(meets(ROOM) && !meets(ROOM + 1));
	gating_policy(gating);
	turn();
	assert_int_equal(waiting(), 3);
	assert_int_equal(listed(ROOM + 3, &rule_state), sequence);
	/* The room is there, and the process dies before it is given away. */
	gating_host(gating, FG_OP_DELETE, 5, 80);
	restart();
	assert_true(meets(ROOM + 1) && !meets(ROOM + 2));
	restart();
	assert_true(meets(ROOM + 1) && !meets(ROOM + 2));
	assert_int_equal(waiting(), 2);
}

static void test_withdrawn_but_not_confirmed(void **state)
{
	(void)state;
	fill();
	batch_new(&b, 0, 60);
	batch_host(&b, FG_OP_DELETE, 1, 80);
	batch_host(&b, FG_OP_DELETE, ROOM + 1, 80);
	batch_send(gating, &b);
	turn();
	/* The room may be wanted back. */
	assert_int_equal(waiting(), 2);
	assert_int_equal(enforced(), ROOM - 1);
	restart();
	assert_int_equal(waiting(), 2);
	gating_wait(gating, 61);
	turn();
	assert_int_equal(waiting(), 3);
	assert_true(meets(1));
	gating_host(gating, FG_OP_DELETE, 2, 80);
	turn();
	assert_true(meets(ROOM + 1));
}

static void test_added_but_not_confirmed(void **state)
{
	(void)state;
	limit_slots(ROOM);
	send_hosts(1, ROOM - 1, 0);
	send_hosts(ROOM, ROOM + 3, 60);
	assert_int_equal(waiting(), 3);
	gating_wait(gating, 61);
	turn();
	assert_int_equal(waiting(), 0);
	assert_int_equal(enforced(), ROOM - 1);
	send_hosts(ROOM, ROOM + 3, 60);
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_CONFIRM, NULL, 0);
	gating_host(gating, FG_OP_DELETE, 1, 80);
	turn();
	assert_int_equal(waiting(), 2);
	assert_true(meets(ROOM + 1));
}

/* A deletion that is not confirmed, and no room to take it back any more. */
static void test_no_way_back(void **state)
{
	(void)state;
	limit_slots(ROOM);
	send_hosts(1, ROOM, 0);
	batch_new(&b, 0, 60);
	batch_host(&b, FG_OP_DELETE, 1, 80);
	batch_send(gating, &b);
	limit_slots(ROOM - 1);
	gating->policy.limits.bytes = gating->gate->cost.bytes;
	gating_policy(gating);
	gating_wait(gating, 61);
	turn();
	assert_int_equal(enforced() + waiting(), ROOM);
	assert_true(waiting() > 0);
	gating->policy.limits.bytes = UINT64_MAX;
	limit_slots(ROOM);
	turn();
	assert_int_equal(enforced(), ROOM);
}

/* ---- Each state of the journal ---- */

struct said {
	uint64_t there, waits;
};

static uint8_t (*states)[STATE_OCTETS];
static uint32_t count;

static void keep_state(void *ctx)
{
	(void)ctx;
	assert_true(count < STATES_MAX);
	memcpy(states[count++], gating->dataplane.memory.store, STATE_OCTETS);
}

/* Which hosts have a rule, a bit each. */
static struct said read_store(uint8_t *memory)
{
	static uint64_t private[STATE_CELLS / 64 + 1];
	struct fg_store s = { 0 };
	struct said said = { 0, 0 };
	uint32_t damaged;
	bool adopted;

	assert_int_equal(fg_store_open(&s, memory, STATE_CELLS, private, &adopted, &damaged), 0);
	assert_int_equal(damaged, 0);
	for (uint32_t slot = fg_store_next(&s, 0); slot != 0; slot = fg_store_next(&s, slot)) {
		enum fg_fate fate = fg_store_fate(&s, &s.cell[slot]);
		uint64_t bit = 1ull << s.cell[slot].nlri[5];

		said.there |= fate == FG_FATE_THERE ? bit : 0;
		said.waits |= fate == FG_FATE_WAITS ? bit : 0;
	}
	return said;
}

/* What happens is one generation, or several: each state is one of those before and after each. */
static void check_states(void)
{
	static uint8_t last[STATE_OCTETS];
	struct said before, after;
	uint32_t changes = 0;

	gating->gate->store.written = NULL;
	assert_true(count > 2);
	memcpy(last, gating->dataplane.memory.store, STATE_OCTETS);
	after = read_store(last);
	before = read_store(states[0]);
	for (uint32_t i = 1; i < count; i++) {
		struct said said = read_store(states[i]);

		changes += memcmp(&said, &before, sizeof(said)) != 0;
		before = said;
	}
	assert_memory_equal(&before, &after, sizeof(after));
	assert_int_equal(changes, 1);
}

static int begin_small(void **state)
{
	(void)state;
	states = gating_map((size_t)STATES_MAX * STATE_OCTETS);
	gating_new(STATE_CELLS);
	fill();
	return 0;
}

static int end_small(void **state)
{
	(void)state;
	gating_free(gating);
	munmap(states, (size_t)STATES_MAX * STATE_OCTETS);
	return 0;
}

static void watch(void)
{
	count = 0;
	gating->gate->store.written = keep_state;
}

static void test_kept_torn(void **state)
{
	(void)state;
	watch();
	send_hosts(20, 22, 0);
	assert_int_equal(gating->result.waiting, 3);
	check_states();
}

static void test_admitted_torn(void **state)
{
	(void)state;
	gating_host(gating, FG_OP_DELETE, 1, 80);
	gating_host(gating, FG_OP_DELETE, 2, 80);
	watch();
	turn();
	assert_int_equal(waiting(), 1);
	check_states();
}

static void test_withdrawn_torn(void **state)
{
	(void)state;
	watch();
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_DELETE, ROOM + 1, 80);
	batch_host(&b, FG_OP_DELETE, ROOM + 2, 80);
	batch_host(&b, FG_OP_DELETE, 1, 80);
	batch_send(gating, &b);
	check_states();
}

static void test_shrunk_torn(void **state)
{
	(void)state;
	gating->policy.limits.slots = ROOM - 2;
	watch();
	gating_policy(gating);
	assert_int_equal(waiting(), 5);
	check_states();
}

/* ---- At fault ---- */

/* A gate that dies again and again while it tries what waits goes on without that. */
static void test_dies_of_trying(void **state)
{
	uint32_t starts;

	(void)state;
	fill();
	gating_wait(gating, 61);
	for (starts = 0; starts < 10 && !gating->gate->undone; starts++) {
		gating->gate->store.head->trying = 1;
		gating_die(gating);
	}
	/* The first start behind a minute that went well is no death. */
	assert_int_equal(starts, 4);
	gating_policy(gating);
	turn();
	assert_int_equal(waiting(), 0);
	assert_int_equal(enforced(), ROOM);
	limit_slots(ROOM + 2);
	send_hosts(ROOM + 1, ROOM + 1, 0);
	assert_int_equal(gating->finding[0].why.code, FG_QUARANTINED);
}

/* One that dies of what it has just admitted undoes that. */
static void test_dies_of_admitted(void **state)
{
	uint32_t starts;

	(void)state;
	fill();
	gating_host(gating, FG_OP_DELETE, 1, 80);
	turn();
	assert_true(meets(ROOM + 1));
	for (starts = 0; starts < 10 && !gating->gate->undone; starts++)
		gating_die(gating);
	gating_policy(gating);
	turn();
	assert_false(meets(ROOM + 1));
	assert_int_equal(enforced(), ROOM);
	assert_true(meets(ROOM + 2));
}

/* ---- Anything ---- */

/* Whoever waits has no room, as a trial of it alone shows. */
static void check_all_in_vain(void)
{
	for (uint32_t n = gating->gate->first; n != 0; n = gating->gate->entry[n].behind) {
		const struct fg_rule *rule = &gating->gate->entry[n].rule;

		if (gating->gate->entry[n].state != FG_ENTRY_WAITING)
			continue;
		batch_new(&b, FG_BATCH_TRY, 0);
		batch_rule(&b, FG_OP_ADD, (enum fg_family)rule->family, rule->nlri, rule->nlri_len)->offset_form =
			rule->offset_form;
		batch_send(gating, &b);
		assert_int_equal(gating->result.refused, 1);
		assert_int_equal(gating->finding[gating->findings - 1].why.code, FG_OVER_BUDGET);
	}
}

static void send_some(struct or_random *draw, const struct set *set, uint32_t flags, uint32_t confirm_s)
{
	batch_new(&b, flags, confirm_s);
	for (int k = 0; k < 12; k++) {
		const struct fg_rule *rule = &set->rule[or_random_below(draw, (uint32_t)set->count)];

		batch_rule(&b, or_random_chance(draw, 60) ? FG_OP_ADD : FG_OP_DELETE, (enum fg_family)rule->family,
			   rule->nlri, rule->nlri_len)
			->offset_form = rule->offset_form;
	}
	batch_send(gating, &b);
}

static void settle(void)
{
	turn();
	while (fg_gate_next_ns(gating->gate) <= gating->now_ns)
		turn();
}

static void test_anything(void **state)
{
	struct or_random draw = or_random_seed(48);
	uint32_t waited = 0, admitted = 0;
	struct set set;

	(void)state;
	set_draw(&set, &draw, &(struct or_gen_rules){ .no_dst_percent = 20, .go_on_percent = 20 }, 120, false);
	gating->policy.limits.rule.bytes = gating->policy.limits.rule.lines = UINT64_MAX;
	gating_policy(gating);
	for (int i = 0; i < 20; i++)
		send_some(&draw, &set, FG_BATCH_PARTIAL, 0);
	gating->policy.limits.bytes = gating->gate->cost.bytes;
	gating_policy(gating);
	for (int i = 0; i < 150; i++) {
		static const uint32_t flags[] = { 0, FG_BATCH_PARTIAL, FG_BATCH_PARTIAL, FG_BATCH_TRY };
		uint32_t confirm_s = or_random_chance(&draw, 20) ? 60 : 0, live, waits;

		send_some(&draw, &set, flags[or_random_below(&draw, 4)], confirm_s);
		if (confirm_s != 0)
			gating_wait(gating, 61);
		settle();
		live = enforced() + gating->status.rules[FG_RULE_YIELDS];
		waits = waiting();
		check_all_in_vain();
		assert_int_equal(live, gating->gate->live);
		admitted += gating->events[FG_EVENT_ADMITTED];
		gating->events[FG_EVENT_ADMITTED] = 0;
		waited += waits;
		if (!or_random_chance(&draw, 20))
			continue;
		gating_wait(gating, 61);
		gating_die(gating);
		gating_policy(gating);
		settle();
		assert_int_equal(enforced() + gating->status.rules[FG_RULE_YIELDS], live);
		assert_int_equal(waiting(), waits);
	}
	assert_true(waited > 100 && admitted > 20);
	set_free(&set);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
#define TORN(f) cmocka_unit_test_setup_teardown(f, begin_small, end_small)
	const struct CMUnitTest tests[] = {
		TEST(test_in_order_of_sequence),
		TEST(test_nobody_overtakes),
		TEST(test_who_does_not),
		TEST(test_room_of_the_table),
		TEST(test_room_of_a_source),
		TEST(test_bounded),
		TEST(test_withdrawn_replaced_and_over),
		TEST(test_flushed),
		TEST(test_limits_shrink_and_grow),
		TEST(test_after_a_death),
		TEST(test_withdrawn_but_not_confirmed),
		TEST(test_added_but_not_confirmed),
		TEST(test_no_way_back),
		TORN(test_kept_torn),
		TORN(test_admitted_torn),
		TORN(test_withdrawn_torn),
		TORN(test_shrunk_torn),
		TEST(test_dies_of_trying),
		TEST(test_dies_of_admitted),
		TEST(test_anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
