/* SPDX-License-Identifier: BSD-3-Clause */
/* Folders and the lock. In: the configuration. Out: a place to run in, or why there is none. */
#include "ctrl/daemon/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { LOCK_PATH_MAX = FG_CONF_SOCKET_MAX + 8, BPF_FS = 0xcafe4a11 };

static void lock_path(const struct fg_conf *conf, char out[LOCK_PATH_MAX])
{
	snprintf(out, LOCK_PATH_MAX, "%s.lock", conf->control.socket);
}

/* The folder that a path lies in, made where it is not there; who uses it says what is wrong with it. */
static void make_parent(const char *path, char parent[FG_CONF_PATH_MAX])
{
	char *slash;

	snprintf(parent, FG_CONF_PATH_MAX, "%s", path);
	slash = strrchr(parent, '/');
	if (slash == NULL || slash == parent)
		return;
	*slash = '\0';
	mkdir(parent, 0755);
}

int fg_prepare_lock(const struct fg_conf *conf, int *fd)
{
	char path[LOCK_PATH_MAX], parent[FG_CONF_PATH_MAX], pid[16];
	int n = snprintf(pid, sizeof(pid), "%d\n", getpid());

	lock_path(conf, path);
	make_parent(path, parent);
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) < 0 || ftruncate(*fd, 0) < 0 || pwrite(*fd, pid, (size_t)n, 0) < 0)
		return -errno;
	return 0;
}

pid_t fg_prepare_running(const struct fg_conf *conf)
{
	char path[LOCK_PATH_MAX], text[16] = "";
	pid_t pid = 0;
	int fd;

	lock_path(conf, path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK && read(fd, text, sizeof(text) - 1) > 0)
		pid = atoi(text);
	close(fd);
	return pid > 0 ? pid : 0;
}

/* A bpffs where there is none yet at the usual place; elsewhere it is the administrator's to mount. */
static int mount_pins(const struct fg_conf *conf)
{
	char parent[FG_CONF_PATH_MAX];
	struct statfs fs;

	make_parent(conf->store.pins, parent);
	if (statfs(parent, &fs) < 0)
		return -errno;
	if ((uint64_t)fs.f_type == BPF_FS || strcmp(parent, "/sys/fs/bpf") != 0)
		return 0;
	return mount("bpffs", parent, "bpf", 0, "mode=0700") < 0 ? -errno : 0;
}

int fg_prepare_folders(const struct fg_conf *conf, const struct fg_rights_user *user)
{
	if (mkdir(conf->store.folder, 0750) < 0 && errno != EEXIST)
		return -errno;
	if (geteuid() == 0 && chown(conf->store.folder, user->uid, user->gid) < 0)
		return -errno;
	return conf->dpdk.used ? 0 : mount_pins(conf);
}
