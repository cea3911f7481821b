/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Settings of a configuration: words with their places, gathered until a `;`, `{` or `}` says what they are, and then
 * handed to the reader's callback. Which words there are is the caller's knowledge.
 */
#include <stdio.h>
#include <string.h>

#include "ctrl/text/state.h"

void fg_text_setting_begin(struct fg_text_state *s)
{
	s->setting.word = s->word;
	s->setting.words = 0;
}

int fg_text_setting_add(struct fg_text_state *s, const struct fg_text_value *word)
{
	struct fg_text_word *to = &s->word[s->setting.words];

	if (s->setting.words == FG_TEXT_SETTING_WORDS)
		return fg_text_unexpected(s, word, "fewer words");
	if (word->text.len > FG_TEXT_WORD_MAX)
		return fg_text_unexpected(s, word, "a word of at most 255 octets");
	memcpy(to->text, word->text.at, word->text.len);
	to->text[word->text.len] = '\0';
	to->line = word->place.line;
	to->column = word->place.column;
	s->setting.words++;
	return 0;
}

int fg_text_setting_end(struct fg_text_state *s, enum fg_text_setting_kind kind)
{
	s->setting.kind = kind;
	s->setting.block = s->block;
	if (kind == FG_SETTING_CLOSE)
		s->setting.words = 0;
	s->result = s->reader->setting(s->reader->ctx, &s->setting);
	if (kind == FG_SETTING_OPEN)
		snprintf(s->block, sizeof(s->block), "%.*s", FG_NAME_MAX, s->word[0].text);
	else if (kind == FG_SETTING_CLOSE)
		s->block[0] = '\0';
	return s->result;
}

int fg_text_refuse(char error[FG_TEXT_ERROR_MAX], const char *file, const struct fg_text_word *word,
		   const char *expected)
{
	struct fg_text_words shown = { 0 };

	fg_text_words_token(&shown, (struct fg_text_string){ word->text, (uint32_t)strlen(word->text) });
	snprintf(error, FG_TEXT_ERROR_MAX, "%.400s:%u:%u: unexpected %.64s, expected %.500s", file, word->line,
		 word->column, shown.at, expected);
	return FG_MALFORMED;
}
