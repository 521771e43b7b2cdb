"""Services are judged anew only where what they depend on changed; a memo changes no answer."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from manager.planner.bgp.protocol import Bgp
from manager.planner.contribution import Contribution, RecordPart, ServiceCase
from manager.planner.plan import Memo, plan
from manager.planner.whatif import settle
from manager.snapshot import EipName, Service, ServiceKey, Snapshot
from pointsman.api import Protocol
from tests.manager.planner.scene import (
    condition_of,
    eip,
    endpoints,
    nodes,
    peer,
    scene,
    service,
    slices,
)

MANY = [service(f"a/web-{n}") for n in range(6)]


@dataclass(frozen=True, slots=True)
class Counting(Bgp):
    """BGP, and which Services it was asked about."""

    contributed: list[ServiceKey]
    recorded: list[ServiceKey]

    def contribute(self, case: ServiceCase, view: Any) -> Contribution[Any, Any]:
        self.contributed.append(case.service.key)
        return Bgp.contribute(self, case, view)

    def record(self, service: Service, found: Any, lost: Any, standing: Any) -> RecordPart:
        self.recorded.append(service.key)
        return Bgp.record(self, service, found, lost, standing)

    def asked(self) -> tuple[list[ServiceKey], list[ServiceKey]]:
        """Return whom, and forget it."""
        found = sorted(self.contributed), sorted(self.recorded)
        self.contributed.clear()
        self.recorded.clear()
        return found


@pytest.fixture
def counting() -> Counting:
    return Counting([], [])


def calm() -> Snapshot:
    ends = [endpoints(one.key, "node1 node2") for one in MANY]
    return settle(
        scene(*MANY, *ends, peer("tor-1"), eip("public", "198.51.100.0/28", default=True))
    )[0]


def at_rest(counting: Counting) -> tuple[Snapshot, Memo]:
    """Return a cluster at rest, and a memo that has seen it."""
    snapshot, memo = calm(), Memo({Protocol.BGP: counting})
    plan(snapshot, memo.protocols, memo)
    counting.asked()
    return snapshot, memo


def changed(snapshot: Snapshot, what: str) -> Snapshot:
    """Return *snapshot* after one event."""
    first = MANY[0].key
    match what:
        case "nothing":
            return replace(snapshot, services={k: replace(v) for k, v in snapshot.services.items()})
        case "an endpoint":
            ends = {**snapshot.endpoint_slices, **slices(endpoints(first, "node3"))}
            return replace(snapshot, endpoint_slices=ends)
        case "a label":
            turned = replace(snapshot.services[first], labels={"tier": "front"})
            return replace(snapshot, services={**snapshot.services, first: turned})
        case "a drain":
            return replace(snapshot, nodes=nodes("node2 drained"))
        case "a kubelet's word":
            renewed = {name: replace(node) for name, node in snapshot.nodes.items()}
            return replace(snapshot, nodes=renewed)
        case "an Eip's status":
            written = {
                name: replace(one, resource_version="next", status={"services": 7})
                for name, one in snapshot.eips.items()
            }
            return replace(snapshot, eips=written)
        case "an Eip":
            public = eip("public", "198.51.100.0/28", default=True, bgp={"med": 7})
            return replace(snapshot, eips={EipName("public"): public})
        case "another Eip":
            spare = eip("spare", "203.0.113.0/28", bgp={"med": 7})
            return replace(snapshot, eips={**snapshot.eips, EipName("spare"): spare})
    raise AssertionError(what)


ALL = [one.key for one in MANY]
FIRST = ALL[:1]


@pytest.mark.parametrize(
    ("what", "contribute", "record"),
    [
        ("nothing", [], []),
        ("an endpoint", FIRST, []),
        ("a label", FIRST, FIRST),
        ("a drain", ALL, []),
        ("another Eip", [], []),
        ("a kubelet's word", [], []),
        ("an Eip's status", [], []),
        ("an Eip", ALL, []),
    ],
)
def test_who_is_judged_anew(
    counting: Counting, what: str, contribute: list[ServiceKey], record: list[ServiceKey]
) -> None:
    snapshot, memo = at_rest(counting)
    after = changed(snapshot, what)
    warm = plan(after, memo.protocols, memo)
    assert counting.asked() == (contribute, record)
    assert warm == plan(after, memo.protocols)


def test_what_did_not_change_stays_the_object_that_it_was(counting: Counting) -> None:
    snapshot, memo = at_rest(counting)
    before = plan(snapshot, memo.protocols, memo)
    after = plan(changed(snapshot, "an endpoint"), memo.protocols, memo)
    assert after.services is before.services
    assert after.announcements is before.announcements
    groups = before.speakers[0].routes.groups  # type: ignore[attr-defined]
    now = after.speakers[0].routes.groups  # type: ignore[attr-defined]
    assert sum(group is now[order] for order, group in groups.items()) >= len(ALL) - 1


def test_at_rest_the_plan_has_the_very_paths_that_are_there(counting: Counting) -> None:
    snapshot, memo = at_rest(counting)
    found = plan(changed(snapshot, "nothing"), memo.protocols, memo).speakers[0].routes
    there = snapshot.speakers[0].routes
    assert len(found.groups) == len(ALL)  # type: ignore[attr-defined]
    assert all(
        group is there.groups[order]  # type: ignore[attr-defined]
        for order, group in found.groups.items()  # type: ignore[attr-defined]
    )


def test_a_service_that_could_not_be_judged_is_judged_when_it_changes() -> None:
    @dataclass(frozen=True, slots=True)
    class Broken(Bgp):
        def contribute(self, case: ServiceCase, view: Any) -> Contribution[Any, Any]:
            if case.service.labels.get("broken"):
                raise ZeroDivisionError
            return Bgp.contribute(self, case, view)

    memo, snapshot, key = Memo({Protocol.BGP: Broken()}), calm(), FIRST[0]
    bad = replace(snapshot.services[key], labels={"broken": "yes"})
    for services, reason in (
        (snapshot.services, "Announced"),
        ({**snapshot.services, key: bad}, "InternalError"),
        ({**snapshot.services, key: bad}, "InternalError"),
        (snapshot.services, "Announced"),
    ):
        found = plan(replace(snapshot, services=services), memo.protocols, memo)
        assert condition_of(found, key).reason == reason
        assert [what for what, _ in found.failures] == (
            [f"Service {key}"] if reason == "InternalError" else []
        )
        assert found.speakers[0].routes == snapshot.speakers[0].routes  # what leads there stays


@pytest.mark.parametrize(
    ("slice_of", "reason"), [("a/web-0", "Announced"), ("b/web-0", "NoServingEndpoint")]
)
def test_a_slice_belongs_to_the_service_of_its_own_namespace(slice_of: str, reason: str) -> None:
    stray = replace(endpoints("a/stray", "node1"), service="")  # a slice without a Service
    _, decided = settle(scene(MANY[0], endpoints(slice_of, "node1"), stray, peer("tor-1")))
    assert condition_of(decided, MANY[0].key).reason == reason
