"""Nodes without IPv4 towards the routers: IPv4 prefixes by IPv6 next hops (RFC 8950)."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from e2e import cluster
from e2e.bed import Bed, Broken
from e2e.bgp import routers
from e2e.cluster import MANAGER, custom
from e2e.route_events import session
from lab.network.topology import Node

pytestmark = pytest.mark.lab

MANAGER6, ROUTER6, SECOND6 = "2001:db8:2::10", "2001:db8:2::1", "2001:db8:2::2"
NEVER = {"gracefulRestart": {"enabled": "Never"}}
MERGE = "application/merge-patch+json"


def addressed(lab: Bed, node: Node, *, ipv4: bool) -> None:
    """Give *node* its IPv4 address on the LAN, with the routes it needs, or take it."""
    v4, v6 = node.addresses
    others = [one for one in lab.topology.nodes if one != node]
    if ipv4:
        hops = {one.name: f"via {one.addresses[0].ip}" for one in others}
        lines = [f"address add {v4} dev eth0", "route replace default via 192.0.2.1"]
    else:
        hops = {one.name: f"via inet6 {one.addresses[1].ip} dev eth0" for one in others}
        lines = [f"address del {v4} dev eth0"]
        lines += [f"-4 route replace default via inet6 {ROUTER6} dev eth0"]
    lines += [f"route replace {one.pod_cidrs[0]} {hops[one.name]}" for one in others]
    lab.exec(node.name, "sh", "-ec", "\n".join(f"ip {line}" for line in lines))
    ips = [v4.ip, v6.ip] if ipv4 else [v6.ip]
    named = [{"type": "Hostname", "address": node.name}]
    body = {
        "status": {"addresses": named + [{"type": "InternalIP", "address": str(i)} for i in ips]}
    }
    lab.api.request("PATCH", f"/api/v1/nodes/{node.name}/status", body, content_type=MERGE)


def up(lab: Bed, neighbor: str) -> bool:
    try:
        return bool(session(lab, neighbor))
    except Broken:
        return False


def equal(look: Callable[[], set[str]], wanted: set[str]) -> bool:
    if (found := look()) != wanted:
        raise Broken(f"they are {sorted(found)}")
    return True


@pytest.fixture
def bare(lab: Bed) -> Iterator[Bed]:
    """The lab whose nodes have IPv6 alone towards the routers, with sessions over IPv6."""
    lab.api.delete(f"{routers.PEERS}/tor-1")
    try:
        for node in lab.topology.nodes:
            addressed(lab, node, ipv4=False)
        routers.peer(lab, "six-1", ROUTER6, 64500, **NEVER)
        routers.peer(lab, "six-2", SECOND6, 64502, **NEVER)
        routers.up(lab, "six-1")
        routers.up(lab, "six-2")
        yield lab
    finally:
        for name in ("six-1", "six-2"):
            if lab.api.find(f"{routers.PEERS}/{name}") is not None:
                lab.api.delete(f"{routers.PEERS}/{name}")
        for node in lab.topology.nodes:
            addressed(lab, node, ipv4=True)
        body = custom("BgpPeer", "tor-1", {"address": "192.0.2.1", "as": 64500})
        lab.api.create(routers.PEERS, body)
        lab.wait("the session", lambda: up(lab, MANAGER))


def test_ipv4_traffic_to_nodes_without_ipv4(bare: Bed) -> None:
    lab, hops = bare, cluster.hops(bare, "123", 6)
    cluster.make(lab, "web")
    address = cluster.held(lab, "web")[0]
    # Nobody asked for such next hops, so nobody is sent any.
    cluster.reported(lab, "web", "Announced", "False", "NoEligibleNode", "has no IPv4 address")
    lab.wait("its no", lambda: routers.session(lab, "six-1")["ipv6NextHops"] is False)
    words = "ipv4 { import all; export none; add paths rx;"
    text = routers.plain(lab).replace(words, f"{words} extended next hop yes;")
    with (
        routers.typed(lab, f"neighbor {MANAGER6} capability extended-nexthop"),
        routers.configured(lab, text),
    ):
        for machine in ("router", "router2"):
            look = partial(lab.gateways, f"{address}/32", machine=machine)
            lab.wait(f"IPv6 next hops at {machine}", partial(equal, look, hops))
        cluster.reported(lab, "web", "Announced", "True", "Announced")
        lab.wait("its yes", lambda: routers.session(lab, "six-2")["ipv6NextHops"] is True)
        cluster.answered(lab, address, *(node.name for node in lab.topology.nodes))
    lab.wait("none any more", lambda: not lab.gateways(f"{address}/32"))
