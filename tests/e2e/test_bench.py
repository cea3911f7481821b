#!/usr/bin/python3
"""The harness: its results are of the schema, counts of the generator are those of the dataplanes, who judges wrongly has no figure, and a slowed build is
noticed. test_bench.py FLOWGATE_BENCH FLOWGATE_BENCH_FAULTY FLOWGATE SOURCE"""
import copy
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile

from benched import fail, figures, result, run, schema_of, valid

bench, faulty, flowgate, source = (os.path.realpath(path) for path in sys.argv[1:])
SCHEMA = schema_of(source)
TRIES = 4


def test_schema():
    """Of every shape, and both planes."""
    once = ["--rounds", "1"]
    lines = result(bench, *once, "--rules", "10", "--traffic", "uniform", "--plane", "match")
    kernel = result(bench, *once, "--shape", "mixed,ipv6,fragments,hosts,lists,icmp,dscp,flow-label", "--rules", "0,100", "--traffic", "far,beside,uniform", "--plane", "xdp")
    changed = result(bench, *once, "--shape", "carpet", "--rules", "1000", "--traffic", "uniform", "--plane", "change")
    churned = result(bench, *once, "--shape", "mixed", "--rules", "100", "--traffic", "hot", "--plane", "churn")
    live = result(bench, *once, "--shape", "sources", "--rules", "10", "--traffic", "hot", "--plane", "veth")
    for one in (lines, kernel, changed, churned, live):
        valid(SCHEMA, one)
    if not any(figure["churn"] == 10000 for _, figure in figures(churned)):
        fail("nothing changed while packets were judged")
    if {figure["runner"] for _, figure in figures(live)} .isdisjoint({"iptables ipset"}):
        fail("peers of the cable are missing")
    filtered = {row["scenario"]["shape"] for row, figure in figures(kernel) if figure["runner"] == "xdp-filter" and figure["state"] != "cannot" and row["scenario"]["rules"] > 0}
    if filtered - {"hosts"}:
        fail(f"xdp-filter is asked what it cannot say: {filtered}")
    lines += kernel + changed + churned + live
    wrong = [(row["scenario"], figure["runner"], figure["why"]) for row, figure in figures(lines) if figure["state"] == "void"]
    if wrong:
        fail(f"a wrong verdict: {wrong}")
    shapes = {row["scenario"]["shape"] for row, _ in figures(lines)}
    if len(shapes) < 17:
        fail(f"only these shapes: {shapes}")
    broken = copy.deepcopy(lines[1])
    broken["row"]["figures"][0]["state"] = "splendid"
    if SCHEMA.is_valid(broken):
        fail("the schema takes anything")
    return lines


def test_counts(lines):
    """A runner whose count of hits is not the packets' is void; that uniform packets hit at all is the generator's promise."""
    for row, figure in figures(lines):
        what = f"{row['scenario']} {figure['runner']}"
        if figure["state"] == "void":
            fail(f"{what}: {figure['why']}")
        if row["scenario"]["traffic"] == "uniform" and row["hit_share"] < 1:
            fail(f"{what}: {row['hit_share']} of the packets hit")
        if row["scenario"]["traffic"] == "beside" and row["hit_share"] > 0:
            fail(f"{what}: {row['hit_share']} of the packets beside a rule hit one")
    planes = {row["scenario"]["plane"] for row, figure in figures(lines) if figure["state"] != "cannot"}
    print(f"counts agree on {sorted(planes)}")
    if "xdp" not in planes and os.geteuid() == 0:
        fail("the XDP program was not asked: " + next(figure["why"] for row, figure in figures(lines) if row["scenario"]["plane"] == "xdp"))


def with_figures(row):
    """The row as if nothing had disturbed it."""
    row = copy.deepcopy(row)
    spread = dict.fromkeys(("least", "lower", "median", "upper", "most"), 20)
    for figure in row["figures"]:
        figure.update(state="good", why="", ns=[20], spread=spread, mpps=50, to_ours=spread)
        if figure["churn"] > 0:
            figure["latency_ns"] = {"n": 1, "p50": 9000, "p99": 9000, "p999": 9000, "most": 9000}
    return row


def test_report(lines):
    """The page is made of results alone, and says what is missed and what has no figure."""
    if shutil.which("gnuplot") is None:
        print("no page: gnuplot is not there")
        return
    with tempfile.TemporaryDirectory() as folder:
        churned = [{"row": with_figures(one["row"])} for one in lines if "row" in one and one["row"]["scenario"]["plane"] == "churn"]
        path = written(folder, "result", lines + churned)
        subprocess.run([sys.executable, os.path.join(source, "bench", "report.py"), folder, path], check=True)
        page = open(os.path.join(folder, "README.md"), encoding="utf-8").read()
        plots = set(os.listdir(folder)) - {"README.md", "result"}
    if not {"churn.svg", "changes.svg"} <= plots or any(f"]({plot})" not in page for plot in plots):
        fail(f"not all plots are made and shown: {plots}")
    for said in ("## Goals", "no figure", "## Not measured", "--plane xdp", "| carpet | "):
        if said not in page:
            fail(f"the page does not say {said}")


def test_liar():
    lines = result(faulty, "--shape", "mixed", "--rules", "10", "--traffic", "hot", "--plane", "match", exits=(1,))
    valid(SCHEMA, lines)
    states = {figure["runner"]: (figure["state"], figure["why"]) for _, figure in figures(lines)}
    if states["liar"][0] != "void" or "of packet 999 it says" not in states["liar"][1]:
        fail(f"the liar is believed: {states}")
    if states["flowgate burst"][0] in ("void", "cannot"):
        fail(f"who told the truth is not: {states}")


def udp(port):
    """A frame of UDP to 192.0.2.1, in a record of a capture."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 1028, 0, 0, 64, 17, 0, bytes((198, 51, 100, 1)), bytes((192, 0, 2, 1)))
    frame = bytes(12) + b"\x08\x00" + ip + struct.pack("!HHHH", 53, port, 1008, 0) + bytes(1000)
    return struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame


def test_sizing(folder):
    """By the command: three of eight packets have a rule; the frame of a cut capture is left out."""
    rules, capture = os.path.join(folder, "rules"), os.path.join(folder, "capture")
    with open(rules, "w", encoding="ascii") as out:
        out.write("match destination 192.0.2.1/32 protocol udp destination-port 1000-1002 then discard\nmatch packet-length 99971-99985 then discard\n")
    with open(capture, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + b"".join(udp(1000 + i) for i in range(8)))
        out.write(struct.pack("<IIII", 0, 0, 30, 30) + udp(1000)[16:46])
    sizing = json.loads(run(flowgate, "bench", "sizing", "--json", "--other-load", "100", rules, capture, exits=(1,)))["sizing"]
    if (sizing["frames"], sizing["left_out"], sizing["rules"], sizing["rules_refused"], sizing["wire_octets"]) != (8, 1, 1, 1, 1066):
        fail(f"{sizing}")
    for plane in sizing["planes"]:
        if "ns" in plane and plane["hit_share"] != 3 / 8:
            fail(f"three of eight packets have a rule: {plane}")
        print(f"{plane['what']}: {plane.get('why') or 'three of eight'}")
    run(flowgate, "bench", "sizing", rules, exits=(2,))
    run(flowgate, "bench", "nonsense", exits=(2,))
    if "subsets:" not in run(flowgate, "bench", "list"):
        fail("the command does not list")


def written(folder, name, lines):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(one) + "\n" for one in lines)
    return path


def made(samples, runner="flowgate burst", probe=1):
    """A result of one figure, on a core whose own work took so long."""
    ordered = sorted(samples)
    n = len(ordered)
    spread = dict(zip(("least", "lower", "median", "upper", "most"), (ordered[i] for i in (0, n // 4, n // 2, n - 1 - n // 4, n - 1))))
    scenario = {"shape": "mixed", "count": 10, "rules": 10, "traffic": "hot", "plane": "match", "churn": 0, "seed": 1}
    figure = {"runner": runner, "state": "good", "why": "", "ns": samples, "spread": spread}
    return [{"run": {"format": 1}}, {"row": {"scenario": scenario, "probe_ns": probe, "figures": [figure]}}]


def test_compare(folder):
    """What is beyond noise, by numbers that are given."""
    old = written(folder, "old", made([10, 10.1, 10.2, 10.3, 10.4]))
    for name, samples, exits, said in (
        ("same", [10.1, 10, 10.2, 10.4, 10.3], 0, "0 figures slower, 0 faster, 1 as before"),
        ("within 5 %", [10.5, 10.6, 10.6, 10.7, 10.7], 0, "0 figures slower"),
        ("within its spread", [10.0, 10.1, 11.5, 13, 15], 0, "0 figures slower"),
        ("slower", [12, 12.1, 12.2, 12.3, 12.4], 1, "1 figures slower"),
        ("faster", [8, 8.1, 8.2, 8.3, 8.4], 0, "0 figures slower, 1 faster"),
    ):
        out = run(bench, "compare", old, written(folder, "new", made(samples)), exits=(exits,))
        if said not in out:
            fail(f"{name}: {out}")
    slow = [13, 13.1, 13.2, 13.3, 13.4]
    for name, samples, probe, exits, said in (
        ("on a slower core", slow, 1.3, 0, "0 figures slower, 0 faster, 1 as before"),
        ("by more than its core", [2 * ns for ns in slow], 1.3, 1, "1 figures slower"),
        ("of a core that is quicker", slow, 0.8, 1, "1 figures slower"),
        ("on a quicker core", [8, 8.1, 8.2, 8.3, 8.4], 0.8, 0, "0 figures slower, 0 faster, 1 as before"),
        ("as before on a slower core", [10, 10.1, 10.2, 10.3, 10.4], 1.3, 0, "0 figures slower, 0 faster, 1 as before"),
    ):
        out = run(bench, "compare", old, written(folder, "new", made(samples, probe=probe)), exits=(exits,))
        if said not in out:
            fail(f"{name}: {out}")
    run(bench, "compare", old, written(folder, "new", made([10], "another")), exits=(1,))
    run(bench, "compare", old, written(folder, "broken", ["no result"]), exits=(2,))


def test_slowed(folder):
    """An unoptimized matcher is noticed. No figure, no answer: where the machine is too busy for one, this is skipped."""
    words = ["--shape", "mixed", "--rules", "100", "--traffic", "hot", "--plane", "match", "--runner", "flowgate burst"]
    for _ in range(TRIES):
        old, new = result(bench, *words), result(faulty, *words)
        if all(figure["state"] == "good" for lines in (old, new) for _, figure in figures(lines)):
            break
        print(f"disturbed: {[figure['why'] for lines in (old, new) for _, figure in figures(lines)]}")
    else:
        print("skipped: the machine is too busy for a figure")
        return 77
    old, new = written(folder, "fast", old), written(folder, "slow", new)
    out = run(bench, "compare", old, new, exits=(1,))
    if "slower: flowgate burst, mixed 100 hot match" not in out:
        fail(f"a slowed build is not noticed: {out}")
    if "1 faster" not in run(bench, "compare", new, old):
        fail("nor is the other way round")
    return 0


def test_hunted(folder):
    """The rules and packets that a search found to cost most: no packet costs more than then, nor than the bound. A corpus that promises less is noticed."""
    corpus = os.path.join(source, "tests", "data", "worst.jsonl")
    sets = [json.loads(line) for line in open(corpus, encoding="utf-8")]
    if len(sets) < 11 or any(one["lines"] * 3 < one["bound"] * 2 for one in sets):
        fail("the search came close to the bound when the corpus was made")
    run(bench, "hunted", corpus)
    for key in ("bound", "lines"):
        less = copy.deepcopy(sets)
        less[0][key] -= 1
        if "WORSE" not in run(bench, "hunted", written(folder, "less", less), exits=(1,)):
            fail(f"a {key} that is too low is not noticed")


rows = test_schema()
test_counts(rows)
test_report(rows)
test_liar()
with tempfile.TemporaryDirectory() as place:
    test_hunted(place)
    test_sizing(place)
    test_compare(place)
    sys.exit(test_slowed(place))
