/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A worker: one thread on one CPU that takes packets from its queue of each device, judges them and sends them on, to completion. Reading order:
 * worker.c is the loop; headers.c makes keys; inspect.c looks for payload patterns; enforce.c judges a burst; drop.c frees what is dropped; act.c does what rules ask for beyond passing and dropping;
 * sample.c keeps what is to be shown; out.h sends, and sheds.
 *
 * What always holds: after it has begun it takes no lock, asks for no memory and calls no system but what a device's driver does. What it
 * counts is its own. It reads one image, one setup and one time for the whole of a burst.
 */
#ifndef DATAPLANE_WORKER_H
#define DATAPLANE_WORKER_H

#include <rte_mbuf.h>

#include "dataplane/burst.h"
#include "dataplane/clock.h"
#include "dataplane/out.h"
#include "dataplane/payload.h"
#include "dataplane/ports.h"
#include "dataplane/setup.h"

/* A burst that was received, and what its headers say. */
struct fg_packets {
	uint32_t n;
	uint32_t keyed; /* those that are IP */
	uint8_t device; /* by which it came */
	struct rte_mbuf *mbuf[FG_BURST];
	struct fg_packet packet[FG_BURST];
	const struct fg_key *key[FG_BURST]; /* of those that are IP, in order */
};

/* Where a worker sends by one device. */
struct fg_tx {
	uint16_t id, queue;
};

struct fg_worker {
	/* What it is given. */
	const struct fg_shared *shared;
	const struct fg_devices *devices;
	const bool *stop;
	struct rte_mempool *pool;
	enum fg_burst_form form;
	uint16_t queue;
	/* Its part of the memory that is shared. */
	struct fg_share_worker *slot;
	struct fg_share_port_counters *ports;
	struct fg_rule_counters *rules;
	struct fg_sample *samples;
	const struct fg_action *actions;
	struct fg_meter *meters;
	uint32_t slots;
	/* What it knows for the burst at hand. */
	struct fg_control control;
	uint32_t side;
	uint64_t now_ns;
	struct fg_watch watch;
	struct fg_setup setup;
	/* Its work. */
	uint64_t turns, busy;
	uint32_t turn;                /* which of the two bursts is received next */
	struct fg_packets packets[2]; /* one is received and its lines are fetched while the other is judged */
	struct fg_matched matched[FG_BURST];
	struct rte_mbuf *dropped[FG_BURST];
	uint32_t drops;
	uint32_t waiting; /* devices that have packets to send, by bit */
	/* Payload patterns, where there can be any. */
	const uint32_t *numbers; /* of the side at hand, as are the others */
	const struct fg_share_patterns *patterns;
	uint64_t patterns_generation; /* that `scan` uses */
	uint32_t full[FG_PORTS_MAX];  /* full bursts in a row, by device */
	struct fg_scan scan;
	struct fg_tx tx[FG_PORTS_MAX];
	struct fg_out out[FG_PORTS_MAX];
} __attribute__((aligned(FG_LINE_OCTETS)));

_Static_assert(FG_PORTS_MAX <= 32, "devices are bits of a word");

/* For the slot that was claimed; `queue` is its queue of all devices. scan_room: FG_SCAN_ROOM_OCTETS where there can be payload patterns, else NULL. */
void fg_worker_start(struct fg_worker *w, const struct fg_shared *shared, uint32_t slot, void *scan_room,
		     const struct fg_devices *devices, const struct fg_clock *clock, uint16_t queue,
		     enum fg_burst_form form, const bool *stop);
/* The loop, until *stop: an lcore's function, of a struct fg_worker. */
int fg_worker_run(void *worker);

/* headers.c: the keys of a burst that was received. */
void fg_packets_read(struct fg_packets *b);
/* inspect.c: follows the database of the side at hand. */
void fg_inspect_follow(struct fg_worker *w);
/* inspect.c: of the rules that the matcher found for a burst, leaves those that apply. */
void fg_inspect_burst(struct fg_worker *w, struct fg_packets *b);
/* enforce.c: what will be asked of the rules that were found is on its way into the cache. All that their slots say, together. */
uint32_t fg_enforce_fetch(const struct fg_worker *w, uint32_t keyed);
/* enforce.c: a burst out, in order; what is dropped is freed. */
void fg_enforce_burst(struct fg_worker *w, const struct fg_packets *b);

/* drop.c: frees what was dropped. */
void fg_dropped_free(struct fg_worker *w);

/* A packet at hand: one of a burst. */
struct fg_case {
	struct rte_mbuf *mbuf;
	const struct fg_packet *packet;
	const struct fg_line_card *card; /* of the device by which it came */
	uint8_t device;
	uint32_t octets; /* what it counts for */
	struct fg_port_counters *port;
};

/* act.c: what rules asked for. *v is then what became of it. */
void fg_act(struct fg_worker *w, const struct fg_case *c, struct fg_verdict *v);

/* sample.c: a sample of the packet for a rule, if one is due. */
void fg_sample_due(struct fg_worker *w, const struct fg_case *c, uint32_t slot, uint8_t verdict, uint8_t cause);

/* Of a packet that is dropped or whose rule asks for samples: `asked`. */
FG_INLINE bool fg_sample_wanted(const struct fg_worker *w, bool asked)
{
	return w->control.samples_per_s != 0 && (asked || (w->control.flags & FG_CONTROL_SAMPLE_PASS));
}

/* Before that, no sample of the rule is due. */
FG_INLINE bool fg_sample_gap_is_over(const struct fg_worker *w, const struct fg_rule_counters *rule)
{
	return w->now_ns - rule->sampled_ns >= w->control.sample_gap_ns;
}

/* How much it is worth when not all can be sent. */
FG_INLINE enum fg_class fg_class_of(const struct fg_packet *p, uint8_t cause)
{
	if (cause == FG_CAUSE_PROTECT || p->what == FG_PACKET_NOT_IP)
		return FG_CLASS_PROTECTED;
	return cause == FG_CAUSE_NONE || cause == FG_CAUSE_MALFORMED ? FG_CLASS_PLAIN : FG_CLASS_RULED;
}

/* All its slots are within the tables: anything else is a mistake of ours. */
FG_INLINE bool fg_matched_is_sound(const struct fg_worker *w, const struct fg_matched *m)
{
	for (uint32_t i = 0; i < m->count; i++)
		if ((m->slot[i] & FG_SLOT_MASK) >= w->slots)
			return false;
	return true;
}

/* By that device; counted when it is out. */
FG_INLINE void fg_send(struct fg_worker *w, const struct fg_case *c, uint8_t device, uint8_t verdict, uint8_t cause)
{
	struct fg_fate fate = { .octets = c->octets, .port = c->card->number, .verdict = verdict, .cause = cause };

	fate.class = (uint8_t)fg_class_of(c->packet, cause);
	fg_out_add(&w->out[device], c->mbuf, fate);
	w->waiting |= 1u << device;
}

FG_INLINE void fg_drop(struct fg_worker *w, const struct fg_case *c, uint8_t cause)
{
	w->dropped[w->drops++] = c->mbuf;
	fg_count(&c->port->by[FG_DROP][cause], c->octets);
}

#endif
