/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules as the verbs show them: JSON objects, findings as sentences, octets in hex. In: judged rules. Out: what is
 * printed. The shapes are a contract with other programs; keys may be added, not changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/cli/cli.h"
#include "ctrl/rule/print.h"

bool fg_show_has_nlri(const struct fg_loaded *rule)
{
	return rule->rule.nlri_len > 0 && rule->payload[0] == '\0';
}

char *fg_show_nlri(const struct fg_loaded *rule)
{
	char *out;

	if (rule->framed)
		return fg_show_octets(&rule->rule);
	out = malloc(2 * (size_t)rule->rule.nlri_len + 1);
	if (out != NULL)
		fg_hex_write(out, rule->rule.nlri, rule->rule.nlri_len); /* as it came */
	return out;
}

bool fg_show_text(const struct fg_loaded *rule, char *text)
{
	if (!rule->checked || rule->actions_bad || fg_rule_print(&rule->rule, text, FG_TEXT_MAX) == 0)
		return false;
	return fg_show_pattern(text, FG_TEXT_MAX, rule->payload, strlen(rule->payload));
}

const char *fg_show_state(const struct fg_loaded *rule)
{
	static const char *const names[] = {
		[FG_STATE_ADMITTED] = "admitted",
		[FG_STATE_REFUSED] = "refused",
		[FG_STATE_MALFORMED] = "malformed",
	};

	return names[rule->state];
}

static void add_attributes(json_t *o, const struct fg_loaded *rule)
{
	const struct {
		const char *key, *value;
	} attributes[] = { { "owner", rule->owner },   { "ticket", rule->ticket },   { "site", rule->site },
			   { "source", rule->source }, { "payload", rule->payload }, { "file", rule->file } };

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (attributes[i].value[0] != '\0')
			json_object_set_new(o, attributes[i].key, fg_show_string(attributes[i].value));
	if (rule->ttl_s != 0)
		json_object_set_new(o, "ttl", json_integer(rule->ttl_s));
}

json_t *fg_show_rule(const struct fg_loaded *rule, char *text)
{
	json_t *reasons = json_array(), *cost = json_null(), *o;
	char name[FG_NAME_MAX + 1], *nlri = fg_show_has_nlri(rule) ? fg_show_nlri(rule) : NULL;

	for (size_t i = 0; i < rule->findings; i++)
		json_array_append_new(reasons, fg_show_finding(&rule->finding[i]));
	if (rule->checked)
		cost = json_pack("{s:I,s:I,s:I}", "bytes", (json_int_t)rule->cost.bytes, "lines",
				 (json_int_t)rule->cost.lines, "slots", (json_int_t)rule->cost.slots);
	if (rule->pattern_bytes > 0)
		json_object_set_new(cost, "pattern_bytes", json_integer((json_int_t)rule->pattern_bytes));
	o = json_pack("{s:o,s:o,s:s,s:s?,s:o,s:s,s:o,s:o,s:I}", "name", fg_show_string(fg_loaded_name(rule, name)),
		      "text", fg_show_text(rule, text) ? fg_show_string(text) : json_null(), "family",
		      fg_show_family(&rule->rule), "nlri", nlri, "precedence",
		      rule->precedence ? json_integer(rule->precedence) : json_null(), "state", fg_show_state(rule),
		      "reasons", reasons, "cost", cost, "line", (json_int_t)rule->line);
	free(nlri);
	if (o != NULL) {
		json_object_set_new(o, "actions", fg_show_communities_array(&rule->rule.actions));
		add_attributes(o, rule);
	}
	return o;
}

json_t *fg_show_summary(const struct fg_load *load)
{
	const struct fg_limits *l = &load->limits;

	return json_pack("{s:{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}}", "summary", "rules",
			 (json_int_t)load->count, "admitted", (json_int_t)load->admitted, "refused",
			 (json_int_t)(load->count - load->admitted), "bytes", (json_int_t)load->cost.bytes,
			 "bytes_budget", (json_int_t)l->bytes, "lines", (json_int_t)load->cost.lines, "lines_budget",
			 (json_int_t)l->lines, "slots", (json_int_t)load->cost.slots, "slots_budget",
			 (json_int_t)l->slots, "malformed", (json_int_t)load->malformed, "pattern_bytes",
			 (json_int_t)load->patterns.octets, "pattern_bytes_budget", (json_int_t)l->pattern_bytes,
			 "scan_bytes", load->patterns.serialised != NULL ? (json_int_t)l->scan_octets : 0);
}

int fg_show_line(json_t *object)
{
	char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
	int written;

	json_decref(object);
	if (line == NULL)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	written = puts(line);
	free(line);
	return written < 0 ? fg_cli_fail(FG_EXIT_ENVIRONMENT, "cannot write: %s", strerror(errno)) : FG_EXIT_DONE;
}

int fg_show_rules(const struct fg_load *load, char *text)
{
	int r = FG_EXIT_DONE;

	for (size_t i = 0; i < load->count && r == FG_EXIT_DONE; i++)
		r = fg_show_line(fg_show_rule(load->rule[i], text));
	return r == FG_EXIT_DONE ? fg_show_line(fg_show_summary(load)) : r;
}

void fg_show_findings(FILE *to, const char *before, const struct fg_loaded *rule)
{
	char name[FG_NAME_MAX + 1];

	for (size_t i = 0; i < rule->findings; i++) {
		const struct fg_finding *f = &rule->finding[i];

		fprintf(to, "%s%s: %s%s%s%s: %s", before, fg_loaded_name(rule, name),
			fg_reason_is_warning(f->code) ? "warning: " : "", fg_reason_name(f->code),
			f->component ? " " : "", fg_component_name(f->component), f->detail);
		if (f->code == FG_MALFORMED)
			fprintf(to, ", at octet %u", f->octet);
		if (f->code == FG_OVER_BUDGET)
			fprintf(to, "; cheapest fix: %s", f->cheapest_fix);
		fprintf(to, " (%s)\n", f->source);
	}
}

int fg_show_end(int code)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "cannot write: %s", strerror(errno));
	return code;
}
