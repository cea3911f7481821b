/* SPDX-License-Identifier: BSD-3-Clause */
/* Payload patterns by PCRE2, start by start: is there any match from here, and where does the shortest one end? */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "tests/oracle/pattern.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKSPACE = 20000, PLACES = 4 };

struct or_pattern {
	pcre2_code *code;
	pcre2_match_data *data;
	int workspace[WORKSPACE];
};

struct or_pattern *or_pattern_new(const char *expression, unsigned int flags)
{
	/* Made possessive, a repetition would not end where it could. */
	uint32_t options = PCRE2_NO_AUTO_POSSESS | (flags & OR_PATTERN_CASELESS ? PCRE2_CASELESS : 0) |
			   (flags & OR_PATTERN_DOTALL ? PCRE2_DOTALL : 0) |
			   (flags & OR_PATTERN_MULTILINE ? PCRE2_MULTILINE : 0);
	struct or_pattern *p = calloc(1, sizeof(*p));
	PCRE2_SIZE at;
	int error;

	if (p == NULL)
		return NULL;
	p->code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, options, &error, &at, NULL);
	if (p->code == NULL) {
		free(p);
		return NULL;
	}
	p->data = pcre2_match_data_create(PLACES, NULL);
	return p;
}

void or_pattern_free(struct or_pattern *p)
{
	if (p == NULL)
		return;
	pcre2_match_data_free(p->data);
	pcre2_code_free(p->code);
	free(p);
}

bool or_pattern_found(const struct or_pattern *p, const uint8_t *text, size_t len, size_t last)
{
	for (size_t start = 0; start <= last; start++) {
		int r = pcre2_dfa_match(p->code, text, len, start, PCRE2_ANCHORED | PCRE2_DFA_SHORTEST, p->data, NULL,
					(int *)(uintptr_t)p->workspace, WORKSPACE);

		if (r < PCRE2_ERROR_PARTIAL)
			abort(); /* no answer is no answer to go by */
		if (r >= 0 && pcre2_get_ovector_pointer(p->data)[1] <= last)
			return true;
	}
	return false;
}

/* ---- Random ones ---- */

struct writer {
	struct or_random *r;
	char *out;
	size_t len;
};

static void put(struct writer *w, const char *text)
{
	size_t n = strlen(text);

	if (w->len + n >= OR_PATTERN_MAX)
		return;
	memcpy(w->out + w->len, text, n + 1);
	w->len += n;
}

static void atom(struct writer *w)
{
	static const char *const atoms[] = { "a",   "b",   "c",     "B",     " ",   ".",   "[ab]",   "[^a]", "\\w",
					     "\\s", "\\n", "[a-c]", "\\x61", "\\W", "abc", "[^\\n]", "[Aa]", "\\d" };

	put(w, atoms[or_random_below(w->r, sizeof(atoms) / sizeof(atoms[0]))]);
}

static void repeat(struct writer *w)
{
	static const char *const repeats[] = { "*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?" };

	if (or_random_chance(w->r, 30))
		put(w, repeats[or_random_below(w->r, sizeof(repeats) / sizeof(repeats[0]))]);
}

static void sequence(struct writer *w, uint32_t depth)
{
	static const char *const places[] = { "^", "$", "\\b", "\\B" };
	uint32_t n = 1 + or_random_below(w->r, 4);

	if (w->len > OR_PATTERN_MAX / 2)
		depth = 0;
	for (uint32_t i = 0; i < n; i++) {
		if (or_random_chance(w->r, 8)) {
			put(w, places[or_random_below(w->r, sizeof(places) / sizeof(places[0]))]);
			continue;
		}
		if (depth > 0 && w->len < OR_PATTERN_MAX / 2 && or_random_chance(w->r, 30)) {
			put(w, "(");
			sequence(w, depth - 1);
			if (or_random_chance(w->r, 50)) {
				put(w, "|");
				sequence(w, depth - 1);
			}
			put(w, ")");
		} else {
			atom(w);
		}
		repeat(w);
	}
}

void or_gen_pattern(struct or_random *r, char out[OR_PATTERN_MAX])
{
	struct writer w = { r, out, 0 };

	out[0] = '\0';
	sequence(&w, 2);
}

void or_gen_text(struct or_random *r, uint8_t *out, size_t len)
{
	static const char letters[] = "aaabbbccAB1  \n\n-";

	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)letters[or_random_below(r, sizeof(letters) - 1)];
}
