/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys of a burst (worker.h): flowgate/straight.h for each packet, or flowgate/packet.h, while those behind it are on their way into the
 * cache. What of the headers lies behind the first segment is taken for cut off.
 */
#include "dataplane/worker.h"

#include "flowgate/straight.h"

/* What is not plain. */
static __attribute__((noinline)) void read_other(const struct rte_mbuf *m, struct fg_packet *out)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	if (!fg_straight(frame, frame + m->data_len, out))
		fg_packet_parse_missing(frame, frame + m->data_len, m->pkt_len - m->data_len, out);
}

void fg_packets_read(struct fg_packets *b)
{
	uint32_t keyed = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct rte_mbuf *m = b->mbuf[i];
		struct fg_packet *p = &b->packet[i];

		if (m->data_len < FG_STRAIGHT_PLAIN_OCTETS ||
		    !fg_straight_plain(rte_pktmbuf_mtod(m, const uint8_t *), p))
			read_other(m, p);
		b->key[keyed] = &p->key;
		keyed += p->what == FG_PACKET_IP;
	}
	b->keyed = keyed;
}
