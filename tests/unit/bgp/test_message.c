/* SPDX-License-Identifier: BSD-3-Clause */
/* Framing, NOTIFICATION and ROUTE-REFRESH: what is taken, what ends a session, and that no octet behind what is there is looked at. */
#include "octets.h"

static enum fg_bgp_framing frame(const struct octets *o, size_t len, bool extended, struct fg_bgp_message *m,
				 struct fg_bgp_error *e)
{
	struct octets cut = octets_copy(o->at, len);
	enum fg_bgp_framing f = fg_bgp_frame(cut.at, cut.len, extended, m, e);

	if (f == FG_BGP_WHOLE)
		m->body = o->at + FG_BGP_HEADER;
	free(cut.at);
	return f;
}

static void test_whole_and_cut(void **state)
{
	struct octets o = message_of(FG_BGP_UPDATE, "0000 0000 aabbcc");
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	(void)state;
	for (size_t len = 0; len < o.len; len++)
		assert_int_equal(frame(&o, len, false, &m, &e), FG_BGP_MORE);
	assert_int_equal(frame(&o, o.len, false, &m, &e), FG_BGP_WHOLE);
	assert_int_equal(m.kind, FG_BGP_UPDATE);
	assert_int_equal(m.octets, o.len);
	assert_int_equal(m.body_len, 7);
	free(o.at);
}

static void test_marker(void **state)
{
	struct octets o = message_of(FG_BGP_KEEPALIVE, "");
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	(void)state;
	for (size_t i = 0; i < 16; i++) {
		o.at[i] = 0xfe;
		/* It is known as soon as the octet is there. */
		assert_int_equal(frame(&o, i, false, &m, &e), FG_BGP_MORE);
		assert_int_equal(frame(&o, i + 1, false, &m, &e), FG_BGP_BROKEN);
		assert_int_equal(e.code, FG_BGP_BAD_HEADER);
		assert_int_equal(e.subcode, FG_BGP_NOT_SYNCHRONIZED);
		o.at[i] = 0xff;
	}
	free(o.at);
}

/* RFC 4271 §6.1, RFC 8654 §4. */
static void test_lengths(void **state)
{
	static const struct {
		uint8_t kind;
		uint16_t octets;
		bool extended, fits;
	} cases[] = {
		{ FG_BGP_OPEN, 28, false, false },         { FG_BGP_OPEN, 29, false, true },
		{ FG_BGP_OPEN, 4096, true, true },         { FG_BGP_OPEN, 4097, true, false },
		{ FG_BGP_UPDATE, 22, false, false },       { FG_BGP_UPDATE, 23, false, true },
		{ FG_BGP_UPDATE, 4096, false, true },      { FG_BGP_UPDATE, 4097, false, false },
		{ FG_BGP_UPDATE, 4097, true, true },       { FG_BGP_UPDATE, 65535, true, true },
		{ FG_BGP_NOTIFICATION, 20, false, false }, { FG_BGP_NOTIFICATION, 21, false, true },
		{ FG_BGP_KEEPALIVE, 18, false, false },    { FG_BGP_KEEPALIVE, 19, false, true },
		{ FG_BGP_KEEPALIVE, 20, true, false },     { FG_BGP_REFRESH, 19, false, true },
		{ FG_BGP_UPDATE, 0, true, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t header[FG_BGP_HEADER];
		struct octets o = { header, sizeof(header) };
		struct fg_bgp_message m;
		struct fg_bgp_error e;
		enum fg_bgp_framing f;

		fg_bgp_header_write(header, cases[i].kind, cases[i].octets);
		f = frame(&o, o.len, cases[i].extended, &m, &e);
		assert_int_equal(f == FG_BGP_BROKEN, !cases[i].fits);
		if (f != FG_BGP_BROKEN)
			continue;
		assert_int_equal(e.subcode, FG_BGP_BAD_LENGTH);
		assert_int_equal(e.data_len, 2);
		assert_int_equal(fg_load_be16(e.data), cases[i].octets);
	}
}

static void test_type(void **state)
{
	uint8_t header[FG_BGP_HEADER];
	struct octets o = { header, sizeof(header) };
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		fg_bgp_header_write(header, (enum fg_bgp_kind)kind, 29);
		if (kind >= FG_BGP_OPEN && kind <= FG_BGP_REFRESH)
			continue;
		assert_int_equal(frame(&o, o.len, false, &m, &e), FG_BGP_BROKEN);
		assert_int_equal(e.subcode, FG_BGP_BAD_TYPE);
		assert_int_equal(e.data[0], kind);
	}
}

static void test_notification_round_trip(void **state)
{
	uint8_t out[FG_BGP_HEADER + 2 + FG_BGP_ERROR_DATA_MAX];
	struct fg_bgp_error e, back;
	struct fg_bgp_message m;
	size_t len;

	(void)state;
	fg_bgp_error_set(&e, FG_BGP_CEASE, FG_BGP_COLLISION, "%s", "of no matter");
	memset(e.data, 7, sizeof(e.data));
	e.data_len = sizeof(e.data);
	len = fg_bgp_notification_write(&e, out);
	assert_int_equal(len, sizeof(out));
	assert_int_equal(fg_bgp_frame(out, len, false, &m, &back), FG_BGP_WHOLE);
	assert_true(fg_bgp_notification_read(&m, &back));
	assert_int_equal(back.code, FG_BGP_CEASE);
	assert_int_equal(back.subcode, FG_BGP_COLLISION);
	assert_memory_equal(back.data, e.data, sizeof(e.data));
	assert_string_equal(back.detail, "cease: connection collision resolution");
}

static void test_notification_longer_than_kept(void **state)
{
	uint8_t body[5000] = { FG_BGP_BAD_UPDATE, 3 };
	struct fg_bgp_message m = { FG_BGP_NOTIFICATION, body, sizeof(body), sizeof(body) + FG_BGP_HEADER };
	struct fg_bgp_error e;

	(void)state;
	assert_true(fg_bgp_notification_read(&m, &e));
	assert_int_equal(e.data_len, FG_BGP_ERROR_DATA_MAX);
	assert_string_equal(e.detail, "UPDATE message error, subcode 3");
	m.body_len = 1;
	assert_false(fg_bgp_notification_read(&m, &e));
}

static void test_refresh(void **state)
{
	struct fg_bgp_refresh r = { 2, FG_BGP_FLOWSPEC, FG_BGP_REFRESH_END }, back;
	uint8_t out[FG_BGP_HEADER + 4];
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	(void)state;
	assert_int_equal(fg_bgp_frame(out, fg_bgp_refresh_write(&r, out), false, &m, &e), FG_BGP_WHOLE);
	assert_int_equal(fg_bgp_refresh_read(&m, &back, &e), 0);
	assert_memory_equal(&r, &back, sizeof(r));
	for (m.body_len = 0; m.body_len < 4; m.body_len++) {
		assert_int_equal(fg_bgp_refresh_read(&m, &back, &e), FG_MALFORMED);
		assert_int_equal(e.code, FG_BGP_BAD_REFRESH);
		assert_int_equal(e.subcode, 1);
	}
}

static void test_names(void **state)
{
	char name[FG_DETAIL_MAX];

	(void)state;
	fg_bgp_error_name(FG_BGP_HOLD_EXPIRED, 0, name);
	assert_string_equal(name, "hold timer expired");
	fg_bgp_error_name(FG_BGP_BAD_OPEN, FG_BGP_BAD_HOLD, name);
	assert_string_equal(name, "OPEN message error: unacceptable hold time");
	fg_bgp_error_name(FG_BGP_CEASE, 200, name);
	assert_string_equal(name, "cease, subcode 200");
	fg_bgp_error_name(200, 3, name);
	assert_string_equal(name, "code 200 subcode 3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_and_cut),
		cmocka_unit_test(test_marker),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_type),
		cmocka_unit_test(test_notification_round_trip),
		cmocka_unit_test(test_notification_longer_than_kept),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests_name("bgp/message", tests, NULL, NULL);
}
