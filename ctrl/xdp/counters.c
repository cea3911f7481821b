/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters, added up over all cores (xdp.h). Works in memory that fg_xdp_open() made. */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "ctrl/xdp/state.h"

_Static_assert(sizeof(struct fg_port_counters) % 8 == 0 && sizeof(struct fg_rule_counters) % 8 == 0,
	       "values of cores lie side by side");

static void add(struct fg_count *to, const struct fg_count *c)
{
	to->packets += c->packets;
	to->bytes += c->bytes;
}

static void rule_add(struct fg_rule_counters *to, const struct fg_rule_counters *c)
{
	add(&to->matched, &c->matched);
	add(&to->passed, &c->passed);
	add(&to->dropped, &c->dropped);
	if (to->last_ns < c->last_ns)
		to->last_ns = c->last_ns;
	if (to->sampled_ns < c->sampled_ns)
		to->sampled_ns = c->sampled_ns;
}

int fg_xdp_rule_counters(struct fg_xdp *x, uint32_t slot, uint32_t n, struct fg_rule_counters *out)
{
	const struct fg_rule_counters *c = x->by_cpu;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t key = slot + i;

		if (bpf_map_lookup_elem(x->map[FG_MAP_RULE_COUNTERS], &key, x->by_cpu) != 0)
			return -errno;
		memset(&out[i], 0, sizeof(out[i]));
		for (size_t cpu = 0; cpu < x->cpus; cpu++)
			rule_add(&out[i], &c[cpu]);
	}
	return 0;
}

int fg_xdp_rule_reset(struct fg_xdp *x, uint32_t slot)
{
	memset(x->by_cpu, 0, x->cpus * sizeof(struct fg_rule_counters));
	return bpf_map_update_elem(x->map[FG_MAP_RULE_COUNTERS], &slot, x->by_cpu, BPF_ANY) != 0 ? -errno : 0;
}

static void port_add(struct fg_port_counters *to, const struct fg_port_counters *c)
{
	add(&to->received, &c->received);
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
			add(&to->by[v][cause], &c->by[v][cause]);
	add(&to->aborted, &c->aborted);
	add(&to->no_neighbour, &c->no_neighbour);
	add(&to->copied, &c->copied);
	to->copies_lost += c->copies_lost;
	to->samples += c->samples;
	to->samples_lost += c->samples_lost;
}

int fg_xdp_port_counters(struct fg_xdp *x, uint8_t number, struct fg_port_counters *out)
{
	const struct fg_port_counters *c = x->by_cpu;
	uint32_t key;

	if (number >= FG_PORTS_MAX)
		return -EINVAL;
	memset(out, 0, sizeof(*out));
	key = x->place[number];
	if (key == FG_PORTS_MAX)
		return 0;
	if (bpf_map_lookup_elem(x->map[FG_MAP_PORT_COUNTERS], &key, x->by_cpu) != 0)
		return -errno;
	for (size_t cpu = 0; cpu < x->cpus; cpu++)
		port_add(out, &c[cpu]);
	return 0;
}

int fg_port_reset(struct fg_xdp *x, uint8_t place)
{
	uint32_t key = place;

	memset(x->by_cpu, 0, x->cpus * sizeof(struct fg_port_counters));
	return bpf_map_update_elem(x->map[FG_MAP_PORT_COUNTERS], &key, x->by_cpu, BPF_ANY) != 0 ? -errno : 0;
}
