/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `bgp { … }`, and what follows from all peers. In: settings. Out: struct fg_bgp_config, and of each peer in the policy: its budget, and its
 * session in front of all rules, whoever sends them (RFC 8955 §12: a rule must not be able to end the session that could take it back).
 */
#include <stdio.h>
#include <string.h>

#include "ctrl/conf/words.h"
#include "ctrl/rule/nlri.h"
#include "ctrl/text/value.h"

static struct fg_text_string value(const struct fg_text_setting *s, size_t i)
{
	return (struct fg_text_string){ s->word[i].text, (uint32_t)strlen(s->word[i].text) };
}

int fg_conf_bgp(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_address address;
	uint64_t number;

	if (strcmp(s->word[0].text, "as") == 0) {
		if (!fg_text_number(value(s, 1), &number) || number == 0 || number >= UINT32_MAX)
			return fg_conf_refuse(r, s, 1, "an AS number of 1 to 4294967294");
		r->conf->bgp.as = (uint32_t)number;
		return 0;
	}
	if (!fg_text_address(value(s, 1), &address) || address.family != FG_IPV4 || fg_load_be32(address.octets) == 0)
		return fg_conf_refuse(r, s, 1, "an IPv4 address other than 0.0.0.0");
	r->conf->bgp.router_id = fg_load_be32(address.octets);
	return 0;
}

/* "192.0.2.1", "192.0.2.1:1790", "2001:db8::1", "[2001:db8::1]:1790". */
static bool listen_address(const char *text, struct fg_bgp_listen *out)
{
	struct fg_text_string host = { text, (uint32_t)strlen(text) }, port;
	const char *colon = strrchr(text, ':');
	uint64_t number = FG_BGP_PORT;

	if (text[0] == '[' || (colon != NULL && strchr(text, ':') == colon)) {
		if (colon == NULL || (text[0] == '[' && colon[-1] != ']'))
			return false;
		port = (struct fg_text_string){ colon + 1, (uint32_t)strlen(colon + 1) };
		host.at += text[0] == '[';
		host.len = (uint32_t)(colon - host.at - (text[0] == '['));
		if (!fg_text_number(port, &number) || number == 0 || number > UINT16_MAX)
			return false;
	}
	out->port = (uint16_t)number;
	return fg_text_address(host, &out->address);
}

int fg_conf_bgp_listen(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_bgp_config *b = &r->conf->bgp;

	if (strcmp(s->word[1].text, "none") == 0) {
		b->listen_none = true;
		return 0;
	}
	if (b->listens == FG_BGP_LISTEN_MAX)
		return fg_conf_refuse(r, s, 0, "at most 8 addresses");
	if (!listen_address(s->word[1].text, &b->listen[b->listens]))
		return fg_conf_refuse(
			r, s, 1, "ADDRESS or ADDRESS:PORT such as 192.0.2.1:179 or \"[2001:db8::1]:179\", or 'none'");
	b->listens++;
	return 0;
}

int fg_conf_bgp_service(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_bgp_service_config *to;
	struct fg_prefix prefix;
	struct fg_address hop;
	enum fg_family family;

	if (!fg_text_prefix(value(s, 1), &family, &prefix) || prefix.offset != 0)
		return fg_conf_refuse(r, s, 1, "a prefix");
	if (strcmp(s->word[2].text, "next-hop") != 0)
		return fg_conf_refuse(r, s, 2, "'next-hop'");
	if (!fg_text_address(value(s, 3), &hop) || hop.family != family)
		return fg_conf_refuse(r, s, 3, "an address of the prefix's family");
	to = &r->conf->bgp.service[family];
	if (to->there)
		return fg_conf_refuse(r, s, 0, "one prefix a family");
	to->there = true;
	to->length = prefix.length;
	memcpy(to->prefix, prefix.octets, sizeof(to->prefix));
	memcpy(to->next_hop, hop.octets, sizeof(to->next_hop));
	return 0;
}

/* ---- What follows from peers ---- */

static int wrong(const struct fg_peer_config *p, const char *file, char error[FG_CONF_ERROR_MAX], const char *what)
{
	snprintf(error, FG_CONF_ERROR_MAX, "%.400s: peer '%s': %s", file, p->name, what);
	return FG_MALFORMED;
}

static bool is_set(const struct fg_address *a)
{
	static const struct fg_address none;

	return memcmp(a->octets, none.octets, sizeof(a->octets)) != 0;
}

static bool has_scope(const struct fg_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->scopes; i++)
		if (strcmp(policy->scope[i].source, name) == 0)
			return true;
	return false;
}

static bool same_address(const struct fg_conf *c, const struct fg_peer_config *p)
{
	for (const struct fg_peer_config *o = c->bgp.peer; o < p; o++)
		if (memcmp(&o->address, &p->address, sizeof(o->address)) == 0)
			return true;
	return false;
}

static int check_peer(const struct fg_conf *c, struct fg_peer_config *p, const char *file,
		      char error[FG_CONF_ERROR_MAX])
{
	if (!is_set(&p->address))
		return wrong(p, file, error, "'address' is missing");
	if (p->as == 0)
		return wrong(p, file, error, "'as' is missing");
	if (same_address(c, p))
		return wrong(p, file, error, "another peer has this address");
	if (p->has_local && p->local.family != p->address.family)
		return wrong(p, file, error, "'local-address' is of another family than 'address'");
	if (!has_scope(&c->policy, p->name))
		return wrong(p, file, error, "'prefix' is missing: which destinations it may act on (RFC 8955 §6)");
	if (p->local_as == 0)
		p->local_as = c->bgp.as;
	if (p->hops == 0)
		p->hops = p->as == p->local_as ? 255 : 1;
	return 0;
}

/* A limit of its own, unless `limits` has a tighter one. */
static bool add_limit(struct fg_limits *l, const struct fg_peer_config *p)
{
	size_t i = 0;

	while (i < l->sources && strcmp(l->source[i].source, p->name) != 0)
		i++;
	if (i == FG_SOURCES_MAX)
		return false;
	if (i == l->sources) {
		l->source[i] = (struct fg_limit){ .bytes = UINT64_MAX, .lines = UINT64_MAX, .slots = UINT64_MAX };
		memcpy(l->source[i].source, p->name, sizeof(p->name));
		l->sources++;
	}
	if (l->source[i].slots > p->max_rules)
		l->source[i].slots = p->max_rules;
	return true;
}

static void put_address(struct fg_nlri_builder *b, uint8_t type, const struct fg_address *a)
{
	struct fg_prefix whole = { .length = a->family == FG_IPV6 ? 128 : 32 };

	memcpy(whole.octets, a->octets, sizeof(whole.octets));
	fg_nlri_put_prefix(b, (enum fg_family)a->family, type, &whole);
}

/* TCP of the session in one direction, whoever has dialled: each side's port may be the known one. */
static void protect(struct fg_policy *policy, const struct fg_peer_config *p, bool to_peer,
		    const struct fg_bgp_config *bgp)
{
	struct fg_protect *to = &policy->protect[policy->protects++];
	const struct fg_address *local = p->has_local ? &p->local : NULL;
	struct fg_nlri_builder b;

	fg_nlri_begin(&b);
	if (to_peer || local != NULL)
		put_address(&b, FG_DST, to_peer ? &p->address : local);
	if (!to_peer || local != NULL)
		put_address(&b, FG_SRC, to_peer ? local : &p->address);
	fg_nlri_put_term(&b, FG_PROTO, FG_OP_EQ, 6);
	fg_nlri_put_term(&b, FG_PORT, FG_OP_EQ, p->port);
	for (uint32_t i = 0; i < bgp->listens; i++)
		if (bgp->listen[i].port != p->port)
			fg_nlri_put_term(&b, FG_PORT, FG_OP_EQ, bgp->listen[i].port);
	snprintf(to->name, sizeof(to->name), "bgp-%s-%.50s", to_peer ? "to" : "from", p->name);
	to->family = p->address.family;
	to->nlri_len = b.len;
	memcpy(to->nlri, b.octets, b.len);
}

_Static_assert(2 * 18 + 3 + 3 * (1 + FG_BGP_LISTEN_MAX) + 1 <= FG_PROTECT_NLRI_MAX,
	       "a session's NLRI fits a protect entry");

/* Where nothing is said, at the known port of all addresses. */
static void listen_everywhere(struct fg_bgp_config *b)
{
	if (b->listens > 0 || b->listen_none || b->peers == 0)
		return;
	b->listen[0] = (struct fg_bgp_listen){ { .family = FG_IPV4 }, FG_BGP_PORT };
	b->listen[1] = (struct fg_bgp_listen){ { .family = FG_IPV6 }, FG_BGP_PORT };
	b->listens = 2;
}

int fg_conf_bgp_check(struct fg_conf *c, const char *file, char error[FG_CONF_ERROR_MAX])
{
	struct fg_bgp_config *b = &c->bgp;
	int r = 0;

	if (b->peers > 0 && (b->as == 0 || b->router_id == 0)) {
		snprintf(error, FG_CONF_ERROR_MAX, "%.400s: peers need 'as' and 'router-id' in 'bgp'", file);
		return FG_MALFORMED;
	}
	listen_everywhere(b);
	for (uint32_t i = 0; i < b->peers && r == 0; i++) {
		struct fg_peer_config *p = &b->peer[i];

		r = check_peer(c, p, file, error);
		if (r == 0 && c->policy.protects + 2 > FG_PROTECT_MAX)
			r = wrong(p, file, error, "at most 128 protect entries, and a peer takes two");
		if (r == 0 && !add_limit(&c->policy.limits, p))
			r = wrong(p, file, error, "at most 128 sources with limits");
		for (int to_peer = 0; to_peer < 2 && r == 0; to_peer++)
			protect(&c->policy, p, to_peer, b);
	}
	return r;
}
