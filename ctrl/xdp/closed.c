/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports that are closed (xdp.h): a program of its own, bpf/closed.bpf.c, which lets no IP packet through. It is attached by the same pinned
 * link as the other one, so who attaches that takes the link over, with no packet between the two. In: what the configuration wants closed.
 * Out: each of those interfaces has a program, whichever; none of the others has the one of closed ports.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "closed_object.h"
#include "ctrl/xdp/state.h"

#define PROGRAM "flowgate_closed"

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* The program, loaded; -errno. */
static int load(void)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "flowgate_closed");
	libbpf_print_fn_t before = libbpf_set_print(silent);
	struct bpf_object *object = bpf_object__open_mem(closed_object, sizeof(closed_object), &opts);
	int r = object == NULL ? -errno : bpf_object__load(object), fd = -1;

	if (r == 0)
		fd = fcntl(bpf_program__fd(bpf_object__find_program_by_name(object, PROGRAM)), F_DUPFD_CLOEXEC, 3);
	if (r == 0 && fd < 0)
		r = -errno;
	bpf_object__close(object);
	libbpf_set_print(before);
	return r == 0 ? fd : r;
}

/* Natively where that can be had: that it is closed matters more than how. */
static int attach(const char *folder, uint32_t ifindex, int program, uint8_t mode)
{
	int r = -EOPNOTSUPP, fd = fg_link_find(folder, ifindex);

	if (fd >= 0) {
		r = bpf_link_update(fd, program, NULL);
		close(fd);
		return r;
	}
	if (mode != FG_XDP_GENERIC)
		r = fg_link_make(folder, ifindex, program, FG_XDP_NATIVE);
	return r == 0 || r == -EBUSY ? r : fg_link_make(folder, ifindex, program, FG_XDP_GENERIC);
}

int fg_closed_attach(const char *folder, uint32_t ifindex, uint8_t mode)
{
	int program = load(), r;

	if (program < 0)
		return program;
	r = attach(folder, ifindex, program, mode);
	close(program);
	return r;
}

/* The program of a link is that of closed ports. */
static bool is_closed(int link)
{
	struct bpf_link_info info = { 0 };
	struct bpf_prog_info program = { 0 };
	uint32_t len = sizeof(info), program_len = sizeof(program);
	int fd, r;

	if (bpf_obj_get_info_by_fd(link, &info, &len) != 0)
		return false;
	fd = bpf_prog_get_fd_by_id(info.prog_id);
	if (fd < 0)
		return false;
	r = bpf_obj_get_info_by_fd(fd, &program, &program_len);
	close(fd);
	return r == 0 && strncmp(program.name, PROGRAM, sizeof(program.name) - 1) == 0;
}

static bool is_wanted(uint32_t ifindex, const struct fg_port_config *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i].on_failure == FG_FAIL_CLOSED && if_nametoindex(ports[i].name) == ifindex)
			return true;
	return false;
}

/* What was closed, and is not to be any more. */
static void open_others(const char *folder, const struct fg_port_config *ports, size_t n)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		unsigned long ifindex;
		int fd;

		if (strncmp(entry->d_name, "link-", 5) != 0)
			continue;
		ifindex = strtoul(entry->d_name + 5, NULL, 10);
		fd = is_wanted((uint32_t)ifindex, ports, n) ? -1 : fg_link_find(folder, (uint32_t)ifindex);
		if (fd >= 0 && is_closed(fd))
			fg_link_drop(folder, (uint32_t)ifindex);
		if (fd >= 0)
			close(fd);
	}
	if (dir != NULL)
		closedir(dir);
}

static int shut_one(const char *folder, const struct fg_port_config *port)
{
	uint32_t ifindex = if_nametoindex(port->name);
	int fd = ifindex != 0 ? fg_link_find(folder, ifindex) : -ENOENT;

	if (fd >= 0) /* whatever is attached there */
		close(fd);
	return ifindex == 0 || fd >= 0 ? 0 : fg_closed_attach(folder, ifindex, port->mode);
}

int fg_xdp_shut(const char *folder, const struct fg_port_config *ports, size_t n, char error[FG_XDP_ERROR_MAX])
{
	int r = 0, one;

	open_others(folder, ports, n);
	for (size_t i = 0; i < n; i++) {
		if (ports[i].on_failure != FG_FAIL_CLOSED)
			continue;
		one = fg_pin_folder(folder);
		if (one == 0)
			one = shut_one(folder, &ports[i]);
		if (one != 0)
			snprintf(error, FG_XDP_ERROR_MAX, "%s cannot be closed: %s", ports[i].name, strerror(-one));
		r = one != 0 ? one : r;
	}
	return r;
}
