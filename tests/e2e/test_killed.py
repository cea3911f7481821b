#!/usr/bin/env python3
"""Each process killed under traffic, at chosen steps of a change and at random moments in larger ones. test_killed.py FLOWGATED gate|ctrl|random [dpdk] [SEED]

All the while packets flow for which there is a rule, and others for which there is none: no packet of the first comes through, none of the
others is lost. After each death the rules are those of before the change or those of after it, all of them alike; those of after it where
the change had been answered; and gate, list and database agree, the database sound. The rule that packets meet is itself replaced by each change."""
import contextlib
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import box as b
import dpdk_box

flowgated, what_kills = sys.argv[1:3]
words = sys.argv[3:]
# System call and which of them. A change of the gate: recvmsg, sendto (event), sendto (answer), membarrier, timerfd_settime, poll. The next
# start waits twice as long each time, so these are few.
GATE_STEPS = [("recvmsg", 1), ("sendto", 1), ("sendto", 2), ("membarrier", 1)]
# One of ctrl: recvfrom (caller), sendto (gate), recvfrom (gate: event, answer), pwrite64 (database) and fcntl (its locks), sendto (caller).
CTRL_STEPS = [("sendto", 1), ("recvfrom", 3), ("pwrite64", 1), ("pwrite64", 6), ("fcntl", 4), ("sendto", 2)]
FEW, MANY = 8, 400

b.namespaces()
if shutil.which("strace") is None:
    b.skip("there is no strace")
box = dpdk_box.a_box(flowgated, words)
seed = int(words[0]) if words else int.from_bytes(os.urandom(4), "big")
rand = random.Random(seed)
generations = 0


def rules(n, ticket):
    """The rule of the traffic, and more; a change replaces all of them."""
    text = [f"name D match destination {b.BOX}/32 protocol udp destination-port {b.DROP_PORT} then discard ticket {ticket}"]
    return text + [f"name R{i} match destination 198.18.{i // 250}.{i % 250}/32 protocol udp then discard ticket {ticket}" for i in range(n)]


def change(n, wait=True):
    """Asks for another generation. Whether it was answered that it is there."""
    global generations
    generations += 1
    ticket, lines, at = f"T{generations}", rules(n, f"T{generations}"), 0
    line = b.Line(box.path)
    parts = [lines[i:i + 400] for i in range(0, len(lines), 400)]
    with contextlib.suppress(OSError):
        for at, part in enumerate(parts):
            line.ask("AddRules", text="\n".join(part), part=at + 1, parts=len(parts))
    if wait:
        return ticket, heard(line, len(parts))
    return ticket, lambda: heard(line, len(parts))


def heard(line, answers):
    reply = None
    with contextlib.suppress(OSError):
        for _ in range(answers):
            reply = line.hear()
            if reply is None or "error" in reply:
                break
    line.close()
    return reply is not None and "error" not in reply


def whole(what, before, after, answered):
    """Once all is healthy again: one generation, everywhere. Which."""
    box.healthy()
    there = box.rules()
    tickets = {rule["ticket"] for rule in there.values()}
    b.holds(f"{what}: one generation, {before} or {after}", len(tickets) == 1 and tickets <= {before, after}, tickets)
    ticket = tickets.pop()
    b.holds(f"{what}: what was answered is there", ticket == after or not answered, ticket)
    b.check(f"{what}: all enforced", {rule["state"] for rule in there.values()}, {"enforced"})
    enforced = {(rule["name"], rule["ticket"], rule["nlri"][2:]) for rule in there.values()}
    try:
        box.until("", lambda: database() == enforced)
    except AssertionError:
        b.check(f"{what}: the database", sorted(database())[:3], sorted(enforced)[:3])
    return ticket


def database():
    """Rules as the list has them, without the octet of length."""
    db = sqlite3.connect(f"file:{box.work}/db/flowgate.db?mode=ro", uri=True, timeout=5)
    with contextlib.closing(db):
        b.check("integrity", db.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
        return {(name, ticket, nlri.hex()) for name, ticket, nlri in db.execute("SELECT name, ticket, nlri FROM rules WHERE taken IS NULL")}


def set_up(n):
    if box.daemon is not None:
        box.daemon.send_signal(signal.SIGTERM)
        box.daemon.wait()
    box.start()
    with contextlib.suppress(AssertionError):
        box.call("Flush")
    ticket, answered = change(n)
    b.holds("a change", answered)
    return ticket


def at_step(pid, call, nth):
    """A tracer that kills the process as it enters its nth such system call from now on."""
    tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={nth}", "-p",
                               str(pid)], stderr=subprocess.DEVNULL, preexec_fn=b.die_with_parent)

    def attached():
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return f"TracerPid:\t{tracer.pid}\n" in status.read()

    box.until("strace is attached", attached)
    return tracer


def gone(pid, wait_s=b.WAIT_S):
    box.until(f"process {pid} is dead", lambda: not os.path.exists(f"/proc/{pid}"), wait_s)


def killed_at_steps(process, steps):
    before = set_up(FEW)
    traffic, survived, committed = b.Traffic(box), 0, 0
    for call, nth in steps:
        pid, what = box.pid(process), f"{process} killed at {call} {nth}"
        tracer = at_step(pid, call, nth)
        after, answered = change(FEW)
        try:
            gone(pid, 3)
        except AssertionError:
            survived += 1  # the step is one of the next change
        tracer.kill()
        tracer.wait()
        now_there = whole(what, before, after, answered)
        committed += now_there == after
        before = now_there
        # Another generation: the breaker of crash loops is another test's.
        ticket, answered = change(FEW)
        b.holds(f"{what}: a change afterwards", answered)
        before = whole(what, ticket, ticket, True)
    b.holds(f"{process}: most steps were met", survived <= 1, survived)
    sent = traffic.finish(f"{process} killed at steps")
    return f"{len(steps) - survived} deaths, {committed} changes were there afterwards, {sent} pairs of packets"


def killed_at_random(process, deaths):
    before = set_up(MANY)
    traffic, committed = b.Traffic(box), 0
    start = time.monotonic()
    b.holds("a change", change(MANY)[1])
    takes = time.monotonic() - start
    before = f"T{generations}"
    for i in range(deaths):
        pid = box.daemon.pid if process == "supervisor" else box.pid(process)
        after, answer = change(MANY, wait=False)
        time.sleep(rand.random() * takes)
        os.kill(pid, signal.SIGKILL)
        if process == "supervisor":
            box.daemon.wait()
            answered = answer()
            box.line = None
            box.spawn()
        else:
            answered = answer()
            gone(pid)
        there = whole(f"{process}, random death {i} (seed {seed})", before, after, answered)
        committed += there == after
        before, answered = change(MANY)
        b.holds("a change afterwards", answered)
    sent = traffic.finish(f"{process} killed at random (seed {seed})")
    return f"{deaths} deaths, {committed} changes were there afterwards, {sent} pairs of packets"


def test_gate_killed_at_each_step():
    return killed_at_steps("gate", GATE_STEPS)


def test_ctrl_killed_at_each_step():
    return killed_at_steps("ctrl", CTRL_STEPS)


def test_gate_killed_at_random():
    return killed_at_random("gate", 3)


def test_ctrl_killed_at_random():
    return killed_at_random("ctrl", 3)


def test_supervisor_killed_at_random():
    return killed_at_random("supervisor", 2)


TESTS = {"gate": [test_gate_killed_at_each_step],
         "ctrl": [test_ctrl_killed_at_each_step],
         "random": [test_gate_killed_at_random, test_ctrl_killed_at_random, test_supervisor_killed_at_random]}
b.run_all(TESTS[what_kills], box)
