/* SPDX-License-Identifier: BSD-3-Clause */
/* What rib.c and gate.c share. Private to ctrl/bgp. */
#ifndef CTRL_BGP_TABLE_H
#define CTRL_BGP_TABLE_H

#include "ctrl/bgp/rib.h"

/* The entry is to be looked at: queued, or queued once its steps are answered. */
void fg_rib_touch(struct fg_rib *rib, struct fg_rib_entry *e);
/* Frees an entry that nobody needs any more. */
void fg_rib_entry_release(struct fg_rib *rib, struct fg_rib_entry *e);
struct fg_rib_path *fg_rib_path_of(const struct fg_rib_entry *e, unsigned peer);
/* Keeps what is to be said of a path; NULL: nothing. */
void fg_rib_say(struct fg_rib_path *p, const struct fg_finding *f);

#endif
