/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the box is: its site, its interfaces, and where redirects lead. In: settings. Out: the policy.
 */
#include <stdio.h>
#include <string.h>

#include "ctrl/conf/words.h"
#include "ctrl/text/value.h"

enum { RT_VALUE_AT = 2 }; /* the value of a community is behind its two octets of type */

int fg_conf_site(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_policy *p = &r->conf->policy;

	for (size_t i = 1; i < s->words; i++) {
		if (p->sites == FG_SITES_MAX)
			return fg_conf_refuse(r, s, i, "at most 8 names");
		if (fg_conf_copy(r, s, i, p->site[p->sites], sizeof(p->site[0])) != 0)
			return FG_MALFORMED;
		p->sites++;
	}
	return 0;
}

int fg_conf_shadow(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	return fg_conf_choose(r, s, "off", "on", &r->conf->policy.shadow);
}

int fg_conf_redirect_to_ip(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	return fg_conf_choose(r, s, "refuse", "allow", &r->conf->policy.redirect_to_ip);
}

static bool is_port(const struct fg_policy *p, const char *name)
{
	for (uint32_t i = 0; i < p->ports; i++)
		if (strcmp(p->port[i].name, name) == 0)
			return true;
	return false;
}

/* An interface, or both of a pair, one after the other. */
int fg_conf_interface(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_policy *p = &r->conf->policy;

	r->ports = s->words - 1;
	r->port = &p->port[p->ports];
	if (p->ports + r->ports > FG_PORTS_MAX)
		return fg_conf_refuse(r, s, 1, "at most 32 interfaces");
	for (size_t i = 0; i < r->ports; i++) {
		if (is_port(p, s->word[i + 1].text))
			return fg_conf_refuse(r, s, i + 1, "each interface once");
		if (fg_conf_copy(r, s, i + 1, r->port[i].name, sizeof(r->port[i].name)) != 0)
			return FG_MALFORMED;
		r->pair[p->ports++] = s->word[i + 1];
	}
	if (r->ports == 1 && r->interface.line == 0)
		r->interface = s->word[1];
	if (r->ports == 2) {
		memcpy(r->port[0].peer, r->port[1].name, sizeof(r->port[0].peer));
		memcpy(r->port[1].peer, r->port[0].name, sizeof(r->port[1].peer));
	}
	return 0;
}

int fg_conf_mode(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	static const char *const names[] = {
		[FG_XDP_AUTO] = "auto", [FG_XDP_NATIVE] = "native", [FG_XDP_GENERIC] = "generic"
	};
	uint8_t mode = 0;

	while (mode < sizeof(names) / sizeof(names[0]) && strcmp(names[mode], s->word[1].text) != 0)
		mode++;
	if (mode == sizeof(names) / sizeof(names[0]))
		return fg_conf_refuse(r, s, 1, "'auto', 'native' or 'generic'");
	for (size_t i = 0; i < r->ports; i++)
		r->port[i].mode = mode;
	return 0;
}

int fg_conf_on_failure(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	bool closed;
	int result = fg_conf_choose(r, s, "open", "closed", &closed);

	for (size_t i = 0; i < r->ports && result == 0; i++)
		r->port[i].on_failure = closed ? FG_FAIL_CLOSED : FG_FAIL_OPEN;
	return result;
}

int fg_conf_malformed(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	bool drop;
	int result = fg_conf_choose(r, s, "pass", "drop", &drop);

	for (size_t i = 0; i < r->ports && result == 0; i++)
		r->port[i].drop_malformed = drop;
	return result;
}

int fg_conf_no_neighbour(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	bool drop;
	int result = fg_conf_choose(r, s, "pass", "drop", &drop);

	for (size_t i = 0; i < r->ports && result == 0; i++)
		r->port[i].drop_no_neighbour = drop;
	return result;
}

int fg_conf_redirect(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_text_string text = { s->word[1].text, (uint32_t)strlen(s->word[1].text) };
	struct fg_policy *p = &r->conf->policy;
	uint8_t community[FG_EXTCOMM6_OCTETS] = { 0 };
	bool six;

	if (!fg_text_route_target(text, community, &six))
		return fg_conf_refuse(r, s, 1,
				      "a route target such as 65000:100, 192.0.2.1:100 or \"[2001:db8::1]:100\"");
	if (p->targets == FG_TARGETS_MAX)
		return fg_conf_refuse(r, s, 1, "at most 64 targets");
	r->redirect[p->targets] = s->word[1];
	r->target = &p->target[p->targets++];
	r->target->rt6 = six;
	memcpy(r->target->rt, community + RT_VALUE_AT, sizeof(community) - RT_VALUE_AT);
	return 0;
}

int fg_conf_redirect_interface(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	return fg_conf_copy(r, s, 1, r->target->interface, sizeof(r->target->interface));
}

int fg_conf_redirect_next_hop(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_text_string text = { s->word[1].text, (uint32_t)strlen(s->word[1].text) };

	if (!fg_text_address(text, &r->target->next_hop))
		return fg_conf_refuse(r, s, 1, "an IPv4 or IPv6 address");
	return 0;
}

/* "02:00:00:00:00:01", of a single station. */
int fg_conf_redirect_mac(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	unsigned octet[6];
	char more;

	if (strlen(s->word[1].text) != 17 ||
	    sscanf(s->word[1].text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &octet[0], &octet[1], &octet[2], &octet[3], &octet[4],
		   &octet[5], &more) != 6 ||
	    (octet[0] & 1))
		return fg_conf_refuse(r, s, 1, "the address of one station such as \"02:00:00:00:00:01\"");
	for (int i = 0; i < 6; i++)
		r->target->mac[i] = (uint8_t)octet[i];
	r->target->has_mac = true;
	return 0;
}
