/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules of the rule language (ctrl/text). In: text. Out: rules on the loader's list, with what the language refused
 * already.
 */
#include <errno.h>
#include <string.h>

#include "ctrl/load/steps.h"
#include "ctrl/text/text.h"

struct reading {
	struct fg_load *load;
	const char *name;
};

static int copy_string(struct fg_load *load, const char *from, const char **to)
{
	if (from == NULL || from[0] == '\0')
		return 0;
	*to = fg_arena_copy(&load->arena, from, strlen(from) + 1);
	return *to == NULL ? -ENOMEM : 0;
}

static int copy_attributes(struct fg_load *load, const struct fg_text_rule *from, struct fg_loaded *to)
{
	int r = copy_string(load, from->owner, &to->owner);

	to->line = from->line;
	to->ttl_s = from->ttl_s;
	if (r == 0)
		r = copy_string(load, from->ticket, &to->ticket);
	if (r == 0)
		r = copy_string(load, from->site, &to->site);
	if (r == 0)
		r = copy_string(load, from->source, &to->source);
	return r != 0 ? r : copy_string(load, from->payload, &to->payload);
}

static int take_rule(void *ctx, const struct fg_text_rule *from)
{
	const struct reading *reading = ctx;
	struct fg_load *load = reading->load;
	struct fg_loaded *to = fg_load_add(load);
	int r;

	if (to == NULL)
		return -ENOMEM;
	to->rule = from->rule;
	to->file = reading->name;
	r = copy_attributes(load, from, to);
	if (r == 0 && from->refused != FG_OK) {
		to->rule.nlri = NULL;
		to->rule.nlri_len = 0;
		r = fg_load_judge(load, to, &from->why);
	} else if (r == 0) {
		r = fg_load_take_nlri(load, to, from->rule.nlri, from->rule.nlri_len);
	}
	return r == 0 && from->payload != NULL ? fg_load_payload(load, to) : r;
}

int fg_load_language(struct fg_load *load, const char *name, const char *text, size_t len)
{
	struct reading reading = { .load = load, .name = name };
	struct fg_text_reader reader = { .rule = take_rule, .ctx = &reading, .full_offsets = load->full_offsets };

	return fg_text_read(name, text, len, &reader, load->error);
}
