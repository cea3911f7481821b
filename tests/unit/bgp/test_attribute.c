/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 7606 as a matrix: each attribute, right and wrong in each way, in sessions with another AS and inside of one. */
#include "octets.h"

#include "ctrl/bgp/update.h"

enum { TAKE = FG_UPDATE_TAKE, WITHDRAW = FG_UPDATE_WITHDRAW, RESET = FG_UPDATE_RESET };

struct row {
	const char *attribute; /* flags, type, length, value */
	int fate;
	bool wrong;
};

/* An UPDATE with this attribute in place of its own of that type, or beside them. */
static void read_with(const char *attribute, const struct fg_update_how *how, struct fg_update *u)
{
	static const char *const base[] = { "400101 00", "400206 0201 0000fdf2", "400504 00000064",
					    "800e09 0001 85 00 00 03010120" };
	static uint8_t body[1024];
	struct octets a = octets_of(attribute);
	size_t at = 4;

	for (size_t i = 0; i < 4; i++) {
		struct octets b = octets_of(i == 1 && !how->as4 ? "400204 0201 fdf2" : base[i]);

		if (b.at[1] != a.at[1])
			memcpy(body + at, b.at, b.len), at += b.len;
		free(b.at);
	}
	memcpy(body + at, a.at, a.len);
	at += a.len;
	free(a.at);
	fg_store_be16(body, 0);
	fg_store_be16(body + 2, (uint16_t)(at - 4));
	fg_update_read(body, at, how, u);
}

static void check(const struct row *rows, size_t n, const struct fg_update_how *how)
{
	for (size_t i = 0; i < n; i++) {
		struct fg_update u;

		read_with(rows[i].attribute, how, &u);
		if ((int)u.fate != rows[i].fate || (u.wrong > 0) != rows[i].wrong)
			fail_msg("%s: fate %d, wrong %zu: %s", rows[i].attribute, u.fate, u.wrong, u.detail);
	}
}

#define CHECK(rows, how) check(rows, sizeof(rows) / sizeof((rows)[0]), how)

static const struct fg_update_how outside = { .local_as = 65001, .as4 = true };
static const struct fg_update_how inside = { .local_as = 65001, .as4 = true, .ibgp = true };
static const struct fg_update_how two_octets = { .local_as = 65001 };

static void test_well_known(void **state)
{
	static const struct row rows[] = {
		{ "400101 00", TAKE, false },
		{ "400101 02", TAKE, false },
		{ "400101 03", WITHDRAW, true },
		{ "400100", WITHDRAW, true },
		{ "400102 0000", WITHDRAW, true },
		{ "c00101 00", WITHDRAW, true },
		{ "000101 00", WITHDRAW, true },
		{ "400200", TAKE, false },
		{ "400206 0201 0000fdf2", TAKE, false },
		{ "400206 0101 0000fdf2", TAKE, false },
		{ "400206 0501 0000fdf2", WITHDRAW, true },
		{ "400206 0001 0000fdf2", WITHDRAW, true },
		{ "400202 0200", WITHDRAW, true },
		{ "400206 0202 0000fdf2", WITHDRAW, true },
		{ "400205 0201 0000fd", WITHDRAW, true },
		{ "400201 02", WITHDRAW, true },
		{ "400207 0201 0000fdf2 02", WITHDRAW, true },
		{ "c00206 0201 0000fdf2", WITHDRAW, true },
		{ "400304 c0000201", TAKE, false },
		{ "400303 c00002", WITHDRAW, true },
		{ "c00304 c0000201", WITHDRAW, true },
		{ "400600", TAKE, false },
		{ "400601 00", TAKE, true },
		{ "c00600", TAKE, true },
	};

	(void)state;
	CHECK(rows, &outside);
}

/* The inside of a confederation, which another AS must not show (RFC 5065 §5). */
static void test_confederation(void **state)
{
	static const struct row in[] = { { "400206 0301 0000fdf2", TAKE, false },
					 { "400206 0401 0000fdf2", TAKE, false } };
	static const struct row out[] = { { "400206 0301 0000fdf2", WITHDRAW, true },
					  { "400206 0401 0000fdf2", WITHDRAW, true } };

	(void)state;
	CHECK(in, &inside);
	CHECK(out, &outside);
}

/* Of another AS it is not looked at (RFC 7606 §7.5). */
static void test_local_pref(void **state)
{
	static const struct row in[] = { { "400504 00000064", TAKE, false },
					 { "400503 000064", WITHDRAW, true },
					 { "c00504 00000064", WITHDRAW, true } };
	static const struct row out[] = { { "400504 00000064", TAKE, false },
					  { "400503 000064", TAKE, false },
					  { "400500", TAKE, false } };

	(void)state;
	CHECK(in, &inside);
	CHECK(out, &outside);
}

static void test_optional(void **state)
{
	static const struct row rows[] = {
		{ "800404 00000001", TAKE, false },
		{ "800403 000001", WITHDRAW, true },
		{ "c00404 00000001", WITHDRAW, true },
		{ "c00708 0000fdf2 c0000201", TAKE, false },
		{ "c00706 fdf2 c0000201", TAKE, true },
		{ "c00704 c0000201", TAKE, true },
		{ "c00808 fde90064 fde90065", TAKE, false },
		{ "c00800", WITHDRAW, true },
		{ "c00806 fde90064 fde9", WITHDRAW, true },
		{ "800804 fde90064", WITHDRAW, true },
		{ "e00804 fde90064", TAKE, false },
		{ "c01106 0201 0000fdf2", TAKE, false },
		{ "c01101 02", TAKE, false },
		{ "c01208 0000fdf2 c0000201", TAKE, false },
		{ "c01207 0000fdf2 c00002", TAKE, true },
		{ "c0200c 0000fde9 00000001 00000002", TAKE, false },
		{ "c02000", WITHDRAW, true },
		{ "c02008 0000fde9 00000001", WITHDRAW, true },
		{ "80e000", TAKE, false },
		{ "c0e003 010203", TAKE, false },
		{ "40e000", WITHDRAW, true },
		{ "00e000", WITHDRAW, true },
	};

	(void)state;
	CHECK(rows, &outside);
}

static void test_of_reflectors(void **state)
{
	static const struct row in[] = {
		{ "800904 0a000001", TAKE, false },    { "800903 0a0000", WITHDRAW, true },
		{ "c00904 0a000001", WITHDRAW, true }, { "800a04 0a000001", TAKE, false },
		{ "800a00", WITHDRAW, true },          { "800a06 0a000001 0a00", WITHDRAW, true }
	};
	static const struct row out[] = { { "800903 0a0000", TAKE, false }, { "800a00", TAKE, false } };
	struct fg_update u;

	(void)state;
	CHECK(in, &inside);
	CHECK(out, &outside);
	read_with("800904 0a000001", &inside, &u);
	assert_int_equal(u.originator, 0x0a000001);
	read_with("800904 0a000001", &outside, &u);
	assert_int_equal(u.originator, 0);
}

static void test_extended_communities(void **state)
{
	static const struct row rows[] = {
		{ "c01008 8006000000000000", TAKE, false },
		{ "c01010 8006000000000000 8007000000000001", TAKE, false },
		{ "c01000", WITHDRAW, true },
		{ "c01007 80060000000000", WITHDRAW, true },
		{ "c01009 800600000000000000", WITHDRAW, true },
		{ "801008 8006000000000000", WITHDRAW, true },
		{ "c01008 ffffffffffffffff", TAKE, false },
		{ "c01914 000c 20010db8000000000000000000000001 0000", TAKE, false },
		{ "c01900", WITHDRAW, true },
		{ "c01908 8006000000000000", WITHDRAW, true },
		{ "c01913 000c 20010db8000000000000000000000001 00", WITHDRAW, true },
		{ "d0190014 000c 20010db8000000000000000000000001 0000", TAKE, false },
	};
	struct fg_update u;

	(void)state;
	CHECK(rows, &outside);
	read_with("c01010 8006000000000000 8007000000000001", &outside, &u);
	assert_int_equal(u.extended.len, 16);
	assert_null(u.extended6.at);
	read_with("c01007 80060000000000", &outside, &u);
	assert_null(u.extended.at);
}

static void test_reach(void **state)
{
	static const struct row rows[] = {
		{ "800e09 0001 85 00 00 03010120", TAKE, false },
		{ "800e05 0001 85 00 00", TAKE, false },
		{ "800e04 0001 85 00", RESET, true },
		{ "800e00", RESET, true },
		{ "800e05 0001 85 01 00", RESET, true },
		{ "800e06 0001 85 ff 0000", RESET, true },
		{ "c00e09 0001 85 00 00 03010120", WITHDRAW, true },
		{ "400e09 0001 85 00 00 03010120", WITHDRAW, true },
	};
	static const struct row unreach[] = {
		{ "800f03 0001 85", TAKE, false },
		{ "800f02 0001", RESET, true },
		{ "800f00", RESET, true },
		{ "c00f03 0001 85", WITHDRAW, true },
	};

	(void)state;
	CHECK(rows, &outside);
	CHECK(unreach, &outside);
}

/* Peers without the capability send two octets an AS (RFC 6793 §4.2.2). */
static void test_two_octets(void **state)
{
	static const struct row rows[] = { { "400204 0201 fdf2", TAKE, false },
					   { "400206 0201 0000fdf2", WITHDRAW, true },
					   { "c00706 fdf2 c0000201", TAKE, false },
					   { "c00708 0000fdf2 c0000201", TAKE, true } };
	struct fg_update u;

	(void)state;
	CHECK(rows, &two_octets);
	read_with("400206 0202 fdf2 fde9", &two_octets, &u);
	assert_int_equal(u.first_as, 65010);
	assert_true(u.as_loop);
}

static void test_path(void **state)
{
	struct fg_update u;

	(void)state;
	read_with("40020a 0202 0000fdf2 0000fde9", &outside, &u);
	assert_int_equal(u.first_as, 65010);
	assert_true(u.as_loop);
	read_with("40020c 0201 0000fdf2 0101 0000fde9", &outside, &u);
	assert_true(u.as_loop); /* in a set behind */
	read_with("400206 0101 0000fdf2", &outside, &u);
	assert_int_equal(u.first_as, 0); /* begins with a set */
	read_with("400200", &outside, &u);
	assert_true(u.as_path);
	assert_int_equal(u.first_as, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_well_known),    cmocka_unit_test(test_confederation),
		cmocka_unit_test(test_local_pref),    cmocka_unit_test(test_optional),
		cmocka_unit_test(test_of_reflectors), cmocka_unit_test(test_extended_communities),
		cmocka_unit_test(test_reach),         cmocka_unit_test(test_two_octets),
		cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests_name("bgp/attribute", tests, NULL, NULL);
}
