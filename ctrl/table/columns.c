/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Columns of a narrow segment (include/flowgate/table.h): what its rules are as rule lines, turned by a quarter. Comes in: rules. Goes
 * out: the lines of the columns, or nothing where a rule is more than one interval a field.
 */
#include "ctrl/table/table.h"
#include "flowgate/packet.h"

/* A rule that can never match, for it is in no fragment state. */
#define ANY16 UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT16_MAX
#define ANY8 UINT8_MAX, UINT8_MAX, UINT8_MAX, UINT8_MAX
static const struct fg_rule_line never = { .span16 = { ANY16, ANY16 }, .span8 = { ANY8, ANY8 } };

/*
 * Mask and value that say a set of fragment states, in four bits each. False: none do. No packet has a state from FG_FRAGMENT_STATES
 * on, so those do not count.
 */
static bool state_mask(uint16_t states, uint32_t *mask, uint32_t *value)
{
	uint32_t both = 15, any = 0;

	for (uint32_t s = 0; s < FG_FRAGMENT_STATES; s++)
		if (states >> s & 1) {
			both &= s;
			any |= s;
		}
	*mask = states == UINT16_MAX ? 0 : 15 & ~(both ^ any);
	*value = both & *mask;
	for (uint32_t s = 0; s < FG_FRAGMENT_STATES; s++)
		if ((s & *mask) == *value && !(states >> s & 1))
			return false;
	return true;
}

/* All rules as lines in the scratch; false where one is more than that. */
static bool fit_all(struct fg_emit *e, const struct fg_table_rule *rules, size_t n)
{
	struct fg_rule_more more;

	for (size_t i = 0; i < n; i++) {
		struct fg_rule_line *r = &e->scratch->lines[i];
		enum fg_fit fit = fg_rule_fit(e, rules[i].rule, false, r, &more);

		if (fit == FG_FITS_NOT || (fit == FG_FITS && (r->flags & FG_STEP_HAS_MORE)))
			return false;
		if (fit == FG_FITS_NEVER)
			*r = never;
	}
	return true;
}

/* True where a column is needed that is not one of the usual. */
static bool is_rare(const struct fg_rule_line *r)
{
	uint32_t mask, value;

	return r->span16[2] != UINT16_MAX || (r->span8[2] & r->span8[3] & r->span8[4]) != UINT8_MAX ||
	       (r->fragments != 0 && !state_mask(r->fragments, &mask, &value));
}

static uint16_t pair(const uint8_t octets[2])
{
	return (uint16_t)(octets[0] | octets[1] << 8);
}

/* TCP flags and fragment state as one. What cannot be said so is left to FG_COLUMN_STATES; no state at all is what no packet has. */
static void flags(const struct fg_rule_line *r, uint16_t half[2])
{
	uint32_t mask, value;

	if (r->fragments == 0) {
		mask = 0;
		value = 1;
	} else if (!state_mask(r->fragments, &mask, &value)) {
		mask = value = 0;
	}
	half[0] = (uint16_t)(r->tcp_mask | mask << FG_TCP_FLAGS_BITS);
	half[1] = (uint16_t)(r->tcp_value | value << FG_TCP_FLAGS_BITS);
}

/* What column c holds for a rule, in its first and its second array. */
static void halves(const struct fg_rule_line *r, uint32_t c, uint16_t half[2])
{
	static const uint8_t lane[FG_COLUMNS] = {
		[FG_COLUMN_DPORT] = 0,  [FG_COLUMN_SPORT] = 1,  [FG_COLUMN_LENGTH] = 4,
		[FG_COLUMN_SRC_HI] = 5, [FG_COLUMN_SRC_LO] = 6, [FG_COLUMN_PORT] = 2,
		[FG_COLUMN_L4] = 0,     [FG_COLUMN_ICMP] = 2,   [FG_COLUMN_DSCP] = 4
	};

	switch (c) {
	case FG_COLUMN_FLAGS:
		flags(r, half);
		break;
	case FG_COLUMN_STATES:
		half[0] = (uint16_t)~r->fragments;
		half[1] = 0;
		break;
	case FG_COLUMN_L4:
	case FG_COLUMN_ICMP:
	case FG_COLUMN_DSCP:
		half[0] = pair(r->lo8 + lane[c]);
		half[1] = pair(r->span8 + lane[c]);
		break;
	default:
		half[0] = r->lo16[lane[c]];
		half[1] = r->span16[lane[c]];
		break;
	}
}

static void fill(const struct fg_emit *e, size_t n, uint16_t *at, uint32_t columns, uint32_t lanes)
{
	uint16_t half[2];

	for (uint32_t c = 0; c < columns; c++, at += (size_t)2 * lanes)
		for (uint32_t i = 0; i < lanes; i++) {
			halves(i < n ? &e->scratch->lines[i] : &never, c, half);
			at[i] = half[0];
			at[lanes + i] = half[1];
		}
}

uint8_t fg_emit_columns(struct fg_emit *e, const struct fg_table_rule *rules, size_t n, uint32_t *ref)
{
	uint32_t lanes = FG_LANES_MIN, columns = FG_COLUMNS_USUAL;
	uint8_t out = 1 << FG_LANES_SHIFT;

	if (!fit_all(e, rules, n)) {
		*ref = fg_emit_lines(e, (uint32_t)(n + 15) / 16);
		return 0;
	}
	for (; lanes < n; lanes *= 2)
		out = (uint8_t)(out + (1 << FG_LANES_SHIFT));
	for (size_t i = 0; i < n; i++)
		if (is_rare(&e->scratch->lines[i])) {
			out |= FG_STEP_RARE;
			columns = FG_COLUMNS;
		}
	*ref = fg_emit_lines(e, ((columns + 1) * lanes * 4 + FG_LINE_OCTETS - 1) / FG_LINE_OCTETS);
	if (fg_emit_writes(e))
		fill(e, n, (uint16_t *)fg_emit_at(e, *ref) + (size_t)2 * lanes, columns, lanes);
	return out;
}
