#!/bin/bash
# The flowgate command as its users meet it: what it prints and how it exits. test_cli.sh FLOWGATE SOURCE SANITIZED [--write]
#
# Golden tests compare all that a call says with tests/golden/NAME.out; --write writes those anew, to be read before they are kept. Tests
# named hazard_* are what has gone wrong in the field: each says what must happen instead. SANITIZED (none, or sanitizers) says
# whether memory and time are the program's own. Each test has a folder of its own, and as many run at once as there are processors.
set -uo pipefail
flowgate=$(realpath "$1") source=$(realpath "$2") sanitized=$3 write=${4-}
golden=$source/tests/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8
mkdir "$work/given" && cd "$work/given" || exit 99
cp "$golden"/*.rules "$golden"/*.hex "$golden"/*.json "$golden"/*.conf .
python3 -B "$source/tests/e2e/captures.py" . || exit 99

. "$source/tests/e2e/said.sh"

# Peak memory in KiB and seconds of processor time of a call, "KIB SECONDS"; what it said is in out and err.
measure() {
	python3 - "$flowgate" "$@" <<'PY'
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=open("out", "wb"), stderr=open("err", "wb"), check=False)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_maxrss, round(used.ru_utime + used.ru_stime, 2))
PY
}

goldens() {
	cat <<-'ROWS'
		check 1 check --dataplane xdp check.rules
		check-json 1 check --json --dataplane xdp check.rules
		check-syntax 2 check bad-syntax.rules
		check-hex 1 check --json rules.hex
		check-json-input 0 check rules.json
		check-json-key 2 check bad-key.json
		check-limits 1 check --json --limits limits.conf limited.rules
		check-limits-people 1 check --limits limits.conf limited.rules
		decode 1 decode --actions 8006000000000000 0b0118c00002038106048119 140120c00002010481350a2100018683a100018691 f0 00
		decode-json 0 decode --json --family ipv6 --actions 8007000000000001,800900000000002e 1201200020010db8026840123456789a038106
		encode 1 encode check.rules
		encode-json 0 encode --json rules.json
		explain 1 explain --rules replay.rules --packet udp_198.51.100.9:53_>_203.0.113.7:4000_len_1600
		explain-match 1 explain --rules replay.rules --packet udp_198.51.100.9:53_>_203.0.113.7:4000_len_1200
		explain-continue 1 explain --json --rules replay.rules --packet udp_198.51.100.9:1_>_203.0.113.10:5000_len_128
		explain-capture 1 explain --json --rules replay.rules --read all.pcap --number 9
		explain-malformed 1 explain --rules replay.rules --read all.pcap --number 6
		explain-packet 2 explain --rules replay.rules --packet udp_198.51.100.9_>_203.0.113.7:4000
		replay 1 replay --json --rules replay.rules --read all.pcap
		replay-people 1 replay --rules replay.rules --read all.pcap
		replay-cut 5 replay --rules replay.rules --read cut-packet.pcap
		replay-unknown 5 replay --rules replay.rules --read unknown.pcap
		usage 2 check
		usage-option 2 replay --rules replay.rules --nonsense
		usage-verb 2 enforce
		help 0 --help
	ROWS
}

# ---- Hazards ----
#
# What has gone wrong in the field, and which tests here, or elsewhere, say that it cannot happen:
#   2013-03 packet-length 99971-99985             hazard_2013_*
#   2020-08 wildcards in a rule for one address   hazard_2020_wildcard_rule_is_shown_for_what_it_is
#   2019-07 one pattern took all processors       hazard_2019_pattern_is_refused_whole
#   2021-06 a limit of a table exceeded           hazard_2021_limit_plus_one
#   2023-26 over-reads and wider rules            hazard_truncated_lists, hazard_vectors_as_they_are, hazard_zero_length_nlri,
#           in five speakers                      hazard_six_operators_in_a_list, hazard_short_attribute_25,
#                                                 hazard_unknown_component_types; oracle-wider and the fuzz targets
#   2024-06 an endless loop in a rate limiter     hazard_2024_worst_rules_times_hostile_packets; oracle-cost
#   2024    options bypassed a redirect           hazard_ipv4_options_times_actions
#   2025-06 blank fields                          hazard_2025_empty_fields
#   2025-11 a file doubled in size                hazard_2025_over_the_limit_keeps_the_good_rules
#   2025-12 an off-switch rarely used             hazard_2025_every_action_can_be_off
#   one NLRI that expands to 500 entries          hazard_frr_cross_product
#   many rules without a prefix                   hazard_1_to_many_rules_without_prefix; bpf-match: one program, the largest image
#   padding, QinQ and extension headers           hazard_encapsulations_do_not_bypass, hazard_each_encapsulation_times_each_component
#   one bad IPv6 rule lost the session            hazard_one_bad_ipv6_offset_among_good_rules
# What needs a daemon is in test_hazards.py, under these names, with real packets:
#   2013-03 the same at the socket, memory of gate hazard_2013_rule_at_the_socket; test_memory.py: a hundred thousand hostile rules
#   2020-08 sessions under a rule that matches all hazard_2020_match_all_discard
#   2021-06 alarms at 70 and 90 per cent          hazard_2021_headroom_is_told_to_watchers
#   2025-06 blank fields; a crash loop            hazard_2025_blank_fields, hazard_2025_crash_loop_breaker; unit test gate-store: restarts that spread out
#           are fg_backoff_next()
#   2025-11 twice what there is room for          hazard_2025_over_the_limit_keeps_generation_n
#   2025-12 every switch, off and on              hazard_2025_every_switch_off_and_on
#   the fix was removing the rule                 hazard_withdraw_at_full_budget
# What comes over a session is in test_bgp.py, by a speaker that says what no daemon would, and in test_peers.py by five daemons:
#   2013-03 the same as a list and as a range     test_2013
#   2020-08 a discard of everything, by the very  test_match_all_over_the_session
#           session that it would end
#   2023-26 malformed NLRIs and attributes        test_errors_cost_themselves; unit tests bgp-attribute, bgp-update; fuzz-bgp
#   2021-06 more rules than a peer may have       test_maximum
#           peers that flap, hang and half-open   test_flapping, test_half_open_and_slow
# No test yet, for there is no such thing yet: the compiler of patterns in its sandbox (2019-07), BGP sources that are switched off (2025-12).

rule_2013='{ match { destination 192.0.2.1/32; port 53; packet-length [ 99971 99985 ]; } then discard; }'

hazard_2013_rule_as_text() {
	echo "route DNS $rule_2013" >rule
	exits 1 check --json rule && json 'o[0]["state"] == "refused" and code(0)[0] == "never-matches"' &&
		json 'o[0]["reasons"][0]["component"] == "packet-length" and "two-values" in code(0)' && json 's["admitted"] == 0'
}

hazard_2013_rule_as_nlri_list() {
	exits 1 decode --json --actions 8006000000000000 140120c00002010481350a2100018683a100018691 &&
		json 'o[0]["state"] == "refused" and code(0)[0] == "never-matches" and "[ 99971 99985 ]" in o[0]["text"]'
}

hazard_2013_rule_as_nlri_range() {
	exits 1 decode --json --actions 8006000000000000 140120c00002010481350a2300018683e500018691 &&
		json 'o[0]["state"] == "refused" and code(0)[0] == "never-matches" and "99971-99985" in o[0]["text"]'
}

# Cut to 16 bits it is another rule, which can match, and which nothing here ever makes of the first.
hazard_2013_rule_truncated() {
	exits 0 decode --json --actions 8006000000000000 100120c00002010481350a138683d58691 &&
		json 'o[0]["state"] == "admitted" and "34435-34449" in o[0]["text"]' || return 1
	echo "route DNS $rule_2013" >rule
	exits 1 encode rule && says 140120c00002010481350a2100018683a100018691 || return 1
	exits 1 explain --json --rules rule --packet 'udp 192.0.2.9:53 > 192.0.2.1:4000 len 34435' &&
		json 'o[0]["verdict"] == "pass" and o[0]["considered"] == []'
}

hazard_2013_memory_before_and_after() {
	local before after
	[ "$sanitized" = none ] || return 0
	echo 'match destination 192.0.2.1/32 port 53 packet-length 1200-1500 then discard' >rule
	read -r before _ < <(measure replay --rules rule --read all.pcap)
	echo "route DNS $rule_2013" >>rule
	read -r after _ < <(measure replay --rules rule --read all.pcap)
	below "$after" $((before + 512)) KiB
}

hazard_2020_wildcard_rule_is_shown_for_what_it_is() {
	echo 'limits { shortest-ipv4 24; }' >limits
	echo 'match protocol >=0 then discard' >rule
	exits 0 check --json rule && json 'code(0) == ["always-matches"]' || return 1
	exits 1 check --json --limits limits rule && json '"too-broad" in code(0)'
}

# What a dataplane cannot run is refused, not left out of the rule: without its pattern it would match more.
hazard_2019_pattern_is_refused_whole() {
	echo 'match destination 203.0.113.0/24 payload "(a+)+$" then discard' >rule
	exits 1 check --json --dataplane xdp rule && json 'code(0) == ["unsupported"] and s["admitted"] == 0' || return 1
	exits 1 replay --json --dataplane xdp --rules rule --read all.pcap && json 's["pass"] == 28' || return 1
	exits 1 encode rule && [ ! -s out ] && says 'no NLRI has a payload pattern'
}

# Expressions that made backtracking engines burn: an automaton does not, whatever the payload; and what takes too long to make is refused.
hazard_2019_pathological_patterns() {
	local seconds
	cat >rules <<-'RULES'
		name PLUS match destination 203.0.113.0/24 payload "/(a+)+$/" then sample continue
		name ALT match destination 203.0.113.0/24 payload "/^(a|a)*b$/" then sample continue
		name DOTS match destination 203.0.113.0/24 payload "/.*.*=.*/" then sample continue
		name HUGE match destination 203.0.113.0/24 payload "/.{1,100000}/" then discard
		name LONG match destination 203.0.113.0/24 payload "/[^a]{32767}b[^c]{32767}d[^e]{32767}/" then discard
	RULES
	exits 1 check --json rules && json 's["admitted"] == 3 and code(3) == ["unsupported"] and o[4]["state"] == "refused"' || return 1
	head -3 rules >good
	python3 -c '
import sys; sys.path.insert(0, "'"$source"'/tests/e2e"); import captures as c
packets = [c.frame(c.ipv4("203.0.113.7", 17, c.udp(1, 2, 0)[:4] + bytes([5, 0, 0, 0]) + b"a" * 1400 + b"!")) for i in range(2000)]
open("bomb.pcap", "wb").write(c.pcap(1, [(i, p, None) for i, p in enumerate(packets)]))'
	read -r _ seconds < <(measure replay --json --rules good --read bomb.pcap)
	json 's["packets"] == 2000 and s["sampled"] == 0' || return 1
	[ "$sanitized" != none ] || below "$seconds" 5 s
}

# Text and JSON say the same of a rule with a pattern, and read back as it.
test_pattern_round_trip() {
	cat >rules <<-'RULES'
		name A match destination 203.0.113.7/32 payload "/a\"b\x00\/\\/ism" then discard
		name B match destination 203.0.113.7/32 payload "plain [a-z]+ ä" then mark ef continue
		name C match destination 203.0.113.7/32 then discard
	RULES
	exits 0 check --json rules && json 's["admitted"] == 3 and [r["precedence"] for r in o] == [1, 2, 3] and s["scan_bytes"] == 1500' &&
		json 'all(r["nlri"] is None and r["cost"]["pattern_bytes"] > 0 for r in o[:2]) and s["pattern_bytes"] > 0' || return 1
	cp out first
	python3 -c 'import json
for l in open("first"): print(json.loads(l).get("text", "#"))' >text
	exits 0 check --json --from json first && sed 's/"file":"[a-z]*"//' out >from-json
	exits 0 check --json --from text text && sed 's/"file":"[a-z]*"//' out >from-text
	sed 's/"file":"[a-z]*"//' first | diff - from-json >&2 && diff from-json from-text >&2
}

# The same conditions: with other patterns other rules, in their order, before the rule without; with the same one a duplicate.
test_pattern_identity() {
	cat >rules <<-'RULES'
		name ALL match destination 203.0.113.7/32 then discard
		name X match destination 203.0.113.7/32 payload "/x/" then accept
		name Y match destination 203.0.113.7/32 payload "/y/" then accept
		name AGAIN match destination 203.0.113.7/32 payload "/x/" then discard
		name CASE match destination 203.0.113.7/32 payload "/x/i" then accept
	RULES
	exits 1 check --json rules && json '[r["precedence"] for r in o] == [4, 1, 2, None, 3] and code(3) == ["duplicate"]' &&
		json 'not any(code(i) for i in (0, 1, 2, 4))' || return 1
	for i in $(seq 16); do echo "match destination 203.0.113.7/32 payload \"/p$i/\" then discard"; done >many
	exits 1 check --json many && json 's["admitted"] == 15 and o[15]["reasons"][0]["resource"] == "continues"'
}

test_pattern_budgets() {
	local i
	for i in $(seq 40); do echo "match destination 203.0.113.$i/32 payload \"/w$i[a-z]{3}$i/\" then discard"; done >rules
	echo 'limits { pattern-bytes 3000; scan-octets 64; }' >limits
	exits 1 check --json --limits limits rules && json '0 < s["admitted"] < 40 and s["pattern_bytes"] <= s["pattern_bytes_budget"] == 3000' &&
		json 's["scan_bytes"] == 64 and code(39) == ["over-budget"] and o[39]["reasons"][0]["resource"] == "patterns"' || return 1
	echo 'limits { rule { pattern-bytes 10; } }' >limits
	exits 1 check --json --limits limits rules && json 's["admitted"] == 0 and o[0]["reasons"][0]["available"] == 10' || return 1
	for i in '{"text":"match port 1 payload \"/a/\" then discard","payload":"/b/"}' '{"text":"match port 1 then discard","payload":"/\"/"}' \
		'{"text":"match port 1 then discard","payload":"/a\\"}' '{"text":"match port 1 then discard","payload":"/a\nb/"}'; do
		echo "$i" >wrong
		exits 2 check wrong && says 'wrong:1:1' || return 1
	done
}

hazard_2021_limit_plus_one() {
	local i
	echo 'limits { slots 50; }' >limits
	for i in $(seq 51); do echo "match destination 192.0.2.$i/32 then discard"; done >rules
	exits 1 check --json --limits limits rules && json 's["admitted"] == 50 and o[50]["state"] == "refused"' &&
		json 'o[50]["reasons"][0]["resource"] == "slots" and o[50]["reasons"][0]["needed"] > o[50]["reasons"][0]["available"]'
}

# A budget that is full refuses what comes later, and keeps what was there.
hazard_2025_over_the_limit_keeps_the_good_rules() {
	local i bytes
	for i in $(seq 100); do echo "match destination 192.0.2.$i/32 source-port [ 1 3 5 7 9 ] then discard"; done >rules
	head -60 rules >first
	exits 0 check --json first || return 1
	bytes=$(python3 -c 'import json; print([json.loads(l) for l in open("out")][-1]["summary"]["bytes"])')
	echo "limits { bytes $bytes; }" >limits
	exits 1 check --json --limits limits rules && json 's["admitted"] == 60 and all(r["state"] == "admitted" for r in o[:60])' &&
		json 'all(code(i) == ["over-budget"] and o[i]["reasons"][0]["resource"] == "bytes" for i in range(60, 100))' &&
		json 's["bytes"] == s["bytes_budget"] and "source-port" in o[60]["reasons"][0]["cheapest_fix"]'
}

# As many rate limits on one way as there can be, at the ends of what a rate can be, while the clock jumps to its end and back.
hazard_2024_worst_rules_times_hostile_packets() {
	local i rate seconds
	local rates=(3f000000 3f800000 447a0000 4b189680 4f000000 5f000000 7f7fffff)
	for ((i = 0; i < 15; i++)); do
		rate=${rates[i % 7]}
		printf 'ipv4 090114cb00700a9300%02x 80060000%s,800c0000%s,8007000000000001\n' $((i + 20)) "$rate" "$rate"
	done >rules.hex
	echo 'ipv6 03038100 80060000447a0000' >>rules.hex
	exits 0 check --json rules.hex && json 's["admitted"] == 16' || return 1
	read -r _ seconds < <(measure replay --json --rules rules.hex --read hostile.pcap)
	json 's["packets"] == 300 and max(len(p["rules"]) for p in o) == 15' || return 1
	[ "$sanitized" != none ] || below "$seconds" 2 s
}

hazard_2025_every_action_can_be_off() {
	local action
	for action in accept discard 'rate-limit 0' 'rate-limit 1k' 'rate-limit-packets 1' 'mark ef' 'redirect 1:1' 'redirect-to-ip 192.0.2.1' \
		'copy-to-ip 192.0.2.1' sample continue 'continue sample mark 1 rate-limit 1k'; do
		echo "match destination 203.0.113.0/24 then $action" >rule
		exits 0 replay --json --rules rule --read all.pcap && json 's["packets"] == 28' || return 1
	done
}

hazard_2025_empty_fields() {
	: >empty
	exits 0 check --json empty && json 's["rules"] == 0' || return 1
	exits 0 replay --json --rules empty --read all.pcap && json 's["pass"] == 28' || return 1
	for text in '{}' '{"text":""}' '{"text":null,"nlri":null}' '{"family":"","nlri":"00","actions":[]}' '{"nlri":"","actions":[]}' \
		'{"nlri":"03038111"}' '[]' 'ipv4' 'match then discard' 'route { match { } then { } }' 'match destination then discard'; do
		echo "$text" >rule
		exits 2 check rule && says "rule:1:" || return 1
	done
}

# A list cut anywhere must never become a rule: all proper prefixes of all vectors, as hex.
hazard_truncated_lists() {
	awk -F '\t' '$3 ~ /^\[v[46]-nlri\]/ && $4 ~ /^valid/ {
		family = substr($3, 2, 2) == "v6" ? "ipv6" : "ipv4"
		for (n = 2; n < length($2) && n < 1200; n += 2) print family, substr($2, 1, n), "8006000000000000"
	}' "$source/tests/data/vectors.tsv" >cut.hex
	exits 1 check --json cut.hex && json 's["rules"] > 500 and s["malformed"] == s["rules"]'
}

hazard_vectors_as_they_are() {
	awk -F '\t' '$3 ~ /^\[v4-nlri\]/ { print "ipv4", $2 } $3 ~ /^\[v6-nlri\]/ { print "ipv6", $2 }' "$source/tests/data/vectors.tsv" >all.hex
	awk -F '\t' '$3 ~ /^\[v[46]-nlri\]/ { print substr($4, 1, 5) == "valid" ? "valid" : "invalid" }' "$source/tests/data/vectors.tsv" >verdicts
	exits 1 check --json all.hex &&
		json '[r["state"] == "malformed" for r in o] == [line.strip() == "invalid" for line in open("verdicts")]'
}

hazard_zero_length_nlri() {
	exits 1 decode --json 00 && json 'o[0]["state"] == "malformed" and code(0) == ["malformed"]'
}

hazard_short_attribute_25() {
	local n
	for n in 2 4 8 10 20 36 38 42; do # digits
		echo "ipv6 0e014020000000000381060d9107dd $(head -c $n <<<000d20010db8000000000000000000000000000000000000)" >rule.hex
		exits 1 check --json rule.hex && json 'o[0]["state"] == "malformed" and s["admitted"] == 0' || return 1
	done
}

hazard_unknown_component_types() {
	local type
	for type in 00 0d 0e 0f 80 ff; do
		exits 1 decode --json "080118c00002${type}8106" && json 'o[0]["state"] == "malformed"' || return 1
		exits 1 decode --json "03${type}8106" && json 'o[0]["state"] == "malformed"' || return 1
	done
}

hazard_six_operators_in_a_list() {
	exits 0 decode --json 0d05010101020103010401058106 &&
		json 'len(o) == 1 and o[0]["state"] == "admitted"'
}

hazard_frr_cross_product() {
	local kib seconds
	python3 - >fat.hex <<'PY'
flags, dscp, fragments = [1, 2, 4, 8, 16], [10, 12, 14, 18, 20], [1, 2, 4, 8]
def octets(kind, values):
    return bytes([kind]) + b"".join(bytes([0x81 if v == values[-1] else 1, v]) for v in values)
for i in range(1000):
    nlri = bytes([1, 16, 11 + i // 256, i % 256]) + octets(9, flags)
    nlri += bytes([10]) + b"".join(bytes([0x91 if v == 500 else 0x11]) + v.to_bytes(2, "big") for v in range(100, 501, 100))
    nlri += octets(11, dscp) + octets(12, fragments)
    assert len(nlri) == 51
    print("ipv4", "33" + nlri.hex(), "8006000000000000")
PY
	exits 0 check --json fat.hex && json 's["admitted"] == 1000 and s["bytes"] - 67256576 < 1000 * 8192' || return 1
	[ "$sanitized" = none ] || return 0
	read -r kib seconds < <(measure check --json fat.hex)
	below "$kib" 65536 KiB && below "$seconds" 3 s
}

hazard_1_to_many_rules_without_prefix() {
	local i
	for i in $(seq 600); do echo "match port $((i * 7)) packet-length $((i + 100))-$((i + 300)) then discard"; done >rules
	exits 0 check --json rules && json 's["admitted"] == 600' &&
		exits 0 explain --json --rules rules --packet 'udp 192.0.2.1:9 > 192.0.2.2:4200 len 800' && json 'o[0]["winner"] == "#600"'
}

# Padding, VLAN stacks, IPv4 options and IPv6 extension headers take the same way: packets 1 to 17 of the capture.
hazard_encapsulations_do_not_bypass() {
	exits 1 replay --json --rules replay.rules --read all.pcap &&
		json '[p["n"] for p in o if p["verdict"] == "drop" and p["n"] < 18] == [1, 2, 3, 7, 8, 9, 10, 14, 17]'
}

# One rule for each component alone, against a TCP and an ICMP packet, in turn, in each form.
hazard_each_encapsulation_times_each_component() {
	local hits rule name want
	while read -r name hits rule; do
		case $hits in both) want='["drop", "drop"]' ;; tcp) want='["drop", "pass"]' ;; icmp) want='["pass", "drop"]' ;; esac
		echo "$rule then discard" >rule
		exits 0 replay --json --rules rule --read "$name.pcap" &&
			json '[p["verdict"] for p in o] == '"$want"' * (len(o) // 2) and len(o) > 25' || return 1
	done <<-'ROWS'
		encapsulated both match destination 203.0.113.7/32
		encapsulated both match source 198.51.100.9/32
		encapsulated tcp match protocol tcp
		encapsulated tcp match port 443
		encapsulated tcp match destination-port 443
		encapsulated tcp match source-port 1024
		encapsulated icmp match icmp-type 8
		encapsulated icmp match icmp-code 3
		encapsulated tcp match tcp-flags =syn
		encapsulated both match packet-length 300
		encapsulated both match dscp ef
		encapsulated both match fragment dont-fragment
		encapsulated6 both match destination 2001:db8::2/128
		encapsulated6 both match source 2001:db8::1/128
		encapsulated6 tcp family ipv6 match protocol tcp
		encapsulated6 tcp family ipv6 match port 443
		encapsulated6 tcp family ipv6 match destination-port 443
		encapsulated6 tcp family ipv6 match source-port 1024
		encapsulated6 icmp family ipv6 match icmp-type 128
		encapsulated6 icmp family ipv6 match icmp-code 3
		encapsulated6 tcp family ipv6 match tcp-flags =syn
		encapsulated6 both family ipv6 match packet-length 300
		encapsulated6 both family ipv6 match dscp ef
		encapsulated6 both family ipv6 match fragment [ !is-fragment ]
		encapsulated6 both family ipv6 match flow-label 2013
	ROWS
}

hazard_ipv4_options_times_actions() {
	local action
	for action in discard 'rate-limit 1' 'redirect 65000:1' 'mark ef'; do
		echo "match destination 203.0.113.7/32 port 53 packet-length 1200 then $action" >rule
		exits 0 replay --json --rules rule --read all.pcap && json 'o[6]["rules"] == ["#1"] and o[0]["rules"] == ["#1"]' || return 1
	done
}

# The full-length form of an offset prefix: another rule or none when read strictly, never a reason to lose the others.
hazard_one_bad_ipv6_offset_among_good_rules() {
	{
		echo 'ipv6 0e014020000000000381060d9107dd 8006000000000000'
		echo 'ipv6 12017840fedcba987654321020010db8000000 8006000000000000'
		echo 'ipv6 0b0120002001 8006000000000000'
		echo 'ipv4 0b0118c00002038106048119 8006000000000000'
	} >rules
	exits 1 check --json rules && json 'o[0]["state"] == "admitted" and o[3]["state"] == "admitted" and o[2]["state"] == "malformed"'
}

# ---- What else goes wrong ----

test_binary_garbage() {
	local form
	for form in auto text hex json; do
		exits 2 check --from $form garbage.pcap && grep -q '^garbage.pcap:[0-9]*:[0-9]*: ' err || return 1
		[ ! -s out ] || fail "something was said on standard output"
	done
	head -c 300000 /dev/zero >zeros
	exits 2 check zeros
}

# A hundred megabytes, and more than may be read: within bounds of memory and time, or refused at once.
test_files_too_large() {
	local kib seconds
	[ "$sanitized" = none ] || return 0
	python3 - <<'PY'
size = 100 << 20
line = "match destination 10.%d.%d.%d/32 protocol udp source-port 53 then discard # " + "x" * 1000 + "\n"
with open("many.rules", "w") as out:
    for i in range(size // 1070):
        out.write(line % (i >> 16 & 255, i >> 8 & 255, i & 255))
with open("long.rules", "w") as out:
    out.write("match source-port [ " + "1 " * (size // 10) + "] then discard\n")
with open("zero.rules", "w") as out:
    out.truncate(size)
with open("most.rules", "w") as out:
    out.truncate(1 << 40)
PY
	exits 1 check --json long.rules && json 'o[0]["state"] == "malformed" and s["admitted"] == 0' || return 1
	exits 2 check zero.rules && exits 5 check most.rules && says most.rules || return 1
	read -r kib seconds < <(measure check --json many.rules)
	echo "  100 MB of rules: $seconds s, $kib KiB" >&2
	json 's["admitted"] == s["rules"] > 90000' || return 1
	below "$kib" 524288 KiB && below "$seconds" 30 s || return 1
	read -r kib seconds < <(measure check most.rules)
	below "$kib" 65536 KiB && below "$seconds" 1 s
}

test_syntax_error_applies_nothing() {
	exits 2 replay --json --rules replay.rules --rules bad-syntax.rules --read all.pcap && [ ! -s out ] || return 1
	exits 2 check --json rules.json bad-syntax.rules && json 's["rules"] == 2' && says 'bad-syntax.rules:2:'
}

test_captures_that_are_none() {
	local name
	for name in cut-header garbage unknown nosuch; do
		exits 5 replay --rules replay.rules --read $name.pcap --write-passed passed.pcap && says "$name.pcap: " || return 1
		[ ! -s out ] && [ -z "$(ls passed* 2>/dev/null)" ] || fail "$name: something was written" || return 1
	done
	exits 5 check nosuch.rules && exits 5 check . && exits 5 replay --rules replay.rules --read .
}

test_cut_captures_leave_no_file() {
	local name
	for name in cut-record cut-packet; do
		exits 5 replay --json --rules replay.rules --read $name.pcap --write-passed passed.pcap --write-dropped dropped.pcap &&
			json 's["cut"] is True' || return 1
		[ -z "$(ls passed* dropped* 2>/dev/null)" ] || fail "$name: a capture was left" || return 1
	done
}

test_formats_of_captures_agree() {
	exits 1 replay --json --rules replay.rules --read all.pcap && mv out want
	exits 1 replay --json --rules replay.rules --read all.pcapng && cmp out want || return 1
	exits 1 replay --json --rules replay.rules --read nano.pcap && cmp out want || return 1
	"$flowgate" replay --json --rules replay.rules --read - <all.pcap >out 2>err
	cmp out want || return 1
	exits 1 replay --json --rules replay.rules --read raw.pcap && json '[p["verdict"] for p in o] == ["drop", "drop", "pass"]' &&
		exits 1 replay --json --rules replay.rules --read empty.pcap && json 's["packets"] == 0'
}

test_written_captures() {
	exits 1 replay --json --rules replay.rules --read all.pcap --write-passed passed.pcap --write-dropped dropped.pcap || return 1
	cp out first
	exits 1 replay --json --rules replay.rules --read dropped.pcap && json 's["packets"] == 11' || return 1
	exits 1 replay --json --rules replay.rules --read passed.pcap && json 's["packets"] == 16 and s["causes"].get("discard") is None' || return 1
	python3 - <<'PY'
import struct
data, at, marks = open("passed.pcap", "rb").read(), 24, []
while at < len(data):
    kept, = struct.unpack_from("<I", data, at + 8)
    ip = data[at + 30:at + 50]
    if ip[16:20] == bytes([203, 0, 113, 10]):
        assert sum(struct.unpack("!10H", ip)) % 65535 == 0, "checksum"
        marks.append(ip[1])
    at += 16 + kept
assert marks == [46 << 2 | 3, 10 << 2], marks  # ECN is kept
PY
}

test_outputs_that_cannot_be_written() {
	exits 5 replay --rules replay.rules --read all.pcap --write-passed no/such/folder.pcap && says no/such/folder.pcap || return 1
	exits 5 replay --rules replay.rules --read all.pcap --write-passed passed.pcap --write-dropped no/such/folder.pcap || return 1
	[ ! -e passed.pcap ] || fail "a capture was left" || return 1
	"$flowgate" check --json check.rules >/dev/full 2>err
	[ $? -eq 5 ] || fail "a full device is not noticed"
}

test_largest_rule() {
	local nlri
	nlri=$(awk -F '\t' '/4095 octets, the largest NLRI/ { print $2 }' "$source/tests/data/vectors.tsv")
	exits 0 decode "$nlri" && exits 0 decode --json "$nlri" && json 'o[0]["state"] == "admitted" and o[0]["nlri"] == "'"$nlri"'"' || return 1
	exits 0 decode "$nlri" && mv out largest && exits 0 encode largest && [ "$(cut -d ' ' -f 2 out)" = "$nlri" ] || return 1
	python3 -c 'print("match source-port [", " ".join(map(str, range(1000, 5000, 2))), "] then discard")' >larger
	exits 1 check --json larger && json 'o[0]["state"] == "malformed" and o[0]["nlri"] is None'
}

test_text_hex_and_json_are_one() {
	exits 1 check --json check.rules && grep -v '"nlri":null\|summary\|"malformed"' out >again.json
	exits 1 check --json again.json && mv out from-json
	exits 1 encode again.json && mv out again.hex
	exits 1 check --json again.hex && mv out from-hex
	python3 - <<'PY'
import json
pick = lambda name: [[r["nlri"], r["state"], r["precedence"], r["actions"], r["cost"]] for r in map(json.loads, open(name)) if "nlri" in r]
assert pick("from-json") == pick("from-hex"), "json and hex differ"
PY
	[ $? -eq 0 ] || return 1
	python3 -c 'import json
for l in open("from-json"):
    if "text" in l and "summary" not in l: print(json.loads(l)["text"])' >again.rules
	exits 1 encode again.rules && cmp out again.hex
}

test_standard_input() {
	"$flowgate" check --json - <rules.json >out 2>err && json 's["admitted"] == 2' || return 1
	"$flowgate" check - <bad-syntax.rules >out 2>err
	[ $? -eq 2 ] && says '<stdin>:2:'
}

test_limits_that_are_wrong() {
	local text
	for text in 'limits { bites 4; }' 'limits { lines 2048; }' 'limits { mtu 5; }' 'limits { rule { slots 1; } }' 'match' 'limits { bytes }' \
		'limits { shortest-ipv4 33; }'; do
		echo "$text" >limits
		exits 2 check --limits limits rules.json && says 'limits:1:' || return 1
	done
	exits 5 check --limits nosuch rules.json
}

test_limits_of_lines() {
	echo 'limits { lines 12; }' >limits
	exits 1 check --json --limits limits check.rules && json 's["lines"] <= 12 and any("over-budget" in code(i) for i in range(len(o)))'
}

test_mtu() {
	echo 'match destination 192.0.2.1/32 packet-length >=9000 then discard' >rule
	exits 0 check rule && exits 1 check --json --mtu 1500 rule && json 'code(0) == ["never-matches"]' && exits 2 check --mtu 7 rule
}

# FG_APPLIED_MAX is 16: fifteen `continue` rules and one that ends it.
test_continues_beyond_what_can_be_applied() {
	local i
	for i in $(seq 16); do echo "match destination 192.0.2.1/32 source-port $i then sample continue"; done >rules
	exits 1 check --json rules && json 's["admitted"] == 15 and o[15]["reasons"][0]["resource"] == "continues"' || return 1
	# On nested destinations, one on each: the sixteenth is too much wherever it lies.
	for i in $(seq 17 32); do echo "match destination 192.0.2.1/$i then sample continue"; done >rules
	exits 1 check --json rules && json 's["admitted"] == 15 and o[15]["reasons"][0]["resource"] == "continues"'
}

test_explain_agrees_with_replay() {
	local n
	exits 1 replay --json --rules replay.rules --read all.pcap && cp out verdicts
	for n in 1 4 9 11 13 14 16 17 24 25 26 28; do
		exits 1 explain --json --rules replay.rules --read all.pcap --number $n || return 1
		json '(lambda v: [v["verdict"], v["rules"], v["cause"]] == [o[0]["verdict"], o[0]["rules"], o[0]["cause"]])(
			[json.loads(l) for l in open("verdicts")]['$n' - 1])' || return 1
	done
	exits 3 explain --rules replay.rules --read all.pcap --number 29 && says 'has 28 packets'
}

test_packets_in_words() {
	local text
	echo 'match protocol >=0 then accept' >rule
	for text in 'udp 192.0.2.1:1 > 192.0.2.2:2' 'tcp 192.0.2.1:1 > 192.0.2.2:2 flags syn+ack dscp ef df' '17 192.0.2.1 > 192.0.2.2 fragment last' \
		'icmp 192.0.2.1 > 192.0.2.2 type echo-request code 0 len 65535' 'udp [2001:db8::1]:1 > [2001:db8::2]:2 label 7 len 65575' \
		'gre 2001:db8::1 > 2001:db8::2 fragment first' 'udp 192.0.2.1:1 > 192.0.2.2:2 len 22'; do
		exits 0 explain --rules rule --packet "$text" || return 1
	done
	for text in '' udp 'foo 1.2.3.4:1 > 1.2.3.4:2' 'udp 1.2.3.4:1 1.2.3.4:2' 'udp 1.2.3.4:1 > 2001:db8::1' 'udp 1.2.3.4:1 > 1.2.3.4:70000' \
		'udp 1.2.3.4:1 > 1.2.3.4:1 len 19' 'udp 1.2.3.4:1 > 1.2.3.4:1 len 65536' 'tcp 1.2.3.4:1 > 1.2.3.4:1 flags foo' \
		'udp 1.2.3.4:1 > 1.2.3.4:1 nonsense' 'udp 1.2.3.4:1 > 1.2.3.4:1 label 3'; do
		exits 2 explain --rules rule --packet "$text" && grep -q '^--packet:1:[0-9]' err || fail "of '$text'" || return 1
	done
}

test_many_ordinary_rules() {
	local kib seconds
	python3 - >many.rules <<'PY'
for i in range(50000):
    a = f"{11 + i % 200}.{i // 200 % 256}.{i * 7 % 256}"
    kind = i % 5
    if kind == 0:
        print(f"match destination {a}.{i % 255}/32 protocol udp source-port {i % 1000} packet-length >={i % 900 + 100} then discard")
    elif kind == 1:
        print(f"match destination {a}.{i % 255}/32 source 198.18.{i % 256}.{i % 255}/32 then discard")
    elif kind == 2:
        print(f"match destination 198.51.100.{i % 100}/32 source-port {i * 13 % 65536} destination-port {i % 65536} then discard")
    elif kind == 3:
        print(f"match destination 2001:db8:{i:x}::/64 protocol tcp tcp-flags syn then rate-limit 1M")
    else:
        print(f"match destination {a}.0/24 protocol tcp destination-port [ {i % 1000} {i % 1000 + 1001} ] then rate-limit-packets 100")
PY
	read -r kib seconds < <(measure check --json many.rules)
	json 's["admitted"] == 50000' || return 1
	[ "$sanitized" = none ] || return 0
	echo "  50000 rules: $seconds s, $kib KiB" >&2
	below "$kib" 131072 KiB && below "$seconds" 5 s
}

test_demo() {
	"$source/examples/outage-2013/run.sh" "$flowgate" "$PWD/demo" >out 2>err || fail "exits with $?: $(tail -3 err)" || return 1
	says 'attack packets dropped:       11618 of 11618' && says 'legitimate packets passed:     5364 of 5364'
}

run_all "$(nproc)" "$work/given"
