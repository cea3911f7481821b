#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Rules by BGP, the whole daemon: bgp.py BUILD. 100000 NLRIs in and out, memory of each, and announce to first dropped packet."""
import os
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tests", "e2e"))
from bgp_box import DISCARD, BgpBox, announce, destination, withdraw
from box import namespaces, resident_kib, udp_frame

RULES, ROUNDS, TRIES, NLRIS_A_MESSAGE = 100000, 2, 1000, 4000
PEER, ASN, SPORT, DPORT, BEHIND = "a", 65010, 7000, 53, 9999


def begin(build):
    box = BgpBox(build + "/flowgated", {PEER: ("10.9.0.11", ASN, f"max-rules {RULES}; passive on;")}, slots=1 << 18, limits="bytes 512M;")
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read().replace("image 128M", "image 512M")
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text)
    box.start()
    return box


def rests(box, rules):
    def so():
        said = box.once("ListPeers")["parameters"]
        return said["pending"] == 0 and said["peers"][0]["rules"]["admitted"] == rules
    box.until(f"{rules} rules", so, 120)


def send(box, peer, make, every, rules):
    start = time.monotonic()
    for i in range(0, RULES, NLRIS_A_MESSAGE):
        peer.send(make(b"".join(every[i:i + NLRIS_A_MESSAGE])))
    rests(box, rules)
    return time.monotonic() - start


def many(box, peer):
    every = [destination(f"192.0.2.{i % 256}", bytes([5, 0x91]) + struct.pack("!H", 1000 + i // 256)) for i in range(RULES)]
    before = resident_kib(box.pid("ctrl"))
    for _ in range(ROUNDS):
        into = send(box, peer, lambda octets: announce(ASN, octets, DISCARD), every, RULES)
        each = (resident_kib(box.pid("ctrl")) - before) * 1024 / RULES
        out = send(box, peer, withdraw, every, 0)
        print(f"{RULES} NLRIs: in {into:.2f} s, out {out:.2f} s; {each:.0f} octets of ctrl each", flush=True)


def latencies(box, say, rests_at, tries):
    """Milliseconds from announcing a rule to sending the first packet that it drops, sorted. `say(make)` sends what make(AS) is; `rests_at(n)` waits until
    the gate has n rules."""
    out, into, took = box.sender(), box.receiver(SPORT), []
    into.setblocking(True)
    into.settimeout(5)
    rule = destination("192.0.2.7", bytes([3, 0x81, 17, 5, 0x81, DPORT]))
    for _ in range(tries):
        start, seen = time.monotonic(), [DPORT]
        say(lambda asn: announce(asn, rule, DISCARD))
        while DPORT in seen:
            sent = time.monotonic()
            out.send(udp_frame("192.0.2.7", SPORT, DPORT))
            out.send(udp_frame("198.51.100.77", SPORT, BEHIND))
            seen = []
            while BEHIND not in seen:
                seen.append(struct.unpack_from("!H", into.recv(2048), 36)[0])
        took.append((sent - start) * 1e3)
        rests_at(1)
        say(lambda _: withdraw(rule))
        rests_at(0)
    return sorted(took)


def latency(box, peer):
    took = latencies(box, lambda make: peer.send(make(ASN)), lambda n: rests(box, n), TRIES)
    print(f"announce to first dropped packet: median {took[TRIES // 2]:.1f} ms, p99 {took[TRIES * 99 // 100]:.1f} ms, worst {took[-1]:.1f} ms")


if __name__ == "__main__":
    namespaces()
    the_box = begin(os.path.realpath(sys.argv[1]))
    the_peer = the_box.speaker(PEER, extended=True)
    many(the_box, the_peer)
    latency(the_box, the_peer)
