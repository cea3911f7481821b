/* SPDX-License-Identifier: BSD-3-Clause */
/* What of a configuration a running daemon cannot change: where it lives, how large it is, who it is. */
#ifndef CTRL_DAEMON_PLACES_H
#define CTRL_DAEMON_PLACES_H

#include "ctrl/conf/conf.h"

/*
 * Keeps the running values of these in `next`, so that a process that is started again fits to those that are there, and names in
 * next->later what the file says otherwise. `http_moves`: the address of metrics can be changed.
 */
void fg_places_keep(const struct fg_conf *running, struct fg_conf *next, bool http_moves);

#endif
