/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The gate: what it knows, in memory that is laid out once. Inside ctrl/gate only. Reading order: rules.c finds rules and says which of the
 * same NLRI is enforced; patterns.c has their payload patterns; batch.c takes records in; commit.c makes a generation; revert.c takes back, ends and flushes; waiting.c
 * tries again what had no room; reload.c takes a policy; serve.c answers; core.c lays out.
 *
 * One thread. All changes go left-right: the image that nobody reads is made to follow, the store's generation and then `side` are set, and
 * before anything else is changed fg_gate_catch_up() waits for packets and brings the other image along.
 */
#ifndef CTRL_GATE_STATE_H
#define CTRL_GATE_STATE_H

#include "ctrl/gate/admit.h"
#include "ctrl/gate/dataplane.h"
#include "ctrl/gate/deadlines.h"
#include "flowgate/hash.h"
#include "ctrl/gate/outbox.h"
#include "ctrl/table/update.h"

enum fg_entry_state {
	FG_ENTRY_FREE = 0,
	FG_ENTRY_STAGED,  /* of the open batch */
	FG_ENTRY_LIVE,    /* of the generation */
	FG_ENTRY_KEPT,    /* deleted by the generation that waits for confirmation */
	FG_ENTRY_WAITING, /* has no room, and is tried again when there is some */
	FG_ENTRY_GONE,    /* deleted; the slot is free once no packet can meet it */
	FG_ENTRY_LEAVING, /* for fg_rules_find(): LIVE, KEPT or WAITING, and to go by the open batch */
};

/* A rule, by slot. What is in the store is not here twice, but for what the table needs. */
struct fg_entry {
	struct fg_rule rule; /* its octets are the store's */
	uint64_t hash;
	uint32_t hash_next;
	uint32_t before, behind; /* in order of sequence; `behind` links free lists too */
	uint32_t bytes, lines;   /* what it needs alone */
	uint32_t target;         /* number of its next hop; 0: none */
	uint8_t state;           /* enum fg_entry_state */
	uint8_t source;          /* place of its source's limit, from 1; 0: none */
	uint16_t
		payload_octets; /* of its pattern, behind the NLRI; rule.pattern is FG_PATTERN_NONE where that is not in the database */
	bool here;    /* of this site */
	bool joined;  /* STAGED, KEPT, WAITING: is to be there; */
	bool leaving; /* LIVE, KEPT, WAITING: is to go */
	bool waits;   /* has a place among those that wait. STAGED, LIVE, KEPT: is to wait as of the open batch */
	bool in_table;
	uint32_t change; /* place in the open batch, from 1 */
};

/* One rule of a batch: what comes, what goes; 0: nothing. */
struct fg_change {
	uint32_t add, del;
	uint32_t place; /* in the batch */
	bool asked;     /* what goes was asked to go: it does so even if what is to come has no room */
};

struct fg_batch_open {
	bool open;
	bool doomed; /* a refusal, and all or none was asked for */
	uint32_t id, flags, confirm_s;
	uint32_t place;    /* rules so far */
	uint64_t until_ns; /* the next part is waited for */
	uint64_t end_ns;   /* any part is waited for */
	struct fg_batch_result result;
};

/* Of fg_rule.pattern: it has one, which is not in the database. */
#define FG_PATTERN_NONE UINT32_MAX

enum {
	FG_PATTERNS_KEPT = 2 * FG_PATTERNS_MAX, /* patterns that are looked at, those that cannot be had too */
	FG_PATTERN_BUCKETS = 4 * FG_PATTERNS_MAX,
	FG_PATTERNS_LATER = 1, /* fg_patterns_ask(): it is answered later */
};

enum fg_patterns_state { FG_PATTERNS_IDLE = 0, FG_PATTERNS_OPEN, FG_PATTERNS_SENT };

/* Payload patterns: patterns.c. */
struct fg_patterns {
	uint32_t newest;  /* side whose database counts; FG_SIDE_NONE: there is none */
	uint32_t count;   /* patterns of it */
	uint32_t *at;     /* where they are in the room of a side, by number */
	uint32_t *bucket; /* numbers and 1, by hash of the text */
	enum fg_patterns_state state;
	struct fg_patterns_wanted wanted;
	uint32_t ask;  /* id of the question */
	uint32_t news; /* texts of it that are not known yet */
	int problem;   /* why the last one came to nothing: -errno; 0: it did not */
};

/* How texts leave, and what was made of them comes: files of the process. Each: 0 or -errno. `begin` NULL: there is nobody who could compile. */
struct fg_pattern_files {
	int (*begin)(void *ctx); /* of texts, in the place of what there was */
	int (*write)(void *ctx, const void *octets, size_t n, uint64_t at);
	int (*send)(void *ctx, const struct fg_patterns_wanted *wanted); /* to the supervisor */
	int (*read)(void *ctx, void *to, size_t n, uint64_t at);         /* of the one that has come */
	void *ctx;
};

/* What a source has. */
struct fg_source_use {
	uint64_t bytes, slots;
};

struct fg_gate {
	struct fg_dataplane *dataplane;
	struct fg_plane_sizes sizes;
	struct fg_store store;
	struct fg_table *table;
	void *table_memory;

	struct fg_entry *entry;
	uint32_t *bucket; /* of entries, by hash */
	uint32_t bucket_mask;
	struct fg_hash_key key;
	uint32_t first, last; /* in order of sequence */
	uint32_t seek;        /* where the last page of a list ended */
	uint32_t gone;        /* list */
	uint32_t live;        /* rules, staged ones included */
	struct fg_deadlines deadlines;
	struct {
		uint32_t cells, cells_max; /* of the store, that rules which wait have and may have */
		uint32_t first;            /* no rule before it waits */
		uint32_t next;             /* from where on they are tried; 0: there is no more room than there was */
	} waiting;

	struct fg_change *change;
	uint32_t changes, changes_max;
	struct fg_batch_open batch;
	uint32_t work; /* rules tried in vain so far */

	struct fg_policy policy;
	bool ready; /* there is a policy, and the table holds the rules */
	struct fg_admission admission;
	struct fg_rule protect[FG_PROTECT_MAX];
	struct fg_source_use use[FG_SOURCES_MAX + 1];
	uint64_t bytes_budget;
	uint32_t lines_budget, slots_budget;
	struct fg_cost cost; /* of what is enforced */
	/* Next hops of rules: target FG_TARGETS_MAX + 1 + i. */
	struct {
		struct fg_address next_hop;
		uint32_t users;
	} hop[FG_TARGETS_MAX];
	struct fg_port_status port[FG_PORTS_MAX];

	uint32_t side;   /* that packets read; FG_SIDE_NONE */
	bool behind;     /* the other image is a generation old, and may be read still */
	uint32_t alarm;  /* per cent that was last said: 0, 70 or 90 */
	uint64_t now_ns; /* CLOCK_BOOTTIME; set before anything is asked of the gate */
	uint64_t now_s;  /* CLOCK_REALTIME */
	uint64_t started_s, stable_ns;
	uint64_t retry_ns; /* some port is not in use, and is tried again then; 0: all are */
	uint32_t fenced;   /* processes of the dataplane whose end was said */
	bool adopted, undone;
	uint64_t *touched;     /* bit s: slot s has been used, its counters may not be zero */
	struct fg_outbox *out; /* to ctrl: answers and events */
	struct fg_patterns patterns;
	struct fg_pattern_files files;
	struct fg_findings findings;
	/* Findings of the open batch that wait to be said. */
	struct fg_batch_finding *said;
	uint32_t said_count;
	uint32_t given_up; /* id of a batch whose further parts are not wanted */
};

enum {
	FG_SAID_MAX = (FG_MESSAGE_MAX - sizeof(struct fg_message) - sizeof(struct fg_batch_result)) /
		      sizeof(struct fg_batch_finding)
};

/* ---- core.c ---- */

/* Octets of memory (zeroed, aligned to 64) that a gate of these sizes needs. */
size_t fg_gate_octets(const struct fg_plane_sizes *sizes);
/*
 * A gate over a dataplane, whose image that packets read is left as it is until there is a policy. `out` takes what is to be said to ctrl;
 * `key` is random. now_ns and now_s as in the struct. NULL and *error: the store is not ours, or the sizes do not fit together.
 */
struct fg_gate *fg_gate_open(void *memory, const struct fg_plane_sizes *sizes, struct fg_dataplane *dataplane,
			     struct fg_outbox *out, const struct fg_hash_key *key, uint64_t now_ns, uint64_t now_s,
			     const char **error);
/* The table without rules or protect entries, over images that hold anything. */
void fg_core_table(struct fg_gate *g);
void fg_gate_event(struct fg_gate *g, enum fg_event_kind kind, uint32_t value, const char *name);

/* ---- rules.c ---- */

struct fg_cell *fg_cell(const struct fg_gate *g, uint32_t slot);
/* Makes a record of the store known, in `state`; behind the rule `after` in order of sequence, or at the end where 0. */
void fg_rules_link(struct fg_gate *g, uint32_t slot, enum fg_entry_state state, uint32_t after);
/* Finds out anew whose it is and whether it is for this site. */
void fg_rules_place(struct fg_gate *g, uint32_t slot);
/* Forgets it and frees its cells. */
void fg_rules_drop(struct fg_gate *g, uint32_t slot);
/* The rule of this identity in one of the states (bits by enum fg_entry_state); 0: none. */
uint32_t fg_rules_find(const struct fg_gate *g, const struct fg_rule *rule, struct fg_pattern_text text,
		       const char *source, uint32_t states);
struct fg_pattern_text fg_rules_pattern(const struct fg_entry *e);
/* Sees to it that of all rules with the NLRI of this one the right one is in the table. 0, FG_DUPLICATE or FG_OVER_BUDGET. */
int fg_rules_settle(struct fg_gate *g, uint32_t slot);
/* Orders all rules by sequence. */
void fg_rules_sort(struct fg_gate *g);
/* It is of the generation, enforced or waiting. */
bool fg_rules_stays(const struct fg_gate *g, uint32_t slot);
enum fg_rule_state fg_rules_state(const struct fg_entry *e);
/* What a source has more, or less. */
void fg_rules_charge(struct fg_gate *g, uint32_t slot, bool more);
/* Actions and meters of a slot that no packet can meet yet. FG_OK, or FG_OVER_BUDGET: no target is left for its next hop. */
int fg_rules_arm(struct fg_gate *g, uint32_t slot);
/* Gives the next hop back, of a slot that no packet can meet. */
void fg_rules_disarm(struct fg_gate *g, uint32_t slot);

/* ---- patterns.c ---- */

/* Finds the database that a predecessor has left. */
void fg_patterns_adopt(struct fg_gate *g);
/* For fg_rule.pattern: 0: no text; FG_PATTERN_NONE: it is not in the database. */
uint32_t fg_patterns_find(const struct fg_gate *g, struct fg_pattern_text text);
/* Whether a rule may have its pattern: FG_OK, or why not, which is said. */
enum fg_reason fg_patterns_judge(struct fg_gate *g, const struct fg_rule *rule, struct fg_pattern_text text,
				 struct fg_findings *out);
/* Writes the number of a rule's pattern, for a slot that no packet can meet yet. */
void fg_patterns_number(struct fg_gate *g, uint32_t slot);
/* A side that nobody reads gets the database that counts, before it is read. */
void fg_patterns_bring(struct fg_gate *g, uint32_t side);
/* What the policy says of them, to packets. */
void fg_patterns_policy(struct fg_gate *g);
uint64_t fg_patterns_budget(const struct fg_gate *g);
void fg_patterns_now(const struct fg_gate *g, struct fg_status *s);
/* A part of a question. 0: all it asks for is known; FG_PATTERNS_LATER; -errno: it comes to nothing. */
int fg_patterns_ask(struct fg_gate *g, uint32_t id, bool more, const struct fg_patterns_ask *ask);
/* Forgets a question. True: it was waiting for its answer. */
bool fg_patterns_cancel(struct fg_gate *g);
/* A database comes, which g->files reads. -ENOENT: nobody waits for it. Otherwise the question g->patterns.ask has its answer: 0 or -errno. */
int fg_patterns_take(struct fg_gate *g, const struct fg_database_ask *ask);

/* ---- batch.c ---- */

void fg_batch_begin(struct fg_gate *g, uint32_t id, uint32_t flags, uint32_t confirm_s);
/* The next part has its time from now on. */
void fg_batch_waits(struct fg_gate *g);
/* One record; what is to be said of it is in g->findings, and *slot is that of an admitted one. */
enum fg_reason fg_batch_record(struct fg_gate *g, const struct fg_record *r, uint32_t *slot);
/* Says where the table or the source has no room for one rule more, of bytes_alone, in place of `old` (0: of none). */
void fg_batch_room(struct fg_gate *g, const struct fg_rule *rule, const char *source, uint32_t old,
		   uint64_t bytes_alone);
/* All of it was staged: commits. What is refused now is reported, with its slot if it waits; result is in g->batch.result. */
typedef void (*fg_batch_report)(void *ctx, uint32_t place, uint32_t waits, const struct fg_finding *why);
void fg_batch_end(struct fg_gate *g, fg_batch_report report, void *ctx);
/* As if it had never been. */
void fg_batch_abort(struct fg_gate *g);
/* A change that is not of a batch: what goes, what comes. False: no place. */
bool fg_change_add(struct fg_gate *g, uint32_t add, uint32_t del);
/* A rule that is there or waits goes, if there is a place. */
void fg_change_take(struct fg_gate *g, uint32_t slot);

/* ---- commit.c ---- */

/*
 * Brings g->change into the table: deletions always, then additions in order, as many as have room; with all_or_none, none if not all.
 * What has no room is reported and no more in g->change. FG_OK; FG_OVER_BUDGET: nothing was done.
 */
int fg_commit_join(struct fg_gate *g, bool all_or_none, fg_batch_report report, void *ctx);
/* Takes back what fg_commit_join() did. */
void fg_commit_undo(struct fg_gate *g);
/* Makes it the next generation, and the one that packets meet. `confirm_until_ns` not 0: until then unless confirmed. */
void fg_commit_publish(struct fg_gate *g, uint64_t confirm_until_ns);
/* Waits until no packet reads the other image, and brings it along. */
void fg_gate_catch_up(struct fg_gate *g);
/* And frees the slots of rules that went before the last generation: so there is a way back from that. */
void fg_gate_release(struct fg_gate *g);
void fg_commit_now(const struct fg_gate *g, struct fg_cost_now *now);

/* ---- revert.c ---- */

/* Ends rules whose time is over, and reverts what nobody confirmed. */
void fg_gate_tick(struct fg_gate *g);
/* When fg_gate_tick() has something to do next; UINT64_MAX: never. */
uint64_t fg_gate_next_ns(const struct fg_gate *g);
/* 0 or -ENOENT: nothing waits. */
int fg_gate_confirm(struct fg_gate *g);
void fg_gate_flush(struct fg_gate *g);

/* ---- waiting.c ---- */

/*
 * A rule without room waits: partial batches, and rules that were there when limits shrank. What is refused for another reason, and what is
 * over the limit of one rule, does not. They have a sixteenth of the store to themselves, so none of them takes the place of a rule that has
 * room. None is tried as long as a confirmation is waited for: its revert may want the room back.
 */
uint32_t fg_waiting_cells_max(uint32_t cells);
/* Gives a rule a place among those that wait; false: all are taken. fg_waiting_leave() and fg_rules_drop() give it back. */
bool fg_waiting_take(struct fg_gate *g, uint32_t slot);
void fg_waiting_leave(struct fg_gate *g, uint32_t slot);
/* As of now it waits. */
void fg_waiting_begin(struct fg_gate *g, uint32_t slot);
/* There may be room. */
void fg_waiting_again(struct fg_gate *g);
bool fg_waiting_due(const struct fg_gate *g);
/* Tries some in order of sequence; what has room is a generation of its own. */
void fg_waiting_try(struct fg_gate *g);

/* ---- reload.c ---- */

/* Judges a rule of the store anew: FG_OK, or why it is not to be had. *permitted: only because there is no room for it now. */
enum fg_reason fg_reload_judge(struct fg_gate *g, uint32_t slot, bool *permitted);

/* 0, or FG_MALFORMED: not a policy; the one there was stays. */
int fg_gate_policy(struct fg_gate *g, const struct fg_policy *policy);
void fg_gate_shadow(struct fg_gate *g, bool on);
/* Attaches the ports of the policy, or those that are not in use. */
void fg_reload_ports(struct fg_gate *g, bool all);
/* Looks at the dataplane, where it is one to be looked at: what has changed of its ports is said. */
void fg_reload_look(struct fg_gate *g);
/* Says that processes of the dataplane were killed, where that was so. */
void fg_reload_fenced(struct fg_gate *g);
/* Gives the table the protect entries of the policy. */
void fg_reload_protect(struct fg_gate *g);

/* ---- serve.c ---- */

enum fg_peer { FG_PEER_CTRL, FG_PEER_SUPERVISOR };
/*
 * Acts on a message of `octets` octets, aligned to 8, and answers into `out`. False: it is none, nothing was done, and the connection is to be cut.
 * FG_ASK_CTRL, FG_ASK_STOP and FG_ASK_DATABASE are the caller's (loop.c), once this has said that they are well formed.
 */
bool fg_gate_serve(struct fg_gate *g, enum fg_peer peer, const void *message, size_t octets, struct fg_outbox *out);

/* Gives an open batch up, the parts of it that still come too, and says so: `why` is an errno. */
void fg_serve_cancel(struct fg_gate *g, int why);
/* Ctrl is gone, and with it all that it has begun to ask: whoever comes next knows nothing of it, and counts its questions anew. */
void fg_serve_forget(struct fg_gate *g);
/* What a message of kind FG_ASK_DATABASE brings. */
void fg_serve_database(struct fg_gate *g, const struct fg_database_ask *ask);

/* ---- pages.c ---- */

void fg_pages_rules(struct fg_gate *g, uint32_t id, uint64_t from, struct fg_outbox *out);
void fg_pages_counters(struct fg_gate *g, uint32_t id, uint64_t from, struct fg_outbox *out);
void fg_pages_status(struct fg_gate *g, uint32_t id, struct fg_outbox *out);

#endif
