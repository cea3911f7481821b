/* SPDX-License-Identifier: BSD-3-Clause */
/* OPEN and its capabilities (RFC 4271 §4.2, RFC 5492, RFC 9072), both directions. Pure. */
#ifndef CTRL_BGP_OPEN_H
#define CTRL_BGP_OPEN_H

#include "ctrl/bgp/message.h"

enum { FG_BGP_OPEN_OCTETS = 256, FG_BGP_HOLD_MIN = 3 };

struct fg_bgp_open {
	uint32_t as; /* of capability 65 where it is there */
	uint32_t id;
	uint16_t hold_s;
	bool as4;
	bool refresh, enhanced_refresh; /* RFC 2918, RFC 7313 */
	bool extended;                  /* RFC 8654 */
	bool flowspec[FG_FAMILY_COUNT]; /* AFI 1 and 2, SAFI 133 */
	bool unicast[FG_FAMILY_COUNT];
	bool multiprotocol; /* capability 1 was there: without, IPv4 unicast is meant (RFC 4760 §8) */
	/* Graceful restart (RFC 4724), and NOTIFICATIONs that are part of it (RFC 8538). */
	bool restart, restarting, restart_notification;
	uint16_t restart_s;
	bool restart_family[FG_FAMILY_COUNT]; /* Flowspec is listed */
	bool kept[FG_FAMILY_COUNT];           /* its F bit */
};

/*
 * Reads an OPEN: version, hold time and identifier are checked; that AS and identifier are those of the peer is the session's. Capabilities
 * may come in one parameter or in several; unknown ones are no error. 0, or FG_MALFORMED with what to notify.
 */
int fg_bgp_open_read(const struct fg_bgp_message *m, struct fg_bgp_open *out, struct fg_bgp_error *e);
/* Writes one with all capabilities in one parameter. Its octets. */
size_t fg_bgp_open_write(const struct fg_bgp_open *o, uint8_t out[FG_BGP_OPEN_OCTETS]);

#endif
