"""Builders for the tests of protocol `kernel`: three nodes whose agents may change addresses.

Node N is 192.0.2.1N/24 and 2001:db8:2::1N/64 on eth0; Eip `pool` is 203.0.113.0/28 and
2001:db8:113::/124, of no network of theirs.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

from manager.planner.announcer_specs import assignments_in, routes_in
from manager.planner.desired import Plan
from manager.planner.plan import plan
from manager.planner.whatif import applied
from manager.snapshot import Announcer, Assigned, Eip, NodeName, Snapshot
from pointsman.model.assignment import KERNEL, KERNEL_INTERFACE, Unreachable
from tests.manager.planner.addresses.addressing import eip, service
from tests.manager.planner.layer2.lan import agent
from tests.manager.planner.scene import NODES, condition_of, endpoints, scene

FOUR, SIX = "203.0.113.0", "2001:db8:113::"
WEB = service("a/web")
AGGREGATED = {"aggregationLength": 28, "aggregationLengthV6": 124}
EVERY = [f"{name}/{KERNEL_INTERFACE}" for name in NODES]


def pool(*addresses: str, bgp: Mapping[str, int] | None = None, **more: Any) -> Eip:
    """Eip `pool` of protocol kernel; *bgp*: the lengths of its aggregates."""
    found = addresses or ("203.0.113.0/28", "2001:db8:113::/124")
    kind = {"protocol": "kernel", "default": True, **more}
    return eip("pool", *found, **kind, **({"bgp": dict(bgp)} if bgp else {}))


def able(name: str, **words: Any) -> Announcer:
    """The Announcer of a node whose agent may change addresses and routes."""
    return agent(name, **{"net_admin": True, **words})


def agents(*others: Announcer) -> dict[NodeName, Announcer]:
    return {NodeName(n): able(n) for n in NODES} | {one.node: one for one in others}


def having(name: str, *addresses: str, routes: Iterable[str] = (), **words: Any) -> Announcer:
    """The Announcer of a node in whose spec these stand."""
    one = Assigned(KERNEL_INTERFACE, KERNEL, tuple(map(ip_address, addresses)))
    return replace(
        able(name, **words),
        assignments=(one,) if addresses else (),
        unreachable=tuple(Unreachable(ip_network(text), True) for text in routes),
    )


def cluster(*objects: Any, marks: str = "", **more: Any) -> Snapshot:
    """A cluster with Eip `pool`, unless another is given, and Service `a/web` likewise."""
    found = list(objects)
    if not any(type(one).__name__ == "Service" for one in found):
        found += [WEB, endpoints(WEB.key, "node1 node2 node3")]
    if not any(type(one).__name__ == "Resource" for one in found):
        found.append(pool())
    return scene(*found, marks=marks, **{"announcers": agents(), **more})


def steps(snapshot: Snapshot, *, most: int = 12) -> Iterable[tuple[Snapshot, Plan]]:
    """Yield each snapshot with its plan, each plan applied at once, until nothing changes."""
    for _ in range(most):
        decided = plan(snapshot)
        yield snapshot, decided
        after = applied(snapshot, decided)
        if after == snapshot:
            return
        snapshot = after
    raise AssertionError("not settled")


def settled(snapshot: Snapshot) -> tuple[Snapshot, Plan]:
    return list(steps(snapshot))[-1]


def planned(decided: Plan) -> dict[str, list[str]]:
    """By address, which nodes are to have it themselves."""
    found: dict[str, list[str]] = {}
    for name, record in decided.announcers.items():
        for entry in assignments_in(record.spec):
            for address in entry["addresses"] if entry["responder"] == KERNEL else ():
                found.setdefault(address, []).append(f"{name}/{entry['interface']}")
    return found


def routes(decided: Plan, *, redistribute: bool = True) -> dict[str, list[str]]:
    """By prefix, which nodes are to have an unreachable route."""
    found: dict[str, list[str]] = {}
    for name, record in decided.announcers.items():
        for one in routes_in(record.spec):
            if one["redistribute"] is redistribute:
                found.setdefault(one["prefix"], []).append(str(name))
    return found


def announced(decided: Plan, key: str = "a/web") -> str:
    one = condition_of(decided, key)
    return f"{one.status} {one.reason}: {one.message}"


def by(decided: Plan, key: Any = WEB.key) -> str:
    return decided.services[key].annotations.get("pointsman.dev/announced-by", "")
