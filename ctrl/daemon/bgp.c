/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Peers and their sessions. In: a configuration, connections, time. Out: sessions that run. Sockets that need rights, or a key that nobody else
 * is to have, are made by the supervisor (dial.c) and come over the link. Next: bgp_conn.c.
 */
#include "ctrl/daemon/bgp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctrl/daemon/dial.h"
#include "ctrl/daemon/log.h"

enum { ACCEPTS_A_TURN = 64 };

uint64_t fg_bgp_now_ms(const struct fg_bgp *b)
{
	uint64_t us;

	sd_event_now(b->ctrl->event, CLOCK_MONOTONIC, &us);
	return us / 1000;
}

/* ---- What sessions do ---- */

static void on_dial(void *ctx)
{
	struct fg_bgp_peer *p = ctx;
	int r = fg_link_tell(p->all->ctrl->link, FG_LINK_DIAL, p->config.name, sizeof(p->config.name), NULL, 0);

	if (r != 0) /* the attempt times out, and is made again */
		fg_log(LOG_WARNING, "bgp %s: the supervisor does not take an attempt: %s", p->config.name,
		       strerror(-r));
}

static void on_close(void *ctx, enum fg_conn c)
{
	fg_bgp_conn_close(ctx, c);
}

static void on_send(void *ctx, enum fg_conn c, const uint8_t *octets, size_t len)
{
	struct fg_bgp_peer *p = ctx;

	if (p->conn[c] != NULL)
		fg_bgp_conn_send(p->conn[c], octets, len);
}

static void send_end_of_rib(struct fg_bgp_peer *p)
{
	uint8_t out[FG_BGP_ANNOUNCE_OCTETS];

	for (uint16_t f = 0; f < FG_FAMILY_COUNT; f++) {
		if (p->session.flowspec[f])
			on_send(p, FG_CONN_CHOSEN, out,
				fg_bgp_end_of_rib_write((uint16_t)(f + 1), FG_BGP_FLOWSPEC, out));
		if (p->session.unicast[f])
			on_send(p, FG_CONN_CHOSEN, out,
				fg_bgp_end_of_rib_write((uint16_t)(f + 1), FG_BGP_UNICAST, out));
	}
}

/* What it had and has not kept goes at once (RFC 4724 §4.2); of the rest, what it does not say again goes at its End-of-RIB. */
static void settle_stale(struct fg_bgp_peer *p)
{
	const struct fg_bgp_open *theirs = &p->session.conn[FG_CONN_CHOSEN].open;

	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		p->end_of_rib[f] = p->refreshing[f] = false;
		if (p->stale_until_ms[f] == FG_SESSION_NEVER)
			continue;
		if (!p->session.flowspec[f] ||
		    !(p->adopted || (theirs->restart && theirs->restart_family[f] && theirs->kept[f])))
			fg_bgp_sweep(p, (enum fg_family)f, "the peer has not kept it");
		else
			p->stale_until_ms[f] = fg_bgp_now_ms(p->all) + p->config.stale_s * 1000ull;
	}
}

static void on_up(void *ctx, enum fg_conn c)
{
	struct fg_bgp_peer *p = ctx;
	const struct fg_session *s = &p->session;

	p->conn[FG_CONN_CHOSEN] = p->conn[c];
	p->conn[c] = NULL;
	if (p->conn[FG_CONN_CHOSEN] != NULL)
		p->conn[FG_CONN_CHOSEN]->place = FG_CONN_CHOSEN;
	fg_log(LOG_NOTICE, "bgp %s: up; IPv4 Flowspec %s, IPv6 Flowspec %s, hold time %u s", p->config.name,
	       s->flowspec[FG_IPV4] ? "yes" : "no", s->flowspec[FG_IPV6] ? "yes" : "no", s->hold_s);
	fg_bgp_watch_session(p, true);
	settle_stale(p);
	p->announced = false;
	fg_bgp_service_tell(p);
	send_end_of_rib(p);
	p->session.ours.restarting = false; /* the next time it is the session that begins again, and not we */
}

/*
 * What was stale already goes: nobody can keep rules by connecting again and again without saying them (RFC 4724 §4.2). What we have found at our
 * own begin keeps the time that it was given, and what only waited to be said again by a refresh was never stale.
 */
static void age(struct fg_bgp_peer *p, enum fg_family family, uint64_t until_ms)
{
	uint64_t before = p->stale_until_ms[family];

	if (before != FG_SESSION_NEVER && !p->refreshing[family] && !p->adopted)
		fg_rib_sweep(&p->all->rib, p->index, family);
	if (before != FG_SESSION_NEVER && p->adopted && before < until_ms)
		until_ms = before;
	fg_rib_stale(&p->all->rib, p->index, family);
	p->stale_until_ms[family] = until_ms;
}

/* The peer asked for a time of its own: ours is the longest it gets. */
static void on_down(void *ctx, uint32_t keep)
{
	struct fg_bgp_peer *p = ctx;
	struct fg_rib *rib = &p->all->rib;
	uint32_t wait_s = p->session.restart_s < p->config.stale_s ? p->session.restart_s : p->config.stale_s;

	fg_bgp_watch_session(p, false);
	p->announced = false;
	p->resets++;
	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		bool stays = (keep >> f & 1) && wait_s > 0;

		age(p, (enum fg_family)f, fg_bgp_now_ms(p->all) + wait_s * 1000ull);
		if (!stays)
			fg_bgp_sweep(p, (enum fg_family)f, "the peer does not come back");
	}
	p->adopted = false;
	fg_log(LOG_WARNING, "bgp %s: down: %s%s; %u of its rules stay for at most %u s", p->config.name,
	       p->session.last_ours ? "we said " : "", p->session.last.detail, rib->peer[p->index].count, wait_s);
	fg_bgp_kick(p->all);
}

static void on_update(void *ctx, const uint8_t *body, size_t len)
{
	fg_bgp_take_update(ctx, body, len);
}

/* An end without its beginning, and a beginning before a peer that may have restarted has said all, mean nothing (RFC 7313 §4). */
static void on_refreshed(void *ctx, enum fg_family family, bool end)
{
	struct fg_bgp_peer *p = ctx;
	bool restarts = p->session.conn[FG_CONN_CHOSEN].open.restart && !p->end_of_rib[family];

	if (end && p->refreshing[family])
		fg_bgp_sweep(p, family, "it was not in the refresh");
	if (end || restarts)
		return;
	p->refreshing[family] = true;
	fg_rib_stale(&p->all->rib, p->index, family);
	p->stale_until_ms[family] = fg_bgp_now_ms(p->all) + p->config.stale_s * 1000ull;
}

/* We have nothing but the service prefix to say again. */
static void on_asked(void *ctx, const struct fg_bgp_refresh *r)
{
	struct fg_bgp_peer *p = ctx;

	if (r->safi != FG_BGP_UNICAST)
		return;
	p->announced = false;
	fg_bgp_service_tell(p);
}

static const struct fg_session_ops ops = {
	on_dial, on_close, on_send, on_up, on_down, on_update, on_refreshed, on_asked
};

/* ---- Time ---- */

static void end_stale(struct fg_bgp_peer *p, uint64_t now_ms)
{
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		if (now_ms >= p->stale_until_ms[f])
			fg_bgp_sweep(p, (enum fg_family)f, "the peer has not said it again in time");
}

static int on_time(sd_event_source *source, uint64_t us, void *ctx)
{
	struct fg_bgp_peer *p = ctx;
	uint64_t now_ms = fg_bgp_now_ms(p->all);

	(void)source;
	(void)us;
	end_stale(p, now_ms);
	fg_session_tick(&p->session, now_ms);
	fg_bgp_ask_again(p);
	fg_bgp_rearm(p);
	return 0;
}

void fg_bgp_rearm(struct fg_bgp_peer *p)
{
	uint64_t due = fg_session_due(&p->session);

	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		due = p->stale_until_ms[f] < due ? p->stale_until_ms[f] : due;
	if (due == FG_SESSION_NEVER) {
		sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
		return;
	}
	sd_event_source_set_time(p->timer, due * 1000 + 999);
	sd_event_source_set_enabled(p->timer, SD_EVENT_ONESHOT);
}

/* ---- Peers ---- */

static uint32_t random_number(void)
{
	uint32_t v = 0;

	if (getrandom(&v, sizeof(v), GRND_NONBLOCK) != sizeof(v))
		v = (uint32_t)getpid() * 2654435761u;
	return v;
}

static struct fg_bgp_open open_of(const struct fg_bgp *b, const struct fg_peer_config *c)
{
	const struct fg_bgp_config *all = &b->ctrl->conf.bgp;
	struct fg_bgp_open o = { .as = c->local_as,
				 .id = all->router_id,
				 .hold_s = c->hold_s,
				 .as4 = true,
				 .refresh = true,
				 .enhanced_refresh = true,
				 .extended = !c->short_messages,
				 .multiprotocol = true,
				 .restart = c->restart_s > 0,
				 .restart_notification = true,
				 .restart_s = c->restart_s };

	for (int f = 0; f < FG_FAMILY_COUNT; f++) {
		o.flowspec[f] = o.restart_family[f] = true;
		o.kept[f] = true; /* enforcement outlives this process */
		o.unicast[f] = c->announce && all->service[f].there;
	}
	return o;
}

static void session_begin(struct fg_bgp_peer *p)
{
	struct fg_bgp *b = p->all;

	p->session = (struct fg_session){ .ops = &ops,
					  .ctx = p,
					  .ours = open_of(b, &p->config),
					  .peer_as = p->config.as,
					  .retry_s = p->config.retry_s,
					  .restart_s = p->config.restart_s,
					  .passive = p->config.passive };
	p->session.ours.restarting = b->had_rules;
	fg_session_start(&p->session, fg_bgp_now_ms(b), random_number());
	fg_bgp_rearm(p);
}

static void peer_begin(struct fg_bgp *b, struct fg_bgp_peer *p, const struct fg_peer_config *config)
{
	unsigned index = (unsigned)(p - b->peer);

	*p = (struct fg_bgp_peer){ .all = b, .index = index, .used = true, .configured = true, .config = *config };
	for (int f = 0; f < FG_FAMILY_COUNT; f++)
		p->stale_until_ms[f] = FG_SESSION_NEVER;
	fg_rib_peer(&b->rib, index, config->preference, config->max_rules);
	if (sd_event_add_time(b->ctrl->event, &p->timer, CLOCK_MONOTONIC, UINT64_MAX, 1000, on_time, p) < 0) {
		p->used = false;
		return;
	}
	sd_event_source_set_enabled(p->timer, SD_EVENT_OFF);
	session_begin(p);
}

static void peer_end(struct fg_bgp_peer *p, uint8_t subcode)
{
	struct fg_bgp *b = p->all;

	fg_session_stop(&p->session, subcode, fg_bgp_now_ms(b));
	fg_rib_clear(&b->rib, p->index);
	fg_bgp_forget_bad(p);
	sd_event_source_disable_unref(p->timer);
	p->timer = NULL;
	p->used = false;
}

static struct fg_bgp_peer *peer_of(struct fg_bgp *b, const char *name)
{
	for (size_t i = 0; i < FG_PEERS_MAX; i++)
		if (b->peer[i].used && strcmp(b->peer[i].config.name, name) == 0)
			return &b->peer[i];
	return NULL;
}

bool fg_bgp_is_peer(const struct fg_bgp *b, const char *source)
{
	return b != NULL && peer_of((struct fg_bgp *)(uintptr_t)b, source) != NULL;
}

/* The session must be made anew only for what is said in an OPEN or is of its socket. */
static bool same_session(const struct fg_peer_config *a, const struct fg_peer_config *b)
{
	struct fg_peer_config c = *b;

	c.max_rules = a->max_rules;
	c.preference = a->preference;
	c.stale_s = a->stale_s;
	c.ignore_first_as = a->ignore_first_as;
	memcpy(c.community, a->community, sizeof(c.community));
	c.communities = a->communities;
	return memcmp(&c, a, sizeof(c)) == 0;
}

static void peer_change(struct fg_bgp_peer *p, const struct fg_peer_config *config)
{
	struct fg_bgp_open ours = open_of(p->all, config);
	bool same;

	ours.restarting = p->session.ours.restarting;
	same = same_session(&p->config, config) && memcmp(&ours, &p->session.ours, sizeof(ours)) == 0;
	p->configured = true;
	p->config = *config;
	fg_rib_peer(&p->all->rib, p->index, config->preference, config->max_rules);
	if (same) {
		fg_bgp_ask_again(p);
		return;
	}
	fg_session_stop(&p->session, FG_BGP_CHANGED, fg_bgp_now_ms(p->all));
	session_begin(p);
}

void fg_bgp_configure(struct fg_bgp *b)
{
	const struct fg_bgp_config *c = &b->ctrl->conf.bgp;

	for (size_t i = 0; i < FG_PEERS_MAX; i++)
		b->peer[i].configured = false;
	for (uint32_t i = 0; i < c->peers; i++) {
		struct fg_bgp_peer *p = peer_of(b, c->peer[i].name);

		if (p != NULL)
			peer_change(p, &c->peer[i]);
	}
	for (size_t i = 0; i < FG_PEERS_MAX; i++)
		if (b->peer[i].used && !b->peer[i].configured)
			peer_end(&b->peer[i], FG_BGP_DECONFIGURED);
	for (uint32_t i = 0; i < c->peers; i++) {
		size_t free = 0;

		if (peer_of(b, c->peer[i].name) != NULL)
			continue;
		while (free < FG_PEERS_MAX && b->peer[free].used)
			free++;
		if (free < FG_PEERS_MAX)
			peer_begin(b, &b->peer[free], &c->peer[i]);
	}
	fg_bgp_service_start(b);
	fg_bgp_kick(b);
}

/* ---- Connections that come ---- */

/* IPv4 that comes by an IPv6 socket is IPv4. */
static bool address_of(const struct sockaddr_storage *from, struct fg_address *out)
{
	const struct sockaddr_in *four = (const struct sockaddr_in *)from;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)from;

	*out = (struct fg_address){ .family = FG_IPV4 };
	if (from->ss_family == AF_INET) {
		memcpy(out->octets, &four->sin_addr, 4);
	} else if (from->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&six->sin6_addr)) {
		memcpy(out->octets, six->sin6_addr.s6_addr + 12, 4);
	} else if (from->ss_family == AF_INET6) {
		out->family = FG_IPV6;
		memcpy(out->octets, &six->sin6_addr, 16);
	} else {
		return false;
	}
	return true;
}

static struct fg_bgp_peer *peer_at(struct fg_bgp *b, const struct fg_address *a)
{
	for (size_t i = 0; i < FG_PEERS_MAX; i++) {
		const struct fg_address *its = &b->peer[i].config.address;

		if (b->peer[i].used && its->family == a->family &&
		    memcmp(its->octets, a->octets, sizeof(a->octets)) == 0)
			return &b->peer[i];
	}
	return NULL;
}

static void take_connection(struct fg_bgp *b, int fd, const struct sockaddr_storage *from)
{
	struct fg_address a;
	struct fg_bgp_peer *p = address_of(from, &a) ? peer_at(b, &a) : NULL;

	if (p == NULL) {
		b->strangers++;
		close(fd);
		return;
	}
	/* The session sends its OPEN at once, so the connection must be there before it is asked; a former one it closes first. */
	if (fg_dial_hops(fd, &p->config) != 0 || !fg_session_may_accept(&p->session, fg_bgp_now_ms(b))) {
		close(fd);
		return;
	}
	fg_bgp_conn_open(p, FG_CONN_TAKEN, fd, false);
	if (p->conn[FG_CONN_TAKEN] != NULL && !fg_session_accept(&p->session, fg_bgp_now_ms(b)))
		fg_bgp_conn_close(p, FG_CONN_TAKEN);
	fg_bgp_rearm(p);
}

static int on_listener(sd_event_source *source, int fd, uint32_t events, void *ctx)
{
	struct sockaddr_storage from;

	(void)source;
	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		socklen_t len = sizeof(from);
		int taken = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (taken < 0)
			break;
		take_connection(ctx, taken, &from);
	}
	return 0;
}

void fg_bgp_listen(struct fg_bgp *b, const int *fds, size_t n)
{
	while (b->listeners > 0) {
		b->listeners--;
		sd_event_source_disable_unref(b->listener[b->listeners].io);
		close(b->listener[b->listeners].fd);
	}
	for (size_t i = 0; i < n && i < FG_BGP_LISTEN_MAX; i++) {
		b->listener[i].fd = fds[i];
		b->listener[i].io = NULL;
		sd_event_add_io(b->ctrl->event, &b->listener[i].io, fds[i], EPOLLIN, on_listener, b);
		b->listeners++;
	}
}

void fg_bgp_dialled(struct fg_bgp *b, const char *name, int fd, int error)
{
	struct fg_bgp_peer *p = peer_of(b, name);
	bool wanted = p != NULL && p->session.conn[FG_CONN_DIALLED].state == FG_SESSION_CONNECT &&
		      p->conn[FG_CONN_DIALLED] == NULL;

	if (!wanted) {
		if (fd >= 0)
			close(fd);
		return;
	}
	if (fd >= 0)
		fg_bgp_conn_open(p, FG_CONN_DIALLED, fd, true);
	if (p->conn[FG_CONN_DIALLED] == NULL)
		fg_session_lost(&p->session, FG_CONN_DIALLED, strerror(error != 0 ? error : ENOMEM), fg_bgp_now_ms(b));
	fg_bgp_rearm(p);
}

/* ---- The gate's side at begin ---- */

void fg_bgp_sync_begin(struct fg_bgp *b)
{
	fg_rib_forget_gate(&b->rib);
}

static void adopt_stale(struct fg_bgp_peer *p, enum fg_family family)
{
	p->adopted = true;
	if (fg_session_state(&p->session) < FG_SESSION_OPEN_SENT)
		p->session.ours.restarting = true;
	if (p->stale_until_ms[family] == FG_SESSION_NEVER)
		p->stale_until_ms[family] = fg_bgp_now_ms(p->all) + p->config.stale_s * 1000ull;
	fg_bgp_rearm(p);
}

bool fg_bgp_sync_rule(struct fg_bgp *b, const struct fg_record *r)
{
	struct fg_bgp_peer *p = peer_of(b, r->by.source);
	struct fg_rib_wish wish = { .actions = r->actions,
				    .ttl_s = r->ttl_s,
				    .count_only = r->flags & FG_RECORD_COUNT_ONLY };
	struct fg_rule rule = fg_record_rule(r);
	bool known;

	if (p == NULL)
		return false;
	memcpy(wish.site, r->by.site, sizeof(wish.site));
	known = fg_rib_find(&b->rib, p->index, &rule) != NULL;
	if (fg_rib_gate_has(&b->rib, p->index, &rule, &wish) == 0 && !known) {
		b->had_rules = true;
		adopt_stale(p, (enum fg_family)rule.family);
	}
	return true;
}

void fg_bgp_sync_end(struct fg_bgp *b)
{
	fg_rib_gate_end(&b->rib, fg_now_s());
}

void fg_bgp_compare(struct fg_bgp *b)
{
	if (b->rib.paths > 0)
		fg_sync_start(b->ctrl);
}

void fg_bgp_flushed(struct fg_bgp *b)
{
	fg_rib_flushed(&b->rib);
}

/* ---- The whole ---- */

int fg_bgp_open(struct fg_ctrl *ctrl)
{
	struct fg_bgp *b = calloc(1, sizeof(*b));
	struct fg_hash_key key = { 0 };
	int r = b == NULL ? -ENOMEM : 0;

	if (r == 0 && getrandom(&key, sizeof(key), 0) != sizeof(key))
		r = -EIO;
	if (r == 0)
		r = fg_rib_open(&b->rib, &key);
	if (r != 0) {
		free(b);
		return r;
	}
	b->ctrl = ctrl;
	ctrl->bgp = b;
	return fg_bgp_pump_open(b);
}

void fg_bgp_close(struct fg_bgp *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < FG_PEERS_MAX; i++)
		if (b->peer[i].used)
			peer_end(&b->peer[i], FG_BGP_SHUTDOWN);
	fg_bgp_listen(b, NULL, 0);
	sd_event_source_disable_unref(b->pump);
	sd_event_source_disable_unref(b->health_timer);
	fg_rib_close(&b->rib);
	free(b->step);
	free(b->place);
	free(b);
}
