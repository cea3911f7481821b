/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The BGP speaker inside of ctrl: sockets and timers for the sessions of ctrl/bgp, UPDATEs into the table, the table to the gate. Reading order:
 * bgp.c (peers, listeners), bgp_conn.c (octets), bgp_update.c (what an UPDATE says), bgp_pump.c (batches), bgp_errors.c (UPDATEs that were wrong),
 * bgp_service.c (what we announce), bgp_show.c (what is said of it), bgp_watch.c (as it happens). Private to ctrl/daemon.
 */
#ifndef CTRL_DAEMON_BGP_H
#define CTRL_DAEMON_BGP_H

#include "ctrl/bgp/rib.h"
#include "ctrl/bgp/session.h"
#include "ctrl/bgp/update.h"
#include "ctrl/daemon/change.h"
#include "ctrl/daemon/op.h"

enum {
	FG_BGP_IN_MAX = 2 * FG_BGP_EXTENDED_MAX + 2, /* octets of a connection that wait to be read by us */
	FG_BGP_OUT_MAX = 64 << 10,                   /* that wait to be read by the peer: more, and it is cut off */
	FG_BGP_READS_A_TURN = 4,                     /* of one connection, then the others have their turn */
	FG_BGP_BATCH_ENTRIES = 8192,                 /* of the table in one batch for the gate */
	FG_BGP_ERRORS_MAX = 64,                      /* UPDATEs kept of one peer */
	FG_BGP_ERROR_OCTETS_MAX = 4096,              /* of each of them */
};

/* What became of announcements, for counters. */
enum fg_bgp_result {
	FG_BGP_ANNOUNCED,
	FG_BGP_WITHDRAWN,
	FG_BGP_MALFORMED,       /* an NLRI */
	FG_BGP_TAKEN_WITHDRAWN, /* of an UPDATE with an attribute that is wrong */
	FG_BGP_OVER_MAXIMUM,
	FG_BGP_BARRED, /* refused before the gate was asked */
	FG_BGP_ADMITTED,
	FG_BGP_REFUSED,
	FG_BGP_RESULTS
};

struct fg_bgp_peer;

struct fg_bgp_conn {
	struct fg_bgp_peer *peer;
	uint8_t place; /* enum fg_conn */
	int fd;
	sd_event_source *io;
	bool connecting, reading, dead;
	uint8_t *in, *out;
	size_t in_len, in_room, out_len;
};

/* An UPDATE, or a piece of one, that something was wrong with. */
struct fg_bgp_bad {
	uint64_t number, time_s;
	char what[FG_DETAIL_MAX];
	char done[24]; /* "withdrawn", "session reset", … */
	size_t len, kept;
	uint8_t octets[FG_BGP_ERROR_OCTETS_MAX];
};

struct fg_bgp_peer {
	struct fg_bgp *all;
	unsigned index;
	bool used, configured;
	struct fg_peer_config config;
	struct fg_session session;
	struct fg_bgp_conn *conn[FG_CONNS];
	sd_event_source *timer;
	uint64_t stale_until_ms[FG_FAMILY_COUNT]; /* FG_SESSION_NEVER: nothing is stale */
	bool end_of_rib[FG_FAMILY_COUNT];
	bool refreshing[FG_FAMILY_COUNT]; /* it says all of its rules again, at its own wish (RFC 7313) */
	bool fail;                        /* the session is to be ended with `error` once its message is done with */
	struct fg_bgp_error error;
	bool adopted; /* what is stale is so because we began anew, not the peer */
	bool announced, alarmed;
	uint64_t asked_ms; /* when the peer was last asked to say all again; 0: never */
	uint64_t count[FG_BGP_RESULTS], updates, resets;
	struct fg_bgp_bad *bad[FG_BGP_ERRORS_MAX];
	uint64_t bads;
};

struct fg_bgp {
	struct fg_ctrl *ctrl;
	struct fg_rib rib;
	struct fg_bgp_peer peer[FG_PEERS_MAX];
	struct {
		int fd;
		sd_event_source *io;
	} listener[FG_BGP_LISTEN_MAX];
	size_t listeners;
	uint64_t strangers; /* connections that no peer is configured for */
	/* The batch at the gate. */
	sd_event_source *pump;
	struct fg_change *change;
	struct fg_rib_step *step;
	uint32_t *place; /* of step i in the batch */
	size_t steps, room;
	uint64_t batches, logged_us, said_admitted, said_refused, said_deleted;
	/* What we announce. */
	sd_event_source *health_timer;
	unsigned good, bad; /* looks in a row */
	bool well;
	bool had_rules; /* the gate had rules of peers when we began */
};

/* ---- For ctrl ---- */

int fg_bgp_open(struct fg_ctrl *ctrl);
void fg_bgp_close(struct fg_bgp *b);
/* There is another configuration: peers come, change and go. */
void fg_bgp_configure(struct fg_bgp *b);
/* Listening sockets of the supervisor, owned from here on; those from before are closed. */
void fg_bgp_listen(struct fg_bgp *b, const int *fds, size_t n);
/* The supervisor has dialled for us: fd is connecting, or -1 and why. */
void fg_bgp_dialled(struct fg_bgp *b, const char *peer, int fd, int error);
/* The gate and we begin to compare; it has this rule; that was all. False: nobody is configured who could want it. */
void fg_bgp_sync_begin(struct fg_bgp *b);
bool fg_bgp_sync_rule(struct fg_bgp *b, const struct fg_record *r);
void fg_bgp_sync_end(struct fg_bgp *b);
/* All is compared: changes may go to the gate. */
void fg_bgp_kick(struct fg_bgp *b);
void fg_bgp_flushed(struct fg_bgp *b);
/* The gate has let rules go by itself: which, a comparison will tell. */
void fg_bgp_compare(struct fg_bgp *b);
/* True: rules of this source come by BGP alone. */
bool fg_bgp_is_peer(const struct fg_bgp *b, const char *source);

/* ---- Inside ---- */

uint64_t fg_bgp_now_ms(const struct fg_bgp *b);
/* Whatever may have changed what is due next has been done. */
void fg_bgp_rearm(struct fg_bgp_peer *p);

/* bgp_conn.c */
void fg_bgp_conn_open(struct fg_bgp_peer *p, enum fg_conn place, int fd, bool connecting);
void fg_bgp_conn_send(struct fg_bgp_conn *c, const uint8_t *octets, size_t len);
/* What waits is sent as far as it goes, and the connection closed. */
void fg_bgp_conn_close(struct fg_bgp_peer *p, enum fg_conn place);

/* bgp_update.c */
void fg_bgp_take_update(struct fg_bgp_peer *p, const uint8_t *body, size_t len);
/* What was over the maximum is asked for again once there is room. */
void fg_bgp_ask_again(struct fg_bgp_peer *p);
/* Of a family, or of all, what is still stale goes. */
void fg_bgp_sweep(struct fg_bgp_peer *p, enum fg_family family, const char *why);

/* bgp_errors.c */
__attribute__((format(printf, 5, 6))) void fg_bgp_keep_bad(struct fg_bgp_peer *p, const uint8_t *octets, size_t len,
							   const char *done, const char *fmt, ...);
void fg_bgp_forget_bad(struct fg_bgp_peer *p);

/* bgp_service.c */
void fg_bgp_service_start(struct fg_bgp *b);
void fg_bgp_service_tell(struct fg_bgp_peer *p);

/* bgp_watch.c */
struct fg_bgp_told {
	struct fg_rule rule;
	const char *site; /* "": everywhere */
	const char *state;
	const struct fg_finding *why; /* or NULL */
	bool count_only;
};
bool fg_bgp_watched(const struct fg_bgp *b);
void fg_bgp_watch_session(const struct fg_bgp_peer *p, bool up);
void fg_bgp_watch_rule(const struct fg_bgp_peer *p, const struct fg_bgp_told *told);
/* The gate has answered; `added`: the state of what was added. */
void fg_bgp_watch_step(const struct fg_bgp_peer *p, const struct fg_rib_step *s, const char *added,
		       const struct fg_finding *why);

/* bgp_pump.c */
int fg_bgp_pump_open(struct fg_bgp *b);

/* bgp_show.c: a Rule of the interface, named by its peer and a hash. NULL: no memory. */
json_t *fg_bgp_rule_object(const struct fg_bgp_peer *p, const struct fg_bgp_told *told);
/*
 * A Rule, given away, for each path of a bucket of the table that the gate does not have, of one source and name where
 * these are not NULL. False: there is no such bucket. One bucket after the other is all of the table, whatever comes and goes meanwhile.
 */
bool fg_bgp_bucket_rules(const struct fg_bgp *b, size_t bucket, const char *source, const char *name,
			 void (*each)(void *ctx, json_t *rule), void *ctx);
/* What was said of a rule that the gate has, as an array of Reason; `waits`: for room. */
json_t *fg_bgp_reasons(const struct fg_bgp *b, const struct fg_record *r, bool waits);
/* The metrics of all peers; their number. */
size_t fg_bgp_reading(const struct fg_bgp *b, struct fg_metrics_peer out[FG_PEERS_MAX]);
const char *fg_bgp_result_name(enum fg_bgp_result result);

#endif
