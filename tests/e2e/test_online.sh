#!/bin/bash
# The online verbs against a real daemon, in network namespaces of the test's own. test_online.sh FLOWGATE FLOWGATED SOURCE
set -uo pipefail
flowgate=$(realpath "$1") flowgated=$(realpath "$2") source=$(realpath "$3") write='' golden=''
skip() { echo "$*" && exit 77; }
[ "$(id -u)" -eq 0 ] || skip "this needs root"
for tool in ip nsenter mountpoint; do command -v $tool >/dev/null || skip "there is no $tool"; done
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf 2>/dev/null || skip "there is no bpffs, and it cannot be mounted"
id=fgonline$$ work=$(mktemp -d /tmp/flowgate-online.XXXXXX)
pins=/sys/fs/bpf/$id
export LC_ALL=C.UTF-8 FLOWGATE_SOCKET=$work/flowgate.sock
cd "$work" || exit 99
cp "$source"/examples/outage-2013/*.rules .

daemon_pid=
# shellcheck disable=SC2317
clean() {
	"$flowgated" --remove --config flowgate.conf >/dev/null 2>&1
	[ -z "$daemon_pid" ] || kill -9 "$daemon_pid" 2>/dev/null
	ip netns delete "$id-box" 2>/dev/null
	ip netns delete "$id-world" 2>/dev/null
	[ ! -d "$pins" ] || rm -rf "$pins"
	cd / && rm -rf "$work"
}
trap clean EXIT
. "$source/tests/e2e/said.sh"

ip netns add "$id-world" 2>/dev/null || skip "network namespaces cannot be made"
ip netns add "$id-box"
ip -n "$id-world" link add w0 type veth peer name b0 netns "$id-box"
ip -n "$id-world" address add 198.51.100.1/24 dev w0 && ip -n "$id-world" link set w0 up
ip -n "$id-box" address add 198.51.100.2/24 dev b0 && ip -n "$id-box" link set b0 up
ip -n "$id-world" route add default via 198.51.100.2

cat >flowgate.conf <<CONF
interface b0 { on-failure open; }
limits { source detector { slots 10; } }
control { socket $FLOWGATE_SOCKET; group root; user root; }
http { listen none; }
store { path $work/state; pins $pins; image 128M; slots 8192; }
protect { name SSH match destination 198.51.100.2/32 protocol tcp destination-port 22; }
CONF
mkdir state
daemon_start() {
	nsenter --net="/run/netns/$id-box" "$flowgated" --config flowgate.conf >>daemon.log 2>&1 &
	daemon_pid=$!
	for _ in $(seq 200); do
		"$flowgate" health >out 2>err && return 0
		sleep 0.1
	done
	cat out err daemon.log >&2
	return 1
}
soon() { # words: becomes true within a while
	for _ in $(seq 100); do "$@" >/dev/null 2>&1 && return 0; sleep 0.1; done
	fail "not within 10 s: $*"
}
rules_are() { # how many
	exits 0 rule list --json && json "s['rules'] == $1"
}
field() { python3 -c 'import json, sys
o = [json.loads(line) for line in open("out")]
print(eval(sys.argv[1]))' "$1"; }
# send PORT COUNT: UDP from port PORT to 203.0.113.7, 1300 octets of IP.
send() {
	nsenter --net="/run/netns/$id-world" python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", int(sys.argv[1])))
for _ in range(int(sys.argv[2])):
    s.sendto(bytes(1272), ("203.0.113.7", 4000))' "$1" "$2"
}
fresh() { exits 0 flush && rules_are 0; }

# ---- Rules ----

test_add_list_show_delete() {
	fresh || return 1
	exits 0 rule add --owner noc --ticket T-1 good.rules && says '2 rules added' && rules_are 2 || return 1
	json 'all(r["state"] == "enforced" and r["owner"] == "noc" and r["ticket"] == "T-1" for r in o)' || return 1
	exits 0 rule show DNS-ANSWERS && says 'packet-length 1200-1500' && exits 3 rule show NOBODY || return 1
	exits 0 rule delete --name DNS-ANSWERS && rules_are 1 || return 1
	exits 0 rule list --json
	exits 0 rule delete --sequence "$(field 'o[0]["sequence"]')" && rules_are 0 || return 1
	exits 3 rule delete --name DNS-ANSWERS && exits 3 rule delete --sequence 999999 && exits 3 rule delete good.rules
}

test_delete_by_the_rules_themselves() {
	fresh && exits 0 rule add good.rules && exits 0 rule delete good.rules && rules_are 0
}

# One that is not there: nothing is deleted.
test_delete_is_all_or_none() {
	fresh && exits 0 rule add good.rules && exits 3 rule delete --name DNS-ANSWERS --name NOBODY && rules_are 2
}

test_the_rule_of_2013_is_refused() {
	fresh && exits 1 rule add bad.rules && says 'never-matches packet-length' && rules_are 0 || return 1
	exits 1 rule add good.rules bad.rules && rules_are 0 && exits 1 rule add --partial good.rules bad.rules && rules_are 2 || return 1
	exits 1 rule add --json bad.rules && json 'o[0]["state"] == "refused" and o[-1]["error"] == "RuleRefused"'
}

test_dry_run_and_check_live_change_nothing() {
	fresh && exits 0 rule add --dry-run good.rules && rules_are 0 || return 1
	exits 0 check --live good.rules && exits 1 check --live bad.rules && says never-matches && rules_are 0 || return 1
	exits 0 check --live --json good.rules && json 'len(o) == 2 and s["admitted"] == 2'
}

test_a_batch_of_many_lines_is_one_transaction() {
	fresh || return 1
	for i in $(seq 3000); do echo "name R$i match destination 192.0.$((i / 250)).$((i % 250))/32 protocol udp then discard"; done >many.rules
	exits 0 history --json --last 1
	local before
	before=$(field 'o[0]["generation"]')
	{ cat many.rules && cat bad.rules; } >spoilt.rules
	exits 1 rule add spoilt.rules && rules_are 0 || return 1
	exits 0 rule add many.rules && says '3000 rules added' && rules_are 3000 || return 1
	exits 0 history --json --last 1 && json "o[0]['generation'] == $before + 1 and o[0]['added'] == 3000" || return 1
	exits 1 check --live --json many.rules && json 'len(o) == 3000 and all(code(i) == ["duplicate"] for i in range(3000))' || return 1
	exits 0 rule delete many.rules && rules_are 0
}

test_protected_traffic_is_not_ruled_over() {
	fresh && exits 1 rule add -- match destination 198.51.100.2/32 protocol tcp destination-port 22 then discard && says inside-protected
}

# What is protected is so before all rules, also what is without being asked for.
test_live_explain_of_what_is_protected() {
	fresh && exits 0 rule add -- 'match destination 198.51.100.0/24 then discard' || return 1
	exits 0 explain --packet 'tcp 198.18.7.9:53000 > 198.51.100.2:22' && says 'verdict: pass, cause protect, by SSH: ' || return 1
	exits 0 explain --json --packet 'tcp 198.18.7.9:53000 > 198.51.100.2:22' &&
		json 'o[0]["verdict"] == "pass" and o[0]["cause"] == "protect" and o[0]["winner"] == "SSH" and o[0]["rules"] == []' || return 1
	exits 0 explain --json --packet 'tcp 198.18.7.9:53000 > 198.51.100.2:23' && json 'o[0]["cause"] == "discard"' || return 1
	exits 0 explain --json --packet 'udp 198.18.7.9:53000 > 198.51.100.2:22' && json 'o[0]["cause"] == "discard"' || return 1
	exits 0 explain --json --packet '58 fe80::1 > ff02::1:ff00:1 type 135' && json 'o[0]["cause"] == "protect"'
}

test_live_explain() {
	fresh && exits 0 rule add good.rules || return 1
	exits 0 explain --packet 'udp 198.18.7.9:53 > 203.0.113.7:4000 len 1200' && says 'verdict: drop, cause discard, by DNS-ANSWERS' || return 1
	exits 0 explain --json --packet 'udp 198.18.7.9:53 > 203.0.113.7:4000 len 1199' && json 'o[0]["verdict"] == "pass"'
}

test_ttl() {
	fresh && exits 0 rule add --ttl 1s good.rules && rules_are 2 && soon rules_are 0
}

test_quarantine() {
	fresh && exits 0 quarantine add good.rules && exits 0 quarantine list && says 0120cb007107 || return 1
	exits 1 rule add good.rules && says quarantined && rules_are 0 || return 1
	exits 0 quarantine delete good.rules && exits 0 rule add good.rules && rules_are 2
}

# ---- Change safety ----

test_confirm_within() {
	fresh && exits 3 confirm && exits 0 rule add --confirm-within 1s good.rules && rules_are 2 && soon rules_are 0 || return 1
	exits 0 rule add --confirm-within 5s good.rules && exits 0 confirm && exits 3 confirm && sleep 6 && rules_are 2
}

test_rollback() {
	fresh && exits 0 rule add good.rules && exits 0 history --json --last 1 || return 1
	local generation
	generation=$(field 'o[0]["generation"]')
	exits 0 flush && rules_are 0 && exits 0 rollback "$generation" && rules_are 2 && exits 3 rollback 999999
}

test_shadow() {
	exits 0 shadow on && exits 0 status --json && json 'o[0]["shadow"] is True' && exits 0 shadow off &&
		exits 0 status --json && json 'o[0]["shadow"] is False'
}

# ---- Looking ----

test_counters() {
	fresh && exits 0 rule add good.rules && send 53 10 || return 1
	exits 0 rule list --json && json 'o[0]["dropped"]["packets"] == 10 and o[0]["dropped"]["bytes"] == 13000' || return 1
	exits 0 counters && says 'UNACCOUNTED' && exits 0 counters --json &&
		json '[p["received"]["packets"] == p["passed"]["packets"] + p["dropped"]["packets"] + p["redirected"]["packets"] + p["aborted"]["packets"]
			for p in o if "port" in p] == [True]'
}

test_count_only() {
	fresh && exits 0 rule add --count-only good.rules && send 53 10 && exits 0 rule list --json &&
		json 'o[0]["count_only"] and o[0]["matched"]["packets"] == 10' &&
		exits 0 explain --json --packet 'udp 198.18.7.9:53 > 203.0.113.7:4000 len 1200' && json 'o[0]["verdict"] == "pass"'
}

test_status_health_limits() {
	exits 0 status && says 'enforcing: yes' && says b0 && exits 0 health && exits 0 health --json && json 'o[0]["ok"] is True' &&
		exits 0 limits && says all && exits 0 limits --json && json 'o[0]["budget"]["lines_budget"] > 0'
}

test_watch_sees_a_change() {
	fresh || return 1
	"$flowgate" watch --json --count 1 >out 2>err &
	local pid=$!
	sleep 1
	"$flowgate" rule add good.rules >/dev/null 2>&1
	wait $pid && json 'o[0]["kind"] == "commit"'
}

test_samples_are_a_capture() {
	fresh && exits 0 rule add good.rules || return 1
	"$flowgate" samples --count 1 --for 20s --rule DNS-ANSWERS --write taken.pcapng >out 2>err &
	local pid=$!
	for _ in $(seq 40); do send 53 5; kill -0 $pid 2>/dev/null || break; sleep 0.25; done
	wait $pid && says '1 packets in taken.pcapng' && grep -qa DNS-ANSWERS taken.pcapng || return 1
	exits 0 replay --json --rules good.rules --read taken.pcapng && json 's["drop"] == 1'
}

# ---- Death ----

test_the_gate_dies() {
	local pid
	fresh && exits 0 rule add good.rules && exits 0 status --json || return 1
	pid=$(field 'o[0]["processes"]["gate"]["pid"]')
	kill -9 "$pid"
	soon "$flowgate" health && rules_are 2 && send 53 10 && exits 0 rule list --json && json 'o[0]["dropped"]["packets"] == 10'
}

test_ctrl_dies() {
	local pid
	fresh && exits 0 rule add good.rules && exits 0 status --json || return 1
	pid=$(field 'o[0]["processes"]["ctrl"]["pid"]')
	kill -9 "$pid"
	soon "$flowgate" health && rules_are 2
}

goldens() { :; }
daemon_start || skip "flowgated does not come up here"
run_all
