/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The header walk. Comes in: an octet (bit 0: no Ethernet header; bit 1: a cut capture, two octets say how much is missing; bit 2: it is
 * not known how much), then a frame. What must hold: the engine sees what the naive reference sees, and nothing of a packet that is none.
 */
#include <string.h>

#include "flowgate/packet.h"
#include "tests/fuzz/fuzz.h"

enum { HOW_RAW = 1, HOW_CUT = 2, HOW_UNKNOWN = 4, FAR = 1 << 20 }; /* FAR: beyond what any header can ask for */

static const uint8_t fragment_bits[FG_FRAGMENT_STATES] = { 0, 1, 4, 5, 2, 3, 10, 11, 0 };

static void same_transport(const struct fg_key *k, const struct or_packet *p)
{
	MUST_HOLD((k->l4 >= FG_L4_PROTO) == p->has_protocol);
	MUST_HOLD((k->l4 == FG_L4_PORTS || k->l4 == FG_L4_FLAGS) == p->has_ports);
	MUST_HOLD((k->l4 == FG_L4_FLAGS) == p->has_tcp_flags);
	MUST_HOLD((k->l4 == FG_L4_TYPE || k->l4 == FG_L4_CODE) == p->has_icmp_type);
	MUST_HOLD((k->l4 == FG_L4_CODE) == p->has_icmp_code);
	MUST_HOLD(k->proto == (p->has_protocol ? p->protocol : 0));
	MUST_HOLD(k->sport == (p->has_ports ? p->sport : 0) && k->sport_again == k->sport);
	MUST_HOLD(k->dport == (p->has_ports ? p->dport : 0) && k->dport_again == k->dport);
	MUST_HOLD(k->icmp_type == (p->has_icmp_type ? p->icmp_type : 0));
	MUST_HOLD(k->icmp_code == (p->has_icmp_code ? p->icmp_code : 0));
	MUST_HOLD(k->tcp_flags == (p->has_tcp_flags ? p->tcp_flags : 0));
}

static void same_facts(const struct fg_packet *got, const struct or_packet *want)
{
	const struct fg_key *k = &got->key;
	bool ipv6 = want->family == OR_IPV6;
	static const uint8_t zero[12];

	MUST_HOLD(k->family == (ipv6 ? FG_IPV6 : FG_IPV4));
	MUST_HOLD(memcmp(k->dst, want->dst, ipv6 ? 16 : 4) == 0 && memcmp(k->src, want->src, ipv6 ? 16 : 4) == 0);
	MUST_HOLD(ipv6 || (memcmp(k->dst + 4, zero, 12) == 0 && memcmp(k->src + 4, zero, 12) == 0));
	MUST_HOLD(k->src_hi == (ipv6 ? 0 : fg_load_be16(k->src)) && k->src_lo == (ipv6 ? 0 : fg_load_be16(k->src + 2)));
	MUST_HOLD(got->ip_length == want->length);
	MUST_HOLD(k->length + (uint32_t)(ipv6 ? FG_LENGTH6_MIN : FG_LENGTH4_MIN) == want->length);
	MUST_HOLD(k->dscp == want->dscp && k->flow_label == (ipv6 ? want->flow_label : 0));
	MUST_HOLD((k->fragment != FG_FRAGMENT_UNKNOWN) == want->has_fragment);
	MUST_HOLD(!want->has_fragment || fragment_bits[k->fragment] == want->fragment);
	MUST_HOLD(k->spare == 0 && k->spare8 == 0 && k->spare16 == 0);
	same_transport(k, want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t kinds[] = {
		[OR_NOT_IP] = FG_PACKET_NOT_IP, [OR_MALFORMED] = FG_PACKET_MALFORMED, [OR_IP] = FG_PACKET_IP
	};
	struct fuzz_input in = { data, size };
	uint8_t how = fuzz_octet(&in);
	bool unknown = how & HOW_UNKNOWN;
	uint32_t high = how & HOW_CUT ? fuzz_octet(&in) : 0;
	uint32_t missing = how & HOW_CUT ? high << 8 | fuzz_octet(&in) : 0;
	const uint8_t *end = in.at + in.left;
	struct or_packet want;
	struct fg_packet got;

	memset(&got, 0xa5, sizeof(got));
	or_packet_read(how & HOW_RAW ? OR_LINK_RAW : OR_LINK_ETHERNET, in.at, in.left,
		       in.left + (unknown ? FAR : missing), &want);
	if (how & HOW_RAW)
		fg_packet_parse_ip_missing(in.at, end, unknown ? FG_MISSING_UNKNOWN : missing, &got);
	else
		fg_packet_parse_missing(in.at, end, unknown ? FG_MISSING_UNKNOWN : missing, &got);
	MUST_HOLD(got.what == kinds[want.kind]);
	if (want.kind == OR_IP)
		same_facts(&got, &want);
	return 0;
}
