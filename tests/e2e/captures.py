#!/usr/bin/env python3
"""Captures for test_cli.sh, the same each time: captures.py FOLDER writes all.pcap, all.pcapng, raw.pcap, hostile.pcap, unknown.pcap …

all.pcap has one packet of each kind that the header walk tells apart, then packets that rates, marks and redirects are for. Its order is that of
tests/golden/replay.out. encapsulated.pcap and encapsulated6.pcap have one TCP and one ICMP packet in every form that the header walk knows.
"""
import struct
import sys

TCP, UDP, ICMP, FRAGMENT_HEADER = 6, 17, 1, 44
ETHERNET, RAW, BLUETOOTH = 1, 101, 187
SECOND = 10**6


def checksum(header):
    total = sum(struct.unpack("!%dH" % (len(header) // 2), header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(dst, protocol, payload, length=None, fragment=0, options=b"", tos=0):
    words = 5 + len(options) // 4
    length = 20 + len(options) + len(payload) if length is None else length

    def header(check):
        return struct.pack("!BBHHHBBH", 0x40 | words, tos, length, 7, fragment, 64, protocol, check) + bytes([198, 51, 100, 9]) + \
            bytes(int(p) for p in dst.split(".")) + options

    return header(checksum(header(0))) + payload


def ipv6(next_header, payload, label=0):
    address = bytes.fromhex("20010db8") + bytes(11)
    return struct.pack("!IHBB", 6 << 28 | label, len(payload), next_header, 64) + address + b"\1" + address + b"\2" + payload


def udp(sport, dport, octets):
    return struct.pack("!HHHH", sport, dport, 8 + octets, 0) + bytes(octets)


def tcp(sport, dport, flags):
    return struct.pack("!HHIIHHHH", sport, dport, 1, 0, 0x5000 | flags, 1000, 0, 0)


def frame(packet, ethertype=0x0800, tags=()):
    tag = b"".join(struct.pack("!HH", t, 5) for t in tags)
    return (bytes(12) + tag + struct.pack("!H", ethertype) + packet).ljust(60, b"\0")


DNS = ipv4("203.0.113.7", UDP, udp(53, 4000, 1172))  # 1200 octets
EXTENSIONS = bytes([60, 0] + [0] * 6) + bytes([TCP, 1] + [0] * 14)  # hop by hop, then destination options
LOOP = b"".join(bytes([60, 0] + [0] * 6) for _ in range(8)) + bytes([TCP, 0] + [0] * 6)

all_packets = [  # microseconds, frame, octets captured (None: all)
    (0, frame(DNS), None),
    (1, frame(DNS, tags=[0x8100]), None),
    (2, frame(DNS, tags=[0x88A8, 0x8100]), None),
    (3, frame(DNS, tags=[0x88A8, 0x8100, 0x8100]), None),  # one tag too many: not IP
    (4, frame(bytes(28), ethertype=0x0806), None),
    (5, frame(ipv4("203.0.113.7", UDP, udp(53, 4000, 1172), length=0)), None),
    (6, frame(ipv4("203.0.113.7", UDP, udp(53, 4000, 1168), options=bytes([1, 1, 1, 0]))), None),
    (7, frame(ipv4("203.0.113.7", UDP, udp(53, 4000, 1172), fragment=0x2000)), None),
    (8, frame(ipv4("203.0.113.7", UDP, bytes(1180), fragment=148)), None),
    (9, frame(DNS), 38),  # cut behind the ports
    (10, frame(DNS), 36),  # cut within them: not malformed, and no ports
    (11, frame(ipv4("203.0.113.7", ICMP, bytes([8, 0, 0, 0]) + bytes(1180))), None),
    (12, frame(ipv4("203.0.113.7", UDP, udp(53, 4000, 2))), None),  # padding does not count
    (13, frame(ipv6(0, EXTENSIONS + tcp(1, 80, 2)), 0x86DD), None),
    (14, frame(ipv6(TCP, tcp(1, 80, 0x12)), 0x86DD), None),
    (15, frame(ipv6(60, LOOP + tcp(1, 80, 2)), 0x86DD), None),  # nine extension headers
    (16, frame(ipv6(FRAGMENT_HEADER, bytes([TCP, 0, 0, 0, 0, 0, 0, 1]) + tcp(1, 80, 2)), 0x86DD), None),  # atomic
    (SECOND, frame(ipv4("203.0.113.8", UDP, udp(1, 2, 59972))), None),  # 60000 octets of a bucket of 65575
    (SECOND + 1, frame(ipv4("203.0.113.8", UDP, udp(1, 2, 59972))), None),
    (SECOND + 2, frame(ipv4("203.0.113.8", UDP, udp(1, 2, 100))), None),  # the one before took nothing
    (9 * SECOND, frame(ipv4("203.0.113.9", UDP, udp(1, 2, 100))), None),
    (9 * SECOND + SECOND // 2, frame(ipv4("203.0.113.9", UDP, udp(1, 2, 100))), None),
    (10 * SECOND, frame(ipv4("203.0.113.9", UDP, udp(1, 2, 100))), None),
    (11 * SECOND, frame(ipv4("203.0.113.10", UDP, udp(1, 5000, 100), tos=3)), None),
    (11 * SECOND + 1, frame(ipv4("203.0.113.10", UDP, udp(1, 5000, 100), tos=0x28)), None),
    (11 * SECOND + 2, frame(ipv4("203.0.113.11", UDP, udp(1, 6000, 100))), None),
    (11 * SECOND + 3, frame(ipv4("203.0.113.11", UDP, udp(1, 7000, 100))), None),
    (11 * SECOND + 4, frame(ipv4("198.51.100.1", UDP, udp(1, 53, 1172))), None),
]


def encapsulated():
    """TCP and ICMP in turn: the same addresses, ports, flags, DSCP and total length of 300 octets in each form."""
    forms = [((), b"", 0), ((0x8100,), b"", 0), ((0x88A8, 0x8100), b"", 0), ((0x8100, 0x8100), b"", 0), ((), b"", 40)]
    forms += [((), bytes([1]) * 4 * words, 0) for words in range(1, 11)] + [((0x88A8, 0x8100), bytes([1]) * 40, 40)]
    for tags, options, padding in forms:
        room = 280 - len(options)
        for protocol, headers in ((TCP, tcp(1024, 443, 2)), (ICMP, bytes([8, 3, 0, 0]))):
            packet = ipv4("203.0.113.7", protocol, headers.ljust(room, b"\0"), fragment=0x4000, options=options, tos=46 << 2)
            yield frame(packet, tags=tags) + bytes(padding)


def encapsulated6():
    """Likewise, behind extension headers."""
    def header(kind, following):
        if kind == FRAGMENT_HEADER:
            return bytes([following, 0, 0, 0, 0, 0, 0, 1])
        return bytes([following, 2]) + bytes(14 if kind == 51 else 22)  # 51 counts in words of four octets

    chains = [[], [0], [43], [60], [51], [135], [139], [140], [FRAGMENT_HEADER], [0, 60, 43, FRAGMENT_HEADER, 51, 60], [60] * 8]
    forms = [(chain, (), 0) for chain in chains] + [([0], (0x8100,), 0), ([60, 43], (0x88A8, 0x8100), 40)]
    for chain, tags, padding in forms:
        for protocol, headers in ((TCP, tcp(1024, 443, 2)), (58, bytes([128, 3, 0, 0]))):
            kinds = chain + [protocol]
            before = b"".join(header(kind, following) for kind, following in zip(kinds, kinds[1:]))
            yield frame(ipv6(kinds[0], (before + headers).ljust(260, b"\0"), label=(46 << 2) << 20 | 2013), 0x86DD, tags) + bytes(padding)


def hostile():
    """Packets of every kind while the clock jumps to its end and back."""
    end = (2**32 - 1) * SECOND
    for i in range(60):
        for at in (0, end, i * SECOND, end - i, i):
            yield at, all_packets[i % len(all_packets)][1], None


def pcap(link_type, packets, magic=0xA1B2C3D4, scale=1):
    out = struct.pack("<IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)
    for at, octets, kept in packets:
        kept = octets[:kept]
        out += struct.pack("<IIII", at // SECOND, at % SECOND * scale, len(kept), len(octets)) + kept
    return out


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)


def pcapng(link_type, packets):
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", link_type, 0, 262144))
    for at, octets, kept in packets:
        kept = octets[:kept]
        out += block(6, struct.pack("<IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(kept), len(octets)) + kept)
    return out


def main():
    whole = pcap(ETHERNET, all_packets)
    files = {
        "all.pcap": whole,
        "nano.pcap": pcap(ETHERNET, all_packets, 0xA1B23C4D, 1000),
        "all.pcapng": pcapng(ETHERNET, all_packets),
        "raw.pcap": pcap(RAW, [(0, DNS, None), (1, ipv6(TCP, tcp(1, 80, 2)), None), (2, b"\x70" + bytes(30), None)]),
        "one.pcap": pcap(ETHERNET, all_packets[:1]),
        "encapsulated.pcap": pcap(ETHERNET, [(i, octets, None) for i, octets in enumerate(encapsulated())]),
        "encapsulated6.pcap": pcap(ETHERNET, [(i, octets, None) for i, octets in enumerate(encapsulated6())]),
        "hostile.pcap": pcap(ETHERNET, hostile()),
        "empty.pcap": pcap(ETHERNET, []),
        "cut-header.pcap": whole[:10],
        "cut-record.pcap": whole[:24 + 16 + len(all_packets[0][1]) + 8],
        "cut-packet.pcap": whole[:-50],
        "unknown.pcap": pcap(BLUETOOTH, all_packets[:1]),
        "garbage.pcap": bytes((i * 7919 >> 3) & 255 for i in range(5000)),
    }
    for name, octets in files.items():
        with open(sys.argv[1] + "/" + name, "wb") as out:
            out.write(octets)


if __name__ == "__main__":
    main()
