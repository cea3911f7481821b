/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers to DPDK's telemetry (telemetry.h), in a thread of DPDK's: it reads what workers count, and writes nothing. */
#include "dataplane/telemetry.h"

#include <errno.h>
#include <stdio.h>

#include <rte_telemetry.h>

static const struct fg_plane *plane;

/* A dictionary under a name of another. NULL: no memory. */
static struct rte_tel_data *inner(void)
{
	struct rte_tel_data *d = rte_tel_data_alloc();

	if (d != NULL)
		rte_tel_data_start_dict(d);
	return d;
}

static int status(const char *command, const char *parameters, struct rte_tel_data *d)
{
	const struct fg_share_instance *i = fg_shared_instance(&plane->shared);

	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(d);
	rte_tel_data_add_dict_string(d, "version", FG_VERSION);
	rte_tel_data_add_dict_int(d, "instance", plane->shared.instance);
	rte_tel_data_add_dict_int(d, "ready", (int)i->ready);
	rte_tel_data_add_dict_int(d, "workers", (int)plane->workers);
	rte_tel_data_add_dict_string(d, "form", fg_burst_name(plane->form));
	rte_tel_data_add_dict_u64(d, "started_ns", i->started_ns);
	rte_tel_data_add_dict_u64(d, "forwarding_ns", i->forwarding_ns);
	rte_tel_data_add_dict_u64(d, "epoch", plane->shared.tables->epoch);
	rte_tel_data_add_dict_u64(d, "side", plane->shared.tables->control.side);
	return 0;
}

/* ---- Ports ---- */

struct sums {
	uint64_t received, verdict[FG_VERDICTS], overload, aborted, no_neighbour, copied, copies_lost, samples,
		samples_lost, tx_full, no_mbuf;
};

static void add_worker(struct sums *s, const struct fg_share_port_counters *c)
{
	for (int v = 0; v < FG_VERDICTS; v++)
		for (int cause = 0; cause < FG_CAUSE_COUNT; cause++)
			s->verdict[v] += c->port.by[v][cause].packets;
	s->received += c->port.received.packets;
	s->overload += c->port.by[FG_DROP][FG_CAUSE_OVERLOAD].packets;
	s->aborted += c->port.aborted.packets;
	s->no_neighbour += c->port.no_neighbour.packets;
	s->copied += c->port.copied.packets;
	s->copies_lost += c->port.copies_lost;
	s->samples += c->port.samples;
	s->samples_lost += c->port.samples_lost;
	s->tx_full += c->tx_full;
	s->no_mbuf += c->no_mbuf;
}

static void say_sums(struct rte_tel_data *d, const struct sums *s)
{
	rte_tel_data_add_dict_u64(d, "received", s->received);
	rte_tel_data_add_dict_u64(d, "passed", s->verdict[FG_PASS]);
	rte_tel_data_add_dict_u64(d, "dropped", s->verdict[FG_DROP]);
	rte_tel_data_add_dict_u64(d, "redirected", s->verdict[FG_REDIRECT]);
	rte_tel_data_add_dict_u64(d, "dropped_overload", s->overload);
	rte_tel_data_add_dict_u64(d, "aborted", s->aborted);
	rte_tel_data_add_dict_u64(d, "no_neighbour", s->no_neighbour);
	rte_tel_data_add_dict_u64(d, "copied", s->copied);
	rte_tel_data_add_dict_u64(d, "copies_lost", s->copies_lost);
	rte_tel_data_add_dict_u64(d, "samples", s->samples);
	rte_tel_data_add_dict_u64(d, "samples_lost", s->samples_lost);
	rte_tel_data_add_dict_u64(d, "tx_full", s->tx_full);
	rte_tel_data_add_dict_u64(d, "no_mbuf", s->no_mbuf);
}

static void say_device(struct rte_tel_data *d, const struct fg_share_device *said)
{
	rte_tel_data_add_dict_int(d, "link_up", said->link_up);
	rte_tel_data_add_dict_u64(d, "device_received", said->device_received);
	rte_tel_data_add_dict_u64(d, "device_missed", said->device_missed);
	rte_tel_data_add_dict_u64(d, "device_errors", said->device_errors);
	rte_tel_data_add_dict_u64(d, "device_sent", said->device_sent);
	rte_tel_data_add_dict_u64(d, "device_no_mbuf", said->device_no_mbuf);
}

/* Counters of this process's workers alone; those of all are the gate's to add up. */
static int ports(const char *command, const char *parameters, struct rte_tel_data *d)
{
	const struct fg_share_instance *instance = fg_shared_instance(&plane->shared);

	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(d);
	for (uint32_t number = 0; number < FG_PORTS_MAX; number++) {
		const struct fg_share_device *said = &instance->device[number];
		struct rte_tel_data *one = said->used ? inner() : NULL;
		struct sums sums = { 0 };

		if (one == NULL)
			continue;
		for (uint32_t w = 0; w < plane->workers; w++)
			add_worker(&sums, &plane->worker[w]->ports[number]);
		say_sums(one, &sums);
		say_device(one, said);
		rte_tel_data_add_dict_container(d, said->name, one, 0);
	}
	return 0;
}

static int workers(const char *command, const char *parameters, struct rte_tel_data *d)
{
	(void)command;
	(void)parameters;
	rte_tel_data_start_dict(d);
	for (uint32_t i = 0; i < plane->workers; i++) {
		const struct fg_share_worker *slot = plane->worker[i]->slot;
		struct rte_tel_data *one = inner();
		char name[16];

		if (one == NULL)
			return -ENOMEM;
		snprintf(name, sizeof(name), "%u", i);
		rte_tel_data_add_dict_u64(one, "cpu", slot->lcore);
		rte_tel_data_add_dict_u64(one, "epoch", slot->epoch);
		rte_tel_data_add_dict_u64(one, "turns", slot->heartbeat);
		rte_tel_data_add_dict_u64(one, "busy", slot->busy);
		rte_tel_data_add_dict_container(d, name, one, 0);
	}
	return 0;
}

void fg_telemetry_start(const struct fg_plane *p)
{
	plane = p;
	rte_telemetry_register_cmd("/flowgate/status", status, "Says what this process is. No parameters");
	rte_telemetry_register_cmd("/flowgate/ports", ports, "Counts packets by port, of this process. No parameters");
	rte_telemetry_register_cmd("/flowgate/workers", workers, "Says how workers stand. No parameters");
}
