"""Callers of the control socket that mean no good: hostile.py SOCKET. Each is answered or cut off, and a good one is served after each."""
import array
import json
import os
import socket
import sys
import time

path = sys.argv[1]
LINE_MAX = 65536


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(20)
    s.connect(path)
    return s


def ask(s, method, **parameters):
    s.sendall((json.dumps({"method": method, "parameters": parameters}) + "\n").encode())
    return line(s)


def line(s):
    data = b""
    while not data.endswith(b"\n"):
        more = s.recv(65536)
        if not more:
            return None
        data += more
    return json.loads(data)


def closed(s):
    try:
        while s.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def good():
    s = connect()
    reply = ask(s, "org.varlink.service.GetInfo")
    assert reply["parameters"]["product"] == "flowgated", reply
    s.close()


def garbage():
    s = connect()
    s.sendall(os.urandom(30000).replace(b"\n", b"x") + b"\n")
    assert "SyntaxError" in line(s)["error"]
    assert closed(s)


def not_a_call():
    for text in (b"[]", b"{}", b'{"method":7}', b"null", b'{"method":"a","method":"b"}', b"", b"\0\0\0"):
        s = connect()
        s.sendall(text + b"\n")
        assert "SyntaxError" in line(s)["error"], text
        s.close()


def deep():
    s = connect()
    s.sendall(b"[" * 60000 + b"\n")
    assert "SyntaxError" in line(s)["error"]
    s.close()


def half_line():
    s = connect()
    s.sendall(b'{"method":"net.flowgate.v1.St')
    time.sleep(0.2)
    good()
    s.close()


def longest_line():
    s = connect()
    body = b'{"method":"org.varlink.service.GetInfo"}'
    s.sendall(body + b" " * (LINE_MAX - len(body)) + b"\n")
    assert "parameters" in line(s)
    s.sendall(b"x" * (LINE_MAX + 1))
    assert "TooLarge" in line(s)["error"]
    assert closed(s)


def wrong_parameters():
    s = connect()
    for parameters in ({"on": 1}, {"on": "yes"}, {}, {"on": True, "off": True}):
        reply = ask(s, "net.flowgate.v1.SetShadow", **parameters)
        assert reply["error"] == "org.varlink.service.InvalidParameter", reply
    assert ask(s, "net.flowgate.v1.Nothing")["error"] == "org.varlink.service.MethodNotFound"
    assert ask(s, "net.flowgate.v1.Rollback", generation=-1)["error"] == "org.varlink.service.InvalidParameter"
    assert ask(s, "net.flowgate.v1.AddRules", text="x" * 10, ttl=1 << 40)["error"].endswith("InvalidParameter")
    s.close()


def parts():
    s = connect()
    rule = "match destination 192.0.2.9/32 then discard"
    reply = ask(s, "net.flowgate.v1.AddRules", text=rule, part=2, parts=3)
    assert reply["error"].endswith("BatchBroken") and reply["parameters"]["expected"] == 1, reply
    assert ask(s, "net.flowgate.v1.AddRules", text=rule, part=1, parts=3)["parameters"]["admitted"] == 0
    reply = ask(s, "net.flowgate.v1.AddRules", text=rule, part=3, parts=3)
    assert reply["error"].endswith("BatchBroken") and reply["parameters"]["expected"] == 2, reply
    assert ask(s, "net.flowgate.v1.AddRules", text=rule, part=2, parts=1)["error"].endswith("InvalidParameter")
    s.close()


def many():
    held = []
    for _ in range(1000):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        try:
            s.connect(path)
        except (BlockingIOError, ConnectionError):
            s.close()
            break
        held.append(s)
    time.sleep(0.5)
    for s in held:
        s.close()
    time.sleep(0.5)
    good()


def never_reads():
    s = connect()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(1)
    call = b'{"method":"org.varlink.service.GetInterfaceDescription","parameters":{"interface":"net.flowgate.v1"}}\n'
    try:
        for _ in range(20000):
            s.sendall(call)
    except (TimeoutError, ConnectionError):
        pass
    good()
    s.close()


def passes_descriptors():
    s = connect()
    fds = array.array("i", [0, 1, 2])
    s.sendmsg([b'{"method":"org.varlink.service.GetInfo"}\n'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)])
    assert "parameters" in line(s)
    s.close()


def pipelined():
    s = connect()
    s.sendall(b'{"method":"net.flowgate.v1.Status"}\n' * 50)
    s.shutdown(socket.SHUT_WR)
    data = b""
    while True:
        more = s.recv(65536)
        if not more:
            break
        data += more
    assert data.count(b"\n") == 50, data.count(b"\n")


def leaves_in_the_midst():
    for _ in range(50):
        s = connect()
        s.sendall(b'{"method":"net.flowgate.v1.ListRules","more":true}\n{"method":"net.flowgate.v1.Watch","more":true}\n')
        s.close()


for attack in (good, garbage, not_a_call, deep, half_line, longest_line, wrong_parameters, parts, many, never_reads, passes_descriptors,
               pipelined, leaves_in_the_midst):
    attack()
    good()
print("survived")
