#!/usr/bin/env python3
"""Payload patterns through the daemon: added, changed and taken away while packets come, refused one by one, and there still when the gate, the
compiler, the dataplane or the whole daemon has died. test_payload_online.py FLOWGATED"""
import glob
import os
import signal
import sys
import time

import box as b
import dpdk_box

flowgated = sys.argv[1]
SPORT = 7100
EVIL = f'name EVIL match destination {b.BOX}/32 protocol udp payload "/evil[0-9]+/i" then discard'

b.namespaces()
box = dpdk_box.DpdkBox(flowgated)


def passes(*texts, dport=4000):
    """Which of these payloads come through the box, in order."""
    out, into = box.sender(), box.receiver(SPORT)
    for text in (*texts, b"the last"):
        out.send(b.udp_frame(b.BOX, SPORT, dport if text != b"the last" else 4001, text))
    got = []

    def last():
        while True:
            try:
                frame = into.recv(2048)
            except BlockingIOError:
                return False
            if frame[42:] == b"the last":
                return True
            got.append(frame[42:])

    box.until("the last packet has come", last)
    out.close()
    into.close()
    return got


def refused(reply, name):
    """The reasons of a rule in a reply."""
    return [reason for rule in reply["rules"] if rule["name"] == name for reason in rule["reasons"]]


def patterns():
    return box.call("Status")["patterns"]


def compilers():
    """Processes of flowgate-pattern of this machine that this daemon has begun."""
    found = []
    for stat in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(stat, encoding="ascii") as f:
                text = f.read()
        except OSError:
            continue
        if "(flowgate-patter" in text:
            found.append(int(text.split()[0]))
    return found


# ---- Tests ----

def test_added_and_taken():
    box.start()
    b.check("before", passes(b"evil1", b"good"), [b"evil1", b"good"])
    box.add(EVIL)
    b.check("with it", passes(b"evil1", b"say EVIL77!", b"evil", b"good"), [b"evil", b"good"])
    rule = box.rules()["EVIL"]
    b.check("as listed", (rule["state"], rule["payload"]), ("enforced", "/evil[0-9]+/i"))
    b.holds("its text says it", 'payload "/evil[0-9]+/i" then' in rule["text"], rule["text"])
    b.check("one pattern", patterns()["count"], 1)
    b.holds("that takes room", 0 < patterns()["bytes"] < patterns()["bytes_budget"], patterns())
    b.check("what was dropped", box.rules()["EVIL"]["dropped"]["packets"], 2)
    box.call("DeleteRules", names=["EVIL"])
    b.check("without it", passes(b"evil1", b"good"), [b"evil1", b"good"])


def test_same_conditions():
    """Rules of one NLRI: those with a pattern in their turn, then the one without."""
    where = f"match destination {b.BOX}/32 protocol udp destination-port 4000"
    box.add(f'name A {where} payload "/keep/" then accept', f'name B {where} payload "/k/" then discard', f"name C {where} then rate-limit 1000000000")
    b.check("in their turn", passes(b"keep", b"kick", b"other"), [b"keep", b"other"])
    found = box.rules()
    b.check("all enforced", [found[name]["state"] for name in "ABC"], ["enforced"] * 3)
    b.check("passed by", [found[name]["passed"]["packets"] for name in "AC"], [1, 1])
    b.check("dropped by", found["B"]["dropped"]["packets"], 1)
    reply = box.add(f'name again {where} payload "/keep/" then accept', partial=True)
    b.check("the same again with another name takes its place", (reply["admitted"], "A" in box.rules(), "again" in box.rules()), (1, False, True))
    b.check("its turn stays", passes(b"keep", b"kick"), [b"keep"])
    # By their text, as a controller does it that keeps no names.
    box.call("DeleteRules", text=f'{where} payload "/k/" then discard')
    b.check("the others stay", sorted(name for name in box.rules() if len(name) == 1 or name == "again"), ["C", "again"])
    b.check("and hold", passes(b"keep", b"kick"), [b"keep", b"kick"])
    box.call("DeleteRules", names=["again", "C"])


def test_refused_one_by_one():
    """What Hyperscan does not do, what takes too long, and what has no form, each by itself; a transaction as a whole."""
    bad = [f'name REF match destination {b.BOX}/32 payload "/(a)\\1/" then discard',
           f'name BOMB match destination {b.BOX}/32 payload "/[^a]{{32767}}b[^c]{{32767}}d/" then discard']
    reply = box.add(EVIL, *bad, partial=True)
    b.check("admitted", (reply["admitted"], reply["refused"]), (1, 2))
    b.check("a reference", refused(reply, "REF")[0]["code"], "unsupported")
    b.holds("why", "Hyperscan" in refused(reply, "REF")[0]["detail"], refused(reply, "REF"))
    b.check("a bomb", refused(reply, "BOMB")[0]["code"], "over-budget")
    b.check("the good one", passes(b"evil1", b"good"), [b"good"])
    reply = box.ask("AddRules", text=f'name G match destination {b.BOX}/32 payload "/g/" then discard\n{bad[0]}')
    b.check("all or none", reply["error"].rsplit(".", 1)[1], "RuleRefused")
    b.check("none", passes(b"g"), [b"g"])
    reply = box.add(f'name TRY match destination {b.BOX}/32 payload "/try/" then discard', dry_run=True)
    b.check("tried", (reply["admitted"], "TRY" in box.rules(), passes(b"try")), (1, False, [b"try"]))


def test_changes_under_traffic():
    """Databases come and go, and no packet of a rule that stays is missed, or judged by another's pattern."""
    traffic = b.Traffic(box, tails=(b"EVIL5", b"evil"))
    for i in range(12):
        box.add(f'name X{i} match destination {b.BOX}/32 payload "/never{i}/" then discard')
        if i >= 3:
            box.call("DeleteRules", names=[f"X{i - 3}"])
    traffic.finish("patterns that come and go")
    b.holds("no more than were asked for", patterns()["count"] <= 5, patterns())
    box.call("DeleteRules", names=["X9", "X10", "X11"])
    box.conserved()


def test_gate_killed():
    traffic = b.Traffic(box, tails=(b"evil5", b"evil"))
    for _ in range(2):
        gate = box.pid("gate")
        os.kill(gate, signal.SIGKILL)
        box.until("another gate", lambda: box.pid("gate") not in (0, gate))
        box.healthy()
        box.add(f'name Y match destination {b.BOX}/32 payload "/more/" then discard')
        b.check("both", passes(b"evil1", b"more", b"good"), [b"good"])
        box.call("DeleteRules", names=["Y"])
    traffic.finish("a gate that died")
    b.check("it stays", box.rules()["EVIL"]["state"], "enforced")


def test_compiler_killed():
    """While a pattern is compiled its compiler is killed: it is refused, those that are there stay."""
    line = b.Line(box.path)
    slow = "(.{1,1000}x){50}"  # some seconds, until it has had its time
    line.ask("AddRules", text=f'name SLOW match destination {b.BOX}/32 payload "/{slow}/" then discard', partial=True)
    end, killed = time.monotonic() + 10, 0
    while not line.pending() and time.monotonic() < end:
        for pid in compilers():
            try:
                os.kill(pid, signal.SIGKILL)
                killed += 1
            except OSError:
                pass
    reply = line.hear()["parameters"]
    line.close()
    b.holds("one was there to be killed", killed > 0)
    b.check("refused", reply["refused"], 1)
    b.holds("for it, or those beside it, could not be compiled", refused(reply, "SLOW")[0]["code"] in ("over-budget", "unsupported"), reply)
    b.check("what was there stays", passes(b"evil1", b"good"), [b"good"])


def test_dataplane_killed():
    before = box.dataplane()["pid"]
    os.kill(before, signal.SIGKILL)
    box.until("another flowgate-dpdk forwards", lambda: (now := box.dataplane()) and now["pid"] != before)
    box.healthy()
    b.check("with the pattern", passes(b"evil1", b"good"), [b"good"])


def test_behind():
    """A worker that is behind looks at no payload: that is counted and said, the rules without a pattern hold, and behind it all is as before."""
    with open(box.mount, encoding="ascii") as f:
        before = f.read()

    def reload(text):
        with open(box.mount, "w", encoding="ascii") as f:
            f.write(text)
        box.daemon.send_signal(signal.SIGHUP)

    reload(before.replace("main-core 0;", "main-core 0; behind 1;"))
    box.add(f"name PORT match destination {b.BOX}/32 protocol udp destination-port 4444 then discard")
    frame = b.udp_frame(b.BOX, SPORT + 1, 4000, b"evil1")
    out = box.sender()

    def skipped():
        for _ in range(4096):
            out.send(frame)
        return box.ports()["wan"]["device"]["payload_skipped"]

    box.until("payloads are skipped", skipped)
    out.close()
    b.holds("health says so", any("is behind" in p for p in box.call("Health")["problems"]), box.call("Health"))
    b.check("a rule without a pattern", passes(b"x", dport=4444), [])
    reload(before)
    box.until("payloads are looked at", lambda: passes(b"evil1", b"good") == [b"good"])
    box.call("DeleteRules", names=["PORT"])


def test_begun_anew():
    """Nothing is left but what is on disk."""
    box.daemon.send_signal(signal.SIGUSR1)
    box.daemon.wait()
    box.start()
    box.until("it is back", lambda: box.rules()["EVIL"]["state"] == "enforced")
    b.check("and holds", passes(b"evil1", b"good"), [b"good"])
    box.once("Flush")
    b.check("until it is flushed", passes(b"evil1"), [b"evil1"])


b.run_all([test_added_and_taken, test_same_conditions, test_refused_one_by_one, test_changes_under_traffic, test_gate_killed, test_compiler_killed,
           test_dataplane_killed, test_behind, test_begun_anew], box)
