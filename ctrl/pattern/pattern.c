/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The form of a pattern. In: its text. Out: expression and flags. Always holds: what is not understood is refused, for a pattern read
 * otherwise than it was meant would match something else.
 */
#include "ctrl/pattern/pattern.h"

#include <stdio.h>
#include <string.h>

static const char letters[] = "ismx"; /* bit i of enum fg_pattern_flag */

/* Flags behind the last slash. False: one that is not known, or twice. */
static bool flags_read(const char *text, uint32_t *out)
{
	for (; *text != '\0'; text++) {
		const char *letter = strchr(letters, *text);

		if (letter == NULL || (*out >> (letter - letters) & 1))
			return false;
		*out |= 1u << (letter - letters);
	}
	return true;
}

int fg_pattern_read(const char *text, struct fg_pattern *out, char why[FG_DETAIL_MAX])
{
	struct fg_pattern p = { .expression = text, .octets = (uint32_t)strnlen(text, FG_PATTERN_OCTETS_MAX + 8) };
	const char *end;

	if (text[0] == '/') {
		end = strrchr(text, '/');
		p.expression++;
		p.octets = end > text ? (uint32_t)(end - p.expression) : 0;
		if (end == text || !flags_read(end + 1, &p.flags)) {
			snprintf(why, FG_DETAIL_MAX,
				 "a pattern that begins with a slash ends with one and flags, each of i, s, m and x "
				 "once at most; write \\x2f for a slash at its beginning");
			return FG_UNSUPPORTED;
		}
	}
	if (p.octets == 0 || p.octets > FG_PATTERN_OCTETS_MAX) {
		snprintf(why, FG_DETAIL_MAX, "a pattern has 1 to %d octets", FG_PATTERN_OCTETS_MAX);
		return FG_UNSUPPORTED;
	}
	*out = p;
	return 0;
}
