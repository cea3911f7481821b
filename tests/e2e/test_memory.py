#!/usr/bin/env python3
"""Hostile rules by the hundred thousand, through the socket: what is refused, and what is admitted and deleted again. test_memory.py FLOWGATED
SANITIZE; FG_HOSTILE_RULES=1000000 for as many as that.

The gate's resident memory is what it was: a first round shows it all kinds of rules, the others change nothing. ctrl stays within
CTRL_KIB of what it was. Memory is not looked at under a sanitizer, whose own it would be."""
import os
import random
import sys

import box as b

flowgated, sanitize = sys.argv[1:3]
RULES = int(os.environ.get("FG_HOSTILE_RULES", "100000" if sanitize == "none" else "5000"))
A_LINE, PARTS, CTRL_KIB = 250, 4, 32 << 10

b.namespaces()
box = b.Box(flowgated, slots=4096, protect=f"name OUR-BGP match destination {b.BOX}/32 protocol tcp port 179;",
            limits="mtu 1500; rule { lines 64; bytes 64k; }")
box.start()
rand = random.Random(1)


def number(least, most):
    return rand.randint(least, most)


def prefix():
    return f"198.{number(0, 255)}.{number(0, 255)}.{number(0, 255)}/32"


# Refused: never matching, inside what is protected, over the budget of a rule, malformed NLRI, no rule at all.
REFUSED = [lambda: f"match destination {prefix()} port 53 packet-length {number(65536, 99999)}-{number(100000, 200000)} then discard",
           lambda: f"match destination {prefix()} port {number(65536, 1 << 31)} then discard",
           lambda: f"match destination {prefix()} dscp {number(64, 255)} then discard",
           lambda: f"match destination {b.BOX}/32 source {prefix()} protocol tcp port 179 then discard",
           lambda: f"match destination {prefix()} tcp-flags [ syn&!syn ] then discard",
           lambda: f"match destination {prefix()} packet-length >=1400&<={number(0, 1300)} then discard",
           lambda: f"match destination {prefix()} then redirect {number(1, 65000)}:{number(1, 65000)}"]
# Admitted: with many values, ranges, short prefixes, and those that a router multiplied out to five hundred entries each.
ADMITTED = [lambda: f"match destination {prefix()} port [ {' '.join(str(number(1, 65535)) for _ in range(8))} ] then discard",
            lambda: f"match destination 198.{number(0, 255)}.0.0/16 packet-length {number(40, 700)}-{number(701, 1500)} then rate-limit {number(1, 999)}k",
            lambda: f"match destination {prefix()} tcp-flags [ =syn =ack =fin =rst =psh ] packet-length [ 100 200 300 400 500 ] "
                    f"dscp [ 10 12 14 18 20 ] fragment [ dont-fragment is-fragment first-fragment last-fragment ] then discard",
            lambda: f"match source {prefix()} protocol udp then mark {number(0, 63)}",
            lambda: f"match destination 2001:db8:{number(0, 65535):x}::/48 protocol tcp destination-port {number(1, 65535)} then discard"]


def refuse():
    """Lines of rules none of which is admitted; how many."""
    box.line.ask("AddRules", text="\n".join(rand.choice(REFUSED)() for _ in range(A_LINE)), partial=True)
    reply = box.line.hear()
    b.holds("an answer", reply is not None)
    admitted = reply["parameters"].get("admitted", 0)
    b.check("hostile rules that were admitted", admitted, 0)
    return A_LINE


def admit():
    """A transaction of several lines, and out again; how many rules were in."""
    for part in range(1, PARTS + 1):
        text = "\n".join(rand.choice(ADMITTED)() for _ in range(A_LINE))
        box.line.ask("AddRules", text=text, partial=True, part=part, parts=PARTS)
        reply = box.line.hear()
        b.holds("an answer", reply is not None and "error" not in reply, reply)
    admitted = reply["parameters"]["admitted"]
    b.holds("some are admitted", admitted > A_LINE, reply)
    if rand.random() < 0.5:
        box.call("Flush")
    else:
        sequences = [rule["sequence"] for rule in listed()]
        for at in range(0, len(sequences), 1000):
            box.call("DeleteRules", sequences=sequences[at:at + 1000])
    return A_LINE * PARTS


def listed():
    box.line.ask("ListRules", more=True)
    rules, more = [], True
    while more:
        reply = box.line.hear()
        rules += reply["parameters"]["rules"]
        more = reply.get("continues")
    return rules


def rounds(least):
    """Until so many rules were there: refused ones mostly. How many of each."""
    refused = admitted = 0
    while refused + admitted < least:
        for _ in range(8):
            refused += refuse()
        admitted += admit()
    b.check("no rule is left", listed(), [])
    return refused, admitted


def test_memory_is_what_it_was():
    box.call("Status")
    gate, ctrl = box.pid("gate"), box.pid("ctrl")
    rounds(RULES // 10)
    before = {pid: b.resident_kib(pid) for pid in (gate, ctrl)}
    bytes_before = box.call("Status")["budget"]["bytes"]
    refused, admitted = rounds(RULES)
    b.check("the same processes", (box.pid("gate"), box.pid("ctrl")), (gate, ctrl))
    b.check("octets of the table", box.call("Status")["budget"]["bytes"], bytes_before)
    grown = {pid: b.resident_kib(pid) - before[pid] for pid in (gate, ctrl)}
    if sanitize == "none":
        b.holds("KiB that the gate has grown by", grown[gate] <= b.STACK_KIB, grown[gate])
        b.holds("KiB that ctrl has grown by", grown[ctrl] <= CTRL_KIB, grown[ctrl])
    return f"{refused} refused, {admitted} admitted and deleted; gate {before[gate]} KiB and {grown[gate]} more, ctrl {before[ctrl]} and {grown[ctrl]} more"


b.run_all([test_memory_is_what_it_was], box)
