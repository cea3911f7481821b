/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * BGP messages (RFC 4271 §4): frames in, and the few messages that we send. Reading order of the folder: message.h, open.h and update.h are
 * the octets; session.h is who says what when; rib.h is what peers have announced; peer.h is what the configuration says of one. All of it is
 * pure but the RIB, which allocates: no I/O, no clock.
 */
#ifndef CTRL_BGP_MESSAGE_H
#define CTRL_BGP_MESSAGE_H

#include "flowgate/errors.h"
#include "flowgate/rule.h"
#include "flowgate/wire.h"

enum {
	FG_BGP_HEADER = 19,
	FG_BGP_MESSAGE_MAX = 4096,
	FG_BGP_EXTENDED_MAX = 65535,  /* RFC 8654 */
	FG_BGP_ERROR_DATA_MAX = 4075, /* octets of a NOTIFICATION that are kept and sent: all that fit */
	FG_BGP_UNICAST = 1,           /* SAFI */
	FG_BGP_FLOWSPEC = 133,
	FG_BGP_AS_TRANS = 23456, /* RFC 6793 */
};

enum fg_bgp_kind {
	FG_BGP_OPEN = 1,
	FG_BGP_UPDATE,
	FG_BGP_NOTIFICATION,
	FG_BGP_KEEPALIVE,
	FG_BGP_REFRESH, /* RFC 2918, RFC 7313 */
};

/* Error codes (RFC 4271 §4.5, RFC 7313 §5) and those subcodes that we send or look for. */
enum {
	FG_BGP_BAD_HEADER = 1,
	FG_BGP_BAD_OPEN,
	FG_BGP_BAD_UPDATE,
	FG_BGP_HOLD_EXPIRED,
	FG_BGP_BAD_STATE,
	FG_BGP_CEASE,
	FG_BGP_BAD_REFRESH
};
enum { FG_BGP_NOT_SYNCHRONIZED = 1, FG_BGP_BAD_LENGTH, FG_BGP_BAD_TYPE };
enum { FG_BGP_BAD_VERSION = 1, FG_BGP_BAD_PEER_AS, FG_BGP_BAD_ID, FG_BGP_BAD_PARAMETER, FG_BGP_BAD_HOLD = 6 };
enum { FG_BGP_BAD_ATTRIBUTES = 1 };
enum {
	FG_BGP_SHUTDOWN = 2,
	FG_BGP_DECONFIGURED,
	FG_BGP_RESET,
	FG_BGP_REJECTED,
	FG_BGP_CHANGED,
	FG_BGP_COLLISION,
	FG_BGP_NO_RESOURCES,
	FG_BGP_HARD_RESET
};

/* What ends a session: the NOTIFICATION that is sent or came, and why in words. */
struct fg_bgp_error {
	uint8_t code, subcode;
	uint8_t data[FG_BGP_ERROR_DATA_MAX];
	size_t data_len;
	char detail[FG_DETAIL_MAX];
};

/* Fills *e. */
__attribute__((format(printf, 4, 5))) void fg_bgp_error_set(struct fg_bgp_error *e, uint8_t code, uint8_t subcode,
							    const char *fmt, ...);
/* "cease: connection collision resolution" in out[FG_DETAIL_MAX]. */
void fg_bgp_error_name(uint8_t code, uint8_t subcode, char *out);

struct fg_bgp_message {
	uint8_t kind; /* enum fg_bgp_kind */
	const uint8_t *body;
	size_t body_len;
	size_t octets; /* of all of it, header included */
};

enum fg_bgp_framing { FG_BGP_WHOLE = 0, FG_BGP_MORE, FG_BGP_BROKEN };

/*
 * The first message in `len` octets: marker, length and type are checked (RFC 4271 §6.1); an OPEN or KEEPALIVE is at most FG_BGP_MESSAGE_MAX,
 * others too unless `extended`. WHOLE: *m is set and points into `at`. MORE: octets are missing. BROKEN: *e says what to notify.
 */
enum fg_bgp_framing fg_bgp_frame(const uint8_t *at, size_t len, bool extended, struct fg_bgp_message *m,
				 struct fg_bgp_error *e);

/* Reads a NOTIFICATION's body. False: it has no code, which nobody can be told. */
bool fg_bgp_notification_read(const struct fg_bgp_message *m, struct fg_bgp_error *e);

struct fg_bgp_refresh {
	uint16_t afi;
	uint8_t safi, subtype;
};

enum { FG_BGP_REFRESH_ASK = 0, FG_BGP_REFRESH_BEGIN, FG_BGP_REFRESH_END };

/* 0, or FG_MALFORMED with *e (RFC 7313 §5). */
int fg_bgp_refresh_read(const struct fg_bgp_message *m, struct fg_bgp_refresh *out, struct fg_bgp_error *e);

/* Octets of what we send. Each returns its length. */
size_t fg_bgp_keepalive_write(uint8_t out[FG_BGP_HEADER]);
size_t fg_bgp_notification_write(const struct fg_bgp_error *e, uint8_t out[FG_BGP_HEADER + 2 + FG_BGP_ERROR_DATA_MAX]);
size_t fg_bgp_refresh_write(const struct fg_bgp_refresh *r, uint8_t out[FG_BGP_HEADER + 4]);
/* The header of a message of so many octets in all. */
void fg_bgp_header_write(uint8_t out[FG_BGP_HEADER], enum fg_bgp_kind kind, size_t octets);

#endif
