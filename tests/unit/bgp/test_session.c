/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state machine: one session, its events by hand, and what it does written down. Time is what the test says.
 */
#include "octets.h"

#include "ctrl/bgp/session.h"
#include "ctrl/bgp/update.h"

enum { LOCAL_AS = 65001, PEER_AS = 65010, LOCAL_ID = 0x0a000002 };

struct seen {
	struct fg_session s;
	uint64_t now_ms;
	unsigned dials, ups, downs, updates, asked, begun, ended;
	unsigned closed[FG_CONNS], sent[FG_CONNS][FG_BGP_REFRESH + 1];
	uint32_t kept;
	struct fg_bgp_error said; /* the last NOTIFICATION that we sent */
};

static void on_dial(void *ctx)
{
	((struct seen *)ctx)->dials++;
}

static void on_close(void *ctx, enum fg_conn c)
{
	((struct seen *)ctx)->closed[c]++;
}

static void on_send(void *ctx, enum fg_conn c, const uint8_t *octets, size_t len)
{
	struct seen *seen = ctx;
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	assert_int_equal(fg_bgp_frame(octets, len, false, &m, &e), FG_BGP_WHOLE);
	seen->sent[c][m.kind]++;
	if (m.kind == FG_BGP_NOTIFICATION)
		assert_true(fg_bgp_notification_read(&m, &seen->said));
}

static void on_up(void *ctx, enum fg_conn c)
{
	(void)c;
	((struct seen *)ctx)->ups++;
}

static void on_down(void *ctx, uint32_t keep)
{
	struct seen *seen = ctx;

	seen->downs++;
	seen->kept = keep;
}

static void on_update(void *ctx, const uint8_t *body, size_t len)
{
	(void)body;
	(void)len;
	((struct seen *)ctx)->updates++;
}

static void on_refreshed(void *ctx, enum fg_family family, bool end)
{
	struct seen *seen = ctx;

	(void)family;
	seen->begun += !end;
	seen->ended += end;
}

static void on_asked(void *ctx, const struct fg_bgp_refresh *r)
{
	(void)r;
	((struct seen *)ctx)->asked++;
}

static const struct fg_session_ops ops = {
	on_dial, on_close, on_send, on_up, on_down, on_update, on_refreshed, on_asked
};

static const struct fg_bgp_open ours = { .as = LOCAL_AS,
					 .id = LOCAL_ID,
					 .hold_s = 90,
					 .as4 = true,
					 .refresh = true,
					 .extended = true,
					 .flowspec = { true, true },
					 .multiprotocol = true,
					 .restart = true,
					 .restart_notification = true,
					 .restart_s = 120,
					 .restart_family = { true, true } };

static struct fg_bgp_open theirs(void)
{
	struct fg_bgp_open o = ours;

	o.as = PEER_AS;
	o.id = LOCAL_ID + 1;
	o.hold_s = 30;
	return o;
}

static void begin(struct seen *seen, bool passive)
{
	*seen = (struct seen){ .s = { .ops = &ops, .ours = ours, .peer_as = PEER_AS, .retry_s = 5, .passive = passive },
			       .now_ms = 1000000 };
	seen->s.ctx = seen;
	fg_session_start(&seen->s, seen->now_ms, 77);
}

static void say(struct seen *seen, enum fg_conn c, const uint8_t *octets, size_t len)
{
	struct fg_bgp_message m;
	struct fg_bgp_error e;

	assert_int_equal(fg_bgp_frame(octets, len, false, &m, &e), FG_BGP_WHOLE);
	fg_session_message(&seen->s, c, &m, seen->now_ms);
}

static void say_open(struct seen *seen, enum fg_conn c, const struct fg_bgp_open *o)
{
	uint8_t out[FG_BGP_OPEN_OCTETS];

	say(seen, c, out, fg_bgp_open_write(o, out));
}

static void say_keepalive(struct seen *seen, enum fg_conn c)
{
	uint8_t out[FG_BGP_HEADER];

	say(seen, c, out, fg_bgp_keepalive_write(out));
}

static void say_notification(struct seen *seen, enum fg_conn c, uint8_t code, uint8_t subcode)
{
	uint8_t out[FG_BGP_HEADER + 2 + FG_BGP_ERROR_DATA_MAX];
	struct fg_bgp_error e;

	fg_bgp_error_set(&e, code, subcode, "%s", "");
	say(seen, c, out, fg_bgp_notification_write(&e, out));
}

/* Ticks whenever something is due, until then. */
static void pass(struct seen *seen, uint64_t ms)
{
	uint64_t until = seen->now_ms + ms;

	while (fg_session_due(&seen->s) <= until) {
		if (fg_session_due(&seen->s) > seen->now_ms)
			seen->now_ms = fg_session_due(&seen->s);
		fg_session_tick(&seen->s, seen->now_ms);
	}
	seen->now_ms = until;
}

/* By the connection that the peer has made. */
static void bring_up(struct seen *seen, const struct fg_bgp_open *o)
{
	assert_true(fg_session_accept(&seen->s, seen->now_ms));
	say_open(seen, FG_CONN_TAKEN, o);
	say_keepalive(seen, FG_CONN_TAKEN);
	assert_int_equal(fg_session_state(&seen->s), FG_SESSION_ESTABLISHED);
}

static void test_dialled(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, false);
	assert_int_equal(fg_session_state(&seen.s), FG_SESSION_ACTIVE);
	pass(&seen, 1000);
	assert_int_equal(seen.dials, 1);
	assert_int_equal(fg_session_state(&seen.s), FG_SESSION_CONNECT);
	fg_session_connected(&seen.s, seen.now_ms);
	assert_int_equal(seen.sent[FG_CONN_DIALLED][FG_BGP_OPEN], 1);
	assert_int_equal(fg_session_state(&seen.s), FG_SESSION_OPEN_SENT);
	say_open(&seen, FG_CONN_DIALLED, &o);
	assert_int_equal(seen.sent[FG_CONN_DIALLED][FG_BGP_KEEPALIVE], 1);
	assert_int_equal(fg_session_state(&seen.s), FG_SESSION_OPEN_CONFIRM);
	say_keepalive(&seen, FG_CONN_DIALLED);
	assert_int_equal(fg_session_state(&seen.s), FG_SESSION_ESTABLISHED);
	assert_int_equal(seen.ups, 1);
	assert_int_equal(seen.s.hold_s, 30);
	assert_true(seen.s.as4 && seen.s.extended && seen.s.notification && seen.s.flowspec[FG_IPV4] &&
		    seen.s.flowspec[FG_IPV6]);
}

static void test_taken(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, true);
	pass(&seen, 3600000);
	assert_int_equal(seen.dials, 0); /* passive: whatever happens */
	bring_up(&seen, &o);
	fg_session_lost(&seen.s, FG_CONN_CHOSEN, "closed", seen.now_ms);
	pass(&seen, 3600000);
	assert_int_equal(seen.dials, 0);
	bring_up(&seen, &o);
	assert_int_equal(seen.ups, 2);
}

/* What one side cannot is not agreed on: a peer without Flowspec gets none, and the session is up. */
static void test_nothing_in_common(void **state)
{
	struct fg_bgp_open o = { .as = PEER_AS, .id = 1, .hold_s = 90 };
	struct seen seen;

	(void)state;
	begin(&seen, true);
	bring_up(&seen, &o);
	assert_false(seen.s.as4 || seen.s.extended || seen.s.notification || seen.s.flowspec[FG_IPV4] ||
		     seen.s.flowspec[FG_IPV6]);
}

static void test_hold_and_keepalive(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, true);
	bring_up(&seen, &o);
	for (int i = 0; i < 10; i++) {
		pass(&seen, 29000);
		say_keepalive(&seen, FG_CONN_CHOSEN);
	}
	assert_int_equal(seen.downs, 0);
	assert_in_range(seen.sent[FG_CONN_CHOSEN][FG_BGP_KEEPALIVE], 290 / 10, 290 * 4 / 30 + 1);
	pass(&seen, 30000);
	assert_int_equal(seen.downs, 1);
	assert_int_equal(seen.said.code, FG_BGP_HOLD_EXPIRED);
	assert_int_equal(seen.kept,
			 1 << FG_IPV4 | 1 << FG_IPV6); /* RFC 8538 §4: it has agreed that this is a restart */
}

static void test_hold_of_none(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	o.hold_s = 0;
	begin(&seen, true);
	bring_up(&seen, &o);
	pass(&seen, 86400000);
	assert_int_equal(seen.downs, 0);
	assert_int_equal(seen.sent[FG_CONN_CHOSEN][FG_BGP_KEEPALIVE], 0);
}

static void test_refused_opens(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, true);
	o.as = PEER_AS + 1;
	assert_true(fg_session_accept(&seen.s, seen.now_ms));
	say_open(&seen, FG_CONN_TAKEN, &o);
	assert_int_equal(seen.said.code, FG_BGP_BAD_OPEN);
	assert_int_equal(seen.said.subcode, FG_BGP_BAD_PEER_AS);
	assert_int_equal(seen.closed[FG_CONN_TAKEN], 1);
	seen.s.peer_as = LOCAL_AS; /* iBGP: identifiers must differ */
	o = ours;
	assert_true(fg_session_accept(&seen.s, seen.now_ms));
	say_open(&seen, FG_CONN_TAKEN, &o);
	assert_int_equal(seen.said.subcode, FG_BGP_BAD_ID);
	assert_int_equal(seen.ups, 0);
	assert_int_equal(seen.s.last.code, FG_BGP_BAD_OPEN);
}

/* RFC 4271 §6.6, RFC 6608. */
static void test_out_of_place(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, true);
	assert_true(fg_session_accept(&seen.s, seen.now_ms));
	say_keepalive(&seen, FG_CONN_TAKEN);
	assert_int_equal(seen.said.code, FG_BGP_BAD_STATE);
	assert_int_equal(seen.said.subcode, 1);
	assert_true(fg_session_accept(&seen.s, seen.now_ms));
	say_open(&seen, FG_CONN_TAKEN, &o);
	say_open(&seen, FG_CONN_TAKEN, &o);
	assert_int_equal(seen.said.subcode, 2);
	bring_up(&seen, &o);
	say_open(&seen, FG_CONN_CHOSEN, &o);
	assert_int_equal(seen.said.subcode, 3);
	assert_int_equal(seen.downs, 1);
}

/* ---- Collisions (RFC 4271 §6.8) ---- */

static void collide(struct seen *seen, uint32_t their_id)
{
	struct fg_bgp_open o = theirs();

	o.id = their_id;
	begin(seen, false);
	pass(seen, 1000);
	fg_session_connected(&seen->s, seen->now_ms);
	assert_true(fg_session_accept(&seen->s, seen->now_ms));
	say_open(seen, FG_CONN_DIALLED, &o);
	say_open(seen, FG_CONN_TAKEN, &o);
}

static void test_collision_ours_stays(void **state)
{
	struct seen seen;

	(void)state;
	collide(&seen, LOCAL_ID - 1);
	assert_int_equal(seen.closed[FG_CONN_TAKEN], 1);
	assert_int_equal(seen.closed[FG_CONN_DIALLED], 0);
	assert_int_equal(seen.said.code, FG_BGP_CEASE);
	assert_int_equal(seen.said.subcode, FG_BGP_COLLISION);
	say_keepalive(&seen, FG_CONN_DIALLED);
	assert_int_equal(seen.ups, 1);
	assert_int_equal(seen.downs, 0);
}

static void test_collision_theirs_stays(void **state)
{
	struct seen seen;

	(void)state;
	collide(&seen, LOCAL_ID + 1);
	assert_int_equal(seen.closed[FG_CONN_DIALLED], 1);
	assert_int_equal(seen.closed[FG_CONN_TAKEN], 0);
	say_keepalive(&seen, FG_CONN_TAKEN);
	assert_int_equal(seen.ups, 1);
}

/* The same identifier in another AS is legal: the AS decides (RFC 6286 §2.3). */
static void test_collision_same_id(void **state)
{
	struct seen seen;

	(void)state;
	collide(&seen, LOCAL_ID);
	assert_int_equal(seen.closed[FG_CONN_DIALLED], 1); /* 65010 is higher than 65001 */
	assert_int_equal(seen.closed[FG_CONN_TAKEN], 0);
}

/* A second connection beside an established one is refused where the peer cannot restart, and replaces it where it can (RFC 4724 §4.2). */
static void test_second_connection(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	o.restart = false;
	begin(&seen, true);
	bring_up(&seen, &o);
	assert_true(fg_session_accept(&seen.s, seen.now_ms));
	assert_false(fg_session_accept(&seen.s, seen.now_ms)); /* one at a time */
	say_open(&seen, FG_CONN_TAKEN, &o);
	assert_int_equal(seen.said.subcode, FG_BGP_COLLISION);
	assert_int_equal(seen.downs, 0);
	begin(&seen, true);
	o = theirs();
	bring_up(&seen, &o);
	assert_true(fg_session_accept(&seen.s, seen.now_ms));
	assert_int_equal(seen.downs, 0); /* a connection alone is no restart */
	say_open(&seen, FG_CONN_TAKEN, &o);
	assert_int_equal(seen.downs, 1);
	assert_int_equal(seen.kept, 1 << FG_IPV4 | 1 << FG_IPV6);
	say_keepalive(&seen, FG_CONN_TAKEN);
	assert_int_equal(seen.ups, 2);
}

/* Half-open connections that say nothing are dropped, and hold up nobody. */
static void test_half_open(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, true);
	for (int i = 0; i < 10000; i++)
		assert_true(fg_session_accept(&seen.s, seen.now_ms));
	assert_int_equal(seen.closed[FG_CONN_TAKEN], 9999);
	pass(&seen, FG_SESSION_OPEN_MS);
	assert_int_equal(seen.closed[FG_CONN_TAKEN], 10000);
	bring_up(&seen, &o);
	for (int i = 0; i < 10000; i++)
		assert_int_equal(fg_session_accept(&seen.s, seen.now_ms), i == 0);
	assert_int_equal(fg_session_state(&seen.s), FG_SESSION_ESTABLISHED);
	assert_int_equal(seen.downs, 0);
}

/* ---- What is kept over an end (RFC 4724 §4.2, RFC 8538 §4) ---- */

static uint32_t kept_after(bool restart, bool notification, uint8_t code, uint8_t subcode)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	o.restart = restart;
	o.restart_notification = notification;
	begin(&seen, true);
	bring_up(&seen, &o);
	if (code == 0)
		fg_session_lost(&seen.s, FG_CONN_CHOSEN, "closed", seen.now_ms);
	else
		say_notification(&seen, FG_CONN_CHOSEN, code, subcode);
	assert_int_equal(seen.downs, 1);
	return seen.kept;
}

static void test_kept(void **state)
{
	(void)state;
	assert_false(0 != kept_after(false, false, 0, 0));
	assert_int_equal(kept_after(true, false, 0, 0), 3);
	assert_false(0 != kept_after(true, false, FG_BGP_CEASE, FG_BGP_SHUTDOWN));
	assert_true(kept_after(true, true, FG_BGP_CEASE, FG_BGP_SHUTDOWN));
	assert_true(kept_after(true, true, FG_BGP_HOLD_EXPIRED, 0));
	assert_false(0 != kept_after(true, true, FG_BGP_CEASE, FG_BGP_HARD_RESET));
	assert_false(0 != kept_after(false, true, 0, 0));
}

/* A peer that names no family keeps none: it only says that it sends End-of-RIB (RFC 4724 §3). */
static void test_kept_by_family(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	o.restart_family[FG_IPV4] = false;
	begin(&seen, true);
	bring_up(&seen, &o);
	fg_session_lost(&seen.s, FG_CONN_CHOSEN, "closed", seen.now_ms);
	assert_int_equal(seen.kept, 1 << FG_IPV6);
}

/* ---- Attempts ---- */

static void test_attempts_are_jittered_and_slow_down(void **state)
{
	uint64_t last, gap, sum = 0;
	struct seen seen;

	(void)state;
	begin(&seen, false);
	for (unsigned i = 0; i < 20; i++) {
		last = seen.now_ms;
		while (seen.dials == i) {
			seen.now_ms = fg_session_due(&seen.s);
			fg_session_tick(&seen.s, seen.now_ms);
		}
		gap = seen.now_ms - last;
		if (i > 0) {
			uint64_t whole = 5000ull << (i - 1 < 5 ? i - 1 : 5);

			whole = whole > FG_SESSION_RETRY_MAX_MS ? FG_SESSION_RETRY_MAX_MS : whole;
			assert_in_range(gap, whole * 3 / 4, whole);
			sum += gap != whole;
		}
		fg_session_lost(&seen.s, FG_CONN_DIALLED, "refused", seen.now_ms);
	}
	assert_true(sum > 0);
}

static void test_dial_times_out(void **state)
{
	struct seen seen;

	(void)state;
	begin(&seen, false);
	pass(&seen, 1000);
	assert_int_equal(seen.dials, 1);
	pass(&seen, FG_SESSION_CONNECT_MS);
	assert_int_equal(seen.closed[FG_CONN_DIALLED], 1);
	pass(&seen, 5000);
	assert_int_equal(seen.dials, 2);
}

static void test_stop(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, false);
	bring_up(&seen, &o);
	fg_session_stop(&seen.s, FG_BGP_DECONFIGURED, seen.now_ms);
	assert_int_equal(seen.said.subcode, FG_BGP_DECONFIGURED);
	assert_int_equal(fg_session_state(&seen.s), FG_SESSION_IDLE);
	assert_false(fg_session_accept(&seen.s, seen.now_ms));
	pass(&seen, 3600000);
	assert_int_equal(seen.dials, 0);
	fg_session_start(&seen.s, seen.now_ms, 3);
	pass(&seen, 1000);
	assert_int_equal(seen.dials, 1);
}

/* ---- Refresh (RFC 2918, RFC 7313), UPDATEs ---- */

static void test_refresh(void **state)
{
	struct fg_bgp_open o = theirs();
	uint8_t out[FG_BGP_HEADER + 4];
	struct fg_bgp_refresh r = { 1, FG_BGP_FLOWSPEC, FG_BGP_REFRESH_ASK };
	struct seen seen;

	(void)state;
	begin(&seen, true);
	bring_up(&seen, &o);
	say(&seen, FG_CONN_CHOSEN, out, fg_bgp_refresh_write(&r, out));
	assert_int_equal(seen.asked, 1);
	r.subtype = FG_BGP_REFRESH_BEGIN;
	say(&seen, FG_CONN_CHOSEN, out, fg_bgp_refresh_write(&r, out));
	r.subtype = FG_BGP_REFRESH_END;
	say(&seen, FG_CONN_CHOSEN, out, fg_bgp_refresh_write(&r, out));
	assert_int_equal(seen.begun, 1);
	assert_int_equal(seen.ended, 1);
	r.subtype = 9; /* ignored (RFC 7313 §5) */
	say(&seen, FG_CONN_CHOSEN, out, fg_bgp_refresh_write(&r, out));
	r = (struct fg_bgp_refresh){ 1, 128, FG_BGP_REFRESH_END }; /* of another family */
	say(&seen, FG_CONN_CHOSEN, out, fg_bgp_refresh_write(&r, out));
	assert_int_equal(seen.ended, 1);
	assert_int_equal(seen.downs, 0);
}

static void test_asks_again(void **state)
{
	struct fg_bgp_open o = theirs();
	struct seen seen;

	(void)state;
	begin(&seen, true);
	assert_false(fg_session_ask(&seen.s));
	bring_up(&seen, &o);
	assert_true(fg_session_ask(&seen.s));
	assert_int_equal(seen.sent[FG_CONN_CHOSEN][FG_BGP_REFRESH], o.flowspec[FG_IPV4] + o.flowspec[FG_IPV6]);
	o.refresh = false;
	begin(&seen, true);
	bring_up(&seen, &o);
	assert_false(fg_session_ask(&seen.s));
}

static void test_update_ends_session(void **state)
{
	struct fg_bgp_open o = theirs();
	uint8_t out[FG_BGP_ANNOUNCE_OCTETS];
	struct fg_bgp_error e;
	struct seen seen;

	(void)state;
	begin(&seen, true);
	bring_up(&seen, &o);
	say(&seen, FG_CONN_CHOSEN, out, fg_bgp_end_of_rib_write(1, FG_BGP_FLOWSPEC, out));
	assert_int_equal(seen.updates, 1);
	fg_bgp_error_set(&e, FG_BGP_BAD_UPDATE, FG_BGP_BAD_ATTRIBUTES, "%s", "cut");
	fg_session_fail(&seen.s, FG_CONN_CHOSEN, &e, seen.now_ms);
	assert_int_equal(seen.said.code, FG_BGP_BAD_UPDATE);
	assert_int_equal(seen.downs, 1);
	assert_true(seen.s.last_ours);
	assert_string_equal(seen.s.last.detail, "cut");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialled),
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_nothing_in_common),
		cmocka_unit_test(test_hold_and_keepalive),
		cmocka_unit_test(test_hold_of_none),
		cmocka_unit_test(test_refused_opens),
		cmocka_unit_test(test_out_of_place),
		cmocka_unit_test(test_collision_ours_stays),
		cmocka_unit_test(test_collision_theirs_stays),
		cmocka_unit_test(test_collision_same_id),
		cmocka_unit_test(test_second_connection),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_kept_by_family),
		cmocka_unit_test(test_attempts_are_jittered_and_slow_down),
		cmocka_unit_test(test_dial_times_out),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_asks_again),
		cmocka_unit_test(test_update_ends_session),
	};

	return cmocka_run_group_tests_name("bgp/session", tests, NULL, NULL);
}
