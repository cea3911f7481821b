/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * xdp-filter of the XDP project as a runner of the plane `xdp` (harness.h): its program for IP addresses, from the file that its package has, given what the
 * tool would put into its map. What it can say is one address or one port; the harness asks it for addresses of IPv4. The tool loads its program behind a
 * dispatcher, of which nothing is here: it stands behind the same tail call as ours.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <glob.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/veth.h"

/* Of a value of its map of addresses: which of a packet's is meant. */
enum { OF_SOURCE = 1, OF_DESTINATION = 2 };
enum { CPUS_MAX = 1024 };

/* A value of its map of verdicts, by verdict; each has one for each processor. */
struct verdict_count {
	uint64_t packets, octets;
};

struct filter {
	struct bpf_object *object;
	int program, verdicts;
};

static const char *const files[] = { "/usr/lib/*/bpf/xdpfilt_alw_ip.o", "/usr/lib64/bpf/xdpfilt_alw_ip.o",
				     "/usr/lib/bpf/xdpfilt_alw_ip.o", "/usr/local/lib/bpf/xdpfilt_alw_ip.o" };

/* A whole address, and nothing else. */
static bool is_host(const struct bench_rule *rule)
{
	struct bench_rule host = bench_rule_blank(rule->dst, rule->dst_length);

	host.src = rule->src;
	host.src_length = rule->src_length;
	return rule->dst_length + rule->src_length == 32 && (rule->dst_length == 0 || rule->src_length == 0) &&
	       memcmp(&host, rule, sizeof(host)) == 0;
}

static bool cannot(const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->ipv6 || !is_host(&rules->at[i])) {
			snprintf(why, BENCH_WHY_MAX, "it knows one whole address, or one port, and no two conditions");
			return true;
		}
	return !bench_xdp_ready(why);
}

static struct bpf_object *open_file(void)
{
	struct bpf_object *object = NULL;
	glob_t found = { 0 };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		glob(files[i], i > 0 ? GLOB_APPEND : 0, NULL, &found);
	if (found.gl_pathc > 0)
		object = bpf_object__open_file(found.gl_pathv[0], NULL);
	else
		errno = ENOENT;
	globfree(&found);
	return object;
}

/* Fragments: whoever is behind a tail call must take what its caller takes. Its maps are not pinned, so that each set of rules has its own. */
static int prepare(struct bpf_object *object)
{
	struct bpf_program *program;
	struct bpf_map *map;
	int r = 0;

	bpf_object__for_each_program(program, object) r |= bpf_program__set_flags(program, BPF_F_XDP_HAS_FRAGS);
	bpf_object__for_each_map(map, object) r |= bpf_map__set_pin_path(map, NULL);
	return r != 0 || libbpf_num_possible_cpus() > CPUS_MAX ? -EINVAL : bpf_object__load(object);
}

/* One more flag of an address. False: its map is full. */
static bool put(int map, uint32_t address, uint64_t flag)
{
	uint64_t value[CPUS_MAX] = { 0 };
	uint32_t address_be = __builtin_bswap32(address);

	if (bpf_map_lookup_elem(map, &address_be, value) != 0)
		memset(value, 0, sizeof(value));
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		value[i] |= flag;
	return bpf_map_update_elem(map, &address_be, value, BPF_ANY) == 0;
}

static bool put_rules(const struct bpf_object *object, const struct bench_rules *rules, char why[BENCH_WHY_MAX])
{
	int map = bpf_object__find_map_fd_by_name(object, "filter_ipv4");

	for (size_t i = 0; i < rules->n; i++) {
		const struct bench_rule *rule = &rules->at[i];

		if (rule->dst_length > 0 ? put(map, rule->dst, OF_DESTINATION) : put(map, rule->src, OF_SOURCE))
			continue;
		snprintf(why, BENCH_WHY_MAX, "its map takes no more than %zu addresses", i);
		return false;
	}
	return true;
}

static void *open_filter(const struct bench_set *set, struct bench_built *built, char why[BENCH_WHY_MAX])
{
	struct filter *f = bench_alloc(1, sizeof(*f));
	uint64_t start = bench_now_ns();

	f->object = open_file();
	if (f->object == NULL || prepare(f->object) != 0) {
		snprintf(why, BENCH_WHY_MAX, "%s: %s",
			 f->object == NULL ? "xdpfilt_alw_ip.o" : "its program is not loaded", strerror(errno));
	} else if (put_rules(f->object, set->rules, why)) {
		f->program = bpf_program__fd(bpf_object__next_program(f->object, NULL));
		f->verdicts = bpf_object__find_map_fd_by_name(f->object, "xdp_stats_map");
		*built = (struct bench_built){ bench_now_ns() - start, 0 };
		return f;
	}
	bpf_object__close(f->object);
	free(f);
	return NULL;
}

static void close_filter(void *ctx)
{
	bpf_object__close(((struct filter *)ctx)->object);
	free(ctx);
}

static void verdicts(void *ctx, size_t n, uint32_t *out)
{
	bench_xdp_verdicts(((struct filter *)ctx)->program, n, out);
}

static uint64_t dropped(void *ctx)
{
	struct verdict_count count[CPUS_MAX];
	uint32_t verdict = XDP_DROP;
	uint64_t all = 0;

	if (bpf_map_lookup_elem(((struct filter *)ctx)->verdicts, &verdict, count) != 0)
		bench_fail("no counters of xdp-filter: %s", strerror(errno));
	for (int i = 0; i < libbpf_num_possible_cpus(); i++)
		all += count[i].packets;
	return all;
}

static double take_round(void *ctx, uint64_t *hits)
{
	return bench_xdp_round(((struct filter *)ctx)->program, dropped, ctx, hits);
}

const struct bench_runner bench_xdp_filter = {
	.name = "xdp-filter",
	.plane = BENCH_XDP,
	.what = "its program for addresses, as packaged, behind the same tail call",
	.steadies = true,
	.judges = true,
	.cannot = cannot,
	.open = open_filter,
	.close = close_filter,
	.load = bench_xdp_load,
	.verdicts = verdicts,
	.round = take_round
};
