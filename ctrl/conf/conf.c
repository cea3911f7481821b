/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading a configuration: what ctrl/text found, handed to who knows the word (words.c), and what must hold of the
 * whole. In: text. Out: struct fg_conf, or the place of the first thing that is wrong.
 */
#include "ctrl/conf/conf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctrl/conf/words.h"
#include "ctrl/load/limits.h"

void fg_conf_default(struct fg_conf *c)
{
	memset(c, 0, sizeof(*c));
	fg_policy_default(&c->policy);
	strcpy(c->control.socket, "/run/flowgate/flowgate.sock");
	strcpy(c->control.group, "flowgate");
	strcpy(c->control.user, "flowgate");
	c->control.others = FG_ROLE_READ;
	strcpy(c->http.address, "127.0.0.1");
	c->http.port = 9185;
	strcpy(c->store.folder, "/var/lib/flowgate");
	strcpy(c->store.pins, "/sys/fs/bpf/flowgate");
	c->store.image_octets = 256 << 20;
	c->store.slots = 1 << 17;
	c->store.history = 1000;
	strcpy(c->dpdk.memory, "/dev/shm/flowgate");
	c->dpdk.run = true;
	c->dpdk.main_core = FG_CONF_CORE_NONE;
	c->dpdk.patterns = FG_CONF_PATTERNS_DEFAULT;
	c->policy.behind_bursts = FG_CONF_BEHIND_DEFAULT;
}

/* Appends "'NAME'" to a list of what was expected. */
static void expect(char *out, size_t room, const char *name, bool last)
{
	size_t len = strlen(out);

	snprintf(out + len, room - len, "%s'%s'", len == 0 ? "" : last ? " or " : ", ", name);
}

static int unknown(const struct fg_conf_reading *r, const struct fg_text_setting *s)
{
	char expected[FG_TEXT_EXPECTED_ROOM] = "";
	size_t last = 0;

	for (size_t i = 0; i < fg_conf_words_count; i++)
		if (strcmp(fg_conf_words[i].block, s->block) == 0)
			last = i;
	if (s->block[0] == '\0') {
		expect(expected, sizeof(expected), "limits", false);
		expect(expected, sizeof(expected), "protect", false);
	}
	for (size_t i = 0; i <= last; i++)
		if (strcmp(fg_conf_words[i].block, s->block) == 0)
			expect(expected, sizeof(expected), fg_conf_words[i].name, i == last);
	return fg_conf_refuse(r, s, 0, expected);
}

static const struct fg_conf_word *find(const struct fg_text_setting *s)
{
	for (size_t i = 0; i < fg_conf_words_count; i++)
		if (strcmp(fg_conf_words[i].block, s->block) == 0 &&
		    strcmp(fg_conf_words[i].name, s->word[0].text) == 0)
			return &fg_conf_words[i];
	return NULL;
}

static int take_setting(void *ctx, const struct fg_text_setting *s)
{
	struct fg_conf_reading *r = ctx;
	const struct fg_conf_word *word;
	char expected[FG_TEXT_EXPECTED_ROOM];

	if (s->kind == FG_SETTING_CLOSE)
		return 0;
	word = find(s);
	if (word == NULL)
		return unknown(r, s);
	if (s->words > word->most + 1u)
		return fg_conf_refuse(r, s, word->most + 1u, word->opens ? "'{'" : "';' or end of line");
	if (s->words <= word->least || word->opens != (s->kind == FG_SETTING_OPEN)) {
		snprintf(expected, sizeof(expected), "%s behind it", word->expected);
		return fg_conf_refuse(r, s, 0, expected);
	}
	return word->take(r, s);
}

static int take_limit(void *ctx, const struct fg_text_limit *limit)
{
	struct fg_conf_reading *r = ctx;

	return fg_limits_take(&r->conf->policy.limits, r->file, limit, r->error);
}

static int take_scope(void *ctx, const struct fg_text_scope *scope)
{
	struct fg_conf_reading *r = ctx;
	struct fg_policy *p = &r->conf->policy;
	struct fg_text_word word = { .text = "prefix", .line = scope->line, .column = scope->column };
	struct fg_scope *to = &p->scope[p->scopes];

	if (p->scopes == FG_SCOPES_MAX)
		return fg_text_refuse(r->error, r->file, &word, "at most 256 prefixes of all sources together");
	p->scopes++;
	snprintf(to->source, sizeof(to->source), "%s", scope->source);
	to->family = (uint8_t)scope->family;
	to->prefix = scope->prefix;
	return 0;
}

static int refuse_protect(const struct fg_conf_reading *r, const struct fg_text_rule *rule, const char *expected)
{
	struct fg_text_word word = { .line = rule->line, .column = rule->column };

	snprintf(word.text, sizeof(word.text), "%s", rule->rule.name);
	return fg_text_refuse(r->error, r->file, &word, expected);
}

/* A protect entry that protects nothing would be believed in. */
static int take_protect(void *ctx, const struct fg_text_rule *rule)
{
	struct fg_conf_reading *r = ctx;
	struct fg_policy *p = &r->conf->policy;
	struct fg_protect *to = &p->protect[p->protects];
	char expected[FG_DETAIL_MAX + FG_NAME_MAX];

	if (rule->refused != FG_OK) {
		snprintf(expected, sizeof(expected), "a match that a packet can have: %s", rule->why.detail);
		return refuse_protect(r, rule, expected);
	}
	if (rule->payload != NULL)
		return refuse_protect(r, rule, "no payload pattern");
	if (rule->rule.nlri_len > FG_PROTECT_NLRI_MAX)
		return refuse_protect(r, rule, "at most 256 octets of NLRI");
	if (p->protects == FG_PROTECT_MAX)
		return refuse_protect(r, rule, "at most 128 protect entries");
	p->protects++;
	memcpy(to->name, rule->rule.name, sizeof(to->name));
	to->family = rule->rule.family;
	to->nlri_len = rule->rule.nlri_len;
	memcpy(to->nlri, rule->rule.nlri, rule->rule.nlri_len);
	return 0;
}

/* What must hold of the whole. Limits that were left alone follow the memory there is. */
static int check(struct fg_conf *c, const char *file, char error[FG_CONF_ERROR_MAX])
{
	struct fg_limits *l = &c->policy.limits, nothing_said;
	uint64_t slots = c->store.slots - FG_PROTECT_MAX;

	fg_limits_default(&nothing_said);
	if (l->slots == nothing_said.slots)
		l->slots = slots;
	if (l->bytes == nothing_said.bytes && l->bytes > c->store.image_octets)
		l->bytes = c->store.image_octets;
	if (l->slots <= slots && l->bytes <= c->store.image_octets)
		return 0;
	snprintf(error, FG_CONF_ERROR_MAX,
		 "%.400s: limits are above what 'store' holds: %llu rules and %llu octets of image", file,
		 (unsigned long long)slots, (unsigned long long)c->store.image_octets);
	return FG_MALFORMED;
}

int fg_conf_read(struct fg_conf *out, const char *file, const char *text, size_t len, char error[FG_CONF_ERROR_MAX])
{
	struct fg_conf *c = malloc(sizeof(*c));
	struct fg_conf_reading r = { .conf = c, .file = file, .error = error };
	struct fg_text_reader reader = {
		.rule = take_protect, .limit = take_limit, .scope = take_scope, .setting = take_setting, .ctx = &r
	};
	int result = -ENOMEM;

	snprintf(error, FG_CONF_ERROR_MAX, "%.400s: %s", file, strerror(ENOMEM));
	if (c != NULL) {
		fg_conf_default(c);
		result = fg_text_read(file, text, len, &reader, error);
	}
	if (result == 0)
		result = fg_conf_bgp_check(c, file, error);
	if (result == 0)
		result = check(c, file, error);
	if (result == 0)
		result = fg_conf_dpdk_check(&r);
	if (result == 0)
		*out = *c;
	free(c);
	return result;
}

int fg_conf_file(struct fg_conf *c, const char *path, char error[FG_CONF_ERROR_MAX])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), failed = errno;
	char *text = malloc(FG_CONF_FILE_MAX + 1);
	ssize_t n = 0;
	size_t len = 0;

	while (fd >= 0 && text != NULL && len <= FG_CONF_FILE_MAX &&
	       (n = read(fd, text + len, FG_CONF_FILE_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (fd >= 0)
		failed = n < 0 ? errno : len > FG_CONF_FILE_MAX ? EFBIG : text == NULL ? ENOMEM : 0;
	if (fd >= 0)
		close(fd);
	if (failed != 0)
		snprintf(error, FG_CONF_ERROR_MAX, "%.400s: %s", path, strerror(failed));
	else
		failed = -fg_conf_read(c, path, text, len, error);
	free(text);
	return -failed;
}
