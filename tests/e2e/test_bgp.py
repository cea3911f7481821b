#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""BGP sessions with a speaker that says what no daemon would: test_bgp.py FLOWGATED SANITIZE

Of the hazards: the rule of March 2013 as a list and as a range over a session; a discard of everything over the session itself; zero-length NLRIs and
other malformed ones; a peer that flaps; connections that are half open and slow while a good peer works."""
import os
import json
import signal
import socket
import struct
import subprocess
import sys
import time

from bgp_box import DISCARD, VICTIM, BgpBox, announce, destination, nlri, withdraw
from box import BOX, Line, check, holds, namespaces, resident_kib, run_all
from speaker import FLOWSPEC, KEEPALIVE, NOTIFICATION, OPEN, REFRESH, Speaker, attribute, capability, message, UPDATE

A, B, C, D, MANY, ROOM_OF_D = "a", "b", "c", "d", 10000, 2
SERVICE = bytes([24, 198, 51, 100])
PORT53 = bytes([3, 0x81, 17, 5, 0x81, 53])
# packet-length 99971-99985: no packet can be so long.
RANGE_2013 = bytes.fromhex("0a" "23" "00018683" "e5" "00018691")
LIST_2013 = bytes.fromhex("0a" "21" "00018683" "a1" "00018691")


def begin():
    namespaces()
    box = BgpBox(sys.argv[1], {
        A: ("10.9.0.11", 65010, "community 65010:666 ttl 1h; community 65010:1 site elsewhere; community 65010:2 count-only; restart-time 60; "
            f"max-rules {MANY}; passive on;"),
        B: ("10.9.0.12", 65011, "preference 200; actions discard mark; max-rules 50; passive on; prefix 0.0.0.0/0 shortest 24;"),
        C: ("10.9.0.13", 65012, 'md5 "a key"; ttl-security 1; announce-service on; passive on;'),
        D: ("10.9.0.14", 65013, "passive on;"),
    }, limits=f"source {D} {{ slots {ROOM_OF_D}; }}", slots=1 << 15, bgp=f"service-prefix 198.51.100.0/24 next-hop {BOX};")
    box.start()
    return box


BOX_ = None


def test_announce_to_verdict():
    """A rule that is announced drops; changed, it does what it says now; withdrawn, packets pass."""
    a = BOX_.speaker(A)
    rule = destination(VICTIM, PORT53)
    holds("before", BOX_.passes())
    a.send(announce(65010, rule, DISCARD))
    BOX_.rests(A, 1, 1)
    check("state", BOX_.states(A), {rule.hex(): "enforced"})
    holds("dropped", not BOX_.passes())
    holds("another port passes", BOX_.passes(dport=54))
    a.send(announce(65010, rule, bytes.fromhex("8006000000000000")[:2] + bytes(2) + struct.pack("!f", 1e9)))
    BOX_.until("it is changed", lambda: BOX_.of(A)[rule.hex()]["actions"] != [DISCARD.hex()] and BOX_.passes())
    a.send(announce(65010, rule, DISCARD))
    BOX_.until("and changed back", lambda: not BOX_.passes())
    a.send(withdraw(rule))
    BOX_.rests(A, 0, 0)
    holds("withdrawn", BOX_.passes())
    a.close()
    BOX_.down(A)


def test_2013():
    """Refused as never-matches, as a list and as a range; the session stays, other rules are enforced, memory is as before."""
    a = BOX_.speaker(A)
    good = destination(VICTIM, PORT53)
    bad = [destination("203.0.113.7", PORT53 + RANGE_2013), destination("203.0.113.7", PORT53 + LIST_2013)]
    a.send(announce(65010, good, DISCARD))
    BOX_.rests(A, 1, 1)
    before = [resident_kib(BOX_.pid(p)) for p in ("gate", "ctrl")]
    for octets in bad:
        a.send(announce(65010, octets, DISCARD))
    BOX_.rests(A, 3, 1)
    rules = BOX_.of(A)
    for octets in bad:
        check("its state", rules[octets.hex()]["state"], "refused")
        check("and why", [r["code"] for r in rules[octets.hex()]["reasons"]], ["never-matches"])
    for _ in range(2000):
        a.send(announce(65010, bad[0], DISCARD) + withdraw(bad[0]))
    a.send(announce(65010, bad[0], DISCARD))
    BOX_.rests(A, 3, 1)
    after = [resident_kib(BOX_.pid(p)) for p in ("gate", "ctrl")]
    if sys.argv[2] == "none":
        holds("memory of gate and ctrl", all(new - old < 1024 for old, new in zip(before, after)), before, after)
    holds("the session", a.is_up() and BOX_.peer(A)["state"] == "established")
    holds("the good one is enforced", not BOX_.passes())
    check("it was refused", BOX_.peer(A)["counts"]["malformed"], 0)
    a.close()
    BOX_.down(A)


def test_match_all_over_the_session():
    """A discard of everything is refused, and one that is as broad as permitted does not touch the session that brought it."""
    b = BOX_.speaker(B)
    everything = destination("0.0.0.0/0")
    zero_length = b"\0"
    near = destination("10.9.0.0/24")  # where box and peers are
    own = destination("10.9.0.1", bytes([2, 32, 10, 9, 0, 12, 3, 0x81, 6, 5, 0x91, 0, 179]))
    b.send(announce(65011, everything, DISCARD))
    b.send(announce(65011, zero_length, DISCARD))
    b.send(announce(65011, near, DISCARD))
    b.send(announce(65011, own, DISCARD))
    BOX_.rests(B, 3, 1)
    rules = BOX_.of(B)
    check("everything", [r["code"] for r in rules[everything.hex()]["reasons"]], ["too-broad"])
    check("the session itself", [r["code"] for r in rules[own.hex()]["reasons"] if r["code"] != "yields-to-protected"][:1], ["inside-protected"])
    check("what is near", rules[near.hex()]["state"], "enforced")
    holds("it yields", "yields-to-protected" in [r["code"] for r in rules[near.hex()]["reasons"]])
    check("bad UPDATEs", [e["done"] for e in BOX_.errors(B)], ["withdrawn"])
    holds("what is near is dropped", not BOX_.passes("10.9.0.1"))
    # Octets still come through in both directions: an answer needs both.
    for _ in range(3):
        b.keepalive()
        b.send(announce(65011, destination("192.0.2.99"), DISCARD))
        BOX_.rests(B, 4, 2)
        b.send(withdraw(destination("192.0.2.99")))
        BOX_.rests(B, 3, 1)
    holds("the session", b.is_up())
    b.close()
    BOX_.down(B)


def test_errors_cost_themselves():
    """RFC 7606: what is wrong is withdrawn by itself and kept for the operator; the session ends only where framing is lost."""
    a = BOX_.speaker(A)
    good, other = destination(VICTIM, PORT53), destination("192.0.2.8")
    seen = BOX_.peer(A)["bad_updates"]
    unknown_type = nlri(bytes([99, 0x81, 1]))
    out_of_order = nlri(bytes([3, 0x81, 17, 1, 32, 192, 0, 2, 9]))
    cut = nlri(bytes([1, 32, 192, 0]))
    a.send(announce(65010, unknown_type + good + out_of_order + b"\0" + cut + other, DISCARD))
    BOX_.rests(A, 2, 2)
    check("both good ones", BOX_.states(A), {good.hex(): "enforced", other.hex(): "enforced"})
    a.send(announce(65010, other, DISCARD[:7]))  # communities of 7 octets: treated as withdrawn
    BOX_.rests(A, 1, 1)
    a.send(announce(65010, other, bytes.fromhex("800600007fc00000")))  # a rate that is no number: refused
    BOX_.rests(A, 2, 1)
    check("no number", [r["code"] for r in BOX_.of(A)[other.hex()]["reasons"]], ["malformed"])
    a.send(announce(65010, destination("198.51.100.1"), DISCARD))  # nobody permitted it
    BOX_.rests(A, 3, 1)
    a.send(message(UPDATE, bytes(4)))  # nothing at all
    errors = BOX_.errors(A)
    check("kept", [e["done"] for e in errors][-2:], ["withdrawn", "withdrawn"])
    holds("its octets", "800600" in errors[-1]["update"] and errors[-1]["number"] == BOX_.peer(A)["bad_updates"] > seen, errors)
    holds("the session", a.is_up())
    a.send(message(UPDATE, struct.pack("!HH", 0, 9) + attribute(0x80, 14, struct.pack("!HB", 1, 133)) + b"\0\0\0"))  # MP_REACH is cut
    BOX_.down(A)
    last = BOX_.peer(A)
    holds("we said so", last["last_error_ours"] and "MP_REACH" in last["last_error"], last)
    BOX_.rests(A, 0, 0)
    a.close()


def test_path_checks():
    """RFC 9117 §4.2: another AS in front; our own AS in the path."""
    a = BOX_.speaker(A)
    rule = destination("192.0.2.30")
    a.send(announce(65099, rule, DISCARD))
    BOX_.rests(A, 1, 0)
    reason = BOX_.of(A)[rule.hex()]["reasons"][0]
    check("another AS is first", (reason["code"], reason["source"]), ("outside-scope", "RFC 9117 §4.2"))
    a.send(announce(65010, rule, DISCARD))
    BOX_.rests(A, 1, 1)
    a.close()
    BOX_.down(A)


def test_two_octet_as():
    """A peer with AS numbers of two octets: the one that stands for those of four is no way round the check (RFC 6793 §4.2.3)."""
    body = capability(1, struct.pack("!HBB", 1, 0, FLOWSPEC))
    address, asn = BOX_.peers[D][:2]
    with BOX_.in_world():
        d = Speaker.dial(BOX, asn, address, source=address,
                         body=struct.pack("!BHH4sB", 4, asn, 90, socket.inet_aton(address), len(body) + 2) + bytes([2, len(body)]) + body).establish()
    for host, first in ((80, asn), (81, 23456)):
        octets = destination(f"192.0.2.{host}")
        attributes = (attribute(0x80, 14, struct.pack("!HBBB", 1, FLOWSPEC, 0, 0) + octets) + attribute(0x40, 1, b"\0") +
                      attribute(0x40, 2, struct.pack("!BBH", 2, 1, first)) + attribute(0xc0, 16, DISCARD))
        d.send(message(UPDATE, struct.pack("!HH", 0, len(attributes)) + attributes))
    BOX_.rests(D, 2, 1)
    check("the other", BOX_.of(D)[destination("192.0.2.81").hex()]["reasons"][0]["source"], "RFC 9117 §4.2")
    d.close()
    BOX_.down(D)


def test_communities():
    """A site's rule is held, not enforced, elsewhere; a time to live ends; count-only does nothing to packets."""
    a = BOX_.speaker(A)
    standard = lambda value: attribute(0xc0, 8, struct.pack("!HH", 65010, value))
    there, timed, counted = destination("192.0.2.41"), destination("192.0.2.42"), destination("192.0.2.43")
    a.send(announce(65010, there, DISCARD, more=standard(1)))
    a.send(announce(65010, timed, DISCARD, more=standard(666)))
    a.send(announce(65010, counted, DISCARD, more=standard(2)))
    BOX_.rests(A, 3, 3)
    rules = BOX_.of(A)
    check("of another site", (rules[there.hex()]["state"], rules[there.hex()]["site"]), ("elsewhere", "elsewhere"))
    holds("it does nothing", BOX_.passes("192.0.2.41"))
    holds("a time", 3500 <= rules[timed.hex()]["expires"] - time.time() <= 3601, rules[timed.hex()])
    holds("it drops", not BOX_.passes("192.0.2.42"))
    holds("counted", BOX_.passes("192.0.2.43") and rules[counted.hex()]["count_only"])
    a.close()
    BOX_.down(A)


def test_two_peers():
    """A rule stays while any peer announces it; the preferred one's is enforced; an action that a peer may not ask for is refused by name."""
    a, b = BOX_.speaker(A), BOX_.speaker(B)
    rule = destination("192.0.2.50")
    a.send(announce(65010, rule, DISCARD))
    BOX_.rests(A, 1, 1)
    b.send(announce(65011, rule, DISCARD))
    BOX_.until("the preferred one", lambda: BOX_.states(B) == {rule.hex(): "enforced"} and BOX_.states(A) == {rule.hex(): "yields"})
    b.send(announce(65011, rule, bytes.fromhex("8007000000000002")))  # sample
    BOX_.until("the other takes its place", lambda: BOX_.states(A) == {rule.hex(): "enforced"})
    reason = BOX_.of(B)[rule.hex()]["reasons"][0]
    holds("may not sample", reason["code"] == "outside-scope" and "sample" in reason["detail"], reason)
    b.send(announce(65011, rule, DISCARD))
    BOX_.until("preferred again", lambda: BOX_.states(B) == {rule.hex(): "enforced"})
    a.send(withdraw(rule))
    BOX_.rests(A, 0, 0)
    holds("still there", not BOX_.passes("192.0.2.50"))
    b.close()
    BOX_.down(B)
    BOX_.until("nobody announces it", lambda: BOX_.passes("192.0.2.50"))
    a.close()
    BOX_.down(A)


def test_maximum():
    """More rules than a peer may have: the rest is refused, the session stays, and nobody else is the worse for it."""
    b = BOX_.speaker(B)
    for i in range(80):
        b.send(announce(65011, destination(f"203.0.113.{i}"), DISCARD))
    BOX_.until("all have come", lambda: BOX_.peer(B)["counts"]["over-maximum"] >= 30)
    BOX_.rests(B, 50, 50)
    holds("the session", b.is_up())
    holds("the first is enforced", not BOX_.passes("203.0.113.0"))
    holds("the last is not", BOX_.passes("203.0.113.79"))
    b.send(withdraw(b"".join(destination(f"203.0.113.{i}") for i in range(20))))
    asked = []
    while len(asked) < 2:
        kind, body = b.read()
        asked += [body] if kind == REFRESH else []
    check("it is asked for the rest", sorted(asked), [struct.pack("!HBB", afi, 0, FLOWSPEC) for afi in (1, 2)])
    b.send(announce(65011, b"".join(destination(f"203.0.113.{i}") for i in range(20, 80)), DISCARD))
    BOX_.rests(B, 50, 50)
    holds("more of it", not BOX_.passes("203.0.113.69"))
    b.close()
    BOX_.down(B)


def test_waits_for_room():
    """What has no room waits in the gate; withdrawn meanwhile, it does not come when there is room; and what still waits does."""
    d = BOX_.speaker(D)
    rules = [destination(f"203.0.113.{i}") for i in range(ROOM_OF_D + 3)]
    for rule in rules:
        d.send(announce(65013, rule, DISCARD))
    BOX_.until("all have come", lambda: sorted(BOX_.states(D).values()) == ["enforced"] * ROOM_OF_D + ["waiting"] * 3)
    check("why", [reason["code"] for reason in BOX_.of(D)[rules[-1].hex()]["reasons"]], ["over-budget"])
    d.send(withdraw(rules[-2]))
    BOX_.until("one is withdrawn", lambda: rules[-2].hex() not in BOX_.states(D))
    d.send(withdraw(rules[0] + rules[1]))
    BOX_.until("the others come", lambda: BOX_.states(D) == {rules[2].hex(): "enforced", rules[4].hex(): "enforced"})
    holds("enforced", not BOX_.passes("203.0.113.4"))
    holds("withdrawn", BOX_.passes("203.0.113.3"))
    d.send(withdraw(rules[2] + rules[4]))
    BOX_.rests(D, 0, 0)
    check("nothing is left", BOX_.states(D), {})
    d.close()
    BOX_.down(D)


def test_watch():
    """A controller is told what becomes of each rule, and of sessions."""
    watch = Line(BOX_.path)
    watch.ask("Watch", more=True, peers=True)
    b = BOX_.speaker(B)
    good, wide = destination("192.0.2.60"), destination("10.0.0.0/8")

    def told(nlri):
        while True:
            event = watch.hear()["parameters"]
            if event["kind"] == "rule" and event["rule"]["nlri"] == nlri.hex():
                return event["name"], event["rule"]["state"], [reason["code"] for reason in event["rule"]["reasons"]]

    b.send(announce(65011, good, DISCARD))
    check("enforced", told(good), (B, "enforced", ["yields-to-protected"]))
    b.send(announce(65011, wide, DISCARD))
    check("refused", told(wide), (B, "refused", ["too-broad"]))
    b.send(withdraw(good))
    check("withdrawn", told(good), (B, "withdrawn", []))
    b.send(announce(64999, good, DISCARD))
    check("barred", told(good), (B, "refused", ["outside-scope"]))
    b.close()
    while (event := watch.hear()["parameters"])["kind"] != "session":
        pass
    check("and the session is down", (event["name"], event["value"]), (B, 0))
    watch.close()
    BOX_.down(B)


def test_graceful_restart():
    """Rules of a peer that restarts stay until it has said all again; what it does not say goes."""
    a = BOX_.speaker(A, restart=120)
    stays, goes = destination("192.0.2.60"), destination("192.0.2.61")
    a.send(announce(65010, stays + goes, DISCARD))
    a.end_of_rib()
    BOX_.rests(A, 2, 2)
    a.close()
    BOX_.down(A)
    holds("both stay", not BOX_.passes("192.0.2.60") and not BOX_.passes("192.0.2.61"))
    check("as stale", BOX_.peer(A)["rules"]["stale"], 2)
    a = BOX_.speaker(A, restart=120)
    a.send(announce(65010, stays, DISCARD))
    a.end_of_rib()
    BOX_.rests(A, 1, 1)
    holds("one stays", not BOX_.passes("192.0.2.60") and BOX_.passes("192.0.2.61"))
    a.close()
    BOX_.down(A)
    a = BOX_.speaker(A)  # cannot restart any more
    BOX_.rests(A, 0, 0)
    a.close()
    BOX_.down(A)


def test_restarts_again():
    """A peer that connects again and again and never says a rule again does not keep it (RFC 4724 §4.2)."""
    a = BOX_.speaker(A, restart=120)
    a.send(announce(65010, destination("192.0.2.60"), DISCARD))
    BOX_.rests(A, 1, 1)
    a.close()
    BOX_.down(A)
    check("once", BOX_.peer(A)["rules"]["stale"], 1)
    a = BOX_.speaker(A, restart=120)
    a.send(announce(65010, destination("192.0.2.61"), DISCARD))
    BOX_.rests(A, 2, 2)
    a.close()
    BOX_.down(A)
    BOX_.rests(A, 1, 1)
    holds("twice: only what it has said since", BOX_.passes("192.0.2.60") and not BOX_.passes("192.0.2.61"))
    BOX_.speaker(A).close()  # cannot restart any more
    BOX_.down(A)
    BOX_.rests(A, 0, 0)


def test_refresh_out_of_place():
    """An end of a refresh that has not begun sweeps nothing, nor does one before a peer that restarts has said all (RFC 7313 §4)."""
    def refresh(kind):
        return message(REFRESH, struct.pack("!HBB", 1, kind, FLOWSPEC))

    a = BOX_.speaker(A, restart=120)
    a.send(announce(65010, destination("192.0.2.60") + destination("192.0.2.61"), DISCARD))
    a.end_of_rib()
    BOX_.rests(A, 2, 2)
    a.send(refresh(2) + announce(65010, destination("192.0.2.62"), DISCARD))
    BOX_.rests(A, 3, 3)
    a.close()
    BOX_.down(A)
    a = BOX_.speaker(A, restart=120)
    a.send(refresh(1) + refresh(2) + announce(65010, destination("192.0.2.60"), DISCARD) + announce(65010, destination("192.0.2.63"), DISCARD))
    BOX_.rests(A, 4, 4)
    check("stale still", BOX_.peer(A)["rules"]["stale"], 2)
    a.end_of_rib()
    BOX_.rests(A, 2, 2)
    a.send(refresh(1) + announce(65010, destination("192.0.2.63"), DISCARD) + refresh(2))
    BOX_.rests(A, 1, 1)
    wrong = message(REFRESH, b"\0\1\1")
    a.send(wrong)
    while (got := a.read())[0] != NOTIFICATION:
        pass
    check("one that is cut is sent back, all of it (RFC 7313 §5)", got[1], bytes([7, 1]) + wrong)
    a.close()
    BOX_.down(A)
    BOX_.speaker(A).close()
    BOX_.down(A)
    BOX_.rests(A, 0, 0)


def test_longer_at_once():
    """The message that makes the session, and one of more than 4096 octets behind it in the same segment (RFC 8654)."""
    address, asn = BOX_.peers[A][:2]
    rules = b"".join(destination(f"192.0.2.{i % 256}", bytes([5, 0x91]) + struct.pack("!H", 1000 + i // 256)) for i in range(700))
    with BOX_.in_world():
        a = Speaker.dial(BOX, asn, address, source=address, extended=True)
    check("it says", [a.read()[0], a.read()[0]], [OPEN, KEEPALIVE])
    a.send(message(KEEPALIVE) + announce(asn, rules, DISCARD))
    BOX_.rests(A, 700, 700)
    holds("up", a.is_up())
    a.close()
    BOX_.down(A)


def test_we_restart():
    """ctrl and the whole daemon go and come back: peers' rules are enforced all the while, and go when the peer does not say them again."""
    a = BOX_.speaker(A)
    stays, goes = destination("192.0.2.60"), destination("192.0.2.61")
    a.send(announce(65010, stays + goes, DISCARD))
    BOX_.rests(A, 2, 2)
    os.kill(BOX_.pid("ctrl"), signal.SIGKILL)
    BOX_.until("ctrl is back", lambda: BOX_.peer(A)["rules"]["stale"] == 2)
    holds("both stay", not BOX_.passes("192.0.2.60") and not BOX_.passes("192.0.2.61"))
    a.close()
    BOX_.daemon.terminate()
    BOX_.daemon.wait(30)
    holds("without a daemon too", not BOX_.passes("192.0.2.60"))
    BOX_.start()
    BOX_.until("adopted", lambda: BOX_.peer(A)["rules"]["stale"] == 2)
    a = BOX_.speaker(A)
    a.send(announce(65010, stays, DISCARD))
    a.end_of_rib()
    BOX_.rests(A, 1, 1)
    holds("one stays", not BOX_.passes("192.0.2.60") and BOX_.passes("192.0.2.61"))
    gate = BOX_.pid("gate")
    os.kill(gate, signal.SIGKILL)
    BOX_.until("another gate", lambda: BOX_.pid("gate") not in (0, gate))
    BOX_.healthy()
    a.send(announce(65010, goes, DISCARD))
    BOX_.rests(A, 2, 2)
    BOX_.call("Flush")
    BOX_.until("flushed", lambda: BOX_.passes("192.0.2.60"))
    a.send(announce(65010, stays, DISCARD))
    BOX_.until("announced again", lambda: not BOX_.passes("192.0.2.60"))
    a.close()
    BOX_.down(A)


def test_flapping():
    """A peer that announces and withdraws as fast as it can costs a few commits; another peer's rules come and stay."""
    a, b = BOX_.speaker(A), BOX_.speaker(B)
    steady = destination("192.0.2.70")
    b.send(announce(65011, steady, DISCARD))
    BOX_.rests(B, 1, 1)
    generation = BOX_.call("Status")["generation"]
    flaps = b"".join(announce(65010, destination(f"203.0.113.{i}"), DISCARD) + withdraw(destination(f"203.0.113.{i}")) for i in range(100))
    changes = 0
    other = destination("192.0.2.71")
    for i in range(500):
        a.send(flaps)
        changes += 200
        if i == 100:
            b.send(announce(65011, other, DISCARD))
            holds("the other peer's meanwhile", not BOX_.passes("192.0.2.70"))
        elif i > 100 and i % 50 == 0:
            BOX_.until("what the other peer says is enforced while this one flaps", lambda: not BOX_.passes("192.0.2.71"))
            holds("and what it has said stays", not BOX_.passes("192.0.2.70"))
            holds("and the rest passes", BOX_.passes("198.51.100.70"))
    BOX_.rests(B, 2, 2)
    a.send(announce(65010, steady, DISCARD))
    BOX_.until("all is said", lambda: BOX_.peer(A)["updates"] >= changes and BOX_.peer(A)["rules"]["waiting"] <= 1)
    BOX_.rests(B, 2, 2)
    commits = BOX_.call("Status")["generation"] - generation
    holds("commits are coalesced", commits * 20 < changes, commits, changes)
    holds("the other peer's", not BOX_.passes("192.0.2.70") and not BOX_.passes("192.0.2.71"))
    holds("both sessions", a.is_up() and b.is_up())
    a.close()
    b.close()
    BOX_.down(A)
    BOX_.down(B)
    return f"{changes} changes, {commits} commits"


def test_changed_while_the_gate_is_busy():
    """What the gate answers is of what it was asked for, though that has gone meanwhile, or has come again with another action."""
    a, gate = BOX_.speaker(A), BOX_.pid("gate")
    mark = bytes.fromhex("800900000000002e")
    goes, comes_again = destination("192.0.2.75"), destination("192.0.2.76")

    def say(*messages):
        before = BOX_.peer(A)["updates"]
        a.send(b"".join(messages))
        BOX_.until("it has been read", lambda: BOX_.peer(A)["updates"] == before + len(messages))
        time.sleep(0.05)  # and asked of the gate

    os.kill(gate, signal.SIGSTOP)
    try:
        say(announce(65010, goes, DISCARD, more=attribute(0xc0, 8, struct.pack("!HH", 65010, 1))), announce(65010, comes_again, DISCARD))
        say(withdraw(goes), withdraw(comes_again), announce(65010, comes_again, mark))
    finally:
        os.kill(gate, signal.SIGCONT)
    BOX_.rests(A, 1, 1)
    check("the action that was said last", BOX_.of(A)[comes_again.hex()]["actions"], [mark.hex()])
    holds("is in force", BOX_.passes("192.0.2.76") and BOX_.passes("192.0.2.75"))
    a.close()
    BOX_.down(A)


def test_half_open_and_slow():
    """Ten thousand connections that say nothing, or an octet at a time, from the peer's own address and from strangers', while a good peer works."""
    b = BOX_.speaker(B)
    b.send(announce(65011, destination("192.0.2.80"), DISCARD))
    BOX_.rests(B, 1, 1)
    before = resident_kib(BOX_.pid("ctrl"))
    kept = []
    for i in range(10000):
        source = ("10.9.0.11", "10.9.0.12", "10.9.0.2")[i % 3]
        with BOX_.in_world():
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((source, 0))
            s.setblocking(False)
            s.connect_ex((BOX, 179))
        kept.append(s)
        if i % 7 == 0:
            try:
                s.send(b"\xff")
            except OSError:
                pass
        if len(kept) > 500:
            kept.pop(0).close()
        if i % 2000 == 1000:
            b.keepalive()
            b.send(announce(65011, destination("192.0.2.81"), DISCARD))
            BOX_.rests(B, 2, 2)
            b.send(withdraw(destination("192.0.2.81")))
            BOX_.rests(B, 1, 1)
    for s in kept:
        s.close()
    holds("the good session", b.is_up())
    holds("its rule", not BOX_.passes("192.0.2.80"))
    after = resident_kib(BOX_.pid("ctrl"))
    if sys.argv[2] == "none":
        holds("memory of ctrl", after - before < 2048, before, after)
    a = BOX_.speaker(A)  # the peer whose address they had comes in
    a.close()
    b.close()
    BOX_.down(B)


def test_many():
    """Ten thousand rules in, another ten thousand over the maximum, and all of them out again."""
    a = BOX_.speaker(A, extended=True)
    every = [destination(f"192.0.2.{i % 256}", bytes([5, 0x91]) + struct.pack("!H", 1000 + i // 256)) for i in range(MANY)]
    for i in range(0, MANY, 1000):
        a.send(announce(65010, b"".join(every[i:i + 1000]), DISCARD))
    BOX_.rests(A, MANY, MANY)
    holds("one of them", not BOX_.passes("192.0.2.9", 1003))
    a.send(announce(65010, destination("203.0.113.1"), DISCARD))
    BOX_.until("over the maximum", lambda: BOX_.peer(A)["counts"]["over-maximum"] >= 1)
    for i in range(0, MANY, 1000):
        a.send(withdraw(b"".join(every[i:i + 1000])))
    BOX_.rests(A, 0, 0)
    holds("none of them", BOX_.passes("192.0.2.9", 1003))
    a.close()
    BOX_.down(A)


def test_strangers_and_wrong_opens():
    with BOX_.in_world():
        s = socket.create_connection((BOX, 179), 10, ("10.9.0.2", 0))
        s.settimeout(10)
        check("a stranger is closed", s.recv(100), b"")
        wrong = Speaker.dial(BOX, 65099, "10.9.0.11", source="10.9.0.11")
    got = wrong.read()
    while got is not None and got[0] != NOTIFICATION:
        got = wrong.read()
    check("another AS", got[1][:2], bytes([2, 2]))
    wrong.close()
    holds("counted", BOX_.once("ListPeers")["parameters"]["strangers"] >= 1)


def test_key_and_hops():
    """TCP-MD5: without the key nobody connects. GTSM: what has come a long way is not heard (RFC 5082)."""
    for how in ({}, {"md5": b"another key"}):
        try:
            BOX_.speaker(C, ttl=255, wait=1, **how)
        except (TimeoutError, ConnectionError):
            continue
        raise AssertionError(f"a connection with {how}")
    # Its OPEN may be there before the box has said how far it may come; what it says behind that is not heard, so there is no session.
    try:
        far = BOX_.speaker(C, md5=b"a key", ttl=254, wait=1)
        far.send(announce(65012, destination(VICTIM), DISCARD))
        time.sleep(0.5)
        far.close()
    except (TimeoutError, ConnectionError, EOFError, AssertionError):
        pass
    check("sessions from too far away", BOX_.peer(C)["updates"], 0)
    holds("its state", BOX_.peer(C)["state"] != "established")
    # It wants the same of us, from the first packet on.
    c = BOX_.speaker(C, md5=b"a key", ttl=255, least=255)
    check("state", BOX_.peer(C)["state"], "established")
    c.close()
    BOX_.down(C)


def service(speaker, what, wait_s=20):
    """Waits for an UPDATE with the service prefix in the attribute of that type."""
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        got = speaker.read(1)
        if got is not None and got[0] == UPDATE and SERVICE in got[1] and got[1][4:6] == bytes([0x80, what]):
            return
    raise AssertionError(f"no service prefix in attribute {what}")


def test_service_prefix():
    """Announced while the box enforces, withdrawn when it does not."""
    c = BOX_.speaker(C, md5=b"a key", ttl=255, families=((1, 133), (2, 133), (1, 1)))
    service(c, 14)
    holds("said so", BOX_.peer(C)["service_announced"])
    BOX_.call("SetShadow", on=True)
    service(c, 15)
    BOX_.call("SetShadow", on=False)
    service(c, 14)
    c.close()
    BOX_.down(C)


def flowgate(*words):
    command = os.path.join(os.path.dirname(os.path.realpath(sys.argv[1])), "flowgate")
    done = subprocess.run([command, *words, "--socket", BOX_.path], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout


def test_command():
    """flowgate bgp, of one peer, errors; and rules of a peer with their reasons."""
    b = BOX_.speaker(B)
    bad = nlri(bytes([99, 0x81, 1]))
    b.send(announce(65011, bad + destination("0.0.0.0/0"), DISCARD))
    BOX_.rests(B, 1, 0)
    r, out = flowgate("bgp")
    holds("a line each", r == 0 and [line.split()[0] for line in out.splitlines()] == ["PEER", A, B, C, D], out)
    r, out = flowgate("bgp", B)
    holds("one", r == 0 and "established" in out and "treated-as-withdrawn" in out, out)
    r, out = flowgate("bgp", B, "--json")
    check("as an object", json.loads(out)["rules"]["refused"], 1)
    check("nobody", flowgate("bgp", "nobody")[0], 3)
    r, out = flowgate("bgp", "errors", B, "--json")
    holds("the octets", r == 0 and bad.hex() in json.loads(out.splitlines()[-1])["update"], out)
    r, out = flowgate("bgp", "errors")
    holds("for people", r == 0 and "malformed NLRI" in out, out)
    r, out = flowgate("rule", "list", "--source", B, "--json")
    rule = json.loads(out.splitlines()[0])
    check("too broad", (rule["state"], [reason["code"] for reason in rule["reasons"]]), ("refused", ["too-broad"]))
    r, out = flowgate("rule", "show", rule["name"])
    holds("and shown", r == 0 and "refused" in out and "too-broad" in out, out)
    b.send(announce(65011, destination("192.0.2.90"), DISCARD))
    BOX_.rests(B, 2, 1)
    number = BOX_.of(B)[destination("192.0.2.90").hex()]["sequence"]
    holds("it is the peer's to take back", "error" in BOX_.ask("DeleteRules", sequences=[number]) and not BOX_.passes("192.0.2.90"))
    b.close()
    BOX_.down(B)


if __name__ == "__main__":
    BOX_ = begin()
    run_all([test_announce_to_verdict, test_2013, test_match_all_over_the_session, test_errors_cost_themselves, test_path_checks, test_two_octet_as,
             test_communities, test_two_peers, test_maximum, test_waits_for_room, test_watch, test_graceful_restart, test_restarts_again, test_refresh_out_of_place, test_longer_at_once, test_we_restart, test_flapping,
             test_changed_while_the_gate_is_busy, test_half_open_and_slow,
             test_many, test_strangers_and_wrong_opens, test_key_and_hops, test_service_prefix, test_command], BOX_)
