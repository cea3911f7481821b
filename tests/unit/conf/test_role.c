/* SPDX-License-Identifier: BSD-3-Clause */
/* Roles: the highest counts, root is admin, a name that is not known gives nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/conf/conf.h"

static struct fg_conf conf;
static char error[FG_CONF_ERROR_MAX];

static void read_text(const char *text)
{
	assert_int_equal(fg_conf_read(&conf, "f", text, strlen(text), error), 0);
}

static void test_roles(void **state)
{
	const uint32_t none[] = { 50 }, noc[] = { 7, 60 };

	(void)state;
	read_text("control { read gid 60; operator gid 60; admin uid 1000; operator uid 1000; others none; }");
	assert_int_equal(fg_conf_role_of(&conf, 0, none, 1), FG_ROLE_ADMIN);
	assert_int_equal(fg_conf_role_of(&conf, 1000, none, 1), FG_ROLE_ADMIN);
	assert_int_equal(fg_conf_role_of(&conf, 1001, noc, 2), FG_ROLE_OPERATOR);
	assert_int_equal(fg_conf_role_of(&conf, 1001, none, 1), FG_ROLE_NONE);
	assert_int_equal(fg_conf_role_of(&conf, 60, none, 1), FG_ROLE_NONE);
	read_text("");
	assert_int_equal(fg_conf_role_of(&conf, 1001, none, 1), FG_ROLE_READ);
}

static void test_names(void **state)
{
	const uint32_t none[] = { 50 };

	(void)state;
	read_text("control { admin uid daemon; operator gid no-such-group; others none; }");
	assert_int_equal(fg_conf_role_of(&conf, 1, none, 1), FG_ROLE_NONE);
	assert_int_equal(fg_conf_resolve(&conf, error), -ENOENT);
	assert_string_equal(error, "'operator gid no-such-group': no such group on this system");
	assert_int_equal(fg_conf_role_of(&conf, 1, none, 1), FG_ROLE_ADMIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_roles), cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
