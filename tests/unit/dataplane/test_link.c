/* SPDX-License-Identifier: BSD-3-Clause */
/* When the link of one port takes that of its peer with it (dataplane/link.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "dataplane/link.h"

enum { LEFT, RIGHT };
static struct fg_link link[2];
static uint64_t now;

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		link[i] = (struct fg_link){ .up = true };
	now = 10 * FG_LINK_GRACE_NS;
	return 0;
}

/* One look of the main thread: a held link is down, and one that was let up comes by itself if `wire` is whole. */
static void look(const bool wire[2])
{
	for (int i = 0; i < 2; i++)
		link[i].up = wire[i] && !link[i].held;
	for (int i = 0; i < 2; i++)
		switch (fg_link_order(&link[i], &link[1 - i], now)) {
		case FG_LINK_HOLD:
			link[i].held = true;
			link[i].up = false;
			break;
		case FG_LINK_RELEASE:
			link[i].held = false;
			link[i].released_ns = now;
			break;
		case FG_LINK_LEAVE:
			break;
		}
	now += FG_LINK_GRACE_NS / 10;
}

static void looks(bool left, bool right, int n)
{
	while (n-- > 0)
		look((const bool[]){ left, right });
}

static void test_both_up(void **state)
{
	(void)state;
	looks(true, true, 50);
	assert_false(link[LEFT].held || link[RIGHT].held);
}

/* A cut takes the other side down, and mending lets it up. */
static void test_cut_and_mended(void **state)
{
	(void)state;
	looks(false, true, 1);
	assert_true(link[RIGHT].held);
	assert_false(link[LEFT].held);
	looks(false, true, 50);
	assert_true(link[RIGHT].held);
	assert_false(link[LEFT].held);
	looks(true, true, 50);
	assert_false(link[LEFT].held || link[RIGHT].held);
	assert_true(link[LEFT].up && link[RIGHT].up);
}

/* Both are cut: the held one is let up when its peer is back, has its time, and is then found cut itself. */
static void test_both_cut(void **state)
{
	(void)state;
	looks(false, true, 3);
	looks(false, false, 20);
	assert_true(link[RIGHT].held);
	looks(true, false, 3);
	assert_false(link[RIGHT].held);
	assert_false(link[LEFT].held); /* not at once */
	looks(true, false, 20);
	assert_true(link[LEFT].held);
	looks(true, true, 20);
	assert_true(link[LEFT].up && link[RIGHT].up);
}

/* Links that were never up: as at the start of a box, they have their time. */
static void test_grace(void **state)
{
	(void)state;
	link[LEFT].released_ns = link[RIGHT].released_ns = now;
	looks(false, true, 5);
	assert_false(link[RIGHT].held);
	looks(false, true, 10);
	assert_true(link[RIGHT].held);
}

static void test_fixed(void **state)
{
	(void)state;
	link[RIGHT].fixed = true;
	looks(false, true, 20);
	assert_false(link[RIGHT].held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_both_up, setup),  cmocka_unit_test_setup(test_cut_and_mended, setup),
		cmocka_unit_test_setup(test_both_cut, setup), cmocka_unit_test_setup(test_grace, setup),
		cmocka_unit_test_setup(test_fixed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
