/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Questions to the kernel by netlink: one message out, one answer in (RFC 3549). Routes and neighbours by rtnetlink, what a
 * device can do with XDP by the generic family `netdev`, whose numbers are written out here: the headers of Debian 12
 * do not have them.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/xdp/state.h"

enum {
	MESSAGE_MAX = 4096,
	NETDEV_CMD_DEV_GET_ = 1,
	NETDEV_A_DEV_IFINDEX_ = 1,
	NETDEV_A_DEV_XDP_FEATURES_ = 3,
};

union message {
	struct nlmsghdr header;
	uint8_t octets[MESSAGE_MAX];
};

static void message_begin(union message *m, uint16_t type, uint16_t flags, const void *fixed, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->header.nlmsg_type = type;
	m->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	m->header.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
	memcpy(NLMSG_DATA(&m->header), fixed, len);
}

static void message_add(union message *m, uint16_t type, const void *value, size_t len)
{
	size_t at = NLMSG_ALIGN(m->header.nlmsg_len);
	struct rtattr a = { .rta_type = type, .rta_len = (uint16_t)RTA_LENGTH(len) };

	memcpy(m->octets + at, &a, sizeof(a));
	memcpy(m->octets + at + RTA_LENGTH(0), value, len);
	m->header.nlmsg_len = (uint32_t)(at + RTA_ALIGN(a.rta_len));
}

/* The answer replaces the question. 0 or -errno. */
static int exchange(int fd, union message *m)
{
	const struct nlmsgerr *error;
	ssize_t n;

	if (send(fd, m, m->header.nlmsg_len, 0) < 0)
		return -errno;
	memset(m, 0, sizeof(*m));
	n = recv(fd, m, sizeof(*m), 0);
	if (n < 0)
		return -errno;
	if (!NLMSG_OK(&m->header, (size_t)n))
		return -EBADMSG;
	if (m->header.nlmsg_type != NLMSG_ERROR)
		return 0;
	error = NLMSG_DATA(&m->header);
	return error->error;
}

static int ask(int protocol, union message *m)
{
	const struct timeval patience = { .tv_sec = 2 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol), r;

	if (fd < 0)
		return -errno;
	r = setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0 ? -errno : exchange(fd, m);
	close(fd);
	return r;
}

/* The value of an attribute behind a fixed part of `fixed` octets, if it is at least `len` long; or NULL. */
static const void *find(const union message *m, size_t fixed, uint16_t type, size_t len)
{
	size_t end = m->header.nlmsg_len < sizeof(*m) ? m->header.nlmsg_len : sizeof(*m);

	for (size_t at = NLMSG_SPACE(fixed); at + sizeof(struct rtattr) <= end;) {
		const struct rtattr *a = (const void *)(m->octets + at);

		if (a->rta_len < sizeof(*a) || at + a->rta_len > end)
			return NULL;
		if (a->rta_type == type)
			return RTA_PAYLOAD(a) >= len ? RTA_DATA(a) : NULL;
		at += RTA_ALIGN(a->rta_len);
	}
	return NULL;
}

static uint8_t af_of(const struct fg_address *a)
{
	return a->family == FG_IPV6 ? AF_INET6 : AF_INET;
}

static size_t octets_of(const struct fg_address *a)
{
	return a->family == FG_IPV6 ? 16 : 4;
}

int fg_netlink_route(const struct fg_address *to, uint32_t ifindex, struct fg_way *way)
{
	const struct rtmsg route = { .rtm_family = af_of(to), .rtm_dst_len = (uint8_t)(octets_of(to) * 8) };
	const uint32_t *out;
	const void *gateway;
	union message m;
	int r;

	message_begin(&m, RTM_GETROUTE, 0, &route, sizeof(route));
	message_add(&m, RTA_DST, to->octets, octets_of(to));
	if (ifindex != 0)
		message_add(&m, RTA_OIF, &ifindex, sizeof(ifindex));
	r = ask(NETLINK_ROUTE, &m);
	if (r != 0)
		return r;
	out = find(&m, sizeof(route), RTA_OIF, sizeof(*out));
	if (out == NULL)
		return -ENETUNREACH;
	*way = (struct fg_way){ .ifindex = *out, .next_hop = *to };
	gateway = find(&m, sizeof(route), RTA_GATEWAY, octets_of(to));
	if (gateway != NULL)
		memcpy(way->next_hop.octets, gateway, octets_of(to));
	return 0;
}

int fg_netlink_neighbour(const struct fg_way *way, uint8_t mac[6])
{
	const struct ndmsg n = { .ndm_family = af_of(&way->next_hop), .ndm_ifindex = (int)way->ifindex };
	const struct ndmsg *found;
	const void *address;
	union message m;
	int r;

	message_begin(&m, RTM_GETNEIGH, 0, &n, sizeof(n));
	message_add(&m, NDA_DST, way->next_hop.octets, octets_of(&way->next_hop));
	r = ask(NETLINK_ROUTE, &m);
	if (r != 0)
		return r;
	found = NLMSG_DATA(&m.header);
	address = find(&m, sizeof(n), NDA_LLADDR, 6);
	if (address == NULL || (found->ndm_state & (NUD_INCOMPLETE | NUD_FAILED)))
		return -ENOENT;
	memcpy(mac, address, 6);
	return 0;
}

int fg_netlink_probe(const struct fg_way *way)
{
	const struct ndmsg n = { .ndm_family = af_of(&way->next_hop),
				 .ndm_ifindex = (int)way->ifindex,
				 .ndm_flags = NTF_USE };
	union message m;

	message_begin(&m, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, &n, sizeof(n));
	message_add(&m, NDA_DST, way->next_hop.octets, octets_of(&way->next_hop));
	return ask(NETLINK_ROUTE, &m);
}

/* The number of the generic family `netdev`. */
static int netdev_family(uint16_t *family)
{
	const struct genlmsghdr g = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	const uint16_t *id;
	union message m;
	int r;

	message_begin(&m, GENL_ID_CTRL, 0, &g, sizeof(g));
	message_add(&m, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
	r = ask(NETLINK_GENERIC, &m);
	id = r == 0 ? find(&m, sizeof(g), CTRL_ATTR_FAMILY_ID, sizeof(*id)) : NULL;
	if (id == NULL)
		return r != 0 ? r : -ENOENT;
	*family = *id;
	return 0;
}

int fg_netlink_xdp_features(uint32_t ifindex, uint64_t *features)
{
	const struct genlmsghdr g = { .cmd = NETDEV_CMD_DEV_GET_, .version = 1 };
	const void *value;
	uint16_t family;
	union message m;
	int r = netdev_family(&family);

	if (r != 0)
		return r;
	message_begin(&m, family, 0, &g, sizeof(g));
	message_add(&m, NETDEV_A_DEV_IFINDEX_, &ifindex, sizeof(ifindex));
	r = ask(NETLINK_GENERIC, &m);
	value = r == 0 ? find(&m, sizeof(g), NETDEV_A_DEV_XDP_FEATURES_, sizeof(*features)) : NULL;
	if (value == NULL)
		return r != 0 ? r : -ENOENT;
	memcpy(features, value, sizeof(*features));
	return 0;
}

int fg_link_mac(const char *name, uint8_t mac[6])
{
	struct ifreq request = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r;

	if (fd < 0)
		return -errno;
	memcpy(request.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	r = ioctl(fd, SIOCGIFHWADDR, &request) != 0 ? -errno : 0;
	close(fd);
	if (r == 0)
		memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return r;
}
