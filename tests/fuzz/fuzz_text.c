/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rule text. Comes in: text. What must hold: it is read or refused with a message that names the place; the canonical text of each rule
 * whose NLRI is valid reads back to the same rule; and what the reader made of conditions in words is valid in the first place.
 */
#include <string.h>

#include "ctrl/text/text.h"
#include "tests/fuzz/fuzz.h"

enum { RULES_READ_BACK = 8 }; /* of one text: more make it slow and show nothing new */

static int on_rule(void *ctx, const struct fg_text_rule *got)
{
	size_t *rules = ctx;
	struct or_nlri nlri;
	bool valid;

	if (got->refused != FG_OK) {
		MUST_HOLD(got->rule.nlri_len == 0 && got->why.code == got->refused && got->why.detail[0] != '\0');
		return 0;
	}
	valid = or_nlri_decode(got->rule.family == FG_IPV6 ? OR_IPV6 : OR_IPV4, got->rule.offset_form == FG_OFFSET_FULL,
			       got->rule.nlri, got->rule.nlri_len, &nlri);
	MUST_HOLD((fg_nlri_check(&got->rule, NULL) == 0) == valid);
	if (valid && ++*rules <= RULES_READ_BACK)
		fuzz_reads_back(&got->rule);
	return 0;
}

static int on_limit(void *ctx, const struct fg_text_limit *limit)
{
	(void)ctx;
	MUST_HOLD(limit->scope[0] != '\0' && limit->word[0] != '\0' && limit->line > 0 && limit->column > 0);
	return 0;
}

static void read_text(const char *text, size_t len, bool full_offsets)
{
	size_t rules = 0;
	struct fg_text_reader reader = {
		.rule = on_rule, .limit = on_limit, .ctx = &rules, .full_offsets = full_offsets
	};
	char error[1024] = "";
	int r = fg_text_read("file", text, len, &reader, error);

	MUST_HOLD(r == 0 || r == FG_MALFORMED);
	MUST_HOLD(memchr(error, '\0', sizeof(error)) != NULL);
	MUST_HOLD((r == 0) == (error[0] == '\0') && (r == 0 || strncmp(error, "file:", 5) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	read_text((const char *)data, size, false);
	if (memmem(data, size, "nlri", 4) != NULL)
		read_text((const char *)data, size, true);
	return 0;
}
