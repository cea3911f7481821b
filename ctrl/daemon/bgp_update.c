/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What an UPDATE says, into the table. In: a body that the session gave. Out: paths that are new, changed or gone, and what was wrong, kept.
 * Next: bgp_pump.c.
 *
 * Always holds: nothing of a malformed NLRI is used; one that is malformed costs itself, and the session ends only where what comes behind it
 * cannot be found.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/daemon/bgp.h"
#include "ctrl/daemon/log.h"
#include "ctrl/policy/judge.h"
#include "ctrl/rule/actions.h"
#include "ctrl/rule/nlri.h"

enum { ALARM_PER_CENT = 75, ASK_AGAIN_MS = 10000 };

void fg_bgp_sweep(struct fg_bgp_peer *p, enum fg_family family, const char *why)
{
	size_t gone = fg_rib_sweep(&p->all->rib, p->index, family);

	p->stale_until_ms[family] = FG_SESSION_NEVER;
	p->refreshing[family] = false;
	if (gone > 0)
		fg_log(LOG_NOTICE, "bgp %s: %zu IPv%c rules go: %s", p->config.name, gone,
		       family == FG_IPV6 ? '6' : '4', why);
	fg_bgp_kick(p->all);
}

/* ---- What is asked for ---- */

static bool carries(const struct fg_update *u, const struct fg_peer_community *c)
{
	const struct fg_update_octets *in = c->parts == 3 ? &u->large_communities : &u->communities;
	size_t each = c->parts == 3 ? 12 : 4;

	for (size_t at = 0; in->at != NULL && at + each <= in->len; at += each) {
		const uint8_t *o = in->at + at;

		if (c->parts == 3 ? fg_load_be32(o) == c->part[0] && fg_load_be32(o + 4) == c->part[1] &&
					    fg_load_be32(o + 8) == c->part[2]
				  : fg_load_be16(o) == c->part[0] && fg_load_be16(o + 2) == c->part[1])
			return true;
	}
	return false;
}

/* Of several sites ours counts, if it is among them; of several times the shortest. */
static void apply_communities(const struct fg_bgp_peer *p, const struct fg_update *u, struct fg_rib_wish *w)
{
	const struct fg_policy *policy = &p->all->ctrl->conf.policy;

	for (uint32_t i = 0; i < p->config.communities; i++) {
		const struct fg_peer_community *c = &p->config.community[i];

		if (!carries(u, c))
			continue;
		if (c->use == FG_COMMUNITY_COUNT_ONLY)
			w->count_only = true;
		else if (c->use == FG_COMMUNITY_TTL && (w->ttl_s == 0 || c->ttl_s < w->ttl_s))
			w->ttl_s = c->ttl_s;
		else if (c->use == FG_COMMUNITY_SITE && (w->site[0] == '\0' || fg_policy_here(policy, c->site)))
			memcpy(w->site, c->site, sizeof(w->site));
	}
}

__attribute__((format(printf, 4, 5))) static bool bar(struct fg_finding *why, enum fg_reason code, const char *source,
						      const char *fmt, ...)
{
	va_list args;

	memset(why, 0, sizeof(*why));
	why->code = code;
	snprintf(why->source, sizeof(why->source), "%s", source);
	va_start(args, fmt);
	vsnprintf(why->detail, sizeof(why->detail), fmt, args);
	va_end(args);
	return true;
}

/* What can be said without a table of unicast routes (RFC 9117 §4, RFC 4271 §9.1.2, RFC 4456 §8). */
static bool path_is_barred(const struct fg_bgp_peer *p, const struct fg_update *u, struct fg_finding *why)
{
	const struct fg_peer_config *c = &p->config;
	bool other_as = c->as != c->local_as;

	if (u->as_loop && other_as)
		return bar(why, FG_OUTSIDE_SCOPE, "RFC 4271 §9.1.2", "our AS %u is in the AS_PATH", c->local_as);
	if (u->originator != 0 && u->originator == p->session.ours.id)
		return bar(why, FG_OUTSIDE_SCOPE, "RFC 4456 §8", "the ORIGINATOR_ID is ours");
	if (other_as && !c->ignore_first_as && u->first_as != c->as)
		return bar(why, FG_OUTSIDE_SCOPE, "RFC 9117 §4.2",
			   "AS %u is first in the AS_PATH, and the peer's is %u", u->first_as, c->as);
	return false;
}

/* True: it is barred, and *why says why. */
static bool wish_of(const struct fg_bgp_peer *p, const struct fg_update *u, struct fg_rib_wish *w,
		    struct fg_finding *why)
{
	memset(w, 0, sizeof(*w));
	apply_communities(p, u, w);
	if (u->extended.at != NULL && fg_actions_read(u->extended.at, u->extended.len, false, &w->actions, why) != 0)
		return true;
	if (u->extended6.at != NULL && fg_actions_read(u->extended6.at, u->extended6.len, true, &w->actions, why) != 0)
		return true;
	return path_is_barred(p, u, why);
}

/* ---- NLRIs ---- */

struct walk {
	struct fg_bgp_peer *p;
	enum fg_family family;
	const uint8_t *body; /* of the whole UPDATE, for those who look at it */
	size_t body_len;
	bool announces;
	const struct fg_rib_wish *wish;
	const struct fg_finding *barred;
	bool kept; /* the UPDATE has been kept: once is enough */
};

static void keep(struct walk *w, const char *done, const char *what)
{
	if (!w->kept)
		fg_bgp_keep_bad(w->p, w->body, w->body_len, done, "%s", what);
	w->kept = true;
}

/*
 * GoBGP writes the length of an NLRI of 240 octets and more as a number of four octets over the first two of the NLRI itself, which are lost. What is
 * there reads as two empty NLRIs and others behind them, none of which anybody meant. The octets that belong together; 0: it is not that.
 */
static size_t overwritten(const uint8_t *at, size_t left)
{
	size_t octets;

	if (left < 4 || fg_load_be16(at) != 0)
		return 0;
	octets = 2u + fg_load_be16(at + 2);
	return octets >= 2 + 0xf0 && octets <= 2 + FG_NLRI_MAX && octets <= left ? octets : 0;
}

static void alarm_at(struct fg_bgp_peer *p)
{
	const struct fg_rib_peer *r = &p->all->rib.peer[p->index];
	bool high = r->count >= (uint64_t)r->max * ALARM_PER_CENT / 100;

	if (high && !p->alarmed)
		fg_log(LOG_WARNING, "bgp %s: %u rules of at most %u", p->config.name, r->count, r->max);
	p->alarmed = high;
}

/* Not at each withdrawal of a peer that flaps at its maximum. */
void fg_bgp_ask_again(struct fg_bgp_peer *p)
{
	uint64_t now_ms = fg_bgp_now_ms(p->all);

	if ((p->asked_ms != 0 && now_ms - p->asked_ms < ASK_AGAIN_MS) || !fg_rib_room(&p->all->rib, p->index))
		return;
	p->asked_ms = now_ms;
	if (fg_session_ask(&p->session))
		fg_log(LOG_NOTICE, "bgp %s: there is room: it is asked for all its rules again", p->config.name);
}

static void tell_refused(const struct walk *w, const struct fg_rule *rule, bool over)
{
	struct fg_bgp_told told = { .rule = *rule,
				    .site = w->wish->site,
				    .state = "refused",
				    .why = w->barred,
				    .count_only = w->wish->count_only };
	struct fg_finding why;

	if (over && bar(&why, FG_OVER_BUDGET, "max-rules", "the peer has as many rules as it may have, %u",
			w->p->config.max_rules))
		told.why = &why;
	told.rule.actions = w->wish->actions;
	fg_bgp_watch_rule(w->p, &told);
}

static void announce(struct walk *w, const struct fg_rule *rule)
{
	struct fg_bgp_peer *p = w->p;
	int r = fg_rib_announce(&p->all->rib, p->index, rule, w->wish, w->barred);

	p->count[FG_BGP_ANNOUNCED]++;
	if (r == FG_RIB_FULL || r < 0 || w->barred != NULL)
		tell_refused(w, rule, r == FG_RIB_FULL || r < 0);
	if (r == FG_RIB_FULL || r < 0) {
		if (p->count[FG_BGP_OVER_MAXIMUM]++ == 0)
			fg_log(LOG_ERR, "bgp %s: the maximum of %u rules is reached: the rest is refused",
			       p->config.name, p->config.max_rules);
	} else if (w->barred != NULL) {
		p->count[FG_BGP_BARRED]++;
		fg_metrics_refused(&p->all->ctrl->metrics, fg_reason_name(w->barred->code), p->config.name);
	}
}

static void withdraw(struct walk *w, const struct fg_rule *rule)
{
	struct fg_bgp_peer *p = w->p;

	if (fg_rib_withdraw(&p->all->rib, p->index, rule))
		p->count[FG_BGP_WITHDRAWN]++;
}

static void take_nlri(struct walk *w, struct fg_rule *rule)
{
	rule->offset_form = fg_nlri_form(rule);
	if (w->announces)
		announce(w, rule);
	else
		withdraw(w, rule);
}

/* Its octets name what is withdrawn by it, in either form. */
static void take_malformed(struct walk *w, struct fg_rule *rule, const struct fg_finding *why)
{
	char what[2 * FG_DETAIL_MAX];

	w->p->count[FG_BGP_MALFORMED]++;
	if (w->announces)
		fg_metrics_refused(&w->p->all->ctrl->metrics, "malformed", w->p->config.name);
	rule->offset_form = FG_OFFSET_STRICT;
	withdraw(w, rule);
	snprintf(what, sizeof(what), "malformed NLRI at octet %u: %s (%s)", why->octet, why->detail, why->source);
	keep(w, "withdrawn", what);
}

/* False: what follows cannot be found. */
static bool walk_nlris(struct walk *w, const struct fg_update_octets *octets)
{
	struct fg_reader in = { octets->at, octets->at + octets->len };

	while (fg_reader_left(&in) > 0) {
		const uint8_t *at = in.at;
		struct fg_finding why;
		struct fg_rule rule;
		bool framed;
		size_t lost = overwritten(at, (size_t)(in.end - at));
		int r = fg_nlri_read(&in, w->family, false, (enum fg_offset_form)w->p->config.offset_form, &rule,
				     &framed, &why);

		if (r == 0) {
			take_nlri(w, &rule);
		} else if (lost > 0) {
			in.at = at + lost;
			w->p->count[FG_BGP_MALFORMED]++;
			fg_metrics_refused(&w->p->all->ctrl->metrics, "malformed", w->p->config.name);
			keep(w, "refused",
			     "an NLRI of 240 octets and more whose first octets GoBGP has overwritten with its length "
			     "(RFC 8955 §4.1)");
		} else if (framed) {
			take_malformed(w, &rule, &why);
		} else {
			keep(w, "session reset", "an NLRI runs over the end of its attribute (RFC 7606 §5.3)");
			return false;
		}
	}
	return true;
}

/* ---- UPDATEs ---- */

static bool family_of(const struct fg_bgp_peer *p, const struct fg_update_nlri *n, enum fg_family *family)
{
	if (!n->there || n->safi != FG_BGP_FLOWSPEC || (n->afi != 1 && n->afi != 2))
		return false;
	*family = (enum fg_family)(n->afi - 1);
	return p->session.flowspec[*family];
}

static void reset(struct fg_bgp_peer *p, const struct fg_bgp_error *e)
{
	p->fail = true;
	p->error = *e;
}

static void end_of_rib(struct fg_bgp_peer *p, enum fg_family family)
{
	p->end_of_rib[family] = true;
	fg_bgp_sweep(p, family, "the peer has not said it again");
}

static bool take_unreach(struct fg_bgp_peer *p, const struct fg_update *u, struct walk *w)
{
	if (!family_of(p, &u->unreach, &w->family))
		return true;
	if (u->end_of_rib)
		end_of_rib(p, w->family);
	w->announces = false;
	return walk_nlris(w, &u->unreach.octets);
}

static bool take_reach(struct fg_bgp_peer *p, const struct fg_update *u, struct walk *w)
{
	struct fg_rib_wish wish;
	struct fg_finding why;
	bool ok;

	if (!family_of(p, &u->reach, &w->family))
		return true;
	if (wish_of(p, u, &wish, &why))
		w->barred = &why;
	w->wish = &wish;
	w->announces = u->fate == FG_UPDATE_TAKE;
	ok = walk_nlris(w, &u->reach.octets);
	w->wish = NULL;
	w->barred = NULL;
	alarm_at(p);
	return ok;
}

void fg_bgp_take_update(struct fg_bgp_peer *p, const uint8_t *body, size_t len)
{
	struct fg_update_how how = { p->config.local_as, p->session.as4, p->config.as == p->config.local_as };
	struct walk w = { .p = p, .body = body, .body_len = len };
	struct fg_bgp_error e;
	struct fg_update u;

	p->updates++;
	fg_update_read(body, len, &how, &u);
	if (u.wrong > 0)
		keep(&w,
		     u.fate == FG_UPDATE_RESET      ? "session reset"
		     : u.fate == FG_UPDATE_WITHDRAW ? "withdrawn"
						    : "attribute ignored",
		     u.detail);
	if (u.fate == FG_UPDATE_RESET) {
		reset(p, &u.error);
		return;
	}
	p->count[FG_BGP_TAKEN_WITHDRAWN] += u.fate == FG_UPDATE_WITHDRAW;
	w.kept = false; /* an NLRI may be wrong beside it */
	if (!take_unreach(p, &u, &w) || !take_reach(p, &u, &w)) {
		fg_bgp_error_set(&e, FG_BGP_BAD_UPDATE, 9, "an NLRI runs over the end of its attribute");
		reset(p, &e);
	}
	fg_bgp_ask_again(p);
	fg_bgp_kick(p->all);
}
