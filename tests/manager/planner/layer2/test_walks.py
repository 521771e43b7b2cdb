"""Nodes drain, die and return, and writes come by halves: at most one live spec has an address."""

import random
from dataclasses import replace

import pytest

from manager.planner.plan import Memo, plan
from manager.planner.whatif import applied
from manager.snapshot import NodeName, Snapshot
from pointsman.model.liveness import Liveness
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.layer2.lan import (
    agent,
    assert_one_holder,
    lan,
    owners,
    served,
    settled,
    written,
)
from tests.manager.planner.scene import NODES, node

STEPS = 30
WORDS = ("", "", "drained", "unready", "labelled")
LIVES = (Liveness.Alive, Liveness.Alive, Liveness.Dead, Liveness.AgentSilent, Liveness.NodeHung)


def happen(rng: random.Random, now: Snapshot) -> Snapshot:
    """Let something become of one node."""
    name = NodeName(rng.choice(NODES))
    match rng.choice(["mark", "heartbeats", "link", "cut"]):
        case "mark":
            return replace(now, nodes={**now.nodes, name: node(name, rng.choice(WORDS))})
        case "heartbeats":
            # A node that is back is thought of as one only once its spec was written: one that
            # was given up without that may well find two, and `test_two_specs` has what follows.
            was_dead = now.liveness.get(name) is Liveness.Dead
            if was_dead and now.announcers[name].assignments:
                return now
            return replace(now, liveness={**now.liveness, name: rng.choice(LIVES)})
        case "link":
            seen = agent(name, up=rng.random() < 0.6).interfaces
            one = replace(now.announcers[name], interfaces=seen)
            return replace(now, announcers={**now.announcers, name: one})
    return replace(now, links_down={name: frozenset({"eth0"})} if rng.random() < 0.5 else {})


@pytest.mark.parametrize("seed", range(6))
def test_a_walk(seed: int) -> None:
    rng, memo = random.Random(seed), Memo()
    now, _ = settled(lan(*served(*[service(f"a/web-{n}") for n in range(8)])))
    for _ in range(STEPS):
        now = happen(rng, now)
        for _ in range(rng.choice([0, 1, 2])):
            decided = plan(now, memo=memo)
            some = [name for name in NODES if rng.random() < 0.5]
            services = applied(now, decided).services if rng.random() < 0.5 else now.services
            now = replace(written(now, decided, *some), services=services)
            assert_one_holder(now)
    calm = replace(
        now,
        nodes={NodeName(name): node(name) for name in NODES},
        liveness={name: one for name, one in now.liveness.items() if one is Liveness.Dead},
        links_down={},
    )
    alive = [name for name in NODES if name not in calm.liveness]
    after, _ = settled(calm)
    up = [name for name in alive if after.announcers[NodeName(name)].interfaces[0].up]
    assert len(owners(after)) == (8 if up else 0)
