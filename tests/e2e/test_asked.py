#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is asked of ctrl, and by it of the gate: what may change, go or come late between a question and its answer. test_asked.py FLOWGATED"""
import contextlib
import os
import signal
import socket
import sys
import threading
import time

from bgp_box import DISCARD, VICTIM, BgpBox, announce, destination, withdraw
from box import Line, check, die_with_parent, holds, namespaces, resident_kib, run_all, shell

PEER, READER = "a", 4002


def begin():
    namespaces()
    box = BgpBox(sys.argv[1], {PEER: ("10.9.0.11", 65010, "passive on;")})
    box.start()
    return box


BOX_ = None


def rule(name, host):
    return f"name {name} match destination 192.0.2.{host}/32 protocol udp then discard"


def test_room_of_batches_is_given_back():
    """What a batch has held is free again, whether it was asked for, tried, or found to name a rule that is not there."""
    names = [f"R{i}" for i in range(64)]
    BOX_.add(*[rule(name, i) for i, name in enumerate(names)])
    for _ in range(3):
        check("one is not there", BOX_.ask("DeleteRules", names=names + ["absent"]).get("error"), "net.flowgate.v1.RuleNotFound")
    BOX_.add(rule("ONE-MORE", 100))
    BOX_.call("DeleteRules", names=names + ["ONE-MORE"])


def a_flood():
    """A process that asks without end, and reads what it is answered. Its pid."""
    pid = os.fork()
    if pid != 0:
        return pid
    die_with_parent()
    s = socket.socket(socket.AF_UNIX)
    s.connect(BOX_.path)

    def read():
        while s.recv(1 << 20):
            pass
    threading.Thread(target=read, daemon=True).start()
    try:
        while True:
            s.sendall(b'{"method":"net.flowgate.v1.ListPeers"}\n' * 1000)
    finally:
        os._exit(0)


def test_callers_do_not_hold_up_peers():
    """However fast callers ask, a rule of a peer is enforced, and goes."""
    a = BOX_.speaker(PEER)
    floods = [a_flood() for _ in range(2)]
    a.send(announce(65010, destination(VICTIM), DISCARD))
    BOX_.until("it is enforced", lambda: not BOX_.passes())
    a.send(withdraw(destination(VICTIM)))
    BOX_.until("it has gone", BOX_.passes)
    for pid in floods:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    a.close()
    BOX_.down(PEER)


def ask_and_go(method, n):
    """As a user that may only read: so many questions whose answers are not waited for."""
    pid = os.fork()
    if pid != 0:
        os.waitpid(pid, 0)
        return
    die_with_parent()
    try:
        os.setresuid(READER, READER, READER)
        for i in range(n):
            with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
                s.connect(BOX_.path)
                with contextlib.suppress(OSError):  # too many of them
                    s.sendall(b'{"method":"net.flowgate.v1.%s","more":true}\n' % method.encode())
            if i % 32 == 31:
                BOX_.once("ListPeers")
    finally:
        os._exit(0)


def test_callers_that_do_not_wait():
    """While the gate is busy, what callers ask it for and do not wait for does not keep others from asking, and costs little."""
    os.chmod(os.path.dirname(BOX_.path), 0o755)
    os.chmod(BOX_.path, 0o666)
    gate, ctrl = BOX_.pid("gate"), BOX_.pid("ctrl")
    before = resident_kib(ctrl)
    for method in "Status", "Samples", "ListRules":
        os.kill(gate, signal.SIGSTOP)
        try:
            ask_and_go(method, 1500)
            line = Line(BOX_.path)
            line.ask("AddRules", text=rule("MEANWHILE", 1))
            BOX_.once("ListPeers")
        finally:
            os.kill(gate, signal.SIGCONT)
        reply = line.hear()
        holds(f"answered behind {method}", "error" not in reply, reply)
        BOX_.call("DeleteRules", names=["MEANWHILE"])
    return f"ctrl {before} KiB before, {resident_kib(ctrl)} after"


def said(what):
    with open(BOX_.log, encoding="utf-8") as log:
        return log.read().count(what)


def test_withdrawn_while_all_is_compared():
    """A rule that is withdrawn while ctrl and the gate compare what they have is gone, and not one that its peer has yet to say again."""
    a, gate, before = BOX_.speaker(PEER), BOX_.pid("gate"), said("read again")
    a.send(announce(65010, destination(VICTIM), DISCARD))
    BOX_.rests(PEER, 1, 1)
    updates = BOX_.peer(PEER)["updates"]
    os.kill(gate, signal.SIGSTOP)
    try:
        BOX_.daemon.send_signal(signal.SIGHUP)
        BOX_.until("it was read again", lambda: said("read again") > before)
        time.sleep(0.2)  # and the gate asked for all it has
        a.send(withdraw(destination(VICTIM)))
        BOX_.until("it has been withdrawn", lambda: BOX_.peer(PEER)["updates"] > updates)
    finally:
        os.kill(gate, signal.SIGCONT)
    BOX_.rests(PEER, 0, 0)
    BOX_.until("it has gone", BOX_.passes)
    a.close()
    BOX_.down(PEER)


def children():
    """The gate and ctrl, in the order they are started in."""
    with open(f"/proc/{BOX_.daemon.pid}/task/{BOX_.daemon.pid}/children", encoding="ascii") as said:
        return [int(pid) for pid in said.read().split()]


def test_gate_dies_before_it_has_the_rules():
    """Behind a reboot the first gate dies before ctrl has spoken to it. The next one finds a store in place, with no rules in it: they are still to come."""
    names = [f"R{i}" for i in range(6)]
    BOX_.add(*[rule(name, i) for i, name in enumerate(names)])
    BOX_.line.close()
    BOX_.line = None
    BOX_.daemon.terminate()
    BOX_.daemon.wait()
    shell(f"{BOX_.flowgated} --remove --config {BOX_.mount}")
    BOX_.spawn()
    gate, ctrl = BOX_.until("both run", lambda: len(children()) == 2 and children())
    os.kill(ctrl, signal.SIGSTOP)
    BOX_.until("the gate has pinned all", lambda: os.path.exists("/sys/fs/bpf/flowgate/stamp"))
    time.sleep(1)  # and made its store
    os.kill(gate, signal.SIGKILL)
    BOX_.until("there is another", lambda: len(children()) == 2 and gate not in children())
    os.kill(ctrl, signal.SIGCONT)
    BOX_.healthy()
    check("it has found a store", BOX_.once("Status")["parameters"]["adopted"], True)
    BOX_.until("the rules are there", lambda: sorted(BOX_.rules()) == names)
    BOX_.call("DeleteRules", names=names)


if __name__ == "__main__":
    BOX_ = begin()
    run_all([test_room_of_batches_is_given_back, test_callers_do_not_hold_up_peers, test_withdrawn_while_all_is_compared,
             test_callers_that_do_not_wait, test_gate_dies_before_it_has_the_rules], BOX_)
