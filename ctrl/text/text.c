/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading rule text: memory, the run of the parser, and the wording of errors. In: octets of a file. Out: rules and
 * limits to the reader's callbacks, one at a time (rulebuild.c, limits.c). Next on the way: grammar.y.
 *
 * Always true: memory is one copy of the text and one state of fixed size, whatever the text says; the generated
 * scanner gets its few octets from that state, so it has no way to fail. Only the first error is kept.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/text/state.h"

/* From the generated grammar.c and lexer.c. */
struct yy_buffer_state;
int fg_text_yyparse(void *scanner, struct fg_text_state *s);
int fg_text_yylex_init_extra(struct fg_text_state *s, void **scanner);
int fg_text_yylex_destroy(void *scanner);
struct yy_buffer_state *fg_text_yy_scan_buffer(char *text, size_t size, void *scanner);
struct fg_text_state *fg_text_yyget_extra(void *scanner);
void *fg_text_yyalloc(size_t size, void *scanner);
void *fg_text_yyrealloc(void *old, size_t size, void *scanner);
void fg_text_yyfree(void *old, void *scanner);

/* The scanner, a buffer, a stack of one: some 300 octets, whatever the text. NULL would make the scanner exit. */
void *fg_text_yyalloc(size_t size, void *scanner)
{
	struct fg_text_state *s = fg_text_yyget_extra(scanner);
	size_t at = s->scanner_used;

	size = (size + 15) & ~(size_t)15;
	if (size > sizeof(s->scanner_octets) - at)
		return NULL;
	s->scanner_used += size;
	return s->scanner_octets + at;
}

/* Called only for buffers that grow and stacks of more than one; we have neither. */
void *fg_text_yyrealloc(void *old, size_t size, void *scanner)
{
	(void)old;
	(void)size;
	(void)scanner;
	return NULL;
}

void fg_text_yyfree(void *old, void *scanner)
{
	(void)old;
	(void)scanner;
}

void fg_text_words_add(struct fg_text_words *w, const char *text)
{
	for (; *text != '\0' && w->len < sizeof(w->at) - 1; text++)
		w->at[w->len++] = *text;
	w->at[w->len] = '\0';
}

static bool printable(char c)
{
	return c >= 0x20 && c < 0x7f;
}

void fg_text_words_token(struct fg_text_words *w, struct fg_text_string text)
{
	char shown[FG_TEXT_SHOWN_MAX + 16];
	size_t n = text.len < FG_TEXT_SHOWN_MAX ? text.len : FG_TEXT_SHOWN_MAX;

	if (text.len == 1 && !printable(*text.at)) {
		snprintf(shown, sizeof(shown), "octet 0x%02x", (unsigned char)*text.at);
		fg_text_words_add(w, shown);
		return;
	}
	for (size_t i = 0; i < n; i++)
		shown[i] = printable(text.at[i]) ? text.at[i] : '?';
	shown[n] = '\0';
	fg_text_words_add(w, "'");
	fg_text_words_add(w, shown);
	fg_text_words_add(w, n < text.len ? "…'" : "'");
}

void fg_text_words_expected(struct fg_text_words *w, const char *const *name, size_t count)
{
	size_t shown = count > FG_TEXT_EXPECTED_MAX ? FG_TEXT_EXPECTED_MAX : count;

	for (size_t i = 0; i < shown; i++) {
		if (i == 0)
			fg_text_words_add(w, ", expected ");
		else
			fg_text_words_add(w, i + 1 == count ? " or " : ", ");
		fg_text_words_add(w, name[i]);
	}
	if (shown < count)
		fg_text_words_add(w, " …");
}

int fg_text_fail(struct fg_text_state *s, struct fg_text_place at, const char *fmt, ...)
{
	va_list args;
	int n;

	if (s->result != 0)
		return s->result;
	s->result = FG_MALFORMED;
	if (s->error == NULL)
		return s->result;
	n = snprintf(s->error, FG_TEXT_ERROR_MAX, "%.*s:%u:%u: ", FG_TEXT_ERROR_MAX / 2, s->file, at.line, at.column);
	va_start(args, fmt);
	vsnprintf(s->error + n, FG_TEXT_ERROR_MAX - (size_t)n, fmt, args);
	va_end(args);
	return s->result;
}

int fg_text_unexpected(struct fg_text_state *s, const struct fg_text_value *token, const char *expected)
{
	struct fg_text_words words = { 0 };

	fg_text_words_token(&words, token->text);
	fg_text_words_expected(&words, &expected, 1);
	return fg_text_fail(s, token->place, "unexpected %s", words.at);
}

bool fg_text_copy(struct fg_text_string text, char out[FG_NAME_MAX + 1])
{
	if (text.len > FG_NAME_MAX)
		return false;
	memcpy(out, text.at, text.len);
	out[text.len] = '\0';
	return true;
}

int fg_text_name_copy(struct fg_text_state *s, const struct fg_text_value *token, char out[FG_NAME_MAX + 1])
{
	if (!fg_text_copy(token->text, out))
		return fg_text_unexpected(s, token, "a name of at most 63 octets");
	return 0;
}

/* Runs the parser; `copy` is the text and two NULs. */
static int parse(struct fg_text_state *s, char *copy, size_t len)
{
	void *scanner;
	int parsed;

	if (fg_text_yylex_init_extra(s, &scanner) != 0)
		return -ENOMEM;
	if (fg_text_yy_scan_buffer(copy, len + 2, scanner) == NULL) {
		fg_text_yylex_destroy(scanner);
		return -ENOMEM;
	}
	parsed = fg_text_yyparse(scanner, s);
	fg_text_yylex_destroy(scanner);
	if (parsed != 0 && s->result == 0)
		s->result = -ENOMEM;
	return s->result;
}

int fg_text_read(const char *file, const char *text, size_t len, const struct fg_text_reader *reader, char error[1024])
{
	struct fg_text_state *s;
	char *copy;
	int result = -ENOMEM;

	if (len > INT_MAX - 2) /* flex counts in int */
		return -EFBIG;
	s = malloc(sizeof(*s));
	copy = malloc(len + 2);
	if (s != NULL && copy != NULL) {
		memset(s, 0, offsetof(struct fg_text_state, term));
		s->reader = reader;
		s->file = file;
		s->error = error;
		s->next = (struct fg_text_place){ 1, 1 };
		fg_text_setting_begin(s);
		fg_text_rule_begin(s);
		if (len > 0)
			memcpy(copy, text, len);
		copy[len] = copy[len + 1] = '\0';
		result = parse(s, copy, len);
	}
	free(copy);
	free(s);
	return result;
}
