/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why a rule matches a packet or not: the conditions one by one, from the canonical form, as RFC 8955 §4.2.2 words
 * them. In: a rule and a key. Out: the component that fails, and what the packet has there. The image is not asked:
 * explain.c compares the two answers.
 */
#include "ctrl/cli/reason.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "ctrl/rule/print.h"

static bool prefix_holds(const struct fg_prefix *p, const uint8_t address[16])
{
	for (unsigned int bit = p->offset; bit < p->length; bit++)
		if ((p->octets[bit / 8] ^ address[bit / 8]) & 0x80 >> bit % 8)
			return false;
	return true;
}

static bool list_holds(const struct fg_canon *rule, uint8_t type, uint32_t value)
{
	for (size_t i = 0; i < rule->list[type].count; i++)
		if (value >= rule->list[type].at[i].lo && value <= rule->list[type].at[i].hi)
			return true;
	return false;
}

static bool has_ports(const struct fg_key *k)
{
	return k->l4 == FG_L4_PORTS || k->l4 == FG_L4_FLAGS;
}

bool fg_component_holds(const struct fg_canon *rule, uint8_t type, const struct fg_packet *p)
{
	const struct fg_key *k = &p->key;

	switch (type) {
	case FG_DST:
		return prefix_holds(&rule->dst, k->dst);
	case FG_SRC:
		return prefix_holds(&rule->src, k->src);
	case FG_PROTO:
		return k->l4 >= FG_L4_PROTO && list_holds(rule, type, k->proto);
	case FG_PORT: /* §4.2.2.4: either port, each judged by the whole list */
		return has_ports(k) && (list_holds(rule, type, k->sport) || list_holds(rule, type, k->dport));
	case FG_DPORT:
		return has_ports(k) && list_holds(rule, type, k->dport);
	case FG_SPORT:
		return has_ports(k) && list_holds(rule, type, k->sport);
	case FG_ICMP_TYPE:
		return k->l4 >= FG_L4_TYPE && list_holds(rule, type, k->icmp_type);
	case FG_ICMP_CODE:
		return k->l4 == FG_L4_CODE && list_holds(rule, type, k->icmp_code);
	case FG_TCP_FLAGS:
		return k->l4 == FG_L4_FLAGS && (rule->tcp.word[k->tcp_flags / 64] >> k->tcp_flags % 64 & 1);
	case FG_LENGTH:
		return list_holds(rule, type, p->ip_length);
	case FG_DSCP:
		return list_holds(rule, type, k->dscp);
	case FG_FRAGMENT:
		return k->fragment != FG_FRAGMENT_UNKNOWN && (rule->fragment >> k->fragment & 1);
	case FG_FLOW_LABEL:
		return list_holds(rule, type, k->flow_label);
	default:
		return false;
	}
}

uint8_t fg_component_failing(const struct fg_canon *rule, const struct fg_packet *p)
{
	for (uint8_t type = FG_DST; type <= FG_COMPONENT_MAX; type++)
		if ((rule->present >> type & 1) && !fg_component_holds(rule, type, p))
			return type;
	return 0;
}

static const char *address(const struct fg_key *k, const uint8_t octets[16], char out[FG_REASON_MAX])
{
	inet_ntop(k->family == FG_IPV4 ? AF_INET : AF_INET6, octets, out, FG_REASON_MAX);
	return out;
}

static const char *flags_of(const struct fg_key *k, char out[FG_REASON_MAX])
{
	static const char *const names[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns" };
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (k->tcp_flags >> i & 1)
			at += (size_t)snprintf(out + at, FG_REASON_MAX - at, "%s%s", at > 0 ? "+" : "", names[i]);
	return at > 0 ? out : "no flags";
}

static const char *fragment_of(uint8_t state)
{
	static const char *const names[] = {
		[FG_FRAGMENT_NONE] = "no fragment",
		[FG_FRAGMENT_DF] = "no fragment, df",
		[FG_FRAGMENT_FIRST] = "first fragment",
		[FG_FRAGMENT_FIRST | FG_FRAGMENT_DF] = "first fragment, df",
		[FG_FRAGMENT_MIDDLE] = "middle fragment",
		[FG_FRAGMENT_MIDDLE | FG_FRAGMENT_DF] = "middle fragment, df",
		[FG_FRAGMENT_LAST] = "last fragment",
		[FG_FRAGMENT_LAST | FG_FRAGMENT_DF] = "last fragment, df",
		[FG_FRAGMENT_UNKNOWN] = "unknown: the capture is cut",
	};

	return names[state];
}

static const char *number(uint32_t v, char out[FG_REASON_MAX])
{
	snprintf(out, FG_REASON_MAX, "%u", v);
	return out;
}

const char *fg_packet_has(const struct fg_packet *p, uint8_t type, char out[FG_REASON_MAX])
{
	const struct fg_key *k = &p->key;
	const char *name;

	switch (type) {
	case FG_DST:
		return address(k, k->dst, out);
	case FG_SRC:
		return address(k, k->src, out);
	case FG_PROTO:
		name = fg_value_name(k->family, type, k->proto);
		if (k->l4 < FG_L4_PROTO)
			return "unknown: the capture is cut";
		return name != NULL ? name : number(k->proto, out);
	case FG_PORT:
		snprintf(out, FG_REASON_MAX, "%u and %u", k->sport, k->dport);
		return has_ports(k) ? out : "no ports";
	case FG_DPORT:
		return has_ports(k) ? number(k->dport, out) : "no ports";
	case FG_SPORT:
		return has_ports(k) ? number(k->sport, out) : "no ports";
	case FG_ICMP_TYPE:
		return k->l4 >= FG_L4_TYPE ? number(k->icmp_type, out) : "no ICMP header";
	case FG_ICMP_CODE:
		return k->l4 == FG_L4_CODE ? number(k->icmp_code, out) : "no ICMP header";
	case FG_TCP_FLAGS:
		return k->l4 == FG_L4_FLAGS ? flags_of(k, out) : "no TCP header";
	case FG_LENGTH:
		return number(p->ip_length, out);
	case FG_DSCP:
		return number(k->dscp, out);
	case FG_FRAGMENT:
		return fragment_of(k->fragment);
	case FG_FLOW_LABEL:
		return number(k->flow_label, out);
	default:
		return "";
	}
}
