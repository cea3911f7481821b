/* SPDX-License-Identifier: BSD-3-Clause */
/* Records for the gate. In: rules as ctrl/load read them. Out: records in growing memory. */
#include "ctrl/daemon/records.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/rule/actions.h"

enum { ROOM_FIRST = 4096 };

static bool grow(struct fg_records *r, size_t more)
{
	size_t room = r->room ? r->room : ROOM_FIRST;
	uint8_t *grown;

	while (room < r->octets + more)
		room *= 2;
	if (room == r->room)
		return true;
	grown = realloc(r->at, room);
	if (grown == NULL)
		return false;
	r->at = grown;
	r->room = room;
	return true;
}

int fg_records_add(struct fg_records *r, const struct fg_record *head, const uint8_t *nlri, uint16_t nlri_len,
		   struct fg_pattern_text pattern)
{
	size_t octets = fg_record_octets(nlri_len, (uint16_t)pattern.octets);
	struct fg_record *to;

	if (!grow(r, octets))
		return -ENOMEM;
	to = (struct fg_record *)(r->at + r->octets);
	memset(to, 0, octets);
	*to = *head;
	to->octets = (uint32_t)octets;
	to->nlri_len = nlri_len;
	to->payload_octets = (uint16_t)pattern.octets;
	memcpy(to->nlri, nlri, nlri_len);
	if (pattern.octets > 0)
		memcpy(to->nlri + nlri_len, pattern.at, pattern.octets);
	r->octets += octets;
	r->count++;
	return 0;
}

int fg_records_copy(struct fg_records *r, const struct fg_record *record, enum fg_record_op op)
{
	struct fg_record head = *record;

	head.op = (uint8_t)op;
	return fg_records_add(r, &head, record->nlri, record->nlri_len, fg_record_pattern(record));
}

int fg_records_add_loaded(struct fg_records *r, const struct fg_loaded *rule, enum fg_record_op op, const char *source)
{
	struct fg_record head = { .op = (uint8_t)op,
				  .family = rule->rule.family,
				  .offset_form = rule->rule.offset_form,
				  .flags = rule->count_only ? FG_RECORD_COUNT_ONLY : 0,
				  .ttl_s = rule->ttl_s,
				  .actions = rule->rule.actions };

	memcpy(head.name, rule->rule.name, sizeof(head.name));
	snprintf(head.by.source, sizeof(head.by.source), "%s", rule->source[0] != '\0' ? rule->source : source);
	snprintf(head.by.owner, sizeof(head.by.owner), "%s", rule->owner);
	snprintf(head.by.ticket, sizeof(head.by.ticket), "%s", rule->ticket);
	snprintf(head.by.site, sizeof(head.by.site), "%s", rule->site);
	return fg_records_add(r, &head, rule->rule.nlri, rule->rule.nlri_len,
			      (struct fg_pattern_text){ rule->payload, (uint32_t)strlen(rule->payload) });
}

struct fg_record *fg_records_next(const struct fg_records *r, const struct fg_record *before)
{
	uint8_t *next = before == NULL ? r->at : (uint8_t *)(uintptr_t)before + before->octets;

	return next == NULL || next == r->at + r->octets ? NULL : (struct fg_record *)next;
}

void fg_records_free(struct fg_records *r)
{
	free(r->at);
	*r = (struct fg_records){ 0 };
}

int fg_record_compare(const struct fg_record *a, const struct fg_record *b)
{
	int r = memcmp(a->nlri, b->nlri, a->nlri_len < b->nlri_len ? a->nlri_len : b->nlri_len);

	if (r == 0)
		r = a->nlri_len - b->nlri_len;
	if (r == 0)
		r = a->family - b->family;
	if (r == 0)
		r = a->offset_form - b->offset_form;
	if (r == 0)
		r = a->payload_octets - b->payload_octets;
	if (r == 0)
		r = memcmp(fg_record_pattern(a).at, fg_record_pattern(b).at, a->payload_octets);
	return r != 0 ? r : strcmp(a->by.source, b->by.source);
}

bool fg_record_equal(const struct fg_record *a, const struct fg_record *b)
{
	return fg_record_compare(a, b) == 0 && a->flags == b->flags && strcmp(a->name, b->name) == 0 &&
	       strcmp(a->by.owner, b->by.owner) == 0 && strcmp(a->by.ticket, b->by.ticket) == 0 &&
	       strcmp(a->by.site, b->by.site) == 0 && fg_actions_equal(&a->actions, &b->actions);
}

struct fg_rule fg_record_rule(const struct fg_record *r)
{
	struct fg_rule rule = { .family = r->family,
				.nlri = r->nlri,
				.nlri_len = r->nlri_len,
				.offset_form = r->offset_form,
				.actions = r->actions };

	memcpy(rule.name, r->name, sizeof(rule.name));
	return rule;
}
