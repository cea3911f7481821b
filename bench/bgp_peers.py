#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Rules that come through other BGP daemons: bgp_peers.py BUILD bird|gobgp|frr|exabgp ... 10000 NLRIs of each in and out, and from announcing one
to the first dropped packet. A speaker of the tests tells them to BIRD, GoBGP and FRR, which relay them; ExaBGP has them in its configuration."""
import os
import struct
import sys
import time

BUILD, NAMES = os.path.realpath(sys.argv[1]), sys.argv[2:]
sys.argv = [sys.argv[0], os.path.join(BUILD, "flowgated"), "bird"]
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tests", "e2e"))
import test_peers as peers  # noqa: E402
from bgp import latencies  # noqa: E402
from bgp_box import AS, DISCARD, BgpBox, announce, destination, withdraw  # noqa: E402
from box import BOX, namespaces  # noqa: E402
from speaker import Speaker  # noqa: E402

ADDRESS, ASN, FEEDER, FEEDER_AS = peers.ADDRESS, peers.ASN, peers.FEEDER, peers.FEEDER_AS
RULES, TRIES, NLRIS_A_MESSAGE = 10000, 500, 150


class Bird(peers.Bird):
    def conf(self, names):
        return f"""log stderr all;
router id {ADDRESS};
flow4 table t4;
protocol device {{}}
protocol bgp feed {{ local {ADDRESS} as {ASN}; neighbor {FEEDER} as {FEEDER_AS}; passive on; multihop 2; strict bind yes;
  flow4 {{ table t4; import all; export none; }}; }}
protocol bgp box {{ local {ADDRESS} as {ASN}; neighbor {BOX} as {AS}; strict bind yes; connect delay time 1; connect retry time 1;
  flow4 {{ table t4; import none; export all; }}; }}
"""


class GoBgp(peers.GoBgp):
    def conf(self):
        return super().conf().replace("port = -1", f'port = 179\n  local-address-list = ["{ADDRESS}"]') + f"""[[neighbors]]
  [neighbors.config]
    neighbor-address = "{FEEDER}"
    peer-as = {FEEDER_AS}
  [neighbors.transport.config]
    passive-mode = true
    local-address = "{ADDRESS}"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-flowspec"
"""


class Frr(peers.Frr):
    def change(self, more, less):
        """What feeds it is no GoBGP."""

    def tell(self, *command):
        return peers.subprocess.CompletedProcess(command, 0)

    def run(self, *command, **env):
        if "gobgpd" not in command:
            super().run(*command, **env)


class ExaBgp(peers.ExaBgp):
    def conf(self, names):
        rules = [f"route r{i} {{ match {{ destination 192.0.2.{i % 256}/32; destination-port ={1000 + i // 256}; }} then {{ discard; }} }}"
                 for i in range(RULES if "all" in names else 0)]
        return super().conf([]).replace("  flow {\n", "  flow {\n" + "\n".join(rules))


def begin(kind):
    short = "extended-messages off;" if kind is Frr else ""  # its longer ones are wrong
    box = BgpBox(sys.argv[1], {"peer": (ADDRESS, ASN, f"max-rules {RULES}; {short}"), "feeder": (FEEDER, FEEDER_AS, "passive on;")}, slots=1 << 15)
    box.start()
    peer = kind(box)
    peer.start()
    return box, peer


def rests(box, rules):
    box.until(f"{rules} rules", lambda: box.peer("peer")["rules"]["admitted"] == rules, 120)


def feed(box):
    """The speaker, once the peer listens."""
    def dial():
        try:
            return Speaker.dial(ADDRESS, FEEDER_AS, FEEDER, source=FEEDER).establish()
        except (EOFError, AssertionError):
            return None
    with box.in_world():
        return box.until("the peer takes the feeder", dial, 60)


def timed(box, rules, act):
    start = time.monotonic()
    act()
    rests(box, rules)
    return time.monotonic() - start


def relayed(box):
    feeder = feed(box)
    box.up("peer", 90)
    every = [destination(f"192.0.2.{i % 256}", bytes([5, 0x91]) + struct.pack("!H", 1000 + i // 256)) for i in range(RULES)]
    parts = [b"".join(every[i:i + NLRIS_A_MESSAGE]) for i in range(0, RULES, NLRIS_A_MESSAGE)]
    into = timed(box, RULES, lambda: [feeder.send(announce(FEEDER_AS, part, DISCARD)) for part in parts])
    out = timed(box, 0, lambda: [feeder.send(withdraw(part)) for part in parts])
    return into, out, latencies(box, lambda make: feeder.send(make(FEEDER_AS)), lambda n: rests(box, n), TRIES)


def configured(box, peer):
    box.up("peer", 90)
    return timed(box, RULES, lambda: peer.announce("all")), timed(box, 0, peer.announce), None


KINDS = {"bird": Bird, "gobgp": GoBgp, "frr": Frr, "exabgp": ExaBgp}

if __name__ == "__main__":
    namespaces()
    print(f"| through | {RULES} in, s | out, s | announce to first dropped packet, ms: median | p99 | worst |\n|---|---|---|---|---|---|")
    for name in NAMES:
        the_box, the_peer = begin(KINDS[name])
        into_s, out_s, ms = configured(the_box, the_peer) if name == "exabgp" else relayed(the_box)
        quantiles = ["-"] * 3 if ms is None else [f"{ms[TRIES // 2]:.1f}", f"{ms[TRIES * 99 // 100]:.1f}", f"{ms[-1]:.1f}"]
        print("| " + " | ".join([name, f"{into_s:.2f}", f"{out_s:.2f}", *quantiles]) + " |", flush=True)
        the_peer.stop()
        the_box.clean()
