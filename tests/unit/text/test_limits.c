/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `limits { … }`: scopes, words, numbers with their places, and what is no such block.
 */
#include "tests/unit/text/seen.h"

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(
		read_text(
			"limits {\n bytes 1G; lines 256; mtu 1500;\n rule { bytes 1M; }\n source portal { lines 5k; }\n"
			" slots 0; }\nmatch port 5 then discard"),
		0);
	assert_string_equal(
		seen.limits,
		"table.bytes=1073741824@2:2 table.lines=256@2:12 table.mtu=1500@2:23 rule.bytes=1048576@3:9 "
		"portal.lines=5120@4:18 table.slots=0@5:2 ");
	assert_int_equal(seen.rules, 1);
	assert_int_equal(read_text("limits\n{ source source { rule 5; } }"), FG_MALFORMED);
	assert_int_equal(read_text("limits\n{ source limits { match 5; } }"), 0);
	assert_string_equal(seen.limits, "limits.match=5@2:19 ");
}

static void test_limits_refused(void **state)
{
	struct fg_text_reader only_limits = { .limit = on_limit, .ctx = &seen };
	struct fg_text_reader only_rules = { .rule = on_rule, .ctx = &seen };
	static const char rule[] = "\n match port 5 then discard", limits[] = "limits { bytes 1; }";

	(void)state;
	assert_error("limits { bytes 5x; }",
		     "f:1:16: unexpected '5x', expected a number, with k, M, G or T for powers of 1024");
	assert_error(
		"limits { bytes 18446744073709551615k; }",
		"f:1:16: unexpected '18446744073709551615k', expected a number, with k, M, G or T for powers of 1024");
	assert_error("limits { bytes yes; }", "f:1:16: unexpected 'yes', expected amount");
	assert_error("limits { bytes 5 }", "f:1:18: unexpected '}', expected ';'");
	assert_error("limits { rule { rule { } } }", "f:1:17: unexpected 'rule', expected '}' or word");
	assert_error("limits { source rule { } }",
		     "f:1:17: unexpected 'rule', expected a name other than 'table' and 'rule'");
	assert_int_equal(fg_text_read("f", rule, strlen(rule), &only_limits, seen.error), FG_MALFORMED);
	assert_string_equal(seen.error, "f:2:2: unexpected rule, expected 'limits'");
	assert_int_equal(fg_text_read("f", limits, strlen(limits), &only_rules, seen.error), FG_MALFORMED);
	assert_string_equal(seen.error, "f:1:1: unexpected 'limits', expected a rule");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_limits_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
