"""Which nodes that drain a speaker no longer tells a router."""

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv4Interface, ip_address, ip_network

import pytest

from manager.planner.bgp.drained import drained
from manager.planner.bgp.session_entries import entries
from manager.snapshot import (
    Announcer,
    BgpPeer,
    Interface,
    Node,
    NodeName,
    Observed,
    Resource,
    Settings,
    Snapshot,
)
from pointsman.model.names import DRAIN
from pointsman.model.route import Neighbor, PathAttributes, PeerName, Route, RouteKey, SessionReport
from pointsman.model.table import Table

A, B = PeerName("a"), PeerName("b")
N1, N2 = NodeName("n1"), NodeName("n2")


def node(name: NodeName, address: str, *, drains: bool) -> Node:
    notes = {DRAIN: "true"} if drains else {}
    return Node(name, annotations=notes, internal_ips=(ip_address(address),))


def routes(*advertised: tuple[str, str, str]) -> Table:
    """Return the routes of (prefix, next hop, peers)."""
    found: Mapping[RouteKey, Route] = {
        RouteKey(ip_network(prefix), ip_address(hop)): Route(
            PathAttributes(), frozenset(map(PeerName, peers))
        )
        for prefix, hop, peers in advertised
    }
    return Table.of(found)


def snapshot(*advertised: tuple[str, str, str], **more: object) -> Snapshot:
    neighbors = {
        A: Neighbor(ip_address("192.0.2.1"), 64500), B: Neighbor(ip_address("192.0.2.2"), 64500)
    }  # fmt: skip
    seen = replace(Observed(routes=routes(*advertised), neighbors=neighbors), **more)  # type: ignore[arg-type]
    nodes = {N1: node(N1, "192.0.2.11", drains=True), N2: node(N2, "192.0.2.12", drains=False)}
    return Snapshot(nodes=nodes, speakers=(seen,))


def test_a_node_is_drained_peer_by_peer() -> None:
    (found,) = drained(
        snapshot(
            ("198.51.100.1/32", "192.0.2.11", "a"),
            ("198.51.100.1/32", "192.0.2.12", "ab"),
            ("198.51.100.2/32", "192.0.2.12", "ab"),
        )
    )
    assert found == {A: (), B: (N1,)}


def test_without_any_path_it_is_told_to_nobody() -> None:
    assert drained(snapshot()) == ({A: (N1,), B: (N1,)},)


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"fresh": False}, id="the speaker does not answer"),
        pytest.param({"putting": frozenset({ip_network("198.51.100.1/32")})}, id="paths come"),
    ],
)
def test_what_is_not_known_is_not_said(more: dict[str, object]) -> None:
    assert drained(snapshot(**more)) == ({},)


def test_an_address_that_only_the_agent_reports_is_the_nodes_too() -> None:
    advertised = snapshot(("198.51.100.1/32", "198.18.0.11", "ab"))
    eth1 = Interface("eth1", addresses=(IPv4Interface("198.18.0.11/24"),))
    reported = replace(advertised, announcers={N1: Announcer(N1, interfaces=(eth1,))})
    assert drained(reported) == ({A: (), B: ()},)


def test_where_nobody_drains_nothing_is_said() -> None:
    advertised = snapshot()
    nodes = {name: replace(one, annotations={}) for name, one in advertised.nodes.items()}
    assert drained(replace(advertised, nodes=nodes)) == ({},)


def test_it_stands_in_the_replicas_own_entry_of_that_peer() -> None:
    advertised = snapshot(("198.51.100.1/32", "192.0.2.11", "a"))
    up = {A: SessionReport("Established"), B: SessionReport("Established")}
    peers: dict[PeerName, BgpPeer] = {name: Resource(name, None) for name in (A, B)}
    seen = replace(
        advertised,
        bgp_peers=peers,
        speakers=(replace(advertised.speakers[0], sessions=up),),
        settings=Settings(speaker_name="m"),
    )
    found = entries(seen, {})
    assert [one.get("drained") for one in (*found[A], *found[B])] == [None, ["n1"]]
