/* SPDX-License-Identifier: BSD-3-Clause */
/* What must be there before the daemon runs: folders, and that no other runs. As root. */
#ifndef CTRL_DAEMON_PREPARE_H
#define CTRL_DAEMON_PREPARE_H

#include "ctrl/conf/conf.h"
#include "ctrl/daemon/rights.h"

/* One daemon a socket: *fd holds the lock, which ends with the process. 0; -EWOULDBLOCK: another runs; -errno. */
int fg_prepare_lock(const struct fg_conf *conf, int *fd);
/* The daemon that holds the lock; 0: none does. */
pid_t fg_prepare_running(const struct fg_conf *conf);
/* The folder of the database, ctrl's; a bpffs for the pins. 0 or -errno. */
int fg_prepare_folders(const struct fg_conf *conf, const struct fg_rights_user *user);

/* Takes away what enforces without a gate: pins, or flowgate-dpdk and what it works on. 0; -errno, said on stderr. */
int fg_prepare_remove(const struct fg_conf *conf);

#endif
