/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets on their way out of one device, and what is shed when it has no room for them all.
 *
 * The policy. A device is offered what a burst has for it, in order. Where it does not take all of it, the rest is put in the order of its
 * worth and offered FG_OUT_TRIES times more; a device that was short is offered the next bursts in that order at once, until it takes one whole.
 * What is left then is shed, the least worth first:
 *
 *   1 copies        (and no samples are taken while a device is short)
 *   2 packets that no rule applies to
 *   3 packets that a rule let pass or redirected
 *   4 protected packets, and what is no IP: ARP, LACP and IS-IS hold up the links. These are not shed but kept, up to FG_OUT_KEPT of them,
 *     and go first in the next burst.
 *
 * A packet counts as what it was judged when the device has taken it, and as dropped of cause `overload` when it was shed. Packets of one
 * class keep their order. Knows nothing of DPDK.
 */
#ifndef DATAPLANE_OUT_H
#define DATAPLANE_OUT_H

#include <stdbool.h>

#include "flowgate/share.h"

enum fg_class { FG_CLASS_PROTECTED, FG_CLASS_RULED, FG_CLASS_PLAIN, FG_CLASS_COPY, FG_CLASSES };

enum {
	FG_OUT_TRIES = 3,
	FG_OUT_KEPT = FG_BURST,
	FG_OUT_MAX = FG_OUT_KEPT + 2 * FG_BURST, /* a burst, and a copy of each of its packets */
};

/* What a packet is counted as once it is out. */
struct fg_fate {
	uint32_t octets;
	uint8_t port; /* number of the one it came by */
	uint8_t verdict, cause;
	uint8_t class; /* enum fg_class */
};

/* The device. */
struct fg_out_device {
	void *ctx;
	uint32_t (*send)(void *ctx, void **packets, uint32_t n); /* how many it took, from the first on */
	void (*release)(void *ctx, void **packets, uint32_t n);
};

struct fg_out {
	struct fg_out_device device;
	struct fg_share_port_counters *ports; /* by number */
	uint32_t n;                           /* packets that wait */
	bool pressed;                         /* it was short, and has taken no burst whole since */
	void *packet[FG_OUT_MAX];
	struct fg_fate fate[FG_OUT_MAX];
};

/* There is always room for the packets of one burst and their copies behind fg_out_flush(). */
FG_INLINE void fg_out_add(struct fg_out *o, void *packet, struct fg_fate fate)
{
	o->packet[o->n] = packet;
	o->fate[o->n++] = fate;
}

/* Sends what waits; sheds and keeps what the device does not take. */
void fg_out_flush(struct fg_out *o);
/* The last time: nothing is kept. */
void fg_out_finish(struct fg_out *o);

FG_INLINE void fg_count(struct fg_count *c, uint64_t octets)
{
	c->packets++;
	c->bytes += octets;
}

FG_INLINE void fg_count_all(struct fg_count *c, struct fg_count n)
{
	c->packets += n.packets;
	c->bytes += n.bytes;
}

#endif
