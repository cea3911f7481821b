/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports and targets, read while the gate may write (setup.h): what was read counts only where the version was the same before and behind. */
#include "dataplane/setup.h"

#include <string.h>

/* What no gate publishes first: 0 is where it has written nothing, and odd is where it writes. */
#define VERSION_NONE UINT32_MAX

static void forget(struct fg_setup *setup)
{
	memset(setup->device, 0, sizeof(setup->device));
	memset(setup->target, 0, sizeof(setup->target));
}

void fg_setup_start(struct fg_setup *setup)
{
	forget(setup);
	setup->version = VERSION_NONE;
}

/* Our device of that port; FG_DEVICE_NONE. */
static uint8_t device_of(const struct fg_share_port *port, const struct fg_names *names)
{
	if (!(port->flags & FG_PORT_USED))
		return FG_DEVICE_NONE;
	for (uint8_t i = 0; i < names->count; i++)
		if (strncmp(port->name, names->name[i], FG_DEVICE_NAME_OCTETS) == 0)
			return i;
	return FG_DEVICE_NONE;
}

static void set_ports(struct fg_setup *setup, const struct fg_share_port *port, const uint8_t *device)
{
	for (uint8_t number = 0; number < FG_PORTS_MAX; number++) {
		struct fg_line_card *card = &setup->device[device[number] & (FG_PORTS_MAX - 1)];
		uint8_t peer = port[number].peer;

		if (device[number] == FG_DEVICE_NONE)
			continue;
		card->used = true;
		card->number = number;
		card->flags = port[number].flags;
		card->peer = peer < FG_PORTS_MAX ? device[peer] : FG_DEVICE_NONE;
		card->forwards = card->peer != FG_DEVICE_NONE;
	}
}

static void set_target(struct fg_way_out *out, const struct fg_target *t, const uint8_t *device)
{
	static const uint8_t zeros[6];

	memset(out, 0, sizeof(*out));
	out->addressed = memcmp(t->mac_dst, zeros, sizeof(zeros)) != 0;
	out->device = t->ifindex < FG_PORTS_MAX ? device[t->ifindex] : FG_DEVICE_NONE;
	if (out->device == FG_DEVICE_NONE || (t->kind == FG_TARGET_ROUTED && !out->addressed))
		return;
	if (t->kind == FG_TARGET_ROUTED || t->kind == FG_TARGET_INTERFACE)
		out->kind = t->kind;
	memcpy(out->mac_dst, t->mac_dst, sizeof(out->mac_dst));
	memcpy(out->mac_src, t->mac_src, sizeof(out->mac_src));
}

/* Into `next`, which is of no worth where false: the gate wrote meanwhile. */
static bool read_setup(struct fg_setup *next, const struct fg_shared *s, const struct fg_names *names)
{
	uint32_t version = __atomic_load_n(&s->tables->ports_version, __ATOMIC_ACQUIRE);
	struct fg_share_port port[FG_PORTS_MAX];
	uint8_t device[FG_PORTS_MAX];

	if (version & 1)
		return false;
	forget(next);
	memcpy(port, s->tables->port, sizeof(port));
	for (uint32_t i = 0; i < FG_PORTS_MAX; i++)
		device[i] = device_of(&port[i], names);
	set_ports(next, port, device);
	for (uint32_t i = 1; i < FG_TARGETS_ALL; i++)
		set_target(&next->target[i], &fg_shared_targets(s)[i], device);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	next->version = version;
	return __atomic_load_n(&s->tables->ports_version, __ATOMIC_RELAXED) == version;
}

void fg_setup_follow(struct fg_setup *setup, const struct fg_shared *s, const struct fg_names *names)
{
	struct fg_setup next;

	for (uint32_t i = 0; i < FG_SETUP_TRIES; i++) {
		if (!read_setup(&next, s, names))
			continue;
		*setup = next;
		return;
	}
}
