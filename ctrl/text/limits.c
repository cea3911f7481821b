/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `limits { … }`: words and numbers with their scope, handed to the reader's limit callback one by one. Which words
 * there are is the caller's knowledge.
 */
#include <string.h>

#include "ctrl/text/state.h"

int fg_text_limits_open(struct fg_text_state *s, const struct fg_text_value *word)
{
	if (s->reader->limit == NULL)
		return fg_text_unexpected(s, word, "a rule");
	fg_text_limits_scope(s, "table");
	return 0;
}

void fg_text_limits_scope(struct fg_text_state *s, const char *scope)
{
	strcpy(s->scope, scope);
}

int fg_text_limits_source(struct fg_text_state *s, const struct fg_text_value *name)
{
	int r = fg_text_name_copy(s, name, s->scope);

	if (r == 0 && (strcmp(s->scope, "table") == 0 || strcmp(s->scope, "rule") == 0))
		return fg_text_unexpected(s, name, "a name other than 'table' and 'rule'");
	return r;
}

/* Number of bits the suffix shifts by; -1: no such suffix. */
static int suffix_shift(struct fg_text_string suffix)
{
	if (suffix.len == 0)
		return 0;
	if (suffix.len > 1)
		return -1;
	switch (*suffix.at | 0x20) {
	case 'k':
		return 10;
	case 'm':
		return 20;
	case 'g':
		return 30;
	case 't':
		return 40;
	default:
		return -1;
	}
}

bool fg_text_amount(struct fg_text_string text, uint64_t *out)
{
	struct fg_text_string number = text, suffix;
	uint64_t v;
	int shift;

	if (fg_text_number(text, out))
		return true;
	number.len = 0;
	while (number.len < text.len && text.at[number.len] >= '0' && text.at[number.len] <= '9')
		number.len++;
	suffix = (struct fg_text_string){ text.at + number.len, text.len - number.len };
	shift = suffix_shift(suffix);
	if (shift < 0 || !fg_text_number(number, &v) || v > UINT64_MAX >> shift)
		return false;
	*out = v << shift;
	return true;
}

int fg_text_limits_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *value)
{
	char name[FG_NAME_MAX + 1];
	struct fg_text_limit limit = { .scope = s->scope, .word = name };
	int r = fg_text_name_copy(s, word, name);

	if (r != 0)
		return r;
	if (!fg_text_amount(value->text, &limit.value))
		return fg_text_unexpected(s, value, "a number, with k, M, G or T for powers of 1024");
	limit.line = word->place.line;
	limit.column = word->place.column;
	s->result = s->reader->limit(s->reader->ctx, &limit);
	return s->result;
}

int fg_text_limits_prefix(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *prefix)
{
	struct fg_text_scope scope = { .source = s->scope, .line = word->place.line, .column = word->place.column };

	if (s->reader->scope == NULL)
		return fg_text_unexpected(s, word, "limits alone: prefixes are of a daemon's configuration");
	if (!fg_text_prefix(prefix->text, &scope.family, &scope.prefix))
		return fg_text_unexpected(s, prefix, "a prefix such as 192.0.2.0/24 or 2001:db8::/32");
	s->result = s->reader->scope(s->reader->ctx, &scope);
	return s->result;
}
