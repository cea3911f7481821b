#!/bin/bash
# flowgate doctor in a network namespace of its own: what is wrong is found, and the command beside it mends it. test_doctor.sh FLOWGATE
set -uo pipefail
flowgate=$(realpath "$1")
for tool in ip ethtool unshare; do command -v $tool >/dev/null || { echo "there is no $tool" && exit 77; }; done
[ "$(id -u)" -eq 0 ] || { echo "this needs root" && exit 77; }
if [ "${2-}" != inside ]; then
	unshare --net true 2>/dev/null || { echo "network namespaces cannot be made" && exit 77; }
	exec unshare --net -- "$0" "$flowgate" inside
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
bad=0
wrong() { echo "$*" && bad=1; }

ip link add v0 type veth peer name v1 && ip link set v1 up || exit 99
ip link add br0 type bridge 2>/dev/null || ip link add br0 type veth peer name br1

# findings INTERFACE…: those that are not ok, as LEVEL|WHERE|WHAT|FIX.
findings() {
	"$flowgate" doctor --json "$@" | python3 -c 'import json, sys
for o in map(json.loads, sys.stdin):
    if "summary" in o:
        continue
    assert set(o) == {"level", "where", "what", "is", "fix"} and (o["level"] == "ok") == (o["fix"] is None), o
    if o["level"] != "ok" and o["where"] in sys.argv[1:]:
        print("|".join((o["level"], o["where"], o["what"], o["fix"])))' "$@"
}

findings v0 br0 >before
grep -q '^advice|v0|link|ip link set v0 up$' before || wrong "nothing said of v0, which is down: $(cat before)"
while IFS='|' read -r _ _ what fix; do
	case $what in XDP) continue ;; esac # another card is not had by a command
	sh -c "${fix/PEER/v1}" >/dev/null 2>&1 || wrong "this mends nothing: $fix"
done <before
findings v0 br0 | grep -v '|XDP|' >after
[ ! -s after ] || wrong "mended, and still: $(cat after)"

"$flowgate" doctor v0 >out 2>err
[ $? -le 1 ] || wrong "exits with $?"
grep -q 'v0 .*driver veth: native' out || grep -q 'does not say' out || wrong "v0 has native XDP: $(cat out)"
"$flowgate" doctor nosuch >out 2>err
[ $? -eq 3 ] || wrong "an interface that is not there is exit code 3"
"$flowgate" doctor >out 2>err
! grep -q ' lo ' out || wrong "loopback is looked at"
exit $bad
