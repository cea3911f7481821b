# SPDX-License-Identifier: BSD-3-Clause
"""A box with BGP peers at the other end of its cable, so that their sessions go through the very program that enforces their rules."""
import contextlib
import struct

import box as boxes
from box import BOX, Box, holds, shell, udp_frame
from speaker import DISCARD, Speaker, announce, nlri, withdraw

AS, ROUTER_ID = 65001, BOX
VICTIM = "192.0.2.7"
SPORT = 7000


def peer(name, address, asn, more="", prefixes="prefix 192.0.2.0/24; prefix 2001:db8::/32; prefix 203.0.113.0/24;"):
    return f"peer {name} {{ address {address}; as {asn}; retry-time 1; {prefixes} {more} }}\n"


class BgpBox(Box):
    """`peers`: name to (address, AS, more of its block); each has its address at the world's end."""

    def __init__(self, flowgated, peers, bgp="", conf="", **how):
        self.peers = peers
        text = f"bgp {{ as {AS}; router-id {ROUTER_ID}; listen {BOX}; {bgp} }}\n"
        text += "".join(peer(name, *about) for name, about in peers.items())
        super().__init__(flowgated, conf=text + conf, **how)
        self.bgp_conf = text + conf
        with self.in_world():
            for address, *_ in peers.values():
                if address != boxes.WORLD:
                    shell(f"ip address add {address}/24 dev flow1")

    def speaker(self, name, **how):
        """A session of our own as that peer, established."""
        address, asn = self.peers[name][:2]
        with self.in_world():
            return Speaker.dial(BOX, asn, address, source=address, **how).establish()

    def peer(self, name):
        return self.once("ListPeers", peer=name)["parameters"]["peers"][0]

    def up(self, name, wait_s=30):
        return self.until(f"{name} is up", lambda: self.peer(name)["state"] == "established", wait_s)

    def down(self, name):
        return self.until(f"{name} is down", lambda: self.peer(name)["state"] != "established")

    def of(self, source):
        """Rules of a source by NLRI."""
        return {rule["nlri"]: rule for rule in self.rules().values() if rule["source"] == source}

    def states(self, source):
        return {octets: rule["state"] for octets, rule in self.of(source).items()}

    def errors(self, name):
        return self.once("BgpErrors", peer=name, more=True)["parameters"]["errors"]

    def rests(self, name, decoded, admitted):
        """The peer's rules have all come and have been answered."""
        def so():
            said = self.once("ListPeers", peer=name)["parameters"]
            rules = said["peers"][0]["rules"]
            return said["pending"] == 0 and rules["decoded"] == decoded and rules["admitted"] == admitted and rules["waiting"] == 0
        try:
            self.until(f"{name}: {decoded} decoded, {admitted} admitted", so)
        except AssertionError as e:
            raise AssertionError(f"{e}: {self.peer(name)['rules']}: {self.states(name)}") from e

    def passes(self, destination=VICTIM, dport=53, sport=SPORT):
        """Whether a datagram to there comes through. One behind it, to where no rule is, shows that it had the time to."""
        out, into = self.sender(), self.receiver(sport)
        with contextlib.closing(out), contextlib.closing(into):
            out.send(udp_frame(destination, sport, dport))
            out.send(udp_frame("198.51.100.77", sport, 9999))
            seen = []
            into.setblocking(True)
            into.settimeout(10)
            while not seen or seen[-1] != 9999:
                seen.append(struct.unpack_from("!H", into.recv(2048), 36)[0])
        holds("what came", len(seen) in (1, 2), seen)
        return len(seen) == 2


def destination(text, more=b""):
    """The NLRI, with its length, of a destination prefix and components behind it."""
    address, _, length = text.partition("/")
    length = int(length or 32)
    octets = bytes(int(part) for part in address.split("."))[:(length + 7) // 8]
    return nlri(bytes([1, length]) + octets + more)


__all__ = ["AS", "BgpBox", "DISCARD", "ROUTER_ID", "VICTIM", "announce", "destination", "nlri", "withdraw"]
