/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Columns of a narrow segment (include/flowgate/table.h): what its rules are as rule lines, turned by a quarter. Comes in: rules. Goes
 * out: the lines of the columns, or nothing where a rule is more than one interval a field.
 */
#include "ctrl/table/table.h"
#include "flowgate/packet.h"

/* A rule that can never match: it is in no fragment state. */
#define ANY16 UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT16_MAX
#define ANY8 UINT8_MAX, UINT8_MAX, UINT8_MAX, UINT8_MAX
static const struct fg_rule_line never = { .span16 = { ANY16, ANY16 }, .span8 = { ANY8, ANY8 } };

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
	return r->span16[2] != UINT16_MAX || (r->span8[2] & r->span8[3] & r->span8[4]) != UINT8_MAX;
}

static uint16_t pair(const uint8_t octets[2])
{
	return (uint16_t)(octets[0] | octets[1] << 8);
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
	case FG_COLUMN_TCP:
		half[0] = r->tcp_mask;
		half[1] = r->tcp_value;
		break;
	case FG_COLUMN_FRAGMENTS:
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

static void fill(const struct fg_emit *e, size_t n, uint32_t ref, uint32_t columns, uint32_t lanes)
{
	uint16_t *at = fg_emit_at(e, ref), half[2];

	for (uint32_t c = 0; c < columns; c++, at += (size_t)2 * lanes)
		for (uint32_t i = 0; i < lanes; i++) {
			halves(i < n ? &e->scratch->lines[i] : &never, c, half);
			at[i] = half[0];
			at[lanes + i] = half[1];
		}
}

uint8_t fg_emit_columns(struct fg_emit *e, const struct fg_table_rule *rules, size_t n)
{
	uint32_t lanes = FG_LANES_MIN, columns = FG_COLUMNS_USUAL, ref;
	uint8_t flags = 1 << FG_LANES_SHIFT;

	if (!fit_all(e, rules, n))
		return 0;
	for (; lanes < n; lanes *= 2)
		flags = (uint8_t)(flags + (1 << FG_LANES_SHIFT));
	for (size_t i = 0; i < n; i++)
		if (is_rare(&e->scratch->lines[i])) {
			flags |= FG_STEP_RARE;
			columns = FG_COLUMNS;
		}
	ref = fg_emit_lines(e, (columns * lanes * 4 + FG_LINE_OCTETS - 1) / FG_LINE_OCTETS);
	if (fg_emit_writes(e))
		fill(e, n, ref, columns, lanes);
	return flags;
}
