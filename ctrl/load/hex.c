/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rules as received: `ipv4|ipv6 NLRI_HEX [EXTCOMM_HEX[,…]]` a line, and the octets behind it. In: hex. Out: rules
 * on the loader's list; what is no hex is a syntax error, what is hex but no rule is a malformed rule.
 */
#include <errno.h>
#include <string.h>

#include "ctrl/load/steps.h"
#include "ctrl/rule/actions.h"
#include "ctrl/rule/lint.h"

enum {
	WORDS_MAX = 3,
	RD_OCTETS = 8,
	NLRI_OCTETS = 2 + RD_OCTETS + FG_NLRI_MAX,
	COMMUNITIES_OCTETS = FG_ACTION_COMMUNITIES_MAX * FG_EXTCOMM6_OCTETS,
};

bool fg_family_read(const char *text, size_t len, enum fg_family *family, bool *vpn)
{
	static const struct {
		const char *word;
		enum fg_family family;
		bool vpn;
	} known[] = {
		{ "ipv4", FG_IPV4, false },
		{ "ipv6", FG_IPV6, false },
		{ "ipv4-vpn", FG_IPV4, true },
		{ "ipv6-vpn", FG_IPV6, true },
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strlen(known[i].word) != len || memcmp(known[i].word, text, len) != 0)
			continue;
		*family = known[i].family;
		*vpn = known[i].vpn;
		return true;
	}
	return false;
}

/* One attribute's communities: 20 octets are one of attribute 25 (RFC 5701 §2), otherwise eight each (RFC 4360 §2). */
static int take_attribute(struct fg_load *load, struct fg_loaded *rule, const uint8_t *octets, size_t len)
{
	struct fg_finding why;
	int r = fg_actions_read(octets, len, len == FG_EXTCOMM6_OCTETS, &rule->rule.actions, &why);

	if (r <= 0)
		return r;
	rule->actions_bad = true;
	return fg_load_judge(load, rule, &why);
}

int fg_load_communities(struct fg_load *load, struct fg_loaded *rule, const char *text, size_t len)
{
	uint8_t octets[COMMUNITIES_OCTETS];
	int r = 0;

	for (size_t at = 0, end; at <= len && r == 0; at = end + 1) {
		long n;

		for (end = at; end < len && text[end] != ','; end++)
			;
		n = fg_hex_read(text + at, end - at, octets, sizeof(octets));
		if (n < 0)
			return FG_MALFORMED;
		r = take_attribute(load, rule, octets, (size_t)n);
	}
	return r;
}

static int refuse_vpn(struct fg_load *load, struct fg_loaded *rule)
{
	struct fg_findings findings = { .count = 0 };

	fg_finding_add(
		&findings, FG_UNSUPPORTED, 0, "RFC 8955 §8",
		"a rule of a VPN belongs to one routing instance of many, and there is none here to enforce it in");
	return fg_load_judge(load, rule, &findings.at[0]);
}

/* What is no NLRI is kept as it came, length octets and all. */
static int take_malformed(struct fg_load *load, struct fg_loaded *rule, const uint8_t *octets, size_t len,
			  const struct fg_finding *why)
{
	rule->rule.nlri = fg_arena_copy(&load->arena, octets, len);
	rule->rule.nlri_len = (uint16_t)(len < FG_NLRI_MAX ? len : FG_NLRI_MAX);
	return rule->rule.nlri == NULL ? -ENOMEM : fg_load_judge(load, rule, why);
}

static int take_octets(struct fg_load *load, struct fg_loaded *rule, const uint8_t *octets, size_t len, size_t *used)
{
	enum fg_offset_form form = load->full_offsets ? FG_OFFSET_FULL : FG_OFFSET_STRICT;
	struct fg_reader in = { octets, octets + len };
	struct fg_rule read = rule->rule;
	struct fg_finding why;
	bool framed;
	int r = fg_nlri_read(&in, rule->rule.family, rule->rule.vpn, form, &read, &framed, &why);

	*used = framed ? (size_t)(in.at - octets) : len;
	if (r != 0)
		return take_malformed(load, rule, octets, *used, &why);
	read.actions = rule->rule.actions;
	memcpy(read.name, rule->rule.name, sizeof(read.name));
	rule->rule = read;
	r = fg_load_take_nlri(load, rule, read.nlri, read.nlri_len);
	return r == 0 && read.vpn ? refuse_vpn(load, rule) : r;
}

int fg_load_octets(struct fg_load *load, enum fg_family family, bool vpn, const uint8_t *octets, size_t len,
		   const char *communities, size_t *used)
{
	struct fg_loaded *rule = fg_load_add(load);
	int r;

	if (rule == NULL)
		return -ENOMEM;
	rule->rule.family = (uint8_t)family;
	rule->rule.vpn = vpn;
	r = take_octets(load, rule, octets, len, used);
	if (r == 0 && communities != NULL)
		r = fg_load_communities(load, rule, communities, strlen(communities));
	if (r != 0)
		load->count--;
	if (r > 0)
		strcpy(load->error, "expected communities of 8 or 20 octets in hex, separated by commas");
	return r;
}

struct word {
	const char *at;
	size_t len;
};

/* The words of a line up to a comment; their number, WORDS_MAX + 1 where there are more. */
static size_t split(const char *line, size_t len, struct word words[WORDS_MAX + 1])
{
	size_t n = 0, i = 0;

	while (n <= WORDS_MAX) {
		while (i < len && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r'))
			i++;
		if (i == len || line[i] == '#')
			break;
		words[n].at = line + i;
		while (i < len && line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			i++;
		words[n].len = (size_t)(line + i - words[n].at);
		n++;
	}
	return n;
}

/* What follows the one NLRI of a line belongs to no rule. */
static int refuse_rest(struct fg_load *load, struct fg_loaded *rule, size_t used, size_t len)
{
	struct fg_findings findings = { .count = 0 };

	fg_finding_add(&findings, FG_MALFORMED, 0, "RFC 8955 §4.1", "octets behind the NLRI: %zu", len - used)->octet =
		(uint16_t)used;
	rule->checked = false;
	return fg_load_judge(load, rule, &findings.at[0]);
}

struct place {
	const char *file, *line;
	size_t number;
};

static int unexpected(struct fg_load *load, const struct place *p, const struct word *w, const char *expected)
{
	return fg_load_syntax(load, p->file, p->number, (size_t)(w->at - p->line) + 1,
			      "unexpected '%.*s%s', expected %s", w->len < 40 ? (int)w->len : 40, w->at,
			      w->len < 40 ? "" : "…", expected);
}

static int take_line(struct fg_load *load, const struct place *p, const struct word *words, size_t n)
{
	uint8_t octets[NLRI_OCTETS];
	enum fg_family family;
	struct fg_loaded *rule;
	size_t used;
	bool vpn;
	long len;
	int r;

	if (!fg_family_read(words[0].at, words[0].len, &family, &vpn))
		return unexpected(load, p, &words[0], "'ipv4' or 'ipv6'");
	if (n == 1)
		return fg_load_syntax(load, p->file, p->number, (size_t)(words[0].at - p->line) + words[0].len + 1,
				      "unexpected end of line, expected an NLRI in hex");
	len = fg_hex_read(words[1].at, words[1].len, octets, sizeof(octets));
	if (len < 0)
		return unexpected(load, p, &words[1], "an NLRI in hex, at most 4095 octets with its length octets");
	if (n > WORDS_MAX)
		return unexpected(load, p, &words[3], "end of line");
	r = fg_load_octets(load, family, vpn, octets, (size_t)len, NULL, &used);
	if (r != 0)
		return r;
	rule = load->rule[load->count - 1];
	rule->file = p->file;
	rule->line = (uint32_t)p->number;
	if (used < (size_t)len)
		r = refuse_rest(load, rule, used, (size_t)len);
	if (r == 0 && n == 3)
		r = fg_load_communities(load, rule, words[2].at, words[2].len);
	return r > 0 ? unexpected(load, p, &words[2], "communities in hex, separated by commas") : r;
}

int fg_load_hex(struct fg_load *load, const char *name, const char *text, size_t len)
{
	struct word words[WORDS_MAX + 1];
	struct place place = { .file = name, .line = text, .number = 1 };
	const char *end = text + len;
	int r = 0;

	for (; place.line < end && r == 0; place.number++) {
		const char *newline = memchr(place.line, '\n', (size_t)(end - place.line));
		const char *stop = newline ? newline : end;
		size_t n = split(place.line, (size_t)(stop - place.line), words);

		if (n > 0)
			r = take_line(load, &place, words, n);
		place.line = stop + 1;
	}
	return r;
}
