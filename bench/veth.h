/* SPDX-License-Identifier: BSD-3-Clause */
/* What veth.c and xdp_filter.c have of xdp.c: programs, flows, test runs and live frames; what veth.c has of nft.c: rules for nftables, of ipset.c: for iptables with ipset. */
#ifndef BENCH_VETH_H
#define BENCH_VETH_H

#include <stdio.h>

#include "bench/harness.h"

/* False, and why[] says: there are no programs. */
bool bench_xdp_ready(char why[BENCH_WHY_MAX]);
/* Of the test runs; NULL: the XDP program of the dataplane. */
int bench_xdp_program(const char *name);
/* Frames that come from there are looked at. */
void bench_xdp_port(int ifindex);
/* The `open` of the runner of the plane xdp. */
void *bench_xdp_open(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX]);
/* The `load` of it: flows of all of the pool. */
void bench_xdp_load(void *ctx, const struct bench_pool *pool);
/* Of the first n flows, 1: the program drops it. */
void bench_xdp_verdicts(int program, size_t n, uint32_t *out);
/* The `round` of a program that says itself how many packets it has dropped. */
double bench_xdp_round(int program, uint64_t (*dropped)(void *ctx), void *ctx, uint64_t *hits);
void bench_xdp_put_flow(uint32_t i, const struct bench_packet *p);
/* n frames from flow `first` on, out of an interface. */
void bench_xdp_send(uint32_t first, uint32_t n, int ifindex);

/* Drops what the rules apply to, as statements of a chain: a rule each; or a set each for rules that ask for the same fields, before the chain and in it. */
void bench_nft_rules(FILE *f, const struct bench_rules *rules);
void bench_nft_sets(FILE *f, const struct bench_rules *rules);
void bench_nft_set_rules(FILE *f, const struct bench_rules *rules);
/* Whether one has a list, which elements of a set have none of. */
bool bench_nft_lists(const struct bench_rules *rules);
/* a.b.c.d/length, without the length of a host. */
void bench_put_prefix(FILE *f, uint32_t a, uint8_t length);

/* The same for `ipset restore` and `iptables-restore`: what asks for no transport but for ports cannot be said. How many statements it takes. */
bool bench_ipset_cannot(const struct bench_rules *rules);
size_t bench_ipset_statements(const struct bench_rules *rules);
void bench_ipset_sets(FILE *f, const struct bench_rules *rules);
void bench_ipset_rules(FILE *f, const struct bench_rules *rules);

#endif
