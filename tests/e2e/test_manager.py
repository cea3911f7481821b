#!/usr/bin/env python3
"""A service manager as the daemon sees it (sd_notify(3), sd_listen_fds(3)), played by the test: when it is told READY, RELOADING and STOPPING,
that WATCHDOG comes only as long as all processes answer, and that sockets it hands over are used and stay. test_manager.py FLOWGATED"""
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import box as b

flowgated, = sys.argv[1:2]
PERIOD_S = 2  # of the watchdog
METRICS = "127.0.0.1:9194"

b.namespaces()
box = b.Box(flowgated)
notify_path = os.path.join(box.work, "notify")
os.mkdir(os.path.dirname(box.path))


class Manager:
    """NOTIFY_SOCKET, and sockets from descriptor 3 on."""

    def __init__(self):
        if os.path.exists(notify_path):
            os.unlink(notify_path)
        self.s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.s.bind(notify_path)

    def start(self, sockets=(), watchdog=True):
        fds = [s.fileno() for s in sockets]
        environment = dict(os.environ, NOTIFY_SOCKET=notify_path)
        if watchdog:
            environment["WATCHDOG_USEC"] = str(PERIOD_S * 1000000)
        if fds:
            environment["LISTEN_FDS"] = str(len(fds))
        # The process that is to have them names itself.
        script = 'export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$@"'
        with open(box.log, "ab") as log:
            box.daemon = subprocess.Popen(["/bin/sh", "-c", script, "sh", box.flowgated, "--config", box.mount], env=environment, stdin=subprocess.DEVNULL,
                                          stdout=log, stderr=log, close_fds=False, preexec_fn=lambda: self.hand_over(fds))

    @staticmethod
    def hand_over(fds):
        b.die_with_parent()
        copies = [os.dup2(fd, 100 + i, inheritable=False) for i, fd in enumerate(fds)]
        for i, fd in enumerate(copies):
            os.dup2(fd, 3 + i, inheritable=True)
        os.closerange(3 + len(fds), 100)

    def hear(self, wait_s=b.WAIT_S):
        """The next message as a dict; None: none came in time."""
        self.s.settimeout(wait_s)
        try:
            return dict(line.split("=", 1) for line in self.s.recv(4096).decode().splitlines())
        except TimeoutError:
            return None

    def until(self, key, wait_s=b.WAIT_S):
        """What else was heard before it, watchdog left out."""
        heard, end = [], time.monotonic() + wait_s
        while time.monotonic() < end:
            message = self.hear(end - time.monotonic())
            if message is not None and key in message:
                return heard, message
            if message is not None and "WATCHDOG" not in message:
                heard.append(message)
        raise AssertionError(f"no {key}; heard {heard}")

    def silent(self, key, while_s):
        """Whether it does not come for so long, what is under way left out."""
        end = time.monotonic() + while_s
        while time.monotonic() < end:
            message = self.hear(max(end - time.monotonic(), 0.001))
            if message is not None and key in message:
                return False
        return True

    def stop(self):
        box.daemon.terminate()
        box.daemon.wait()
        heard, _ = self.until("STOPPING")
        self.s.close()
        return heard


def away():
    if box.line is not None:
        box.line.close()
        box.line = None
    b.shell(f"{box.flowgated} --remove --config {box.mount}")


def test_ready_when_it_enforces():
    manager = Manager()
    manager.start(watchdog=False)
    heard, message = manager.until("READY")
    b.check("before it", heard, [])
    b.check("READY", message["READY"], "1")
    b.check("healthy then", box.once("Health")["parameters"]["ok"], True)
    b.holds("no watchdog where none is asked for", manager.silent("WATCHDOG", PERIOD_S))
    manager.stop()
    away()


def test_not_ready_without_a_gate():
    """A folder for pins that is on no bpffs, and cannot become one: the gate cannot start."""
    box.configure()
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read()
    blocked = os.path.join(box.work, "file")
    with open(blocked, "w", encoding="ascii"):
        pass
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text.replace("pins /sys/fs/bpf/flowgate", f"pins {blocked}/pins"))
    manager = Manager()
    manager.start()
    box.until("ctrl answers", lambda: not box.once("Health")["parameters"]["ok"])
    manager.until("WATCHDOG")
    b.holds("not ready", manager.silent("READY", 2))
    # A reload is over, which does not make it ready.
    box.daemon.send_signal(signal.SIGHUP)
    manager.until("RELOADING")
    b.holds("nor behind a reload", manager.silent("READY", 2))
    manager.stop()
    box.configure()


def test_reload():
    manager = Manager()
    manager.start()
    manager.until("READY")
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    box.daemon.send_signal(signal.SIGHUP)
    heard, message = manager.until("RELOADING")
    b.check("before it", heard, [])
    b.holds("its time", before <= int(message["MONOTONIC_USEC"]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000)
    heard, _ = manager.until("READY")
    b.check("between the two", heard, [])
    with open(box.mount, "a", encoding="ascii") as conf:
        conf.write("nonsense;\n")
    box.daemon.send_signal(signal.SIGHUP)
    manager.until("RELOADING")
    manager.until("READY")
    box.configure()
    b.check("before the end", manager.stop(), [])
    away()


def test_watchdog():
    """It comes twice a period at least; not while the gate or ctrl hangs, and again when it goes on."""
    manager = Manager()
    manager.start()
    manager.until("READY")
    for _ in range(4):
        manager.until("WATCHDOG", PERIOD_S)
    for process in ("gate", "ctrl"):
        pid = box.pid(process)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(PERIOD_S)
        while manager.hear(0.001) is not None:
            pass
        b.holds(f"{process} hangs: nothing comes", manager.silent("WATCHDOG", 2 * PERIOD_S))
        os.kill(pid, signal.SIGCONT)
        manager.until("WATCHDOG")
        box.healthy()
    # One that ended is the daemon's own business.
    os.kill(box.pid("gate"), signal.SIGKILL)
    for _ in range(4):
        manager.until("WATCHDOG", PERIOD_S)
    box.healthy()
    manager.stop()
    away()


def test_sockets_handed_over():
    control, http = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_INET)
    if os.path.exists(box.path):
        os.unlink(box.path)
    control.bind(box.path)
    control.listen(8)
    inode = os.stat(box.path).st_ino
    http.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    host, port = METRICS.split(":")
    http.bind((host, int(port)))
    http.listen(8)
    # Who calls before the daemon is there waits, and is answered.
    early = b.Line(box.path)
    early.ask("Health")
    manager = Manager()
    manager.start([control, http])
    manager.until("READY")
    b.holds("who was early is answered", "parameters" in early.hear())
    early.close()
    box.healthy()
    b.check("the socket is the one that was there", os.stat(box.path).st_ino, inode)
    with urllib.request.urlopen(f"http://{METRICS}/metrics", timeout=b.WAIT_S) as reply:
        b.holds("metrics", b"flowgate_generation" in reply.read())
    # It is not the daemon's to move.
    with open(box.mount, encoding="ascii") as conf:
        text = conf.read()
    with open(box.mount, "w", encoding="ascii") as conf:
        conf.write(text.replace("listen none", "listen 127.0.0.1:9195"))
    box.daemon.send_signal(signal.SIGHUP)
    box.until("said", lambda: box.once("Status")["parameters"].get("next_start") == "http listen")
    box.configure()
    manager.stop()
    b.check("and is there still", os.stat(box.path).st_ino, inode)
    b.Line(box.path).close()
    away()
    # A daemon that made it takes it away.
    control.close()
    http.close()
    os.unlink(box.path)
    manager = Manager()
    manager.start()
    manager.until("READY")
    manager.stop()
    b.holds("its own socket goes with it", not os.path.exists(box.path))
    away()


b.run_all([test_ready_when_it_enforces, test_not_ready_without_a_gate, test_reload, test_watchdog, test_sockets_handed_over], box)
