#!/usr/bin/env python3
"""Makes bench/README.md and its plots of results of flowgate-bench: report.py FOLDER RESULT…   (FOLDER: where README.md and the SVGs go)
Or prints the tables of the plane dpdk alone, for FORWARD.md: report.py --dpdk RESULT…

What is written by hand is in why.md beside this file, and is included. No figure here is of anything but the results; what has no good figure is said to have
none. Needs gnuplot (Debian: gnuplot-nox)."""
import json
import lzma
import os
import subprocess
import sys

KINDS = ["far", "near", "hot", "hot-miss", "uniform", "beside", "worst", "small", "imix"]
OURS = {"match": "flowgate burst", "xdp": "flowgate xdp", "change": "flowgate table", "veth": "flowgate xdp", "churn": "flowgate still", "dpdk": "flowgate"}
PLOTTED = ["far", "near", "hot", "uniform", "worst"]
CHANGED = ["hot", "uniform"]  # of what a change takes


def good_figures(row):
    return sum(1 for one in row["figures"] if one["state"] == "good")


class Results:
    """Of rows that were measured more than once the later one, unless it has fewer figures."""

    def __init__(self, paths):
        self.runs, self.rows = [], {}
        for path in paths:
            opened = lzma.open(path, "rt", encoding="utf-8") if path.endswith(".xz") else open(path, encoding="utf-8")
            with opened as lines:
                for line in lines:
                    self.take(json.loads(line))

    def take(self, one):
        if "run" in one:
            self.runs.append(one["run"])
        if "row" in one:
            s = one["row"]["scenario"]
            key = s["shape"], s["count"], s["traffic"], s["plane"]
            if key not in self.rows or good_figures(one["row"]) >= good_figures(self.rows[key]):
                self.rows[key] = one["row"]

    def figure(self, shape, count, traffic, plane, runner=None):
        row = self.rows.get((shape, count, traffic, plane))
        for one in row["figures"] if row else []:
            if one["runner"] == (runner or OURS[plane]):
                return one
        return None

    def good(self, *which):
        one = self.figure(*which)
        return one if one and one["state"] == "good" else None

    def counts(self, shape, plane):
        return sorted({key[1] for key in self.rows if key[0] == shape and key[3] == plane})

    def shapes(self, plane, count):
        seen = [key[0] for key in self.rows if key[3] == plane and key[1] == count]
        return sorted(set(seen), key=seen.index)


def median(values):
    return sorted(values)[len(values) // 2]


# ---- Goals ----


def mpps(r, shape, count, traffic):
    one = r.good(shape, count, traffic, "match")
    return one and one["mpps"]


def against(r, shape, count, traffic, peer):
    one = r.good(shape, count, traffic, "match", peer)
    return one and one["to_ours"] and one["to_ours"]["median"]


def more(one, other):
    """ns of the one over those of the other, round by round."""
    return one and other and median([a - b for a, b in zip(one["ns"], other["ns"])])


def added(r, shape, count, traffic, runner=None):
    """Over the empty program."""
    return more(r.good(shape, count, traffic, "xdp", runner), r.good(shape, count, traffic, "xdp", "empty xdp"))


def forwarded(r, count, traffic, runner=None):
    one = r.good("mixed", count, traffic, "dpdk", runner)
    return one and one["mpps"]


def by_ours(r, count, traffic, runner):
    one = r.good("mixed", count, traffic, "dpdk", runner)
    return one and one["to_ours"] and one["to_ours"]["median"]


def two_cores(r, count, traffic):
    """Packets of both by those of one."""
    ratio = by_ours(r, count, traffic, "flowgate 2 cores")
    return ratio and 1 / ratio


def times(r, a, b):
    one, other = r.good(*a, "match"), r.good(*b, "match")
    return one and other and one["spread"]["median"] / other["spread"]["median"]


def image_mib(r, count):
    row = r.rows.get(("mixed", count, "far", "match"))
    return row and row["image"]["bytes"] / 1048576


def change_us(r, shape, what):
    one = r.good(shape, 50000, "uniform", "change")
    return one and one["latency_ns"][what] / 1000


def goals(r):
    """What, least or most, unit, measured."""
    for count in (100, 1000, 10000, 50000, 1000000):
        yield f"hot victim, at most 60 rules on it, hit: {count} rules", ">=", 100, "Mpps", mpps(r, "mixed", count, "hot")
    yield "hot victim, 512 rules of random ranges on it, hit", ">=", 60, "Mpps", mpps(r, "ranges", 512, "hot")
    yield "hot victim, 512 rules of every field on it, hit", ">=", 60, "Mpps", mpps(r, "every", 512, "hot")
    yield "uniform hits, 10000 rules", ">=", 60, "Mpps", mpps(r, "mixed", 10000, "uniform")
    yield "uniform hits, 50000 rules", ">=", 40, "Mpps", mpps(r, "mixed", 50000, "uniform")
    yield "uniform hits, 10000 rules, by rte_acl's default", ">=", 5, "times", against(r, "mixed", 10000, "uniform", "rte_acl default")
    yield "uniform hits, 10000 rules, by rte_acl's large", ">=", 3, "times", against(r, "mixed", 10000, "uniform", "rte_acl large")
    for count in (1000, 10000, 50000):
        yield f"clean, far from rules: {count} rules", ">=", 100, "Mpps", mpps(r, "mixed", count, "far")
        yield f"clean, in a /24 with rules: {count} rules", ">=", 60, "Mpps", mpps(r, "mixed", count, "near")
    for count in (1000, 10000, 50000):
        for kind in ("far", "near"):
            yield f"clean, {kind}, {count} rules, by rte_acl's default", ">=", 2.5, "times", against(r, "mixed", count, kind, "rte_acl default")
    for count in (1000, 10000, 50000):
        yield f"worst packets found, by uniform: {count} rules", "<=", 2, "times", times(r, ("mixed", count, "worst"), ("mixed", count, "uniform"))
    yield "a million rules: image", "<=", 1024, "MiB", image_mib(r, 1000000)
    for kind in ("far", "hot", "uniform"):
        yield f"a million rules, {kind}, by a thousand", "<=", 3, "times", times(r, ("mixed", 1000000, kind), ("mixed", 1000, kind))
    yield "XDP over an empty program, no rules", "<=", 10, "ns", added(r, "mixed", 0, "far")
    yield "XDP over an empty program, nothing matches, 1000 rules", "<=", 10, "ns", added(r, "mixed", 1000, "far")
    yield "XDP over an empty program, group of 512, three fields", "<=", 45, "ns", added(r, "ranges", 512, "hot")
    yield "XDP over an empty program, group of 512, every field", "<=", 65, "ns", added(r, "every", 512, "hot")
    yield "XDP over an empty program, 100000 sources on one victim (asked of cached tables; 131072 packets go round here, and nothing is)", "<=", 30, "ns", added(r, "sources", 100000, "hot")
    for count in (1000, 10000, 50000):
        yield f"received, judged and sent by a core, hot victim, {count} rules", ">=", 40, "Mpps", forwarded(r, count, "hot")
    for peer in ("rte_acl loop", "rte_acl loop large"):
        yield f"the same, uniform hits, 10000 rules, by the {peer}", ">=", 3, "times", by_ours(r, 10000, "uniform", peer)
    yield "two cores by one, uniform hits, 10000 rules", ">=", 1.9, "times", two_cores(r, 10000, "uniform")
    for shape in ("mixed", "carpet", "ranges"):
        yield f"one change, 50000 rules, {shape}: median", "<=", 50, "us", change_us(r, shape, "p50")
        yield f"one change, 50000 rules, {shape}: worst", "<=", 2000, "us", change_us(r, shape, "most")


def fate(op, goal, is_):
    if is_ is None:
        return "no figure"
    by = is_ / goal - 1
    if (by >= 0) if op == ">=" else (by <= 0):
        return "met"
    return f"**missed by {abs(by) * 100:.0f} %**"


def goal_table(r):
    lines = ["| what | goal | measured | |", "|---|---|---|---|"]
    for what, op, goal, unit, is_ in goals(r):
        lines.append(f"| {what} | {'at least' if op == '>=' else 'at most'} {goal} {unit} | {'-' if is_ is None else f'{is_:.1f}'} | {fate(op, goal, is_)} |")
    return lines


def lines_said(r):
    searched = [row["image"] for row in r.rows.values() if row["image"]["lines_found"] is not None]
    over = [image for image in searched if image["lines_found"] > image["lines_bound"]]
    return [f"Of {len(searched)} rows whose rules were searched for the worst packet, {len(over)} have one that reads more lines than the bound."]


# ---- Tables ----


def cell(r, shape, count, traffic, plane):
    row = r.rows.get((shape, count, traffic, plane))
    if row is None:
        return "·"
    ours = row["figures"][0]
    if ours["state"] != "good":
        return ours["state"]
    text = f"{ours['spread']['median']:.1f} ({ours['spread']['lower']:.1f}-{ours['spread']['upper']:.1f})"
    peers = [one for one in row["figures"] if one["runner"].startswith("rte_acl") and one["state"] == "good" and one["to_ours"]]
    if peers:
        text += f" ×{min(one['to_ours']['median'] for one in peers):.1f}"
    if plane == "xdp" and len(row["figures"]) > 1 and row["figures"][1]["state"] == "good":
        text = f"{added(r, shape, count, traffic):.1f} over {row['figures'][1]['spread']['median']:.1f}"
        if r.good(shape, count, traffic, plane, "xdp-filter"):
            text += f", xdp-filter {added(r, shape, count, traffic, 'xdp-filter'):.1f}"
    return text


def table(r, first, keys, kinds):
    """keys: of rows, (title, shape, count, plane)."""
    kinds = [kind for kind in kinds if any((k[1], k[2], kind, k[3]) in r.rows for k in keys)]
    lines = [f"| {first} | " + " | ".join(kinds) + " |", "|---" * (len(kinds) + 1) + "|"]
    for title, shape, count, plane in keys:
        lines.append(f"| {title} | " + " | ".join(cell(r, shape, count, kind, plane) for kind in kinds) + " |")
    return lines


def by_count(r, shape, plane):
    return table(r, f"rules, {shape}", [(count, shape, count, plane) for count in r.counts(shape, plane)], KINDS)


def by_shape(r, count, plane):
    return table(r, f"shape, {count} rules", [(shape, shape, count, plane) for shape in r.shapes(plane, count)], KINDS)


def build_table(r):
    lines = ["| rules, mixed | image MiB | lines, bound | lines, worst found | sorted ms | compiled ms | rte_acl default ms | rte_acl large ms |", "|---" * 8 + "|"]
    for count in r.counts("mixed", "match"):
        row = r.rows.get(("mixed", count, "worst", "match")) or r.rows.get(("mixed", count, "far", "match"))
        if row is None:
            continue
        peers = []
        for name in ("rte_acl default", "rte_acl large"):
            one = next((one for one in row["figures"] if one["runner"] == name), None)
            peers.append("·" if one is None else one["why"] if one["state"] == "cannot" else f"{one['build_ms']:.0f}")
        image = row["image"]
        lines.append(f"| {count} | {image['bytes'] / 1048576:.1f} | {image['lines_bound']} | {image['lines_found'] or '·'} | {image['sort_ms']:.1f} | "
                     f"{image['compile_ms']:.1f} | {peers[0]} | {peers[1]} |")
    return lines


def veth_table(r):
    """A line a row: each runner's time with the making of a frame in it, and by ours."""
    runners = ["flowgate xdp", "empty xdp", "nftables chain", "nftables sets", "iptables ipset"]
    lines = ["| shape, rules, traffic | " + " | ".join(runners) + " |", "|---" * (len(runners) + 1) + "|"]
    for (shape, count, kind, plane), row in sorted(r.rows.items()):
        if plane != "veth":
            continue
        cells = []
        for name in runners:
            one = next((one for one in row["figures"] if one["runner"] == name), None)
            if one is None or one["state"] != "good":
                cells.append("·" if one is None else one["state"])
            else:
                cells.append(f"{one['spread']['median']:.0f} ({one['spread']['lower']:.0f}-{one['spread']['upper']:.0f})" + (f" ×{one['to_ours']['median']:.1f}" if one["to_ours"] and name != runners[0] else ""))
        lines.append(f"| {shape} {count} {kind} | " + " | ".join(cells) + " |")
    return lines


def change_table(r):
    lines = ["| shape, 50000 rules | mean us | p50 | p99 | p99.9 | worst |", "|---" * 6 + "|"]
    for (shape, count, kind, plane), row in sorted(r.rows.items()):
        if plane != "change":
            continue
        one = row["figures"][0]
        if one["state"] != "good":
            lines.append(f"| {shape} | {one['state']} | | | | |")
        else:
            lines.append(f"| {shape} | {one['spread']['median'] / 1000:.1f} | " + " | ".join(f"{one['latency_ns'][q] / 1000:.1f}" for q in ("p50", "p99", "p999", "most")) + " |")
    return lines


def churn_table(r):
    lines = ["| shape, 10000 rules, traffic | changes a second | ns a packet | × still | p50 us | p99 | p99.9 | worst |", "|---" * 8 + "|"]
    for (shape, count, kind, plane), row in sorted(r.rows.items()):
        for one in row["figures"] if plane == "churn" else []:
            if one["state"] != "good":
                lines.append(f"| {shape} {kind} | {one['churn']} | {one['state']} | | | | | |")
                continue
            spread, took = one["spread"], one.get("latency_ns")
            lines.append(f"| {shape} {kind} | {one['churn']} | {spread['median']:.1f} ({spread['lower']:.1f}-{spread['upper']:.1f}) | "
                         f"{one['to_ours']['median']:.2f} | " + " | ".join(f"{took[q] / 1000:.1f}" if took else "" for q in ("p50", "p99", "p999", "most")) + " |")
    return lines


# ---- The plane dpdk ----

LOOPS = ["flowgate", "io", "rte_acl loop", "rte_acl loop large"]


def spread_said(one, factor=True):
    text = f"{one['spread']['median']:.1f} ({one['spread']['lower']:.1f}-{one['spread']['upper']:.1f})"
    return text + (f" ×{one['to_ours']['median']:.2f}" if factor and one["to_ours"] else "")


def figure_said(row, name, factor=True):
    one = next((one for one in row["figures"] if one["runner"] == name), None)
    return "·" if one is None or one["state"] == "cannot" else spread_said(one, factor) if one["state"] == "good" else one["state"]


def dpdk_rows(r):
    return [(f"{shape} {count} {kind}", row) for (shape, count, kind, plane), row in sorted(r.rows.items()) if plane == "dpdk"]


def good_of(row, name):
    return next((one for one in row["figures"] if one["runner"] == name and one["state"] == "good"), None)


def dpdk_table(r):
    lines = ["| rules, traffic | dropped | " + " | ".join(LOOPS) + " | two cores | over io | flowgate pcap | over io pcap |", "|---" * (len(LOOPS) + 6) + "|"]
    for title, row in dpdk_rows(r):
        cells = [figure_said(row, name, name != LOOPS[0]) for name in LOOPS]
        two = good_of(row, "flowgate 2 cores")
        cells.append(f"×{1 / two['to_ours']['median']:.2f}" if two and two["to_ours"] else "·")
        for ours, io in (("flowgate", "io"), ("flowgate pcap", "io pcap")):
            over = more(good_of(row, ours), good_of(row, io))
            cells += [figure_said(row, ours, False)] if ours != "flowgate" else []
            cells.append("·" if over is None else f"{over:.1f}")
        lines.append(f"| {title} | {row['hit_share'] * 100:.0f} % | " + " | ".join(cells) + " |")
    return lines


def testpmd_table(r):
    """Where there are no rules."""
    names = ["flowgate", "io", "flowgate null", "io null", "testpmd io", "testpmd mac"]
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for title, row in dpdk_rows(r):
        if row["scenario"]["rules"] == 0:
            lines.append(f"| {title}, ns | " + " | ".join(figure_said(row, name) for name in names) + " |")
            lines.append("| Mpps | " + " | ".join(f"{one['mpps']:.1f}" if one else "·" for one in (good_of(row, name) for name in names)) + " |")
    return lines


def zero_loss_said(one):
    found = one and one.get("zero_loss")
    if not found:
        return "·"
    return f"{found['mpps']:.2f} (lost at {found['lost_at_mpps']:.2f}) of {one['mpps']:.1f}" if found["mpps"] else found["why"]


def zero_loss_table(r):
    lines = ["| rules, traffic | " + " | ".join(LOOPS) + " |", "|---" * (len(LOOPS) + 1) + "|"]
    for title, row in dpdk_rows(r):
        lines.append(f"| {title} | " + " | ".join(zero_loss_said(good_of(row, name)) for name in LOOPS) + " |")
    return lines


def load_table(r):
    lines = ["| rules, traffic | loop | load | p50 us | p99 us | p99.9 us | lost |", "|---" * 7 + "|"]
    for title, row in dpdk_rows(r):
        ours = good_of(row, "flowgate")
        for one in row["figures"] if ours and ours.get("under_load") else []:
            for at in one.get("under_load", []):
                lost = at["lost"] / (at["lost"] + at["taken"])
                lines.append(f"| {title} | {one['runner']} | {at['load'] * 100:.0f} %: {at['mpps']:.1f} Mpps | " + " | ".join(f"{at['latency_ns'][q] / 1000:.2f}" for q in ("p50", "p99", "p999")) +
                             f" | {lost * 100:.3f} %{', disturbed' if at['disturbed'] else ''} |")
    return lines


def zero_loss_method(r):
    found = next((one["zero_loss"] for _, row in dpdk_rows(r) for one in row["figures"] if one.get("zero_loss")), None)
    if not found:
        return "No throughput at zero loss has been measured."
    return (f"Mpps: the largest rate found at which no packet of a trial of {found['trial_ms']:.0f} ms is lost, by binary search to {found['resolution'] * 100:.0f} %, and in {found['confirmed']} trials more; "
            f"in parentheses the least rate that lost some; then what is taken as fast as can be asked for. A queue has room for {found['queue']} packets. A trial that lost packets while the core was "
            "away for longer than a queue lasts, or slower, does not count.")


def dpdk_section(r):
    return ["ns a packet from a queue of one device to that of another; × by ours. `rte_acl loop` is as l3fwd-acl. In the last columns a driver that copies each frame is in it.", "", *dpdk_table(r), "",
            "Beside DPDK's own, without rules. `null` is net_null with its own receiving, whose frames are zeros: no IP, so the worker looks at no rules.", "", *testpmd_table(r), "",
            "### Throughput at zero loss", "", zero_loss_method(r), "", *zero_loss_table(r), "",
            "### Latency", "", "From when a packet is due to when it is sent, at shares of what a loop takes while that is counted; where not all is dropped.", "", *load_table(r)]


def cannot_table(r):
    """What peers could not say or do, once each."""
    seen = {}
    for (shape, count, _, plane), row in r.rows.items():
        for one in row["figures"]:
            if one["state"] in ("cannot", "void"):
                seen.setdefault((one["runner"], one["state"], one["why"]), set()).add(f"{shape} {count}")
    lines = ["| runner | | why | of |", "|---|---|---|---|"]
    for (runner, state, why), where in sorted(seen.items()):
        sets = sorted(where)
        lines.append(f"| {runner} | {state} | {why} | {', '.join(sets[:4])}{f' and {len(sets) - 4} more' if len(sets) > 4 else ''} |")
    return lines if seen else ["Nothing."]


def disturbed_said(r):
    rows = [(key, row) for key, row in r.rows.items() if any(one["state"] == "disturbed" for one in row["figures"])]
    thrown = sum(row["disturbed"] for row in r.rows.values())
    lines = [f"{len(rows)} of {len(r.rows)} rows have no figure because too many of their rounds were disturbed; {thrown} rounds were thrown away in all."]
    lines += [f"- {shape} {count} {kind} {plane}: {row['disturbed_by']}" for (shape, count, kind, plane), row in rows]
    return lines


# ---- Plots ----


def gnuplot(path, title, ylabel, series, log_y=False, xlabel="rules"):
    x = "set logscale x" if xlabel == "rules" else "set xrange [-300:10300]"
    script = [f"set terminal svg size 720,420 font 'sans,12' background rgb 'white'\nset output '{path}'\nset title '{title}'\nset xlabel '{xlabel}'\n"
              f"set ylabel '{ylabel}'\n{x}\nset format x '%.0f'\nset grid\nset key outside right"]
    script.append("set logscale y" if log_y else "set yrange [0:*]")
    for i, (_, points) in enumerate(series):
        script.append(f"$d{i} << E\n" + "\n".join(f"{x} {' '.join(str(v) for v in y)}" for x, y in points) + "\nE")
    script.append("plot " + ", ".join(
        f"$d{i} using 1:2:3:4 with yerrorlines lw 1.5 pt 7 ps 0.5 title '{name}'" if len(points[0][1]) > 1 else f"$d{i} using 1:2 with linespoints pt 7 title '{name}'"
        for i, (name, points) in enumerate(series)))
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def curve(r, kind, runner, value):
    points = []
    for count in r.counts("mixed", "match"):
        one = r.good("mixed", count, kind, "match", runner)
        if one and count > 0:
            points.append((count, value(one["spread"])))
    return points


def plots(r, folder):
    def mpps_of(s):
        return 1e3 / s["median"], 1e3 / s["upper"], 1e3 / s["lower"]

    def ns_of(s):
        return s["median"], s["lower"], s["upper"]

    made = []

    def plot(name, title, ylabel, series, log_y=False, xlabel="rules"):
        series = [(label, points) for label, points in series if len(points) > 1]
        if series:
            gnuplot(os.path.join(folder, name), title, ylabel, series, log_y, xlabel)
            made.append((name, title))

    plot("mpps.svg", "Mpps over rules, mixed, one core, match only", "Mpps", [(kind, curve(r, kind, None, mpps_of)) for kind in PLOTTED])
    plot("ns.svg", "ns a packet over rules, mixed, uniform hits", "ns",
         [(name, curve(r, "uniform", name, ns_of)) for name in ("flowgate burst", "flowgate scalar", "rte_acl default", "rte_acl large")], True)
    plot("memory.svg", "MiB of image over rules, mixed, with the table of 64 MiB for destinations", "MiB",
         [("image", [(count, (image_mib(r, count),)) for count in r.counts("mixed", "match") if count > 0 and image_mib(r, count)])])
    plot("churn.svg", "ns until a verdict, over changes a second, 10000 rules", "ns", [(f"{key[0]} {key[2]}", [(one["churn"], ns_of(one["spread"])) for one in row["figures"] if one["state"] == "good"])
                                                                              for key, row in sorted(r.rows.items()) if key[3] == "churn"], False, "changes a second")
    plot("changes.svg", "us until packets meet a change, over changes a second, 10000 rules", "us",
         [(f"{key[0]} {key[2]} {q}", [(one["churn"], (one["latency_ns"][q] / 1000,)) for one in row["figures"] if one["state"] == "good" and one.get("latency_ns")])
          for key, row in sorted(r.rows.items()) if key[3] == "churn" and key[2] in CHANGED for q in ("p50", "p99")], True, "changes a second")
    return [f"![{title}]({name})" for name, title in made]


# ---- The page ----


def machine_said(run):
    m, method = run["machine"], run["method"]
    vulnerable = [name for name, state in m["mitigations"].items() if state and state.startswith("Mitigation")]
    return [f"**Machine**: {m['cpu']}, {m['cores']} cores, kernel {m['kernel']}, {m['hugepages']['total']} large pages of {m['hugepages']['kib']} KiB, card driver "
            f"{', '.join(m['nics']) or 'none'}, governor {m['governor'] or 'not said'}, gcc {m['compiler']}, {', '.join(f'{k} {v}' for k, v in m['libraries'].items())}; matcher {m['matcher']}; "
            f"mitigations on for {', '.join(vulnerable) or 'nothing'}. {method['pinned']}. flowgate {run['version']}, {run['started']}.",
            "",
            f"**Method**: a row's runners judge the same {method['packets']} packets and take turns in each of {method['rounds']} rounds; the verdicts on {method['checked']} of them are compared one by one, "
            f"those of the matcher with the rules themselves, and each round's count of hits with the packets'. A round is thrown away where the thread was put off its core, the hypervisor "
            f"took it, or work that is always the same took {method.get('core_slower_most', 0.06) * 100:.0f} % longer before or after it. Other cores were allowed to be busy to {method['other_load_most'] * 100:.0f} %: where that is 100 %, the "
            f"machine was shared, and lines that are far from the core cost more than they would alone. Figures are medians, in parentheses the quartiles."]


def words_kept(words):
    """Without where the result went."""
    return [word for i, word in enumerate(words) if word != "--output" and (i == 0 or words[i - 1] != "--output")]


def page(r, folder):
    here = os.path.dirname(os.path.realpath(__file__))
    with open(os.path.join(here, "why.md"), encoding="utf-8") as f:
        why = f.read().rstrip().splitlines()
    lines = ["# How fast", "", "Made by `bench/report.py` of the results in `bench/last.json.xz`; not to be edited. What is written by hand is in [why.md](why.md), and included.", "",
             "    sudo flowgate bench              # on your own box, less than a minute", "    sudo flowgate bench sizing RULES PCAP", "",
             *machine_said(r.runs[-1]), "", "## Goals", "", *goal_table(r), "", *lines_said(r), "", *plots(r, folder), "", *why, "",
             "## Matching alone, by rules", "", "ns a packet. × is the time of the faster `rte_acl` by ours, where it was built: below 1 it is the faster one.", "",
             *by_count(r, "mixed", "match"), ""]
    for count in (1000, 10000):
        lines += [*by_shape(r, count, "match"), ""]
    for shape in ("ipv6", "sources", "nodst", "ranges", "every"):
        lines += [*by_count(r, shape, "match"), ""]
    lines += ["## The XDP program, by test runs", "", "ns over those of an empty program behind the same tail call, round by round, and what that took; of `xdp-filter`, where it can say the rules, too.", ""]
    for count in (1000, 50000):
        lines += [*by_shape(r, count, "xdp"), ""]
    for shape in ("mixed", "ipv6", "sources", "nodst", "ranges", "every", "hosts"):
        lines += [*by_count(r, shape, "xdp"), ""]
    lines += ["## Live frames over a cable", "", "ns a frame, made, sent and judged by one core; × by ours. What passes is counted and dropped behind whoever stands there.", "", *veth_table(r), "",
              "## One change", "", *change_table(r), "",
              "## While a table changes", "", "Packets of one core, while a thread on another takes a rule out or puts one in, on two images by turns, as the gate does it. × is the time by that of the same table at rest, round "
              "by round; then what a change took until packets met it.", "", *churn_table(r), ""]
    if dpdk_rows(r):
        lines += ["## Packets received, judged and sent, with DPDK", "", *dpdk_section(r), "", "[FORWARD.md](FORWARD.md) says what is in these figures.", ""]
    lines += ["## Memory and building", "", *build_table(r), "", "## Who could not", "", *cannot_table(r), "", "## Disturbed", "", *disturbed_said(r), "",
              "## To make this again", ""]
    lines += ["    sudo build/bench/flowgate-bench " + " ".join(words_kept(run["words"])) for run in r.runs]
    lines += ["    bench/report.py bench RESULT…", ""]
    with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as out:
        out.write("\n".join(lines).rstrip() + "\n")


if len(sys.argv) < 3:
    sys.exit(__doc__)
if sys.argv[1] == "--dpdk":
    results = Results(sys.argv[2:])
    print("\n".join(machine_said(results.runs[-1]) + [""] + dpdk_section(results)))
else:
    page(Results(sys.argv[2:]), sys.argv[1])
