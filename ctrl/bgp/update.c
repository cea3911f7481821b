/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The walk over an UPDATE. In: the body of a framed message. Out: what it announces and withdraws, and its fate. Next: attribute.c for each
 * attribute; who calls reads the NLRIs with ctrl/rule/nlri.h.
 *
 * Always holds: a session is reset only where what was announced cannot be found any more (RFC 7606 §3); otherwise one bad UPDATE costs its own
 * routes and nothing else. An unknown well-known attribute, which RFC 4271 §6.3 resets for, is treated as withdraw too.
 */
#include "ctrl/bgp/update.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void fg_update_wrong(struct fg_update *u, uint8_t attribute, enum fg_update_fate fate, const char *fmt, ...)
{
	va_list args;

	if (u->wrong++ == 0 || fate > u->fate) {
		u->wrong_attribute = attribute;
		va_start(args, fmt);
		vsnprintf(u->detail, sizeof(u->detail), fmt, args);
		va_end(args);
	}
	if (fate <= u->fate)
		return;
	u->fate = fate;
	if (fate == FG_UPDATE_RESET)
		fg_bgp_error_set(&u->error, FG_BGP_BAD_UPDATE, FG_BGP_BAD_ATTRIBUTES, "%s", u->detail);
}

/* Two octets of length and so many octets. */
static bool take_field(struct fg_reader *in, struct fg_reader *field)
{
	uint64_t len;

	if (!fg_reader_uint(in, 2, &len))
		return false;
	field->at = fg_reader_take(in, (size_t)len);
	if (field->at == NULL)
		return false;
	field->end = field->at + len;
	return true;
}

static bool take_attribute(struct fg_reader *in, struct fg_attribute *a)
{
	const uint8_t *head = fg_reader_take(in, 2);
	uint64_t len;

	if (head == NULL || !fg_reader_uint(in, head[0] & FG_ATTR_LONG ? 2 : 1, &len))
		return false;
	a->flags = head[0];
	a->type = head[1];
	a->len = (size_t)len;
	a->value = fg_reader_take(in, a->len);
	return a->value != NULL;
}

/* Two of MP_REACH or MP_UNREACH cannot both be meant; of others the first counts (RFC 7606 §3 g). */
static bool is_repeated(struct fg_update *u, uint32_t seen[8], const struct fg_attribute *a)
{
	bool before = seen[a->type / 32] >> (a->type % 32) & 1;

	seen[a->type / 32] |= 1u << (a->type % 32);
	if (before && (a->type == FG_ATTR_REACH || a->type == FG_ATTR_UNREACH))
		fg_update_wrong(u, a->type, FG_UPDATE_RESET, "%s is there twice (RFC 7606 §3 g)",
				a->type == FG_ATTR_REACH ? "MP_REACH_NLRI" : "MP_UNREACH_NLRI");
	else if (before)
		fg_update_wrong(u, a->type, FG_UPDATE_TAKE,
				"attribute %u is there again; the first counts (RFC 7606 §3 g)", a->type);
	return before;
}

static void check_missing(struct fg_update *u, const uint32_t seen[8], const struct fg_update_how *how)
{
	static const struct {
		uint8_t type;
		const char *name;
	} needed[] = { { FG_ATTR_ORIGIN, "ORIGIN" },
		       { FG_ATTR_AS_PATH, "AS_PATH" },
		       { FG_ATTR_LOCAL_PREF, "LOCAL_PREF" } };

	for (size_t i = 0; i < (how->ibgp ? 3u : 2u); i++)
		if (!(seen[0] >> needed[i].type & 1))
			fg_update_wrong(u, needed[i].type, FG_UPDATE_WITHDRAW, "%s is missing (RFC 7606 §3 d)",
					needed[i].name);
}

/*
 * An attribute that runs over the others' end hides what is behind it. If the routes that are announced have been found already, they are withdrawn (RFC
 * 7606 §4, §5.1); otherwise nobody knows which they are, or whether there are any.
 */
static void hidden(struct fg_update *u)
{
	fg_update_wrong(u, 0, u->reach.there ? FG_UPDATE_WITHDRAW : FG_UPDATE_RESET,
			"an attribute runs over the end of the attributes (RFC 7606 §4)");
}

static size_t read_attributes(struct fg_update *u, struct fg_reader in, const struct fg_update_how *how)
{
	uint32_t seen[8] = { 0 };
	struct fg_attribute a;
	size_t count = 0;

	while (fg_reader_left(&in) > 0 && u->fate != FG_UPDATE_RESET) {
		if (!take_attribute(&in, &a)) {
			hidden(u);
			break;
		}
		count++;
		if (!is_repeated(u, seen, &a))
			fg_attribute_take(u, &a, how);
	}
	if (u->reach.there)
		check_missing(u, seen, how);
	return count;
}

void fg_update_read(const uint8_t *body, size_t len, const struct fg_update_how *how, struct fg_update *u)
{
	struct fg_reader in = { body, body + len }, withdrawn, attributes;
	size_t count;

	memset(u, 0, sizeof(*u));
	if (!take_field(&in, &withdrawn) || !take_field(&in, &attributes)) {
		fg_update_wrong(u, 0, FG_UPDATE_RESET, "lengths run over the end of the message (RFC 4271 §6.3)");
		return;
	}
	count = read_attributes(u, attributes, how);
	u->unicast = fg_reader_left(&withdrawn) + fg_reader_left(&in) > 0;
	u->end_of_rib = u->fate == FG_UPDATE_TAKE && count == 1 && !u->unicast && u->unreach.there &&
			u->unreach.octets.len == 0;
}
