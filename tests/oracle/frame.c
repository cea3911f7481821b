/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet in words to a frame. Comes in: struct or_gen_packet. Goes out: struct or_gen_frame. What always holds:
 * at most OR_GEN_FRAME_MAX octets are written; a packet longer than that is a snapped capture, or with cut_wire a
 * frame that ends before its IP length says.
 */
#include "tests/oracle/generate.h"

#include <string.h>

enum { HEADERS_MAX = OR_GEN_FRAME_MAX };

/* The frame so far. What does not fit is left out and only counted. */
struct writer {
	uint8_t *octets;
	size_t len;
};

static void w8(struct writer *w, unsigned int v)
{
	if (w->len < HEADERS_MAX)
		w->octets[w->len] = (uint8_t)v;
	w->len++;
}

static void w16(struct writer *w, unsigned int v)
{
	w8(w, v >> 8);
	w8(w, v);
}

static void wn(struct writer *w, const uint8_t *octets, size_t count)
{
	for (size_t i = 0; i < count; i++)
		w8(w, octets[i]);
}

static void fill(struct writer *w, size_t count)
{
	for (size_t i = 0; i < count; i++)
		w8(w, (unsigned int)(0xa0 + i % 7));
}

static void write_link(struct writer *w, const struct or_gen_packet *p)
{
	unsigned int ethertype = p->family == OR_IPV4 ? 0x0800 : 0x86dd;

	if (p->link == OR_LINK_RAW)
		return;
	for (unsigned int i = 0; i < 12; i++)
		w8(w, 0x02 + i);
	for (unsigned int i = 0; i < p->tags; i++) {
		w16(w, i + 1 < p->tags ? 0x88a8 : 0x8100);
		w16(w, 100 + i);
	}
	w16(w, p->ethertype != 0 ? p->ethertype : ethertype);
}

static bool has_transport(const struct or_gen_packet *p)
{
	return !(p->fragment & OR_FRAGMENT_IS);
}

static void write_transport(struct writer *w, const struct or_gen_packet *p)
{
	if (p->protocol == 6) {
		w16(w, p->sport);
		w16(w, p->dport);
		fill(w, 8);
		w16(w, 0x5000u | (p->tcp_flags & 0x0fff));
		fill(w, 6);
	} else if (p->protocol == 17) {
		w16(w, p->sport);
		w16(w, p->dport);
		fill(w, 4);
	} else {
		w8(w, p->icmp_type);
		w8(w, p->icmp_code);
		fill(w, 6);
	}
}

/* Offset in units of eight octets, and "more fragments", of a packet with these fragment bits. */
static unsigned int offset_units(const struct or_gen_packet *p)
{
	return p->fragment & OR_FRAGMENT_IS ? 185 : 0;
}

static bool more_fragments(const struct or_gen_packet *p)
{
	if (p->fragment & OR_FRAGMENT_FIRST)
		return true;
	return (p->fragment & OR_FRAGMENT_IS) && !(p->fragment & OR_FRAGMENT_LAST);
}

static void write_ipv4(struct writer *w, const struct or_gen_packet *p)
{
	unsigned int flags = (p->fragment & OR_FRAGMENT_DF ? 0x4000u : 0) | (more_fragments(p) ? 0x2000u : 0);

	w8(w, (p->version != 0 ? p->version : 4u) << 4 | p->header_words);
	w8(w, (unsigned int)p->dscp << 2 | 1);
	w16(w, p->length & 0xffff);
	w16(w, 0x4242);
	w16(w, flags | offset_units(p));
	w8(w, 64);
	w8(w, p->protocol);
	w16(w, 0);
	wn(w, p->src, 4);
	wn(w, p->dst, 4);
	for (unsigned int i = 5; i < p->header_words; i++)
		w16(w, 0x0101), w16(w, 0x0101);
}

static size_t chain_octets(const struct or_gen_packet *p, size_t i)
{
	if (p->chain[i] == 51)
		return (p->chain_units[i] + 2u) * 4;
	return p->chain[i] == 44 ? 8 : (p->chain_units[i] + 1u) * 8;
}

static bool has_fragment_header(const struct or_gen_packet *p)
{
	return p->family == OR_IPV6 && (p->atomic || (p->fragment & ~OR_FRAGMENT_DF));
}

/* Type of what follows in the chain, from its i-th header on, with or without the fragment header in front of it. */
static uint8_t type_at(const struct or_gen_packet *p, size_t i, bool fragment_done)
{
	if (!fragment_done && has_fragment_header(p) && i == p->fragment_place)
		return 44;
	return i < p->chain_count ? p->chain[i] : p->protocol;
}

static void write_chain(struct writer *w, const struct or_gen_packet *p)
{
	for (size_t i = 0; i <= p->chain_count; i++) {
		if (has_fragment_header(p) && i == p->fragment_place) {
			w8(w, type_at(p, i, true));
			w8(w, 0);
			w16(w, offset_units(p) << 3 | more_fragments(p));
			fill(w, 4);
		}
		if (i == p->chain_count)
			break;
		w8(w, type_at(p, i + 1, false));
		w8(w, p->chain[i] == 44 ? 0 : p->chain_units[i]);
		if (p->chain[i] == 44) { /* one more fragment header: atomic */
			w16(w, 0);
			fill(w, 4);
		} else {
			fill(w, chain_octets(p, i) - 2);
		}
	}
}

static void write_ipv6(struct writer *w, const struct or_gen_packet *p)
{
	uint32_t payload = p->length >= 40 ? p->length - 40 : 0;
	unsigned int class = (unsigned int)p->dscp << 2 | 1;

	w8(w, (p->version != 0 ? p->version : 6u) << 4 | class >> 4);
	w8(w, (class & 15) << 4 | (p->flow_label >> 16 & 15));
	w16(w, p->flow_label & 0xffff);
	w16(w, payload & 0xffff);
	w8(w, type_at(p, 0, false));
	w8(w, 64);
	wn(w, p->src, 16);
	wn(w, p->dst, 16);
	write_chain(w, p);
}

static size_t transport_octets(const struct or_gen_packet *p)
{
	if (!has_transport(p))
		return 0;
	return p->protocol == 6 ? 20 : 8;
}

static size_t network_octets(const struct or_gen_packet *p)
{
	size_t octets = 40 + (has_fragment_header(p) ? 8u : 0);

	if (p->family == OR_IPV4)
		return p->header_words < 5 ? 20 : p->header_words * 4u;
	for (size_t i = 0; i < p->chain_count; i++)
		octets += chain_octets(p, i);
	return octets;
}

void or_gen_build(const struct or_gen_packet *wanted, struct or_gen_frame *out)
{
	struct or_gen_packet p = *wanted;
	struct writer w = { .octets = out->octets };
	size_t least = network_octets(&p) + transport_octets(&p);
	size_t ip_at, end;

	if (p.length < least && !p.exact_length)
		p.length = (uint32_t)least;
	memset(out, 0, sizeof(*out));
	out->link = p.link;
	write_link(&w, &p);
	ip_at = w.len;
	if (p.family == OR_IPV4)
		write_ipv4(&w, &p);
	else
		write_ipv6(&w, &p);
	if (has_transport(&p))
		write_transport(&w, &p);
	end = ip_at + p.length + p.padding;
	out->wire = end > w.len ? end : w.len;
	out->captured = out->wire < HEADERS_MAX ? out->wire : HEADERS_MAX;
	if (p.cut > 0 && p.cut < out->captured)
		out->captured = p.cut;
	if (p.cut_wire)
		out->wire = out->captured;
}
