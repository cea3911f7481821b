/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lexer, grammar and the builders share while one text is read: the place of a token, its value, and the
 * state of the one rule that is being read. Private to ctrl/text.
 *
 * Always true: text pointers point into the reader's own copy of the input and live until fg_text_read() returns; the
 * state has a fixed size, whatever the length of the input. A function that answers int gives 0 or, after having put
 * the message into state->error, non-zero: the parser stops at once.
 */
#ifndef CTRL_TEXT_STATE_H
#define CTRL_TEXT_STATE_H

#include "ctrl/rule/nlri.h"
#include "ctrl/text/text.h"
#include "ctrl/text/value.h"

enum {
	FG_TEXT_EXPECTED_MAX = 6,      /* expectations named in a message */
	FG_TEXT_SHOWN_MAX = 40,        /* octets of the input shown in a message */
	FG_TEXT_SCANNER_OCTETS = 1024, /* all memory the generated scanner asks for */
};

/* Line and column, from 1; the column counts octets. */
struct fg_text_place {
	uint32_t line;
	uint32_t column;
};

/* Of every token its text; of numbers and ranges the values; of symbols an operator, bits, or that it is a name. */
struct fg_text_value {
	struct fg_text_string text;
	uint64_t number;
	uint64_t upper;
	struct fg_text_place place;
	bool named;
};

/* A message in the making; cut where it is full. */
struct fg_text_words {
	char at[FG_TEXT_ERROR_MAX];
	size_t len;
};

/* One operator and its value, still by name where it was written so: the family that decides it may come later. */
struct fg_text_term {
	uint8_t op;
	struct fg_text_place place;
	struct fg_text_string name; /* len 0: value counts */
	uint64_t value;
};

/* The terms of one component: state->term[first .. first + count). */
struct fg_text_list {
	uint16_t first;
	uint16_t count;
};

struct fg_text_state {
	const struct fg_text_reader *reader;
	const char *file;
	char *error;
	int result;

	/* The lexer's. */
	struct fg_text_place next;   /* of the next octet */
	struct fg_text_string token; /* the latest, which is the parser's look-ahead */
	uint32_t depth;              /* open brackets of both kinds; newlines count at 0 only */
	int resume;                  /* start condition to return to behind a name */
	int home;                    /* start condition outside of all brackets */
	bool begun;                  /* the token that says which language this is has been given */
	bool ended;                  /* the end was answered as an end of line */
	size_t scanner_used;
	_Alignas(16) unsigned char scanner_octets[FG_TEXT_SCANNER_OCTETS];

	/* The block of limits that is being read. */
	char scope[FG_NAME_MAX + 1];

	/* The setting that is being read, and the block it stands in. */
	struct fg_text_setting setting;
	struct fg_text_word word[FG_TEXT_SETTING_WORDS];
	char block[FG_NAME_MAX + 1];

	/* The rule that is being read; fg_text_rule_begin() makes it empty. */
	struct fg_text_rule out;
	uint16_t seen;       /* bit t: component t was given */
	uint32_t attributes; /* bit per enum fg_text_attribute */
	uint8_t open;        /* component whose terms come now */
	bool and_next;       /* the next term is joined by `&` */
	bool accept;
	uint32_t given;             /* of enum fg_action_bit: actions that were written, a rate of 0 too */
	bool family_said;           /* by `family` or by an address */
	bool raw;                   /* `nlri HEX` was given: builder.octets hold it */
	bool too_long;              /* more than FG_NLRI_MAX octets can hold */
	struct fg_prefix prefix[2]; /* components 1 and 2, where seen */
	uint16_t terms;
	struct fg_text_list list[FG_COMPONENT_MAX + 1];
	struct fg_text_term term[FG_TERMS_MAX];
	struct fg_nlri_builder builder;
};

enum fg_text_attribute {
	FG_TEXT_NAME,
	FG_TEXT_TTL,
	FG_TEXT_OWNER,
	FG_TEXT_TICKET,
	FG_TEXT_SITE,
	FG_TEXT_SOURCE,
	FG_TEXT_FAMILY,
	FG_TEXT_PAYLOAD,
};

/* text.c: puts "FILE:LINE:COLUMN: message" into the error unless one is there, and answers FG_MALFORMED. */
__attribute__((format(printf, 3, 4))) int fg_text_fail(struct fg_text_state *s, struct fg_text_place at,
						       const char *fmt, ...);
/* text.c: likewise "unexpected 'TOKEN', expected EXPECTED". */
int fg_text_unexpected(struct fg_text_state *s, const struct fg_text_value *token, const char *expected);
/* text.c: pieces of a message: plain, a token as the user wrote it, "expected A, B or C". */
void fg_text_words_add(struct fg_text_words *w, const char *text);
void fg_text_words_token(struct fg_text_words *w, struct fg_text_string text);
void fg_text_words_expected(struct fg_text_words *w, const char *const *name, size_t count);
/* text.c: `text` as a string of at most FG_NAME_MAX octets; false and out untouched where longer. */
bool fg_text_copy(struct fg_text_string text, char out[FG_NAME_MAX + 1]);
/* text.c: likewise of a token that names something; FG_MALFORMED where longer. */
int fg_text_name_copy(struct fg_text_state *s, const struct fg_text_value *token, char out[FG_NAME_MAX + 1]);

/* limits.c: opens the outermost block, that of a rule, that of a source; delivers one limit of it. */
int fg_text_limits_open(struct fg_text_state *s, const struct fg_text_value *word);
void fg_text_limits_scope(struct fg_text_state *s, const char *scope);
int fg_text_limits_source(struct fg_text_state *s, const struct fg_text_value *name);
int fg_text_limits_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *value);
/* limits.c: delivers a prefix that the source may act on. */
int fg_text_limits_prefix(struct fg_text_state *s, const struct fg_text_value *word,
			  const struct fg_text_value *prefix);

/* settings.c: the words of a setting, one by one; then what they are: a line, or a block that opens and closes. */
void fg_text_setting_begin(struct fg_text_state *s);
int fg_text_setting_add(struct fg_text_state *s, const struct fg_text_value *word);
int fg_text_setting_end(struct fg_text_state *s, enum fg_text_setting_kind kind);

/* rulebuild.c: conditions. A component comes once; its terms follow it. */
void fg_text_rule_begin(struct fg_text_state *s);
int fg_text_component_open(struct fg_text_state *s, uint8_t type, const struct fg_text_value *word);
int fg_text_prefix_put(struct fg_text_state *s, const struct fg_text_value *prefix);
/* One term: comparison or bitmask bits as of the wire, joined to the one before if state->and_next. */
void fg_text_term_put(struct fg_text_state *s, uint8_t op, const struct fg_text_value *value);
void fg_text_range_put(struct fg_text_state *s, const struct fg_text_value *range);
/* Bits of a flag's name in the open component. */
int fg_text_flag_bits(struct fg_text_state *s, const struct fg_text_value *name, uint64_t *bits);
int fg_text_raw_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *hex);
/* The rule that began at `at` is complete: delivers it. */
int fg_text_rule_end(struct fg_text_state *s, struct fg_text_place at);

/* attributes.c: attributes and actions, each at most once. */
int fg_text_attribute_put(struct fg_text_state *s, enum fg_text_attribute which, const struct fg_text_value *word,
			  const struct fg_text_value *value);
/* An action without a value, and those of one. `bits` is what it sets. */
int fg_text_action_put(struct fg_text_state *s, uint32_t bits, const struct fg_text_value *word);
int fg_text_accept_put(struct fg_text_state *s, const struct fg_text_value *word);
int fg_text_rate_put(struct fg_text_state *s, uint32_t bits, const struct fg_text_value *word,
		     const struct fg_text_value *value);
int fg_text_mark_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *value);
int fg_text_target_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *value);
int fg_text_next_hop_put(struct fg_text_state *s, bool copy, const struct fg_text_value *word,
			 const struct fg_text_value *value);

#endif
