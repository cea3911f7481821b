/* SPDX-License-Identifier: BSD-3-Clause */
/* The walk over an UPDATE: where routes are found, what ends the session, End-of-RIB, and each truncation of each recorded UPDATE. */
#include "octets.h"

#include "ctrl/bgp/update.h"

#define ORIGIN "400101 00"
#define AS_PATH "400206 0201 0000fdf2"
#define REACH "800e09 0001 85 00 00 03010120"
#define UNREACH "800f06 0001 85 020120"

static const struct fg_update_how outside = { .local_as = 65001, .as4 = true };
static const struct fg_update_how inside = { .local_as = 65001, .as4 = true, .ibgp = true };

static uint8_t kept[FG_BGP_EXTENDED_MAX];

/* *u points into kept[]. */
static void read_body(const uint8_t *body, size_t len, const struct fg_update_how *how, struct fg_update *u)
{
	struct octets copy = octets_copy(body, len);

	fg_update_read(copy.at, len, how, u); /* for what a sanitizer sees */
	free(copy.at);
	memcpy(kept, body, len);
	fg_update_read(kept, len, how, u);
}

/* Attributes with their length before them, nothing withdrawn. */
static void read_attributes(const char *hex, const struct fg_update_how *how, struct fg_update *u)
{
	struct octets a = octets_of(hex);
	uint8_t *body = malloc(a.len + 4);

	fg_store_be16(body, 0);
	fg_store_be16(body + 2, (uint16_t)a.len);
	memcpy(body + 4, a.at, a.len);
	read_body(body, a.len + 4, how, u);
	free(body);
	free(a.at);
}

static void test_reach(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes(ORIGIN AS_PATH REACH, &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
	assert_int_equal(u.wrong, 0);
	assert_true(u.reach.there && !u.unreach.there);
	assert_int_equal(u.reach.afi, 1);
	assert_int_equal(u.reach.safi, FG_BGP_FLOWSPEC);
	assert_int_equal(u.reach.octets.len, 4);
	assert_int_equal(u.reach.octets.at[0], 3);
	assert_int_equal(u.first_as, 65010);
	assert_false(u.as_loop || u.end_of_rib || u.unicast);
}

/* A next hop of any length says nothing (RFC 8955 §4). */
static void test_next_hop_of_any_length(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes(ORIGIN AS_PATH "800e0d 0001 85 04 c0000201 00 03010120", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
	assert_int_equal(u.reach.octets.len, 4);
	read_attributes(ORIGIN AS_PATH "900e0019 0002 85 10 20010db8000000000000000000000001 00 03010120", &outside,
			&u);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
	assert_int_equal(u.reach.octets.len, 4);
	read_attributes(ORIGIN AS_PATH "800e09 0001 85 05 00 03010120", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_RESET);
}

static void test_unreach_needs_no_attributes(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes(UNREACH, &inside, &u);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
	assert_int_equal(u.wrong, 0);
	assert_true(u.unreach.there);
	assert_false(u.end_of_rib);
}

/* RFC 4724 §2. */
static void test_end_of_rib(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes("800f03 0002 85", &outside, &u);
	assert_true(u.end_of_rib);
	assert_int_equal(u.unreach.afi, 2);
	read_attributes("900f0003 0001 85", &outside, &u);
	assert_true(u.end_of_rib);
	read_attributes(ORIGIN "800f03 0002 85", &outside, &u);
	assert_false(u.end_of_rib);
	read_attributes("", &outside, &u); /* of IPv4 unicast, which is not ours */
	assert_false(u.end_of_rib);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
}

static void test_unicast_is_seen(void **state)
{
	static const uint8_t withdrawn[] = { 0, 4, 24, 192, 0, 2, 0, 0 }, announced[] = { 0, 0, 0, 0, 24, 192, 0, 2 };
	struct fg_update u;

	(void)state;
	read_body(withdrawn, sizeof(withdrawn), &outside, &u);
	assert_true(u.unicast);
	read_body(announced, sizeof(announced), &outside, &u);
	assert_true(u.unicast);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
}

static void test_lengths_that_run_over(void **state)
{
	static const uint8_t bodies[][4] = { { 0, 3, 0, 0 }, { 0, 0, 0, 1 }, { 255, 255, 0, 0 }, { 0, 1, 0, 0 } };
	struct fg_update u;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		read_body(bodies[i], 4, &outside, &u);
		assert_int_equal(u.fate, FG_UPDATE_RESET);
		assert_int_equal(u.error.code, FG_BGP_BAD_UPDATE);
		assert_int_equal(u.error.subcode, FG_BGP_BAD_ATTRIBUTES);
	}
}

/* RFC 7606 §4, §5.1: what is found before stays found. */
static void test_attribute_runs_over(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes(REACH ORIGIN AS_PATH "c010ff 80", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_WITHDRAW);
	assert_true(u.reach.there);
	read_attributes(ORIGIN AS_PATH "c010ff 80" REACH, &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_RESET);
	read_attributes(REACH "40", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_WITHDRAW);
	read_attributes("4001", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_RESET);
	/* What is withdrawn has been found; what may be announced behind it has not. */
	read_attributes(UNREACH "c010ff 80", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_RESET);
}

/* RFC 7606 §3 g. */
static void test_twice(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes(ORIGIN AS_PATH REACH REACH, &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_RESET);
	read_attributes(UNREACH UNREACH, &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_RESET);
	read_attributes(ORIGIN AS_PATH "400206 0201 0000fde9" REACH, &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
	assert_int_equal(u.wrong, 1);
	assert_int_equal(u.first_as, 65010); /* of the first */
	read_attributes(ORIGIN AS_PATH REACH "e0ff01 00 e0ff01 00", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_TAKE); /* unknown ones too */
	assert_int_equal(u.wrong, 1);
}

/* RFC 7606 §3 d. */
static void test_missing(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes(AS_PATH REACH, &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_WITHDRAW);
	assert_int_equal(u.wrong_attribute, FG_ATTR_ORIGIN);
	read_attributes(ORIGIN REACH, &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_WITHDRAW);
	assert_int_equal(u.wrong_attribute, FG_ATTR_AS_PATH);
	read_attributes(ORIGIN AS_PATH REACH, &inside, &u);
	assert_int_equal(u.fate, FG_UPDATE_WITHDRAW);
	assert_int_equal(u.wrong_attribute, FG_ATTR_LOCAL_PREF);
	read_attributes(ORIGIN AS_PATH "400504 00000064" REACH, &inside, &u);
	assert_int_equal(u.fate, FG_UPDATE_TAKE);
	read_attributes(REACH, &outside, &u); /* none at all */
	assert_int_equal(u.fate, FG_UPDATE_WITHDRAW);
}

/* A milder error behind a worse one changes nothing (RFC 7606 §3 h). */
static void test_worst_counts(void **state)
{
	struct fg_update u;

	(void)state;
	read_attributes("400101 09" AS_PATH REACH "400600 400600", &outside, &u);
	assert_int_equal(u.fate, FG_UPDATE_WITHDRAW);
	assert_int_equal(u.wrong, 2);
	assert_int_equal(u.wrong_attribute, FG_ATTR_ORIGIN);
}

/* ---- Recorded UPDATEs: tests/data/updates.tsv has what the daemons of the interoperability tests sent ---- */

static void each_truncation(const struct octets *o)
{
	const uint8_t *body = o->at + FG_BGP_HEADER;
	size_t len = o->len - FG_BGP_HEADER, withdrawn = fg_load_be16(body);
	struct fg_update u, whole;

	read_body(body, len, &outside, &whole);
	assert_int_equal(whole.fate, FG_UPDATE_TAKE);
	/* The message is cut, its lengths say what they said: nothing of it is used. */
	for (size_t cut = 0; cut < len; cut++) {
		read_body(body, cut, &outside, &u);
		assert_int_equal(u.fate, FG_UPDATE_RESET);
	}
	/* The attributes are cut and their length is made to fit: never more than before is found, and nothing else. */
	for (size_t cut = 0; cut < len - 4 - withdrawn; cut++) {
		uint8_t *shorter = malloc(len);

		memcpy(shorter, body, len);
		fg_store_be16(shorter + 2 + withdrawn, (uint16_t)cut);
		read_body(shorter, 4 + withdrawn + cut, &outside, &u);
		assert_true(!u.reach.there || u.reach.octets.len == whole.reach.octets.len);
		assert_true(!u.unreach.there || u.unreach.octets.len == whole.unreach.octets.len);
		assert_true(!u.reach.there || u.fate != FG_UPDATE_TAKE || (u.as_path && u.first_as == whole.first_as));
		free(shorter);
	}
}

static void test_recorded(void **state)
{
	const char *folder = getenv("FG_TEST_DATA");
	static char path[1024], line[4 * FG_BGP_MESSAGE_MAX];
	size_t seen = 0;
	FILE *f;

	(void)state;
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/updates.tsv", folder);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		char *hex = strchr(line, '\t');
		struct octets o;

		assert_non_null(hex);
		hex[strcspn(hex, "\n")] = '\0';
		o = octets_of(hex + 1);
		each_truncation(&o);
		free(o.at);
		seen++;
	}
	fclose(f);
	assert_true(seen >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_next_hop_of_any_length),
		cmocka_unit_test(test_unreach_needs_no_attributes),
		cmocka_unit_test(test_end_of_rib),
		cmocka_unit_test(test_unicast_is_seen),
		cmocka_unit_test(test_lengths_that_run_over),
		cmocka_unit_test(test_attribute_runs_over),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_worst_counts),
		cmocka_unit_test(test_recorded),
	};

	return cmocka_run_group_tests_name("bgp/update", tests, NULL, NULL);
}
