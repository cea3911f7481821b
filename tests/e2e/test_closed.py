#!/usr/bin/env python3
"""`on-failure closed` where nothing was ever enforced: a gate that cannot start, that is killed again and again as it starts, a port that
cannot be used. Nothing passes then, and nothing is lost or let through when the gate comes. test_closed.py FLOWGATED SANITIZE"""
import os
import resource
import signal
import socket
import sys
import time

import box as b

SPORT, BLOCKED = 8200, 4321
SMALL = 160 << 20  # octets of address space: the daemon has enough, the gate has not
flowgated, sanitize = sys.argv[1:3]
if sanitize != "none":
    b.skip("a sanitizer needs the address space that is limited here")

b.namespaces()
box = b.Box(flowgated)
RULE = f"name R match destination {b.BOX}/32 protocol udp port {BLOCKED} then discard"


def configure(on_failure, more=""):
    box.configure(conf=more)
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read().replace("interface flow0 { mode native; }", f"interface flow0 {{ mode native; on-failure {on_failure}; }}")
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text)


def limit(octets):
    """Of the daemon and of what it starts from now on."""
    resource.prlimit(box.daemon.pid, resource.RLIMIT_AS, (octets, resource.RLIM_INFINITY))


def arrive(port=10, wait_s=0.3):
    """Whether an IP packet comes through. ARP does in any case, and shows that the cable works."""
    into, out = box.receiver(SPORT), box.sender()
    out.send(b.udp_frame(b.BOX, SPORT, port))
    end, found = time.monotonic() + wait_s, False
    while time.monotonic() < end and not found:
        try:
            into.recv(2048)
            found = True
        except BlockingIOError:
            time.sleep(0.005)
    into.close()
    out.close()
    return found


def arp_arrives():
    into, out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0), box.sender()
    into.bind(("flow0", 0x806))
    into.settimeout(b.WAIT_S)
    out.send(b"\xff" * 6 + b"\x02\0\0\0\0\x01" + b"\x08\x06" + bytes(46))
    into.recv(2048)
    into.close()
    out.close()


def start_without_gate():
    """The limit is there before the first gate is: it is the daemon's own as it starts."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (SMALL, before[1]))
    try:
        box.spawn()
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    box.until("ctrl answers without a gate", lambda: not box.once("Health")["parameters"]["ok"])
    box.until("a gate has failed", lambda: log_count("gate ended") > 0)


def log_count(text):
    with open(box.log, encoding="utf-8", errors="replace") as log:
        return log.read().count(text)


def stop():
    box.daemon.terminate()
    box.daemon.wait()
    b.shell(f"{box.flowgated} --remove --config {box.mount}")
    if box.line is not None:
        box.line.close()
        box.line = None
    os.unlink(box.log)


def test_open_passes():
    configure("open")
    start_without_gate()
    b.holds("open: IP passes", arrive())
    stop()


def test_closed_drops_until_the_gate_comes():
    configure("closed")
    start_without_gate()
    b.holds("closed: no IP packet passes", not arrive())
    arp_arrives()
    problems = " ".join(box.once("Health")["parameters"]["problems"])
    b.holds("health says so", "flow0: on-failure closed" in problems, problems)
    limit(resource.RLIM_INFINITY)
    box.healthy()
    b.check("the gate took the link over", box.port()["mode"], "native")
    b.holds("what nobody filters passes", arrive())
    box.add(RULE)
    b.holds("what is filtered does not", not arrive(BLOCKED))
    box.call("Flush")
    b.holds("and passes behind a flush", arrive(BLOCKED))
    stop()
    b.holds("enforcement is taken away", arrive())


def test_reload_without_a_gate():
    configure("open")
    start_without_gate()
    b.holds("open", arrive())
    configure("closed")
    box.daemon.send_signal(signal.SIGHUP)
    box.until("closed", lambda: not arrive())
    configure("open")
    box.daemon.send_signal(signal.SIGHUP)
    box.until("open again", arrive)
    stop()


def test_dies_again_and_again():
    """A crash loop at boot: closed all the while."""
    configure("closed")
    start_without_gate()
    while log_count("gate ended") < 5:
        b.holds("nothing passes", not arrive(wait_s=0.05))
    b.holds("it was tried again and again", log_count("gate ended") >= 5)
    stop()


def test_a_port_that_cannot_be_used():
    """The loopback interface has no native XDP: closed all the same, whatever becomes of the others."""
    configure("open", "interface lo { mode native; on-failure closed; }")
    box.spawn()
    box.until("flow0 is attached, lo is not", lambda: [p["mode"] for p in box.once("Status")["parameters"]["ports"]] == ["native", "none"])
    lo = box.call("Status")["ports"][1]
    b.holds("why", lo["reason"] == "no-native" and "closed: no IP packet passes" in lo["detail"], lo)
    b.holds("nothing passes there", not loops())
    b.holds("the other is open", arrive())
    configure("open")
    box.daemon.send_signal(signal.SIGHUP)
    box.healthy()
    box.until("let go", loops)
    stop()


def loops():
    into, out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    into.bind(("127.0.0.1", 0))
    into.settimeout(0.3)
    out.sendto(b"x", into.getsockname())
    try:
        return into.recv(1) == b"x"
    except TimeoutError:
        return False
    finally:
        into.close()
        out.close()


def test_a_pair_without_a_gate():
    """Nothing is forwarded between the two without a program, closed or open; closed, the box itself hears nothing of it either."""
    b.shell("ip link add pair0 type veth peer name pair1 && ip link set pair0 up && ip link set pair1 up")
    try:
        for on_failure in ("open", "closed"):
            configure("open", f"port-pair flow0 pair0 {{ mode native; on-failure {on_failure}; }}")
            with open(box.mount, encoding="ascii") as conf:
                text = conf.read().replace("interface flow0 { mode native; on-failure open; }\n", "")
            with open(box.mount, "w", encoding="ascii") as conf:
                conf.write(text)
            start_without_gate()
            far = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            far.bind(("pair1", 0x800))
            b.check(f"{on_failure}: the box hears it", arrive(), on_failure == "open")
            far.settimeout(0.3)
            try:
                raise AssertionError(f"forwarded: {far.recv(2048)!r}")
            except TimeoutError:
                pass
            far.close()
            stop()
    finally:
        b.shell("ip link delete pair0")


b.run_all([test_open_passes, test_closed_drops_until_the_gate_comes, test_reload_without_a_gate, test_dies_again_and_again,
           test_a_port_that_cannot_be_used, test_a_pair_without_a_gate], box)
