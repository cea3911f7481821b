/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rule language: one grammar for files, the command line, the socket and the configuration. Reads text and makes rules
 * whose NLRI is in minimal encoding (or the raw octets of `nlri HEX`). May allocate, bounded.
 */
#ifndef CTRL_TEXT_TEXT_H
#define CTRL_TEXT_TEXT_H

#include "flowgate/errors.h"
#include "flowgate/rule.h"

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

struct fg_text_reader {
	/* Called for each rule or limit in order. Non-zero stops the reading and is returned. NULL: such blocks are a syntax error. */
	int (*rule)(void *ctx, const struct fg_text_rule *rule);
	int (*limit)(void *ctx, const struct fg_text_limit *limit);
	void *ctx;
	bool full_offsets; /* `nlri HEX` is read in FG_OFFSET_FULL */
};

/*
 * Reads `len` octets of text. `file` is for messages. 0; FG_MALFORMED: a syntax error, and error[] holds
 * "FILE:LINE:COLUMN: unexpected X, expected A, B or C"; -ENOMEM; or what a callback answered. On a syntax error rules before it
 * may have been delivered: a caller that applies nothing of a bad file collects first.
 */
int fg_text_read(const char *file, const char *text, size_t len, const struct fg_text_reader *reader, char error[1024]);

#endif
