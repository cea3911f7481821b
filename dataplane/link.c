/* SPDX-License-Identifier: BSD-3-Clause */
/* Links of a pair (link.h). One that we hold down says nothing of its wire, so only a link that is down by itself takes the other with it. */
#include "dataplane/link.h"

static bool is_cut(const struct fg_link *l, uint64_t now_ns)
{
	return !l->up && !l->held && now_ns - l->released_ns >= FG_LINK_GRACE_NS;
}

enum fg_link_order fg_link_order(const struct fg_link *own, const struct fg_link *peer, uint64_t now_ns)
{
	if (own->fixed)
		return FG_LINK_LEAVE;
	if (!own->held && is_cut(peer, now_ns))
		return FG_LINK_HOLD;
	return own->held && peer->up ? FG_LINK_RELEASE : FG_LINK_LEAVE;
}
