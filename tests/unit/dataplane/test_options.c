/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of flowgate-dpdk (dataplane/options.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/options.h"

static struct fg_options options;
static char error[FG_OPTIONS_ERROR_MAX];

/* The words of a line, as a shell would give them. */
static int read_line(const char *line)
{
	static char text[4096], *argv[128];
	int argc = 0;

	strcpy(text, line);
	argv[argc++] = text;
	for (char *p = text; *p != '\0'; p++)
		if (*p == ' ') {
			*p = '\0';
			argv[argc++] = p + 1;
		}
	argv[argc] = NULL;
	error[0] = '\0';
	return fg_options_read(&options, argc, argv, error);
}

static void refused(const char *line, const char *why)
{
	assert_true(read_line(line) < 0);
	if (strstr(error, why) == NULL)
		print_error("%s: %s\n", line, error);
	assert_non_null(strstr(error, why));
}

#define GOOD "flowgate-dpdk --share /x --port a=net_null0"

static void test_all(void **state)
{
	(void)state;
	assert_int_equal(
		read_line(
			GOOD
			",size=64 --port b=0000:03:00.0 --lcores 1,4-6 --main-core 2 --mbufs 4096 -- --no-huge -m 64"),
		0);
	assert_string_equal(options.folder, "/x");
	assert_int_equal(options.ports, 2);
	assert_string_equal(options.port[0].name, "a");
	assert_string_equal(options.port[0].device, "net_null0,size=64");
	assert_string_equal(options.port[1].device, "0000:03:00.0");
	assert_int_equal(options.cpus, 4);
	assert_int_equal(options.cpu[0], 1);
	assert_int_equal(options.cpu[3], 6);
	assert_int_equal(options.main_cpu, 2);
	assert_int_equal(options.mbufs, 4096);
	assert_int_equal(options.eals, 3);
	assert_string_equal(options.eal[2], "64");
}

static void test_least(void **state)
{
	(void)state;
	assert_int_equal(read_line(GOOD), 0);
	assert_int_equal(options.cpus, 0);
	assert_int_equal(options.main_cpu, -1);
	assert_int_equal(options.mbufs, 0);
	assert_int_equal(options.eals, 0);
	fg_options_default_cpus(&options);
	assert_true(options.cpus >= 1);
	assert_true(options.main_cpu >= 0);
	if (options.cpus > 1)
		assert_int_not_equal(options.cpu[0], options.main_cpu);
	/* What was said stays. */
	assert_int_equal(read_line(GOOD " --lcores 3 --main-core 0"), 0);
	fg_options_default_cpus(&options);
	assert_int_equal(options.cpus, 1);
	assert_int_equal(options.cpu[0], 3);
}

static void test_alone(void **state)
{
	(void)state;
	assert_int_equal(read_line("flowgate-dpdk --help"), 0);
	assert_true(options.help);
	assert_int_equal(read_line("flowgate-dpdk --version"), 0);
	assert_true(options.version);
}

static void test_refused(void **state)
{
	(void)state;
	refused("flowgate-dpdk", "expected --share and at least one --port");
	refused("flowgate-dpdk --share /x", "expected --share and at least one --port");
	refused("flowgate-dpdk --port a=net_null0", "expected --share and at least one --port");
	refused(GOOD " --port a=net_null1", "given before");
	refused(GOOD " --port b=net_null0,size=64", "given before");
	refused(GOOD " --port =net_null1", "NAME=DEVICE");
	refused(GOOD " --port b", "NAME=DEVICE");
	refused(GOOD " --port b=", "NAME=DEVICE");
	refused(GOOD " --port sixteen-octets-x=net_null1", "NAME=DEVICE");
	refused(GOOD " --lcores 1,1", "--lcores");
	refused(GOOD " --lcores 4-2", "--lcores");
	refused(GOOD " --lcores 1,", "--lcores");
	refused(GOOD " --lcores 1-", "--lcores");
	refused(GOOD " --lcores 1024", "--lcores");
	refused(GOOD " --lcores 0-64", "--lcores");
	refused(GOOD " --lcores -1", "--lcores");
	refused(GOOD " --lcores 1x", "--lcores");
	refused(GOOD " --main-core x", "--main-core");
	refused(GOOD " --main-core 99999999999999999999", "--main-core");
	refused(GOOD " --mbufs 1", "--mbufs");
	refused(GOOD " --mbufs 4096k", "--mbufs");
	refused(GOOD " --mbufs", "a value is missing");
	refused(GOOD " --such", "no such option");
	refused(GOOD " --no-huge", "no such option");
	refused(GOOD " left-over", "goes behind --");
}

static void test_too_many(void **state)
{
	char line[4096] = "flowgate-dpdk --share /x", one[64];

	(void)state;
	for (int i = 0; i <= FG_PORTS_MAX; i++) {
		snprintf(one, sizeof(one), " --port p%d=net_null%d", i, i);
		strcat(line, one);
	}
	refused(line, "more than 32 ports");
}

static void test_devices(void **state)
{
	char name[FG_DEVICE_TEXT_MAX];

	(void)state;
	assert_true(fg_device_is_pci("0000:03:00.0"));
	assert_true(fg_device_is_pci("03:00.1"));
	assert_true(fg_device_is_pci("0000:03:00.0,rx_queues=2"));
	assert_false(fg_device_is_pci("net_null0"));
	assert_false(fg_device_is_pci("0000:03:00.0x"));
	assert_false(fg_device_is_pci("net_af_packet0,iface=03:00.1"));
	fg_device_name("net_tap0,iface=x", name);
	assert_string_equal(name, "net_tap0");
	fg_device_name("0000:03:00.0", name);
	assert_string_equal(name, "0000:03:00.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),     cmocka_unit_test(test_least),    cmocka_unit_test(test_alone),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_too_many), cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
