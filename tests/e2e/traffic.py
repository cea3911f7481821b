"""Packets for the tests of the daemon. traffic.py receive ADDRESS FILE PORT…: counts datagrams by port into FILE until SIGTERM.
traffic.py send ADDRESS SECONDS RATE PORT…: sends to each port in turn, and prints how many it sent to each."""
import contextlib
import json
import select
import signal
import socket
import sys
import time

SO_RCVBUFFORCE = 33


def receive(address, file, ports):
    counts, sockets = {p: 0 for p in ports}, {}
    for port in ports:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)  # what is lost here must not look like what is lost on the way
        s.bind((address, port))
        s.setblocking(False)
        sockets[s] = port
    running = [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    print("ready", flush=True)
    # What has come before the signal may lie in a socket yet, or in the kernel: the end is when nothing comes any more.
    while (ready := select.select(list(sockets), [], [], 0.3)[0]) or running:
        for s in ready:
            with contextlib.suppress(BlockingIOError):
                while True:
                    s.recv(2048)
                    counts[sockets[s]] += 1
    with open(file, "w", encoding="ascii") as out:
        json.dump(counts, out)


def send(address, seconds, rate, ports):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent, start, n = {p: 0 for p in ports}, time.monotonic(), 0
    while time.monotonic() - start < seconds:
        # Late packets do not come all at once: the ring of a veth holds 256, and a burst would be lost by it and not by us.
        due = min(int((time.monotonic() - start) * rate), n + 16)
        while n < due:
            for port in ports:
                s.sendto(b"x" * 64, (address, port))
                sent[port] += 1
            n += 1
        time.sleep(0.001)
    print(json.dumps(sent))


if sys.argv[1] == "receive":
    receive(sys.argv[2], sys.argv[3], [int(p) for p in sys.argv[4:]])
else:
    send(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), [int(p) for p in sys.argv[5:]])
