#!/usr/bin/env python3
"""Rules that have no room, on a live box: they are kept, listed, enforced in order of sequence when there is room, and outlive the death of
each process, a reboot of the store, and limits that shrink. test_waiting.py FLOWGATED"""
import os
import signal
import sys
import time
import urllib.request

import box as b

ROOM, SPORT, METRICS = 6, 8100, "127.0.0.1:9193"
flowgated, = sys.argv[1:2]

b.namespaces()
box = b.Box(flowgated)
rules_file = os.path.join(box.work, "static.rules")


def configure(room=ROOM, static=()):
    with open(rules_file, "w", encoding="ascii") as out:
        out.write("".join(rule(name) + "\n" for name in static))
    box.configure(conf=f"rules {{ file {rules_file}; }}", limits=f"slots {room};")
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read().replace("listen none", f"listen {METRICS}")
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text)


def port_of(name):
    return 1000 + int(name[1:])


def rule(name, more=""):
    return f"name {name} match destination {b.BOX}/32 protocol udp destination-port {port_of(name)} then discard {more}"


def names(state):
    """In order of sequence."""
    found = [r for r in box.rules().values() if r["state"] == state]
    return [r["name"] for r in sorted(found, key=lambda r: r["sequence"])]


def soon(enforced, waiting):
    box.until(f"{enforced} enforced and {waiting} waiting", lambda: (names("enforced"), names("waiting")) == (enforced, waiting))


def fresh(room=ROOM, static=()):
    configure(room, static)
    os.kill(box.daemon.pid, signal.SIGHUP)
    box.call("Flush")
    box.until("only static rules", lambda: sorted(box.rules()) == sorted(static))


def fill():
    """Six that have room and three that have none."""
    fresh()
    reply = box.add(*(rule(f"R{i}") for i in range(1, ROOM + 4)), partial=True)
    b.check("admitted, refused, waiting", [reply[key] for key in ("admitted", "refused", "waiting")], [ROOM, 3, 3])
    b.check("states", [(r["name"], r["state"], r["reasons"][0]["code"], r["reasons"][0]["resource"]) for r in reply["rules"]],
            [(f"R{i}", "waiting", "over-budget", "slots") for i in range(ROOM + 1, ROOM + 4)])
    soon([f"R{i}" for i in range(1, ROOM + 1)], [f"R{i}" for i in range(ROOM + 1, ROOM + 4)])


def passes(name):
    """Whether a packet that the rule is for comes through; one that no rule is for shows that all have been looked at."""
    into, out = box.receiver(SPORT), box.sender()
    for port in (port_of(name), 999):
        out.send(b.udp_frame(b.BOX, SPORT, port))
    end, ports = time.monotonic() + 10, []
    while 999 not in ports and time.monotonic() < end:
        try:
            ports.append(int.from_bytes(into.recv(2048)[36:38], "big"))
        except BlockingIOError:
            time.sleep(0.005)
    into.close()
    out.close()
    b.holds("packets arrive", 999 in ports)
    return port_of(name) in ports


def metric(line):
    with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=b.WAIT_S) as reply:
        return [float(text.rsplit(" ", 1)[1]) for text in reply.read().decode().splitlines() if text.startswith(line)]


def hang_up():
    if box.line is not None:
        box.line.close()
    box.line = None


def die(process):
    before = box.pid(process)
    if process == "ctrl":
        hang_up()
    os.kill(before, signal.SIGKILL)
    box.until(f"another {process}", lambda: box.pid(process) not in (0, before))
    box.healthy()


def test_one_goes_and_the_first_that_waits_comes():
    fill()
    b.holds("R7 is not enforced", passes("R7"))
    b.check("metric", metric('flowgate_rules{state="waiting",source="operator"}'), [3.0])
    watch = b.Line(box.path)
    watch.ask("Watch", more=True)
    time.sleep(0.2)
    box.call("DeleteRules", names=["R2"])
    soon(["R1", "R3", "R4", "R5", "R6", "R7"], ["R8", "R9"])
    b.holds("R7 is enforced", not passes("R7"))
    b.holds("R8 is not", passes("R8"))
    kinds = []
    while "admitted" not in kinds:
        event = watch.hear()["parameters"]
        kinds.append(event["kind"])
    b.check("event", event["name"], "R7")
    watch.close()
    b.holds("history", any("waited" in g["what"] for g in box.call("History")["generations"]))


def test_withdrawal_and_time():
    fill()
    box.call("DeleteRules", names=["R8"])
    box.add(rule("R9", "ttl 1s"), partial=True)
    soon([f"R{i}" for i in range(1, 7)], ["R7"])
    box.call("DeleteRules", names=["R1"])
    soon([f"R{i}" for i in range(2, 8)], [])


def test_all_or_none_keeps_nothing():
    fresh()
    box.add(*(rule(f"R{i}") for i in range(1, ROOM + 1)))
    reply = box.ask("AddRules", text=rule("R7"))
    b.check("refused", reply["error"], "net.flowgate.v1.RuleRefused")
    b.check("nothing waits", names("waiting"), [])


def test_the_gate_dies():
    fill()
    die("gate")
    soon([f"R{i}" for i in range(1, 7)], ["R7", "R8", "R9"])
    gate = box.pid("gate")
    os.kill(gate, signal.SIGSTOP)
    line = b.Line(box.path)
    line.ask("DeleteRules", names=["R1", "R2"])
    time.sleep(0.2)
    os.kill(gate, signal.SIGKILL)
    os.kill(gate, signal.SIGCONT)
    line.close()
    box.until("another gate", lambda: box.pid("gate") not in (0, gate))
    box.healthy()
    box.until("all nine, or the seven", lambda: len(box.rules()) in (7, 9))
    for name in ("R1", "R2"):
        if name in box.rules():
            box.call("DeleteRules", names=[name])
    soon([f"R{i}" for i in range(3, 9)], ["R9"])
    b.holds("R8 is enforced", not passes("R8"))


def test_ctrl_dies():
    fill()
    die("ctrl")
    soon([f"R{i}" for i in range(1, 7)], ["R7", "R8", "R9"])


def test_a_reboot():
    """Nothing is pinned any more: what was on disk comes back, and waits again in the order it had."""
    fill()
    hang_up()
    box.daemon.terminate()
    box.daemon.wait()
    b.shell(f"{box.flowgated} --remove --config {box.mount}")
    box.start()
    soon([f"R{i}" for i in range(1, 7)], ["R7", "R8", "R9"])
    box.call("DeleteRules", names=["R3"])
    soon(["R1", "R2", "R4", "R5", "R6", "R7"], ["R8", "R9"])


def test_limits_shrink_and_grow():
    fill()
    configure(4)
    os.kill(box.daemon.pid, signal.SIGHUP)
    soon(["R1", "R2", "R3", "R4"], ["R5", "R6", "R7", "R8", "R9"])
    b.holds("R5 is not enforced", passes("R5"))
    configure(8)
    os.kill(box.daemon.pid, signal.SIGHUP)
    soon([f"R{i}" for i in range(1, 9)], ["R9"])
    b.holds("R5 is enforced", not passes("R5"))


def test_static_rules_wait_and_stay():
    fresh(2, ["S1", "S2", "S3"])
    box.until("two of three", lambda: len(names("enforced")) == 2 and names("waiting") == ["S3"])
    box.call("Flush")
    b.check("a flush leaves them", sorted(box.rules()), ["S1", "S2", "S3"])
    configure(2, ["S1", "S3"])
    os.kill(box.daemon.pid, signal.SIGHUP)
    soon(["S1", "S3"], [])


def test_a_rollback_brings_back_who_waits():
    fill()
    generation = box.call("Status")["generation"]
    box.call("DeleteRules", names=["R9"])
    box.call("Rollback", generation=generation)
    soon([f"R{i}" for i in range(1, 7)], ["R7", "R8", "R9"])


def test_not_confirmed():
    fill()
    box.call("DeleteRules", names=["R1", "R7"], confirm_within=1)
    b.check("nobody takes the room", names("waiting"), ["R8", "R9"])
    soon([f"R{i}" for i in range(1, 7)], ["R7", "R8", "R9"])


configure()
box.start()
b.run_all([test_one_goes_and_the_first_that_waits_comes, test_withdrawal_and_time, test_all_or_none_keeps_nothing, test_the_gate_dies,
           test_ctrl_dies, test_a_reboot, test_limits_shrink_and_grow, test_static_rules_wait_and_stay,
           test_a_rollback_brings_back_who_waits, test_not_confirmed], box)
