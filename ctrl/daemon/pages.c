/* SPDX-License-Identifier: BSD-3-Clause */
/* Rules into replies of at most a line. */
#include "ctrl/daemon/pages.h"

bool fg_pages_add(struct fg_pages *p, json_t *rule)
{
	size_t octets = rule == NULL ? 0 : json_dumpb(rule, NULL, 0, JSON_COMPACT) + 1;

	if (p->page == NULL)
		p->page = json_array();
	if (octets > FG_PAGE_ROOM || rule == NULL) {
		p->large = true;
		json_decref(rule);
		return true;
	}
	if (p->octets + octets > FG_PAGE_ROOM) {
		p->full = true;
		return false;
	}
	json_array_append_new(p->page, rule);
	p->octets += octets;
	return true;
}

json_t *fg_pages_take(struct fg_pages *p)
{
	json_t *page = p->page != NULL ? p->page : json_array();

	*p = (struct fg_pages){ 0 };
	return page;
}

void fg_pages_free(struct fg_pages *p)
{
	json_decref(p->page);
	*p = (struct fg_pages){ 0 };
}
