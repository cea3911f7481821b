#!/bin/bash
# The daemon as its users meet it: two namespaces and a cable, rules over the socket, packets that are dropped or not, and every
# process killed under traffic. test_daemon.sh FLOWGATED SOURCE SANITIZE
set -euo pipefail
flowgated=$(realpath "$1") source=$(realpath "$2") sanitize=$3
skip() { echo "skipped: $1" && exit 77; }
[ "$(id -u)" -eq 0 ] || skip "needs root"
a=fgd-a-$$ b=fgd-b-$$ pins=/sys/fs/bpf/fgd-$$
work=$(mktemp -d)
chmod 755 "$work"
daemon= receiver=
export ASAN_OPTIONS=detect_leaks=0

finish() {
	local status=$?
	[ -z "$receiver" ] || kill "$receiver" 2>/dev/null || true
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
	[ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
	in_a "$flowgated" --remove --config "$work/flow.conf" || true
	ip netns del "$a" 2>/dev/null || true
	ip netns del "$b" 2>/dev/null || true
	[ "$status" -eq 0 ] || { echo "--- log" && tail -n 60 "$work/log"; }
	rm -rf "$work"
	exit "$status"
}
in_a() { nsenter --net="/run/netns/$a" "$@"; }
in_b() { nsenter --net="/run/netns/$b" "$@"; }
# The interpreter itself, for signals are to reach it.
python=$(python3 -c 'import sys; print(sys.executable)')

ip netns add "$a" 2>/dev/null || skip "no network namespaces"
trap finish EXIT
ip netns add "$b"
ip link add fg0 netns "$a" type veth peer name fg1 netns "$b"
ip -n "$a" addr add 10.9.0.1/24 dev fg0
ip -n "$b" addr add 10.9.0.2/24 dev fg1
ip -n "$a" link set fg0 up && ip -n "$b" link set fg1 up && ip -n "$a" link set lo up
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf || skip "no bpffs"

socket=$work/run/s
cat >"$work/flow.conf" <<CONF
interface fg0 { mode native; }
protect { name ssh match destination 10.9.0.1/32 protocol tcp destination-port 22; }
control { socket $socket; group root; user nobody; operator uid 1; }
http { listen 127.0.0.1:9185; }
store { path $work/db; pins $pins; image 128M; slots 4096; }
rules { file $work/static.rules; }
CONF
echo "name S1 match destination 10.9.0.1/32 protocol udp port 7777 then discard" >"$work/static.rules"

fail() { echo "FAILED: $1" && exit 1; }
is() { [ "$2" = "$3" ] || fail "$1: '$2', expected '$3'"; }
start() {
	nsenter --net="/run/netns/$a" "$flowgated" --foreground --config "$work/flow.conf" >>"$work/log" 2>&1 </dev/null &
	daemon=$!
	wait_for '.parameters.ok == true' Health
	# Static rules are there a moment later.
	wait_for '[.parameters.rules[] | select(.static)] | length >= 1' ListRules
}
raw() { printf '%s\n' "$1" | timeout 30 socat -t 20 - "UNIX-CONNECT:$socket"; }
call() { # method, parameters
	local parameters=${2-}
	raw "{\"method\":\"net.flowgate.v1.$1\",\"parameters\":${parameters:-null}}"
}
text() { # rules, more parameters: AddRules
	call AddRules "$(jq -nc --arg t "$1" --argjson p "${2-null}" '{text: $t} + $p')"
}
names() { call ListRules | jq -r '[.parameters.rules[].name] | sort | join(" ")'; }
wait_for() { # filter, method
	for _ in $(seq 150); do
		if [ "$(call "$2" 2>/dev/null | jq "$1" 2>/dev/null)" = true ]; then return 0; fi
		sleep 0.1
	done
	fail "$2 never answered $1"
}
process() { call Status | jq -r ".parameters.processes.$1.pid"; }
# Packets that the cable and the receiving socket have lost, by their own account: on a busy machine a full ring is not our doing.
lost_elsewhere() {
	{
		ip -n "$b" -s -j link show fg1 | jq '.[0].stats64.tx.dropped'
		ip -n "$a" -s -j link show fg0 | jq '.[0].stats64.rx | .dropped + .over_errors'
		in_a awk '$1 == "Udp:" && $6 ~ /^[0-9]+$/ { print $6 }' /proc/net/snmp
	} | awk '{ sum += $1 } END { print sum }'
}
# Sends to port 9, for which there is a rule, and to 10, for which there is none, while a command runs: none of the first comes through, and
# all of the others.
under_traffic() { # what, seconds, command…
	local what=$1 seconds=$2 sent got before
	shift 2
	rm -f "$work/ready" # the last receiver's
	nsenter --net="/run/netns/$a" "$python" "$source/tests/e2e/traffic.py" receive 10.9.0.1 "$work/got" 9 10 >"$work/ready" &
	receiver=$!
	until [ -s "$work/ready" ]; do sleep 0.05; done
	before=$(lost_elsewhere)
	in_b "$python" "$source/tests/e2e/traffic.py" send 10.9.0.1 "$seconds" 2000 9 10 >"$work/sent" &
	local sender=$!
	sleep 0.3
	"$@"
	wait "$sender"
	sleep 0.3
	kill "$receiver" && wait "$receiver" || true
	receiver=
	sent=$(jq '."10"' "$work/sent") got=$(jq '."10"' "$work/got")
	is "$what: packets that were to be dropped and came through" "$(jq '."9"' "$work/got")" 0
	echo "$what: sent $sent, came $got, lost by the cable $(($(lost_elsewhere) - before))"
	[ $((sent - got)) -le $(($(lost_elsewhere) - before)) ] ||
		fail "$what: of $sent packets that were to pass $got came, and the cable lost $(($(lost_elsewhere) - before))"
	[ "$sent" -gt 1000 ] || fail "$what: only $sent packets were sent"
}

# ---- Rights, and who may what
start
gate=$(process gate) ctrl=$(process ctrl)
status_of() { awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"; }
is "ctrl: uid" "$(status_of "$ctrl" Uid)" "$(id -u nobody)"
is "ctrl: capabilities" "$(status_of "$ctrl" CapEff)$(status_of "$ctrl" CapPrm)$(status_of "$ctrl" CapBnd)" "$(printf '0%.0s' {1..48})"
is "ctrl: no new privileges" "$(status_of "$ctrl" NoNewPrivs)" 1
is "ctrl: seccomp" "$(status_of "$ctrl" Seccomp)" 2
is "ctrl: groups" "$(awk '$1 == "Groups:" { print $2 }' "/proc/$ctrl/status")" ""
is "gate: capabilities" "$(status_of "$gate" CapEff)" 000000c000001000
is "socket: mode" "$(stat -c %a "$socket")" 660
chmod 666 "$socket"
as() { setpriv --reuid="$1" --regid="$1" --clear-groups socat -t 20 - "UNIX-CONNECT:$socket"; }
chmod 755 "$work" "$work/run"
is "uid 2 reads" "$(echo '{"method":"net.flowgate.v1.Health"}' | as 2 | jq .parameters.ok)" true
is "uid 2 flushes" "$(echo '{"method":"net.flowgate.v1.Flush"}' | as 2 | jq -c .)" \
	'{"error":"net.flowgate.v1.PermissionDenied","parameters":{"role":"read","needed":"operator"}}'
is "uid 1 flushes" "$(echo '{"method":"net.flowgate.v1.Flush"}' | as 1 | jq 'has("parameters") and (has("error") | not)')" true
is "uid 1 in shadow" "$(echo '{"method":"net.flowgate.v1.SetShadow","parameters":{"on":true}}' | as 1 | jq -r .parameters.needed)" admin
chmod 660 "$socket"
raw '{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"net.flowgate.v1"}}' |
	jq -j .parameters.description | cmp - "$source/ctrl/daemon/net.flowgate.v1.varlink"

# ---- Rules: a transaction is all or nothing, unless partial
good="name NINE match destination 10.9.0.1/32 protocol udp destination-port 9 then discard"
bad="name BAD match packet-length 99971 then discard"
is "all or nothing" "$(text "$good
$bad" | jq -c '[.error, .parameters.rules[].name, .parameters.rules[].reasons[].code]')" '["net.flowgate.v1.RuleRefused","BAD","never-matches"]'
is "nothing of it is there" "$(names)" S1
is "dry run" "$(text "$good" '{"dry_run":true}' | jq .parameters.admitted)" 1
is "nothing of a dry run is there" "$(names)" S1
is "partial" "$(text "$good
$bad" '{"partial":true}' | jq -c '[.parameters.admitted, .parameters.refused]')" '[1,1]'
is "what of it was admitted" "$(names)" "NINE S1"
under_traffic "a rule drops" 1.5 true
[ "$(call ListRules '{"name":"NINE"}' | jq '.parameters.rules[0].dropped.packets')" -gt 1000 ] || fail "the rule has not counted"
is "syntax" "$(text 'match port' | jq -r .parameters.message)" \
	"text:1:11: unexpected end of file, expected number, range, word, '[', '=', '!=' …"
is "hex" "$(call AddRules '{"text":"ipv4 0901200a090001038184 8006000000000000"}' | jq .parameters.admitted)" 1
is "an object" "$(call AddRules '{"rules":[{"name":"J","family":"ipv4","nlri":"0901200a090001038185","actions":["8006000000000000"]}]}' | jq .parameters.admitted)" 1
is "reads back what it lists" "$(call AddRules "{\"rules\":$(call ListRules '{"name":"J"}' | jq -c .parameters.rules)}" | jq -c .error)" '"net.flowgate.v1.RuleRefused"'
is "delete by name" "$(call DeleteRules '{"names":["J"]}' | jq .parameters.deleted)" 1
is "delete what is not there" "$(call DeleteRules '{"names":["J"]}' | jq -c .)" '{"error":"net.flowgate.v1.RuleNotFound","parameters":{"rule":"J"}}'
is "static rules stay" "$(call DeleteRules '{"names":["S1"]}' | jq -r .error)" net.flowgate.v1.Unavailable
call DeleteRules '{"text":"match destination 10.9.0.1/32 protocol 132 then discard"}' >/dev/null
is "delete by text" "$(names)" "NINE S1"

# ---- Change safety
generation=$(call Status | jq .parameters.generation)
text "name T match destination 10.9.0.3/32 then discard" '{"confirm_within":1}' >/dev/null
is "to be confirmed" "$(names)" "NINE S1 T"
sleep 1.7
is "not confirmed: reverted" "$(names)" "NINE S1"
text "name T match destination 10.9.0.3/32 then discard" '{"confirm_within":2}' >/dev/null
is "confirm" "$(call Confirm | jq 'has("error")')" false
sleep 2.5
is "confirmed: stays" "$(names)" "NINE S1 T"
is "nothing to confirm" "$(call Confirm | jq -r .error)" net.flowgate.v1.NothingToConfirm
text "name L match destination 10.9.0.4/32 then discard" '{"ttl":1}' >/dev/null
sleep 1.7
is "its time is over" "$(names)" "NINE S1 T"
is "flush" "$(call Flush | jq 'has("error")')" false
is "flushed" "$(names)" S1
is "rollback" "$(call Rollback "{\"generation\":$generation}" | jq -c '[.parameters.added, .parameters.deleted]')" '[1,0]'
is "rolled back" "$(names)" "NINE S1"
is "rollback to what never was" "$(call Rollback '{"generation":999999}' | jq -r .error)" net.flowgate.v1.GenerationNotFound
is "who" "$(call History | jq -r '.parameters.generations[0].who' | cut -d' ' -f1-2)" "uid 0"
call SetShadow '{"on":true}' >/dev/null
is "shadow is not healthy" "$(call Health | jq .parameters.ok)" false
call SetShadow '{"on":false}' >/dev/null
nlri=0901200a090001038106
call Quarantine "{\"family\":\"ipv4\",\"nlri\":\"$nlri\",\"on\":true}" >/dev/null
is "in quarantine" "$(call AddRules "{\"text\":\"ipv4 $nlri 8006000000000000\"}" | jq '[.parameters.rules[0].reasons[].code] | contains(["quarantined"])')" true
is "the list of it" "$(call ListQuarantine | jq -r '.parameters.rules[0].nlri')" $nlri
call Quarantine "{\"family\":\"ipv4\",\"nlri\":\"$nlri\",\"on\":false}" >/dev/null

# ---- hazard_2020_08_30: a rule that would cut off its own removal. What is protected stays reachable.
text "name ALL match destination 0.0.0.0/0 then discard" >/dev/null
is "hazard_2020_08_30: the rule yields, and can be taken out again" "$(call DeleteRules '{"names":["ALL"]}' | jq .parameters.deleted)" 1
# ---- hazard_2025_11_18: a file over the limit. Generation N stays.
generation=$(call Status | jq .parameters.generation)
many=$(seq 1 5000 | awk '{ printf "{\"family\":\"ipv4\",\"nlri\":\"060120c6%02x%02x%02x\",\"actions\":[\"8006000000000000\"]}\n", 51, $1 / 256, $1 % 256 }')
printf '%s\n' "$many" | jq -c -s '[_nwise(500)] | length as $n | to_entries[] | {method: "net.flowgate.v1.AddRules", parameters: {rules: .value, part: (.key + 1), parts: $n}}' >"$work/many"
is "hazard_2025_11_18: one rule too many" "$(timeout 60 socat -t 30 - "UNIX-CONNECT:$socket" <"$work/many" | tail -n 1 | jq -r .error)" net.flowgate.v1.RuleRefused
is "hazard_2025_11_18: the last good generation stays" "$(call Status | jq .parameters.generation)" "$generation"

# ---- Metrics
in_a curl -sS http://127.0.0.1:9185/metrics >"$work/metrics"
"$python" "$source/tests/e2e/metrics.py" <"$work/metrics"
if command -v promtool >/dev/null; then promtool check metrics <"$work/metrics" || fail "promtool has something to say"; fi
grep -q '^flowgate_rule_packets_total{rule="NINE",verdict="drop"} [0-9]' "$work/metrics" || fail "the rule is not in the metrics"
is "another page" "$(in_a curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:9185/other)" 404

# ---- Streams
timeout 20 socat -t 20 - "UNIX-CONNECT:$socket" <<<'{"method":"net.flowgate.v1.Watch","more":true}' >"$work/watched" &
watcher=$!
sleep 0.5
text "name W match destination 10.9.0.5/32 then discard" >/dev/null
for _ in $(seq 50); do [ -s "$work/watched" ] && break || sleep 0.1; done
kill $watcher 2>/dev/null || true
wait $watcher 2>/dev/null || true
is "watch" "$(head -n 1 "$work/watched" | jq -c '[.parameters.kind, .continues]')" '["commit",true]'

# ---- Hostile callers
"$python" "$source/tests/e2e/hostile.py" "$socket"
is "the same ctrl" "$(process ctrl)" "$ctrl"

# ---- kill -9, each in turn, under traffic
killed() { kill -9 "$(process "$1")" && sleep 0.2 && wait_for '.parameters.ok == true' Health; }
under_traffic "ctrl is killed" 4 killed ctrl
is "rules outlive ctrl" "$(names)" "NINE S1 W"
under_traffic "the gate is killed" 5 killed gate
is "rules outlive the gate" "$(names)" "NINE S1 W"
is "adopted" "$(call Status | jq .parameters.adopted)" true
again() {
	kill -9 "$daemon"
	wait "$daemon" 2>/dev/null || true
	start
}
under_traffic "the supervisor is killed" 6 again
is "rules outlive all three" "$(names)" "NINE S1 W"

# ---- SIGHUP: what is right is used, what is wrong is not
echo "name S2 match destination 10.9.0.1/32 protocol udp port 7778 then discard" >"$work/static.rules"
reload() { kill -HUP "$daemon" && wait_for '[.parameters.rules[].name] | contains(["S2"])' ListRules; }
under_traffic "SIGHUP" 3 reload
is "static rules follow the file" "$(names)" "NINE S2 W"
cp "$work/flow.conf" "$work/good.conf"
echo "nonsense on" >>"$work/flow.conf"
kill -HUP "$daemon"
for _ in $(seq 50); do grep -q "unexpected 'nonsense'" "$work/log" && break || sleep 0.1; done
grep -q "flow.conf:[0-9]*:1: unexpected 'nonsense', expected .*; the configuration stays as it was" "$work/log" || fail "no error was logged"
is "the old configuration stays" "$(call Health | jq .parameters.ok)" true
cp "$work/good.conf" "$work/flow.conf"

# ---- Stop leaves enforcement in place; removal takes it away; a store that is there restores
stop() { kill "$daemon" && wait "$daemon"; }
under_traffic "a clean stop" 2 stop
start
is "adopted after a stop" "$(call Status | jq .parameters.adopted)" true
in_a "$flowgated" --remove --config "$work/flow.conf"
wait "$daemon"
[ ! -e "$pins" ] || [ -z "$(ls -A "$pins")" ] || fail "pins are left: $(ls "$pins")"
start
is "restored as after a reboot" "$(names)" "NINE S2 W"
is "not adopted" "$(call Status | jq .parameters.adopted)" false
generation=$(call Status | jq .parameters.generation)
[ "$(call History | jq '[.parameters.generations[].generation] | length as $n | (unique | length) == $n')" = true ] || fail "a generation came twice"

# ---- A store that is damaged is set aside, and nothing hangs on it
stop
head -c 100000 /dev/urandom >"$work/db/flowgate.db"
rm -f "$work"/db/flowgate.db-*
start
grep -q "was damaged and is set aside" "$work/log" || fail "the damage was not said"
ls "$work"/db/flowgate.db.damaged-* >/dev/null
is "enforced all the same" "$(names)" "NINE S2 W"
if grep -E 'runtime error|Sanitizer' "$work/log"; then fail "a sanitizer has found something"; fi
echo passed
