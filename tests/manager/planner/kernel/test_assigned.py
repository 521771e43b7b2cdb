"""What the Announcers' specs say: in order, together with layer 2, and no more than they hold."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from manager.planner.announcer_specs import assignments_in
from manager.planner.contribution import Contribution, RecordPart, ServiceCase
from manager.planner.kernel.assigned import AssignedMemo
from manager.planner.kernel.contribute import Wanted
from manager.planner.kernel.protocol import Kernel
from manager.planner.plan import Memo, plan
from manager.planner.protocols import PROTOCOLS
from manager.planner.whatif import applied
from manager.snapshot import NodeName, Service, ServiceKey, Snapshot
from pointsman.api import Protocol
from pointsman.model.assignment import MOST_UNREACHABLE
from tests.manager.planner.addresses.addressing import eip, service
from tests.manager.planner.kernel.pool import agents, announced, cluster, having, pool, settled
from tests.manager.planner.layer2.lan import served
from tests.manager.planner.scene import endpoints, slices

MANY = 600


def wanted(text: str, *nodes: str) -> Wanted:
    return Wanted(ip_network(text), frozenset(map(NodeName, nodes)))


def specs(*services: tuple[Wanted, ...], most: int = 9, **more: Any) -> dict[str, Any]:
    hops = {ServiceKey(f"a/{n}"): (one,) for n, one in enumerate(services)}
    found = AssignedMemo(most)(hops, more.get("announcers", agents()))
    return {str(name): one for name, one in found.items()}


def test_addresses_and_routes_are_in_order_ipv4_first() -> None:
    found = specs(
        (wanted("2001:db8::7/128", "node1"), wanted("203.0.113.9/32", "node1")),
        (wanted("203.0.113.10/32", "node1", "node2"), wanted("2001:db8:9::/64", "node2")),
        (wanted("198.51.100.0/24", "node2"),),
    )
    (one,) = assignments_in(found["node1"])
    assert one == {
        "interface": "dummy-pointsman",
        "responder": "Kernel",
        "addresses": ["203.0.113.9", "203.0.113.10", "2001:db8::7"],
    }
    assert found["node1"]["announcing"] == 3
    assert "unreachable" not in found["node1"]
    assert found["node2"]["unreachable"] == [
        {"prefix": "198.51.100.0/24", "redistribute": True},
        {"prefix": "2001:db8:9::/64", "redistribute": True},
    ]


def test_who_wants_the_same_wants_it_once_and_everywhere() -> None:
    found = specs(
        (wanted("203.0.113.9/32", "node1"),),
        (wanted("203.0.113.9/32", "node2"), wanted("203.0.113.9/32", "node3")),
    )
    assert {name: one["announcing"] for name, one in found.items()} == {
        "node1": 1,
        "node2": 1,
        "node3": 1,
    }


@pytest.mark.parametrize("standing", [(), ("203.0.113.8", "203.0.113.7")])
def test_a_node_has_no_more_than_its_announcer_holds_and_keeps_what_it_has(
    standing: tuple[str, ...],
) -> None:
    every = tuple(wanted(f"203.0.113.{n}/32", "node1") for n in range(9))
    found = specs(every, most=2, announcers=agents(having("node1", *standing)))
    (one,) = assignments_in(found["node1"])
    assert one["addresses"] == (sorted(standing) or ["203.0.113.0", "203.0.113.1"])


def test_that_there_is_no_room_is_said() -> None:
    full = {Protocol.KERNEL: Kernel(most=1)}
    seen = cluster(
        *served(service("a/one"), service("a/two")),
        pool(),
    )
    for _ in range(6):
        seen = applied(seen, plan(seen, {**PROTOCOLS, **full}))
    decided = plan(seen, {**PROTOCOLS, **full})
    assert announced(decided, "a/one").startswith("True Announced")
    assert "node2 has as many addresses as one Announcer holds" in announced(decided, "a/two")


@pytest.mark.parametrize("standing", [(), range(44, 300)])
def test_of_routes_a_node_has_no_more_either_and_keeps_those_it_has(
    standing: Sequence[int],
) -> None:
    every = [f"10.{n >> 8}.{n & 255}.0/24" for n in range(300)]
    node1 = having("node1", routes=[every[n] for n in standing])
    found = specs(tuple(wanted(one, "node1") for one in every), announcers=agents(node1))
    assert [one["prefix"] for one in found["node1"]["unreachable"]] == [
        every[n] for n in standing or range(MOST_UNREACHABLE)
    ]


def test_that_there_is_no_room_for_another_route_is_said() -> None:
    wide = pool("10.0.0.0/16", bgp={"aggregationLength": 24})
    held = [f"10.0.{n}.0/24" for n in range(MOST_UNREACHABLE)]
    full = [having(str(name), routes=held) for name in agents()]
    other = eip("other", "203.0.113.0/28", protocol="kernel", bgp={"aggregationLength": 28})
    web = service("a/web", notes={"eip": "other"})
    every = [service(f"a/s{n:03}", f"10.0.{n}.1") for n in range(MOST_UNREACHABLE)]
    _, decided = settled(cluster(*served(web, *every), wide, other, announcers=agents(*full)))
    assert "node2 has as many routes as one Announcer holds" in announced(decided)
    assert announced(decided, "a/s255").startswith("True Announced")


def test_addresses_that_fill_a_node_leave_room_for_a_route() -> None:
    full = {Protocol.KERNEL: Kernel(most=1)}
    eips = (
        pool(bgp={"aggregationLength": 28}),
        eip("hosts", "198.51.100.0/28", protocol="kernel"),
    )
    hosts = service("a/hosts", notes={"eip": "hosts"})
    seen = cluster(*served(hosts), *eips)
    for _ in range(6):
        seen = applied(seen, plan(seen, {**PROTOCOLS, **full}))
    web, *ends = served(service("a/web", "203.0.113.0"))
    key = ServiceKey("a/web")
    seen = replace(
        seen,
        services={**seen.services, key: web},
        endpoint_slices={**seen.endpoint_slices, **slices(*ends)},
    )
    messages = []
    for _ in range(6):
        decided = plan(seen, {**PROTOCOLS, **full})
        record = decided.services[key].conditions.get("pointsman.dev/Announced")
        messages.append("" if record is None else record.message)
        seen = applied(seen, decided)
    assert not [one for one in messages if "as one Announcer holds" in one]
    assert announced(decided).startswith("True Announced")


def test_layer2_and_kernel_share_a_spec() -> None:
    lan = eip("lan", "192.0.2.64/26", protocol="layer2")
    near = service("a/near", notes={"eip": "lan"})
    _, decided = settled(cluster(*served(near, service("a/far")), lan, pool()))
    found = {name: one.spec for name, one in decided.announcers.items()}
    (owner,) = (n for n, spec in found.items() if len(assignments_in(spec)) == 2)
    kernel, layer2 = assignments_in(found[owner])
    assert (kernel["responder"], layer2["responder"]) == ("Kernel", "Node")
    assert found[owner]["announcing"] == 2


@dataclass(frozen=True, slots=True)
class Counting(Kernel):
    """The protocol, and how often it was asked about a Service."""

    asked: list[str] = field(default_factory=list)

    def contribute(self, case: ServiceCase, view: Any) -> Contribution[Any, Any]:
        self.asked.append("contribute")
        return Kernel.contribute(self, case, view)

    def record(self, service: Service, found: Any, stated: None, standing: Any) -> RecordPart:
        self.asked.append("record")
        return Kernel.record(self, service, found, stated, standing)


@pytest.fixture(scope="module")
def crowd() -> Snapshot:
    """Hundreds of Services with host addresses, on all nodes."""
    block = eip("pool", "10.0.0.0/16", default=True, protocol="kernel")
    snapshot = cluster(*served(*[service(f"a/web-{n:04}") for n in range(MANY)]), block)
    for _ in range(5):
        snapshot = applied(snapshot, plan(snapshot))
    return snapshot


def test_an_event_of_one_service_asks_of_that_one(crowd: Snapshot) -> None:
    counting = Counting()
    protocols = {**PROTOCOLS, Protocol.KERNEL: counting}
    memo = Memo(protocols)
    plan(crowd, protocols, memo)
    counting.asked.clear()
    gone = {**crowd.endpoint_slices, **slices(endpoints("a/web-0000", "node1:unready"))}
    decided = plan(replace(crowd, endpoint_slices=gone), protocols, memo)
    assert counting.asked == ["contribute", "record"]
    for record in decided.announcers.values():
        assert len(assignments_in(record.spec)[0]["addresses"]) == MANY - 1


def test_an_agent_that_takes_up_its_spec_asks_of_nobody(crowd: Snapshot) -> None:
    counting = Counting()
    protocols = {**PROTOCOLS, Protocol.KERNEL: counting}
    memo = Memo(protocols)
    plan(crowd, protocols, memo)
    counting.asked.clear()
    later = {n: replace(one, generation=5, executes=5) for n, one in crowd.announcers.items()}
    plan(replace(crowd, announcers=later), protocols, memo)
    assert counting.asked == []


def test_nodes_that_have_the_same_share_one_list(crowd: Snapshot) -> None:
    listed = [assignments_in(one.spec)[0]["addresses"] for one in plan(crowd).announcers.values()]
    assert all(one is listed[0] for one in listed)
    assert ip_address(listed[0][0]) == ip_address("10.0.0.0")
