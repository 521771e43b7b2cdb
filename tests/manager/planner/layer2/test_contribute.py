"""Who may own an address: only nodes that may carry, and what stays where nobody can say."""

from dataclasses import replace
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.snapshot import EipName, NodeName
from pointsman.model.address import Family
from pointsman.model.liveness import Liveness
from tests.manager.planner.addresses.addressing import service
from tests.manager.planner.layer2.lan import (
    FIRST,
    WEB,
    agent,
    agents,
    announced,
    by,
    lan,
    lan_eip,
    owners,
    planned,
    served,
    settled,
)
from tests.manager.planner.scene import eip, endpoints, nodes


@pytest.mark.parametrize(
    ("marks", "at"),
    [
        ("node1 drained", "node2 node3"),
        ("node1 labelled, node2 labelled", "node3"),
        ("node1 unready", "node2 node3"),
        ("node1 lost, node3 lost", "node2"),
        ("node1 mute", "node2 node3"),
        ("node1 hung, node2 mute", "node3"),
        ("node1 sick", "node2 node3"),
        ("node1 drained, node2 drained, node3 drained", "node1 node2 node3"),
        ("node1 drained, node2 lost, node3 lost", "node1"),
    ],
)
def test_only_nodes_that_may_carry_are_elected(marks: str, at: str) -> None:
    many = [service(f"a/web-{n}") for n in range(12)]
    sick = [agent(n, proxy_healthy=False) for n in ("node1",) if "sick" in marks]
    seen, _ = settled(lan(*served(*many), marks=marks, announcers=agents(*sick)))
    found = {one.partition("/")[0] for names in owners(seen).values() for one in names}
    assert len(owners(seen)) == len(many)
    assert found <= set(at.split())
    assert len(found) == len(at.split())


def test_local_goes_only_where_an_endpoint_serves_and_moves_with_it() -> None:
    local = service("a/web", policy="Local")
    seen, decided = settled(lan(local, endpoints("a/web", "node2 node3:unready")))
    assert owners(seen) == {FIRST: ["node2/eth0"]}
    moved = replace(seen, endpoint_slices=lan(local, endpoints("a/web", "node3")).endpoint_slices)
    seen, decided = settled(moved)
    assert owners(seen) == {FIRST: ["node3/eth0"]}
    assert by(decided) == "node3/eth0"


def test_who_is_silent_keeps_what_it_has_where_nobody_else_could() -> None:
    only = {n: node for n, node in nodes().items() if n == "node1"}
    seen, _ = settled(lan(nodes=only))
    silent = replace(seen, liveness={NodeName("node1"): Liveness.AgentSilent})
    assert planned(plan(silent)) == {FIRST: ["node1/eth0"]}
    assert announced(plan(silent)).startswith("True ")
    unknown = {n: replace(a, reported=False, interfaces=()) for n, a in seen.announcers.items()}
    gone = plan(replace(seen, announcers=unknown))  # its status was wiped, say
    assert planned(gone) == {FIRST: ["node1/eth0"]}


def test_whose_agent_is_silent_is_elected_last_and_that_is_told() -> None:
    only = {n: node for n, node in nodes().items() if n == "node1"}
    seen, decided = settled(lan(nodes=only, liveness={NodeName("node1"): Liveness.AgentSilent}))
    assert owners(seen) == {FIRST: ["node1/eth0"]}
    assert announced(decided).endswith("No better node is left: the agent of node1 is silent.")


def test_preferred_nodes_come_first_and_take_nothing_back() -> None:
    many = [service(f"a/web-{n}") for n in range(9)]
    rack = lan_eip(preferredNodes={"matchLabels": {"rack": "2"}})
    seen, _ = settled(lan(*served(*many), rack, marks="node2 rack2"))
    assert {at for (at,) in owners(seen).values()} == {"node2/eth0"}
    gone, _ = settled(replace(seen, nodes=nodes("node2 rack2 drained")))
    assert {at for (at,) in owners(gone).values()} == {"node1/eth0", "node3/eth0"}
    back, _ = settled(replace(gone, nodes=nodes("node2 rack2")))
    assert owners(back) == owners(gone)


def test_an_eip_that_cannot_be_read_leaves_everything_as_it_is() -> None:
    seen, before = settled(lan())
    broken = {name: replace(one, spec=None, invalid="no") for name, one in seen.eips.items()}
    decided = plan(replace(seen, eips=broken))
    assert planned(decided) == planned(before)
    assert announced(decided) == announced(before)
    assert by(decided) == by(before)


def test_a_service_that_cannot_be_judged_keeps_its_node(monkeypatch: Any) -> None:
    from manager.planner.layer2.protocol import Layer2
    from manager.planner.protocols import PROTOCOLS
    from pointsman.api import Protocol

    seen, before = settled(lan())

    class Broken(Layer2):
        def contribute(self, case: Any, view: Any) -> Any:
            raise ZeroDivisionError

    decided = plan(seen, {**PROTOCOLS, Protocol.LAYER2: Broken()})
    assert "InternalError" in announced(decided)
    assert planned(decided) == planned(before)


@pytest.mark.parametrize(
    ("protocol", "block", "first"),
    [
        ("layer2", "192.0.2.0/30", "192.0.2.2"),  # .1 is the router
        ("bgp", "192.0.2.0/30", "192.0.2.0"),
        ("layer2", "192.0.2.254-192.0.2.255", "192.0.2.254"),
        ("layer2", "192.0.2.255/32", ""),
        ("bgp", "192.0.2.255/32", "192.0.2.255"),
        ("layer2", "192.0.2.64/26", "192.0.2.64"),  # the edge of an Eip is none of the network
        ("layer2", "2001:db8:2::/127", "2001:db8:2::1"),
    ],
)
def test_what_no_host_of_the_network_can_have_is_never_given(
    protocol: str, block: str, first: str
) -> None:
    family = Family.IPV6 if ":" in block else Family.IPV4
    web = service("a/web", families=(family,))
    seen, decided = settled(lan(web, eip("lan", block, default=True, protocol=protocol)))
    assert [one.ip for one in seen.services[WEB.key].ingress] == ([first] if first else [])
    if not first:
        decided_of = decided.allocations.eips[EipName("lan")].ready
        assert "(the broadcast address of 192.0.2.0/24)" in repr(decided_of)
