/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The session with one peer (RFC 4271 §8): events in, actions out by calls. It knows the time it is told and nothing of sockets. There may be
 * two connections at once, one that we have dialled and one that the peer has; each has a state of its own until one is chosen (§6.8). Beside
 * the chosen one the peer may have another, which takes its place once it has shown an OPEN, if the peer is one that can restart.
 */
#ifndef CTRL_BGP_SESSION_H
#define CTRL_BGP_SESSION_H

#include "ctrl/bgp/open.h"
#include "ctrl/bgp/peer.h"

enum fg_conn { FG_CONN_DIALLED, FG_CONN_TAKEN, FG_CONN_CHOSEN, FG_CONNS };

enum fg_session_state {
	FG_SESSION_IDLE,
	FG_SESSION_CONNECT,
	FG_SESSION_ACTIVE,
	FG_SESSION_OPEN_SENT,
	FG_SESSION_OPEN_CONFIRM,
	FG_SESSION_ESTABLISHED
};

enum {
	FG_SESSION_CONNECT_MS = 10000, /* a connection that does not come to be */
	FG_SESSION_OPEN_MS =
		15000, /* an OPEN that does not come: §8.2.2 suggests 4 minutes, too long for what may be a stranger */
	FG_SESSION_RETRY_MAX_MS = 120000,
};

#define FG_SESSION_NEVER UINT64_MAX

struct fg_session_conn {
	uint8_t state; /* IDLE: there is none */
	bool has_open;
	struct fg_bgp_open open;        /* of the peer, from OPEN_CONFIRM on */
	uint64_t hold_ms, keepalive_ms; /* when they are due */
};

struct fg_session;

/* Actions. None may call the session again before it returns. */
struct fg_session_ops {
	void (*dial)(void *ctx);
	void (*close)(void *ctx, enum fg_conn c);
	void (*send)(void *ctx, enum fg_conn c, const uint8_t *octets, size_t len);
	/* This one is established, and is FG_CONN_CHOSEN from here on. */
	void (*up)(void *ctx, enum fg_conn c);
	/* It was up. `keep`, a bit a family: what the peer has announced of it stays for a while (RFC 4724, RFC 8538). */
	void (*down)(void *ctx, uint32_t keep);
	void (*update)(void *ctx, const uint8_t *body, size_t len);
	/* The peer sends its routes of a family anew: it begins, or has ended (RFC 7313). */
	void (*refreshed)(void *ctx, enum fg_family family, bool end);
	/* Ours are asked for. */
	void (*asked)(void *ctx, const struct fg_bgp_refresh *r);
};

struct fg_session {
	const struct fg_session_ops *ops;
	void *ctx;
	struct fg_bgp_open ours; /* as sent */
	uint32_t peer_as;
	uint16_t retry_s;
	uint16_t restart_s; /* the peer's, of its last OPEN */
	bool passive, stopped;
	struct fg_session_conn conn[FG_CONNS];
	uint64_t dial_ms;
	uint32_t tries, random;
	/* What is agreed on, as long as it is established. */
	bool as4, extended, notification, flowspec[FG_FAMILY_COUNT], unicast[FG_FAMILY_COUNT];
	uint32_t hold_s;
	uint64_t since_ms;        /* up, or down */
	uint32_t ups;             /* times it came up */
	struct fg_bgp_error last; /* what ended the last connection that had an OPEN; code 0: it was closed */
	bool last_ours;           /* we sent it */
};

/* `random` is of this peer alone. Begins to dial within the first second unless passive. */
void fg_session_start(struct fg_session *s, uint64_t now_ms, uint32_t random);
/* Ends all connections with a cease of this subcode, and rests until fg_session_start(). */
void fg_session_stop(struct fg_session *s, uint8_t subcode, uint64_t now_ms);

/* What was dialled is connected, or could not be. */
void fg_session_connected(struct fg_session *s, uint64_t now_ms);
/* Whether the peer may connect now: then fg_session_accept() will take it. A former one that is not established gives way. */
bool fg_session_may_accept(struct fg_session *s, uint64_t now_ms);
/* The peer has connected. False: it is to be closed. */
bool fg_session_accept(struct fg_session *s, uint64_t now_ms);
/* The connection is closed or broken. */
void fg_session_lost(struct fg_session *s, enum fg_conn c, const char *why, uint64_t now_ms);
/* A whole message has come. */
void fg_session_message(struct fg_session *s, enum fg_conn c, const struct fg_bgp_message *m, uint64_t now_ms);
/* Ends a connection with a NOTIFICATION: framing is lost, or an UPDATE says so. */
void fg_session_fail(struct fg_session *s, enum fg_conn c, const struct fg_bgp_error *e, uint64_t now_ms);
/* Asks the peer for its routes of each Flowspec family again (RFC 2918). False: it is not up, or knows no such thing. */
bool fg_session_ask(struct fg_session *s);
/* Time has passed. */
void fg_session_tick(struct fg_session *s, uint64_t now_ms);
/* When fg_session_tick() is to be called at the latest; FG_SESSION_NEVER. */
uint64_t fg_session_due(const struct fg_session *s);
/* The state of the furthest connection. */
enum fg_session_state fg_session_state(const struct fg_session *s);
const char *fg_session_state_name(enum fg_session_state state);

#endif
