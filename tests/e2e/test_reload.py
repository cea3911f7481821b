#!/usr/bin/env python3
"""The configuration read again: what of `control`, `http` and `store` is used at once, and what is said to wait for the next start and does,
also where a process dies meanwhile. test_reload.py FLOWGATED"""
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import box as b

flowgated, = sys.argv[1:2]
FIRST, SECOND = 9196, 9197

b.namespaces()
box = b.Box(flowgated)


def configure(*changes, control=""):
    """The configuration with pairs of texts replaced."""
    box.configure(control=control)
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read().replace("listen none", f"listen 127.0.0.1:{FIRST}")
    for old, new in changes:
        b.holds("there is such a text", old in text, old)
        text = text.replace(old, new)
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text)


def reload(*changes, control=""):
    configure(*changes, control=control)
    with open(box.log, encoding="utf-8") as log:
        before = log.read().count("read again")
    box.daemon.send_signal(signal.SIGHUP)
    box.until("it was read again", lambda: open(box.log, encoding="utf-8").read().count("read again") > before)
    box.call("Status")


def waits(expected):
    box.until(f"waits for the next start: {expected}", lambda: box.once("Status")["parameters"].get("next_start") == expected)
    b.check("health says the same", box.once("Health")["parameters"].get("next_start"), expected)
    b.check("and is none the worse", box.once("Health")["parameters"]["ok"], True)


def metrics(port, address="127.0.0.1"):
    try:
        with urllib.request.urlopen(f"http://{address}:{port}/metrics", timeout=b.WAIT_S) as reply:
            return b"flowgate_generation" in reply.read()
    except urllib.error.URLError:
        return False


def as_uid(uid, method):
    """What somebody else is answered."""
    call = json.dumps({"method": f"net.flowgate.v1.{method}"}) + "\n"
    code = f"""import socket
s = socket.socket(socket.AF_UNIX)
s.connect({box.path!r})
s.sendall({call!r}.encode())
print(s.makefile().readline())"""
    out = subprocess.run(["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", sys.executable, "-c", code], capture_output=True, check=True)
    return json.loads(out.stdout or "{}")


def test_roles():
    os.chmod(box.path, 0o666)
    os.chmod(os.path.dirname(box.path), 0o755)
    b.check("others may not flush", as_uid(7, "Flush")["error"], "net.flowgate.v1.PermissionDenied")
    reload(control="operator uid 7;")
    box.until("uid 7 may", lambda: "parameters" in as_uid(7, "Flush") and "error" not in as_uid(7, "Flush"))
    reload(control="others none;")
    box.until("others may nothing", lambda: as_uid(7, "Health").get("error") == "net.flowgate.v1.PermissionDenied")
    waits(None)
    reload()


def test_metrics_move():
    b.holds("metrics", metrics(FIRST))
    reload((f":{FIRST}", f":{SECOND}"))
    box.until("they are at the other port", lambda: metrics(SECOND))
    b.holds("and not at the first", not metrics(FIRST))
    # The same port, another address: it is free for us at once.
    reload((f"127.0.0.1:{FIRST}", f"0.0.0.0:{SECOND}"))
    box.until("at every address", lambda: metrics(SECOND, b.BOX))
    # ctrl is started again with the socket that is there.
    before = box.pid("ctrl")
    hang_up()
    os.kill(before, signal.SIGKILL)
    box.until("another ctrl", lambda: box.pid("ctrl") not in (0, before))
    box.until("metrics of it", lambda: metrics(SECOND, b.BOX))
    reload((f"listen 127.0.0.1:{FIRST}", "listen none"))
    box.until("none", lambda: not metrics(SECOND))
    waits(None)


def test_metrics_that_cannot_move():
    reload()
    box.until("at the first port", lambda: metrics(FIRST))
    taken = socket.socket()
    taken.bind(("127.0.0.1", SECOND))
    taken.listen(1)
    reload((f":{FIRST}", f":{SECOND}"))
    box.until("they stay", lambda: metrics(FIRST))
    b.holds("and that is said", "metrics stay where they were" in open(box.log, encoding="utf-8").read())
    taken.close()
    reload((f":{FIRST}", f":{SECOND}"))
    box.until("they go once there is room", lambda: metrics(SECOND))
    reload()


def test_history():
    for _ in range(5):
        box.add(f"name H match destination {b.BOX}/32 protocol udp port 5 then discard")
        box.call("DeleteRules", names=["H"])
    b.holds("generations", len(box.call("History", limit=400)["generations"]) >= 10)
    reload(("slots 4096;", "slots 4096; history 3;"))
    box.add(f"name H match destination {b.BOX}/32 protocol udp port 5 then discard")
    box.until("three are kept", lambda: len(box.call("History", limit=400)["generations"]) == 3)
    waits(None)
    reload()
    box.call("DeleteRules", names=["H"])


def hang_up():
    if box.line is not None:
        box.line.close()
        box.line = None


def test_what_waits_for_the_next_start():
    box.add(f"name K match destination {b.BOX}/32 protocol udp port 6 then discard")
    limits = box.call("Limits")["budget"]["slots_budget"]
    reload(("slots 4096;", "slots 8192;"), (f"path {box.work}/db", f"path {box.work}/db2"))
    waits("store path, store slots")
    b.holds("the log says so", "takes effect at the next start: store path, store slots" in open(box.log, encoding="utf-8").read())
    # Who is started again meanwhile fits to what is there.
    gate = box.pid("gate")
    os.kill(gate, signal.SIGKILL)
    box.until("another gate", lambda: box.pid("gate") not in (0, gate))
    box.healthy()
    status = box.call("Status")
    b.check("it has adopted what its predecessor left", (status["adopted"], list(box.rules())), (True, ["K"]))
    b.check("its slots", box.call("Limits")["budget"]["slots_budget"], limits)
    ctrl = box.pid("ctrl")
    hang_up()
    os.kill(ctrl, signal.SIGKILL)
    box.until("another ctrl", lambda: box.pid("ctrl") not in (0, ctrl))
    waits("store path, store slots")
    reload()
    waits(None)
    reload((f"socket {box.path}", f"socket {box.path}2"), ("user nobody", "user root"))
    waits("control socket, control user")
    hang_up()
    box.daemon.terminate()
    box.daemon.wait()
    box.path += "2"
    box.start()
    waits(None)
    b.check("the rule is there", list(box.rules()), ["K"])


def test_dpdk_is_decided_at_the_start():
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read()
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text.replace("interface flow0 { mode native; }",
                                'dpdk { run off; cores 0; port d0 "net_null0"; port d1 "net_null1"; }\nport-pair d0 d1 { }'))
    check = subprocess.run([flowgated, "--check-config", box.mount], capture_output=True, check=False)
    b.check("it is a good configuration", (check.returncode, check.stderr), (0, b""))
    box.daemon.send_signal(signal.SIGHUP)
    waits("dpdk")
    b.check("the port is what it was", box.port()["mode"], "native")


configure()
box.start()
b.run_all([test_roles, test_metrics_move, test_metrics_that_cannot_move, test_history, test_what_waits_for_the_next_start,
           test_dpdk_is_decided_at_the_start], box)
