/* SPDX-License-Identifier: BSD-3-Clause */
/* Calls and replies, and what a daemon may answer that it should not. Its part is played by the other end of a pair. */
#include "tests/unit/client/pair.h"

#include <string.h>
#include <sys/un.h>

#include "ctrl/client/client.h"

enum { SOON_MS = 50 };

static struct fg_client *client;
static int other;

static int setup(void **state)
{
	int fd = fg_pair_open(&other);

	(void)state;
	client = fg_client_new(fd, SOON_MS);
	return client == NULL;
}

static int teardown(void **state)
{
	(void)state;
	fg_client_close(client);
	close(other);
	return 0;
}

static void asked(const char *want)
{
	char line[1024] = "";

	assert_true(read(other, line, sizeof(line) - 1) > 0);
	assert_string_equal(line, want);
}

/* What a call comes to where this is the answer. */
static enum fg_client_result answered(const char *answer, json_t **reply)
{
	fg_pair_say(other, answer);
	return fg_client_ask(client, "Status", NULL, reply);
}

static void test_call_and_reply(void **state)
{
	json_t *reply;

	(void)state;
	assert_int_equal(answered("{\"parameters\":{\"generation\":7}}\n", &reply), FG_CLIENT_DONE);
	assert_int_equal(json_integer_value(json_object_get(reply, "generation")), 7);
	json_decref(reply);
	asked("{\"method\":\"net.flowgate.v1.Status\",\"parameters\":{}}\n");
}

static void test_stream(void **state)
{
	json_t *reply;
	bool continues;

	(void)state;
	assert_int_equal(fg_client_call(client, "ListRules", json_pack("{s:s}", "name", "DNS"), true), FG_CLIENT_DONE);
	asked("{\"method\":\"net.flowgate.v1.ListRules\",\"parameters\":{\"name\":\"DNS\"},\"more\":true}\n");
	fg_pair_say(other, "{\"parameters\":{},\"continues\":true}\n{\"parameters\":{}}\n");
	assert_int_equal(fg_client_reply(client, &reply, &continues), FG_CLIENT_DONE);
	assert_true(continues);
	json_decref(reply);
	assert_int_equal(fg_client_reply(client, &reply, &continues), FG_CLIENT_DONE);
	assert_false(continues);
	json_decref(reply);
}

static void test_error_with_parameters(void **state)
{
	json_t *reply;

	(void)state;
	assert_int_equal(
		answered("{\"error\":\"net.flowgate.v1.RuleNotFound\",\"parameters\":{\"rule\":\"DNS\"}}\n", &reply),
		FG_CLIENT_NOT_FOUND);
	assert_null(reply);
	assert_string_equal(fg_client_error(client), "no such rule: DNS");
	assert_string_equal(fg_client_error_name(client), "RuleNotFound");
	assert_non_null(json_object_get(fg_client_error_parameters(client), "rule"));
}

static void test_answers_that_are_none(void **state)
{
	static const char *const answers[] = {
		"\n",
		"garbage\n",
		"[]\n",
		"1\n",
		"{}\n",
		"{\"parameters\":[]}\n",
		"{\"parameters\":null}\n",
		"{\"error\":5}\n",
		"{\"parameters\":{},\"parameters\":{}}\n",
		"{\"parameters\":{},\"continues\":1}\n",
		"{\"parameters\":{},\"continues\":true}\n",
		"{\"parameters\":{}} {\"parameters\":{}}\n",
		"{\"error\":\"\\u001b[2J\"}\n",
	};
	json_t *reply;

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		assert_int_equal(answered(answers[i], &reply), FG_CLIENT_BROKEN);
		assert_null(reply);
		assert_true(strlen(fg_client_error(client)) > 0);
		assert_null(strchr(fg_client_error(client), '\033'));
	}
}

static void test_silence(void **state)
{
	json_t *reply;

	(void)state;
	assert_int_equal(answered("{\"parameters\":", &reply), FG_CLIENT_BROKEN);
	assert_non_null(strstr(fg_client_error(client), "no answer in time"));
}

static void test_end_before_the_answer(void **state)
{
	json_t *reply;

	(void)state;
	shutdown(other, SHUT_RDWR);
	assert_int_equal(fg_client_ask(client, "Flush", NULL, &reply), FG_CLIENT_BROKEN);
	assert_non_null(strstr(fg_client_error(client), "whether it was done is not known"));
}

static void test_a_call_too_long(void **state)
{
	static char text[FG_CLIENT_LINE_MAX];
	json_t *reply;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(fg_client_ask(client, "AddRules", json_pack("{s:s}", "text", text), &reply),
			 FG_CLIENT_REFUSED);
	assert_int_equal(recv(other, text, sizeof(text), MSG_DONTWAIT), -1);
}

static void test_nobody_listens(void **state)
{
	char error[FG_CLIENT_ERROR_MAX], path[200];
	struct fg_client *none;

	(void)state;
	assert_int_equal(fg_client_open(&none, "/nonexistent/socket", SOON_MS, error), FG_CLIENT_NO_CONNECTION);
	assert_null(none);
	assert_non_null(strstr(error, "is flowgated running?"));
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(fg_client_open(&none, path, SOON_MS, error), FG_CLIENT_NO_CONNECTION);
	assert_int_equal(fg_client_open(&none, "/dev/null", SOON_MS, error), FG_CLIENT_NO_CONNECTION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_call_and_reply, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stream, setup, teardown),
		cmocka_unit_test_setup_teardown(test_error_with_parameters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answers_that_are_none, setup, teardown),
		cmocka_unit_test_setup_teardown(test_silence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_before_the_answer, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_call_too_long, setup, teardown),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
