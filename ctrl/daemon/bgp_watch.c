/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What watchers that ask for it are told of peers: sessions that come up and go down, and what became of each rule. In: what bgp.c, bgp_update.c
 * and bgp_pump.c have settled. Out: events. Without a watcher it costs nothing.
 */
#include "ctrl/daemon/bgp.h"
#include "ctrl/load/show.h"

bool fg_bgp_watched(const struct fg_bgp *b)
{
	for (const struct fg_client *c = b->ctrl->clients.first; c != NULL; c = c->next)
		if (c->streams & FG_STREAM_PEERS)
			return true;
	return false;
}

static void tell(const struct fg_bgp_peer *p, const char *kind, int value, json_t *rule)
{
	struct fg_ctrl *ctrl = p->all->ctrl;

	for (struct fg_client *c = ctrl->clients.first; c != NULL; c = c->next)
		if (c->streams & FG_STREAM_PEERS)
			fg_client_reply(c,
					json_pack("{s:s,s:I,s:i,s:o,s:O*}", "kind", kind, "generation",
						  (json_int_t)ctrl->generation, "value", value, "name",
						  fg_show_string(p->config.name), "rule", rule),
					true);
	json_decref(rule);
}

void fg_bgp_watch_session(const struct fg_bgp_peer *p, bool up)
{
	tell(p, "session", up, NULL);
}

void fg_bgp_watch_rule(const struct fg_bgp_peer *p, const struct fg_bgp_told *told)
{
	if (fg_bgp_watched(p->all))
		tell(p, "rule", 0, fg_bgp_rule_object(p, told));
}

/*
 * A step of the table that the gate has answered, before that is taken down. What has changed since it was asked for is told when the gate has
 * answered what it is now.
 */
void fg_bgp_watch_step(const struct fg_bgp_peer *p, const struct fg_rib_step *s, const char *added,
		       const struct fg_finding *why)
{
	const struct fg_rib_path *path = fg_rib_step_path(s);
	struct fg_bgp_told told = { .rule = { .family = s->entry->family,
					      .offset_form = s->entry->offset_form,
					      .nlri = s->entry->nlri,
					      .nlri_len = s->entry->nlri_len },
				    .site = "",
				    .state = "withdrawn",
				    .why = why };

	if (s->adds && path == NULL)
		return;
	for (const struct fg_rib_path *left = s->entry->first; path == NULL && left != NULL; left = left->next)
		if (left->peer == p->index && fg_rib_best(s->entry) != left)
			told.state = "yields";
	if (path != NULL) {
		told.rule.actions = path->actions;
		told.count_only = path->count_only;
		told.site = fg_rib_site(&p->all->rib, path);
		told.state = added;
	}
	fg_bgp_watch_rule(p, &told);
}
