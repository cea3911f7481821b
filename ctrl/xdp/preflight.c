/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What must hold of an interface before packets are judged on it, and is mended where it can be: no packets merged by
 * hardware (LRO), no VLAN tags taken off before the program sees them, in generic mode none merged by software (GRO): such
 * a packet has no true length. And the device that a redirect leads to must be able to send it.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/xdp/state.h"

enum { XDP_FEATURE_NDO_XMIT = 1 << 2 }; /* NETDEV_XDP_ACT_NDO_XMIT */

void fg_status_add(struct fg_port_status *status, const char *format, ...)
{
	size_t at = strlen(status->detail), room = sizeof(status->detail) - at;
	va_list args;

	if (at > 0 && room > 2) {
		strcpy(status->detail + at, "; ");
		at += 2;
		room -= 2;
	}
	va_start(args, format);
	vsnprintf(status->detail + at, room, format, args);
	va_end(args);
}

/* 0 or -errno; -EOPNOTSUPP: the driver knows no such thing. */
static int ethtool(const char *name, struct ethtool_value *value)
{
	struct ifreq request = { .ifr_data = (void *)value };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	r = ioctl(fd, SIOCETHTOOL, &request) != 0 ? -errno : 0;
	close(fd);
	return r;
}

/* One thing that must be off: how it is read and written, which bits of the answer it is, and its name. */
struct offload {
	uint32_t get, set, bits;
	const char *name;
	enum fg_port_reason reason;
};

static const struct offload lro = { ETHTOOL_GFLAGS, ETHTOOL_SFLAGS, ETH_FLAG_LRO, "LRO", FG_PORT_LRO };
static const struct offload vlan = { ETHTOOL_GFLAGS, ETHTOOL_SFLAGS, ETH_FLAG_RXVLAN, "receive VLAN offload",
				     FG_PORT_VLAN_OFFLOAD };
static const struct offload gro = { ETHTOOL_GGRO, ETHTOOL_SGRO, ~0u, "GRO", FG_PORT_GRO_GENERIC };

static bool is_on(const char *name, const struct offload *o, uint32_t *all)
{
	struct ethtool_value value = { .cmd = o->get };

	*all = ethtool(name, &value) == 0 ? value.data : 0;
	return (*all & o->bits) != 0;
}

/* Off afterwards, or the reason why the port cannot be used. */
static enum fg_port_reason turn_off(const char *name, const struct offload *o, struct fg_port_status *status)
{
	struct ethtool_value value = { .cmd = o->set };
	uint32_t all;
	int r;

	if (!is_on(name, o, &all))
		return FG_PORT_OK;
	value.data = all & ~o->bits;
	r = ethtool(name, &value);
	if (is_on(name, o, &all)) {
		fg_status_add(status, "%s cannot be turned off: %s", o->name, r != 0 ? strerror(-r) : "it is fixed");
		return o->reason;
	}
	fg_status_add(status, "turned off %s", o->name);
	return FG_PORT_OK;
}

enum fg_port_reason fg_preflight(uint32_t ifindex, const char *name, struct fg_port_status *status)
{
	enum fg_port_reason reason;

	if (ifindex >= FG_IFINDEX_MAX) {
		fg_status_add(status, "its number is %u, %u is the most", ifindex, FG_IFINDEX_MAX - 1);
		return FG_PORT_NUMBER;
	}
	reason = turn_off(name, &lro, status);
	return reason != FG_PORT_OK ? reason : turn_off(name, &vlan, status);
}

enum fg_port_reason fg_preflight_generic(const char *name, struct fg_port_status *status)
{
	return turn_off(name, &gro, status);
}

bool fg_preflight_sends(uint32_t ifindex)
{
	uint64_t features;

	return fg_netlink_xdp_features(ifindex, &features) != 0 || (features & XDP_FEATURE_NDO_XMIT);
}
