/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of field values, both ways: the IANA registries where they have a short name, and the aliases that Junos, ExaBGP and
 * services(5) have made common.
 *
 * In: a family, a component type, a number or a name. Out: the other. Used by print.c and by ctrl/text.
 * Always holds: the name that fg_value_name() gives reads back to its number; of several names of a number the first in the
 * table is printed. Ports and ICMP codes are printed as numbers: what a code means depends on the type, and what is on a port is
 * anybody's guess.
 */
#include <strings.h>

#include "ctrl/rule/print.h"

enum { V4 = 1 << FG_IPV4, V6 = 1 << FG_IPV6, BOTH = V4 | V6 };

struct value_name {
	uint8_t type;
	uint8_t families;
	uint16_t value;
	const char *name;
};

/* clang-format off */
static const struct value_name names[] = {
	/* IANA Assigned Internet Protocol Numbers. */
	{ FG_PROTO, BOTH, 6, "tcp" }, { FG_PROTO, BOTH, 17, "udp" }, { FG_PROTO, BOTH, 1, "icmp" },
	{ FG_PROTO, BOTH, 58, "ipv6-icmp" }, { FG_PROTO, BOTH, 58, "icmp6" }, { FG_PROTO, BOTH, 58, "icmpv6" },
	{ FG_PROTO, BOTH, 0, "hopopt" }, { FG_PROTO, BOTH, 0, "hop-by-hop" }, { FG_PROTO, BOTH, 2, "igmp" },
	{ FG_PROTO, BOTH, 4, "ipip" }, { FG_PROTO, BOTH, 4, "ipv4" }, { FG_PROTO, BOTH, 8, "egp" },
	{ FG_PROTO, BOTH, 33, "dccp" }, { FG_PROTO, BOTH, 41, "ipv6" }, { FG_PROTO, BOTH, 43, "ipv6-route" },
	{ FG_PROTO, BOTH, 43, "routing" }, { FG_PROTO, BOTH, 44, "ipv6-frag" }, { FG_PROTO, BOTH, 46, "rsvp" },
	{ FG_PROTO, BOTH, 47, "gre" }, { FG_PROTO, BOTH, 50, "esp" }, { FG_PROTO, BOTH, 51, "ah" },
	{ FG_PROTO, BOTH, 59, "ipv6-nonxt" }, { FG_PROTO, BOTH, 59, "no-next-header" },
	{ FG_PROTO, BOTH, 60, "ipv6-opts" }, { FG_PROTO, BOTH, 60, "dstopts" }, { FG_PROTO, BOTH, 88, "eigrp" },
	{ FG_PROTO, BOTH, 89, "ospf" }, { FG_PROTO, BOTH, 97, "etherip" },
	{ FG_PROTO, BOTH, 103, "pim" }, { FG_PROTO, BOTH, 108, "ipcomp" }, { FG_PROTO, BOTH, 112, "vrrp" },
	{ FG_PROTO, BOTH, 115, "l2tp" }, { FG_PROTO, BOTH, 132, "sctp" }, { FG_PROTO, BOTH, 136, "udplite" },
	{ FG_PROTO, BOTH, 137, "mpls-in-ip" },

	/* IANA ICMP Type Numbers. */
	{ FG_ICMP_TYPE, V4, 0, "echo-reply" }, { FG_ICMP_TYPE, V4, 3, "destination-unreachable" },
	{ FG_ICMP_TYPE, V4, 3, "unreachable" }, { FG_ICMP_TYPE, V4, 4, "source-quench" },
	{ FG_ICMP_TYPE, V4, 5, "redirect" }, { FG_ICMP_TYPE, V4, 8, "echo-request" }, { FG_ICMP_TYPE, V4, 8, "echo" },
	{ FG_ICMP_TYPE, V4, 9, "router-advertisement" }, { FG_ICMP_TYPE, V4, 9, "router-advertisment" },
	{ FG_ICMP_TYPE, V4, 10, "router-solicitation" }, { FG_ICMP_TYPE, V4, 10, "router-solicit" },
	{ FG_ICMP_TYPE, V4, 11, "time-exceeded" }, { FG_ICMP_TYPE, V4, 12, "parameter-problem" },
	{ FG_ICMP_TYPE, V4, 13, "timestamp-request" }, { FG_ICMP_TYPE, V4, 13, "timestamp" },
	{ FG_ICMP_TYPE, V4, 14, "timestamp-reply" }, { FG_ICMP_TYPE, V4, 15, "information-request" },
	{ FG_ICMP_TYPE, V4, 15, "info-request" }, { FG_ICMP_TYPE, V4, 16, "information-reply" },
	{ FG_ICMP_TYPE, V4, 16, "info-reply" }, { FG_ICMP_TYPE, V4, 17, "address-mask-request" },
	{ FG_ICMP_TYPE, V4, 17, "mask-request" }, { FG_ICMP_TYPE, V4, 18, "address-mask-reply" },
	{ FG_ICMP_TYPE, V4, 18, "mask-reply" }, { FG_ICMP_TYPE, V4, 42, "extended-echo-request" },
	{ FG_ICMP_TYPE, V4, 43, "extended-echo-reply" },

	/* IANA ICMPv6 "type" Numbers. */
	{ FG_ICMP_TYPE, V6, 1, "destination-unreachable" }, { FG_ICMP_TYPE, V6, 1, "unreachable" },
	{ FG_ICMP_TYPE, V6, 2, "packet-too-big" }, { FG_ICMP_TYPE, V6, 3, "time-exceeded" },
	{ FG_ICMP_TYPE, V6, 4, "parameter-problem" }, { FG_ICMP_TYPE, V6, 128, "echo-request" },
	{ FG_ICMP_TYPE, V6, 128, "echo" }, { FG_ICMP_TYPE, V6, 129, "echo-reply" },
	{ FG_ICMP_TYPE, V6, 130, "membership-query" }, { FG_ICMP_TYPE, V6, 131, "membership-report" },
	{ FG_ICMP_TYPE, V6, 132, "membership-termination" }, { FG_ICMP_TYPE, V6, 133, "router-solicitation" },
	{ FG_ICMP_TYPE, V6, 133, "router-solicit" }, { FG_ICMP_TYPE, V6, 134, "router-advertisement" },
	{ FG_ICMP_TYPE, V6, 135, "neighbor-solicitation" }, { FG_ICMP_TYPE, V6, 135, "neighbor-solicit" },
	{ FG_ICMP_TYPE, V6, 136, "neighbor-advertisement" }, { FG_ICMP_TYPE, V6, 136, "neighbor-advertisment" },
	{ FG_ICMP_TYPE, V6, 137, "redirect" }, { FG_ICMP_TYPE, V6, 143, "membership-report-v2" },
	{ FG_ICMP_TYPE, V6, 160, "extended-echo-request" }, { FG_ICMP_TYPE, V6, 161, "extended-echo-reply" },

	/* Codes of destination-unreachable, and the two common ones of time-exceeded. */
	{ FG_ICMP_CODE, V4, 0, "network-unreachable" }, { FG_ICMP_CODE, V4, 1, "host-unreachable" },
	{ FG_ICMP_CODE, V4, 2, "protocol-unreachable" }, { FG_ICMP_CODE, V4, 3, "port-unreachable" },
	{ FG_ICMP_CODE, V4, 4, "fragmentation-needed" }, { FG_ICMP_CODE, V4, 5, "source-route-failed" },
	{ FG_ICMP_CODE, V4, 9, "destination-network-prohibited" }, { FG_ICMP_CODE, V4, 10, "destination-host-prohibited" },
	{ FG_ICMP_CODE, V4, 13, "communication-prohibited-by-filtering" },
	{ FG_ICMP_CODE, V6, 0, "no-route-to-destination" }, { FG_ICMP_CODE, V6, 1, "administratively-prohibited" },
	{ FG_ICMP_CODE, V6, 3, "address-unreachable" }, { FG_ICMP_CODE, V6, 4, "port-unreachable" },
	{ FG_ICMP_CODE, BOTH, 0, "ttl-eq-zero-during-transit" }, { FG_ICMP_CODE, BOTH, 1, "ttl-eq-zero-during-reassembly" },

	/* RFC 9293 §3.1, RFC 3540; bits of the mask. */
	{ FG_TCP_FLAGS, BOTH, 0x001, "fin" }, { FG_TCP_FLAGS, BOTH, 0x002, "syn" }, { FG_TCP_FLAGS, BOTH, 0x004, "rst" },
	{ FG_TCP_FLAGS, BOTH, 0x008, "psh" }, { FG_TCP_FLAGS, BOTH, 0x010, "ack" }, { FG_TCP_FLAGS, BOTH, 0x020, "urg" },
	{ FG_TCP_FLAGS, BOTH, 0x040, "ece" }, { FG_TCP_FLAGS, BOTH, 0x080, "cwr" }, { FG_TCP_FLAGS, BOTH, 0x100, "ns" },
	{ FG_TCP_FLAGS, BOTH, 0x004, "reset" }, { FG_TCP_FLAGS, BOTH, 0x008, "push" },
	{ FG_TCP_FLAGS, BOTH, 0x020, "urgent" }, { FG_TCP_FLAGS, BOTH, 0x100, "ae" },

	/* IANA Differentiated Services Field Codepoints. */
	{ FG_DSCP, BOTH, 0, "cs0" }, { FG_DSCP, BOTH, 8, "cs1" }, { FG_DSCP, BOTH, 16, "cs2" }, { FG_DSCP, BOTH, 24, "cs3" },
	{ FG_DSCP, BOTH, 32, "cs4" }, { FG_DSCP, BOTH, 40, "cs5" }, { FG_DSCP, BOTH, 48, "cs6" }, { FG_DSCP, BOTH, 56, "cs7" },
	{ FG_DSCP, BOTH, 10, "af11" }, { FG_DSCP, BOTH, 12, "af12" }, { FG_DSCP, BOTH, 14, "af13" },
	{ FG_DSCP, BOTH, 18, "af21" }, { FG_DSCP, BOTH, 20, "af22" }, { FG_DSCP, BOTH, 22, "af23" },
	{ FG_DSCP, BOTH, 26, "af31" }, { FG_DSCP, BOTH, 28, "af32" }, { FG_DSCP, BOTH, 30, "af33" },
	{ FG_DSCP, BOTH, 34, "af41" }, { FG_DSCP, BOTH, 36, "af42" }, { FG_DSCP, BOTH, 38, "af43" },
	{ FG_DSCP, BOTH, 46, "ef" }, { FG_DSCP, BOTH, 44, "voice-admit" }, { FG_DSCP, BOTH, 1, "le" },
	{ FG_DSCP, BOTH, 0, "be" }, { FG_DSCP, BOTH, 0, "df" }, { FG_DSCP, BOTH, 0, "default" }, { FG_DSCP, BOTH, 44, "va" },

	/* RFC 8955 §4.2.2.12, in the words of Junos; bits of the mask. */
	{ FG_FRAGMENT, BOTH, FG_FRAG_DF, "dont-fragment" }, { FG_FRAGMENT, BOTH, FG_FRAG_IS, "is-fragment" },
	{ FG_FRAGMENT, BOTH, FG_FRAG_FIRST, "first-fragment" }, { FG_FRAGMENT, BOTH, FG_FRAG_LAST, "last-fragment" },

	/* Ports: services(5), and those of reflection attacks. All under the type `port`. */
	{ FG_PORT, BOTH, 7, "echo" }, { FG_PORT, BOTH, 9, "discard" }, { FG_PORT, BOTH, 13, "daytime" },
	{ FG_PORT, BOTH, 17, "qotd" }, { FG_PORT, BOTH, 19, "chargen" }, { FG_PORT, BOTH, 20, "ftp-data" },
	{ FG_PORT, BOTH, 21, "ftp" }, { FG_PORT, BOTH, 22, "ssh" }, { FG_PORT, BOTH, 23, "telnet" },
	{ FG_PORT, BOTH, 25, "smtp" }, { FG_PORT, BOTH, 37, "time" }, { FG_PORT, BOTH, 49, "tacacs" },
	{ FG_PORT, BOTH, 53, "domain" }, { FG_PORT, BOTH, 53, "dns" }, { FG_PORT, BOTH, 67, "dhcp" },
	{ FG_PORT, BOTH, 67, "bootps" }, { FG_PORT, BOTH, 68, "bootpc" }, { FG_PORT, BOTH, 69, "tftp" },
	{ FG_PORT, BOTH, 79, "finger" }, { FG_PORT, BOTH, 80, "http" }, { FG_PORT, BOTH, 88, "kerberos-sec" },
	{ FG_PORT, BOTH, 88, "kerberos" }, { FG_PORT, BOTH, 110, "pop3" }, { FG_PORT, BOTH, 111, "sunrpc" },
	{ FG_PORT, BOTH, 111, "portmap" }, { FG_PORT, BOTH, 119, "nntp" }, { FG_PORT, BOTH, 123, "ntp" },
	{ FG_PORT, BOTH, 137, "netbios-ns" }, { FG_PORT, BOTH, 138, "netbios-dgm" },
	{ FG_PORT, BOTH, 139, "netbios-ssn" }, { FG_PORT, BOTH, 143, "imap" }, { FG_PORT, BOTH, 161, "snmp" },
	{ FG_PORT, BOTH, 162, "snmptrap" }, { FG_PORT, BOTH, 179, "bgp" }, { FG_PORT, BOTH, 389, "ldap" },
	{ FG_PORT, BOTH, 389, "cldap" }, { FG_PORT, BOTH, 443, "https" }, { FG_PORT, BOTH, 445, "microsoft-ds" },
	{ FG_PORT, BOTH, 500, "isakmp" }, { FG_PORT, BOTH, 500, "ike" }, { FG_PORT, BOTH, 514, "syslog" },
	{ FG_PORT, BOTH, 520, "rip" }, { FG_PORT, BOTH, 520, "route" }, { FG_PORT, BOTH, 546, "dhcpv6-client" },
	{ FG_PORT, BOTH, 547, "dhcpv6-server" }, { FG_PORT, BOTH, 587, "submission" }, { FG_PORT, BOTH, 636, "ldaps" },
	{ FG_PORT, BOTH, 646, "ldp" }, { FG_PORT, BOTH, 853, "domain-s" }, { FG_PORT, BOTH, 993, "imaps" },
	{ FG_PORT, BOTH, 995, "pop3s" }, { FG_PORT, BOTH, 1194, "openvpn" }, { FG_PORT, BOTH, 1434, "ms-sql-m" },
	{ FG_PORT, BOTH, 1701, "l2tp" }, { FG_PORT, BOTH, 1812, "radius" }, { FG_PORT, BOTH, 1813, "radacct" },
	{ FG_PORT, BOTH, 1900, "ssdp" }, { FG_PORT, BOTH, 2049, "nfsd" }, { FG_PORT, BOTH, 2049, "nfs" },
	{ FG_PORT, BOTH, 3306, "mysql" }, { FG_PORT, BOTH, 3389, "rdp" }, { FG_PORT, BOTH, 3702, "ws-discovery" },
	{ FG_PORT, BOTH, 3784, "bfd" }, { FG_PORT, BOTH, 4500, "ipsec-nat-t" }, { FG_PORT, BOTH, 4789, "vxlan" },
	{ FG_PORT, BOTH, 5060, "sip" }, { FG_PORT, BOTH, 5061, "sips" }, { FG_PORT, BOTH, 5353, "mdns" },
	{ FG_PORT, BOTH, 5683, "coap" }, { FG_PORT, BOTH, 11211, "memcached" }, { FG_PORT, BOTH, 27015, "steam" },
};
/* clang-format on */

enum { NAMES = sizeof(names) / sizeof(names[0]) };

static uint8_t table_type(uint8_t type)
{
	return type == FG_DPORT || type == FG_SPORT ? FG_PORT : type;
}

const char *fg_value_name(enum fg_family family, uint8_t type, uint32_t value)
{
	if (table_type(type) == FG_PORT || type == FG_ICMP_CODE)
		return NULL;
	for (size_t i = 0; i < NAMES; i++) {
		if (names[i].type == type && names[i].value == value && (names[i].families >> family & 1) != 0)
			return names[i].name;
	}
	return NULL;
}

bool fg_value_number(enum fg_family family, uint8_t type, const char *name, uint32_t *value)
{
	for (size_t i = 0; i < NAMES; i++) {
		if (names[i].type == table_type(type) && (names[i].families >> family & 1) != 0 &&
		    strcasecmp(names[i].name, name) == 0) {
			*value = names[i].value;
			return true;
		}
	}
	return false;
}
