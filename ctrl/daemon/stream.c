/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Watch and Samples: what happens, to all who asked, until they close. Nothing is kept for those who do not read: their queue
 * is bounded, and then they are cut off (client.c).
 */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/http.h"
#include "ctrl/daemon/op.h"
#include "ctrl/load/show.h"

#define NS_PER_S 1000000000.0

static void names_renew(struct fg_ctrl *ctrl);

/* The names of rules are kept by who reads; what has changed since it began to is in the next reading. */
static void names_read(void *ctx, char *text, size_t len)
{
	struct fg_ctrl *ctrl = ctx;

	(void)len;
	free(text);
	ctrl->naming = false;
	if (ctrl->name_again)
		names_renew(ctrl);
}

/* Samples come with slots, and names of slots with a reading of all rules: one at a time, however often they change. */
static void names_renew(struct fg_ctrl *ctrl)
{
	ctrl->name_again = ctrl->naming;
	if (ctrl->naming)
		return;
	for (const struct fg_client *c = ctrl->clients.first; c != NULL; c = c->next)
		if (c->streams & FG_STREAM_SAMPLES) {
			ctrl->naming = true;
			fg_scrape(ctrl, names_read, ctrl);
			return;
		}
}

static void stream(struct fg_op *op, uint32_t which)
{
	if (!op->more) {
		fg_op_unavailable(op, "this method answers without end: call it with \"more\":true");
		return;
	}
	op->client->streams |= which;
	/* The call stays open: nothing else is read of this caller. */
}

void fg_method_watch(struct fg_op *op)
{
	stream(op, FG_STREAM_EVENTS | (fg_op_true(op, "peers") ? FG_STREAM_PEERS : 0u));
}

void fg_method_samples(struct fg_op *op)
{
	const char *rule = fg_op_string(op, "rule");
	struct fg_ctrl *ctrl = op->ctrl;

	op->client->stream_rule[0] = '\0';
	if (rule != NULL)
		strncpy(op->client->stream_rule, rule, FG_NAME_MAX);
	stream(op, FG_STREAM_SAMPLES);
	names_renew(ctrl);
}

void fg_stream_event(struct fg_ctrl *ctrl, const struct fg_event *event)
{
	static const char *const kinds[] = { "unknown", "commit",      "expired", "reverted", "alarm",   "port",
					     "refused", "quarantined", "flushed", "fenced",   "waiting", "admitted" };
	const char *kind = event->kind < sizeof(kinds) / sizeof(kinds[0]) ? kinds[event->kind] : kinds[0];
	char name[FG_NAME_MAX + 1];

	if (event->kind == FG_EVENT_COMMIT)
		names_renew(ctrl);
	memcpy(name, event->name, sizeof(name));
	name[FG_NAME_MAX] = '\0';
	for (struct fg_client *c = ctrl->clients.first; c != NULL; c = c->next)
		if (c->streams & FG_STREAM_EVENTS)
			fg_client_reply(c,
					json_pack("{s:s,s:I,s:I,s:o}", "kind", kind, "generation",
						  (json_int_t)(event->generation + ctrl->generation_base), "value",
						  (json_int_t)event->value, "name", fg_show_string(name)),
					true);
}

/* Of an interface by its number; with DPDK, of a port by its number. */
static void port_name(const struct fg_ctrl *ctrl, uint32_t number, char name[IF_NAMESIZE])
{
	const struct fg_policy *p = &ctrl->conf.policy;

	if (!p->dpdk)
		if_indextoname(number, name);
	else if (number < p->ports)
		memcpy(name, p->port[number].name, FG_IFNAME_OCTETS);
}

static json_t *sample_object(const struct fg_ctrl *ctrl, const struct fg_sample *s, const char *rule)
{
	static const char *const verdicts[] = { "pass", "drop", "redirect" };
	char data[2 * FG_SAMPLE_OCTETS + 1], interface[IF_NAMESIZE] = "";

	fg_hex_write(data, s->data, s->captured <= FG_SAMPLE_OCTETS ? s->captured : FG_SAMPLE_OCTETS);
	port_name(ctrl, s->ifindex, interface);
	return json_pack("{s:f,s:o,s:o,s:I,s:s,s:s,s:s}", "time",
			 (double)(s->time_ns + ctrl->clock_offset_ns) / NS_PER_S, "rule", fg_show_string(rule),
			 "interface", fg_show_string(interface), "length", (json_int_t)s->frame_len, "verdict",
			 s->verdict < FG_VERDICTS ? verdicts[s->verdict] : "unknown", "cause",
			 fg_metrics_cause(s->cause), "data", data);
}

/* Names of rules by slot come with the walks that the metrics make; a slot that none has seen is shown by its number. */
void fg_stream_sample(struct fg_ctrl *ctrl, const struct fg_sample *s)
{
	char number[FG_NAME_MAX + 1];
	const char *rule = fg_metrics_rule(&ctrl->metrics, s->slot, number);

	for (struct fg_client *c = ctrl->clients.first; c != NULL; c = c->next)
		if ((c->streams & FG_STREAM_SAMPLES) &&
		    (c->stream_rule[0] == '\0' || strcmp(c->stream_rule, rule) == 0))
			fg_client_reply(c, sample_object(ctrl, s, rule), true);
}
