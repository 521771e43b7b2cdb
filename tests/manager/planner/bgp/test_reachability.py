"""Which nodes a router may be sent: nextHops.scope and nextHops.nodeSelector."""

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import pytest

from manager.planner.bgp.reachability import reachability
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import Announcer, NodeName
from pointsman.model.address import Address, Family
from pointsman.model.route import PeerName, SessionReport
from tests.manager.planner.scene import WEB, announcer, endpoints, nic, nodes, peer, scene

V4, V6 = Family.IPV4, Family.IPV6
SIX = ip_address("2001:db8:2::11")
NEAR1 = announcer("node1", nic("eth0", "192.0.2.11/24", "2001:db8:2::11/64"))
NEAR2 = announcer("node2", nic("eth0", "192.0.2.12/24", "2001:db8:2::12/64"))
AWAY2 = announcer("node2", nic("eth0", "10.0.0.12/24"))
AWAY3 = announcer("node3", nic("eth0", "10.0.0.13/24"))
DOWN1 = announcer("node1", nic("eth0", "192.0.2.11/24", up=False))
RACK2 = {"nodeSelector": {"matchLabels": {"rack": "2"}}}


def sent(
    *agents: Announcer, family: Family = V4, marks: str = "", far: str = "", **next_hops: Any
) -> str:
    """The numbers of the nodes a router on 192.0.2.0/24 is sent; "?": not all verified.

    The nodes named in *far* have an InternalIP outside that network.
    """
    router = peer("tor-1", nextHops=next_hops)
    world = scene(router, nodes=nodes(marks), announcers={one.node: one for one in agents})
    if far:
        world = replace(
            world,
            nodes={
                name: replace(one, internal_ips=(ip_address(f"10.0.0.1{name[-1]}"),))
                if name in far.split()
                else one
                for name, one in world.nodes.items()
            },
        )
    assert router.spec is not None
    found = reachability(world, router.spec, family=family, vips=frozenset())
    assert {*found.hops, *found.without} == set(world.nodes)
    return "".join(name.removeprefix("node") for name in found.hops) + "?" * bool(found.far)


@pytest.mark.parametrize(
    ("agents", "more", "expected"),
    [
        pytest.param([NEAR1, NEAR2, AWAY3], {}, "12", id="Auto: who is connected"),
        pytest.param([], {}, "123?", id="Auto, and no agent has spoken: all, unverified"),
        pytest.param([AWAY3], {}, "123?", id="Auto, and nobody is connected: all, unverified"),
        pytest.param([NEAR1], {}, "123", id="whose agent is late counts by its address"),
        pytest.param(
            [NEAR1], {"far": "node3"}, "12", id="whose agent is late and whose address is elsewhere"
        ),
        pytest.param([DOWN1, NEAR2, AWAY3], {}, "2", id="a link that is down connects nobody"),
        pytest.param([DOWN1, AWAY2, AWAY3], {}, "", id="nor sends the router what is elsewhere"),
        pytest.param(
            [DOWN1, AWAY2, AWAY3], {"scope": "All"}, "123?", id="unless all are asked for"
        ),
        pytest.param(
            [NEAR1, NEAR2, AWAY3], {"scope": "All"}, "123?", id="All: everybody, unverified"
        ),
        pytest.param([NEAR1], {"scope": "All"}, "123", id="All, and everybody is connected"),
        pytest.param([], {"scope": "Connected"}, "", id="Connected, and no agent has spoken"),
        pytest.param([NEAR1, AWAY3], {"scope": "Connected"}, "12", id="Connected"),
        pytest.param(
            [NEAR1, NEAR2], {**RACK2, "marks": "node2 rack2"}, "2", id="the nodes of a rack"
        ),
        pytest.param([NEAR1], RACK2, "", id="a selector that nobody matches"),
        pytest.param(
            [NEAR1, AWAY3],
            {**RACK2, "marks": "node3 rack2"},
            "",
            id="Auto looks at all nodes, not at the selected: what is far stays far",
        ),
        pytest.param(
            [NEAR1, NEAR2, AWAY3], {"family": V6}, "12", id="per family, on the same network"
        ),
        pytest.param(
            [announcer("node1", nic("eth0", "192.0.2.11/24"))],
            {"family": V6, "far": "node3"},
            "12?",
            id="a node is near in both families, though its address of one is not",
        ),
    ],
)
def test_reach(agents: list[Announcer], more: dict[str, Any], expected: str) -> None:
    assert sent(*agents, **more) == expected


@pytest.mark.parametrize("scope", ["Auto", "Connected", "All"])
@pytest.mark.parametrize("router", ["192.0.2.1", "2001:db8:2::1"])
def test_the_node_of_a_silent_agent_is_sent_by_its_address_where_others_find_the_router(
    scope: str, router: str
) -> None:
    tor = peer("tor-1", router, nextHops={"scope": scope})
    world = scene(WEB, tor, announcers={"node1": NEAR1})
    texts = ("10.0.0.12", "2001:db8:a::12", "192.0.2.12", "2001:db8:2::12")
    two = replace(world.nodes[NodeName("node2")], internal_ips=tuple(map(ip_address, texts)))
    world = replace(world, nodes={**world.nodes, NodeName("node2"): two})
    assert tor.spec is not None
    for family, expected in ((V4, "192.0.2.12"), (V6, "2001:db8:2::12")):
        found = reachability(world, tor.spec, family=family, vips=frozenset())
        assert found.hops[NodeName("node2")] == ip_address(expected)
        assert not found.far


def test_each_node_that_is_left_out_is_told_why() -> None:
    router = peer("tor-1", nextHops={"scope": "Connected", **RACK2})
    world = scene(router, announcers={"node1": NEAR1, "node3": AWAY3})
    assert router.spec is not None
    found = reachability(world, router.spec, family=V4, vips=frozenset())
    assert found.without == {
        "node1": "does not match nextHops.nodeSelector for 192.0.2.1",
        "node2": "does not match nextHops.nodeSelector for 192.0.2.1",
        "node3": "is on no network that 192.0.2.1 shares",
    }


@pytest.mark.parametrize(
    ("family", "over_ipv6", "hops"),
    [
        pytest.param(V4, False, ["192.0.2.12"], id="not negotiated: who has no IPv4 is left out"),
        pytest.param(V4, True, ["2001:db8:2::11", "192.0.2.12"], id="negotiated: for it alone"),
        pytest.param(V6, False, ["2001:db8:2::11", "2001:db8:2::12"], id="IPv6: nothing new"),
    ],
)
def test_a_node_without_ipv4_address(family: Family, over_ipv6: bool, hops: list[str]) -> None:
    router = peer("tor-1", "2001:db8:2::1")
    agents = (announcer("node1", nic("eth0", "2001:db8:2::11/64")), NEAR2)
    world = scene(router, announcers={one.node: one for one in agents})
    six = (ip_address("2001:db8:2::11"),)
    bare = {
        name: replace(one, internal_ips=six) if name == "node1" else one
        for name, one in world.nodes.items()
        if name != "node3"
    }
    assert router.spec is not None
    found = reachability(
        replace(world, nodes=bare),
        router.spec,
        family=family,
        vips=frozenset(),
        over_ipv6=over_ipv6,
    )
    assert list(map(str, found.hops.values())) == hops
    assert not found.far
    if len(hops) == 1:
        assert found.without == {"node1": "has no IPv4 address"}


@pytest.mark.parametrize(
    ("report", "found"),
    [
        pytest.param(SessionReport("Established", ipv6_next_hops=True), {SIX}, id="negotiated"),
        pytest.param(SessionReport("Established"), set(), id="not asked for"),
        pytest.param(SessionReport("Active"), set(), id="no session: nobody has asked"),
        pytest.param(None, set(), id="no such session"),
    ],
)
def test_ipv6_next_hops_are_for_who_negotiated_them(
    report: SessionReport | None, found: set[Address]
) -> None:
    """A router that did not ask might end the session over them, again and again."""
    world = scene(WEB, endpoints("a/web", "node1"), peer("six", "2001:db8:2::1"))
    node1 = NodeName("node1")
    bare = {node1: replace(world.nodes[node1], internal_ips=(SIX,))}
    world = settle(replace(world, nodes=bare))[0]
    sessions = {PeerName("six"): report} if report is not None else {}
    after = plan(replace(world, speakers=(replace(world.speakers[0], sessions=sessions),)))
    assert {key.next_hop for key in after.routes if key.prefix.version == 4} == found
