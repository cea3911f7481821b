/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a driver can do with XDP, as the kernel says by generic netlink (family `netdev`, from Linux 6.3 on; its header is newer
 * than those we build with, so its numbers are here). In: an interface number. Out: bits.
 */
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/cli/doctor.h"

enum {
	NETDEV_DEV_GET = 1, /* command */
	NETDEV_IFINDEX = 1, /* attributes */
	NETDEV_XDP_FEATURES = 3,
	HEADERS = sizeof(struct nlmsghdr) + sizeof(struct genlmsghdr),
	HEADER = sizeof(struct nlattr), /* of an attribute */
	MESSAGE_MAX = 8192,
	WAIT_S = 2,
};

struct message {
	struct nlmsghdr nl;
	struct genlmsghdr genl;
	uint8_t attributes[MESSAGE_MAX - HEADERS];
};

/* Attributes begin at multiples of four. */
static size_t aligned(size_t len)
{
	return (len + 3) / 4 * 4;
}

static void start(struct message *m, uint16_t family, uint8_t command)
{
	m->nl = (struct nlmsghdr){ .nlmsg_len = HEADERS, .nlmsg_type = family, .nlmsg_flags = NLM_F_REQUEST };
	m->genl = (struct genlmsghdr){ .cmd = command, .version = 1 };
}

static void put(struct message *m, uint16_t type, const void *value, uint16_t len)
{
	struct nlattr a = { .nla_len = (uint16_t)(HEADER + len), .nla_type = type };
	uint8_t *to = (uint8_t *)m + m->nl.nlmsg_len;

	memcpy(to, &a, sizeof(a));
	memcpy(to + HEADER, value, len);
	m->nl.nlmsg_len += (uint32_t)aligned(a.nla_len);
}

/* Sends a question and receives its answer over it. 0 or -errno. */
static int ask(int fd, struct message *m)
{
	const struct nlmsgerr *error = (const struct nlmsgerr *)&m->genl;
	ssize_t n;

	if (send(fd, m, m->nl.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, m, sizeof(*m), 0);
	if (n < 0)
		return -errno;
	if ((size_t)n < HEADERS || m->nl.nlmsg_len > (size_t)n || m->nl.nlmsg_len < HEADERS)
		return -EBADMSG;
	if (m->nl.nlmsg_type == NLMSG_ERROR)
		return error->error != 0 ? error->error : -EBADMSG;
	return 0;
}

/* The value of an attribute, at least that long; NULL: there is none. */
static const void *find(const struct message *m, uint16_t type, size_t len)
{
	size_t at = 0, end = m->nl.nlmsg_len - HEADERS;
	struct nlattr a;

	while (at + HEADER <= end) {
		memcpy(&a, m->attributes + at, sizeof(a));
		if (a.nla_len < HEADER || at + a.nla_len > end)
			return NULL;
		if ((a.nla_type & NLA_TYPE_MASK) == type && a.nla_len >= HEADER + len)
			return m->attributes + at + HEADER;
		at += aligned(a.nla_len);
	}
	return NULL;
}

/* The number of the family `netdev`. 0 or -errno. */
static int family_get(int fd, struct message *m, uint16_t *family)
{
	const void *id;
	int r;

	start(m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put(m, CTRL_ATTR_FAMILY_NAME, "netdev", sizeof("netdev"));
	r = ask(fd, m);
	id = r == 0 ? find(m, CTRL_ATTR_FAMILY_ID, sizeof(*family)) : NULL;
	if (id != NULL)
		memcpy(family, id, sizeof(*family));
	return r == 0 && id == NULL ? -EBADMSG : r;
}

static int features_get(int fd, struct message *m, uint32_t ifindex, uint64_t *features)
{
	const void *value;
	uint16_t family;
	int r = family_get(fd, m, &family);

	if (r != 0)
		return r;
	start(m, family, NETDEV_DEV_GET);
	put(m, NETDEV_IFINDEX, &ifindex, sizeof(ifindex));
	r = ask(fd, m);
	value = r == 0 ? find(m, NETDEV_XDP_FEATURES, sizeof(*features)) : NULL;
	if (value != NULL)
		memcpy(features, value, sizeof(*features));
	return r == 0 && value == NULL ? -EBADMSG : r;
}

int fg_netdev_features(unsigned int ifindex, uint64_t *features)
{
	const struct timeval wait = { WAIT_S, 0 };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC), r;
	struct message m;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	r = features_get(fd, &m, ifindex, features);
	close(fd);
	return r;
}
