/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended communities. Comes in: an octet, how many octets are those of the attribute of 8 (its bit 7: attribute 25 is read first), then both
 * attributes. What must hold: a refusal leaves everything as it was; what was read keeps the promises of struct fg_actions; it is written,
 * read and written to the same; its text reads back; and the dataplane's form of it is within its bounds.
 */
#include <math.h>
#include <string.h>

#include "ctrl/rule/actions.h"
#include "flowgate/action.h"
#include "tests/fuzz/fuzz.h"

enum { FIRST_IS_25 = 0x80 };

/* A written form: both attributes. */
struct written {
	uint8_t octets[FG_ACTIONS_OCTETS];
	size_t len;
	uint8_t octets6[FG_ACTIONS6_OCTETS];
	size_t len6;
};

static bool read_attribute(const uint8_t *octets, size_t len, bool ipv6, struct fg_actions *a)
{
	struct fg_actions before;
	struct fg_finding why;
	int r;

	if (len == 0)
		return true;
	memcpy(&before, a, sizeof(before));
	r = fg_actions_read(octets, len, ipv6, a, &why);
	MUST_HOLD(r == 0 || ((r == FG_MALFORMED || r == FG_UNSUPPORTED) && why.code == (enum fg_reason)r));
	MUST_HOLD(r == 0 || memcmp(&before, a, sizeof(before)) == 0);
	MUST_HOLD(r == FG_MALFORMED || len % (ipv6 ? FG_EXTCOMM6_OCTETS : FG_EXTCOMM_OCTETS) == 0);
	return r == 0;
}

static void check_rate(float per_s)
{
	MUST_HOLD(isfinite(per_s) && per_s >= 0.5f);
}

static void check_promises(const struct fg_actions *a)
{
	const uint32_t rates = FG_ACT_RATE_BYTES | FG_ACT_RATE_PACKETS;

	MUST_HOLD(!(a->set & FG_ACT_DISCARD) || !(a->set & rates));
	if (a->set & FG_ACT_RATE_BYTES)
		check_rate(a->rate_bytes_per_s);
	if (a->set & FG_ACT_RATE_PACKETS)
		check_rate(a->rate_packets_per_s);
	MUST_HOLD(a->dscp <= FG_DSCP_VALUE_MAX);
	MUST_HOLD(!(a->set & FG_ACT_COPY) || (a->set & FG_ACT_REDIRECT_IP));
	MUST_HOLD(!(a->set & FG_ACT_RT6) || (a->set & FG_ACT_REDIRECT_RT));
}

static void write_actions(const struct fg_actions *a, struct written *w)
{
	memset(w, 0, sizeof(*w));
	fg_actions_write(a, w->octets, &w->len, w->octets6, &w->len6);
	MUST_HOLD(w->len <= sizeof(w->octets) && w->len6 <= sizeof(w->octets6));
}

static void check_stable(const struct fg_actions *a)
{
	struct fg_actions again = { 0 };
	struct written first, second;

	write_actions(a, &first);
	MUST_HOLD(read_attribute(first.octets, first.len, false, &again));
	MUST_HOLD(read_attribute(first.octets6, first.len6, true, &again));
	MUST_HOLD(fg_actions_equal(a, &again) && fg_actions_equal(&again, a));
	write_actions(&again, &second);
	MUST_HOLD(memcmp(&first, &second, sizeof(first)) == 0);
}

static void check_bucket(const struct fg_tokens *t, uint64_t rate, uint8_t shift, uint8_t shift_max)
{
	MUST_HOLD(rate > 0 && rate <= FG_TOKEN_RATE_MAX && shift <= shift_max);
	MUST_HOLD(shift == 0 || rate <= 1 << 24);
	MUST_HOLD(t->spent == 0 && t->cost > 0 && t->burst >= t->cost && t->burst < 1ull << FG_TOKEN_BURST_BITS);
}

static void check_dataplane(const struct fg_actions *a)
{
	struct fg_verdict v;
	struct fg_action made;
	struct fg_meter meter;
	struct fg_applied applied = { &made, &meter };

	fg_action_make(a, 1, 2, &made);
	fg_meter_start(&meter, &made);
	if (a->set & FG_ACT_RATE_BYTES)
		check_bucket(&meter.bytes, made.rate_bytes_per_s, made.bytes_shift, FG_BYTES_SHIFT_MAX);
	if (a->set & FG_ACT_RATE_PACKETS)
		check_bucket(&meter.packets, made.rate_packets_per_s, made.packets_shift, FG_PACKETS_SHIFT_MAX);
	fg_verdict_of(&applied, 1, FG_LENGTH6_MAX, 1000, &v);
	MUST_HOLD((v.verdict == FG_DROP) == ((a->set & FG_ACT_DISCARD) != 0)); /* a full bucket passes any packet */
}

static void check_text(const struct fg_actions *a)
{
	static const uint8_t nlri[] = { FG_PROTO, FG_OP_END | FG_OP_EQ, 17 };
	struct fg_rule rule = { .family = FG_IPV4, .nlri = nlri, .nlri_len = sizeof(nlri), .actions = *a };

	fuzz_reads_back(&rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };
	uint8_t how = fuzz_octet(&in);
	size_t len;
	const uint8_t *octets = fuzz_take(&in, how & ~FIRST_IS_25, &len);
	struct fg_actions a = { 0 };

	if (how & FIRST_IS_25 && !read_attribute(in.at, in.left, true, &a))
		return 0;
	if (!read_attribute(octets, len, false, &a))
		return 0;
	if (!(how & FIRST_IS_25) && !read_attribute(in.at, in.left, true, &a))
		return 0;
	check_promises(&a);
	check_stable(&a);
	check_dataplane(&a);
	check_text(&a);
	return 0;
}
