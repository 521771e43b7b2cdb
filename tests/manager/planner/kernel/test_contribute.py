"""Which nodes have an address themselves, or a route to its aggregate."""

from dataclasses import replace

import pytest

from manager.planner.plan import plan
from manager.planner.whatif import applied
from manager.snapshot import NodeName, ServicePort
from pointsman.model.address import Family
from pointsman.model.assignment import KERNEL_INTERFACE
from tests.manager.planner.addresses.addressing import eip, service
from tests.manager.planner.kernel.pool import (
    AGGREGATED,
    EVERY,
    FOUR,
    SIX,
    WEB,
    able,
    agents,
    announced,
    by,
    cluster,
    planned,
    pool,
    routes,
    settled,
)
from tests.manager.planner.layer2.lan import agent
from tests.manager.planner.scene import endpoints, liveness, nic

LOCAL = replace(WEB, policy="Local")
BOTH = replace(WEB, families=(Family.IPV4, Family.IPV6), family_policy="RequireDualStack")


def at(*names: str) -> list[str]:
    return [f"{name}/{KERNEL_INTERFACE}" for name in names]


@pytest.mark.parametrize(
    ("where", "marks", "nodes"),
    [
        pytest.param("node1", "", EVERY, id="Cluster: every eligible node"),
        pytest.param("node1", "node2 drained", at("node1", "node3"), id="but those that drain"),
        pytest.param("node1", "node2 labelled", at("node1", "node3"), id="and the excluded"),
        pytest.param("node1", "node2 lost", at("node1", "node3"), id="and the dead"),
        pytest.param(
            "node1", "node1 drained, node2 drained, node3 drained", EVERY, id="the last ones stay"
        ),
        pytest.param("node1:unready", "", [], id="nothing serves"),
    ],
)
def test_cluster(where: str, marks: str, nodes: list[str]) -> None:
    seen = cluster(WEB, endpoints(WEB.key, where), marks=marks, liveness=liveness(marks))
    _, decided = settled(seen)
    assert planned(decided).get(FOUR, []) == nodes
    assert by(decided) == ",".join(nodes)


@pytest.mark.parametrize(
    ("where", "marks", "nodes"),
    [
        pytest.param("node1 node3", "", at("node1", "node3"), id="exactly those with endpoints"),
        pytest.param("node1 node3", "node3 drained", at("node1"), id="a drained one leaves"),
        pytest.param("node3", "node3 drained", at("node3"), id="the last one stays"),
        pytest.param("node3", "node3 lost", [], id="a dead one does not"),
    ],
)
def test_local(where: str, marks: str, nodes: list[str]) -> None:
    seen = cluster(LOCAL, endpoints(WEB.key, where), marks=marks, liveness=liveness(marks))
    _, decided = settled(seen)
    assert planned(decided).get(FOUR, []) == nodes


def test_both_families() -> None:
    six = endpoints(WEB.key, "node2", family=Family.IPV6, slice_name="six")
    service_ = replace(BOTH, policy="Local")
    _, decided = settled(cluster(service_, endpoints(WEB.key, "node1"), six))
    assert planned(decided) == {FOUR: at("node1"), SIX: at("node2")}
    assert by(decided) == ",".join(at("node1", "node2"))


@pytest.mark.parametrize(
    ("words", "clause"),
    [
        ({"net_admin": False}, "the agent of node2 lacks NET_ADMIN: apply deploy/patches/kernel"),
        ({"net_admin": None}, "the agent of node2 is too old"),
    ],
)
def test_a_node_whose_agent_cannot_is_named_and_carries_nothing(
    words: dict[str, bool | None], clause: str
) -> None:
    _, decided = settled(cluster(announcers=agents(able("node2", **words))))
    assert planned(decided)[FOUR] == at("node1", "node3")
    assert clause in announced(decided)
    refused = {one.node: one.excluded_by for one in decided.announcements[WEB.key].candidates}
    assert clause in refused[NodeName("node2")]


def test_a_node_without_an_agent_is_named_too() -> None:
    some = agents()
    del some[NodeName("node3")]
    _, decided = settled(cluster(announcers=some))
    assert planned(decided)[FOUR] == at("node1", "node2")
    assert "the agent of node3 has not reported" in announced(decided)


def test_where_no_agent_can_the_condition_says_what_to_do() -> None:
    lacking = agents(*(agent(name, net_admin=False) for name in ("node1", "node2", "node3")))
    _, decided = settled(cluster(announcers=lacking))
    assert planned(decided) == {}
    assert announced(decided).startswith("False NoEligibleNode: Service a/web is withdrawn")
    for name in ("node1", "node2", "node3"):
        assert f"the agent of {name} lacks NET_ADMIN: apply deploy/patches/kernel.yaml" in (
            announced(decided)
        )


def test_a_silent_agent_carries_only_where_no_other_does() -> None:
    mute = liveness("node2 mute")
    _, decided = settled(cluster(liveness=mute))
    assert planned(decided)[FOUR] == at("node1", "node3")
    every = liveness("node1 mute, node2 mute, node3 mute")
    _, decided = settled(cluster(liveness=every))
    assert planned(decided)[FOUR] == EVERY


def test_an_aggregate_is_a_route_and_no_address() -> None:
    other = service("a/other")
    objects = (BOTH, other, endpoints(WEB.key, "node1"), endpoints(other.key, "node1"))
    six = endpoints(WEB.key, "node1", family=Family.IPV6, slice_name="six")
    _, decided = settled(cluster(*objects, six, pool(bgp=AGGREGATED)))
    nodes = ["node1", "node2", "node3"]
    assert routes(decided) == {"203.0.113.0/28": nodes, "2001:db8:113::/124": nodes}
    assert planned(decided) == {}
    assert by(decided) == by(decided, other.key) == "kernel"


def test_local_is_an_address_inside_an_aggregate_too() -> None:
    _, decided = settled(cluster(LOCAL, endpoints(WEB.key, "node2"), pool(bgp=AGGREGATED)))
    assert (planned(decided), routes(decided)) == ({FOUR: at("node2")}, {})


def test_an_aggregate_outlives_its_endpoints_and_not_its_last_address() -> None:
    seen, _ = settled(cluster(WEB, endpoints(WEB.key, "node1"), pool(bgp=AGGREGATED)))
    unserved = cluster(WEB, endpoints(WEB.key, "node1:unready"), pool(bgp=AGGREGATED))
    _, decided = settled(replace(seen, endpoint_slices=unserved.endpoint_slices))
    assert "Its aggregate 203.0.113.0/28 stays advertised" in announced(decided)
    assert routes(decided)["203.0.113.0/28"] == ["node1", "node2", "node3"]
    _, decided = settled(replace(seen, services={}))
    assert routes(decided) == {}


def test_an_aggregate_that_reaches_over_the_edge_is_not_used() -> None:
    torn = pool("203.0.113.0/29", bgp={"aggregationLength": 28})
    _, decided = settled(cluster(WEB, endpoints(WEB.key, "node1"), torn))
    assert (planned(decided)[FOUR], routes(decided)) == (EVERY, {})


@pytest.mark.parametrize(
    ("interface", "own"),
    [
        pytest.param("eth1", "203.0.113.200/24", id="an aggregate within a network"),
        pytest.param("eth1", "203.0.113.9/30", id="a network within an aggregate"),
        pytest.param("lo0", "203.0.113.9/32", id="an address of a node within it"),
    ],
)
def test_an_aggregate_that_would_cut_a_node_off_is_not_used(interface: str, own: str) -> None:
    near = agent("node2", nic(interface, own), net_admin=True)
    objects = (WEB, endpoints(WEB.key, "node1"), pool(bgp=AGGREGATED))
    _, decided = settled(cluster(*objects, announcers=agents(near)))
    assert "203.0.113.0/28" not in routes(decided)
    assert at("node1")[0] in planned(decided)[FOUR]


def test_no_node_has_an_address_of_a_network_that_it_is_on() -> None:
    near = agent("node2", nic("eth1", "203.0.113.200/24"), net_admin=True)
    _, decided = settled(cluster(announcers=agents(near)))
    assert planned(decided)[FOUR] == at("node1", "node3")
    assert "node2 is itself on 203.0.113.0/24 (eth1)" in announced(decided)
    every = [
        agent(name, nic("eth1", f"203.0.113.20{n}/24"), net_admin=True)
        for n, name in enumerate(("node1", "node2", "node3"))
    ]
    _, decided = settled(cluster(announcers=agents(*every)))
    assert planned(decided) == {}
    assert announced(decided).startswith("False OnNodeNetwork: Service a/web is not announced")


def test_nothing_is_put_anywhere_before_the_service_records_it() -> None:
    seen = cluster()
    first = plan(seen)
    assert (first.services[WEB.key].ingress, planned(first)) == ((FOUR,), {})
    assert planned(plan(applied(seen, first)))[FOUR] == EVERY


def test_what_stands_stays_while_a_record_is_repaired() -> None:
    seen, _ = settled(cluster())
    wiped = {WEB.key: replace(seen.services[WEB.key], ingress=())}
    decided = plan(replace(seen, services=wiped))
    assert decided.services[WEB.key].ingress == (FOUR,)
    assert planned(decided)[FOUR] == EVERY


def test_an_eip_that_cannot_be_read_takes_nothing_away() -> None:
    for bgp in ({}, AGGREGATED):
        seen, before = settled(cluster(WEB, endpoints(WEB.key, "node1"), pool(bgp=bgp)))
        broken = {name: replace(one, spec=None) for name, one in seen.eips.items()}
        _, decided = settled(replace(seen, eips=broken))
        assert (planned(decided), routes(decided)) == (planned(before), routes(before))


def test_addresses_of_other_protocols_are_no_business_of_it() -> None:
    lan = eip("lan", "192.0.2.64/26", default=True, protocol="layer2")
    _, decided = settled(cluster(WEB, endpoints(WEB.key, "node1"), lan))
    assert (planned(decided), routes(decided)) == ({}, {})


def test_a_shared_address_is_where_any_of_its_services_wants_it() -> None:
    notes = {"share-key": "k", "addresses": FOUR}
    one = service("a/one", notes=notes, ports=(ServicePort("TCP", 80),))
    two = service("a/two", notes=notes, ports=(ServicePort("TCP", 81),))
    objects = (one, two, endpoints(one.key, "node1"), endpoints(two.key, "node2:unready"))
    _, decided = settled(cluster(*objects))
    assert planned(decided)[FOUR] == EVERY
