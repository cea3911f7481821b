/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of what a rule asks for: what follows `then` (print.c writes what precedes it).
 *
 * In: decoded actions. Out: words of the rule language, in one order. Always holds: rates read back to the same 32-bit
 * number; a route target to the same octets.
 */
#include <string.h>

#include "ctrl/rule/out.h"
#include "ctrl/rule/print.h"

enum {
	RT_AS2 = 0x8008, /* RFC 8955 §7.4: two octets of AS, four of a number */
	RT_IPV4 = 0x8108,
	RT_AS4 = 0x8208,
	FRACTION_MAX = 149, /* decimal places of the smallest float32 */
	SHORT_PLACES = 9,
};

/* Places after the point that are enough to read `v` back, up to SHORT_PLACES; else 0. v < 2^24, so no product overflows. */
static int short_places(float v)
{
	double scale = 1;

	for (int places = 1; places <= SHORT_PLACES; places++) {
		scale *= 10;
		if ((float)((double)(uint64_t)((double)v * scale + 0.5) / scale) == v)
			return places;
	}
	return 0;
}

/* Without an exponent, which the language does not have. Finite and not negative. */
static void put_rate(struct fg_out *o, const char *word, float v)
{
	bool whole = v >= (float)(1 << 24) || v == (float)(uint32_t)v;
	int places = whole ? 0 : short_places(v);
	char text[256];
	struct fg_out t = fg_out_begin(text, sizeof(text));

	fg_out_put(&t, "%.*f", whole || places > 0 ? places : FRACTION_MAX, (double)v);
	while (!whole && t.len > 0 && text[t.len - 1] == '0')
		text[--t.len] = '\0';
	fg_out_put(o, "%s %s", word, text);
}

static void put_route_target(struct fg_out *o, const struct fg_actions *a)
{
	const uint8_t *rt = a->rt;

	if (a->set & FG_ACT_RT6) {
		fg_out_put(o, "redirect [");
		fg_out_address(o, FG_IPV6, rt + 2);
		fg_out_put(o, "]:%u", fg_load_be16(rt + 18));
	} else if (fg_load_be16(rt) == RT_IPV4) {
		fg_out_put(o, "redirect ");
		fg_out_address(o, FG_IPV4, rt + 2);
		fg_out_put(o, ":%u", fg_load_be16(rt + 6));
	} else if (fg_load_be16(rt) == RT_AS4) {
		/* L: four octets of AS although two would do. */
		fg_out_put(o, "redirect %u%s:%u", fg_load_be32(rt + 2), fg_load_be32(rt + 2) <= UINT16_MAX ? "L" : "",
			   fg_load_be16(rt + 6));
	} else {
		fg_out_put(o, "redirect %u:%u", fg_load_be16(rt + 2), fg_load_be32(rt + 4));
	}
}

static void put_mark(struct fg_out *o, uint8_t dscp)
{
	const char *name = fg_value_name(FG_IPV4, FG_DSCP, dscp);

	if (name != NULL)
		fg_out_put(o, "mark %s", name);
	else
		fg_out_put(o, "mark %u", dscp);
}

static void put_one(struct fg_out *o, const struct fg_actions *a, uint32_t bit)
{
	switch (bit) {
	case FG_ACT_DISCARD:
		fg_out_put(o, "discard");
		break;
	case FG_ACT_RATE_BYTES:
		put_rate(o, "rate-limit", a->rate_bytes_per_s);
		break;
	case FG_ACT_RATE_PACKETS:
		put_rate(o, "rate-limit-packets", a->rate_packets_per_s);
		break;
	case FG_ACT_MARK:
		put_mark(o, a->dscp);
		break;
	case FG_ACT_REDIRECT_RT:
		put_route_target(o, a);
		break;
	case FG_ACT_REDIRECT_IP:
		fg_out_put(o, a->set & FG_ACT_COPY ? "copy-to-ip " : "redirect-to-ip ");
		fg_out_address(o, a->next_hop.family, a->next_hop.octets);
		break;
	case FG_ACT_SAMPLE:
		fg_out_put(o, "sample");
		break;
	default:
		fg_out_put(o, "continue");
	}
}

void fg_out_actions(struct fg_out *o, const struct fg_actions *a)
{
	static const uint32_t order[] = {
		FG_ACT_DISCARD,     FG_ACT_RATE_BYTES,  FG_ACT_RATE_PACKETS, FG_ACT_MARK,
		FG_ACT_REDIRECT_RT, FG_ACT_REDIRECT_IP, FG_ACT_SAMPLE,       FG_ACT_CONTINUE
	};
	const char *space = "";

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if ((a->set & order[i]) == 0)
			continue;
		fg_out_put(o, "%s", space);
		put_one(o, a, order[i]);
		space = " ";
	}
	if (*space == '\0') /* RFC 8955 §7: no action is accept and stop */
		fg_out_put(o, "accept");
}

size_t fg_actions_print(const struct fg_actions *a, char *out, size_t room)
{
	struct fg_out o = fg_out_begin(out, room);

	fg_out_actions(&o, a);
	return fg_out_end(&o);
}
