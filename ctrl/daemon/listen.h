/* SPDX-License-Identifier: BSD-3-Clause */
/* Listening sockets: of systemd where it hands some over (sd_listen_fds(3)), otherwise our own. */
#ifndef CTRL_DAEMON_LISTEN_H
#define CTRL_DAEMON_LISTEN_H

#include "ctrl/conf/conf.h"

struct fg_listeners {
	int control, http; /* http -1: none */
	bool ours;         /* the socket file is ours to remove */
	bool http_given;   /* that of metrics was handed over, and stays */
};

/* 0; -errno, and error[] says of what. */
int fg_listen(const struct fg_conf *conf, struct fg_listeners *l, char error[FG_CONF_ERROR_MAX]);
/* Metrics are served elsewhere from now on, or nowhere: l->http follows. 0; -errno, and error[] says of what: nothing has changed. */
int fg_listen_http(const struct fg_conf *conf, struct fg_listeners *l, char error[FG_CONF_ERROR_MAX]);

#endif
