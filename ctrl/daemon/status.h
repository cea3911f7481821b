/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with enforcement, for whoever asks: callers, and the BGP speaker before it asks for traffic. */
#ifndef CTRL_DAEMON_STATUS_H
#define CTRL_DAEMON_STATUS_H

#include "ctrl/daemon/ctrl.h"

/* Sentences on what is wrong, of an answer to FG_ASK_STATUS, which may be NULL; an empty array where all is well. */
json_t *fg_health_problems(const struct fg_ctrl *ctrl, const struct fg_message *m);

#endif
