/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of a call on their way to a daemon. In: files, in whatever form, and words. Out: objects with octets as on the wire, so that
 * nothing is lost on the way; as many to a call as fit its line, and the calls numbered as parts of one transaction. Syntax is
 * judged here, with the place in the file; everything else is the daemon's to judge.
 */
#include "ctrl/cli/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/rule/print.h"

enum {
	CALL_OCTETS = 4096, /* of a line, for what stands around the rules */
	PART_OCTETS = FG_CLIENT_LINE_MAX - CALL_OCTETS,
};

struct batch {
	const struct fg_cli *cli;
	const struct fg_load *load;
	struct fg_client *client;
	const char *method;
	json_t *parameters; /* of the last part */
	char *text;
	size_t sent; /* rules */
	json_int_t parts;
};

/* ---- Reading ---- */

/* The words behind `--` as one text. */
static int load_words(const struct fg_cli *cli, struct fg_load *load)
{
	size_t len = 0, at = 0;
	char *text;
	int r;

	for (size_t i = 0; i < cli->text.n; i++)
		len += strlen(cli->text.at[i]) + 1;
	text = calloc(1, len + 1);
	if (text == NULL)
		return fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory");
	for (size_t i = 0; i < cli->text.n; i++)
		at += (size_t)sprintf(text + at, "%s%s", i > 0 ? " " : "", cli->text.at[i]);
	r = fg_load_text(load, "--", text, at, (enum fg_load_form)cli->form);
	free(text);
	if (r > 0)
		fprintf(stderr, "%s\n", load->error);
	else if (r < 0)
		fg_cli_fail(0, "%s", load->error);
	return r == 0 ? FG_EXIT_DONE : r > 0 ? FG_EXIT_USAGE : FG_EXIT_ENVIRONMENT;
}

int fg_batch_load(const struct fg_cli *cli, struct fg_load **load)
{
	int r;

	*load = NULL;
	if (cli->argument.n == 0 && cli->text.n == 0)
		return fg_cli_usage(cli, "expected a file of rules, - for standard input, or a rule behind --");
	r = fg_cli_loader(cli, load);
	if (r == FG_EXIT_DONE)
		r = fg_cli_files(cli, *load, cli->argument.at, cli->argument.n);
	if (r == FG_EXIT_DONE && cli->text.n > 0)
		r = load_words(cli, *load);
	if (r != FG_EXIT_DONE) {
		fg_load_free(*load);
		*load = NULL;
	}
	return r;
}

/* ---- Rules as objects ---- */

static void add_attributes(json_t *o, const struct fg_loaded *rule)
{
	const struct {
		const char *key, *value;
	} attributes[] = { { "name", rule->rule.name },
			   { "owner", rule->owner },
			   { "ticket", rule->ticket },
			   { "site", rule->site },
			   { "source", rule->source } };

	for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
		if (attributes[i].value[0] != '\0')
			json_object_set_new(o, attributes[i].key, fg_show_string(attributes[i].value));
	if (rule->ttl_s != 0)
		json_object_set_new(o, "ttl", json_integer(rule->ttl_s));
	json_object_set_new(o, "line", json_integer(rule->line));
}

static bool is_sayable(const struct fg_loaded *rule)
{
	return !rule->actions_bad && (fg_show_has_nlri(rule) || rule->checked);
}

size_t fg_batch_unsayable(const struct fg_cli *cli, const struct fg_load *load)
{
	char *text = malloc(FG_TEXT_MAX);
	size_t n = 0;

	for (size_t i = 0; i < load->count && text != NULL; i++) {
		if (is_sayable(load->rule[i]))
			continue;
		n++;
		if (cli->json)
			fg_show_line(fg_show_rule(load->rule[i], text));
		else
			fg_show_findings(stdout, "", load->rule[i]);
	}
	free(text);
	return n;
}

/* Octets where they say it all and are read over there as here; text otherwise. */
json_t *fg_batch_rule(const struct fg_loaded *rule, char *text)
{
	char *nlri;
	json_t *o;

	if (!is_sayable(rule))
		return NULL;
	if (fg_show_has_nlri(rule) && rule->rule.offset_form == FG_OFFSET_STRICT) {
		nlri = fg_show_nlri(rule);
		o = json_pack("{s:s,s:s?,s:o}", "family", fg_show_family(&rule->rule), "nlri", nlri, "actions",
			      fg_show_communities_array(&rule->rule.actions));
		free(nlri);
	} else {
		o = fg_show_text(rule, text) ? json_pack("{s:s}", "text", text) : NULL;
	}
	if (o != NULL)
		add_attributes(o, rule);
	return o;
}

/* Octets of an object in an array, the comma too. */
static size_t octets_of(const json_t *object)
{
	return json_dumpb(object, NULL, 0, JSON_COMPACT) + 1;
}

/* The rules from the one at *next on that fit a line together. NULL: no memory. */
static json_t *part_take(const struct batch *b, size_t *next)
{
	json_t *part = json_array();
	size_t octets = 0;

	while (part != NULL && *next < b->load->count) {
		json_t *rule = fg_batch_rule(b->load->rule[*next], b->text);
		size_t more = rule != NULL ? octets_of(rule) : 0;

		if (octets + more > PART_OCTETS && octets > 0) {
			json_decref(rule);
			break;
		}
		octets += more;
		if (rule != NULL)
			json_array_append_new(part, rule);
		++*next;
	}
	return part;
}

/* How many lines they take; an empty batch takes one. */
static json_int_t parts_count(const struct batch *b)
{
	json_int_t parts = 0;

	for (size_t next = 0; next < b->load->count || parts == 0; parts++)
		json_decref(part_take(b, &next));
	return parts;
}

/* ---- Sending ---- */

/* One part; those before the last are answered by a word. */
static enum fg_client_result part_send(struct batch *b, json_int_t number)
{
	bool last = number == b->parts, continues;
	json_t *parameters = last ? json_incref(b->parameters) : json_object(), *reply = NULL;
	enum fg_client_result r;

	json_object_set_new(parameters, "rules", part_take(b, &b->sent));
	if (b->parts > 1) {
		json_object_set_new(parameters, "part", json_integer(number));
		json_object_set_new(parameters, "parts", json_integer(b->parts));
	}
	r = fg_client_call(b->client, b->method, parameters, last && strcmp(b->method, "AddRules") == 0);
	if (r == FG_CLIENT_DONE && !last)
		r = fg_online_reply(b->cli, b->client, &reply, &continues);
	json_decref(reply);
	return r;
}

/* All answers to the last part, whose Rules go to `each`. */
static int answers_take(struct batch *b, int (*each)(void *ctx, json_t *rule), void *ctx, json_t **reply)
{
	enum fg_client_result r = FG_CLIENT_DONE;
	bool continues = true;
	int code = FG_EXIT_DONE;

	while (continues && code == FG_EXIT_DONE) {
		json_decref(*reply);
		r = fg_online_reply(b->cli, b->client, reply, &continues);
		if (r != FG_CLIENT_DONE)
			break;
		code = fg_online_each(*reply, "rules", each, ctx);
	}
	if (r == FG_CLIENT_DONE)
		return code;
	fg_online_each(fg_client_error_parameters(b->client), "rules", each, ctx);
	return fg_online_fail(b->cli, b->client, r);
}

static int batch_send(struct batch *b, int (*each)(void *ctx, json_t *rule), void *ctx, json_t **reply)
{
	enum fg_client_result r = FG_CLIENT_DONE;

	b->parts = parts_count(b);
	for (json_int_t number = 1; number <= b->parts && r == FG_CLIENT_DONE; number++)
		r = part_send(b, number);
	return r == FG_CLIENT_DONE ? answers_take(b, each, ctx, reply) : fg_online_fail(b->cli, b->client, r);
}

int fg_batch_send(const struct fg_cli *cli, const struct fg_load *load, const char *method, json_t *parameters,
		  int (*each)(void *ctx, json_t *rule), void *ctx, json_t **reply)
{
	struct batch b = { .cli = cli, .load = load, .method = method, .parameters = parameters };
	int code = fg_online_open(cli, FG_ONLINE_BATCH_TIMEOUT_S, &b.client);

	*reply = NULL;
	b.text = code == FG_EXIT_DONE ? malloc(FG_TEXT_MAX) : NULL;
	if (code == FG_EXIT_DONE)
		code = b.text == NULL ? fg_cli_fail(FG_EXIT_ENVIRONMENT, "out of memory")
				      : batch_send(&b, each, ctx, reply);
	if (code != FG_EXIT_DONE) {
		json_decref(*reply);
		*reply = NULL;
	}
	json_decref(parameters);
	free(b.text);
	fg_client_close(b.client);
	return code;
}
