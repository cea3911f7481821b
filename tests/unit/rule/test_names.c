/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of values (names.c): what is printed reads back; aliases; families. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/rule/print.h"

static uint32_t number(enum fg_family family, uint8_t type, const char *name)
{
	uint32_t v = 0;

	assert_true(fg_value_number(family, type, name, &v));
	return v;
}

static void test_names_read_back(void **state)
{
	size_t named = 0;

	(void)state;
	for (unsigned int family = FG_IPV4; family < FG_FAMILY_COUNT; family++) {
		for (uint8_t type = 0; type <= FG_COMPONENT_MAX; type++) {
			for (uint32_t v = 0; v <= UINT16_MAX; v++) {
				const char *name = fg_value_name(family, type, v);

				if (name == NULL)
					continue;
				assert_int_equal(number(family, type, name), v);
				named++;
			}
		}
	}
	assert_true(named > 100);
}

static void test_known(void **state)
{
	(void)state;
	assert_string_equal(fg_value_name(FG_IPV4, FG_PROTO, 17), "udp");
	assert_string_equal(fg_value_name(FG_IPV4, FG_ICMP_TYPE, 8), "echo-request");
	assert_string_equal(fg_value_name(FG_IPV6, FG_ICMP_TYPE, 128), "echo-request");
	assert_string_equal(fg_value_name(FG_IPV6, FG_DSCP, 46), "ef");
	assert_null(fg_value_name(FG_IPV4, FG_PORT, 53));
	assert_null(fg_value_name(FG_IPV4, FG_PROTO, 256 + 17));
	assert_int_equal(number(FG_IPV4, FG_PROTO, "UDP"), 17);
	assert_int_equal(number(FG_IPV6, FG_PROTO, "icmp6"), 58);
	assert_int_equal(number(FG_IPV6, FG_PROTO, "icmp"), 1);
	assert_int_equal(number(FG_IPV4, FG_SPORT, "memcached"), 11211);
	assert_int_equal(number(FG_IPV4, FG_DPORT, "https"), 443);
	assert_int_equal(number(FG_IPV4, FG_TCP_FLAGS, "syn"), 2);
	assert_int_equal(number(FG_IPV4, FG_FRAGMENT, "last-fragment"), FG_FRAG_LAST);
	assert_int_equal(number(FG_IPV4, FG_ICMP_CODE, "port-unreachable"), 3);
	assert_int_equal(number(FG_IPV6, FG_ICMP_CODE, "port-unreachable"), 4);
}

static void test_unknown(void **state)
{
	uint32_t v = 7;

	(void)state;
	assert_false(fg_value_number(FG_IPV4, FG_PROTO, "", &v));
	assert_false(fg_value_number(FG_IPV4, FG_PROTO, "https", &v));
	assert_false(fg_value_number(FG_IPV4, FG_LENGTH, "tcp", &v));
	assert_false(fg_value_number(FG_IPV4, FG_ICMP_TYPE, "packet-too-big", &v));
	assert_int_equal(v, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_read_back),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
