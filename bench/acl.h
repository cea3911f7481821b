/* SPDX-License-Identifier: BSD-3-Clause */
/* What rte_acl is asked with, for a loop that reads packets itself (acl.c). */
#ifndef BENCH_ACL_H
#define BENCH_ACL_H

#include "bench/harness.h"

struct bench_acl_key {
	uint8_t proto;
	uint8_t pad[3];
	uint32_t dst_be;
	uint32_t src_be;
	uint16_t sport_be;
	uint16_t dport_be;
	uint16_t length_be;
	uint8_t tcp_flags;
	uint8_t fragment; /* 1: a later one */
	/* Asked for where a rule of the set asks for one of them (bench_rules_ask_more()). */
	uint8_t dscp, icmp_type, icmp_code, icmp; /* 1: it has type and code */
};

/* data[i]: a key. result[i] gets the number of the first rule + 1, or 0. n <= BENCH_BURST. */
void bench_acl_classify(const struct bench_acl *acl, const uint8_t **data, uint32_t *result, uint32_t n);

/* The same for a batch of drawn packets: makes keys, asks, and says what was answered. */
void bench_acl_prepare(void *acl, const struct bench_packet packets[BENCH_BATCH]);
void bench_acl_run(void *acl);
uint32_t bench_acl_answer(void *acl, size_t i);

/* acl_runner.c: what of these rules it cannot say or is not asked to; what `large` may take; and the fastest of its algorithms for the packets of a pool. */
#define BENCH_ACL_LARGE ((size_t)1 << 30)
bool bench_acl_cannot(const struct bench_rules *rules, char why[BENCH_WHY_MAX]);
void bench_acl_choose(struct bench_acl *acl, const struct bench_pool *pool);

#endif
