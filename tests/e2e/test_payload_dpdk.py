#!/usr/bin/env python3
"""Payload patterns in flowgate-dpdk: test_payload_dpdk.py FLOWGATE FLOWGATE-PATTERN FLOWGATE-DPDK FLOWGATE-TEST-SHARE

The same rules and the same packets through `flowgate replay` and through net_pcap into and out of the process: what comes out, and in which order, is
what replay says passes. Then once more with a dataplane that is always behind: no payload is looked at, all is counted as skipped, and the
rules without a pattern hold as before. Exits 77 where there is no flowgate-dpdk, or it finds no memory.
"""
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import captures  # noqa: E402

RULES = """
name EVIL match destination 203.0.113.0/24 payload "/evil[0-9]+/" then discard
name MARKED match destination 203.0.113.0/24 payload "/mark me/i" then mark ef continue
name END match destination 203.0.113.0/24 protocol udp payload "/the end$/" then discard
name SIX match family ipv6 protocol udp payload "/^x.y/s" then discard
name PORT match destination 203.0.113.9/32 destination-port 7 then discard
name BOTH match destination 203.0.113.9/32 protocol udp payload "/a/" then accept
"""
TEXTS = [b"nothing here", b"evil77", b"EVIL77", b"Mark ME evil", b"mark me, evil1", b"the end", b"the end.", b"x\ny", b"a", b"", b"-" * 1490 + b"evil12345",
         b"-" * 1600 + b"evil1"]


def udp(octets, dport=4000):
    return struct.pack("!HHHH", 53, dport, 8 + len(octets), 0) + octets


def frames():
    for i in range(600):
        text = TEXTS[i % len(TEXTS)]
        kind = i // len(TEXTS) % 6
        number = struct.pack("!HH", i, 0)  # of the frame: in its source MAC
        if kind == 0:
            out = captures.frame(captures.ipv4("203.0.113.7", 17, udp(text)))
        elif kind == 1:
            out = captures.frame(captures.ipv4("203.0.113.9", 17, udp(text, 7)), tags=[0x8100])
        elif kind == 2:
            out = captures.frame(captures.ipv4("203.0.113.7", 6, captures.tcp(1, 80, 0x18) + text))
        elif kind == 3:
            out = captures.frame(captures.ipv6(60, bytes([17, 0] + [0] * 6) + udp(text)), 0x86DD)
        elif kind == 4:
            out = captures.frame(captures.ipv4("203.0.113.7", 17, udp(text), fragment=3))
        else:
            out = captures.frame(captures.ipv4("198.51.100.7", 17, udp(text)))
        yield out[:6] + number + out[10:]


def packets(name):
    """Octets of the packets of a capture."""
    with open(name, "rb") as f:
        octets = f.read()
    order = "<" if octets[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at, out = 24, []
    while at < len(octets):
        kept = struct.unpack(order + "I", octets[at + 8:at + 12])[0]
        out.append(octets[at + 16:at + 16 + kept])
        at += 16 + kept
    return out


class Box:
    def __init__(self, work, programs, behind):
        pattern, self.dpdk, self.share = programs
        self.work, self.folder = work, f"/dev/shm/flowgate-payload-{os.getpid()}"
        environment = {**os.environ, "FG_TEST_BEHIND": str(behind), "FG_TEST_PATTERN": pattern}
        subprocess.run([self.share, "make", self.folder, work + "/rules", "1", "a:b"], check=True, env=environment, stderr=subprocess.DEVNULL)
        for name in ("out-a.pcap", "out-b.pcap"):
            if os.path.exists(f"{work}/{name}"):
                os.unlink(f"{work}/{name}")
        cpus = sorted(os.sched_getaffinity(0))
        self.said = open(work + "/said", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [self.dpdk, "--share", self.folder, "--main-core", str(cpus[0]), "--lcores", str(cpus[-1]),
             "--port", f"a=net_pcap0,rx_pcap={work}/in.pcap,tx_pcap={work}/out-a.pcap",
             "--port", f"b=net_pcap1,rx_pcap={work}/none.pcap,tx_pcap={work}/out-b.pcap", "--mbufs", "8191", "--", "--no-huge", "--no-shconf", "-m", "128"],
            stdout=self.said, stderr=subprocess.STDOUT)

    def counters(self):
        told = subprocess.run([self.share, "counters", self.folder], check=False, capture_output=True, text=True)
        words = next(line for line in told.stdout.splitlines() if line.startswith("a ")).split()
        return {k: int(v) for k, v in zip(words[1::2], words[2::2])}

    def wait(self, n):
        """Until all have been received; the machine may be slow."""
        for _ in range(1200):
            if self.process.poll() is not None:
                return None
            if self.counters()["received"] >= n:
                return self.counters()
            time.sleep(0.05)
        return None

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        for name in ("tables", "live", "store"):
            os.unlink(f"{self.folder}/{name}")
        os.rmdir(self.folder)
        self.said.seek(0)
        return self.said.read()


def run(work, programs, behind, n):
    """(packets out of b, counters of a)"""
    box = Box(work, programs, behind)
    counters = box.wait(n)
    said = box.end()
    if counters is None:
        print(said)
        return None, None
    return packets(work + "/out-b.pcap"), counters


def main():
    flowgate, *programs = [os.path.realpath(p) for p in sys.argv[1:]]
    if not os.access(programs[1], os.X_OK):
        print("no flowgate-dpdk in this build")
        return 77
    with tempfile.TemporaryDirectory() as work:
        sent = list(frames())
        for name, octets in (("in.pcap", sent), ("none.pcap", [])):
            with open(f"{work}/{name}", "wb") as out:
                out.write(captures.pcap(1, [(i, f, None) for i, f in enumerate(octets)]))
        with open(work + "/rules", "w", encoding="utf-8") as out:
            out.write(RULES)
        with open(work + "/plain", "w", encoding="utf-8") as out:
            out.write("\n".join(line for line in RULES.splitlines() if "payload" not in line))
        wanted = {}
        for rules in ("rules", "plain"):
            subprocess.run([flowgate, "replay", "--rules", f"{work}/{rules}", "--read", work + "/in.pcap", "--write-passed", f"{work}/{rules}.pcap"],
                           check=True, stdout=subprocess.DEVNULL)
            wanted[rules] = packets(f"{work}/{rules}.pcap")
        if len(wanted["rules"]) in (len(sent), len(wanted["plain"])):
            print("the patterns change nothing: nothing would be tested")
            return 1
        got, counters = run(work, programs, 0, len(sent))
        if got is None:
            return 77 if "emory" in open(work + "/said", encoding="utf-8").read() else 1
        if got != wanted["rules"] or counters["payload_skipped"] != 0:
            print(f"{len(got)} packets came out, and replay passes {len(wanted['rules'])}: {counters}")
            return 1
        got, counters = run(work, programs, 1, len(sent))
        if got is None:
            return 1
        # The last burst is not full, and then the worker is not behind any more.
        rest = len(sent) % 32
        early = [f for f in got if int.from_bytes(f[6:8], "big") < len(sent) - rest]
        want = [f for f in wanted["plain"] if int.from_bytes(f[6:8], "big") < len(sent) - rest]
        if early != want or counters["payload_skipped"] == 0:
            print(f"behind: {len(early)} packets came out, and without payloads {len(want)} pass: {counters}")
            return 1
        print(len(sent), "packets;", len(wanted["rules"]), "passed, and", counters["payload_skipped"], "were not scanned when behind")
    return 0


if __name__ == "__main__":
    sys.exit(main())
