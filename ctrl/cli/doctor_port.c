/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An interface as flowgated needs it: XDP in its driver, offloads that would change what a packet is, queues. In: ethtool's requests, the
 * netdev family, /sys. Out: findings. What flowgated turns off by itself when it attaches is said too: it takes effect now.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/cli/doctor.h"

struct port {
	struct fg_doctor *d;
	const char *name;
	int fd; /* of requests */
	bool native;
};

/* One of ethtool's requests, whose structure begins with its number. False: the driver does not answer it. */
static bool request(const struct port *p, void *data)
{
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", p->name);
	r.ifr_data = data;
	return ioctl(p->fd, SIOCETHTOOL, &r) == 0;
}

static uint32_t request_value(const struct port *p, uint32_t number)
{
	struct ethtool_value v = { .cmd = number };

	return request(p, &v) ? v.data : 0;
}

/* A veth can send what is redirected to it only while its other end does GRO. */
static void say_no_xmit(struct port *p, const char *driver)
{
	static const char is[] = "not possible now: no port-pair, no redirect target";

	if (strcmp(driver, "veth") == 0)
		fg_doctor_say(p->d, FG_DOCTOR_ADVICE, p->name, "redirects to it", is,
			      "ethtool -K PEER gro on tx off # PEER: its other end, as `ip link show %s` says",
			      p->name);
	else
		fg_doctor_say(p->d, FG_DOCTOR_ADVICE, p->name, "redirects to it", is,
			      "ethtool -i %s # the driver, for its documents", p->name);
}

static void look_at_driver(struct port *p)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	uint64_t features = 0;
	char is[FG_DOCTOR_TEXT_MAX];
	int r = fg_netdev_features(if_nametoindex(p->name), &features);

	request(p, &info);
	p->native = (features & FG_NETDEV_BASIC) != 0;
	snprintf(is, sizeof(is), "driver %.32s: %s", info.driver[0] != '\0' ? info.driver : "unknown",
		 r != 0      ? "this kernel does not say"
		 : p->native ? "native"
			     : "generic alone, which is slow");
	if (r != 0 || p->native)
		fg_doctor_say(p->d, FG_DOCTOR_OK, p->name, "XDP", is, NULL);
	else
		fg_doctor_say(p->d, FG_DOCTOR_ADVICE, p->name, "XDP", is,
			      "echo 'interface %s { mode generic; }' >>/etc/flowgate/flowgate.conf # or another card",
			      p->name);
	if (r == 0 && p->native && (features & FG_NETDEV_NDO_XMIT) == 0)
		say_no_xmit(p, info.driver);
}

/* Packets that were merged, or lost their tag, before we see them are others than those on the wire. */
static void look_at_offloads(struct port *p)
{
	uint32_t flags = request_value(p, ETHTOOL_GFLAGS);
	bool gro = request_value(p, ETHTOOL_GGRO) != 0;

	if (flags & ETH_FLAG_LRO)
		fg_doctor_say(p->d, FG_DOCTOR_MEND, p->name, "LRO", "on: merged packets have no true length",
			      "ethtool -K %s lro off", p->name);
	else
		fg_doctor_say(p->d, FG_DOCTOR_OK, p->name, "LRO", "off", NULL);
	if (flags & ETH_FLAG_RXVLAN)
		fg_doctor_say(p->d, FG_DOCTOR_MEND, p->name, "receive VLAN offload", "on: tags are hidden",
			      "ethtool -K %s rxvlan off", p->name);
	else
		fg_doctor_say(p->d, FG_DOCTOR_OK, p->name, "receive VLAN offload", "off", NULL);
	if (gro && !p->native)
		fg_doctor_say(p->d, FG_DOCTOR_MEND, p->name, "GRO",
			      "on, and before generic XDP: merged packets have no true length", "ethtool -K %s gro off",
			      p->name);
	else
		fg_doctor_say(p->d, FG_DOCTOR_OK, p->name, "GRO", gro ? "on, behind native XDP" : "off", NULL);
}

/* Packets are filtered where they are received: one queue is one processor. */
static void look_at_queues(struct port *p)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	char is[FG_DOCTOR_TEXT_MAX];
	uint32_t now, most;

	if (!request(p, &c)) {
		fg_doctor_say(p->d, FG_DOCTOR_OK, p->name, "receive queues", "the driver does not say", NULL);
		return;
	}
	now = c.combined_count + c.rx_count;
	most = c.max_combined + c.max_rx;
	snprintf(is, sizeof(is), "%u of %u, for %ld processors", now, most, processors);
	if (now < most && now < (unsigned long)processors)
		fg_doctor_say(p->d, FG_DOCTOR_ADVICE, p->name, "receive queues", is, "ethtool -L %s %s %lu", p->name,
			      c.max_combined > 0 ? "combined" : "rx",
			      most < (unsigned long)processors ? most : (unsigned long)processors);
	else
		fg_doctor_say(p->d, FG_DOCTOR_OK, p->name, "receive queues", is, NULL);
}

/* Flags of an interface, IFF_UP and so on. /sys would show those of another namespace than ours. */
static short flags_of(const struct port *p)
{
	struct ifreq r = { 0 };

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", p->name);
	return ioctl(p->fd, SIOCGIFFLAGS, &r) == 0 ? r.ifr_flags : 0;
}

static void look_at_link(struct port *p)
{
	short flags = flags_of(p);

	if (flags & IFF_UP)
		fg_doctor_say(p->d, FG_DOCTOR_OK, p->name, "link", flags & IFF_RUNNING ? "up" : "up, no carrier", NULL);
	else
		fg_doctor_say(p->d, FG_DOCTOR_ADVICE, p->name, "link", "down", "ip link set %s up", p->name);
}

bool fg_doctor_port_is_used(const char *name)
{
	struct port p = { .name = name, .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	short flags = p.fd >= 0 ? flags_of(&p) : 0;

	if (p.fd >= 0)
		close(p.fd);
	return (flags & IFF_UP) != 0 && (flags & IFF_LOOPBACK) == 0;
}

int fg_doctor_port(struct fg_doctor *d, const char *name)
{
	struct port p = { .d = d, .name = name };

	if (strlen(name) >= IFNAMSIZ || if_nametoindex(name) == 0)
		return fg_cli_fail(FG_EXIT_NOT_FOUND, "no such interface: %s", name);
	p.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (p.fd < 0)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "cannot ask about %s: %s", name, strerror(errno));
	look_at_link(&p);
	look_at_driver(&p);
	look_at_offloads(&p);
	look_at_queues(&p);
	close(p.fd);
	return FG_EXIT_DONE;
}
