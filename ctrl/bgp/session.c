/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The state machine of a session. In: what happened, and when. Out: what to send, dial and close. Next: update.c for what comes, rib.c for what
 * is kept of it.
 *
 * Always holds: at most one connection is established; a connection that is closed has been told why, where it had got as far as an OPEN; whatever
 * happens, something is due or the peer is waited for, so that no session rests for good.
 */
#include "ctrl/bgp/session.h"

#include <stdio.h>
#include <string.h>

static uint32_t next_random(struct fg_session *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 17;
	s->random ^= s->random << 5;
	return s->random;
}

/* Between three quarters and all of it (RFC 4271 §10), so that peers of a box that comes back do not all come at once. */
static uint64_t jittered(struct fg_session *s, uint64_t ms)
{
	return ms - ms / 4 * (next_random(s) % 1024) / 1024;
}

static void dial_later(struct fg_session *s, uint64_t now_ms)
{
	uint64_t wait = (uint64_t)s->retry_s * 1000 << (s->tries < 8 ? s->tries : 8);

	if (wait > FG_SESSION_RETRY_MAX_MS)
		wait = s->retry_s * 1000u > FG_SESSION_RETRY_MAX_MS ? s->retry_s * 1000u : FG_SESSION_RETRY_MAX_MS;
	s->tries++;
	s->dial_ms = s->passive || s->stopped ? FG_SESSION_NEVER : now_ms + jittered(s, wait);
}

/* ---- Ends ---- */

/* Only what ended without a NOTIFICATION, or with one that both take for part of it, is a restart, of families that the peer has named (RFC 4724 §4.2, RFC 8538 §4). */
static uint32_t kept(const struct fg_session *s, const struct fg_bgp_open *theirs, const struct fg_bgp_error *e)
{
	uint32_t families = 0;

	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		families |= theirs->restart_family[f] ? 1u << f : 0;
	if (!s->ours.restart || !theirs->restart)
		return 0;
	if (e != NULL && e->code != 0 &&
	    (!s->notification || (e->code == FG_BGP_CEASE && e->subcode == FG_BGP_HARD_RESET)))
		return 0;
	return families;
}

/* The connection is over for us. `e`: the NOTIFICATION that ended it, sent or received; NULL: none did. */
static void drop(struct fg_session *s, enum fg_conn c, const struct fg_bgp_error *e, uint64_t now_ms)
{
	struct fg_bgp_open theirs = s->conn[c].open;
	bool idle = true;

	s->conn[c] = (struct fg_session_conn){ .state = FG_SESSION_IDLE };
	s->ops->close(s->ctx, c);
	if (c == FG_CONN_CHOSEN) {
		if (now_ms - s->since_ms > s->hold_s * 1000ull)
			s->tries = 0;
		s->since_ms = now_ms;
		s->ops->down(s->ctx, kept(s, &theirs, e));
	}
	for (int i = 0; i < FG_CONNS; i++)
		idle = idle && s->conn[i].state == FG_SESSION_IDLE;
	if (idle)
		dial_later(s, now_ms);
}

static void notify(struct fg_session *s, enum fg_conn c, const struct fg_bgp_error *e)
{
	uint8_t out[FG_BGP_HEADER + 2 + FG_BGP_ERROR_DATA_MAX];

	if (s->conn[c].state >= FG_SESSION_OPEN_SENT)
		s->ops->send(s->ctx, c, out, fg_bgp_notification_write(e, out));
}

void fg_session_fail(struct fg_session *s, enum fg_conn c, const struct fg_bgp_error *e, uint64_t now_ms)
{
	if (s->conn[c].state == FG_SESSION_IDLE)
		return;
	s->last = *e;
	s->last_ours = true;
	notify(s, c, e);
	drop(s, c, e, now_ms);
}

/* One of two connections goes: that is no error of the session. */
static void drop_other(struct fg_session *s, enum fg_conn c, uint64_t now_ms)
{
	struct fg_bgp_error e;

	if (s->conn[c].state == FG_SESSION_IDLE)
		return;
	fg_bgp_error_set(&e, FG_BGP_CEASE, FG_BGP_COLLISION, "another connection is kept");
	notify(s, c, &e);
	drop(s, c, &e, now_ms);
}

void fg_session_lost(struct fg_session *s, enum fg_conn c, const char *why, uint64_t now_ms)
{
	if (s->conn[c].state == FG_SESSION_IDLE)
		return;
	fg_bgp_error_set(&s->last, 0, 0, "%s", why);
	s->last_ours = false;
	drop(s, c, NULL, now_ms);
}

/* ---- Beginnings ---- */

void fg_session_start(struct fg_session *s, uint64_t now_ms, uint32_t random)
{
	s->random = random | 1;
	s->stopped = false;
	s->since_ms = now_ms;
	s->tries = 0;
	s->dial_ms = s->passive ? FG_SESSION_NEVER : now_ms + next_random(s) % 1000;
}

void fg_session_stop(struct fg_session *s, uint8_t subcode, uint64_t now_ms)
{
	struct fg_bgp_error e;

	fg_bgp_error_set(&e, FG_BGP_CEASE, subcode, "%s", "");
	fg_bgp_error_name(e.code, e.subcode, e.detail);
	s->stopped = true;
	for (int c = 0; c < FG_CONNS; c++)
		fg_session_fail(s, (enum fg_conn)c, &e, now_ms);
	s->dial_ms = FG_SESSION_NEVER;
}

static void send_open(struct fg_session *s, enum fg_conn c, uint64_t now_ms)
{
	uint8_t out[FG_BGP_OPEN_OCTETS];

	s->conn[c] = (struct fg_session_conn){ .state = FG_SESSION_OPEN_SENT,
					       .hold_ms = now_ms + FG_SESSION_OPEN_MS,
					       .keepalive_ms = FG_SESSION_NEVER };
	s->ops->send(s->ctx, c, out, fg_bgp_open_write(&s->ours, out));
}

void fg_session_connected(struct fg_session *s, uint64_t now_ms)
{
	if (s->conn[FG_CONN_DIALLED].state == FG_SESSION_CONNECT)
		send_open(s, FG_CONN_DIALLED, now_ms);
}

bool fg_session_may_accept(struct fg_session *s, uint64_t now_ms)
{
	bool taken = s->conn[FG_CONN_TAKEN].state != FG_SESSION_IDLE;

	/* Whoever comes while there is a session waits its turn: nobody can hold up a good peer by coming again and again. */
	if (s->stopped || (s->conn[FG_CONN_CHOSEN].state != FG_SESSION_IDLE && taken))
		return false;
	if (taken)
		drop_other(s, FG_CONN_TAKEN, now_ms);
	return true;
}

bool fg_session_accept(struct fg_session *s, uint64_t now_ms)
{
	if (!fg_session_may_accept(s, now_ms))
		return false;
	send_open(s, FG_CONN_TAKEN, now_ms);
	return true;
}

/* ---- OPEN ---- */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint64_t keepalive_in(struct fg_session *s, uint32_t hold_s)
{
	return hold_s == 0 ? FG_SESSION_NEVER : jittered(s, hold_s * 1000ull / 3);
}

static int judge_open(const struct fg_session *s, const struct fg_bgp_open *o, struct fg_bgp_error *e)
{
	if (o->as != s->peer_as) {
		fg_bgp_error_set(e, FG_BGP_BAD_OPEN, FG_BGP_BAD_PEER_AS, "AS %u, and %u is configured", o->as,
				 s->peer_as);
		return FG_MALFORMED;
	}
	if (o->id == s->ours.id && o->as == s->ours.as) {
		fg_bgp_error_set(e, FG_BGP_BAD_OPEN, FG_BGP_BAD_ID, "the peer's identifier is ours (RFC 6286 §2.1)");
		return FG_MALFORMED;
	}
	return 0;
}

/* Ours goes if the identifier, or else the AS, of the peer is higher (RFC 4271 §6.8, RFC 6286 §2.3). */
static bool dialled_stays(const struct fg_session *s, const struct fg_bgp_open *theirs)
{
	return s->ours.id != theirs->id ? s->ours.id > theirs->id : s->ours.as > theirs->as;
}

/*
 * Two connections have shown an OPEN. An established one stays, unless the peer can restart: then it has (RFC 4724 §4.2). True: this one stays.
 */
static bool settle_collision(struct fg_session *s, enum fg_conn c, const struct fg_bgp_open *theirs, uint64_t now_ms)
{
	enum fg_conn other = c == FG_CONN_DIALLED ? FG_CONN_TAKEN : FG_CONN_DIALLED;
	bool stays = c == (dialled_stays(s, theirs) ? FG_CONN_DIALLED : FG_CONN_TAKEN);

	if (s->conn[FG_CONN_CHOSEN].state != FG_SESSION_IDLE) {
		stays = s->conn[FG_CONN_CHOSEN].open.restart && s->ours.restart;
		if (stays)
			fg_session_lost(s, FG_CONN_CHOSEN, "the peer has connected anew", now_ms);
		else
			drop_other(s, c, now_ms);
		return stays;
	}
	if (s->conn[other].state != FG_SESSION_OPEN_CONFIRM)
		return true;
	drop_other(s, stays ? other : c, now_ms);
	return stays;
}

static void take_open(struct fg_session *s, enum fg_conn c, const struct fg_bgp_message *m, uint64_t now_ms)
{
	struct fg_session_conn *conn = &s->conn[c];
	uint8_t out[FG_BGP_HEADER];
	struct fg_bgp_error e;
	struct fg_bgp_open o;
	uint32_t hold_s;

	if (fg_bgp_open_read(m, &o, &e) != 0 || judge_open(s, &o, &e) != 0) {
		fg_session_fail(s, c, &e, now_ms);
		return;
	}
	if (!settle_collision(s, c, &o, now_ms))
		return;
	hold_s = least(s->ours.hold_s, o.hold_s);
	conn->open = o;
	conn->has_open = true;
	conn->state = FG_SESSION_OPEN_CONFIRM;
	conn->hold_ms = now_ms + (hold_s == 0 ? FG_SESSION_OPEN_MS : hold_s * 1000ull);
	conn->keepalive_ms = hold_s == 0 ? FG_SESSION_NEVER : now_ms + keepalive_in(s, hold_s);
	s->ops->send(s->ctx, c, out, fg_bgp_keepalive_write(out));
}

/* ---- Established ---- */

static void agree(struct fg_session *s, const struct fg_bgp_open *theirs)
{
	s->hold_s = least(s->ours.hold_s, theirs->hold_s);
	s->as4 = theirs->as4 && s->ours.as4;
	s->extended = theirs->extended && s->ours.extended;
	s->notification =
		theirs->restart && theirs->restart_notification && s->ours.restart && s->ours.restart_notification;
	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		s->flowspec[f] = theirs->flowspec[f] && s->ours.flowspec[f];
		s->unicast[f] = s->ours.unicast[f] && (theirs->unicast[f] || (f == FG_IPV4 && !theirs->multiprotocol));
	}
}

static void establish(struct fg_session *s, enum fg_conn c, uint64_t now_ms)
{
	struct fg_session_conn *chosen = &s->conn[FG_CONN_CHOSEN];

	agree(s, &s->conn[c].open);
	*chosen = s->conn[c];
	s->conn[c] = (struct fg_session_conn){ .state = FG_SESSION_IDLE };
	chosen->state = FG_SESSION_ESTABLISHED;
	s->restart_s = chosen->open.restart ? chosen->open.restart_s : 0;
	chosen->hold_ms = s->hold_s == 0 ? FG_SESSION_NEVER : now_ms + s->hold_s * 1000ull;
	s->dial_ms = FG_SESSION_NEVER;
	s->since_ms = now_ms;
	s->ups++;
	s->ops->up(s->ctx, c);
	drop_other(s, FG_CONN_DIALLED, now_ms);
	drop_other(s, FG_CONN_TAKEN, now_ms);
}

static void take_refresh(struct fg_session *s, enum fg_conn c, const struct fg_bgp_message *m, uint64_t now_ms)
{
	struct fg_bgp_refresh r;
	struct fg_bgp_error e;

	if (fg_bgp_refresh_read(m, &r, &e) != 0) {
		fg_session_fail(s, c, &e, now_ms);
		return;
	}
	if (r.subtype == FG_BGP_REFRESH_ASK)
		s->ops->asked(s->ctx, &r);
	else if (r.subtype <= FG_BGP_REFRESH_END && r.safi == FG_BGP_FLOWSPEC && (r.afi == 1 || r.afi == 2) &&
		 s->flowspec[r.afi - 1])
		s->ops->refreshed(s->ctx, (enum fg_family)(r.afi - 1), r.subtype == FG_BGP_REFRESH_END);
}

bool fg_session_ask(struct fg_session *s)
{
	const struct fg_session_conn *chosen = &s->conn[FG_CONN_CHOSEN];
	uint8_t out[FG_BGP_HEADER + 4];

	if (chosen->state != FG_SESSION_ESTABLISHED || !chosen->open.refresh || !s->ours.refresh)
		return false;
	for (uint16_t f = 0; f < FG_FAMILY_COUNT; f++) {
		struct fg_bgp_refresh r = { .afi = (uint16_t)(f + 1),
					    .safi = FG_BGP_FLOWSPEC,
					    .subtype = FG_BGP_REFRESH_ASK };

		if (s->flowspec[f])
			s->ops->send(s->ctx, FG_CONN_CHOSEN, out, fg_bgp_refresh_write(&r, out));
	}
	return true;
}

/* A message that its state does not know (RFC 4271 §6.6; subcodes are states: RFC 6608). */
static void out_of_place(struct fg_session *s, enum fg_conn c, uint8_t kind, uint64_t now_ms)
{
	uint8_t state = s->conn[c].state;
	struct fg_bgp_error e;

	fg_bgp_error_set(&e, FG_BGP_BAD_STATE, (uint8_t)(state - FG_SESSION_OPEN_SENT + 1),
			 "a message of type %u in state %s", kind, fg_session_state_name(state));
	fg_session_fail(s, c, &e, now_ms);
}

static void take_notification(struct fg_session *s, enum fg_conn c, const struct fg_bgp_message *m, uint64_t now_ms)
{
	struct fg_bgp_error e;

	if (!fg_bgp_notification_read(m, &e))
		return;
	s->last = e;
	s->last_ours = false;
	drop(s, c, &e, now_ms);
}

static void take_established(struct fg_session *s, enum fg_conn c, const struct fg_bgp_message *m, uint64_t now_ms)
{
	if (m->kind == FG_BGP_UPDATE)
		s->ops->update(s->ctx, m->body, m->body_len);
	else if (m->kind == FG_BGP_REFRESH)
		take_refresh(s, c, m, now_ms);
	else if (m->kind == FG_BGP_OPEN)
		out_of_place(s, c, m->kind, now_ms);
}

void fg_session_message(struct fg_session *s, enum fg_conn c, const struct fg_bgp_message *m, uint64_t now_ms)
{
	struct fg_session_conn *conn = &s->conn[c];

	if (conn->state < FG_SESSION_OPEN_SENT)
		return;
	if (m->kind == FG_BGP_NOTIFICATION) {
		take_notification(s, c, m, now_ms);
		return;
	}
	if (conn->state == FG_SESSION_ESTABLISHED && s->hold_s != 0)
		conn->hold_ms = now_ms + s->hold_s * 1000ull;
	if (conn->state == FG_SESSION_ESTABLISHED)
		take_established(s, c, m, now_ms);
	else if (conn->state == FG_SESSION_OPEN_SENT && m->kind == FG_BGP_OPEN)
		take_open(s, c, m, now_ms);
	else if (conn->state == FG_SESSION_OPEN_CONFIRM && m->kind == FG_BGP_KEEPALIVE)
		establish(s, c, now_ms);
	else
		out_of_place(s, c, m->kind, now_ms);
}

/* ---- Time ---- */

static void tick_conn(struct fg_session *s, enum fg_conn c, uint64_t now_ms)
{
	struct fg_session_conn *conn = &s->conn[c];
	uint8_t out[FG_BGP_HEADER];
	struct fg_bgp_error e;

	if (conn->state == FG_SESSION_IDLE)
		return;
	if (now_ms >= conn->hold_ms && conn->state == FG_SESSION_CONNECT) {
		fg_session_lost(s, c, "the peer does not answer", now_ms);
	} else if (now_ms >= conn->hold_ms) {
		fg_bgp_error_set(&e, FG_BGP_HOLD_EXPIRED, 0, "nothing came in time");
		fg_session_fail(s, c, &e, now_ms);
	} else if (now_ms >= conn->keepalive_ms) {
		conn->keepalive_ms = now_ms + keepalive_in(s, least(s->ours.hold_s, conn->open.hold_s));
		s->ops->send(s->ctx, c, out, fg_bgp_keepalive_write(out));
	}
}

void fg_session_tick(struct fg_session *s, uint64_t now_ms)
{
	struct fg_session_conn *dialled = &s->conn[FG_CONN_DIALLED];

	for (int c = 0; c < FG_CONNS; c++)
		tick_conn(s, (enum fg_conn)c, now_ms);
	if (now_ms < s->dial_ms)
		return;
	s->dial_ms = FG_SESSION_NEVER;
	if (s->conn[FG_CONN_CHOSEN].state != FG_SESSION_IDLE || dialled->state != FG_SESSION_IDLE)
		return;
	*dialled = (struct fg_session_conn){ .state = FG_SESSION_CONNECT,
					     .hold_ms = now_ms + FG_SESSION_CONNECT_MS,
					     .keepalive_ms = FG_SESSION_NEVER };
	s->ops->dial(s->ctx);
}

uint64_t fg_session_due(const struct fg_session *s)
{
	uint64_t due = s->dial_ms;

	for (int c = 0; c < FG_CONNS; c++) {
		const struct fg_session_conn *conn = &s->conn[c];

		if (conn->state == FG_SESSION_IDLE)
			continue;
		due = conn->hold_ms < due ? conn->hold_ms : due;
		due = conn->keepalive_ms < due ? conn->keepalive_ms : due;
	}
	return due;
}

enum fg_session_state fg_session_state(const struct fg_session *s)
{
	uint8_t most = FG_SESSION_IDLE;

	for (int c = 0; c < FG_CONNS; c++)
		most = s->conn[c].state > most ? s->conn[c].state : most;
	return most == FG_SESSION_IDLE && !s->stopped ? FG_SESSION_ACTIVE : (enum fg_session_state)most;
}

const char *fg_session_state_name(enum fg_session_state state)
{
	static const char *const names[] = { "idle", "connect", "active", "open-sent", "open-confirm", "established" };

	return (size_t)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}
