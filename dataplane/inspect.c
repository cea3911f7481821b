/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The payload step of a worker (worker.h), between the match and the verdict. Comes in: the rules that the matcher found for each packet. Goes
 * out: those that apply, for a rule with a pattern does only where that is found. A packet is scanned once, and only where a rule wants it.
 *
 * When the worker is behind it scans nothing, and rules with a pattern do not apply: this step is what is shed first, the header step never. It
 * counts the packets. A packet in several buffers is looked at as far as the first one goes.
 */
#include "dataplane/worker.h"

void fg_inspect_follow(struct fg_worker *w)
{
	const struct fg_share_patterns *p;
	const void *database = NULL;

	if (w->side >= FG_SIDES)
		return;
	p = fg_shared_patterns(w->shared, w->side);
	w->patterns = p;
	w->numbers = fg_shared_numbers(w->shared, w->side);
	if (p->octets != 0 && p->octets <= w->shared->sizes.patterns)
		database = p + 1;
	/* Both sides mostly have the same one, each at its place; scratch is of a database and not of a place. */
	if (p->generation == w->patterns_generation) {
		fg_scan_move(&w->scan, database);
		return;
	}
	/* The gate has seen to it that the scratch suffices; where it has not, no pattern is found. */
	w->scan.failures += fg_scan_use(&w->scan, database) != 0;
	w->patterns_generation = p->generation;
}

static bool wants(const struct fg_matched *m)
{
	uint32_t all = 0;

	for (uint32_t i = 0; i < m->count; i++)
		all |= m->slot[i];
	return all & FG_SLOT_PAYLOAD;
}

static bool is_behind(const struct fg_worker *w, uint8_t device)
{
	uint32_t most = w->patterns->behind_bursts;

	return most != 0 && w->full[device] >= most;
}

/* Packet i of the burst, for which the k-th rules were found. True: there was no time to look at it. */
static bool inspect(struct fg_worker *w, const struct fg_packets *b, uint32_t i, struct fg_matched *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(b->mbuf[i], const uint8_t *);
	uint32_t most = w->patterns->scan_octets;

	if (is_behind(w, b->device)) {
		fg_scan_skip(&w->scan, w->numbers, m);
		w->ports[w->setup.device[b->device].number].payload_skipped++;
		return true;
	}
	fg_scan_packet(&w->scan, w->numbers, data, data + b->mbuf[i]->data_len, &b->packet[i],
		       most < FG_PAYLOAD_SCAN_OCTETS_MAX ? most : FG_PAYLOAD_SCAN_OCTETS_MAX, m);
	return false;
}

void fg_inspect_burst(struct fg_worker *w, struct fg_packets *b)
{
	bool skipped = false;

	for (uint32_t i = 0, k = 0; i < b->n && k < b->keyed; i++) {
		struct fg_matched *m = &w->matched[k];

		if (b->packet[i].what != FG_PACKET_IP)
			continue;
		k++;
		if (!wants(m) || !fg_matched_is_sound(w, m))
			continue;
		if (w->patterns != NULL)
			skipped |= inspect(w, b, i, m);
		else
			fg_scan_skip(&w->scan, w->numbers, m); /* the gate made no room for any */
	}
	if (skipped)
		__atomic_store_n(&w->slot->skipped_s, (uint32_t)(w->now_ns / 1000000000u), __ATOMIC_RELAXED);
}
