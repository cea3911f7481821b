/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules as objects of the interface. In: records and what the gate says of them. Out: JSON. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/daemon/records.h"
#include "ctrl/load/show.h"
#include "ctrl/rule/print.h"

enum { SHOWN_TEXT_MAX = 16 << 10 }; /* a text above it would leave no room in a line */

#define NS_PER_S 1000000000.0

static char text[FG_TEXT_MAX];

const char *fg_rule_state_name(uint32_t state)
{
	static const char *const names[] = { "unknown", "enforced", "waiting", "yields", "elsewhere" };

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : names[0];
}

json_t *fg_reason_object(const struct fg_finding *f)
{
	json_t *o = fg_show_finding(f);

	if (o != NULL && json_is_null(json_object_get(o, "component")))
		json_object_set_new(o, "component", json_string(""));
	return o;
}

static json_t *count_object(const struct fg_count *c)
{
	return json_pack("{s:I,s:I}", "packets", (json_int_t)c->packets, "bytes", (json_int_t)c->bytes);
}

static void add_listed(json_t *o, const struct fg_record_view *v)
{
	const struct fg_listed *l = v->listed;

	json_object_set_new(o, "sequence", json_integer((json_int_t)l->sequence));
	json_object_set_new(o, "generation", json_integer((json_int_t)(l->generation + v->generation_base)));
	json_object_set_new(o, "added", json_integer((json_int_t)l->added_s));
	if (l->expires_s != 0)
		json_object_set_new(o, "expires", json_integer((json_int_t)l->expires_s));
	json_object_set_new(o, "cost",
			    json_pack("{s:I,s:I,s:i}", "bytes", (json_int_t)l->cost.bytes, "lines",
				      (json_int_t)l->cost.lines, "slots", 1));
}

static void add_counters(json_t *o, const struct fg_record_view *v)
{
	const struct fg_rule_counters *c = v->counters;

	json_object_set_new(o, "matched", count_object(&c->matched));
	json_object_set_new(o, "passed", count_object(&c->passed));
	json_object_set_new(o, "dropped", count_object(&c->dropped));
	if (c->last_ns != 0)
		json_object_set_new(o, "last_hit", json_real((double)(c->last_ns + v->clock_offset_ns) / NS_PER_S));
}

static const char *shown_text(const struct fg_rule *rule, struct fg_pattern_text pattern)
{
	size_t len = fg_rule_print(rule, text, sizeof(text));

	return len > 0 && fg_show_pattern(text, sizeof(text), pattern.at, pattern.octets) &&
			       strlen(text) <= SHOWN_TEXT_MAX
		       ? text
		       : "";
}

static json_t *rule_object(const struct fg_rule *rule, uint64_t place, const char *shown, const char *nlri,
			   const char *state, json_t *reasons)
{
	char number[FG_NAME_MAX + 1];

	snprintf(number, sizeof(number), "#%llu", (unsigned long long)place);
	return json_pack("{s:o,s:o,s:s,s:s,s:o,s:s,s:o}", "name",
			 fg_show_string(rule->name[0] != '\0' ? rule->name : number), "text", fg_show_string(shown),
			 "family", fg_show_family(rule), "nlri", nlri, "actions",
			 fg_show_communities_array(&rule->actions), "state", state, "reasons", reasons);
}

static void add_owner(json_t *o, const char *source, const char *owner, const char *ticket, const char *site)
{
	json_object_set_new(o, "source", fg_show_string(source));
	json_object_set_new(o, "owner", fg_show_string(owner));
	json_object_set_new(o, "ticket", fg_show_string(ticket));
	json_object_set_new(o, "site", fg_show_string(site));
}

/* No NLRI says it. */
static void add_payload(json_t *o, struct fg_pattern_text pattern)
{
	char payload[FG_PATTERN_TEXT_MAX + 1];

	if (pattern.octets == 0 || pattern.octets > FG_PATTERN_TEXT_MAX)
		return;
	snprintf(payload, sizeof(payload), "%.*s", (int)pattern.octets, pattern.at);
	json_object_set_new(o, "payload", fg_show_string(payload));
}

json_t *fg_record_object(const struct fg_record *r, const struct fg_record_view *v)
{
	struct fg_rule rule = fg_record_rule(r);
	char *nlri = fg_show_octets(&rule);
	json_t *o = NULL;

	if (nlri != NULL)
		o = rule_object(&rule, v->place, shown_text(&rule, fg_record_pattern(r)), nlri, v->state,
				v->reasons != NULL ? v->reasons : json_array());
	else
		json_decref(v->reasons);
	free(nlri);
	if (o == NULL)
		return NULL;
	add_owner(o, r->by.source, r->by.owner, r->by.ticket, r->by.site);
	add_payload(o, fg_record_pattern(r));
	json_object_set_new(o, "count_only", json_boolean(r->flags & FG_RECORD_COUNT_ONLY));
	json_object_set_new(o, "static", json_boolean(r->flags & FG_RECORD_STATIC));
	if (v->listed != NULL)
		add_listed(o, v);
	if (v->counters != NULL)
		add_counters(o, v);
	return o;
}

json_t *fg_loaded_object(const struct fg_loaded *rule, const char *source)
{
	const struct fg_pattern_text pattern = { rule->payload, (uint32_t)strlen(rule->payload) };
	bool has_text = rule->checked && !rule->actions_bad;
	char *nlri = rule->framed ? fg_show_octets(&rule->rule) : malloc(2 * (size_t)rule->rule.nlri_len + 1);
	json_t *reasons = json_array(), *o = NULL;

	for (size_t i = 0; i < rule->findings; i++)
		json_array_append_new(reasons, fg_reason_object(&rule->finding[i]));
	if (nlri != NULL && !rule->framed)
		fg_hex_write(nlri, rule->rule.nlri, rule->rule.nlri_len);
	if (nlri != NULL)
		o = rule_object(&rule->rule, rule->place, has_text ? shown_text(&rule->rule, pattern) : "", nlri,
				rule->state == FG_STATE_MALFORMED ? "malformed" : "refused", json_incref(reasons));
	json_decref(reasons);
	free(nlri);
	if (o == NULL)
		return NULL;
	add_owner(o, rule->source[0] != '\0' ? rule->source : source, rule->owner, rule->ticket, rule->site);
	add_payload(o, pattern);
	json_object_set_new(o, "count_only", json_boolean(rule->count_only));
	json_object_set_new(o, "static", json_false());
	return o;
}
