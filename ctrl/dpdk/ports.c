/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ports and targets, as the policy has them, for workers to read; and how a port stands, as flowgate-dpdk says. In: configuration. Out:
 * `tables`, written under ports_version: odd while it is written, so that a reader takes none that is half new.
 *
 * A target's own address is its device's, which is known once the process is there: until then a redirect finds no way, and that is counted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/dpdk/state.h"

static void write_begin(struct fg_share *s)
{
	uint32_t version = s->tables->ports_version;

	/* Odd already where a predecessor died while it wrote. */
	__atomic_store_n(&s->tables->ports_version, version | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

static void write_end(struct fg_share *s)
{
	__atomic_store_n(&s->tables->ports_version, (s->tables->ports_version | 1) + 1, __ATOMIC_RELEASE);
}

static struct fg_target *target_at(const struct fg_share *s, uint32_t number)
{
	return (struct fg_target *)(void *)((uint8_t *)s->tables + s->layout.targets) + number;
}

/* ---- Targets ---- */

/* The number of the port of this name; FG_PORTS_MAX: there is none. */
static uint32_t port_of(const struct fg_share *s, const char *name)
{
	uint32_t i = 0;

	while (i < FG_PORTS_MAX && (!(s->tables->port[i].flags & FG_PORT_USED) ||
				    strncmp(s->tables->port[i].name, name, FG_DEVICE_NAME_OCTETS) != 0))
		i++;
	return i;
}

static bool has_device(const struct fg_share *s, const struct fg_share_instance *instance, uint32_t number)
{
	return instance != NULL && instance->ready != 0 && instance->device[number].used != 0 &&
	       strncmp(instance->device[number].name, s->tables->port[number].name, FG_DEVICE_NAME_OCTETS) == 0;
}

/* A way out by a port. Without a MAC the frame keeps its addresses, and needs none of ours. */
static void fill_way(const struct fg_share *s, const struct fg_target_config *config, struct fg_target *t)
{
	const struct fg_share_instance *instance = fg_share_ready(s);
	uint32_t number = port_of(s, config->interface);

	if (number == FG_PORTS_MAX || (config->has_mac && !has_device(s, instance, number)))
		return;
	t->kind = FG_TARGET_INTERFACE;
	t->ifindex = number;
	if (!config->has_mac)
		return;
	memcpy(t->mac_dst, config->mac, sizeof(t->mac_dst));
	memcpy(t->mac_src, instance->device[number].mac, sizeof(t->mac_src));
}

/* The configured target that a next hop is reached by; NULL: none has it. */
static const struct fg_target_config *by_next_hop(const struct fg_share *s, const struct fg_address *next_hop)
{
	for (uint32_t i = 1; i <= FG_TARGETS_MAX; i++)
		if (s->target_wanted[i] && s->target[i].interface[0] != '\0' &&
		    memcmp(&s->target[i].next_hop, next_hop, sizeof(*next_hop)) == 0)
			return &s->target[i];
	return NULL;
}

static struct fg_target target_of(const struct fg_share *s, uint32_t number)
{
	const struct fg_target_config *config = &s->target[number];
	struct fg_target t = { .family = config->next_hop.family };

	memcpy(t.next_hop, config->next_hop.octets, sizeof(t.next_hop));
	if (config->interface[0] == '\0')
		config = by_next_hop(s, &config->next_hop);
	if (config != NULL)
		fill_way(s, config, &t);
	/* What was asked for by its address alone is routed: a hop less to live, no tags. */
	if (config != &s->target[number] && t.kind == FG_TARGET_INTERFACE && config->has_mac)
		t.kind = FG_TARGET_ROUTED;
	return t;
}

/* Writes those that are not as they should be. */
void fg_share_targets(struct fg_share *s)
{
	for (uint32_t i = 1; i < FG_SHARE_TARGETS; i++) {
		struct fg_target t;

		if (!s->target_wanted[i])
			continue;
		t = target_of(s, i);
		if (memcmp(&t, target_at(s, i), sizeof(t)) == 0)
			continue;
		write_begin(s);
		*target_at(s, i) = t;
		write_end(s);
	}
}

int fg_share_target(struct fg_share *s, uint32_t number, const struct fg_target_config *config)
{
	if (number == 0 || number >= FG_SHARE_TARGETS)
		return -EINVAL;
	if (config->interface[0] == '\0' && by_next_hop(s, &config->next_hop) == NULL)
		return -EHOSTUNREACH;
	s->target[number] = *config;
	s->target_wanted[number] = true;
	fg_share_targets(s);
	return 0;
}

/* ---- Ports ---- */

static uint8_t number_of(const struct fg_port_config *ports, size_t n, const char *name)
{
	uint8_t i = 0;

	while (i < n && strcmp(ports[i].name, name) != 0)
		i++;
	return i;
}

static struct fg_share_port port_as(const struct fg_port_config *ports, size_t n, size_t i)
{
	const struct fg_port_config *c = &ports[i];
	struct fg_share_port p = { .peer = number_of(ports, n, c->peer) };
	uint32_t flags = FG_PORT_USED | FG_PORT_PAIR;

	flags |= c->drop_malformed ? FG_PORT_DROP_MALFORMED : 0u;
	flags |= c->drop_no_neighbour ? FG_PORT_DROP_NO_NEIGHBOUR : 0u;
	flags |= c->on_failure == FG_FAIL_CLOSED ? FG_PORT_CLOSED : 0u;
	p.flags = (uint8_t)flags;
	memcpy(p.name, c->name, sizeof(p.name));
	return p.peer < n ? p : (struct fg_share_port){ 0 };
}

_Static_assert((int)FG_IFNAME_OCTETS == (int)FG_DEVICE_NAME_OCTETS, "a port's name is an interface's in the policy");

void fg_share_ports(struct fg_share *s, const struct fg_port_config *ports, size_t n)
{
	struct fg_share_port all[FG_PORTS_MAX] = { 0 };

	for (size_t i = 0; i < n && i < FG_PORTS_MAX; i++)
		all[i] = port_as(ports, n, i);
	if (memcmp(all, s->tables->port, sizeof(all)) != 0 || (s->tables->ports_version & 1)) {
		write_begin(s);
		memcpy(s->tables->port, all, sizeof(all));
		write_end(s);
	}
	fg_share_targets(s);
}

static enum fg_port_reason judge(const struct fg_share *s, const struct fg_port_config *config, uint8_t number,
				 char *detail, size_t room)
{
	const struct fg_share_instance *instance = fg_share_ready(s);

	if (config->peer[0] == '\0') {
		snprintf(detail, room, "flowgate-dpdk forwards between the two ports of a pair, and not to the host");
		return FG_PORT_HOST;
	}
	if (instance == NULL) {
		snprintf(detail, room, "flowgate-dpdk does not run");
		return FG_PORT_NO_PROCESS;
	}
	if (instance->ready == 0) {
		snprintf(detail, room, "flowgate-dpdk (process %u) is starting", instance->pid);
		return FG_PORT_NO_PROCESS;
	}
	if (!has_device(s, instance, number)) {
		snprintf(detail, room, "flowgate-dpdk (process %u) has no device of this name", instance->pid);
		return FG_PORT_NO_DEVICE;
	}
	return instance->device[number].link_up ? FG_PORT_OK : FG_PORT_LINK_DOWN;
}

void fg_share_port_status(const struct fg_share *s, const struct fg_port_config *config, uint8_t number,
			  struct fg_port_status *status)
{
	memset(status, 0, sizeof(*status));
	if (number >= FG_PORTS_MAX) {
		status->reason = FG_PORT_NUMBER;
		return;
	}
	status->reason = (uint8_t)judge(s, config, number, status->detail, sizeof(status->detail));
	/* Without a link it is filtered all the same. */
	if (status->reason == FG_PORT_OK || status->reason == FG_PORT_LINK_DOWN)
		status->mode = FG_PLANE_DPDK;
}
