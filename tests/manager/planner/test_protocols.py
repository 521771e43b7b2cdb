"""The table of protocols, and what it takes to add one to it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import manager.planner
from manager.planner.contribution import (
    Contribution,
    Judged,
    ProtocolPart,
    RecordPart,
    ServiceCase,
)
from manager.planner.desired import Allocations, Candidate, Plan
from manager.planner.nodes.placement import candidates, place
from manager.planner.nodes.serving import NOTHING
from manager.planner.plan import plan
from manager.planner.protocols import PROTOCOLS
from manager.planner.whatif import applied, settle
from manager.snapshot import EipName, NodeName, Snapshot
from pointsman.api import Protocol
from pointsman.model.address import Address, Family, family_of
from pointsman.model.record import ConditionValue, ResourceKey
from pointsman.model.verdicts.announcement import Announced, NotAnnounced
from tests.manager.planner.scene import (
    WEB,
    condition_of,
    eip,
    endpoints,
    hops,
    peer,
    scene,
    service,
    settled,
)

PLANNER = Path(manager.planner.__file__).parent
SEEN = eip("seen", "203.0.113.0/29", default=True, protocol="none")
HERE = endpoints("a/web", "node2 node3:unready")


def test_every_protocol_an_eip_may_name_is_served_by_somebody() -> None:
    assert set(PROTOCOLS) == set(Protocol)


def test_none_says_who_announces_and_contributes_no_path() -> None:
    decided = settled(
        scene(
            WEB, eip("x", "203.0.113.0/29", default=True, protocol="none"), endpoints("a/web", "-")
        )
    )
    assert not decided.speakers[0].routes
    assert condition_of(decided).message == (
        "Service a/web is not announced: Eip 'x' has protocol none, so announcing is left to "
        "others."
    )


@dataclass(frozen=True, slots=True)
class Lamps:
    """A protocol that no file but this knows: the first node that carries lights a lamp.

    It has what a protocol may have: a context, hops of a type of its own, a part of the
    Announcers, a condition on Eips, a verdict per Service, and a time at which it asks again.
    """

    colour: str = "green"

    def context(self, snapshot: Snapshot, allocations: Allocations) -> frozenset[NodeName]:
        """Return the nodes that have a lamp."""
        return frozenset(snapshot.nodes)

    def contribute(
        self, case: ServiceCase, context: frozenset[NodeName]
    ) -> Contribution[dict[Address, NodeName]]:
        lit, found = dict[Address, NodeName](), tuple[Candidate, ...]()
        for address in case.addresses:
            placement = place(
                case.service.policy,
                case.nodes,
                case.serving.get(family_of(address), NOTHING),
            )
            found = candidates(case.nodes, placement)
            if at := sorted(placement.carriers & context):
                lit[address] = at[0]
        key = case.service.key
        verdict = (
            Announced(key, tuple(map(str, lit)), local=False)
            if lit
            else NotAnnounced(key, "nobody can light a lamp for it")
        )
        return Contribution(RecordPart(verdict, found, ("lamp",) if lit else ()), lit)

    def retained(
        self, addresses: tuple[Address, ...], context: frozenset[NodeName]
    ) -> dict[Address, NodeName]:
        return dict.fromkeys(addresses, min(context))

    def part(
        self, context: frozenset[NodeName], judged: Judged[dict[Address, NodeName]]
    ) -> ProtocolPart:
        lamps: dict[NodeName, list[str]] = {}
        for each in judged.hops.values():
            for lit in each:
                for address, node in lit.items():
                    lamps.setdefault(node, []).append(str(address))
        condition = ConditionValue("True", "Lit", f"{self.colour} lamps: {len(lamps)}")
        return ProtocolPart(
            announcers={name: {"lamps": sorted(shown)} for name, shown in lamps.items()},
            conditions={ResourceKey("Eip", "seen"): {"Lit": condition}},
            again_s=7.0,
        )


WITH_LAMPS = {**PROTOCOLS, Protocol.NONE: Lamps()}


def lit(decided: Plan) -> dict[str, Any]:
    """What each node's agent is asked to do, where it is anything."""
    return {name: one.spec["lamps"] for name, one in decided.announcers.items() if one.spec}


def test_a_protocol_is_an_object_that_nothing_else_of_the_planner_knows() -> None:
    snapshot = scene(WEB, SEEN, HERE)
    for _ in range(3):  # its address is written, then it is announced
        decided = plan(snapshot, WITH_LAMPS)
        snapshot = applied(snapshot, decided)
    assert lit(decided) == {"node1": ["203.0.113.0"]}
    assert {name: one.owner for name, one in decided.announcers.items()} == {
        f"node{n}": f"uid-node{n}" for n in (1, 2, 3)
    }
    record = decided.services[WEB.key]
    assert record.annotations["pointsman.dev/announced-by"] == "lamp"
    assert condition_of(decided).reason == "Announced"
    assert [one.node for one in decided.announcements[WEB.key].candidates] == [
        "node1",
        "node2",
        "node3",
    ]
    conditions = decided.statuses[ResourceKey("Eip", "seen")].conditions
    assert conditions["Lit"].message == "green lamps: 1"
    assert conditions["Ready"].status == "True"
    assert decided.again_s == 7.0


def test_two_protocols_stand_side_by_side_and_take_nothing_from_each_other() -> None:
    routed = service("a/routed", notes={"eip": "public"})
    public, there = eip("public", "198.51.100.0/28"), endpoints("a/routed", "node1")
    both = scene(WEB, routed, SEEN, public, HERE, there)
    alone, _ = settle(scene(routed, public, there))
    calm, before = settle(both)
    decided = plan(calm, WITH_LAMPS)
    assert decided.speakers[0] == before.speakers[0] == plan(alone).speakers[0]
    assert hops(decided) == {"tor-1": ["192.0.2.11", "192.0.2.12", "192.0.2.13"]}
    assert lit(decided) == {"node1": ["203.0.113.0"]}
    assert "Lit" not in decided.statuses[ResourceKey("Eip", "public")].conditions


def test_a_service_that_cannot_be_judged_keeps_what_every_protocol_has_for_it() -> None:
    snapshot, _ = settle(scene(WEB, SEEN, HERE))

    class Broken(Lamps):
        def contribute(self, case: ServiceCase, context: frozenset[NodeName]) -> Any:
            raise ZeroDivisionError

    decided = plan(snapshot, {**PROTOCOLS, Protocol.NONE: Broken()})
    assert condition_of(decided).reason == "InternalError"
    assert lit(decided) == {"node1": ["203.0.113.0"]}


def test_a_plan_may_do_without_bgp() -> None:
    decided = plan(scene(WEB, SEEN, HERE), {Protocol.NONE: Lamps()})
    assert decided.speakers == ()
    assert decided.statuses.keys() == {ResourceKey("Eip", "seen")}
    assert condition_of(decided).reason == "Announced"


def test_two_protocols_share_an_announcers_spec_by_its_keys() -> None:
    @dataclass(frozen=True, slots=True)
    class Bells(Lamps):
        def part(self, context: Any, judged: Judged[Any]) -> ProtocolPart:
            return ProtocolPart(announcers={NodeName("node1"): {"bells": 2}})

    snapshot, _ = settle(scene(WEB, SEEN, HERE))
    decided = plan(snapshot, {Protocol.NONE: Lamps(), Protocol.BGP: Bells()})
    assert decided.announcers[NodeName("node1")].spec == {"lamps": ["203.0.113.0"], "bells": 2}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_only_the_table_knows_which_protocols_there_are() -> None:
    """What a further protocol would have to touch in the planner: its own files, and one line.

    With the enum member (and CRDs made of it), its target, its fake and its stories these are
    the five places that docs/architecture.md names. `whatif` applies what speakers are told.
    """
    outside = [path for path in sorted(PLANNER.rglob("*.py")) if path.parent.name != "bgp"]
    assert len(outside) > 20
    naming = {
        path.name
        for path in outside
        if any(name.startswith("manager.planner.bgp") for name in _imports(path))
    }
    assert naming == {"protocols.py", "whatif.py"}
    members = {
        path.name
        for path in outside
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Protocol"
    }
    assert members == {"protocols.py"}


def test_the_context_of_bgp_is_complete_before_the_first_question() -> None:
    """It is one value: whoever asks first, and whatever was asked before, hears the same."""
    bgp = PROTOCOLS[Protocol.BGP]
    world = scene(WEB, service("a/b"), HERE, peer("tor-1"), peer("tor-2", "192.0.2.2"))
    calm, decided = settle(world)
    one, other = (bgp.context(calm, decided.allocations) for _ in range(2))

    def answers(context: Any, order: int) -> list[object]:
        names = list(context.peers.usable)[::order]
        found = {
            name: (
                context.policy(EipName("public")),
                context.reachability(name, Family.IPV4),
                context.capped((name,), Family.IPV4),
                context.silent(frozenset({name}), recorded=False),
            )
            for name in names
        }
        return [found[name] for name in sorted(found)]

    bgp.part(one, Judged({}, decided.announcements))
    assert answers(one, 1) == answers(other, -1)
    assert one == other
    with pytest.raises(AttributeError):
        one.peers = other.peers
