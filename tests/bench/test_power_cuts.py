"""How long a client of a layer2 address is without it when its node loses its power.

The whole product in the lab, and the router's kernel as client. The owner is cut off, time runs
until the kernel has another node's hardware address, the node has its power back, and four seconds
later the next owner goes: nodes that came back lately are among those that could take over.
"""

import os
import statistics
import time
from dataclasses import replace

import pytest

from conftest import Say
from e2e import cluster, labs
from e2e.bed import Bed
from e2e.layer2 import lan
from lab.options import Options

pytestmark = pytest.mark.bench
TRIALS = int(os.environ.get("TRIALS", "12"))
PAUSE_S = 4.0


def cut(lab: Bed, address: str) -> float:
    """Cut off who answers for *address*; return after how many seconds another node does."""
    owner = lan.owner(lab, address)
    began_s = time.monotonic()
    lab.fail(owner)
    lan.moved(lab, address, away_from=owner)
    took_s = time.monotonic() - began_s
    lab.heal(owner)
    return took_s


def test_the_owner_loses_its_power(say: Say) -> None:
    took_s = []
    with labs.standing(replace(Options(), name=labs.fresh())) as lab:
        cluster.prepare(lab)
        lan.prepare(lab)
        with lan.echoing(lab):
            address = lan.serve(lab, "web")
            lab.endpoints("default/web", *[f"{node.name}:1" for node in lab.topology.nodes])
            lab.wait("an entry", lambda: lan.neighbor(lab, address))
            for _ in range(TRIALS):
                took_s.append(cut(lab, address))
                time.sleep(PAUSE_S)
    took_s.sort()
    say(
        f"another node's MAC in the router's kernel after its node lost its power, {TRIALS} times: "
        f"p50 {statistics.median(took_s):.2f} s, p99 {took_s[int(0.99 * (TRIALS - 1))]:.2f} s, "
        f"longest {took_s[-1]:.2f} s"
    )
