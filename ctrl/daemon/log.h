/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon says of itself: one line on standard error, with the priority in front where the journal reads it. */
#ifndef CTRL_DAEMON_LOG_H
#define CTRL_DAEMON_LOG_H

#include <syslog.h>

/* The name of the process in each line, and whether lines begin with "<PRIORITY>" (sd-daemon(3)). */
void fg_log_open(const char *process);
__attribute__((format(printf, 2, 3))) void fg_log(int priority, const char *fmt, ...);

#endif
