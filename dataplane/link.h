/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bump in the wire passes on that the wire is cut: where the link of one port of a pair is down, that of the other is taken down, so that who
 * is behind it sees it at once. Pure.
 */
#ifndef DATAPLANE_LINK_H
#define DATAPLANE_LINK_H

#include <stdbool.h>
#include <stdint.h>

#define FG_LINK_GRACE_NS 3000000000ull /* a link that was let up again has this long to come */

struct fg_link {
	bool up;
	bool held;            /* we have taken it down */
	bool fixed;           /* its device cannot be taken down */
	uint64_t released_ns; /* since when it may be up */
};

enum fg_link_order { FG_LINK_LEAVE, FG_LINK_HOLD, FG_LINK_RELEASE };

/* What to do with a link, for that of its peer. */
enum fg_link_order fg_link_order(const struct fg_link *own, const struct fg_link *peer, uint64_t now_ns);

#endif
