#!/bin/bash
# The online verbs as their users meet them, against a daemon that plays a part. test_verbs.sh FLOWGATE SOURCE [--write]
#
# Golden tests compare all that a call says with tests/golden/online/NAME.out. The daemon is tests/e2e/fake_gate.py: what it answers is in
# tests/golden/online/answers.json, or said by the test; calls holds what it was asked.
set -uo pipefail
flowgate=$(realpath "$1") source=$(realpath "$2") write=${3-}
golden=$source/tests/golden/online
work=$(mktemp -d)
gates=()
trap '[ ${#gates[@]} -eq 0 ] || kill "${gates[@]}" 2>/dev/null; rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8 TZ=UTC FLOWGATE_SOCKET=$work/socket
cd "$work" || exit 99
cp "$source"/examples/outage-2013/*.rules "$golden/answers.json" .
echo 'match destination' >bad-syntax.rules
echo 'match destination 203.0.113.7/32 dscp 101 then discard' >unsayable.rules

. "$source/tests/e2e/said.sh"

# gate SOCKET ANSWERS: a daemon at that socket. It ends with this shell.
gate() {
	rm -f "$1"
	coproc GATE { exec python3 -B "$source/tests/e2e/fake_gate.py" "$1" "$2" calls 2>gate.err; }
	gates+=("$GATE_PID")
	read -r -t 20 _ <&"${GATE[0]}" || { cat gate.err >&2 && exit 99; }
}
# plays JSON: a daemon of its own for this test, which answers so.
plays() {
	echo "$1" >part.json
	: >calls
	trap 'kill "$GATE_PID" 2>/dev/null' EXIT
	FLOWGATE_SOCKET=$work/part
	gate "$work/part" part.json
}
# asked EXPRESSION: it holds for the calls so far, the list c.
asked() {
	python3 -c 'import json, sys
c = [json.loads(line) for line in open("calls", encoding="utf-8")]
sys.exit(0 if eval(sys.argv[1]) else 1)' "$1" || fail "not asked so: $1: $(head -c 600 calls)"
}

goldens() {
	local verb
	cat <<-'ROWS'
		rule-add 0 rule add good.rules
		rule-add-confirm 0 rule add --confirm-within 5m --ttl 1h --owner noc --ticket T-1 good.rules
		rule-add-dry-run 0 rule add --dry-run good.rules
		rule-add-json 0 rule add --json good.rules
		rule-add-nothing 2 rule add
		rule-add-syntax 2 rule add bad-syntax.rules
		rule-add-unsayable 1 rule add unsayable.rules
		rule-add-partial 1 rule add --partial good.rules unsayable.rules
		rule-add-ttl 2 rule add --ttl 5x good.rules
		rule-delete 0 rule delete --name DNS-ANSWERS --sequence 42
		rule-delete-json 0 rule delete --json good.rules
		rule-delete-both 2 rule delete --name DNS-ANSWERS good.rules
		rule-delete-sequence 2 rule delete --sequence x
		rule-list 0 rule list
		rule-list-json 0 rule list --json
		rule-show 0 rule show DNS-ANSWERS
		rule-show-json 0 rule show --json DNS-ANSWERS
		status 0 status
		status-json 0 status --json
		health 0 health
		health-json 0 health --json
		limits 0 limits
		limits-json 0 limits --json
		counters 0 counters
		counters-json 0 counters --json
		samples 0 samples --count 2
		samples-json 0 samples --json --count 1
		watch 0 watch --count 5
		watch-json 0 watch --json --count 5
		history 0 history --last 2
		history-json 0 history --json
		confirm 0 confirm
		confirm-json 0 confirm --json
		rollback 0 rollback 11
		rollback-json 0 rollback --json 11
		rollback-usage 2 rollback eleven
		flush 0 flush
		flush-json 0 flush --json
		flush-usage 2 flush all
		shadow 0 shadow on
		shadow-json 0 shadow --json off
		shadow-usage 2 shadow
		quarantine-add 0 quarantine add bad.rules
		quarantine-delete 0 quarantine delete --json bad.rules
		quarantine-list 0 quarantine list
		quarantine-list-json 0 quarantine list --json
		explain 0 explain --packet udp_198.18.7.9:53_>_203.0.113.7:4000_len_1200
		explain-json 0 explain --json --packet udp_198.18.7.9:53_>_203.0.113.7:4000_len_1200_fragment_first
		check-live 0 check --live good.rules
		check-live-json 0 check --json --live good.rules
	ROWS
}

# ---- What is asked ----

test_options_become_parameters() {
	plays "$(cat answers.json)"
	exits 0 rule add --partial --dry-run --count-only --ttl 2m --confirm-within 5m --owner noc --ticket T-1 -- \
		name A match destination 203.0.113.7/32 then discard || return 1
	asked 'c[0]["method"] == "net.flowgate.v1.AddRules" and c[0]["more"] is True and "part" not in c[0]["parameters"]' &&
		asked '[c[0]["parameters"][k] for k in ("partial", "dry_run", "count_only", "ttl", "confirm_within", "owner", "ticket")] == [
			True, True, True, 120, 300, "noc", "T-1"]' &&
		asked 'c[0]["parameters"]["rules"] == [{"name": "A", "family": "ipv4", "nlri": "060120cb007107", "actions": ["8006000000000000"], "line": 1}]'
}

test_forms_of_rules_are_one() {
	plays "$(cat answers.json)"
	exits 0 rule add good.rules || return 1
	"$flowgate" encode good.rules >good.hex && exits 0 rule add good.hex || return 1
	"$flowgate" check --json good.rules >good.json && exits 0 rule add good.json || return 1
	"$flowgate" rule add - <good.rules >out 2>err || return 1
	asked 'len(c) == 4 and len({tuple((r["nlri"], r["family"], *r["actions"]) for r in x["parameters"]["rules"]) for x in c}) == 1'
}

# One transaction, whatever its size: each line is short enough, the parts are numbered, and only the last has the parameters.
test_a_batch_larger_than_a_line() {
	plays "$(cat answers.json)"
	for i in $(seq 3000); do echo "name R$i match destination 192.0.$((i / 250)).$((i % 250))/32 protocol udp then discard"; done >many.rules
	exits 0 rule add --partial many.rules || return 1
	asked 'len(c) > 3 and all("too long" not in x for x in c) and [x["parameters"]["part"] for x in c] == list(range(1, len(c) + 1))' &&
		asked 'all(x["parameters"]["parts"] == len(c) for x in c) and [x for x in c if "partial" in x["parameters"]] == [c[-1]]' &&
		asked '[r["name"] for x in c for r in x["parameters"]["rules"]] == [f"R{i}" for i in range(1, 3001)]' || return 1
	: >calls
	exits 0 rule delete many.rules && asked 'len(c) > 3 and sum(len(x["parameters"]["rules"]) for x in c) == 3000'
}

test_the_largest_rule() {
	plays "$(cat answers.json)"
	awk -F '\t' '/4095 octets, the largest NLRI/ { print "ipv4 " $2 " 8006000000000000" }' "$source/tests/data/vectors.tsv" >largest.hex
	for _ in $(seq 20); do cat largest.hex; done >twenty.hex
	exits 0 rule add twenty.hex && asked 'sum(len(x["parameters"]["rules"]) for x in c) == 20 and all("too long" not in x for x in c)'
}

test_a_rule_list_of_a_source() {
	plays "$(cat answers.json)"
	exits 0 rule list --source detector && asked 'c[0]["parameters"] == {"source": "detector"} and c[0]["more"] is True' &&
		exits 0 rule show X && asked 'c[1]["parameters"] == {"name": "X"}' &&
		exits 0 samples --rule X --count 1 && asked 'c[2]["parameters"] == {"rule": "X"}'
}

# ---- Exit codes ----

test_nobody_listens() {
	local verb
	export FLOWGATE_SOCKET=$work/nobody
	for verb in 'rule add good.rules' 'rule delete --name A' 'rule delete good.rules' 'rule list' 'rule show A' status health limits counters samples \
		watch history confirm 'rollback 1' flush 'shadow on' 'quarantine add good.rules' 'quarantine list' 'check --live good.rules' \
		'explain --packet udp' "samples --write $work/none.pcapng"; do
		# shellcheck disable=SC2086
		exits 4 $verb && says 'is flowgated running?' && exits 4 $verb --json && json 'o[-1]["error"] == "NoConnection"' || return 1
	done
	exits 4 health --socket "$(printf '%0200d' 0)" && exits 4 health --socket "$work"
}

test_errors_are_exit_codes() {
	local error
	for error in 'SyntaxError 2' 'RuleRefused 1' 'RuleNotFound 3' 'GenerationNotFound 3' 'NothingToConfirm 3' 'PermissionDenied 1' 'TooLarge 1' \
		'Unavailable 5' 'BatchBroken 5' 'Nonsense 5'; do
		(plays '{"Confirm": [{"error": "net.flowgate.v1.'"${error% *}"'", "parameters": {}}]}' &&
			exits "${error#* }" confirm && exits "${error#* }" confirm --json && json "o[-1]['error'] == '${error% *}'") || return 1
	done
}

test_not_live_is_not_healthy() {
	plays '{"Health": [{"parameters": {"ok": false, "problems": ["eth0: the driver has no XDP", "a\u001b[2Jb"]}}]}'
	exits 1 health && says '  eth0: the driver has no XDP' && says 'a?[2Jb' && exits 1 health --json && json 'o[0]["ok"] is False'
}

test_health_says_ok_only_to_true() {
	local answer
	for answer in '{}' '{"ok": 1}' '{"ok": "true"}' '{"ok": null}'; do
		(plays '{"Health": [{"parameters": '"$answer"'}]}' && exits 1 health) || return 1
	done
}

test_a_refused_batch_says_why() {
	plays '{"AddRules": [{"error": "net.flowgate.v1.RuleRefused", "parameters": {"rules": [{"name": "DNS", "state": "refused",
		"reasons": [{"code": "never-matches", "component": "packet-length", "detail": "above 65535", "source": "RFC 8955"}]}]}}]}'
	exits 1 rule add bad.rules && says 'DNS: never-matches packet-length: above 65535 (RFC 8955)' && says 'nothing was changed' &&
		exits 1 rule add --json bad.rules && json 'o[0]["name"] == "DNS" and o[1]["error"] == "RuleRefused"'
}

test_refused_rules_of_a_partial_batch() {
	plays '{"AddRules": [{"parameters": {"generation": 3, "admitted": 1, "refused": 1, "rules": []}}]}'
	exits 1 rule add --partial good.rules && says '1 rules added, 1 refused' && exits 1 check --live good.rules
}

test_a_rule_that_is_not_there() {
	plays '{"ListRules": [{"parameters": {"rules": [], "generation": 1}}], "DeleteRules": [{"error": "net.flowgate.v1.RuleNotFound", "parameters": {"rule": "A"}}]}'
	exits 3 rule show A && says 'no such rule: A' && exits 3 rule delete --name A && says 'no such rule: A' &&
		exits 0 rule list && exits 0 explain --packet 'udp 198.18.7.9:53 > 203.0.113.7:4000'
}

# ---- Daemons that are not what they should be ----

hostile() { # answer, as the elements of a list
	local verb
	for verb in 'rule add good.rules' 'rule list' status health 'samples --count 1' 'watch --count 1' 'explain --packet udp_' flush; do
		case $verb in explain*) verb="explain --packet" ;; esac
		if [ "$verb" = 'explain --packet' ]; then
			exits 5 explain --timeout 1 --packet 'udp 198.18.7.9:53 > 203.0.113.7:4000'
		else
			# shellcheck disable=SC2086
			exits 5 $verb --timeout 1
		fi || fail "$verb, answered $1" || return 1
	done
}
answers_all() {
	python3 -c 'import json, sys
print(json.dumps({m: json.loads(sys.argv[1]) for m in ("AddRules", "ListRules", "Status", "Health", "Samples", "Watch", "Flush")}))' "$1"
}

test_hostile_answers() {
	local answer
	for answer in '["garbage\n"]' '["\u0000\n"]' '["{}\n"]' '["[[[[\n"]' '[{"sends": 65537}, "\n"]' '[{"sends": 1000000}]' '[null]' '["{\"parameters\":", null]' \
		'[{"parameters": []}]' '[{"error": {}}]' '["\n"]'; do
		(plays "$(answers_all "$answer")" && hostile "$answer") || return 1
	done
}

test_deep_answers() {
	plays "$(answers_all "[\"{\\\"parameters\\\":$(printf '%*s' 30000 '' | tr ' ' '[')\\n\"]")"
	hostile deep
}

test_silence() {
	plays "$(answers_all '[30]')"
	exits 5 health --timeout 1 && says 'no answer in time' && exits 5 flush --timeout 1 && says 'whether it was done is not known'
}

# An octet now and then does not keep a caller waiting.
test_trickle() {
	plays "$(answers_all '["{", 0.6, "\"", 0.6, "p", 0.6, "a", 0.6, "r", 0.6, "a", 0.6]')"
	local start=$SECONDS
	exits 5 health --timeout 1 && below $((SECONDS - start)) 4 s
}

test_answers_of_wrong_types() {
	local answer
	for answer in '{"rules": 5, "ports": {}, "budget": [], "problems": "x", "generation": "y", "processes": 3}' \
		'{"rules": [1, null, "x"], "ports": [[], {"causes": [], "name": 5, "received": 3}], "problems": [1, {}], "generation": -1e300}' \
		'{"rules": [{"name": 5, "text": [], "reasons": {}, "cost": "x", "expires": 1e300, "last_hit": -1, "added": 99999999999999999}]}'; do
		(plays "$(answers_all "[{\"parameters\": $answer}]")"
		for verb in status health 'rule add good.rules' counters 'rule show A' 'check --live good.rules' 'rule list' limits; do
			# shellcheck disable=SC2086
			"$flowgate" $verb --timeout 1 >out 2>err
			[ $? -lt 6 ] || fail "$verb ends with a signal" || exit 1
			if grep -qs 'Sanitizer\|runtime error' err; then fail "$verb: $(head -3 err)" && exit 1; fi
		done) || return 1
	done
}

test_live_rules_that_are_none() {
	plays '{"ListRules": [{"parameters": {"rules": [{"state": "enforced", "name": "A", "family": "ipv4", "nlri": "03", "actions": []}]}}]}'
	exits 1 explain --packet 'udp 198.18.7.9:53 > 203.0.113.7:4000' || return 1
	(plays '{"ListRules": [{"parameters": {"rules": [{"state": "enforced", "name": "A"}]}}]}' &&
		exits 5 explain --packet 'udp 198.18.7.9:53 > 203.0.113.7:4000' && says 'without octets')
}

# ---- Streams ----

test_a_stream_that_ends_is_said() {
	plays '{"Watch": [{"parameters": {"kind": "commit", "generation": 1}, "continues": true}, null], "Samples": [null]}'
	exits 5 watch && says 'generation 1: committed' && says 'the stream ended' && exits 5 samples --write lost.pcapng && [ -s lost.pcapng ]
}

test_a_stream_ends_by_time_and_by_interrupt() {
	plays "$(cat answers.json)"
	exits 0 watch --for 1s && says 'committed' || return 1
	"$flowgate" samples --write by-signal.pcapng >out 2>err &
	local pid=$!
	for _ in $(seq 100); do grep -q Samples calls && [ "$(stat -c %s by-signal.pcapng 2>/dev/null || echo 0)" -gt 300 ] && break; sleep 0.05; done
	kill -TERM $pid
	wait $pid || fail "ends with $?" || return 1
	says '2 packets in by-signal.pcapng'
}

# What is written opens in libpcap, and each packet bears the rule's name.
test_samples_are_a_capture() {
	exits 0 samples --count 2 --write taken.pcapng && says '2 packets in taken.pcapng' || return 1
	exits 0 replay --json --rules good.rules --read taken.pcapng && json 's["packets"] == 2' || return 1
	python3 - <<'PY' || fail "the capture is not as it should be" || return 1
import struct
data, at, names, packets = open("taken.pcapng", "rb").read(), 0, [], []
def options(octets):
    found = []
    while len(octets) >= 4:
        code, size = struct.unpack_from("<HH", octets)
        if code == 0:
            break
        found.append((code, octets[4:4 + size]))
        octets = octets[4 + (size + 3) // 4 * 4:]
    return found
while at < len(data):
    kind, size = struct.unpack_from("<II", data, at)
    assert size % 4 == 0 and struct.unpack_from("<I", data, at + size - 4)[0] == size
    body = data[at + 8:at + size - 4]
    if kind == 1:
        names.append(dict(options(body[8:]))[2].decode())
    if kind == 6:
        interface, high, low, kept, length = struct.unpack_from("<IIIII", body)
        comments = [v.decode() for c, v in options(body[20 + (kept + 3) // 4 * 4:]) if c == 1]
        packets.append((names[interface], high << 32 | low, kept, length, comments))
    at += size
assert packets == [("eth0", 1764055400250000000, 50, 1214, ["DNS-ANSWERS", "drop, discard"]),
                   ("eth1", 1764055401500000000, 26, 1514, ["DNS-FRAGMENTS", "pass, none"])], packets
PY
	exits 5 samples --count 1 --write /nonexistent/taken.pcapng
}

test_samples_that_are_none() {
	local sample
	for sample in '{}' '{"time": -1, "data": "00"}' '{"time": 1, "data": "0"}' '{"time": 1e300, "data": "00"}' '{"time": 1, "data": "zz"}' \
		'{"time": 1, "length": -5, "data": "00"}'; do
		(plays '{"Samples": [{"parameters": '"$sample"', "continues": true}]}'
		"$flowgate" samples --count 1 --write odd.pcapng >out 2>err
		case $? in 0 | 5) ;; *) fail "$sample: $(cat err)" ;; esac) || return 1
	done
}

gate "$work/socket" answers.json
run_all
