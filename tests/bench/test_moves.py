"""Addresses of layer 2 that are moved on purpose while datagrams come: figures, never a verdict.

The whole product in the lab, a client behind the router at 1,000 datagrams a second. Of an address
three moves are made, after which it is left to rest (docs/layer2.md), then the next Service's
turn comes; IPv4 and IPv6 by turns. `TRIALS=20 make bench` makes twenty moves.
"""

import os
from collections import Counter
from dataclasses import replace

import pytest

from conftest import Say
from e2e import cluster, labs
from e2e.bed import Bed
from e2e.layer2 import lan
from e2e.layer2.test_moves import drain
from lab.options import Options

pytestmark = pytest.mark.bench
TRIALS = int(os.environ.get("TRIALS", "12"))
OF_ONE = 3
RATE = 1000


def move(lab: Bed, address: str) -> None:
    """Drain the owner until the router's kernel has another, and take the drain back."""
    owner = lan.owner(lab, address)
    drain(lab, owner, "true")
    try:
        lan.moved(lab, address, away_from=owner)
    finally:
        drain(lab, owner, None)


def test_an_address_is_moved_again_and_again(say: Say) -> None:
    moves: Counter[int] = Counter()
    sent: Counter[int] = Counter()
    lost: Counter[int] = Counter()
    with labs.standing(replace(Options(), name=labs.fresh())) as lab:
        cluster.prepare(lab)
        lan.prepare(lab)
        with lan.echoing(lab):
            while (left := TRIALS - moves.total()) > 0:
                number = moves.total() // OF_ONE
                family = lan.FAMILIES[number % len(lan.FAMILIES)]
                address = lan.serve(lab, f"web{number}", family=family)
                with lan.flowing(lab, [address], rate=RATE) as flows:
                    lab.wait("an entry", lambda one=address: lan.neighbor(lab, one))  # type: ignore[misc]
                    for _ in range(min(OF_ONE, left)):
                        move(lab, address)
                        moves[family] += 1
                sent[family] += flows[address].sent
                lost[family] += flows[address].lost
    for family in moves:
        say(
            f"IPv{family}: {moves[family]} moves by a drain, "
            f"lost {lost[family]} of {sent[family]} datagrams"
        )
