"""Builders for the tests of placing and announcing: three nodes, a router, a pool.

They use the addresses of the lab: node N is 192.0.2.1N and 2001:db8:2::1N, the router
192.0.2.1; Eip `public` is 198.51.100.0/28 and 2001:db8:100::/124.
"""

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from typing import Any

from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.whatif import settle
from manager.snapshot import (
    Announcer,
    BgpConf,
    BgpPeer,
    Eip,
    EipName,
    Endpoint,
    EndpointSlice,
    Interface,
    Node,
    NodeName,
    Resource,
    Service,
    ServiceKey,
    SliceKey,
    Snapshot,
    Taint,
)
from pointsman.api import BgpConfSpec, BgpPeerSpec
from pointsman.model.address import Address, Family
from pointsman.model.liveness import Liveness
from pointsman.model.record import ConditionValue
from pointsman.model.route import PeerName
from tests.manager.planner.addresses.addressing import eip, service

NODES = ("node1", "node2", "node3")
OUT = "node.kubernetes.io/out-of-service"
LEAVING = "ToBeDeletedByClusterAutoscaler"
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"
CONF: BgpConf = Resource("default", BgpConfSpec.model_validate({"as": 64501}))
PUBLIC = eip("public", "198.51.100.0/28", "2001:db8:100::/124", default=True)
WEB = service("a/web")

# What one word of a test says of a node; "node1 drained" is how a table reads.
MARKS: dict[str, dict[str, Any]] = {
    "": {},
    "unready": {"ready": "False"},
    "unknown": {"ready": "Unknown"},
    "labelled": {"labels": {EXCLUDED: ""}},
    "offline": {"network_unavailable": True},
    "drained": {"annotations": {"pointsman.dev/drain": "true"}},
    "leaving": {"taints": (Taint(LEAVING, "NoSchedule"),)},
    "dead": {"taints": (Taint(OUT, "NoExecute"),)},
    "cordoned": {"taints": (Taint("node.kubernetes.io/unschedulable", "NoSchedule"),)},
    "rack2": {"labels": {"rack": "2"}},
}


# What heartbeats say of a node, in a word.
HEARTBEATS: dict[str, Liveness] = {
    "heard": Liveness.Alive,
    "lost": Liveness.Dead,
    "returning": Liveness.Returning,
    "hung": Liveness.NodeHung,
    "mute": Liveness.AgentSilent,
    "cut": Liveness.LinkDown,
}


def node(name: str, *marks: str, **more: Any) -> Node:
    """A Node with the properties of each mark; "sick" is its agent's word and not here."""
    n = int(name.removeprefix("node"))
    ips = (ip_address(f"192.0.2.1{n}"), ip_address(f"2001:db8:2::1{n}"))
    found = Node(NodeName(name), uid=f"uid-{name}", internal_ips=ips)
    for mark in marks:
        found = replace(found, **MARKS.get(mark, {}))
    return replace(found, **more)


def nodes(text: str = "") -> dict[NodeName, Node]:
    """All three nodes; *text* marks some: "node1 drained, node2 unready dead"."""
    marks = _marks(text)
    return {NodeName(name): node(name, *marks.get(name, ())) for name in NODES}


def agents(text: str) -> dict[NodeName, Announcer]:
    """The Announcers of nodes that are marked "sick": their service proxy fails."""
    marks = _marks(text)
    sick = (name for name in NODES if "sick" in marks.get(name, ()))
    return {NodeName(name): Announcer(NodeName(name), proxy_healthy=False) for name in sick}


def liveness(text: str) -> dict[NodeName, Liveness]:
    """What heartbeats say of the nodes that are marked so: "node1 lost"."""
    marks = _marks(text)
    return {
        NodeName(name): HEARTBEATS[mark]
        for name in NODES
        for mark in marks.get(name, ())
        if mark in HEARTBEATS
    }


def _marks(text: str) -> dict[str, list[str]]:
    parts = [part.split() for part in text.split(",") if part.strip()]
    return {name: words for name, *words in parts}


def announcer(name: str, *interfaces: Interface, **more: Any) -> Announcer:
    return Announcer(NodeName(name), reported=True, interfaces=interfaces, **more)


def nic(name: str, *addresses: str, up: bool = True) -> Interface:
    return Interface(name, up=up, addresses=tuple(ip_interface(text) for text in addresses))


def endpoint(word: str) -> Endpoint:
    """`node1`, `-` (without nodeName); with :unready, :terminating, :gone or :silent.

    `node1@7` has the address 10.244.0.7; without, an endpoint is none of the others.
    """
    place, _, state = word.partition(":")
    where, _, number = place.partition("@")
    found = _endpoint(None if where == "-" else NodeName(where), state)
    return replace(found, address=f"10.244.0.{number}") if number else found


def _endpoint(on: NodeName | None, state: str) -> Endpoint:
    match state:
        case "":
            return Endpoint(on, ready=True, serving=True, terminating=False)
        case "silent":  # no conditions at all
            return Endpoint(on)
        case "unready":
            return Endpoint(on, ready=False, serving=False, terminating=False)
        case "terminating":
            return Endpoint(on, ready=False, serving=True, terminating=True)
        case "gone":
            return Endpoint(on, ready=False, serving=False, terminating=True)
    raise ValueError(state)


def endpoints(
    key: str, text: str, *, family: Family = Family.IPV4, slice_name: str = "one"
) -> EndpointSlice:
    namespace, name = key.split("/")
    found = tuple(map(endpoint, text.split()))
    return EndpointSlice(namespace, f"{name}-{slice_name}-{family}", name, family, found)


def slices(*found: EndpointSlice) -> dict[SliceKey, EndpointSlice]:
    """EndpointSlices as a snapshot holds them."""
    return {one.key: one for one in found}


def peer(name: str, address: str = "192.0.2.1", **more: Any) -> BgpPeer:
    """A BgpPeer of AS 64500; keywords of Resource go there, all others into the spec."""
    meta = {k: more.pop(k) for k in ("created", "deleting", "conditions", "invalid") if k in more}
    spec = BgpPeerSpec.model_validate({"address": address, "as": 64500} | more)
    return Resource(name, spec, **meta)


def scene(
    *objects: Service | Eip | BgpPeer | EndpointSlice, marks: str = "", **more: Any
) -> Snapshot:
    """A cluster with three nodes and BgpConf; Eip `public` and peer `tor-1` unless given."""
    eips = [o for o in objects if isinstance(o, Resource) and not isinstance(o.spec, BgpPeerSpec)]
    peers = [o for o in objects if isinstance(o, Resource) and isinstance(o.spec, BgpPeerSpec)]
    given: dict[str, Any] = {
        "services": {o.key: o for o in objects if isinstance(o, Service)},
        "endpoint_slices": slices(*(o for o in objects if isinstance(o, EndpointSlice))),
        "nodes": nodes(marks),
        "announcers": agents(marks),
        "liveness": liveness(marks),
        "eips": {EipName(o.name): o for o in eips or [PUBLIC]},
        "bgp_confs": {"default": CONF},
        "bgp_peers": {PeerName(o.name): o for o in peers or [peer("tor-1")]},
    }
    return Snapshot(**(given | more))


def settled(snapshot: Snapshot) -> Plan:
    return settle(snapshot)[1]


def hops(decided: Plan, prefix: str | None = None) -> dict[str, list[str]]:
    """Next hops by peer, of one prefix or of all; by their last byte it is plain whose."""
    found: dict[str, list[str]] = {}
    for key, route in decided.speakers[0].routes.items():
        if prefix is None or str(key.prefix) == prefix:
            for name in sorted(route.peers):
                found.setdefault(name, []).append(str(key.next_hop))
    return found


def carriers(decided: Plan) -> str:
    """The nodes that carry anything, by their numbers: "13"."""
    owners = {decided.speakers[0].nodes[key.next_hop] for key in decided.speakers[0].routes}
    return "".join(sorted(name.removeprefix("node") for name in owners))


def condition_of(decided: Plan, key: str = "a/web", kind: str = "Announced") -> ConditionValue:
    return decided.services[ServiceKey(key)].conditions[f"pointsman.dev/{kind}"]


def addresses(texts: Iterable[str]) -> frozenset[Address]:
    return frozenset(map(ip_address, texts))


__all__ = ["WEB", "eip", "plan", "service"]
