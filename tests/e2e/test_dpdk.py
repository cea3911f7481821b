#!/usr/bin/env python3
"""The daemon with the DPDK dataplane, whole: an attack and connections through the box, and the dataplane killed, hung, found again, left and
removed. test_dpdk.py FLOWGATED af_packet|af_xdp"""
import hashlib
import os
import random
import signal
import socket
import sys
import threading
import time

import box as b
import dpdk_box

flowgated, device = sys.argv[1:3]
TCP_PORT, CONNECTIONS, OCTETS = 5001, 4, 4 << 20
DROP = f"name D match destination {b.BOX}/32 protocol udp destination-port {b.DROP_PORT} then discard"

b.namespaces()
box = dpdk_box.DpdkBox(flowgated, device=device)


def gone(pid):
    box.until(f"process {pid} is gone", lambda: ended(pid))


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def ended(pid):
    return not os.path.exists(f"/proc/{pid}") or state_of(pid) == "Z"


def another(pid):
    """A dataplane that forwards and is not that one; its pid."""
    found = box.until("another flowgate-dpdk forwards", lambda: (now := box.dataplane()) and now["pid"] != pid and now)
    box.healthy()
    return found["pid"]


# ---- Connections ----

class Server(threading.Thread):
    """Behind the box: sends back the digest of what a connection has brought, and as much again."""

    def __init__(self):
        super().__init__(daemon=True)
        with box.inside(box.inner):
            self.s = socket.create_server((dpdk_box.INNER, TCP_PORT), backlog=64)

    def run(self):
        while True:
            try:
                connection, _ = self.s.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def serve(connection):
        got = read_all(connection, OCTETS)
        connection.sendall(hashlib.sha256(got).digest() + got)
        connection.close()


def read_all(s, octets):
    got = bytearray()
    while len(got) < octets:
        more = s.recv(1 << 16)
        if not more:
            break
        got += more
    return bytes(got)


def connection(results, seed):
    """All that is sent arrives, and all of it comes back."""
    data = random.Random(seed).randbytes(OCTETS)
    with box.in_world():
        s = socket.socket()
    s.settimeout(b.WAIT_S)
    s.connect((dpdk_box.INNER, TCP_PORT))
    writer = threading.Thread(target=s.sendall, args=(data,))
    writer.start()
    back = read_all(s, 32 + OCTETS)
    writer.join()
    results[seed] = back == hashlib.sha256(data).digest() + data


# ---- Tests ----

def test_attack_gone_connections_whole():
    """Both at once, so that what is on the cables is what was received, and all of that is accounted for."""
    box.start()
    box.add(DROP)
    server, results = Server(), {}
    server.start()
    attack = b.Traffic(box)
    callers = [threading.Thread(target=connection, args=(results, seed)) for seed in range(CONNECTIONS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    refused = lambda: box.refused_at("flow0") + box.refused_at("flow2")
    sent = attack.finish("an attack beside connections", 100, refused)
    b.check("connections that got back what they sent", results, {seed: True for seed in range(CONNECTIONS)})
    box.conserved()
    ports = box.ports()
    for name, far, where in (("wan", "flow1", box.world), ("lan", "flow3", box.inner)):
        near = "flow0" if name == "wan" else "flow2"
        b.check(f"{name}: packets on the cable are packets received", ports[name]["received"]["packets"] + box.refused_at(near),
                box.sent_on_cable(far, where))
    dropped = ports["wan"]["dropped"]["packets"]
    b.holds("dropped", sent - refused() <= dropped <= sent, dropped, sent, refused())
    b.check("what the rule counts", box.rules()["D"]["dropped"]["packets"], dropped)
    return f"{sent} packets of the attack, {CONNECTIONS} connections of 2 x {OCTETS >> 20} MiB"


def test_redirect_leaves_by_its_port():
    """With the addresses of that link, and not by the way of what passes."""
    box.add(f"name R match destination {b.BOX}/32 protocol udp destination-port 77 then redirect 65000:1")
    into = box.receiver(7777)
    box.sender().send(b.udp_frame(b.BOX, 7777, 77, b"by another way"))
    frame = box.until("it comes", lambda: into.recv(2048))
    b.check("the address of the next hop", frame[:6].hex(":"), "02:00:00:00:00:07")
    b.check("the address of the port", frame[6:12].hex(":"), box.ports()["lan"]["device"]["mac"])
    # It counts once the device has it, and may be seen before.
    box.until("it is counted", lambda: box.ports()["wan"]["redirected"]["packets"] == 1)
    unknown = box.once("AddRules", text=f"name N match destination {b.BOX}/32 then redirect-to-ip 192.0.2.99")
    b.check("a next hop that nobody configured", unknown["error"], "net.flowgate.v1.RuleRefused")
    box.call("DeleteRules", names=["R"])


def test_samples_come():
    box.add(f"name S match destination {b.BOX}/32 protocol udp destination-port 78 then discard sample")
    line = b.Line(box.path)
    line.ask("Samples", more=True)
    out, frame = box.sender(), b.udp_frame(b.BOX, 7778, 78, b"a sample")
    out.send(frame)
    sample = line.hear()["parameters"]
    b.check("a sample", (sample["interface"], sample["verdict"], sample["cause"], sample["length"], sample["data"]),
            ("wan", "drop", "discard", len(frame), frame.hex()))
    line.close()
    box.call("DeleteRules", names=["S"])


def test_killed_and_forwards_again():
    """What comes meanwhile is lost; afterwards the rules are as they were, and counters go on from where they stood."""
    before, dropped = box.dataplane()["pid"], box.ports()["wan"]["dropped"]["packets"]
    os.kill(before, signal.SIGKILL)
    after = another(before)
    sent = b.Traffic(box)
    time.sleep(0.5)
    sent = sent.finish("after flowgate-dpdk was killed", 100)
    b.check("counters go on", box.ports()["wan"]["dropped"]["packets"], dropped + sent)
    b.check("nobody was fenced", box.fenced(), 0)
    return f"process {before}, then {after}"


def test_hung_is_fenced_and_started_again():
    """A change is answered while it hangs; then it is killed."""
    before, fenced = box.dataplane()["pid"], box.fenced()
    watch = b.Line(box.path)
    watch.ask("Watch", more=True)
    os.kill(before, signal.SIGSTOP)
    box.until("it is stopped", lambda: state_of(before) == "T")
    box.add(f"name H match destination {b.BOX}/32 protocol udp destination-port 79 then discard")
    another(before)
    gone(before)
    b.check("fenced", box.fenced(), fenced + 1)
    while (event := watch.hear()["parameters"])["kind"] != "fenced":
        pass
    b.check("who was", event["value"], before)
    watch.close()
    b.check("the change is there", box.rules()["H"]["state"], "enforced")
    traffic = b.Traffic(box, drop_port=79)
    time.sleep(0.5)
    traffic.finish("the rule of meanwhile", 100)
    box.call("DeleteRules", names=["H"])


def test_found_by_another_supervisor():
    """The daemon is killed under traffic; the next one takes the dataplane as it is, and starts none."""
    before, traffic = box.dataplane()["pid"], b.Traffic(box)
    box.daemon.kill()
    box.daemon.wait()
    box.line = None
    time.sleep(0.5)
    box.start()
    b.check("the same dataplane", box.dataplane()["pid"], before)
    b.check("as the supervisor knows", box.pid("dpdk"), before)
    box.add(DROP + " ticket again")
    traffic.finish("a supervisor that was killed")
    # And it is started again by that one, whose child it is not.
    os.kill(before, signal.SIGKILL)
    another(before)


def test_stopped_daemon_leaves_it():
    """With nobody there packets are filtered on; rules and dataplane are found again."""
    before, traffic = box.dataplane()["pid"], b.Traffic(box)
    box.daemon.send_signal(signal.SIGTERM)
    b.check("the daemon ends", box.daemon.wait(b.WAIT_S), 0)
    box.line = None
    time.sleep(0.5)
    b.holds("flowgate-dpdk lives", os.path.exists(f"/proc/{before}"))
    box.start()
    b.check("the same dataplane", box.dataplane()["pid"], before)
    b.check("the rules", set(box.rules()), {"D"})
    traffic.finish("a daemon that was stopped")


def test_other_sizes_refused_while_it_lives():
    """A configuration of other sizes: the gate does not start, says what to do, and packets are filtered as before."""
    pid = box.dataplane()["pid"]
    box.daemon.send_signal(signal.SIGTERM)
    box.daemon.wait(b.WAIT_S)
    box.line = None
    box.configure(CONF, slots=8192)
    traffic = b.Traffic(box)
    box.spawn()
    box.until("it is said", lambda: "has other sizes" in open(box.log, encoding="utf-8").read())
    traffic.finish("other sizes", 100)
    # What it says is to be done, with a gate that is not there.
    b.check("--remove", box.remove(), 0)
    b.holds("flowgate-dpdk is gone", ended(pid))
    b.holds("and its memory", not os.path.exists(box.memory))
    box.daemon.wait(b.WAIT_S)


def test_removed():
    box.configure(CONF)
    box.start()
    pid = box.dataplane()["pid"]
    b.check("--remove", box.remove(), 0)
    b.holds("flowgate-dpdk is gone", ended(pid))
    b.holds("and its memory", not os.path.exists(box.memory))
    box.daemon.wait(b.WAIT_S)


CONF = "redirect 65000:1 { interface lan; next-hop 192.0.2.1; mac 02:00:00:00:00:07; }\nredirect-to-ip allow;\n"
box.configure(CONF)
b.run_all([test_attack_gone_connections_whole, test_redirect_leaves_by_its_port, test_samples_come, test_killed_and_forwards_again,
           test_hung_is_fenced_and_started_again, test_found_by_another_supervisor, test_stopped_daemon_leaves_it,
           test_other_sizes_refused_while_it_lives, test_removed], box)
