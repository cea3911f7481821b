/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The verbs and options of the command. Whoever adds one adds a row here and a paragraph to docs/man/flowgate.1.scd.
 */
#include "ctrl/cli/table.h"

#include <stddef.h>
#include <string.h>

enum { FORMS = FG_TAKES_FORM | FG_TAKES_LIMITS, WEEK_S = 7 * 24 * 3600 };

#define FIELD(name) offsetof(struct fg_cli, name)

const struct fg_option fg_options[] = {
	{ "json", NULL, "writes objects, one a line", 0, FG_KIND_FLAG, FIELD(json), 0, 0 },
	{ "help", NULL, "says how the verb is used", 0, FG_KIND_HELP, 0, 0, 0 },
	{ "from", "auto|text|hex|json", "what the rules are written in", FG_TAKES_FORM, FG_KIND_CHOICE, FIELD(form), 0,
	  0 },
	{ "ipv6-offset-encoding", "strict|full", "how octets of IPv6 prefixes with an offset are read", FG_TAKES_FORM,
	  FG_KIND_CHOICE, FIELD(full_offsets), 0, 0 },
	{ "limits", "FILE", "what rules may use", FG_TAKES_LIMITS, FG_KIND_TEXT, FIELD(limits), 0, 0 },
	{ "mtu", "N", "longest packet there is, for the rules that ask for longer ones", FG_TAKES_LIMITS,
	  FG_KIND_NUMBER, FIELD(mtu), FG_LENGTH4_MIN, FG_LENGTH6_MAX },
	{ "dataplane", "dpdk|xdp", "what the rules are for: xdp enforces no payload patterns", FG_TAKES_LIMITS,
	  FG_KIND_CHOICE, FIELD(xdp), 0, 0 },
	{ "family", "ipv4|ipv6|ipv4-vpn|ipv6-vpn", "what the octets are of", FG_TAKES_FAMILY, FG_KIND_CHOICE,
	  FIELD(family), 0, 0 },
	{ "actions", "HEX,…", "extended communities that came with them", FG_TAKES_FAMILY, FG_KIND_TEXT, FIELD(actions),
	  0, 0 },
	{ "rules", "FILE", "rules to enforce; may be given again", FG_TAKES_RULES, FG_KIND_LIST, FIELD(rules), 0, 0 },
	{ "packet", "TEXT", "a packet in words: 'udp 198.51.100.9:53 > 203.0.113.7:4000 len 1200'", FG_TAKES_PACKET,
	  FG_KIND_TEXT, FIELD(packet), 0, 0 },
	{ "number", "N", "which packet of the capture, from 1", FG_TAKES_PACKET, FG_KIND_NUMBER, FIELD(number), 1,
	  UINT64_MAX / 16 },
	{ "all", NULL, "lists rules of other addresses too", FG_TAKES_PACKET, FG_KIND_FLAG, FIELD(all), 0, 0 },
	{ "read", "PCAP", "the capture, pcap or pcapng", FG_TAKES_READ, FG_KIND_TEXT, FIELD(read), 0, 0 },
	{ "malformed", "pass|drop", "what becomes of malformed packets", FG_TAKES_READ, FG_KIND_CHOICE,
	  FIELD(drop_malformed), 0, 0 },
	{ "write-passed", "PCAP", "writes what passes", FG_TAKES_WRITE, FG_KIND_TEXT, FIELD(write_passed), 0, 0 },
	{ "write-dropped", "PCAP", "writes what is dropped", FG_TAKES_WRITE, FG_KIND_TEXT, FIELD(write_dropped), 0, 0 },
	{ "live", NULL, "judges against the live table, and takes all back", FG_TAKES_LIVE, FG_KIND_FLAG, FIELD(live),
	  0, 0 },
	{ "partial", NULL, "leaves out what is refused, rather than all", FG_TAKES_ADD, FG_KIND_FLAG, FIELD(partial), 0,
	  0 },
	{ "dry-run", NULL, "judges, and takes all back", FG_TAKES_ADD, FG_KIND_FLAG, FIELD(dry_run), 0, 0 },
	{ "count-only", NULL, "counts what the rules would do, and does nothing", FG_TAKES_ADD, FG_KIND_FLAG,
	  FIELD(count_only), 0, 0 },
	{ "ttl", "DURATION", "takes the rules out after that time", FG_TAKES_ADD, FG_KIND_SECONDS, FIELD(ttl_s), 1,
	  UINT32_MAX },
	{ "owner", "NAME", "who wants the rules", FG_TAKES_ADD, FG_KIND_TEXT, FIELD(owner), 0, 0 },
	{ "ticket", "NAME", "why", FG_TAKES_ADD, FG_KIND_TEXT, FIELD(ticket), 0, 0 },
	{ "confirm-within", "DURATION", "takes the change back unless `flowgate confirm` comes in time",
	  FG_TAKES_CONFIRM, FG_KIND_SECONDS, FIELD(confirm_within_s), 1, WEEK_S },
	{ "name", "NAME", "the rule of that name; may be given again", FG_TAKES_DELETE, FG_KIND_LIST, FIELD(names), 0,
	  0 },
	{ "sequence", "N", "the rule of that sequence; may be given again", FG_TAKES_DELETE, FG_KIND_LIST,
	  FIELD(sequences), 0, 0 },
	{ "source", "NAME", "rules of that source alone", FG_TAKES_SOURCE, FG_KIND_TEXT, FIELD(source), 0, 0 },
	{ "rule", "NAME", "samples of that rule alone", FG_TAKES_SAMPLES, FG_KIND_TEXT, FIELD(rule), 0, 0 },
	{ "write", "FILE.pcapng", "writes them as a capture, the rule's name beside each packet", FG_TAKES_SAMPLES,
	  FG_KIND_TEXT, FIELD(write), 0, 0 },
	{ "count", "N", "ends after so many", FG_TAKES_STREAM, FG_KIND_NUMBER, FIELD(count), 1, UINT32_MAX },
	{ "for", "DURATION", "ends after that time", FG_TAKES_STREAM, FG_KIND_SECONDS, FIELD(for_s), 1, WEEK_S },
	{ "peers", NULL, "tells of BGP sessions and of each rule of a peer too", FG_TAKES_WATCH, FG_KIND_FLAG,
	  FIELD(peers), 0, 0 },
	{ "last", "N", "so many of the latest", FG_TAKES_HISTORY, FG_KIND_NUMBER, FIELD(last), 1, UINT32_MAX },
	{ "other-load", "PERCENT", "how busy other cores may be before there is no figure", FG_TAKES_LOAD,
	  FG_KIND_NUMBER, FIELD(other_load), 1, 100 },
	{ "compare", "FILE", "says what got slower than in that result", FG_TAKES_COMPARE, FG_KIND_TEXT, FIELD(compare),
	  0, 0 },
	{ "socket", "PATH", "the daemon's control socket", FG_TAKES_ONLINE, FG_KIND_TEXT, FIELD(socket), 0, 0 },
	{ "timeout", "DURATION", "how long to wait for an answer", FG_TAKES_ONLINE, FG_KIND_SECONDS, FIELD(timeout_s),
	  1, 3600 },
	{ 0 },
};

const struct fg_verb fg_verbs[] = {
	{ "check", "FILE…", "parse, lint, cost, admit the rules of files", FORMS | FG_TAKES_LIVE | FG_TAKES_ONLINE,
	  fg_cli_check },
	{ "decode", "HEX…", "NLRI to text", FORMS | FG_TAKES_FAMILY, fg_cli_decode },
	{ "encode", "FILE…", "text to NLRI", FORMS, fg_cli_encode },
	{ "explain", "[--rules FILE] (--packet TEXT | --read PCAP --number N)",
	  "why a packet meets the fate it meets; without --rules, in the live table",
	  FORMS | FG_TAKES_RULES | FG_TAKES_READ | FG_TAKES_PACKET | FG_TAKES_ONLINE, fg_cli_explain },
	{ "replay", "--rules FILE --read PCAP", "enforce rules on a capture",
	  FORMS | FG_TAKES_RULES | FG_TAKES_READ | FG_TAKES_WRITE, fg_cli_replay },
	{ "doctor", "[INTERFACE…]", "is this machine fit, and what mends it", 0, fg_cli_doctor },
	{ "bench sizing", "RULES PCAP", "how many packets a second this machine does with these rules and this capture",
	  FG_TAKES_LOAD, fg_cli_bench_sizing },
	{ "bench", "[SUBSET… | list]", "how fast this machine is, beside others with the same rules",
	  FG_TAKES_LOAD | FG_TAKES_COMPARE, fg_cli_bench },
	{ "completion", "bash", "completion of this command for a shell", 0, fg_cli_completion },
	{ "rule add", "(FILE… | - | -- TEXT…)", "add rules, all or none",
	  FG_TAKES_FORM | FG_TAKES_ADD | FG_TAKES_CONFIRM | FG_TAKES_TEXT | FG_TAKES_ONLINE, fg_cli_rule_add },
	{ "rule delete", "(--name NAME | --sequence N | FILE… | - | -- TEXT…)", "delete rules, all or none",
	  FG_TAKES_FORM | FG_TAKES_DELETE | FG_TAKES_CONFIRM | FG_TAKES_TEXT | FG_TAKES_ONLINE, fg_cli_rule_delete },
	{ "rule list", "", "all rules, their fate and what they did", FG_TAKES_SOURCE | FG_TAKES_ONLINE,
	  fg_cli_rule_list },
	{ "rule show", "NAME", "all that is known of a rule", FG_TAKES_ONLINE, fg_cli_rule_show },
	{ "status", "", "what the daemon is doing", FG_TAKES_ONLINE, fg_cli_status },
	{ "health", "", "is enforcement live on every port", FG_TAKES_ONLINE, fg_cli_health },
	{ "limits", "", "budgets, and what is used of them", FG_TAKES_ONLINE, fg_cli_limits },
	{ "counters", "", "packets by rule and by port", FG_TAKES_ONLINE, fg_cli_counters },
	{ "samples", "", "packets that rules matched, as they come",
	  FG_TAKES_SAMPLES | FG_TAKES_STREAM | FG_TAKES_ONLINE, fg_cli_samples },
	{ "watch", "", "what changes, as it does", FG_TAKES_STREAM | FG_TAKES_WATCH | FG_TAKES_ONLINE, fg_cli_watch },
	{ "bgp errors", "[PEER]", "UPDATEs of peers that something was wrong with", FG_TAKES_ONLINE,
	  fg_cli_bgp_errors },
	{ "bgp", "[PEER]", "sessions with peers; of one, all that is known", FG_TAKES_ONLINE, fg_cli_bgp_peers },
	{ "history", "", "generations that can be gone back to", FG_TAKES_HISTORY | FG_TAKES_ONLINE, fg_cli_history },
	{ "confirm", "", "keep the change that waits for it", FG_TAKES_ONLINE, fg_cli_confirm },
	{ "rollback", "GENERATION", "go back to a generation", FG_TAKES_ONLINE, fg_cli_rollback },
	{ "flush", "", "take all rules out but those of the configuration, at once", FG_TAKES_ONLINE, fg_cli_flush },
	{ "shadow", "(on | off)", "count verdicts and do nothing, or do it again", FG_TAKES_ONLINE, fg_cli_shadow },
	{ "quarantine add", "(FILE… | - | -- TEXT…)", "never admit these rules again, whoever sends them",
	  FG_TAKES_FORM | FG_TAKES_TEXT | FG_TAKES_ONLINE, fg_cli_quarantine_add },
	{ "quarantine delete", "(FILE… | - | -- TEXT…)", "permit them again",
	  FG_TAKES_FORM | FG_TAKES_TEXT | FG_TAKES_ONLINE, fg_cli_quarantine_delete },
	{ "quarantine list", "", "rules that are never admitted", FG_TAKES_ONLINE, fg_cli_quarantine_list },
	{ 0 },
};

bool fg_verb_takes(const struct fg_verb *verb, const struct fg_option *option)
{
	return option->takes == 0 || (option->takes & verb->takes) != 0;
}

const struct fg_verb *fg_verb_find(int argc, char **argv, int *words)
{
	for (const struct fg_verb *v = fg_verbs; v->name != NULL; v++) {
		size_t first = strcspn(v->name, " ");

		if (strlen(argv[0]) != first || strncmp(argv[0], v->name, first) != 0)
			continue;
		*words = v->name[first] == '\0' ? 1 : 2;
		if (*words == 1 || (argc > 1 && strcmp(argv[1], v->name + first + 1) == 0))
			return v;
	}
	return NULL;
}
