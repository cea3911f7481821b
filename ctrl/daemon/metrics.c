/* SPDX-License-Identifier: BSD-3-Clause */
/* The text of the metrics. In: what was counted here and what the gate says. Out: families of series, each with its help and type. */
#include "ctrl/daemon/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowgate/action.h"

static const double bucket_s[FG_METRICS_BUCKETS] = { 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1 };
static const char *const verdict_name[FG_VERDICTS] = { "pass", "drop", "redirect" };

const char *fg_metrics_cause(uint8_t cause)
{
	static const char *const names[FG_CAUSE_COUNT] = {
		[FG_CAUSE_NONE] = "none",         [FG_CAUSE_ACCEPT] = "accept",       [FG_CAUSE_DISCARD] = "discard",
		[FG_CAUSE_RATE] = "rate",         [FG_CAUSE_REDIRECT] = "redirect",   [FG_CAUSE_PROTECT] = "protect",
		[FG_CAUSE_OVERLOAD] = "overload", [FG_CAUSE_MALFORMED] = "malformed",
	};

	return cause < FG_CAUSE_COUNT ? names[cause] : "unknown";
}

void fg_metrics_commit(struct fg_metrics *m, uint64_t us)
{
	double s = (double)us / 1e6;
	size_t i = 0;

	while (i < FG_METRICS_BUCKETS && s > bucket_s[i])
		i++;
	m->commit_bucket[i]++;
	m->commit_count++;
	m->commit_sum_s += s;
}

bool fg_metrics_count(struct fg_metrics_group *group, size_t *groups, const char *word, const char *source)
{
	struct fg_metrics_group *g = group;

	for (; g < group + *groups; g++)
		if (strcmp(g->word, word) == 0 && strcmp(g->source, source) == 0)
			break;
	if (g == group + *groups) {
		if (*groups == FG_METRICS_GROUPS_MAX)
			return false;
		++*groups;
		*g = (struct fg_metrics_group){ .count = 0 };
		snprintf(g->word, sizeof(g->word), "%s", word);
		snprintf(g->source, sizeof(g->source), "%s", source);
	}
	g->count++;
	return true;
}

void fg_metrics_refused(struct fg_metrics *m, const char *reason, const char *source)
{
	if (!fg_metrics_count(m->refused, &m->refused_groups, reason, source) && m->refused_groups > 0)
		m->refused[m->refused_groups - 1].count++; /* counted, if under another's name */
}

const char *fg_metrics_rule(const struct fg_metrics *m, uint32_t slot, char number[FG_NAME_MAX + 1])
{
	size_t low = 0, high = m->rules;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->rule[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < m->rules && m->rule[low].slot == slot)
		return m->rule[low].name;
	snprintf(number, FG_NAME_MAX + 1, "slot %u", slot);
	return number;
}

/* ---- Text ---- */

static bool room_for(struct fg_metrics_text *t, size_t more)
{
	size_t room = t->room ? t->room : 1 << 14;
	char *grown;

	while (room <= t->len + more)
		room *= 2;
	if (room == t->room)
		return true;
	grown = room > FG_METRICS_TEXT_MAX ? NULL : realloc(t->at, room);
	if (grown == NULL)
		return false;
	t->at = grown;
	t->room = room;
	return true;
}

__attribute__((format(printf, 2, 3))) static void add(struct fg_metrics_text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	if (t->failed || !room_for(t, 1024)) {
		t->failed = true;
		return;
	}
	va_start(args, fmt);
	n = vsnprintf(t->at + t->len, t->room - t->len, fmt, args);
	va_end(args);
	t->len += (size_t)n;
}

static void family(struct fg_metrics_text *t, const char *name, const char *type, const char *help)
{
	add(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline are escaped. */
static const char *label(const char *text, char out[2 * FG_NAME_MAX + 2])
{
	size_t n = 0;

	for (; *text != '\0' && n < 2 * FG_NAME_MAX; text++) {
		if (*text == '\\' || *text == '"' || *text == '\n')
			out[n++] = '\\';
		out[n++] = *text == '\n' ? 'n' : *text;
	}
	out[n] = '\0';
	return out;
}

static void one(struct fg_metrics_text *t, const char *name, const char *help, uint64_t value)
{
	family(t, name, "gauge", help);
	add(t, "%s %llu\n", name, (unsigned long long)value);
}

static struct fg_count total_of(const struct fg_status *s, int verdict, int cause)
{
	struct fg_count sum = { 0 };

	for (uint32_t i = 0; i < s->ports; i++) {
		sum.packets += s->port[i].counters.by[verdict][cause].packets;
		sum.bytes += s->port[i].counters.by[verdict][cause].bytes;
	}
	return sum;
}

static void write_traffic(struct fg_metrics_text *t, const struct fg_status *s, bool bytes)
{
	const char *name = bytes ? "flowgate_bytes_total" : "flowgate_packets_total";

	family(t, name, "counter",
	       bytes ? "IP octets by what was done to their packets and why."
		     : "Packets by what was done to them and why.");
	for (uint8_t verdict = 0; verdict < FG_VERDICTS; verdict++)
		for (uint8_t cause = 0; cause < FG_CAUSE_COUNT; cause++) {
			struct fg_count sum = total_of(s, verdict, cause);

			add(t, "%s{verdict=\"%s\",cause=\"%s\"} %llu\n", name, verdict_name[verdict],
			    fg_metrics_cause(cause), (unsigned long long)(bytes ? sum.bytes : sum.packets));
		}
}

/* ---- The DPDK dataplane ---- */

static void by_port(struct fg_metrics_text *t, const struct fg_status *s, const char *name, const char *type,
		    const char *help, size_t offset)
{
	char value[2 * FG_NAME_MAX + 2];

	family(t, name, type, help);
	for (uint32_t i = 0; i < s->ports; i++) {
		uint64_t v;

		memcpy(&v, (const uint8_t *)&s->plane.port[i] + offset, sizeof(v));
		add(t, "%s{port=\"%s\"} %llu\n", name, label(s->port[i].config.name, value), (unsigned long long)v);
	}
}

static void write_links(struct fg_metrics_text *t, const struct fg_status *s)
{
	char value[2 * FG_NAME_MAX + 2];

	family(t, "flowgate_port_link_up", "gauge", "1 where the device of a port has a link.");
	for (uint32_t i = 0; i < s->ports; i++)
		if (s->plane.port[i].used)
			add(t, "flowgate_port_link_up{port=\"%s\"} %u\n", label(s->port[i].config.name, value),
			    s->plane.port[i].link_up);
}

static void write_workers(struct fg_metrics_text *t, const struct fg_plane_status *p)
{
	family(t, "flowgate_worker_age_seconds", "gauge", "Since a worker of flowgate-dpdk was last seen to turn.");
	for (uint32_t i = 0; i < p->workers; i++)
		add(t, "flowgate_worker_age_seconds{core=\"%u\",pid=\"%u\"} %g\n", p->worker[i].lcore, p->worker[i].pid,
		    p->worker[i].age_ms / 1e3);
}

static void write_dpdk(struct fg_metrics_text *t, const struct fg_status *s)
{
	const struct fg_plane_status *p = &s->plane;
	uint32_t ready = 0;

	for (uint32_t i = 0; i < p->instances; i++)
		ready += p->instance[i].ready;
	one(t, "flowgate_dpdk_ready", "Processes of flowgate-dpdk that forward.", ready);
	family(t, "flowgate_dpdk_fenced_total", "counter", "Processes of flowgate-dpdk that hung and were killed.");
	add(t, "flowgate_dpdk_fenced_total %u\n", p->fenced);
	write_workers(t, p);
	write_links(t, s);
	by_port(t, s, "flowgate_port_send_full_total", "counter", "Packets for which a device had no room at first.",
		offsetof(struct fg_plane_port, tx_full));
	by_port(t, s, "flowgate_port_no_buffer_total", "counter", "Copies and samples that found no packet buffer.",
		offsetof(struct fg_plane_port, no_mbuf));
	by_port(t, s, "flowgate_port_payload_skipped_total", "counter",
		"Packets whose payload was not looked at for want of time.",
		offsetof(struct fg_plane_port, payload_skipped));
	by_port(t, s, "flowgate_device_missed_total", "counter", "Packets that a driver says its device missed.",
		offsetof(struct fg_plane_port, device_missed));
}

static void write_status(struct fg_metrics_text *t, const struct fg_metrics_reading *r)
{
	const struct fg_status *s = r->status;

	write_traffic(t, s, false);
	write_traffic(t, s, true);
	one(t, "flowgate_table_bytes", "Octets of the image that rules take.", s->cost.bytes);
	one(t, "flowgate_table_bytes_budget", "Octets of the image that rules may take.", s->cost.bytes_budget);
	one(t, "flowgate_lines_max", "Table lines that the worst packet reads.", s->cost.lines);
	one(t, "flowgate_lines_budget", "Table lines that the worst packet may read.", s->cost.lines_budget);
	one(t, "flowgate_generation", "Generation of rules that is enforced.", r->generation);
	one(t, "flowgate_enforcing", "1 where a table is published, 0 where none is.", s->enforcing != 0);
	if (s->plane.dpdk)
		write_dpdk(t, s);
}

static void write_groups(struct fg_metrics_text *t, const char *name, const char *word,
			 const struct fg_metrics_group *g, size_t groups)
{
	char value[2 * FG_NAME_MAX + 2];

	for (size_t i = 0; i < groups; i++)
		add(t, "%s{%s=\"%s\",source=\"%s\"} %llu\n", name, word, g[i].word, label(g[i].source, value),
		    (unsigned long long)g[i].count);
}

static int by_name(const void *a, const void *b)
{
	const struct fg_metrics_rule *ra = a, *rb = b;

	return strcmp(ra->name, rb->name);
}

/* Rules of one name are one series, for a series must not come twice. */
static void write_rules(struct fg_metrics_text *t, struct fg_metrics_rule *rule, size_t n)
{
	char value[2 * FG_NAME_MAX + 2];

	qsort(rule, n, sizeof(*rule), by_name);
	family(t, "flowgate_rule_packets_total", "counter", "Packets that a rule matched, by what was done to them.");
	for (size_t i = 0, j; i < n; i = j) {
		uint64_t packets[FG_VERDICTS] = { 0 };

		for (j = i; j < n && strcmp(rule[j].name, rule[i].name) == 0; j++)
			for (int v = 0; v < FG_VERDICTS; v++)
				packets[v] += rule[j].packets[v];
		label(rule[i].name, value);
		for (int v = 0; v < FG_VERDICTS; v++)
			add(t, "flowgate_rule_packets_total{rule=\"%s\",verdict=\"%s\"} %llu\n", value, verdict_name[v],
			    (unsigned long long)packets[v]);
	}
}

static void write_commits(struct fg_metrics_text *t, const struct fg_metrics *m)
{
	uint64_t sum = 0;

	family(t, "flowgate_commit_seconds", "histogram", "From a change on its way to the gate until it is enforced.");
	for (size_t i = 0; i < FG_METRICS_BUCKETS; i++) {
		sum += m->commit_bucket[i];
		add(t, "flowgate_commit_seconds_bucket{le=\"%g\"} %llu\n", bucket_s[i], (unsigned long long)sum);
	}
	add(t,
	    "flowgate_commit_seconds_bucket{le=\"+Inf\"} %llu\nflowgate_commit_seconds_sum %.9g\n"
	    "flowgate_commit_seconds_count %llu\n",
	    (unsigned long long)m->commit_count, m->commit_sum_s, (unsigned long long)m->commit_count);
}

static void write_peers(struct fg_metrics_text *t, const struct fg_metrics_reading *r)
{
	char value[2 * FG_NAME_MAX + 2];

	if (r->peers == 0)
		return;
	family(t, "flowgate_bgp_session_up", "gauge", "1 where the session with a peer is established.");
	for (size_t i = 0; i < r->peers; i++)
		add(t, "flowgate_bgp_session_up{peer=\"%s\"} %d\n", label(r->peer[i].name, value), r->peer[i].up);
	family(t, "flowgate_bgp_rules", "gauge",
	       "Rules that a peer has announced and not withdrawn; stale ones among them.");
	for (size_t i = 0; i < r->peers; i++) {
		label(r->peer[i].name, value);
		add(t,
		    "flowgate_bgp_rules{peer=\"%s\",stale=\"no\"} %llu\nflowgate_bgp_rules{peer=\"%s\",stale=\"yes\"} "
		    "%llu\n",
		    value, (unsigned long long)(r->peer[i].rules - r->peer[i].stale), value,
		    (unsigned long long)r->peer[i].stale);
	}
	family(t, "flowgate_bgp_nlri_total", "counter", "NLRIs of a peer by what became of them.");
	for (size_t i = 0; i < r->peers; i++)
		for (size_t j = 0; j < FG_METRICS_RESULTS; j++)
			add(t, "flowgate_bgp_nlri_total{peer=\"%s\",result=\"%s\"} %llu\n",
			    label(r->peer[i].name, value), r->result[j], (unsigned long long)r->peer[i].count[j]);
}

void fg_metrics_write(const struct fg_metrics *m, const struct fg_metrics_reading *r, struct fg_metrics_text *out)
{
	if (r->status != NULL)
		write_status(out, r);
	if (r->state != NULL) {
		family(out, "flowgate_rules", "gauge", "Rules by what became of them and who wants them.");
		write_groups(out, "flowgate_rules", "state", r->state, r->states);
	}
	if (r->rule != NULL)
		write_rules(out, r->rule, r->rules);
	family(out, "flowgate_rules_refused_total", "counter",
	       "Rules that were refused, by reason and who wanted them.");
	write_groups(out, "flowgate_rules_refused_total", "reason", m->refused, m->refused_groups);
	write_peers(out, r);
	write_commits(out, m);
}
