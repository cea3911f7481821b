/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where redirects and copies go. A target with an interface gets a place in the map `tx`; and, since a copy is a packet
 * sent to two devices at once, each port of a pair a map of two for each target: its peer and the target's interface.
 * A copy gets the addresses of its link on the way out, so an interface has one pair of addresses for all copies.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctrl/xdp/state.h"

enum { PROBES = 20, PROBE_NS = 20 * 1000 * 1000 };

static bool is_zero(const struct fg_address *a)
{
	static const uint8_t zeros[16];

	return memcmp(a->octets, zeros, sizeof(zeros)) == 0;
}

/* The link address of the way's next hop, asking for it where it is not known yet. 0; -EHOSTUNREACH. */
static int resolve(const struct fg_way *way, uint8_t mac[6])
{
	const struct timespec pause = { .tv_nsec = PROBE_NS };

	for (int i = 0; i < PROBES; i++) {
		if (fg_netlink_neighbour(way, mac) == 0)
			return 0;
		if (i == 0)
			(void)fg_netlink_probe(way);
		(void)nanosleep(&pause, NULL);
	}
	return -EHOSTUNREACH;
}

static int own_mac(uint32_t ifindex, uint8_t mac[6])
{
	char name[IF_NAMESIZE];

	return if_indextoname(ifindex, name) == NULL ? -ENODEV : fg_link_mac(name, mac);
}

/* An interface, and, where there is a next hop, its address on that link. */
static int fill_interface(const struct fg_target_config *config, struct fg_target *t)
{
	struct fg_way way = { .next_hop = config->next_hop };
	int r;

	t->kind = FG_TARGET_INTERFACE;
	way.ifindex = t->ifindex = if_nametoindex(config->interface);
	if (t->ifindex == 0)
		return -ENODEV;
	if (is_zero(&config->next_hop))
		return 0;
	(void)fg_netlink_route(&config->next_hop, t->ifindex, &way);
	r = resolve(&way, t->mac_dst);
	return r == 0 ? own_mac(t->ifindex, t->mac_src) : r;
}

/* By the routing table: asked for each packet. Interface and addresses are kept for copies, which are not routed. */
static int fill_routed(const struct fg_target_config *config, struct fg_target *t)
{
	uint8_t dst[6], src[6];
	struct fg_way way;

	if (is_zero(&config->next_hop))
		return -EINVAL;
	t->kind = FG_TARGET_ROUTED;
	if (fg_netlink_route(&config->next_hop, 0, &way) != 0 || resolve(&way, dst) != 0 ||
	    own_mac(way.ifindex, src) != 0)
		return 0; /* redirects that find no way are counted */
	t->ifindex = way.ifindex;
	memcpy(t->mac_dst, dst, sizeof(dst));
	memcpy(t->mac_src, src, sizeof(src));
	return 0;
}

/* Addresses of copies that leave by the target's interface. -EEXIST: another target has others there. */
static int set_copy_macs(struct fg_xdp *x, const struct fg_target *t)
{
	struct fg_copy_macs macs, found;

	memcpy(macs.mac_dst, t->mac_dst, sizeof(macs.mac_dst));
	memcpy(macs.mac_src, t->mac_src, sizeof(macs.mac_src));
	for (uint32_t i = 1; i < FG_TARGETS; i++) {
		const struct fg_target *other = &x->memory.targets[i];

		if (other != t && other->ifindex == t->ifindex && other->kind != FG_TARGET_NONE &&
		    bpf_map_lookup_elem(x->map[FG_MAP_COPY_MACS], &t->ifindex, &found) == 0 &&
		    memcmp(&found, &macs, sizeof(macs)) != 0)
			return -EEXIST;
	}
	return bpf_map_update_elem(x->map[FG_MAP_COPY_MACS], &t->ifindex, &macs, BPF_ANY) != 0 ? -errno : 0;
}

/* One map of two, put where packets of the port with that copy target find it. */
static int pair_update(struct fg_xdp *x, uint8_t place, uint32_t target)
{
	const struct bpf_devmap_val peer = { .ifindex = x->port[place].peer };
	struct bpf_devmap_val copy = { .ifindex = x->memory.targets[target].ifindex };
	uint32_t key = place * (uint32_t)FG_TARGETS + target, zero = 0, one = 1;
	int fd = bpf_map_create(BPF_MAP_TYPE_DEVMAP, "copy_pair", sizeof(uint32_t), sizeof(copy), 2, NULL), r;

	if (fd < 0)
		return fd;
	copy.bpf_prog.fd = x->copy_program;
	r = bpf_map_update_elem(fd, &zero, &peer, BPF_ANY);
	if (r == 0)
		r = bpf_map_update_elem(fd, &one, &copy, BPF_ANY);
	if (r == 0)
		r = bpf_map_update_elem(x->map[FG_MAP_COPIES], &key, &fd, BPF_ANY);
	r = r != 0 ? -errno : 0;
	close(fd);
	return r;
}

static bool copies_to(const struct fg_xdp *x, uint32_t target)
{
	return x->memory.targets[target].kind != FG_TARGET_NONE && x->memory.targets[target].ifindex != 0;
}

int fg_copies_update(struct fg_xdp *x, uint8_t place)
{
	int r = 0;

	for (uint32_t i = 1; i < FG_TARGETS && r == 0 && x->port[place].peer != 0; i++)
		if (copies_to(x, i))
			r = pair_update(x, place, i);
	return r;
}

static int set_ways(struct fg_xdp *x, uint32_t number)
{
	const struct fg_target *t = &x->memory.targets[number];
	const struct bpf_devmap_val out = { .ifindex = t->ifindex };
	uint32_t key = FG_TX_TARGET + number;
	int r = 0;

	if (t->ifindex == 0)
		return 0;
	if (t->kind == FG_TARGET_INTERFACE && bpf_map_update_elem(x->map[FG_MAP_TX], &key, &out, BPF_ANY) != 0)
		return -errno;
	r = set_copy_macs(x, t);
	for (int i = 0; i < FG_PORTS_MAX && r == 0; i++)
		if (x->port[i].peer != 0)
			r = pair_update(x, (uint8_t)i, number);
	return r;
}

int fg_xdp_target(struct fg_xdp *x, uint32_t number, const struct fg_target_config *config)
{
	struct fg_target t = { .family = config->next_hop.family };
	int r;

	if (number == 0 || number >= FG_TARGETS)
		return -EINVAL;
	memcpy(t.next_hop, config->next_hop.octets, sizeof(t.next_hop));
	r = config->interface[0] != '\0' ? fill_interface(config, &t) : fill_routed(config, &t);
	if (r == 0 && t.kind == FG_TARGET_INTERFACE && !fg_preflight_sends(t.ifindex))
		r = -EOPNOTSUPP;
	if (r != 0)
		return r;
	x->memory.targets[number] = t;
	r = set_ways(x, number);
	if (r != 0)
		memset(&x->memory.targets[number], 0, sizeof(t));
	return r;
}
