/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What peers have announced (RFC 4271 §3.2: Adj-RIB-In), one path for a peer and an NLRI, and which of them the gate has. The raw octets of an
 * NLRI are its key, with its family and, where its octets say so, its offset form. Of several paths the one of the highest preference is
 * wanted, of the same preference the one that came first; it is asked of the gate before the one it replaces goes, so that there is no moment
 * without. What is refused makes room for the next. Bounded by what each peer may have; memory is malloc's.
 */
#ifndef CTRL_BGP_RIB_H
#define CTRL_BGP_RIB_H

#include "ctrl/bgp/peer.h"
#include "flowgate/errors.h"
#include "flowgate/hash.h"

enum { FG_RIB_SITES_MAX = 255 };

/* What a peer asks for with an NLRI. */
struct fg_rib_wish {
	struct fg_actions actions;
	uint32_t ttl_s;
	bool count_only;
	char site[FG_NAME_MAX + 1];
};

struct fg_rib_path {
	struct fg_rib_entry *entry;
	struct fg_rib_path *next;            /* of the entry, best first */
	struct fg_rib_path *before, *behind; /* of the peer and family, stale ones first */
	struct fg_actions actions;
	uint32_t ttl_s;
	uint32_t version;      /* of what is asked for: no other wish in the table has had it */
	uint32_t gate_version; /* that the gate has; 0: none */
	uint32_t generation;   /* of the peer's table of the family: a lower one than that's is stale */
	uint64_t until_s;      /* the gate lets it go then; 0: it does not */
	uint8_t peer;
	uint8_t site; /* place of its name, from 1; 0: everywhere */
	bool count_only;
	bool refused; /* `why` says */
	bool barred;  /* by us: the gate need not be asked */
	bool over;    /* its time is over, or it was flushed: not asked for again until it is announced again */
	struct fg_rib_why *why;
};

/* What the gate, or we, said of a path: the finding without the room that its strings do not need. */
struct fg_rib_why {
	enum fg_reason code;
	uint8_t component;
	enum fg_resource resource;
	uint64_t needed, available;
	char text[]; /* detail, source, cheapest fix; each with its NUL */
};

struct fg_rib_entry {
	struct fg_rib_entry *chain; /* of the bucket */
	struct fg_rib_entry *queue; /* of what is to be looked at */
	struct fg_rib_path *first;
	uint64_t hash;
	uint64_t in_gate;     /* bit p: the gate has this NLRI of peer p, or may have it */
	uint64_t was_in_gate; /* in_gate as it was before the gate was forgotten, until all is known again */
	uint16_t nlri_len;
	uint16_t busy; /* steps without an answer */
	uint8_t family, offset_form;
	bool queued, again;
	uint8_t nlri[];
};

_Static_assert(FG_PEERS_MAX <= 64, "a bit of fg_rib_entry.in_gate each");

struct fg_rib_peer {
	struct fg_rib_list {
		struct fg_rib_path *first, *last;
		uint32_t count, stale, generation;
	} of[FG_FAMILY_COUNT];
	uint32_t preference, max, count, most;
	uint32_t left_out; /* announced over the maximum, since fg_rib_room() said that there is room */
};

struct fg_rib {
	struct fg_hash_key key;
	struct fg_rib_entry **bucket;
	size_t buckets, entries, paths;
	struct fg_rib_entry *queue, **queue_last;
	size_t queued;
	struct fg_rib_peer peer[FG_PEERS_MAX];
	char (*site)[FG_NAME_MAX + 1];
	uint32_t sites;
	uint32_t version; /* the last one that was given */
};

enum fg_rib_result { FG_RIB_ADDED = 1, FG_RIB_CHANGED, FG_RIB_SAME, FG_RIB_FULL };

/* 0 or -ENOMEM. The key is random. */
int fg_rib_open(struct fg_rib *rib, const struct fg_hash_key *key);
void fg_rib_close(struct fg_rib *rib);
/* A peer's preference and the most that it may have; both may change. */
void fg_rib_peer(struct fg_rib *rib, unsigned peer, uint32_t preference, uint32_t max);

/*
 * A peer announces a rule, checked, whose offset form is as fg_nlri_form() says. `refused`: it is not to be asked for, and why; NULL: it is.
 * enum fg_rib_result, or -ENOMEM: what was there of it before is gone.
 */
int fg_rib_announce(struct fg_rib *rib, unsigned peer, const struct fg_rule *rule, const struct fg_rib_wish *wish,
		    const struct fg_finding *refused);
/* Once, when a peer that had something left out may have as much again, or has a quarter of its maximum free: it is to be asked for it. */
bool fg_rib_room(struct fg_rib *rib, unsigned peer);
/* False: there was none. */
bool fg_rib_withdraw(struct fg_rib *rib, unsigned peer, const struct fg_rule *rule);

/*
 * What a peer has of a family becomes stale until it is announced anew; and what is still stale goes. The number of those. A peer can ask for both as
 * often as it wants: what is not stale costs nothing.
 */
void fg_rib_stale(struct fg_rib *rib, unsigned peer, enum fg_family family);
size_t fg_rib_sweep(struct fg_rib *rib, unsigned peer, enum fg_family family);
/* All that a peer has goes. */
size_t fg_rib_clear(struct fg_rib *rib, unsigned peer);
bool fg_rib_is_stale(const struct fg_rib *rib, const struct fg_rib_path *path);
/* Paths of a peer that are stale. */
uint32_t fg_rib_stales(const struct fg_rib *rib, unsigned peer);

/* ---- The gate ---- */

/* One thing to be asked of the gate. The entry is there until it is answered; the path need not be. */
struct fg_rib_step {
	struct fg_rib_entry *entry;
	uint8_t peer;
	bool adds;        /* false: a deletion */
	uint32_t version; /* of what is added */
};

enum { FG_RIB_STEPS_MAX = FG_PEERS_MAX + 1 }; /* of one entry */

/* The steps of the next entry of the queue. 0: nothing is to be done. */
size_t fg_rib_next(struct fg_rib *rib, struct fg_rib_step out[FG_RIB_STEPS_MAX]);

/* The path that a step adds; NULL: it is a deletion, or the path has gone or changed since the step was made. */
const struct fg_rib_path *fg_rib_step_path(const struct fg_rib_step *step);

/* LOST: nobody knows whether it was done, or will be yet. */
enum fg_rib_answer { FG_RIB_DONE, FG_RIB_REFUSED, FG_RIB_LOST };

/* What became of a step, by now; why, or what is to be said of it, may be NULL. */
void fg_rib_settle(struct fg_rib *rib, const struct fg_rib_step *step, enum fg_rib_answer answer,
		   const struct fg_finding *why, uint64_t now_s);

/* Nothing is known of what the gate has; then each rule that it has; then all that differs is queued, and what was refused is asked for again. */
void fg_rib_forget_gate(struct fg_rib *rib);
/*
 * A rule of the gate. A path that is not there is made, stale, for its peer will say; but not where the gate was known to have it, for then the peer has
 * withdrawn it since. 0 or -ENOMEM.
 */
int fg_rib_gate_has(struct fg_rib *rib, unsigned peer, const struct fg_rule *rule, const struct fg_rib_wish *wish);
void fg_rib_gate_end(struct fg_rib *rib, uint64_t now_s);
/* The gate has thrown away all rules, as an operator wished: they do not come back by themselves. */
void fg_rib_flushed(struct fg_rib *rib);

/* ---- Reading ---- */

/* The path of a peer; NULL: there is none. */
const struct fg_rib_path *fg_rib_find(const struct fg_rib *rib, unsigned peer, const struct fg_rule *rule);
/* The path that is wanted of an entry; NULL: none. */
const struct fg_rib_path *fg_rib_best(const struct fg_rib_entry *entry);
/* The gate has it, as it is asked for. */
bool fg_rib_in_gate(const struct fg_rib_path *path);
struct fg_rule fg_rib_rule(const struct fg_rib_path *path);
const char *fg_rib_site(const struct fg_rib *rib, const struct fg_rib_path *path);
/* The finding of a path; false: nothing is to be said of it. */
bool fg_rib_finding(const struct fg_rib_path *path, struct fg_finding *out);
/* The first and the next path of a peer. */
const struct fg_rib_path *fg_rib_each(const struct fg_rib *rib, unsigned peer, const struct fg_rib_path *before);

#endif
