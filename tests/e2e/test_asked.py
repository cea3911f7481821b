#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What is asked of ctrl, and by it of the gate: what may change, go or come late between a question and its answer. test_asked.py FLOWGATED"""
import sys

from bgp_box import BgpBox
from box import check, namespaces, run_all

PEER = "a"


def begin():
    namespaces()
    box = BgpBox(sys.argv[1], {PEER: ("10.9.0.11", 65010, "passive on;")})
    box.start()
    return box


BOX_ = None


def rule(name, host):
    return f"name {name} match destination 192.0.2.{host}/32 protocol udp then discard"


def test_room_of_batches_is_given_back():
    """What a batch has held is free again, whether it was asked for, tried, or found to name a rule that is not there."""
    names = [f"R{i}" for i in range(64)]
    BOX_.add(*[rule(name, i) for i, name in enumerate(names)])
    for _ in range(3):
        check("one is not there", BOX_.ask("DeleteRules", names=names + ["absent"]).get("error"), "net.flowgate.v1.RuleNotFound")
    BOX_.add(rule("ONE-MORE", 100))
    BOX_.call("DeleteRules", names=names + ["ONE-MORE"])


if __name__ == "__main__":
    BOX_ = begin()
    run_all([test_room_of_batches_is_given_back], BOX_)
