"""A BgpPeer that cannot be read keeps its session and what it was told."""

from dataclasses import replace
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.planner.whatif import applied, settle
from manager.snapshot import BgpPeer, NodeName, Resource, Snapshot
from pointsman.api import EipBgp
from pointsman.model.route import PeerName
from tests.manager.planner.scene import (
    WEB,
    condition_of,
    eip,
    endpoints,
    hops,
    node,
    peer,
    scene,
    service,
    settled,
    slices,
)

HERE = endpoints("a/web", "node1 node3")
ONE, TWO = peer("tor-1"), peer("tor-2", "192.0.2.2")
BROKEN: BgpPeer = Resource("tor-2", None, invalid='spec.families[0] is "l2vpn"')
ALL = ["192.0.2.11", "192.0.2.12", "192.0.2.13"]
WIDE = eip(
    "public",
    "198.51.100.0/28",
    default=True,
    bgp=EipBgp.model_validate({"aggregationLength": 28}),
)


def broken(*objects: Any, by: BgpPeer = BROKEN) -> Snapshot:
    """A settled cluster whose second router cannot be read any more."""
    snapshot, _ = settle(scene(WEB, HERE, *objects))
    return replace(snapshot, bgp_peers={**snapshot.bgp_peers, PeerName("tor-2"): by})


@pytest.mark.parametrize("others", [(ONE, TWO), (TWO,)], ids=["beside another", "alone"])
def test_its_session_and_its_paths_stay(others: tuple[BgpPeer, ...]) -> None:
    snapshot = broken(*others)
    decided = plan(snapshot)
    assert decided.speakers[0].neighbors == snapshot.speakers[0].neighbors
    assert decided.speakers[0].exports == snapshot.speakers[0].exports
    assert decided.speakers[0].routes == snapshot.speakers[0].routes
    assert hops(decided)["tor-2"] == ALL
    assert condition_of(decided).status == "True"
    assert applied(snapshot, decided).speakers[0] == snapshot.speakers[0]


@pytest.mark.parametrize("others", [(ONE, TWO), (TWO,)], ids=["beside another", "alone"])
def test_a_node_that_carries_no_more_is_withdrawn_from_it(others: tuple[BgpPeer, ...]) -> None:
    snapshot = broken(*others)
    nodes = {**snapshot.nodes, NodeName("node2"): node("node2", "labelled")}
    decided = settled(replace(snapshot, nodes=nodes))
    assert hops(decided)["tor-2"] == ["192.0.2.11", "192.0.2.13"]


def test_an_address_that_nobody_has_any_more_is_withdrawn_from_it() -> None:
    assert hops(settled(replace(broken(ONE, TWO), services={}))) == {}


def test_a_service_that_nothing_serves_is_withdrawn_from_it() -> None:
    assert hops(settled(replace(broken(ONE, TWO), endpoint_slices={}))) == {}


def test_it_is_told_nothing_new() -> None:
    late = service("a/late")
    snapshot = broken(ONE, TWO)
    more = {**snapshot.services, late.key: late}
    served = {**snapshot.endpoint_slices, **slices(endpoints("a/late", "node1"))}
    decided = settled(replace(snapshot, services=more, endpoint_slices=served))
    assert hops(decided, "198.51.100.1/32") == {"tor-1": ALL}
    assert hops(decided, "198.51.100.0/32") == {"tor-1": ALL, "tor-2": ALL}


def test_what_it_was_never_told_is_announced_to_nobody() -> None:
    late = service("a/late")
    snapshot = broken(TWO)
    more = {**snapshot.services, late.key: late}
    served = {**snapshot.endpoint_slices, **slices(endpoints("a/late", "node1"))}
    decided = settled(replace(snapshot, services=more, endpoint_slices=served))
    assert condition_of(decided, "a/late").reason == "NoPeer"


def test_an_aggregate_stays_while_it_has_addresses() -> None:
    snapshot = broken(ONE, TWO, WIDE)
    assert hops(settled(snapshot), "198.51.100.0/28")["tor-2"] == ALL
    assert hops(settled(replace(snapshot, services={}))) == {}


def test_deleting_it_ends_the_session_all_the_same() -> None:
    decided = settled(broken(ONE, TWO, by=replace(BROKEN, deleting=True)))
    assert decided.speakers[0].neighbors.keys() == decided.speakers[0].exports.keys() == {"tor-1"}
    assert hops(decided) == {"tor-1": ALL}


def test_a_router_that_another_bgppeer_names_is_that_ones() -> None:
    snapshot = broken(ONE, TWO)
    third = peer("tor-3", "192.0.2.2")
    peers = {**snapshot.bgp_peers, PeerName("tor-3"): third}
    decided = settled(replace(snapshot, bgp_peers=peers))
    assert decided.speakers[0].neighbors.keys() == {"tor-1", "tor-3"}


def test_what_is_deleted_beside_it_is_gone() -> None:
    snapshot = broken(ONE, TWO)
    decided = settled(replace(snapshot, bgp_peers={PeerName("tor-2"): BROKEN}))
    assert decided.speakers[0].neighbors.keys() == decided.speakers[0].exports.keys() == {"tor-2"}
    assert hops(decided) == {"tor-2": ALL}


def test_its_address_is_given_to_nobody() -> None:
    pool = eip("public", "198.51.100.0/28", "192.0.2.0/30", default=True)
    asks = service("a/asks", notes={"addresses": "192.0.2.2"})
    snapshot = broken(ONE, TWO, pool)
    decided = settled(replace(snapshot, services={**snapshot.services, asks.key: asks}))
    assert condition_of(decided, "a/asks", kind="Allocated").reason == "AddressExcluded"
