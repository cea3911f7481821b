/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Conditions of the rule that is being read. In: components in the order of the text, terms as they come. Out: at the
 * end of the rule one NLRI in type order and minimal encoding (or the octets of `nlri`), delivered to the reader.
 *
 * Always true: no value is narrowed. Conditions that no NLRI can say make a refused rule, which is delivered with the
 * reason and without NLRI; what is no rule at all is an error with its place.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/rule/print.h"
#include "ctrl/text/state.h"

void fg_text_rule_begin(struct fg_text_state *s)
{
	memset(&s->out, 0, sizeof(s->out));
	s->seen = 0;
	s->attributes = 0;
	s->given = 0;
	s->terms = 0;
	s->open = 0;
	s->and_next = false;
	s->accept = false;
	s->family_said = false;
	s->raw = false;
	s->too_long = false;
}

int fg_text_component_open(struct fg_text_state *s, uint8_t type, const struct fg_text_value *word)
{
	struct fg_text_words words = { 0 };

	if (s->raw)
		return fg_text_unexpected(s, word, "no condition beside 'nlri'");
	if (s->seen & 1u << type) { /* RFC 8955 §4.2: each type at most once */
		fg_text_words_token(&words, word->text);
		return fg_text_fail(s, word->place, "unexpected second %s, expected it once in a rule", words.at);
	}
	s->seen = (uint16_t)(s->seen | 1u << type);
	s->open = type;
	s->list[type] = (struct fg_text_list){ .first = s->terms, .count = 0 };
	return 0;
}

int fg_text_prefix_put(struct fg_text_state *s, const struct fg_text_value *prefix)
{
	enum fg_family family;

	if (!fg_text_prefix(prefix->text, &family, &s->prefix[s->open - FG_DST]))
		return fg_text_unexpected(s, prefix,
					  "an IPv4 prefix of length 0 to 32 or an IPv6 prefix of length 0 to 128, "
					  "its offset below the length");
	if (s->family_said && s->out.rule.family != family)
		return fg_text_unexpected(s, prefix,
					  s->out.rule.family == FG_IPV6 ? "an IPv6 prefix" : "an IPv4 prefix");
	s->family_said = true;
	s->out.rule.family = (uint8_t)family;
	return 0;
}

/* Every term takes two octets at least, so what the pool cannot hold an NLRI cannot hold either. */
static void term_push(struct fg_text_state *s, uint8_t op, const struct fg_text_value *value, uint64_t number)
{
	struct fg_text_term *t;

	if (s->terms == FG_TERMS_MAX) {
		s->too_long = true;
		return;
	}
	t = &s->term[s->terms++];
	t->op = (uint8_t)(op | (s->and_next ? FG_OP_AND : 0));
	t->place = value->place;
	t->name = value->named ? value->text : (struct fg_text_string){ NULL, 0 };
	t->value = number;
	s->list[s->open].count++;
	s->and_next = false;
}

void fg_text_term_put(struct fg_text_state *s, uint8_t op, const struct fg_text_value *value)
{
	term_push(s, op, value, value->number);
}

void fg_text_range_put(struct fg_text_state *s, const struct fg_text_value *range)
{
	term_push(s, FG_OP_GT | FG_OP_EQ, range, range->number);
	s->and_next = true;
	term_push(s, FG_OP_LT | FG_OP_EQ, range, range->upper);
	s->and_next = false;
}

/* `SA`: the letters of GoBGP, upper case only. 0 if there is any other. */
static uint64_t letter_bits(const char *name)
{
	static const char letters[] = "FSRPAUEC"; /* bits 0 to 7 of octet 14 of the header */
	uint64_t bits = 0;

	for (; *name != '\0'; name++) {
		const char *at = strchr(letters, *name);

		if (at == NULL)
			return 0;
		bits |= UINT64_C(1) << (at - letters);
	}
	return bits;
}

int fg_text_flag_bits(struct fg_text_state *s, const struct fg_text_value *name, uint64_t *bits)
{
	char copy[FG_NAME_MAX + 1] = "";
	uint32_t value;

	if (!fg_text_copy(name->text, copy) || !fg_value_number(s->out.rule.family, s->open, copy, &value))
		value = s->open == FG_TCP_FLAGS ? (uint32_t)letter_bits(copy) : 0;
	if (value == 0)
		return fg_text_unexpected(
			s, name,
			s->open == FG_TCP_FLAGS
				? "'fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ece', 'cwr' or 'ns'"
				: "'dont-fragment', 'is-fragment', 'first-fragment' or 'last-fragment'");
	*bits = value;
	return 0;
}

int fg_text_raw_put(struct fg_text_state *s, const struct fg_text_value *word, const struct fg_text_value *hex)
{
	uint64_t octet;

	if (s->raw || s->seen != 0)
		return fg_text_unexpected(s, word, "no other condition beside 'nlri'");
	if (hex->text.len % 2 != 0)
		return fg_text_unexpected(s, hex, "an even number of hex digits");
	s->raw = true;
	fg_nlri_begin(&s->builder);
	for (uint32_t i = 0; i < hex->text.len; i += 2) {
		const char digits[] = { '0', 'x', hex->text.at[i], hex->text.at[i + 1] };

		if (!fg_text_number((struct fg_text_string){ digits, sizeof(digits) }, &octet))
			return fg_text_unexpected(s, hex, "hex digits");
		if (s->builder.len < FG_NLRI_MAX)
			s->builder.octets[s->builder.len++] = (uint8_t)octet;
		else
			s->too_long = true;
	}
	return 0;
}

__attribute__((format(printf, 5, 6))) static void refuse(struct fg_text_state *s, enum fg_reason code,
							 uint8_t component, const char *source, const char *fmt, ...)
{
	struct fg_finding *why = &s->out.why;
	va_list args;

	s->out.refused = code;
	why->code = code;
	why->component = component;
	snprintf(why->source, sizeof(why->source), "%s", source);
	va_start(args, fmt);
	vsnprintf(why->detail, sizeof(why->detail), fmt, args);
	va_end(args);
}

static void refuse_length(struct fg_text_state *s, uint8_t component)
{
	refuse(s, FG_MALFORMED, component, "RFC 8955 §4.1", "the conditions need more than the %d octets of an NLRI",
	       FG_NLRI_MAX);
	s->out.why.octet = FG_NLRI_MAX;
}

/* The value of a term that was written by name, now that the family is known. */
static int term_resolve(struct fg_text_state *s, uint8_t type, struct fg_text_term *t)
{
	struct fg_text_value token = { .text = t->name, .place = t->place };
	char name[FG_NAME_MAX + 1];
	uint32_t value;

	if (!fg_text_copy(t->name, name) || !fg_value_number(s->out.rule.family, type, name, &value))
		return fg_text_unexpected(s, &token, "a number or a standard name of its field");
	t->name.len = 0;
	t->value = value;
	return 0;
}

static int names_resolve(struct fg_text_state *s)
{
	for (uint8_t type = FG_PROTO; type <= FG_COMPONENT_MAX; type++) {
		const struct fg_text_list *list = &s->list[type];

		for (uint16_t i = 0; (s->seen & 1u << type) && i < list->count; i++) {
			struct fg_text_term *t = &s->term[list->first + i];

			if (t->name.len != 0 && term_resolve(s, type, t) != 0)
				return s->result;
		}
	}
	return 0;
}

/* The widest value that component `type` can carry without loss, and the clause that says so. */
static uint64_t value_max(uint8_t type, const char **source)
{
	switch (type) {
	case FG_TCP_FLAGS:
		*source = "RFC 8955 §4.2.2.9";
		return UINT16_MAX;
	case FG_DSCP:
		*source = "RFC 8955 §4.2.2.11";
		return FG_DSCP_VALUE_MAX;
	case FG_FRAGMENT:
		*source = "RFC 8955 §4.2.2.12";
		return UINT8_MAX;
	default:
		*source = "RFC 8955 §4.2.1.1";
		return UINT64_MAX;
	}
}

static void term_encode(struct fg_text_state *s, uint8_t type, const struct fg_text_term *t)
{
	const char *source;
	uint64_t max = value_max(type, &source);

	if (t->value > max)
		refuse(s, FG_NEVER_MATCHES, type, source,
		       "value %llu is above %llu, the most the component can say; it is not narrowed",
		       (unsigned long long)t->value, (unsigned long long)max);
	else if (fg_nlri_put_term(&s->builder, type, t->op, t->value) != 0)
		refuse_length(s, type);
}

static void component_encode(struct fg_text_state *s, uint8_t type)
{
	const struct fg_text_list *list = &s->list[type];

	if (type == FG_FLOW_LABEL && s->out.rule.family == FG_IPV4) {
		refuse(s, FG_MALFORMED, type, "RFC 8956 §3.7", "flow-label is a component of IPv6 only");
		return;
	}
	if (type <= FG_SRC) {
		if (fg_nlri_put_prefix(&s->builder, s->out.rule.family, type, &s->prefix[type - FG_DST]) != 0)
			refuse_length(s, type);
		return;
	}
	for (uint16_t i = 0; i < list->count && s->out.refused == FG_OK; i++)
		term_encode(s, type, &s->term[list->first + i]);
}

/* Components in type order (RFC 8955 §4.2), whatever the order of the text. */
static void conditions_encode(struct fg_text_state *s)
{
	if (!s->raw)
		fg_nlri_begin(&s->builder);
	for (uint8_t type = FG_DST; type <= FG_COMPONENT_MAX && s->out.refused == FG_OK; type++)
		if (s->seen & 1u << type)
			component_encode(s, type);
	if (s->too_long && s->out.refused == FG_OK)
		refuse_length(s, 0);
}

static int rule_check(struct fg_text_state *s, struct fg_text_place at)
{
	if (s->reader->rule == NULL)
		return fg_text_fail(s, at, "unexpected rule, expected 'limits'");
	if (!s->raw && s->seen == 0)
		return fg_text_fail(
			s, at,
			"unexpected rule that matches everything, expected a condition beside 'payload' and 'family'");
	if (s->given == 0 && !s->accept)
		return fg_text_fail(s, at,
				    "unexpected rule without action, expected one such as 'discard' or 'accept'");
	return 0;
}

int fg_text_rule_end(struct fg_text_state *s, struct fg_text_place at)
{
	struct fg_rule *rule = &s->out.rule;

	if (rule_check(s, at) != 0)
		return s->result;
	if (!s->family_said && (s->seen & 1u << FG_FLOW_LABEL))
		rule->family = FG_IPV6; /* only IPv6 has one */
	if (names_resolve(s) != 0)
		return s->result;
	conditions_encode(s);
	rule->nlri = s->builder.octets;
	rule->nlri_len = s->out.refused == FG_OK ? s->builder.len : 0;
	rule->offset_form = s->raw && s->reader->full_offsets ? FG_OFFSET_FULL : FG_OFFSET_STRICT;
	s->out.line = at.line;
	s->out.column = at.column;
	s->result = s->reader->rule(s->reader->ctx, &s->out);
	if (s->result == 0)
		fg_text_rule_begin(s);
	return s->result;
}
