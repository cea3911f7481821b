/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the harness measures with: rules, their image, packets. shapes.c and rules.c draw rules, image.c compiles them, traffic.c draws
 * packets, packet.c makes keys and frames of them and says, rule by rule, which applies. harness.h has what is made of it.
 *
 * A rule here is one that more than one of those measured can say: one interval a field, and a short list of destination ports and of two protocols. What
 * always holds: a seed gives the same rules and packets everywhere.
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

enum { BENCH_OR_MAX = 3, BENCH_DSCP_MOST = 63, BENCH_ICMP_MOST = 255, BENCH_LABEL_MOST = 0xfffff };

/* Without padding: two rules are compared by their octets. */
struct bench_rule {
	uint32_t dst, src;           /* host byte order */
	uint32_t label_lo, label_hi; /* flow labels, of IPv6 */
	uint8_t dst_length, src_length;
	uint8_t proto, proto_or;     /* 0: any; or this one, 0: none */
	uint8_t tcp_mask, tcp_value; /* of the flags in the mask, these are set; mask 0: any */
	bool fragments;              /* all but the first */
	uint8_t ors;                 /* of dport_or */
	struct bench_range sport, dport, length;
	struct bench_range dport_or[BENCH_OR_MAX];     /* or one of these */
	struct bench_range dscp, icmp_type, icmp_code; /* the latter two only where the protocol is ICMP */
};

/*
 * Rules, and the first `hot` of them on one victim. Of IPv6 a rule is what it is of IPv4, but that address A is 2001:db8:A::1, a prefix of it 32 longer
 * (the whole address where it is a host), and lengths are 20 more.
 */
struct bench_rules {
	struct bench_rule *at;
	size_t n, hot;
	bool ipv6;
};
enum { BENCH_IPV6_MORE = FG_LENGTH6_MIN - FG_LENGTH4_MIN };

/* What operators and detectors send: victims in n / 10 networks, the rules of amplification, floods, sources. */
void bench_rules_draw(struct bench_rules *rules, uint64_t seed, size_t n, size_t hot);
/* `per_victim` rules of three random ranges each on each of `victims` addresses. */
void bench_rules_ranges(struct bench_rules *rules, uint64_t seed, size_t victims, size_t per_victim);
/* n source prefixes, half of them /24, on one victim or without destination. */
void bench_rules_sources(struct bench_rules *rules, uint64_t seed, size_t n, bool victim);

/* ---- What rules are made of, for shapes.c ---- */
enum { BENCH_VICTIM = 0xc6336407 /* 198.51.100.7 */ };
struct bench_rule bench_rule_blank(uint32_t dst, uint8_t dst_length);
struct bench_range bench_range_exact(uint32_t v);
struct bench_range bench_range_random(uint64_t *r, uint32_t lo, uint32_t hi);
uint32_t bench_network_random(uint64_t *r); /* unicast, class A to C; /24 */
void bench_rule_amplification(struct bench_rule *rule, uint64_t *r);
void bench_rule_udp_flood(struct bench_rule *rule, uint64_t *r);
void bench_rules_free(struct bench_rules *rules);

/* Up to `per_victim` rules like those of bench_rules_draw() on each of `victims` addresses. */
void bench_rules_crowds(struct bench_rules *rules, uint64_t seed, size_t victims, size_t per_victim);

/* Memory in huge pages where the machine has some free, otherwise such as the kernel may make huge. Zeroed. */
struct bench_memory {
	void *at;
	size_t size;
	bool huge;
};

void bench_memory_get(struct bench_memory *m, size_t size);
void bench_memory_put(struct bench_memory *m);

/* Rules as the compiler wants them. The slot of a rule is its number; octets lie behind each other in one piece. */
struct bench_input {
	uint8_t *octets;
	struct fg_rule *rule;
	struct fg_table_rule *sorted; /* not yet */
};

void bench_input_make(struct bench_input *in, const struct bench_rules *rules);
void bench_input_sort(struct bench_input *in, size_t n);
void bench_input_free(struct bench_input *in);

/* Rules compiled. The slot of a rule is its number. rank[]: its place in evaluation order, from 0. */
struct bench_image {
	struct bench_memory memory;
	struct fg_view view;
	uint32_t *rank;
	uint64_t sort_ns, cost_ns, compile_ns;
	uint64_t bytes; /* in use */
	uint32_t lines; /* the bound of lines a packet reads */
	bool ipv6;
};

void bench_image_make(struct bench_image *image, const struct bench_rules *rules);
void bench_image_free(struct bench_image *image);
/* What the scalar matcher reads for a packet. */
struct bench_trace {
	uint32_t lines;
	uint32_t fresh; /* lines that no packet before it read */
	uint64_t *seen; /* bit r: some packet read line r; NULL: not wanted */
};
void bench_lines_trace(const void *image, const struct fg_key *key, struct bench_trace *trace);

struct bench_packet {
	uint32_t dst, src;
	uint32_t label; /* of IPv6 */
	uint16_t sport, dport, length;
	uint8_t proto, tcp_flags, dscp, icmp_type, icmp_code;
	bool fragment; /* a later one */
	bool ipv6;
};

void bench_packet_key(const struct bench_packet *p, struct fg_key *key);
/* The headers of its frame, from the IP header on; the rest 0. */
enum { BENCH_HEADERS_OCTETS = 56 };
void bench_packet_headers(const struct bench_packet *p, uint8_t out[BENCH_HEADERS_OCTETS]);
/* Whether it asks for a list, DSCP, ICMP type or code, or a flow label; and whether one of them does. */
bool bench_rule_asks_more(const struct bench_rule *rule);
bool bench_rules_ask_more(const struct bench_rules *rules);
/* What the rule says of the packet, by the fields alone: what the matchers are compared with. */
bool bench_rule_applies(const struct bench_rule *rule, const struct bench_packet *p);
/* Number of the first rule that applies + 1, or 0, by asking each of them. */
uint32_t bench_rules_ask(const struct bench_rules *rules, const struct bench_image *image,
			 const struct bench_packet *p);

/* A packet that the rule applies to, or that misses it by a field. */
void bench_packet_aim(uint64_t *r, const struct bench_rule *rule, bool miss, struct bench_packet *p);
/* Of `tries` packets, the n that read most lines. How many the first reads. */
uint32_t bench_worst(const struct bench_rules *rules, const struct bench_image *image, size_t tries,
		     struct bench_packet *out, size_t n);

enum bench_kind {
	BENCH_FAR,
	BENCH_NEAR,
	BENCH_HOT,
	BENCH_HOT_MISS,
	BENCH_UNIFORM,
	BENCH_WORST,
	BENCH_BESIDE,
	BENCH_SMALL,
	BENCH_IMIX,
	BENCH_KINDS_ALL
};

/* A source of packets. */
struct bench_traffic {
	const struct bench_rules *rules;
	const struct bench_image *image;
	enum bench_kind kind;
	struct bench_packet *worst; /* for BENCH_WORST */
	size_t worst_n;
	uint32_t worst_lines;      /* that the first of them reads; 0: not searched for */
	uint64_t *networks;        /* bit n: network n (/24) has a rule */
	struct bench_packet *pool; /* BENCH_POOL packets of that kind */
};

enum { BENCH_POOL = 1 << 17 };
void bench_traffic_open(struct bench_traffic *t, const struct bench_rules *rules, const struct bench_image *image);
/* Draws the pool anew. */
void bench_traffic_fill(struct bench_traffic *t, enum bench_kind kind);
void bench_traffic_close(struct bench_traffic *t);

enum { BENCH_BATCH = 128, BENCH_BURST = FG_BURST };

/* ---- acl.c ---- */
enum { BENCH_ACL_ALGORITHMS = 4 };
struct bench_acl;

/* Rules that it takes to say these: of one with lists one for each choice. */
size_t bench_acl_count(const struct bench_rules *rules);
/* NULL where it cannot be built. max_size 0: the default. */
struct bench_acl *bench_acl_make(const struct bench_rules *rules, const struct bench_image *image, size_t max_size);
void bench_acl_free(struct bench_acl *acl);
uint64_t bench_acl_build_ns(const struct bench_acl *acl);
/* One of its algorithms, from 0; false: not for this machine. */
bool bench_acl_use(struct bench_acl *acl, int algorithm);
const char *bench_acl_algorithm_name(int algorithm);

#endif
