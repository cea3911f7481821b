/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The keys of a burst (worker.h): flowgate/straight.h for each packet, or flowgate/packet.h, while those behind it are on their way into the
 * cache. What of the headers lies behind the first segment is taken for cut off.
 */
#include "dataplane/worker.h"

#include <rte_prefetch.h>

#include "flowgate/straight.h"

enum { AHEAD = 4 };

static void read_one(const struct rte_mbuf *m, struct fg_packet *out)
{
	const uint8_t *frame = rte_pktmbuf_mtod(m, const uint8_t *);

	if (!fg_straight(frame, frame + m->data_len, out))
		fg_packet_parse_missing(frame, frame + m->data_len, m->pkt_len - m->data_len, out);
}

void fg_packets_read(struct fg_packets *b)
{
	b->keyed = 0;
	for (uint32_t i = 0; i < b->n && i < AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i], const void *));
	for (uint32_t i = 0; i < b->n; i++) {
		if (i + AHEAD < b->n)
			rte_prefetch0(rte_pktmbuf_mtod(b->mbuf[i + AHEAD], const void *));
		read_one(b->mbuf[i], &b->packet[i]);
		b->key[b->keyed] = &b->packet[i].key;
		b->keyed += b->packet[i].what == FG_PACKET_IP;
	}
}
