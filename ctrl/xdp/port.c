/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports: attached by a link that is pinned, so that they stay attached whoever dies. A link that is pinned already
 * is taken over and given this program, in place, with no packet between two programs. What the program is to do
 * with a port's packets is one word of the map `ports`, written before the program is attached.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrl/xdp/state.h"

/* What is to be attached, while it is. */
struct attaching {
	struct fg_xdp *x;
	const struct fg_port_config *config;
	struct fg_port_status *status;
	uint32_t ifindex, peer;
};

/* How the kernel runs what is attached. */
static enum fg_xdp_mode mode_of(uint32_t ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, opts);

	if (bpf_xdp_query((int)ifindex, 0, &opts) != 0)
		return FG_XDP_AUTO;
	if (opts.attach_mode == XDP_ATTACHED_SKB)
		return FG_XDP_GENERIC;
	return opts.attach_mode == XDP_ATTACHED_DRV ? FG_XDP_NATIVE : FG_XDP_AUTO;
}

int fg_link_find(const char *folder, uint32_t ifindex)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[FG_PIN_PATH_MAX];
	int r = fg_pin_link_path(folder, ifindex, path), fd;

	if (r != 0)
		return r;
	fd = bpf_obj_get(path);
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.xdp.ifindex == ifindex)
		return fd;
	close(fd);
	unlink(path); /* of an interface that is gone */
	return -ENOENT;
}

int fg_link_make(const char *folder, uint32_t ifindex, int program, enum fg_xdp_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = mode == FG_XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	char path[FG_PIN_PATH_MAX];
	int r = fg_pin_link_path(folder, ifindex, path), fd;

	if (r != 0)
		return r;
	fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &opts);
	if (fd < 0)
		return fd;
	unlink(path);
	r = bpf_obj_pin(fd, path);
	close(fd);
	return r;
}

void fg_link_drop(const char *folder, uint32_t ifindex)
{
	char path[FG_PIN_PATH_MAX];
	int fd;

	if (fg_pin_link_path(folder, ifindex, path) != 0)
		return;
	fd = bpf_obj_get(path);
	if (fd >= 0) {
		(void)bpf_link_detach(fd);
		close(fd);
	}
	unlink(path);
}

static enum fg_port_reason refused(const struct attaching *a, int r)
{
	switch (r) {
	case -EBUSY:
	case -EEXIST:
		fg_status_add(a->status, "another XDP program is attached");
		return FG_PORT_TAKEN;
	case -EOPNOTSUPP:
		fg_status_add(a->status, "the driver has no native XDP");
		return FG_PORT_NO_NATIVE;
	default:
		fg_status_add(a->status, "the kernel refused: %s", strerror(-r));
		return FG_PORT_REFUSED;
	}
}

/* A link that is there, brought to this program. False: there is none, or not of the mode that is asked for. */
static bool take_over(const struct attaching *a)
{
	int fd = fg_link_find(a->x->folder, a->ifindex);
	enum fg_xdp_mode mode = mode_of(a->ifindex);
	bool taken;

	if (fd < 0)
		return false;
	if (a->config->mode != FG_XDP_AUTO && a->config->mode != mode) {
		close(fd);
		fg_link_drop(a->x->folder, a->ifindex);
		return false;
	}
	taken = bpf_link_update(fd, a->x->program, NULL) == 0;
	close(fd);
	a->status->adopted = taken;
	return taken;
}

static enum fg_port_reason attach_anew(const struct attaching *a)
{
	enum fg_xdp_mode wanted = a->config->mode;
	int r = -EOPNOTSUPP;

	if (wanted != FG_XDP_GENERIC)
		r = fg_link_make(a->x->folder, a->ifindex, a->x->program, FG_XDP_NATIVE);
	if (wanted == FG_XDP_GENERIC || (wanted == FG_XDP_AUTO && r == -EOPNOTSUPP))
		r = fg_link_make(a->x->folder, a->ifindex, a->x->program, FG_XDP_GENERIC);
	return r == 0 ? FG_PORT_OK : refused(a, r);
}

static enum fg_port_reason attach_link(const struct attaching *a)
{
	enum fg_port_reason reason = FG_PORT_OK;

	if (!take_over(a))
		reason = attach_anew(a);
	if (reason != FG_PORT_OK)
		return reason;
	a->status->mode = (uint8_t)mode_of(a->ifindex);
	a->status->degraded = a->status->mode == FG_XDP_GENERIC;
	return a->status->degraded ? fg_preflight_generic(a->config->name, a->status) : FG_PORT_OK;
}

/*
 * The peer must be able to send what is redirected to it. Drivers may say so only once a program is attached there too, so
 * then it gets ours: of a port that is not used yet it passes everything.
 */
static enum fg_port_reason check_peer(const struct attaching *a)
{
	int fd;

	if (a->peer == 0 || a->status->degraded || fg_preflight_sends(a->peer))
		return FG_PORT_OK;
	fd = fg_link_find(a->x->folder, a->peer);
	if (fd >= 0)
		close(fd);
	else if (fg_link_make(a->x->folder, a->peer, a->x->program, FG_XDP_NATIVE) == 0 && fg_preflight_sends(a->peer))
		return FG_PORT_OK;
	if (fd < 0)
		fg_link_drop(a->x->folder, a->peer);
	fg_status_add(a->status, "%s cannot send redirected frames (a veth needs GRO or XDP at its other end)",
		      a->config->peer);
	return FG_PORT_PEER_NO_XMIT;
}

static struct fg_port word_of(const struct attaching *a, uint8_t place)
{
	const struct fg_port_config *c = a->config;
	uint32_t flags = FG_PORT_USED;

	flags |= a->peer != 0 ? FG_PORT_PAIR : 0u;
	flags |= c->drop_malformed ? FG_PORT_DROP_MALFORMED : 0u;
	flags |= c->drop_no_neighbour ? FG_PORT_DROP_NO_NEIGHBOUR : 0u;
	flags |= c->on_failure == FG_FAIL_CLOSED ? FG_PORT_CLOSED : 0u;
	return (struct fg_port){ .flags = (uint8_t)flags, .number = place, .peer = a->peer };
}

/* In one store: a packet sees a port as it was or as it is. */
static void word_write(struct fg_xdp *x, uint32_t ifindex, struct fg_port word)
{
	uint64_t all;

	_Static_assert(sizeof(all) == sizeof(word), "one word");
	memcpy(&all, &word, sizeof(all));
	__atomic_store_n((uint64_t *)(void *)&x->ports[ifindex], all, __ATOMIC_RELEASE);
}

/* The kernel's table is asked for routes only where forwarding is on; of a pair the kernel itself gets no packets. */
static void let_route(const char *name)
{
	static const char *const paths[] = { "/proc/sys/net/ipv4/conf/%s/forwarding",
					     "/proc/sys/net/ipv6/conf/%s/forwarding" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		char path[128];
		FILE *f;

		snprintf(path, sizeof(path), paths[i], name);
		f = fopen(path, "we");
		if (f == NULL)
			continue;
		(void)fputs("1", f);
		(void)fclose(f);
	}
}

static int set_peer(const struct attaching *a, uint8_t place)
{
	const struct bpf_devmap_val out = { .ifindex = a->peer };
	uint32_t key = place;

	if (a->peer == 0)
		return 0;
	let_route(a->config->name);
	return bpf_map_update_elem(a->x->map[FG_MAP_TX], &key, &out, BPF_ANY) != 0 ? -errno : 0;
}

static enum fg_port_reason find_interfaces(struct attaching *a)
{
	a->ifindex = if_nametoindex(a->config->name);
	a->status->ifindex = a->ifindex;
	if (a->ifindex == 0) {
		fg_status_add(a->status, "there is no interface %s", a->config->name);
		return FG_PORT_ABSENT;
	}
	if (a->config->peer[0] == '\0')
		return FG_PORT_OK;
	a->peer = if_nametoindex(a->config->peer);
	if (a->peer == 0)
		fg_status_add(a->status, "there is no peer interface %s", a->config->peer);
	return a->peer == 0 ? FG_PORT_ABSENT : FG_PORT_OK;
}

/* A port that cannot be used is closed, if that is what is wanted then. */
static void close_port(const struct attaching *a)
{
	int r = fg_closed_attach(a->x->folder, a->ifindex, a->config->mode);

	fg_status_add(a->status, r == 0 ? "closed: no IP packet passes" : "it cannot be closed: %s", strerror(-r));
}

/* What was counted of it stays there until another takes the place. */
static void place_leave(struct fg_xdp *x, uint32_t ifindex)
{
	for (int i = 0; i < FG_PORTS_MAX; i++)
		if (x->port[i].ifindex == ifindex)
			x->port[i].ifindex = x->port[i].peer = 0;
}

/* A port that cannot be used is let go, so that it is not taken for one that is. */
static void give_up(const struct attaching *a)
{
	if (a->ifindex == 0 || a->ifindex >= FG_IFINDEX_MAX)
		return;
	if (a->config->on_failure == FG_FAIL_CLOSED)
		close_port(a);
	else
		fg_link_drop(a->x->folder, a->ifindex);
	word_write(a->x, a->ifindex, (struct fg_port){ 0 });
	place_leave(a->x, a->ifindex);
	a->status->mode = FG_XDP_AUTO;
}

/* Nobody's, or of an interface that is gone. */
static bool is_free(const struct fg_xdp_port *port)
{
	char name[IF_NAMESIZE];

	return port->ifindex == 0 || if_indextoname(port->ifindex, name) == NULL;
}

/*
 * The place that the interface has, or had last, or one that is free: packets of the others go on by theirs, in whatever order ports are attached.
 * FG_PORTS_MAX: there is none.
 */
static uint8_t place_take(struct fg_xdp *x, uint32_t ifindex)
{
	uint8_t free = FG_PORTS_MAX;

	for (uint8_t i = 0; i < FG_PORTS_MAX; i++) {
		if (x->port[i].ifindex == ifindex || (x->port[i].ifindex == 0 && x->port[i].counted == ifindex))
			return i;
		if (is_free(&x->port[i]) && (free == FG_PORTS_MAX || (x->port[free].counted && !x->port[i].counted)))
			free = i;
	}
	if (free < FG_PORTS_MAX && fg_port_reset(x, free) == 0)
		x->port[free].counted = ifindex;
	return free;
}

static enum fg_port_reason attach(struct attaching *a, uint8_t place)
{
	enum fg_port_reason reason = fg_preflight(a->ifindex, a->config->name, a->status);
	int r;

	if (reason != FG_PORT_OK)
		return reason;
	if (place == FG_PORTS_MAX)
		return refused(a, -ENOSPC);
	r = set_peer(a, place);
	if (r != 0)
		return refused(a, r);
	a->x->port[place].ifindex = a->ifindex;
	a->x->port[place].peer = a->peer;
	r = fg_copies_update(a->x, place);
	if (r != 0)
		return refused(a, r);
	word_write(a->x, a->ifindex, word_of(a, place));
	reason = attach_link(a);
	return reason != FG_PORT_OK ? reason : check_peer(a);
}

int fg_xdp_attach(struct fg_xdp *x, const struct fg_port_config *config, uint8_t number, struct fg_port_status *status)
{
	struct attaching a = { .x = x, .config = config, .status = status };

	memset(status, 0, sizeof(*status));
	if (number >= FG_PORTS_MAX)
		return -EINVAL;
	status->reason = (uint8_t)find_interfaces(&a);
	x->place[number] = a.ifindex != 0 ? place_take(x, a.ifindex) : FG_PORTS_MAX;
	if (status->reason == FG_PORT_OK)
		status->reason = (uint8_t)attach(&a, x->place[number]);
	if (status->reason != FG_PORT_OK)
		give_up(&a);
	return 0;
}

static void detach(struct fg_xdp *x, uint32_t ifindex)
{
	fg_link_drop(x->folder, ifindex);
	word_write(x, ifindex, (struct fg_port){ 0 });
	place_leave(x, ifindex);
}

int fg_xdp_detach(struct fg_xdp *x, const char *name)
{
	uint32_t ifindex = if_nametoindex(name);
	int fd = ifindex != 0 && ifindex < FG_IFINDEX_MAX ? fg_link_find(x->folder, ifindex) : -ENOENT;

	if (fd < 0)
		return -ENOENT;
	close(fd);
	detach(x, ifindex);
	return 0;
}

static bool is_kept(uint32_t ifindex, const struct fg_port_config *ports, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (if_nametoindex(ports[i].name) == ifindex)
			return true;
	return false;
}

int fg_xdp_keep_only(struct fg_xdp *x, const struct fg_port_config *ports, size_t n)
{
	DIR *dir = opendir(x->folder);
	struct dirent *entry;

	if (dir == NULL)
		return -errno;
	while ((entry = readdir(dir)) != NULL) {
		unsigned long ifindex;

		if (strncmp(entry->d_name, "link-", 5) != 0)
			continue;
		ifindex = strtoul(entry->d_name + 5, NULL, 10);
		if (ifindex < FG_IFINDEX_MAX && !is_kept((uint32_t)ifindex, ports, n))
			detach(x, (uint32_t)ifindex);
	}
	closedir(dir);
	return 0;
}
