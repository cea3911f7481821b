/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commits against the naive reference: after any sequence of batches, some partial, tried, replaced, confirmed, reverted, flushed or over
 * budget, packets meet the rules that a plain list of what was admitted says, and a successor of the process finds the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "flowgate/match.h"
#include "tests/oracle/sets.h"
#define GATING_ALONE
#include "tests/unit/gate/gating.h"

enum { RULES = 120, BATCHES = 250, BATCH_RULES = 12, PACKETS = 25 };

static struct gating_batch b;
static struct set set;
static struct or_random draw;

/* What is there, by place in the set; `marked` in the sample action tells a replaced rule. */
struct model {
	bool in[RULES];
	bool sample[RULES];
};

static struct model model, before;
static struct or_table *oracle;
static size_t hits, refusals;

static int begin(void **state)
{
	(void)state;
	gating_new(GATING_SLOTS);
	return 0;
}

static int end(void **state)
{
	(void)state;
	or_table_free(oracle);
	oracle = NULL;
	set_free(&set);
	gating_free(gating);
	return 0;
}

static void start(uint64_t seed, const struct or_gen_rules *how)
{
	draw = or_random_seed(seed);
	set_draw(&set, &draw, how, RULES, false);
	memset(&model, 0, sizeof(model));
	gating->policy.limits.rule.bytes = gating->policy.limits.rule.lines = UINT64_MAX;
	gating_policy(gating);
	hits = refusals = 0;
}

/* ---- Batches ---- */

static void put(struct model *m, size_t i, bool add, bool sample)
{
	const struct fg_rule *rule = &set.rule[i];
	struct fg_record *r = batch_rule(&b, add ? FG_OP_ADD : FG_OP_DELETE, (enum fg_family)rule->family, rule->nlri,
					 rule->nlri_len);

	r->offset_form = rule->offset_form;
	r->actions.set = (uint32_t)(set.gen[i].go_on ? FG_ACT_CONTINUE : 0) | (sample ? FG_ACT_SAMPLE : 0);
	m->in[i] = add;
	m->sample[i] = add && sample;
}

static bool is_refused(uint32_t place)
{
	for (uint32_t i = 0; i < gating->findings; i++)
		if (gating->finding[i].rule == place && !fg_reason_is_warning(gating->finding[i].why.code))
			return true;
	return false;
}

/* A batch of changes to different rules; those that are refused keep what they had. */
static void send_some(uint32_t flags, uint32_t confirm_s)
{
	size_t changed[BATCH_RULES], n = 0;
	struct model wanted = model;
	bool seen[RULES] = { false };

	batch_new(&b, flags, confirm_s);
	for (int k = 0; k < BATCH_RULES; k++) {
		size_t i = or_random_below(&draw, (uint32_t)set.count);
		bool add = !model.in[i] || or_random_chance(&draw, 30);

		if (seen[i])
			continue;
		seen[i] = true;
		changed[n++] = i;
		put(&wanted, i, add, add && model.in[i] ? !model.sample[i] : or_random_chance(&draw, 50));
	}
	batch_send(gating, &b);
	refusals += gating->result.refused;
	if (!gating->result.committed)
		return;
	for (uint32_t k = 0; k < n; k++)
		if (!is_refused(k)) {
			model.in[changed[k]] = wanted.in[changed[k]];
			model.sample[changed[k]] = wanted.sample[changed[k]];
		}
}

/* ---- Comparing ---- */

static void make_oracle(void)
{
	or_table_free(oracle);
	oracle = or_table_new();
	for (size_t i = 0; i < set.count; i++) {
		const struct or_gen_rule *g = &set.gen[i];

		if (model.in[i])
			assert_int_equal(or_table_add(oracle, (uint32_t)i, g->family, g->full_offset, g->go_on,
						      g->octets, g->len),
					 0);
	}
}

static void compare_slot(uint32_t slot, uint32_t id)
{
	const struct fg_cell *c = fg_cell(gating->gate, slot);

	assert_int_equal(c->nlri_len, set.rule[id].nlri_len);
	assert_memory_equal((const uint8_t *)c + offsetof(struct fg_cell, nlri), set.rule[id].nlri, c->nlri_len);
	assert_int_equal((gating->dataplane.memory.actions[slot].flags & FG_ACT_SAMPLE) != 0, model.sample[id]);
}

static void compare(size_t packets)
{
	const struct or_gen_packets how = { .odd_percent = 5, .no_snap = true, .no_raw = true };
	const struct fg_plane_memory *m = &gating->dataplane.memory;
	struct fg_view view = { .base = m->image[m->control->side] };

	make_oracle();
	for (size_t k = 0; k < packets; k++) {
		static struct or_gen_frame frame;
		uint32_t want[FG_APPLIED_MAX];
		struct or_gen_packet packet;
		struct or_packet facts;
		struct fg_matched out;
		struct fg_packet got;
		size_t n;

		set_packet(&set, &draw, k, &how, &packet);
		or_gen_build(&packet, &frame);
		or_packet_read(frame.link, frame.octets, frame.captured, frame.wire, &facts);
		if (facts.kind != OR_IP)
			continue;
		fg_packet_parse(frame.octets, frame.octets + frame.captured, false, &got);
		fg_match(&view, &got.key, &out);
		n = or_table_evaluate(oracle, &facts, want, FG_APPLIED_MAX);
		assert_int_equal(out.count, n);
		for (size_t i = 0; i < n; i++)
			compare_slot(out.slot[i] & FG_SLOT_MASK, want[i]);
		hits += n > 0;
	}
}

static void compare_budget(void)
{
	struct fg_cost fresh, mine = gating->gate->cost;
	static struct fg_compile_scratch scratch;
	struct fg_table_rule sorted[FG_FAMILY_COUNT][RULES];
	const struct fg_table_rule *const rules[] = { sorted[0], sorted[1] };
	size_t n[FG_FAMILY_COUNT] = { 0, 0 };

	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		for (size_t i = 0; i < set.n[f]; i++)
			if (model.in[set.sorted[f][i].slot & FG_SLOT_MASK])
				sorted[f][n[f]++] = set.sorted[f][i];
	fg_table_cost(rules, n, &scratch, &fresh);
	assert_int_equal(mine.bytes, fresh.bytes);
	assert_int_equal(mine.lines, fresh.lines);
	assert_int_equal(mine.slots, fresh.slots);
	assert_int_equal(gating->gate->live, fresh.slots);
}

/* ---- Tests ---- */

static void test_random_batches(void **state)
{
	(void)state;
	start(41, &(struct or_gen_rules){ .full_percent = 10, .no_dst_percent = 10 });
	for (int i = 0; i < BATCHES; i++) {
		static const uint32_t flags[] = { 0, FG_BATCH_PARTIAL, FG_BATCH_PARTIAL, FG_BATCH_TRY };

		send_some(flags[or_random_below(&draw, 4)], 0);
		compare(PACKETS);
		compare_budget();
	}
	assert_true(hits > 100);
}

/* A budget that holds about half of the rules. */
static void test_little_room(void **state)
{
	(void)state;
	start(42, &(struct or_gen_rules){ .no_dst_percent = 30, .go_on_percent = 20 });
	for (int i = 0; i < 20; i++)
		send_some(FG_BATCH_PARTIAL, 0);
	gating->policy.limits.bytes = gating->gate->cost.bytes * 3 / 4 + (uint64_t)FG_UPPER_LINES * FG_LINE_OCTETS / 4;
	gating_policy(gating);
	memset(model.in, 0, sizeof(model.in));
	for (uint32_t n = gating->gate->first; n != 0; n = gating->gate->entry[n].behind)
		for (size_t i = 0; i < set.count; i++)
			if (gating->gate->entry[n].state == FG_ENTRY_LIVE &&
			    gating->gate->entry[n].rule.nlri_len == set.rule[i].nlri_len &&
			    gating->gate->entry[n].rule.family == set.rule[i].family &&
			    memcmp(gating->gate->entry[n].rule.nlri, set.rule[i].nlri, set.rule[i].nlri_len) == 0)
				model.in[i] = true;
	compare(200);
	for (int i = 0; i < BATCHES; i++) {
		send_some(or_random_chance(&draw, 70) ? FG_BATCH_PARTIAL : 0, 0);
		assert_true(gating->gate->cost.bytes <= gating->policy.limits.bytes);
		compare(PACKETS);
		compare_budget();
	}
	assert_true(refusals > 50);
}

static void test_confirm_and_revert(void **state)
{
	(void)state;
	start(43, &(struct or_gen_rules){ .no_dst_percent = 10 });
	for (int i = 0; i < 60; i++) {
		bool reverts = or_random_chance(&draw, 50);

		send_some(FG_BATCH_PARTIAL, 0);
		before = model;
		send_some(FG_BATCH_PARTIAL, 100);
		compare(PACKETS);
		if (reverts) {
			gating_wait(gating, 101);
			model = before;
		} else {
			gating_ask(gating, FG_PEER_CTRL, FG_ASK_CONFIRM, NULL, 0);
		}
		compare(PACKETS);
		compare_budget();
	}
}

/* Whoever comes after a kill meets the same rules, and can go on. */
static void test_successors(void **state)
{
	(void)state;
	start(44, &(struct or_gen_rules){ .no_dst_percent = 10, .full_percent = 10 });
	for (int i = 0; i < 8; i++) {
		for (int k = 0; k < 5; k++)
			send_some(FG_BATCH_PARTIAL, 0);
		gating_wait(gating, 100);
		gating_die(gating);
		compare(100);
		gating_policy(gating);
		compare(100);
		compare_budget();
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_random_batches),
		TEST(test_little_room),
		TEST(test_confirm_and_revert),
		TEST(test_successors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
