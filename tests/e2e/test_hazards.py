#!/usr/bin/env python3
"""What has gone wrong with traffic rules in the field, and needs a daemon to go wrong: each row says what must happen instead. test_hazards.py
FLOWGATED SANITIZE rules|breaker. Those that do not are in test_cli.sh, which lists all."""
import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

import box as b

SLOTS, SPORT, VICTIM = 4096, 8000, "192.0.2.7"
MANAGE = 22
flowgated, sanitize, which = sys.argv[1:4]

b.namespaces()
box = b.Box(flowgated, slots=SLOTS,
            protect=f"name SSH match destination {b.BOX}/32 protocol tcp destination-port {MANAGE}; name OUR-BGP match destination {b.BOX}/32 protocol tcp port 179;")
box.start()
out, into = box.sender(), box.receiver(SPORT)


def reach(port, n=20, destination=VICTIM):
    """How many of so many packets to a port come through, and with which DSCP."""
    frame = b.udp_frame(destination, SPORT, port, bytes(200))
    passed = []
    for _ in range(n):
        out.send(frame)
    end = time.monotonic() + 1
    # What is protected by nobody and matched by nothing comes last.
    out.send(b.udp_frame("203.0.113.99", SPORT, 9999))
    while time.monotonic() < end:
        try:
            got = into.recv(2048)
        except BlockingIOError:
            time.sleep(0.005)
            continue
        if struct.unpack_from("!H", got, 36)[0] == 9999:
            break
        passed.append(got[15] >> 2)
    return passed


def refused(*rules, **parameters):
    """Codes of the refusal."""
    reply = box.ask("AddRules", text="\n".join(rules), **parameters)
    b.check("refused", reply.get("error"), "net.flowgate.v1.RuleRefused")
    return {reason["code"] for rule in reply["parameters"]["rules"] for reason in rule["reasons"]}


def drop(name, port, destination=f"{VICTIM}/32", then="discard"):
    return f"name {name} match destination {destination} protocol udp destination-port {port} then {then}"


def fresh():
    box.call("Flush")
    b.check("rules", box.rules(), {})


def hazard_2013_rule_at_the_socket():
    """As text, as NLRI list, as NLRI range: refused, nothing of the gate's memory used, the generation as it was."""
    fresh()
    refused("match packet-length 99971 then discard")
    gate = box.pid("gate")
    before, generation = b.resident_kib(gate), box.call("Status")["generation"]
    text = "route 2013 { match { destination 203.0.113.53/32; port 53; packet-length [ 99971-99985 ]; } then discard; }"
    junos = "route 2013 { match { destination 203.0.113.53/32; port 53; packet-length [ 99971 99985 ]; } then discard; }"
    head = "0120cb007135048135"
    as_list, as_range = "0a2100018683a100018691", "0a2300018683e500018691"
    for _ in range(200 if sanitize == "none" else 20):
        for one in (text, junos):
            b.holds("text", "never-matches" in refused(one))
        for tail in (as_list, as_range):
            nlri = head + tail
            b.holds("nlri", "never-matches" in refused(f"ipv4 {len(nlri) // 2:02x}{nlri} 8006000000000000"))
    b.check("generation", box.call("Status")["generation"], generation)
    grown = b.resident_kib(gate) - before
    b.holds("the gate's resident memory", sanitize != "none" or grown <= b.STACK_KIB, grown)
    b.check("packets to it", len(reach(53, destination="203.0.113.53")), 20)


def serve(port):
    """A server in the box that says what it hears; any number of sessions."""
    listener = socket.create_server((b.BOX, port))
    if os.fork() == 0:
        b.die_with_parent()
        sessions = [listener]
        while True:
            for s in select.select(sessions, [], [])[0]:
                if s is listener:
                    sessions.append(s.accept()[0])
                else:
                    with contextlib.suppress(OSError):
                        s.sendall(s.recv(100))
    listener.close()


def hazard_2020_match_all_discard():
    """Everything is dropped, but not what is protected: management and BGP sessions go on, new ones are made, and the rule is taken out again."""
    fresh()
    for port in (MANAGE, 179, 8080):
        serve(port)
    with box.in_world():
        sessions = {port: socket.create_connection((b.BOX, port), 5) for port in (MANAGE, 179, 8080)}
    echo = lambda port: (sessions[port].sendall(b"x"), sessions[port].recv(1))[1]
    b.check("before", [echo(port) for port in sessions], [b"x"] * 3)
    reply = box.add("name ALL match destination 0.0.0.0/0 then discard", "name ALL6 match destination ::/0 then discard")
    warned = {reason["code"] for rule in reply["rules"] for reason in rule["reasons"]}
    b.check("it is said that they yield", warned, {"yields-to-protected"})
    b.check("others", reach(53), [])
    for _ in range(20):
        b.check("sessions that are protected", [echo(MANAGE), echo(179)], [b"x"] * 2)
    sessions[8080].settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        echo(8080)
        raise AssertionError("a session that is not protected goes on")
    with box.in_world():
        socket.create_connection((b.BOX, MANAGE), 5).close()
        subprocess.run(["ip", "neigh", "flush", "dev", "flow1"], check=True)
    b.check("after the neighbour was looked for anew", echo(MANAGE), b"x")
    b.check("inside what is protected", refused(f"match destination {b.BOX}/32 protocol tcp destination-port {MANAGE} then discard"), {"inside-protected"})
    box.call("DeleteRules", names=["ALL", "ALL6"])
    b.check("taken out again", len(reach(53)), 20)


def many(n, first=0):
    return [f"match destination 198.18.{(first + i) // 250}.{(first + i) % 250}/32 protocol udp then discard" for i in range(n)]


def fill(n, first=0):
    """Many rules as one transaction in parts. The last answer."""
    rules, at = many(n, first), 0
    parts = [rules[i:i + 500] for i in range(0, n, 500)]
    line = b.Line(box.path)
    for at, part in enumerate(parts):
        line.ask("AddRules", text="\n".join(part), part=at + 1, parts=len(parts))
    for _ in parts:
        reply = line.hear()
    line.close()
    return reply


def hazard_2025_over_the_limit_keeps_generation_n():
    """A batch of twice what there is room for: refused whole, with numbers, and what was enforced is enforced."""
    fresh()
    box.add(drop("KEEP", 53))
    status = box.call("Status")
    reply = fill(2 * SLOTS)
    b.check("refused", reply.get("error"), "net.flowgate.v1.RuleRefused")
    reason = reply["parameters"]["rules"][0]["reasons"][0]
    b.check("why", (reason["code"], reason["resource"]), ("over-budget", "slots"))
    b.check("generation", box.call("Status")["generation"], status["generation"])
    b.check("budget", box.call("Status")["budget"], status["budget"])
    b.check("enforced", (list(box.rules()), reach(53)), (["KEEP"], []))


def hazard_2021_headroom_is_told_to_watchers():
    """At 70 and at 90 per cent of a budget, each once, before anything is refused; and when there is room again."""
    fresh()
    watcher = b.Line(box.path)
    watcher.ask("Watch", more=True)
    room = box.call("Status")["budget"]["slots_budget"]
    steps = [room * 60 // 100, room * 15 // 100, room * 10 // 100, room * 10 // 100]
    first = 0
    for n in steps:
        b.holds("filled", "error" not in fill(n, first))
        first += n
    box.add(drop("LAST", 53))
    box.call("Flush")
    alarms = []
    while True:
        event = watcher.hear()["parameters"]
        if event["kind"] == "flushed":
            break
        if event["kind"] == "alarm":
            alarms.append(event["value"])
    watcher.close()
    b.holds("alarms", len(alarms) == 3 and 70 <= alarms[0] < 90 <= alarms[1] and alarms[2] == 0, alarms)
    b.check("alarm in the status", box.call("Status")["alarm"], 0)


def hazard_withdraw_at_full_budget():
    """Not one slot is left: a rule is withdrawn all the same, replaced all the same, and its place is free."""
    fresh()
    box.add(drop("D", 53))
    room = box.call("Status")["budget"]["slots_budget"]
    b.holds("filled", "error" not in fill(room - 1))
    b.check("one more", refused(drop("MORE", 54)), {"over-budget"})
    b.check("withdrawn", box.call("DeleteRules", names=["D"])["deleted"], 1)
    b.check("its packets", len(reach(53)), 20)
    box.add(drop("MORE", 54))
    b.check("packets of what came instead", reach(54), [])
    box.call("Flush")
    b.check("flushed at full budget", len(reach(54)), 20)


def hazard_2025_blank_fields():
    """Empty and absent fields, at every place of a call: an answer each, the same processes, the same generation."""
    fresh()
    generation, pids = box.call("Status")["generation"], (box.pid("ctrl"), box.pid("gate"))
    rule = {"name": "B", "family": "ipv4", "nlri": "060120c0000207", "actions": ["8006000000000000"], "source": "", "owner": "", "ticket": "", "site": ""}
    calls = [("AddRules", {}), ("AddRules", {"text": ""}), ("AddRules", {"text": None}), ("AddRules", {"rules": []}), ("AddRules", {"rules": [{}]}),
             ("AddRules", {"rules": [None]}), ("AddRules", {"text": "match destination then"}), ("AddRules", {"text": "match then discard"}),
             ("AddRules", {"text": "name match then"}), ("DeleteRules", {}), ("DeleteRules", {"names": []}), ("DeleteRules", {"names": [""]}),
             ("DeleteRules", {"names": [None]}), ("DeleteRules", {"sequences": [None]}), ("Quarantine", {}),
             ("Quarantine", {"nlri": "", "family": "", "on": True}), ("Rollback", {}), ("ListRules", {"name": ""}), ("SetShadow", {})]
    for key in rule:
        for blank in ("", None, [], {}, 0):
            calls.append(("AddRules", {"rules": [dict(rule, **{key: blank})], "dry_run": True}))
    for method, parameters in calls:
        b.holds(f"{method} {parameters} is answered", box.once(method, **parameters) is not None)
    b.check("the same processes", (box.pid("ctrl"), box.pid("gate")), pids)
    b.holds("nothing was changed", box.call("Status")["generation"] == generation and not box.rules())


def hazard_2025_every_switch_off_and_on():
    """Each action and each way of turning rules off, under traffic that never stops: off, on, off, and what packets meet follows."""
    fresh()
    box.add(drop("D", b.DROP_PORT, f"{b.BOX}/32"))  # the traffic's, never touched
    flow = b.Traffic(box)
    actions = {"discard": [], "accept": [0] * 20, "mark 46": [46] * 20, "rate-limit 1": None, "rate-limit-packets 1": None, "sample": [0] * 20,
               "continue": [0] * 20, "mark 10 continue": [10] * 20}
    for then, expected in actions.items():
        for _ in range(2):
            b.check("off", reach(53), [0] * 20)
            box.add(drop("A", 53, then=then))
            got = reach(53)
            b.holds(then, got == expected if expected is not None else len(got) < 330, got)
            box.call("DeleteRules", names=["A"])
    box.add(drop("A", 53))
    nlri = box.rules()["A"]["nlri"]
    b.check("on", reach(53), [])
    box.add(drop("A", 53), count_only=True)
    b.check("count-only", len(reach(53)), 20)
    b.check("counted all the same", box.rules()["A"]["matched"]["packets"] >= 20, True)
    box.add(drop("A", 53), count_only=False)
    b.check("no longer count-only", reach(53), [])
    box.call("Quarantine", nlri=nlri, family="ipv4", on=True)
    box.call("DeleteRules", names=["A"])
    b.check("in quarantine", refused(drop("A", 53)), {"quarantined"})
    b.check("in quarantine: packets", len(reach(53)), 20)
    box.call("Quarantine", nlri=nlri, family="ipv4", on=False)
    box.add(drop("A", 53))
    b.check("out of quarantine", reach(53), [])
    flow.finish("every action, count-only and quarantine", 100)
    for on in (True, False, True, False):
        box.call("SetShadow", on=on)
        b.check(f"shadow {on}", len(reach(53)), 20 if on else 0)
    generation = box.call("Status")["generation"]
    for _ in range(2):
        box.call("Flush")
        b.check("flushed", len(reach(53)), 20)
        box.call("Rollback", generation=generation)
        b.check("rolled back", reach(53), [])
    box.conserved()


def hazard_2025_crash_loop_breaker():
    """The gate dies thrice on one generation: the next one goes back to the last good one, with the newest rules in quarantine, also after ctrl and
    all else were started anew."""
    fresh()
    box.add(drop("GOOD", 53))
    good = box.call("Status")["generation"]
    box.add(drop("BAD", 54))
    watcher = b.Line(box.path)
    watcher.ask("Watch", more=True)
    for _ in range(3):
        os.kill(box.pid("gate"), signal.SIGKILL)
        time.sleep(0.05)
        b.check("filtered on", reach(53), [])
        box.healthy()
    while watcher.hear()["parameters"]["kind"] != "quarantined":
        pass
    watcher.close()
    b.check("rules", box.until("the newest rule is out", lambda: list(box.rules()) == ["GOOD"] and ["GOOD"]), ["GOOD"])
    b.check("packets of the good rule and of the newest", (reach(53), len(reach(54))), ([], 20))
    b.check("it cannot come back", refused(drop("BAD", 54)), {"quarantined"})
    b.holds("what is in quarantine is listed", len(box.call("ListQuarantine")["rules"]) == 1, box.call("ListQuarantine"))
    box.daemon.terminate()
    box.daemon.wait()
    box.line = None
    box.start()
    b.check("nor after a restart", refused(drop("BAD", 54)), {"quarantined"})
    box.call("Quarantine", nlri=box.call("ListQuarantine")["rules"][0]["nlri"], family="ipv4", on=False)
    box.add(drop("BAD", 54))
    b.check("released", reach(54), [])
    return f"generation {good}"


hazards = [value for name, value in list(globals().items()) if name.startswith("hazard_")]
b.run_all([one for one in hazards if (one == hazard_2025_crash_loop_breaker) == (which == "breaker")], box)
