/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet in words made into a packet in octets. In: the words of `explain --packet`. Out: what the header walk
 * finds in headers built from them, so that a packet in words and the same from the wire cannot differ. Checksums
 * are not set: nobody looks at them.
 */
#include "ctrl/cli/spec.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/rule/print.h"

enum { HEADERS_MAX = 40 + 8 + 20, WORD_MAX = 80, TCP_OCTETS = 20, UDP_OCTETS = 8, FRAGMENT_OCTETS = 8 };

struct end {
	uint8_t address[16];
	uint32_t port;
	bool has_port;
};

struct spec {
	const char *text, *at;
	char word[WORD_MAX];
	size_t column; /* of the word, from 1 */
	char *error;
	enum fg_family family;
	bool family_known;
	uint32_t protocol, len, flags, type, code, dscp, label;
	bool has_len, df;
	uint8_t fragment; /* enum fg_fragment_state without DF */
	struct end src, dst;
	uint8_t octets[HEADERS_MAX];
	size_t used;
};

static int unexpected(struct spec *s, const char *expected)
{
	if (s->word[0] == '\0')
		snprintf(s->error, FG_SPEC_ERROR_MAX, "%zu: unexpected end, expected %s", s->column, expected);
	else
		snprintf(s->error, FG_SPEC_ERROR_MAX, "%zu: unexpected '%s', expected %s", s->column, s->word,
			 expected);
	return -1;
}

/*
 * The next word; false at the end, which is the empty word. A word that is too long is cut, and then no word we
 * know.
 */
static bool next(struct spec *s)
{
	size_t n = 0;

	s->at += strspn(s->at, " \t\n");
	s->column = (size_t)(s->at - s->text) + 1;
	for (; *s->at != '\0' && strchr(" \t\n", *s->at) == NULL; s->at++)
		if (n < WORD_MAX - 1)
			s->word[n++] = *s->at;
	s->word[n] = '\0';
	return n > 0;
}

static int number(struct spec *s, uint32_t most, const char *expected, uint32_t *out)
{
	char *end;
	unsigned long v;

	if (!next(s) || s->word[0] < '0' || s->word[0] > '9')
		return unexpected(s, expected);
	v = strtoul(s->word, &end, 0);
	if (*end != '\0' || v > most)
		return unexpected(s, expected);
	*out = (uint32_t)v;
	return 0;
}

/* A number or a standard name of the field. */
static int value(struct spec *s, uint8_t field, uint32_t most, const char *expected, uint32_t *out)
{
	const char *before = s->at;

	next(s);
	if (s->word[0] >= '0' && s->word[0] <= '9') {
		s->at = before;
		return number(s, most, expected, out);
	}
	return fg_value_number(s->family, field, s->word, out) ? 0 : unexpected(s, expected);
}

static int port(struct spec *s, const char *text, struct end *end)
{
	char *rest;
	unsigned long v = strtoul(text, &rest, 10);

	if (*text < '0' || *text > '9' || *rest != '\0' || v > FG_PORT_VALUE_MAX)
		return unexpected(s, "a port of 0 to 65535 behind the address");
	end->port = (uint32_t)v;
	end->has_port = true;
	return 0;
}

/* ADDRESS, IPV4:PORT or [IPV6]:PORT. */
static int address(struct spec *s, struct end *end)
{
	static const char expected[] = "an address, IPV4:PORT or [IPV6]:PORT";
	char copy[WORD_MAX], *colon;
	enum fg_family family = FG_IPV6;
	const char *rest = NULL;

	if (!next(s))
		return unexpected(s, expected);
	strcpy(copy, s->word);
	colon = strrchr(copy, ':');
	if (copy[0] == '[') {
		char *close = strchr(copy, ']');

		if (close == NULL || (close[1] != ':' && close[1] != '\0'))
			return unexpected(s, expected);
		rest = close[1] == ':' ? close + 2 : NULL;
		*close = '\0';
		memmove(copy, copy + 1, strlen(copy));
		if (inet_pton(AF_INET6, copy, end->address) != 1)
			return unexpected(s, expected);
	} else if (inet_pton(AF_INET6, copy, end->address) != 1) {
		family = FG_IPV4;
		if (colon != NULL) {
			*colon = '\0';
			rest = colon + 1;
		}
		if (inet_pton(AF_INET, copy, end->address) != 1)
			return unexpected(s, expected);
	}
	if (s->family_known && s->family != family)
		return unexpected(s, "an address of the same family");
	s->family = family;
	s->family_known = true;
	return rest != NULL ? port(s, rest, end) : 0;
}

static int flags(struct spec *s)
{
	const char *before = s->at;
	char *save, *name;

	if (!next(s))
		return unexpected(s, "TCP flags such as syn+ack");
	if (s->word[0] >= '0' && s->word[0] <= '9') {
		s->at = before;
		return number(s, (1 << FG_TCP_FLAGS_BITS) - 1, "TCP flags such as syn+ack or 0x12", &s->flags);
	}
	for (name = strtok_r(s->word, "+", &save); name != NULL; name = strtok_r(NULL, "+", &save)) {
		uint32_t bit;

		if (!fg_value_number(s->family, FG_TCP_FLAGS, name, &bit)) {
			memmove(s->word, name, strlen(name) + 1);
			return unexpected(s, "TCP flags such as syn+ack");
		}
		s->flags |= bit;
	}
	return 0;
}

static int fragment(struct spec *s)
{
	static const struct {
		const char *word;
		uint8_t state;
	} known[] = { { "first", FG_FRAGMENT_FIRST }, { "middle", FG_FRAGMENT_MIDDLE }, { "last", FG_FRAGMENT_LAST } };

	next(s);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(s->word, known[i].word) == 0) {
			s->fragment = known[i].state;
			return 0;
		}
	return unexpected(s, "first, middle or last");
}

static int detail(struct spec *s)
{
	if (strcmp(s->word, "len") == 0) {
		s->has_len = true;
		return number(s, FG_LENGTH6_MAX, "the total IP length", &s->len);
	}
	if (strcmp(s->word, "flags") == 0)
		return flags(s);
	if (strcmp(s->word, "type") == 0)
		return value(s, FG_ICMP_TYPE, 255, "an ICMP type", &s->type);
	if (strcmp(s->word, "code") == 0)
		return value(s, FG_ICMP_CODE, 255, "an ICMP code", &s->code);
	if (strcmp(s->word, "dscp") == 0)
		return value(s, FG_DSCP, FG_DSCP_VALUE_MAX, "a DSCP of 0 to 63", &s->dscp);
	if (strcmp(s->word, "label") == 0 && s->family == FG_IPV6)
		return number(s, FG_FLOW_LABEL_MAX, "a flow label of 0 to 1048575", &s->label);
	if (strcmp(s->word, "fragment") == 0)
		return fragment(s);
	if (strcmp(s->word, "df") == 0 && s->family == FG_IPV4) {
		s->df = true;
		return 0;
	}
	return unexpected(s, "len, flags, type, code, dscp, label (IPv6), df (IPv4), fragment or the end");
}

static bool has_transport(const struct spec *s)
{
	return s->fragment != FG_FRAGMENT_MIDDLE && s->fragment != FG_FRAGMENT_LAST;
}

static bool has_ports(const struct spec *s)
{
	return has_transport(s) && (s->protocol == FG_PROTO_TCP || s->protocol == FG_PROTO_UDP);
}

static int words(struct spec *s)
{
	if (value(s, FG_PROTO, 255, "a protocol such as udp", &s->protocol) != 0 || address(s, &s->src) != 0)
		return -1;
	if (!next(s) || strcmp(s->word, ">") != 0)
		return unexpected(s, "'>'");
	if (address(s, &s->dst) != 0)
		return -1;
	while (next(s))
		if (detail(s) != 0)
			return -1;
	if (has_ports(s) && (!s->src.has_port || !s->dst.has_port))
		return unexpected(s, "an address with a port on either side: ADDRESS:PORT > ADDRESS:PORT");
	return 0;
}

/* ---- Octets ---- */

static void put_transport(struct spec *s)
{
	uint8_t *p = s->octets + s->used;

	if (!has_transport(s))
		return;
	if (s->protocol == FG_PROTO_TCP || s->protocol == FG_PROTO_UDP) {
		fg_store_be16(p, (uint16_t)s->src.port);
		fg_store_be16(p + 2, (uint16_t)s->dst.port);
		if (s->protocol == FG_PROTO_TCP)
			fg_store_be16(p + 12, (uint16_t)(0x5000 | s->flags));
		s->used += s->protocol == FG_PROTO_TCP ? TCP_OCTETS : UDP_OCTETS;
	} else if (s->protocol == (s->family == FG_IPV4 ? FG_PROTO_ICMP : FG_PROTO_ICMPV6)) {
		p[0] = (uint8_t)s->type;
		p[1] = (uint8_t)s->code;
		s->used += 8;
	}
}

static void put_ipv4(struct spec *s)
{
	bool more = s->fragment == FG_FRAGMENT_FIRST || s->fragment == FG_FRAGMENT_MIDDLE;
	uint8_t *p = s->octets;

	p[0] = 0x45;
	p[1] = (uint8_t)(s->dscp << 2);
	fg_store_be16(p + 6, (uint16_t)((s->df ? 0x4000 : 0) | (more ? 0x2000 : 0) | (has_transport(s) ? 0 : 185)));
	p[8] = 64;
	p[9] = (uint8_t)s->protocol;
	memcpy(p + 12, s->src.address, 4);
	memcpy(p + 16, s->dst.address, 4);
	s->used = FG_LENGTH4_MIN;
}

static void put_ipv6(struct spec *s)
{
	bool more = s->fragment == FG_FRAGMENT_FIRST || s->fragment == FG_FRAGMENT_MIDDLE;
	uint8_t *p = s->octets;

	fg_store_be32(p, 6u << 28 | s->dscp << 22 | s->label);
	p[6] = s->fragment ? FG_NEXT_FRAGMENT : (uint8_t)s->protocol;
	p[7] = 64;
	memcpy(p + 8, s->src.address, 16);
	memcpy(p + 24, s->dst.address, 16);
	s->used = FG_LENGTH6_MIN;
	if (!s->fragment)
		return;
	p[40] = (uint8_t)s->protocol;
	fg_store_be16(p + 42, (uint16_t)((has_transport(s) ? 0 : 185 << 3) | more));
	s->used += FRAGMENT_OCTETS;
}

/* The total length into the header, the one the words say or that of the headers. */
static int put_length(struct spec *s)
{
	uint32_t least = s->family == FG_IPV4 ? FG_LENGTH4_MIN : FG_LENGTH6_MIN + (s->fragment ? FRAGMENT_OCTETS : 0);
	uint32_t most = s->family == FG_IPV4 ? FG_LENGTH4_MAX : FG_LENGTH6_MAX;
	char expected[64];

	if (!s->has_len)
		s->len = (uint32_t)s->used;
	snprintf(expected, sizeof(expected), "a len of %u to %u", least, most);
	snprintf(s->word, sizeof(s->word), "%u", s->len);
	if (s->len < least || s->len > most)
		return unexpected(s, expected);
	if (s->family == FG_IPV4)
		fg_store_be16(s->octets + 2, (uint16_t)s->len);
	else
		fg_store_be16(s->octets + 4, (uint16_t)(s->len - FG_LENGTH6_MIN));
	return 0;
}

int fg_spec_read(const char *text, struct fg_packet *out, char error[FG_SPEC_ERROR_MAX])
{
	struct spec s = { .text = text, .at = text, .error = error };
	size_t there;

	if (words(&s) != 0)
		return -1;
	if (s.family == FG_IPV4)
		put_ipv4(&s);
	else
		put_ipv6(&s);
	put_transport(&s);
	if (put_length(&s) != 0)
		return -1;
	/* What is behind the headers is as good as cut off by a capture. */
	there = s.len < s.used ? s.len : s.used;
	fg_packet_parse_ip_missing(s.octets, s.octets + there, s.len - (uint32_t)there, out);
	return 0;
}
