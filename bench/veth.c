/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The plane `veth` (harness.h): live frames over a cable of two interfaces in a network namespace of our own, made, sent and taken in by one core; a
 * runner is what stands at the far end: the XDP program, an empty one, nftables on ingress. What gets past it is counted and dropped by a last chain of ingress,
 * the same for all. Figures have the making of the frame in them, so ratios and differences count. Frames that a rule applies to come first in the flows, so
 * that verdicts can be told apart: of those none may pass, of the others all must.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "bench/veth.h"

enum { CHAIN_MAX = 1000, SETS_MAX = 50000, IPSET_MAX = 10000, TEXT_ROOM = 128 };

/* Commands: who stands at the far end is asleep there but for the time of its rounds. */
struct end {
	const char *wake, *rest, *leave;
	const char *counter; /* of what gets past it */
};

static const struct end chain_end = { "nft 'add table netdev peer_chain'",
				      "nft 'add table netdev peer_chain { flags dormant; }'",
				      "nft delete table netdev peer_chain", "netdev last passed" };
static const struct end sets_end = { "nft 'add table netdev peer_sets'",
				     "nft 'add table netdev peer_sets { flags dormant; }'",
				     "nft delete table netdev peer_sets", "netdev last passed" };
/* Behind ingress, so what counts there stands aside. */
static const struct end ipset_end = { "nft 'add table ip after; add table netdev last { flags dormant; }'",
				      "nft 'add table netdev last; add table ip after { flags dormant; }'",
				      "iptables -t raw -F && iptables -t raw -X && ipset destroy", "ip after passed" };

static struct {
	bool tried;
	char why[BENCH_WHY_MAX];
	int here, there; /* frames go from here to there */
	uint32_t hits;   /* flows that a rule applies to, the first ones */
} cable;

struct veth {
	int program;           /* where there is no end */
	const struct end *end; /* NULL: a program */
	bool judges;
	const struct bench_pool *pool;
};

static bool run(const char *command)
{
	return system(command) == 0;
}

static void open_cable(void)
{
	static const char last[] = "table netdev last { counter passed { }; chain c { type filter hook ingress device "
				   "\"there\" priority 500; "
				   "counter name passed drop; }; }; "
				   "table ip after { flags dormant; counter passed { }; chain c { type filter hook "
				   "prerouting priority -299; iifname \"there\" counter name passed drop; }; }";
	char text[2 * TEXT_ROOM + sizeof(last)];

	cable.tried = true;
	snprintf(text, sizeof(text), "printf '%%s' '%s' | nft -f - 2>/dev/null", last);
	if (!bench_xdp_ready(cable.why))
		return;
	if (unshare(CLONE_NEWNET) != 0)
		snprintf(cable.why, sizeof(cable.why), "a network of our own: %s", strerror(errno));
	else if (!run("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6") ||
		 !run("ip link add here type veth peer name there 2>/dev/null") ||
		 !run("ip link set there address 02:00:00:00:00:01 mtu 3000 up") ||
		 !run("ip link set here mtu 3000 up") ||
		 !run("ethtool -K there gro on >/dev/null && ethtool -K here gro on >/dev/null"))
		snprintf(cable.why, sizeof(cable.why), "no cable: ip and ethtool are needed");
	else if (!run(text))
		snprintf(cable.why, sizeof(cable.why), "nft, which counts what passes, does not run");
	cable.here = (int)if_nametoindex("here");
	cable.there = (int)if_nametoindex("there");
}

static bool no_cable(char why[BENCH_WHY_MAX])
{
	if (!cable.tried)
		open_cable();
	snprintf(why, BENCH_WHY_MAX, "%s", cable.why);
	return cable.why[0] != '\0';
}

static bool cannot_xdp(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (bench_xdp.cannot(rules, why))
		return true;
	return no_cable(why);
}

static bool too_many(const struct bench_rules *rules, size_t most, char why[BENCH_WHY_MAX])
{
	if (rules->ipv6)
		snprintf(why, BENCH_WHY_MAX, "not measured: the harness gives it rules of IPv4 alone");
	else if (rules->n > most)
		snprintf(why, BENCH_WHY_MAX, "the harness gives it no more than %zu rules", most);
	else if (rules->n == 0)
		snprintf(why, BENCH_WHY_MAX, "without a rule there is nothing to compare");
	else
		return no_cable(why);
	return true;
}

static bool cannot_chain(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	return too_many(rules, CHAIN_MAX, why);
}

static bool cannot_sets(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (too_many(rules, SETS_MAX, why))
		return true;
	if (bench_nft_lists(rules))
		snprintf(why, BENCH_WHY_MAX, "an element of a set has no lists");
	return bench_nft_lists(rules);
}

/* ---- Who stands at the far end ---- */

static void *make(int program, const struct end *end, bool judges)
{
	struct veth *v = bench_alloc(1, sizeof(*v));

	*v = (struct veth){ program, end, judges, NULL };
	return v;
}

static void *open_xdp(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	if (bench_xdp_open(set, built, why) == NULL)
		return NULL;
	bench_xdp_port(cable.there);
	return make(bench_xdp_program(NULL), NULL, true);
}

static void *open_empty(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	(void)set;
	(void)why;
	*built = (struct bench_built){ 0, 0 };
	return make(bench_xdp_program("empty"), NULL, false);
}

/* The table is there, and dormant but for the time of its rounds. */
static void *open_nft(const struct bench_set *set, const char *name, const struct end *end, bool sets,
		      struct bench_built *built, char why[BENCH_WHY_MAX])
{
	uint64_t start = bench_now_ns();
	FILE *f = popen("nft -f - 2>/dev/null", "w");

	if (f == NULL)
		return NULL;
	fprintf(f, "table netdev %s {\nflags dormant\n", name);
	if (sets)
		bench_nft_sets(f, set->rules);
	fputs("chain c { type filter hook ingress device \"there\" priority 0;\n", f);
	if (sets)
		bench_nft_set_rules(f, set->rules);
	else
		bench_nft_rules(f, set->rules);
	fputs("}\n}\n", f);
	if (pclose(f) != 0) {
		snprintf(why, BENCH_WHY_MAX, "nft refuses these rules%s", sets ? " as sets of intervals" : "");
		return NULL;
	}
	*built = (struct bench_built){ bench_now_ns() - start, 0 };
	return make(-1, end, true);
}

static void *open_chain(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_nft(set, "peer_chain", &chain_end, false, built, why);
}

static void *open_sets(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	return open_nft(set, "peer_sets", &sets_end, true, built, why);
}

static bool cannot_ipset(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	if (too_many(rules, IPSET_MAX, why))
		return true;
	if (!run("command -v iptables-restore >/dev/null && command -v ipset >/dev/null"))
		snprintf(why, BENCH_WHY_MAX, "not installed");
	else if (bench_rules_ask_more(rules))
		snprintf(why, BENCH_WHY_MAX, "the harness gives it no lists, DSCP or ICMP types");
	else if (bench_ipset_cannot(rules))
		snprintf(why, BENCH_WHY_MAX, "ports without a transport cannot be said");
	else if (bench_ipset_statements(rules) > CHAIN_MAX)
		snprintf(why, BENCH_WHY_MAX, "more than %d statements after sets are made", CHAIN_MAX);
	else
		return false;
	return true;
}

/* True where the command took what `put` writes. */
static bool feed(const char *command, const struct bench_rules *rules, void (*put)(FILE *f, const struct bench_rules *))
{
	FILE *f = popen(command, "w");

	if (f == NULL)
		return false;
	put(f, rules);
	return pclose(f) == 0;
}

static void *open_ipset(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	uint64_t start = bench_now_ns();

	if (!feed("ipset restore 2>/dev/null", set->rules, bench_ipset_sets) ||
	    !feed("iptables-restore 2>/dev/null", set->rules, bench_ipset_rules)) {
		if (!run("ipset destroy 2>/dev/null"))
			bench_fail("sets cannot be taken away");
		snprintf(why, BENCH_WHY_MAX, "iptables or ipset refuses these rules");
		return NULL;
	}
	*built = (struct bench_built){ bench_now_ns() - start, 0 };
	return make(-1, &ipset_end, true);
}

static void close_veth(void *ctx)
{
	const struct veth *v = ctx;

	if (v->end != NULL && !run(v->end->leave))
		bench_fail("%s failed", v->end->leave);
	free(ctx);
}

/* ---- Frames ---- */

static void load(void *ctx, const struct bench_pool *pool)
{
	uint32_t first = 0, rest = (uint32_t)pool->hits;

	((struct veth *)ctx)->pool = pool;
	cable.hits = (uint32_t)pool->hits;
	for (size_t i = 0; i < BENCH_POOL; i++)
		bench_xdp_put_flow(pool->answers[i] != 0 ? first++ : rest++, &pool->packets[i]);
}

/* Frames that nobody dropped since the last call. */
static uint64_t passed(const struct veth *v)
{
	unsigned long long n = 0;
	char line[TEXT_ROOM];
	FILE *f;

	snprintf(line, sizeof(line), "nft reset counter %s", v->end != NULL ? v->end->counter : "netdev last passed");
	f = popen(line, "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, " packets %llu", &n);
	if (f == NULL || pclose(f) != 0)
		bench_fail("nft does not say what passed");
	return n;
}

static void stand(const struct veth *v, bool there)
{
	const char *command = v->end == NULL ? "an XDP program" : there ? v->end->wake : v->end->rest;

	if (v->end != NULL ? !run(command)
	    : there        ? bpf_xdp_attach(cable.there, v->program, XDP_FLAGS_DRV_MODE, NULL) != 0
			   : bpf_xdp_detach(cable.there, XDP_FLAGS_DRV_MODE, NULL) != 0)
		bench_fail("%s: %s", command, strerror(errno));
}

/* Of the frames that a rule applies to none may pass, of the others all must: then verdicts are the rules', and those of a kind are wrong otherwise. */
static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	const struct veth *v = ctx;
	bool hits_right, rest_right;

	stand(v, true);
	passed(v);
	bench_xdp_send(0, cable.hits, cable.here);
	hits_right = passed(v) == (v->judges ? 0 : cable.hits);
	bench_xdp_send(cable.hits, BENCH_POOL - cable.hits, cable.here);
	rest_right = passed(v) == BENCH_POOL - cable.hits;
	stand(v, false);
	for (size_t i = 0; i < n; i++)
		out[i] = v->pool->answers[i] != 0 ? v->judges == hits_right : !rest_right;
}

/* Only the sending is measured, and only what disturbs that counts: nft is a process of its own. */
static double take_round(void *ctx, uint64_t *hits)
{
	struct bench_steady steady;
	char why[BENCH_WHY_MAX];
	uint64_t start, ns;
	bool steadily;

	stand(ctx, true);
	bench_xdp_send(0, BENCH_POOL / 4, cable.here);
	passed(ctx);
	bench_steady_begin(&steady);
	start = bench_now_ns();
	bench_xdp_send(0, BENCH_POOL, cable.here);
	ns = bench_now_ns() - start;
	steadily = bench_steady_end(&steady, 1, why);
	*hits = BENCH_POOL - passed(ctx);
	stand(ctx, false);
	return steadily ? (double)ns / BENCH_POOL : 0;
}

const struct bench_runner bench_veth_xdp = { .name = "flowgate xdp",
					     .plane = BENCH_VETH,
					     .what = "the XDP program at the far end of a cable",
					     .steadies = true,
					     .judges = true,
					     .cannot = cannot_xdp,
					     .open = open_xdp,
					     .close = close_veth,
					     .load = load,
					     .verdicts = verdicts,
					     .round = take_round };
const struct bench_runner bench_veth_empty = { .name = "empty xdp",
					       .plane = BENCH_VETH,
					       .what = "a program that passes all",
					       .steadies = true,
					       .judges = false,
					       .cannot = cannot_xdp,
					       .open = open_empty,
					       .close = close_veth,
					       .load = load,
					       .verdicts = verdicts,
					       .round = take_round };
const struct bench_runner bench_veth_chain = { .name = "nftables chain",
					       .plane = BENCH_VETH,
					       .what = "a statement for each rule, on ingress",
					       .steadies = true,
					       .judges = true,
					       .cannot = cannot_chain,
					       .open = open_chain,
					       .close = close_veth,
					       .load = load,
					       .verdicts = verdicts,
					       .round = take_round };
const struct bench_runner bench_veth_sets = {
	.name = "nftables sets",
	.plane = BENCH_VETH,
	.what = "a set of concatenated intervals for rules that ask for the same fields, on ingress",
	.steadies = true,
	.judges = true,
	.cannot = cannot_sets,
	.open = open_sets,
	.close = close_veth,
	.load = load,
	.verdicts = verdicts,
	.round = take_round
};
const struct bench_runner bench_veth_ipset = { .name = "iptables ipset",
					       .plane = BENCH_VETH,
					       .what = "a set for rules that differ in one address alone, in the raw "
						       "table: behind ingress, by a part of the kernel's IP",
					       .steadies = true,
					       .judges = true,
					       .cannot = cannot_ipset,
					       .open = open_ipset,
					       .close = close_veth,
					       .load = load,
					       .verdicts = verdicts,
					       .round = take_round };
