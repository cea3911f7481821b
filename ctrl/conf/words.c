/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The words of a configuration, all in one table: where they stand, how many values they take, and who reads them. Next:
 * box.c and service.c, which read the values.
 */
#include "ctrl/conf/words.h"

#include <stdio.h>
#include <string.h>

#include "ctrl/text/value.h"

const struct fg_conf_word fg_conf_words[] = {
	{ "", "site", false, 1, FG_SITES_MAX - 1, "names of this site", fg_conf_site },
	{ "", "interface", true, 1, 1, "the name of an interface and '{'", fg_conf_interface },
	{ "", "port-pair", true, 2, 2, "the names of two interfaces and '{'", fg_conf_interface },
	{ "", "redirect", true, 1, 1, "a route target and '{'", fg_conf_redirect },
	{ "", "redirect-to-ip", false, 1, 1, "'refuse' or 'allow'", fg_conf_redirect_to_ip },
	{ "", "shadow", false, 1, 1, "'off' or 'on'", fg_conf_shadow },
	{ "", "control", true, 0, 0, "'{'", fg_conf_block },
	{ "", "http", true, 0, 0, "'{'", fg_conf_block },
	{ "", "store", true, 0, 0, "'{'", fg_conf_block },
	{ "", "rules", true, 0, 0, "'{'", fg_conf_block },
	{ "", "bgp", true, 0, 0, "'{'", fg_conf_block },
	{ "", "peer", true, 1, 1, "the name of a peer and '{'", fg_conf_peer },
	{ "", "dpdk", true, 0, 0, "'{'", fg_conf_dpdk },
	{ "interface", "mode", false, 1, 1, "'auto', 'native' or 'generic'", fg_conf_mode },
	{ "interface", "on-failure", false, 1, 1, "'open' or 'closed'", fg_conf_on_failure },
	{ "interface", "malformed", false, 1, 1, "'pass' or 'drop'", fg_conf_malformed },
	{ "interface", "no-neighbour", false, 1, 1, "'pass' or 'drop'", fg_conf_no_neighbour },
	{ "port-pair", "mode", false, 1, 1, "'auto', 'native' or 'generic'", fg_conf_mode },
	{ "port-pair", "on-failure", false, 1, 1, "'open' or 'closed'", fg_conf_on_failure },
	{ "port-pair", "malformed", false, 1, 1, "'pass' or 'drop'", fg_conf_malformed },
	{ "port-pair", "no-neighbour", false, 1, 1, "'pass' or 'drop'", fg_conf_no_neighbour },
	{ "redirect", "interface", false, 1, 1, "the name of an interface", fg_conf_redirect_interface },
	{ "redirect", "next-hop", false, 1, 1, "an address", fg_conf_redirect_next_hop },
	{ "redirect", "mac", false, 1, 1, "the link address of the next hop", fg_conf_redirect_mac },
	{ "dpdk", "port", false, 2, 2, "the name of a port and its device", fg_conf_dpdk_port },
	{ "dpdk", "cores", false, 1, FG_TEXT_SETTING_WORDS - 1, "cores of workers", fg_conf_dpdk_cores },
	{ "dpdk", "main-core", false, 1, 1, "the number of a core", fg_conf_dpdk_word },
	{ "dpdk", "memory", false, 1, 1, "a folder on a hugetlbfs or tmpfs", fg_conf_dpdk_word },
	{ "dpdk", "mbufs", false, 1, 1, "a number of packet buffers", fg_conf_dpdk_word },
	{ "dpdk", "patterns", false, 1, 1, "octets", fg_conf_dpdk_word },
	{ "dpdk", "behind", false, 1, 1, "a number of bursts", fg_conf_dpdk_word },
	{ "dpdk", "eal", false, 1, FG_TEXT_SETTING_WORDS - 1, "arguments to EAL", fg_conf_dpdk_eal },
	{ "dpdk", "run", false, 1, 1, "'on' or 'off'", fg_conf_dpdk_word },
	{ "control", "socket", false, 1, 1, "a path", fg_conf_control },
	{ "control", "group", false, 1, 1, "a group", fg_conf_control },
	{ "control", "user", false, 1, 1, "a user", fg_conf_control },
	{ "control", "read", false, 2, 2, "'uid' or 'gid' and a name or number", fg_conf_grant },
	{ "control", "operator", false, 2, 2, "'uid' or 'gid' and a name or number", fg_conf_grant },
	{ "control", "admin", false, 2, 2, "'uid' or 'gid' and a name or number", fg_conf_grant },
	{ "control", "others", false, 1, 1, "'read' or 'none'", fg_conf_others },
	{ "http", "listen", false, 1, 1, "ADDRESS:PORT or 'none'", fg_conf_listen },
	{ "store", "path", false, 1, 1, "a folder", fg_conf_store },
	{ "store", "pins", false, 1, 1, "a folder on a bpffs", fg_conf_store },
	{ "store", "image", false, 1, 1, "octets", fg_conf_store },
	{ "store", "slots", false, 1, 1, "a number of rules", fg_conf_store },
	{ "store", "history", false, 1, 1, "a number of generations", fg_conf_store },
	{ "store", "lock-memory", false, 1, 1, "'off' or 'on'", fg_conf_store },
	{ "bgp", "as", false, 1, 1, "an AS number", fg_conf_bgp },
	{ "bgp", "router-id", false, 1, 1, "an IPv4 address", fg_conf_bgp },
	{ "bgp", "listen", false, 1, 1, "ADDRESS or ADDRESS:PORT, or 'none'", fg_conf_bgp_listen },
	{ "bgp", "service-prefix", false, 3, 3, "a prefix, 'next-hop' and an address", fg_conf_bgp_service },
	{ "peer", "address", false, 1, 1, "an address", fg_conf_peer_address },
	{ "peer", "local-address", false, 1, 1, "an address", fg_conf_peer_address },
	{ "peer", "port", false, 1, 1, "a port", fg_conf_peer_number },
	{ "peer", "as", false, 1, 1, "an AS number", fg_conf_peer_number },
	{ "peer", "local-as", false, 1, 1, "an AS number", fg_conf_peer_number },
	{ "peer", "preference", false, 1, 1, "a number", fg_conf_peer_number },
	{ "peer", "max-rules", false, 1, 1, "a number of rules", fg_conf_peer_number },
	{ "peer", "multihop", false, 1, 1, "a number of hops", fg_conf_peer_number },
	{ "peer", "ttl-security", false, 1, 1, "a number of hops", fg_conf_peer_number },
	{ "peer", "hold-time", false, 1, 1, "a time", fg_conf_peer_time },
	{ "peer", "retry-time", false, 1, 1, "a time", fg_conf_peer_time },
	{ "peer", "restart-time", false, 1, 1, "a time", fg_conf_peer_time },
	{ "peer", "stale-time", false, 1, 1, "a time", fg_conf_peer_time },
	{ "peer", "passive", false, 1, 1, "'off' or 'on'", fg_conf_peer_choice },
	{ "peer", "first-as", false, 1, 1, "'check' or 'ignore'", fg_conf_peer_choice },
	{ "peer", "announce-service", false, 1, 1, "'off' or 'on'", fg_conf_peer_choice },
	{ "peer", "extended-messages", false, 1, 1, "'on' or 'off'", fg_conf_peer_choice },
	{ "peer", "ipv6-offset-encoding", false, 1, 1, "'strict' or 'full'", fg_conf_peer_choice },
	{ "peer", "prefix", false, 1, 3, "a prefix, or a prefix, 'shortest' and a length", fg_conf_peer_prefix },
	{ "peer", "actions", false, 1, FG_TEXT_SETTING_WORDS - 1, "names of actions", fg_conf_peer_actions },
	{ "peer", "community", false, 2, 3, "a community and 'site NAME', 'ttl TIME' or 'count-only'",
	  fg_conf_peer_community },
	{ "peer", "md5", false, 1, 1, "a key", fg_conf_peer_md5 },
	{ "rules", "file", false, 1, 1, "the path of a file of rules", fg_conf_rule_file },
};

const size_t fg_conf_words_count = sizeof(fg_conf_words) / sizeof(fg_conf_words[0]);

int fg_conf_refuse(const struct fg_conf_reading *r, const struct fg_text_setting *s, size_t i, const char *expected)
{
	return fg_text_refuse(r->error, r->file, &s->word[i], expected);
}

int fg_conf_choose(const struct fg_conf_reading *r, const struct fg_text_setting *s, const char *first,
		   const char *second, bool *out)
{
	char expected[FG_NAME_MAX + 1];

	if (strcmp(s->word[1].text, first) != 0 && strcmp(s->word[1].text, second) != 0) {
		snprintf(expected, sizeof(expected), "'%s' or '%s'", first, second);
		return fg_conf_refuse(r, s, 1, expected);
	}
	*out = strcmp(s->word[1].text, second) == 0;
	return 0;
}

int fg_conf_copy(const struct fg_conf_reading *r, const struct fg_text_setting *s, size_t i, char *out, size_t room)
{
	char expected[FG_NAME_MAX + 1];
	size_t len = strlen(s->word[i].text);

	if (len == 0 || len >= room) {
		snprintf(expected, sizeof(expected), "at most %zu octets", room - 1);
		return fg_conf_refuse(r, s, i, expected);
	}
	memcpy(out, s->word[i].text, len + 1);
	return 0;
}

int fg_conf_number(const struct fg_conf_reading *r, const struct fg_text_setting *s, uint64_t least, uint64_t most,
		   const char *expected, uint64_t *out)
{
	struct fg_text_string text = { s->word[1].text, (uint32_t)strlen(s->word[1].text) };
	uint64_t v;

	if (!fg_text_amount(text, &v) || v < least || v > most)
		return fg_conf_refuse(r, s, 1, expected);
	*out = v;
	return 0;
}
