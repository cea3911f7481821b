#!/usr/bin/env python3
"""Updates under traffic, through the whole daemon: what a packet meets is one generation, the one before a change or the one after, and never a
mix of the two. test_storm.py FLOWGATED [dpdk] [SECONDS of each]

Rules are changed together, again and again, in one transaction each: two generations, E and O. Some flows have the same verdict in both, by
different rules, so that a mix of old and new rules would show: packets of these flow all the time. Others have one verdict in E and
another in O: of those, each packet sent while no change is under way must meet the one that was answered last."""
import select
import struct
import sys
import time

import box as b
import dpdk_box

SPORT, VICTIM, NET = 8000, "192.0.2.7/32", "192.0.2.0/24"
LEAK, KEEP, TURN, MARK, LAST = 1, 2, 3, 4, 5  # ports: dropped in both, passed in both, dropped in E alone, marked 10 or 20, no rule
MARKS = {False: 20, True: 10}
words = sys.argv[2:]
flowgated = sys.argv[1]


def rule(name, destination, port, then):
    return f"name {name} match destination {destination} protocol udp destination-port {port} then {then}"


# Actions change under rules that stay. A mix of E's P and O's Q would let LEAK pass, one of O's and E's would drop KEEP.
ACTIONS = {True: [rule("P1", VICTIM, LEAK, "mark 30 continue"), rule("Q1", NET, LEAK, "discard"),
                  rule("P2", VICTIM, KEEP, "accept"), rule("Q2", NET, KEEP, "discard"),
                  rule("T", VICTIM, TURN, "discard"), rule("M", VICTIM, MARK, "mark 10")],
           False: [rule("P1", VICTIM, LEAK, "discard"), rule("Q1", NET, LEAK, "accept"),
                   rule("P2", VICTIM, KEEP, "mark 30 continue"), rule("Q2", NET, KEEP, "accept"),
                   rule("T", VICTIM, TURN, "accept"), rule("M", VICTIM, MARK, "mark 20")]}
# Rules come and go. Without either's, LEAK would pass; with the /24 of E but not its /32, KEEP would be dropped.
RULES = {True: [rule("A", VICTIM, LEAK, "discard"), rule("C1", VICTIM, KEEP, "accept"), rule("C2", NET, KEEP, "discard"),
                rule("T", VICTIM, TURN, "discard"), rule("M1", VICTIM, MARK, "mark 10")],
         False: [rule("B", NET, LEAK, "discard"), rule("M2", NET, MARK, "mark 20")]}

b.namespaces()
box = dpdk_box.a_box(flowgated, words, store="history 1000000;")
seconds = float(words[0]) if words else 6
box.start()
out, into = box.sender(), box.receiver(SPORT)
FRAME = {port: b.udp_frame("192.0.2.7", SPORT, port, bytes(8))[:-8] for port in (LEAK, KEEP, TURN, MARK, LAST)}
AHEAD = 24  # so many of each flow are under way at most: with the other traffic, fewer than the 256 the cable holds
sent, last = 0, -1


def send(expect):
    """One packet of each flow. expect: the generation that is enforced, True for E; None while it changes."""
    global sent
    settle(sent - AHEAD)
    for port, frame in FRAME.items():
        out.send(frame + struct.pack("!Q", sent))
        expected[port, sent] = expect
    sent += 1


def settle(number):
    """Takes what comes through until the packets of this number have: the one that no rule is for comes last."""
    global last
    end = time.monotonic() + b.WAIT_S
    while last < number:
        b.holds("the last packet arrives", time.monotonic() < end)
        select.select([into], [], [], 1)
        try:
            while True:
                frame = into.recv(2048)
                port, = struct.unpack_from("!H", frame, 36)
                at, = struct.unpack_from("!Q", frame, 42)
                passed[port, at] = frame[15] >> 2
                if port == LAST:
                    last = at
        except BlockingIOError:
            pass


def verdicts():
    """When all have come through that will, each packet is judged by what came of it."""
    settle(sent - 1)
    for (port, number), expect in expected.items():
        judge(port, number, expect, passed.get((port, number)))
    expected.clear()
    passed.clear()


def judge(port, number, expect, dscp):
    where = f"port {port}, packet {number}, generation {'E' if expect else 'changing' if expect is None else 'O'}"
    if port == LEAK:
        b.check(where, dscp, None)
    elif port == MARK:
        b.holds(where, dscp in (MARKS.values() if expect is None else [MARKS[expect]]), dscp)
    elif port == TURN and expect is not None:
        b.check(where, dscp is None, expect)
    elif port in (KEEP, LAST):
        b.holds(where, dscp is not None)


def storm(change):
    """change(generation) asks for it; its answer is waited for while packets flow."""
    changes, end, at = 0, time.monotonic() + seconds, True
    pairs = b.Traffic(box, LEAK, KEEP, "192.0.2.7")
    while time.monotonic() < end:
        at = not at
        change(at)
        while not box.line.pending():
            if len(expected) < 1000:
                send(None)
        reply = box.line.hear()
        b.holds("a change is committed", reply is not None and "error" not in reply, reply)
        changes += 1
        for _ in range(4):
            send(at)
        verdicts()
    flowed = pairs.finish("the pair of flows with one verdict in both")
    port = box.conserved()
    b.check("packets on the cable are packets received", port["received"]["packets"] + box.lost_on_cable() - before["received"],
            2 * flowed + pairs.nudges + len(FRAME) * (sent - before["sent"]))
    before.update(received=port["received"]["packets"], sent=sent)
    return f"{changes} changes, {flowed} pairs beside {sent} of each flow judged one by one"


expected, passed, before = {}, {}, {"received": 0, "sent": 0}


def test_actions_change_under_traffic():
    box.add(*ACTIONS[True])
    return storm(lambda at: box.line.ask("AddRules", text="\n".join(ACTIONS[at])))


def test_rules_come_and_go_under_traffic():
    box.call("Flush")
    generation = {}
    for at in (False, True):
        box.call("Flush")
        generation[at] = box.add(*RULES[at])["generation"]
    return storm(lambda at: box.line.ask("Rollback", generation=generation[at]))


def test_aborted_never():
    b.check("aborted", box.conserved()["aborted"], {"packets": 0, "bytes": 0})


b.run_all([test_actions_change_under_traffic, test_rules_come_and_go_under_traffic, test_aborted_never], box)
