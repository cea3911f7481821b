/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Numbers, addresses, prefixes and route targets, from a piece of text that is all of it. Nothing is kept, nothing is
 * reported: the answer is whether the text is one. Outputs untouched where it is not.
 */
#include <arpa/inet.h>
#include <string.h>

#include "ctrl/text/state.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 16;
}

bool fg_text_number(struct fg_text_string text, uint64_t *out)
{
	bool hex = text.len > 2 && text.at[0] == '0' && (text.at[1] | 0x20) == 'x';
	unsigned int base = hex ? 16 : 10;
	uint64_t v = 0;

	for (uint32_t i = hex ? 2 : 0; i < text.len; i++) {
		unsigned int d = (unsigned int)digit(text.at[i]);

		if (d >= base || v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	if (text.len > 0)
		*out = v;
	return text.len > 0;
}

bool fg_text_address(struct fg_text_string text, struct fg_address *out)
{
	char copy[FG_NAME_MAX + 1];
	struct fg_address a = { 0 };

	if (!fg_text_copy(text, copy))
		return false;
	a.family = memchr(text.at, ':', text.len) != NULL ? FG_IPV6 : FG_IPV4;
	if (inet_pton(a.family == FG_IPV6 ? AF_INET6 : AF_INET, copy, a.octets) != 1)
		return false;
	*out = a;
	return true;
}

/* Cuts `text` at the first `separator`: the answer stands before it, *rest behind it; rest->at NULL if none. */
static struct fg_text_string cut(struct fg_text_string text, char separator, struct fg_text_string *rest)
{
	const char *at = memchr(text.at, separator, text.len);
	struct fg_text_string head = text;

	*rest = (struct fg_text_string){ NULL, 0 };
	if (at == NULL)
		return head;
	head.len = (uint32_t)(at - text.at);
	*rest = (struct fg_text_string){ at + 1, text.len - head.len - 1 };
	return head;
}

static bool bounded(struct fg_text_string text, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (!fg_text_number(text, &v) || v > max)
		return false;
	*out = v;
	return true;
}

/* Bits outside [offset, length) mean nothing and are cleared: it is the same set of packets (RFC 8955 §4.2.2.1). */
static void clear_outside(struct fg_prefix *p)
{
	for (unsigned int bit = 0; bit < 8 * sizeof(p->octets); bit++)
		if (bit < p->offset || bit >= p->length)
			p->octets[bit / 8] &= (uint8_t) ~(0x80u >> bit % 8);
}

bool fg_text_prefix(struct fg_text_string text, enum fg_family *family, struct fg_prefix *out)
{
	struct fg_text_string rest, offset = { NULL, 0 };
	struct fg_address address;
	struct fg_prefix p = { 0 };
	uint64_t length, skip = 0;

	if (!fg_text_address(cut(text, '/', &rest), &address))
		return false;
	length = address.family == FG_IPV6 ? 128 : 32;
	if (rest.at != NULL && !bounded(cut(rest, '/', &offset), length, &length))
		return false;
	if (offset.at != NULL && (address.family == FG_IPV4 || !bounded(offset, 127, &skip)))
		return false;
	if (skip >= length && (skip | length) != 0) /* RFC 8956 §3.1 */
		return false;
	p.offset = (uint8_t)skip;
	p.length = (uint8_t)length;
	memcpy(p.octets, address.octets, sizeof(p.octets));
	clear_outside(&p);
	*family = address.family;
	*out = p;
	return true;
}

/* 0x000d and the address, RFC 8956 §6.1. */
static bool target6(struct fg_text_string text, uint8_t out[FG_EXTCOMM6_OCTETS])
{
	const char *close = memchr(text.at, ']', text.len);
	struct fg_text_string head = { text.at + 1, 0 }, tail;
	struct fg_address a;
	uint64_t local;

	if (close == NULL || close + 1 >= text.at + text.len || close[1] != ':')
		return false;
	head.len = (uint32_t)(close - head.at);
	tail = (struct fg_text_string){ close + 2, text.len - head.len - 3 };
	if (!fg_text_address(head, &a) || a.family != FG_IPV6 || !bounded(tail, UINT16_MAX, &local))
		return false;
	fg_store_be16(out, 0x000d);
	memcpy(out + 2, a.octets, 16);
	fg_store_be16(out + 18, (uint16_t)local);
	return true;
}

/*
 * 0x8008, 0x8108 and 0x8208: a two-octet AS, an address, a four-octet AS (RFC 8955 §7.4). 100L: four octets of AS
 * though two would do.
 */
static bool target4(struct fg_text_string text, uint8_t out[FG_EXTCOMM_OCTETS])
{
	struct fg_text_string tail, head = cut(text, ':', &tail);
	struct fg_address a = { 0 };
	uint64_t as = 0, local;
	bool address = fg_text_address(head, &a) && a.family == FG_IPV4;
	bool wide = head.len > 0 && head.at[head.len - 1] == 'L';

	head.len -= wide;
	if (!address && !bounded(head, UINT32_MAX, &as))
		return false;
	wide = wide || as > UINT16_MAX;
	if (tail.at == NULL || !bounded(tail, address || wide ? UINT16_MAX : UINT32_MAX, &local))
		return false;
	if (!address && !wide) {
		fg_store_be16(out, 0x8008);
		fg_store_be16(out + 2, (uint16_t)as);
		fg_store_be32(out + 4, (uint32_t)local);
		return true;
	}
	fg_store_be16(out, address ? 0x8108 : 0x8208);
	fg_store_be32(out + 2, address ? fg_load_be32(a.octets) : (uint32_t)as);
	fg_store_be16(out + 6, (uint16_t)local);
	return true;
}

bool fg_text_route_target(struct fg_text_string text, uint8_t out[FG_EXTCOMM6_OCTETS], bool *ipv6)
{
	bool six = text.len > 0 && *text.at == '[';

	if (six ? !target6(text, out) : !target4(text, out))
		return false;
	*ipv6 = six;
	return true;
}
