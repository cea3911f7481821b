/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules as JSON: text or octets, both the same rule, and no key that is not understood. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/load/loading.h"

static void test_read(void **state)
{
	static const char *const texts[] = {
		"{\"text\":\"name A match protocol tcp then discard\"}",
		"{\"name\":\"A\",\"family\":\"ipv4\",\"nlri\":\"03038106\",\"actions\":[\"8006000000000000\"]}",
		"{\"name\":\"A\",\"nlri\":\"03038106\",\"actions\":[\"8006000000000000\"],\"text\":null,\"line\":7}",
		"{\"name\":\"A\",\"nlri\":\"03038106\",\"text\":\"match protocol tcp then discard\"}",
		"{\"summary\":{}}\n# comment\n\n{\"name\":\"A\",\"text\":\"match protocol tcp then discard\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		loading_judged("", texts[i]);
		assert_int_equal(loading->count, 1);
		assert_int_equal(loading->admitted, 1);
		assert_string_equal(loading->rule[0]->rule.name, "A");
		assert_memory_equal(loading->rule[0]->rule.nlri, "\x03\x81\x06", 3);
		assert_int_equal(loading->rule[0]->rule.actions.set, FG_ACT_DISCARD);
	}
}

static void test_attributes(void **state)
{
	(void)state;
	loading_judged("", "{\"name\":\"#9\",\"text\":\"match port 1 then "
			   "discard\",\"owner\":\"noc\",\"ticket\":\"T\",\"site\":\"ams\","
			   "\"source\":\"det\",\"ttl\":60}");
	assert_string_equal(loading->rule[0]->rule.name, "");
	assert_string_equal(loading->rule[0]->owner, "noc");
	assert_string_equal(loading->rule[0]->ticket, "T");
	assert_string_equal(loading->rule[0]->site, "ams");
	assert_string_equal(loading->rule[0]->source, "det");
	assert_int_equal(loading->rule[0]->ttl_s, 60);
	/* Without its pattern the rule would be wider. */
	loading_judged("", "{\"nlri\":\"03038106\",\"actions\":[],\"payload\":\"x\"}");
	assert_int_equal(loading_reason(0), FG_UNSUPPORTED);
}

static void test_refused(void **state)
{
	static const char *const wrong[] = {
		"{}",
		"[]",
		"{\"text\":1}",
		"{\"text\":\"\"}",
		"{\"text\":\"match port 1 then discard; match port 2 then discard\"}",
		"{\"text\":\"match prt\"}",
		"{\"text\":\"match port 1 then discard\",\"nlri\":\"03038106\"}",
		"{\"text\":\"match port 1 then discard\",\"acton\":1}",
		"{\"nlri\":\"03038106\"}",
		"{\"nlri\":\"03038106\",\"actions\":\"8006000000000000\"}",
		"{\"nlri\":\"03038106\",\"actions\":[1]}",
		"{\"nlri\":\"03038106\",\"actions\":[\"zz\"]}",
		"{\"nlri\":\"zz\",\"actions\":[]}",
		"{\"nlri\":\"0303810600\",\"actions\":[]}",
		"{\"nlri\":\"03038106\",\"family\":\"ipx\",\"actions\":[]}",
		"{\"nlri\":\"03038106\",\"actions\":[],\"ttl\":0}",
		"{\"nlri\":\"03038106\",\"actions\":[],\"actions\":[]}",
		"{\"nlri\":\"03038106\",\"actions\":[]} x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		loading_new();
		assert_int_equal(loading_add(wrong[i], FG_FORM_JSON), FG_MALFORMED);
		assert_memory_equal(loading->error, "test:1:", 7);
		assert_int_equal(loading->count, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, loading_end);
}
