/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table of announced rules, against a gate of the test's own that does what it is asked for or refuses by plan. What holds at the end of each
 * case: the gate has exactly the path that is wanted of each entry.
 */
#include "octets.h"

#include <errno.h>

#include "ctrl/bgp/rib.h"

enum { KEYS = 16, PEERS = FG_PEERS_MAX, FEW_PEERS = 4, NOW_S = 1000 };

struct gate {
	struct fg_rib rib;
	bool has[KEYS][PEERS], refuses[KEYS][PEERS];
	bool lost, late; /* nothing is answered, and nothing done; or done all the same */
	unsigned asked;
};

static uint8_t nlri[KEYS][3];

static struct fg_rule rule(unsigned key)
{
	struct fg_rule r = { .family = key % 2 ? FG_IPV6 : FG_IPV4, .nlri = nlri[key], .nlri_len = sizeof(nlri[key]) };

	memcpy(nlri[key], (uint8_t[]){ FG_PROTO, 0x81, (uint8_t)key }, 3);
	return r;
}

static unsigned key_of(const struct fg_rib_step *s)
{
	return s->entry->nlri[2];
}

static unsigned count(const struct gate *g, unsigned key)
{
	unsigned n = 0;

	for (unsigned p = 0; p < PEERS; p++)
		n += g->has[key][p];
	return n;
}

static int answer(struct gate *g, const struct fg_rib_step *s)
{
	unsigned key = key_of(s);
	bool refused = s->adds && g->refuses[key][s->peer];
	struct fg_finding why = { .code = FG_OUTSIDE_SCOPE, .detail = "by plan", .source = "this test" };

	g->asked++;
	if (g->lost)
		return FG_RIB_LOST;
	if (!s->adds)
		assert_true(g->has[key][s->peer]); /* nothing is deleted that is not there */
	if (!refused)
		g->has[key][s->peer] = s->adds;
	if (g->late)
		return FG_RIB_LOST;
	fg_rib_settle(&g->rib, s, refused ? FG_RIB_REFUSED : FG_RIB_DONE, refused ? &why : NULL, NOW_S);
	return 0;
}

/* One batch of all that is queued; true: there was something. */
static bool pump_once(struct gate *g)
{
	static struct fg_rib_step step[KEYS * FG_RIB_STEPS_MAX];
	size_t n = 0, more;

	while ((more = fg_rib_next(&g->rib, step + n)) > 0)
		n += more;
	for (size_t i = 0; i < n; i++)
		if (answer(g, &step[i]) != 0)
			fg_rib_settle(&g->rib, &step[i], FG_RIB_LOST, NULL, NOW_S);
	return n > 0;
}

static void pump(struct gate *g)
{
	for (unsigned i = 0; pump_once(g); i++)
		assert_true(i < 100);
}

/* The gate has the best path of the entry of a key, and no other. */
static void check(struct gate *g, unsigned key, int peer)
{
	for (int p = 0; p < PEERS; p++)
		if (g->has[key][p] != (p == peer))
			fail_msg("key %u peer %d: %d", key, p, g->has[key][p]);
}

static void announce(struct gate *g, unsigned peer, unsigned key, int wanted)
{
	struct fg_rule r = rule(key);
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_DISCARD } };

	assert_int_equal(fg_rib_announce(&g->rib, peer, &r, &wish, NULL), wanted);
}

static void withdraw(struct gate *g, unsigned peer, unsigned key, bool there)
{
	struct fg_rule r = rule(key);

	assert_int_equal(fg_rib_withdraw(&g->rib, peer, &r), there);
}

static int begin(void **state)
{
	struct gate *g = calloc(1, sizeof(*g));
	struct fg_hash_key key = { { 1, 2 } };

	assert_int_equal(fg_rib_open(&g->rib, &key), 0);
	for (unsigned p = 0; p < PEERS; p++)
		fg_rib_peer(&g->rib, p, 100, 8);
	*state = g;
	return 0;
}

static int end(void **state)
{
	struct gate *g = *state;

	for (unsigned p = 0; p < PEERS; p++)
		fg_rib_clear(&g->rib, p);
	memset(g->refuses, 0, sizeof(g->refuses));
	g->lost = false;
	pump(g);
	assert_int_equal(g->rib.paths, 0);
	assert_int_equal(g->rib.entries, 0);
	assert_int_equal(g->rib.queued, 0);
	fg_rib_close(&g->rib);
	free(g);
	return 0;
}

static void test_in_and_out(void **state)
{
	struct gate *g = *state;

	announce(g, 0, 1, FG_RIB_ADDED);
	announce(g, 0, 1, FG_RIB_SAME);
	pump(g);
	check(g, 1, 0);
	withdraw(g, 0, 1, true);
	withdraw(g, 0, 1, false);
	pump(g);
	check(g, 1, -1);
	assert_int_equal(g->asked, 2);
}

/* A peer that flaps between two batches costs one step, or none. */
static void test_coalesced(void **state)
{
	struct gate *g = *state;

	for (int i = 0; i < 100000; i++) {
		announce(g, 0, 1, FG_RIB_ADDED);
		withdraw(g, 0, 1, true);
	}
	assert_in_range(g->rib.queued, 0, 1);
	pump(g);
	assert_int_equal(g->asked, 0);
	announce(g, 0, 1, FG_RIB_ADDED);
	for (int i = 0; i < 100000; i++) {
		struct fg_rule r = rule(1);
		struct fg_rib_wish wish = { .actions = { .set = FG_ACT_MARK, .dscp = (uint8_t)(i % 60) } };

		assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_CHANGED);
	}
	pump(g);
	assert_int_equal(g->asked, 1);
	check(g, 1, 0);
}

static void stays_while_any(struct gate *g, unsigned one, unsigned two, unsigned three)
{
	announce(g, one, 1, FG_RIB_ADDED);
	announce(g, two, 1, FG_RIB_ADDED);
	announce(g, three, 1, FG_RIB_ADDED);
	pump(g);
	check(g, 1, (int)one); /* the first */
	withdraw(g, one, 1, true);
	pump(g);
	check(g, 1, (int)two);
	withdraw(g, three, 1, true);
	pump(g);
	check(g, 1, (int)two);
	withdraw(g, two, 1, true);
	pump(g);
	check(g, 1, -1);
}

static void test_stays_while_any_announces(void **state)
{
	stays_while_any(*state, 0, 1, 2);
}

static void test_the_last_peers(void **state)
{
	stays_while_any(*state, PEERS - 1, 31, PEERS - 2);
	stays_while_any(*state, 32, 0, PEERS - 1);
}

static void test_preference(void **state)
{
	struct gate *g = *state;

	fg_rib_peer(&g->rib, 2, 200, 8);
	announce(g, 0, 1, FG_RIB_ADDED);
	pump(g);
	announce(g, 2, 1, FG_RIB_ADDED);
	pump_once(g);
	assert_int_equal(count(g, 1), 2); /* the new one is there before the old one goes */
	pump(g);
	check(g, 1, 2);
	fg_rib_peer(&g->rib, 2, 50, 8);
	pump(g);
	check(g, 1, 0);
}

/* The next best takes the place of one that is refused, whose reason is kept. */
static void test_refused(void **state)
{
	struct gate *g = *state;
	struct fg_rule r = rule(1);
	struct fg_finding why;

	fg_rib_peer(&g->rib, 2, 200, 8);
	g->refuses[1][2] = true;
	announce(g, 0, 1, FG_RIB_ADDED);
	announce(g, 2, 1, FG_RIB_ADDED);
	pump(g);
	check(g, 1, 0);
	assert_true(fg_rib_finding(fg_rib_find(&g->rib, 2, &r), &why));
	assert_int_equal(why.code, FG_OUTSIDE_SCOPE);
	assert_string_equal(why.detail, "by plan");
	assert_string_equal(why.source, "this test");
	announce(g, 2, 1, FG_RIB_SAME); /* and is not asked for again for nothing */
	g->asked = 0;
	pump(g);
	assert_int_equal(g->asked, 0);
	withdraw(g, 0, 1, true);
	pump(g);
	check(g, 1, -1);
}

/* A change that is refused takes away what was there before: an announcement replaces (RFC 4271 §3.1). */
static void test_change_refused(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_MARK, .dscp = 1 } };
	struct gate *g = *state;
	struct fg_rule r = rule(1);

	announce(g, 0, 1, FG_RIB_ADDED);
	pump(g);
	g->refuses[1][0] = true;
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_CHANGED);
	pump(g);
	check(g, 1, -1);
	assert_true(fg_rib_find(&g->rib, 0, &r)->refused);
}

/* What we bar ourselves the gate is never asked for. */
static void test_barred(void **state)
{
	struct fg_finding why = { .code = FG_OUTSIDE_SCOPE, .detail = "another AS is first" };
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_DISCARD } };
	struct gate *g = *state;
	struct fg_rule r = rule(1);

	announce(g, 0, 1, FG_RIB_ADDED);
	pump(g);
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, &why), FG_RIB_CHANGED);
	pump(g);
	check(g, 1, -1);
	fg_rib_gate_end(&g->rib, NOW_S);
	pump(g);
	check(g, 1, -1);
	announce(g, 0, 1, FG_RIB_CHANGED);
	pump(g);
	check(g, 1, 0);
}

/* Changed while the gate is busy with it: what it answers is of what was asked. */
static void test_changed_meanwhile(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_MARK, .dscp = 1 } };
	struct fg_rib_step step[FG_RIB_STEPS_MAX];
	struct gate *g = *state;
	struct fg_rule r = rule(1);

	announce(g, 0, 1, FG_RIB_ADDED);
	assert_int_equal(fg_rib_next(&g->rib, step), 1);
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_CHANGED);
	assert_int_equal(g->rib.queued, 0); /* one question at a time of one entry */
	g->refuses[1][0] = true;
	answer(g, step);
	assert_false(fg_rib_find(&g->rib, 0, &r)->refused);
	g->refuses[1][0] = false;
	pump(g);
	check(g, 1, 0);
	assert_true(fg_rib_in_gate(fg_rib_find(&g->rib, 0, &r)));
	announce(g, 0, 1, FG_RIB_CHANGED);
	assert_int_equal(fg_rib_next(&g->rib, step), 1);
	withdraw(g, 0, 1, true);
	answer(g, step);
	pump(g);
	check(g, 1, -1);
}

/* Gone and come again with another wish while the gate is busy: it has what the first one asked for. */
static void test_another_meanwhile(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_MARK, .dscp = 1 } };
	struct fg_rib_step step[FG_RIB_STEPS_MAX];
	struct gate *g = *state;
	struct fg_rule r = rule(1);

	announce(g, 0, 1, FG_RIB_ADDED);
	assert_int_equal(fg_rib_next(&g->rib, step), 1);
	assert_ptr_equal(fg_rib_step_path(step), fg_rib_find(&g->rib, 0, &r));
	withdraw(g, 0, 1, true);
	assert_null(fg_rib_step_path(step));
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_ADDED);
	assert_null(fg_rib_step_path(step));
	answer(g, step);
	assert_false(fg_rib_in_gate(fg_rib_find(&g->rib, 0, &r)));
	pump(g);
	assert_int_equal(g->asked, 2);
	assert_true(fg_rib_in_gate(fg_rib_find(&g->rib, 0, &r)));
}

static void test_maximum(void **state)
{
	struct gate *g = *state;

	for (unsigned key = 0; key < 12; key++)
		announce(g, 0, key, key < 8 ? FG_RIB_ADDED : FG_RIB_FULL);
	assert_int_equal(g->rib.peer[0].left_out, 4);
	announce(g, 0, 3, FG_RIB_SAME);
	announce(g, 1, 9, FG_RIB_ADDED); /* others have their own */
	assert_false(fg_rib_room(&g->rib, 0));
	withdraw(g, 0, 0, true);
	assert_false(fg_rib_room(&g->rib, 0)); /* one of four, and not a quarter of eight */
	withdraw(g, 0, 1, true);
	assert_true(fg_rib_room(&g->rib, 0));
	assert_false(fg_rib_room(&g->rib, 0)); /* once */
	assert_false(fg_rib_room(&g->rib, 1)); /* nothing of it was left out */
	announce(g, 0, 1, FG_RIB_ADDED);
	announce(g, 0, 9, FG_RIB_ADDED);
	pump(g);
	check(g, 9, 1);
	check(g, 10, -1);
}

/* ---- Restarts ---- */

static void test_stale(void **state)
{
	struct gate *g = *state;

	for (unsigned key = 0; key < 6; key++)
		announce(g, 0, key, FG_RIB_ADDED);
	pump(g);
	fg_rib_stale(&g->rib, 0, FG_IPV4);
	assert_int_equal(fg_rib_stales(&g->rib, 0), 3);
	g->asked = 0;
	announce(g, 0, 2, FG_RIB_SAME);
	assert_int_equal(fg_rib_stales(&g->rib, 0), 2);
	pump(g);
	assert_int_equal(g->asked, 0);
	assert_int_equal(fg_rib_sweep(&g->rib, 0, FG_IPV4), 2);
	pump(g);
	check(g, 0, -1);
	check(g, 2, 0);
	check(g, 4, -1);
	check(g, 1, 0); /* of the other family */
	assert_int_equal(fg_rib_stales(&g->rib, 0), 0);
}

/* The gate has forgotten everything: all that is wanted is asked for again. */
static void test_gate_begins_anew(void **state)
{
	struct gate *g = *state;

	announce(g, 0, 1, FG_RIB_ADDED);
	announce(g, 1, 2, FG_RIB_ADDED);
	pump(g);
	memset(g->has, 0, sizeof(g->has));
	fg_rib_forget_gate(&g->rib);
	fg_rib_gate_end(&g->rib, NOW_S);
	pump(g);
	check(g, 1, 0);
	check(g, 2, 1);
}

/* Whatever order rules are said again in, and come and go in meanwhile, those go that were not, of the one family. */
static void test_stale_in_any_order(void **state)
{
	struct gate *g = *state;

	for (unsigned key = 0; key < 8; key++) /* even: IPv4 */
		announce(g, 0, key, FG_RIB_ADDED);
	fg_rib_stale(&g->rib, 0, FG_IPV4);
	announce(g, 0, 4, FG_RIB_SAME);
	announce(g, 0, 0, FG_RIB_SAME);
	withdraw(g, 0, 2, true);
	announce(g, 0, 2, FG_RIB_ADDED);
	assert_int_equal(fg_rib_stales(&g->rib, 0), 1);
	assert_int_equal(fg_rib_sweep(&g->rib, 0, FG_IPV6), 0);
	assert_int_equal(fg_rib_sweep(&g->rib, 0, FG_IPV4), 1);
	assert_int_equal(fg_rib_sweep(&g->rib, 0, FG_IPV4), 0);
	fg_rib_stale(&g->rib, 0, FG_IPV4);
	fg_rib_stale(&g->rib, 0, FG_IPV4);
	announce(g, 0, 0, FG_RIB_SAME);
	assert_int_equal(fg_rib_sweep(&g->rib, 0, FG_IPV4), 2);
	pump(g);
	for (unsigned key = 0; key < 8; key++)
		check(g, key, key == 0 || key % 2 ? 0 : -1);
}

/* We have forgotten everything: what the gate has of peers is taken over as stale, and goes unless it is announced. */
static void test_adopted(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_DISCARD } };
	struct gate *g = *state;

	fg_rib_forget_gate(&g->rib);
	for (unsigned key = 1; key < 4; key++) {
		struct fg_rule r = rule(key);

		g->has[key][0] = true;
		assert_int_equal(fg_rib_gate_has(&g->rib, 0, &r, &wish), 0);
	}
	fg_rib_gate_end(&g->rib, NOW_S);
	pump(g);
	assert_int_equal(g->asked, 0);
	assert_int_equal(fg_rib_stales(&g->rib, 0), 3);
	announce(g, 0, 1, FG_RIB_SAME);
	fg_rib_sweep(&g->rib, 0, FG_IPV4);
	fg_rib_sweep(&g->rib, 0, FG_IPV6);
	pump(g);
	check(g, 1, 0);
	check(g, 2, -1);
	check(g, 3, -1);
}

static void test_answer_lost(void **state)
{
	struct gate *g = *state;

	announce(g, 0, 1, FG_RIB_ADDED);
	g->lost = true;
	pump_once(g);
	assert_int_equal(g->rib.queued, 1);
	g->lost = false;
	pump(g);
	check(g, 1, 0);
}

/* What was done though nobody said so is undone when it is not wanted any more. */
static void test_answer_late(void **state)
{
	struct gate *g = *state;

	announce(g, 0, 1, FG_RIB_ADDED);
	announce(g, 0, 2, FG_RIB_ADDED);
	g->late = true;
	pump_once(g);
	g->late = false;
	withdraw(g, 0, 1, true);
	pump(g);
	check(g, 1, -1);
	check(g, 2, 0);
}

/* What is withdrawn while the gate and the table are compared is not taken for what a peer has yet to say. */
static void test_withdrawn_while_compared(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_DISCARD } };
	struct gate *g = *state;

	for (unsigned key = 1; key < 4; key++)
		announce(g, 0, key, FG_RIB_ADDED);
	pump(g);
	withdraw(g, 0, 1, true);
	fg_rib_forget_gate(&g->rib);
	withdraw(g, 0, 2, true);
	for (unsigned key = 1; key < 4; key++) {
		struct fg_rule r = rule(key);

		assert_int_equal(fg_rib_gate_has(&g->rib, 0, &r, &wish), 0);
	}
	withdraw(g, 0, 3, true);
	fg_rib_gate_end(&g->rib, NOW_S);
	pump(g);
	for (unsigned key = 1; key < 4; key++)
		check(g, key, -1);
}

/* What an operator has flushed, and what has had its time, comes back when it is announced again, not by itself. */
static void test_over(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_DISCARD }, .ttl_s = 60 };
	struct gate *g = *state;
	struct fg_rule r = rule(1);

	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_ADDED);
	pump(g);
	memset(g->has, 0, sizeof(g->has));
	fg_rib_forget_gate(&g->rib);
	fg_rib_gate_end(&g->rib, NOW_S + 60);
	pump(g);
	check(g, 1, -1);
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_CHANGED);
	pump(g);
	check(g, 1, 0);
	memset(g->has, 0, sizeof(g->has));
	fg_rib_flushed(&g->rib);
	fg_rib_gate_end(&g->rib, NOW_S);
	pump(g);
	check(g, 1, -1);
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_CHANGED);
	pump(g);
	check(g, 1, 0);
}

/* Families and offset forms are apart though the octets are the same. */
static void test_keys(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_DISCARD } };
	struct gate *g = *state;
	struct fg_rule four = rule(2), six = rule(2), full;

	six.family = FG_IPV6;
	full = six;
	full.offset_form = FG_OFFSET_FULL;
	assert_int_equal(fg_rib_announce(&g->rib, 0, &four, &wish, NULL), FG_RIB_ADDED);
	assert_int_equal(fg_rib_announce(&g->rib, 0, &six, &wish, NULL), FG_RIB_ADDED);
	assert_int_equal(fg_rib_announce(&g->rib, 0, &full, &wish, NULL), FG_RIB_ADDED);
	assert_int_equal(g->rib.entries, 3);
	assert_true(fg_rib_withdraw(&g->rib, 0, &six));
	assert_true(fg_rib_withdraw(&g->rib, 0, &full));
	assert_non_null(fg_rib_find(&g->rib, 0, &four));
}

static void test_sites(void **state)
{
	struct fg_rib_wish wish = { .actions = { .set = FG_ACT_DISCARD } };
	struct gate *g = *state;
	struct fg_rule r = rule(1);

	strcpy(wish.site, "fra");
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_ADDED);
	assert_string_equal(fg_rib_site(&g->rib, fg_rib_find(&g->rib, 0, &r)), "fra");
	strcpy(wish.site, "ams");
	assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL), FG_RIB_CHANGED);
	assert_string_equal(fg_rib_site(&g->rib, fg_rib_find(&g->rib, 0, &r)), "ams");
	for (int i = 0; i < FG_RIB_SITES_MAX; i++) {
		snprintf(wish.site, sizeof(wish.site), "site-%d", i);
		assert_int_equal(fg_rib_announce(&g->rib, 0, &r, &wish, NULL),
				 i < FG_RIB_SITES_MAX - 2 ? FG_RIB_CHANGED : -ENOMEM);
	}
}

/* Random announcements, withdrawals, refusals and losses; at the end the gate has what is wanted. */
static void test_random(void **state)
{
	struct gate *g = *state;
	uint32_t x = 12345;

	for (unsigned p = 0; p < PEERS; p++)
		fg_rib_peer(&g->rib, p, 100 + p % 2, KEYS);
	for (int i = 0; i < 200000; i++) {
		unsigned key, peer;
		struct fg_rule r;
		struct fg_rib_wish wish = { 0 };

		x = x * 1664525 + 1013904223;
		key = x >> 16 & (KEYS - 1);
		peer = x >> 20 & (FEW_PEERS - 1);
		r = rule(key);
		wish.actions.set = FG_ACT_MARK;
		wish.actions.dscp = x >> 24 & 3;
		if (x >> 28 & 1)
			fg_rib_announce(&g->rib, peer, &r, &wish, NULL);
		else
			fg_rib_withdraw(&g->rib, peer, &r);
		if ((x >> 8 & 63) == 0)
			g->refuses[key][peer] = !g->refuses[key][peer];
		if ((x >> 9 & 7) == 0)
			pump_once(g);
	}
	pump(g);
	for (unsigned key = 0; key < KEYS; key++) {
		int wanted = -1;

		for (unsigned p = 0; p < PEERS; p++) {
			struct fg_rule r = rule(key);
			const struct fg_rib_path *path = fg_rib_find(&g->rib, p, &r);

			if (path != NULL && fg_rib_best(path->entry) == path)
				wanted = (int)p;
		}
		check(g, key, wanted);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_in_and_out),
		CASE(test_coalesced),
		CASE(test_stays_while_any_announces),
		CASE(test_the_last_peers),
		CASE(test_preference),
		CASE(test_refused),
		CASE(test_change_refused),
		CASE(test_barred),
		CASE(test_changed_meanwhile),
		CASE(test_another_meanwhile),
		CASE(test_maximum),
		CASE(test_stale),
		CASE(test_gate_begins_anew),
		CASE(test_stale_in_any_order),
		CASE(test_adopted),
		CASE(test_answer_lost),
		CASE(test_answer_late),
		CASE(test_withdrawn_while_compared),
		CASE(test_over),
		CASE(test_keys),
		CASE(test_sites),
		CASE(test_random),
	};

	return cmocka_run_group_tests_name("bgp/rib", tests, NULL, NULL);
}
