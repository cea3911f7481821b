#!/usr/bin/env python3
"""From SIGKILL of flowgate-dpdk to forwarding again, seen on the wire (bench/LIVE.md): dpdk_again.py BUILD af_packet|af_xdp huge|small [ROUNDS].
Needs root; in namespaces of its own. Pairs of packets flow all the while, one to be dropped and one to pass."""
import os
import signal
import statistics
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tests", "e2e"))
import box as b  # noqa: E402
import dpdk_box  # noqa: E402

build, device, pages = os.path.realpath(sys.argv[1]), sys.argv[2], sys.argv[3]
rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
SPORT, EACH_S, KILL_AT_S, PAUSE_S = 7000, 2.5, 0.3, 0.0005
WORKED_S = 6  # so long it must have run to be started again at once


class Box(dpdk_box.DpdkBox):
    def configure(self, *words, **more):
        super().configure(*words, **more)
        with open(self.mount, encoding="ascii") as file:
            text = file.read()
        if pages == "huge":
            text = text.replace("--no-huge --no-shconf -m 192", "--in-memory -m 256")
        with open(self.mount, "w", encoding="ascii") as file:
            file.write(text.replace("cores 0;", "cores 1;"))


def frame_to(port):
    return b.udp_frame(b.BOX, SPORT, port, bytes(8))[:-8]


class Round:
    """Counts what comes through, and the longest time in which nothing did."""

    def __init__(self):
        self.sent = self.got = 0
        self.last, self.gap = time.monotonic(), 0

    def send(self):
        for frame in (DROP, PASS):
            try:
                out.send(frame + struct.pack("!Q", self.sent))
            except OSError:
                pass  # a full queue is a lost packet
        self.sent += 1

    def take(self, until):
        while time.monotonic() < until:
            try:
                frame = into.recv(2048)
            except BlockingIOError:
                continue
            now = time.monotonic()
            b.check("the port of what comes through", struct.unpack_from("!H", frame, 36)[0], b.PASS_PORT)
            self.got += 1
            self.gap, self.last = max(self.gap, now - self.last), now

    def run(self):
        start, pid = time.monotonic(), box.dataplane()["pid"]
        while (now := time.monotonic()) - start < EACH_S:
            self.send()
            if pid is not None and now - start > KILL_AT_S:
                os.kill(pid, signal.SIGKILL)
                pid = None
            self.take(now + PAUSE_S)
        self.take(time.monotonic() + 0.2)
        print(f"{self.gap * 1000:.0f} ms, {self.sent - self.got} of {self.sent} lost", flush=True)
        return self.gap * 1000


b.namespaces()
box = Box(os.path.join(build, "flowgated"), device=device)
box.start()
box.add(f"name D match destination {b.BOX}/32 protocol udp destination-port {b.DROP_PORT} then discard")
out, into, DROP, PASS = box.sender(), box.receiver(SPORT), frame_to(b.DROP_PORT), frame_to(b.PASS_PORT)
gaps = []
for _ in range(rounds):
    time.sleep(WORKED_S)
    gaps.append(Round().run())
print(f"| {device}, {pages} pages | {min(gaps):.0f} | {statistics.median(gaps):.0f} | {max(gaps):.0f} |")
