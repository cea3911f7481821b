/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate's memory from the dataplane's side (dataplane/share.h): what is refused, what is waited for, and how places are taken. The files
 * are made here, by hand, so that anything can be wrong with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/share.h"

static const struct fg_share_sizes sizes = { .image_lines = 1 << 12, .slots = 64, .workers = 3 };
static char folder[64], error[FG_SHARED_ERROR_MAX];
static struct fg_share_tables *tables;
static struct fg_share_live *live;
static struct fg_share_layout layout;

static void path_of(const char *file, char path[128])
{
	snprintf(path, 128, "%s/%s", folder, file);
}

static void *make(const char *file, size_t octets)
{
	char path[128];
	void *at;
	int fd;

	path_of(file, path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)octets), 0);
	at = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(at != MAP_FAILED);
	close(fd);
	return at;
}

static void stamp(struct fg_share_stamp *s)
{
	*s = (struct fg_share_stamp){
		.magic = FG_SHARE_MAGIC,
		.version = FG_SHARE_VERSION,
		.image_version = FG_IMAGE_VERSION,
		.sizes = sizes,
		.made = 4711,
	};
}

static int setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/dev/shm/flowgate-test-%d", (int)getpid());
	mkdir(folder, 0700);
	layout = fg_share_layout(&sizes);
	tables = make("tables", layout.tables_octets);
	live = make("live", layout.live_octets);
	stamp(&tables->stamp);
	stamp(&live->stamp);
	return 0;
}

static void remove_file(const char *file)
{
	char path[128];

	path_of(file, path);
	unlink(path);
}

static int teardown(void **state)
{
	(void)state;
	remove_file("tables");
	remove_file("live");
	rmdir(folder);
	munmap(tables, layout.tables_octets);
	munmap(live, layout.live_octets);
	return 0;
}

static int open_it(struct fg_shared *s)
{
	return fg_shared_open(s, folder, error);
}

static void test_opened(void **state)
{
	struct fg_shared s;

	(void)state;
	tables->epoch = 99;
	((struct fg_action *)(void *)((uint8_t *)tables + layout.actions))[63].dscp = 46;
	assert_int_equal(open_it(&s), 0);
	assert_int_equal(s.tables->epoch, 99);
	assert_int_equal(fg_shared_actions(&s)[63].dscp, 46);
	assert_ptr_equal(fg_shared_image(&s, 1), (const uint8_t *)s.tables + layout.image[1]);
	assert_int_equal((uintptr_t)fg_shared_image(&s, 0) % FG_LINE_OCTETS, 0);
	assert_false(fg_shared_replaced(&s, folder));
	fg_shared_close(&s);
}

/* The tables are not ours to write. */
static void test_read_only(void **state)
{
	struct fg_shared s;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(open_it(&s), 0);
	pid = fork();
	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		((struct fg_share_tables *)(uintptr_t)s.tables)->epoch = 1;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	fg_shared_close(&s);
}

static void assert_refused(int r, const char *why)
{
	struct fg_shared s;

	assert_int_equal(open_it(&s), r);
	assert_null(s.tables);
	assert_null(s.live);
	if (why == NULL)
		return;
	assert_non_null(strstr(error, folder));
	assert_non_null(strstr(error, why));
}

static void test_other_magic(void **state)
{
	(void)state;
	tables->stamp.magic = 0x12345678;
	assert_refused(-EPROTO, "no memory of Flowgate");
}

static void test_other_version(void **state)
{
	(void)state;
	tables->stamp.version = FG_SHARE_VERSION + 1;
	assert_refused(-EPROTO, "version 4");
	stamp(&tables->stamp);
	live->stamp.version = FG_SHARE_VERSION + 1;
	assert_refused(-EPROTO, "live");
}

/* Of another version, of which nothing but the stamp may be there. */
static void test_other_version_and_short(void **state)
{
	char path[128];

	(void)state;
	tables->stamp.version = FG_SHARE_VERSION + 1;
	path_of("tables", path);
	assert_int_equal(truncate(path, FG_SHARE_PAGE), 0);
	assert_refused(-EPROTO, "version 4");
}

static void test_other_image_version(void **state)
{
	(void)state;
	tables->stamp.image_version = FG_IMAGE_VERSION + 1;
	assert_refused(-EPROTO, "images of version");
}

/* What is not finished is waited for: no file, no stamp, a stamp of one file alone, two that do not go together. */
static void test_unfinished(void **state)
{
	(void)state;
	live->stamp.made++;
	assert_refused(-EAGAIN, NULL);
	live->stamp.magic = 0;
	assert_refused(-EAGAIN, NULL);
	tables->stamp.magic = 0;
	assert_refused(-EAGAIN, NULL);
	remove_file("live");
	assert_refused(-EAGAIN, NULL);
	remove_file("tables");
	assert_refused(-EAGAIN, NULL);
}

static void test_bad_sizes(void **state)
{
	const struct fg_share_sizes bad[] = { { 1000, 64, 3, 0 },    { 8 * FG_PAGE_LINES, 64, 3, 0 },
					      { 1 << 12, 0, 3, 0 },  { 1 << 12, UINT32_MAX, 3, 0 },
					      { 1 << 12, 64, 0, 0 }, { 1 << 12, 64, FG_WORKERS_MAX + 1, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tables->stamp.sizes = live->stamp.sizes = bad[i];
		assert_refused(-EINVAL, "sizes that cannot be");
	}
}

/* The files are shorter than their sizes say: nothing behind their end is read. */
static void test_short_files(void **state)
{
	struct fg_share_sizes more = sizes;

	(void)state;
	more.image_lines *= 1 << 10;
	tables->stamp.sizes = live->stamp.sizes = more;
	assert_refused(-EINVAL, "shorter");
	more = sizes;
	more.workers = FG_WORKERS_MAX;
	more.slots = 1 << 10;
	tables->stamp.sizes = live->stamp.sizes = more;
	assert_refused(-EINVAL, "shorter");
}

static void test_replaced(void **state)
{
	struct fg_shared s;

	(void)state;
	assert_int_equal(open_it(&s), 0);
	remove_file("tables");
	assert_false(fg_shared_replaced(&s, folder)); /* not yet there */
	munmap(make("tables", FG_SHARE_PAGE), FG_SHARE_PAGE);
	assert_true(fg_shared_replaced(&s, folder));
	fg_shared_close(&s);
}

static void test_places(void **state)
{
	struct fg_shared one, two, three;

	(void)state;
	assert_int_equal(open_it(&one), 0);
	assert_int_equal(open_it(&two), 0);
	assert_int_equal(open_it(&three), 0);
	assert_true(fg_shared_claim(&one));
	assert_true(fg_shared_claim(&two));
	assert_false(fg_shared_claim(&three));
	assert_int_equal(one.instance + two.instance, 1);
	assert_int_equal(live->instance[0].pid, getpid());
	assert_true(live->instance[0].start_ticks != 0);
	assert_int_equal(fg_shared_claim_worker(&one, 5), 0);
	assert_int_equal(fg_shared_claim_worker(&two, 6), 1);
	assert_int_equal(fg_shared_claim_worker(&one, 7), 2);
	assert_int_equal(fg_shared_claim_worker(&one, 8), -1);
	assert_int_equal(live->worker[1].lcore, 6);
	assert_true(fg_shared_holds(&one));
	fg_shared_release(&one);
	assert_int_equal(live->worker[0].instance, 0);
	assert_int_equal(live->worker[1].instance, 2);
	assert_int_equal(live->worker[2].instance, 0);
	assert_int_equal(live->instance[0].pid, 0);
	assert_true(fg_shared_claim(&three));
	assert_int_equal(three.instance, 0);
	/* The gate took it for dead, and gave it to another. */
	live->instance[0].pid = 1;
	assert_false(fg_shared_holds(&three));
	fg_shared_release(&three);
	assert_int_equal(live->instance[0].pid, 1);
	live->instance[0].pid = 0;
	fg_shared_release(&two);
	fg_shared_close(&one);
	fg_shared_close(&two);
	fg_shared_close(&three);
}

/* A process that claims a place, instruction by instruction for whoever traces it. */
static _Noreturn void claim_traced(void)
{
	struct fg_shared s;

	if (open_it(&s) != 0 || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(1);
	raise(SIGSTOP);
	_exit(fg_shared_claim(&s) ? 0 : 2);
}

/*
 * Nothing is written in a place before it is taken: another may have taken it, and the gate, which looks at both words, would see a process
 * that has ended, and wait for it no more.
 */
static void test_claim_writes_in_its_own(void **state)
{
	uint32_t steps = 0, before = 0;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		claim_traced();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	for (; WIFSTOPPED(status); steps++) {
		before += live->instance[0].pid == 0 && live->instance[0].start_ticks != 0;
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_true(steps > 10);
	assert_int_equal(before, 0);
	assert_int_equal(live->instance[0].pid, pid);
	assert_true(live->instance[0].start_ticks != 0);
}

/* Parts of two workers do not overlap, and end within the file. */
static void test_parts(void **state)
{
	const uint8_t *end;
	struct fg_shared s;

	(void)state;
	assert_int_equal(open_it(&s), 0);
	for (uint32_t w = 0; w < sizes.workers; w++) {
		end = (const uint8_t *)(fg_shared_samples(&s, w) + FG_SAMPLES_MAX);
		assert_true((const uint8_t *)(fg_shared_ports(&s, w) + FG_PORTS_MAX) <=
			    (const uint8_t *)fg_shared_rules(&s, w));
		assert_true((const uint8_t *)(fg_shared_rules(&s, w) + sizes.slots) <=
			    (const uint8_t *)fg_shared_samples(&s, w));
		assert_true(end <= (const uint8_t *)s.live + s.live_octets);
		if (w + 1 < sizes.workers)
			assert_true(end <= (const uint8_t *)fg_shared_ports(&s, w + 1));
	}
	assert_true((const uint8_t *)(fg_shared_meters(&s) + sizes.slots) <= (const uint8_t *)fg_shared_ports(&s, 0));
	fg_shared_close(&s);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_opened),
		TEST(test_read_only),
		TEST(test_other_magic),
		TEST(test_other_version),
		TEST(test_other_version_and_short),
		TEST(test_other_image_version),
		TEST(test_unfinished),
		TEST(test_bad_sizes),
		TEST(test_short_files),
		TEST(test_replaced),
		TEST(test_places),
		TEST(test_claim_writes_in_its_own),
		TEST(test_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
