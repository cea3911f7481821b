/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of runners (harness.h). The first of a plane is ours: the others' ratios are to it. */
#include "bench/harness.h"

const struct bench_runner *const bench_runners[] = {
	&bench_burst,
	&bench_scalar,
#ifdef BENCH_FAULTY
	&bench_liar,
#endif
#ifdef BENCH_HAS_ACL
	&bench_rte_acl,
	&bench_rte_acl_large,
#endif
	&bench_xdp,
	&bench_xdp_empty,
	&bench_xdp_filter,
	&bench_update,
	&bench_veth_xdp,
	&bench_veth_empty,
	&bench_veth_chain,
	&bench_veth_sets,
	&bench_veth_ipset,
	&bench_churn_still,
	&bench_churn_1k,
	&bench_churn_10k,
#ifdef BENCH_HAS_FORWARD
	&bench_forward_worker,
	&bench_forward_io,
	&bench_forward_acl,
	&bench_forward_acl_large,
	&bench_forward_two,
	&bench_forward_worker_pcap,
	&bench_forward_io_pcap,
	&bench_forward_worker_null,
	&bench_forward_io_null,
	&bench_testpmd_io,
	&bench_testpmd_mac,
#endif
#ifdef BENCH_FAULTY
	&bench_brittle,
#endif
	NULL,
};

const char *const bench_plane_names[BENCH_PLANES] = { "match", "xdp", "change", "veth", "churn", "dpdk" };
const char *const bench_kind_names[BENCH_KINDS_ALL] = { "far",   "near",   "hot",   "hot-miss", "uniform",
							"worst", "beside", "small", "imix" };
const char *const bench_state_names[BENCH_STATES] = { "good", "disturbed", "void", "cannot" };
