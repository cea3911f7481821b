/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes, workers and devices of the DPDK dataplane as JSON (plane.h). In: what the gate has read. Out: objects of the interface. */
#include "ctrl/daemon/plane.h"

#include <stdio.h>

#include "ctrl/load/show.h"

enum {
	HANGS_MS = 1000, /* a worker that has not turned for so long is said to hang */
	SKIPS_S = 10,    /* and one that has had no time for payloads within this is said to be behind */
};

bool fg_plane_ok(const struct fg_plane_status *p)
{
	return p->instances <= FG_PLANE_INSTANCES_MAX && p->workers <= FG_PLANE_WORKERS_MAX;
}

static const char *form_name(uint8_t form)
{
	static const char *const names[] = { "scalar", "avx2", "avx512" };

	return form < sizeof(names) / sizeof(names[0]) ? names[form] : "unknown";
}

static json_t *instance_object(const struct fg_plane_instance *i, uint64_t clock_offset_ns)
{
	json_t *o = json_pack("{s:I,s:b,s:s,s:i,s:f}", "pid", (json_int_t)i->pid, "ready", i->ready, "form",
			      form_name(i->form), "workers", i->workers, "started",
			      (double)(i->started_ns + clock_offset_ns) / 1e9);

	if (o != NULL && i->forwarding_ns != 0)
		json_object_set_new(o, "forwarding", json_real((double)(i->forwarding_ns + clock_offset_ns) / 1e9));
	return o;
}

static json_t *worker_object(const struct fg_plane_worker *w)
{
	return json_pack("{s:I,s:I,s:f,s:I,s:I}", "pid", (json_int_t)w->pid, "core", (json_int_t)w->lcore, "age",
			 w->age_ms / 1e3, "turns", (json_int_t)w->turns, "busy", (json_int_t)w->busy);
}

json_t *fg_plane_object(const struct fg_plane_status *p, uint64_t clock_offset_ns)
{
	json_t *instances = json_array(), *workers = json_array();

	for (uint32_t i = 0; p->dpdk && i < p->instances; i++)
		json_array_append_new(instances, instance_object(&p->instance[i], clock_offset_ns));
	for (uint32_t i = 0; p->dpdk && i < p->workers; i++)
		json_array_append_new(workers, worker_object(&p->worker[i]));
	if (p->dpdk)
		return json_pack("{s:I,s:I,s:o,s:o}", "fenced", (json_int_t)p->fenced, "ended", (json_int_t)p->ended,
				 "instances", instances, "workers", workers);
	json_decref(instances);
	json_decref(workers);
	return NULL;
}

static json_t *driver_object(const struct fg_plane_port *d)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I}", "received", (json_int_t)d->device_received, "missed",
			 (json_int_t)d->device_missed, "errors", (json_int_t)d->device_errors, "sent",
			 (json_int_t)d->device_sent, "no_mbuf", (json_int_t)d->device_no_mbuf);
}

json_t *fg_plane_device(const struct fg_plane_status *p, uint32_t port)
{
	const struct fg_plane_port *d = &p->port[port];
	char mac[18];

	if (!p->dpdk)
		return NULL;
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", d->mac[0], d->mac[1], d->mac[2], d->mac[3],
		 d->mac[4], d->mac[5]);
	return json_pack("{s:b,s:b,s:s,s:I,s:i,s:i,s:I,s:I,s:I,s:o}", "there", d->used, "link", d->link_up, "mac", mac,
			 "speed", (json_int_t)d->speed_mbps, "receive_queues", d->rx_queues, "send_queues",
			 d->tx_queues, "send_full", (json_int_t)d->tx_full, "no_buffer", (json_int_t)d->no_mbuf,
			 "payload_skipped", (json_int_t)d->payload_skipped, "driver", driver_object(d));
}

void fg_plane_problems(const struct fg_plane_status *p, json_t *problems)
{
	char text[128];

	for (uint32_t i = 0; p->dpdk && i < p->workers; i++) {
		if (p->worker[i].skipped_s < SKIPS_S) {
			snprintf(text, sizeof(text),
				 "flowgate-dpdk: the worker of core %u is behind: rules with a payload pattern do not "
				 "apply",
				 p->worker[i].lcore);
			json_array_append_new(problems, fg_show_string(text));
		}
		if (p->worker[i].age_ms < HANGS_MS)
			continue;
		snprintf(text, sizeof(text), "flowgate-dpdk: the worker of core %u has not turned for %u ms",
			 p->worker[i].lcore, p->worker[i].age_ms);
		json_array_append_new(problems, fg_show_string(text));
	}
}
