/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Actions (action.h): token buckets against 128-bit arithmetic, by one thread and by many; the composition of rules
 * (RFC 8955 §7.7); and marking against a checksum computed anew.
 */
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "flowgate/action.h"

#define SECOND 1000000000ull
#define YEAR (365 * 86400 * SECOND)

__extension__ typedef unsigned __int128 wide;

static uint64_t seed = 4711;

static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % below;
}

/* The smallest number of rules that says everything: what is asked for, as the dataplane sees it, buckets full. */
struct rule {
	struct fg_action action;
	struct fg_meter meter;
};

static struct rule rule_of(struct fg_actions asked, uint32_t redirect, uint32_t copy)
{
	struct rule r;

	fg_action_make(&asked, redirect, copy, &r.action);
	fg_meter_start(&r.meter, &r.action);
	return r;
}

static struct rule rule_flags(uint32_t set)
{
	return rule_of((struct fg_actions){ .set = set }, 7, 8);
}

static struct rule rule_bytes(float per_s, uint32_t set)
{
	return rule_of((struct fg_actions){ .set = FG_ACT_RATE_BYTES | set, .rate_bytes_per_s = per_s }, 7, 8);
}

static struct rule rule_packets(float per_s, uint32_t set)
{
	return rule_of((struct fg_actions){ .set = FG_ACT_RATE_PACKETS | set, .rate_packets_per_s = per_s }, 7, 8);
}

/* Tokens that are missing at a time. */
static uint64_t missing(const struct fg_tokens *t, uint64_t now_ns)
{
	return fg_tokens_used(t, t->spent, now_ns) / t->cost;
}

static struct fg_verdict verdict(struct rule *rules, uint32_t count, uint32_t ip_length, uint64_t now_ns)
{
	struct fg_applied applied[FG_APPLIED_MAX];
	struct fg_verdict v;

	for (uint32_t i = 0; i < count; i++)
		applied[i] = (struct fg_applied){ &rules[i].action, &rules[i].meter };
	memset(&v, 0xaa, sizeof(v));
	fg_verdict_of(applied, count, ip_length, now_ns, &v);
	assert_int_equal(v.rules, count);
	return v;
}

static void assert_verdict(struct fg_verdict v, enum fg_verdict_kind kind, enum fg_cause cause)
{
	assert_int_equal(v.verdict, kind);
	assert_int_equal(v.cause, cause);
}

static bool passes(struct rule *r, uint32_t ip_length, uint64_t now_ns)
{
	struct fg_verdict v = verdict(r, 1, ip_length, now_ns);

	assert_int_equal(v.cause, v.verdict == FG_DROP ? FG_CAUSE_RATE : FG_CAUSE_ACCEPT);
	return v.verdict != FG_DROP;
}

/* One rule, each action: verdict and cause as INTERFACES names them. A `continue` that asks for nothing is `none`. */
static void test_single(void **state)
{
	static const struct {
		uint32_t set;
		uint8_t kind, cause;
	} cases[] = {
		{ 0, FG_PASS, FG_CAUSE_ACCEPT },
		{ FG_ACT_UNKNOWN, FG_PASS, FG_CAUSE_ACCEPT },
		{ FG_ACT_CONTINUE, FG_PASS, FG_CAUSE_NONE },
		{ FG_ACT_CONTINUE | FG_ACT_UNKNOWN, FG_PASS, FG_CAUSE_NONE },
		{ FG_ACT_CONTINUE | FG_ACT_SAMPLE, FG_PASS, FG_CAUSE_ACCEPT },
		{ FG_ACT_CONTINUE | FG_ACT_MARK, FG_PASS, FG_CAUSE_ACCEPT },
		{ FG_ACT_CONTINUE | FG_ACT_DISCARD, FG_DROP, FG_CAUSE_DISCARD },
		{ FG_ACT_DISCARD, FG_DROP, FG_CAUSE_DISCARD },
		{ FG_ACT_MARK, FG_PASS, FG_CAUSE_ACCEPT },
		{ FG_ACT_SAMPLE, FG_PASS, FG_CAUSE_ACCEPT },
		{ FG_ACT_REDIRECT_RT, FG_REDIRECT, FG_CAUSE_REDIRECT },
		{ FG_ACT_REDIRECT_RT | FG_ACT_RT6, FG_REDIRECT, FG_CAUSE_REDIRECT },
		{ FG_ACT_REDIRECT_IP, FG_REDIRECT, FG_CAUSE_REDIRECT },
		{ FG_ACT_REDIRECT_IP | FG_ACT_COPY, FG_PASS, FG_CAUSE_ACCEPT },
		{ FG_ACT_REDIRECT_RT | FG_ACT_REDIRECT_IP | FG_ACT_COPY, FG_REDIRECT, FG_CAUSE_REDIRECT },
		{ FG_ACT_REDIRECT_RT | FG_ACT_DISCARD, FG_DROP, FG_CAUSE_DISCARD },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule r = rule_flags(cases[i].set);

		assert_verdict(verdict(&r, 1, 100, 0), cases[i].kind, cases[i].cause);
	}
	assert_verdict(verdict(NULL, 0, 100, 0), FG_PASS, FG_CAUSE_NONE);
}

/* Of two marks, redirects and copies the first; all kinds apply together. */
static void test_first_wins(void **state)
{
	const uint32_t go_on = FG_ACT_CONTINUE | FG_ACT_MARK;
	struct rule r[4];
	struct fg_verdict v;

	(void)state;
	r[0] = rule_flags(FG_ACT_CONTINUE | FG_ACT_SAMPLE);
	r[1] = rule_of((struct fg_actions){ .set = go_on | FG_ACT_REDIRECT_IP | FG_ACT_COPY, .dscp = 10 }, 1, 2);
	r[2] = rule_of((struct fg_actions){ .set = go_on | FG_ACT_REDIRECT_RT, .dscp = 20 }, 3, 4);
	r[3] = rule_of((struct fg_actions){ .set = FG_ACT_REDIRECT_IP, .dscp = 30 }, 5, 6);
	v = verdict(r, 4, 100, 0);
	assert_verdict(v, FG_REDIRECT, FG_CAUSE_REDIRECT);
	assert_int_equal(v.redirect_rule, 2);
	assert_int_equal(v.redirect_target, 3);
	assert_int_equal(v.copy, 1);
	assert_int_equal(v.copy_rule, 1);
	assert_int_equal(v.copy_target, 2);
	assert_int_equal(v.mark, 1);
	assert_int_equal(v.dscp, 10);
	assert_int_equal(v.sample, 1);
	/* A mark of 0 is a mark: the second does not replace it. */
	r[1] = rule_of((struct fg_actions){ .set = FG_ACT_CONTINUE | FG_ACT_MARK, .dscp = 0 }, 0, 0);
	v = verdict(r, 4, 100, 0);
	assert_int_equal(v.mark, 1);
	assert_int_equal(v.dscp, 0);
}

/* Any discard drops, wherever it stands; then nothing else is done to the packet, but the sample is taken. */
static void test_discard_anywhere(void **state)
{
	(void)state;
	for (uint32_t place = 0; place < 4; place++) {
		struct rule r[4];
		struct fg_verdict v;

		for (uint32_t i = 0; i < 4; i++)
			r[i] = rule_flags(FG_ACT_CONTINUE | FG_ACT_MARK | FG_ACT_REDIRECT_RT | FG_ACT_REDIRECT_IP |
					  FG_ACT_COPY | FG_ACT_SAMPLE | (i == place ? FG_ACT_DISCARD : 0));
		v = verdict(r, 4, 100, 0);
		assert_verdict(v, FG_DROP, FG_CAUSE_DISCARD);
		assert_int_equal(v.sample, 1);
		assert_int_equal(v.mark | v.dscp | v.copy | v.copy_rule | v.redirect_rule | v.metered, 0);
		assert_int_equal(v.redirect_target | v.copy_target, 0);
	}
}

/* A protect entry wins over all that rules ask for, before and behind it; nothing is done to the packet. */
static void test_protect(void **state)
{
	struct rule r[3];
	struct fg_verdict v;

	(void)state;
	r[0] = rule_flags(FG_ACT_CONTINUE | FG_ACT_DISCARD | FG_ACT_MARK | FG_ACT_REDIRECT_RT);
	r[1] = rule_packets(1, FG_ACT_CONTINUE);
	r[2] = rule_flags(FG_ACT_PROTECT);
	for (uint32_t first = 0; first < 3; first++) {
		v = verdict(r + first, 3 - first, 100, 0);
		assert_verdict(v, FG_PASS, FG_CAUSE_PROTECT);
		assert_int_equal(v.mark | v.copy | v.metered | v.redirect_rule, 0);
	}
	assert_int_equal(missing(&r[1].meter.packets, 0), 0);
}

/* A rule that only counts asks for nothing, whatever its actions, and takes no tokens; the next rule decides. */
static void test_count_only(void **state)
{
	struct rule r[2];

	(void)state;
	r[0] = rule_packets(1, FG_ACT_COUNT_ONLY | FG_ACT_DISCARD | FG_ACT_MARK | FG_ACT_REDIRECT_RT | FG_ACT_SAMPLE);
	assert_verdict(verdict(r, 1, 100, 0), FG_PASS, FG_CAUSE_NONE);
	r[1] = rule_packets(10, 0);
	assert_verdict(verdict(r, 2, 100, 0), FG_PASS, FG_CAUSE_ACCEPT);
	assert_int_equal(verdict(r, 2, 100, SECOND).mark, 0);
	assert_int_equal(missing(&r[0].meter.packets, SECOND), 0);
	assert_int_equal(missing(&r[1].meter.packets, SECOND), 1);
}

/* Discard is the cause before a rate that does not conform either, in both orders. */
static void test_discard_before_rate(void **state)
{
	(void)state;
	for (uint32_t place = 0; place < 2; place++) {
		struct rule r[2];

		r[place] = rule_flags(FG_ACT_CONTINUE | FG_ACT_DISCARD);
		r[!place] = rule_packets(1, FG_ACT_CONTINUE);
		assert_true(fg_tokens_take(&r[!place].meter.packets, 1, 0));
		assert_verdict(verdict(r, 2, 100, 0), FG_DROP, FG_CAUSE_DISCARD);
	}
}

/* Every rate must conform, and a dropped packet takes no token from any bucket. */
static void test_dropped_takes_nothing(void **state)
{
	struct rule r[3], before[3];

	(void)state;
	r[0] = rule_bytes(1000, FG_ACT_CONTINUE);
	r[1] = rule_packets(10, FG_ACT_CONTINUE);
	r[2] = rule_of((struct fg_actions){ .set = FG_ACT_RATE_BYTES | FG_ACT_RATE_PACKETS,
					    .rate_bytes_per_s = 1e6F,
					    .rate_packets_per_s = 1000 },
		       0, 0);
	assert_verdict(verdict(r, 3, 1500, SECOND), FG_PASS, FG_CAUSE_ACCEPT);
	assert_int_equal(missing(&r[0].meter.bytes, SECOND), 1500);
	assert_int_equal(missing(&r[1].meter.packets, SECOND), 1);
	assert_int_equal(missing(&r[2].meter.bytes, SECOND), 1500);
	assert_int_equal(missing(&r[2].meter.packets, SECOND), 1);
	memcpy(before, r, sizeof(r));
	assert_verdict(verdict(r, 3, 1500, SECOND), FG_DROP, FG_CAUSE_RATE);
	assert_memory_equal(before, r, sizeof(r));
	/* A discard among them: likewise. */
	r[1] = rule_flags(FG_ACT_CONTINUE | FG_ACT_DISCARD);
	memcpy(before, r, sizeof(r));
	assert_verdict(verdict(r, 3, 1500, SECOND), FG_DROP, FG_CAUSE_DISCARD);
	assert_memory_equal(before, r, sizeof(r));
}

/* A conforming rate composes with a redirect; one that does not, drops what would have been redirected. */
static void test_rate_and_redirect(void **state)
{
	struct rule r[2];

	(void)state;
	r[0] = rule_packets(10, FG_ACT_CONTINUE);
	r[1] = rule_flags(FG_ACT_REDIRECT_RT | FG_ACT_MARK);
	assert_verdict(verdict(r, 2, 100, 5), FG_REDIRECT, FG_CAUSE_REDIRECT);
	assert_int_equal(missing(&r[0].meter.packets, 5), 1);
	assert_verdict(verdict(r, 2, 100, 5), FG_DROP, FG_CAUSE_RATE);
}

static void test_most_rules(void **state)
{
	struct rule r[FG_APPLIED_MAX];

	(void)state;
	for (uint32_t i = 0; i < FG_APPLIED_MAX; i++)
		r[i] = rule_packets(10 * ((float)i + 1), FG_ACT_CONTINUE | FG_ACT_SAMPLE);
	assert_verdict(verdict(r, FG_APPLIED_MAX, 100, SECOND), FG_PASS, FG_CAUSE_ACCEPT);
	for (uint32_t i = 0; i < FG_APPLIED_MAX; i++)
		assert_int_equal(missing(&r[i].meter.packets, SECOND), 1);
}

/*
 * Burst: 100 ms of the rate and at least 65575 octets, or at least one packet. The bucket is full at start,
 * whatever the clock.
 */
static void test_burst(void **state)
{
	static const uint64_t starts[] = { 0, 1, 511, SECOND, 1362268800 * SECOND, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct rule r = rule_bytes(1000, 0);

		assert_true(passes(&r, 65575, starts[i]));
		assert_false(passes(&r, 1, starts[i]));
		r = rule_bytes(1e7F, 0); /* 10^6 octets */
		for (uint32_t n = 0; n < 1000; n++)
			assert_true(passes(&r, 1000, starts[i]));
		assert_false(passes(&r, 1, starts[i]));
		r = rule_packets(0.5F, 0);
		assert_true(passes(&r, 65575, starts[i]));
		assert_false(passes(&r, 20, starts[i]));
		r = rule_packets(1000, 0);
		for (uint32_t n = 0; n < 100; n++)
			assert_true(passes(&r, 1500, starts[i]));
		assert_false(passes(&r, 20, starts[i]));
	}
}

/* After an empty bucket the next packet passes when its tokens are there: to the nanosecond, not before, not later. */
static void test_refill(void **state)
{
	struct rule r = rule_packets(4, 0);

	(void)state;
	assert_true(passes(&r, 100, SECOND));
	assert_false(passes(&r, 100, SECOND + SECOND / 4 - 1));
	assert_true(passes(&r, 100, SECOND + SECOND / 4));
	assert_false(passes(&r, 100, SECOND + SECOND / 2 - 1));
	assert_true(passes(&r, 100, SECOND + SECOND / 2));
	r = rule_packets(0.5F, 0);
	assert_true(passes(&r, 100, SECOND));
	assert_false(passes(&r, 100, 3 * SECOND - 1));
	assert_true(passes(&r, 100, 3 * SECOND));
	r = rule_bytes(1000, 0);
	assert_true(passes(&r, 65575, SECOND));
	assert_false(passes(&r, 1000, 2 * SECOND - 1));
	assert_true(passes(&r, 1000, 2 * SECOND));
}

/* Packets that come at exactly the rate all pass, and one more never does. */
static void test_steady(void **state)
{
	static const float rates[] = { 0.0625F, 0.1F, 1, 3, 4, 10, 1000, 1e6F };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct rule r = rule_packets(rates[i], 0);
		uint64_t step = (uint64_t)ceil((double)SECOND / (double)rates[i]), now = 1362268800 * SECOND;

		r.meter.packets.burst = r.meter.packets.cost; /* no burst to hide behind */
		for (uint32_t n = 0; n < 10000; n++, now += step) {
			assert_true(passes(&r, 100, now));
			assert_false(passes(&r, 100, now));
		}
	}
}

/* A clock that goes back brings nothing, and what it goes forward again brings nothing twice. */
static void test_clock_back(void **state)
{
	struct rule r = rule_packets(10, 0);

	(void)state;
	assert_true(passes(&r, 100, 100 * SECOND));
	assert_false(passes(&r, 100, 50 * SECOND));
	assert_false(passes(&r, 100, 100 * SECOND));
	assert_true(passes(&r, 100, 100 * SECOND + SECOND / 10));
}

/* A gap of years, at the slowest and the fastest rate, fills the bucket and no more. */
static void test_gaps(void **state)
{
	static const float rates[] = { 1e-9F, 0.001F, 1, 1000, 1e9F, 1e12F, FLT_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct rule r = rule_bytes(rates[i], 0);
		uint64_t now = 0;

		for (uint32_t year = 0; year < 500; year++, now += YEAR) {
			struct fg_tokens *t = &r.meter.bytes;

			assert_true(r.action.rate_bytes_per_s > 0 && r.action.rate_bytes_per_s <= FG_TOKEN_RATE_MAX);
			assert_true(passes(&r, 20, now) || rates[i] < 1e-6F);
			assert_true(rates[i] < 0.01F || missing(t, now) == 20);
		}
	}
}

/* A circle of time turns within minutes for a fast rate: whenever the next packet comes, the bucket is full. */
static void test_turns(void **state)
{
	struct rule r = rule_bytes(1e12F, 0);
	struct fg_tokens *t = &r.meter.bytes;
	uint64_t now = 1362268800 * SECOND;

	(void)state;
	assert_int_equal(t->shift, FG_TOKEN_SHIFT_MAX);
	for (uint32_t i = 0; i < 200000; i++) {
		uint64_t turn = 1ull << (64 - t->shift);

		now += (uint64_t)(draw(5)) * turn +
		       (draw(2) ? turn - draw(1000000) : SECOND + (uint64_t)draw(1 << 30) * 8);
		assert_true(passes(&r, 1500, now));
		assert_int_equal(missing(t, now), 1500);
	}
}

/*
 * Random traffic beside exact arithmetic: a packet passes only where an exact bucket has its tokens too; and where
 * that one has a thousandth more, it does pass.
 */
static void exact_traffic(float per_s, bool bytes, uint32_t gap_ns)
{
	struct rule r = bytes ? rule_bytes(per_s, 0) : rule_packets(per_s, 0);
	uint64_t now = 1362268800 * SECOND + draw(1000), passed = 0, could = 0;
	/* Credit in 10^-9 * 2^-24 of an octet or packet. */
	wide rate = (wide)((double)per_s * (1 << 24)), one = (wide)SECOND << 24;
	wide full = rate * (SECOND / 10), least = (bytes ? 65575 : 1) * one, credit;
	wide most; /* of the same, where packets that were refused had passed too */

	full = full < least ? least : full;
	credit = most = full;
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t ip_length = 20 + draw(1480), cost = bytes ? ip_length : 1;
		uint64_t gap = draw(gap_ns);

		now += gap;
		credit = credit + rate * gap > full ? full : credit + rate * gap;
		most = most + rate * gap > full ? full : most + rate * gap;
		if (passes(&r, ip_length, now)) {
			assert_true(credit >= cost * one);
			credit -= cost * one;
			passed += cost;
		}
		if (most >= cost * one) {
			most -= cost * one;
			could += cost;
		}
	}
	assert_true(passed + 1500 + could / 1000 >= could);
}

static void test_exact(void **state)
{
	(void)state;
	exact_traffic(1000, true, 100000000);
	exact_traffic(123456.7F, true, 10000000);
	exact_traffic(12500000, true, 100000);
	exact_traffic(1.25e9F, true, 1200);
	exact_traffic(1.25e11F, true, 15);
	exact_traffic(0.5F, false, 1000000000);
	exact_traffic(3.3F, false, 300000000);
	exact_traffic(15, false, 100000000);
	exact_traffic(999.99F, false, 1500000);
	exact_traffic(1e6F, false, 1900);
	exact_traffic(1.48e8F, false, 13);
}

enum { THREADS = 4, THREAD_NS = 500000000 };

/* Threads that send through the same rules; each counts what passed. A clock of 0: the real one. */
struct sender {
	pthread_t thread;
	struct rule *rules;
	uint32_t count;
	uint64_t clock_ns, passed, sent;
};

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void *send_all(void *ctx)
{
	struct sender *s = ctx;
	uint64_t start = monotonic_ns();
	struct fg_applied applied[FG_APPLIED_MAX];
	struct fg_verdict v;

	for (uint32_t i = 0; i < s->count; i++)
		applied[i] = (struct fg_applied){ &s->rules[i].action, &s->rules[i].meter };
	for (uint64_t now = start; now - start < THREAD_NS; now = monotonic_ns(), s->sent++) {
		fg_verdict_of(applied, s->count, 1000, s->clock_ns ? s->clock_ns : now, &v);
		s->passed += v.verdict == FG_PASS;
	}
	return NULL;
}

/* Packets that passed, of all threads. */
static uint64_t send_by_threads(struct rule *rules, uint32_t count, uint64_t clock_ns)
{
	struct sender s[THREADS];
	uint64_t passed = 0;

	for (int i = 0; i < THREADS; i++) {
		s[i] = (struct sender){ .rules = rules, .count = count, .clock_ns = clock_ns };
		assert_int_equal(pthread_create(&s[i].thread, NULL, send_all, &s[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(s[i].thread, NULL), 0);
		passed += s[i].passed;
	}
	return passed;
}

/* One bucket hammered by many threads: never more than rate * time + burst, and hardly less. */
static void test_threads(void **state)
{
	static const float rates[] = { 1e4F, 1e7F, 1e8F };

	(void)state;
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct rule r = rule_bytes(rates[i], 0);
		uint64_t start = monotonic_ns();
		uint64_t passed = send_by_threads(&r, 1, 0);
		double ns = (double)(monotonic_ns() - start);
		double burst = (double)(rates[i] / 10 < 65575 ? 65575 : rates[i] / 10);

		assert_true((double)passed * 1000 <= ns * 1e-9 * (double)rates[i] + burst);
		/* Threads end a little before the clock was read. */
		assert_true((double)passed * 1000 >=
			    0.9 * ((double)THREAD_NS * 1e-9 * (double)rates[i] + burst) - 1000);
	}
}

/* While the clock stands, as many pass as the poorest bucket has, and the others end with as many missing. */
static void test_threads_give_back(void **state)
{
	struct rule r[3];

	(void)state;
	r[0] = rule_packets(100000, FG_ACT_CONTINUE);
	r[1] = rule_packets(50000, FG_ACT_CONTINUE);
	r[2] = rule_bytes(4e7F, 0);
	assert_int_equal(send_by_threads(r, 3, SECOND), 4000);
	assert_int_equal(missing(&r[0].meter.packets, SECOND), 4000);
	assert_int_equal(missing(&r[1].meter.packets, SECOND), 4000);
	assert_int_equal(missing(&r[2].meter.bytes, SECOND), 4000000);
}

/* Rates as on the wire: exact with so many binary places, the least and the most at the ends, rounded down between. */
static void test_rate_read(void **state)
{
	static const struct {
		float per_s;
		uint64_t rate;
		uint8_t max, shift;
	} cases[] = {
		{ 1, 1, 16, 0 },
		{ 1000, 1000, 16, 0 },
		{ 0.5F, 1, 16, 1 },
		{ 2.75F, 11, 16, 2 },
		{ 16777215, 16777215, 16, 0 },
		{ 1.25e9F, 1250000000, 16, 0 },
		{ 1e12F, 999999995904, 16, 0 },
		{ 2e12F, FG_TOKEN_RATE_MAX, 16, 0 },
		{ FLT_MAX, FG_TOKEN_RATE_MAX, 32, 0 },
		{ 1e-3F, 65, 16, 16 },
		{ 0.1F, 13421773, 32, 27 },
		{ 1e-9F, 1, 16, 16 },
		{ 1e-9F, 4, 32, 32 },
		{ FLT_MIN, 1, 32, 32 },
	};
	uint64_t rate;
	uint8_t shift;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fg_rate_read(cases[i].per_s, cases[i].max, &rate, &shift);
		assert_int_equal(rate, cases[i].rate);
		assert_int_equal(shift, cases[i].shift);
	}
	for (uint32_t i = 0; i < 100000; i++) {
		float per_s = ldexpf((float)(1 + draw(1 << 24)), (int)draw(64) - FG_PACKETS_SHIFT_MAX);

		fg_rate_read(per_s, FG_PACKETS_SHIFT_MAX, &rate, &shift);
		assert_true(ldexp((double)rate, -shift) == (per_s > 1e12F ? 1e12 : (double)per_s));
		assert_true(shift <= FG_PACKETS_SHIFT_MAX && (shift == 0 || rate <= 1 << 24));
	}
}

static uint16_t checksum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < 20; i += 2)
		sum += i == 10 ? 0 : fg_load_be16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/*
 * All old values and all marks, over many headers: ECN stays, nothing else changes, the checksum is the one
 * computed anew.
 */
static void test_mark_ipv4(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 256 * 64 * 8; i++) {
		uint8_t ip[20], want[20];
		uint8_t dscp = i >> 8 & 63;

		for (uint32_t k = 0; k < 20; k++)
			ip[k] = (uint8_t)draw(256);
		ip[0] = 0x45;
		ip[1] = (uint8_t)i;
		if (i % 3 == 0) /* sums near 0 and 0xffff, where the complement has two zeros */
			fg_store_be16(ip + 18, (uint16_t)(fg_load_be16(ip + 18) + checksum(ip)));
		fg_store_be16(ip + 10, checksum(ip));
		memcpy(want, ip, 20);
		want[1] = (uint8_t)(dscp << 2 | (ip[1] & 3));
		fg_store_be16(want + 10, checksum(want));
		fg_mark_ipv4(ip, dscp);
		assert_memory_equal(ip, want, 20);
	}
}

/* A wrong checksum stays wrong by the same amount: marking must not mend a damaged header. */
static void test_mark_keeps_damage(void **state)
{
	uint8_t ip[20] = { 0x45, 0, 0, 40, 1, 2, 0, 0, 64, 17, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	fg_store_be16(ip + 10, (uint16_t)(checksum(ip) ^ 0x0100));
	fg_mark_ipv4(ip, 46);
	assert_int_equal(ip[1], 46 << 2);
	assert_int_not_equal(fg_load_be16(ip + 10), checksum(ip));
}

static void test_mark_ipv6(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 256 * 64; i++) {
		uint8_t old = (uint8_t)i, dscp = i >> 8 & 63;
		uint8_t ip[4] = { (uint8_t)(0x60 | old >> 4), (uint8_t)(old << 4 | 0xa), 0xbc, 0xde };
		uint32_t word;

		fg_mark_ipv6(ip, dscp);
		word = fg_load_be32(ip);
		assert_int_equal(word >> 28, 6);
		assert_int_equal(word >> 22 & 63, dscp);
		assert_int_equal(word >> 20 & 3, old & 3);
		assert_int_equal(word & 0xfffff, 0xabcde);
	}
}

static void test_action_make(void **state)
{
	struct fg_actions asked = {
		.set = FG_ACT_RATE_BYTES | FG_ACT_MARK,
		.rate_bytes_per_s = 2.5F,
		.rate_packets_per_s = 9,
		.dscp = 63,
	};
	struct fg_action a;
	struct fg_meter m;

	(void)state;
	fg_action_make(&asked, 3, 4, &a);
	assert_int_equal(a.flags, asked.set);
	assert_int_equal(a.rate_bytes_per_s, 5);
	assert_int_equal(a.bytes_shift, 1);
	assert_int_equal(a.rate_packets_per_s, 0); /* not asked for */
	assert_int_equal(a.dscp, 63);
	assert_int_equal(a.redirect, 3);
	assert_int_equal(a.copy, 4);
	fg_meter_start(&m, &a);
	assert_int_equal(m.bytes.spent, 0);
	assert_int_equal(m.bytes.cost, 400000000ull << m.bytes.shift);
	assert_int_equal(m.packets.cost, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_first_wins),
		cmocka_unit_test(test_discard_anywhere),
		cmocka_unit_test(test_protect),
		cmocka_unit_test(test_count_only),
		cmocka_unit_test(test_discard_before_rate),
		cmocka_unit_test(test_dropped_takes_nothing),
		cmocka_unit_test(test_rate_and_redirect),
		cmocka_unit_test(test_most_rules),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_refill),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_clock_back),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_exact),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_threads_give_back),
		cmocka_unit_test(test_rate_read),
		cmocka_unit_test(test_mark_ipv4),
		cmocka_unit_test(test_mark_keeps_damage),
		cmocka_unit_test(test_mark_ipv6),
		cmocka_unit_test(test_action_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
