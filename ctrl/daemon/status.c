/* SPDX-License-Identifier: BSD-3-Clause */
/* Status, Health and Limits. In: what the gate says of itself. Out: what people and route announcers ask for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/op.h"
#include "ctrl/daemon/plane.h"
#include "ctrl/daemon/status.h"
#include "ctrl/daemon/records.h"
#include "ctrl/daemon/walk.h"
#include "ctrl/load/show.h"

json_t *fg_budget_object(const struct fg_cost_now *c)
{
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "bytes", (json_int_t)c->bytes, "bytes_budget",
			 (json_int_t)c->bytes_budget, "lines", (json_int_t)c->lines, "lines_budget",
			 (json_int_t)c->lines_budget, "slots", (json_int_t)c->slots, "slots_budget",
			 (json_int_t)c->slots_budget);
}

static json_t *patterns_object(const struct fg_status *s)
{
	return json_pack("{s:I,s:I,s:i}", "bytes", (json_int_t)s->pattern_bytes, "bytes_budget",
			 (json_int_t)s->pattern_bytes_budget, "count", (int)s->patterns);
}

static json_t *count_object(const struct fg_count *c)
{
	return json_pack("{s:I,s:I}", "packets", (json_int_t)c->packets, "bytes", (json_int_t)c->bytes);
}

static struct fg_count sum_of(const struct fg_port_counters *c, enum fg_verdict_kind verdict)
{
	struct fg_count sum = { 0 };

	for (int cause = 0; cause < FG_CAUSE_COUNT; cause++) {
		sum.packets += c->by[verdict][cause].packets;
		sum.bytes += c->by[verdict][cause].bytes;
	}
	return sum;
}

static json_t *causes_object(const struct fg_port_counters *c)
{
	json_t *o = json_object();

	for (uint8_t cause = 0; cause < FG_CAUSE_COUNT; cause++) {
		struct fg_count sum = { 0 };

		for (int verdict = 0; verdict < FG_VERDICTS; verdict++) {
			sum.packets += c->by[verdict][cause].packets;
			sum.bytes += c->by[verdict][cause].bytes;
		}
		if (sum.packets > 0)
			json_object_set_new(o, fg_metrics_cause(cause), count_object(&sum));
	}
	return o;
}

static const char *mode_name(uint8_t mode)
{
	static const char *const names[] = { "none", "native", "generic", [FG_PLANE_DPDK] = "dpdk" };

	return mode < sizeof(names) / sizeof(names[0]) ? names[mode] : names[0];
}

static json_t *port_object(const struct fg_status *s, uint32_t i)
{
	json_t *o, *device = fg_plane_device(&s->plane, i);
	const struct fg_port_config *config = &s->port[i].config;
	const struct fg_port_status *status = &s->port[i].status;
	const struct fg_port_counters *c = &s->port[i].counters;
	struct fg_count passed = sum_of(c, FG_PASS), dropped = sum_of(c, FG_DROP), redirected = sum_of(c, FG_REDIRECT);

	o = json_pack("{s:o,s:o,s:s,s:b,s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "name", fg_show_string(config->name),
		      "peer", fg_show_string(config->peer), "mode", mode_name(status->mode), "degraded",
		      status->degraded, "on_failure", config->on_failure == FG_FAIL_CLOSED ? "closed" : "open",
		      "reason", fg_port_reason_name(status->reason), "detail", fg_show_string(status->detail),
		      "received", count_object(&c->received), "passed", count_object(&passed), "dropped",
		      count_object(&dropped), "redirected", count_object(&redirected), "aborted",
		      count_object(&c->aborted), "no_neighbour", count_object(&c->no_neighbour), "causes",
		      causes_object(c));
	if (device != NULL)
		json_object_set_new(o, "device", device);
	return o;
}

static json_t *rules_object(const struct fg_status *s)
{
	json_t *o = json_object();

	for (uint32_t state = FG_RULE_ENFORCED; state <= FG_RULE_ELSEWHERE; state++)
		json_object_set_new(o, fg_rule_state_name(state), json_integer(s->rules[state]));
	return o;
}

static json_t *processes_object(const struct fg_ctrl *ctrl)
{
	json_t *o = json_object();

	for (size_t i = 0; i < sizeof(ctrl->process) / sizeof(ctrl->process[0]); i++)
		if (ctrl->process[i].name[0] != '\0')
			json_object_set_new(o, ctrl->process[i].name,
					    json_pack("{s:i,s:I}", "pid", ctrl->process[i].pid, "restarts",
						      (json_int_t)ctrl->process[i].restarts));
	return o;
}

/* The status of a message; false: it has none. Clears ports beyond its number. */
static bool status_of(const struct fg_message *m, struct fg_status *s)
{
	if (m == NULL || m->kind != FG_SAY_STATUS || m->octets != sizeof(*m) + sizeof(*s))
		return false;
	memcpy(s, m + 1, sizeof(*s));
	return s->ports <= FG_PORTS_MAX && fg_plane_ok(&s->plane);
}

static void on_status(void *ctx, const struct fg_message *m)
{
	static struct fg_status s;
	struct fg_op *op = ctx;
	struct fg_ctrl *ctrl = op->ctrl;
	json_t *reply, *dpdk, *ports = json_array();

	if (!status_of(m, &s)) {
		json_decref(ports);
		fg_op_unavailable(op, "the gate does not answer");
		return;
	}
	for (uint32_t i = 0; i < s.ports; i++)
		json_array_append_new(ports, port_object(&s, i));
	reply = json_pack("{s:s,s:s,s:I,s:I,s:b,s:b,s:b,s:o,s:I,s:o,s:o,s:o,s:s}", "dataplane",
			  s.plane.dpdk ? "dpdk" : "xdp", "version", FG_VERSION, "generation",
			  (json_int_t)(s.generation + ctrl->generation_base), "started", (json_int_t)s.started_s,
			  "adopted", s.adopted != 0, "enforcing", s.enforcing != 0, "shadow", s.shadow != 0, "rules",
			  rules_object(&s), "alarm", (json_int_t)s.alarm, "budget", fg_budget_object(&s.cost), "ports",
			  ports, "processes", processes_object(ctrl), "store", fg_ledger_problem(ctrl->ledger));
	dpdk = fg_plane_object(&s.plane, ctrl->clock_offset_ns);
	if (dpdk != NULL)
		json_object_set_new(reply, "dpdk", dpdk);
	if (reply != NULL && s.pattern_bytes_budget != 0)
		json_object_set_new(reply, "patterns", patterns_object(&s));
	if (reply != NULL && ctrl->conf.later[0] != '\0')
		json_object_set_new(reply, "next_start", json_string(ctrl->conf.later));
	if (reply != NULL && s.confirm_until_s != 0)
		json_object_set_new(reply, "confirm_until", json_integer((json_int_t)s.confirm_until_s));
	fg_op_reply(op, reply);
}

void fg_method_status(struct fg_op *op)
{
	if (fg_ask(&op->ctrl->asks, FG_ASK_STATUS, NULL, 0, on_status, op) != 0)
		fg_op_unavailable(op, "there is no gate");
}

static void problem(json_t *problems, const char *what, const char *name)
{
	char text[FG_DETAIL_MAX];

	snprintf(text, sizeof(text), "%s%s", name, what);
	json_array_append_new(problems, fg_show_string(text));
}

static const struct fg_port_status *status_of_port(const struct fg_status *s, const char *name)
{
	for (uint32_t i = 0; i < s->ports; i++)
		if (strcmp(s->port[i].config.name, name) == 0)
			return &s->port[i].status;
	return NULL;
}

/* Every port that is configured must be attached; what the gate knows nothing of is not. */
static void judge_ports(const struct fg_ctrl *ctrl, const struct fg_status *s, json_t *problems)
{
	const struct fg_policy *p = &ctrl->conf.policy;
	char text[FG_DETAIL_MAX];

	for (uint32_t i = 0; i < p->ports; i++) {
		const struct fg_port_status *port = status_of_port(s, p->port[i].name);

		if (port != NULL && port->mode != FG_XDP_AUTO)
			continue;
		snprintf(text, sizeof(text), ": not attached: %s %.128s",
			 port == NULL ? "not known to the gate" : fg_port_reason_name(port->reason),
			 port == NULL ? "" : port->detail);
		problem(problems, text, p->port[i].name);
	}
}

/* What becomes of packets meanwhile, where it is not that they pass. */
static void judge_closed(const struct fg_ctrl *ctrl, json_t *problems)
{
	const struct fg_policy *p = &ctrl->conf.policy;

	for (uint32_t i = 0; i < p->ports; i++)
		if (p->port[i].on_failure == FG_FAIL_CLOSED)
			problem(problems, ": on-failure closed: no IP packet passes unless a table is enforced",
				p->port[i].name);
}

json_t *fg_health_problems(const struct fg_ctrl *ctrl, const struct fg_message *m)
{
	static struct fg_status s;
	json_t *problems = json_array();

	if (!status_of(m, &s)) {
		problem(problems, "the gate does not answer", "");
		judge_closed(ctrl, problems);
		return problems;
	}
	if (!s.enforcing)
		problem(problems, "nothing is enforced: no table is published", "");
	if (s.shadow)
		problem(problems, "shadow mode: verdicts are counted and nothing is done", "");
	judge_ports(ctrl, &s, problems);
	fg_plane_problems(&s.plane, problems);
	return problems;
}

static void on_health(void *ctx, const struct fg_message *m)
{
	struct fg_op *op = ctx;
	json_t *problems = fg_health_problems(op->ctrl, m), *reply;
	bool ok = json_array_size(problems) == 0;

	reply = json_pack("{s:b,s:o}", "ok", ok, "problems", problems);
	if (reply != NULL && op->ctrl->conf.later[0] != '\0')
		json_object_set_new(reply, "next_start", json_string(op->ctrl->conf.later));
	fg_op_reply(op, reply);
}

void fg_method_health(struct fg_op *op)
{
	if (fg_ask(&op->ctrl->asks, FG_ASK_STATUS, NULL, 0, on_health, op) != 0)
		on_health(op, NULL);
}

/* ---- Limits ---- */

struct use {
	uint64_t bytes[FG_SOURCES_MAX], slots[FG_SOURCES_MAX];
};

static json_t *limit_number(uint64_t v)
{
	return v > INT64_MAX ? json_null() : json_integer((json_int_t)v);
}

static json_t *sources_array(const struct fg_limits *l, const struct use *use)
{
	json_t *all = json_array();

	for (size_t i = 0; i < l->sources; i++)
		json_array_append_new(all,
				      json_pack("{s:o,s:I,s:o,s:I,s:o}", "source", fg_show_string(l->source[i].source),
						"bytes", (json_int_t)use->bytes[i], "bytes_budget",
						limit_number(l->source[i].bytes), "slots", (json_int_t)use->slots[i],
						"slots_budget", limit_number(l->source[i].slots)));
	return all;
}

static bool on_limits_page(void *ctx, struct fg_walk *w, const struct fg_walk_rule *rules, size_t n, bool last)
{
	struct fg_op *op = ctx;
	struct use *use = op->state;
	const struct fg_limits *l = &op->ctrl->conf.policy.limits;

	(void)w;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < l->sources; j++)
			if (strcmp(l->source[j].source, rules[i].record->by.source) == 0) {
				use->slots[j]++;
				use->bytes[j] += rules[i].listed->cost.bytes;
			}
	if (!last)
		return true;
	if (rules == NULL)
		fg_op_unavailable(op, "the gate did not answer");
	else
		fg_op_reply(op, json_pack("{s:o,s:o}", "budget", fg_budget_object(&op->ctrl->cost), "sources",
					  sources_array(l, use)));
	return false;
}

static void on_limits_status(void *ctx, const struct fg_message *m)
{
	static struct fg_status s;
	struct fg_op *op = ctx;

	if (!status_of(m, &s)) {
		fg_op_unavailable(op, "the gate does not answer");
		return;
	}
	op->ctrl->cost = s.cost;
	if (fg_walk_start(&op->ctrl->asks, 0, false, on_limits_page, op) != 0)
		fg_op_unavailable(op, "there is no gate");
}

void fg_method_limits(struct fg_op *op)
{
	op->state = calloc(1, sizeof(struct use));
	op->free = free;
	if (op->state == NULL)
		fg_op_unavailable(op, "out of memory");
	else if (fg_ask(&op->ctrl->asks, FG_ASK_STATUS, NULL, 0, on_limits_status, op) != 0)
		fg_op_unavailable(op, "there is no gate");
}
