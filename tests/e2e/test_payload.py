#!/usr/bin/env python3
"""Payload patterns across real traffic: test_payload.py FLOWGATE

A namespace of its own has its loopback watched while HTTP, DNS-like and binary exchanges run over the kernel's own TCP and UDP, IPv4 and IPv6. Then
`flowgate replay` says of each packet which of the patterns it has, and so does a reference: Python's re on the payload that the code
below cuts out by itself. Both must say the same, also with packets made by hand: VLAN tags, options, chains, fragments, padding, a capture
cut short. Exits 77 where there can be no namespace.
"""
import http.server
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import captures  # noqa: E402

SCANNED = 1500
# Hyperscan's text, and what re wants of it: where the two differ in spelling alone.
PATTERNS = [
    ("/GET \\/[a-z]+/", rb"GET /[a-z]+", 0),
    ("/host:\\s+127/i", rb"host:\s+127", re.I),
    ("/^HTTP\\/1\\.[01] 200/", rb"\AHTTP/1\.[01] 200", 0),
    ("/^Content-Type: text/m", rb"^Content-Type: text", re.M),
    ("/\\r\\n\\r\\n$/", rb"\r\n\r\n\Z", 0),
    ("/user.{0,200}close/si", rb"user.{0,200}close", re.S | re.I),
    ("/\\x00\\x01\\x00\\x00/", rb"\x00\x01\x00\x00", 0),
    ("/(?i)evil|attack[0-9]{2,4}/", rb"evil|attack[0-9]{2,4}", re.I),
    ("/[\\xf0-\\xff]{4}/", rb"[\xf0-\xff]{4}", 0),
    ("/\\bword\\b/", rb"\bword\b", 0),
    ("/a[^b]*b{3}c/", rb"a[^b]*b{3}c", 0),
    ("/(a+)+!/", rb"a!", 0),
    ("/end$/", rb"end(?=\n?\Z)", 0),
    ("/x y # nothing\\x41/x", rb"xy", 0),
    ("tail of the frame", rb"tail of the frame", 0),
]


def payload(frame, captured):
    """(what is there of the payload, it goes on) or None: there is none."""
    at, kind = 14, frame[12:14]
    while kind in (b"\x81\x00", b"\x88\xa8"):
        kind, at = frame[at + 2:at + 4], at + 4
    if kind == b"\x08\x00":
        end, protocol, offset = at + struct.unpack("!H", frame[at + 2:at + 4])[0], frame[at + 9], struct.unpack("!H", frame[at + 6:at + 8])[0]
        if offset & 0x1FFF:
            return None
        at += (frame[at] & 15) * 4
    elif kind == b"\x86\xdd":
        end, protocol = at + 40 + struct.unpack("!H", frame[at + 4:at + 6])[0], frame[at + 6]
        at += 40
        while protocol in (0, 43, 44, 60):
            if protocol == 44 and struct.unpack("!H", frame[at + 2:at + 4])[0] & 0xFFF8:
                return None
            protocol, at = frame[at], at + (8 if protocol == 44 else 8 + 8 * frame[at + 1])
    else:
        return None
    if protocol == 17:
        at += 8
    elif protocol == 6:
        if at + 13 > captured:
            return None
        at += (frame[at + 12] >> 4) * 4
    there = frame[at:min(end, captured, at + SCANNED)]
    return (there, at + len(there) < end) if there else None


def finds(octets, goes_on, text, flags):
    """Where the payload goes on, an octet must follow what is found, and two where a line could seem to end there by being cut."""
    behind = 0 if not goes_on else 2 if octets.endswith(b"\n") else 1
    return re.search(b"(?:" + text + b")(?s:(?=.{%d}))" % behind, octets, flags) is not None


def made():
    """Frames by hand, with the octets captured of each (None: all)."""
    def udp(octets):
        return struct.pack("!HHHH", 53, 4000, 8 + len(octets), 0) + octets

    evil = b"some evil word here, attack123 end"
    yield captures.frame(captures.ipv4("203.0.113.7", 17, udp(evil))), None
    yield captures.frame(captures.ipv4("203.0.113.7", 17, udp(evil)), tags=[0x88A8, 0x8100]), None
    yield captures.frame(captures.ipv4("203.0.113.7", 17, udp(evil), options=bytes([1]) * 12)), None
    yield captures.frame(captures.ipv4("203.0.113.7", 17, udp(b"nothing"))) + b"tail of the frame, evil", None  # padding
    yield captures.frame(captures.ipv4("203.0.113.7", 17, udp(evil), fragment=0x2000)), None
    yield captures.frame(captures.ipv4("203.0.113.7", 17, udp(evil), fragment=2)), None
    yield captures.frame(captures.ipv4("203.0.113.7", 47, evil)), None
    yield captures.frame(captures.ipv4("203.0.113.7", 6, captures.tcp(1, 80, 0x18) + evil)), None
    yield captures.frame(captures.ipv4("203.0.113.7", 6, captures.tcp(1, 80, 0x18)[:12] + b"\xf0" + captures.tcp(1, 80, 0x18)[13:] + evil * 2)), None
    yield captures.frame(captures.ipv6(60, bytes([17, 0] + [0] * 6) + udp(evil)), 0x86DD), None
    yield captures.frame(captures.ipv6(44, bytes([17, 0, 0, 1, 0, 0, 0, 1]) + udp(evil)), 0x86DD), None
    yield captures.frame(captures.ipv6(44, bytes([17, 0, 0, 9, 0, 0, 0, 1]) + udp(evil)), 0x86DD), None
    for n in range(SCANNED - 8, SCANNED + 4):  # at the end of what is looked at
        for ending in (b" word", b" end", b" end\n", b"evil", b"aabbbc"):
            for more in (b"", b"\n", b"x", b" and more"):
                yield captures.frame(captures.ipv4("203.0.113.7", 17, udp(b"-" * (n - len(ending)) + ending + more))), None
    whole = captures.frame(captures.ipv4("203.0.113.7", 17, udp(evil)))
    for n in range(34, len(whole)):
        yield whole, n
    for size in (1, 2, 64, 1460):
        yield captures.frame(captures.ipv4("203.0.113.7", 17, udp((b"axyabbbc\xff\xfe\xf0\xf1 aaa! word " * 60)[:size]))), None


def traffic():
    """What a browser, a server and a resolver have to say to each other, as the kernel sends it."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = (self.path.encode() + b" attack77 word\n") * 50
            self.send_response(200)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words):
            pass

    class Server(http.server.ThreadingHTTPServer):
        address_family = socket.AF_INET6

    server = Server(("::", 8080), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    for host in ("127.0.0.1", "[::1]"):
        for path in ("index", "evil", "a/b?c=axy", "EVIL%20end"):
            urllib.request.urlopen(f"http://{host}:8080/{path}").read()
    server.shutdown()
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            for octets in (b"\x12\x34\x00\x01\x00\x00word\x00", b"x y", b"x\ny the end", b"the end\n", bytes(range(256)) * 4, b"w", b"a" * 1400 + b"!"):
                s.sendto(octets, (address, 5353))


def watched():
    """Frames that the loopback saw meanwhile."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as s:
        s.bind(("lo", 0))
        s.settimeout(0.5)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 23)
        traffic()
        frames = []
        try:
            while True:
                octets, address = s.recvfrom(1 << 18)
                if address[2] != socket.PACKET_OUTGOING:  # loopback shows each twice
                    frames.append(octets)
        except TimeoutError:
            return frames


def main():
    flowgate = os.path.realpath(sys.argv[1])
    if os.environ.get("FG_TEST_INSIDE") is None:
        r = subprocess.run(["unshare", "-rn", "true"], check=False)
        if r.returncode != 0:
            print("no namespace to be had here")
            return 77
        return subprocess.run(["unshare", "-rn", sys.executable, "-B", *sys.argv], env={**os.environ, "FG_TEST_INSIDE": "1"}, check=False).returncode
    packets = [(f, len(f)) for f in watched()] + [(f, n or len(f)) for f, n in made()]
    with tempfile.TemporaryDirectory() as work:
        with open(work + "/seen.pcap", "wb") as out:
            out.write(captures.pcap(1, [(i, f, n) for i, (f, n) in enumerate(packets)]))
        with open(work + "/rules", "w", encoding="utf-8") as out:
            for i, (text, _, _) in enumerate(PATTERNS):
                for family in ("ipv4", "ipv6"):
                    out.write(f'name {family}-{i} match family {family} protocol >=0 payload "{text}" then continue\n')
        told = subprocess.run([flowgate, "replay", "--json", "--rules", work + "/rules", "--read", work + "/seen.pcap"], capture_output=True, check=False)
        verdicts = [json.loads(line) for line in told.stdout.splitlines()]
    if told.returncode != 0 or len(verdicts) != len(packets) + 1:
        print("replay exits with", told.returncode, told.stderr.decode())
        return 1
    wrong, hits = 0, [0] * len(PATTERNS)
    for (frame, captured), verdict in zip(packets, verdicts):
        there = payload(frame[:captured], captured)
        want = [i for i, (_, text, flags) in enumerate(PATTERNS) if there is not None and finds(*there, text, flags)]
        got = sorted(int(name.split("-")[1]) for name in verdict["rules"])
        for i in want:
            hits[i] += 1
        if got != want:
            wrong += 1
            print("packet", verdict["n"], "has", want, "and replay says", got, frame[:captured].hex()[:200])
    print(len(packets), "packets,", len(PATTERNS), "patterns, found:", hits)
    if any(n == 0 for n in hits[:-1]) or hits[-1] != 0:
        print("a pattern was never there, or padding was looked at")
        wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
