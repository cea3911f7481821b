#!/bin/bash
# The outage of 2013-03-03, live: real packets through a real kernel, in network namespaces of their own that are removed at the end.
# run.sh BUILD: the folder with flowgate and flowgated. Exits 77, saying why, where this machine does not permit it.
#
#     world (attackers, clients) ── b0 box b1 ── server (203.0.113.7)
#
# flowgated filters on b0 of the box; what passes is routed to the server, where packets of the attack are counted once more, by a program that
# knows nothing of Flowgate.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$(realpath "${1:-$here/../../build}")
rate=4000
id=fgdemo$$
work=$(mktemp -d /tmp/flowgate-live.XXXXXX)
pins=/sys/fs/bpf/$id
export FLOWGATE_SOCKET=$work/flowgate.sock

skip() { echo "$*" && exit 77; }
say() { printf '\n%s\n' "$*"; }
inside() { # namespace, words
	local namespace=$1
	shift
	nsenter --net="/run/netns/$id-$namespace" "$@"
}
# start NAMESPACE LOG WORD…: the same in the background, until the end of the demo. No function stands between, so that it can be ended.
start() {
	nsenter --net="/run/netns/$id-$1" "${@:3}" >"$2" 2>&1 </dev/null &
	started+=($!)
}
flowgate() { "$build/flowgate" "$@"; }

started=()
clean() {
	local pid
	[ ! -f "$work/flowgate.conf" ] || "$build/flowgated" --remove --config "$work/flowgate.conf" >/dev/null 2>&1 || true
	for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
	wait "${started[@]}" 2>/dev/null || true
	for namespace in world box server; do ip netns delete "$id-$namespace" 2>/dev/null || true; done
	[ ! -d "$pins" ] || rm -rf "$pins"
	rm -rf "$work"
}
trap clean EXIT

# ---- The machine ----

[ "$(id -u)" -eq 0 ] || skip "this needs root"
command -v ip >/dev/null && command -v nsenter >/dev/null || skip "there is no ip or nsenter (apt-get install iproute2 util-linux)"
[ -x "$build/flowgated" ] || skip "there is no $build/flowgated"
mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf 2>/dev/null || skip "there is no bpffs, and it cannot be mounted at /sys/fs/bpf"
ip netns add "$id-world" 2>/dev/null || skip "network namespaces cannot be made"

wire() {
	local namespace
	for namespace in box server; do ip netns add "$id-$namespace"; done
	ip -n "$id-world" link add w0 type veth peer name b0 netns "$id-box"
	ip -n "$id-box" link add b1 type veth peer name s0 netns "$id-server"
	ip -n "$id-world" address add 198.51.100.1/24 dev w0
	for n in $(seq 10 19); do ip -n "$id-world" address add "198.19.0.$n/32" dev w0; done
	ip -n "$id-box" address add 198.51.100.2/24 dev b0
	ip -n "$id-box" address add 203.0.113.1/24 dev b1
	ip -n "$id-server" address add 203.0.113.7/24 dev s0
	for link in world:w0 box:b0 box:b1 server:s0; do ip -n "$id-${link%:*}" link set "${link#*:}" up; done
	ip -n "$id-world" route add default via 198.51.100.2
	ip -n "$id-box" route add 198.18.0.0/15 via 198.51.100.1
	ip -n "$id-server" route add default via 203.0.113.1
	# Forged sources come by the way they would be answered.
	inside box sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
}

# ---- Traffic, and what became of it ----

reached=0
reached_now() {
	sleep 0.3
	cat "$work/reached" 2>/dev/null || echo 0
}
# measure SECONDS: attack and clients together; then what was sent, what reached the server, and how many clients were answered.
measure() {
	local before now
	before=$(reached_now)
	inside world python3 -B "$here/traffic.py" attack "$1" "$rate" >"$work/sent" &
	local attack=$!
	inside world python3 -B "$here/traffic.py" clients "$1" >"$work/asked"
	wait "$attack"
	now=$(reached_now)
	reached=$((now - before)) sent=$(cat "$work/sent")
	read -r asked answered <"$work/asked"
	printf '   attack packets sent: %6d   reached the server: %6d\n   client queries:      %6d   answered:           %6d\n' \
		"$sent" "$reached" "$asked" "$answered"
}
expect() { # what must hold, words of test
	local what=$1
	shift
	test "$@" || { echo "NOT SO: $what" >&2 && exit 1; }
}

# ---- The daemon ----

daemon_start() {
	mkdir -p "$work/state"
	cat >"$work/flowgate.conf" <<-CONF
		interface b0 { on-failure open; }
		control { socket $FLOWGATE_SOCKET; group root; user root; }
		http { listen none; }
		store { path $work/state; pins $pins; image 128M; slots 4096; }
	CONF
	start box "$work/log" "$build/flowgated" --config "$work/flowgate.conf"
	for _ in $(seq 100); do
		if flowgate health >"$work/health" 2>&1; then return 0; fi
		sleep 0.1
	done
	cat "$work/health" "$work/log"
	skip "flowgated does not come up here"
}
gate_pid() { flowgate status --json | python3 -c 'import json, sys; print(json.loads(sys.stdin.readline())["processes"]["gate"]["pid"])'; }

wire
start server "$work/server.log" python3 -B "$here/traffic.py" server
start server "$work/count.log" python3 -B "$here/traffic.py" count "$work/reached"
daemon_start

say "1. The attack, and no rule. A DNS server is flooded with answers it never asked for; its clients go on asking."
measure 2
expect "without rules the attack reaches the server" "$reached" -gt $((sent / 2))

say "2. The rule as it was entered in 2013, sent to the daemon: flowgate rule add bad.rules"
status=0
flowgate rule add "$here/../outage-2013/bad.rules" 2>&1 | sed 's/^/   /' || status=$?
expect "the rule of 2013 is refused" "$status" -eq 1
echo "   Refused (exit code $status), with the reason. Nothing changed, nothing was used up."

say "3. What should have been entered, while the attack goes on: flowgate rule add good.rules"
flowgate rule add --owner noc --ticket T-2013 "$here/../outage-2013/good.rules" | sed 's/^/   /'
measure 3
expect "with the rules nothing of the attack reaches the server" "$reached" -eq 0
expect "with the rules all clients are answered" "$answered" -eq "$asked"
total=$sent
echo "   By rule, as the kernel counted:"
flowgate counters | sed 's/^/   /'

gate=$(gate_pid)
say "4. The gate, which owns the rules, dies in the middle of the attack: kill -9 $gate"
(sleep 1 && kill -9 "$gate") &
measure 3
expect "with the gate dead nothing of the attack reaches the server" "$reached" -eq 0
for _ in $(seq 50); do
	if flowgate health >"$work/health" 2>&1; then break; fi
	sleep 0.1
done
printf '   Packets were filtered on by the kernel. A successor (process %s) took over: %s\n' "$(gate_pid)" "$(head -1 "$work/health")"
flowgate rule list | sed 's/^/   /'
total=$((total + sent))
dropped=$(flowgate rule list --json | python3 -c 'import json, sys; print(sum(r["dropped"]["packets"] for r in map(json.loads, sys.stdin) if "dropped" in r))')
expect "each packet of the attack is counted once, also while the gate was dead" "$dropped" -eq "$total"
echo "   Of $total attack packets since the rules came, $dropped were dropped and counted. Nothing was lost while nobody was there."

say "5. Everything back out, at once: flowgate flush"
flowgate flush | sed 's/^/   /'
measure 2
expect "without rules the attack reaches the server again" "$reached" -gt $((sent / 2))

say "Everything this made is removed again."
