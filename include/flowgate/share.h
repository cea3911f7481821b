/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The memory that the gate and flowgate-dpdk share. Three files in one folder, on hugetlbfs or a tmpfs:
 *
 *   tables  written by the gate alone, mapped read-only by the dataplane: what is enforced
 *   live    written by both: who is there, what was counted, token buckets, samples
 *   store   the gate's rule store; the dataplane does not open it
 *
 * Files outlive both processes: whoever comes next adopts them, if they are of this version and these sizes.
 *
 * Left-right with epochs. The gate changes the image that is not read, stores `control.side` (release), then raises `epoch` (release). A
 * worker, between two bursts, loads `epoch` (acquire), stores it in its slot (release: all reads of the burst before are done), then loads
 * `side` (acquire) and reads that image for the whole of the next burst. So once each slot in use has the new epoch, nobody reads the
 * other image. A slot whose process has ended counts as passed; a process that lives and does not pass in FG_EPOCH_WAIT_MS is killed.
 *
 * Who frees slots: the gate, of processes that have ended, workers first, then `pid`; and a process that ends in order, in the same way. A
 * process that starts takes an instance that is free, and where none is, waits for the gate to see that one has ended.
 *
 * Whom the gate kills: a pid is only what someone wrote here. It is believed where /proc says that the process began at start_ticks and is
 * called FG_SHARE_COMM, as the main thread of flowgate-dpdk is; it is in the gate's PID namespace.
 *
 * What is elsewhere by interface is here by port: fg_target.ifindex and fg_sample.ifindex are numbers of ports. FG_TARGET_INTERFACE sends the
 * frame as it is but for the addresses; FG_TARGET_ROUTED is a way that the gate has found by itself: one hop less to live, no VLAN tags,
 * these addresses, and where mac_dst is zero no way yet. A copy is not routed: it gets the addresses alone.
 *
 * What always holds: no pointer is in it; sizes come from struct fg_share_sizes of the own configuration, never from the other side's
 * memory; every index read from the other side's memory is checked before it is used.
 */
#ifndef FLOWGATE_SHARE_H
#define FLOWGATE_SHARE_H

#include <stddef.h>
#include <stdint.h>

#include "flowgate/counters.h"
#include "flowgate/table.h"

#define FG_SHARE_COMM "flowgate-dpdk"

enum {
	FG_SHARE_MAGIC = 0x46475348,
	FG_SHARE_VERSION = 3,
	FG_WORKERS_MAX = 64,      /* slots of workers, of all instances together */
	FG_INSTANCES_MAX = 2,     /* processes: one, and its successor while that takes over */
	FG_SAMPLES_MAX = 256,     /* samples of one worker that wait; a power of two */
	FG_HEARTBEAT_TURNS = 256, /* turns of a worker's loop between two writes of its heartbeat */
	FG_EPOCH_WAIT_MS = 1000,  /* a worker that has not passed by then is taken for stuck */
	FG_DEVICE_NAME_OCTETS = 16,
	FG_SHARE_PAGE = 4096,
	FG_SHARE_ALIGN = 1 << 21, /* images begin on a large page */
};

struct fg_share_sizes {
	uint32_t image_lines; /* of each image; a power of two */
	uint32_t slots;       /* rules, protect entries included */
	uint32_t workers;     /* slots of workers, FG_WORKERS_MAX at most */
	uint32_t patterns;    /* octets of each database of payload patterns, its texts included; 0: there are none */
};

/* At the beginning of all three files; the store is FG_SHARE_PAGE octets behind it. Written last when a file is made: magic 0 is a file that is not finished. */
struct fg_share_stamp {
	uint32_t magic, version, image_version;
	struct fg_share_sizes sizes;
	uint32_t spare;
	uint64_t made; /* the same in all files of one making: those of two do not go together */
};

/* A port as the policy wants it, by number. flowgate-dpdk knows devices by these names. */
struct fg_share_port {
	char name[FG_DEVICE_NAME_OCTETS];
	uint8_t flags; /* of enum fg_port_flag; FG_PORT_PAIR always where FG_PORT_USED */
	uint8_t peer;  /* number */
	uint8_t pad[14];
};

/* The beginning of `tables`; then actions, targets, numbers of patterns, images, databases. */
struct fg_share_tables {
	struct fg_share_stamp stamp;
	uint8_t pad[24];
	struct fg_control control;
	uint64_t epoch;
	uint32_t ports_version; /* odd while `port` or the targets are written */
	uint8_t pad2[52];
	struct fg_share_port port[FG_PORTS_MAX];
};

/*
 * A database of payload patterns, one a side, goes with the image of that side, as do the numbers of the patterns of rules, by slot. Behind it is
 * the database itself, as hs_deserialize_database_at() has put it, which is position independent, so that all may read it and it may be copied;
 * behind that, on the next line, is what the gate wants to know of each pattern again: struct fg_share_pattern.
 */
struct fg_share_patterns {
	uint64_t generation; /* another one for each database, of whichever side; 0: none yet */
	uint32_t octets;     /* 0: no rule has a pattern */
	uint32_t scan_octets;
	/* A worker whose device has given it so many full bursts in a row is behind, and scans nothing until one is not full. 0: it always scans. */
	uint32_t behind_bursts;
	uint32_t count;       /* patterns that follow, those that could not be had too */
	uint32_t text_octets; /* of all of them */
	uint8_t pad[36];
};

/* A pattern, then its text and why it cannot be had, padded to 8. Its number is its place. */
struct fg_share_pattern {
	uint16_t text_octets;
	uint8_t code; /* 0, or the enum fg_reason for which it is not in the database */
	uint8_t why_octets;
	uint32_t pad;
	uint64_t octets;            /* of a database of it alone */
	uint64_t needed, available; /* where there was no room */
	char text[];
};

/* What the dataplane says of one of its devices; `device` counters are the driver's, and only shown. */
struct fg_share_device {
	char name[FG_DEVICE_NAME_OCTETS];
	uint8_t used, link_up;
	uint8_t mac[6];
	uint32_t speed_mbps;
	uint16_t rx_queues, tx_queues;
	uint64_t device_received, device_missed, device_errors, device_sent, device_no_mbuf;
};

/*
 * A process. `pid` 0: nobody; it is taken by compare and swap. start_ticks is field 22 of /proc/PID/stat, so that a pid given anew is told; it is
 * written behind the pid, and 0 until then: who gives a place back makes it 0 first. Slots of workers are taken after that, each as its
 * worker begins to turn.
 */
struct fg_share_instance {
	uint32_t pid;
	uint32_t workers;
	uint64_t start_ticks;
	uint64_t started_ns;    /* CLOCK_MONOTONIC */
	uint64_t forwarding_ns; /* and when its workers began; 0: not yet */
	uint32_t ready;         /* ports are up and workers run */
	uint32_t form;          /* enum fg_burst_form of its matcher */
	uint8_t pad[24];
	struct fg_share_device device[FG_PORTS_MAX]; /* by number of the port */
};

/* A worker's slot, a line of its own. fg_sample.ifindex is the number of the port. */
struct fg_share_worker {
	uint32_t instance; /* number + 1; 0: free. By compare and swap */
	uint32_t lcore;
	uint64_t epoch;                    /* the last it has seen */
	uint64_t heartbeat;                /* turns of its loop; written each FG_HEARTBEAT_TURNS, as is `busy` */
	uint64_t busy;                     /* turns in which a packet came */
	uint64_t sample_head, sample_tail; /* written: by the worker; taken: by the gate */
	uint64_t second_ns;
	uint32_t sampled;   /* in this second */
	uint32_t skipped_s; /* CLOCK_MONOTONIC: when it last looked at no payload for want of time; 0: never */
} __attribute__((aligned(FG_LINE_OCTETS)));

/* What one worker counts of one port beside struct fg_port_counters. */
struct fg_share_port_counters {
	struct fg_port_counters port;
	uint64_t tx_full;         /* packets for which the device had no room at first */
	uint64_t no_mbuf;         /* copies and samples that found no buffer */
	uint64_t payload_skipped; /* packets whose payload was not scanned for want of time */
	uint64_t pad;
};

/* The beginning of `live`; then meters, and for each worker: port counters, rule counters, samples. */
struct fg_share_live {
	struct fg_share_stamp stamp;
	uint8_t pad[24];
	struct fg_share_instance instance[FG_INSTANCES_MAX];
	struct fg_share_worker worker[FG_WORKERS_MAX];
};

_Static_assert(sizeof(struct fg_share_stamp) == 40 && sizeof(struct fg_share_patterns) == FG_LINE_OCTETS &&
		       sizeof(struct fg_share_worker) == FG_LINE_OCTETS,
	       "laid out in lines");
_Static_assert(offsetof(struct fg_share_tables, control) % FG_LINE_OCTETS == 0 &&
		       offsetof(struct fg_share_tables, port) % FG_LINE_OCTETS == 0,
	       "what is read a burst does not share a line with what is written seldom");

/* Octets of a pattern with its text and why it cannot be had. */
FG_INLINE uint32_t fg_share_pattern_octets(uint32_t text_octets, uint32_t why_octets)
{
	return (uint32_t)(sizeof(struct fg_share_pattern) + text_octets + why_octets + 7) & ~7u;
}

/* From the beginning of a side's room to its texts. */
FG_INLINE size_t fg_share_texts(uint32_t database_octets)
{
	return (sizeof(struct fg_share_patterns) + (size_t)database_octets + FG_LINE_OCTETS - 1) &
	       ~(size_t)(FG_LINE_OCTETS - 1);
}

/* ---- Where things are: offsets within the files ---- */

struct fg_share_layout {
	size_t actions, targets, numbers[FG_SIDES], image[FG_SIDES], patterns[FG_SIDES], tables_octets;
	size_t meters, workers, worker_octets, live_octets; /* of worker w: workers + w * worker_octets */
	size_t rule_counters, samples;                      /* from there; port counters come first */
};

FG_INLINE size_t fg_share_up(size_t octets, size_t to)
{
	return (octets + to - 1) & ~(to - 1);
}

/* For sizes within their bounds. */
FG_INLINE struct fg_share_layout fg_share_layout(const struct fg_share_sizes *s)
{
	struct fg_share_layout l;
	size_t image = fg_share_up((size_t)s->image_lines * FG_LINE_OCTETS, FG_SHARE_ALIGN);
	size_t patterns = fg_share_up(sizeof(struct fg_share_patterns) + s->patterns, FG_SHARE_PAGE);

	l.actions = fg_share_up(sizeof(struct fg_share_tables), FG_SHARE_PAGE);
	l.targets = fg_share_up(l.actions + s->slots * sizeof(struct fg_action), FG_SHARE_PAGE);
	l.numbers[0] = fg_share_up(l.targets + (2 * FG_TARGETS_MAX + 1) * sizeof(struct fg_target), FG_SHARE_PAGE);
	l.numbers[1] = fg_share_up(l.numbers[0] + s->slots * sizeof(uint32_t), FG_SHARE_PAGE);
	l.image[0] = fg_share_up(l.numbers[1] + s->slots * sizeof(uint32_t), FG_SHARE_ALIGN);
	l.image[1] = l.image[0] + image;
	l.patterns[0] = l.image[1] + image;
	l.patterns[1] = l.patterns[0] + patterns;
	l.tables_octets = l.patterns[1] + patterns;
	l.meters = fg_share_up(sizeof(struct fg_share_live), FG_SHARE_PAGE);
	l.workers = fg_share_up(l.meters + s->slots * sizeof(struct fg_meter), FG_SHARE_PAGE);
	l.rule_counters = fg_share_up(FG_PORTS_MAX * sizeof(struct fg_share_port_counters), FG_LINE_OCTETS);
	l.samples = l.rule_counters + s->slots * sizeof(struct fg_rule_counters);
	l.worker_octets = fg_share_up(l.samples + FG_SAMPLES_MAX * sizeof(struct fg_sample), FG_SHARE_PAGE);
	l.live_octets = fg_share_up(l.workers + s->workers * l.worker_octets, FG_SHARE_ALIGN);
	return l;
}

#endif
