#!/usr/bin/env python3
"""Plays a daemon on a control socket: fake_gate.py SOCKET ANSWERS LOG

ANSWERS is a JSON file: what is said to each method, a list. An object is a line; a string is octets as they are; a number is a
pause in seconds; null closes the connection. {"sends": N} stands for N octets without a newline. Parts of a batch but the last are answered
by a word, if they come in turn. LOG gets each call in a line, sorted keys. A line "ready" on standard output: it listens.
"""
import json
import socket
import sys
import threading
import time

LINE_MAX = 64 << 10
path, answers_path, log_path = sys.argv[1:]
answers = json.load(open(answers_path, encoding="utf-8"))
log = open(log_path, "a", encoding="utf-8")


def line(value):
    return (json.dumps(value, separators=(",", ":")) + "\n").encode()


def say(connection, answer):
    """False: the connection is to be closed."""
    if answer is None:
        return False
    if isinstance(answer, (int, float)):
        time.sleep(answer)
    elif isinstance(answer, str):
        connection.sendall(answer.encode())
    elif "sends" in answer:
        connection.sendall(b"x" * answer["sends"])
    else:
        connection.sendall(line(answer))
    return True


def answer_to(call, turn):
    """What is said to a call. `turn` holds the number of the part that is due."""
    parameters = call.get("parameters", {})
    part, parts = parameters.get("part", 1), parameters.get("parts", 1)
    if part != turn[0] and part != 1:
        return [{"error": "net.flowgate.v1.BatchBroken", "parameters": {"expected": turn[0]}}]
    turn[0] = part + 1 if part < parts else 1
    if part < parts:
        return [{"parameters": {"generation": 1, "admitted": 0, "refused": 0, "rules": []}}]
    method = call["method"].rsplit(".", 1)[1]
    unknown = [{"error": "org.varlink.service.MethodNotFound", "parameters": {"method": call["method"]}}]
    known = {"ListProtected": [{"parameters": {"rules": []}}]}
    return answers.get(method, known.get(method, unknown))


def serve(connection):
    turn = [1]
    with connection, connection.makefile("rb") as lines:
        for text in lines:
            call = json.loads(text)
            if len(text) > LINE_MAX:
                call = {"too long": len(text)}
            log.write(json.dumps(call, sort_keys=True) + "\n")
            log.flush()
            try:
                if not all(say(connection, a) for a in answer_to(call, turn)):
                    return
            except OSError:
                return


listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
listener.bind(path)
listener.listen()
print("ready", flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
