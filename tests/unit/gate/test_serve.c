/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages: each question, and hostile ones. Random octets, valid messages with octets changed, and every cut of one are either refused as a
 * whole, with nothing changed, or do what they say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/oracle/generate.h"
#define GATING_ALONE
#include "tests/unit/gate/gating.h"

static struct gating_batch b;

static union {
	uint8_t octets[FG_MESSAGE_MAX];
	struct fg_message message;
} m;

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

/* A whole batch of two rules, in m. */
static void make_batch(void)
{
	batch_new(&b, 0, 0);
	batch_host(&b, FG_OP_ADD, 1, 1);
	batch_host(&b, FG_OP_ADD, 2, 1);
	m.message = (struct fg_message){ FG_RECORD_VERSION, FG_ASK_BATCH, 3, 0, 0 };
	m.message.octets = (uint32_t)(sizeof(m.message) + sizeof(b.head) + b.len);
	memcpy(m.octets + sizeof(m.message), &b.head, sizeof(b.head));
	memcpy(m.octets + sizeof(m.message) + sizeof(b.head), b.octets, b.len);
}

static bool serve(enum fg_peer peer, size_t octets)
{
	bool is_message = fg_gate_serve(gating->gate, peer, &m, octets, peer ? &gating->supervisor : &gating->out);

	gating_take(gating, &gating->out);
	gating_take(gating, &gating->supervisor);
	return is_message;
}

static void check_untouched(uint64_t generation)
{
	assert_int_equal(gating->gate->store.head->generation, generation);
	assert_int_equal(gating->gate->changes, 0);
	assert_false(gating->gate->batch.open);
	assert_int_equal(gating->gate->live, 0);
	assert_int_equal(fg_store_next(&gating->gate->store, 0), 0);
}

/* Each cut of a batch, with the length it claims to have made right or not. */
static void test_truncated(void **state)
{
	uint64_t generation = gating->gate->store.head->generation;

	(void)state;
	make_batch();
	for (uint32_t whole = m.message.octets, octets = 0; octets < whole; octets++) {
		m.message.octets = whole;
		assert_false(serve(FG_PEER_CTRL, octets));
		m.message.octets = octets;
		assert_false(serve(FG_PEER_CTRL, octets));
		m.message.octets = whole;
	}
	check_untouched(generation);
	assert_true(serve(FG_PEER_CTRL, m.message.octets));
	assert_int_equal(gating->result.committed, 1);
}

static void test_fields_out_of_range(void **state)
{
	uint64_t generation = gating->gate->store.head->generation;
	struct fg_record *r = (struct fg_record *)(void *)(m.octets + sizeof(m.message) + sizeof(b.head));

	(void)state;
#define WRONG(change)                                                                                                  \
	do {                                                                                                           \
		make_batch();                                                                                          \
		change;                                                                                                \
		assert_false(serve(FG_PEER_CTRL, m.message.octets));                                                   \
		check_untouched(generation);                                                                           \
	} while (0)
	WRONG(r->op = 3);
	WRONG(r->op = 0);
	WRONG(r->family = 2);
	WRONG(r->offset_form = 2);
	WRONG(r->flags = 8);
	WRONG(r->payload_octets = 1);
	WRONG(r->nlri_len = 4096);
	WRONG(r->nlri_len += 8);
	WRONG(r->octets -= 8);
	WRONG(r->octets = UINT32_MAX);
	WRONG(r->actions.set = FG_ACT_PROTECT);
	WRONG(r->actions.set = FG_ACT_COUNT_ONLY);
	WRONG(r->actions.set = 1u << 31);
	WRONG(r->actions.set = FG_ACT_RATE_BYTES);
	WRONG((r->actions.set = FG_ACT_RATE_BYTES, r->actions.rate_bytes_per_s = __builtin_nanf("")));
	WRONG((r->actions.set = FG_ACT_RATE_BYTES, r->actions.rate_bytes_per_s = -1));
	WRONG((r->actions.set = FG_ACT_RATE_PACKETS, r->actions.rate_packets_per_s = __builtin_inff()));
	WRONG((r->actions.set = FG_ACT_MARK, r->actions.dscp = 64));
	WRONG(r->actions.set = FG_ACT_COPY);
	WRONG(r->actions.set = FG_ACT_RT6);
	WRONG(r->actions.next_hop.family = 2);
	WRONG(r->by.source[0] = '\0');
	WRONG(memset(r->by.source, 'x', sizeof(r->by.source)));
	WRONG(memset(r->name, 'x', sizeof(r->name)));
	WRONG(r->name[0] = '\033');
	WRONG(m.message.version = FG_RECORD_VERSION + 1);
	WRONG(m.message.kind = 0);
	WRONG(m.message.more = 2);
	WRONG(((struct fg_batch *)(void *)(&m.message + 1))->rules = 3);
	WRONG(((struct fg_batch *)(void *)(&m.message + 1))->rules = 1);
	WRONG(((struct fg_batch *)(void *)(&m.message + 1))->flags = 4);
	WRONG(m.message.kind = FG_ASK_POLICY);
	WRONG(m.message.kind = FG_ASK_STATUS);
}

/* The supervisor's questions are not for ctrl. */
static void test_policy_is_not_for_ctrl(void **state)
{
	static const enum fg_message_kind kinds[] = { FG_ASK_POLICY, FG_ASK_CTRL, FG_ASK_STOP };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		gating_ask(gating, FG_PEER_CTRL, kinds[i], &gating->policy, i == 0 ? sizeof(gating->policy) : 0);
		assert_false(gating->alive);
	}
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_STOP, &(struct fg_switch){ .on = 1 }, sizeof(struct fg_switch));
	assert_false(gating->alive);
}

static void test_wrong_policies(void **state)
{
	struct fg_policy good = gating->policy, *p = &gating->policy;

	(void)state;
#define BAD(change)                                                                                                    \
	do {                                                                                                           \
		*p = good;                                                                                             \
		change;                                                                                                \
		gating_ask(gating, FG_PEER_SUPERVISOR, FG_ASK_POLICY, p, sizeof(*p));                                  \
		assert_true(gating->alive);                                                                            \
		assert_int_equal(gating->done.result, FG_MALFORMED);                                                   \
	} while (0)
	BAD(p->protects = FG_PROTECT_MAX + 1);
	BAD((p->protects = 1, p->protect[0].nlri_len = 0));
	BAD(p->sites = FG_SITES_MAX + 1);
	BAD((p->sites = 1, memset(p->site[0], 'x', sizeof(p->site[0]))));
	BAD(p->scopes = FG_SCOPES_MAX + 1);
	BAD((p->scopes = 1, p->scope[0].prefix.length = 33));
	BAD(p->ports = FG_PORTS_MAX + 1);
	BAD(p->targets = FG_TARGETS_MAX + 1);
	BAD(p->limits.sources = FG_SOURCES_MAX + 1);
	BAD(*(uint8_t *)&p->shadow = 2);
	*p = good;
	gating_policy(gating);
	assert_true(gating_host(gating, FG_OP_ADD, 1, 1));
}

static void test_noise(void **state)
{
	struct or_random r = or_random_seed(45);
	uint64_t generation = gating->gate->store.head->generation;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t octets = or_random_below(&r, 3000);

		for (uint32_t k = 0; k < octets; k++)
			m.octets[k] = (uint8_t)or_random_next(&r);
		if (i % 2) {
			m.message.version = FG_RECORD_VERSION;
			m.message.octets = octets;
			m.message.more = 0;
			m.message.kind = FG_ASK_BATCH;
		}
		assert_false(serve(i % 3 ? FG_PEER_CTRL : FG_PEER_SUPERVISOR, octets));
	}
	check_untouched(generation);
}

/* A batch with a few octets changed: whatever happens, what packets meet and what the store says stay the same thing. */
static void test_mutated(void **state)
{
	struct or_random r = or_random_seed(46);
	uint32_t taken = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t whole;

		make_batch();
		whole = m.message.octets;
		for (uint32_t k = 1 + or_random_below(&r, 3); k > 0; k--)
			m.octets[or_random_below(&r, whole)] = (uint8_t)or_random_next(&r);
		taken += serve(FG_PEER_CTRL, whole);
		fg_gate_catch_up(gating->gate);
		if (i % 200 == 0) {
			gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
			assert_int_equal(gating->gate->live, 0);
		}
	}
	assert_true(taken > 1000 && taken < 20000);
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
	assert_true(gating_host(gating, FG_OP_ADD, 1, 1));
	assert_int_not_equal(gating_meets(gating, 1, 1), UINT32_MAX);
	assert_int_equal(gating_status(gating)->rules[FG_RULE_ENFORCED], 1);
}

/* What is given up is so as a whole: the parts that still come are no batch of their own, and the next batch is one. */
static void test_rest_of_what_was_given_up(void **state)
{
	uint64_t generation;

	(void)state;
	for (int why = 0; why < 3; why++) {
		make_batch();
		m.message.more = 1;
		assert_true(serve(FG_PEER_CTRL, m.message.octets));
		if (why == 0)
			gating_ask(gating, FG_PEER_SUPERVISOR, FG_ASK_POLICY, &gating->policy, sizeof(gating->policy));
		else if (why == 1)
			gating_ask(gating, FG_PEER_CTRL, FG_ASK_FLUSH, NULL, 0);
		else
			gating_wait(gating, 3);
		assert_false(gating->gate->batch.open);
		generation = gating->gate->store.head->generation;
		assert_true(serve(FG_PEER_CTRL, m.message.octets));
		assert_false(gating->gate->batch.open);
		m.message.more = 0;
		assert_true(serve(FG_PEER_CTRL, m.message.octets));
		check_untouched(generation);
	}
	make_batch();
	assert_true(serve(FG_PEER_CTRL, m.message.octets));
	assert_int_equal(gating->result.committed, 1);
}

/* ---- Pages ---- */

static void fill(uint32_t n)
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
}

static uint64_t read_rules(uint64_t from, uint64_t *last, uint32_t *seen)
{
	const struct fg_page_ask ask = { from };
	const struct fg_page *page = (const struct fg_page *)(&gating->page.message + 1);
	const uint8_t *at = (const uint8_t *)(page + 1);

	gating_ask(gating, FG_PEER_CTRL, FG_ASK_LIST, &ask, sizeof(ask));
	assert_int_equal(gating->page.message.kind, FG_SAY_RULES);
	for (uint32_t i = 0; i < page->count; i++) {
		const struct fg_listed *l = (const struct fg_listed *)(const void *)at;
		const struct fg_record *r = fg_record_check(l + 1, at + FG_MESSAGE_MAX);

		assert_non_null(r);
		assert_true(l->sequence > *last);
		*last = l->sequence;
		assert_int_equal(l->state, FG_RULE_ENFORCED);
		++*seen;
		at += sizeof(*l) + r->octets;
	}
	assert_ptr_equal(at, gating->page.octets + gating->page.message.octets);
	return page->next;
}

/* All rules in order of sequence, each once, though rules come and go between the pages. */
static void test_list(void **state)
{
	uint64_t next = 0, last = 0;
	uint32_t seen = 0, pages = 0;

	(void)state;
	fill(1000);
	do {
		next = read_rules(next, &last, &seen);
		gating_host(gating, FG_OP_DELETE, (uint8_t)(10 + pages), 100);
		pages++;
	} while (next != 0);
	assert_int_equal(seen, 1000);
	assert_true(pages > 3);
}

static void test_counters(void **state)
{
	struct fg_page_ask ask = { 0 };
	const struct fg_page *page = (const struct fg_page *)(&gating->page.message + 1);
	const struct fg_slot_counters *c = (const struct fg_slot_counters *)(page + 1);
	uint32_t seen = 0;

	(void)state;
	fill(3000);
	do {
		gating_ask(gating, FG_PEER_CTRL, FG_ASK_COUNTERS, &ask, sizeof(ask));
		for (uint32_t i = 0; i < page->count; i++, seen++)
			assert_int_equal(c[i].counters.matched.packets, c[i].slot);
		ask.from = page->next;
	} while (ask.from != 0);
	assert_int_equal(seen, 3000);
	ask.from = UINT64_MAX;
	gating_ask(gating, FG_PEER_CTRL, FG_ASK_COUNTERS, &ask, sizeof(ask));
	assert_int_equal(page->count, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_truncated),
		TEST(test_fields_out_of_range),
		TEST(test_policy_is_not_for_ctrl),
		TEST(test_wrong_policies),
		TEST(test_noise),
		TEST(test_mutated),
		TEST(test_rest_of_what_was_given_up),
		TEST(test_list),
		TEST(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
