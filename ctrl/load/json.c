/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules as JSON, one object a line: {"text":"match … then …"}, or
 * {"family":"ipv4","nlri":"HEX","actions":["HEX",…],"name":"…"} with octets as on the wire. What `check --json` and
 * `encode --json` write reads back; their summaries are passed over. In: text. Out: rules on the loader's list.
 * Always holds: a key that is not known is an error, for what is not understood must not make a rule wider; where
 * an object has both text and octets, they are the same rule.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "ctrl/load/steps.h"

enum { NLRI_OCTETS = 2 + 8 + FG_NLRI_MAX };

struct line {
	const char *file;
	size_t number;
	const json_t *object;
};

static int wrong(struct fg_load *load, const struct line *l, const char *what)
{
	return fg_load_syntax(load, l->file, l->number, 1, "%s", what);
}

static int keys_check(struct fg_load *load, const struct line *l)
{
	/* The latter are of rules as a daemon lists them. */
	static const char *const known[] = { "name",       "text",     "family",     "nlri",  "actions", "owner",
					     "ticket",     "site",     "source",     "ttl",   "line",    "file",
					     "precedence", "state",    "reasons",    "cost",  "payload", "count_only",
					     "static",     "sequence", "generation", "added", "expires", "matched",
					     "passed",     "dropped",  "last_hit" };
	void *it = json_object_iter((json_t *)(uintptr_t)l->object);

	for (; it != NULL; it = json_object_iter_next((json_t *)(uintptr_t)l->object, it)) {
		const char *key = json_object_iter_key(it);
		size_t i = 0;

		while (i < sizeof(known) / sizeof(known[0]) && strcmp(key, known[i]) != 0)
			i++;
		if (i == sizeof(known) / sizeof(known[0]))
			return fg_load_syntax(
				load, l->file, l->number, 1,
				"unexpected key '%.80s', expected text, or family, nlri, actions and name", key);
	}
	return 0;
}

/* The string under a key, NULL where it is absent or null. */
static int string_of(struct fg_load *load, const struct line *l, const char *key, const char **out)
{
	const json_t *v = json_object_get(l->object, key);

	*out = json_string_value(v);
	if (v != NULL && !json_is_null(v) && *out == NULL)
		return fg_load_syntax(load, l->file, l->number, 1, "unexpected value of '%s', expected a string", key);
	return 0;
}

static int take_name(struct fg_load *load, const struct line *l, struct fg_loaded *rule)
{
	const char *name;
	int r = string_of(load, l, "name", &name);

	if (r != 0 || name == NULL || name[0] == '#')
		return r; /* "#3" is how a rule without name is shown */
	if (strlen(name) > FG_NAME_MAX)
		return wrong(load, l, "unexpected name, expected one of at most 63 octets");
	strcpy(rule->rule.name, name);
	return 0;
}

/* Text would have to say it too: one line, each quote behind a backslash, no backslash left over; and what it said already. */
static int check_payload(struct fg_load *load, const struct line *l, const char *payload, const char *said)
{
	bool behind = false; /* a backslash */
	const char *c = payload;

	if (said[0] != '\0' && strcmp(said, payload) != 0)
		return wrong(load, l, "'text' and 'payload' are not the same pattern");
	for (; *c != '\0' && *c != '\n' && (*c != '"' || behind); c++)
		behind = *c == '\\' && !behind;
	return *c == '\0' && !behind
		       ? 0
		       : wrong(load, l, "unexpected value of 'payload', expected one line with \\\" for each quote");
}

/* Owner, ticket, site and source: kept as they are. */
static int take_strings(struct fg_load *load, const struct line *l, struct fg_loaded *rule)
{
	const struct {
		const char *key, **to;
	} strings[] = { { "owner", &rule->owner },
			{ "ticket", &rule->ticket },
			{ "site", &rule->site },
			{ "source", &rule->source },
			{ "payload", &rule->payload } };
	const char *text;

	for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
		int r = string_of(load, l, strings[i].key, &text);

		if (r != 0)
			return r;
		if (text == NULL || text[0] == '\0')
			continue;
		if (strings[i].to == &rule->payload)
			r = check_payload(load, l, text, rule->payload);
		if (r != 0)
			return r;
		if (strings[i].to != &rule->payload && strlen(text) > FG_NAME_MAX)
			return fg_load_syntax(load, l->file, l->number, 1,
					      "unexpected %s, expected one of at most 63 octets", strings[i].key);
		*strings[i].to = fg_arena_copy(&load->arena, text, strlen(text) + 1);
		if (*strings[i].to == NULL)
			return -ENOMEM;
	}
	return 0;
}

/* What an object says beside conditions and actions. */
static int take_attributes(struct fg_load *load, const struct line *l, struct fg_loaded *rule)
{
	const json_t *ttl = json_object_get(l->object, "ttl");
	bool had_payload = rule->payload[0] != '\0';
	int r = take_strings(load, l, rule);

	if (r == 0 && ttl != NULL) {
		if (!json_is_integer(ttl) || json_integer_value(ttl) < 1 || json_integer_value(ttl) > UINT32_MAX)
			return wrong(load, l, "unexpected value of 'ttl', expected seconds");
		rule->ttl_s = (uint32_t)json_integer_value(ttl);
	}
	if (r == 0 && json_object_get(l->object, "count_only") != NULL) {
		if (!json_is_boolean(json_object_get(l->object, "count_only")))
			return wrong(load, l, "unexpected value of 'count_only', expected true or false");
		rule->count_only = json_is_true(json_object_get(l->object, "count_only"));
	}
	if (r == 0 && rule->payload[0] != '\0' && !had_payload)
		r = fg_load_payload(load, rule);
	return r != 0 || rule->rule.name[0] != '\0' ? r : take_name(load, l, rule);
}

static int take_actions(struct fg_load *load, const struct line *l, struct fg_loaded *rule)
{
	const json_t *list = json_object_get(l->object, "actions"), *one;
	size_t i;
	int r = 0;

	if (list == NULL || json_is_null(list))
		return wrong(load, l, "unexpected rule without actions, expected \"actions\":[\"HEX\",…]");
	if (!json_is_array(list))
		return wrong(load, l, "unexpected value of 'actions', expected an array of communities in hex");
	json_array_foreach(list, i, one)
	{
		if (!json_is_string(one))
			return wrong(load, l, "unexpected value in 'actions', expected a community in hex");
		r = fg_load_communities(load, rule, json_string_value(one), json_string_length(one));
		if (r != 0)
			return r > 0 ? wrong(load, l, "unexpected community, expected 8 or 20 octets in hex") : r;
	}
	return r;
}

/* The octets of "nlri"; *len < 0: there are none. */
static int octets_of(struct fg_load *load, const struct line *l, uint8_t *octets, long *len)
{
	const char *hex;
	int r = string_of(load, l, "nlri", &hex);

	*len = -1;
	if (r != 0 || hex == NULL)
		return r;
	*len = fg_hex_read(hex, strlen(hex), octets, NLRI_OCTETS);
	return *len < 0 ? wrong(load, l, "unexpected value of 'nlri', expected octets in hex") : 0;
}

static int take_octets(struct fg_load *load, const struct line *l, enum fg_family family, bool vpn,
		       const uint8_t *octets, size_t len)
{
	struct fg_loaded *rule;
	size_t used;
	int r = fg_load_octets(load, family, vpn, octets, len, NULL, &used);

	if (r != 0)
		return r;
	if (used < len)
		return wrong(load, l, "unexpected octets behind the NLRI");
	rule = load->rule[load->count - 1];
	rule->file = l->file;
	rule->line = (uint32_t)l->number;
	r = take_actions(load, l, rule);
	return r != 0 ? r : take_attributes(load, l, rule);
}

/* The rule of "text", which is to be one, and that of "nlri" where there is one too. */
static int take_text(struct fg_load *load, const struct line *l, const char *text, const uint8_t *octets, long len)
{
	size_t before = load->count;
	char inner[FG_LOAD_ERROR_MAX];
	struct fg_loaded *rule;
	int r = fg_load_language(load, "text", text, strlen(text));
	struct fg_reader wire = { octets, octets + (len > 0 ? len : 0) };
	struct fg_rule read = { 0 };
	bool framed;

	if (r > 0) {
		memcpy(inner, load->error, sizeof(inner));
		return fg_load_syntax(load, l->file, l->number, 1, "%.700s", inner);
	}
	if (r != 0)
		return r;
	if (load->count != before + 1)
		return wrong(load, l, "unexpected value of 'text', expected one rule");
	rule = load->rule[before];
	rule->file = l->file;
	rule->line = (uint32_t)l->number;
	if (len >= 0 &&
	    (fg_nlri_read(&wire, rule->rule.family, false, rule->rule.offset_form, &read, &framed, NULL) != 0 ||
	     read.nlri_len != rule->rule.nlri_len || memcmp(read.nlri, rule->rule.nlri, read.nlri_len) != 0))
		return wrong(load, l, "'text' and 'nlri' are not the same rule");
	return take_attributes(load, l, rule);
}

static int take_object(struct fg_load *load, const struct line *l)
{
	enum fg_family family = FG_IPV4;
	uint8_t octets[NLRI_OCTETS];
	const char *text, *word;
	bool vpn = false;
	long len;
	int r;

	if (!json_is_object(l->object))
		return wrong(load, l, "unexpected value, expected an object");
	if (json_object_get(l->object, "summary") != NULL)
		return 0;
	r = keys_check(load, l);
	if (r == 0)
		r = string_of(load, l, "text", &text);
	if (r == 0)
		r = string_of(load, l, "family", &word);
	if (r == 0)
		r = octets_of(load, l, octets, &len);
	if (r != 0)
		return r;
	if (word != NULL && !fg_family_read(word, strlen(word), &family, &vpn))
		return wrong(load, l, "unexpected value of 'family', expected ipv4 or ipv6");
	if (text != NULL && !vpn)
		return take_text(load, l, text, octets, len);
	if (len < 0)
		return wrong(load, l, "unexpected object, expected 'text' or 'nlri' in it");
	return take_octets(load, l, family, vpn, octets, (size_t)len);
}

static bool is_empty(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (line[i] == '#')
			return true;
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	}
	return true;
}

static int take_line(struct fg_load *load, struct line *l, const char *text, size_t len)
{
	json_error_t error;
	json_t *object;
	int r;

	if (is_empty(text, len))
		return 0;
	object = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		return fg_load_syntax(load, l->file, l->number, error.column > 0 ? (size_t)error.column : 1, "%s",
				      error.text);
	l->object = object;
	r = take_object(load, l);
	json_decref(object);
	return r;
}

int fg_load_json(struct fg_load *load, const char *name, const char *text, size_t len)
{
	struct line line = { .file = name, .number = 1 };
	const char *end = text + len;
	int r = 0;

	for (; text < end && r == 0; line.number++) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		const char *stop = newline ? newline : end;

		r = take_line(load, &line, text, (size_t)(stop - text));
		text = stop + 1;
	}
	return r;
}
