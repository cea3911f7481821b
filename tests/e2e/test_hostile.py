#!/usr/bin/env python3
"""Callers that mean no good, all at once, and one that does. test_hostile.py FLOWGATED SANITIZE

hostile.py tries each kind by itself. Here many of each go on together, as a user that may only read, while another caller is served: rules of his
are added, enforced, listed and deleted. ctrl is the same process afterwards, and as large as it was, within RESIDENT_KIB."""
import array
import contextlib
import json
import os
import socket
import sys
import time

import box as b

RESIDENT_KIB = 32 << 10  # ctrl may have grown by so much afterwards: what malloc keeps of 64 callers with a line and answers each
PEAK_KIB = 160 << 10     # and meanwhile: 64 callers of a user, and as many being told, of 64 KiB in and 1 MiB out
SECONDS, ATTACKERS = 8, 4
READER, OPERATOR, NOBODY, GROUP = 4002, 4001, 4003, 4007
flowgated, sanitize = sys.argv[1:3]

b.namespaces()
box = b.Box(flowgated, store="lock-memory on;", control=f"operator uid {OPERATOR}; operator gid {GROUP};")
box.start()
os.chmod(os.path.dirname(box.path), 0o755)
os.chmod(box.path, 0o666)


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(1)
    s.connect(box.path)
    return s


def as_user(uid, run, groups=()):
    """What run() returns, of a process of that user."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        b.die_with_parent()
        said = None
        try:
            os.setgroups(list(groups))
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            said = run()
        finally:
            os.write(theirs, json.dumps(said).encode())
            os._exit(0)
    os.close(theirs)
    return pid, ours


def answer(child):
    pid, fd = child
    with os.fdopen(fd, "rb") as said:
        data = said.read()
    os.waitpid(pid, 0)
    return json.loads(data)


def error_of(method, **parameters):
    reply = box.once(method, **parameters)
    return reply.get("error", "").rpartition(".")[2]


# ---- Roles ----

RULE = "name N match destination 192.0.2.1/32 then discard"


def test_role_by_uid():
    tries = lambda: [error_of("Health"), error_of("AddRules", text=RULE), error_of("Flush"), error_of("SetShadow", on=True),
                     error_of("DeleteRules", names=["N"]), error_of("Quarantine", nlri="06", family="ipv4", on=True)]
    denied = "PermissionDenied"
    b.check("one that may read", answer(as_user(READER, tries)), ["", denied, denied, denied, denied, denied])
    b.check("an operator", answer(as_user(OPERATOR, tries)), ["", "", "", denied, "RuleNotFound", denied])
    b.check("an operator by a group beside his own", answer(as_user(NOBODY, tries, [9, GROUP])), ["", "", "", denied, "RuleNotFound", denied])
    b.check("another group", answer(as_user(NOBODY, tries, [9, 10]))[1], denied)


# ---- Attacks: each is a moment's work, done again and again ----


def garbage():
    with connect() as s:
        s.sendall(os.urandom(60000))


def half_lines():
    held = [connect() for _ in range(8)]
    for s in held:
        s.sendall(b'{"method":"net.flowgate.v1.AddRules","parameters":{"text":"' + b"x" * 40000)
    time.sleep(0.05)
    for s in held:
        s.close()


def too_long():
    with connect() as s:
        s.sendall(b"x" * (b.LINE_MAX + 1))
        s.recv(1000)


def connections():
    held = []
    with contextlib.suppress(OSError):
        for _ in range(1000):
            held.append(connect())
    for s in held:
        s.close()


def never_reads():
    with connect() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(2000):
            s.sendall(b'{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"net.flowgate.v1"}}\n')


def watches_and_never_reads():
    with connect() as s:
        s.sendall(b'{"method":"net.flowgate.v1.Watch","more":true}\n{"method":"net.flowgate.v1.Samples","more":true}\n')
        time.sleep(0.3)


def passes_descriptors():
    with connect() as s:
        fds = array.array("i", [0, 1, 2] * 80)
        s.sendmsg([b'{"method":"net.flowgate.v1.Health"}\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
        s.recv(1000)


def deep():
    with connect() as s:
        s.sendall(b'{"method":"a","parameters":' + b'{"a":' * 12000 + b"\n")
        s.recv(1000)


ATTACKS = [garbage, half_lines, too_long, connections, never_reads, watches_and_never_reads, passes_descriptors, deep]


def attack(first):
    """How often each was done."""
    done, end, at = dict.fromkeys((f.__name__ for f in ATTACKS), 0), time.monotonic() + SECONDS, first
    while time.monotonic() < end:
        one = ATTACKS[at % len(ATTACKS)]
        with contextlib.suppress(OSError):
            one()
        done[one.__name__] += 1
        at += 1
    return done


def served():
    """One that does it well: how often."""
    rounds, out, into = 0, box.sender(), box.receiver(8000)
    frame = b.udp_frame("192.0.2.9", 8000, 53)
    out.send(frame)
    while time.monotonic() < ends:
        box.add("name GOOD match destination 192.0.2.9/32 protocol udp then discard")
        out.send(frame)
        b.check("listed", list(box.rules()), ["GOOD"])
        box.call("DeleteRules", names=["GOOD"])
        out.send(frame)
        rounds += 1
    time.sleep(0.2)
    passed = 0
    with contextlib.suppress(BlockingIOError):
        while into.recv(2048):
            passed += 1
    b.check("packets that came through: those of when there was no rule", passed, rounds + 1)
    return rounds


def test_served_meanwhile():
    global ends
    ctrl = box.pid("ctrl")
    gate, before, gate_before = box.pid("gate"), b.resident_kib(ctrl, "RssAnon"), b.resident_kib(box.pid("gate"), "RssAnon")
    ends = time.monotonic() + SECONDS
    attackers = [as_user(READER + 10 * i, lambda i=i: attack(2 * i)) for i in range(ATTACKERS)]
    rounds = served()
    done = [answer(child) for child in attackers]
    b.holds("rounds served", rounds >= 5, rounds)
    for one in ATTACKS:
        b.holds(f"{one.__name__} was tried", sum(d[one.__name__] for d in done) > 0)
    b.check("the same processes", (box.pid("ctrl"), box.pid("gate")), (ctrl, gate))
    time.sleep(1)
    after, peak = b.resident_kib(ctrl, "RssAnon"), b.resident_kib(ctrl, "VmHWM")
    b.check("descriptors that ctrl holds", open_files(ctrl) <= FILES, True)
    if sanitize == "none":
        b.holds("ctrl has not grown", after <= before + RESIDENT_KIB, before, after)
        b.holds("ctrl at its largest", peak <= PEAK_KIB, peak)
        grown = b.resident_kib(gate, "RssAnon") - gate_before
        b.holds("the gate has not grown", grown <= b.STACK_KIB, grown)
    return f"{sum(sum(d.values()) for d in done)} attacks, {rounds} rounds served; ctrl {before} KiB before, {after} after, {peak} at most"


def open_files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


FILES = open_files(box.pid("ctrl")) + 8
b.run_all([test_role_by_uid, test_served_meanwhile], box)
