"""The table of protocols, and what it takes to add one to it."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import manager.planner
from manager.planner.contribution import (
    Context,
    Contribution,
    Judged,
    ProtocolPart,
    RecordPart,
    ServiceCase,
    Standing,
)
from manager.planner.desired import Allocations, Candidate, Plan
from manager.planner.nodes.placement import candidates, place
from manager.planner.nodes.serving import NOTHING
from manager.planner.plan import plan
from manager.planner.protocols import PROTOCOLS
from manager.planner.whatif import applied, settle
from manager.snapshot import EipName, NodeName, Service, Snapshot
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


Lit = dict[Address, NodeName]


@dataclass(frozen=True, slots=True)
class Lamps:
    """A protocol that no file but this knows: the first node that carries lights a lamp.

    It has what a protocol may have: a context, hops of a type of its own, a part of the
    Announcers, a condition on Eips, a verdict per Service, and a time at which it asks again.
    """

    colour: str = "green"

    def memo(self) -> None:
        """There is little to be worked out."""

    def context(self, snapshot: Snapshot, allocations: Allocations, memo: None) -> Context[Lit]:
        """Return the nodes that have a lamp."""
        return Context(view=frozenset(snapshot.nodes))

    def observed(self, addresses: tuple[Address, ...], context: Context[Lit]) -> None:
        """Nobody looks whether a lamp is lit."""

    def contribute(
        self, case: ServiceCase, view: frozenset[NodeName]
    ) -> Contribution[tuple[str, ...], Lit]:
        lit, found = dict[Address, NodeName](), tuple[Candidate, ...]()
        for address in case.addresses:
            placement = place(
                case.service.policy,
                case.nodes,
                case.serving.get(family_of(address), NOTHING),
            )
            found = candidates(case.nodes, placement)
            if at := sorted(placement.carriers & view):
                lit[address] = at[0]
        return Contribution(tuple(map(str, lit)), lit, found)

    def holds(self, addresses: tuple[Address, ...], context: Context[Lit]) -> bool:
        return False

    def there(self, finding: tuple[str, ...], standing: Standing) -> tuple[str, ...]:
        return finding

    def record(
        self, service: Service, finding: tuple[str, ...], stated: None, standing: Standing
    ) -> RecordPart:
        if not finding:
            return RecordPart(NotAnnounced(service.key, "nobody can light a lamp for it"))
        return RecordPart(Announced(service.key, finding, local=False), ("lamp",))

    def retained(self, addresses: tuple[Address, ...], context: Context[Lit]) -> Lit:
        return dict.fromkeys(addresses, min(context.view))

    def part(self, context: Context[Lit], judged: Judged[Lit], memo: None) -> ProtocolPart:
        lamps: dict[NodeName, list[str]] = {}
        decided = (lit for each in judged.hops.values() for lit in each)
        for lit in (*decided, *judged.unjudged.values()):
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
        def contribute(self, case: ServiceCase, view: frozenset[NodeName]) -> Any:
            raise ZeroDivisionError

    decided = plan(snapshot, {**PROTOCOLS, Protocol.NONE: Broken()})
    assert condition_of(decided).reason == "InternalError"
    assert [what for what, _ in decided.failures] == ["Service a/web"]
    assert lit(decided) == {"node1": ["203.0.113.0"]}


def test_a_record_that_cannot_be_made_takes_no_hops_away() -> None:
    snapshot, _ = settle(scene(WEB, SEEN, HERE))

    class Recordless(Lamps):
        def record(self, service: Service, finding: Any, stated: None, standing: Any) -> Any:
            raise ZeroDivisionError

    decided = plan(snapshot, {**PROTOCOLS, Protocol.NONE: Recordless()})
    assert condition_of(decided).reason == "InternalError"
    assert [what for what, _ in decided.failures] == ["Service a/web"]
    assert lit(decided) == {"node1": ["203.0.113.0"]}


def test_a_plan_may_do_without_bgp() -> None:
    decided = plan(scene(WEB, SEEN, HERE), {Protocol.NONE: Lamps()})
    assert decided.speakers == ()
    assert decided.statuses.keys() == {ResourceKey("Eip", "seen")}
    assert condition_of(decided).reason == "Announced"


def test_two_protocols_share_an_announcers_spec_by_its_keys() -> None:
    @dataclass(frozen=True, slots=True)
    class Bells(Lamps):
        def part(self, context: Any, judged: Judged[Any], memo: None) -> ProtocolPart:
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
    found = [path for path in sorted(PLANNER.rglob("*.py")) if path.parent.name not in ROOMS]
    assert len(found) > 20
    assert {room: _naming(room, found) for room in ROOMS} == ROOMS
    members = {
        path.name
        for path in found
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "Protocol"
    }
    assert members == {"protocols.py"}


# A protocol's folder, and who else of the planner names it: what-if applies what speakers are told.
ROOMS = {
    "bgp": {"protocols.py", "whatif.py"},
    "kernel": {"protocols.py"},
    "layer2": {"protocols.py"},
}


def _naming(room: str, found: list[Path]) -> set[str]:
    return {
        path.name
        for path in found
        if any(name.startswith(f"manager.planner.{room}") for name in _imports(path))
    }


def test_the_context_of_bgp_is_complete_before_the_first_question() -> None:
    """It is one value: whoever asks first, and whatever was asked before, hears the same."""
    bgp = PROTOCOLS[Protocol.BGP]
    world = scene(WEB, service("a/b"), HERE, peer("tor-1"), peer("tor-2", "192.0.2.2"))
    calm, decided = settle(world)
    memos = [bgp.memo(), bgp.memo()]
    one, other = (bgp.context(calm, decided.allocations, memo) for memo in memos)

    def answers(whole: Any, order: int) -> list[object]:
        names = list(whole.peers.usable)[::order]
        found = {
            name: (
                whole.policy(EipName("public")),
                whole.reachability(name, Family.IPV4),
                whole.capped((name,), Family.IPV4),
            )
            for name in names
        }
        return [found[name] for name in sorted(found)]

    bgp.part(one, Judged({}, {}, decided.announcements), memos[0])
    assert answers(one.whole, 1) == answers(other.whole, -1)
    assert one == other
    with pytest.raises(AttributeError):
        one.view = other.view  # type: ignore[misc]  # that is what is refused
