/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The scan of payloads with Hyperscan's runtime: one struct fg_scan a thread, its memory given at start. In: the rules that the matcher found,
 * and the packet. Out: those of them that apply (flowgate/payload.h). Nothing is allocated, nothing waits.
 */
#ifndef DATAPLANE_PAYLOAD_H
#define DATAPLANE_PAYLOAD_H

#include "flowgate/payload.h"

struct fg_scan {
	struct fg_waiting waiting;
	uint8_t *room; /* FG_SCAN_ROOM_OCTETS for what Hyperscan calls scratch */
	size_t taken;
	struct hs_scratch *scratch; /* NULL: no database is in use */
	const struct hs_database *database;
	uint32_t left;     /* patterns that are waited for */
	uint64_t end;      /* a match must end here at the latest */
	uint64_t scans;    /* made since the start, */
	uint64_t octets;   /* of so many octets, */
	uint64_t failures; /* and those that Hyperscan would not make: a mistake of ours */
};

/* What a scan is to be given: its bookkeeping comes on top of the scratch itself, and is less than a page. */
enum { FG_SCAN_ROOM_OCTETS = FG_PATTERN_SCRATCH_OCTETS + 2 * 4096, FG_DATABASE_ALIGN = 64 };

/* Octets that a serialised database takes in memory; 0: it is none that this runtime can read. */
size_t fg_database_octets(const void *serialised, size_t octets);
/*
 * Puts a serialised database into `to`, of `room` octets, aligned to FG_DATABASE_ALIGN. What is there then is position independent, and may
 * be mapped elsewhere with the same alignment. 0; -ENOSPC; -EINVAL: it is none that this runtime can read.
 */
int fg_database_put(void *to, size_t room, const void *serialised, size_t octets);

/* `room`: FG_SCAN_ROOM_OCTETS, aligned to a line. */
void fg_scan_start(struct fg_scan *s, void *room);
/* Scans with that database from now on; NULL: with none, so that no pattern is found. 0; -ENOSPC: it wants more scratch; -EINVAL. */
int fg_scan_use(struct fg_scan *s, const void *database);
/* The database in use lies elsewhere now: at another place with the same octets. */
void fg_scan_move(struct fg_scan *s, const void *database);
/* Takes what is found out of s->waiting, where `waited` patterns are. */
void fg_scan_payload(struct fg_scan *s, const struct fg_payload *p, uint32_t waited);

/* What one packet needs: leaves in *m the rules that apply. `pattern`: by slot; `most`: octets of a payload that are looked at. */
FG_INLINE void fg_scan_packet(struct fg_scan *s, const uint32_t *pattern, const uint8_t *data, const uint8_t *end,
			      const struct fg_packet *p, uint32_t most, struct fg_matched *m)
{
	uint32_t waited = fg_payload_wait(m, pattern, &s->waiting);
	struct fg_payload payload;

	if (waited == 0)
		return;
	fg_payload_find(data, end, p, most, &payload);
	fg_scan_payload(s, &payload, waited);
	fg_payload_apply(m, pattern, &s->waiting);
}

/* The same without a scan, when there is no time for one: rules with a pattern do not apply. How many there were. */
FG_INLINE uint32_t fg_scan_skip(struct fg_scan *s, const uint32_t *pattern, struct fg_matched *m)
{
	uint32_t waited = fg_payload_wait(m, pattern, &s->waiting);

	if (waited != 0)
		fg_payload_apply(m, pattern, &s->waiting);
	return waited;
}

#endif
