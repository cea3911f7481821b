/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Limits: the words of `limits { … }`. In: what ctrl/text read, one word at a time. Out: struct
 * fg_limits. A word that is not known, or a value that cannot be, is an error at its place: a limit that is not
 * understood would not be kept.
 */
#include "ctrl/load/limits.h"

#include <stdio.h>
#include <string.h>

#include "ctrl/text/text.h"

enum { ERROR_OCTETS = 1024 };

static const struct fg_limit no_limit = {
	.bytes = UINT64_MAX, .lines = UINT64_MAX, .slots = UINT64_MAX, .pattern_bytes = UINT64_MAX
};

struct reading {
	struct fg_limits *limits;
	const char *file;
	char *error;
};

static int refuse(const struct reading *r, const struct fg_text_limit *word, const char *expected)
{
	if (r->error != NULL)
		snprintf(r->error, ERROR_OCTETS, "%.400s:%u:%u: unexpected '%s %llu', expected %s", r->file, word->line,
			 word->column, word->word, (unsigned long long)word->value, expected);
	return FG_MALFORMED;
}

static struct fg_limit *source_of(struct fg_limits *l, const char *name)
{
	struct fg_limit *s = l->source;

	for (; s < l->source + l->sources; s++)
		if (strcmp(s->source, name) == 0)
			return s;
	if (l->sources == FG_SOURCES_MAX)
		return NULL;
	l->sources++;
	*s = no_limit;
	snprintf(s->source, sizeof(s->source), "%s", name);
	return s;
}

static int pattern_word(const struct reading *r, const struct fg_text_limit *word)
{
	uint64_t v = word->value;

	if (strcmp(word->word, "pattern-bytes") == 0) {
		if (v > FG_PATTERN_ROOM_OCTETS)
			return refuse(r, word, "at most 67108864 octets of payload patterns");
		r->limits->pattern_bytes = v;
	} else if (strcmp(word->word, "scan-octets") == 0) {
		if (v < 1 || v > FG_PAYLOAD_SCAN_OCTETS_MAX)
			return refuse(r, word, "1 to 65535 octets of a payload");
		r->limits->scan_octets = (uint32_t)v;
	} else {
		return refuse(r, word,
			      "bytes, lines, slots, mtu, shortest-ipv4, shortest-ipv6, pattern-bytes or scan-octets");
	}
	return 0;
}

static int table_word(const struct reading *r, const struct fg_text_limit *word)
{
	struct fg_limits *l = r->limits;
	const char *w = word->word;
	uint64_t v = word->value;

	if (strcmp(w, "bytes") == 0) {
		l->bytes = v;
	} else if (strcmp(w, "lines") == 0) {
		if (v >= FG_STEPS_MAX)
			return refuse(r, word, "lines below 2048");
		l->lines = v;
	} else if (strcmp(w, "slots") == 0 || strcmp(w, "rules") == 0) {
		if (v > FG_INPUT_RULES_MAX)
			return refuse(r, word, "at most 4194304 rules");
		l->slots = v;
	} else if (strcmp(w, "mtu") == 0) {
		if (v < FG_LENGTH4_MIN || v > FG_LENGTH6_MAX)
			return refuse(r, word, "an mtu of 20 to 65575");
		l->lint.mtu = (uint32_t)v;
	} else if (strcmp(w, "shortest-ipv4") == 0 || strcmp(w, "shortest-ipv6") == 0) {
		enum fg_family family = w[strlen(w) - 1] == '4' ? FG_IPV4 : FG_IPV6;

		if (v > (family == FG_IPV4 ? 32 : 128))
			return refuse(r, word, "a prefix length");
		l->shortest_dst[family] = (uint8_t)v;
	} else {
		return pattern_word(r, word);
	}
	return 0;
}

static int rule_word(const struct reading *r, const struct fg_text_limit *word)
{
	if (strcmp(word->word, "bytes") == 0)
		r->limits->rule.bytes = word->value;
	else if (strcmp(word->word, "lines") == 0)
		r->limits->rule.lines = word->value;
	else if (strcmp(word->word, "pattern-bytes") == 0)
		r->limits->rule.pattern_bytes = word->value;
	else
		return refuse(r, word, "bytes, lines or pattern-bytes in 'rule'");
	return 0;
}

static int source_word(const struct reading *r, const struct fg_text_limit *word)
{
	struct fg_limit *s = source_of(r->limits, word->scope);

	if (s == NULL)
		return refuse(r, word, "at most 128 sources");
	if (strcmp(word->word, "bytes") == 0)
		s->bytes = word->value;
	else if (strcmp(word->word, "slots") == 0 || strcmp(word->word, "rules") == 0)
		s->slots = word->value;
	else
		return refuse(r, word, "bytes or slots in 'source'");
	return 0;
}

int fg_limits_take(struct fg_limits *l, const char *file, const struct fg_text_limit *word, char error[1024])
{
	const struct reading r = { .limits = l, .file = file, .error = error };

	if (strcmp(word->scope, "table") == 0)
		return table_word(&r, word);
	if (strcmp(word->scope, "rule") == 0)
		return rule_word(&r, word);
	return source_word(&r, word);
}

static int take_word(void *ctx, const struct fg_text_limit *word)
{
	const struct reading *r = ctx;

	return fg_limits_take(r->limits, r->file, word, r->error);
}

int fg_limits_read(struct fg_limits *l, const char *file, const char *text, size_t len, char error[1024])
{
	struct fg_limits read = *l;
	struct reading r = { .limits = &read, .file = file, .error = error };
	struct fg_text_reader reader = { .limit = take_word, .ctx = &r };
	int result = fg_text_read(file, text, len, &reader, error);

	if (result == 0)
		*l = read;
	return result;
}
