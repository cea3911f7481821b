/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sockets for BGP as the supervisor makes them: it has the right to low ports, and it alone knows the keys of TCP-MD5 (RFC 2385). It makes, binds and
 * dials them, and reads nothing from them.
 */
#ifndef CTRL_DAEMON_DIAL_H
#define CTRL_DAEMON_DIAL_H

#include "ctrl/conf/conf.h"

struct fg_dial {
	struct {
		struct fg_bgp_listen at;
		int fd;
	} listener[FG_BGP_LISTEN_MAX];
	uint32_t listeners;
	struct fg_bgp_config conf; /* whose keys the listeners have */
	uint64_t dialled_us[FG_PEERS_MAX];
};

/* Opens the listeners of a configuration, keeping those that there are, and gives them its keys. What cannot be opened is said and left out. */
void fg_dial_listen(struct fg_dial *d, const struct fg_bgp_config *conf);
/* Descriptors of the listeners; their number. */
size_t fg_dial_listeners(const struct fg_dial *d, int fds[FG_BGP_LISTEN_MAX]);
/* A socket that is connecting to the peer of that name. -errno: there is none. -EAGAIN: it is too soon after the last. */
int fg_dial_peer(struct fg_dial *d, const char *peer);
/* How far what is sent goes, and how far what comes may have come (RFC 5082). 0; -errno: who comes from afar would be heard. */
int fg_dial_hops(int fd, const struct fg_peer_config *p);

#endif
