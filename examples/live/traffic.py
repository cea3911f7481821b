#!/usr/bin/env python3
"""Traffic of the live demo, as real packets in network namespaces.

  traffic.py attack SECONDS RATE    the flood: forged DNS answers to 203.0.113.7, a third of them in fragments. Prints how many packets were sent.
  traffic.py clients SECONDS        what must go on: DNS queries over UDP and TCP. Prints "ASKED ANSWERED".
  traffic.py server                 the DNS server at 203.0.113.7, until it is ended.
  traffic.py count FILE             counts attack packets that reach this namespace, keeps the number in FILE.
"""
import os
import socket
import struct
import sys
import threading
import time

SERVER = "203.0.113.7"
RESOLVERS = [f"198.18.{i}.{7 * i % 250 + 1}" for i in range(64)]  # forged sources
CLIENTS = [f"198.19.0.{i}" for i in range(10, 20)]  # addresses the clients have
MORE = 0x2000
QUERY = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03com\x00\x00\x01\x00\x01"


def packet(source, length, transport, fragment=0, number=0):
    """One IPv4 packet of that total length. The kernel fills in the checksum."""
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, length, number, fragment, 57, socket.IPPROTO_UDP, 0, socket.inet_aton(source),
                         socket.inet_aton(SERVER))
    return (header + transport).ljust(length, b"\0")


def flood():
    """Packets of the attack, made once: two answers of 1200 to 1500 octets for each that comes in three fragments."""
    packets = []
    for i, source in enumerate(RESOLVERS):
        for k in range(2):
            length = 1200 + (i * 37 + k * 111) % 300
            packets.append(packet(source, length, struct.pack("!HHHH", 53, 1024 + 13 * i + k, length - 20, 0)))
        packets.append(packet(source, 1500, struct.pack("!HHHH", 53, 2000 + i, 3100, 0), MORE, i + 1))
        packets.append(packet(source, 1500, b"", MORE | 1480 // 8, i + 1))
        packets.append(packet(source, 160, b"", 2960 // 8, i + 1))
    return packets


def attack(seconds, rate):
    out = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    packets, sent, start = flood(), 0, time.monotonic()
    while (now := time.monotonic() - start) < seconds:
        for _ in range(int(now * rate) - sent):
            out.sendto(packets[sent % len(packets)], (SERVER, 0))
            sent += 1
        time.sleep(0.002)
    print(sent)


def ask_udp(source):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(1)
        s.bind((source, 0))
        s.sendto(QUERY, (SERVER, 53))
        return len(s.recv(512)) > 0


def ask_tcp(source):
    with socket.socket() as s:
        s.settimeout(1)
        s.bind((source, 0))
        s.connect((SERVER, 53))
        s.sendall(struct.pack("!H", len(QUERY)) + QUERY)
        return len(s.recv(512)) > 0


def clients(seconds):
    asked, answered, start = 0, 0, time.monotonic()
    while time.monotonic() - start < seconds:
        for source in CLIENTS:
            asked += 1
            try:
                answered += (ask_tcp if asked % 5 == 0 else ask_udp)(source)
            except OSError:
                pass
        time.sleep(0.05)
    print(asked, answered)


def serve_tcp():
    listener = socket.create_server((SERVER, 53))
    while True:
        with listener.accept()[0] as s:
            s.sendall(s.recv(512))


def server():
    threading.Thread(target=serve_tcp, daemon=True).start()
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((SERVER, 53))
    while True:
        query, source = s.recvfrom(2048)
        s.sendto(query, source)


def is_attack(ip):
    return ip[12:14] == b"\xc6\x12" and ip[16:20] == socket.inet_aton(SERVER) and ip[9] == socket.IPPROTO_UDP


def count(path):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
    s.settimeout(0.05)
    reached, written = 0, -1
    while True:
        try:
            reached += is_attack(s.recv(20, socket.MSG_TRUNC))
        except TimeoutError:
            if reached != written:
                with open(path + ".new", "w", encoding="ascii") as out:
                    out.write(f"{reached}\n")
                os.rename(path + ".new", path)
                written = reached


WORDS = {"attack": (attack, float, float), "clients": (clients, float), "server": (server,), "count": (count, str)}
if len(sys.argv) < 2 or sys.argv[1] not in WORDS or len(sys.argv) != 1 + len(WORDS[sys.argv[1]]):
    sys.exit(__doc__)
run, *types = WORDS[sys.argv[1]]
run(*(kind(word) for kind, word in zip(types, sys.argv[2:])))
