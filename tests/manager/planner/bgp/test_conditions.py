"""What BgpPeers and Eips state about next hops: far off, missing, and what a router makes of it."""

from dataclasses import replace
from typing import Any

import pytest

from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import Snapshot
from pointsman.model.record import ResourceKey
from pointsman.model.route import PeerName
from tests.manager.planner.bgp.test_bgp import AGGREGATING, HERE, TORS, pool
from tests.manager.planner.scene import (
    WEB,
    announcer,
    condition_of,
    hops,
    nic,
    peer,
    scene,
    settled,
)


def racks(**more: Any) -> Snapshot:
    """node1 shares a network with tor-1, node2 with tor-2, node3 with neither."""
    agents = {
        f"node{n}": announcer(f"node{n}", nic("eth0", f"10.0.{n}.1{n}/24")) for n in (1, 2, 3)
    }
    tors = (peer("tor-1", "10.0.1.1", **more), peer("tor-2", "10.0.2.1", **more))
    return scene(WEB, HERE, pool(), *tors, announcers=agents)


def test_each_rack_s_router_is_sent_its_own_nodes() -> None:
    decided = settled(racks())
    assert hops(decided) == {"tor-1": ["10.0.1.11"], "tor-2": ["10.0.2.12"]}
    assert "NextHopsUnverified" not in decided.statuses[ResourceKey("BgpPeer", "tor-1")].conditions


def test_nodes_further_off_are_sent_when_asked_for_and_it_is_said() -> None:
    decided = settled(racks(nextHops={"scope": "All"}))
    assert hops(decided)["tor-1"] == ["10.0.1.11", "192.0.2.12", "192.0.2.13"]
    condition = decided.statuses[ResourceKey("BgpPeer", "tor-1")].conditions["NextHopsUnverified"]
    assert (condition.status, condition.reason) == ("True", "NotConnected")


@pytest.mark.parametrize(
    ("more", "leaves"),
    [
        pytest.param({}, True, id="one hop away"),
        pytest.param({"ebgpMultihop": {"ttl": 3}}, False, id="several hops away"),
        pytest.param({"as": 64501}, False, id="iBGP, whose next hops are looked up"),
    ],
)
def test_what_a_router_does_with_far_nodes_is_said(more: dict[str, Any], leaves: bool) -> None:
    decided = settled(racks(nextHops={"scope": "All"}, **more))
    condition = decided.statuses[ResourceKey("BgpPeer", "tor-1")].conditions["NextHopsUnverified"]
    assert ("this router leaves them out" in condition.message) is leaves
    assert (
        "every router in between must know the same prefixes, or packets loop." in condition.message
    )


def test_a_router_without_nodes_says_so_though_others_carry_the_service() -> None:
    spine = peer("spine", "10.0.9.1", nextHops={"scope": "Connected"})
    world = racks()
    world = replace(world, bgp_peers={**world.bgp_peers, PeerName("spine"): spine})
    decided = settled(world)
    assert hops(decided) == {"tor-1": ["10.0.1.11"], "tor-2": ["10.0.2.12"]}
    condition = decided.statuses[ResourceKey("BgpPeer", "spine")].conditions["NextHopsMissing"]
    assert (condition.status, condition.reason) == ("True", "NoNextHop")
    assert "is told no IPv4 prefix" in condition.message
    assert "each is on no network that 10.0.9.1 shares." in condition.message
    for name in ("tor-1", "tor-2"):
        found = decided.statuses[ResourceKey("BgpPeer", name)].conditions
        assert not {"NextHopsMissing", "NextHopsUnverified"} & found.keys()


def test_a_router_that_no_eip_names_misses_no_node() -> None:
    spine = peer("spine", "10.0.9.1", nextHops={"scope": "Connected"})
    world = scene(WEB, HERE, pool(peers=["tor-1"]), *TORS, spine)
    found = settled(world).statuses[ResourceKey("BgpPeer", "spine")].conditions
    assert "NextHopsMissing" not in found


def test_a_router_that_no_carrier_reaches_says_why() -> None:
    only = peer("tor-1", "10.9.0.1", nextHops={"scope": "Connected"})
    decided = settled(scene(WEB, HERE, only))
    assert condition_of(decided).reason == "NoEligibleNode"
    assert "node1 is on no network that 10.9.0.1 shares" in condition_of(decided).message


def test_without_bgpconf_conditions_stay_as_they_were() -> None:
    world, _ = settle(scene(WEB, HERE, AGGREGATING))
    found = plan(replace(world, bgp_confs={}))
    assert found.speakers[0].routes == world.speakers[0].routes
    assert found.services[WEB.key] == plan(world).services[WEB.key]
