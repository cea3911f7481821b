#!/bin/bash
# The outage of 2013-03-03, offline: the attack's traffic is made, the rule of that day is judged, and what should have been entered
# is enforced. run.sh [FLOWGATE [FOLDER]]: the program, and where the capture and the results go.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
flowgate=$(realpath "${1:-$here/../../build/flowgate}")
work=${2:-$(mktemp -d)}
mkdir -p "$work"

say() { printf '\n%s\n' "$*"; }
field() { python3 -c 'import json, sys
value = json.loads(sys.stdin.readline())
for key in sys.argv[1].split("."):
    value = value[key]
print(value)' "$1"; }

"$here/make-capture" "$work/attack.pcap" "$work/truth"
say "1. The attack. On 3 March 2013 a DNS server was flooded with DNS answers it had not asked for. The capture $work/attack.pcap
   is made to look like it, thinned out: answers of 1200 to 1500 octets from port 53, longer ones in fragments, mixed with the
   server's clients, a zone transfer from its primary, and its neighbours."
printf '   %s packets, %s of them attack.\n' "$(tr -d '\n' <"$work/truth" | wc -c)" "$(tr -d 'L\n' <"$work/truth" | wc -c)"

say "2. The rule as it was entered. A profiler said the packets were 99971 to 99985 octets long, and nobody asked how."
sed -n 's/^route/   route/p' "$here/bad.rules"
say "   flowgate check says:"
status=0
"$flowgate" check "$here/bad.rules" | sed -n 's/^[^ ]*: /   &/p' || status=$?
"$flowgate" check --json "$here/bad.rules" >"$work/bad.json" || status=$?
printf '   It is %s (exit code %s) and reaches no table. What it would have taken there is known before anything is built: %s bytes
   of image and %s lines for the worst packet to read, since what cannot match needs none. In 2013 it was accepted, sent to
   every edge router, and took all their memory.\n' \
	"$(field state <"$work/bad.json")" "$status" "$(field cost.bytes <"$work/bad.json")" "$(field cost.lines <"$work/bad.json")"

say "3. What a router does that keeps lengths in 16 bits: 99971 becomes 34435, and 99985 becomes 34449. That is another rule:"
echo "ipv4 100120cb0071070481350a118683918691 8006000000000000" >"$work/truncated.hex"
printf '   %s\n' "$("$flowgate" decode --actions 8006000000000000 100120cb0071070481350a118683918691 | head -n 1)"
echo "   It looks harmless, is accepted, and on this capture does nothing:"
"$flowgate" replay --json --rules "$work/truncated.hex" --read "$work/attack.pcap" | "$here/tally" "$work/truth"
echo "   The attack goes on, and the operator believes it is filtered. Flowgate never narrows a value."

say "4. What should have been entered:"
sed -n 's/^name/   name/p' "$here/good.rules"
"$flowgate" check --json "$here/good.rules" >"$work/good.json"
printf '   All admitted, for %s bytes and %s lines more.\n' \
	"$(python3 -c 'import json, sys; print(sum(json.loads(l)["cost"]["bytes"] for l in sys.stdin if "summary" not in l))' <"$work/good.json")" \
	"$(python3 -c 'import json, sys; print(sum(json.loads(l)["cost"]["lines"] for l in sys.stdin if "summary" not in l))' <"$work/good.json")"
"$flowgate" replay --json --rules "$here/good.rules" --read "$work/attack.pcap" \
	--write-passed "$work/passed.pcap" --write-dropped "$work/dropped.pcap" | "$here/tally" "$work/truth" | tee "$work/tally"

say "   By rule:"
"$flowgate" replay --rules "$here/good.rules" --read "$work/attack.pcap" | sed 's/^/   /'

say "5. Why one packet met its fate:"
"$flowgate" explain --rules "$here/good.rules" --packet 'tcp 198.51.100.2:53 > 203.0.113.7:4000 len 1500 flags ack' | sed 's/^/   /'
echo "   A full segment of the zone transfer: from port 53 and 1500 octets long, but TCP. The rule of that day left the protocol out."

say "What passed is in $work/passed.pcap, what was dropped in $work/dropped.pcap."
python3 - "$work/tally" <<'PY'
import re
import sys
numbers = [int(n) for n in re.findall(r"\d+", open(sys.argv[1], encoding="utf-8").read())]
sys.exit(0 if numbers[0] == numbers[1] and numbers[2] == numbers[3] else "the good rules did not do what they should")
PY
