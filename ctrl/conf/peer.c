/* SPDX-License-Identifier: BSD-3-Clause */
/* `peer NAME { … }`. In: settings. Out: struct fg_peer_config, and in the policy what the peer may act on and ask for. Next: bgp.c. */
#include <stdio.h>
#include <string.h>

#include "ctrl/conf/words.h"
#include "ctrl/text/value.h"

static struct fg_text_string value(const struct fg_text_setting *s, size_t i)
{
	return (struct fg_text_string){ s->word[i].text, (uint32_t)strlen(s->word[i].text) };
}

static const struct fg_peer_config unsaid = {
	.port = FG_BGP_PORT,
	.hold_s = 90,
	.retry_s = 5,
	.restart_s = 120,
	.stale_s = 300,
	.max_rules = 10000,
	.preference = 100,
};

static bool is_reserved(const char *name)
{
	return strcmp(name, "operator") == 0 || strcmp(name, "file") == 0;
}

int fg_conf_peer(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_bgp_config *b = &r->conf->bgp;
	struct fg_policy *p = &r->conf->policy;

	if (b->peers == FG_PEERS_MAX)
		return fg_conf_refuse(r, s, 0, "at most 63 peers");
	if (is_reserved(s->word[1].text))
		return fg_conf_refuse(r, s, 1, "another name: rules of this source are not of a peer");
	for (uint32_t i = 0; i < b->peers; i++)
		if (strcmp(b->peer[i].name, s->word[1].text) == 0)
			return fg_conf_refuse(r, s, 1, "each peer once");
	r->peer = &b->peer[b->peers];
	r->grant = &p->grant[p->grants];
	*r->peer = unsaid;
	*r->grant = (struct fg_grant){ .actions = UINT32_MAX };
	if (fg_conf_copy(r, s, 1, r->peer->name, sizeof(r->peer->name)) != 0)
		return FG_MALFORMED;
	memcpy(r->grant->source, r->peer->name, sizeof(r->grant->source));
	b->peers++;
	p->grants++;
	return 0;
}

int fg_conf_peer_address(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	bool local = s->word[0].text[0] == 'l';
	struct fg_address a;

	if (!fg_text_address(value(s, 1), &a))
		return fg_conf_refuse(r, s, 1, "an address");
	*(local ? &r->peer->local : &r->peer->address) = a;
	r->peer->has_local = r->peer->has_local || local;
	return 0;
}

static const struct number {
	const char *word, *expected;
	uint64_t least, most;
} numbers[] = {
	{ "port", "a port", 1, UINT16_MAX },
	{ "as", "an AS number of 1 to 4294967294", 1, UINT32_MAX - 1 },
	{ "local-as", "an AS number of 1 to 4294967294", 1, UINT32_MAX - 1 },
	{ "preference", "a number below 4294967296", 0, UINT32_MAX },
	{ "max-rules", "1 to 4M rules", 1, FG_CONF_SLOTS_MAX },
	{ "multihop", "1 to 255 hops", 1, 255 },
	{ "ttl-security", "1 to 254 hops", 1, 254 },
};

static void put_number(struct fg_peer_config *p, const char *word, uint64_t v)
{
	if (strcmp(word, "port") == 0)
		p->port = (uint16_t)v;
	else if (strcmp(word, "as") == 0)
		p->as = (uint32_t)v;
	else if (strcmp(word, "local-as") == 0)
		p->local_as = (uint32_t)v;
	else if (strcmp(word, "preference") == 0)
		p->preference = (uint32_t)v;
	else if (strcmp(word, "max-rules") == 0)
		p->max_rules = (uint32_t)v;
	else
		p->hops = (uint8_t)v;
	p->ttl_security = p->ttl_security || strcmp(word, "ttl-security") == 0;
}

int fg_conf_peer_number(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	const struct number *n = numbers;
	uint64_t v;

	while (strcmp(n->word, s->word[0].text) != 0)
		n++;
	if (fg_conf_number(r, s, n->least, n->most, n->expected, &v) != 0)
		return FG_MALFORMED;
	if (r->peer->hops != 0 && (strcmp(n->word, "multihop") == 0 || strcmp(n->word, "ttl-security") == 0))
		return fg_conf_refuse(r, s, 0, "either 'multihop' or 'ttl-security'");
	put_number(r->peer, n->word, v);
	return 0;
}

bool fg_conf_seconds(const char *text, uint64_t least, uint64_t most, uint64_t *out)
{
	static const char units[] = "smhd";
	static const uint64_t seconds[] = { 1, 60, 3600, 86400 };
	struct fg_text_string number = { text, (uint32_t)strlen(text) };
	const char *unit = number.len > 0 ? strchr(units, text[number.len - 1]) : NULL;
	uint64_t v;

	number.len -= unit != NULL;
	if (!fg_text_number(number, &v) || v > UINT32_MAX)
		return false;
	v *= unit != NULL ? seconds[unit - units] : 1;
	if (v < least || v > most)
		return false;
	*out = v;
	return true;
}

int fg_conf_peer_time(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	const char *word = s->word[0].text;
	uint64_t v;

	if (strcmp(word, "hold-time") == 0) {
		if (!fg_conf_seconds(s->word[1].text, 0, UINT16_MAX, &v) || (v != 0 && v < 3))
			return fg_conf_refuse(r, s, 1, "0, or 3s to 65535s (RFC 4271 §4.2)");
		r->peer->hold_s = (uint16_t)v;
	} else if (strcmp(word, "retry-time") == 0) {
		if (!fg_conf_seconds(s->word[1].text, 1, 3600, &v))
			return fg_conf_refuse(r, s, 1, "1s to 1h");
		r->peer->retry_s = (uint16_t)v;
	} else if (strcmp(word, "restart-time") == 0) {
		if (!fg_conf_seconds(s->word[1].text, 0, 4095, &v))
			return fg_conf_refuse(r, s, 1, "0 (none) to 4095s (RFC 4724 §3)");
		r->peer->restart_s = (uint16_t)v;
	} else {
		if (!fg_conf_seconds(s->word[1].text, 0, 7 * 86400, &v))
			return fg_conf_refuse(r, s, 1, "0 to 7d");
		r->peer->stale_s = (uint32_t)v;
	}
	return 0;
}

int fg_conf_peer_choice(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	const char *word = s->word[0].text;
	bool full;
	int result;

	if (strcmp(word, "passive") == 0)
		return fg_conf_choose(r, s, "off", "on", &r->peer->passive);
	if (strcmp(word, "first-as") == 0)
		return fg_conf_choose(r, s, "check", "ignore", &r->peer->ignore_first_as);
	if (strcmp(word, "announce-service") == 0)
		return fg_conf_choose(r, s, "off", "on", &r->peer->announce);
	if (strcmp(word, "extended-messages") == 0)
		return fg_conf_choose(r, s, "on", "off", &r->peer->short_messages);
	result = fg_conf_choose(r, s, "strict", "full", &full);
	if (result == 0)
		r->peer->offset_form = full ? FG_OFFSET_FULL : FG_OFFSET_STRICT;
	return result;
}

int fg_conf_peer_prefix(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_policy *p = &r->conf->policy;
	struct fg_scope scope = { 0 };
	enum fg_family family;
	uint64_t shortest;

	if (!fg_text_prefix(value(s, 1), &family, &scope.prefix) || scope.prefix.offset != 0)
		return fg_conf_refuse(r, s, 1, "a prefix");
	if (s->words == 3 || (s->words == 4 && strcmp(s->word[2].text, "shortest") != 0))
		return fg_conf_refuse(r, s, 2, "'shortest' and a length");
	shortest = scope.prefix.length;
	if (s->words == 4 && (!fg_text_number(value(s, 3), &shortest) || shortest < scope.prefix.length ||
			      shortest > (family == FG_IPV4 ? 32 : 128)))
		return fg_conf_refuse(r, s, 3, "a length from that of the prefix on");
	if (p->scopes == FG_SCOPES_MAX)
		return fg_conf_refuse(r, s, 0, "at most 256 prefixes of all sources together");
	memcpy(scope.source, r->peer->name, sizeof(scope.source));
	scope.family = (uint8_t)family;
	scope.shortest = (uint8_t)shortest;
	p->scope[p->scopes++] = scope;
	return 0;
}

/* The first line takes all away, each gives some back. */
int fg_conf_peer_actions(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	if (r->grant->actions == UINT32_MAX)
		r->grant->actions = 0;
	for (size_t i = 1; i < s->words; i++) {
		uint32_t bit = fg_policy_action(s->word[i].text);

		if (bit == 0)
			return fg_conf_refuse(
				r, s, i,
				"'accept', 'discard', 'rate-limit', 'rate-limit-packets', 'mark', 'redirect', "
				"'redirect-to-ip', 'copy-to-ip', 'sample' or 'continue'");
		r->grant->actions |= bit;
	}
	return 0;
}

/* AS:VALUE of 16 bits each, or three numbers of 32 bits. */
static bool community(const char *text, struct fg_peer_community *out)
{
	uint64_t v;

	for (out->parts = 0; text != NULL && out->parts < 3; out->parts++) {
		const char *colon = strchr(text, ':');
		struct fg_text_string part = { text,
					       (uint32_t)(colon != NULL ? (size_t)(colon - text) : strlen(text)) };

		if (!fg_text_number(part, &v) || v > UINT32_MAX)
			return false;
		out->part[out->parts] = (uint32_t)v;
		text = colon != NULL ? colon + 1 : NULL;
	}
	return text == NULL && (out->parts == 3 || (out->parts == 2 && (out->part[0] | out->part[1]) <= UINT16_MAX));
}

int fg_conf_peer_community(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_peer_community *to = &r->peer->community[r->peer->communities];
	const char *use = s->word[2].text;
	uint64_t v = 0;

	if (r->peer->communities == FG_PEER_COMMUNITIES_MAX)
		return fg_conf_refuse(r, s, 0, "at most 16 communities");
	if (!community(s->word[1].text, to))
		return fg_conf_refuse(r, s, 1, "a community such as 65001:100 or 65001:1:100");
	if (strcmp(use, "count-only") == 0 && s->words == 3) {
		to->use = FG_COMMUNITY_COUNT_ONLY;
	} else if (strcmp(use, "site") == 0 && s->words == 4) {
		to->use = FG_COMMUNITY_SITE;
		if (fg_conf_copy(r, s, 3, to->site, sizeof(to->site)) != 0)
			return FG_MALFORMED;
	} else if (strcmp(use, "ttl") == 0 && s->words == 4) {
		to->use = FG_COMMUNITY_TTL;
		if (!fg_conf_seconds(s->word[3].text, 1, UINT32_MAX, &v))
			return fg_conf_refuse(r, s, 3, "a time such as 10m");
		to->ttl_s = (uint32_t)v;
	} else {
		return fg_conf_refuse(r, s, 2, "'site NAME', 'ttl TIME' or 'count-only'");
	}
	r->peer->communities++;
	return 0;
}

int fg_conf_peer_md5(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	return fg_conf_copy(r, s, 1, r->peer->md5, sizeof(r->peer->md5));
}
