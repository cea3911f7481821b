#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Interoperability: test_peers.py FLOWGATED bird|gobgp|exabgp|frr|openbgpd

The daemon of that name runs at the other end of the cable with addresses of its own. Of each: rules of both families are announced and drop packets,
one is changed, one withdrawn; the peer is started anew, and so is flowgated. None of them can say the rule of March 2013 any more: they hold a
packet length to 16 bits, so that rule comes from the speaker of test_bgp.py. OpenBGPD knows no Flowspec: nothing is agreed on, and the session stays up. FRR originates nothing: it relays what GoBGP tells it."""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time

from bgp_box import AS, VICTIM, BgpBox, destination
from box import BOX, check, die_with_parent, holds, namespaces, run_all, skip

ADDRESS, FEEDER = "10.9.0.11", "10.9.0.21"
ASN, FEEDER_AS = 65011, 65010
API = "127.0.0.1:50099"
V6 = "2001:db8:1::/48"


class Peer:
    """One daemon. `rules` are texts of its own language: NAME to a rule; announce(names) makes them all that it announces."""
    programs = ()
    graceful = False
    replaces = True

    def __init__(self, box):
        self.box, self.work, self.children, self.announced = box, os.path.join(box.work, "peer"), [], []
        os.makedirs(self.work, exist_ok=True)
        os.chmod(self.work, 0o777)

    def file(self, name, text):
        path = os.path.join(self.work, name)
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        return path

    def run(self, *command, **env):
        with open(os.path.join(self.work, "log"), "ab") as log, self.box.in_world():
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.work, preexec_fn=die_with_parent,
                                     env=dict(os.environ, **env))
        self.children.append(child)
        return child

    def tell(self, *command):
        with self.box.in_world():
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, cwd=self.work)
        return done

    def start(self):
        self.begin(self.announced)

    def announce(self, *names):
        before, self.announced = self.announced, list(names)
        self.change([n for n in names if n not in before], [n for n in before if n not in names])

    def stop(self, how=signal.SIGTERM):
        for child in self.children:
            if child.poll() is None:
                child.send_signal(how)
        for child in self.children:
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.children = []

    def log(self):
        with open(os.path.join(self.work, "log"), encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-25:])


class Bird(Peer):
    programs = ("bird", "birdc")
    graceful = True
    rules = {
        "victim": "flow4 { dst 192.0.2.7/32; proto = 17; dport = 53; } discard",
        "rate": "flow4 { dst 192.0.2.7/32; proto = 17; dport = 53; } rate",
        "other": "flow4 { dst 192.0.2.9/32; } discard",
        "six": "flow6 { dst 2001:db8:1::/48; next header = 17; dport 1024..65535; } discard",
    }
    actions = {"discard": "(generic, 0x80060000, 0x0)", "rate": "(generic, 0x80060000, 0x4e6e6b28)"}

    def conf(self, names):
        routes = {"flow4": "", "flow6": ""}
        for name in names:
            rule, action = self.rules[name].rsplit(" ", 1)
            routes[rule.split(" ")[0]] += f"  route {rule} {{ bgp_ext_community.add({self.actions[action]}); }};\n"
        return f"""log stderr all;
router id {ADDRESS};
flow4 table t4;
flow6 table t6;
protocol device {{}}
protocol static s4 {{ flow4 {{ table t4; }};
{routes["flow4"]}}}
protocol static s6 {{ flow6 {{ table t6; }};
{routes["flow6"]}}}
protocol bgp box {{ local {ADDRESS} as {ASN}; neighbor {BOX} as {AS}; strict bind yes; connect delay time 1; connect retry time 1;
  error wait time 1,2; graceful restart on; flow4 {{ table t4; import none; export all; }}; flow6 {{ table t6; import none; export all; }}; }}
"""

    def begin(self, names):
        self.run("bird", "-f", "-c", self.file("bird.conf", self.conf(names)), "-s", self.work + "/ctl", "-P", self.work + "/pid")

    def change(self, more, less):
        self.file("bird.conf", self.conf(self.announced))
        done = self.tell("birdc", "-s", self.work + "/ctl", "configure")
        holds("birdc", "Reconfigur" in done.stdout, done)


class GoBgp(Peer):
    programs = ("gobgpd", "gobgp")
    rules = {
        "victim": "ipv4 match destination 192.0.2.7/32 protocol ==udp destination-port ==53 then discard",
        "rate": "ipv4 match destination 192.0.2.7/32 protocol ==udp destination-port ==53 then rate-limit 1000000000",
        "other": "ipv4 match destination 192.0.2.9/32 then discard",
        "six": "ipv6 match destination 2001:db8:1::/48 protocol ==udp destination-port >=1024&<=65535 then discard",
        "long": "ipv4 match destination 192.0.2.10/32 destination-port " + " ".join(f"=={2000 + 2 * i}" for i in range(100)) + " then discard",
    }
    address, asn, to, to_as = ADDRESS, ASN, BOX, AS

    def conf(self):
        return f"""[global.config]
  as = {self.asn}
  router-id = "{self.address}"
  port = -1
[[neighbors]]
  [neighbors.config]
    neighbor-address = "{self.to}"
    peer-as = {self.to_as}
  [neighbors.transport.config]
    local-address = "{self.address}"
  [neighbors.timers.config]
    connect-retry = 1
    hold-time = 30
    keepalive-interval = 10
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv4-flowspec"
  [[neighbors.afi-safis]]
    [neighbors.afi-safis.config]
      afi-safi-name = "ipv6-flowspec"
"""

    def begin(self, names):
        self.run("gobgpd", "-f", self.file("gobgpd.toml", self.conf()), "--api-hosts", API, "--pprof-disable")
        self.box.until("gobgpd answers", lambda: self.tell("gobgp", "-p", "50099", "global").returncode == 0)
        self.change(names, [])

    def change(self, more, less):
        # What is added with the same match replaces.
        for verb, names in (("del", less), ("add", more)):
            for name in names:
                family, rule = self.rules[name].split(" ", 1)
                if verb == "del" and any(self.rules[n].split(" then ")[0] == self.rules[name].split(" then ")[0] for n in more):
                    continue
                words, n = [], rule.split(" ")
                for word in n:  # values of one list are one word of its command
                    if words and word[:1] in "=<>" and words[-1][:1] in "=<>":
                        words[-1] += " " + word
                    else:
                        words.append(word)
                done = self.tell("gobgp", "-p", "50099", "global", "rib", "-a", family + "-flowspec", verb, *words)
                holds(f"gobgp {verb} {name}", done.returncode == 0, done)


class ExaBgp(Peer):
    """Where a rule of its configuration changes, it may withdraw the new one behind the old one: so the old one goes first."""
    programs = ("exabgp",)
    replaces = False
    rules = {
        "victim": "match { destination 192.0.2.7/32; protocol udp; destination-port =53; } then { discard; }",
        "rate": "match { destination 192.0.2.7/32; protocol udp; destination-port =53; } then { rate-limit 1000000000; }",
        "other": "match { destination 192.0.2.9/32; } then { discard; }",
        "six": "match { destination 2001:db8:1::/48/0; next-header udp; destination-port >=1024&<=65535; } then { discard; }",
    }

    def conf(self, names):
        routes = "".join(f"route {name} {{ {self.rules[name]} }}\n" for name in names)
        return f"""neighbor {BOX} {{ router-id {ADDRESS}; local-address {ADDRESS}; local-as {ASN}; peer-as {AS}; hold-time 30; group-updates false;
  family {{ ipv4 flow; ipv6 flow; }}
  flow {{
{routes}  }}
}}
"""

    def begin(self, names):
        self.run("exabgp", self.file("exabgp.conf", self.conf(names)), **{"exabgp.daemon.user": "root", "exabgp.api.cli": "false"})

    def change(self, more, less):
        self.file("exabgp.conf", self.conf(self.announced))
        for child in self.children:
            child.send_signal(signal.SIGUSR1)  # it reads its configuration again


class Frr(GoBgp):
    """GoBGP feeds it at an address of its own."""
    programs = ("gobgpd", "gobgp", "/usr/lib/frr/bgpd")
    address, asn, to, to_as = FEEDER, FEEDER_AS, ADDRESS, ASN

    def begin(self, names):
        self.run("/usr/lib/frr/bgpd", "-f", self.file("bgpd.conf", f"""log stdout
router bgp {ASN}
 bgp router-id {ADDRESS}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor {FEEDER} remote-as {FEEDER_AS}
 neighbor {FEEDER} passive
 neighbor {FEEDER} disable-connected-check
 neighbor {BOX} remote-as {AS}
 neighbor {BOX} disable-connected-check
 neighbor {BOX} update-source {ADDRESS}
 neighbor {BOX} timers connect 1
 address-family ipv4 flowspec
  neighbor {FEEDER} activate
  neighbor {BOX} activate
 exit-address-family
 address-family ipv6 flowspec
  neighbor {FEEDER} activate
  neighbor {BOX} activate
 exit-address-family
"""), "-i", self.work + "/frr.pid", "-Z", "-S", "-p", "179", "-l", ADDRESS, "-A", "127.0.0.1", "-P", "0", "--vty_socket", self.work)
        super().begin(names)


class OpenBgpd(Peer):
    programs = ("bgpd",)
    rules = {}

    def begin(self, names):
        os.makedirs("/run/openbgpd", exist_ok=True)
        conf = self.file("bgpd.conf", f"""AS {ASN}
router-id {ADDRESS}
listen on {ADDRESS}
socket "{self.work}/ctl"
neighbor {BOX} {{
  remote-as {AS}
  local-address {ADDRESS}
  announce IPv4 unicast
  announce IPv6 unicast
}}
""")
        os.chmod(conf, 0o600)
        self.run("/usr/sbin/bgpd", "-d", "-f", conf)

    def change(self, more, less):
        pass


KINDS = {"bird": Bird, "gobgp": GoBgp, "exabgp": ExaBgp, "frr": Frr, "openbgpd": OpenBgpd}
KIND = KINDS[sys.argv[2]]
box = peer = None


def begin():
    global box, peer
    for program in KIND.programs:
        if shutil.which(program) is None:
            skip(f"there is no {program}")
    namespaces()
    box = BgpBox(sys.argv[1], {"peer": (ADDRESS, ASN, "stale-time 60; "), "feeder": (FEEDER, FEEDER_AS, "passive on;")})
    box.start()
    peer = KIND(box)
    peer.start()
    try:
        box.up("peer", 60)
    except AssertionError:
        print(peer.log())
        raise


def dropped():
    return not box.passes()


def test_announce():
    peer.announce("victim", "other", "six")
    box.rests("peer", 3, 3)
    check("all are enforced", sorted(box.states("peer").values()), ["enforced"] * 3)
    holds("it drops", dropped() and not box.passes("192.0.2.9", 1))
    holds("another port passes", box.passes(dport=54))
    check("of both families", sorted(rule["family"] for rule in box.of("peer").values()), ["ipv4", "ipv4", "ipv6"])


def change_to(name):
    if not KIND.replaces:
        peer.announce("other", "six")
        box.rests("peer", 2, 2)
    peer.announce(name, "other", "six")


def test_change():
    change_to("rate")
    box.until("it is changed", lambda: not dropped())
    box.rests("peer", 3, 3)
    change_to("victim")
    box.until("and changed back", dropped)


def test_withdraw():
    peer.announce("victim", "six")
    box.until("it passes", lambda: box.passes("192.0.2.9", 1))
    box.rests("peer", 2, 2)
    holds("the other one stays", dropped())


def test_long():
    """Three hundred octets: GoBGP says their length wrongly, which is named and costs the rule alone."""
    if KIND is not GoBgp:
        return "of GoBGP alone"
    peer.announce("victim", "six", "long")
    box.until("it is named", lambda: box.errors("peer"))
    error = box.errors("peer")[-1]
    holds("as what it is", "GoBGP" in error["what"] and error["done"] == "refused", error)
    box.rests("peer", 2, 2)
    holds("the session", box.peer("peer")["state"] == "established" and dropped())
    holds("nothing else", box.passes("192.0.2.10", 2000))
    peer.announce("victim", "six")
    box.rests("peer", 2, 2)
    return error["what"]


def test_peer_starts_anew():
    ups = box.peer("peer")["updates"]
    peer.stop(signal.SIGKILL if KIND.graceful else signal.SIGTERM)  # who ends in order says that it does not come back
    box.down("peer")
    if KIND.graceful:
        holds("its rules stay meanwhile", dropped())
    else:
        box.until("its rules go", lambda: not dropped())
    peer.start()
    box.up("peer", 60)
    box.until("its rules are back", dropped)
    box.rests("peer", 2, 2)
    holds("it has said them", box.peer("peer")["updates"] > ups)


def test_we_start_anew():
    box.daemon.terminate()
    box.daemon.wait(30)
    holds("rules stay without us", dropped())
    box.start()
    holds("and are adopted", dropped())
    box.up("peer", 90)
    box.until("the peer has said them again", lambda: box.peer("peer")["rules"]["stale"] == 0, 90)
    box.rests("peer", 2, 2)
    holds("they drop still", dropped())


def test_nothing_agreed():
    check("families", box.peer("peer")["families"], [])
    time.sleep(1)
    check("it stays up", box.peer("peer")["state"], "established")
    check("nothing was wrong", box.peer("peer")["bad_updates"], 0)


if __name__ == "__main__":
    begin()
    if KIND is OpenBgpd:
        run_all([test_nothing_agreed], box)
    else:
        run_all([test_announce, test_change, test_withdraw, test_long, test_peer_starts_anew, test_we_start_anew], box)
    peer.stop()
