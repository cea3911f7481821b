#!/usr/bin/env python3
"""What fuzzing starts from: seeds.py SOURCE TARGET FOLDER writes inputs of a target (fuzz_TARGET.c says what they look like) to FOLDER.

They come from tests/data/vectors.tsv and updates.tsv, the rules of tests/golden and the packets of tests/e2e/captures.py. minimise.sh makes a corpus of them.
"""
import glob
import hashlib
import os
import sys

IPV6, FULL, FRAMED, CUT, AS4 = 1, 2, 4, 2, 2
RAW, MANY, TOGGLE, APPLY, APPLY_OTHER, APPLY_BOTH = 2, 3, 4, 5, 6, 7


def vectors(source):
    """Pairs of kind and octets."""
    for line in open(source + "/tests/data/vectors.tsv", encoding="utf-8").read().splitlines()[1:]:
        hexes, meaning = line.split("\t")[1:3]
        for one in hexes.split("|"):
            yield meaning[1:meaning.index("]")], bytes.fromhex(one)


def nlris(source):
    """Pairs of family, 0 or 1, and octets without the length."""
    for kind, octets in vectors(source):
        if kind in ("v4-nlri", "v6-nlri"):
            octets = octets[1 if octets[0] < 0xF0 else 2:]
        elif kind not in ("v4-value", "v6-value", "order4"):
            continue
        yield int(kind.startswith("v6")), octets


def nlri(source):
    for kind, octets in vectors(source):
        if kind in ("v4-nlri", "v6-nlri"):
            yield bytes([FRAMED | int(kind == "v6-nlri")]) + octets
    for family, octets in nlris(source):
        yield bytes([family]) + octets
        if family:
            yield bytes([IPV6 | FULL]) + octets


def actions(source):
    for kind, octets in vectors(source):
        if kind == "extcomm":
            yield bytes([len(octets)]) + octets
        elif kind == "attr25":
            yield bytes([0x80]) + octets


def text(source):
    for family, octets in nlris(source):
        yield b"family ipv%d nlri %s then discard" % (6 if family else 4, octets.hex().encode())
    for name in glob.glob(source + "/tests/golden/*.rules") + glob.glob(source + "/tests/golden/*.conf"):
        yield from open(name, "rb").read().split(b"\n\n")
        yield from open(name, "rb").read().splitlines()


def packet(source):
    sys.dont_write_bytecode = True
    sys.path.insert(0, source + "/tests/e2e")
    import captures
    for _, octets, _ in captures.all_packets:
        kept = octets[:120]
        yield bytes([CUT]) + (len(octets) - len(kept)).to_bytes(2, "big") + kept
        yield bytes([0]) + kept


def table(source):
    rules = [bytes([RAW, family, len(octets)]) + octets for family, octets in nlris(source) if len(octets) < 60]
    for i, rule in enumerate(rules):
        yield bytes([0]) + rule + bytes([APPLY]) + rules[(i * 7 + 3) % len(rules)] + bytes([APPLY_BOTH, TOGGLE, 0, APPLY_OTHER])
    for i in range(12):
        yield bytes([i, MANY, i, i * 5, 20 * i + 8, APPLY, TOGGLE, i, TOGGLE, i + 7, APPLY, MANY, i, 0, 30, APPLY_BOTH])


def bgp(source):
    header = lambda kind, body: b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + bytes([kind]) + body
    for line in open(source + "/tests/data/updates.tsv", encoding="utf-8"):
        yield bytes([AS4]) + bytes.fromhex(line.split("\t")[1])
    capabilities = bytes.fromhex("010400010085010400020085020046000600" "41040000fdf2" "400a40780001858000028500")
    fixed = bytes.fromhex("04fdf2005a0aff000a")
    yield bytes([0]) + header(1, fixed + bytes([len(capabilities) + 2, 2, len(capabilities)]) + capabilities)
    yield bytes([0]) + header(1, fixed + bytes([255, 255, 0, len(capabilities) + 3, 2, 0, len(capabilities)]) + capabilities)
    yield bytes([0]) + header(3, bytes([6, 4, 1])) + header(4, b"") + header(5, bytes([0, 1, 0, 133]))
    for afi, kinds in ((1, ("v4-nlri",)), (2, ("v6-nlri",))):
        for kind, octets in vectors(source):
            if kind in kinds and len(octets) < 100:
                reach = bytes([0, afi, 133, 0, 0]) + octets
                attributes = bytes([0x80, 14, len(reach)]) + reach + bytes.fromhex("40010100" "4002060201" "0000fdf2" "c010088006000000000000")
                yield bytes([AS4]) + header(2, bytes([0, 0]) + len(attributes).to_bytes(2, "big") + attributes)


def pattern(_):
    for octets in (1, 1999, 2000, 2001):
        yield b"a" * octets
        for flags in (b"", b"i", b"smix"):
            yield b"/" + b"a" * octets + b"/" + flags
    yield from (b"", b"/", b"//", b"///", b"//i", b"/abc", b"/abc/q", b"/abc/ii", b"/abc/i ", b"a/b/i", b"/a/b/i", b"/a\\/s", b"/\\x2f[^\\x00]{2,9}$/m", b"abc\0/i")


def main():
    source, target, folder = sys.argv[1:]
    makers = {"nlri": nlri, "actions": actions, "text": text, "packet": packet, "table": table, "bgp": bgp, "pattern": pattern}
    for octets in makers[target](source):
        with open(os.path.join(folder, hashlib.sha1(octets).hexdigest()), "wb") as out:
            out.write(octets)


if __name__ == "__main__":
    main()
