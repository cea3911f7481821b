/* SPDX-License-Identifier: BSD-3-Clause */
/* What we send reads back as what was meant, by our own reader, which others' UPDATEs go through. */
#include "octets.h"

#include "ctrl/bgp/update.h"

static void read_back(const uint8_t *out, size_t len, bool as4, bool ibgp, struct fg_update *u)
{
	struct fg_update_how how = { .local_as = 65010, .as4 = as4, .ibgp = ibgp };
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	assert_int_equal(fg_bgp_frame(out, len, false, &m, &e), FG_BGP_WHOLE);
	assert_int_equal(m.octets, len);
	assert_int_equal(m.kind, FG_BGP_UPDATE);
	fg_update_read(m.body, m.body_len, &how, u);
	assert_int_equal(u->fate, FG_UPDATE_TAKE);
	assert_int_equal(u->wrong, 0);
	assert_false(u->unicast);
}

static void test_end_of_rib(void **state)
{
	uint8_t out[FG_BGP_ANNOUNCE_OCTETS];
	struct fg_update u;

	(void)state;
	read_back(out, fg_bgp_end_of_rib_write(2, FG_BGP_FLOWSPEC, out), true, false, &u);
	assert_true(u.end_of_rib);
	assert_int_equal(u.unreach.afi, 2);
	assert_int_equal(u.unreach.safi, FG_BGP_FLOWSPEC);
}

static void test_service(void **state)
{
	struct fg_bgp_service s = { .family = FG_IPV6,
				    .length = 44,
				    .prefix = { 0x20, 1, 0xd, 0xb8, 0, 0x10 },
				    .next_hop = { 0x20, 1 },
				    .local_as = 4200000001 };
	uint8_t out[FG_BGP_ANNOUNCE_OCTETS];
	struct fg_update u;

	(void)state;
	for (int inside = 0; inside < 2; inside++)
		for (int as4 = 0; as4 < 2; as4++) {
			s.ibgp = inside;
			s.as4 = as4;
			read_back(out, fg_bgp_announce_write(&s, out), as4, inside, &u);
			assert_true(u.reach.there && !u.unreach.there);
			assert_int_equal(u.reach.afi, 2);
			assert_int_equal(u.reach.safi, FG_BGP_UNICAST);
			assert_int_equal(u.reach.octets.len, 7);
			assert_memory_equal(u.reach.octets.at, "\x2c\x20\x01\x0d\xb8\x00\x10", 7);
			assert_int_equal(u.first_as, inside ? 0 : as4 ? 4200000001 : FG_BGP_AS_TRANS);
			read_back(out, fg_bgp_withdraw_write(&s, out), as4, inside, &u);
			assert_true(u.unreach.there && !u.reach.there && !u.end_of_rib);
			assert_memory_equal(u.unreach.octets.at, "\x2c\x20\x01\x0d\xb8\x00\x10", 7);
		}
}

/* The longest there can be fits the room. */
static void test_longest(void **state)
{
	struct fg_bgp_service s = { .family = FG_IPV6, .length = 128, .as4 = true };
	uint8_t out[FG_BGP_ANNOUNCE_OCTETS];

	(void)state;
	assert_in_range(fg_bgp_announce_write(&s, out), 1, sizeof(out));
	s.ibgp = true;
	assert_in_range(fg_bgp_announce_write(&s, out), 1, sizeof(out));
	s = (struct fg_bgp_service){ .family = FG_IPV4, .length = 0 };
	assert_in_range(fg_bgp_withdraw_write(&s, out), 1, sizeof(out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_end_of_rib),
		cmocka_unit_test(test_service),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests_name("bgp/announce", tests, NULL, NULL);
}
