/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attributes and actions of the rule that is being read, each at most once. In: the word and its value as tokens. Out:
 * state->out; what cannot be said on the wire or twice is an error at its place.
 */
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/rule/print.h"
#include "ctrl/text/state.h"

enum { RATE_TEXT_MAX = 255 }; /* the smallest float has 149 places */

static int ttl_read(struct fg_text_state *s, const struct fg_text_value *value)
{
	static const struct {
		char unit;
		uint32_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
	struct fg_text_string number = value->text;
	uint64_t v, seconds = 1;

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (number.at[number.len - 1] == units[i].unit)
			seconds = units[i].seconds;
	if (number.at[number.len - 1] > '9')
		number.len--;
	if (!fg_text_number(number, &v) || v == 0 || v > UINT32_MAX / seconds ||
	    (number.len < value->text.len && seconds == 1 && number.at[number.len] != 's'))
		return fg_text_unexpected(s, value, "a time above 0 such as 90, 30s, 10m, 2h, 1d or 1w");
	s->out.ttl_s = (uint32_t)(v * seconds);
	return 0;
}

static bool text_is(struct fg_text_string text, const char *word)
{
	return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

static int family_read(struct fg_text_state *s, const struct fg_text_value *value)
{
	bool six = text_is(value->text, "ipv6");

	if (!six && !text_is(value->text, "ipv4"))
		return fg_text_unexpected(s, value, "'ipv4' or 'ipv6'");
	if (s->family_said && s->out.rule.family != (six ? FG_IPV6 : FG_IPV4))
		return fg_text_unexpected(s, value, "the family of the addresses");
	s->family_said = true;
	s->out.rule.family = six ? FG_IPV6 : FG_IPV4;
	return 0;
}

/* The closing quote, which the lexer has left behind, makes room for the NUL. A pattern keeps its backslashes. */
static int payload_read(struct fg_text_state *s, const struct fg_text_value *value)
{
	char *at = (char *)(uintptr_t)value->text.at;

	if (value->text.len == 2)
		return fg_text_unexpected(s, value, "a pattern");
	at[value->text.len - 1] = '\0';
	s->out.payload = at + 1;
	return 0;
}

static int twice(struct fg_text_state *s, const struct fg_text_value *word)
{
	struct fg_text_words words = { 0 };

	fg_text_words_token(&words, word->text);
	return fg_text_fail(s, word->place, "unexpected second %s, expected it once in a rule", words.at);
}

int fg_text_attribute_put(struct fg_text_state *s, enum fg_text_attribute which, const struct fg_text_value *word,
			  const struct fg_text_value *value)
{
	if (s->attributes & 1u << which)
		return twice(s, word);
	s->attributes |= 1u << which;
	switch (which) {
	case FG_TEXT_NAME:
		return fg_text_name_copy(s, value, s->out.rule.name);
	case FG_TEXT_OWNER:
		return fg_text_name_copy(s, value, s->out.owner);
	case FG_TEXT_TICKET:
		return fg_text_name_copy(s, value, s->out.ticket);
	case FG_TEXT_SITE:
		return fg_text_name_copy(s, value, s->out.site);
	case FG_TEXT_SOURCE:
		return fg_text_name_copy(s, value, s->out.source);
	case FG_TEXT_TTL:
		return ttl_read(s, value);
	case FG_TEXT_FAMILY:
		return family_read(s, value);
	case FG_TEXT_PAYLOAD:
		return payload_read(s, value);
	}
	return 0;
}

int fg_text_action_put(struct fg_text_state *s, uint32_t bits, const struct fg_text_value *word)
{
	if (s->given & bits)
		return twice(s, word);
	if (s->accept && (bits & FG_ACT_DISCARD))
		return fg_text_unexpected(s, word, "no 'discard' beside 'accept'");
	s->given |= bits;
	s->out.rule.actions.set |= bits;
	return 0;
}

int fg_text_accept_put(struct fg_text_state *s, const struct fg_text_value *word)
{
	if (s->accept)
		return twice(s, word);
	if (s->given & FG_ACT_DISCARD)
		return fg_text_unexpected(s, word, "no 'accept' beside 'discard'");
	s->accept = true;
	return 0;
}

/* What the unit at `unit` multiplies by, 0 if it is none. Octets per second: `bit` is an eighth. */
static double unit_factor(const char *unit, bool octets)
{
	static const char prefixes[] = "kmgt";
	const char *prefix = *unit != '\0' ? strchr(prefixes, *unit | 0x20) : NULL;
	double factor = 1;

	if (prefix != NULL) {
		for (const char *p = prefixes; p <= prefix; p++)
			factor *= 1000;
		unit++;
	}
	if (*unit == '\0')
		return factor;
	return octets && strcasecmp(unit, "bit") == 0 ? factor / 8 : 0;
}

/* A point is a point in every locale. */
static double decimal(const char *text, char **end)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	double v;

	if (c == (locale_t)0)
		return NAN;
	v = strtod_l(text, end, c);
	freelocale(c);
	return v;
}

/* A finite rate >= 0 that a float holds (RFC 8955 §7.1). False and *out untouched otherwise. */
static bool rate_read(struct fg_text_string text, bool octets, float *out)
{
	char copy[RATE_TEXT_MAX + 1] = "";
	char *unit = copy;
	uint64_t whole;
	double v;
	float rate;

	if (fg_text_number(text, &whole)) {
		*out = (float)whole;
		return true;
	}
	if (text.len > RATE_TEXT_MAX)
		return false;
	memcpy(copy, text.at, text.len);
	v = decimal(copy, &unit);
	v *= unit_factor(unit, octets);
	rate = (float)v;
	if (!isfinite(rate) || (unit_factor(unit, octets) == 0))
		return false;
	*out = rate;
	return true;
}

int fg_text_rate_put(struct fg_text_state *s, uint32_t bits, const struct fg_text_value *word,
		     const struct fg_text_value *value)
{
	bool octets = bits == FG_ACT_RATE_BYTES;
	float rate;

	if (s->given & bits)
		return twice(s, word);
	if (!rate_read(value->text, octets, &rate))
		return fg_text_unexpected(s, value,
					  octets ? "octets per second such as 1250000, 10M or 80Mbit"
						 : "packets per second such as 5000 or 10k");
	s->given |= bits;
	if (rate == 0) { /* RFC 8955 §7.1: a rate of 0 discards */
		if (s->accept)
			return fg_text_unexpected(s, value, "a rate above 0 beside 'accept'");
		s->given |= FG_ACT_DISCARD;
		s->out.rule.actions.set |= FG_ACT_DISCARD;
		return 0;
	}
	s->out.rule.actions.set |= bits;
	*(octets ? &s->out.rule.actions.rate_bytes_per_s : &s->out.rule.actions.rate_packets_per_s) = rate;
	return 0;
}

int fg_text_mark_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *value)
{
	char name[FG_NAME_MAX + 1];
	uint32_t dscp;

	if (value->named) {
		if (!fg_text_copy(value->text, name) || !fg_value_number(FG_IPV4, FG_DSCP, name, &dscp))
			dscp = FG_DSCP_VALUE_MAX + 1;
	} else {
		dscp = value->number <= FG_DSCP_VALUE_MAX ? (uint32_t)value->number : FG_DSCP_VALUE_MAX + 1;
	}
	if (dscp > FG_DSCP_VALUE_MAX)
		return fg_text_unexpected(s, value, "a DSCP of 0 to 63 or its name");
	s->out.rule.actions.dscp = (uint8_t)dscp;
	return fg_text_action_put(s, FG_ACT_MARK, word);
}

int fg_text_target_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *value)
{
	bool ipv6;
	int r = fg_text_action_put(s, FG_ACT_REDIRECT_RT, word);

	if (r != 0)
		return r;
	if (!fg_text_route_target(value->text, s->out.rule.actions.rt, &ipv6))
		return fg_text_unexpected(s, value,
					  "a route target such as 65000:100, 192.0.2.1:100 or [2001:db8::1]:100");
	if (ipv6)
		s->out.rule.actions.set |= FG_ACT_RT6;
	return 0;
}

int fg_text_next_hop_put(struct fg_text_state *s, bool copy, const struct fg_text_value *word,
			 const struct fg_text_value *value)
{
	int r = fg_text_action_put(s, FG_ACT_REDIRECT_IP, word);

	if (r != 0)
		return r;
	if (!fg_text_address(value->text, &s->out.rule.actions.next_hop))
		return fg_text_unexpected(s, value, "an IPv4 or IPv6 address");
	if (copy)
		s->out.rule.actions.set |= FG_ACT_COPY;
	return 0;
}
