#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# How long `flowgate check` takes, and how much memory: 50 thousand rules of text, and a thousand times the list of 51 octets that a router
# multiplied out to 27 GB. check.sh FLOWGATE
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 - "$1" "$folder" <<'PY'
import random, resource, subprocess, sys, time

flowgate, folder = sys.argv[1:]
random.seed(1)

def text_rule(i):
    address = "198.%d.%d.%d/32" % (18 + i % 2, i // 2 % 250, i // 500 % 250)
    kind = i % 4
    port, length = random.randrange(1024, 65000), random.randrange(60, 1400)
    what = ["protocol udp source-port 53 packet-length >=%d" % length, "protocol udp destination-port %d" % port,
            "protocol tcp destination-port %d packet-length %d-%d" % (port, length, length + 100),
            "source 203.%d.%d.0/24" % (i // 250 % 250, i % 250)][kind]
    return "match destination %s %s then discard" % (address, what)

def octets(kind, values):
    return bytes([kind]) + b"".join(bytes([0x81 if v == values[-1] else 1, v]) for v in values)

def fat_rule(i):
    nlri = bytes([1, 16, 11 + i // 256, i % 256]) + octets(9, [1, 2, 4, 8, 16])
    nlri += bytes([10]) + b"".join(bytes([0x91 if v == 500 else 0x11]) + v.to_bytes(2, "big") for v in range(100, 501, 100))
    nlri += octets(11, [10, 12, 14, 18, 20]) + octets(12, [1, 2, 4, 8])
    return "ipv4 33%s 8006000000000000" % nlri.hex()

def measure(name, file, lines):
    with open(folder + "/" + file, "w") as f:
        f.write("\n".join(lines) + "\n")
    seconds = []
    for _ in range(5):
        start = time.monotonic()
        subprocess.run([flowgate, "check", "--json", folder + "/" + file], stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - start)
    mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print("| %s | %.2f | %.2f | %.0f |" % (name, sorted(seconds)[2], min(seconds), mib))

print("| rules | median s | least s | MiB |\n|---|---|---|---|")
measure("1000 of 51 octets", "fat.hex", map(fat_rule, range(1000)))
measure("50000 of text", "text.rules", map(text_rule, range(50000)))
PY
