/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts of a packet, straight from its frame. Comes in: captured octets and the length the frame had on the wire.
 * Goes out: struct or_packet. Next on the way: match.c. What always holds: no octet beyond `captured` is read.
 *
 * Three ends limit what can be read. The IP length and the wire's are the sender's: a header that runs over one of
 * them is cut, and a cut IP header or header chain is malformed. The captured length is only ours: what lies
 * between it and the wire's is unknown, never malformed. A transport header that is not there leaves its facts
 * out, whatever cut it.
 */
#include "tests/oracle/oracle.h"

#include <string.h>

/* An IP packet: octets from its first on, and where each of the three ends is. */
struct view {
	const uint8_t *octet;
	size_t captured;
	size_t wire;
	size_t ip_end;
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] * 256 + p[1]);
}

/* Octets [0, end) reach over what the sender sent. */
static bool overruns(const struct view *v, size_t end)
{
	return end > v->ip_end || end > v->wire;
}

/* `count` octets at `at` are there to be read: inside the IP length and the capture. */
static bool readable(const struct view *v, size_t at, size_t count)
{
	return at + count <= v->ip_end && at + count <= v->captured;
}

static void read_ports(const struct view *v, size_t at, struct or_packet *p)
{
	p->has_ports = readable(v, at, 4);
	if (!p->has_ports)
		return;
	p->sport = be16(v->octet + at);
	p->dport = be16(v->octet + at + 2);
}

static void read_icmp(const struct view *v, size_t at, struct or_packet *p)
{
	p->has_icmp_type = readable(v, at, 1);
	if (p->has_icmp_type)
		p->icmp_type = v->octet[at];
	p->has_icmp_code = readable(v, at, 2);
	if (p->has_icmp_code)
		p->icmp_code = v->octet[at + 1];
}

/* Ports: TCP and UDP (RFC 8955 §4.2.2.4). ICMP is that of the family (RFC 8956 §3.3, §3.4). Flags: §4.2.2.9. */
static void read_transport(const struct view *v, size_t at, struct or_packet *p)
{
	if (p->protocol == 6 || p->protocol == 17)
		read_ports(v, at, p);
	if (p->protocol == (p->family == OR_IPV4 ? 1 : 58))
		read_icmp(v, at, p);
	if (p->protocol == 6 && readable(v, at, 14)) {
		p->has_tcp_flags = true;
		p->tcp_flags = be16(v->octet + at + 12) & 0x0fff;
	}
}

/* Behind the TCP or UDP header (RFC 9293 §3.1, RFC 768), else behind `at`; places from the IP header on. */
static void read_payload(const struct view *v, size_t at, struct or_packet *p)
{
	size_t header = p->protocol == 17 ? 8 : 0, end = v->ip_end < v->captured ? v->ip_end : v->captured;

	if (p->protocol == 6) {
		if (!readable(v, at, 13))
			return;
		header = (size_t)(v->octet[at + 12] >> 4) * 4;
		if (header < 20)
			return;
	}
	p->has_payload = end > at + header;
	if (!p->has_payload)
		return;
	p->payload_at = at + header;
	p->payload_there = end - p->payload_at;
	p->payload_len = v->ip_end - p->payload_at;
}

/* `offset` in units of eight octets. */
static uint8_t fragment_bits(unsigned int offset, bool more)
{
	if (offset != 0)
		return more ? OR_FRAGMENT_IS : OR_FRAGMENT_IS | OR_FRAGMENT_LAST;
	return more ? OR_FRAGMENT_FIRST : 0;
}

/* RFC 791 §3.1. */
static enum or_kind read_ipv4(struct view *v, struct or_packet *p)
{
	const uint8_t *h = v->octet;
	size_t header;

	if (v->wire < 20)
		return OR_MALFORMED;
	if (v->captured < 20)
		return OR_NOT_IP;
	header = (size_t)(h[0] & 0x0f) * 4;
	v->ip_end = be16(h + 2);
	if (h[0] >> 4 != 4 || header < 20 || overruns(v, header))
		return OR_MALFORMED;
	p->family = OR_IPV4;
	p->length = be16(h + 2);
	p->dscp = h[1] >> 2;
	memcpy(p->src, h + 12, 4);
	memcpy(p->dst, h + 16, 4);
	p->has_protocol = true;
	p->protocol = h[9];
	p->has_fragment = true;
	p->fragment = fragment_bits(be16(h + 6) & 0x1fff, h[6] & 0x20);
	if (h[6] & 0x40)
		p->fragment |= OR_FRAGMENT_DF;
	if (!(p->fragment & OR_FRAGMENT_IS)) {
		read_transport(v, header, p);
		read_payload(v, header, p);
	}
	return OR_IP;
}

/* Extension headers the walk goes over: RFC 7045 §4's list, without ESP and the experimental ones. */
static bool is_extension(uint8_t next)
{
	return next == 0 || next == 43 || next == 44 || next == 51 || next == 60 || next == 135 || next == 139 ||
	       next == 140;
}

/* Octets of the extension header of type `type` at h: RFC 8200 §4, RFC 4302 §2.2 for AH. */
static size_t extension_octets(uint8_t type, const uint8_t *h)
{
	if (type == 44)
		return 8;
	if (type == 51)
		return ((size_t)h[1] + 2) * 4;
	return ((size_t)h[1] + 1) * 8;
}

/* Sets fragment, protocol and transport facts of an IPv6 packet whose fixed header has been read. RFC 8200 §4. */
static enum or_kind walk_ipv6(const struct view *v, struct or_packet *p)
{
	uint8_t type = v->octet[6];
	size_t at = 40;
	bool fragment_seen = false;

	for (int count = 0; is_extension(type); count++) {
		const uint8_t *h = v->octet + at;
		size_t octets;

		if (count == 8 || overruns(v, at + 8))
			return OR_MALFORMED;
		if (!readable(v, at, type == 44 ? 4 : 2)) {
			p->has_fragment = fragment_seen;
			return OR_IP;
		}
		octets = extension_octets(type, h);
		if (overruns(v, at + octets))
			return OR_MALFORMED;
		if (type == 44) {
			uint8_t bits = fragment_bits(be16(h + 2) >> 3, h[3] & 1);

			fragment_seen = true;
			if (bits != 0) /* an atomic fragment is an ordinary packet: RFC 6946 */
				p->fragment = bits;
		}
		type = h[0];
		at += octets;
		if (p->fragment & OR_FRAGMENT_IS)
			break;
	}
	p->has_fragment = true;
	p->has_protocol = true;
	p->protocol = type;
	if (!(p->fragment & OR_FRAGMENT_IS)) {
		read_transport(v, at, p);
		read_payload(v, at, p);
	}
	return OR_IP;
}

/* RFC 8200 §3. */
static enum or_kind read_ipv6(struct view *v, struct or_packet *p)
{
	const uint8_t *h = v->octet;

	if (v->wire < 40)
		return OR_MALFORMED;
	if (v->captured < 40)
		return OR_NOT_IP;
	if (h[0] >> 4 != 6)
		return OR_MALFORMED;
	if (be16(h + 4) == 0 && h[6] == 0) /* a jumbogram: RFC 2675 §3 */
		return OR_MALFORMED;
	v->ip_end = 40 + (size_t)be16(h + 4);
	p->family = OR_IPV6;
	p->length = (uint32_t)v->ip_end;
	p->dscp = (uint8_t)((be16(h) >> 6) & 0x3f);
	p->flow_label = (uint32_t)(h[1] & 0x0f) << 16 | be16(h + 2);
	memcpy(p->src, h + 8, 16);
	memcpy(p->dst, h + 24, 16);
	return walk_ipv6(v, p);
}

/* Place of the IP header behind at most two VLAN tags, and its EtherType; 0 where the capture ends before. */
static size_t ethernet(const uint8_t *frame, size_t captured, uint16_t *ethertype)
{
	size_t at = 14;

	for (int tags = 0; captured >= at; tags++) {
		*ethertype = be16(frame + at - 2);
		if (tags == 2 || (*ethertype != 0x8100 && *ethertype != 0x88a8))
			return at;
		at += 4;
	}
	return 0;
}

static size_t link_header(enum or_link link, const uint8_t *frame, size_t captured, uint16_t *ethertype)
{
	if (link == OR_LINK_ETHERNET)
		return ethernet(frame, captured, ethertype);
	if (captured > 0 && frame[0] >> 4 == 4)
		*ethertype = 0x0800;
	if (captured > 0 && frame[0] >> 4 == 6)
		*ethertype = 0x86dd;
	return 0;
}

void or_packet_read(enum or_link link, const uint8_t *frame, size_t captured, size_t wire, struct or_packet *out)
{
	uint16_t ethertype = 0;
	size_t ip = link_header(link, frame, captured, &ethertype);
	struct view v = { .octet = frame + ip, .captured = captured - ip };
	struct or_packet p = { .kind = OR_NOT_IP };
	enum or_kind kind = OR_NOT_IP;

	v.wire = (wire > captured ? wire : captured) - ip;
	if (ethertype == 0x0800)
		kind = read_ipv4(&v, &p);
	else if (ethertype == 0x86dd)
		kind = read_ipv6(&v, &p);
	*out = kind == OR_IP ? p : (struct or_packet){ .kind = kind };
	out->kind = kind;
	out->payload_at += ip;
}
