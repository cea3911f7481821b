/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is done to a packet that rules ask something for (worker.h), as bpf/forward.h does it: it is marked, leaves by the peer or by the way
 * to a target, and a copy of it goes to another.
 */
#include "dataplane/worker.h"

#include <string.h>

enum { MAC_OCTETS = 6, ETHERNET_OCTETS = 14 };

/* The IP header, where all of its fixed part is in the first segment. */
static uint8_t *ip_header(const struct fg_case *c)
{
	uint32_t octets = c->packet->key.family == FG_IPV6 ? FG_LENGTH6_MIN : FG_LENGTH4_MIN;

	if ((uint32_t)c->packet->l3_octet + octets > c->mbuf->data_len)
		return NULL;
	return rte_pktmbuf_mtod(c->mbuf, uint8_t *) + c->packet->l3_octet;
}

static void mark(const struct fg_case *c, uint8_t dscp)
{
	uint8_t *ip = ip_header(c);

	if (ip == NULL)
		return;
	if (c->packet->key.family == FG_IPV6)
		fg_mark_ipv6(ip, dscp);
	else
		fg_mark_ipv4(ip, dscp);
}

/* ---- Redirects ---- */

static void macs_write(struct rte_mbuf *m, const struct fg_way_out *t)
{
	uint8_t *frame = rte_pktmbuf_mtod(m, uint8_t *);

	memcpy(frame, t->mac_dst, MAC_OCTETS);
	memcpy(frame + MAC_OCTETS, t->mac_src, MAC_OCTETS);
}

/* One hop less to live, the checksum with it (RFC 1812 §5.3.1, RFC 1624). False: it has none left. */
static bool hop(const struct fg_case *c)
{
	uint8_t *ip = ip_header(c);
	uint32_t sum;

	if (ip == NULL)
		return false;
	if (c->packet->key.family == FG_IPV6) {
		if (ip[7] <= 1)
			return false;
		ip[7]--;
		return true;
	}
	if (ip[8] <= 1)
		return false;
	ip[8]--;
	sum = fg_load_be16(ip + 10) + 0x100u;
	fg_store_be16(ip + 10, (uint16_t)(sum + (sum >> 16)));
	return true;
}

/* VLAN tags are of the link it came by: takes them away, and writes the Ethernet header at the new beginning. */
static void reframe(const struct fg_case *c, const struct fg_way_out *t)
{
	uint16_t type = c->packet->key.family == FG_IPV6 ? FG_ETHERTYPE_IPV6 : FG_ETHERTYPE_IPV4;
	uint8_t *frame = (uint8_t *)rte_pktmbuf_adj(c->mbuf, (uint16_t)(c->packet->l3_octet - ETHERNET_OCTETS));

	macs_write(c->mbuf, t);
	fg_store_be16(frame + FG_ETHERTYPE_OCTET, type);
}

/* False: there is no way, or it leads back; the packet is as it was. */
static bool redirect(struct fg_worker *w, const struct fg_case *c, const struct fg_verdict *v)
{
	const struct fg_way_out *t = &w->setup.target[v->redirect_target < FG_TARGETS_ALL ? v->redirect_target : 0];

	if (t->kind == FG_TARGET_NONE || t->device == c->device)
		return false;
	if (t->kind == FG_TARGET_ROUTED) {
		if (!hop(c))
			return false;
		reframe(c, t);
	} else if (t->addressed) {
		macs_write(c->mbuf, t);
	}
	fg_send(w, c, t->device, v->verdict, v->cause);
	return true;
}

/* A redirect that has no way out becomes what the port is set to. */
static void no_way(struct fg_worker *w, const struct fg_case *c, struct fg_verdict *v)
{
	fg_count(&c->port->no_neighbour, c->octets);
	if (c->card->flags & FG_PORT_DROP_NO_NEIGHBOUR) {
		v->verdict = FG_DROP;
		fg_drop(w, c, v->cause);
		return;
	}
	v->verdict = FG_PASS;
	fg_send(w, c, c->card->peer, v->verdict, v->cause);
}

/* ---- Copies ---- */

/* NULL: there is no buffer, which is counted. */
static struct rte_mbuf *copy_of(struct fg_worker *w, const struct fg_case *c)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(c->mbuf, w->pool, 0, UINT32_MAX);

	if (copy == NULL)
		w->ports[c->card->number].no_mbuf++;
	return copy;
}

/* Counted as copied when the device has it. The packet itself is on its way already, and has not left. */
static void send_copy(struct fg_worker *w, const struct fg_case *c, uint32_t target)
{
	const struct fg_way_out *t = &w->setup.target[target < FG_TARGETS_ALL ? target : 0];
	struct fg_fate fate = { .octets = c->octets, .port = c->card->number, .class = FG_CLASS_COPY };
	struct rte_mbuf *copy = t->kind != FG_TARGET_NONE ? copy_of(w, c) : NULL;

	if (copy == NULL) {
		c->port->copies_lost++;
		return;
	}
	if (t->addressed)
		macs_write(copy, t);
	fg_out_add(&w->out[t->device], copy, fate);
	w->waiting |= 1u << t->device;
}

void fg_act(struct fg_worker *w, const struct fg_case *c, struct fg_verdict *v)
{
	if (v->verdict == FG_DROP) {
		fg_drop(w, c, v->cause);
		return;
	}
	if (v->mark)
		mark(c, v->dscp);
	if (v->verdict == FG_REDIRECT) {
		c->port->copies_lost += v->copy;
		if (!redirect(w, c, v))
			no_way(w, c, v);
		return;
	}
	fg_send(w, c, c->card->peer, v->verdict, v->cause);
	if (v->copy)
		send_copy(w, c, v->copy_target);
}
