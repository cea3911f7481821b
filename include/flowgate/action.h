/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done to a packet: the actions of all rules applied to it, composed into one verdict (RFC 8955 §7.7), the
 * token buckets of its rates, and the marking. In come the rules that match.h found, in order; out goes a struct
 * fg_verdict. Shared by the XDP program, the DPDK workers and the offline verbs.
 *
 * The order of steps: fg_verdict_add() for each rule applied, fg_verdict_close(), then, where the verdict says
 * `metered`, fg_verdict_take() for each rule again. fg_verdict_of() does all of it. So a dropped packet takes no
 * token anywhere.
 *
 * What always holds: integers only, no division but at the start of a bucket; over any time t a bucket passes at most
 * rate * t + burst, and what it owes at one packet it still has at the next, so nothing drifts.
 * One thread to a meter: cross-core use needs a lock or atomics around refill, conforms and take.
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

/*
 * An octet or a packet costs 10^9 << shift units and a nanosecond at rate r / 2^shift brings r of them: nothing is
 * ever rounded. From FG_TOKEN_FAST on that would overflow, so there time goes in ticks of 512 ns and units are 512
 * times as large: 10^9 / 512 is whole, and a bucket of 100 ms does not feel it.
 */
#define FG_TOKEN 1000000000ull
#define FG_TOKEN_FAST (1ull << 34)
#define FG_TOKEN_RATE_MAX 1000000000000ull /* a second: above what any link carries */
enum {
	FG_TICK_FAST = 9,
	FG_BYTES_SHIFT_MAX = 16, /* a full bucket of slow octets must fit */
	FG_PACKETS_SHIFT_MAX = 32,
	FG_TOKEN_BURST_OCTETS = FG_LENGTH6_MAX, /* the longest packet must be able to pass */
};

_Static_assert(FG_TOKEN % (1 << FG_TICK_FAST) == 0, "no rounding");
_Static_assert(FG_TOKEN_FAST <= UINT64_MAX / 4 / (FG_TOKEN / 10), "two full buckets fit");
_Static_assert(FG_TOKEN_RATE_MAX <= UINT64_MAX / 4 / (FG_TOKEN / 10) << FG_TICK_FAST, "likewise, fast");
_Static_assert(FG_TOKEN_BURST_OCTETS <= UINT64_MAX / 4 / (FG_TOKEN << FG_BYTES_SHIFT_MAX), "likewise, slow octets");
_Static_assert(1 <= UINT64_MAX / 4 / (FG_TOKEN << FG_PACKETS_SHIFT_MAX), "likewise, slow packets");

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
 * A token bucket. The two words that change come first and together, aligned for a double-word exchange; a lock has
 * room.
 */
struct fg_tokens {
	uint64_t credit; /* 0..full */
	uint64_t tick;   /* credit is as of this tick */
	uint64_t rate;   /* units a tick */
	uint64_t full;
	uint64_t fill_ticks; /* an empty bucket is full after these */
	uint64_t cost;       /* units of one octet or packet */
	uint32_t lock;       /* 0; for those who share it */
	uint8_t tick_shift;  /* a tick is 2^this ns */
	uint8_t pad[11];
} __attribute__((aligned(FG_LINE_OCTETS)));

/* The buckets of one rule, by slot. */
struct fg_meter {
	struct fg_tokens bytes;
	struct fg_tokens packets;
};

_Static_assert(sizeof(struct fg_meter) == 2 * FG_LINE_OCTETS, "a line each");

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
	uint8_t metered; /* 1: fg_verdict_take() is due for each rule */
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

/*
 * A full bucket for rate / 2^shift a second, of things that cost one token each. Burst: 100 ms of the rate, at
 * least `least` things. The clock starts with the first packet or before it.
 */
FG_INLINE void fg_tokens_start(struct fg_tokens *t, uint64_t rate, uint8_t shift, uint32_t least)
{
	uint8_t tick_shift = rate < FG_TOKEN_FAST ? 0 : FG_TICK_FAST;
	uint64_t cost = FG_TOKEN >> tick_shift << shift;
	uint64_t full = tick_shift == 0 ? rate * (FG_TOKEN / 10) : rate / 2 * (FG_TOKEN / 5 >> FG_TICK_FAST);

	if (full < least * cost)
		full = least * cost;
	__builtin_memset(t, 0, sizeof(*t));
	t->credit = full;
	t->rate = rate;
	t->full = full;
	t->fill_ticks = full / rate + 1;
	t->cost = cost;
	t->tick_shift = tick_shift;
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

/* Credits the time since the last packet; a clock that goes back brings nothing, and nothing twice. */
FG_INLINE void fg_tokens_refill(struct fg_tokens *t, uint64_t now_ns)
{
	uint64_t tick = now_ns >> t->tick_shift, gone;

	if (tick <= t->tick)
		return;
	gone = tick - t->tick;
	t->tick = tick;
	/* Below fill_ticks the product is at most full; above, it could overflow, and the bucket is full anyway. */
	t->credit = gone < t->fill_ticks ? t->credit + gone * t->rate : t->full;
	if (t->credit > t->full)
		t->credit = t->full;
}

/* Refills, and says whether *a lets a packet of that IP length pass now. Takes nothing. */
FG_INLINE bool fg_meter_conforms(struct fg_meter *m, const struct fg_action *a, uint32_t ip_length, uint64_t now_ns)
{
	bool conforms = true;

	if (a->flags & FG_ACT_RATE_BYTES) {
		fg_tokens_refill(&m->bytes, now_ns);
		conforms = m->bytes.credit >= ip_length * m->bytes.cost;
	}
	if (a->flags & FG_ACT_RATE_PACKETS) {
		fg_tokens_refill(&m->packets, now_ns);
		conforms = conforms && m->packets.credit >= m->packets.cost;
	}
	return conforms;
}

/* Adds what the next rule in order asks for. *m is looked at only where *a has a rate, and may be NULL elsewhere. */
FG_INLINE void fg_verdict_add(struct fg_verdict *v, const struct fg_action *a, struct fg_meter *m, uint32_t ip_length,
			      uint64_t now_ns)
{
	uint32_t flags = a->flags;
	bool copies = flags & FG_ACT_COPY;
	bool redirects = (flags & FG_ACT_REDIRECT_RT) || ((flags & FG_ACT_REDIRECT_IP) && !copies);

	if ((flags & FG_ACT_RATES) && !fg_meter_conforms(m, a, ip_length, now_ns) && v->cause != FG_CAUSE_DISCARD)
		v->cause = FG_CAUSE_RATE;
	if (flags & FG_ACT_DISCARD)
		v->cause = FG_CAUSE_DISCARD;
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

/*
 * All rules have been added: discard before rate before redirect. What is dropped is neither marked, redirected nor
 * copied.
 */
FG_INLINE void fg_verdict_close(struct fg_verdict *v)
{
	if (v->cause == FG_CAUSE_DISCARD || v->cause == FG_CAUSE_RATE) {
		v->verdict = FG_DROP;
		v->mark = v->dscp = v->copy = v->copy_rule = v->redirect_rule = 0;
		v->redirect_target = v->copy_target = 0;
		return;
	}
	if (v->verdict == FG_REDIRECT)
		v->cause = FG_CAUSE_REDIRECT;
	v->metered = (v->seen & FG_ACT_RATES) != 0;
}

/* Takes the tokens of a packet that passes from the buckets of one rule applied; fg_verdict_add() found them there. */
FG_INLINE void fg_verdict_take(struct fg_meter *m, const struct fg_action *a, uint32_t ip_length)
{
	if (a->flags & FG_ACT_RATE_BYTES)
		m->bytes.credit -= ip_length * m->bytes.cost;
	if (a->flags & FG_ACT_RATE_PACKETS)
		m->packets.credit -= m->packets.cost;
}

/* A rule applied; the meter as for fg_verdict_add(). A rule is applied to one packet once, so no meter comes twice. */
struct fg_applied {
	const struct fg_action *action;
	struct fg_meter *meter;
};

/* The verdict on one packet from the `count` <= FG_APPLIED_MAX rules applied to it, in order, with tokens taken. */
FG_INLINE void fg_verdict_of(const struct fg_applied *applied, uint32_t count, uint32_t ip_length, uint64_t now_ns,
			     struct fg_verdict *v)
{
	__builtin_memset(v, 0, sizeof(*v));
	for (uint32_t i = 0; i < count; i++)
		fg_verdict_add(v, applied[i].action, applied[i].meter, ip_length, now_ns);
	fg_verdict_close(v);
	for (uint32_t i = 0; v->metered && i < count; i++)
		fg_verdict_take(applied[i].meter, applied[i].action, ip_length);
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
