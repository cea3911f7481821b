/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames on interfaces (wire.h). */
#include "tests/e2e/wire.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "flowgate/wire.h"
#include "tests/e2e/dataplane.h"

enum { RECEIVE_OCTETS = 8 << 20 };

int wire_open(const char *interface)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET, .sll_protocol = __builtin_bswap16(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1, room = RECEIVE_OCTETS;

	assert_true(fd >= 0);
	address.sll_ifindex = (int)if_nametoindex(interface);
	assert_int_not_equal(address.sll_ifindex, 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void wire_send(int fd, const struct wire_frame *frame)
{
	assert_int_equal(send(fd, frame->octets, frame->len, 0), frame->len);
}

/* The kernel takes the outer tag off what it hands to sockets. */
static void retag(struct wire_frame *frame, struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if (aux.tp_status & TP_STATUS_VLAN_VALID)
			wire_tag(frame, aux.tp_vlan_tci);
	}
}

/* The kernel asks for neighbours, some seconds long, whatever test goes on meanwhile. */
static bool is_arp(const struct wire_frame *frame)
{
	return frame->len >= 14 && frame->octets[12] == 0x08 && frame->octets[13] == 0x06;
}

bool wire_receive(int fd, struct wire_frame *frame, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint8_t control[256];
	struct iovec octets = { frame->octets, sizeof(frame->octets) };
	struct msghdr m = {
		.msg_iov = &octets, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	ssize_t n;

	do {
		if (poll(&p, 1, ms) != 1)
			return false;
		m.msg_controllen = sizeof(control);
		n = recvmsg(fd, &m, 0);
		assert_true(n > 0);
		frame->len = (uint32_t)n;
		retag(frame, &m);
	} while (is_arp(frame));
	return true;
}

void wire_cables(void)
{
	shell("ip link set lo up");
	shell("sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
	shell("ip link add left type veth peer name port0");
	shell("ip link add right type veth peer name port1");
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "left", "port0", "port1", "right" };

		shell("ip link set %s up arp off", names[i]);
		shell("ethtool -K %s tx off gro on rxvlan off txvlan off >/dev/null", names[i]);
	}
}

void wire_cut(void)
{
	shell("ip link del left");
	shell("ip link del right");
}

static uint32_t put_ethernet(uint8_t *p, uint16_t type)
{
	static const uint8_t macs[12] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2 };

	memcpy(p, macs, sizeof(macs));
	fg_store_be16(p + 12, type);
	return 14;
}

static uint32_t put_udp(uint8_t *p, uint16_t dport, uint32_t payload)
{
	memset(p, 0, 8 + payload);
	fg_store_be16(p, 1000);
	fg_store_be16(p + 2, dport);
	fg_store_be16(p + 4, (uint16_t)(8 + payload));
	return 8 + payload;
}

static uint16_t checksum(const uint8_t *ip)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < 20; i += 2)
		sum += fg_load_be16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

void wire_udp(struct wire_frame *frame, const uint8_t dst[4], uint16_t dport, uint32_t payload)
{
	static const uint8_t header[16] = { 0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 198, 51, 100, 9 };
	uint8_t *ip = frame->octets + put_ethernet(frame->octets, ETH_P_IP);

	memcpy(ip, header, sizeof(header));
	memcpy(ip + 16, dst, 4);
	fg_store_be16(ip + 2, (uint16_t)(28 + payload));
	fg_store_be16(ip + 10, checksum(ip));
	frame->len = 34 + put_udp(ip + 20, dport, payload);
}

void wire_udp6(struct wire_frame *frame, uint8_t host, uint16_t dport, uint32_t payload)
{
	static const uint8_t net[4] = { 0x20, 0x01, 0x0d, 0xb8 };
	uint8_t *ip = frame->octets + put_ethernet(frame->octets, ETH_P_IPV6);

	memset(ip, 0, 40);
	ip[0] = 0x60;
	fg_store_be16(ip + 4, (uint16_t)(8 + payload));
	ip[6] = 17;
	ip[7] = 64;
	memcpy(ip + 8, net, sizeof(net));
	ip[23] = 9;
	memcpy(ip + 24, net, sizeof(net));
	ip[39] = host;
	frame->len = 54 + put_udp(ip + 40, dport, payload);
}

void wire_tag(struct wire_frame *frame, uint16_t vlan)
{
	memmove(frame->octets + 16, frame->octets + 12, frame->len - 12);
	fg_store_be16(frame->octets + 12, ETH_P_8021Q);
	fg_store_be16(frame->octets + 14, vlan);
	frame->len += 4;
}

const uint8_t *wire_ipv4(const struct wire_frame *frame)
{
	uint32_t at = fg_load_be16(frame->octets + 12) == ETH_P_8021Q ? 18 : 14;

	assert_int_equal(fg_load_be16(frame->octets + at - 2), ETH_P_IP);
	assert_int_equal(checksum(frame->octets + at), 0);
	return frame->octets + at;
}
