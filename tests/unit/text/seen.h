/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A reader of rule text that keeps what it was given, for the tests of ctrl/text. Each test program has its own.
 */
#ifndef TESTS_UNIT_TEXT_SEEN_H
#define TESTS_UNIT_TEXT_SEEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ctrl/text/text.h"

enum { RULES_KEPT = 8, LOG_OCTETS = 4096 };

/* What the callbacks saw: the first rules whole, limits as lines of text. */
struct seen {
	size_t rules;
	struct fg_text_rule rule[RULES_KEPT];
	uint8_t nlri[RULES_KEPT][FG_NLRI_MAX];
	char payload[256];
	char limits[LOG_OCTETS];
	char error[1024];
	int stop_with;
};

static struct seen seen;

static int on_rule(void *ctx, const struct fg_text_rule *rule)
{
	struct seen *s = ctx;

	if (s->rules < RULES_KEPT) {
		s->rule[s->rules] = *rule;
		memcpy(s->nlri[s->rules], rule->rule.nlri, rule->rule.nlri_len);
		s->rule[s->rules].rule.nlri = s->nlri[s->rules];
		if (rule->payload != NULL)
			snprintf(s->payload, sizeof(s->payload), "%s", rule->payload);
	}
	s->rules++;
	return s->stop_with;
}

static int on_limit(void *ctx, const struct fg_text_limit *limit)
{
	struct seen *s = ctx;
	size_t at = strlen(s->limits);

	snprintf(s->limits + at, sizeof(s->limits) - at, "%s.%s=%llu@%u:%u ", limit->scope, limit->word,
		 (unsigned long long)limit->value, limit->line, limit->column);
	return s->stop_with;
}

static int read_octets(const char *text, size_t len)
{
	static const struct fg_text_reader reader = { .rule = on_rule, .limit = on_limit, .ctx = &seen };

	memset(&seen, 0, sizeof(seen));
	return fg_text_read("f", text, len, &reader, seen.error);
}

static int read_text(const char *text)
{
	return read_octets(text, strlen(text));
}

static void assert_error(const char *text, const char *error)
{
	assert_int_equal(read_text(text), FG_MALFORMED);
	assert_string_equal(seen.error, error);
}

#endif
