/* SPDX-License-Identifier: BSD-3-Clause */
/* What a process may no longer do from here on. */
#ifndef CTRL_DAEMON_RIGHTS_H
#define CTRL_DAEMON_RIGHTS_H

#include <stdint.h>
#include <sys/types.h>

/* A user and its groups, looked up while that is still possible. */
struct fg_rights_user {
	uid_t uid;
	gid_t gid;
};

/* 0, or -ENOENT: this system has no such user. */
int fg_rights_user(const char *name, struct fg_rights_user *user);
/*
 * Becomes that user for good, without a capability, without new privileges, with no system call but those that ctrl makes. As
 * a user that is not root only the latter two. 0 or -errno.
 */
int fg_rights_ctrl(const struct fg_rights_user *user);
/* Becomes that user for good, without a capability and new privileges. As a user that is not root only the latter. 0 or -errno. */
int fg_rights_drop(const struct fg_rights_user *user);
/* The supervisor's end is this process's end. 0 or -errno. */
int fg_rights_end_with(pid_t supervisor);

#endif
