"""A box for tests of the whole daemon: flowgated in namespaces of this process's own, a cable to the world, callers, and traffic.

All that is made goes with this process: namespaces, bpffs, children. `world` is the other end of the cable, in a namespace of its own; frames
are sent there by packet sockets, and what the box's kernel gets is seen by packet sockets here. What fails raises."""
import atexit
import contextlib
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

NEWNS, NEWNET = 0x20000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
SO_RCVBUFFORCE, SO_ATTACH_FILTER = 33, 26
BOX, WORLD = "10.9.0.1", "10.9.0.2"
DROP_PORT, PASS_PORT = 9, 10  # of Traffic: there is a rule for the first, none for the second
WAIT_S = 30
LINE_MAX = 65536
STACK_KIB = 64  # of a process all of whose memory is locked from the start, only the stack may still grow

libc = ctypes.CDLL(None, use_errno=True)


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def check(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: {got!r}, expected {wanted!r}")


def holds(what, so, *numbers):
    if not so:
        raise AssertionError(f"{what}: {numbers}")


def call_c(result, what):
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def die_with_parent():
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def shell(command):
    subprocess.run(command, shell=True, check=True)


def namespaces():
    """Network and mounts of our own, a bpffs among them. Exits 77 where they are not to be had."""
    if os.geteuid() != 0:
        skip("needs root")
    for tool in ("ip", "setpriv"):
        if shutil.which(tool) is None:
            skip(f"there is no {tool}")
    try:
        call_c(libc.unshare(NEWNS | NEWNET), "unshare")
        call_c(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "mounts of our own")
        call_c(libc.mount(b"bpf", b"/sys/fs/bpf", b"bpf", 0, b"mode=0700"), "a bpffs of our own")
    except OSError as error:
        skip(str(error))
    # Of the namespace we are in now: interfaces are found in it.
    shell("mount -t sysfs sysfs /sys && mount -t bpf bpf /sys/fs/bpf && ip link set lo up")


def address_of(text):
    return socket.inet_aton(text)


def checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total & 0xffff) + (total >> 16)
    return ~((total & 0xffff) + (total >> 16)) & 0xffff


def udp_frame(destination, sport, dport, payload=b"", source="198.51.100.9"):
    """Ethernet to nobody here, so that the kernel answers nothing."""
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 28 + len(payload), 0, 0, 64, 17, 0, address_of(source), address_of(destination))
    ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
    udp = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    return b"\x02\0\0\0\0\x99\x02\0\0\0\0\x01\x08\0" + ip + udp + payload


def sport_filter(sport):
    """A classic BPF program: IPv4 without options, of this source port."""
    code = [(0x28, 0, 0, 12), (0x15, 0, 3, 0x800), (0x28, 0, 0, 34), (0x15, 0, 1, sport), (0x6, 0, 0, 0xffff), (0x6, 0, 0, 0)]
    return b"".join(struct.pack("HBBI", *one) for one in code), len(code)


class Line:
    """A caller of the control socket: one question a time, or several sent ahead."""

    def __init__(self, path, timeout=WAIT_S):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)  # waits while the queue of the listener is full; with a time limit it would not
        self.s.settimeout(timeout)
        self.had = b""

    def ask(self, method, more=False, **parameters):
        if "." not in method:
            method = "net.flowgate.v1." + method
        call = {"method": method, "parameters": parameters}
        if more:
            call["more"] = True
        self.s.sendall(json.dumps(call, separators=(",", ":")).encode() + b"\n")

    def hear(self):
        """The next answer; None: the connection is closed."""
        while b"\n" not in self.had:
            more = self.s.recv(1 << 16)
            if not more:
                return None
            self.had += more
        line, self.had = self.had.split(b"\n", 1)
        return json.loads(line)

    def pending(self):
        """Whether something of an answer is there."""
        return bool(self.had) or bool(select.select([self.s], [], [], 0)[0])

    def close(self):
        self.s.close()


class Box:
    """`conf`: more lines of the configuration, `store`: of its block."""

    def __init__(self, flowgated, conf="", protect="", limits="", slots=4096, store="", control=""):
        self.flowgated = os.path.realpath(flowgated)
        self.work = tempfile.mkdtemp(prefix="flowgate-box.")
        os.chmod(self.work, 0o755)
        self.mount = os.path.join(self.work, "flow.conf")
        self.path = os.path.join(self.work, "run", "s")
        self.log = os.path.join(self.work, "log")
        self.daemon = None
        self.line = None
        self.sysfs = None
        self.owner = os.getpid()
        atexit.register(self.clean)
        self.lay_cable()
        self.configure(conf, protect, limits, slots, store, control)

    def configure(self, conf="", protect="", limits="", slots=4096, store="", control=""):
        with open(self.mount, "w", encoding="ascii") as out:
            out.write(f"""interface flow0 {{ mode native; }}
{conf}
protect {{ {protect} }}
limits {{ {limits} }}
control {{ socket {self.path}; group root; user nobody; {control} }}
http {{ listen none; }}
store {{ path {self.work}/db; pins /sys/fs/bpf/flowgate; image 128M; slots {slots}; {store} }}
""")

    def lay_cable(self):
        """One queue, so that frames arrive in the order they were sent in."""
        self.world = subprocess.Popen(["sleep", "infinity"], preexec_fn=lambda: (die_with_parent(), libc.unshare(NEWNET)))
        shell("ip link add flow0 numtxqueues 1 numrxqueues 1 type veth peer name flow1 numtxqueues 1 numrxqueues 1")
        shell("sysctl -qw net.ipv6.conf.flow0.disable_ipv6=1")
        shell(f"ip link set flow1 netns {self.world.pid} && ip address add {BOX}/24 dev flow0 && ip link set flow0 up")
        with self.in_world():
            shell(f"sysctl -qw net.ipv6.conf.flow1.disable_ipv6=1; ip address add {WORLD}/24 dev flow1 && ip link set flow1 up && ip link set lo up")

    @contextlib.contextmanager
    def in_world(self):
        """This thread is in the other namespace meanwhile."""
        with open("/proc/self/ns/net", "rb") as ours, open(f"/proc/{self.world.pid}/ns/net", "rb") as theirs:
            call_c(libc.setns(theirs.fileno(), NEWNET), "setns")
            try:
                yield
            finally:
                call_c(libc.setns(ours.fileno(), NEWNET), "setns")

    def clean(self):
        if os.getpid() != self.owner:
            return
        for child in (self.daemon, self.world):
            if child is not None and child.poll() is None:
                child.kill()
                child.wait()
        if sys.exc_info()[0] is not None or getattr(self, "failed", False):
            with open(self.log, encoding="utf-8", errors="replace") as log:
                print("--- log\n" + "".join(log.readlines()[-40:]))
        shutil.rmtree(self.work, ignore_errors=True)

    # ---- The daemon ----

    def spawn(self):
        with open(self.log, "ab") as log:
            self.daemon = subprocess.Popen([self.flowgated, "--config", self.mount], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                           preexec_fn=die_with_parent)

    def start(self):
        self.spawn()
        self.healthy()

    def healthy(self):
        self.until("the daemon is healthy", lambda: self.once("Health")["parameters"]["ok"])

    def until(self, what, so, wait_s=WAIT_S):
        """Waits until it holds; a daemon that is not there yet is no failure."""
        end = time.monotonic() + wait_s
        while True:
            try:
                value = so()
                if value:
                    return value
            except (OSError, TypeError, KeyError, ValueError):
                pass
            if time.monotonic() > end:
                raise AssertionError(f"never: {what}")
            time.sleep(0.02)

    def once(self, method, **parameters):
        """A question on a connection of its own."""
        line = Line(self.path)
        try:
            line.ask(method, **parameters)
            return line.hear()
        finally:
            line.close()

    def call(self, method, **parameters):
        """On the connection that is kept; anew where that has ended. An error is raised."""
        reply = self.ask(method, **parameters)
        holds(method, reply is not None and "error" not in reply, reply)
        return reply["parameters"]

    def ask(self, method, **parameters):
        if self.line is None:
            self.line = Line(self.path)
        try:
            self.line.ask(method, **parameters)
            reply = self.line.hear()
        except OSError:
            reply = None
        if reply is None:
            self.line.close()
            self.line = None
        return reply

    def add(self, *rules, **parameters):
        return self.call("AddRules", text="\n".join(rules), **parameters)

    def rules(self):
        """All rules, by name."""
        line = Line(self.path)
        line.ask("ListRules", more=True)
        found = {}
        while True:
            reply = line.hear()
            holds("ListRules", reply is not None and "error" not in reply, reply)
            found.update((rule["name"], rule) for rule in reply["parameters"]["rules"])
            if not reply.get("continues"):
                line.close()
                return found

    def pid(self, process):
        return self.once("Status")["parameters"]["processes"][process]["pid"]

    def port(self):
        return self.call("Status")["ports"][0]

    def conserved(self):
        """At rest: each packet received is accounted for. The port's counters."""
        port = self.port()
        for unit in ("packets", "bytes"):
            check(f"conservation of {unit}", port["received"][unit],
                  sum(port[what][unit] for what in ("passed", "dropped", "redirected", "aborted")))
        check("aborted", port["aborted"]["packets"], 0)
        return port

    # ---- The cable ----

    def sender(self):
        """A packet socket at the world's end; what it sends, the box receives."""
        with self.in_world():
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            s.bind(("flow1", 0))
        return s

    def receiver(self, sport):
        """What passes of a source port."""
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        code, n = sport_filter(sport)
        room = ctypes.create_string_buffer(code)
        s.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", n, ctypes.addressof(room)))
        s.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        s.bind(("flow0", 0x800))
        s.setblocking(False)
        return s

    def lost_on_cable(self):
        """Frames that the cable itself has refused: they never reached the box."""
        with self.in_world():
            out = subprocess.run(["ip", "-j", "-s", "link", "show", "flow1"], capture_output=True, check=True).stdout
        return json.loads(out)[0]["stats64"]["tx"]["dropped"]


class Traffic:
    """A process that sends pairs of datagrams, one that is to be dropped and one that is to pass, and counts what comes through. So few are
    on their way at a time that the cable never loses any: what is missing at the end was lost by the box. `tails`: what the payloads of both end in."""
    SPORT = 7000

    def __init__(self, box, drop_port=DROP_PORT, pass_port=PASS_PORT, destination=BOX, window=32, tails=(b"", b"")):
        self.out, self.into, self.window, self.tails = box.sender(), box.receiver(self.SPORT), window, tails
        self.drop_port, self.pass_port, self.destination = drop_port, pass_port, destination
        self.stop_at, stop = os.pipe()
        result, self.result_at = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            die_with_parent()
            try:
                self.run()
            finally:
                os._exit(0)
        self.stop_fd, self.result_fd = stop, result
        os.close(self.stop_at)
        os.close(self.result_at)

    def take(self):
        """What has come through meanwhile: numbers of packets, and how many that were to be dropped."""
        with contextlib.suppress(BlockingIOError):
            while True:
                frame = self.into.recv(2048)
                number, = struct.unpack_from("!Q", frame, 42)
                if struct.unpack_from("!H", frame, 36)[0] == self.drop_port:
                    self.leaked += 1
                else:
                    self.got += 1
                    self.last = max(self.last, number)

    def run(self):
        self.sent = self.got = self.leaked = self.nudges = 0
        self.last = -1
        drop, passing = (udp_frame(self.destination, self.SPORT, port, bytes(8) + tail)[:-8 - len(tail)]
                         for port, tail in zip((self.drop_port, self.pass_port), self.tails))
        while not select.select([self.stop_at], [], [], 0)[0]:
            for _ in range(self.window):
                number = struct.pack("!Q", self.sent)
                self.out.send(drop + number + self.tails[0])
                self.out.send(passing + number + self.tails[1])
                self.sent += 1
            self.settle(2)
        self.settle(5)
        time.sleep(0.1)
        self.take()
        os.write(self.result_at, json.dumps([self.sent, self.got, self.leaked, self.nudges]).encode())

    def settle(self, wait_s):
        """Until the last one sent has arrived; it lies behind all others. A cable may sleep on what it has until there is more: so there is."""
        nudge = b"\x02\0\0\0\0\x99\x02\0\0\0\0\x01\x88\xb5" + bytes(46)  # no IP, so that no verdict is counted but that it passes
        end = time.monotonic() + wait_s
        while self.last < self.sent - 1 and time.monotonic() < end:
            if not select.select([self.into], [], [], 0.02)[0]:
                self.out.send(nudge)
                self.nudges += 1
            self.take()

    def finish(self, what, least=500, refused=lambda: 0):
        """Ends it; how many pairs were sent. Nothing may have leaked or been lost, but what a full ring has refused: so many."""
        os.write(self.stop_fd, b"x")
        data = os.read(self.result_fd, 4096)
        os.waitpid(self.pid, 0)
        for fd in (self.stop_fd, self.result_fd):
            os.close(fd)
        self.out.close()
        self.into.close()
        sent, got, leaked, self.nudges = json.loads(data)
        check(f"{what}: packets to be dropped that came through", leaked, 0)
        holds(f"{what}: packets to pass that did", sent - refused() <= got <= sent, got, sent, refused())
        holds(f"{what}: so few packets show nothing", sent >= least, sent)
        return sent


def resident_kib(pid, what="VmRSS"):
    """Of what the process has itself, without what it shares: RssAnon; all of it: VmRSS."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(what + ":"):
                return int(line.split()[1])
    raise AssertionError(f"no {what}")


def run_all(tests, box=None):
    """Each test in turn, and what it measured; the first that fails ends it."""
    for test in tests:
        start = time.monotonic()
        try:
            said = test()
        except BaseException:
            print(f"not ok {test.__name__}")
            traceback.print_exc(file=sys.stdout)  # before the log, which may be long
            sys.stdout.flush()
            if box is not None:
                box.failed = True
            sys.exit(1)
        print(f"ok {test.__name__} ({time.monotonic() - start:.1f} s){': ' + said if said else ''}", flush=True)
