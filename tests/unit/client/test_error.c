/* SPDX-License-Identifier: BSD-3-Clause */
/* Each error of the interface, and the result it stands for. */
#include "tests/unit/client/pair.h"

#include "ctrl/client/client.h"

static const struct row {
	const char *name, *parameters, *sentence;
	enum fg_client_result result;
} rows[] = {
	{ "SyntaxError", "{\"message\":\"text:1:7: unexpected ';'\"}", "text:1:7: unexpected ';'", FG_CLIENT_SYNTAX },
	{ "RuleRefused", "{\"rules\":[]}", "refused, and nothing was changed", FG_CLIENT_REFUSED },
	{ "RuleNotFound", "{\"rule\":\"a\\nb\"}", "no such rule: a?b", FG_CLIENT_NOT_FOUND },
	{ "GenerationNotFound", "{\"generation\":9}", "no such generation: 9", FG_CLIENT_NOT_FOUND },
	{ "NothingToConfirm", "{}", "nothing waits to be confirmed", FG_CLIENT_NOT_FOUND },
	{ "PermissionDenied", "{\"role\":\"read\",\"needed\":\"admin\"}", "not permitted: this needs the role admin",
	  FG_CLIENT_REFUSED },
	{ "TooLarge", "{\"limit\":1048576}", "more than the daemon takes, which is 1048576", FG_CLIENT_REFUSED },
	{ "BatchBroken", "{\"expected\":1}", "the daemon lost a part of the batch, and nothing was changed",
	  FG_CLIENT_BROKEN },
	{ "Unavailable", "{\"message\":\"the gate is being restarted\"}", "not available: the gate is being restarted",
	  FG_CLIENT_BROKEN },
	{ "Unavailable", "null", "not available: ?", FG_CLIENT_BROKEN },
	{ "org.varlink.service.InvalidParameter", "{\"parameter\":\"ttl\"}",
	  "the daemon does not accept the parameter ttl", FG_CLIENT_SYNTAX },
	{ "org.varlink.service.MethodNotFound", "{\"method\":\"Flush\"}", "the daemon does not know the method Flush",
	  FG_CLIENT_BROKEN },
	{ "Nonsense", "{}", "the daemon answers with an error that is not known here: Nonsense", FG_CLIENT_BROKEN },
};

static void test_each(void **state)
{
	char error[FG_CLIENT_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *parameters = json_loads(rows[i].parameters, JSON_DECODE_ANY, NULL);

		assert_non_null(parameters);
		assert_int_equal(fg_client_judge(rows[i].name, parameters, error), rows[i].result);
		assert_string_equal(error, rows[i].sentence);
		json_decref(parameters);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
