/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Canonical text and back. Comes in: a checked rule. Goes out: an abort where its text is not the text of one rule, the same. What always
 * holds: what the text says of prefixes is compared too, for octets alone do not tell the two forms of an offset apart.
 */
#include <string.h>

#include "ctrl/rule/print.h"
#include "ctrl/text/text.h"
#include "tests/fuzz/fuzz.h"

struct back {
	const struct fg_rule *want;
	size_t rules;
};

static void same_prefixes(const struct fg_rule *a, const struct fg_rule *b)
{
	struct fg_component_iter in_a = fg_components(a), in_b = fg_components(b);
	struct fg_component of_a, of_b;

	while (fg_component_next(&in_a, &of_a, NULL) == 0 && of_a.type <= FG_SRC) {
		struct fg_prefix pa, pb;

		MUST_HOLD(fg_component_next(&in_b, &of_b, NULL) == 0 && of_b.type == of_a.type);
		pa = fg_component_prefix(a, &of_a);
		pb = fg_component_prefix(b, &of_b);
		MUST_HOLD(pa.offset == pb.offset && pa.length == pb.length);
		MUST_HOLD(memcmp(pa.octets, pb.octets, sizeof(pa.octets)) == 0);
	}
}

static int on_rule(void *ctx, const struct fg_text_rule *got)
{
	struct back *back = ctx;
	const struct fg_rule *want = back->want;

	MUST_HOLD(got->refused == FG_OK);
	MUST_HOLD(got->rule.family == want->family);
	MUST_HOLD(got->rule.nlri_len == want->nlri_len);
	MUST_HOLD(memcmp(got->rule.nlri, want->nlri, want->nlri_len) == 0);
	MUST_HOLD(fg_actions_equal(&got->rule.actions, &want->actions));
	MUST_HOLD(strcmp(got->rule.name, want->name) == 0);
	MUST_HOLD(fg_nlri_check(&got->rule, NULL) == 0);
	same_prefixes(&got->rule, want);
	back->rules++;
	return 0;
}

void fuzz_reads_back(const struct fg_rule *rule)
{
	static char text[FG_TEXT_MAX];
	struct back back = { .want = rule };
	struct fg_text_reader reader = { .rule = on_rule,
					 .ctx = &back,
					 .full_offsets = rule->offset_form == FG_OFFSET_FULL };
	char error[1024] = "";
	size_t len = fg_rule_print(rule, text, sizeof(text));

	MUST_HOLD(len > 0 && len < sizeof(text) && text[len] == '\0');
	if (fg_text_read("text", text, len, &reader, error) != 0 || back.rules != 1) {
		fprintf(stderr, "%s\n%s\n", error, text);
		abort();
	}
}
