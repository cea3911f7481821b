/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the daemon is reached and where it keeps things. In: settings. Out: struct fg_conf beside the policy.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/conf/words.h"
#include "ctrl/text/value.h"

enum { IMAGE_OCTETS_MIN = 128 << 20 };

#define IMAGE_OCTETS_MAX (UINT64_C(1) << 36)

int fg_conf_block(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	(void)r;
	(void)s;
	return 0;
}

int fg_conf_control(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_conf *c = r->conf;

	if (strcmp(s->word[0].text, "group") == 0)
		return fg_conf_copy(r, s, 1, c->control.group, sizeof(c->control.group));
	if (strcmp(s->word[0].text, "user") == 0)
		return fg_conf_copy(r, s, 1, c->control.user, sizeof(c->control.user));
	if (s->word[1].text[0] != '/')
		return fg_conf_refuse(r, s, 1, "a path that begins with '/'");
	return fg_conf_copy(r, s, 1, c->control.socket, sizeof(c->control.socket));
}

/* `admin uid NAME`: a number is taken as it is, a name is looked up when the daemon starts. */
int fg_conf_grant(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_conf *c = r->conf;
	struct fg_conf_role *to = &c->control.role[c->control.roles];
	struct fg_text_string id = { s->word[2].text, (uint32_t)strlen(s->word[2].text) };
	uint64_t number;

	if (c->control.roles == FG_CONF_ROLES_MAX)
		return fg_conf_refuse(r, s, 0, "at most 64 of 'read', 'operator' and 'admin'");
	if (strcmp(s->word[1].text, "uid") != 0 && strcmp(s->word[1].text, "gid") != 0)
		return fg_conf_refuse(r, s, 1, "'uid' or 'gid'");
	if (fg_conf_copy(r, s, 2, to->name, sizeof(to->name)) != 0)
		return FG_MALFORMED;
	to->role = FG_ROLE_READ;
	while (strcmp(fg_role_name(to->role), s->word[0].text) != 0)
		to->role++;
	to->group = strcmp(s->word[1].text, "gid") == 0;
	to->known = fg_text_number(id, &number);
	if (to->known && number >= UINT32_MAX)
		return fg_conf_refuse(r, s, 2, "a number below 4294967295");
	to->id = to->known ? (uint32_t)number : 0;
	c->control.roles++;
	return 0;
}

int fg_conf_others(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	bool none;
	int result = fg_conf_choose(r, s, "read", "none", &none);

	if (result == 0)
		r->conf->control.others = none ? FG_ROLE_NONE : FG_ROLE_READ;
	return result;
}

/* "192.0.2.1:9185", "[2001:db8::1]:9185". */
int fg_conf_listen(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	const char *text = s->word[1].text, *colon = strrchr(text, ':');
	bool bracket = text[0] == '[' && colon != NULL && colon[-1] == ']';
	struct fg_text_string host = { text + bracket, 0 }, port;
	struct fg_address address;
	uint64_t number;

	if (strcmp(text, "none") == 0) {
		r->conf->http.address[0] = '\0';
		return 0;
	}
	if (colon == NULL)
		return fg_conf_refuse(r, s, 1, "ADDRESS:PORT or 'none'");
	host.len = (uint32_t)(colon - host.at - bracket);
	port = (struct fg_text_string){ colon + 1, (uint32_t)strlen(colon + 1) };
	if (!fg_text_address(host, &address) || bracket != (address.family == FG_IPV6) ||
	    !fg_text_number(port, &number) || number == 0 || number > UINT16_MAX)
		return fg_conf_refuse(r, s, 1, "ADDRESS:PORT such as 127.0.0.1:9185 or \"[::1]:9185\", or 'none'");
	snprintf(r->conf->http.address, sizeof(r->conf->http.address), "%.*s", (int)host.len, host.at);
	r->conf->http.port = (uint16_t)number;
	return 0;
}

static int store_path(struct fg_conf_reading *r, const struct fg_text_setting *s, char out[FG_CONF_PATH_MAX])
{
	if (s->word[1].text[0] != '/')
		return fg_conf_refuse(r, s, 1, "a path that begins with '/'");
	return fg_conf_copy(r, s, 1, out, FG_CONF_PATH_MAX);
}

static int store_image(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	uint64_t v;
	int result = fg_conf_number(r, s, IMAGE_OCTETS_MIN, IMAGE_OCTETS_MAX, "128M to 64G", &v);

	if (result == 0 && (v & (v - 1)) != 0)
		return fg_conf_refuse(r, s, 1, "a power of two such as 128M, 256M or 1G");
	if (result == 0)
		r->conf->store.image_octets = v;
	return result;
}

int fg_conf_store(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	const char *word = s->word[0].text;
	struct fg_conf *c = r->conf;
	uint64_t v = 0;
	int result;

	if (strcmp(word, "path") == 0)
		return store_path(r, s, c->store.folder);
	if (strcmp(word, "pins") == 0)
		return store_path(r, s, c->store.pins);
	if (strcmp(word, "image") == 0)
		return store_image(r, s);
	if (strcmp(word, "lock-memory") == 0)
		return fg_conf_choose(r, s, "off", "on", &c->store.lock_memory);
	if (strcmp(word, "slots") == 0) {
		result = fg_conf_number(r, s, 2 * FG_PROTECT_MAX, FG_CONF_SLOTS_MAX, "256 to 4M rules", &v);
		c->store.slots = result == 0 ? (uint32_t)v : c->store.slots;
		return result;
	}
	result = fg_conf_number(r, s, 1, FG_CONF_HISTORY_MAX, "1 to 1M generations", &v);
	c->store.history = result == 0 ? (uint32_t)v : c->store.history;
	return result;
}

int fg_conf_rule_file(struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	struct fg_conf *c = r->conf;

	if (c->rule_files == FG_CONF_RULE_FILES_MAX)
		return fg_conf_refuse(r, s, 0, "at most 16 files");
	return store_path(r, s, c->rule_file[c->rule_files]) != 0 ? FG_MALFORMED : (c->rule_files++, 0);
}
