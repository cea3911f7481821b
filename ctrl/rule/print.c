/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The canonical text of a rule: the way back from octets to the language that ctrl/text reads.
 *
 * In: a rule whose NLRI has been checked. Out: one line (print.h). print_actions.c writes what follows `then`.
 * Always holds: conditions are written readably only where reading them gives the same octets; every other rule is written as
 * `nlri HEX`, with the readable form as a comment. Nothing is written beyond the room that is given.
 */
#include "ctrl/rule/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctrl/rule/lint.h"
#include "ctrl/rule/out.h"

enum {
	OP_COMPARE = FG_OP_LT | FG_OP_GT | FG_OP_EQ,
	OP_FLAGS = FG_OP_NOT | FG_OP_MATCH,
	TCP_NAMED = 0x1ff,
	FRAGMENT_KNOWN = FG_FRAG_DF | FG_FRAG_IS | FG_FRAG_FIRST | FG_FRAG_LAST,
	TERM_TEXT_MAX = 57,   /* "!=dont-fragment+is-fragment+first-fragment+last-fragment " */
	REST_TEXT_MAX = 4096, /* name, words, prefixes, actions */
};

_Static_assert(FG_TERMS_MAX *TERM_TEXT_MAX + 2 * FG_NLRI_MAX + REST_TEXT_MAX <= FG_TEXT_MAX, "any rule fits");

struct fg_out fg_out_begin(char *at, size_t room)
{
	if (room > 0)
		at[0] = '\0';
	return (struct fg_out){ .at = at, .room = room, .full = room == 0 };
}

void fg_out_put(struct fg_out *o, const char *fmt, ...)
{
	va_list args;
	int n;

	if (o->full)
		return;
	va_start(args, fmt);
	n = vsnprintf(o->at + o->len, o->room - o->len, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= o->room - o->len) {
		o->at[o->len] = '\0';
		o->full = true;
		return;
	}
	o->len += (size_t)n;
}

size_t fg_out_end(const struct fg_out *o)
{
	return o->full ? 0 : o->len;
}

static bool is_bitmask(uint8_t type)
{
	return type == FG_TCP_FLAGS || type == FG_FRAGMENT;
}

/* The first of the longest run of two or more zero groups (RFC 5952 §4.2); 8 if there is none. */
static unsigned int zero_run(const uint8_t octets[16], unsigned int *len)
{
	unsigned int best = 8, run = 0;

	*len = 1;
	for (unsigned int g = 0; g < 8; g++) {
		run = fg_load_be16(octets + 2 * g) == 0 ? run + 1 : 0;
		if (run > *len) {
			*len = run;
			best = g + 1 - run;
		}
	}
	return best;
}

void fg_out_address(struct fg_out *o, enum fg_family family, const uint8_t octets[16])
{
	unsigned int len, run = zero_run(octets, &len);

	if (family == FG_IPV4) {
		fg_out_put(o, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
		return;
	}
	for (unsigned int g = 0; g < 8;) {
		if (g == run) {
			fg_out_put(o, "::");
			g += len;
		} else {
			fg_out_put(o, "%s%x", g == 0 || g == run + len ? "" : ":", fg_load_be16(octets + 2 * g));
			g++;
		}
	}
}

static void put_prefix(struct fg_out *o, const struct fg_rule *rule, const struct fg_component *c)
{
	struct fg_prefix p = fg_component_prefix(rule, c);

	fg_out_address(o, rule->family, p.octets);
	fg_out_put(o, "/%u", p.length);
	if (p.offset != 0)
		fg_out_put(o, "/%u", p.offset);
}

/* The value as it is compared (RFC 8955 §4.2.2.11: six bits of a DSCP). */
static uint64_t numeric_value(uint8_t type, const struct fg_term *t)
{
	return type == FG_DSCP ? t->value & FG_DSCP_VALUE_MAX : t->value;
}

static void put_numeric(struct fg_out *o, enum fg_family family, uint8_t type, const struct fg_term *t)
{
	static const char *const op[] = {
		[FG_OP_EQ] = "",
		[FG_OP_GT] = ">",
		[FG_OP_GT | FG_OP_EQ] = ">=",
		[FG_OP_LT] = "<",
		[FG_OP_LT | FG_OP_EQ] = "<=",
		[FG_OP_LT | FG_OP_GT] = "!=",
	};
	uint8_t compare = t->op & OP_COMPARE;
	uint64_t value = numeric_value(type, t);
	bool named = compare == FG_OP_EQ || compare == (FG_OP_LT | FG_OP_GT);
	const char *name = named && value <= UINT32_MAX ? fg_value_name(family, type, (uint32_t)value) : NULL;

	if (compare == 0 || compare == OP_COMPARE)
		fg_out_put(o, "%s", compare == 0 ? "false" : "true");
	else if (name != NULL)
		fg_out_put(o, "%s%s", op[compare], name);
	else
		fg_out_put(o, "%s%llu", op[compare], (unsigned long long)value);
}

/* The mask as it is compared: RFC 8955 §4.2.2.12, RFC 8956 §3.6. */
static uint64_t mask_value(enum fg_family family, uint8_t type, const struct fg_term *t)
{
	if (type != FG_FRAGMENT)
		return t->value;
	return t->value & (family == FG_IPV6 ? FRAGMENT_KNOWN & ~FG_FRAG_DF : FRAGMENT_KNOWN);
}

static void put_flags(struct fg_out *o, enum fg_family family, uint8_t type, const struct fg_term *t)
{
	uint64_t mask = mask_value(family, type, t);
	const char *plus = "";

	if (mask == 0) { /* any of none is false, all of none is true */
		fg_out_put(o, "%s", ((t->op & FG_OP_MATCH) != 0) != ((t->op & FG_OP_NOT) != 0) ? "true" : "false");
		return;
	}
	fg_out_put(o, "%s%s", t->op & FG_OP_NOT ? "!" : "", t->op & FG_OP_MATCH ? "=" : "");
	for (unsigned int bit = 1; bit <= TCP_NAMED; bit <<= 1) {
		const char *name = mask & bit ? fg_value_name(family, type, bit) : NULL;

		if (name != NULL) {
			fg_out_put(o, "%s%s", plus, name);
			plus = "+";
		}
	}
	if ((mask & ~(uint64_t)TCP_NAMED) != 0)
		fg_out_put(o, "%s0x%llx", plus, (unsigned long long)(mask & ~(uint64_t)TCP_NAMED));
}

/* `x-y` for a group that is just >=x&<=y with x < y; *it is behind it then. `t` is the first of the group. */
static bool put_range(struct fg_out *o, uint8_t type, const struct fg_term *t, struct fg_term_iter *it)
{
	struct fg_term_iter ahead = *it;
	struct fg_term upper, next;

	if (is_bitmask(type) || (t->op & OP_COMPARE) != (FG_OP_GT | FG_OP_EQ) || !fg_term_next(&ahead, &upper) ||
	    (upper.op & (FG_OP_AND | OP_COMPARE)) != (FG_OP_AND | FG_OP_LT | FG_OP_EQ) ||
	    numeric_value(type, t) >= numeric_value(type, &upper))
		return false;
	*it = ahead;
	if (fg_term_next(&ahead, &next) && (next.op & FG_OP_AND) != 0)
		return false;
	fg_out_put(o, "%llu-%llu", (unsigned long long)numeric_value(type, t),
		   (unsigned long long)numeric_value(type, &upper));
	return true;
}

static void put_terms(struct fg_out *o, enum fg_family family, const struct fg_component *c)
{
	struct fg_term_iter it = fg_terms(c);
	bool first = true, and = false;
	struct fg_term t;

	while (fg_term_next(&it, &t)) {
		struct fg_term_iter behind = it;

		and = !first && (t.op & FG_OP_AND) != 0;
		fg_out_put(o, "%s", and? "&" : first ? "" : " ");
		first = false;
		if (!and&&put_range(o, c->type, &t, &it))
			continue;
		it = behind;
		if (is_bitmask(c->type))
			put_flags(o, family, c->type, &t);
		else
			put_numeric(o, family, c->type, &t);
	}
}

/* More than one AND group. */
static bool is_list(const struct fg_component *c)
{
	struct fg_term_iter it = fg_terms(c);
	struct fg_term t;

	if (!fg_term_next(&it, &t))
		return false;
	while (fg_term_next(&it, &t)) {
		if ((t.op & FG_OP_AND) == 0)
			return true;
	}
	return false;
}

void fg_out_component(struct fg_out *o, const struct fg_rule *rule, const struct fg_component *c)
{
	bool list = c->type > FG_SRC && is_list(c);

	fg_out_put(o, "%s %s", fg_component_name(c->type), list ? "[ " : "");
	if (c->type <= FG_SRC)
		put_prefix(o, rule, c);
	else
		put_terms(o, rule->family, c);
	fg_out_put(o, "%s", list ? " ]" : "");
}

static void put_match(struct fg_out *o, const struct fg_rule *rule)
{
	struct fg_component_iter it = fg_components(rule);
	const char *space = "";
	struct fg_component c;

	while (fg_component_next(&it, &c, NULL) == 0) {
		if (*space == '\0' && c.type > FG_SRC && rule->family == FG_IPV6) {
			fg_out_put(o, "family ipv6"); /* no address says so */
			space = " ";
		}
		fg_out_put(o, "%s", space);
		fg_out_component(o, rule, &c);
		space = " ";
	}
}

size_t fg_rule_print_match(const struct fg_rule *rule, char *out, size_t room)
{
	struct fg_out o = fg_out_begin(out, room);

	put_match(&o, rule);
	return fg_out_end(&o);
}

static int rebuild_terms(struct fg_nlri_builder *b, const struct fg_component *c)
{
	struct fg_term_iter it = fg_terms(c);
	struct fg_term t;

	while (fg_term_next(&it, &t)) {
		uint8_t op = t.op & (FG_OP_AND | (is_bitmask(c->type) ? OP_FLAGS : OP_COMPARE));

		if (fg_nlri_put_term(b, c->type, op, t.value) != 0)
			return FG_MALFORMED;
	}
	return 0;
}

bool fg_rule_is_minimal(const struct fg_rule *rule)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_nlri_builder b;
	struct fg_component c;

	fg_nlri_begin(&b);
	while (fg_component_next(&it, &c, NULL) == 0) {
		struct fg_prefix p;
		int r;

		if (c.type <= FG_SRC) {
			p = fg_component_prefix(rule, &c);
			r = fg_nlri_put_prefix(&b, rule->family, c.type, &p);
		} else {
			r = rebuild_terms(&b, &c);
		}
		if (r != 0)
			return false;
	}
	return b.len == rule->nlri_len && memcmp(b.octets, rule->nlri, b.len) == 0;
}

/* The text of the term has all that its octets say: no bits that are ignored or without a name, no value beside `true`. */
static bool term_is_said(enum fg_family family, uint8_t type, const struct fg_term *t)
{
	uint8_t compare = t->op & OP_COMPARE;

	if (!is_bitmask(type))
		return numeric_value(type, t) == t->value && (t->value == 0 || (compare != 0 && compare != OP_COMPARE));
	if (mask_value(family, type, t) != t->value || t->value > TCP_NAMED)
		return false;
	return t->value != 0 || (t->op & FG_OP_NOT) == 0;
}

static bool reads_back(const struct fg_rule *rule)
{
	struct fg_component_iter it = fg_components(rule);
	struct fg_component c;

	while (fg_component_next(&it, &c, NULL) == 0) {
		struct fg_term_iter terms = fg_terms(&c);
		struct fg_term t;

		while (c.type > FG_SRC && fg_term_next(&terms, &t)) {
			if (!term_is_said(rule->family, c.type, &t))
				return false;
		}
	}
	return !rule->vpn && fg_rule_is_minimal(rule);
}

/* A name that is no plain word goes in quotes; what would end them or the line is replaced. */
static void put_name(struct fg_out *o, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	bool quoted = false;

	for (const char *c = name; *c != '\0'; c++)
		quoted |= memchr(plain, *c, sizeof(plain) - 1) == NULL;
	fg_out_put(o, "name %s", quoted ? "\"" : "");
	for (const char *c = name; *c != '\0'; c++)
		fg_out_put(o, "%c", (unsigned char)*c < ' ' || *c == '"' || *c == '\\' || *c == 0x7f ? '_' : *c);
	fg_out_put(o, "%s ", quoted ? "\"" : "");
}

static void put_octets(struct fg_out *o, const struct fg_rule *rule)
{
	fg_out_put(o, "family %s nlri ", rule->family == FG_IPV6 ? "ipv6" : "ipv4");
	for (size_t i = 0; i < rule->nlri_len; i++)
		fg_out_put(o, "%02x", rule->nlri[i]);
}

size_t fg_rule_print(const struct fg_rule *rule, char *out, size_t room)
{
	struct fg_out o = fg_out_begin(out, room);
	bool said = reads_back(rule);

	if (rule->name[0] != '\0')
		put_name(&o, rule->name);
	fg_out_put(&o, "match ");
	if (said)
		put_match(&o, rule);
	else
		put_octets(&o, rule);
	fg_out_put(&o, " then ");
	fg_out_actions(&o, &rule->actions);
	if (!said) {
		fg_out_put(&o, " # ");
		put_match(&o, rule);
	}
	if (rule->actions.set & FG_ACT_UNKNOWN)
		fg_out_put(&o, "%s", said ? " # with actions of unknown type" : ", with actions of unknown type");
	return fg_out_end(&o);
}
