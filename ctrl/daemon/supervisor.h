/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The supervisor: root, and as little as can be. It reads the configuration, opens listeners, keeps the gate and ctrl
 * running. It reads nothing from the network and nothing that ctrl sends but that it is ready.
 */
#ifndef CTRL_DAEMON_SUPERVISOR_H
#define CTRL_DAEMON_SUPERVISOR_H

#include "ctrl/conf/conf.h"

/* Runs until SIGTERM or SIGINT (enforcement stays) or SIGUSR1 (it is taken away). 0 or -errno, said on standard error. */
int fg_supervisor_run(const char *path, const struct fg_conf *conf);

#endif
