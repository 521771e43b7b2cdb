"""Thousands of addresses: what one event costs, and how many one Announcer holds."""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from manager.planner.contribution import Contribution, RecordPart, ServiceCase
from manager.planner.layer2 import view
from manager.planner.layer2.protocol import Layer2
from manager.planner.nodes import placement
from manager.planner.plan import Memo, plan
from manager.planner.protocols import PROTOCOLS
from manager.planner.whatif import applied
from manager.snapshot import Announcer, EipName, NodeName, Service, Snapshot
from pointsman.api import Protocol
from pointsman.model.liveness import Liveness
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.layer2.lan import agents, announced, lan, owners, served, settled
from tests.manager.planner.scene import eip, endpoints, slices

MANY = 2_000


@dataclass(frozen=True, slots=True)
class Counting(Layer2):
    """Layer 2, and how often it was asked about a Service."""

    asked: list[str] = field(default_factory=list)

    def contribute(self, case: ServiceCase, view: Any) -> Contribution[Any, Any]:
        self.asked.append("contribute")
        return Layer2.contribute(self, case, view)

    def record(self, service: Service, found: Any, full: Any, standing: Any) -> RecordPart:
        self.asked.append("record")
        return Layer2.record(self, service, found, full, standing)


def many() -> Snapshot:
    """Two thousand Services of layer 2, each with an address."""
    block = eip("lan", "10.0.0.0/16", default=True, protocol="layer2", layer2={"interface": "eth0"})
    snapshot = lan(*served(*[service(f"a/web-{n:04}") for n in range(MANY)], at="node1"), block)
    for _ in range(4):
        snapshot = applied(snapshot, plan(snapshot))
    assert len(owners(snapshot)) == MANY
    return snapshot


@pytest.fixture(scope="module")
def crowd() -> Snapshot:
    return many()


def of_the_first(snapshot: Snapshot, ends: str) -> Snapshot:
    found = {**snapshot.endpoint_slices, **slices(endpoints("a/web-0000", ends))}
    return replace(snapshot, endpoint_slices=found)


def test_an_event_of_one_service_asks_of_that_one(crowd: Snapshot) -> None:
    counting = Counting()
    memo = Memo({**PROTOCOLS, Protocol.LAYER2: counting})
    before = plan(crowd, memo.protocols, memo)
    for ends, moved in (("node2", 0), ("node1:unready", 1), ("node1", 1)):
        counting.asked.clear()
        crowd = of_the_first(crowd, ends)
        for _ in range(3):  # what is written comes back
            after = plan(crowd, memo.protocols, memo)
            crowd = applied(crowd, after)
        assert len(counting.asked) <= 6, ends
        assert counting.asked or not moved
        changed = [n for n in before.announcers if before.announcers[n] != after.announcers[n]]
        assert len(changed) <= 1
    assert after.services == before.services


def test_a_node_that_dies_moves_what_it_had_and_nothing_else(crowd: Snapshot) -> None:
    dead = plan(replace(crowd, liveness={NodeName("node2"): Liveness.Dead}))
    after = owners(applied(crowd, dead))
    before = owners(crowd)
    lost = {address for address, at in before.items() if at == ["node2/eth0"]}
    assert 500 < len(lost) < 850
    assert {a: at for a, at in before.items() if a not in lost}.items() <= after.items()
    to_the_first = sum(after[address] == ["node1/eth0"] for address in lost)
    assert 0.4 < to_the_first / len(lost) < 0.6


def test_of_a_node_that_dies_only_its_own_addresses_are_stated_anew(
    crowd: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All Services are asked, but the nodes are looked at once for all that are served alike."""
    counting, placed = Counting(), []
    memo = Memo({**PROTOCOLS, Protocol.LAYER2: counting})
    plan(crowd, memo.protocols, memo)

    def place(policy: Any, nodes: Any, serving: Any) -> Any:
        placed.append(policy)
        return placement.place(policy, nodes, serving)

    monkeypatch.setattr(view, "place", place)
    lost = sum(at == ["node2/eth0"] for at in owners(crowd).values())
    for liveness in ({NodeName("node2"): Liveness.Dead}, {}):
        counting.asked.clear()
        placed.clear()
        plan(replace(crowd, liveness=liveness), memo.protocols, memo)
        assert counting.asked.count("record") == lost
        assert 1 <= len(placed) <= 6


def test_an_eip_that_comes_or_is_edited_has_nobody_elses_services_judged(crowd: Snapshot) -> None:
    counting = Counting()
    memo = Memo({**PROTOCOLS, Protocol.LAYER2: counting})
    plan(crowd, memo.protocols, memo)
    for layer2 in ({}, {"interface": "eth1"}, {"conflictCheck": False}):
        counting.asked.clear()
        other = eip("other", "10.9.0.0/24", protocol="layer2", layer2=layer2)
        after = replace(crowd, eips={**crowd.eips, EipName("other"): other})
        plan(after, memo.protocols, memo)
        assert counting.asked == []
    # Its own are, by the first plan that has the edit.
    own = replace(crowd.eips[EipName("lan")], spec=edited(crowd, conflictCheck=False))
    plan(replace(crowd, eips={EipName("lan"): own}), memo.protocols, memo)
    assert counting.asked.count("contribute") == MANY


def edited(snapshot: Snapshot, **layer2: Any) -> Any:
    lan_eip = eip("lan", "10.0.0.0/16", default=True, protocol="layer2", layer2=layer2)
    return lan_eip.spec


SMALL = 4


def test_no_announcer_holds_more_than_it_can_and_that_is_told() -> None:
    small = {**PROTOCOLS, Protocol.LAYER2: Layer2(most=SMALL)}
    keys = [f"a/web-{n:02}" for n in range(14)]
    seen, decided = settled(lan(*served(*map(service, keys))), small)
    counts = [sum(len(one.addresses) for one in a.assignments) for a in seen.announcers.values()]
    assert counts == [SMALL] * 3
    refused = [announced(decided, key) for key in keys]
    full = [text for text in refused if text.startswith("False NoEligibleNode")]
    assert len(full) == 14 - 3 * SMALL
    assert "node1 has as many addresses as one Announcer holds" in full[0]
    # One goes, and one of those who wait has its place; nobody else moves.
    held = [key for key, text in zip(keys, refused, strict=True) if text.startswith("True")]
    left = {key: one for key, one in seen.services.items() if key != held[0]}
    after, _ = settled(replace(seen, services=left), small)
    stayed = {a: at for a, at in owners(seen).items() if a in owners(after)}
    assert stayed.items() <= owners(after).items()
    assert len(owners(after)) == 3 * SMALL


def test_the_agents_of_a_dead_node_are_no_burden() -> None:
    """An Announcer without a report of its own is nobody's."""
    silent = Announcer(NodeName("node2"))
    seen, _ = settled(lan(announcers=agents(silent)))
    assert not [at for names in owners(seen).values() for at in names if "node2" in at]
