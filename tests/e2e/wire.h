/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames on interfaces of the test's own namespace, by packet sockets. A failure fails the test. */
#ifndef TESTS_E2E_WIRE_H
#define TESTS_E2E_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WIRE_FRAME_MAX = 2048 };

struct wire_frame {
	uint32_t len;
	uint8_t octets[WIRE_FRAME_MAX];
};

/* All that arrives at an interface from now on; -1 is never returned. */
int wire_open(const char *interface);
void wire_send(int fd, const struct wire_frame *frame);
/* The next frame but ARP that arrives within `ms`; false: none does. Those that leave are not seen. */
bool wire_receive(int fd, struct wire_frame *frame, int ms);

/* Two cables: `left` to `port0`, `port1` to `right`, up, without IPv6 of their own. Native redirects arrive at both ends. */
void wire_cables(void);
void wire_cut(void);

/* UDP from 198.51.100.9:1000 to this address (four octets) and port, `payload` octets long, with a valid checksum. */
void wire_udp(struct wire_frame *frame, const uint8_t dst[4], uint16_t dport, uint32_t payload);
/* The same from 2001:db8::9 to 2001:db8::`host`. */
void wire_udp6(struct wire_frame *frame, uint8_t host, uint16_t dport, uint32_t payload);
/* Puts a VLAN tag into it. */
void wire_tag(struct wire_frame *frame, uint16_t vlan);
/* Where its IPv4 header is, the checksum of which must be right. */
const uint8_t *wire_ipv4(const struct wire_frame *frame);

#endif
