/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is said of BGP: peers, UPDATEs that were wrong, rules that a peer has announced and the gate does not have, and metrics. A rule
 * of a peer is decoded when it is in the table, admitted when the gate has it, and enforced when the gate says so: `state` tells how far it came.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/pages.h"
#include "ctrl/load/show.h"

_Static_assert((int)FG_METRICS_RESULTS == (int)FG_BGP_RESULTS, "each result has a series");

const char *fg_bgp_result_name(enum fg_bgp_result result)
{
	static const char *const names[FG_BGP_RESULTS] = {
		[FG_BGP_ANNOUNCED] = "announced",       [FG_BGP_WITHDRAWN] = "withdrawn",
		[FG_BGP_MALFORMED] = "malformed",       [FG_BGP_TAKEN_WITHDRAWN] = "treated-as-withdrawn",
		[FG_BGP_OVER_MAXIMUM] = "over-maximum", [FG_BGP_BARRED] = "barred",
		[FG_BGP_ADMITTED] = "admitted",         [FG_BGP_REFUSED] = "refused",
	};

	return names[result];
}

/* ---- Rules ---- */

static const char *state_of(const struct fg_rib_path *p)
{
	const struct fg_rib_path *best = fg_rib_best(p->entry);

	if (p->refused)
		return "refused";
	if (p->over)
		return "ended";
	return best == p ? "decoded" : "yields";
}

/* The name of a rule that the gate has no number of: the peer's and a hash of the NLRI. */
static void name_of(const struct fg_bgp_peer *p, const struct fg_rule *r, char out[FG_NAME_MAX + 1])
{
	uint64_t hash = fg_record_hash(r->family, r->offset_form, r->nlri, r->nlri_len, 0);

	snprintf(out, FG_NAME_MAX + 1, "%.50s/%08x", p->config.name, (unsigned)(hash >> 32));
}

json_t *fg_bgp_rule_object(const struct fg_bgp_peer *p, const struct fg_bgp_told *told)
{
	const struct fg_rule *rule = &told->rule;
	struct fg_record head = { .family = rule->family,
				  .offset_form = rule->offset_form,
				  .flags = (uint8_t)(FG_RECORD_BGP | (told->count_only ? FG_RECORD_COUNT_ONLY : 0)),
				  .actions = rule->actions };
	struct fg_record_view view = { .state = told->state, .reasons = json_array() };
	struct fg_records one = { 0 };
	json_t *o = NULL;

	memcpy(head.by.source, p->config.name, sizeof(head.by.source));
	snprintf(head.by.site, sizeof(head.by.site), "%s", told->site);
	name_of(p, rule, head.name);
	if (told->why != NULL)
		json_array_append_new(view.reasons, fg_reason_object(told->why));
	if (fg_records_add(&one, &head, rule->nlri, rule->nlri_len, (struct fg_pattern_text){ NULL, 0 }) == 0)
		o = fg_record_object(fg_records_next(&one, NULL), &view);
	else
		json_decref(view.reasons);
	fg_records_free(&one);
	return o;
}

static json_t *path_object(const struct fg_bgp *b, const struct fg_rib_path *p)
{
	struct fg_finding why;
	struct fg_bgp_told told = { .rule = fg_rib_rule(p),
				    .site = fg_rib_site(&b->rib, p),
				    .state = state_of(p),
				    .why = fg_rib_finding(p, &why) ? &why : NULL,
				    .count_only = p->count_only };

	return fg_bgp_rule_object(&b->peer[p->peer], &told);
}

bool fg_bgp_bucket_rules(const struct fg_bgp *b, size_t bucket, const char *source, const char *name,
			 void (*each)(void *ctx, json_t *rule), void *ctx)
{
	char its[FG_NAME_MAX + 1];

	if (b == NULL || bucket >= b->rib.buckets)
		return false;
	for (const struct fg_rib_entry *e = b->rib.bucket[bucket]; e != NULL; e = e->chain)
		for (const struct fg_rib_path *p = e->first; p != NULL; p = p->next) {
			const struct fg_bgp_peer *peer = &b->peer[p->peer];
			const struct fg_rule rule = fg_rib_rule(p);

			name_of(peer, &rule, its);
			if (fg_rib_in_gate(p) || (source != NULL && strcmp(source, peer->config.name) != 0) ||
			    (name != NULL && strcmp(name, its) != 0))
				continue;
			each(ctx, path_object(b, p));
		}
	return true;
}

json_t *fg_bgp_reasons(const struct fg_bgp *b, const struct fg_record *r, bool waits)
{
	const struct fg_rule rule = fg_record_rule(r);
	const struct fg_rib_path *path = NULL;
	json_t *reasons = json_array();
	struct fg_finding why;

	for (unsigned i = 0; b != NULL && i < FG_PEERS_MAX; i++)
		if (b->peer[i].used && strcmp(b->peer[i].config.name, r->by.source) == 0)
			path = fg_rib_find(&b->rib, i, &rule);
	/* One that has waited has room now. */
	if (path != NULL && fg_rib_finding(path, &why) && (waits || why.code != FG_OVER_BUDGET))
		json_array_append_new(reasons, fg_reason_object(&why));
	return reasons;
}

/* ---- Peers ---- */

static json_t *address_object(const struct fg_address *a)
{
	char text[INET6_ADDRSTRLEN];

	inet_ntop(a->family == FG_IPV6 ? AF_INET6 : AF_INET, a->octets, text, sizeof(text));
	return json_string(text);
}

static json_t *counts_object(const struct fg_bgp_peer *p)
{
	json_t *o = json_object();

	for (int i = 0; i < FG_BGP_RESULTS; i++)
		json_object_set_new(o, fg_bgp_result_name((enum fg_bgp_result)i),
				    json_integer((json_int_t)p->count[i]));
	return o;
}

static json_t *rules_object(const struct fg_bgp_peer *p)
{
	const struct fg_rib *rib = &p->all->rib;
	json_int_t in_gate = 0, refused = 0, others = 0;

	for (const struct fg_rib_path *at = fg_rib_each(rib, p->index, NULL); at != NULL;
	     at = fg_rib_each(rib, p->index, at)) {
		in_gate += fg_rib_in_gate(at);
		refused += at->refused;
		others += !at->refused && !fg_rib_in_gate(at);
	}
	return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "decoded", (json_int_t)rib->peer[p->index].count, "admitted",
			 in_gate, "refused", refused, "waiting", others, "stale",
			 (json_int_t)fg_rib_stales(rib, p->index), "maximum", (json_int_t)p->config.max_rules);
}

static json_t *families_array(const struct fg_bgp_peer *p, bool up)
{
	json_t *all = json_array();

	for (int f = 0; up && f < FG_FAMILY_COUNT; f++)
		if (p->session.flowspec[f])
			json_array_append_new(all, json_string(f == FG_IPV6 ? "ipv6-flowspec" : "ipv4-flowspec"));
	for (int f = 0; up && f < FG_FAMILY_COUNT; f++)
		if (p->session.unicast[f])
			json_array_append_new(all, json_string(f == FG_IPV6 ? "ipv6-unicast" : "ipv4-unicast"));
	return all;
}

static json_t *peer_object(const struct fg_bgp_peer *p)
{
	const struct fg_session *s = &p->session;
	bool up = fg_session_state(s) == FG_SESSION_ESTABLISHED;
	uint64_t since_s = fg_now_s() - (fg_bgp_now_ms(p->all) - s->since_ms) / 1000;
	struct in_addr id = { htonl(s->conn[FG_CONN_CHOSEN].open.id) };

	return json_pack("{s:o,s:o,s:I,s:I,s:s,s:I,s:I,s:i,s:o,s:s,s:b,s:o,s:o,s:I,s:I,s:b,s:o,s:b}", "name",
			 fg_show_string(p->config.name), "address", address_object(&p->config.address), "as",
			 (json_int_t)p->config.as, "local_as", (json_int_t)p->config.local_as, "state",
			 fg_session_state_name(fg_session_state(s)), "since", (json_int_t)since_s, "preference",
			 (json_int_t)p->config.preference, "hold_time", up ? (int)s->hold_s : 0, "families",
			 families_array(p, up), "router_id", up ? inet_ntoa(id) : "", "graceful_restart",
			 up && s->conn[FG_CONN_CHOSEN].open.restart && s->ours.restart, "rules", rules_object(p),
			 "counts", counts_object(p), "updates", (json_int_t)p->updates, "bad_updates",
			 (json_int_t)p->bads, "service_announced", p->announced && p->all->well, "last_error",
			 fg_show_string(s->last.detail), "last_error_ours", s->last_ours);
}

void fg_method_list_peers(struct fg_op *op)
{
	const char *name = fg_op_string(op, "peer");
	const struct fg_bgp *b = op->ctrl->bgp;
	json_t *all = json_array();

	for (size_t i = 0; i < FG_PEERS_MAX; i++)
		if (b->peer[i].used && (name == NULL || strcmp(name, b->peer[i].config.name) == 0))
			json_array_append_new(all, peer_object(&b->peer[i]));
	if (name != NULL && json_array_size(all) == 0) {
		json_decref(all);
		fg_op_error(op, "PeerNotFound", json_pack("{s:o}", "peer", fg_show_string(name)));
		return;
	}
	fg_op_reply(op, json_pack("{s:o,s:I,s:I}", "peers", all, "strangers", (json_int_t)b->strangers, "pending",
				  (json_int_t)(b->rib.queued + b->steps)));
}

/* ---- Bad UPDATEs ---- */

static json_t *bad_object(const struct fg_bgp_peer *p, const struct fg_bgp_bad *bad)
{
	char hex[2 * FG_BGP_ERROR_OCTETS_MAX + 1];

	fg_hex_write(hex, bad->octets, bad->kept);
	return json_pack("{s:o,s:I,s:I,s:o,s:s,s:I,s:s}", "peer", fg_show_string(p->config.name), "number",
			 (json_int_t)bad->number, "time", (json_int_t)bad->time_s, "what", fg_show_string(bad->what),
			 "done", bad->done, "octets", (json_int_t)bad->len, "update", hex);
}

static json_t *errors_reply(struct fg_pages *pages)
{
	return json_pack("{s:o}", "errors", fg_pages_take(pages));
}

/* The oldest first; what does not fit one reply goes in the next, where there may be one. */
static void add_bad(struct fg_op *op, struct fg_pages *pages, const struct fg_bgp_peer *p)
{
	uint64_t first = p->bads > FG_BGP_ERRORS_MAX ? p->bads - FG_BGP_ERRORS_MAX : 0;

	for (uint64_t i = first; i < p->bads; i++) {
		const struct fg_bgp_bad *bad = p->bad[i % FG_BGP_ERRORS_MAX];
		json_t *o = bad != NULL ? bad_object(p, bad) : NULL;

		if (o == NULL || fg_pages_add(pages, o))
			continue;
		if (op->more) {
			fg_op_continue(op, errors_reply(pages));
			fg_pages_add(pages, o);
		} else {
			json_decref(o);
		}
	}
}

void fg_method_bgp_errors(struct fg_op *op)
{
	const char *name = fg_op_string(op, "peer");
	const struct fg_bgp *b = op->ctrl->bgp;
	struct fg_pages pages = { 0 };

	for (size_t i = 0; i < FG_PEERS_MAX; i++)
		if (b->peer[i].used && (name == NULL || strcmp(name, b->peer[i].config.name) == 0))
			add_bad(op, &pages, &b->peer[i]);
	fg_op_reply(op, errors_reply(&pages));
	fg_pages_free(&pages);
}

/* ---- Metrics ---- */

size_t fg_bgp_reading(const struct fg_bgp *b, struct fg_metrics_peer out[FG_PEERS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; b != NULL && i < FG_PEERS_MAX; i++) {
		const struct fg_bgp_peer *p = &b->peer[i];

		if (!p->used)
			continue;
		memcpy(out[n].name, p->config.name, sizeof(out[n].name));
		out[n].up = fg_session_state(&p->session) == FG_SESSION_ESTABLISHED;
		out[n].rules = b->rib.peer[i].count;
		out[n].stale = fg_rib_stales(&b->rib, (unsigned)i);
		for (int r = 0; r < FG_BGP_RESULTS; r++)
			out[n].count[r] = p->count[r];
		n++;
	}
	return n;
}
