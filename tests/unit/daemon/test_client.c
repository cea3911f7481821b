/* SPDX-License-Identifier: BSD-3-Clause */
/* Callers: what they have sent is answered though they end, and one that does not read costs nothing while it does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctrl/daemon/client.h"

enum { TURNS_MAX = 100000, LINES = 2000 };

static struct fg_clients all;
static sd_event *event;
static int listener;
static size_t asked, before_other; /* lines; those before the one of the other caller */
static char answer[FG_LINE_MAX / 2];

/* Each line is answered at once. */
static void on_asked(void *ctx, struct fg_client *c, const char *line, size_t len)
{
	(void)ctx;
	(void)len;
	if (line[0] == 'o')
		before_other = asked;
	asked++;
	assert_true(fg_client_reply(c, json_pack("{s:s}", "text", answer), false));
}

static void on_drained(void *ctx, struct fg_client *c)
{
	(void)ctx;
	(void)c;
}

static int set_up(void **state)
{
	struct sockaddr_un any = { .sun_family = AF_UNIX };

	(void)state;
	asked = 0;
	all = (struct fg_clients){ .asked = on_asked, .drained = on_drained, .gone = on_drained };
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (const struct sockaddr *)&any, sizeof(any.sun_family)) < 0 ||
	    listen(listener, 8) < 0 || sd_event_new(&event) < 0 || fg_clients_open(&all, event, listener) != 0)
		return -1;
	fg_clients_hear(&all);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fg_clients_close(&all);
	sd_event_unref(event);
	return close(listener);
}

static int connect_one(void)
{
	struct sockaddr_un to;
	socklen_t len = sizeof(to);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &len), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&to, len), 0);
	return fd;
}

/* Until nothing is left to be done; it comes to that. */
static void settle(void)
{
	int turns = 0;

	while (sd_event_run(event, 0) > 0)
		assert_true(++turns < TURNS_MAX);
}

static size_t lines_of(int fd)
{
	static char octets[1 << 16];
	size_t lines = 0;
	ssize_t n;

	while ((n = recv(fd, octets, sizeof(octets), MSG_DONTWAIT)) > 0)
		for (ssize_t i = 0; i < n; i++)
			lines += octets[i] == '\n';
	return lines;
}

/* More lines than are taken in one turn, in one go. */
static int send_many(void)
{
	char lines[2 * LINES];
	int fd = connect_one();

	for (int i = 0; i < LINES; i++)
		memcpy(lines + 2 * i, "x\n", 2);
	strcpy(answer, "y");
	assert_int_equal(send(fd, lines, sizeof(lines), 0), sizeof(lines));
	return fd;
}

static void test_all_is_answered_behind_the_end(void **state)
{
	int fd = send_many();

	(void)state;
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	settle();
	assert_int_equal(asked, LINES);
	assert_int_equal(lines_of(fd), LINES);
	assert_int_equal(all.count, 0);
	close(fd);
}

/* A line that comes when another caller's are being taken is not the last. */
static void test_others_have_their_turn(void **state)
{
	int fd = send_many(), other = connect_one();

	(void)state;
	while (asked == 0)
		assert_true(sd_event_run(event, 0) > 0);
	assert_int_equal(send(other, "o\n", 2, 0), 2);
	settle();
	assert_int_equal(asked, LINES + 1);
	assert_true(before_other < LINES);
	close(fd);
	close(other);
	settle();
}

static void test_one_that_does_not_read_is_waited_for(void **state)
{
	enum { LINE = 1024 };
	static char lines[1 << 16];
	int fd = connect_one();
	size_t sent = 0, read = 0, n;
	ssize_t more;

	(void)state;
	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = i % LINE == LINE - 1 ? '\n' : 'x';
	memset(answer, 'y', sizeof(answer) - 1);
	do {
		settle();
		more = send(fd, lines, sizeof(lines), MSG_DONTWAIT);
		sent += more > 0 ? (size_t)more : 0;
	} while (more > 0);
	settle();
	assert_true(asked < sent / LINE);
	assert_int_equal(all.count, 1);
	while ((n = lines_of(fd)) > 0) {
		read += n;
		settle();
	}
	assert_int_equal(read, sent / LINE);
	close(fd);
	settle();
	assert_int_equal(all.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_is_answered_behind_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_others_have_their_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_that_does_not_read_is_waited_for, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
