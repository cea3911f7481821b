#!/usr/bin/python3
"""The harness where packets are received and sent: its search finds a rate that is known, latencies are those that are known, all that judge drop the same
packets, and who cannot says why. test_bench_dpdk.py FLOWGATE_BENCH FLOWGATE_BENCH_FAULTY SOURCE"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

from benched import fail, figures, result, schema_of, valid

bench, faulty, source = (os.path.realpath(path) for path in sys.argv[1:])
SCHEMA = schema_of(source)
QUIET = ("--other-load", "100", "--rounds", "1", "--trial", "2", "--plane", "dpdk")
WITHOUT_RULES = {"flowgate null", "io null", "testpmd io", "testpmd mac"}
WITH_RULES = {"flowgate", "io", "rte_acl loop", "rte_acl loop large", "flowgate 2 cores", "flowgate pcap", "io pcap"}
TRIES = 3  # of testpmd to start, where another process of real-time priority has the core
PAGES_MIN = 512  # of 2 MiB: buffers, a capture of a whole traffic, tries


def near(what, value, least, most):
    if not least <= value <= most:
        fail(f"{what}: {value} is not from {least} to {most}")


def test_search():
    """The runner loses nothing up to 8 Mpps, up to 9 every other trial, and takes 10; one in 200 of its packets takes 50 us, the others half of one."""
    lines = result(faulty, "--shape", "mixed", "--rules", "0", "--traffic", "far", quiet=QUIET)
    valid(SCHEMA, lines)
    (_, figure), = figures(lines)
    found = figure["zero_loss"]
    near("zero loss", found["mpps"], 8 * (1 - found["resolution"]), 8)
    near("the rate that loses", found["lost_at_mpps"], 8, found["mpps"] / (1 - found["resolution"]))
    if found["disturbed"] == 0 or found["loss_allowed"] != 0 or found["trial_ms"] != 2 or found["why"]:
        fail(f"{found}")
    if [one["load"] for one in figure["under_load"]] != [0.5, 0.9]:
        fail(f"{figure['under_load']}")
    for one in figure["under_load"]:
        near("offered", one["mpps"], 9.99 * one["load"], 10.01 * one["load"])
        for quantile, ns in (("p50", 500), ("p99", 500), ("p999", 50000)):
            near(quantile, one["latency_ns"][quantile], ns, ns * 17 / 16)
        if one["latency_ns"]["n"] != 1000 or sum(n for _, n in one["histogram"]) != 1000:
            fail(f"packets are missing: {one}")


def test_missing():
    """Without dpdk-testpmd its runners say so."""
    lines = result(bench, "--shape", "mixed", "--rules", "0", "--traffic", "far", "--runner", "testpmd io", quiet=QUIET, env={"PATH": "/nowhere"})
    valid(SCHEMA, lines)
    (_, figure), = figures(lines)
    if figure["state"] != "cannot" or "is not installed" not in figure["why"]:
        fail(f"{figure}")


def free_pages():
    with open("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", encoding="ascii") as text:
        return int(text.read())


def check(lines, cannot):
    """cannot: who, of each row."""
    valid(SCHEMA, lines)
    for row, figure in figures(lines):
        what = f"{row['scenario']['shape']} {row['scenario']['count']} {row['scenario']['traffic']} {figure['runner']}: {figure['state']}: {figure['why']}"
        print(what)
        if figure["state"] == "void" or (figure["state"] == "cannot") != (figure["runner"] in cannot):
            fail(f"not so: {what}")
        if "under_load" in figure and figure["zero_loss"]["mpps"] is None and not figure["zero_loss"]["why"]:
            fail(f"no rate and no reason: {what}")


def started(lines):
    return all("does not start" not in figure["why"] for _, figure in figures(lines))


def test_report(lines):
    """Tables of whatever there is, without a figure too."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".json") as out:
        out.writelines(json.dumps(one) + "\n" for one in lines)
        out.flush()
        page = subprocess.run([sys.executable, os.path.join(source, "bench", "report.py"), "--dpdk", out.name], capture_output=True, text=True, check=True).stdout
    for said in ("| mixed 0 far | 0 % |", "| mixed 100 uniform | 100 % |", "| testpmd io |", "### Throughput at zero loss", "### Latency"):
        if said not in page:
            fail(f"the tables do not say {said}: {page}")


def test_plane():
    missing = set() if shutil.which("dpdk-testpmd") else {"testpmd io", "testpmd mac"}
    for _ in range(TRIES):
        empty = result(bench, "--shape", "mixed", "--rules", "0", "--traffic", "far", quiet=QUIET)
        if started(empty):
            break
    check(empty, {"rte_acl loop", "rte_acl loop large"} | missing)
    if {figure["runner"] for _, figure in figures(empty)} != WITH_RULES | WITHOUT_RULES:
        fail("a runner is missing")
    ruled = result(bench, "--shape", "mixed", "--rules", "100", "--traffic", "far,uniform", quiet=QUIET)
    check(ruled, WITHOUT_RULES)
    if sorted({row["hit_share"] for row, _ in figures(ruled)}) != [0, 1]:
        fail("of one traffic all packets are dropped, of the other none")
    test_report(empty[:-1] + ruled[1:])
    check(result(bench, "--shape", "ipv6", "--rules", "100", "--traffic", "uniform", quiet=QUIET), WITHOUT_RULES | {"rte_acl loop", "rte_acl loop large"})


test_search()
test_missing()
if os.geteuid() != 0 or free_pages() < PAGES_MIN:
    print(f"skipped: {PAGES_MIN} huge pages of 2 MiB are wanted, and root")
    sys.exit(77)
test_plane()
