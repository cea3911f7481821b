/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flowgate-bench: how long a packet takes, beside rte_acl with the same rules and packets. rules.c draws rules,
 * image.c compiles them, acl.c gives them to rte_acl, traffic.c draws packets, measure.c takes the time, main.c
 * has the tables.
 *
 * A rule here is one that both can say: one interval a field. What always holds: a seed gives the same rules and
 * packets everywhere, and all that are measured together must give the same answer for each packet, or the program
 * ends.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/table/table.h"
#include "flowgate/match.h"

/* Says what failed and ends the program. */
_Noreturn void bench_fail(const char *what, ...) __attribute__((format(printf, 1, 2)));
void *bench_alloc(size_t n, size_t size);

/* splitmix64 */
uint64_t bench_random(uint64_t *state);
/* 0 .. n - 1 */
uint32_t bench_below(uint64_t *state, uint32_t n);
uint64_t bench_now_ns(void);

struct bench_range {
	uint16_t lo, hi;
};

struct bench_rule {
	uint32_t dst, src; /* host byte order */
	uint8_t dst_length, src_length;
	uint8_t proto;  /* 0: any */
	bool syn;       /* SYN without ACK */
	bool fragments; /* all but the first */
	struct bench_range sport, dport, length;
};

/* Rules, and the first `hot` of them on one victim. */
struct bench_rules {
	struct bench_rule *at;
	size_t n, hot;
};

/* What operators and detectors send: victims in n / 10 networks, the rules of amplification, floods, sources. */
void bench_rules_draw(struct bench_rules *rules, uint64_t seed, size_t n, size_t hot);
/* `per_victim` rules of three random ranges each on each of `victims` addresses. */
void bench_rules_ranges(struct bench_rules *rules, uint64_t seed, size_t victims, size_t per_victim);
/* n source prefixes, half of them /24, on one victim or without destination. */
void bench_rules_sources(struct bench_rules *rules, uint64_t seed, size_t n, bool victim);
void bench_rules_free(struct bench_rules *rules);

/* Memory in huge pages where the machine has some free, otherwise such as the kernel may make huge. Zeroed. */
struct bench_memory {
	void *at;
	size_t size;
	bool huge;
};

void bench_memory_get(struct bench_memory *m, size_t size);
void bench_memory_put(struct bench_memory *m);

/* Rules compiled. The slot of a rule is its number. rank[]: its place in evaluation order, from 0. */
struct bench_image {
	struct bench_memory memory;
	struct fg_view view;
	uint32_t *rank;
	uint64_t sort_ns, cost_ns, compile_ns;
	uint64_t bytes; /* in use */
	uint32_t lines; /* the bound of lines a packet reads */
};

void bench_image_make(struct bench_image *image, const struct bench_rules *rules);
void bench_image_free(struct bench_image *image);
/* Lines that the scalar matcher reads for a packet. */
uint64_t bench_lines_read(const struct bench_image *image, const struct fg_key *key);

struct bench_packet {
	uint32_t dst, src;
	uint16_t sport, dport, length;
	uint8_t proto, tcp_flags;
	bool fragment;
};

void bench_packet_key(const struct bench_packet *p, struct fg_key *key);

enum bench_kind { BENCH_FAR, BENCH_NEAR, BENCH_HOT, BENCH_HOT_MISS, BENCH_UNIFORM, BENCH_WORST, BENCH_KINDS };

/* A source of packets. */
struct bench_traffic {
	const struct bench_rules *rules;
	const struct bench_image *image;
	enum bench_kind kind;
	struct bench_packet *worst; /* for BENCH_WORST */
	size_t worst_n;
	uint64_t *networks;        /* bit n: network n (/24) has a rule */
	struct bench_packet *pool; /* BENCH_POOL packets of that kind */
};

enum { BENCH_POOL = 1 << 17 };
void bench_traffic_open(struct bench_traffic *t, const struct bench_rules *rules, const struct bench_image *image);
/* Draws the pool anew. */
void bench_traffic_fill(struct bench_traffic *t, enum bench_kind kind);
void bench_traffic_close(struct bench_traffic *t);

/*
 * One of those that are measured: classifies a batch of packets in bursts, answer[i] is the first rule's number +
 * 1, or 0. A batch is small enough for its keys to stay in the nearest cache, as those of a worker's burst do.
 */
enum { BENCH_BATCH = 256, BENCH_BURST = FG_BURST };
struct bench_runner {
	const char *name;
	void *context;
	void (*prepare)(void *context, const struct bench_packet packets[BENCH_BATCH]); /* not measured */
	void (*run)(void *context);
	uint32_t (*answer)(void *context, size_t i);
};

enum { BENCH_ROUNDS_MAX = 31, BENCH_RUNNERS_MAX = 6 };
struct bench_times {
	double median_ns, min_ns;
};

/* All runners, in turns, with the packets of the pool. */
void bench_measure(const struct bench_traffic *t, const struct bench_runner *runners, size_t n, size_t rounds,
		   struct bench_times *times);

/* ---- flowgate.c ---- */
/* The burst matcher in a form, -1: the best; and the scalar matcher. */
struct bench_runner bench_burst_runner(const struct bench_image *image, int form);
struct bench_runner bench_scalar_runner(const struct bench_image *image);
void bench_matcher_free(struct bench_runner *r);

/* ---- acl.c ---- */
enum { BENCH_ACL_ALGORITHMS = 4 };
struct bench_acl;

/* Starts DPDK, in huge pages where there are any. */
void bench_acl_start(const char *program, bool huge);
/* NULL where it cannot be built. max_size 0: the default. */
struct bench_acl *bench_acl_make(const struct bench_rules *rules, const struct bench_image *image, size_t max_size);
void bench_acl_free(struct bench_acl *acl);
uint64_t bench_acl_build_ns(const struct bench_acl *acl);
struct bench_runner bench_acl_runner(struct bench_acl *acl, const char *name);
/* One of its algorithms, from 0; false: not for this machine. */
bool bench_acl_use(struct bench_acl *acl, int algorithm);
const char *bench_acl_algorithm_name(int algorithm);

#endif
