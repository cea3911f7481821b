/* SPDX-License-Identifier: BSD-3-Clause */
/* The main thread (watch.h). Nothing here is on a packet's way. */
#include "dataplane/watch.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_ethdev.h>

enum {
	TICK_MS = 10,
	LOOK_TICKS = 10,  /* between two looks at devices, files and clock */
	STUCK_MS = 10000, /* the gate kills earlier; this is for when there is none */
	STATS_LOOKS = 5,  /* between two looks at counters of devices, which cost more */
};

/* What was last seen of the workers. */
struct pulse {
	uint64_t heartbeat[FG_WORKERS_MAX];
	uint64_t moved_ns[FG_WORKERS_MAX];
};

bool fg_watch_pause(const sigset_t *signals, uint32_t ms)
{
	const struct timespec wait = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	return sigtimedwait(signals, NULL, &wait) > 0;
}

/* ---- Links ---- */

static void look_at_link(struct fg_plane *p, uint8_t i, struct fg_share_device *said)
{
	struct rte_eth_link link = { 0 };

	if (rte_eth_link_get_nowait(p->devices.at[i].id, &link) != 0)
		return;
	p->link[i].up = link.link_status == RTE_ETH_LINK_UP;
	said->link_up = p->link[i].up;
	said->speed_mbps = link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN ? 0 : link.link_speed;
}

static void hold(struct fg_plane *p, uint8_t i)
{
	if (rte_eth_dev_set_link_down(p->devices.at[i].id) == 0) {
		p->link[i].held = true;
		fprintf(stderr, "flowgate-dpdk: port %s is taken down, for its peer has no link\n",
			p->devices.names.name[i]);
		return;
	}
	p->link[i].fixed = true;
	fprintf(stderr, "flowgate-dpdk: port %s cannot be taken down, though its peer has no link\n",
		p->devices.names.name[i]);
}

static void let_up(struct fg_plane *p, uint8_t i, uint64_t now_ns)
{
	p->link[i].held = false;
	p->link[i].released_ns = now_ns;
	(void)rte_eth_dev_set_link_up(p->devices.at[i].id);
	fprintf(stderr, "flowgate-dpdk: port %s is let up again\n", p->devices.names.name[i]);
}

static void pass_links_on(struct fg_plane *p, uint64_t now_ns)
{
	for (uint8_t i = 0; i < p->devices.names.count; i++) {
		const struct fg_line_card *card = &p->setup.device[i];

		if (!card->forwards)
			continue;
		switch (fg_link_order(&p->link[i], &p->link[card->peer], now_ns)) {
		case FG_LINK_HOLD:
			hold(p, i);
			break;
		case FG_LINK_RELEASE:
			let_up(p, i, now_ns);
			break;
		case FG_LINK_LEAVE:
			break;
		}
	}
}

/* ---- What is said of devices ---- */

static void say_stats(const struct fg_plane *p, uint8_t i, struct fg_share_device *said)
{
	struct rte_eth_stats s;

	if (rte_eth_stats_get(p->devices.at[i].id, &s) != 0)
		return;
	said->device_received = s.ipackets;
	said->device_missed = s.imissed;
	said->device_errors = s.ierrors + s.oerrors;
	said->device_sent = s.opackets;
	said->device_no_mbuf = s.rx_nombuf;
}

static void say_device(struct fg_plane *p, uint8_t i, struct fg_share_device *said, bool stats)
{
	const struct fg_device *d = &p->devices.at[i];

	memcpy(said->name, p->devices.names.name[i], sizeof(said->name));
	memcpy(said->mac, d->mac, sizeof(said->mac));
	said->rx_queues = d->rx_queues;
	said->tx_queues = d->tx_queues;
	look_at_link(p, i, said);
	if (stats)
		say_stats(p, i, said);
	__atomic_store_n(&said->used, 1, __ATOMIC_RELEASE);
}

/* By numbers of ports, as the gate has given them now. */
void fg_watch_devices(struct fg_plane *p, bool stats)
{
	struct fg_share_device *said = fg_shared_instance(&p->shared)->device;
	uint32_t numbers = 0;

	if (fg_setup_is_old(&p->setup, p->shared.tables))
		fg_setup_follow(&p->setup, &p->shared, &p->devices.names);
	for (uint8_t i = 0; i < p->devices.names.count; i++)
		if (p->setup.device[i].used) {
			numbers |= 1u << p->setup.device[i].number;
			say_device(p, i, &said[p->setup.device[i].number], stats);
		}
	for (uint32_t number = 0; number < FG_PORTS_MAX; number++)
		if (said[number].used && !(numbers >> number & 1))
			memset(&said[number], 0, sizeof(said[number]));
}

/* ---- Workers ---- */

static bool all_move(const struct fg_plane *p, struct pulse *pulse, uint64_t now_ns)
{
	for (uint32_t i = 0; i < p->workers; i++) {
		uint64_t beats = __atomic_load_n(&p->worker[i]->slot->heartbeat, __ATOMIC_ACQUIRE);

		if (beats != pulse->heartbeat[i] || pulse->moved_ns[i] == 0) {
			pulse->heartbeat[i] = beats;
			pulse->moved_ns[i] = now_ns;
		}
		if (now_ns - pulse->moved_ns[i] > STUCK_MS * 1000000ull) {
			fprintf(stderr, "flowgate-dpdk: the worker on CPU %u does not move\n",
				p->worker[i]->slot->lcore);
			return false;
		}
	}
	return true;
}

static uint64_t look_at_clock(struct fg_plane *p)
{
	uint64_t tsc, ns;

	fg_clock_look(&tsc, &ns);
	fg_clock_adjust(&p->clock, tsc, ns);
	return ns;
}

enum fg_watch_end fg_watch(struct fg_plane *p, const sigset_t *signals)
{
	static struct pulse pulse;
	uint64_t start_ns = look_at_clock(p), now_ns;

	for (uint8_t i = 0; i < p->devices.names.count; i++)
		p->link[i].released_ns = start_ns;
	for (uint32_t tick = 0;; tick++) {
		if (fg_watch_pause(signals, TICK_MS))
			return FG_END_ASKED;
		if (tick % LOOK_TICKS != 0)
			continue;
		if (!fg_shared_holds(&p->shared))
			return FG_END_LOST;
		if (fg_shared_replaced(&p->shared, p->options->folder))
			return FG_END_REPLACED;
		now_ns = look_at_clock(p);
		fg_watch_devices(p, tick % (LOOK_TICKS * STATS_LOOKS) == 0);
		pass_links_on(p, now_ns);
		if (!all_move(p, &pulse, now_ns))
			return FG_END_STUCK;
	}
}
