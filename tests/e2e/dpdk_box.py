"""A box whose packets go through flowgate-dpdk (box.py): two cables, `flow1` in the world and `flow3` in a namespace behind the box, and between
them the box, which has no address and forwards from one to the other by virtual devices of DPDK on its ends of the cables.

flowgate-dpdk outlives whoever started it, so this ends it by taking enforcement away."""
import contextlib
import ctypes
import json
import os
import shutil
import socket
import struct
import subprocess

import box as b

INNER = "10.9.0.1"  # behind the box; box.BOX, so that box.Traffic sends there


class DpdkBox(b.Box):
    """device: a driver of DPDK, `af_packet` or `af_xdp`."""

    def __init__(self, flowgated, device="af_packet", cores="0", **rest):
        self.device, self.cores = device, cores
        self.memory = f"/dev/shm/flowgate-box-{os.getpid()}"
        if shutil.which("ethtool") is None:
            b.skip("there is no ethtool")
        super().__init__(flowgated, **rest)
        # Where a distribution of its own is not there, af_xdp does without (libxdp asks for what lockdown refuses).
        os.environ.setdefault("LIBXDP_SKIP_DISPATCHER", "1")

    def vdev(self, number, interface):
        ring = ",framecnt=8192,framesz=2048,blocksz=4096" if self.device == "af_packet" else ""
        return f"net_{self.device}{number},iface={interface}{ring}"

    def configure(self, conf="", protect="", limits="", slots=4096, store="", control=""):
        with open(self.mount, "w", encoding="ascii") as out:
            out.write(f"""port-pair wan lan {{ on-failure closed; }}
{conf}
dpdk {{
	port wan {self.vdev(0, "flow0")};
	port lan {self.vdev(1, "flow2")};
	cores {self.cores};
	main-core 0;
	memory {self.memory};
	eal --no-pci --no-huge --no-shconf -m 192 --no-telemetry;
}}
protect {{ {protect} }}
limits {{ {limits} }}
control {{ socket {self.path}; group root; user nobody; {control} }}
http {{ listen none; }}
store {{ path {self.work}/db; image 128M; slots {slots}; {store} }}
""")

    def lay_cable(self):
        """What a kernel leaves to a device, checksums and segments, no device of DPDK makes good: it is turned off at the far ends."""
        self.world, self.inner = self.namespace(), self.namespace()
        self.cable("flow0", "flow1", self.world, b.WORLD)
        self.cable("flow2", "flow3", self.inner, INNER)

    @staticmethod
    def namespace():
        """A namespace that lives as long as the process."""
        mine = os.readlink("/proc/self/ns/net")
        child = subprocess.Popen(["sleep", "infinity"], preexec_fn=lambda: (b.die_with_parent(), b.libc.unshare(b.NEWNET)))
        while os.readlink(f"/proc/{child.pid}/ns/net") == mine:
            pass
        return child

    def cable(self, near, far, where, address):
        b.shell(f"ip link add {near} numtxqueues 1 numrxqueues 1 type veth peer name {far} numtxqueues 1 numrxqueues 1")
        b.shell(f"sysctl -qw net.ipv6.conf.{near}.disable_ipv6=1; ethtool -K {near} gro off gso off tso off tx off rx off >/dev/null 2>&1; true")
        b.shell(f"ip link set {far} netns {where.pid} && ip link set {near} promisc on up")
        with self.inside(where):
            b.shell(f"sysctl -qw net.ipv6.conf.{far}.disable_ipv6=1; ip address add {address}/24 dev {far} && ip link set {far} up && ip link set lo up")
            b.shell(f"ethtool -K {far} tx off rx off tso off gso off gro off >/dev/null 2>&1; true")

    @contextlib.contextmanager
    def inside(self, where):
        """This thread is in the namespace of that process meanwhile."""
        with open("/proc/self/ns/net", "rb") as ours, open(f"/proc/{where.pid}/ns/net", "rb") as theirs:
            b.call_c(b.libc.setns(theirs.fileno(), b.NEWNET), "setns")
            try:
                yield
            finally:
                b.call_c(b.libc.setns(ours.fileno(), b.NEWNET), "setns")

    def receiver(self, sport):
        """What has come through the box, at the far end of the second cable."""
        with self.inside(self.inner):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            code, n = b.sport_filter(sport)
            room = ctypes.create_string_buffer(code)
            s.setsockopt(socket.SOL_SOCKET, b.SO_ATTACH_FILTER, struct.pack("HL", n, ctypes.addressof(room)))
            s.setsockopt(socket.SOL_SOCKET, b.SO_RCVBUFFORCE, 64 << 20)
            s.bind(("flow3", 0x800))
            s.setblocking(False)
        return s

    def dataplane(self):
        """The process of flowgate-dpdk that forwards, as the gate sees it; None: there is none."""
        ready = [i for i in self.once("Status")["parameters"]["dpdk"]["instances"] if i["ready"]]
        return ready[0] if ready else None

    def fenced(self):
        return self.call("Status")["dpdk"]["fenced"]

    def ports(self):
        return {port["name"]: port for port in self.call("Status")["ports"]}

    def conserved(self):
        """At rest, of both ports: the counters of the first."""
        for name, port in self.ports().items():
            for unit in ("packets", "bytes"):
                b.check(f"{name}: conservation of {unit}", port["received"][unit],
                        sum(port[what][unit] for what in ("passed", "dropped", "redirected", "aborted")))
            b.check(f"{name}: aborted", port["aborted"]["packets"], 0)
        return self.port()

    def sent_on_cable(self, far, where):
        with self.inside(where):
            out = subprocess.run(["ip", "-j", "-s", "link", "show", far], capture_output=True, check=True).stdout
        return json.loads(out)[0]["stats64"]["tx"]["packets"]

    @staticmethod
    def refused_at(near):
        """Frames that came over the cable and found no room in the ring of a socket (af_xdp): no device has had them."""
        out = subprocess.run(["ethtool", "-S", near], capture_output=True, text=True, check=True).stdout
        return sum(int(line.split()[1]) for line in out.splitlines() if "rx_queue" in line and line.split(":")[0].endswith("_drops"))

    def remove(self):
        """Takes enforcement away, and with it flowgate-dpdk."""
        return subprocess.run([self.flowgated, "--remove", "--config", self.mount], check=False, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode

    def clean(self):
        if os.getpid() != self.owner:
            return
        if os.path.exists(self.memory):
            self.remove()
        for child in (getattr(self, "inner", None),):
            if child is not None and child.poll() is None:
                child.kill()
                child.wait()
        super().clean()


def a_box(flowgated, words, **rest):
    """The box that a test of both is to have: with XDP, or where `dpdk` is among its words, which then is no more, with DPDK."""
    if "dpdk" not in words:
        return b.Box(flowgated, **rest)
    words.remove("dpdk")
    return DpdkBox(flowgated, **rest)
