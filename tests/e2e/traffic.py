"""Packets for the tests of the daemon. traffic.py receive ADDRESS FILE PORT…: counts datagrams by port into FILE until SIGTERM.
traffic.py send ADDRESS SECONDS RATE PORT…: sends to each port in turn, and prints how many it sent to each."""
import json
import select
import signal
import socket
import sys
import time


def receive(address, file, ports):
    counts, sockets = {p: 0 for p in ports}, {}
    for port in ports:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        s.bind((address, port))
        s.setblocking(False)
        sockets[s] = port
    running = [True]
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    print("ready", flush=True)
    while running:
        for s in select.select(list(sockets), [], [], 0.1)[0]:
            try:
                while True:
                    s.recv(2048)
                    counts[sockets[s]] += 1
            except BlockingIOError:
                pass
    with open(file, "w", encoding="ascii") as out:
        json.dump(counts, out)


def send(address, seconds, rate, ports):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sent, start, n = {p: 0 for p in ports}, time.monotonic(), 0
    while time.monotonic() - start < seconds:
        due = int((time.monotonic() - start) * rate)
        while n < due:
            for port in ports:
                s.sendto(b"x" * 64, (address, port))
                sent[port] += 1
            n += 1
        time.sleep(0.002)
    print(json.dumps(sent))


if sys.argv[1] == "receive":
    receive(sys.argv[2], sys.argv[3], [int(p) for p in sys.argv[4:]])
else:
    send(sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), [int(p) for p in sys.argv[5:]])
