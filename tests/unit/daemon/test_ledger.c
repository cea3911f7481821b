/* SPDX-License-Identifier: BSD-3-Clause */
/* The store: versions and generations, and files that are damaged, newer, or have no room. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "ctrl/daemon/ledger.h"

enum { NOW_S = 1000 };

static char folder[64], path[96];
static struct fg_ledger *ledger;

static int set_up(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/fg-ledger-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/flowgate.db", folder);
	return fg_ledger_open(&ledger, folder, 10);
}

static int tear_down(void **state)
{
	char command[96];

	(void)state;
	fg_ledger_close(ledger);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) == 0 ? 0 : -1;
}

/* A rule to one address, known by its last octet. */
static void put(struct fg_records *r, enum fg_record_op op, uint8_t host, uint32_t ttl_s)
{
	const uint8_t nlri[] = { FG_DST, 32, 192, 0, 2, host };
	struct fg_record head = { .op = (uint8_t)op, .ttl_s = ttl_s, .actions = { .set = FG_ACT_DISCARD } };

	strcpy(head.by.source, FG_SOURCE_OPERATOR);
	strcpy(head.by.owner, "alice");
	assert_int_equal(fg_records_add(r, &head, nlri, sizeof(nlri), (struct fg_pattern_text){ 0 }), 0);
}

static void commit(uint64_t generation, enum fg_record_op op, uint8_t host, uint32_t ttl_s, bool pending)
{
	struct fg_commit c = {
		.generation = generation, .now_s = NOW_S, .who = "uid 7", .what = "add", .added = 1, .pending = pending
	};
	struct fg_records r = { 0 };

	put(&r, op, host, ttl_s);
	fg_ledger_commit(ledger, &c, &r, NULL);
	fg_records_free(&r);
}

/* The rules that are there, or the batch that leads back, as "+7 -8": last octets. */
static const char *hosts(const struct fg_records *r)
{
	static char text[256];
	const struct fg_record *at = NULL;
	size_t len = 0;

	text[0] = '\0';
	while ((at = fg_records_next(r, at)) != NULL)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%c%u", len ? " " : "",
					at->op == FG_OP_ADD ? '+' : '-', at->nlri[5]);
	return text;
}

static void assert_rules(uint64_t now_s, const char *expected)
{
	struct fg_records r = { 0 };

	assert_int_equal(fg_ledger_rules(ledger, now_s, &r), 0);
	assert_string_equal(hosts(&r), expected);
	fg_records_free(&r);
}

static void assert_rollback(uint64_t generation, const char *expected)
{
	struct fg_records r = { 0 };

	assert_int_equal(fg_ledger_rollback(ledger, generation, NOW_S, &r), 0);
	assert_string_equal(hosts(&r), expected);
	fg_records_free(&r);
}

static void reopen(void)
{
	fg_ledger_close(ledger);
	assert_int_equal(fg_ledger_open(&ledger, folder, 10), 0);
}

static void test_rules_survive(void **state)
{
	struct fg_records r = { 0 };

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	commit(2, FG_OP_ADD, 2, 60, false);
	commit(3, FG_OP_DELETE, 1, 0, false);
	reopen();
	assert_string_equal(fg_ledger_problem(ledger), "");
	assert_int_equal(fg_ledger_rules(ledger, NOW_S + 20, &r), 0);
	assert_string_equal(hosts(&r), "+2");
	assert_int_equal(fg_records_next(&r, NULL)->ttl_s, 40);
	assert_string_equal(fg_records_next(&r, NULL)->by.owner, "alice");
	assert_int_equal(fg_records_next(&r, NULL)->actions.set, FG_ACT_DISCARD);
	fg_records_free(&r);
	assert_rules(NOW_S + 60, "");
	assert_int_equal(fg_ledger_generation(ledger), 3);
}

static void test_rollback(void **state)
{
	struct fg_commit flush = { .generation = 5, .now_s = NOW_S, .who = "w", .what = "flush" };
	struct fg_records r = { 0 };

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	commit(2, FG_OP_ADD, 2, 0, false);
	commit(3, FG_OP_DELETE, 1, 0, false);
	commit(4, FG_OP_ADD, 3, 0, false);
	assert_rollback(1, "-2 -3 +1");
	assert_rollback(2, "-3 +1");
	assert_rollback(4, "");
	fg_ledger_flush(ledger, &flush);
	assert_rules(NOW_S, "");
	assert_rollback(4, "+2 +3");
	assert_int_equal(fg_ledger_rollback(ledger, 99, NOW_S, &r), -ENOENT);
}

/* A rule that was replaced comes back as it was. */
static void test_rollback_replaced(void **state)
{
	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	commit(2, FG_OP_ADD, 1, 500, false);
	assert_rules(NOW_S, "+1");
	assert_rollback(1, "+1");
}

static void test_pending(void **state)
{
	struct fg_commit c = { .generation = 9, .now_s = NOW_S, .who = "w", .what = "reverted" };

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	commit(2, FG_OP_ADD, 2, 0, true);
	commit(3, FG_OP_DELETE, 1, 0, true);
	reopen();
	assert_true(fg_ledger_pending(ledger));
	fg_ledger_revert(ledger, &c);
	assert_rules(NOW_S, "+1");
	assert_false(fg_ledger_pending(ledger));
	commit(10, FG_OP_ADD, 2, 0, true);
	fg_ledger_confirm(ledger);
	assert_false(fg_ledger_pending(ledger));
	assert_rules(NOW_S, "+1 +2");
}

static void test_history_is_bounded(void **state)
{
	struct fg_records r = { 0 };
	json_t *all;

	(void)state;
	for (uint8_t g = 1; g <= 30; g++)
		commit(g, FG_OP_ADD, g, 0, false);
	all = fg_ledger_history(ledger, 100);
	assert_int_equal(json_array_size(all), 10);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(all, 0), "generation")), 30);
	json_decref(all);
	assert_int_equal(fg_ledger_rollback(ledger, 20, NOW_S, &r), -ENOENT);
	fg_records_free(&r);
	assert_rollback(29, "-30");
}

static void test_compare(void **state)
{
	struct fg_listed listed = { .added_s = NOW_S };
	struct fg_records gate = { 0 };

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	commit(2, FG_OP_ADD, 2, 0, false);
	put(&gate, FG_OP_ADD, 2, 0);
	put(&gate, FG_OP_ADD, 3, 0);
	fg_ledger_compare_begin(ledger);
	for (struct fg_record *r = NULL; (r = fg_records_next(&gate, r)) != NULL;)
		fg_ledger_compare(ledger, r, &listed, 3);
	fg_ledger_compare_end(ledger, 3);
	fg_records_free(&gate);
	assert_rules(NOW_S, "+2 +3");
}

/* What replaced a rule is the gate's word too: the version that was to be enforced before is not what comes back after a reboot. */
static void test_compare_replaced(void **state)
{
	struct fg_listed listed = { .added_s = NOW_S };
	struct fg_records gate = { 0 }, now = { 0 };

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	commit(1, FG_OP_ADD, 2, 60, false);
	commit(1, FG_OP_ADD, 3, 60, false);
	put(&gate, FG_OP_ADD, 1, 0);
	put(&gate, FG_OP_ADD, 2, 0);
	put(&gate, FG_OP_ADD, 3, 0);
	fg_records_next(&gate, NULL)->actions.set = 0;
	fg_ledger_compare_begin(ledger);
	for (struct fg_record *r = NULL; (r = fg_records_next(&gate, r)) != NULL;) {
		listed.expires_s = r->nlri[5] == 3 ? NOW_S + 60 : 0;
		fg_ledger_compare(ledger, r, &listed, 2);
	}
	fg_ledger_compare_end(ledger, 2);
	fg_records_free(&gate);
	assert_int_equal(fg_ledger_rules(ledger, NOW_S + 100, &now), 0);
	assert_string_equal(hosts(&now), "+1 +2");
	assert_int_equal(fg_records_next(&now, NULL)->actions.set, 0);
	fg_records_free(&now);
	/* Of the rule that is as it was there is no other version to go back to. */
	commit(3, FG_OP_ADD, 9, 0, false);
	assert_rollback(1, "-9 +1 +2");
}

/* A comparison goes on while others change rules: what they have changed stays so, whether it comes to its end or not. */
static void test_changed_while_compared(void **state)
{
	struct fg_listed listed = { .added_s = NOW_S };
	struct fg_records gate = { 0 };

	(void)state;
	for (uint8_t host = 1; host <= 3; host++)
		commit(1, FG_OP_ADD, host, 0, false);
	put(&gate, FG_OP_ADD, 1, 0);
	put(&gate, FG_OP_ADD, 2, 0);
	for (int ends = 0; ends < 2; ends++) {
		fg_ledger_compare_begin(ledger);
		fg_ledger_compare_page(ledger, true);
		for (struct fg_record *r = NULL; (r = fg_records_next(&gate, r)) != NULL;)
			fg_ledger_compare(ledger, r, &listed, 2);
		fg_ledger_compare_page(ledger, false);
		commit(3, FG_OP_ADD, 1, 0, false); /* anew, in the place of the other */
		commit(3, FG_OP_DELETE, 2, 0, false);
		commit(3, FG_OP_ADD, 9, 0, false);
		if (ends)
			fg_ledger_compare_end(ledger, 3);
		fg_ledger_close(ledger);
		assert_int_equal(fg_ledger_open(&ledger, folder, 10), 0);
		assert_rules(NOW_S, ends ? "+1 +9" : "+3 +1 +9");
	}
	fg_records_free(&gate);
}

static void one_hash(void *ctx, uint64_t hash)
{
	*(uint64_t *)ctx = hash;
}

static void test_quarantine_and_numbers(void **state)
{
	uint64_t hash = 0;

	(void)state;
	fg_ledger_quarantine(ledger, 0xfedcba9876543210, "ipv4", "0100", "w", NOW_S, true);
	fg_ledger_number_set(ledger, "k", UINT64_MAX);
	reopen();
	fg_ledger_each_quarantined(ledger, one_hash, &hash);
	assert_int_equal(hash, 0xfedcba9876543210);
	assert_int_equal(fg_ledger_number(ledger, "k", 0), UINT64_MAX);
	assert_int_equal(fg_ledger_number(ledger, "absent", 5), 5);
	fg_ledger_quarantine(ledger, 0xfedcba9876543210, "ipv4", "0100", "w", NOW_S, false);
	hash = 0;
	fg_ledger_each_quarantined(ledger, one_hash, &hash);
	assert_int_equal(hash, 0);
}

static void overwrite(long at, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	char noise[4096];

	memset(noise, 0x5a, sizeof(noise));
	assert_true(fd >= 0);
	for (; len > 0; len -= sizeof(noise), at += (long)sizeof(noise))
		assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
	close(fd);
}

static uint32_t met;

static void count_hash(void *ctx, uint64_t hash)
{
	(void)ctx;
	met += (uint32_t)hash;
}

/* The statement of the walk that goes on is lent: the walk in it has one of its own, and others are read anew. */
static void walk_again(void *ctx, uint64_t hash)
{
	(void)ctx;
	fg_ledger_each_quarantined(ledger, count_hash, NULL);
	assert_int_equal(fg_ledger_number(ledger, "n", 0), 5);
	met += 100 * (uint32_t)hash;
}

static void test_walk_in_a_walk(void **state)
{
	(void)state;
	fg_ledger_number_set(ledger, "n", 5);
	for (uint64_t hash = 1; hash <= 3; hash++)
		fg_ledger_quarantine(ledger, hash, "ipv4", "00", "uid 7", NOW_S, true);
	for (int times = 0; times < 3; times++) {
		met = 0;
		fg_ledger_each_quarantined(ledger, walk_again, NULL);
		assert_int_equal(met, 3 * (1 + 2 + 3) + 100 * (1 + 2 + 3));
	}
	assert_string_equal(fg_ledger_problem(ledger), "");
}

static void test_damaged(void **state)
{
	char aside[160];

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	fg_ledger_close(ledger);
	overwrite(0, 8192);
	assert_int_equal(fg_ledger_open(&ledger, folder, 10), 0);
	assert_non_null(strstr(fg_ledger_problem(ledger), "set aside"));
	snprintf(aside, sizeof(aside), "test -e %s.damaged-*", path);
	assert_int_equal(system(aside), 0);
	commit(1, FG_OP_ADD, 7, 0, false);
	reopen();
	assert_rules(NOW_S, "+7");
}

static void test_newer_schema(void **state)
{
	sqlite3 *db;

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	fg_ledger_close(ledger);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(fg_ledger_open(&ledger, folder, 10), 0);
	assert_non_null(strstr(fg_ledger_problem(ledger), "newer version"));
	commit(2, FG_OP_ADD, 2, 0, false); /* in memory, and the file is left alone */
	assert_rules(NOW_S, "+2");
	fg_ledger_close(ledger);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version = 2", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(fg_ledger_open(&ledger, folder, 10), 0);
	assert_rules(NOW_S, "+1");
}

/* A file of the version before patterns: its rules are there, and more can come. */
static void test_older_schema(void **state)
{
	sqlite3 *db;

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	fg_ledger_close(ledger);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_exec(db,
			     "DROP INDEX present; ALTER TABLE rules DROP COLUMN payload;"
			     "CREATE UNIQUE INDEX present ON rules(source, family, form, nlri) WHERE taken IS NULL;"
			     "PRAGMA user_version = 1",
			     NULL, NULL, NULL),
		SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(fg_ledger_open(&ledger, folder, 10), 0);
	assert_string_equal(fg_ledger_problem(ledger), "");
	commit(2, FG_OP_ADD, 2, 0, false);
	assert_rules(NOW_S, "+1 +2");
}

/* No octet more may be written to a file: the store says so and goes on; what it had is whole. */
static void test_full_disk(void **state)
{
	struct rlimit before, none;

	(void)state;
	commit(1, FG_OP_ADD, 1, 0, false);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 16384;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	for (uint8_t i = 2; i < 200; i++)
		commit(i, FG_OP_ADD, i, 0, false);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_string_not_equal(fg_ledger_problem(ledger), "");
	commit(201, FG_OP_ADD, 201, 0, false);
	reopen();
	assert_string_equal(fg_ledger_problem(ledger), "");
	assert_int_equal(fg_ledger_generation(ledger), 201);
}

static void test_no_folder(void **state)
{
	struct fg_ledger *other;

	(void)state;
	assert_int_equal(fg_ledger_open(&other, "/nonexistent/folder", 10), 0);
	assert_string_not_equal(fg_ledger_problem(other), "");
	fg_ledger_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rules_survive, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rollback, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_rollback_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pending, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_history_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_compare, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_compare_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_changed_while_compared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_quarantine_and_numbers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_walk_in_a_walk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_newer_schema, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_older_schema, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full_disk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_folder, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
