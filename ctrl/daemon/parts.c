/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of calls to batches. In: parameters. Out: records. A batch larger than a line goes in parts; any error forgets all of it, so
 * that what follows a lost part is never taken for a batch of its own. What all unfinished batches hold together is bounded.
 */
#include "ctrl/daemon/parts.h"
#include "ctrl/daemon/bgp.h"
#include "ctrl/load/show.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t charged; /* octets of batches that are not whole */

/* A batch that is not whole holds so much; one that is, or is no more, nothing. */
static void charge(struct fg_batch_parts *b, size_t octets)
{
	charged += octets - b->charged;
	b->charged = octets;
}

void fg_parts_free(struct fg_batch_parts *b)
{
	if (b == NULL)
		return;
	charge(b, 0);
	fg_records_free(&b->records);
	json_decref(b->refused);
	free(b);
}

static void forget(struct fg_op *op)
{
	fg_parts_free(op->client->parts);
	op->client->parts = NULL;
}

static int out_of_memory(struct fg_op *op)
{
	forget(op);
	fg_op_unavailable(op, "out of memory");
	return -ENOMEM;
}

/* The batch that this call goes on with, or a new one; NULL: answered. */
static struct fg_batch_parts *batch_of(struct fg_op *op)
{
	uint64_t part = fg_op_number(op, "part"), parts = fg_op_number(op, "parts");
	struct fg_batch_parts *b = op->client->parts;
	uint64_t expected = b != NULL && b->method == op->method ? b->part + 1 : 1;

	if (part > 1 && (part != expected || b == NULL || b->parts != parts)) {
		forget(op);
		fg_op_error(op, "BatchBroken", json_pack("{s:I}", "expected", (json_int_t)expected));
		return NULL;
	}
	if (part > 1) {
		b->part = part;
		return b;
	}
	forget(op);
	b = calloc(1, sizeof(*b));
	if (b == NULL || (b->refused = json_array()) == NULL) {
		free(b);
		out_of_memory(op);
		return NULL;
	}
	b->method = op->method;
	b->part = part == 0 ? 1 : part;
	b->parts = parts == 0 ? 1 : parts;
	op->client->parts = b;
	return b;
}

static int add_rule(struct fg_batch_parts *b, const struct fg_loaded *rule, enum fg_record_op what)
{
	json_t *refused;

	if (what == FG_OP_ADD && rule->state == FG_STATE_ADMITTED)
		return fg_records_add_loaded(&b->records, rule, what, FG_SOURCE_OPERATOR);
	if (what == FG_OP_DELETE && rule->checked)
		return fg_records_add_loaded(&b->records, rule, what, FG_SOURCE_OPERATOR);
	refused = fg_loaded_object(rule, FG_SOURCE_OPERATOR);
	return refused == NULL || json_array_append_new(b->refused, refused) != 0 ? -ENOMEM : 0;
}

/* Those of files of the configuration are changed there, and those of peers by their peers. */
static bool is_reserved(const struct fg_ctrl *ctrl, const struct fg_load *load)
{
	for (size_t i = 0; i < load->count; i++)
		if (strcmp(load->rule[i]->source, FG_SOURCE_FILE) == 0 ||
		    fg_bgp_is_peer(ctrl->bgp, load->rule[i]->source))
			return true;
	return false;
}

static int add_loaded(struct fg_op *op, struct fg_batch_parts *b, const struct fg_load *load, enum fg_record_op what)
{
	int r = 0;

	if (is_reserved(op->ctrl, load)) {
		forget(op);
		fg_op_error(op, "Unavailable",
			    json_pack("{s:s}", "message",
				      "rules of source 'file' are changed in the configuration, and those of a BGP "
				      "peer by the peer"));
		return -EPERM;
	}
	for (size_t i = 0; i < load->count && r == 0; i++)
		r = add_rule(b, load->rule[i], what);
	charge(b, b->records.room);
	if (r != 0 || charged > FG_ASK_QUEUE_MAX)
		return out_of_memory(op);
	if (b->records.count + json_array_size(b->refused) > FG_BATCH_MAX) {
		forget(op);
		fg_op_error(op, "TooLarge", json_pack("{s:i}", "limit", FG_BATCH_MAX));
		return -E2BIG;
	}
	return 0;
}

/* `rules`, an object a line. NULL: no memory. */
static char *lines_of(const json_t *rules)
{
	char *lines = calloc(1, FG_LINE_MAX + 1), *line;
	size_t at = 0, i;
	const json_t *one;

	json_array_foreach(rules, i, one)
	{
		line = lines == NULL ? NULL : json_dumps(one, JSON_COMPACT | JSON_ENCODE_ANY);
		/* Compact, they are no longer than the line they came in but for escapes. */
		if (line != NULL && at + strlen(line) + 1 <= FG_LINE_MAX) {
			at += (size_t)sprintf(lines + at, "%s\n", line);
		} else {
			free(lines);
			lines = NULL;
		}
		free(line);
	}
	return lines;
}

static int read_rules(struct fg_op *op, struct fg_load *load)
{
	const char *text = fg_op_string(op, "text");
	const json_t *rules = fg_op_array(op, "rules");
	char *lines;
	int r = 0;

	if (text != NULL)
		r = fg_load_text(load, "text", text, strlen(text), FG_FORM_AUTO);
	if (rules != NULL && r == 0) {
		lines = lines_of(rules);
		r = lines == NULL ? -ENOMEM : fg_load_text(load, "rules", lines, strlen(lines), FG_FORM_JSON);
		free(lines);
	}
	return r;
}

static int add_rules(struct fg_op *op, struct fg_batch_parts *b, enum fg_record_op what)
{
	struct fg_load *load;
	char error[FG_LOAD_ERROR_MAX];
	int r = fg_load_new(&load);

	if (r != 0)
		return out_of_memory(op);
	load->payload = op->ctrl->conf.dpdk.used;
	r = read_rules(op, load);
	memcpy(error, load->error, sizeof(error));
	if (r == 0) {
		r = add_loaded(op, b, load, what);
	} else {
		forget(op);
		fg_op_error(op, r > 0 ? "SyntaxError" : "Unavailable",
			    json_pack("{s:o}", "message", fg_show_string(error)));
	}
	fg_load_free(load);
	return r;
}

/* A part that is not the last is answered at once. */
static void answer_part(struct fg_op *op)
{
	struct fg_ctrl *ctrl = op->ctrl;
	json_t *reply = json_pack("{s:I,s:o}", "generation", (json_int_t)ctrl->generation, "budget",
				  fg_budget_object(&ctrl->cost));

	if (op->client->parts->method->run == fg_method_add_rules)
		json_object_update_new(reply, json_pack("{s:i,s:i,s:[]}", "admitted", 0, "refused", 0, "rules"));
	else
		json_object_set_new(reply, "deleted", json_integer(0));
	fg_op_reply(op, reply);
}

bool fg_parts_take(struct fg_op *op, enum fg_record_op what, struct fg_batch_parts **batch)
{
	struct fg_batch_parts *b;

	if ((fg_op_number(op, "part") == 0) != (fg_op_number(op, "parts") == 0) ||
	    fg_op_number(op, "part") > fg_op_number(op, "parts")) {
		fg_client_error(op->client, "org.varlink.service.InvalidParameter",
				json_pack("{s:s}", "parameter", "part"));
		forget(op);
		fg_op_end(op);
		return false;
	}
	b = batch_of(op);
	if (b == NULL || add_rules(op, b, what) != 0)
		return false;
	if (b->part < b->parts) {
		answer_part(op);
		return false;
	}
	op->client->parts = NULL;
	charge(b, 0);
	*batch = b;
	return true;
}
