/* SPDX-License-Identifier: BSD-3-Clause */
/* OPEN: capabilities in one parameter and in several, with lengths of one octet and of two; what is refused, and with which subcode. */
#include "octets.h"

#include "ctrl/bgp/open.h"

/* AS 65010, hold time 90, identifier 10.255.0.10. */
#define FIXED "04 fdf2 005a 0aff000a"

static int read_open(const char *body, struct fg_bgp_open *o, struct fg_bgp_error *e)
{
	struct octets octets = octets_of(body);
	struct fg_bgp_message m = { FG_BGP_OPEN, octets.at, octets.len, octets.len + FG_BGP_HEADER };
	int r = fg_bgp_open_read(&m, o, e);

	free(octets.at);
	return r;
}

static void check_all(const struct fg_bgp_open *o)
{
	assert_int_equal(o->as, 65010);
	assert_int_equal(o->hold_s, 90);
	assert_int_equal(o->id, 0x0aff000a);
	assert_true(o->as4 && o->refresh && o->enhanced_refresh && o->extended && o->multiprotocol);
	assert_true(o->flowspec[FG_IPV4] && o->flowspec[FG_IPV6]);
	assert_false(o->unicast[FG_IPV4] || o->unicast[FG_IPV6]);
	assert_true(o->restart && o->restart_notification && !o->restarting);
	assert_int_equal(o->restart_s, 120);
	assert_true(o->restart_family[FG_IPV4] && o->kept[FG_IPV4]);
	assert_true(o->restart_family[FG_IPV6] && !o->kept[FG_IPV6]);
}

static void test_one_parameter(void **state)
{
	struct fg_bgp_open o;
	struct fg_bgp_error e;

	(void)state;
	assert_int_equal(
		read_open(
			FIXED
			"26 0224 01040001 0085 01040002 0085 0200 4600 0600 4104 0000fdf2 400a 4078 00018580 00028500",
			&o, &e),
		0);
	check_all(&o);
}

/* As FRR sends them. */
static void test_one_parameter_each(void **state)
{
	struct fg_bgp_open o;
	struct fg_bgp_error e;

	(void)state;
	assert_int_equal(
		read_open(FIXED
			  "32 0206 01040001 0085 0206 01040002 0085 0202 0200 0202 4600 0202 0600 0206 4104 0000fdf2"
			  "020c 400a 4078 00018580 00028500",
			  &o, &e),
		0);
	check_all(&o);
}

/* RFC 9072 §2: the length octet is 255, or any but 0. */
static void test_extended_parameters(void **state)
{
	static const char *const heads[] = { FIXED "ff ff 0027 02 0024", FIXED "01 ff 0027 02 0024" };
	char body[512];
	struct fg_bgp_open o;
	struct fg_bgp_error e;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		snprintf(body, sizeof(body),
			 "%s 01040001 0085 01040002 0085 0200 4600 0600 4104 0000fdf2 400a 4078 00018580 00028500",
			 heads[i]);
		assert_int_equal(read_open(body, &o, &e), 0);
		check_all(&o);
	}
}

static void test_plain(void **state)
{
	struct fg_bgp_open o;
	struct fg_bgp_error e;

	(void)state;
	assert_int_equal(read_open(FIXED "00", &o, &e), 0);
	assert_false(o.multiprotocol || o.as4 || o.restart || o.extended);
	assert_int_equal(o.as, 65010);
}

/* Of another length than the RFC says, or of another family, a capability says nothing, and is no error (RFC 5492 §3). */
static void test_capabilities_that_say_nothing(void **state)
{
	struct fg_bgp_open o;
	struct fg_bgp_error e;

	(void)state;
	assert_int_equal(
		read_open(
			FIXED
			"25 0223 0103 000100 0104 0001 0086 0104 0019 0041 4102 fdf2 4003 407800 0601 00 ff04 01020304",
			&o, &e),
		0);
	assert_true(o.multiprotocol);
	assert_false(o.flowspec[FG_IPV4] || o.flowspec[FG_IPV6] || o.as4 || o.restart || o.extended);
}

static void test_refused(void **state)
{
	static const struct {
		const char *body;
		uint8_t subcode;
	} cases[] = {
		{ "03 fdf2 005a 0aff000a 00", FG_BGP_BAD_VERSION },
		{ "05 fdf2 005a 0aff000a 00", FG_BGP_BAD_VERSION },
		{ "04 fdf2 0001 0aff000a 00", FG_BGP_BAD_HOLD },
		{ "04 fdf2 0002 0aff000a 00", FG_BGP_BAD_HOLD },
		{ "04 fdf2 005a 00000000 00", FG_BGP_BAD_ID },
		{ "04 0000 005a 0aff000a 00", FG_BGP_BAD_PEER_AS },
		{ FIXED "08 0206 4104 00000000", FG_BGP_BAD_PEER_AS },
		{ FIXED "03 0101 00", FG_BGP_BAD_PARAMETER },
		{ FIXED "01", 0 },
		{ FIXED "00 00", 0 },
		{ FIXED "01 02", 0 },
		{ FIXED "03 0205 02", 0 },
		{ FIXED "03 0201 02", 0 },
		{ FIXED "04 0202 0201", 0 },
		{ FIXED "ff ff 0004 02 0002 02", 0 },
		{ FIXED "ff ff 0002 02 00", 0 },
		{ "04 fdf2 005a 0aff00", 0 },
	};
	struct fg_bgp_open o;
	struct fg_bgp_error e;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_open(cases[i].body, &o, &e), FG_MALFORMED);
		assert_int_equal(e.code, FG_BGP_BAD_OPEN);
		assert_int_equal(e.subcode, cases[i].subcode);
	}
	assert_int_equal(read_open(cases[0].body, &o, &e), FG_MALFORMED);
	assert_int_equal(fg_load_be16(e.data), 4); /* the version that is spoken */
}

/* Hold times 0 and 3 are the edges of what is accepted (RFC 4271 §4.2). */
static void test_hold_times(void **state)
{
	struct fg_bgp_open o;
	struct fg_bgp_error e;

	(void)state;
	assert_int_equal(read_open("04 fdf2 0000 0aff000a 00", &o, &e), 0);
	assert_int_equal(read_open("04 fdf2 0003 0aff000a 00", &o, &e), 0);
}

static void test_round_trip(void **state)
{
	struct fg_bgp_open o = { .as = 4200000001,
				 .id = 0x0a000001,
				 .hold_s = 90,
				 .as4 = true,
				 .refresh = true,
				 .enhanced_refresh = true,
				 .extended = true,
				 .flowspec = { true, true },
				 .unicast = { true, true },
				 .multiprotocol = true,
				 .restart = true,
				 .restarting = true,
				 .restart_notification = true,
				 .restart_s = 4095,
				 .restart_family = { true, true },
				 .kept = { true, true } };
	uint8_t out[FG_BGP_OPEN_OCTETS];
	struct fg_bgp_open back;
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	(void)state;
	assert_int_equal(fg_bgp_frame(out, fg_bgp_open_write(&o, out), false, &m, &e), FG_BGP_WHOLE);
	assert_int_equal(fg_load_be16(m.body + 1), FG_BGP_AS_TRANS);
	assert_int_equal(fg_bgp_open_read(&m, &back, &e), 0);
	assert_memory_equal(&o, &back, sizeof(o));
}

/* No truncation is read beyond its end or taken for the whole. */
static void test_cut(void **state)
{
	struct octets o = octets_of(
		FIXED "26 0224 01040001 0085 01040002 0085 0200 4600 0600 4104 0000fdf2 400a 4078 00018580 00028500");
	struct fg_bgp_open open;
	struct fg_bgp_error e;

	(void)state;
	for (size_t len = 0; len < o.len; len++) {
		struct octets cut = octets_copy(o.at, len);
		struct fg_bgp_message m = { FG_BGP_OPEN, cut.at, cut.len, cut.len + FG_BGP_HEADER };

		assert_int_equal(fg_bgp_open_read(&m, &open, &e), FG_MALFORMED);
		free(cut.at);
	}
	free(o.at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_parameter),
		cmocka_unit_test(test_one_parameter_each),
		cmocka_unit_test(test_extended_parameters),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_capabilities_that_say_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_hold_times),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("bgp/open", tests, NULL, NULL);
}
