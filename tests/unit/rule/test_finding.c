/* SPDX-License-Identifier: BSD-3-Clause */
/* The list of findings (finding.c): order, and who is left out when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/rule/lint.h"

static void test_names(void **state)
{
	(void)state;
	for (unsigned int r = FG_OK; r < FG_REASON_COUNT; r++)
		assert_true(fg_reason_name(r)[0] != '\0');
	assert_string_equal(fg_reason_name(FG_NEVER_MATCHES), "never-matches");
	assert_string_equal(fg_reason_name(FG_REASON_COUNT), "");
	assert_string_equal(fg_component_name(FG_LENGTH), "packet-length");
	assert_string_equal(fg_component_name(0), "");
	assert_string_equal(fg_component_name(FG_COMPONENT_MAX + 1), "");
}

static void test_full(void **state)
{
	static struct fg_findings f;

	(void)state;
	for (int i = 0; i < FG_FINDINGS_MAX; i++)
		assert_non_null(fg_finding_add(&f, FG_TWO_VALUES, FG_LENGTH, "x", "warning %d", i));
	assert_null(fg_finding_add(&f, FG_TWO_VALUES, FG_LENGTH, "x", "one too many"));
	assert_non_null(fg_finding_add(&f, FG_NEVER_MATCHES, FG_PORT, "RFC", "refused"));
	assert_int_equal(f.count, FG_FINDINGS_MAX);
	assert_string_equal(f.at[FG_FINDINGS_MAX - 1].detail, "refused");
	assert_string_equal(f.at[FG_FINDINGS_MAX - 1].source, "RFC");
	assert_string_equal(f.at[FG_FINDINGS_MAX - 2].detail, "warning 14");
	for (int i = 1; i < FG_FINDINGS_MAX; i++)
		assert_non_null(fg_finding_add(&f, FG_OVER_BUDGET, 0, "x", "refusal %d", i));
	assert_null(fg_finding_add(&f, FG_OVER_BUDGET, 0, "x", "nothing to leave out"));
	assert_string_equal(f.at[0].detail, "refused");
	assert_string_equal(f.at[FG_FINDINGS_MAX - 1].detail, "refusal 15");
}

static void test_long(void **state)
{
	static struct fg_findings f;

	(void)state;
	assert_non_null(fg_finding_add(&f, FG_MALFORMED, 0, "", "%0300d", 0));
	assert_int_equal(f.at[0].detail[FG_DETAIL_MAX - 1], '\0');
	assert_int_equal(f.at[0].detail[FG_DETAIL_MAX - 2], '0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
