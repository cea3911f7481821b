#!/usr/bin/env python3
"""The whole daemon, measured (bench/LIVE.md): live.py BUILD [latency|bulk|rate ...]. Needs root; all in namespaces of its own; prints Markdown.

  latency  from sending a rule to the first packet that it drops, idle and while another caller changes 10000 rules a second
  bulk     a hundred thousand rules through the socket, what each process then has of memory, and how long a flush and a new gate take
  rate     packets a second over a cable, by nothing but a verdict, by Flowgate, by nftables and xdp-filter"""
import os
import signal
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "tests", "e2e"))
import box as b  # noqa: E402

build = os.path.realpath(sys.argv[1])
parts = sys.argv[2:] or ["latency", "bulk", "rate"]
FLOWGATED, FLOOD, OBJECT = (os.path.join(build, name) for name in ("flowgated", "bench/flowgate-bench-flood", "bench/flood.bpf.o"))
IDLE_ROUNDS, CHURN_ROUNDS, SPORT, VICTIM = 600, 400, 8000, "192.0.2.7"
CHURN_A_SECOND, CHURN_BATCH = 10000, 100
BULK, SECONDS, RATE_ROUNDS = 100000, 1.5, 5
ENV = dict(os.environ, LIBXDP_SKIP_DISPATCHER="1")

b.namespaces()


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def address(i, net=18):
    return f"198.{net}.{i >> 8}.{i & 255}/32"


# ---- From a rule to its first packet ----


def latency_once(box, out, into, port):
    """Packets of a flow without end, each with the time it was sent at; meanwhile a rule is asked for. Seconds from then to the sending of the last
    packet that came through, and the gap to the one after it; to the answer."""
    time.sleep(0.03)  # no drain of the change before is outstanding
    frame = b.udp_frame(VICTIM, SPORT, port, bytes(8))[:-8]
    times = []
    asked = time.monotonic_ns()
    box.line.ask("AddRules", text=f"match destination {VICTIM}/32 protocol udp destination-port {port} then discard")
    answered = 0
    while not answered or time.monotonic_ns() < answered + 2000000:
        now = time.monotonic_ns()
        times.append(now)
        out.send(frame + struct.pack("!Q", now))
        if not answered and box.line.pending():
            box.line.hear()
            answered = time.monotonic_ns()
    last = asked
    while True:
        try:
            last = max(last, struct.unpack_from("!Q", into.recv(2048), 42)[0])
        except BlockingIOError:
            break
    first_dropped = min((t for t in times if t > last), default=None)
    b.holds("a rule that was answered drops", first_dropped is not None and first_dropped <= answered + 2000000)
    return (first_dropped - asked) / 1e6, (answered - asked) / 1e6


def latencies(box, rounds):
    out, into = box.sender(), box.receiver(SPORT)
    enforced, answered = zip(*(latency_once(box, out, into, 1000 + i) for i in range(rounds)))
    box.call("Flush")
    return [f"{quantile(values, q):.2f}" for values in (enforced, answered) for q in (0.5, 0.99)]


def churn(box):
    """A process that changes rules, so many a second, by transactions of CHURN_BATCH; it says how many it has changed."""
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid:
        os.close(theirs)
        return pid, ours
    b.die_with_parent()
    running, changed, start = [True], 0, time.monotonic()
    signal.signal(signal.SIGTERM, lambda *_: running.clear())
    line = b.Line(box.path)
    texts = ["\n".join(f"match destination {address(i)} protocol udp destination-port 53 then {then}" for i in range(k * CHURN_BATCH, (k + 1) * CHURN_BATCH))
             for then in ("discard", "accept") for k in range(10)]
    while running:
        line.ask("AddRules", text=texts[changed // CHURN_BATCH % len(texts)])
        line.hear()
        changed += CHURN_BATCH
        time.sleep(max(0, start + changed / CHURN_A_SECOND - time.monotonic()))
    os.write(theirs, f"{changed / (time.monotonic() - start):.0f}".encode())
    os._exit(0)


def latency():
    box = b.Box(FLOWGATED, slots=65536)
    box.start()
    box.call("Status")
    print("\n| rule to first packet dropped, ms | p50 | p99 | answered p50 | p99 |\n|---|---|---|---|---|")
    row("idle", *latencies(box, IDLE_ROUNDS))
    pid, said = churn(box)
    time.sleep(1)
    figures = latencies(box, CHURN_ROUNDS)
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    row(f"under {os.read(said, 100).decode()} changes a second ({CHURN_A_SECOND} wanted)", *figures)
    box.clean()


# ---- Many rules ----


def lines_of(rules):
    """Texts that fit a line."""
    texts, size = [[]], 0
    for one in rules:
        if size + len(one) + 2 > b.LINE_MAX - 300:
            texts.append([])
            size = 0
        texts[-1].append(one)
        size += len(one) + 2
    return ["\n".join(text) for text in texts]


def load(box, rules):
    """All as one transaction. Seconds."""
    texts = lines_of(rules)
    start, heard = time.monotonic(), 0
    line = b.Line(box.path, 120)
    for i, text in enumerate(texts):
        line.ask("AddRules", text=text, part=i + 1, parts=len(texts))
        while line.pending():
            reply, heard = line.hear(), heard + 1
    for _ in range(heard, len(texts)):
        reply = line.hear()
    took = time.monotonic() - start
    b.check("admitted", reply["parameters"].get("admitted"), len(rules))
    line.close()
    return took


def bulk_rules(n):
    return [f"match destination {address(i & 65535, 18 + (i >> 16))} protocol udp source-port {1 + i % 60000} packet-length {60 + i % 900}-1500 then discard"
            for i in range(n)]


def processes(box):
    return {name: one["pid"] for name, one in box.once("Status")["parameters"]["processes"].items()}


def processor_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        return sum(int(word) for word in stat.read().rpartition(")")[2].split()[11:13]) / os.sysconf("SC_CLK_TCK")


def flush(box):
    """Seconds from asking for a flush to the sending of the first packet that comes through, and to the answer."""
    box.add(f"name THREE match destination {VICTIM}/32 then discard")
    out, into = box.sender(), box.receiver(SPORT)
    frame = b.udp_frame(VICTIM, SPORT, 1, bytes(8))[:-8]
    asked, passed = time.monotonic_ns(), 0
    box.line.ask("Flush")
    while not passed:
        out.send(frame + struct.pack("!Q", time.monotonic_ns()))
        try:
            passed = struct.unpack_from("!Q", into.recv(2048), 42)[0]
        except BlockingIOError:
            b.holds("a packet passes in time", time.monotonic_ns() < asked + 10**10)
    box.line.hear()
    return (passed - asked) / 1e9, (time.monotonic_ns() - asked) / 1e9


def bulk():
    box = b.Box(FLOWGATED, slots=131072)
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read().replace("image 128M", "image 256M")
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text)
    box.start()
    print("\n| process, MiB | anonymous, no rules | with 100000 | resident in all, no rules | with 100000 |\n|---|---|---|---|---|")
    pids = processes(box)
    memory = lambda what: {name: b.resident_kib(pid, what) // 1024 for name, pid in pids.items()}
    before = memory("RssAnon"), memory("VmRSS")
    used = {name: processor_s(pid) for name, pid in pids.items()}
    took = load(box, bulk_rules(BULK))
    start = time.monotonic()
    box.call("Status")
    written = time.monotonic() - start
    after = memory("RssAnon"), memory("VmRSS")
    for name in pids:
        row(name, before[0][name], after[0][name], before[1][name], after[1][name])
    print("\n| with 100000 rules | s |\n|---|---|")
    row("bulk load, from the first octet sent to the answer", f"{took:.2f}")
    row("then, until the store has it and the next question is answered", f"{written:.2f}")
    for name in ("ctrl", "gate"):
        row(f"of both, processor time of {name}", f"{processor_s(pids[name]) - used[name]:.2f}")
    start = time.monotonic()
    box.add("name ONE match destination 192.0.2.1/32 then discard")
    row("one rule more", f"{time.monotonic() - start:.4f}")
    os.kill(pids["gate"], signal.SIGKILL)
    start = time.monotonic()
    time.sleep(0.05)
    box.healthy()
    pid = box.pid("gate")
    row("from kill -9 of the gate to a healthy successor", f"{time.monotonic() - start:.2f}")
    row("processor time of that successor", f"{processor_s(pid):.2f}")
    start = time.monotonic()
    box.add("name TWO match destination 192.0.2.2/32 then discard")
    row("its first rule", f"{time.monotonic() - start:.4f}")
    passed, answered = flush(box)
    row("flush, to the first packet that passes", f"{passed:.3f}")
    row("to the answer, behind the store", f"{answered:.3f}")
    box.clean()


# ---- Packets a second ----


def taken():
    """Frames that the box's end has taken, dropped by a program or not."""
    with open("/proc/net/dev", encoding="ascii") as devices:
        for line in devices:
            if line.strip().startswith("flow0:"):
                return int(line.split()[2])
    raise AssertionError("no flow0")


def rate(box, addresses, destination):
    """Millions of frames a second that the box took: the best of some rounds."""
    best = 0
    for _ in range(RATE_ROUNDS):
        before, start = taken(), time.monotonic()
        with box.in_world():
            flood = subprocess.Popen([FLOOD, OBJECT, "send", "flow1", str(SECONDS), str(addresses), destination], stdout=subprocess.PIPE)
        flood.communicate()
        b.check("flood", flood.returncode, 0)
        best = max(best, (taken() - before) / (time.monotonic() - start) / 1e6)
    return f"{best:.2f}"


def rate_rows(box, what, addresses):
    clean = rate(box, 65535, "203.0.113.0")
    row(what, rate(box, addresses, "198.18.0.0") if addresses else "-", clean)


def attack_rules(n):
    return [f"match destination {address(i)} protocol udp destination-port 53 then discard" for i in range(n)]


def with_program(box, name):
    program = subprocess.Popen([FLOOD, OBJECT, name, "flow0"], stdout=subprocess.PIPE, preexec_fn=b.die_with_parent)
    b.check("attached", program.stdout.readline(), b"attached\n")
    figure = rate(box, 1000, "198.18.0.0")
    program.kill()
    program.wait()
    return figure


def nft(box, n):
    """One set in one rule, on ingress; and the kernel's own way to it, which needs GRO where there is no program."""
    script = "table netdev bench { set victims { type ipv4_addr . inet_service; "
    script += "elements = { " + ", ".join(f"{address(i)[:-3]} . 53" for i in range(n)) + " }; }\n"
    script += 'chain in { type filter hook ingress device "flow0" priority 0; ip daddr . udp dport @victims drop;\n}\n}\n'
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True)
    rate_rows(box, f"nftables, a set of {n} on ingress", n)
    subprocess.run(["nft", "delete", "table", "netdev", "bench"], check=True)


def nft_rules(box, n):
    script = 'table netdev bench { chain in { type filter hook ingress device "flow0" priority 0;\n'
    script += "\n".join(f"ip daddr {address(i)[:-3]} udp dport 53 drop" for i in range(n)) + "\n}\n}\n"
    subprocess.run(["nft", "-f", "-"], input=script, text=True, check=True)
    rate_rows(box, f"nftables, {n} rules on ingress", n)
    subprocess.run(["nft", "delete", "table", "netdev", "bench"], check=True)


def xdp_filter(box, n):
    run = lambda *words: subprocess.run(["xdp-filter", *words], env=ENV, capture_output=True, text=True, check=False)
    loaded = run("load", "-m", "native", "-f", "ipv4", "flow0")
    if loaded.returncode != 0:
        row(f"xdp-filter: `{(loaded.stderr.strip().splitlines() or ['?'])[0]}`", "-", "-")
        return
    for i in range(n):
        run("ip", "-m", "dst", address(i)[:-3])
    rate_rows(box, f"xdp-filter, {n} addresses", n)
    run("unload", "flow0")


def rates():
    print("\n| frames that the box takes, millions a second on one core with their making | all hit | none hit |\n|---|---|---|")
    box = b.Box(FLOWGATED, slots=131072)
    row("an empty program, drops all (column 1) or passes all (column 2)", with_program(box, "drop_all"), with_program(box, "pass_all"))
    subprocess.run(["ethtool", "-K", "flow0", "gro", "on"], check=True)
    row("no program", "-", rate(box, 1000, "198.18.0.0"))
    for n in (1000, 50000):
        nft(box, n)
    nft_rules(box, 100)
    subprocess.run(["ethtool", "-K", "flow0", "gro", "off"], check=True)
    xdp_filter(box, 1000)
    box.start()
    rate_rows(box, "Flowgate, no rules", 0)
    for n in (1000, 50000):
        load(box, attack_rules(n))
        rate_rows(box, f"Flowgate, {n} rules", n)
        box.call("Flush")
    box.conserved()
    box.clean()


for part in parts:
    {"latency": latency, "bulk": bulk, "rate": rates}[part]()
