/* SPDX-License-Identifier: BSD-3-Clause */
/* Lines: whole ones, cut ones, too long ones, late ones; with the other end of a pair in this program. */
#include "tests/unit/client/pair.h"

#include <errno.h>
#include <string.h>

#include "ctrl/client/line.h"

enum { SOON_MS = 50 };

static struct fg_lines lines;
static int other;

static int setup(void **state)
{
	(void)state;
	memset(&lines, 0, sizeof(lines));
	lines.fd = fg_pair_open(&other);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(lines.fd);
	close(other);
	return 0;
}

static void read_is(const char *want)
{
	char *line;
	size_t len;

	assert_int_equal(fg_lines_read(&lines, SOON_MS, -1, &line, &len), 0);
	assert_string_equal(line, want);
	assert_int_equal(len, strlen(want));
}

static void read_fails(int error)
{
	char *line;
	size_t len;

	assert_int_equal(fg_lines_read(&lines, SOON_MS, -1, &line, &len), error);
}

static void test_several_lines_of_one_packet(void **state)
{
	(void)state;
	fg_pair_say(other, "one\n\ntwo\nthr");
	read_is("one");
	read_is("");
	read_is("two");
	read_fails(-ETIMEDOUT);
	fg_pair_say(other, "ee\n");
	read_is("three");
}

static void test_the_longest_line(void **state)
{
	static char long_line[FG_CLIENT_LINE_MAX + 1];

	(void)state;
	memset(long_line, 'x', FG_CLIENT_LINE_MAX - 1);
	fg_pair_say(other, long_line);
	fg_pair_say(other, "\nnext\n");
	read_is(long_line);
	read_is("next");
}

static void test_a_line_too_long(void **state)
{
	static char long_line[FG_CLIENT_LINE_MAX + 1];

	(void)state;
	memset(long_line, 'x', FG_CLIENT_LINE_MAX);
	fg_pair_say(other, long_line);
	fg_pair_say(other, "\n");
	read_fails(-EMSGSIZE);
}

static void test_end_in_the_middle(void **state)
{
	(void)state;
	fg_pair_say(other, "whole\nhal");
	shutdown(other, SHUT_WR);
	read_is("whole");
	read_fails(-ECONNRESET);
}

static void test_stop(void **state)
{
	int stop[2];
	char *line = lines.octets;
	size_t len;

	(void)state;
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(write(stop[1], "x", 1), 1);
	assert_int_equal(fg_lines_read(&lines, FG_CLIENT_FOREVER, stop[0], &line, &len), 0);
	assert_null(line);
	close(stop[0]);
	close(stop[1]);
}

static void test_write_to_one_that_does_not_read(void **state)
{
	static char much[1 << 20];

	(void)state;
	assert_int_equal(fg_lines_write(&lines, SOON_MS, "hello\n", 6), 0);
	assert_int_equal(fg_lines_write(&lines, SOON_MS, much, sizeof(much)), -ETIMEDOUT);
}

static void test_write_to_one_that_closed(void **state)
{
	(void)state;
	shutdown(other, SHUT_RDWR);
	assert_int_equal(fg_lines_write(&lines, SOON_MS, "hello\n", 6), -EPIPE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_several_lines_of_one_packet, setup, teardown),
		cmocka_unit_test_setup_teardown(test_the_longest_line, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_line_too_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_end_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_to_one_that_does_not_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_write_to_one_that_closed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
