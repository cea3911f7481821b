/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The harness: scenarios, runners and figures. A scenario is a shape of rules, how many, which packets, and on which plane; a runner is one of those that
 * are measured on a plane, ours or a peer. subset.c has the scenarios, runners.c the table of runners, row.c measures one scenario with all runners of its
 * plane, offered.c those that packets can be offered to at a rate, result.c writes it down (docs/bench-result.schema.json), compare.c says what got slower, machine.c and steady.c what it ran on and whether it was
 * disturbed, main.c is the program.
 *
 * What always holds: all runners of a row judge the same packets; whoever judges one of them otherwise than the rules say has no figure.
 */
#ifndef BENCH_HARNESS_H
#define BENCH_HARNESS_H

#include <jansson.h>

#include "bench/histogram.h"
#include "bench/shapes.h"

enum { BENCH_WHY_MAX = 256, BENCH_ROUNDS_MAX = 101, BENCH_RUNNERS_MAX = 12, BENCH_CHECKED = 4096 };

/* ---- Scenarios ---- */

enum bench_plane { BENCH_MATCH, BENCH_XDP, BENCH_CHANGE, BENCH_VETH, BENCH_CHURN, BENCH_DPDK, BENCH_PLANES };

struct bench_scenario {
	const struct bench_shape *shape;
	size_t count;
	enum bench_kind kind;
	enum bench_plane plane;
};

extern const char *const bench_plane_names[BENCH_PLANES];
extern const char *const bench_kind_names[BENCH_KINDS_ALL];

/* ---- Runners ---- */

/* A set of rules, ready: what runners are made of. */
struct bench_set {
	const struct bench_rules *rules;
	const struct bench_image *image;
};

struct bench_built {
	uint64_t ns;    /* to make what is asked, of rules in order */
	uint64_t bytes; /* of it; 0: not known */
};

/* Packets of a traffic, and which rule applies to each (+ 1; 0: none) by the scalar matcher, which is compared with the rules themselves. */
struct bench_pool {
	const struct bench_packet *packets; /* BENCH_POOL */
	const uint32_t *answers;
	uint64_t hits;   /* answers that are not 0 */
	uint64_t serial; /* another for each pool, from 1 */
};

/* Packets of the pool that come at a rate, whether they are asked for or not. */
struct bench_offer {
	double packets_per_s;
	uint64_t ns;                       /* for so long */
	struct bench_histogram *latencies; /* from when a packet is due to when it is sent; NULL: not counted */
};

struct bench_taken {
	uint64_t packets, lost;
	double packets_per_s; /* that were taken */
	bool disturbed;       /* for longer than the queue lasts, so that what was lost says nothing */
};

struct bench_runner {
	const char *name;
	enum bench_plane plane;
	const char *what;
	uint32_t churn; /* changes a second meanwhile */
	bool says_rule; /* verdicts() says which rule; otherwise 1 for any */
	bool judges;    /* false: passes all, a floor to be measured beside */
	bool steadies;  /* its round() looks itself for what disturbs it */
	/* What of these rules it cannot say; false: nothing. */
	bool (*cannot)(const struct bench_rules *rules, char why[BENCH_WHY_MAX]);
	/* NULL: why[] says. */
	void *(*open)(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX]);
	void (*close)(void *ctx);
	void (*load)(void *ctx, const struct bench_pool *pool);
	/* Of the first n packets of the pool. */
	void (*verdicts)(void *ctx, size_t n, uint32_t *out);
	/* Once through the pool. Nanoseconds a packet, 0: it was disturbed; *hits: packets that a rule applied to, by its own count. */
	double (*round)(void *ctx, uint64_t *hits);
	/*
	 * What single operations took since load(), of disturbed rounds too, but not those in which the core was lost; NULL: it takes them together. How
	 * many.
	 */
	size_t (*latencies)(void *ctx, const double **ns);
	/* NULL: it takes packets as fast as it can and no otherwise. */
	void (*offer)(void *ctx, const struct bench_offer *offer, struct bench_taken *out);
	uint32_t queue; /* packets that may wait to be taken, of offer() */
};

extern const struct bench_runner *const bench_runners[]; /* ends in NULL; the first of a plane is ours */
extern const struct bench_runner bench_burst, bench_scalar, bench_rte_acl, bench_rte_acl_large, bench_xdp,
	bench_xdp_empty, bench_xdp_filter, bench_update, bench_churn_still, bench_churn_1k, bench_churn_10k, bench_liar,
	bench_veth_xdp, bench_veth_empty, bench_veth_chain, bench_veth_sets, bench_veth_ipset, bench_forward_worker,
	bench_forward_io, bench_forward_acl, bench_forward_acl_large, bench_forward_two, bench_forward_worker_pcap,
	bench_forward_io_pcap, bench_forward_worker_null, bench_forward_io_null, bench_testpmd_io, bench_testpmd_mac,
	bench_brittle;

/* ---- Rows ---- */

enum bench_state {
	BENCH_GOOD,
	BENCH_DISTURBED, /* not enough rounds that nothing disturbed */
	BENCH_VOID,      /* a wrong verdict or count */
	BENCH_CANNOT,    /* the rules cannot be said, or not be built */
	BENCH_STATES
};
extern const char *const bench_state_names[BENCH_STATES];

/* Throughput (RFC 2544 §26.1): the largest rate found at which no packet of a trial was lost. */
struct bench_zero_loss {
	bool searched;
	double packets_per_s;      /* 0: none, and why[] says */
	double lost_packets_per_s; /* the least rate above it at which packets were lost */
	size_t trials, disturbed;  /* that counted, and that did not */
	char why[BENCH_WHY_MAX];
};

enum { BENCH_LOADS = 2 };

struct bench_loaded {
	double load;          /* share of what it takes at most while latencies are counted */
	double packets_per_s; /* offered; 0: not measured */
	struct bench_taken taken;
	struct bench_histogram latencies;
};

struct bench_figure {
	const struct bench_runner *runner;
	enum bench_state state;
	char why[BENCH_WHY_MAX];
	double ns[BENCH_ROUNDS_MAX]; /* of rounds that nothing disturbed, in the order of the rounds */
	struct bench_built built;
	struct {
		size_t n; /* 0: there are none */
		double p50, p99, p999, most;
	} latency; /* ns */
	struct bench_zero_loss zero_loss;
	struct bench_loaded loaded[BENCH_LOADS];
};

struct bench_row {
	struct bench_scenario scenario;
	size_t rules; /* in fact */
	const struct bench_image *image;
	uint64_t hits;            /* of BENCH_POOL packets */
	uint32_t worst_lines;     /* that the worst packet found reads; 0: not searched for */
	size_t rounds, disturbed; /* good ones, and those thrown away */
	char disturbed_by[BENCH_WHY_MAX];
	double other_load; /* share of the other cores' time that was used meanwhile, at most 1 */
	double probe_ns;   /* median of the probe before each round */
	size_t n;
	struct bench_figure figure[BENCH_RUNNERS_MAX];
};

struct bench_options {
	bool acl;
	size_t acl_rules_max;    /* rte_acl is built for no more rules */
	double other_load_most;  /* of the other cores; above that a round is disturbed */
	double core_slower_most; /* share by which the core may be slower than at its best; beyond that too */
	int core;                /* -1: the last */
	const char *only_runner; /* NULL: all */
	size_t rounds;           /* good ones of each row, at most BENCH_ROUNDS_MAX */
	uint64_t trial_ns;       /* for which packets are offered at a rate */
};
extern struct bench_options bench_options;

/* Whether this build has one of the plane, and it is asked for. */
bool bench_has_runner(enum bench_plane plane);
/* Measures scenarios that differ in traffic alone, [0, n), and hands over each row. */
void bench_rows(const struct bench_scenario *scenarios, size_t n, void (*take)(void *ctx, const struct bench_row *row),
		void *ctx);

/* Least, quartiles and most of n values. */
struct bench_spread {
	double least, lower, median, upper, most;
};
struct bench_spread bench_spread_of(const double *values, size_t n);

/* ---- Packets at a rate (offered.c) ---- */

enum { BENCH_CONFIRMED = 2 /* trials more at the rate that was found */ };
#define BENCH_RESOLUTION 0.01 /* of the search, of the rate */
/* Throughput at zero loss and latencies under load of a figure that is good, of a runner that has offer(). */
void bench_offered(void *ctx, struct bench_figure *f);

/* ---- Steadiness ---- */

#define BENCH_WITHOUT 0.02 /* what is usual */

struct bench_steady {
	uint64_t waited_ns, ran_ns, switches, steal, busy, idle;
	double probe_ns;
};
/* Pins to the core, takes real-time priority where it may. Says in what[] what it got. */
void bench_steady_start(char what[BENCH_WHY_MAX]);
/* Again what bench_steady_start() did: DPDK's start has moved us. */
void bench_steady_pin(void);
int bench_steady_core(void);
/* Time that this thread has had the core; interrupts are not in it, where the kernel accounts for them. */
uint64_t bench_thread_ns(void);
void bench_steady_begin(struct bench_steady *s);
/* False: disturbed meanwhile, and why[] says by what. `without`: share of the time that this thread may have been without the core. */
bool bench_steady_end(struct bench_steady *s, double without, char why[BENCH_WHY_MAX]);
/* By what a round was disturbed, the last time; and a runner that finds out by itself says so. */
const char *bench_steady_why(void);
void bench_steady_because(const char *why);
/* Leaves the core for a twelfth of the time that it was used: of real-time priority, whoever has it for more than 95 of 100 is put off it. */
void bench_steady_rest(uint64_t ran_ns);
/* Busy share of the other cores since *since was begun. */
double bench_steady_other(const struct bench_steady *since);

/* ---- Results ---- */

json_t *bench_machine(void);
json_t *bench_run_object(int argc, char **argv, const char *pinned);
json_t *bench_row_object(const struct bench_row *row);
json_t *bench_end_object(json_t *rows);
/* The lines of a result file as an array; NULL, and said why. */
json_t *bench_result_read(const char *path);
/* Prints what got slower beyond noise, of rows that both have. How many; -1: no row is in both. */
int bench_compare(json_t *before, json_t *after);

/* ---- Subsets ---- */

struct bench_subset {
	const char *name, *what;
	const char *shapes, *counts, *kinds, *planes; /* words; NULL: all */
	size_t rounds; /* where it alone is asked for, and no other number; 0: as usual */
};
extern const struct bench_subset bench_subsets[]; /* ends in one without a name */
/* Scenarios of a subset, those that differ in traffic alone one behind the other; to be freed. False, and said why: there is no such word. */
bool bench_subset_list(const struct bench_subset *subset, struct bench_scenario **list, size_t *n);

#endif
