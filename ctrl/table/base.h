/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rules of a table that changes, and where each of the two images has them. Inside ctrl/table only; update.h is for users.
 *
 * Rules stand in one list a family, in evaluation order, and in a treap over that list. A group is the rules of one destination, or
 * of none; a run is the rules of one source in a group, or those without. Groups and runs are found by hash. A group or run whose last
 * rule went stays until both images have forgotten it.
 *
 * Numbers, not pointers: 0 is none. Everything lies in the memory that fg_table_init() was given.
 */
#ifndef CTRL_TABLE_BASE_H
#define CTRL_TABLE_BASE_H

#include "ctrl/table/table.h"
#include "ctrl/table/update.h"

/* Lines of one image that were allocated together. */
struct fg_extent {
	uint32_t ref, lines;
};

struct fg_node {
	const struct fg_rule *rule;
	uint64_t rank; /* never against the order of rules; of equal ranks their octets decide */
	uint32_t slot;
	uint32_t left, right; /* treap: below, before and behind */
	uint32_t previous, next;
	uint32_t run;
};

struct fg_run_side {
	struct fg_extent block;
	struct fg_chain chain; /* in the group's prefixes step where ref is not 0 */
	uint32_t dirty_next;
	bool dirty;
};

struct fg_run {
	bool used;
	struct fg_prefix src;
	bool sourced; /* rules of `src`; otherwise those without one, or with an offset */
	uint32_t group;
	uint32_t first, count; /* rules */
	uint32_t hash_next, group_next, group_previous;
	struct fg_run_side side[2];
};

enum fg_group_kind {
	FG_GROUP_DST,    /* rules of `dst` */
	FG_GROUP_OFFSET, /* IPv6 destinations with an offset */
	FG_GROUP_ANY,    /* rules without a destination */
};

/* What the worst packet to a destination has to do, for it and for all around it. */
struct fg_way {
	uint32_t lines, continues;
};

struct fg_group_side {
	bool present; /* the image has it */
	bool sources; /* with a prefixes step */
	bool whole;   /* all is to be emitted anew, not only dirty runs */
	bool dirty;
	struct fg_extent block; /* chain of all rules, or of those without a source */
	struct fg_extent table; /* prefixes step and buckets */
	struct fg_chain rest;   /* what is in `block` */
	struct fg_chain chain;  /* the group: its first step, cost of its own rules alone, its last step */
	struct fg_way way;      /* of a packet to it; destinations */
	uint32_t dirty_next;
	uint32_t dirty_runs;
};

struct fg_group {
	bool used;
	uint8_t kind; /* enum fg_group_kind */
	uint8_t family;
	struct fg_prefix dst;
	uint32_t first, count;  /* rules */
	uint32_t sourced, runs; /* rules with a source; runs of such, that have rules */
	uint32_t runs_first;    /* list of all its runs */
	uint32_t hash_next;
	struct fg_group_side side[2];
};

/* How many destinations have ways of so many lines or `continue` rules; what is above is counted in the last. */
enum { FG_WAYS = 4096 };

struct fg_ways {
	uint32_t lines[FG_WAYS], continues[FG_WAYS];
	struct fg_way worst;
};

struct fg_side {
	uint8_t *base;
	uint32_t lines;
	uint32_t used;   /* lines in blocks */
	uint32_t at;     /* where the search for free lines goes on */
	uint64_t *taken; /* bit l % 64 of word l / 64: line l is in a block */
	uint32_t dirty_groups;
	struct fg_extent root;    /* IPv4 root step and its two tables */
	uint32_t nodes;           /* nodes under it */
	struct fg_extent dst6;    /* prefixes step for IPv6 destinations */
	uint32_t dst6_count[129]; /* its prefixes by length */
	bool dst6_anew;           /* it has no place for a prefix, or is not of the right size */
	struct fg_ways ways[FG_FAMILY_COUNT];
	struct fg_extent guard[FG_FAMILY_COUNT];  /* protect entries */
	struct fg_chain guarded[FG_FAMILY_COUNT]; /* what is in `guard` */
	bool broken; /* a change did not fit, or nobody knows what is in it: rebuild before the next */
};

/* Groups that are always there. */
enum { FG_ANY4 = 1, FG_ANY6, FG_OFFSET6, FG_FIXED_GROUPS };

struct fg_table {
	uint32_t rules_max;
	uint32_t count[FG_FAMILY_COUNT], groups[FG_FAMILY_COUNT]; /* groups: of kind FG_GROUP_DST, with rules */
	uint32_t tree[FG_FAMILY_COUNT];                           /* root of the treap */
	uint32_t last[FG_FAMILY_COUNT];                           /* rule */
	uint32_t group_max, run_max;                              /* highest number in use so far */
	uint32_t length_count[FG_FAMILY_COUNT][129];              /* destination groups in memory by prefix length */
	uint32_t hash_mask;
	uint32_t free_node, free_run, free_group; /* lists through next, hash_next, hash_next */
	struct fg_node *node;
	struct fg_run *run;
	struct fg_group *group;
	uint32_t *run_hash, *group_hash;
	struct fg_table_rule *gather; /* rules of one chain, while it is emitted */
	struct fg_table_rule protect[FG_FAMILY_COUNT][FG_PROTECT_MAX];
	uint32_t protects[FG_FAMILY_COUNT];
	struct fg_side side[2];
	struct fg_compile_scratch scratch;
	struct fg_nest nest;
};

/* base.c */
uint32_t fg_base_group_of(const struct fg_table *t, uint32_t node);
/* The nearest group around *g that the image has, of a prefix length from `least` on; 0: none. Destinations. */
uint32_t fg_base_around(const struct fg_table *t, int side, const struct fg_group *g, uint32_t least);
/* The last rule that lies in the destination of *g, its own included; walking back from it gives all. 0: none. */
uint32_t fg_base_last_inside(const struct fg_table *t, const struct fg_group *g);
/* The rule before all that lie in the destination of *g, of IPv4; 0: none. */
uint32_t fg_base_before_inside(const struct fg_table *t, const struct fg_group *g);
/* The run of rules without a source in a group; 0: none. */
uint32_t fg_base_rest(const struct fg_table *t, uint32_t group);
void fg_base_mark(struct fg_table *t, uint32_t run, int side);
/* Forgets a run, or a group, that has no rules and that neither image has. */
void fg_base_forget_run(struct fg_table *t, uint32_t run);
void fg_base_forget_group(struct fg_table *t, uint32_t group);

/* lines.c: lines of one image. An allocation is zeroed; false and *block untouched where there is no room. */
void fg_lines_reset(struct fg_side *s, uint32_t first);
bool fg_lines_take(struct fg_side *s, uint32_t n, struct fg_extent *block);
void fg_lines_give(struct fg_side *s, struct fg_extent *block);
void *fg_lines_at(const struct fg_side *s, uint32_t ref);

/* root.c: IPv4 destinations. False: no room. */
bool fg_root_init(struct fg_side *s);
/*
 * While an image is made anew: destinations in turn, each before those that lie in it. Nodes are made once, when they are
 * complete, so that no gaps are left. fg_root_close() makes the last.
 */
struct fg_root_node {
	uint32_t leaf[256];
	uint32_t upper;
	bool open;
};

bool fg_root_add(struct fg_side *s, struct fg_root_node *node, uint32_t first, uint32_t length, uint32_t step);
bool fg_root_close(struct fg_side *s, struct fg_root_node *node);
/* In the range of a prefix, what leads to `old` leads to `new` from now on. */
bool fg_root_replace(struct fg_side *s, uint32_t first, uint32_t length, uint32_t old, uint32_t new);

/* protect.c: in an image made anew, before anything leads anywhere. False: no room. */
bool fg_protect_emit(struct fg_table *t, struct fg_side *s);
/* Protect entries of a family lead to `behind`. Returns where packets enter. */
uint32_t fg_protect_link(struct fg_side *s, enum fg_family family, uint32_t behind);

/* ways.c: after the chain of a destination came, went or changed. */
void fg_ways_update(struct fg_table *t, int side, struct fg_group *g);

#endif
