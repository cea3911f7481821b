/* SPDX-License-Identifier: BSD-3-Clause */
/* The files of ctrl/dpdk/share.c: made, adopted, never misread, and not taken from a process that lives on them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/dpdk/sharing.h"

static char error[FG_SHARE_ERROR_MAX];

static int open_as(struct fg_share *s, const struct fg_share_sizes *sizes)
{
	return fg_share_open(s, sharing_folder, sizes, SHARING_STORE, error);
}

static void test_made_empty(void **state)
{
	struct fg_plane_memory m;
	struct fg_share s;

	(void)state;
	sharing_folder_new();
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	assert_false(s.adopted);
	fg_share_memory(&s, &m);
	assert_false(m.adopted);
	assert_int_equal(m.control->side, FG_SIDE_NONE);
	assert_int_equal(s.tables->stamp.magic, FG_SHARE_MAGIC);
	assert_int_equal(s.live->stamp.made, s.tables->stamp.made);
	assert_int_equal((uintptr_t)m.image[1] - (uintptr_t)s.tables, s.layout.image[1]);
	assert_int_equal((uintptr_t)m.image[0] % FG_SHARE_PAGE, 0);
	fg_share_close(&s);
}

static void test_adopted_as_left(void **state)
{
	struct fg_plane_memory m;
	struct fg_share s;

	(void)state;
	sharing_folder_new();
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	fg_share_memory(&s, &m);
	m.control->side = 1;
	memcpy(m.store, "rules", 6);
	m.image[1][4711] = 7;
	s.tables->epoch = 99;
	fg_share_close(&s);
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	fg_share_memory(&s, &m);
	assert_true(m.adopted);
	assert_int_equal(m.control->side, 1);
	assert_string_equal(m.store, "rules");
	assert_int_equal(m.image[1][4711], 7);
	assert_int_equal(s.epoch, 99);
	fg_share_close(&s);
}

/* Whatever differs, nobody lives there, and it is made anew. */
static void test_other_sizes_anew(void **state)
{
	struct fg_share_sizes other = sharing_sizes;
	struct fg_share s;

	(void)state;
	sharing_folder_new();
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	memcpy(s.store, "rules", 6);
	fg_share_close(&s);
	other.workers++;
	assert_int_equal(open_as(&s, &other), 0);
	assert_false(s.adopted);
	assert_int_equal(((char *)s.store)[0], 0);
	fg_share_close(&s);
}

static void with_stamp(void (*spoil)(struct fg_share *s))
{
	struct fg_share s;

	sharing_folder_new();
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	spoil(&s);
	fg_share_close(&s);
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	assert_false(s.adopted);
	fg_share_close(&s);
}

static void unfinished(struct fg_share *s)
{
	s->tables->stamp.magic = 0;
}

static void other_image(struct fg_share *s)
{
	s->tables->stamp.image_version++;
}

static void other_making(struct fg_share *s)
{
	s->live->stamp.made++;
}

static void test_not_misread(void **state)
{
	(void)state;
	with_stamp(unfinished);
	with_stamp(other_image);
	with_stamp(other_making);
}

/* Whose processes are on `live` of another version nobody can read. */
static void test_other_version_refused(void **state)
{
	struct fg_share s;

	(void)state;
	sharing_folder_new();
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	s.live->stamp.version++;
	fg_share_close(&s);
	assert_int_equal(open_as(&s, &sharing_sizes), -EBUSY);
	assert_non_null(strstr(error, "another version"));
	assert_int_equal(fg_share_remove(sharing_folder), -EPROTO);
	sharing_unlink();
}

static void test_alive_refused(void **state)
{
	struct fg_share_sizes other = sharing_sizes;
	struct fg_share s;
	pid_t pid;

	(void)state;
	sharing_folder_new();
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	pid = sharing_process(&s, 0, NULL);
	other.slots *= 2;
	fg_share_close(&s);
	assert_int_equal(open_as(&s, &other), -EBUSY);
	assert_non_null(strstr(error, "other sizes"));
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	assert_true(s.adopted);
	fg_share_close(&s);
	assert_int_equal(sharing_end(pid), SIGKILL);
	assert_int_equal(open_as(&s, &other), 0);
	assert_false(s.adopted);
	fg_share_close(&s);
}

static void test_no_room(void **state)
{
	struct fg_share_sizes huge = sharing_sizes;
	struct fg_share s;
	char folder[] = "/dev/shm/flowgate-test-none";

	(void)state;
	huge.image_lines = 4 * FG_PAGE_LINES;
	if (sharing_small_tmpfs(folder) != 0) {
		print_message("no tmpfs can be mounted here\n");
		return;
	}
	assert_true(fg_share_open(&s, folder, &huge, SHARING_STORE, error) < 0);
	assert_non_null(strstr(error, "no room for"));
	umount2(folder, MNT_DETACH);
	rmdir(folder);
}

static void test_removed(void **state)
{
	struct fg_share s;
	pid_t pid;
	int status;

	(void)state;
	sharing_folder_new();
	assert_int_equal(open_as(&s, &sharing_sizes), 0);
	pid = sharing_process(&s, 1, NULL);
	fg_share_close(&s);
	assert_int_equal(fg_share_remove(sharing_folder), 0);
	assert_int_equal(waitpid(pid, &status, WNOHANG), pid);
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(access(sharing_folder, F_OK), -1);
	assert_int_equal(fg_share_remove(sharing_folder), 0);
}

static void test_bad_sizes(void **state)
{
	const struct fg_share_sizes bad[] = { { 1000, 64, 1, 0 },
					      { 1 << 12, 0, 1, 0 },
					      { 1 << 12, 64, 0, 0 },
					      { 1 << 12, 64, FG_WORKERS_MAX + 1, 0 },
					      { 1 << 12, UINT32_MAX, 1, 0 },
					      { 1 << 12, 64, 1, UINT32_MAX } };
	struct fg_share s;

	(void)state;
	sharing_folder_new();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(open_as(&s, &bad[i]), -EINVAL);
	assert_int_equal(fg_share_open(&s, "relative", &sharing_sizes, SHARING_STORE, error), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_empty),
		cmocka_unit_test(test_adopted_as_left),
		cmocka_unit_test(test_other_sizes_anew),
		cmocka_unit_test(test_not_misread),
		cmocka_unit_test(test_other_version_refused),
		cmocka_unit_test(test_alive_refused),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_bad_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, sharing_teardown);
}
