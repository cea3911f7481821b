/* SPDX-License-Identifier: BSD-3-Clause */
/* Metrics over HTTP: GET /metrics. A scrape waits for the gate, and nobody waits for a scrape. */
#ifndef CTRL_DAEMON_HTTP_H
#define CTRL_DAEMON_HTTP_H

#include "ctrl/daemon/ctrl.h"

enum { FG_HTTP_CONNECTIONS_MAX = 32, FG_HTTP_IDLE_S = 10 };

/* Serves a listening socket. 0 or -errno. */
int fg_http_open(struct fg_http **h, struct fg_ctrl *ctrl, int listener);
void fg_http_close(struct fg_http *h);
/* The same while the gate is there: a scrape that is under way is waited for. */
void fg_http_end(struct fg_http *h);

/* scrape.c: reads the gate and writes the metrics; `done` gets the text, which is its to free (NULL: no memory). */
typedef void (*fg_scraped)(void *ctx, char *text, size_t len);
void fg_scrape(struct fg_ctrl *ctrl, fg_scraped done, void *ctx);

#endif
