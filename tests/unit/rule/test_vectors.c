/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Wire vectors (tests/data/vectors.tsv): each NLRI and each community is accepted or refused as its row says, each
 * pair is ordered as its row says, and no proper prefix of any is read beyond its end or taken for a whole one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/rule/actions.h"
#include "ctrl/rule/order.h"

enum { OCTETS_MAX = 2 + FG_NLRI_MAX, LINE_MAX_OCTETS = 32768 };

struct row {
	char *hex;
	char *meaning;
	char *verdict;
};

/* Octets of a hex string up to its end or a '|'. */
static size_t octets_of(const char *hex, uint8_t *out)
{
	size_t n = 0;
	unsigned int v;

	while (n < OCTETS_MAX && sscanf(hex + 2 * n, "%2x", &v) == 1 && hex[2 * n] != '|')
		out[n++] = (uint8_t)v;
	return n;
}

/* Reads `len` octets from memory of exactly that size. Framed: the NLRI's length octets are there. */
static int judge(enum fg_family family, bool with_length, const uint8_t *octets, size_t len)
{
	uint8_t *copy = malloc(len + 1);
	struct fg_reader in = { .at = copy + 1, .end = copy + 1 + len };
	struct fg_rule rule = { .family = (uint8_t)family, .nlri = copy + 1, .nlri_len = (uint16_t)len };
	bool framed;
	int r;

	memcpy(copy + 1, octets, len);
	r = with_length ? fg_nlri_read(&in, family, false, FG_OFFSET_STRICT, &rule, &framed, NULL)
			: fg_nlri_check(&rule, NULL);
	if (r == 0 && with_length)
		assert_int_equal(fg_reader_left(&in), 0);
	free(copy);
	return r;
}

static void check_row(const struct row *row)
{
	static uint8_t octets[OCTETS_MAX];
	enum fg_family family = strstr(row->meaning, "[v6") ? FG_IPV6 : FG_IPV4;
	bool with_length = strstr(row->meaning, "-nlri]") != NULL;
	size_t len = octets_of(row->hex, octets);
	int want = strncmp(row->verdict, "invalid", 7) == 0 ? FG_MALFORMED : 0;

	if (judge(family, with_length, octets, len) != want)
		fail_msg("%.60s: %s", row->hex, row->verdict);
	for (size_t cut = 0; cut < len; cut++) {
		int r = judge(family, with_length, octets, cut);

		assert_true(r == FG_MALFORMED || (r == 0 && !with_length));
	}
}

/* Reads an attribute from memory of exactly its size. */
static int judge_actions(const uint8_t *octets, size_t len, bool ipv6, struct fg_actions *a)
{
	uint8_t *copy = malloc(len + 1);
	int r;

	memset(a, 0, sizeof(*a));
	memcpy(copy + 1, octets, len);
	r = fg_actions_read(copy + 1, len, ipv6, a, NULL);
	free(copy);
	return r;
}

/* What the rows say of rates is in words; the two that they leave to policy are refused. */
static void check_actions(const struct row *row)
{
	static uint8_t octets[OCTETS_MAX];
	bool ipv6 = strstr(row->meaning, "[attr25]") != NULL;
	size_t len = octets_of(row->hex, octets);
	struct fg_actions a;
	int r = judge_actions(octets, len, ipv6, &a);

	if (strncmp(row->verdict, "valid", 5) == 0)
		assert_int_equal(r, 0);
	else
		assert_int_equal(r, strstr(row->meaning, "+infinity") ? FG_UNSUPPORTED : FG_MALFORMED);
	if (strstr(row->verdict, "discard"))
		assert_int_equal(a.set, FG_ACT_DISCARD);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(judge_actions(octets, cut, ipv6, &a), FG_MALFORMED);
}

static void check_order(const struct row *row)
{
	static uint8_t left[OCTETS_MAX], right[OCTETS_MAX];
	uint8_t family = strstr(row->meaning, "[order6]") ? FG_IPV6 : FG_IPV4;
	struct fg_rule a = { .family = family, .nlri = left }, b = { .family = family, .nlri = right };

	a.nlri_len = (uint16_t)octets_of(row->hex, left);
	b.nlri_len = (uint16_t)octets_of(strchr(row->hex, '|') + 1, right);
	if (fg_rule_order(&a, &b) >= 0 || fg_rule_order(&b, &a) <= 0)
		fail_msg("%s: left is not first", row->hex);
}

static void test_all_vectors(void **state)
{
	static char line[LINE_MAX_OCTETS];
	const char *folder = getenv("FG_TEST_DATA");
	char path[4096];
	size_t nlri = 0, order = 0, actions = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/vectors.tsv", folder ? folder : "tests/data");
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct row row;

		if (strtok(line, "\t") == NULL || (row.hex = strtok(NULL, "\t")) == NULL ||
		    (row.meaning = strtok(NULL, "\t")) == NULL || (row.verdict = strtok(NULL, "\n")) == NULL)
			continue;
		if (strstr(row.meaning, "-nlri]") || strstr(row.meaning, "-value]")) {
			check_row(&row);
			nlri++;
		} else if (strstr(row.meaning, "[order")) {
			check_order(&row);
			order++;
		} else if (strstr(row.meaning, "[extcomm]") || strstr(row.meaning, "[attr25]")) {
			check_actions(&row);
			actions++;
		}
	}
	fclose(f);
	assert_int_equal(nlri, 23);
	assert_int_equal(order, 6);
	assert_int_equal(actions, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_vectors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
