/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule language: one grammar for files, the command line, the socket and the configuration. Reads text and makes rules
 * whose NLRI is in minimal encoding (or the raw octets of `nlri HEX`). May allocate, bounded.
 */
#ifndef CTRL_TEXT_TEXT_H
#define CTRL_TEXT_TEXT_H

#include "flowgate/errors.h"
#include "flowgate/rule.h"

enum {
	FG_TEXT_ERROR_MAX = 1024,    /* octets of fg_text_read()'s error[] */
	FG_TEXT_SETTING_WORDS = 8,   /* words of one setting, itself included */
	FG_TEXT_WORD_MAX = 255,      /* octets of one of them */
	FG_TEXT_EXPECTED_ROOM = 512, /* octets of an expectation in words */
};

/* Attributes a rule may carry beside conditions and actions; "" or 0 where absent. */
struct fg_text_rule {
	struct fg_rule rule; /* nlri points into memory that is the reader's until the callback returns */
	enum fg_reason
		refused; /* FG_OK, or why the conditions make no NLRI at all (dscp 101: FG_NEVER_MATCHES); then nlri_len is 0 */
	struct fg_finding why; /* where refused */
	const char *payload;   /* Hyperscan pattern with its flags, as written, or NULL */
	char owner[FG_NAME_MAX + 1];
	char ticket[FG_NAME_MAX + 1];
	char site[FG_NAME_MAX + 1];
	char source[FG_NAME_MAX + 1]; /* `source-name NAME`: whose budget it counts on; "" is the file's */
	uint32_t ttl_s;
	uint32_t line; /* where the rule begins, from 1 */
	uint32_t column;
};

/* Of `limits { … }`: see ctrl/table/budget.h for the meaning. Absent words leave the field as it was. */
struct fg_text_limit {
	const char *scope; /* "table", "rule", or the name of a source */
	const char *word;  /* "bytes", "lines", "slots", "rules", "mtu" … */
	uint64_t value;
	uint32_t line, column;
};

/* Of `source NAME { prefix P; }` in limits: destinations that a source may act on. */
struct fg_text_scope {
	const char *source;
	enum fg_family family;
	struct fg_prefix prefix;
	uint32_t line, column;
};

struct fg_text_word {
	char text[FG_TEXT_WORD_MAX + 1];
	uint32_t line, column;
};

/* `WORD VALUE…;` is a line; `WORD VALUE… {` opens a block; its `}` closes it. */
enum fg_text_setting_kind { FG_SETTING_LINE, FG_SETTING_OPEN, FG_SETTING_CLOSE };

/* A piece of a configuration. Which words there are is the caller's knowledge. */
struct fg_text_setting {
	enum fg_text_setting_kind kind;
	const char *block;               /* first word of the block it stands in, "" outside; of a close: the block's */
	const struct fg_text_word *word; /* the setting itself and its values; none of a close */
	size_t words;
};

struct fg_text_reader {
	/* Called for each rule or limit in order. Non-zero stops the reading and is returned. NULL: such blocks are a syntax error. */
	int (*rule)(void *ctx, const struct fg_text_rule *rule);
	int (*limit)(void *ctx, const struct fg_text_limit *limit);
	int (*scope)(void *ctx, const struct fg_text_scope *scope);
	/*
	 * Not NULL: the text is a configuration. It has limits, settings, and rules in `protect { }` only, whose
	 * action is to accept.
	 */
	int (*setting)(void *ctx, const struct fg_text_setting *setting);
	void *ctx;
	bool full_offsets; /* `nlri HEX` is read in FG_OFFSET_FULL */
};

/*
 * Reads `len` octets of text. `file` is for messages. 0; FG_MALFORMED: a syntax error, and error[] holds
 * "FILE:LINE:COLUMN: unexpected X, expected A, B or C"; -ENOMEM; or what a callback answered. On a syntax error rules before it
 * may have been delivered: a caller that applies nothing of a bad file collects first.
 */
int fg_text_read(const char *file, const char *text, size_t len, const struct fg_text_reader *reader, char error[1024]);

/*
 * Puts "FILE:LINE:COLUMN: unexpected 'WORD', expected EXPECTED" into the error of a callback that will not have what it
 * was given. FG_MALFORMED.
 */
int fg_text_refuse(char error[FG_TEXT_ERROR_MAX], const char *file, const struct fg_text_word *word,
		   const char *expected);

#endif
