# SPDX-License-Identifier: BSD-3-Clause
"""A BGP speaker for tests: it says exactly the octets it is told, right or wrong, which no daemon would."""
import select
import socket
import struct
import time

MARKER = b'\xff' * 16
OPEN, UPDATE, NOTIFICATION, KEEPALIVE, REFRESH = 1, 2, 3, 4, 5
FLOWSPEC = 133
IP_MINTTL = 21
TCP_MD5SIG = 14


def message(kind, body=b''):
    return MARKER + struct.pack('!HB', 19 + len(body), kind) + body


def capability(code, value=b''):
    return bytes([code, len(value)]) + value


def open_body(asn, router_id, hold=90, restart=None, families=((1, FLOWSPEC), (2, FLOWSPEC)), extended=False):
    caps = b''.join(capability(1, struct.pack('!HBB', afi, 0, safi)) for afi, safi in families)
    caps += capability(65, struct.pack('!I', asn)) + capability(2) + capability(70)
    if extended:
        caps += capability(6)
    if restart is not None:
        caps += capability(64, struct.pack('!H', restart) + b''.join(struct.pack('!HBB', afi, safi, 0x80) for afi, safi in families))
    return struct.pack('!BHH4sB', 4, asn if asn < 65536 else 23456, hold, socket.inet_aton(router_id), len(caps) + 2) + bytes([2, len(caps)]) + caps


def attribute(flags, kind, value):
    if len(value) > 255 or flags & 0x10:
        return struct.pack('!BBH', flags | 0x10, kind, len(value)) + value
    return struct.pack('!BBB', flags, kind, len(value)) + value


def nlri(components):
    return (bytes([len(components)]) if len(components) < 240 else struct.pack('!H', 0xf000 | len(components))) + components


def announce(asn, octets, communities=b'', afi=1, more=b'', safi=FLOWSPEC):
    """`octets`: NLRIs with their lengths; `communities`: extended ones; `more`: attributes."""
    attributes = attribute(0x80, 14, struct.pack('!HBBB', afi, safi, 0, 0) + octets) + attribute(0x40, 1, b'\0')
    attributes += attribute(0x40, 2, struct.pack('!BBI', 2, 1, asn))
    if communities:
        attributes += attribute(0xc0, 16, communities)
    attributes += more
    return message(UPDATE, struct.pack('!HH', 0, len(attributes)) + attributes)


def withdraw(octets, afi=1, safi=FLOWSPEC):
    attributes = attribute(0x80, 15, struct.pack('!HB', afi, safi) + octets)
    return message(UPDATE, struct.pack('!HH', 0, len(attributes)) + attributes)


DISCARD = bytes.fromhex('8006000000000000')


class Speaker:
    """One session. `of`: a connected socket."""

    def __init__(self, of, asn, router_id, body=None, **how):
        self.socket, self.asn, self.inbox = of, asn, b''
        self.opened = None
        self.socket.sendall(message(OPEN, open_body(asn, router_id, **how) if body is None else body))

    @classmethod
    def dial(cls, address, asn, router_id, source=None, port=179, md5=None, ttl=None, least=None, wait=10, **how):
        of = socket.socket()
        of.settimeout(wait)
        if source:
            of.bind((source, 0))
        if md5:  # RFC 2385
            of.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, struct.pack("=HH4s120xBBHI80s", socket.AF_INET, 0, socket.inet_aton(address), 0, 0,
                                                                      len(md5), 0, md5))
        if ttl:
            of.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        if least:  # of what comes, the answer to SYN included
            of.setsockopt(socket.IPPROTO_IP, IP_MINTTL, least)
        of.connect((address, port))
        return cls(of, asn, router_id, **how)

    def read(self, wait=5.0):
        """The next message as (kind, body); None: nothing came in time; EOFError: the other side has closed."""
        until = time.monotonic() + wait
        while True:
            if len(self.inbox) >= 19:
                octets, kind = struct.unpack('!HB', self.inbox[16:19])
                if len(self.inbox) >= octets:
                    body, self.inbox = self.inbox[19:octets], self.inbox[octets:]
                    return kind, body
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            try:
                got = self.socket.recv(65536)
            except ConnectionError as e:
                raise EOFError from e
            if not got:
                raise EOFError
            self.inbox += got

    def establish(self, wait=10.0):
        """Goes on until both have sent OPEN and KEEPALIVE."""
        until = time.monotonic() + wait
        while time.monotonic() < until:
            got = self.read(until - time.monotonic())
            assert got, 'no OPEN'
            assert got[0] in (OPEN, KEEPALIVE), f'{got[0]}: {got[1].hex()}'
            if got[0] == OPEN:
                self.opened = got[1]
                self.keepalive()
            elif self.opened is not None:
                return self
        raise AssertionError('not established')

    def send(self, octets):
        self.socket.sendall(octets)

    def keepalive(self):
        self.send(message(KEEPALIVE))

    def end_of_rib(self):
        for afi in (1, 2):
            self.send(withdraw(b'', afi))

    def is_up(self):
        """Nothing has been heard that ends a session."""
        try:
            while (got := self.read(0)) is not None:
                if got[0] == NOTIFICATION:
                    return False
        except EOFError:
            return False
        return True

    def close(self):
        self.socket.close()
