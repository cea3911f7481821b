/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The service prefixes: announced to the peers that are to have them as long as this box enforces, withdrawn when it does not, so that traffic
 * finds another box. Whether it does is asked of the gate once a second; one bad answer changes nothing, for a gate that is started anew
 * is away for a moment while enforcement goes on.
 */
#include <string.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/log.h"
#include "ctrl/daemon/status.h"

enum { LOOK_US = 1000000, GOOD_LOOKS = 2, BAD_LOOKS = 3 };

static bool is_wanted(const struct fg_bgp *b)
{
	const struct fg_bgp_config *c = &b->ctrl->conf.bgp;

	return c->service[FG_IPV4].there || c->service[FG_IPV6].there;
}

static void tell_family(struct fg_bgp_peer *p, enum fg_family family)
{
	const struct fg_bgp_service_config *c = &p->all->ctrl->conf.bgp.service[family];
	struct fg_bgp_service s = { .family = (uint8_t)family,
				    .length = c->length,
				    .local_as = p->config.local_as,
				    .as4 = p->session.as4,
				    .ibgp = p->config.as == p->config.local_as };
	uint8_t out[FG_BGP_ANNOUNCE_OCTETS];

	if (!c->there || !p->session.unicast[family])
		return;
	memcpy(s.prefix, c->prefix, sizeof(s.prefix));
	memcpy(s.next_hop, c->next_hop, sizeof(s.next_hop));
	fg_bgp_conn_send(p->conn[FG_CONN_CHOSEN], out,
			 p->all->well ? fg_bgp_announce_write(&s, out) : fg_bgp_withdraw_write(&s, out));
}

void fg_bgp_service_tell(struct fg_bgp_peer *p)
{
	if (!p->config.announce || p->conn[FG_CONN_CHOSEN] == NULL || p->announced == p->all->well)
		return;
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		tell_family(p, (enum fg_family)f);
	p->announced = p->all->well;
}

static void take_look(struct fg_bgp *b, bool good)
{
	bool before = b->well;

	b->good = good ? b->good + 1 : 0;
	b->bad = good ? 0 : b->bad + 1;
	if (b->good >= GOOD_LOOKS)
		b->well = true;
	else if (b->bad >= BAD_LOOKS)
		b->well = false;
	if (b->well == before)
		return;
	fg_log(LOG_NOTICE, "bgp: the service prefix is %s",
	       b->well ? "announced: this box enforces" : "withdrawn: this box does not enforce");
	for (size_t i = 0; i < FG_PEERS_MAX; i++)
		if (b->peer[i].used)
			fg_bgp_service_tell(&b->peer[i]);
}

static void on_status(void *ctx, const struct fg_message *m)
{
	struct fg_bgp *b = ctx;
	json_t *problems = fg_health_problems(b->ctrl, m);

	take_look(b, json_array_size(problems) == 0);
	json_decref(problems);
}

static int on_time(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_bgp *b = ctx;

	if (fg_ask(&b->ctrl->asks, FG_ASK_STATUS, NULL, 0, on_status, b) != 0)
		take_look(b, false);
	sd_event_source_set_time(source, us + LOOK_US);
	return sd_event_source_set_enabled(source, is_wanted(b) ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

void fg_bgp_service_start(struct fg_bgp *b)
{
	if (!is_wanted(b))
		return;
	if (b->health_timer == NULL)
		sd_event_add_time_relative(b->ctrl->event, &b->health_timer, CLOCK_MONOTONIC, 0, 0, on_time, b);
	else
		sd_event_source_set_enabled(b->health_timer, SD_EVENT_ONESHOT);
}
