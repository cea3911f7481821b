/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done to a packet: the actions of all rules applied to it, composed into one verdict (RFC 8955 §7.7), the
 * token buckets of its rates, and the marking. In come the rules that match.h found, in order; out goes a struct
 * fg_verdict. Shared by the XDP program, the DPDK workers and the offline verbs.
 *
 * The order of steps: fg_verdict_add() for each rule applied, fg_verdict_close(), then, where the verdict says
 * `metered`, fg_meter_take() of each rule in turn; where one refuses, fg_meter_give() of those before it and
 * fg_verdict_exceed(). fg_verdict_of() does all of it. So a dropped packet keeps no token anywhere.
 *
 * What always holds: integers only, no division but when a bucket is made; over any time t a bucket passes at most
 * rate * t + burst, however many cores take from it at once, and without a lock: what changes of a bucket is one
 * word, by compare and swap.
 */
#ifndef FLOWGATE_ACTION_H
#define FLOWGATE_ACTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flowgate/limits.h"
#include "flowgate/rule.h"
#include "flowgate/wire.h"

enum {
	FG_ACT_RATES = FG_ACT_RATE_BYTES | FG_ACT_RATE_PACKETS,
	FG_ACT_REDIRECTS = FG_ACT_REDIRECT_RT | FG_ACT_REDIRECT_IP,
	/* What a `continue` rule can have asked for; without one of these it has done nothing. */
	FG_ACT_ASKS = FG_ACT_DISCARD | FG_ACT_RATES | FG_ACT_MARK | FG_ACT_REDIRECTS | FG_ACT_COPY | FG_ACT_SAMPLE,
};

#define FG_TOKEN_RATE_MAX 1000000000000ull /* a second: above what any link carries */
enum {
	FG_BYTES_SHIFT_MAX = 16, /* binary places of a slow rate */
	FG_PACKETS_SHIFT_MAX = 32,
	FG_TOKEN_BURST_OCTETS = FG_LENGTH6_MAX, /* the longest packet must be able to pass */
	FG_TOKEN_SHIFT_MAX = 24,                /* binary places of a nanosecond */
	FG_TOKEN_BURST_BITS = 60,               /* a burst is below 2^this units: a sixteenth of the circle */
	FG_TOKEN_NEAR_BITS = 62,                /* times less than 2^this units apart can be told by their difference */
	FG_TOKEN_SEEN_BITS = 32,
};
#define FG_TOKEN_BURST_NS 100000000ull

_Static_assert(FG_TOKEN_NEAR_BITS - FG_TOKEN_SHIFT_MAX > FG_TOKEN_SEEN_BITS + 4,
	       "near is far longer than `seen` is coarse");
_Static_assert(FG_TOKEN_BURST_NS << FG_TOKEN_SHIFT_MAX < 1ull << FG_TOKEN_BURST_BITS, "any burst by time fits");
_Static_assert(FG_TOKEN_BURST_OCTETS < 1 << 17, "the cost of any packet fits");

/*
 * What one rule asks for, by slot. A rate is rate / 2^shift a second, with 0 < rate <= FG_TOKEN_RATE_MAX, and rate
 * <= 2^24 where shift is not 0; fg_rate_read() makes such.
 */
struct fg_action {
	uint32_t flags;              /* of enum fg_action_bit */
	uint32_t redirect;           /* target, where FG_ACT_REDIRECT_RT or FG_ACT_REDIRECT_IP without FG_ACT_COPY */
	uint64_t rate_bytes_per_s;   /* where FG_ACT_RATE_BYTES */
	uint64_t rate_packets_per_s; /* where FG_ACT_RATE_PACKETS */
	uint32_t copy;               /* target, where FG_ACT_COPY */
	uint8_t dscp;                /* 0..63, where FG_ACT_MARK */
	uint8_t bytes_shift;
	uint8_t packets_shift;
	uint8_t spare;
};

_Static_assert(sizeof(struct fg_action) == 32, "two to a line");

/*
 * A token bucket, as the time up to which its tokens are spent (GCRA, ITU-T I.371): a packet moves that time on by what
 * it costs and conforms where it does not pass the present; it is never further back than the burst. Times are in
 * 2^-shift ns and lie on a circle of 2^64 of them, some minutes for the fastest rates. So `seen`, the upper half of
 * the clock in ns, says whether the circle may have turned since. It is written before `spent`: who finds the new
 * `spent` finds that.
 */
struct fg_tokens {
	uint64_t spent; /* 0: full */
	uint64_t burst;
	uint64_t cost; /* of one octet or packet, rounded up */
	uint32_t seen;
	uint8_t shift;
	uint8_t pad[3];
};

/* The buckets of one rule, by slot: one line, which cores that share a rule pass to each other once a packet. */
struct fg_meter {
	struct fg_tokens bytes;
	struct fg_tokens packets;
} __attribute__((aligned(FG_LINE_OCTETS)));

_Static_assert(sizeof(struct fg_meter) == FG_LINE_OCTETS, "one line");

enum fg_verdict_kind { FG_PASS = 0, FG_DROP, FG_REDIRECT };

enum fg_cause {
	FG_CAUSE_NONE = 0, /* nothing matched, or only `continue` rules that asked for nothing */
	FG_CAUSE_ACCEPT,   /* a rule let it pass, a conforming rate too */
	FG_CAUSE_DISCARD,
	FG_CAUSE_RATE,
	FG_CAUSE_REDIRECT,
	FG_CAUSE_PROTECT,
	FG_CAUSE_OVERLOAD,
	FG_CAUSE_MALFORMED,
	FG_CAUSE_COUNT
};

/* Zero is: passes, nothing matched. Rules are counted from 0 in the order they were added. */
struct fg_verdict {
	uint8_t verdict; /* enum fg_verdict_kind */
	uint8_t cause;   /* enum fg_cause */
	uint8_t rules;   /* rules added */
	uint8_t metered; /* 1: rules have rates, which decide */
	uint8_t mark;    /* 1: dscp is to be written; never where dropped */
	uint8_t dscp;
	uint8_t sample;        /* 1: a sample is wanted, of a dropped packet too */
	uint8_t copy;          /* 1: a copy goes to copy_target, the packet on its way; never where dropped */
	uint8_t redirect_rule; /* where FG_REDIRECT: the rule that said so */
	uint8_t copy_rule;
	uint16_t seen; /* bits of enum fg_action_bit that were asked for */
	uint32_t redirect_target;
	uint32_t copy_target;
};

/* The word that changes; what is read after it is not older than it. */
FG_INLINE uint64_t fg_tokens_spent(const struct fg_tokens *t)
{
#ifdef __bpf__
	uint64_t spent = *(const volatile uint64_t *)&t->spent;

	__asm__ volatile("" ::: "memory");
	return spent;
#else
	return __atomic_load_n(&t->spent, __ATOMIC_ACQUIRE);
#endif
}

/* Units spent of those there are at `now`, where `spent` was found: 0, full, to burst, empty; above: it is to come. */
FG_INLINE uint64_t fg_tokens_used(const struct fg_tokens *t, uint64_t spent, uint64_t now_ns)
{
	const int32_t far = 1 << (FG_TOKEN_NEAR_BITS - FG_TOKEN_SEEN_BITS - FG_TOKEN_SHIFT_MAX);
	int32_t gone = (int32_t)((uint32_t)(now_ns >> FG_TOKEN_SEEN_BITS) - *(const volatile uint32_t *)&t->seen);
	int64_t left = (int64_t)((now_ns << t->shift) - spent);

	gone >>= FG_TOKEN_SHIFT_MAX - t->shift;
	if (spent == 0 || gone >= far || (gone > -far && left >= (int64_t)t->burst))
		return 0;
	return gone <= -far || left < 0 ? UINT64_MAX >> 1 : t->burst - (uint64_t)left;
}

/* Takes n tokens, or none and answers false: too few are there, or too many cores were quicker. */
FG_INLINE bool fg_tokens_take(struct fg_tokens *t, uint32_t n, uint64_t now_ns)
{
	uint64_t spent = fg_tokens_spent(t), cost = n * t->cost, full = (now_ns << t->shift) - t->burst;
	uint32_t seen = (uint32_t)(now_ns >> FG_TOKEN_SEEN_BITS);

	for (uint32_t i = 0; i < FG_CAS_TRIES; i++) {
		uint64_t used = fg_tokens_used(t, spent, now_ns) + cost, next = full + used, found;

		if (used > t->burst)
			return false;
		if (t->seen != seen)
			*(volatile uint32_t *)&t->seen = seen;
		found = __sync_val_compare_and_swap(&t->spent, spent, next ? next : 1);
		if (found == spent)
			return true;
		spent = found;
	}
	return false;
}

FG_INLINE void fg_tokens_give(struct fg_tokens *t, uint32_t n)
{
	(void)__sync_fetch_and_sub(&t->spent, n * t->cost);
}

/* Takes what a packet of that IP length costs by the rates of *a. False: it does not conform, and nothing is taken. */
FG_INLINE bool fg_meter_take(struct fg_meter *m, const struct fg_action *a, uint32_t ip_length, uint64_t now_ns)
{
	if ((a->flags & FG_ACT_RATE_BYTES) && !fg_tokens_take(&m->bytes, ip_length, now_ns))
		return false;
	if (!(a->flags & FG_ACT_RATE_PACKETS) || fg_tokens_take(&m->packets, 1, now_ns))
		return true;
	if (a->flags & FG_ACT_RATE_BYTES)
		fg_tokens_give(&m->bytes, ip_length);
	return false;
}

/* Gives back what fg_meter_take() took for a packet that is dropped after all. */
FG_INLINE void fg_meter_give(struct fg_meter *m, const struct fg_action *a, uint32_t ip_length)
{
	if (a->flags & FG_ACT_RATE_BYTES)
		fg_tokens_give(&m->bytes, ip_length);
	if (a->flags & FG_ACT_RATE_PACKETS)
		fg_tokens_give(&m->packets, 1);
}

/* Adds what the next rule in order asks for. Rates are looked at when all rules have been added. */
FG_INLINE void fg_verdict_add(struct fg_verdict *v, const struct fg_action *a)
{
	uint32_t flags = a->flags & FG_ACT_COUNT_ONLY ? FG_ACT_COUNT_ONLY | FG_ACT_CONTINUE : a->flags;
	bool copies = flags & FG_ACT_COPY;
	bool redirects = (flags & FG_ACT_REDIRECT_RT) || ((flags & FG_ACT_REDIRECT_IP) && !copies);

	if ((flags & FG_ACT_MARK) && !v->mark) {
		v->mark = 1;
		v->dscp = a->dscp;
	}
	if (redirects && v->verdict != FG_REDIRECT) {
		v->verdict = FG_REDIRECT;
		v->redirect_rule = v->rules;
		v->redirect_target = a->redirect;
	}
	if (copies && !v->copy) {
		v->copy = 1;
		v->copy_rule = v->rules;
		v->copy_target = a->copy;
	}
	if (flags & FG_ACT_SAMPLE)
		v->sample = 1;
	if (v->cause == FG_CAUSE_NONE && (!(flags & FG_ACT_CONTINUE) || (flags & FG_ACT_ASKS)))
		v->cause = FG_CAUSE_ACCEPT;
	v->seen |= (uint16_t)flags;
	v->rules++;
}

/* Nothing is done to the packet but this, whatever its rules asked for. */
FG_INLINE void fg_verdict_set(struct fg_verdict *v, enum fg_verdict_kind verdict, enum fg_cause cause)
{
	v->verdict = (uint8_t)verdict;
	v->cause = (uint8_t)cause;
	v->metered = v->mark = v->dscp = v->copy = v->copy_rule = v->redirect_rule = 0;
	v->redirect_target = v->copy_target = 0;
}

/*
 * All rules have been added: protection before discard before rate before redirect. What is dropped or protected is
 * neither marked, redirected nor copied.
 */
FG_INLINE void fg_verdict_close(struct fg_verdict *v)
{
	if (v->seen & FG_ACT_PROTECT) {
		fg_verdict_set(v, FG_PASS, FG_CAUSE_PROTECT);
		return;
	}
	if (v->seen & FG_ACT_DISCARD) {
		fg_verdict_set(v, FG_DROP, FG_CAUSE_DISCARD);
		return;
	}
	if (v->verdict == FG_REDIRECT)
		v->cause = FG_CAUSE_REDIRECT;
	v->metered = (v->seen & FG_ACT_RATES) != 0;
}

/* A rate does not conform: the packet is dropped, and keeps no tokens (RFC 8955 §7.7). */
FG_INLINE void fg_verdict_exceed(struct fg_verdict *v)
{
	fg_verdict_set(v, FG_DROP, FG_CAUSE_RATE);
}

/* A rule has a rate that counts: those that only count take nothing. */
FG_INLINE bool fg_action_meters(const struct fg_action *a)
{
	return (a->flags & FG_ACT_RATES) && !(a->flags & FG_ACT_COUNT_ONLY);
}

/*
 * A rule applied; the meter is looked at only where the action has a rate, and may be NULL elsewhere. A rule is applied
 * to one packet once, so no meter comes twice.
 */
struct fg_applied {
	const struct fg_action *action;
	struct fg_meter *meter;
};

/* Takes the tokens of a packet by all rules applied to it, in order; or none, and answers false. */
FG_INLINE bool fg_applied_take(const struct fg_applied *applied, uint32_t count, uint32_t ip_length, uint64_t now_ns)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!fg_action_meters(applied[i].action) ||
		    fg_meter_take(applied[i].meter, applied[i].action, ip_length, now_ns))
			continue;
		while (i-- > 0)
			if (fg_action_meters(applied[i].action))
				fg_meter_give(applied[i].meter, applied[i].action, ip_length);
		return false;
	}
	return true;
}

/* The verdict on one packet from the `count` <= FG_APPLIED_MAX rules applied to it, in order, with tokens taken. */
FG_INLINE void fg_verdict_of(const struct fg_applied *applied, uint32_t count, uint32_t ip_length, uint64_t now_ns,
			     struct fg_verdict *v)
{
	__builtin_memset(v, 0, sizeof(*v));
	for (uint32_t i = 0; i < count; i++)
		fg_verdict_add(v, applied[i].action);
	fg_verdict_close(v);
	if (v->metered && !fg_applied_take(applied, count, ip_length, now_ns))
		fg_verdict_exceed(v);
}

/*
 * Writes the DSCP into the IPv4 header at ip (20 octets), ECN kept, the checksum with it (RFC 2474 §3, RFC 1624
 * eqn. 3).
 */
FG_INLINE void fg_mark_ipv4(uint8_t *ip, uint8_t dscp)
{
	uint8_t tos = (uint8_t)(dscp << 2 | (ip[1] & 3));
	uint32_t sum;

	if (tos == ip[1])
		return;
	sum = (uint16_t)~fg_load_be16(ip + 10);
	sum += (uint16_t)~fg_load_be16(ip);
	ip[1] = tos;
	sum += fg_load_be16(ip);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	fg_store_be16(ip + 10, (uint16_t)~sum);
}

/* The same for the IPv6 header at ip (40 octets), which has no checksum (RFC 8200 §7). */
FG_INLINE void fg_mark_ipv6(uint8_t *ip, uint8_t dscp)
{
	ip[0] = (uint8_t)((ip[0] & 0xf0) | (dscp >> 2 & 0x0f));
	ip[1] = (uint8_t)((ip[1] & 0x3f) | (dscp << 6 & 0xc0));
}

#ifndef __bpf__
/*
 * A rate as on the wire, finite and > 0, as rate / 2^shift: exact with up to `shift_max` binary places, beyond them
 * rounded down, but never to 0; FG_TOKEN_RATE_MAX at most. Native only: BPF has no floating point.
 */
FG_INLINE void fg_rate_read(float per_s, uint8_t shift_max, uint64_t *rate, uint8_t *shift)
{
	double scaled = (double)per_s;

	*shift = 0;
	if (scaled >= (double)FG_TOKEN_RATE_MAX) {
		*rate = FG_TOKEN_RATE_MAX;
		return;
	}
	while (*shift < shift_max && scaled != (double)(uint64_t)scaled) {
		scaled *= 2;
		++*shift;
	}
	*rate = scaled < 1 ? 1 : (uint64_t)scaled;
}

/* What one octet or packet costs at rate / 2^shift a second in 2^-units_shift ns, rounded up, `most` at most. */
FG_INLINE uint64_t fg_tokens_cost(uint64_t rate, uint8_t shift, uint8_t units_shift, uint64_t most)
{
	__extension__ typedef unsigned __int128 wide;
	wide cost = (((wide)1000000000 << (shift + units_shift)) + rate - 1) / rate;

	return cost > most ? most : (uint64_t)cost;
}

/*
 * A full bucket for rate / 2^shift a second, of things that cost one token each. Burst: 100 ms of the rate, at
 * least `least` things. Its unit of time is the finest in which that fits. A rate so slow that none does, the burst
 * taking 36 years to come again, is raised to that.
 */
FG_INLINE void fg_tokens_start(struct fg_tokens *t, uint64_t rate, uint8_t shift, uint32_t least)
{
	const uint64_t most = ((1ull << FG_TOKEN_BURST_BITS) - 1) / least;
	uint8_t units = FG_TOKEN_SHIFT_MAX;
	uint64_t by_time;

	while (units > 0 && fg_tokens_cost(rate, shift, units, UINT64_MAX) > most)
		units--;
	__builtin_memset(t, 0, sizeof(*t));
	t->shift = units;
	t->cost = fg_tokens_cost(rate, shift, units, most);
	t->burst = least * t->cost;
	by_time = FG_TOKEN_BURST_NS << units;
	if (t->burst < by_time)
		t->burst = by_time;
}

/* Full buckets for the rates of *a; those it does not ask for are zero and never looked at. */
FG_INLINE void fg_meter_start(struct fg_meter *m, const struct fg_action *a)
{
	__builtin_memset(m, 0, sizeof(*m));
	if (a->flags & FG_ACT_RATE_BYTES)
		fg_tokens_start(&m->bytes, a->rate_bytes_per_s, a->bytes_shift, FG_TOKEN_BURST_OCTETS);
	if (a->flags & FG_ACT_RATE_PACKETS)
		fg_tokens_start(&m->packets, a->rate_packets_per_s, a->packets_shift, 1);
}

/* What a rule asks for as the dataplane wants it; the targets are given, 0 where there is none. Never fails. */
FG_INLINE void fg_action_make(const struct fg_actions *asked, uint32_t redirect, uint32_t copy, struct fg_action *a)
{
	__builtin_memset(a, 0, sizeof(*a));
	a->flags = asked->set;
	a->redirect = redirect;
	a->copy = copy;
	a->dscp = asked->dscp;
	if (asked->set & FG_ACT_RATE_BYTES)
		fg_rate_read(asked->rate_bytes_per_s, FG_BYTES_SHIFT_MAX, &a->rate_bytes_per_s, &a->bytes_shift);
	if (asked->set & FG_ACT_RATE_PACKETS)
		fg_rate_read(asked->rate_packets_per_s, FG_PACKETS_SHIFT_MAX, &a->rate_packets_per_s,
			     &a->packets_shift);
}
#endif

#endif
